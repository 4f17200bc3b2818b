/*
 * All tables: what each process may ask of the kernel, and why it needs to.
 *
 * A filter is inherited.  So the supervisor's table is its own rows plus all
 * groups of what it starts, and a row allowed to a process counts only if all
 * the filters beneath it allow it too.
 */
#include "policy.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/mount.h>

#define EQ(a, v)	{ .arg = (a), .op = LIMIT_EQ, .value = (uint64_t)(v) }
#define MASK(a, m, v)	{ .arg = (a), .op = LIMIT_MASK, \
	.mask = (uint64_t)(m), .value = (uint64_t)(v) }

#define GROUP(n, w, r) { .name = (n), .when = (w), .rows = (r), \
	.count = sizeof(r) / sizeof((r)[0]) }

/* ---- rows that several processes share ------------------------------------ */

static const struct policy_row memory_rows[] = {
	{ "brk", { {0} }, "malloc grows and shrinks its heap" },
	{ "madvise", { {0} }, "malloc gives freed memory back" },
	{ "mmap", { MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0) },
	    "malloc takes large blocks: private, never executable" },
	{ "mremap", { {0} }, "malloc resizes large blocks" },
	{ "munmap", { {0} }, "malloc gives large blocks back" },
};
static const struct policy_group memory =
    GROUP("memory", WHEN_ALWAYS, memory_rows);

/* Not seen in an ordinary run; another kernel, clock or moment needs them. */
static const struct policy_row reserve_rows[] = {
	{ "clock_gettime", { {0} }, "where the vDSO has no clock" },
	{ "getpid", { {0} }, "libcrypto's random generator notices forks" },
	{ "getrandom", { {0} }, "libcrypto's random generator reseeds itself" },
	{ "gettimeofday", { {0} }, "where the vDSO has no clock" },
	{ "futex", { {0} }, "libcrypto's locks, if ever contended" },
	{ "restart_syscall", { {0} }, "a timed wait resumed after SIGCONT" },
	{ "rt_sigreturn", { {0} }, "return from a signal's handler" },
	{ "time", { {0} }, "where the vDSO has no clock" },
};
static const struct policy_group reserve =
    GROUP("reserve", WHEN_ALWAYS, reserve_rows);

static const struct policy_row log_rows[] = {
	{ "ppoll", { EQ(1, 1) }, "asks whether a blocking log sink would block" },
	{ "sendto", { EQ(0, 2) }, "logs to the journal or syslogd" },
	{ "write", { EQ(0, 2) }, "logs to a terminal, pipe or file" },
};
static const struct policy_group logging =
    GROUP("log", WHEN_ALWAYS, log_rows);

static const struct policy_row exit_rows[] = {
	{ "exit_group", { {0} }, "ends" },
};
static const struct policy_group ending =
    GROUP("exit", WHEN_ALWAYS, exit_rows);

/* What AddressSanitizer's and UBSan's run time ask for by themselves. */
static const struct policy_row sanitizer_rows[] = {
	{ "clock_gettime", { {0} }, "sanitizer: report" },
	{ "close", { {0} }, "sanitizer: reads its own mappings" },
	{ "exit_group", { {0} }, "sanitizer: ends after a report" },
	{ "fstat", { {0} }, "sanitizer: symbolizes" },
	{ "futex", { {0} }, "sanitizer: its locks" },
	{ "getpid", { {0} }, "sanitizer: report" },
	{ "gettid", { {0} }, "sanitizer: report" },
	{ "getrlimit", { {0} }, "sanitizer: size of the stack" },
	{ "madvise", { {0} }, "sanitizer: shadow memory" },
	{ "mmap", { MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0) },
	    "sanitizer: shadow memory" },
	{ "mprotect", { MASK(2, PROT_EXEC, 0) }, "sanitizer: shadow memory" },
	{ "munmap", { {0} }, "sanitizer: shadow memory" },
	{ "newfstatat", { {0} }, "sanitizer: symbolizes" },
	{ "openat", { MASK(2, O_ACCMODE, O_RDONLY) },
	    "sanitizer: reads its own mappings" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "sanitizer: size of the stack" },
	{ "readlink", { {0} }, "sanitizer: name of its program" },
	{ "readlinkat", { {0} }, "sanitizer: name of its program" },
	{ "rt_sigaction", { {0} }, "sanitizer: its handlers" },
	{ "rt_sigprocmask", { {0} }, "sanitizer: its handlers" },
	{ "sched_yield", { {0} }, "sanitizer: its locks" },
	{ "sigaltstack", { {0} }, "sanitizer: its stack for reports" },
	{ "write", { EQ(0, 2) }, "sanitizer: report" },
};
static const struct policy_group sanitizer =
    GROUP("sanitizer", WHEN_SANITIZED, sanitizer_rows);

/* ---- echo worker ------------------------------------------------------------ */

static const struct policy_row echo_rows[] = {
	{ "exit_group", { {0} }, "ends when its client has" },
	{ "read", { EQ(0, 3) }, "takes the client's bytes" },
	{ "write", { EQ(0, 3) }, "gives them back" },
};
static const struct policy_group echo = GROUP("echo", WHEN_ALWAYS, echo_rows);

/* ---- pool worker ------------------------------------------------------------ */

static const struct policy_row pool_rows[] = {
	{ "close", { {0} }, "a connection has ended" },
	{ "epoll_ctl", { EQ(0, 4) }, "takes a connection into its set" },
	{ "epoll_pwait", { EQ(0, 4) }, "waits for any of its connections" },
	{ "epoll_wait", { EQ(0, 4) }, "waits for any of its connections" },
	{ "exit_group", { {0} }, "ends with its spawner" },
	{ "read", { {0} }, "takes a client's bytes" },
	{ "recvmsg", { EQ(0, 3) }, "is handed a connection by the spawner" },
	{ "write", { {0} }, "gives them back" },
};
static const struct policy_group pool = GROUP("pool", WHEN_ALWAYS, pool_rows);

/* ---- init of the workers' pid namespace -------------------------------------- */

static const struct policy_row init_rows[] = {
	{ "exit_group", { {0} }, "ends, and all workers with it" },
	{ "read", { EQ(0, 3) }, "notices that the parent is gone" },
};
static const struct policy_group init = GROUP("init", WHEN_ALWAYS, init_rows);

/* ---- spawner ------------------------------------------------------------------ */

static const struct policy_row spawner_rows[] = {
	{ "clone", { EQ(0, SIGCHLD) }, "forks a worker: no thread, no namespace" },
	{ "close", { {0} }, "lets go of a pair's ends once handed over" },
	{ "ppoll", { {0} }, "waits for the parent, or for a child to end" },
	{ "recvmsg", { EQ(0, 3) }, "hears how many workers are wanted" },
	{ "rt_sigreturn", { {0} }, "returns from SIGCHLD's handler" },
	{ "sendmsg", { {0} }, "hands over a worker's other end" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC) },
	    "makes the only way into a worker" },
	{ "wait4", { {0} }, "learns how a worker ended" },
};
static const struct policy_group spawner =
    GROUP("spawner", WHEN_ALWAYS, spawner_rows);

/* What a new worker does between fork and its own filter. */
static const struct policy_row fledge_rows[] = {
	{ "close_range", { {0} }, "a worker closes all but its own descriptor" },
	{ "dup2", { {0} }, "a worker puts its descriptor at 3" },
	{ "dup3", { {0} }, "a worker puts its descriptor at 3" },
	{ "epoll_create1", { EQ(0, EPOLL_CLOEXEC) },
	    "a pool worker makes its set" },
	{ "prctl", { EQ(0, PR_SET_NAME) }, "a worker takes its name" },
	{ "prlimit64", { EQ(0, 0) }, "a worker may open nothing more" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_FILTER), EQ(1, 0) },
	    "a worker confines itself" },
	{ "setrlimit", { {0} }, "a worker may open nothing more" },
};
static const struct policy_group fledge =
    GROUP("fledge", WHEN_ALWAYS, fledge_rows);

/* ---- parent -------------------------------------------------------------------- */

static const struct policy_row parent_rows[] = {
	{ "accept4", { {0} }, "takes a client from a listening socket" },
	{ "close", { {0} }, "ends a connection" },
	{ "epoll_ctl", { {0} }, "libevent's set of descriptors" },
	{ "epoll_pwait", { {0} }, "waits for anything to do" },
	{ "epoll_wait", { {0} }, "waits for anything to do" },
	{ "read", { {0} }, "libevent's signal pipe" },
	{ "recvfrom", { {0} }, "takes what a client or worker has sent" },
	{ "recvmsg", { {0} }, "is handed a worker by the spawner" },
	{ "rt_sigaction", { {0} }, "libevent minds its signals" },
	{ "rt_sigprocmask", { {0} }, "libevent minds its signals" },
	{ "sendmsg", { {0} }, "asks the spawner for workers" },
	{ "sendto", { {0} }, "sends to a client or worker" },
	{ "setsockopt", { EQ(1, IPPROTO_TCP) }, "TCP_NODELAY on a client" },
	{ "shutdown", { {0} }, "tells a worker or client that the end is near" },
	{ "write", { {0} }, "tells the supervisor of progress" },
};
static const struct policy_group parent =
    GROUP("parent", WHEN_ALWAYS, parent_rows);

/* ---- set-up: what a process started by the supervisor does before its own filter */

static const struct policy_row setup_rows[] = {
	{ "execveat", { {0} }, "set-up" },
};
static const struct policy_group setup =
    GROUP("set-up", WHEN_ALWAYS, setup_rows);

/* ---- supervisor ------------------------------------------------------------------ */

static const struct policy_row supervisor_rows[] = {
	{ "kill", { {0} }, "passes signals on to its parents" },
};
static const struct policy_group supervisor =
    GROUP("supervisor", WHEN_ALWAYS, supervisor_rows);

/* ---- client ------------------------------------------------------------------------ */

static const struct policy_row client_rows[] = {
	{ "close", { {0} }, "ends" },
	{ "ppoll", { {0} }, "waits for the server or its input" },
	{ "read", { {0} }, "its input" },
	{ "recvfrom", { {0} }, "what the server sends" },
	{ "sendto", { {0} }, "to the server" },
	{ "shutdown", { {0} }, "ends the connection" },
	{ "write", { {0} }, "its output" },
};
static const struct policy_group client =
    GROUP("client", WHEN_ALWAYS, client_rows);

/* ---- the processes ------------------------------------------------------------------ */

static const struct policy policies[POLICY_COUNT] = {
	[POLICY_SUPERVISOR] = { "supervisor", { &supervisor, &setup, &parent,
	    &spawner, &fledge, &init, &echo, &pool, &memory, &logging, &ending,
	    &reserve, &sanitizer } },
	[POLICY_PARENT] = { "parent", { &parent, &memory, &logging, &ending,
	    &reserve, &sanitizer } },
	[POLICY_SPAWNER] = { "spawner", { &spawner, &fledge, &init, &echo,
	    &pool, &logging, &ending, &sanitizer } },
	[POLICY_INIT] = { "init", { &init, &sanitizer } },
	[POLICY_ECHO] = { "echo", { &echo, &sanitizer } },
	[POLICY_POOL] = { "pool", { &pool, &sanitizer } },
	[POLICY_CLIENT] = { "client", { &client, &memory, &ending, &reserve,
	    &sanitizer } },
};

const struct policy *
policy_get(enum policy_id id)
{
	return &policies[id];
}

bool
policy_group_used(const struct policy_group *g)
{
#ifdef POSTERN_SANITIZED
	(void)g;
	return true;
#else
	return g->when == WHEN_ALWAYS;
#endif
}
