/*
 * The processes of postern-worker.
 *
 *	postern-worker: spawner		forks, in namespaces of its own
 *	|-- postern-worker: init	idle; its end ends all workers
 *	`-- postern-worker: echo	one per connection
 *
 * or, with isolation = "pool"
 *
 *	postern-worker: pool-spawner
 *	|-- postern-worker: init
 *	`-- postern-worker: pool	a few, each serving many
 *
 * or, with worker = "relay"
 *
 *	postern-worker: relay-spawner
 *	|-- postern-worker: init
 *	`-- postern-worker: relay	one per connection
 */
#ifndef POSTERN_WORKER_H
#define POSTERN_WORKER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "channel.h"

/* The one descriptor that a worker (and init) starts with. */
#define WORKER_FD 3
/* On which init hears whom to end. */
#define INIT_ORDERS_FD 4
/* A pool worker's epoll set. */
#define POOL_EPOLL_FD 4
/* A relay worker's connection to the service. */
#define SERVICE_FD 4

/*
 * Read the setup from SPAWNER_CHANNEL_FD, confine, spawn until it closes: echo
 * workers, connections of a pool, or relay workers.
 */
_Noreturn void spawner_main(enum spawner_kind kind);

/*
 * Enter empty namespaces: user (no id mapped), network, ipc, uts, cgroup and
 * mount, with an empty read-only root; children get a pid namespace.  Needs no
 * privilege, ends with none inside either.  Failure is fatal, but that ipc, uts
 * and cgroup are the service's where a service manager forbids others.
 */
void nest_enter(void);

/*
 * Kill whom it is handed, and end when nobody can hand it any more; never does
 * anything else.
 */
_Noreturn void init_main(void);

/*
 * Does this errno of write(2) say that the kernel has no memory just now?  Then
 * whoever reads is still there, and the socket has room.
 */
static inline bool
is_starved(int error)
{
	return error == ENOBUFS || error == ENOMEM;
}

/* Echo WORKER_FD until its end. */
_Noreturn void echo_main(void);

/*
 * Pass on what comes at WORKER_FD to SERVICE_FD, and the other way, to both
 * ends.  `idle_ms`: how long a service may take nothing when it is not known
 * whether the client is still there.
 */
_Noreturn void relay_main(int idle_ms);

/* Map what pool_main needs for `connections`; before its filter. */
void pool_prepare(uint32_t connections);

/* Echo all connections that come over WORKER_FD. */
_Noreturn void pool_main(void);

#endif
