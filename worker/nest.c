/*
 * The spawner's namespaces.  Everything in them is empty: no user is mapped,
 * no interface is up, nothing is mounted but an empty read-only root.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"
#include "worker.h"

/* A service manager can make these for the whole service, and forbid others. */
#define WANTED	(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

/* A new network has lo, and the fall-backs of tunnels. */
#define INTERFACES_MAX 32

static void
must(int result, const char *what)
{
	if (result == -1)
		fatal(EX_OSERR, "cannot nest the workers: %s: %s", what,
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

/* Tried, not believed: nothing can be made in it. */
static void
try_root(void)
{
	if (mkdir("/x", 0700) != -1 || errno != EROFS)
		fatal(EX_OSERR, "the worker's root is not read-only");
}

/*
 * Nor is there a way out of it: of what interfaces there are (the kernel makes
 * some by itself) none is up.  A socket has the network it was made in.
 */
static void
try_network(void)
{
	struct ifreq r;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
	    "socketpair");
	for (int i = 1; i <= INTERFACES_MAX; i++) {
		memset(&r, 0, sizeof r);
		r.ifr_ifindex = i;
		if (ioctl(pair[0], SIOCGIFNAME, &r) == -1)
			continue;	/* numbers may have gaps */
		if (ioctl(pair[0], SIOCGIFFLAGS, &r) == -1 ||
		    (r.ifr_flags & IFF_UP) != 0)
			fatal(EX_OSERR, "the worker's network is not empty");
	}
	close(pair[0]);
	close(pair[1]);
}

void
nest_enter(void)
{
	bool all = unshare(CONFINE_NAMESPACES | WANTED) == 0;

	if (!all) {
		/* Where it fails daemon/userns.c has said so at the start. */
		must(unshare(CONFINE_NAMESPACES), "unshare");
		log_event(LOG_WARNING, "weaker", "the workers share ipc, uts "
		    "and cgroup namespaces with the service: whoever started "
		    "it forbids them their own (RestrictNamespaces=)");
	}
	enter_empty_root();
	try_root();
	try_network();
}
