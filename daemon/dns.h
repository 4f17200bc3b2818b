/*
 * Look-ups: the names that reverse DNS gives for an address, each confirmed
 * by a forward look-up of the same address.  Many go on at once.  c-ares asks
 * and retries; what comes back is hostile until it is confirmed.
 */
#ifndef POSTERN_DNS_H
#define POSTERN_DNS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "hosts.h"
#include "resolver.h"

/* At once.  Each has its own c-ares channel, of about 75 KiB. */
#define DNS_LOOKUPS	128
/* The sockets that they may have: one UDP and one TCP to each server. */
#define DNS_SOCKETS	(DNS_LOOKUPS * RESOLVER_SERVERS * 2)

/*
 * Take the servers of the setup, or resolv.conf's where it has none, and make
 * everything that needs a file.  Returns their number, and their TCP ports.
 * Ends the process if it cannot.
 */
uint32_t dns_prepare(const struct resolver_setup *s,
    uint16_t port[RESOLVER_SERVERS]);

/* One under way for the address, until `deadline` (ms) or longer; or -1. */
int dns_find(const struct host_address *who, int64_t deadline);

/*
 * Begin one that has until `deadline` (ms, dns_now); -1 if there are too many.
 * Its number, below DNS_LOOKUPS, comes back with resolver_done.
 */
int dns_begin(const struct host_address *who, int64_t deadline);

/*
 * Fill `p`, which holds DNS_SOCKETS, with what look-ups wait for; returns how
 * many.  *wait is in ms how long they can, at most; -1: for ever.
 */
int dns_poll(struct pollfd *p, int *wait);

/* Go on with them after poll(2); the same `p` and number. */
void dns_turn(const struct pollfd *p, int n);

/* Milliseconds of the monotonic clock. */
int64_t dns_now(void);

/*
 * Called when a look-up has ended: its answer, without an id; `whole` if
 * nothing was left unanswered.  resolver.c has it.
 */
void resolver_done(int lookup, const struct host_address *who,
    const struct resolver_answer *a, bool whole);

/*
 * Take the host names of the PTR records in a reply, along CNAMEs from its
 * question, each of which comes before what it stands for (RFC 1034, 4.3.2).
 * *dropped counts names that are none.  Of a reply 128 records are read.
 * False if one of them is malformed, or a name longer than 255 bytes.
 */
bool dns_read_ptr(const unsigned char *msg, int len,
    char name[RESOLVER_NAMES][RESOLVER_NAME_SIZE], uint32_t *names,
    uint32_t *dropped);

/* In the same way: is the address among the A or AAAA records of a reply? */
bool dns_read_address(const unsigned char *msg, int len,
    const struct host_address *who, bool *found);

#endif
