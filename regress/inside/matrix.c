/*
 * Every system call, tried by a process of ours as it is once confined.
 *
 * What must be tried can kill, so each call has a child of its own, forked just
 * before the process installs its own filter: the child has its user, root,
 * namespaces, Landlock domain, inherited filters, and all limits but one (a
 * process that may have no children could not have these); it installs the very
 * program that the process then installs, and makes the call.  One line for
 * each kind of call goes to the log:
 *
 *	inside matrix PROCESS native: 0 1 231
 *
 * with the numbers that came back, by the native entry, x32's and i386's;
 * "rows", with the declared rows that did not; and "limits", with those limits
 * of declared rows that were missed by one bit, and it came back.
 *
 * What is tried is what the tables declare, not what a plan has made of them.
 */
#include "matrix.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "filter.h"
#include "log.h"
#include "plan.h"
#include "process.h"

enum entry { NATIVE, X32, I386 };

static const char *const entry_name[] = { "native", "x32", "i386" };

/* What a process wrote that has no log: its spawner passes it on. */
struct report {
	atomic_int	begun, done, told;
	size_t		len;
	char		text[8192];
};

static struct report	 own;		/* of a process that has a log */
static struct report	*of_init, *of_worker;
static struct rlimit	 pretended;
static bool		 pretends;

const struct policy *__real_policy_get(enum policy_id id);
void __real_filter_enter(enum policy_id id, struct sock_fprog *prog);
void __wrap_filter_enter(enum policy_id id, struct sock_fprog *prog);
int __real_setrlimit(int resource, const struct rlimit *r);
int __wrap_setrlimit(int resource, const struct rlimit *r);
int __real_getrlimit(int resource, struct rlimit *r);
int __wrap_getrlimit(int resource, struct rlimit *r);
bool __real_filter_install(const struct sock_fprog *prog);
bool __wrap_filter_install(const struct sock_fprog *prog);

static void
say(struct report *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->text + r->len, sizeof r->text - r->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof r->text - r->len)
		abort();	/* a report must not be cut off */
	r->len += (size_t)n;
}

/* ---- one call ------------------------------------------------------------ */

static void
make_call(const struct call *c, enum entry entry)
{
#ifdef __x86_64__
	if (entry == I386) {
		int result;

		__asm__ volatile("int $0x80" : "=a"(result) : "a"(c->nr),
		    "b"(c->arg[0]), "c"(c->arg[1]), "d"(c->arg[2]) : "memory",
		    "r8", "r9", "r10", "r11");
		return;
	}
#endif
	syscall(entry == X32 ? c->nr | 1 << 30 : c->nr, c->arg[0], c->arg[1],
	    c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
}

/* Did whoever made the call live to see its end?  (exit(2) ends otherwise.) */
static bool
survives(const struct sock_fprog *prog, const struct call *c,
    enum entry entry)
{
	const struct timespec step = { .tv_nsec = 100000 };
	struct pollfd nothing = { .fd = -1 };
	int status;
	pid_t pid = fork_bare(), got;

	if (pid == 0) {
		/* It would be felt by all who have the same socket. */
		if (c->nr == SYS_shutdown)
			close((int)c->arg[0]);
		if (!__real_filter_install(prog))
			_exit(EX_OSERR);
		make_call(c, entry);
		__builtin_trap();
	}
	/* So does a spawner wait, and no other way is left to its workers. */
	while ((got = waitpid(-1, &status, WNOHANG)) != pid && got != -1)
		if (got == 0)
			ppoll(&nothing, 1, &step, NULL);
	if (got == -1)
		abort();
	return !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS;
}

/* ---- all of them --------------------------------------------------------- */

static void
try_numbers(struct report *r, const char *process,
    const struct sock_fprog *prog, enum entry entry)
{
	say(r, "inside matrix %s %s:", process, entry_name[entry]);
	/* The foreign entries are shut whatever the number: some will do. */
	for (int nr = 0; nr < MATRIX_CALLS; nr += entry == NATIVE ? 1 : 7) {
		struct call c = matrix_call(nr);

		if (survives(prog, &c, entry))
			say(r, " %d", nr);
	}
	say(r, "\n");
}

typedef void row_try(struct report *, enum policy_id,
    const struct policy_group *, size_t, const struct sock_fprog *);

static void
each_row(struct report *r, enum policy_id id, const struct sock_fprog *prog,
    const char *kind, row_try *try)
{
	const struct policy *p = __real_policy_get(id);

	say(r, "inside matrix %s %s:", p->process, kind);
	for (size_t g = 0; p->groups[g] != NULL; g++)
		for (size_t i = 0; policy_group_used(p->groups[g]) &&
		    i < p->groups[g]->count; i++)
			try(r, id, p->groups[g], i, prog);
	say(r, "\n");
}

static void
try_row(struct report *r, enum policy_id id, const struct policy_group *g,
    size_t i, const struct sock_fprog *prog)
{
	struct call c;

	(void)id;
	if (!call_for(&g->rows[i], &c))
		return;
	matrix_aim_at_nobody(&c);
	if (!survives(prog, &c, NATIVE))
		say(r, " %s/%zu/%s", g->name, i, g->rows[i].call);
}

static bool
declared(enum policy_id id, const struct call *c)
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	for (size_t i = 0; i < n; i++)
		if (!table_allows(__real_policy_get(stack[i]), c))
			return false;
	return true;
}

/* By a bit of the lower half and one of the upper, where the limit looks. */
static void
try_limits(struct report *r, enum policy_id id, const struct policy_group *g,
    size_t i, const struct sock_fprog *prog)
{
	static const uint64_t bits[] = { 1, 1ULL << 2, 1ULL << 40 };

	for (size_t k = 0; k < POLICY_LIMITS; k++) {
		const struct policy_limit *l = &g->rows[i].limit[k];

		for (size_t b = 0; b < sizeof bits / sizeof bits[0]; b++) {
			struct call c;

			if (l->op == LIMIT_NONE || (l->op == LIMIT_MASK &&
			    !(l->mask & bits[b])) ||
			    !call_for(&g->rows[i], &c))
				continue;
			c.arg[l->arg] ^= bits[b];
			matrix_aim_at_nobody(&c);
			if (!declared(id, &c) && survives(prog, &c, NATIVE))
				say(r, " %s/%zu/%s/%zu", g->name, i,
				    g->rows[i].call, k);
		}
	}
}

static void
try_all(struct report *r, enum policy_id id, const struct sock_fprog *prog)
{
	const struct policy *p = policy_get(id);

	try_numbers(r, p->process, prog, NATIVE);
#ifdef __x86_64__
	try_numbers(r, p->process, prog, X32);
	try_numbers(r, p->process, prog, I386);
#endif
	each_row(r, id, prog, "rows", try_row);
	each_row(r, id, prog, "limits", try_limits);
	atomic_store(&r->done, 1);
}

/* ---- who tells it -------------------------------------------------------- */

static void
tell(struct report *r)
{
	if (r == NULL || !atomic_load(&r->done) ||
	    atomic_exchange(&r->told, 1))
		return;
	for (size_t done = 0; done < r->len;) {
		ssize_t n = write(STDERR_FILENO, r->text + done,
		    r->len - done);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static bool
wanted(const char *process)
{
	return plan_has(process, "matrix", NULL);
}

/* A file's, as a board is: other memory the supervisor lets nobody share. */
void
matrix_prepare(void)
{
	static const struct report none[2];
	int fd;

	if (!wanted("init") && !wanted("echo") && !wanted("pool") &&
	    !wanted("relay"))
		return;
	fd = memfd_create("matrix", MFD_CLOEXEC);
	if (fd == -1 || write(fd, none, sizeof none) != (ssize_t)sizeof none ||
	    (of_init = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0)) == MAP_FAILED)
		fatal(EX_OSERR, "matrix: no memory to share");
	close(fd);
	of_worker = of_init + 1;
}

void
matrix_tell(void)
{
	tell(of_worker);
}

/* The spawner may go on when its init has said all. */
static void
wait_for_init(void)
{
	const struct timespec step = { .tv_nsec = 10000000 };

	while (atomic_load(&of_init->done) == 0)
		ppoll(NULL, 0, &step, NULL);
	tell(of_init);
}

/* ---- in the place of the real ones --------------------------------------- */

/* The limit that would leave it without children: taken for set. */
int
__wrap_setrlimit(int resource, const struct rlimit *r)
{
	if (resource == RLIMIT_CORE && sabotage_has("core"))
		return 0;
	if (resource != RLIMIT_NPROC || !wanted(inside_process()))
		return __real_setrlimit(resource, r);
	pretended = *r;
	pretends = true;
	return 0;
}

int
__wrap_getrlimit(int resource, struct rlimit *r)
{
	if (resource == RLIMIT_CORE && sabotage_has("core"))
		*r = (struct rlimit){ 0, 0 };
	else if (resource == RLIMIT_NPROC && pretends &&
	    wanted(inside_process()))
		*r = pretended;
	else
		return __real_getrlimit(resource, r);
	return 0;
}

void
__wrap_filter_enter(enum policy_id id, struct sock_fprog *prog)
{
	struct report *r = id == POLICY_INIT ? of_init : &own;
	struct sigaction wait = { .sa_handler = SIG_DFL }, before;

	if (wanted(policy_get(id)->process)) {
		/* Who ignores it does not learn how a child ends. */
		sigaction(SIGCHLD, &wait, &before);
		try_all(r, id, prog);
		sigaction(SIGCHLD, &before, NULL);
		tell(&own);
	}
	if ((id == POLICY_SPAWNER || id == POLICY_POOL_SPAWNER ||
	    id == POLICY_RELAY_SPAWNER) && wanted("init"))
		wait_for_init();
	if (!sabotage_has("filter"))
		__real_filter_enter(id, prog);
}

/* A worker's: the first does it for all. */
bool
__wrap_filter_install(const struct sock_fprog *prog)
{
	const char *process = inside_process();

	if (sabotage_has("filter"))
		return true;
	if (wanted(process) && of_worker != NULL &&
	    !atomic_exchange(&of_worker->begun, 1))
		try_all(of_worker, strcmp(process, "pool") == 0 ?
		    POLICY_POOL : strcmp(process, "relay") == 0 ? POLICY_RELAY :
		    POLICY_ECHO, prog);
	return __real_filter_install(prog);
}
