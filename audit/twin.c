#include "twin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Parents, resolvers, spawners and workers, of some generations. */
#define TWINS_MAX 256

static struct twin {
	struct proc_id	user, pid_ns;
	uid_t		uid;
	gid_t		gid;
	pid_t		keeper;		/* our child; its end is the twin's */
	pid_t		inner;
} twins[TWINS_MAX];
static size_t twin_count;

/* What the keeper and the twin say of the making. */
struct word {
	pid_t	inner;
	int	error;
	char	step[40];
};

static _Noreturn void
fail(int to, const char *step)
{
	struct word w = { .error = errno };

	snprintf(w.step, sizeof w.step, "%s", step);
	(void)!write(to, &w, sizeof w);
	_exit(1);
}

static void
wait_for_the_end(void)
{
	for (;;)
		pause();
}

static void
set_capabilities(int to, bool all)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) == -1)
		fail(to, "capget");
	for (int i = 0; i < 2; i++) {
		d[i].effective = all ? d[i].permitted : 0;
		d[i].permitted = all ? d[i].permitted : 0;
		d[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &h, d) == -1)
		fail(to, "capset");
}

/*
 * The user first: the workers' namespace maps none.  Its capabilities are
 * kept until the namespace is entered, which needs them.
 */
static void
become(int to, int user_ns, uid_t uid, gid_t gid)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		fail(to, "the user's id");
	set_capabilities(to, true);
	if (user_ns != -1 && setns(user_ns, CLONE_NEWUSER) == -1)
		fail(to, "the user namespace");
	set_capabilities(to, false);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
		fail(to, "prctl");
}

/* Without Landlock one twin may do to another what is tried later. */
static void
control(int to)
{
	pid_t other = fork();
	int status;

	if (other == 0)
		wait_for_the_end();
	if (other == -1)
		fail(to, "fork");
	if (syscall(SYS_kcmp, getpid(), other, KCMP_VM, 0, 0) < 0)
		fail(to, "one twin may not look into another");
	if (kill(other, 0) == -1)
		fail(to, "one twin may not signal another");
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
}

static _Noreturn void
be_twin(int to, int user_ns, uid_t uid, gid_t gid)
{
	struct word w = { .inner = (pid_t)syscall(SYS_getpid) };

	become(to, user_ns, uid, gid);
	control(to);
	(void)!write(to, &w, sizeof w);
	syscall(SYS_close_range, 0U, ~0U, 0U);
	wait_for_the_end();
	_exit(0);
}

/* A process enters a pid namespace by its children alone: hence a keeper. */
static _Noreturn void
keep(int to, int pid_ns, int user_ns, uid_t uid, gid_t gid)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (setns(pid_ns, CLONE_NEWPID) == -1)
		fail(to, "the pid namespace");
	pid = fork();
	if (pid == -1)
		fail(to, "fork");
	if (pid == 0)
		be_twin(to, user_ns, uid, gid);
	syscall(SYS_close_range, 0U, ~0U, 0U);
	wait_for_the_end();
	_exit(0);
}

static bool
start(struct twin *t, int pid_ns, int user_ns, char *why, size_t why_size)
{
	struct word w = { .error = EPIPE, .step = "it ended" };
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) == -1)
		return false;
	t->keeper = fork();
	if (t->keeper == 0)
		keep(pair[1], pid_ns, user_ns, t->uid, t->gid);
	close(pair[1]);
	if (read(pair[0], &w, sizeof w) != (ssize_t)sizeof w)
		w.inner = 0;
	close(pair[0]);
	t->inner = w.inner;
	if (w.inner != 0)
		return true;
	snprintf(why, why_size, "no process like it can be made to try "
	    "Landlock with: %s: %s", w.step, strerror(w.error));
	if (t->keeper > 0) {
		kill(t->keeper, SIGKILL);
		waitpid(t->keeper, NULL, 0);
	}
	return false;
}

static struct twin *
find(const struct twin *like)
{
	for (size_t i = 0; i < twin_count; i++)
		if (proc_same_id(&twins[i].user, &like->user) &&
		    proc_same_id(&twins[i].pid_ns, &like->pid_ns) &&
		    twins[i].uid == like->uid && twins[i].gid == like->gid)
			return &twins[i];
	return NULL;
}

/* -1 if it is the one that we are in ourselves, which cannot be entered. */
static bool
open_user_ns(int dir, const struct proc_id *its, int *fd)
{
	struct stat own;

	*fd = -1;
	if (stat("/proc/self/ns/user", &own) == -1)
		return false;
	if (own.st_dev == its->dev && own.st_ino == its->ino)
		return true;
	*fd = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);
	return *fd != -1;
}

pid_t
twin_of(int dir, const struct proc_status *s,
    const struct proc_id ns[NS_COUNT], char *why, size_t why_size)
{
	struct twin new = { .user = ns[NS_USER], .pid_ns = ns[NS_PID],
	    .uid = s->uid[1], .gid = s->gid[1] };
	const struct twin *known = find(&new);
	int pid_ns, user_ns;
	bool ok;

	if (known != NULL)
		return known->inner;
	if (twin_count == TWINS_MAX) {
		snprintf(why, why_size, "too many kinds of processes");
		return 0;
	}
	pid_ns = openat(dir, "ns/pid", O_RDONLY | O_CLOEXEC);
	if (pid_ns == -1 || !open_user_ns(dir, &ns[NS_USER], &user_ns)) {
		snprintf(why, why_size, "its namespaces cannot be opened: %s",
		    strerror(errno));
		if (pid_ns != -1)
			close(pid_ns);
		return 0;
	}
	ok = start(&new, pid_ns, user_ns, why, why_size);
	close(pid_ns);
	if (user_ns != -1)
		close(user_ns);
	if (!ok)
		return 0;
	twins[twin_count++] = new;
	return new.inner;
}

void
twin_end_all(void)
{
	while (twin_count > 0) {
		pid_t keeper = twins[--twin_count].keeper;

		kill(keeper, SIGKILL);
		waitpid(keeper, NULL, 0);
	}
}
