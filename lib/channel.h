/*
 * What parent and spawner say to each other: fixed-size messages on a
 * SOCK_SEQPACKET pair, so that a message is whole or absent.
 */
#ifndef POSTERN_CHANNEL_H
#define POSTERN_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The spawner's descriptors at its start; 2 is the log (log.h). */
enum {
	SPAWNER_CHANNEL_FD = 3,
	SPAWNER_LIFE_FD = 4,	/* end of file: the parent is gone */
	SPAWNER_INIT_FD = 4,	/* in its place, once init has that */
	SPAWNER_FD_END = 5
};

/* What a spawner's workers do. */
enum spawner_kind {
	SPAWNER_ECHO,
	SPAWNER_POOL,		/* echo, too: few, each for many */
	SPAWNER_RELAY,
	SPAWNER_KINDS
};

/* By its title a spawner is told which it is. */
extern const char *const spawner_title[SPAWNER_KINDS];

enum worker_kind {
	WORKER_ECHO,
	WORKER_RELAY		/* to a service of this machine */
};

enum isolation {
	ISOLATION_CONNECTION,	/* an echo worker per connection */
	ISOLATION_POOL		/* few workers, each serving many */
};

/* parent -> spawner, once, first */
struct spawner_setup {
	uint32_t size;		/* of this: both sides are one build */
	int32_t	 log_kind;
	int32_t	 log_level;
	int32_t	 kind;		/* enum spawner_kind */
	int32_t	 pool_workers;
	int32_t	 max_connections;	/* a pool worker's share of memory */
	int32_t	 idle_ms;	/* a relay worker's patience (relay.c) */
	int32_t	 parent;	/* pid: with whom to end */
	int32_t	 one_uid;	/* -U: there is no other user to become */
	int32_t	 rehearsal;	/* filters ask a tracer (filter.h) */
	uint32_t uid, gid;	/* to become, if not */
};

/* At most so many in one message. */
#define SPAWNER_OVER_MAX 30

/*
 * Relay workers that are wished for and not yet there, at most: so many wishes
 * the spawner can keep, and so it hears what is said after them.
 */
#define SPAWNER_WISHES 32

/*
 * parent -> spawner: so many more workers (connections, in a pool), please; and
 * the sessions of these workers are over: whoever is there still has to end.
 * Of relay workers one at a time, and with the service's descriptor.  The last
 * one has it end, when it has told the log what it had not yet.
 */
struct spawner_want {
	uint32_t count;
	uint32_t over;		/* so many in pid */
	uint32_t last;		/* 1: nothing comes after this, or 0 */
	uint64_t id;		/* of a relay worker: comes back with it */
	int32_t	 pid[SPAWNER_OVER_MAX];
};

enum spawner_event_type {
	SPAWNER_READY = 1,	/* confined; asks for nothing */
	SPAWNER_WORKER,		/* with a descriptor: a worker's other end */
	SPAWNER_DIED,		/* a worker ended otherwise than by exit(0) */
	SPAWNER_ENDED,		/* a relay worker did, by that, or the first */
				/* echo worker: canary.h wants to know */
	SPAWNER_BUSY		/* a worker cannot be had now; it goes on */
				/* trying, and says so each second */
};

/*
 * How a relay worker ends by itself, besides 0: the connection to the service
 * broke (EX_IOERR).
 */
#define RELAY_EXIT_LOST 74

/* spawner -> parent */
struct spawner_event {
	uint32_t type;
	int32_t	 pid;		/* as the system knows it, not the namespace */
	int32_t	 signal;	/* DIED: 0 if it exited */
	int32_t	 status;	/* DIED: its exit status */
	uint64_t id;		/* WORKER: that of the wish for it */
};

/*
 * Send `len` bytes and, unless `fd` is -1, one descriptor.  False with errno
 * set; a full channel is EAGAIN when the socket does not block.
 */
bool channel_send(int sock, const void *msg, size_t len, int fd);

/*
 * Of an errno of channel_send: does it pass?  ETOOMANYREFS does, too:
 * descriptors that were sent and not received yet are counted for each user,
 * over all its processes, and compared with the sender's RLIMIT_NOFILE
 * (unix(7)).
 */
bool channel_passes(int error);

/*
 * Receive one message of exactly `len` bytes into `msg`; a descriptor that
 * came with it goes to *fd (-1: none), close-on-exec, owned by the caller.
 * Returns 1; 0 at end of file; -1 with errno set: EAGAIN if there is nothing,
 * EBADMSG if its length or what it carries is not as agreed (nothing is kept),
 * EMFILE if it carried a descriptor for which there was no room here: then the
 * message is whole, and the descriptor is closed.
 */
int channel_recv(int sock, void *msg, size_t len, int *fd);

#endif
