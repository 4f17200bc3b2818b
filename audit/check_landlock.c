/*
 * Landlock, by what it refuses: no file in /proc tells of it.
 *
 * Each right on its own has to be refused, and in the process's own root
 * nothing can be tried: that is empty, and cannot be written.  So it is handed
 * a directory of ours (place.h), by a message to a socket that is made for it,
 * in which nothing but Landlock keeps it from anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"
#include "place.h"

static void
not_refused(struct subject *p, enum aspect a, int64_t result, const char *what)
{
	if (result >= 0)
		note(p->finding, a, VERDICT_FAILED, "no Landlock: it may %s",
		    what);
	else
		note(p->finding, a, VERDICT_FAILED, "whether Landlock forbids "
		    "it to %s cannot be seen: %s", what,
		    strerror((int)-result));
}

/* ---- signals ----------------------------------------------------------------- */

static bool
try_signal(struct tracee *t, const struct service *s, struct subject *p,
    pid_t twin)
{
	int64_t r;

	if (note_absent(s, p, ASPECT_LOCK_SCOPE, LAYER_LANDLOCK_SCOPE))
		return true;
	if (!tracee_try(t, &r, SYS_kill, (uint64_t)twin, 0, 0, 0, 0))
		return false;
	if (r == -EPERM)
		note(p->finding, ASPECT_LOCK_SCOPE, VERDICT_PASSED,
		    "no signal to its like");
	else
		not_refused(p, ASPECT_LOCK_SCOPE, r, "signal its like");
	return true;
}

/* For a spawner and its workers it is init. */
static const struct subject *
neighbour_of(const struct service *s, const struct subject *p)
{
	const struct subject *spawner = p->declared->dies_with_parent ? p :
	    p->parent;

	/* What a spawner has left is beneath init. */
	if (spawner->declared->policy == POLICY_INIT)
		return spawner;
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *o = s->all[i];

		if (o->parent == spawner && !o->gone && o->declared != NULL &&
		    o->declared->policy == POLICY_INIT)
			return o;
	}
	return NULL;
}

/*
 * The supervisor's domain is everybody's, and says nothing of their own.  But
 * of two that are in each other's reach, and neither in the other's domain, one
 * may signal the other unless it has a domain of its own.
 */
static bool
try_neighbour(struct tracee *t, const struct service *s, struct subject *p)
{
	const struct subject *other;
	pid_t pid;
	int64_t r;

	/* Init may end workers, and by its namespace nobody else. */
	if (p->declared->program != PROGRAM_WORKER ||
	    p->declared->policy == POLICY_INIT ||
	    !s->layer[LAYER_LANDLOCK_SCOPE])
		return true;
	other = neighbour_of(s, p);
	if (other == NULL) {
		note(p->finding, ASPECT_LOCK_SCOPE, VERDICT_FAILED, "there is "
		    "no process beside it to try it with");
		return true;
	}
	pid = proc_same_id(&other->ns[NS_PID], &p->ns[NS_PID]) ?
	    other->status.inner : other->pid;
	if (!tracee_try(t, &r, SYS_kill, (uint64_t)pid, 0, 0, 0, 0))
		return false;
	if (r != -EPERM)
		not_refused(p, ASPECT_LOCK_SCOPE, r, "signal the process "
		    "beside it, being in no domain of its own");
	return true;
}

/* ---- files ------------------------------------------------------------------- */

/* One right each; a link's name is its target, too. */
static const struct {
	const char	*what, *name;
	long		nr;
	uint64_t	a, b;		/* behind directory and name */
} trials[] = {
	{ "read a file", PLACE_FILE, SYS_openat, O_RDONLY | O_CLOEXEC, 0 },
	{ "write a file", PLACE_FILE, SYS_openat, O_WRONLY | O_CLOEXEC, 0 },
	{ "execute a file", PLACE_FILE, SYS_execveat, 0, 0 },
	{ "list a directory", PLACE_DIRECTORY, SYS_openat,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0 },
	{ "make a file", "a", SYS_mknodat, S_IFREG | 0600, 0 },
	{ "make a directory", "b", SYS_mkdirat, 0700, 0 },
	{ "make a socket", "c", SYS_mknodat, S_IFSOCK | 0600, 0 },
	{ "make a named pipe", "d", SYS_mknodat, S_IFIFO | 0600, 0 },
	{ "make a device", "e", SYS_mknodat, S_IFCHR | 0600, 0 },
	{ "make a link", "f", SYS_symlinkat, 0, 0 },
	{ "remove a file", PLACE_FILE, SYS_unlinkat, 0, 0 },
	{ "remove a directory", PLACE_DIRECTORY, SYS_unlinkat, AT_REMOVEDIR, 0 },
};

static bool
close_its(struct tracee *t, int64_t fd)
{
	int64_t closed;

	return fd < 0 || tracee_try(t, &closed, SYS_close, (uint64_t)fd, 0, 0,
	    0, 0);
}

/* An empty file is no program: whoever may execute it is told that. */
static bool
try_in(struct tracee *t, struct subject *p, int64_t dir, size_t i)
{
	bool link = trials[i].nr == SYS_symlinkat;
	int64_t r;

	if (!tracee_write(t, trials[i].name, strlen(trials[i].name) + 1) ||
	    !tracee_try(t, &r, trials[i].nr, link ? t->scratch : (uint64_t)dir,
	    link ? (uint64_t)dir : t->scratch, link ? t->scratch :
	    trials[i].a, trials[i].b, 0))
		return false;
	if (r != -EACCES)
		not_refused(p, ASPECT_LANDLOCK, r == -ENOEXEC ? 0 : r,
		    trials[i].what);
	return trials[i].nr != SYS_openat || close_its(t, r);
}

/* What its recvmsg(2) has in our scratch memory. */
struct letter {
	struct msghdr	head;
	struct iovec	text;
	char		byte[8];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};
_Static_assert(sizeof(struct letter) <= TRACEE_SCRATCH,
    "the message has no place in the scratch memory");

static bool
send_place(int to, int place)
{
	struct letter l;
	struct cmsghdr *c;

	memset(&l, 0, sizeof l);
	l.text = (struct iovec){ l.byte, 1 };
	l.head.msg_iov = &l.text;
	l.head.msg_iovlen = 1;
	l.head.msg_control = l.control;
	l.head.msg_controllen = sizeof l.control;
	c = CMSG_FIRSTHDR(&l.head);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof place);
	memcpy(CMSG_DATA(c), &place, sizeof place);
	return sendmsg(to, &l.head, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* *dir is its descriptor, or -1 if none came. */
static bool
take_place(struct tracee *t, int socket, int64_t *dir)
{
	const uint64_t at = t->scratch;
	const struct cmsghdr *c;
	struct letter l;
	int64_t r;
	int fd;

	memset(&l, 0, sizeof l);
	l.text.iov_len = 1;
	l.head.msg_iovlen = 1;
	l.head.msg_controllen = sizeof l.control;
	/* Its addresses, not ours. */
	l.text.iov_base = (void *)(uintptr_t)(at + offsetof(struct letter,
	    byte));
	l.head.msg_iov = (void *)(uintptr_t)(at + offsetof(struct letter,
	    text));
	l.head.msg_control = (void *)(uintptr_t)(at + offsetof(struct letter,
	    control));
	*dir = -1;
	if (!tracee_write(t, &l, sizeof l) ||
	    !tracee_try(t, &r, SYS_recvmsg, (uint64_t)socket, at,
	    MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0) ||
	    !tracee_read(t, &l, sizeof l))
		return false;
	c = (const struct cmsghdr *)(const void *)l.control;
	if (r == 1 && l.head.msg_controllen >= CMSG_LEN(sizeof fd) &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd)) {
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		*dir = fd;
	}
	return true;
}

static int
copy_of(pid_t pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), copy = -1;

	if (pidfd != -1) {
		copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		close(pidfd);
	}
	return copy;
}

/*
 * The socket's other end becomes ours before anything is sent: a relay worker
 * may have two descriptors more.
 */
static bool
hand_place(struct tracee *t, pid_t pid, const int pair[2], int64_t *dir)
{
	int place = place_make(), to = copy_of(pid, pair[1]);
	bool ok = close_its(t, pair[1]);

	*dir = -1;
	if (ok && place != -1 && to != -1 && send_place(to, place))
		ok = take_place(t, pair[0], dir);
	if (to != -1)
		close(to);
	if (place != -1)
		close(place);
	return ok && close_its(t, pair[0]);
}

/* Who may not have two descriptors is in the domain of one who may. */
static bool
try_rights(struct tracee *t, struct subject *p)
{
	int64_t r, dir;
	int pair[2];

	if (!tracee_try(t, &r, SYS_socketpair, AF_UNIX, SOCK_SEQPACKET |
	    SOCK_CLOEXEC, 0, t->scratch, 0))
		return false;
	if (r == -EMFILE)
		return true;
	if (r < 0) {
		not_refused(p, ASPECT_LANDLOCK, r, "touch a file");
		return true;
	}
	if (!tracee_read(t, pair, sizeof pair) ||
	    !hand_place(t, p->pid, pair, &dir))
		return false;
	if (dir == -1)
		note(p->finding, ASPECT_LANDLOCK, VERDICT_FAILED, "there is no "
		    "place to try it in");
	for (size_t i = 0; dir != -1 && i < sizeof trials / sizeof trials[0];
	    i++)
		if (!try_in(t, p, dir, i))
			return false;
	return close_its(t, dir);
}

/* Whatever a domain forbids, it forbids to look into what is outside of it. */
static bool
try_files(struct tracee *t, struct subject *p, pid_t twin)
{
	int64_t look, r;

	if (!tracee_try(t, &look, SYS_kcmp, (uint64_t)p->status.inner,
	    (uint64_t)twin, KCMP_VM, 0, 0) ||
	    !tracee_write(t, "/", 2) ||
	    !tracee_try(t, &r, SYS_openat, (uint64_t)AT_FDCWD, t->scratch,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0))
		return false;
	if (look != -EPERM)
		not_refused(p, ASPECT_LANDLOCK, look, "look into its like");
	if (r != -EACCES && r != -EMFILE)
		not_refused(p, ASPECT_LANDLOCK, r, "open its root directory");
	note(p->finding, ASPECT_LANDLOCK, VERDICT_PASSED, r == -EMFILE ?
	    "in a domain, and without a descriptor to open a file" :
	    "no file, no look into its like");
	return close_its(t, r) && try_rights(t, p);
}

/* ---- the network ------------------------------------------------------------- */

/* To port 0, at which nobody can be: nothing comes about if it may. */
static bool
try_tcp(struct tracee *t, int64_t fd, int64_t *bound, int64_t *connected)
{
	struct sockaddr_in any = { .sin_family = AF_INET };

	if (!tracee_write(t, &any, sizeof any) ||
	    !tracee_try(t, bound, SYS_bind, (uint64_t)fd, t->scratch,
	    sizeof any, 0, 0))
		return false;
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return tracee_write(t, &any, sizeof any) &&
	    tracee_try(t, connected, SYS_connect, (uint64_t)fd, t->scratch,
	    sizeof any, 0, 0) && close_its(t, fd);
}

static bool
try_net(struct tracee *t, const struct service *s, struct subject *p)
{
	const char *ports = p->declared->ports;
	int64_t fd, bound, connected;

	if (note_absent(s, p, ASPECT_LOCK_NET, LAYER_LANDLOCK_NET))
		return true;
	if (!tracee_try(t, &fd, SYS_socket, AF_INET, SOCK_STREAM |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0))
		return false;
	if (fd < 0) {
		if (fd == -EMFILE)
			note(p->finding, ASPECT_LOCK_NET, VERDICT_PASSED, "in "
			    "a domain, and without a descriptor to make a "
			    "socket");
		else
			not_refused(p, ASPECT_LOCK_NET, fd, "bind a TCP port");
		return true;
	}
	if (!try_tcp(t, fd, &bound, &connected))
		return false;
	if (bound != -EACCES)
		not_refused(p, ASPECT_LOCK_NET, bound, "bind a TCP port");
	if (connected != -EACCES)
		not_refused(p, ASPECT_LOCK_NET, connected,
		    "connect to a TCP port");
	if (ports == NULL)
		note(p->finding, ASPECT_LOCK_NET, VERDICT_PASSED,
		    "no TCP port");
	else
		note(p->finding, ASPECT_LOCK_NET, VERDICT_PASSED,
		    "no TCP port but %s to connect to", ports);
	return true;
}

/* One of ours listens where it is, by a name that is in no file. */
static bool
connect_to_ours(struct tracee *t, struct subject *p, int64_t fd,
    int64_t *result)
{
	int net = openat(p->dir, "ns/net", O_RDONLY | O_CLOEXEC), ours = -1;
	struct sockaddr_un name;
	socklen_t len = 0;
	bool ok = true;

	*result = -EIO;
	if (net != -1)
		ours = place_listen(net, &name, &len);
	if (ours != -1)
		ok = tracee_write(t, &name, len) && tracee_try(t, result,
		    SYS_connect, (uint64_t)fd, t->scratch, len, 0, 0);
	if (ours != -1)
		close(ours);
	if (net != -1)
		close(net);
	return ok;
}

static bool
try_local(struct tracee *t, const struct service *s, struct subject *p)
{
	int64_t fd, r;

	if (!s->layer[LAYER_LANDLOCK_SCOPE])
		return true;
	if (!tracee_try(t, &fd, SYS_socket, AF_UNIX, SOCK_STREAM |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0))
		return false;
	if (fd == -EMFILE)
		return true;
	r = fd;
	if (fd >= 0 && !connect_to_ours(t, p, fd, &r))
		return false;
	if (r == -EPERM)
		note(p->finding, ASPECT_LOCK_SCOPE, VERDICT_PASSED,
		    "no abstract socket of others");
	else
		not_refused(p, ASPECT_LOCK_SCOPE, r,
		    "connect to an abstract socket");
	return close_its(t, fd);
}

bool
check_landlock(struct tracee *t, const struct service *s, struct subject *p,
    pid_t twin)
{
	return try_signal(t, s, p, twin) &&
	    (p->declared->landlock != LOCK_ALL ||
	    (try_files(t, p, twin) && try_net(t, s, p) &&
	    try_local(t, s, p) && try_neighbour(t, s, p)));
}
