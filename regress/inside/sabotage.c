/*
 * Steps of confinement that go wrong, each by its name, and what a process has
 * that it should not have.  postern-audit live has to notice every one
 * (regress/audit/sabotage_test.sh).  What the programs would notice themselves
 * is kept from them: here it is the audit that is tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "bounds.h"
#include "confine.h"
#include "daemon/handoff.h"
#include "plan.h"
#include "policy.h"
#include "process.h"
#include "title.h"

#define SYS_ADMIN (UINT64_C(1) << CAP_SYS_ADMIN)

/* Any that no process has at this number. */
#define EXTRA_FD 40

void __real_confine_drop_capabilities(void);
void __wrap_confine_drop_capabilities(void);
void __real_confine_keep_capabilities(uint64_t mask);
void __wrap_confine_keep_capabilities(uint64_t mask);
void __real_confine_no_new_privs(void);
void __wrap_confine_no_new_privs(void);
void __real_confine_drop_user(uid_t uid, gid_t gid);
void __wrap_confine_drop_user(uid_t uid, gid_t gid);
int __real_setresgid(gid_t r, gid_t e, gid_t s);
int __wrap_setresgid(gid_t r, gid_t e, gid_t s);
int __real_getresgid(gid_t *r, gid_t *e, gid_t *s);
int __wrap_getresgid(gid_t *r, gid_t *e, gid_t *s);
int __real_setgroups(size_t n, const gid_t *list);
int __wrap_setgroups(size_t n, const gid_t *list);
int __real_getgroups(int n, gid_t *list);
int __wrap_getgroups(int n, gid_t *list);
void __real_confine_landlock(void);
void __wrap_confine_landlock(void);
void __real_confine_landlock_connect(const uint16_t *port, size_t ports);
void __wrap_confine_landlock_connect(const uint16_t *port, size_t ports);
void __real_confine_landlock_signals(void);
void __wrap_confine_landlock_signals(void);
void __real_confine_no_new_code(void);
void __wrap_confine_no_new_code(void);
void __real_confine_hide(void);
void __wrap_confine_hide(void);
void __real_confine_die_with_parent(pid_t parent);
void __wrap_confine_die_with_parent(pid_t parent);
void __real_confine_check_dies_with_parent(void);
void __wrap_confine_check_dies_with_parent(void);
void __real_confine_check_settled(bool one_uid);
void __wrap_confine_check_settled(bool one_uid);
void __real_confine_empty_root(void);
void __wrap_confine_empty_root(void);
int __real_enclose(const char *socket);
int __wrap_enclose(const char *socket);
int __real_unshare(int flags);
int __wrap_unshare(int flags);
int __real_mount(const char *what, const char *where, const char *type,
    unsigned long flags, const void *data);
int __wrap_mount(const char *what, const char *where, const char *type,
    unsigned long flags, const void *data);
int __real_mprotect(void *at, size_t size, int prot);
int __wrap_mprotect(void *at, size_t size, int prot);
int __real_prctl(int option, unsigned long a, unsigned long b,
    unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b,
    unsigned long c, unsigned long d);
int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, long arg);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
void __real_bounds_apply(enum policy_id id, const struct bounds_for *f);
void __wrap_bounds_apply(enum policy_id id, const struct bounds_for *f);
void __real_bounds_narrow(enum policy_id id, enum policy_id from,
    const struct bounds_for *f);
void __wrap_bounds_narrow(enum policy_id id, enum policy_id from,
    const struct bounds_for *f);
void __real_title_init(int argc, char **argv);
void __wrap_title_init(int argc, char **argv);
void __real_confine_check_environment(void);
void __wrap_confine_check_environment(void);
int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask);
int __real_fexecve(int fd, char *const argv[], char *const envp[]);
int __wrap_fexecve(int fd, char *const argv[], char *const envp[]);

bool
sabotage_has(const char *name)
{
	return plan_has(inside_process(), "sabotage", name);
}

/* The word behind the name, or NULL. */
static const char *
argument(const char *name)
{
	const struct plan_line *l;

	for (size_t at = 0; (l = plan_next(inside_process(), "sabotage", &at))
	    != NULL;)
		if (l->word[2] != NULL && strcmp(l->word[2], name) == 0)
			return l->word[3];
	return NULL;
}

/* ---- rights that are not given up ---------------------------------------- */

static void
set_capabilities(uint32_t inheritable, uint32_t rest)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	memset(d, 0, sizeof d);
	d[0].inheritable = inheritable;
	d[0].permitted = d[0].effective = rest;
	syscall(SYS_capset, &h, d);
}

void
__wrap_confine_drop_capabilities(void)
{
	if (sabotage_has("capability"))
		return;
	if (sabotage_has("bounding")) {
		set_capabilities(0, 0);
		return;
	}
	if (sabotage_has("ambient")) {
		set_capabilities(1U << CAP_CHOWN, 1U << CAP_CHOWN);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
		return;
	}
	__real_confine_drop_capabilities();
}

/* Without no_new_privs it takes this one to install a filter. */
void
__wrap_confine_keep_capabilities(uint64_t mask)
{
	if (sabotage_has("no_new_privs"))
		mask |= SYS_ADMIN;
	__real_confine_keep_capabilities(mask);
}

void
__wrap_confine_no_new_privs(void)
{
	if (!sabotage_has("no_new_privs"))
		__real_confine_no_new_privs();
}

void
__wrap_confine_drop_user(uid_t uid, gid_t gid)
{
	const char *other = argument("same_uid"), *group = argument("gid");

	__real_confine_drop_user(other == NULL ? uid : (uid_t)atoi(other),
	    group == NULL ? gid : (gid_t)atoi(group));
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	const char *saved = argument("saved_gid");

	return __real_setresgid(r, e, saved == NULL ? s : (gid_t)atoi(saved));
}

int
__wrap_getresgid(gid_t *r, gid_t *e, gid_t *s)
{
	int result = __real_getresgid(r, e, s);

	if (argument("saved_gid") != NULL)
		*s = *r;
	return result;
}

int
__wrap_setgroups(size_t n, const gid_t *list)
{
	return sabotage_has("groups") ? 0 : __real_setgroups(n, list);
}

int
__wrap_getgroups(int n, gid_t *list)
{
	return sabotage_has("groups") ? 0 : __real_getgroups(n, list);
}

/* ---- another file in the place of the CA's ------------------------------- */

static int swapped = -1;

/* While it still can. */
static void
open_other_ca(void)
{
	const char *path = argument("swap_ca");

	if (path != NULL && (swapped = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		abort();
}

static void
swap_ca(void)
{
	if (swapped == -1)
		return;
	if (dup3(swapped, PARENT_CA_FD, O_CLOEXEC) == -1)
		abort();
	close(swapped);
}

/* ---- layers that are left out -------------------------------------------- */

/*
 * A domain that forbids what is commonly tried, and no more: to list
 * directories, bind ports and signal.  One of ABI 6.
 */
static bool
has_weak_landlock(void)
{
	const uint64_t some[] = { LANDLOCK_ACCESS_FS_READ_DIR, 1, 2 };
	int fd;

	if (!sabotage_has("weak_landlock"))
		return false;
	fd = (int)syscall(SYS_landlock_create_ruleset, some, sizeof some, 0U);
	if (fd == -1 || syscall(SYS_landlock_restrict_self, fd, 0U) == -1)
		abort();
	close(fd);
	return true;
}

void
__wrap_confine_landlock(void)
{
	swap_ca();
	if (has_weak_landlock())
		return;
	if (!sabotage_has("landlock"))
		__real_confine_landlock();
}

void
__wrap_confine_landlock_connect(const uint16_t *port, size_t ports)
{
	if (has_weak_landlock())
		return;
	if (!sabotage_has("landlock"))
		__real_confine_landlock_connect(port, ports);
}

void
__wrap_confine_landlock_signals(void)
{
	if (!sabotage_has("landlock"))
		__real_confine_landlock_signals();
}

void
__wrap_confine_no_new_code(void)
{
	if (!sabotage_has("mdwe"))
		__real_confine_no_new_code();
}

void
__wrap_confine_hide(void)
{
	const struct rlimit none = { 0, 0 };

	if (sabotage_has("dumpable"))
		setrlimit(RLIMIT_CORE, &none);
	else
		__real_confine_hide();
}

void
__wrap_confine_die_with_parent(pid_t parent)
{
	if (!sabotage_has("outlive"))
		__real_confine_die_with_parent(parent);
}

/* What a life line lacks, "async", "signal" or "owner", and nobody notices. */
static bool
lacks(const char *what)
{
	const char *lacking = argument("life_line");

	return lacking != NULL && strcmp(lacking, what) == 0;
}

int
__wrap_fcntl(int fd, int cmd, long arg)
{
	struct f_owner_ex self = { .type = F_OWNER_PID };
	int r;

	if ((cmd == F_SETFL && arg == O_ASYNC && lacks("async")) ||
	    (cmd == F_SETSIG && lacks("signal")))
		return 0;
	if (cmd == F_GETSIG && lacks("signal"))
		return SIGKILL;
	/* For itself alone: what it reads is what it wanted to set. */
	if (cmd == F_SETOWN_EX && lacks("owner")) {
		self.pid = getpid();
		return __real_fcntl(fd, cmd, (long)&self);
	}
	if (cmd == F_GETOWN_EX && lacks("owner")) {
		*(struct f_owner_ex *)arg = (struct f_owner_ex){ F_OWNER_PGRP,
		    getpid() };
		return 0;
	}
	r = __real_fcntl(fd, cmd, arg);
	return cmd == F_GETFL && lacks("async") ? r | O_ASYNC : r;
}

void
__wrap_confine_check_dies_with_parent(void)
{
	if (!sabotage_has("outlive"))
		__real_confine_check_dies_with_parent();
}

void
__wrap_confine_check_settled(bool one_uid)
{
	/* It is inherited: who has not got it has to ask for it. */
	if (plan_has("supervisor", "sabotage", "no_new_privs") &&
	    !sabotage_has("no_new_privs"))
		__real_confine_no_new_privs();
	if (!sabotage_has("dumpable") && !sabotage_has("no_new_privs") &&
	    !sabotage_has("groups"))
		__real_confine_check_settled(one_uid);
}

void
__wrap_confine_empty_root(void)
{
	open_other_ca();
	if (!sabotage_has("root"))
		__real_confine_empty_root();
}

int
__wrap_enclose(const char *socket)
{
	return sabotage_has("root") ? 0 : __real_enclose(socket);
}

int
__wrap_unshare(int flags)
{
	if (sabotage_has("namespace"))
		flags &= ~CLONE_NEWIPC;
	if (sabotage_has("clock"))
		flags |= CLONE_NEWTIME;
	return __real_unshare(flags);
}

int
__wrap_mount(const char *what, const char *where, const char *type,
    unsigned long flags, const void *data)
{
	if (sabotage_has("writable_root") && (flags & MS_RDONLY) != 0)
		return 0;
	if (sabotage_has("mounts") && flags == MS_BIND)
		__real_mount(what, where, type, flags, data);
	return __real_mount(what, where, type, flags, data);
}

/*
 * The dialer's page stays as it was made, and it does not notice; or it has
 * another machine's address.
 */
int
__wrap_mprotect(void *at, size_t size, int prot)
{
	const struct sockaddr_in elsewhere = { .sin_family = AF_INET,
	    .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000201) };

	if (sabotage_has("elsewhere") &&
	    (uintptr_t)at == (uintptr_t)POLICY_DIAL_ADDRESS)
		memcpy(at, &elsewhere, sizeof elsewhere);
	if (sabotage_has("address") &&
	    (uintptr_t)at == (uintptr_t)POLICY_DIAL_ADDRESS)
		return 0;
	return __real_mprotect(at, size, prot);
}

int
__wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
    unsigned long d)
{
	if (option == PR_GET_PDEATHSIG && a == POLICY_DIAL_ADDRESS &&
	    sabotage_has("address")) {
		errno = EFAULT;
		return -1;
	}
	return __real_prctl(option, a, b, c, d);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	if (!sabotage_has("writable_root"))
		return __real_mkdir(path, mode);
	errno = EROFS;
	return -1;
}

/* ---- what should not be there -------------------------------------------- */

static void
be_a_stranger(bool orphan)
{
	if (fork_bare() != 0)
		return;
	if (orphan && fork_bare() != 0)
		_exit(0);
	for (;;)
		ppoll(NULL, 0, NULL, NULL);
}

/* So that whoever is filtered may: one descriptor, which is none. */
static void
linger(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	struct pollfd nothing = { .fd = -1 };

	__real_ppoll(&nothing, 1, &t, NULL);
}

static void
have_any_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
	const struct sock_fprog prog = { 1, &allow };

	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static int
idle(void *nothing)
{
	while (syscall(SYS_ppoll, nothing, 0, NULL, NULL, 8) != 0)
		continue;
	return 0;
}

static void
have_a_thread(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	if (clone(idle, stack + sizeof stack, CLONE_VM | CLONE_FS |
	    CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL) == -1)
		abort();
}

/*
 * What a spawner could do besides: fork somebody who is no worker, looks like
 * one or its init, and has soon gone.
 */
static void
flit(const char *how)
{
	if (fork_bare() != 0)
		return;
	/* Init gets who is an orphan. */
	if (strcmp(how, "orphan") == 0 && fork_bare() != 0)
		_exit(0);
	if (strcmp(how, "init") == 0)
		title_set("postern-worker: init");
	else if (strcmp(how, "stranger") != 0)	/* who keeps the spawner's */
		title_set("postern-worker: echo");
	if (strcmp(how, "filter") == 0 || strcmp(how, "stranger") == 0)
		have_any_filter();
	linger(50);
	_exit(0);
}

/* A spawner that waits for whatever may come, does this meanwhile. */
int
__wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	const struct timespec turn = { .tv_nsec = 150000000 };
	const char *how = timeout == NULL ? argument("flit") : NULL;
	int r = __real_ppoll(fds, n, how == NULL ? timeout : &turn, mask);

	if (r == 0 && how != NULL)
		flit(how);
	return r;
}

/* Each file that the plan names behind "open". */
static void
open_files(void)
{
	const struct plan_line *l;

	for (size_t at = 0; (l = plan_next(inside_process(), "sabotage", &at))
	    != NULL;)
		if (l->word[2] != NULL && strcmp(l->word[2], "open") == 0 &&
		    (l->word[3] == NULL ||
		    open(l->word[3], O_RDONLY | O_CLOEXEC) == -1))
			abort();
}

/*
 * What it has connected before it may not any more: to a port of this machine,
 * or to a local socket of an abstract name of 13 bytes.  That many, as the
 * supervisor's filter has no other length for it.
 */
static void
call_somebody(void)
{
	const char *port = argument("call_port"), *name = argument("call");
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

	if (port != NULL) {
		sin.sin_port = htons((uint16_t)atoi(port));
		if (connect(socket(AF_INET, type, 0),
		    (const struct sockaddr *)&sin, sizeof sin) == -1 &&
		    errno != EINPROGRESS)
			abort();
	}
	if (name != NULL) {
		memcpy(&sun.sun_path[1], name, 13);
		if (connect(socket(AF_UNIX, type, 0),
		    (const struct sockaddr *)&sun, sizeof sin) == -1)
			abort();
	}
}

static void
take_too_much(void)
{
	if (argument("slow") != NULL)
		linger(atoi(argument("slow")));
	if (sabotage_has("descriptor"))
		dup2(3, EXTRA_FD);
	if (sabotage_has("write_execute"))
		(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sabotage_has("shared_memory"))
		(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	open_files();
	call_somebody();
	if (sabotage_has("stranger"))
		be_a_stranger(false);
	if (sabotage_has("orphan"))
		be_a_stranger(true);
	if (sabotage_has("own_group") && setpgid(0, 0) == -1)
		abort();
	if (sabotage_has("thread"))
		have_a_thread();
	if (sabotage_has("any_filter"))
		have_any_filter();
	if (sabotage_has("title"))
		title_set("postern-worker: pool");
}

/* Limits that whoever has them can raise again. */
static void
set_soft(enum policy_id id, const struct bounds_for *f)
{
	struct bounds b = bounds_of(id, f);

	for (int i = 0; i < BOUND_COUNT; i++) {
		struct rlimit r;

		if (getrlimit(bounds_resource(i), &r) == -1)
			abort();
		if (b.most[i] < r.rlim_max)
			r.rlim_cur = b.most[i];
		if (setrlimit(bounds_resource(i), &r) == -1)
			abort();
	}
}

/* For more connections than it was started for. */
void
__wrap_bounds_apply(enum policy_id id, const struct bounds_for *f)
{
	struct bounds_for more = *f;

	take_too_much();
	if (sabotage_has("connections"))
		more.max_connections += 10;
	if (sabotage_has("soft"))
		set_soft(id, &more);
	else if (!sabotage_has("limits"))
		__real_bounds_apply(id, &more);
}

void
__wrap_bounds_narrow(enum policy_id id, enum policy_id from,
    const struct bounds_for *f)
{
	take_too_much();
	if (!sabotage_has("limits"))
		__real_bounds_narrow(id, from, f);
}

/* ---- how it is started --------------------------------------------------- */

/* Whoever has just been executed as root can still read what it likes. */
static void
read_key(void)
{
	static char key[8192];
	const char *path = argument("key");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	(void)!read(fd, key, sizeof key);
	close(fd);
}

/* A page of the file that the plan names behind this. */
static void
map_file(const char *sabotage, int prot, int flags)
{
	const char *path = argument(sabotage);
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (path == NULL)
		return;
	if (fd == -1 || mmap(NULL, 4096, prot, flags, fd, 0) == MAP_FAILED)
		abort();
	close(fd);
}

/* Code that it has written itself, in what looks like a file of root's. */
static void
map_own_code(void)
{
	static const char code[4096] = { (char)0xc3 };
	int fd;

	if (!sabotage_has("own_code"))
		return;
	fd = memfd_create("code", MFD_CLOEXEC);
	if (fd == -1 || write(fd, code, sizeof code) != sizeof code ||
	    fchmod(fd, 0555) == -1 || mmap(NULL, sizeof code, PROT_READ |
	    PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		abort();
	close(fd);
}

void
__wrap_title_init(int argc, char **argv)
{
	read_key();
	map_file("map", PROT_READ, MAP_PRIVATE);
	map_file("map_code", PROT_READ | PROT_EXEC, MAP_PRIVATE);
	map_file("map_shared", PROT_READ, MAP_SHARED);
	map_own_code();
	if (sabotage_has("environment"))
		environ = NULL;		/* and so is not overwritten */
	__real_title_init(argc, argv);
}

void
__wrap_confine_check_environment(void)
{
	if (!sabotage_has("environment"))
		__real_confine_check_environment();
}

/* Is there such a line for the process that will have this title? */
static bool
will_be(const char *title, const char *sabotage)
{
	const char *role = strstr(title, ": ");

	return role != NULL && plan_has(role + 2, "sabotage", sabotage);
}

/* The file "other" beside this program. */
static int
open_other(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 8);

	if (n <= 0)
		return -1;
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/other");
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
__wrap_fexecve(int fd, char *const argv[], char *const envp[])
{
	char *left[] = { (char *)(uintptr_t)"SECRET=left", NULL };

	if (will_be(argv[0], "environment"))
		envp = left;
	if (will_be(argv[0], "program"))
		fd = open_other();
	return __real_fexecve(fd, argv, envp);
}
