/*
 * The resolver's memory: what was answered for an address, for a while.
 */
#ifndef POSTERN_CACHE_H
#define POSTERN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "hosts.h"
#include "resolver.h"

/* So many answers are kept, in sets of CACHE_WAYS (about 2 MiB when full). */
#define CACHE_ENTRIES	1024
#define CACHE_WAYS	4

/*
 * Take a seed of our own: nobody can aim at an address's set.  Called once,
 * while nothing is known.
 */
void cache_init(void);

/* What is known at `now` (ms): into *a, all but its id.  False if nothing. */
bool cache_find(const struct host_address *who, int64_t now,
    struct resolver_answer *a);

/*
 * Know *a until `until` (ms).  Where a set is full, what would be forgotten
 * first makes room.
 */
void cache_add(const struct host_address *who, int64_t until,
    const struct resolver_answer *a);

#endif
