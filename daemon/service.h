/*
 * A parent at work: one event loop, its listeners, its connections, its
 * spawner.  What its files share; conn.h has what is a connection's.
 */
#ifndef POSTERN_SERVICE_H
#define POSTERN_SERVICE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <tls.h>

#include "beneath.h"
#include "handoff.h"
#include "reason.h"

/*
 * With no descriptor or memory left, or while it is the others' turn, listeners
 * rest for so long.
 */
#define SERVICE_REST_MS 100

struct service {
	struct event_base	*base;
	struct tls		*server;
	struct gate		 gate;		/* by what clients are judged */
	const struct config	*config;
	uint32_t		 open;		/* connections of ours */
	bool			 accepting;	/* or will; else it ends */
	bool			 stopping;	/* a drain's deadline runs */
};

extern struct service service;

/* Make the event loop, its signals and listeners; before confinement. */
void service_prepare(const struct config *config);

/* Channels to those that a parent has started; -1: it needs none. */
struct helpers {
	int	spawner, resolver, dialer;
};

/*
 * Serve, with their help, until drained; service.server and service.gate are
 * set.  Without `listens` it takes no client, and waits to be told to go.
 */
void service_run(const struct helpers *h, bool listens);

/* Are workers such as pass clients on to a service of this machine? */
bool service_relays(void);

/* Milliseconds of the monotonic clock, coarse. */
int64_t service_now(void);

/* Accept no more; end when the last connection has.  deadline_ms 0: none. */
void service_drain(int64_t deadline_ms, const char *why);

/* ---- stash.c: ready workers ---------------------------------------------- */

/* Serve the spawner's channel; asks for the first workers. */
void stash_start(int channel);

/*
 * Take a ready worker's descriptor (the caller's) and pid; false if none is
 * ready now: stash_wait says whom to tell (conn_worker_ready).
 */
bool stash_take(int *fd, pid_t *pid);

/*
 * Ask for a relay worker that gets `sock`, a connection to the service, of
 * which the caller keeps its own descriptor; conn_hired brings it, with this
 * number.  False if there is no room for the wish now: conn_worker_ready says
 * when.
 */
bool stash_hire(uint64_t id, int sock);

/*
 * The session of this worker has ended before the worker has: should it not
 * notice, it is killed in two seconds at most.
 */
void stash_over(pid_t pid);

/*
 * No worker is wanted any more: is the loop to go on, until the spawner has
 * told the log what it had left out?  For a second at most.
 */
bool stash_leaves(void);

/* Called when a worker is ready; the first makes the parent so. */
void service_ready(void);

/* ---- conn.c: a client's way ---------------------------------------------- */

/*
 * A client on `sock` (owned from here on), which comes from `from`; there is
 * room for it (room.h).
 */
struct room;
void conn_accept(int sock, const struct sockaddr_storage *from,
    const struct room *room);

/* One line for a client that never became a connection. */
void conn_refuse_early(const struct sockaddr_storage *from, enum reason why);

/* Tell now how many lines on refusals were left out. */
void conn_log_left_out(void);

/*
 * service.gate has newer files: judge every session again, some each turn, and
 * end those that would not come in any more.
 */
void conn_judge_all(void);

/* A worker has become ready: connections that wait for one go on. */
void conn_worker_ready(void);

/*
 * A relay worker that was asked for (entry.c); `fd` is the callee's, -1: there
 * was no room for it.
 */
void conn_hired(uint64_t id, int fd, pid_t pid);

/* The spawner's word of a relay worker's end. */
enum word {
	WORD_NONE,		/* it lives, or its end is not told yet */
	WORD_ORDERLY,		/* all was passed on, both ways */
	WORD_LOST,		/* the service broke the connection */
	WORD_DIED
};

/* That it has ended by itself. */
void conn_worker_ended(pid_t pid, enum word word);

/* Spawner's word that a worker was killed or failed. */
void conn_worker_died(pid_t pid, int signal, int status);

/* Let connections that have input left have their next turn; true if any is
 * left to do.  *lone: the only one that had one, if its session is open, to be
 * compared; else NULL. */
struct conn;
bool conn_run(const struct conn **lone);

/* End every session cleanly now: what was received is still echoed. */
void conn_end_all(const char *why);

#endif
