/*
 * The spawner's namespaces.  Everything in them is empty: no user is mapped,
 * no interface is up, nothing is mounted but an empty read-only root.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "worker.h"

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | \
	CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID)

static void
must(int result, const char *what)
{
	if (result == -1)
		fatal(EX_OSERR, "cannot empty the worker's root: %s: %s", what,
		    strerror(errno));
}

/*
 * An empty tmpfs of no size becomes the root, and the old root is let go of.
 * pivot_root(".", ".") stacks the one on the other (pivot_root(2)).
 */
static void
enter_empty_root(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	must(mount("empty", "/proc", "tmpfs", flags,
	    "size=4k,nr_inodes=1,mode=0555"), "tmpfs");
	must(chdir("/proc"), "chdir");
	must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount");
	must(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags,
	    NULL), "read-only");
	must(chdir("/"), "chdir");
}

void
nest_enter(void)
{
	if (unshare(NAMESPACES) == -1)
		fatal(EX_OSERR, "cannot make the worker's namespaces: %s: "
		    "user namespaces must be allowed (sysctl user.max_"
		    "user_namespaces, kernel.unprivileged_userns_clone, "
		    "kernel.apparmor_restrict_unprivileged_userns), and "
		    "posternd not run in a chroot", strerror(errno));
	enter_empty_root();
}
