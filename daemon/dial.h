/*
 * A parent's side of its dialer: wishes out, connections to the service in.  Of
 * an answer is believed that a descriptor came with it, which is looked at: it
 * must be a stream socket.
 */
#ifndef POSTERN_DIAL_H
#define POSTERN_DIAL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "dialer.h"

/*
 * Start the dialer, before confinement, and hand it its setup (of which `size`
 * and `parent` are filled in here).  `exe` is a descriptor of our own program;
 * the channel's is `at`, which may be the same, and loses what it was.  Ends
 * the process if it cannot.
 */
void dial_start(const struct dialer_setup *s, int exe, int at);

/*
 * Wait until it says that it is confined and ready; false if it ended instead,
 * with its wait status (0: not known).  Its own words are in the log already.
 */
bool dial_wait(int channel, int *status);

/* Serve the channel in the event loop. */
void dial_serve(struct event_base *base, int channel);

/*
 * Ask for connections for those who wait for one (conn_to_dial), as many as may
 * be asked for at once.  False if there is no dialer any more.
 */
bool dial_more(void);

/* Nobody waits any more for the connection with this number. */
void dial_cancel(uint64_t id);

/* One of them has waited for longer than the dialer may take. */
void dial_overdue(void);

/*
 * A question to try it by (canary.h): it does all that it does for a client,
 * but keeps the connection, if there is one, and answers soon.  False with
 * errno set if it cannot be asked.
 */
bool dial_try(int channel);

/*
 * Has it answered that?  1; 0 at its end; -1 with errno set: EAGAIN, not yet.
 */
int dial_answered(int channel);

/* Is this a stream socket? */
bool dial_is_stream(int fd);

/* ---- conn.c has these, and entry.c the last ---- */

/*
 * The first that waits and is not asked for; it is now, by this number, within
 * so long.  False: there is none.
 */
bool conn_to_dial(struct dialer_query *q);

/* It could not be asked for: so it is not, yet.  Or it is to be again. */
void conn_dial_later(uint64_t id);
void conn_dial_again(uint64_t id);

/* There will be none for those who wait. */
void conn_dialer_lost(void);

/*
 * Its answer: `fd` is a connection to the service, the caller's to close if
 * there is no such client any more, or -1, and then `why` are words for it.
 */
void conn_dialed(uint64_t id, int fd, const char *why);

#endif
