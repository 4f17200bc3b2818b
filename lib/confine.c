#include "confine.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>
#include <fcntl.h>

#include "filter.h"
#include "layers.h"
#include "log.h"

/* Debian 12's headers end at ABI 2; these are the kernel's own values. */
#define LANDLOCK_FS_ABI1	0x1fffULL
#define LANDLOCK_FS_REFER	(1ULL << 13)	/* ABI 2 */
#define LANDLOCK_FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#define LANDLOCK_NET_TCP	3ULL		/* ABI 4: bind, connect */
#define LANDLOCK_NET_CONNECT	2ULL
#define LANDLOCK_NET_PORT	2		/* the type of a rule */
#define LANDLOCK_FS_IOCTL	(1ULL << 15)	/* ABI 5 */
#define LANDLOCK_SCOPES		3ULL		/* ABI 6: abstract, signal */
#define LANDLOCK_SCOPE_SIGNAL	2ULL

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

void
confine_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fatal(EX_OSERR, "cannot set no_new_privs: %s", strerror(errno));
}

void
confine_hide(void)
{
	struct rlimit none = { 0, 0 }, now;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 ||
	    getrlimit(RLIMIT_CORE, &now) == -1 || now.rlim_max != 0)
		fatal(EX_OSERR, "cannot forbid core files and tracing: %s",
		    strerror(errno));
}

void
confine_no_new_code(void)
{
	if (!layer_present(LAYER_MDWE))
		return;
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == -1 ||
	    (prctl(PR_GET_MDWE, 0, 0, 0, 0) & PR_MDWE_REFUSE_EXEC_GAIN) == 0)
		fatal(EX_OSERR, "cannot forbid executable memory: %s",
		    strerror(errno));
}

static void
set_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2], now[2];

	memset(d, 0, sizeof d);
	for (int i = 0; i < 2; i++)
		d[i].effective = d[i].permitted = (uint32_t)(mask >> 32 * i);
	if (syscall(SYS_capset, &h, d) == -1)
		fatal(EX_OSERR, "cannot set capabilities: %s", strerror(errno));
	if (syscall(SYS_capget, &h, now) == -1 ||
	    memcmp(d, now, sizeof d) != 0)
		fatal(EX_OSERR, "capabilities are not what was set");
}

/*
 * An unprivileged process (-U) may not reduce the set, and then this is false;
 * under no_new_privs it cannot gain from it either.
 */
static bool
set_bounding(uint64_t mask)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if ((mask >> cap) & 1 ||
		    prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0 ||
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EPERM && geteuid() != 0)
			return false;
		fatal(EX_OSERR, "cannot drop capability %d from the "
		    "bounding set: %s", cap, strerror(errno));
	}
	return true;
}

/* The two sets that capget(2) does not show. */
static void
check_sets(uint64_t bounding)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    ((bounding >> cap) & 1) == 0)
			fatal(EX_OSERR, "capability %d is still in the "
			    "bounding set", cap);
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0)
		    != 0)
			fatal(EX_OSERR, "capability %d is still ambient", cap);
	}
}

/* Of these, those that there are: a service manager may have taken some. */
static uint64_t
permitted(uint64_t mask)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) == -1)
		fatal(EX_OSERR, "capabilities: %s", strerror(errno));
	return mask & (d[0].permitted | (uint64_t)d[1].permitted << 32);
}

void
confine_keep_capabilities(uint64_t mask)
{
	bool reduced;

	mask = permitted(mask);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		fatal(EX_OSERR, "cannot clear ambient capabilities: %s",
		    strerror(errno));
	reduced = set_bounding(mask);
	set_capabilities(mask);
	check_sets(reduced ? mask : UINT64_MAX);
}

void
confine_drop_capabilities(void)
{
	confine_keep_capabilities(0);
}

static void
become(uid_t uid, uid_t saved, gid_t gid)
{
	set_bounding(0);	/* while CAP_SETPCAP is still there */
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, saved) == -1)
		fatal(EX_OSERR, "cannot become uid %u gid %u: %s",
		    (unsigned)uid, (unsigned)gid, strerror(errno));
}

static void
check_user(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresgid(&rg, &eg, &sg) == -1 || rg != gid || eg != gid ||
	    sg != gid || getgroups(0, NULL) != 0)
		fatal(EX_OSERR, "a group of root's could not be given up");
	if (getresuid(&r, &e, &s) == -1 || r != uid || e != uid || s != uid ||
	    (uid != 0 && setresuid(0, 0, 0) != -1))
		fatal(EX_OSERR, "root could not be given up");
}

void
confine_drop_user(uid_t uid, gid_t gid)
{
	become(uid, uid, gid);
	check_user(uid, gid);
	confine_drop_capabilities();
}

void
confine_drop_groups(void)
{
	if (setgroups(0, NULL) == -1 || getgroups(0, NULL) != 0)
		fatal(EX_OSERR, "cannot give up supplementary groups: %s",
		    strerror(errno));
}

static void
write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fatal(EX_OSERR, "%s: %s", path, strerror(errno));
	close(fd);
}

void
confine_own_users(void)
{
	uid_t r, uid, s;
	gid_t rg, gid, sg;
	char text[40];

	if (getresuid(&r, &uid, &s) == -1 || getresgid(&rg, &gid, &sg) == -1 ||
	    unshare(CLONE_NEWUSER) == -1)
		fatal(EX_OSERR, "cannot make a user namespace: %s",
		    strerror(errno));
	write_map("/proc/self/setgroups", "deny");
	snprintf(text, sizeof text, "%u %u 1", (unsigned)uid, (unsigned)uid);
	write_map("/proc/self/uid_map", text);
	snprintf(text, sizeof text, "%u %u 1", (unsigned)gid, (unsigned)gid);
	write_map("/proc/self/gid_map", text);
}

/*
 * To write a map of one user takes being that user (user_namespaces(7)); but
 * who has changed its user is not dumpable, and its maps are files of root's
 * (proc(5)).  So until they are written it is root where files are opened, and
 * there alone.
 */
void
confine_drop_user_mapped(uid_t uid, gid_t gid)
{
	become(uid, 0, gid);
	confine_hide();		/* whatever fs.suid_dumpable says */
	setfsuid(0);
	confine_own_users();
	if (setresuid(uid, uid, uid) == -1)
		fatal(EX_OSERR, "cannot become uid %u: %s", (unsigned)uid,
		    strerror(errno));
	check_user(uid, gid);
	confine_drop_capabilities();
}

void
confine_empty_root(void)
{
	static const char *const places[] = { "/run/postern.XXXXXX",
	    "/tmp/postern.XXXXXX" };
	char path[32];
	int fd = -1;

	for (size_t i = 0; fd == -1 && i < 2; i++) {
		strcpy(path, places[i]);
		if (mkdtemp(path) == NULL)
			continue;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (rmdir(path) == -1 || fd == -1)
			fatal(EX_OSERR, "%s: %s", path, strerror(errno));
	}
	if (fd == -1)
		fatal(EX_CANTCREAT, "cannot make an empty directory in /run or "
		    "/tmp: %s", strerror(errno));
	if (fchdir(fd) == -1 || chroot(".") == -1)
		fatal(EX_OSERR, "chroot: %s", strerror(errno));
	/* For all to open: or one that may not would take that for Landlock. */
	if (fchmod(fd, 0555) == -1)
		fatal(EX_OSERR, "fchmod: %s", strerror(errno));
	close(fd);
	/* Tried, not believed: what is removed takes nothing new. */
	if (mkdir("/x", 0700) != -1 || errno != ENOENT)
		fatal(EX_OSERR, "the empty root does not stay empty");
}

int
confine_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static void
leave_port(int ruleset, uint16_t port)
{
	struct net_port_attr a = { .allowed_access = LANDLOCK_NET_CONNECT,
	    .port = port };

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_NET_PORT, &a, 0U)
	    == -1)
		fatal(EX_OSERR, "cannot except TCP port %u from Landlock: %s",
		    (unsigned)port, strerror(errno));
}

static void
restrict_by_landlock(const uint16_t *port, size_t ports, uint64_t scoped)
{
	int abi = confine_landlock_abi(), fd;
	struct ruleset_attr a = { .handled_access_fs =
	    LANDLOCK_FS_ABI1 | LANDLOCK_FS_REFER };
	size_t size = sizeof a.handled_access_fs;

	if (abi >= 3)
		a.handled_access_fs |= LANDLOCK_FS_TRUNCATE;
	if (abi >= 4) {
		a.handled_access_net = LANDLOCK_NET_TCP;
		size += sizeof a.handled_access_net;
	}
	if (abi >= 5)
		a.handled_access_fs |= LANDLOCK_FS_IOCTL;
	if (abi >= 6) {
		a.scoped = scoped;
		size += sizeof a.scoped;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0U);
	for (size_t i = 0; fd != -1 && abi >= 4 && i < ports; i++)
		leave_port(fd, port[i]);
	if (fd == -1 || syscall(SYS_landlock_restrict_self, fd, 0U) == -1)
		fatal(EX_OSERR, "cannot restrict by Landlock: %s",
		    strerror(errno));
	close(fd);
	/* Tried, not believed: the root directory must be out of reach now. */
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 || errno != EACCES)
		fatal(EX_OSERR, "Landlock is in place and does not hold");
}

void
confine_landlock_connect(const uint16_t *port, size_t ports)
{
	restrict_by_landlock(port, ports, LANDLOCK_SCOPES);
}

void
confine_landlock(void)
{
	confine_landlock_connect(NULL, 0);
}

void
confine_landlock_init(void)
{
	restrict_by_landlock(NULL, 0, LANDLOCK_SCOPES &
	    ~(uint64_t)LANDLOCK_SCOPE_SIGNAL);
}

void
confine_landlock_signals(void)
{
	struct ruleset_attr a = { .scoped = LANDLOCK_SCOPE_SIGNAL };
	int fd;

	if (!layer_present(LAYER_LANDLOCK_SCOPE))
		return;
	fd = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0U);
	if (fd == -1 || syscall(SYS_landlock_restrict_self, fd, 0U) == -1)
		fatal(EX_OSERR, "cannot restrict signals by Landlock: %s",
		    strerror(errno));
	close(fd);
	/* Tried, not believed: whoever started us must be out of reach now. */
	if (getppid() != 0 && (kill(getppid(), 0) != -1 || errno != EPERM))
		fatal(EX_OSERR, "Landlock is in place and does not hold");
}

void
confine_die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		fatal(EX_OSERR, "prctl: %s", strerror(errno));
	if (getppid() != parent)	/* it went before we asked */
		_exit(EX_UNAVAILABLE);
}

void
confine_check_dies_with_parent(void)
{
	int death = 0;

	if (prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0) == -1 || death != SIGKILL)
		fatal(EX_OSERR, "it would outlive its parent");
}

void
confine_check_settled(bool one_uid)
{
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		fatal(EX_OSERR, "it is dumpable again");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fatal(EX_OSERR, "it is not under no_new_privs");
	if (!one_uid && getgroups(0, NULL) != 0)
		fatal(EX_OSERR, "it has supplementary groups");
}

void
confine_check_environment(void)
{
	if (environ != NULL && environ[0] != NULL)
		fatal(EX_SOFTWARE, "started with an environment");
}

void
confine_check_descriptors(int count)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	int found = 0;

	if (d == NULL)
		fatal(EX_OSERR, "/proc/self/fd: %s; is /proc mounted?",
		    strerror(errno));
	while ((e = readdir(d)) != NULL) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		if (fd >= count)
			fatal(EX_SOFTWARE, "started with descriptor %d, which "
			    "nobody declared", fd);
		found++;
	}
	closedir(d);
	if (found != count)
		fatal(EX_SOFTWARE, "started with %d descriptors, not %d",
		    found, count);
}

void
confine_close_from(unsigned int first)
{
	confine_close_range(first, ~0U);
}

void
confine_close_range(unsigned int first, unsigned int last)
{
	if (syscall(SYS_close_range, first, last, 0U) == -1)
		fatal(EX_OSERR, "close_range: %s", strerror(errno));
}

const char *
confine_unavailable(void)
{
	const char *why = filter_unavailable();

	if (why == NULL && confine_landlock_abi() < 2)
		why = "the kernel has no Landlock, or one older than ABI 2 "
		    "(Linux 5.19 with CONFIG_SECURITY_LANDLOCK, and landlock "
		    "among the LSMs of the boot line, has)";
	return why;
}
