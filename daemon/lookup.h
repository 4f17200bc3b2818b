/*
 * A parent's side of its resolver: questions out, answers in.  An answer is
 * believed only so far as its form goes.
 */
#ifndef POSTERN_LOOKUP_H
#define POSTERN_LOOKUP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "resolver.h"

/*
 * Start the resolver, before confinement, and hand it its setup (of which
 * `size` and `parent` are filled in here).  `exe` is a descriptor of our own
 * program, which stays; the channel's is `at`, which loses what it was.  Ends
 * the process if it cannot.
 */
void lookup_start(const struct resolver_setup *s, int exe, int at);

/*
 * Wait until it says that it is confined and ready; false if it ended instead,
 * with its wait status (0: not known).  Its own words are in the log already.
 */
bool lookup_wait(int channel, int *status);

/* Serve the channel in the event loop. */
void lookup_serve(struct event_base *base, int channel);

enum lookup {
	LOOKUP_ASKED,
	LOOKUP_LATER,		/* the kernel has no memory for it just now */
	LOOKUP_NOT		/* the channel is full, or its resolver gone */
};

/*
 * Ask for the names of the address (its port is no matter); conn_resolved
 * brings the answer, within the deadline and in any order.  Where it is to be
 * later, conn_look_up is called.
 */
enum lookup lookup_ask(uint64_t id, const struct sockaddr_storage *address);

/* ---- entry.c has these ---- */

/* Called for each answer. */
void conn_resolved(const struct resolver_answer *a);

/* Ask for those of whom it was not possible. */
void conn_look_up(void);

/*
 * A question to try it by (canary.h): it asks DNS for itself, and answers soon,
 * whether that does or not.  False with errno set if it cannot be asked.
 */
bool lookup_try(int channel);

/*
 * Has it answered that?  1; 0 at its end; -1 with errno set: EAGAIN, not yet.
 */
int lookup_answered(int channel);

/*
 * The same without an event loop: ask and wait, at most so many ms.  False if
 * the resolver has died, said nothing, or nothing that can be believed.
 */
bool lookup_once(int channel, const struct sockaddr_storage *address,
    int64_t ms, struct resolver_answer *a);

#endif
