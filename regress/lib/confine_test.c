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
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "child.h"
#include "confine.h"
#include "filter.h"

#define NOBODY 65534

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

/* ---- users and capabilities ------------------------------------------------------ */

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

static void
drop_capabilities_child(void *arg)
{
	(void)arg;
	confine_drop_capabilities();
	MUST(bounding() == 0);
	MUST(permitted() == 0);
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

/* ---- files and the network --------------------------------------------------------- */

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
	confine_limits(8);
	while (dup(2) != -1)
		n++;
	MUST(errno == EMFILE && n == 8 - 3);
	MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 9, 9 }) == -1 ||
	    getuid() == 0);
}
ANY_CASE(limits)

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

/* ---- the parent's end ---------------------------------------------------------------- */

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

/* ---- a kernel without ------------------------------------------------------------------ */

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
	ATF_TP_ADD_TC(tp, keep_capabilities);
	ATF_TP_ADD_TC(tp, drop_capabilities);
	ATF_TP_ADD_TC(tp, no_new_privs);
	ATF_TP_ADD_TC(tp, hide);
	ATF_TP_ADD_TC(tp, empty_root);
	ATF_TP_ADD_TC(tp, landlock);
	ATF_TP_ADD_TC(tp, landlock_connect);
	ATF_TP_ADD_TC(tp, landlock_fails);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, close_from);
	ATF_TP_ADD_TC(tp, die_with_parent);
	ATF_TP_ADD_TC(tp, parent_gone_before);
	ATF_TP_ADD_TC(tp, available);
	ATF_TP_ADD_TC(tp, no_landlock);
	ATF_TP_ADD_TC(tp, no_seccomp);
	return atf_no_error();
}
