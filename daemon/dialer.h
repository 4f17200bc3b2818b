/*
 * posternd: dialer.  It connects to the one service of this machine that relay
 * workers pass clients on to, and hands the connections to its parent.  This is
 * all that the two say to each other: fixed-size messages on a SOCK_SEQPACKET
 * pair (channel.h), and neither believes the other.
 */
#ifndef POSTERN_DIALER_H
#define POSTERN_DIALER_H

#include <stdint.h>

#include "config.h"

/* The dialer's descriptor at its start; 2 is the log (log.h). */
#define DIALER_CHANNEL_FD	3
/* So many questions may be without an answer; a parent asks no more. */
#define DIALER_DIALS		64

/* parent -> dialer, once, first */
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
	uint64_t wish;		/* enum dialer_wish */
};

enum dialer_status {
	DIALER_CONNECTED,	/* with the connection's descriptor */
	DIALER_FAILED,		/* `error` says why */
	DIALER_TIMEOUT,		/* the service did not accept it in time */
	DIALER_CANCELLED,	/* as was asked for */
	DIALER_STATUSES
};

/* dialer -> parent, one for each query but to cancel one, in any order */
struct dialer_answer {
	uint64_t id;
	int32_t	 status;	/* enum dialer_status */
	int32_t	 error;		/* an errno; 0 unless it failed */
};

/* Serve the channel at DIALER_CHANNEL_FD until the parent is gone. */
_Noreturn void dialer_main(void);

#endif
