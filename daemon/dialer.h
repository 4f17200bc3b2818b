/*
 * posternd: dialer, and posternd: dial-spawner, which starts it.  It connects
 * to the one service of this machine that relay workers pass clients on to, and
 * hands the connections to its parent.  This is all that the two say to each
 * other: fixed-size messages on a SOCK_SEQPACKET pair (channel.h), and neither
 * believes the other.
 */
#ifndef POSTERN_DIALER_H
#define POSTERN_DIALER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"

/* The descriptor of both at their start; 2 is the log (log.h). */
#define DIALER_CHANNEL_FD	3
/* So many questions may be without an answer; a parent asks no more. */
#define DIALER_DIALS		64

/*
 * By this a dialer says that its root may have a service's old socket, or none.
 * (Not of sysexits(3), nor passed on.)
 */
#define DIALER_EXIT_STALE	81

/* parent -> dial-spawner, once, first */
struct dialer_setup {
	uint32_t size;		/* of this structure: one build */
	int32_t	 log_kind;
	int32_t	 log_level;
	uint32_t one_uid;	/* -U: there is no other user to become */
	uint32_t rehearsal;	/* its filter asks a tracer (filter.h) */
	uint32_t uid, gid;	/* to become, if not */
	int32_t	 parent;	/* pid whose death is ours */
	int64_t	 deadline_ms;	/* for one connection */
	struct config_listen to;
};

/* dialer -> parent, once, first: confined; its value is our setup's size */
typedef uint32_t dialer_ready;

enum dialer_wish {
	DIALER_DIAL,		/* a connection, please */
	DIALER_TRY,		/* only to try; it is closed, not handed over */
	DIALER_CANCEL,		/* the one with this id is not wanted now */
	DIALER_WISHES
};

/* parent -> dialer */
struct dialer_query {
	uint64_t id;		/* comes back with the answer */
	uint32_t wish;		/* enum dialer_wish */
	uint32_t again;		/* 1: a dialer that was before could not say */
	int64_t	 ms;		/* of a dial: so long it has */
};

enum dialer_status {
	DIALER_CONNECTED,	/* with the connection's descriptor */
	DIALER_FAILED,		/* `error` says why */
	DIALER_TIMEOUT,		/* the service did not accept it in time */
	DIALER_CANCELLED,	/* as was asked for */
	DIALER_STATUSES,
	DIALER_STALE = DIALER_STATUSES	/* ask again: the next one knows */
};

/* dialer -> parent, one for each query but to cancel one, in any order */
struct dialer_answer {
	uint64_t id;
	int32_t	 status;	/* enum dialer_status */
	int32_t	 error;		/* an errno; 0 unless it failed */
};

/*
 * The dial-spawner.  Where the service has a local socket it starts a dialer,
 * and another where that says that its root is stale; else it becomes one.
 */
_Noreturn void dial_spawner_main(void);

/*
 * The dialer, with that filter of its own: serve the channel at
 * DIALER_CHANNEL_FD until the parent is gone.  `spawner` is the pid of who has
 * forked it, if anybody has; `first`: the parent waits for it.
 */
_Noreturn void dialer_main(const struct dialer_setup *s,
    struct sock_fprog *filter, pid_t spawner, bool first);

/* Has the service a local socket? */
bool dialer_is_local(const struct dialer_setup *s);

#endif
