/*
 * What is declared of each process of the service, besides its system calls
 * (lib/policy.c): one table, which DESIGN says in words.
 */
#ifndef POSTERN_DECLARED_H
#define POSTERN_DECLARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"
#include "proc.h"

enum program { PROGRAM_DAEMON, PROGRAM_WORKER };

/* Whose uid it has: each kind has one that no other kind has. */
enum owner { OWNER_ROOT, OWNER_SERVICE, OWNER_RESOLVER, OWNER_DIALER,
	OWNER_EXPORTER, OWNER_WORKER, OWNER_COUNT };

enum home {
	HOME_SYSTEM,		/* the root of who started the service */
	HOME_REMOVED,		/* an empty directory that is removed already */
	HOME_EMPTY,		/* a root mount: empty, read-only, no other */
	HOME_SOCKET		/* the same, but that it may have one socket */
};

enum lock {
	LOCK_SIGNALS,		/* to nobody that it has not started */
	LOCK_ALL		/* no file, no TCP port, no signal to outside */
};

/* What a descriptor may be; each a bit. */
enum kind {
	KIND_NULL = 1 << 0,		/* /dev/null */
	KIND_LOG = 1 << 1,		/* what the supervisor has at 2 */
	KIND_TERMINAL = 1 << 2,		/* where the supervisor's 2 was once */
	KIND_BOARD = 1 << 3,		/* shared memory with this name */
	KIND_PROGRAM = 1 << 4,		/* one of both, for execution alone */
	KIND_FILE = 1 << 5,		/* a regular file, to be read */
	KIND_PEM = 1 << 22,		/* one with certificates or a CRL */
	KIND_KEY = 1 << 23,		/* one with a private key */
	KIND_PID_FILE = 1 << 6,		/* a regular file under a lock */
	KIND_PIPE_IN = 1 << 7,
	KIND_PIPE_OUT = 1 << 8,
	KIND_CHANNEL = 1 << 9,		/* local socket of messages */
	KIND_STREAM = 1 << 10,		/* local socket of bytes, of a pair */
	KIND_CALL = 1 << 24,		/* the same, whose peer has a name */
	KIND_LISTENER = 1 << 11,	/* TCP */
	KIND_DOOR = 1 << 19,		/* local socket that listens */
	KIND_TCP = 1 << 12,
	KIND_CLIENT = 1 << 25,		/* TCP, to where the service listens */
	KIND_SERVICE = 1 << 26,		/* to where its dialer may connect */
	KIND_UDP = 1 << 13,
	KIND_EPOLL = 1 << 14,
	KIND_SIGNALS = 1 << 15,		/* signalfd */
	KIND_EVENT = 1 << 16,		/* eventfd */
	KIND_TIMER = 1 << 17,		/* timerfd */
	KIND_OTHER = 1 << 18,
	KIND_CHILD = 1 << 20,		/* pidfd */
	KIND_DATAGRAM = 1 << 21		/* local socket of datagrams */
};

/* Descriptors `first` to `last` may be of these kinds. */
struct fd_rule {
	int		first, last;
	unsigned int	kinds;
};
#define FD_RULES	12
#define FD_LAST		INT32_MAX

struct declared {
	const char	*title;
	bool		 numbered;	/* " 0" and so on follow */
	enum policy_id	 policy;
	enum program	 program;
	int		 parent;	/* index of whose child it is; -1 */
	enum owner	 owner;
	enum home	 home;
	unsigned int	 own_ns;	/* by bit of enum proc_ns: new ones */
	bool		 alone;		/* in these: its parent has others */
	enum lock	 landlock;
	const char	*ports;		/* whose TCP ports it may connect to */
	bool		 dies_with_parent;	/* by signal: check_death.c */
	bool		 shares_board;	/* maps its place for writing */
	bool		 reads_board;	/* maps it, to read all of it */
	bool		 has_key;
	bool		 dials;		/* has POLICY_DIAL_ADDRESS */
	struct fd_rule	 fd[FD_RULES];
};

#define DECLARED_MAX 16
extern const struct declared declared[];
extern const size_t declared_count;

/*
 * Who calls itself so and is the child of a `parent` (-1: of none of ours);
 * NULL if nobody should be.
 */
const struct declared *declared_find(const char *title, int parent);

/* Is it a title that any of ours has? */
bool declared_is_title(const char *title);

const char *kind_name(enum kind k);

#endif
