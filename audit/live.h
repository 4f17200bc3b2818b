/*
 * How the findings of postern-audit live are shown.
 */
#ifndef POSTERN_LIVE_H
#define POSTERN_LIVE_H

#include <jansson.h>

#include "service.h"

/* Processes that are alike in everything that was found. */
struct group {
	const struct subject	*first;
	const struct subject	**member;
	size_t			 count;
};

/* malloc'ed, by process and parent; the supervisor's first. */
struct group *groups_of(const struct service *s, size_t *count);

struct tally {
	size_t	processes, threads, gone;
	size_t	verdict[VERDICT_COUNT];
	int64_t	stopped;		/* ns, the longest */
};

struct tally tally_of(const struct service *s);

void live_show(const struct service *s);
json_t *live_json(const struct service *s);

#endif
