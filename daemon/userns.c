/*
 * The one thing that many systems forbid and no worker runs without.  A spawner
 * would fail for it as well, but could not look for what it is.
 */
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"

#define MEND_APPARMOR \
    "install the package apparmor, and load posternd's with " \
    "apparmor_parser -r /etc/apparmor.d/posternd"

/* ---- tried by a child ---------------------------------------------------- */

/* In the child: 0, or the errno of what failed. */
static int
become(uid_t uid, gid_t gid)
{
	if (uid != 0 && (setgroups(0, NULL) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1))
		return errno;
	return 0;
}

static int
become_and_unshare(uid_t uid, gid_t gid)
{
	int error = become(uid, gid);

	if (error != 0)
		return error;
	return unshare(CONFINE_NAMESPACES) == -1 ? errno : 0;
}

static int
try(int (*step)(uid_t, gid_t), uid_t uid, gid_t gid)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(step(uid, gid));
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return errno;
	/* A filter on us that kills is one that forbids. */
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/* ---- what it is ---------------------------------------------------------- */

static bool
sysctl_is(const char *path, char value)
{
	char text[2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;	/* another kernel: it has no such rule */
	n = read(fd, text, sizeof text);
	close(fd);
	return n > 0 && text[0] == value && (n == 1 || text[1] == '\n');
}

/* Not under systemd's ProcSubset=pid, which all our units have. */
static bool
sysctls_are_seen(void)
{
	return access("/proc/sys/kernel", F_OK) == 0;
}

/* Of the errors by which something forbids. */
static const char *
who_forbids(void)
{
	if (!sysctls_are_seen())
		return "what forbids them cannot be told from here, without "
		    "/proc/sys (systemd: ProcSubset=pid); look outside: sysctl "
		    "kernel.apparmor_restrict_unprivileged_userns is 1: "
		    MEND_APPARMOR "; sysctl kernel.unprivileged_userns_clone "
		    "is 0: set it to 1; neither: a chroot, a container's "
		    "filter or the service manager (systemd: "
		    "RestrictNamespaces=)";
	if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return "sysctl kernel.unprivileged_userns_clone is 0: set it "
		    "to 1";
	if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
	    '1'))
		return "AppArmor allows them to programs with a profile: "
		    MEND_APPARMOR;
	return "a chroot, a container's filter or the service manager forbids "
	    "them (systemd: RestrictNamespaces=)";
}

static const char *
reason(int error)
{
	if (sysctl_is("/proc/sys/user/max_user_namespaces", '0'))
		return "sysctl user.max_user_namespaces is 0: set it to 10000, "
		    "say";
	if (error == ENOSPC)
		return sysctls_are_seen() ?
		    "as many as a sysctl user.max_*_namespaces allows are in "
		    "use, or too many within each other" :
		    "sysctl user.max_user_namespaces, which cannot be seen "
		    "from here (systemd: ProcSubset=pid), is 0 or too small: "
		    "set it to 10000, say; or too many are within each other";
	if (error != EPERM && error != EACCES)
		return "the kernel needs CONFIG_USER_NS and the other "
		    "namespaces";
	return who_forbids();
}

static const char *
why_not_the_user(int error)
{
	if (error == EPERM)
		return "CAP_SETUID or CAP_SETGID is missing, which the service "
		    "manager or a container has taken (systemd: "
		    "CapabilityBoundingSet=)";
	if (error == EINVAL)
		return "there is no such number in this user namespace (a "
		    "container's map of users is too small)";
	return "the system has no process or memory for it";
}

bool
userns_allowed(uid_t uid, gid_t gid, char *why, size_t why_size)
{
	int error = try(become, uid, gid);

	if (error != 0) {
		snprintf(why, why_size, "no process can become the workers' "
		    "user, uid %u (%s): %s", (unsigned)uid, strerror(error),
		    why_not_the_user(error));
		return false;
	}
	error = try(become_and_unshare, uid, gid);
	if (error == 0)
		return true;
	snprintf(why, why_size, "user namespaces are forbidden here (%s), and "
	    "no worker runs without: %s", strerror(error), reason(error));
	return false;
}
