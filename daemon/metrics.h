/*
 * The numbers that a process keeps for the exporter, on a page of its own of
 * the board.  One process writes a page, by plain relaxed stores: no lock, no
 * system call.
 *
 * Counters only ever grow.  So a parent goes on from what it finds in its slot:
 * that is what those before it have counted, and the sum over all slots is that
 * of the service's life, whichever parents are gone, without anybody who would
 * have to add up in time.  A gauge is the living parent's alone, which makes it
 * zero when it begins; of a slot without one nobody reads it.
 */
#ifndef POSTERN_METRICS_H
#define POSTERN_METRICS_H

#include <stdint.h>

#include "config.h"
#include "reason.h"
#include "dialer.h"
#include "resolver.h"
#include "service_page.h"

/* The states of a connection but for the last, when it is gone (conn.h). */
#define METRICS_STATES 9

/* A handshake's time is counted in the first of these that it does not pass. */
#define METRICS_BUCKETS 14
extern const uint32_t metrics_bucket_us[METRICS_BUCKETS];

/* What becomes of a question to the resolver. */
enum metrics_query {
	QUERY_ANSWERED = RESOLVER_ANSWERED,
	QUERY_TIMEOUT = RESOLVER_TIMEOUT,
	QUERY_FAILED = RESOLVER_FAILED,
	QUERY_UNASKED,		/* it took no more questions */
	QUERY_OUTCOMES
};

struct metrics {
	/* counters */
	metric	accepted;
	metric	lost;		/* gone before they were let in or refused */
	metric	refused[REASON_COUNT];
	metric	health_checks;
	metric	handshake[METRICS_BUCKETS + 1];	/* the last: longer */
	metric	handshake_us;			/* the sum */
	metric	opened, closed;			/* sessions */
	metric	bytes_in, bytes_out;		/* of clients, decrypted */
	metric	workers_killed, workers_failed, workers_overdue;
	metric	spawners_died, resolvers_died;
	metric	queries[QUERY_OUTCOMES];
	metric	cache_hits;
	metric	dialers_died;
	metric	dials[DIALER_STATUSES];

	/* gauges: from here on a new parent begins with zero */
	metric	state[METRICS_STATES];		/* connections in each */
	metric	workers_ready, workers_busy;
	metric	not_after[FILE_COUNT];		/* s since 1970; 0: none */
};

/* Where this process counts: on the page it was given, or for nobody. */
extern struct metrics		*metrics;
extern struct service_metrics	*service_metrics;

/* Go on from what is on this page, which is ours from now on. */
void metrics_take(struct metrics *page);

/* Only for the page's one writer. */
static inline void
metric_add(metric *m, uint64_t n)
{
	metric_set(m, metric_get(m) + n);
}

static inline void
metric_sub(metric *m, uint64_t n)
{
	metric_set(m, metric_get(m) - n);
}

/* A handshake has taken so long. */
void metrics_handshake(uint64_t us);

#endif
