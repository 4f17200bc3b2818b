/*
 * The supervisor's page of the board (daemon/board.h): who its parents are, and
 * what it has started them with.  It alone writes it, by plain relaxed stores;
 * its parents and the exporter read it, and so does postern-audit, which wants
 * to know what is so without asking whom it looks at.
 */
#ifndef POSTERN_SERVICE_PAGE_H
#define POSTERN_SERVICE_PAGE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#define BOARD_PAGE 4096

typedef _Atomic uint64_t metric;

enum slot_state { SLOT_UNUSED, SLOT_STARTING, SLOT_SERVING, SLOT_LEAVING,
    SLOT_STATES };

/* One slot of the board, as the supervisor has given it. */
struct service_slot {
	metric	pid;
	metric	generation, index;
	metric	state;		/* enum slot_state */
	metric	started_ms;	/* monotonic */
	metric	max_connections;	/* over all of its generation */
	metric	share, share_waiting;	/* what it may have (board.h) */
};

#define METRICS_SLOTS 512

struct service_metrics {
	metric	pid;
	metric	started_s;		/* since 1970 */
	metric	started_ms;		/* monotonic */
	metric	slots;			/* so many lie before this page */
	metric	generation;
	metric	generation_s;		/* since 1970: when it began to serve */
	metric	reloads_ok, reloads_failed;
	metric	parents_died, exporters_died;
	/* as configured now; 0: no limit */
	metric	parents, max_connections, max_per_address, max_handshakes;
	metric	accept_rate, accept_burst;
	struct service_slot slot[METRICS_SLOTS];
};

/* The last of the board: behind the slots of its parents. */
struct board_service {
	alignas(BOARD_PAGE) struct service_metrics metrics;
};

static inline void
metric_set(metric *m, uint64_t v)
{
	atomic_store_explicit(m, v, memory_order_relaxed);
}

static inline uint64_t
metric_get(const metric *m)
{
	return atomic_load_explicit(m, memory_order_relaxed);
}

#endif
