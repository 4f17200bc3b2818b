/*
 * From a host and a port to one connected TCP socket.
 */
#ifndef POSTERN_CLIENT_DIAL_H
#define POSTERN_CLIENT_DIAL_H

#include <stdint.h>
#include <sys/socket.h>

/* Why there is no connection: an exit code and words ("what: why"). */
struct dial_error {
	int	code;		/* EX_NOHOST, EX_UNAVAILABLE */
	char	text[256];
};

/*
 * Look `host` up (which may be an address) and connect to `port`, of all its
 * addresses of `family` the one that answers first, beginning with one of
 * `first` (AF_UNSPEC: whichever) if there is any: each next address is tried
 * as well when the one before has failed or been silent for a moment (after
 * RFC 8305).  The look-up itself is bounded by resolv.conf(5) alone, all the
 * rest by `deadline`.
 *
 * Returns the socket (the caller's; non-blocking, TCP_NODELAY) with the peer
 * in `peer`, or -1 with *e filled.
 */
int dial(const char *host, const char *port, int family, int first,
    int64_t deadline, struct sockaddr_storage *peer, struct dial_error *e);

#endif
