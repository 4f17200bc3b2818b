/*
 * Is there room for one more client?  All limits on how many there may be, how
 * many of them not let in yet, and how fast they may come, and what of that
 * each connection has taken.
 */
#ifndef POSTERN_ROOM_H
#define POSTERN_ROOM_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "crowd.h"
#include "reason.h"

struct conn;

/* What a connection has taken; part of it. */
struct room {
	TAILQ_ENTRY(conn)	waits;
	bool			waiting;	/* not let in yet */
	bool			known;		/* from where: `place` */
	struct crowd_place	place;
};

/*
 * A client has come from `from`, or by way of a balancer (NULL), which is not
 * counted as an address.  If there is no room, why; then nothing is taken.  It
 * needs neither memory nor a system call.
 */
enum reason room_enter(struct room *r, const struct sockaddr_storage *from);

/*
 * Should another parent take the next client, because we have our share and
 * they have not?  Then rest for SERVICE_REST_MS, and ask again.  Not for longer
 * than a second, and of handshakes a second in ten: one that does not take them
 * may hang, or lie.
 */
bool room_is_elsewhere(int64_t now);

/* The connection that has it begins to wait; `r` is moved into it. */
void room_keep(struct conn *c, const struct room *r);

/* Or there is none, after all. */
void room_give_back(const struct room *r);

/* The balancer's header names the client.  If there is no room, why. */
enum reason room_name(struct conn *c, const struct sockaddr_storage *client);

/* It is let in: its handshake, and all before that, is over. */
void room_let_in(struct conn *c);

/* It has gone. */
void room_leave(struct conn *c);

#endif
