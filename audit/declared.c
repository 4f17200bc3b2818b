#include "declared.h"

#include <string.h>

#define BIT(ns)	(1U << (ns))

/* The workers' whole world; the spawner itself stays outside of one. */
#define NESTED	(BIT(NS_USER) | BIT(NS_MNT) | BIT(NS_NET) | BIT(NS_IPC) | \
	BIT(NS_UTS) | BIT(NS_CGROUP) | BIT(NS_PID_CHILDREN))

#define STANDARD	{ 0, 1, KIND_NULL }, { 2, 2, KIND_LOG }

enum { SUPERVISOR, PARENT, RESOLVER, DIALER, DIAL_SPAWNER, LOCAL_DIALER,
	EXPORTER, SPAWNER, INIT, ECHO, POOL_SPAWNER, POOL_INIT, POOL,
	RELAY_SPAWNER, RELAY_INIT, RELAY };

const struct declared declared[] = {
	[SUPERVISOR] = {
		.title = "posternd: supervisor", .policy = POLICY_SUPERVISOR,
		.program = PROGRAM_DAEMON, .parent = -1, .owner = OWNER_ROOT,
		.home = HOME_SYSTEM, .landlock = LOCK_SIGNALS,
		.shares_board = true,
		/* 3: whom it tells how the service is */
		.fd = { STANDARD, { 3, 3, KIND_DATAGRAM | KIND_NULL },
		    { 4, FD_LAST, KIND_PROGRAM | KIND_BOARD | KIND_PEM |
		    KIND_KEY | KIND_LISTENER | KIND_PIPE_IN | KIND_CHANNEL |
		    KIND_PID_FILE | KIND_TERMINAL | KIND_DOOR | KIND_CHILD } },
	},
	[PARENT] = {
		.title = "posternd: parent", .numbered = true,
		.policy = POLICY_PARENT, .program = PROGRAM_DAEMON,
		.parent = SUPERVISOR, .owner = OWNER_SERVICE,
		.home = HOME_REMOVED, .landlock = LOCK_ALL,
		.dies_with_parent = true, .shares_board = true,
		.reads_board = true, .has_key = true,
		.fd = { STANDARD, { 3, 3, KIND_CHANNEL },
		    { 4, 4, KIND_PIPE_OUT }, { 6, 6, KIND_CHANNEL },
		    { 7, 7, KIND_SIGNALS }, { 9, 10, KIND_PEM },
		    { 10, 10, KIND_NULL }, { 11, 12, KIND_CHANNEL },
		    /* libevent's set and its pipe, the workers' life line */
		    { 5, FD_LAST, KIND_EPOLL | KIND_PIPE_IN | KIND_PIPE_OUT |
		    KIND_LISTENER | KIND_CLIENT | KIND_STREAM |
		    KIND_SERVICE } },
	},
	[RESOLVER] = {
		.title = "posternd: resolver", .policy = POLICY_RESOLVER,
		.program = PROGRAM_DAEMON, .parent = PARENT,
		.owner = OWNER_RESOLVER, .home = HOME_SYSTEM,
		.landlock = LOCK_ALL, .ports = "its servers'",
		.dies_with_parent = true,
		.fd = { STANDARD, { 3, 3, KIND_CHANNEL },
		    { 4, FD_LAST, KIND_UDP | KIND_TCP } },
	},
	[DIALER] = {
		.title = "posternd: dialer", .policy = POLICY_DIALER,
		.program = PROGRAM_DAEMON, .parent = PARENT,
		.owner = OWNER_DIALER, .home = HOME_REMOVED,
		.landlock = LOCK_ALL, .ports = "the service's",
		.dies_with_parent = true, .dials = true,
		.fd = { STANDARD, { 3, 3, KIND_CHANNEL },
		    { 4, FD_LAST, KIND_TCP } },
	},
	[DIAL_SPAWNER] = {
		.title = "posternd: dial-spawner",
		.policy = POLICY_DIAL_SPAWNER,
		.program = PROGRAM_DAEMON, .parent = PARENT,
		.owner = OWNER_DIALER, .home = HOME_SYSTEM,
		.own_ns = BIT(NS_USER), .landlock = LOCK_SIGNALS,
		.dies_with_parent = true,
		/* its dialer's */
		.fd = { STANDARD, { 3, 3, KIND_CHANNEL } },
	},
	[LOCAL_DIALER] = {
		.title = "posternd: dialer", .policy = POLICY_DIALER,
		.program = PROGRAM_DAEMON, .parent = DIAL_SPAWNER,
		.owner = OWNER_DIALER, .home = HOME_SOCKET,
		.own_ns = BIT(NS_USER) | BIT(NS_MNT), .alone = true,
		.landlock = LOCK_ALL, .dies_with_parent = true, .dials = true,
		.fd = { STANDARD, { 3, 3, KIND_CHANNEL },
		    { 4, FD_LAST, KIND_STREAM | KIND_CALL } },
	},
	[EXPORTER] = {
		.title = "posternd: exporter", .policy = POLICY_EXPORTER,
		.program = PROGRAM_DAEMON, .parent = SUPERVISOR,
		.owner = OWNER_EXPORTER, .home = HOME_REMOVED,
		.landlock = LOCK_ALL, .dies_with_parent = true,
		.reads_board = true,
		/*
		 * libevent's set and its pipe; 5 and 6 are its doors; who asks
		 */
		.fd = { STANDARD, { 5, 6, KIND_LISTENER | KIND_DOOR |
		    KIND_NULL }, { 3, FD_LAST, KIND_EPOLL | KIND_PIPE_IN |
		    KIND_PIPE_OUT | KIND_CLIENT | KIND_STREAM |
		    KIND_CALL } },
	},
	[SPAWNER] = {
		.title = "postern-worker: spawner", .policy = POLICY_SPAWNER,
		.program = PROGRAM_WORKER, .parent = PARENT,
		.owner = OWNER_WORKER, .home = HOME_EMPTY, .own_ns = NESTED,
		.landlock = LOCK_ALL, .dies_with_parent = true,
		/* its parent's, and init's */
		.fd = { STANDARD, { 3, 4, KIND_CHANNEL } },
	},
	[INIT] = {
		.title = "postern-worker: init", .policy = POLICY_INIT,
		.program = PROGRAM_WORKER, .parent = SPAWNER,
		.owner = OWNER_WORKER, .home = HOME_EMPTY,
		.own_ns = NESTED | BIT(NS_PID), .landlock = LOCK_ALL,
		.fd = { { 3, 3, KIND_PIPE_IN }, { 4, 4, KIND_CHANNEL } },
	},
	[ECHO] = {
		.title = "postern-worker: echo", .policy = POLICY_ECHO,
		.program = PROGRAM_WORKER, .parent = SPAWNER,
		.owner = OWNER_WORKER, .home = HOME_EMPTY,
		.own_ns = NESTED | BIT(NS_PID), .landlock = LOCK_ALL,
		.fd = { { 3, 3, KIND_STREAM } },
	},
	[POOL_SPAWNER] = {
		.title = "postern-worker: pool-spawner",
		.policy = POLICY_POOL_SPAWNER,
		.program = PROGRAM_WORKER, .parent = PARENT,
		.owner = OWNER_WORKER, .home = HOME_EMPTY, .own_ns = NESTED,
		.landlock = LOCK_ALL, .dies_with_parent = true,
		/* from 4 on: its workers */
		.fd = { STANDARD, { 3, FD_LAST, KIND_CHANNEL } },
	},
	[POOL_INIT] = {
		.title = "postern-worker: init", .policy = POLICY_INIT,
		.program = PROGRAM_WORKER, .parent = POOL_SPAWNER,
		.owner = OWNER_WORKER, .home = HOME_EMPTY,
		.own_ns = NESTED | BIT(NS_PID), .landlock = LOCK_ALL,
		.fd = { { 3, 3, KIND_PIPE_IN }, { 4, 4, KIND_CHANNEL } },
	},
	[POOL] = {
		.title = "postern-worker: pool", .policy = POLICY_POOL,
		.program = PROGRAM_WORKER, .parent = POOL_SPAWNER,
		.owner = OWNER_WORKER, .home = HOME_EMPTY,
		.own_ns = NESTED | BIT(NS_PID), .landlock = LOCK_ALL,
		.fd = { { 3, 3, KIND_CHANNEL }, { 4, 4, KIND_EPOLL },
		    { 0, 2, KIND_STREAM }, { 5, FD_LAST, KIND_STREAM } },
	},
	[RELAY_SPAWNER] = {
		.title = "postern-worker: relay-spawner",
		.policy = POLICY_RELAY_SPAWNER,
		.program = PROGRAM_WORKER, .parent = PARENT,
		.owner = OWNER_WORKER, .home = HOME_EMPTY, .own_ns = NESTED,
		.landlock = LOCK_ALL, .dies_with_parent = true,
		/* a connection to the service, until its worker has it */
		.fd = { STANDARD, { 3, 4, KIND_CHANNEL },
		    { 5, FD_LAST, KIND_TCP | KIND_STREAM | KIND_CALL } },
	},
	[RELAY_INIT] = {
		.title = "postern-worker: init", .policy = POLICY_INIT,
		.program = PROGRAM_WORKER, .parent = RELAY_SPAWNER,
		.owner = OWNER_WORKER, .home = HOME_EMPTY,
		.own_ns = NESTED | BIT(NS_PID), .landlock = LOCK_ALL,
		.fd = { { 3, 3, KIND_PIPE_IN }, { 4, 4, KIND_CHANNEL } },
	},
	[RELAY] = {
		.title = "postern-worker: relay", .policy = POLICY_RELAY,
		.program = PROGRAM_WORKER, .parent = RELAY_SPAWNER,
		.owner = OWNER_WORKER, .home = HOME_EMPTY,
		.own_ns = NESTED | BIT(NS_PID), .landlock = LOCK_ALL,
		.fd = { { 3, 3, KIND_STREAM },
		    { 4, 4, KIND_TCP | KIND_STREAM | KIND_CALL } },
	},
};

const size_t declared_count = sizeof declared / sizeof declared[0];
_Static_assert(sizeof declared / sizeof declared[0] <= DECLARED_MAX,
    "more kinds of processes than there is room for");

/* "posternd: parent 12" is a parent; "posternd: parent 1 2" is nobody. */
static bool
is_titled(const struct declared *d, const char *title)
{
	size_t n = strlen(d->title);

	if (strncmp(title, d->title, n) != 0)	/* NOLINT(bugprone-not-null*) */
		return false;
	title += n;
	if (!d->numbered)
		return *title == '\0';
	n = strspn(title + 1, "0123456789");
	return *title == ' ' && n >= 1 && n <= 4 && title[1 + n] == '\0';
}

const struct declared *
declared_find(const char *title, int parent)
{
	for (size_t i = 0; i < declared_count; i++)
		if (declared[i].parent == parent &&
		    is_titled(&declared[i], title))
			return &declared[i];
	return NULL;
}

bool
declared_is_title(const char *title)
{
	for (size_t i = 0; i < declared_count; i++)
		if (is_titled(&declared[i], title))
			return true;
	return false;
}

const char *
kind_name(enum kind k)
{
	switch (k) {
	case KIND_NULL: return "/dev/null";
	case KIND_LOG: return "the log";
	case KIND_TERMINAL: return "a terminal";
	case KIND_BOARD: return "the board";
	case KIND_PROGRAM: return "a program";
	case KIND_FILE: return "a file";
	case KIND_PEM: return "a file of certificates";
	case KIND_KEY: return "a file with a private key";
	case KIND_PID_FILE: return "a pid file";
	case KIND_PIPE_IN: return "a pipe's reading end";
	case KIND_PIPE_OUT: return "a pipe's writing end";
	case KIND_CHANNEL: return "a local socket of messages";
	case KIND_STREAM: return "a local socket of bytes";
	case KIND_CALL: return "a connection to a local socket";
	case KIND_LISTENER: return "a listening socket";
	case KIND_DATAGRAM: return "a local socket of datagrams";
	case KIND_DOOR: return "a listening local socket";
	case KIND_TCP: return "a TCP socket";
	case KIND_CLIENT: return "a client's connection";
	case KIND_SERVICE: return "a connection to the service";
	case KIND_UDP: return "a UDP socket";
	case KIND_EPOLL: return "an epoll set";
	case KIND_SIGNALS: return "a signalfd";
	case KIND_CHILD: return "a handle on a process";
	case KIND_EVENT: return "an eventfd";
	case KIND_TIMER: return "a timerfd";
	case KIND_OTHER: break;
	}
	return "something else";
}
