/*
 * One TLS connection's bytes: received in large pieces, sent in gathered ones.
 *
 * libtls reads from what was received at once (up to RECEIVE_MAX) and writes
 * into a buffer that one send(2) empties.  Both buffers are the process's, not
 * the connection's; a connection keeps only what the other side could not take
 * yet, and while it keeps any, that direction stops.  So a connection holds at
 * most RECEIVE_MAX + PLAIN_MAX + 2 * GATHER_MAX bytes of its client's (twice,
 * since answers to key updates may come behind a full pile), and none when
 * idle.
 */
#ifndef POSTERN_TRANSPORT_H
#define POSTERN_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tls.h>

#define RECEIVE_MAX	262144
#define PLAIN_MAX	65536
#define GATHER_MAX	(PLAIN_MAX + 16384)
#define RECORD_MAX	16384	/* plaintext of one record: RFC 8446 5.1 */

/* Bytes that had to be kept; malloc'ed only while there are any. */
struct pile {
	uint8_t		*data;
	uint32_t	 off, len;	/* len: to be taken, from off on */
};

/* Keep a copy of `len` bytes in an empty pile; false when out of memory. */
bool pile_keep(struct pile *p, const uint8_t *data, size_t len);
/* `n` bytes were taken. */
void pile_take(struct pile *p, size_t n);
void pile_clear(struct pile *p);

struct transport {
	struct tls	*tls;		/* owned */
	int		 sock;		/* owned by the connection */
	struct pile	 in;		/* received, not yet read by libtls */
	struct pile	 out;		/* not taken by the socket yet */
	bool		 readable;	/* the socket may have input */
	bool		 hup;		/* its end has come into sight */
	bool		 eof;		/* it has ended */
	bool		 eof_told;	/* and libtls was: no close_notify */
	bool		 broken;	/* its errno said that it is gone */
	bool		 starved;	/* the kernel had no memory to send: */
					/* to be tried again, no event tells */
};

/* Does this errno of send(2) say that the kernel has no memory just now? */
bool transport_starves(int error);

/* A connection on `sock`, as yet without TLS. */
void transport_begin_plain(struct transport *t, int sock);

/* TLS begins with the next byte; false if libtls has no memory. */
bool transport_accept(struct transport *t, struct tls *server);

/*
 * A turn begins: everything libtls does until transport_end is for `t`.
 * transport_receive takes what the socket has, once, if nothing is left over;
 * false if there is nothing to go on with.
 */
void transport_begin(struct transport *t);
bool transport_receive(struct transport *t);

/* Bytes received that libtls has not read. */
size_t transport_pending(void);

/*
 * libtls has read all and wants more: ask the socket once more, although it
 * gave less than it was asked for.  (A reset right behind an incomplete record
 * has no edge of its own; libevent does not tell of EPOLLERR.)
 */
bool transport_receive_more(struct transport *t);

/* Room in the gather buffer for PLAIN_MAX bytes as records? */
bool transport_room(void);

/*
 * The turn ends: send what was gathered, keep what the socket does not take
 * and what libtls has not read.  False if the connection is lost.
 */
bool transport_end(struct transport *t);

/*
 * Has it gone, while nothing is read from it?  That is: it was reset, or has
 * ended with nothing unread, in which a close_notify could be.
 */
bool transport_gone(const struct transport *t);

/* Try to send what is kept.  False if the connection is lost. */
bool transport_flush(struct transport *t);

void transport_free(struct transport *t);

#endif
