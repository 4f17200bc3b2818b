/*
 * What each process may use of memory, descriptors and the like: rlimits, as
 * data.  A process sets what bounds_of says of it, and an auditor, who has the
 * same configuration, asks the same function what it must find.
 */
#ifndef POSTERN_BOUNDS_H
#define POSTERN_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "policy.h"

/* Descriptors that a parent has beyond two for each connection. */
#define BOUNDS_PARENT_FILES	128
/* Of a resolver: two for each question to each server, and a few. */
#define BOUNDS_RESOLVER_FILES	2064
/*
 * Of a dialer: its connections under way, and a few.  For all of 64 parents, as
 * what one of them has not received yet is counted against the others, who are
 * of the same user.
 */
#define BOUNDS_DIALER_FILES	4112

/* What they depend on. */
struct bounds_for {
	uint32_t	max_connections;	/* over all parents */
	uint32_t	share;			/* of these, one parent's */
	bool		pool;			/* isolation = "pool" */
	bool		log_is_file;		/* descriptor 2: a file */
};

enum bound {
	BOUND_FILES,		/* RLIMIT_NOFILE */
	BOUND_PROCESSES,	/* RLIMIT_NPROC; root is not bound by it */
	BOUND_MEMORY,		/* RLIMIT_DATA: heap and private mappings */
	BOUND_STACK,		/* RLIMIT_STACK */
	BOUND_FILE_SIZE,	/* RLIMIT_FSIZE: no regular file is written */
	BOUND_CORE,		/* RLIMIT_CORE */
	BOUND_QUEUES,		/* RLIMIT_MSGQUEUE */
	BOUND_COUNT
};

/* A bound that is left as it was. */
#define BOUNDS_OPEN RLIM_INFINITY

/* For every bound, in bytes or by number; BOUNDS_OPEN where there is none. */
struct bounds {
	rlim_t	most[BOUND_COUNT];
	/*
	 * Those beneath it need more: only the soft limit is set.  It keeps a
	 * process that runs away, and not one that is taken over.
	 */
	bool	soft[BOUND_COUNT];
};

/*
 * A sanitizer's shadow is larger than any bound: built with one, memory and
 * stack are open.
 */
struct bounds bounds_of(enum policy_id id, const struct bounds_for *f);

/* RLIMIT_*, for setrlimit(2) and /proc/PID/limits. */
int bounds_resource(enum bound b);

/* "RLIMIT_NOFILE" */
const char *bounds_name(enum bound b);

/* Is descriptor 2, the log, a regular file?  Then it must be written. */
bool bounds_log_is_file(void);

/*
 * Set them on this process and read each back; failure is fatal.  A hard limit
 * that is lower already stays as it is.
 */
void bounds_apply(enum policy_id id, const struct bounds_for *f);

/*
 * The same for a process that was forked by one of kind `from', which had set
 * and read its own: only where the two differ, since what is inherited is
 * there.  A worker for each connection has no calls to waste.
 */
void bounds_narrow(enum policy_id id, enum policy_id from,
    const struct bounds_for *f);

#endif
