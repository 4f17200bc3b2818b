/*
 * How it all ended: an exit code, a word for programs, a line for people.
 */
#ifndef POSTERN_CLIENT_VERDICT_H
#define POSTERN_CLIENT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "dial.h"
#include "session.h"

/* What an end is to be judged by, besides how it ended. */
struct verdict_context {
	const char	*host;
	bool		 with_certificate;	/* we had one to show */
	int		 seconds;	/* how long we waited, if we did */
};

struct verdict {
	int		 code;		/* sysexits(3) */
	const char	*result;	/* static; postern(1) lists them */
	char		 text[1024];	/* one line; "" if code is EX_OK */
};

/* How relaying, pinging or sending came to its end. */
struct ending {
	enum session_status	 status;	/* how the session ended */
	const char		*local;		/* not NULL: our own input or
						 * output that failed... */
	int			 errnum;	/* ...for this reason... */
	const char		*why;		/* ...or, not NULL, for this */
	uint64_t		 received;	/* bytes from the server */
	bool			 unsent;	/* input taken, not all sent */
	uint64_t		 missing;	/* bytes sent, never echoed */
	char			 early[64];	/* the session's orderly end
						 * came too soon: when ("after
						 * ..."); "" if it did not */
	bool			 interrupted;	/* by a signal of the user's */
	char			 wrong[128];	/* an echo that is not what was
						 * sent: how; "" if none is */
};

/* All is well, until something is found. */
void verdict_good(struct verdict *v);

/* There is no connection. */
void verdict_dial(struct verdict *v, const struct dial_error *e);

/*
 * Why the handshake failed: EX_PROTOCOL for a server that is not who it should
 * be or speaks no TLS of ours, EX_NOPERM for one that refused us,
 * EX_UNAVAILABLE for no answer.
 */
void verdict_handshake(struct verdict *v, const struct verdict_context *c,
    const struct session *s, enum session_status status);

/* The server is not who it should be, for this reason. */
void verdict_untrusted(struct verdict *v, const struct verdict_context *c,
    const char *why);

/*
 * Why it ended: EX_OK only after the server's close_notify, with all our input
 * sent and, where echoes are counted, all back as it was; EX_IOERR if our own
 * input or output failed; else as above.
 */
void verdict_ending(struct verdict *v, const struct verdict_context *c,
    const struct session *s, const struct ending *e);

/* Standard output has failed, with this errno; there is no memory left. */
void verdict_output(struct verdict *v, int errnum);
void verdict_memory(struct verdict *v);

#endif
