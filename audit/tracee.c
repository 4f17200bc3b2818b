#include "tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A process that does not stop within this is stuck in the kernel (ns). */
#define PATIENCE	INT64_C(5000000000)

static sigset_t held_before;

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool fails(struct tracee *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool
fails(struct tracee *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, sizeof t->why, fmt, ap);
	va_end(ap);
	return false;
}

/* errno of a request: ESRCH is a tracee that was killed. */
static bool
request_fails(struct tracee *t, const char *what)
{
	t->gone |= errno == ESRCH;
	return fails(t, "%s: %s", what, strerror(errno));
}

/* The C library's prototype has an enum that lacks what is new. */
static long
request(int what, pid_t tid, uintptr_t addr, const void *data)
{
	return syscall(SYS_ptrace, (long)what, (long)tid, addr, data);
}

/* ---- stopping ------------------------------------------------------------ */

static void
on_alarm(int sig)
{
	(void)sig;		/* only to end waitpid(2) */
}

/* Every second, so that none is missed between a look at the clock and it. */
static void
set_alarm(bool on)
{
	const struct sigaction sa = { .sa_handler = on_alarm };
	const struct itimerval tick = { { on, 0 }, { on, 0 } };

	if (on)
		sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

/* Its next stop of whatever kind; false if it ends, or does not stop. */
static bool
wait_stop(struct tracee *t, int *status)
{
	int64_t until = now() + PATIENCE;

	for (;;) {
		pid_t pid = waitpid(t->tid, status, __WALL);

		if (pid == t->tid && WIFSTOPPED(*status))
			return true;
		if (pid != -1 || errno != EINTR) {
			t->gone = true;
			return fails(t, "it ended");
		}
		if (now() > until)
			return fails(t, "it does not stop: it is stuck in the "
			    "kernel");
	}
}

static bool
is_interrupt(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

static bool
is_call(int status)
{
	return WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/*
 * Let signals that come first take their way, until it stops for us.  One that
 * has stopped for a call by then has forgotten that it was to.
 */
static bool
wait_interrupt(struct tracee *t)
{
	int status;

	for (;;) {
		int pass;

		if (!wait_stop(t, &status))
			return false;
		if (is_interrupt(status))
			return true;
		pass = status >> 16 == 0 && !is_call(status) ?
		    WSTOPSIG(status) : 0;
		if ((is_call(status) &&
		    request(PTRACE_INTERRUPT, t->tid, 0, NULL) == -1) ||
		    request(PTRACE_CONT, t->tid, 0,
		    (void *)(intptr_t)pass) == -1)
			return request_fails(t, "ptrace");
	}
}

/* Whoever presses ^C waits for the end of this stop. */
static void
hold_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, &held_before);
	set_alarm(true);
}

static void
let_signals(void)
{
	set_alarm(false);
	sigprocmask(SIG_SETMASK, &held_before, NULL);
}

bool
tracee_stop(struct tracee *t, pid_t tid)
{
	memset(t, 0, sizeof *t);
	t->tid = tid;
	t->memory = -1;
	hold_signals();
	t->since = now();
	if (request(PTRACE_SEIZE, tid, 0, (void *)PTRACE_O_TRACESYSGOOD) == -1)
		request_fails(t, errno == EPERM ? "it cannot be traced (is "
		    "another tracer at it, or CAP_SYS_PTRACE missing?)" :
		    "ptrace");
	else if (request(PTRACE_INTERRUPT, tid, 0, NULL) == -1)
		request_fails(t, "ptrace");
	else if (wait_interrupt(t))
		return true;
	else
		request(PTRACE_DETACH, tid, 0, NULL);
	let_signals();
	return false;
}

/* Killed, which is ESRCH, it is waited for as well: its end is what counts. */
bool
tracee_step(struct tracee *t, int *end)
{
	int pass = 0;

	*end = 0;
	for (;;) {
		if (request(PTRACE_SYSCALL, t->tid, 0,
		    (void *)(intptr_t)pass) == -1 && errno != ESRCH)
			return request_fails(t, "ptrace");
		if (!wait_stop(t, end))
			break;
		if (is_call(*end))
			return true;
		pass = *end >> 16 == 0 ? WSTOPSIG(*end) : 0;
	}
	if (!t->gone && request(PTRACE_INTERRUPT, t->tid, 0, NULL) != -1)
		wait_interrupt(t);
	return false;
}

int64_t
tracee_release(struct tracee *t)
{
	int64_t stopped;

	if (!t->gone && request(PTRACE_DETACH, t->tid, 0, NULL) == -1 &&
	    errno == ESRCH)
		t->gone = true;
	stopped = now() - t->since;
	if (t->stop_signal != 0 && !t->gone)
		syscall(SYS_tkill, t->tid, t->stop_signal);
	let_signals();
	return stopped;
}

/* ---- filters ------------------------------------------------------------- */

/* Counted from the outermost, which came first; 1 if there is none. */
static int
read_filter(struct tracee *t, size_t index, struct sock_fprog *p)
{
	long n = request(PTRACE_SECCOMP_GET_FILTER, t->tid, index, NULL);

	if (n == -1 && (errno == ENOENT || errno == EINVAL))
		return 1;
	if (n == -1 && errno == EACCES) {
		fails(t, "its filters cannot be read: CAP_SYS_ADMIN is "
		    "missing, or there is a filter on postern-audit itself");
		return -1;
	}
	if (n <= 0 || n > BPF_MAXINSNS) {
		request_fails(t, errno == EIO ? "its filters cannot be read: "
		    "the kernel lacks CONFIG_CHECKPOINT_RESTORE" :
		    "its filters cannot be read");
		return -1;
	}
	p->filter = calloc((size_t)n, sizeof *p->filter);
	if (p->filter == NULL)
		abort();
	p->len = (unsigned short)n;
	if (request(PTRACE_SECCOMP_GET_FILTER, t->tid, index, p->filter) == n)
		return 0;
	request_fails(t, "its filters cannot be read");
	free(p->filter);
	return -1;
}

bool
tracee_filters(struct tracee *t, struct sock_fprog stack[TRACEE_FILTERS],
    size_t *depth)
{
	struct sock_fprog more;
	int e;

	*depth = 0;
	for (;;) {
		struct sock_fprog *to = *depth < TRACEE_FILTERS ?
		    &stack[*depth] : &more;

		e = read_filter(t, *depth, to);
		if (e != 0)
			break;
		if (to == &more) {
			free(more.filter);
			e = -1;
			fails(t, "it has more than %d filters", TRACEE_FILTERS);
			break;
		}
		(*depth)++;
	}
	while (e == -1 && *depth > 0)
		free(stack[--*depth].filter);
	return e == 1;
}

/* ---- calls in its place -------------------------------------------------- */

static bool
find_gate(struct tracee *t, uint64_t vdso, uint64_t vdso_end)
{
	static uint8_t code[65536];
	size_t size = vdso_end - vdso;
	ssize_t n, at;

	if (vdso == 0 || vdso_end <= vdso)
		return fails(t, "it has no vDSO");
	if (size > sizeof code)
		size = sizeof code;
	n = pread(t->memory, code, size, (off_t)vdso);
	at = n > 0 ? machine_find_gate(code, (size_t)n) : -1;
	if (at == -1)
		return fails(t, "no instruction in its vDSO calls the kernel");
	t->gate = vdso + (uint64_t)at;
	return true;
}

static bool
save(struct tracee *t)
{
	uint64_t all = UINT64_MAX;

	if (!machine_get(t->tid, &t->saved))
		return request_fails(t, "its registers cannot be read");
	t->scratch = machine_below_stack(&t->saved, TRACEE_SCRATCH);
	if (pread(t->memory, t->under, sizeof t->under, (off_t)t->scratch) !=
	    (ssize_t)sizeof t->under)
		return fails(t, "its stack cannot be read: %s",
		    strerror(errno));
	if (request(PTRACE_SETOPTIONS, t->tid, 0, (void *)
	    (PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP)) == -1)
		return request_fails(t, "its filters cannot be suspended, so "
		    "that nothing can be tried in its place");
	if (request(PTRACE_GETSIGMASK, t->tid, sizeof t->mask,
	    &t->mask) == -1 ||
	    request(PTRACE_SETSIGMASK, t->tid, sizeof all, &all) == -1)
		return request_fails(t, "its signals cannot be held back");
	return true;
}

bool
tracee_begin_calls(struct tracee *t, uint64_t vdso, uint64_t vdso_end)
{
	char name[32];

	snprintf(name, sizeof name, "/proc/%d/mem", (int)t->tid);
	t->memory = open(name, O_RDWR | O_CLOEXEC);
	if (t->memory == -1)
		return request_fails(t, "its memory cannot be opened");
	if (find_gate(t, vdso, vdso_end) && save(t))
		return true;
	close(t->memory);
	t->memory = -1;
	return false;
}

/* To the beginning or the end of the call. */
static bool
to_the_call(struct tracee *t)
{
	int status;

	for (;;) {
		if (request(PTRACE_SYSCALL, t->tid, 0, NULL) == -1)
			return request_fails(t, "ptrace");
		if (!wait_stop(t, &status))
			return false;
		if (is_call(status))
			return true;
		/* SIGSTOP alone cannot be blocked; it has to wait for us. */
		if (status >> 16 == 0)
			t->stop_signal = WSTOPSIG(status);
	}
}

bool
tracee_call(struct tracee *t, long nr, const uint64_t arg[6], int64_t *result)
{
	struct machine_state m = t->saved;

	machine_aim(&m, t->gate, nr, arg);
	if (!machine_set(t->tid, &m))
		return request_fails(t, "its registers cannot be set");
	if (!to_the_call(t) || !to_the_call(t))
		return false;
	if (!machine_get(t->tid, &m))
		return request_fails(t, "its registers cannot be read");
	*result = machine_result(&m);
	return true;
}

bool
tracee_try(struct tracee *t, int64_t *result, long nr, uint64_t a, uint64_t b,
    uint64_t c, uint64_t d, uint64_t e)
{
	const uint64_t arg[6] = { a, b, c, d, e, 0 };

	return tracee_call(t, nr, arg, result);
}

bool
tracee_write(struct tracee *t, const void *src, size_t len)
{
	return pwrite(t->memory, src, len, (off_t)t->scratch) == (ssize_t)len ||
	    fails(t, "its stack cannot be written: %s", strerror(errno));
}

bool
tracee_read(struct tracee *t, void *dst, size_t len)
{
	return pread(t->memory, dst, len, (off_t)t->scratch) == (ssize_t)len ||
	    fails(t, "its stack cannot be read: %s", strerror(errno));
}

/*
 * A call that the stop has interrupted is started again only on the way out
 * of a stop for a signal or for us, not out of one for a call: so it is
 * stopped once more before its registers are what they were.
 */
bool
tracee_end_calls(struct tracee *t)
{
	bool ok = !t->gone;

	if (ok)
		ok = tracee_write(t, t->under, sizeof t->under);
	close(t->memory);
	t->memory = -1;
	if (t->gone)
		return false;
	if (request(PTRACE_INTERRUPT, t->tid, 0, NULL) == -1 ||
	    request(PTRACE_CONT, t->tid, 0, NULL) == -1)
		return request_fails(t, "ptrace");
	if (!wait_interrupt(t))
		return false;
	if (request(PTRACE_SETSIGMASK, t->tid, sizeof t->mask,
	    &t->mask) == -1 ||
	    request(PTRACE_SETOPTIONS, t->tid, 0,
	    (void *)PTRACE_O_TRACESYSGOOD) == -1 ||
	    !machine_set(t->tid, &t->saved))
		return request_fails(t, "it cannot be put back");
	return ok;
}

/* ---- can it be done at all? ---------------------------------------------- */

bool
tracee_available(char *why, size_t size)
{
	struct tracee t;
	pid_t pid = fork();
	bool ok;

	if (pid == 0)
		for (;;)
			pause();
	ok = pid != -1 && tracee_stop(&t, pid);
	if (ok) {
		ok = request(PTRACE_SETOPTIONS, pid, 0, (void *)(intptr_t)
		    (PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP)) != -1;
		snprintf(t.why, sizeof t.why, errno == EPERM ? "there is a "
		    "filter on postern-audit itself: no filter of another can "
		    "be read" : "the kernel lacks "
		    "CONFIG_CHECKPOINT_RESTORE: no filter can be read");
		tracee_release(&t);
	}
	snprintf(why, size, "%s", pid == -1 ? "fork failed" : t.why);
	if (pid != -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return ok;
}
