/*
 * The supervisor's page of the board (lib/service_page.h), for an audit.
 */
#ifndef POSTERN_AUDIT_PAGE_H
#define POSTERN_AUDIT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct service;
struct subject;

/* What one parent was started with, and its part of the board. */
struct slot {
	uint64_t	at, size;
	uint32_t	max_connections;	/* over all parents */
	uint32_t	share;			/* of these, its own */
	bool		leaving;		/* it accepts no more */
};

/* The board is the supervisor's descriptor "fd/N"; false if it is none. */
bool page_open(struct service *s, int dir, const char *name);

/* That of a parent, or of the one above; false if there is none (yet). */
bool page_slot(const struct service *s, const struct subject *p,
    struct slot *slot);

#endif
