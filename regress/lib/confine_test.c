/*
 * Each step of confinement, by what can no longer be done after it.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "bounds.h"
#include "child.h"
#include "confine.h"
#include "filter.h"
#include "layers.h"

#define NOBODY 65534
/* One whose number does not stand for all that are not mapped, too. */
#define SOMEBODY 64000

static const struct bounds_for none;

/* A case that only root can run, whose body is a child's. */
#define ROOT_CASE(name) \
	ATF_TC(name); \
	ATF_TC_HEAD(name, tc) { \
		atf_tc_set_md_var(tc, "require.user", "root"); \
	} \
	ATF_TC_BODY(name, tc) { \
		ATF_CHECK_EQ(0, in_child(name##_child, NULL)); \
	}

#define ANY_CASE(name) \
	ATF_TC_WITHOUT_HEAD(name); \
	ATF_TC_BODY(name, tc) { \
		ATF_CHECK_EQ(0, in_child(name##_child, NULL)); \
	}

static uint64_t
bounding(void)
{
	uint64_t mask = 0;

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		mask |= (uint64_t)prctl(PR_CAPBSET_READ, cap, 0, 0, 0) << cap;
	return mask;
}

static uint64_t
permitted(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	MUST(syscall(SYS_capget, &h, d) == 0);
	MUST(d[0].effective == d[0].permitted &&
	    d[1].effective == d[1].permitted);
	return (uint64_t)d[1].permitted << 32 | d[0].permitted;
}

/* ---- users and capabilities ---------------------------------------------- */

static void
drop_user_child(void *arg)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	(void)arg;
	/* as a root has who logged in, and a service manager may give */
	MUST(setgroups(2, (gid_t[]){ 0, 4 }) == 0);
	confine_drop_user(NOBODY, NOBODY);
	MUST(getresuid(&r, &e, &s) == 0 && r == NOBODY && e == NOBODY &&
	    s == NOBODY);
	MUST(getresgid(&rg, &eg, &sg) == 0 && rg == NOBODY && eg == NOBODY &&
	    sg == NOBODY);
	MUST(getgroups(0, NULL) == 0);
	MUST(bounding() == 0);
	MUST(permitted() == 0);
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0)
	    == -1);
	/* nothing of it can be had again */
	MUST(setuid(0) == -1 && seteuid(0) == -1 && setreuid(0, 0) == -1 &&
	    setresuid(0, 0, 0) == -1);
	MUST(setgid(0) == -1 && setgroups(0, NULL) == -1);
}
ROOT_CASE(drop_user)

static void
drop_user_not_root_child(void *arg)
{
	(void)arg;
	if (getuid() == 0)
		MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	confine_drop_user(getuid() + 1, getgid());	/* ends us */
}

ATF_TC_WITHOUT_HEAD(drop_user_not_root);
ATF_TC_BODY(drop_user_not_root, tc)
{
	int status = in_child(drop_user_not_root_child, NULL);

	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR);
}

static void
drop_groups_child(void *arg)
{
	(void)arg;
	MUST(setgroups(2, (gid_t[]){ 0, 4 }) == 0);
	confine_drop_groups();
	MUST(getgroups(0, NULL) == 0 && getuid() == 0);
}
ROOT_CASE(drop_groups)

static void
expect_map(const char *path, unsigned id)
{
	char text[64];
	unsigned inside, outside, count;
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);

	MUST(n > 0);
	text[n] = '\0';
	MUST(sscanf(text, "%u %u %u", &inside, &outside, &count) == 3);
	MUST(inside == id && outside == id && count == 1);
	close(fd);
}

/* Is nothing of root's left, and can it have namespaces beneath its own? */
static void
drop_user_mapped_child(void *arg)
{
	int fd = open("roots", O_RDWR | O_CREAT, 0600);
	uid_t r, e, s;

	(void)arg;
	MUST(fd != -1 && close(fd) == 0);
	MUST(setgroups(2, (gid_t[]){ 0, 4 }) == 0);
	confine_drop_user_mapped(SOMEBODY, SOMEBODY - 1);
	MUST(getresuid(&r, &e, &s) == 0 && r == SOMEBODY && e == SOMEBODY &&
	    s == SOMEBODY);
	MUST(getgid() == SOMEBODY - 1 && getegid() == SOMEBODY - 1);
	MUST(getgroups(0, NULL) == 0);
	MUST(setfsuid((uid_t)-1) == SOMEBODY);
	MUST(bounding() == 0);
	MUST(permitted() == 0);
	MUST(setresuid(0, 0, 0) == -1 && setuid(0) == -1);
	MUST(open("roots", O_RDONLY) == -1 && errno == EACCES);
	MUST(open("/proc/self/uid_map", O_WRONLY) == -1 && errno == EACCES);
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1);
	expect_map("/proc/self/uid_map", SOMEBODY);
	expect_map("/proc/self/gid_map", SOMEBODY - 1);
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
}
ROOT_CASE(drop_user_mapped)

/* Without root: who was executed, and has changed nothing, is dumpable. */
static void
own_users_child(void *arg)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	(void)arg;
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	confine_own_users();
	MUST(getuid() == uid && getgid() == gid);
	expect_map("/proc/self/uid_map", uid);
	expect_map("/proc/self/gid_map", gid);
	confine_drop_capabilities();
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
}
ANY_CASE(own_users)

static void
keep_capabilities_child(void *arg)
{
	const uint64_t kept = 1ULL << CAP_KILL | 1ULL << CAP_SETUID;

	(void)arg;
	confine_keep_capabilities(kept);
	MUST(bounding() == kept);
	MUST(permitted() == kept);
	MUST(chroot("/") == -1 && errno == EPERM);
}
ROOT_CASE(keep_capabilities)

/* The two sets that an exec would make something of go, too. */
static void
drop_capabilities_child(void *arg)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	(void)arg;
	MUST(syscall(SYS_capget, &h, d) == 0);
	d[0].inheritable = 1U << CAP_KILL;
	MUST(syscall(SYS_capset, &h, d) == 0);
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0);
	confine_drop_capabilities();
	MUST(bounding() == 0);
	MUST(permitted() == 0);
	MUST(syscall(SYS_capget, &h, d) == 0 && d[0].inheritable == 0);
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0)
	    == 0);
}
ROOT_CASE(drop_capabilities)

static void
no_new_privs_child(void *arg)
{
	(void)arg;
	confine_no_new_privs();
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}
ANY_CASE(no_new_privs)

static void
hide_child(void *arg)
{
	struct rlimit core;

	(void)arg;
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	confine_hide();
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
	    core.rlim_max == 0);
}
ANY_CASE(hide)

/* ---- files and the network ----------------------------------------------- */

static void
empty_root_child(void *arg)
{
	DIR *d;
	int n = 0;

	(void)arg;
	confine_empty_root();
	d = opendir("/");
	MUST(d != NULL);
	/* a directory that is removed has not even "." */
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	MUST(n == 0);
	MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	MUST(access("/proc", F_OK) == -1 && access("/dev", F_OK) == -1);
	MUST(open("../etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	/* and stays empty, even for root */
	MUST(mkdir("/x", 0700) == -1 && errno == ENOENT);
	MUST(open("/x", O_RDWR | O_CREAT, 0600) == -1 && errno == ENOENT);
}
ROOT_CASE(empty_root)

static bool
tcp_denied(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd != -1);
	return call(fd, (struct sockaddr *)&in, sizeof in) == -1 &&
	    errno == EACCES;
}

static void
landlock_child(void *arg)
{
	int fd = open("before", O_RDWR | O_CREAT, 0600);
	char c;

	(void)arg;
	MUST(fd != -1);
	confine_no_new_privs();
	confine_landlock();
	MUST(open("before", O_RDONLY) == -1 && errno == EACCES);
	MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	MUST(open("/dev/null", O_WRONLY) == -1 && errno == EACCES);
	MUST(open("new", O_RDWR | O_CREAT, 0600) == -1 && errno == EACCES);
	MUST(mkdir("new", 0700) == -1 && errno == EACCES);
	MUST(unlink("before") == -1 && errno == EACCES);
	MUST(symlink("a", "new") == -1 && errno == EACCES);
	MUST(mkfifo("new", 0600) == -1 && errno == EACCES);
	MUST(execl("/bin/true", "true", (char *)NULL) == -1 &&
	    errno == EACCES);
	/* what is open stays open */
	MUST(write(fd, "x", 1) == 1 && pread(fd, &c, 1, 0) == 1);
	if (confine_landlock_abi() >= 4) {
		MUST(tcp_denied(connect));
		MUST(tcp_denied(bind));
	}
	if (confine_landlock_abi() >= 6)
		MUST(kill(getppid(), 0) == -1 && errno == EPERM);
}
ANY_CASE(landlock)

/* As workers have it of their spawner. */
static void
landlock_inherited_child(void *arg)
{
	int status;
	pid_t pid;

	(void)arg;
	confine_no_new_privs();
	confine_landlock();
	pid = fork();
	if (pid == 0) {
		MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
		MUST(mkdir("new", 0700) == -1 && errno == EACCES);
		if (layer_present(LAYER_LANDLOCK_NET))
			MUST(tcp_denied(connect) && tcp_denied(bind));
		_exit(0);
	}
	MUST(pid != -1 && waitpid(pid, &status, 0) == pid && status == 0);
}
ANY_CASE(landlock_inherited)

/* A socket that listens on a free port of the loopback; the port. */
static uint16_t
listen_somewhere(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd != -1 && bind(fd, (struct sockaddr *)&in, len) == 0 &&
	    listen(fd, 4) == 0 &&
	    getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	return ntohs(in.sin_port);
}

static bool
connects(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok;

	MUST(fd != -1);
	ok = connect(fd, (struct sockaddr *)&in, sizeof in) == 0;
	MUST(ok || errno == EACCES);
	close(fd);
	return ok;
}

static void
landlock_connect_child(void *arg)
{
	uint16_t port[3];

	(void)arg;
	for (int i = 0; i < 3; i++)
		port[i] = listen_somewhere();
	confine_no_new_privs();
	confine_landlock_connect(port, 2);
	MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	MUST(connects(port[0]) && connects(port[1]));
	if (confine_landlock_abi() >= 4) {
		MUST(!connects(port[2]));
		MUST(tcp_denied(bind));
	}
}
ANY_CASE(landlock_connect)

static void
landlock_privileged_child(void *arg)
{
	(void)arg;
	if (getuid() == 0)
		MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	confine_landlock();	/* ends us: no_new_privs is not set */
}

ATF_TC_WITHOUT_HEAD(landlock_fails);
ATF_TC_BODY(landlock_fails, tc)
{
	int status = in_child(landlock_privileged_child, NULL);

	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR);
}

static void
limits_child(void *arg)
{
	int n = 0;

	(void)arg;
	confine_close_from(3);
	bounds_apply(POLICY_CLIENT, &none);
	while (dup(2) != -1)
		n++;
	MUST(errno == EMFILE && n == 8 - 3);
	MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 9, 9 }) == -1 ||
	    getuid() == 0);
}
ANY_CASE(limits)

/* What bounds_of says is what the kernel then says, for each process. */
static void
are_bound(enum policy_id id, const struct bounds_for *f)
{
	struct bounds b = bounds_of(id, f);

	for (int i = 0; i < BOUND_COUNT; i++) {
		struct rlimit r;

		MUST(getrlimit(bounds_resource(i), &r) == 0);
		MUST(b.most[i] == BOUNDS_OPEN || r.rlim_cur == b.most[i]);
		MUST(b.soft[i] || b.most[i] == BOUNDS_OPEN ||
		    r.rlim_max == b.most[i]);
	}
}

static void
bounds_child(void *arg)
{
	const struct bounds_for f = { .max_connections = 100, .pool = true,
	    .log_is_file = false };
	enum policy_id id = *(enum policy_id *)arg;

	bounds_apply(id, &f);
	are_bound(id, &f);
}

/* What a worker leaves as it was is what its spawner had set. */
static void
narrow_child(void *arg)
{
	static const enum policy_id kinds[][2] = {
	    { POLICY_ECHO, POLICY_SPAWNER },
	    { POLICY_POOL, POLICY_POOL_SPAWNER } };
	int n = *(int *)arg;
	const enum policy_id *kind = kinds[n / 2];
	const struct bounds_for f = { .max_connections = 100, .pool = n / 2,
	    .log_is_file = n % 2 };

	bounds_apply(kind[1], &f);
	bounds_narrow(kind[0], kind[1], &f);
	are_bound(kind[0], &f);
}

ATF_TC_WITHOUT_HEAD(narrow);
ATF_TC_BODY(narrow, tc)
{
	for (int n = 0; n < 4; n++)
		ATF_CHECK_EQ_MSG(0, in_child(narrow_child, &n), "%d", n);
}

ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		ATF_CHECK_EQ_MSG(0, in_child(bounds_child, &id), "%s",
		    policy_get(id)->process);
}

static void
as_nobody(void)
{
	if (getuid() == 0)
		MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

/* No program may have, of what a worker has not. */
static void
bounds_hold_child(void *arg)
{
	int fd = open("written", O_RDWR | O_CREAT, 0600);

	(void)arg;
	MUST(fd != -1);
	as_nobody();
	signal(SIGXFSZ, SIG_IGN);
	bounds_apply(POLICY_ECHO, &none);
	MUST(write(fd, "x", 1) == -1 && errno == EFBIG);
	MUST(dup(fd) == -1 && errno == EMFILE);
	MUST(fork() == -1 && errno == EAGAIN);
#ifndef POSTERN_SANITIZED
	MUST(mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	    errno == ENOMEM);
#endif
}
ANY_CASE(bounds_hold)

static int
deep(volatile char *above, int left)
{
	volatile char here[4096];

	here[0] = *above;
	return left == 0 ? 0 : deep(here, left - 1) + here[0];
}

/* Memory that no call is needed for. */
static void
fill_stack_child(void *arg)
{
	volatile char c = 0;

	(void)arg;
	signal(SIGSEGV, SIG_DFL);
	bounds_apply(POLICY_ECHO, &none);
	deep(&c, 256);		/* 1 MiB */
}

ATF_TC_WITHOUT_HEAD(fill_stack);
ATF_TC_BODY(fill_stack, tc)
{
	int status = in_child(fill_stack_child, NULL);

#ifdef POSTERN_SANITIZED
	atf_tc_skip("a sanitizer's stack is open");
#endif
	ATF_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* Who logs to a file must write it; workers have no log. */
ATF_TC_WITHOUT_HEAD(bounds_of_log);
ATF_TC_BODY(bounds_of_log, tc)
{
	const struct bounds_for f = { .log_is_file = true };

	ATF_CHECK(bounds_of(POLICY_PARENT, &f).most[BOUND_FILE_SIZE] ==
	    BOUNDS_OPEN);
	ATF_CHECK(bounds_of(POLICY_ECHO, &f).most[BOUND_FILE_SIZE] == 0);
	ATF_CHECK(bounds_of(POLICY_PARENT, &none).most[BOUND_FILE_SIZE] == 0);
}

/* ---- code ---------------------------------------------------------------- */

static void
no_new_code_child(void *arg)
{
	const int rw = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE |
	    MAP_ANONYMOUS;
	void *p = mmap(NULL, 4096, rw, flags, -1, 0);

	(void)arg;
	MUST(p != MAP_FAILED);
	confine_no_new_code();
	MUST(mprotect(p, 4096, PROT_READ | PROT_EXEC) == -1 &&
	    errno == EACCES);
	MUST(mmap(NULL, 4096, rw | PROT_EXEC, flags, -1, 0) == MAP_FAILED &&
	    errno == EACCES);
	confine_no_new_code();		/* again, as after an exec */
}

ATF_TC_WITHOUT_HEAD(no_new_code);
ATF_TC_BODY(no_new_code, tc)
{
	if (!layer_present(LAYER_MDWE))
		atf_tc_skip("this kernel has no MDWE");
	ATF_CHECK_EQ(0, in_child(no_new_code_child, NULL));
}

/* ---- signals ------------------------------------------------------------- */

static void
landlock_signals_child(void *arg)
{
	pid_t own;

	(void)arg;
	MUST(kill(getppid(), 0) == 0);
	confine_no_new_privs();
	confine_landlock_signals();
	MUST(kill(getppid(), 0) == -1 && errno == EPERM);
	own = fork();
	if (own == 0)
		for (;;)
			pause();
	MUST(own != -1 && kill(own, SIGKILL) == 0);
	/* files are as they were, for those beneath it */
	MUST(access("/etc/passwd", R_OK) == 0);
}

ATF_TC_WITHOUT_HEAD(landlock_signals);
ATF_TC_BODY(landlock_signals, tc)
{
	if (!layer_present(LAYER_LANDLOCK_SCOPE))
		atf_tc_skip("this kernel's Landlock has no scopes");
	ATF_CHECK_EQ(0, in_child(landlock_signals_child, NULL));
}

/* ---- what a process was started with ------------------------------------- */

static bool
exits(void (*body)(void *), int code)
{
	int status = in_child(body, NULL);

	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void
descriptors_child(void *arg)
{
	(void)arg;
	confine_close_from(3);
	confine_check_descriptors(3);
	MUST(dup2(2, 3) == 3);
	confine_check_descriptors(4);
}
ANY_CASE(descriptors)

static void
one_more_child(void *arg)
{
	(void)arg;
	confine_close_from(3);
	MUST(dup2(2, 77) == 77);
	confine_check_descriptors(3);
}

static void
one_less_child(void *arg)
{
	(void)arg;
	confine_close_from(3);
	close(0);
	confine_check_descriptors(3);
}

ATF_TC_WITHOUT_HEAD(wrong_descriptors);
ATF_TC_BODY(wrong_descriptors, tc)
{
	ATF_CHECK(exits(one_more_child, EX_SOFTWARE));
	ATF_CHECK(exits(one_less_child, EX_SOFTWARE));
}

static void
environment_child(void *arg)
{
	(void)arg;
	MUST(clearenv() == 0);
	confine_check_environment();
	MUST(setenv("A", "b", 1) == 0);
	confine_check_environment();		/* ends us */
}

ATF_TC_WITHOUT_HEAD(environment);
ATF_TC_BODY(environment, tc)
{
	ATF_CHECK(exits(environment_child, EX_SOFTWARE));
}

/* ---- what a later step may have undone ----------------------------------- */

static void
settled_child(void *arg)
{
	(void)arg;
	confine_no_new_privs();
	confine_hide();
	confine_check_settled(true);
}
ANY_CASE(settled)

static void
dumpable_child(void *arg)
{
	settled_child(arg);
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	confine_check_settled(true);
}

static void
privileged_child(void *arg)
{
	(void)arg;
	confine_hide();
	confine_check_settled(true);
}

static void
grouped_child(void *arg)
{
	settled_child(arg);
	MUST(setgroups(1, (gid_t[]){ 4 }) == 0);
	confine_check_settled(false);
}

static void
undying_child(void *arg)
{
	(void)arg;
	confine_die_with_parent(getppid());
	confine_check_dies_with_parent();
	/* as a change of user does */
	MUST(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == 0);
	confine_check_dies_with_parent();
}

ATF_TC_WITHOUT_HEAD(unsettled);
ATF_TC_BODY(unsettled, tc)
{
	ATF_CHECK(exits(dumpable_child, EX_OSERR));
	ATF_CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	    exits(privileged_child, EX_OSERR));
	ATF_CHECK(getuid() != 0 || exits(grouped_child, EX_OSERR));
	ATF_CHECK(exits(undying_child, EX_OSERR));
}

static void
close_from_child(void *arg)
{
	(void)arg;
	MUST(dup2(2, 100) == 100 && dup2(2, 7) == 7 && dup2(2, 6) == 6);
	confine_close_from(7);
	MUST(fcntl(6, F_GETFD) != -1);
	MUST(fcntl(7, F_GETFD) == -1 && fcntl(100, F_GETFD) == -1);
}
ANY_CASE(close_from)

/* ---- the parent's end ---------------------------------------------------- */

/* A child that ends at once, and its child, which holds the pipe's end. */
static void
family_child(void *arg)
{
	int *p = arg, ready[2];
	pid_t me = getpid();
	char c;

	close(p[0]);
	MUST(pipe(ready) == 0);
	switch (fork()) {
	case -1:
		MUST(!"fork");
		break;
	case 0:
		confine_die_with_parent(me);
		MUST(write(ready[1], "x", 1) == 1);
		for (;;)
			pause();
	default:
		MUST(read(ready[0], &c, 1) == 1);
	}
}

ATF_TC_WITHOUT_HEAD(die_with_parent);
ATF_TC_BODY(die_with_parent, tc)
{
	struct pollfd held;
	int p[2];

	ATF_REQUIRE_EQ(0, pipe(p));
	ATF_REQUIRE_EQ(0, in_child(family_child, p));
	close(p[1]);
	held.fd = p[0];
	held.events = POLLIN;
	ATF_REQUIRE_EQ(1, poll(&held, 1, 20000));
	ATF_CHECK(held.revents & POLLHUP);
}

static void
orphan_child(void *arg)
{
	(void)arg;
	confine_die_with_parent(getpid());	/* surely not its parent */
}

ATF_TC_WITHOUT_HEAD(parent_gone_before);
ATF_TC_BODY(parent_gone_before, tc)
{
	int status = in_child(orphan_child, NULL);

	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EX_UNAVAILABLE);
}

/* ---- a kernel without ---------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(available);
ATF_TC_BODY(available, tc)
{
	ATF_CHECK(confine_unavailable() == NULL);
	ATF_CHECK(confine_landlock_abi() >= 2);
}

/* As a kernel without it: the call fails with ENOSYS. */
static void
without_call(uint32_t nr)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };

	confine_no_new_privs();
	MUST(filter_install(&prog));
}

static void
no_landlock_child(void *arg)
{
	const char *why;

	(void)arg;
	without_call(SYS_landlock_create_ruleset);
	MUST(confine_landlock_abi() == 0);
	why = confine_unavailable();
	MUST(why != NULL && strstr(why, "Landlock") != NULL);
}
ANY_CASE(no_landlock)

static void
no_seccomp_child(void *arg)
{
	const char *why;

	(void)arg;
	without_call(SYS_seccomp);
	why = confine_unavailable();
	MUST(why != NULL && strstr(why, "seccomp") != NULL);
}
ANY_CASE(no_seccomp)

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, drop_user);
	ATF_TP_ADD_TC(tp, drop_user_not_root);
	ATF_TP_ADD_TC(tp, drop_groups);
	ATF_TP_ADD_TC(tp, drop_user_mapped);
	ATF_TP_ADD_TC(tp, own_users);
	ATF_TP_ADD_TC(tp, keep_capabilities);
	ATF_TP_ADD_TC(tp, drop_capabilities);
	ATF_TP_ADD_TC(tp, no_new_privs);
	ATF_TP_ADD_TC(tp, hide);
	ATF_TP_ADD_TC(tp, empty_root);
	ATF_TP_ADD_TC(tp, landlock);
	ATF_TP_ADD_TC(tp, landlock_connect);
	ATF_TP_ADD_TC(tp, landlock_inherited);
	ATF_TP_ADD_TC(tp, landlock_fails);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, bounds);
	ATF_TP_ADD_TC(tp, narrow);
	ATF_TP_ADD_TC(tp, bounds_hold);
	ATF_TP_ADD_TC(tp, bounds_of_log);
	ATF_TP_ADD_TC(tp, fill_stack);
	ATF_TP_ADD_TC(tp, no_new_code);
	ATF_TP_ADD_TC(tp, landlock_signals);
	ATF_TP_ADD_TC(tp, descriptors);
	ATF_TP_ADD_TC(tp, wrong_descriptors);
	ATF_TP_ADD_TC(tp, environment);
	ATF_TP_ADD_TC(tp, settled);
	ATF_TP_ADD_TC(tp, unsettled);
	ATF_TP_ADD_TC(tp, close_from);
	ATF_TP_ADD_TC(tp, die_with_parent);
	ATF_TP_ADD_TC(tp, parent_gone_before);
	ATF_TP_ADD_TC(tp, available);
	ATF_TP_ADD_TC(tp, no_landlock);
	ATF_TP_ADD_TC(tp, no_seccomp);
	return atf_no_error();
}
