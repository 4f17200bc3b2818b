/*
 * How a session ended, as words on standard error and an exit code.
 */
#ifndef POSTERN_CLIENT_VERDICT_H
#define POSTERN_CLIENT_VERDICT_H

#include <stdbool.h>

#include "relay.h"
#include "session.h"

/* What an end is to be judged by, besides how it ended. */
struct verdict_context {
	const char	*host;
	bool		 with_certificate;	/* we had one to show */
	int		 seconds;	/* how long we waited, if we did */
};

/*
 * Say why the handshake failed and return the exit code: EX_PROTOCOL for a
 * server that is not who it should be or speaks no TLS of ours, EX_NOPERM for
 * one that refused us, EX_UNAVAILABLE for no answer.
 */
int verdict_handshake(const struct verdict_context *c,
    const struct session *s, enum session_status status);

/* The server is not who it should be, for this reason. */
int verdict_untrusted(const struct verdict_context *c, const char *why);

/*
 * Say why the relaying ended and return the exit code: EX_OK, without a word,
 * only after the server's close_notify and with all our input sent; EX_IOERR
 * if our own input or output failed; else as above.
 */
int verdict_relay(const struct verdict_context *c, const struct session *s,
    const struct relay_end *end);

#endif
