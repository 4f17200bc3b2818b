/*
 * What a parent starts with: its descriptors by number, and one structure.
 */
#ifndef POSTERN_HANDOFF_H
#define POSTERN_HANDOFF_H

#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "siphash.h"

/* 0 and 1 are /dev/null, 2 is the log (log.h). */
enum {
	HANDOFF_FD = 3,		/* struct handoff, in a memfd of its own */
	HANDOFF_PROGRESS,	/* pipe: a byte is progress; first, "ready" */
				/* and one each PROGRESS_MS after that */
	HANDOFF_BOARD,		/* memfd of pages, one a parent (board.h) */
	HANDOFF_WORKER_EXE,	/* postern-worker, open for execution */
	HANDOFF_FILE,		/* certificate, key, CA, CRL, in this order */
	HANDOFF_NEWS = HANDOFF_FILE + FILE_COUNT,	/* news.h */
	HANDOFF_DAEMON_EXE,	/* posternd, for resolver and dialer */
	HANDOFF_OLD_CRL,	/* by_watch: the one in force, or /dev/null */
	HANDOFF_LISTEN,
	/* once the handoff, and the files, are read */
	PARENT_CHANNEL_FD = HANDOFF_FD,
	PARENT_LOOP_FD = HANDOFF_BOARD,		/* the lowest free */
	PARENT_SIGNAL_FD = HANDOFF_FILE + FILE_CERTIFICATE,
	PARENT_RESOLVER_FD = HANDOFF_WORKER_EXE,
	PARENT_DIALER_FD = HANDOFF_DAEMON_EXE,
	/* these two stay, and newer ones take their places (news.h) */
	PARENT_CA_FD = HANDOFF_FILE + FILE_CA,
	PARENT_CRL_FD = HANDOFF_FILE + FILE_CRL
};
/* policy.c limits calls to these. */
_Static_assert(PARENT_CHANNEL_FD == 3 && HANDOFF_PROGRESS == 4 &&
    PARENT_LOOP_FD == 5 && PARENT_RESOLVER_FD == 6 && PARENT_SIGNAL_FD == 7 &&
    PARENT_CA_FD == 9 && PARENT_CRL_FD == 10 && HANDOFF_NEWS == 11 &&
    PARENT_DIALER_FD == 12,
    "the parent's table in policy.c says 3 to 7 and 9 to 12");

/*
 * A parent that is ready tells so often that it has been through its loop (ms);
 * it is late, and hangs, when the supervisor has looked so often in vain.
 */
#define PROGRESS_MS		2000
#define PROGRESS_LATE_LOOKS	3
#define PROGRESS_HUNG_LOOKS	15
#define PROGRESS_HUNG_MS	(PROGRESS_MS * PROGRESS_HUNG_LOOKS)

/*
 * The exit code of a parent that a filter, or whatever else, has kept from
 * being ready: the canary's (canary.h).  Not of sysexits(3), nor passed on.
 */
#define PARENT_EXIT_CANARY 80

struct handoff {
	uint32_t	size;		/* of this structure */
	uint32_t	generation;
	uint32_t	index;		/* of this parent in its generation */
	uint32_t	slot, slots;	/* our page of the board; how many */
	uint8_t		crowd_key[SIPHASH_KEY];	/* the same for all parents */
	int32_t		supervisor;	/* pid */
	int32_t		log_kind;	/* enum log_kind */
	uint32_t	one_uid;	/* -U */
	uint32_t	by_watch;	/* nobody asked for these files */
	uint32_t	trial;		/* only to say whether they are good */
	uint32_t	rehearsal;	/* under filters that ask a tracer */
	uint32_t	uid, gid;	/* `user`; unused with -U */
	uint32_t	worker_uid, worker_gid;
	uint32_t	resolver_uid, resolver_gid;
	uint32_t	dialer_uid, dialer_gid;
	struct config	config;
};

#endif
