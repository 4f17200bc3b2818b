/*
 * The spawner: keeps the parent in workers.
 *
 * It was exec'd before any key was in the parent's memory, and holds nothing
 * but its end of the channel.  Whoever takes it over can fork workers and lie
 * to the parent, which believes nothing but the length of a message and that
 * a descriptor came with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "channel.h"
#include "confine.h"
#include "filter.h"
#include "log.h"
#include "process.h"
#include "title.h"
#include "worker.h"

#define POOL_MAX 64

/* After so many ends, or so long after one, all are looked through. */
#define LOOK_EACH	32
#define LOOK_MS		100

/* More workers at once than any parent keeps ready. */
#define WANT_MAX 64

static struct spawner_setup	setup;
/* Compiled once, for all, and while a file in memory may be made. */
static struct sock_fprog	worker_filter, init_filter, filter;
static enum policy_id		own_kind, worker_kind;
static struct bounds_for	bounds;
static pid_t			init_pid;
static volatile sig_atomic_t	ended;	/* by the latest signal; 0: none */
static sigset_t			waiting;	/* mask while we wait */
/* Our first worker, while it lives, is the parent's canary. */
static enum { CANARY_NONE, CANARY_ALIVE, CANARY_GONE } canary;
static pid_t			canary_pid;

/* A pool worker and the channel on which it is handed connections. */
static struct {
	pid_t	pid;
	int	channel;
} pool[POOL_MAX];
static uint32_t next_in_pool;

/* Relay workers that are owed, in their order. */
static struct {
	uint64_t id;
	int	service;	/* its connection, ours until it has it */
} wish[SPAWNER_WISHES];
static uint32_t wishes;

static void
on_child(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	ended = info->si_pid;
}

/* SIGCHLD comes only while we wait, so that no child's end is missed. */
static void
set_signals(void)
{
	struct sigaction child = { .sa_sigaction = on_child,
	    .sa_flags = SA_SIGINFO };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_SETMASK, &block, NULL);
	sigemptyset(&waiting);
	sigaction(SIGCHLD, &child, NULL);
	/* Inherited: a worker whose client has gone ends by itself. */
	sigaction(SIGPIPE, &ignore, NULL);
	/*
	 * ^C on a terminal, or a service manager's TERM to all, are for the
	 * supervisor: what a session still has in flight is not cut off.
	 */
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGTERM, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
}

static void
read_setup(enum spawner_kind kind)
{
	int fd;

	if (channel_recv(SPAWNER_CHANNEL_FD, &setup, sizeof setup, &fd) != 1 ||
	    fd != -1 || setup.size != sizeof setup ||
	    setup.kind != (int32_t)kind || setup.idle_ms < 1 ||
	    setup.pool_workers < 1 || setup.pool_workers > POOL_MAX)
		fatal(EX_PROTOCOL, "spawner: posternd and postern-worker are "
		    "not of the same version");
}

/* In the child: all descriptors go, but WORKER_FD and what is before `end`. */
static void
close_all_but(int end)
{
	confine_close_from((unsigned int)end);
	if (syscall(SYS_close_range, 0U, WORKER_FD - 1U, 0U) == -1)
		_exit(EX_OSERR);
}

/* In the child: `fd` becomes its only descriptor. */
static void
keep_only(int fd)
{
	if (fd != WORKER_FD && dup2(fd, WORKER_FD) == -1)
		_exit(EX_OSERR);
	close_all_but(WORKER_FD + 1);
}

/* These two.  The first goes where the channel was, which no worker has. */
static void
keep_both(int fd, int sock)
{
	if (dup2(fd, WORKER_FD) == -1 ||
	    (sock != SERVICE_FD && dup2(sock, SERVICE_FD) == -1))
		_exit(EX_OSERR);
	close_all_but(SERVICE_FD + 1);
}

/* In init, whose life line is where it is to be. */
static _Noreturn void
become_init(int orders)
{
	/* Workers whose spawner died become its children. */
	signal(SIGCHLD, SIG_IGN);
	title_set("postern-worker: init");
	if (dup2(SPAWNER_LIFE_FD, WORKER_FD) == -1 ||
	    dup2(orders, INIT_ORDERS_FD) == -1)
		_exit(EX_OSERR);
	confine_close_from(INIT_ORDERS_FD + 1);
	if (syscall(SYS_close_range, 0U, WORKER_FD - 1U, 0U) == -1 ||
	    getpid() != 1)
		_exit(EX_OSERR);
	confine_drop_capabilities();
	confine_check_settled(setup.one_uid);
	confine_landlock_init();
	bounds_apply(POLICY_INIT, &bounds);
	filter_enter(POLICY_INIT, &init_filter);
	init_main();
}

/* Where the life line was, which init has taken, is then the way to init. */
static void
start_init(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal(EX_OSERR, "init's channel: %s", strerror(errno));
	init_pid = fork_bare();
	if (init_pid == -1)
		fatal(EX_OSERR, "cannot fork init: %s", strerror(errno));
	if (init_pid == 0)
		become_init(pair[1]);
	if (dup2(pair[0], SPAWNER_INIT_FD) == -1)
		fatal(EX_OSERR, "init's channel: %s", strerror(errno));
	close(pair[0]);
	close(pair[1]);
}

/*
 * A worker that runs to the end of its turn, instead of taking the processor
 * from its parent at each wake-up, saves both a switch.  Inherited by workers.
 */
static void
run_in_batches(void)
{
	const struct sched_param p = { .sched_priority = 0 };

	/* A service manager may forbid it: then it is slower, and no more. */
	if (sched_setscheduler(0, SCHED_BATCH, &p) == -1 && errno != EPERM)
		fatal(EX_OSERR, "sched_setscheduler: %s", strerror(errno));
}

/* The order is explained in DESIGN, "The order of confinement". */
static void
confine(void)
{
	if (!setup.one_uid)
		confine_drop_user(setup.uid, setup.gid);
	confine_die_with_parent(setup.parent);
	confine_hide();
	confine_no_new_code();
	nest_enter();
	start_init();
	confine_drop_capabilities();
	run_in_batches();
	confine_check_dies_with_parent();
	confine_check_settled(setup.one_uid);
	confine_landlock();
	bounds_apply(own_kind, &bounds);
	if (bounds.pool)
		pool_prepare(bounds.max_connections);
	filter_enter(own_kind, &filter);
}

/* What bounds and filters us, and those we start. */
static void
prepare(void)
{
	filter_prepare(worker_kind, &worker_filter);
	filter_prepare(POLICY_INIT, &init_filter);
	filter_prepare(own_kind, &filter);
	bounds.max_connections = (uint32_t)setup.max_connections;
	bounds.pool = setup.kind == SPAWNER_POOL;
	bounds.log_is_file = bounds_log_is_file();
}

static bool
tell(uint32_t type, pid_t pid, int signal, int status, int fd)
{
	struct spawner_event e = { .type = type, .pid = pid, .signal = signal,
	    .status = status, .id = wish[0].id };

	return channel_send(SPAWNER_CHANNEL_FD, &e, sizeof e, fd);
}

static _Noreturn void
become_echo(int fd)
{
	title_set("postern-worker: echo");
	keep_only(fd);
	bounds_narrow(POLICY_ECHO, own_kind, &bounds);
	if (!filter_install(&worker_filter))
		_exit(EX_OSERR);
	echo_main();
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* It passes, and is tried again; meanwhile clients wait for a worker. */
static void
complain(void)
{
	static struct log_limit told, said;
	int error = errno;
	int64_t now = now_ms();

	log_event_limited(LOG_ERR, "spawn-failed", &told, now,
	    "%s; it is tried again", strerror(error));
	/* Or the parent would take us for one that hangs. */
	if (log_may(&said, 1, 1000, now))
		tell(SPAWNER_BUSY, 0, 0, 0, -1);
}

static bool
spawn_echo(void)
{
	int pair[2];
	pid_t pid;
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	pid = fork_bare();
	if (pid == 0)
		become_echo(pair[1]);
	close(pair[1]);
	if (pid != -1 && canary == CANARY_NONE) {
		canary = CANARY_ALIVE;
		canary_pid = pid;
	}
	ok = pid != -1 && tell(SPAWNER_WORKER, pid, 0, 0, pair[0]);
	close(pair[0]);
	return ok;
}

static _Noreturn void
become_relay(int fd)
{
	title_set("postern-worker: relay");
	keep_both(fd, wish[0].service);
	/* Whoever made it may have left it as one that blocks. */
	if (fcntl(SERVICE_FD, F_SETFL, O_RDWR | O_NONBLOCK) == -1)
		_exit(EX_OSERR);
	bounds_apply(POLICY_RELAY, &bounds);
	if (!filter_install(&worker_filter))
		_exit(EX_OSERR);
	relay_main(setup.idle_ms);
}

/*
 * The first that is owed.  If the worker's other end cannot be sent, the parent
 * is told of it without, so that it does not wait; the worker finds nobody
 * there.
 */
static bool
spawn_relay(void)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair) == -1)
		return false;
	pid = fork_bare();
	if (pid == 0)
		become_relay(pair[1]);
	close(pair[1]);
	if (pid != -1) {
		if (!tell(SPAWNER_WORKER, pid, 0, 0, pair[0]))
			tell(SPAWNER_WORKER, pid, 0, 0, -1);
		close(wish[0].service);
		memmove(wish, wish + 1, --wishes * sizeof wish[0]);
	}
	close(pair[0]);
	return pid != -1;
}

static _Noreturn void
become_pool(int channel)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = WORKER_FD };
	int set;

	title_set("postern-worker: pool");
	keep_only(channel);
	/* 0, the lowest free; 0..2 stay closed afterwards */
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set == -1 || dup2(set, POOL_EPOLL_FD) == -1 ||
	    epoll_ctl(POOL_EPOLL_FD, EPOLL_CTL_ADD, WORKER_FD, &ev) == -1)
		_exit(EX_OSERR);
	close(set);
	bounds_narrow(POLICY_POOL, own_kind, &bounds);
	if (!filter_install(&worker_filter))
		_exit(EX_OSERR);
	pool_main();
}

/* Start the pool worker of slot i; false if it cannot be had now. */
static bool
fill_pool_slot(uint32_t i)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, pair) == -1)
		return false;
	pool[i].pid = fork_bare();
	if (pool[i].pid == 0)
		become_pool(pair[1]);
	close(pair[1]);
	if (pool[i].pid == -1) {
		close(pair[0]);
		pool[i].pid = 0;
		return false;
	}
	pool[i].channel = pair[0];
	return true;
}

static void
empty_pool_slot(uint32_t i)
{
	if (pool[i].pid != 0)
		close(pool[i].channel);
	pool[i].pid = 0;
}

/*
 * A connection for the next worker of the pool.  One that no longer takes any
 * (stopped, or taken over) loses its slot; what it still serves goes on.
 */
static bool
spawn_in_pool(void)
{
	uint32_t i = next_in_pool++ % (uint32_t)setup.pool_workers;
	int pair[2];
	bool ok;

	if (pool[i].pid == 0 && !fill_pool_slot(i))
		return false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair) == -1)
		return false;
	ok = channel_send(pool[i].channel, "", 1, pair[1]);
	if (!ok) {
		empty_pool_slot(i);
		ok = fill_pool_slot(i) &&
		    channel_send(pool[i].channel, "", 1, pair[1]);
	}
	close(pair[1]);
	if (ok)
		ok = tell(SPAWNER_WORKER, pool[i].pid, 0, 0, pair[0]);
	close(pair[0]);
	return ok;
}

/* Most end well, and nobody asks; others are the log's and their clients'. */
static void
tell_end(pid_t pid, int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	bool is_canary = canary == CANARY_ALIVE && pid == canary_pid;

	if (is_canary)
		canary = CANARY_GONE;
	if (signal != 0 || WEXITSTATUS(status) != 0)
		tell(SPAWNER_DIED, pid, signal,
		    signal == 0 ? WEXITSTATUS(status) : 0, -1);
	else if (is_canary || setup.kind == SPAWNER_RELAY)
		tell(SPAWNER_ENDED, pid, 0, 0, -1);
}

/*
 * True if a child was reaped.  Init's end is ours: no worker could follow.
 * (When it ends because the parent has, nobody is left to say so: the same pipe
 * has had us killed before init could read its end.)
 */
static bool
reap_one(pid_t which)
{
	int status;
	pid_t pid = waitpid(which, &status, WNOHANG);

	if (pid <= 0)
		return false;
	if (pid == init_pid)
		fatal(EX_UNAVAILABLE, "the workers' init ended: none can be "
		    "started any more");
	for (uint32_t i = 0; i < POOL_MAX; i++)
		if (pool[i].pid == pid)
			empty_pool_slot(i);
	tell_end(pid, status);
	return true;
}

/* As many as are owed; false if that is not possible now. */
static bool
spawn(void)
{
	switch ((enum spawner_kind)setup.kind) {
	case SPAWNER_POOL:
		return spawn_in_pool();
	case SPAWNER_RELAY:
		return spawn_relay();
	default:
		return spawn_echo();
	}
}

/*
 * The sessions of these are over; who is there still, may be taken over.  We
 * have no call to signal anybody: init has, which is let by the kernel only to
 * those of its namespace.  So it does not matter whose pid we were told.
 */
static void
end_workers(const struct spawner_want *want)
{
	for (uint32_t i = 0; i < want->over && i < SPAWNER_OVER_MAX; i++) {
		int handle = want->pid[i] > 0 ? (int)syscall(SYS_pidfd_open,
		    want->pid[i], 0U) : -1;

		if (handle == -1)
			continue;
		channel_send(SPAWNER_INIT_FD, "", 1, handle);
		close(handle);
	}
}

/* For a wish without a connection there is nothing to be done. */
static uint32_t
owe_relay(const struct spawner_want *want, int fd)
{
	if (fd == -1)
		return wishes;
	if (want->count == 0 || wishes == SPAWNER_WISHES) {
		close(fd);	/* this was not agreed */
		return wishes;
	}
	wish[wishes].id = want->id;
	wish[wishes].service = fd;
	return ++wishes;
}

/* What is wished; the number that is owed then. */
static uint32_t
hear(uint32_t owed)
{
	struct spawner_want want;
	int fd;

	if (channel_recv(SPAWNER_CHANNEL_FD, &want, sizeof want, &fd) != 1)
		_exit(0);		/* the parent is gone */
	if (want.last) {
		log_left_out();
		_exit(0);
	}
	if (setup.kind != SPAWNER_POOL)
		end_workers(&want);
	if (setup.kind == SPAWNER_RELAY)
		return owe_relay(&want, fd);
	if (fd != -1)
		close(fd);
	owed += want.count < WANT_MAX ? want.count : WANT_MAX;
	return owed < WANT_MAX ? owed : WANT_MAX;
}

/*
 * To find out who has ended the kernel looks through all that live, which with
 * thousands of workers takes longer than to start one.  The signal names him,
 * but of several at once only one; so all are looked through now and then, and
 * soon after anybody's end, however busy we are: his parent, and the client of
 * one that was killed, wait for the word.  True if somebody may lie there.
 */
static bool
reap(void)
{
	static uint32_t named;
	static int64_t since;		/* when the first of these was */
	pid_t pid = (pid_t)ended;

	ended = 0;
	if (pid != 0) {
		reap_one(pid);
		if (named++ == 0)
			since = now_ms();
	}
	if (named >= LOOK_EACH || (named > 0 && now_ms() - since >= LOOK_MS)) {
		while (reap_one(-1))
			continue;
		named = 0;
	}
	return named > 0;
}

/*
 * A process table or descriptor table that is full passes: what is owed is
 * tried again after each wait, of a tenth of a second at most.  Meanwhile we go
 * on hearing: whom we are told to end may be who fills it.
 */
static void
serve(void)
{
	const struct timespec soon = { .tv_nsec = 100000000 };
	uint32_t owed = 0;
	bool unsure = false;

	for (;;) {
		struct pollfd p = { .fd = SPAWNER_CHANNEL_FD,
		    .events = POLLIN };
		int n;

		n = ppoll(&p, 1, owed > 0 || unsure ? &soon : NULL, &waiting);
		unsure = reap();
		if (n == 1)
			owed = hear(owed);
		while (owed > 0 && spawn())
			owed--;
		if (owed > 0)
			complain();
	}
}

void
spawner_main(enum spawner_kind kind)
{
	static const struct {
		enum policy_id own, worker;
	} kinds[SPAWNER_KINDS] = {
		[SPAWNER_ECHO] = { POLICY_SPAWNER, POLICY_ECHO },
		[SPAWNER_POOL] = { POLICY_POOL_SPAWNER, POLICY_POOL },
		[SPAWNER_RELAY] = { POLICY_RELAY_SPAWNER, POLICY_RELAY },
	};

	own_kind = kinds[kind].own;
	worker_kind = kinds[kind].worker;
	confine_check_descriptors(SPAWNER_FD_END);
	read_setup(kind);
	log_init(policy_get(own_kind)->process, (enum log_kind)setup.log_kind,
	    setup.log_level);
	if (setup.rehearsal)
		filter_ask_tracer();
	set_signals();
	prepare();
	confine();
	if (!tell(SPAWNER_READY, 0, 0, 0, -1))
		_exit(EX_UNAVAILABLE);
	serve();
	_exit(0);
}
