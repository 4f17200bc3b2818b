/*
 * The reserve: rows that no ordinary run uses, so that no other test would
 * miss them.  Each is asked for by hand, in a child that has all the filters of
 * its process on it, and the child must live.  A row for which nothing is said
 * here has failed.
 */
#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "confine.h"
#include "filter.h"
#include "policy.h"

#define PAGE 4096
#define OTHER 11		/* a descriptor that no row names */

static char *page;		/* of a child, mapped before its filters */

/* What the row wants of an argument, or `otherwise`. */
static uint64_t
wanted(const struct policy_row *row, unsigned int arg, uint64_t otherwise)
{
	for (size_t i = 0; i < POLICY_LIMITS; i++)
		if (row->limit[i].op != LIMIT_NONE && row->limit[i].arg == arg)
			return row->limit[i].value;
	return otherwise;
}

/* ---- each call, as whoever needs it makes it ----------------------------- */

static bool
ask_clock(const struct policy_row *row)
{
	struct timespec t;

	(void)row;
	return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) == 0;
}

static bool
ask_old_clock(const struct policy_row *row)
{
	struct timeval t;

	(void)row;
	return syscall(SYS_gettimeofday, &t, NULL) == 0;
}

/* By name: not every machine has it. */
static bool
ask_date(const struct policy_row *row)
{
	return syscall(seccomp_syscall_resolve_name(row->call), NULL) > 0;
}

/* With nothing to resume it is as if it had been interrupted. */
static bool
resume(const struct policy_row *row)
{
	(void)row;
	return syscall(SYS_restart_syscall) == -1 && errno == EINTR;
}

static bool
wake_nobody(const struct policy_row *row)
{
	uint32_t word = 0;

	return syscall(SYS_futex, &word, wanted(row, 1, 0), 1, NULL, NULL, 0)
	    == 0;
}

static bool
give_back(const struct policy_row *row)
{
	page[0] = 1;
	return syscall(SYS_madvise, page, PAGE, wanted(row, 2, 0)) == 0 &&
	    page[0] == 0;
}

static bool
take_memory(const struct policy_row *row)
{
	char *p = (char *)syscall(SYS_mmap, NULL, PAGE, wanted(row, 2, 0),
	    wanted(row, 3, 0), -1, 0);

	if (p == MAP_FAILED)
		return false;
	p[0] = 1;
	return true;
}

static bool
return_memory(const struct policy_row *row)
{
	(void)row;
	return syscall(SYS_munmap, page, PAGE) == 0;
}

static bool
grow_memory(const struct policy_row *row)
{
	char *p = (char *)syscall(SYS_mremap, page, PAGE, 4 * PAGE,
	    wanted(row, 3, 0), NULL);

	if (p == MAP_FAILED)
		return false;
	p[3L * PAGE] = 1;
	return true;
}

static bool
look_at_file(const struct policy_row *row)
{
	struct stat st;

	return syscall(SYS_fstat, wanted(row, 0, OTHER), &st) == 0;
}

static bool
ask_heap(const struct policy_row *row)
{
	(void)row;
	return syscall(SYS_brk, NULL) > 0;
}

static bool
ask_pid(const struct policy_row *row)
{
	(void)row;
	return syscall(SYS_getpid) > 0;
}

static bool
ask_random(const struct policy_row *row)
{
	char bytes[16];

	(void)row;
	return syscall(SYS_getrandom, bytes, sizeof bytes, 0U) == sizeof bytes;
}

/* What 2 is here is no socket, but it was asked. */
static bool
send_to_log(const struct policy_row *row)
{
	return syscall(SYS_sendto, 2, "", 0, wanted(row, 3, 0), NULL, 0) == 0 ||
	    errno == ENOTSOCK;
}

static bool
write_to_log(const struct policy_row *row)
{
	return syscall(SYS_write, wanted(row, 0, 2), "", 0) == 0;
}

static bool
wait_for_log(const struct policy_row *row)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };
	struct timespec zero = { 0, 0 };

	return syscall(SYS_ppoll, &p, wanted(row, 1, 1), &zero, NULL, 0) != -1;
}

static bool
end_itself(const struct policy_row *row)
{
	(void)row;
	syscall(SYS_exit_group, 0);
	return false;
}

static bool
lock_memory(const struct policy_row *row)
{
	(void)row;
	return syscall(SYS_mlock, page, PAGE) == 0;
}

static bool
take_namespaces(const struct policy_row *row)
{
	return syscall(SYS_unshare, wanted(row, 0, 0)) == 0;
}

static const struct probe {
	const char	*call;
	bool		(*works)(const struct policy_row *);
} probes[] = {
	{ "brk", ask_heap },
	{ "clock_gettime", ask_clock },
	{ "exit_group", end_itself },
	{ "fstat", look_at_file },
	{ "futex", wake_nobody },
	{ "getpid", ask_pid },
	{ "getrandom", ask_random },
	{ "gettimeofday", ask_old_clock },
	{ "madvise", give_back },
	{ "mlock", lock_memory },
	{ "mmap", take_memory },
	{ "mremap", grow_memory },
	{ "munmap", return_memory },
	{ "ppoll", wait_for_log },
	{ "restart_syscall", resume },
	{ "sendto", send_to_log },
	{ "time", ask_date },
	{ "unshare", take_namespaces },
	{ "write", write_to_log },
};

/* ---- under all filters of the process ------------------------------------ */

struct attempt {
	struct sock_fprog	prog[POLICY_DEPTH];
	size_t			filters;
	const struct probe	*probe;
	const struct policy_row	*row;
};

static void
prepare(void)
{
	int fd = open("/dev/null", O_RDONLY);

	/* the parent's CA and CRL, and any file */
	MUST(fd != -1 && dup2(fd, 9) == 9 && dup2(fd, 10) == 10 &&
	    dup2(fd, OTHER) == OTHER);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(page != MAP_FAILED);
}

static void
try_row(void *arg)
{
	const struct attempt *a = arg;

	prepare();
	confine_no_new_privs();
	for (size_t i = 0; i < a->filters; i++)
		if (!filter_install(&a->prog[i]))
			_exit(98);
	_exit(a->probe->works(a->row) ? 0 : 97);
}

static void
probe_row(struct attempt *a, const struct policy *p,
    const struct policy_group *g, const struct policy_row *row)
{
	int status;

	a->probe = NULL;
	a->row = row;
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
		if (strcmp(probes[i].call, row->call) == 0)
			a->probe = &probes[i];
	ATF_CHECK_MSG(a->probe != NULL, "%s, %s: %s: nothing asks for it here",
	    p->process, g->name, row->call);
	if (a->probe == NULL)
		return;
	status = in_child(try_row, a);
	ATF_CHECK_MSG(status == 0, "%s, %s: %s: %#x", p->process, g->name,
	    row->call, (unsigned)status);
}

/* The filters of a process, outermost first, as it gets them. */
static void
compile_stack(enum policy_id id, struct attempt *a)
{
	enum policy_id stack[POLICY_DEPTH];
	const char *why;

	a->filters = policy_stack(id, stack);
	for (size_t i = 0; i < a->filters; i++)
		ATF_REQUIRE_MSG(filter_compile(policy_get(stack[i]),
		    &a->prog[i], &why), "%s", why);
}

ATF_TC_WITHOUT_HEAD(each_row);
ATF_TC_BODY(each_row, tc)
{
	size_t rows = 0;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);
		struct attempt a;

		compile_stack(id, &a);
		for (size_t g = 0; p->groups[g] != NULL; g++) {
			if (!policy_group_reserve(p->groups[g]) ||
			    !policy_group_used(p->groups[g]))
				continue;
			for (size_t i = 0; i < p->groups[g]->count; i++, rows++)
				probe_row(&a, p, p->groups[g],
				    &p->groups[g]->rows[i]);
		}
		for (size_t i = 0; i < a.filters; i++)
			free(a.prog[i].filter);
	}
	ATF_CHECK(rows > 20);
}

/* And a probe for which no table has a row is one too many. */
static bool
is_in_reserve(const char *call)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);

		for (size_t g = 0; p->groups[g] != NULL; g++)
			for (size_t i = 0; i < p->groups[g]->count &&
			    policy_group_reserve(p->groups[g]); i++)
				if (strcmp(p->groups[g]->rows[i].call, call) ==
				    0)
					return true;
	}
	return false;
}

ATF_TC_WITHOUT_HEAD(each_probe);
ATF_TC_BODY(each_probe, tc)
{
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
		ATF_CHECK_MSG(is_in_reserve(probes[i].call), "%s: no row",
		    probes[i].call);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, each_row);
	ATF_TP_ADD_TC(tp, each_probe);
	return atf_no_error();
}
