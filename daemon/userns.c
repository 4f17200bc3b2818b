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

/* In the child: 0, or the errno of what failed. */
static int
try_as(uid_t uid, gid_t gid)
{
	if (uid != 0 && (setgroups(0, NULL) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1))
		return errno;
	return unshare(CONFINE_NAMESPACES) == -1 ? errno : 0;
}

static int
try(uid_t uid, gid_t gid)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_as(uid, gid));
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return errno;
	/* A filter on us that kills is one that forbids. */
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

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

static const char *
reason(int error)
{
	if (sysctl_is("/proc/sys/user/max_user_namespaces", '0'))
		return "sysctl user.max_user_namespaces is 0: set it to 10000, "
		    "say";
	if (error == ENOSPC)
		return "as many as a sysctl user.max_*_namespaces allows are in "
		    "use, or too many within each other";
	if (error != EPERM && error != EACCES)
		return "the kernel needs CONFIG_USER_NS and the other "
		    "namespaces";
	if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return "sysctl kernel.unprivileged_userns_clone is 0: set it to "
		    "1";
	if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
	    '1'))
		return "AppArmor allows them to programs with a profile: "
		    "install the package apparmor, and load posternd's with "
		    "apparmor_parser -r /etc/apparmor.d/posternd";
	return "a chroot, a container's filter or the service manager forbids "
	    "them (systemd: RestrictNamespaces=)";
}

bool
userns_allowed(uid_t uid, gid_t gid, char *why, size_t why_size)
{
	int error = try(uid, gid);

	if (error == 0)
		return true;
	snprintf(why, why_size, "user namespaces are forbidden here (%s), and "
	    "no worker runs without: %s", strerror(error), reason(error));
	return false;
}
