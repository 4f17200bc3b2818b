/*
 * The spawner's namespaces.  Everything in them is empty: no user is mapped,
 * no interface is up, nothing is mounted but an empty read-only root.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "enclose.h"
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
 * There is no way out of it: of what interfaces there are (the kernel makes
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
	enclose(NULL);
	try_network();
}
