/*
 * The descriptors that a process has, by kind, against the declared ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "addr.h"
#include "page.h"
#include "service.h"
#include "text.h"

/* More of a file is not looked at. */
#define FILE_LOOK	(1U << 20)
/* As many as posternd can be told to listen at, and activated sockets. */
#define LISTENERS	256

struct descriptor {
	int		number;
	unsigned int	flags;		/* of open(2), as fdinfo has them */
	bool		locked;
	struct stat	st;
	char		link[4096];	/* hostile */
	/* Of a socket; a family of 0: not known, or it has none. */
	struct sockaddr_storage own, peer;
	socklen_t	peer_len;
};

/* Where the service listens, by the supervisor's descriptors. */
static uint16_t listener[LISTENERS];
static size_t listeners;

/* ---- looking at one ------------------------------------------------------ */

static bool
read_info(int dir, struct descriptor *d)
{
	char name[32], text[65536];
	const char *flags;
	size_t len;

	snprintf(name, sizeof name, "fdinfo/%d", d->number);
	/*
	 * An epoll set's has a line for each that is in it: the head will do.
	 */
	if (!proc_read(dir, name, text, sizeof text - 1, &len) &&
	    errno != E2BIG)
		return false;
	text[len] = '\0';
	flags = strstr(text, "flags:\t");
	if (flags == NULL)
		return false;
	d->flags = (unsigned int)strtoul(flags + 7, NULL, 8);
	d->locked = strstr(text, "\nlock:\t") != NULL;
	return true;
}

static bool
look(int dir, int number, struct descriptor *d)
{
	char name[32];

	memset(d, 0, sizeof *d);
	d->number = number;
	snprintf(name, sizeof name, "fd/%d", number);
	return proc_link(dir, name, d->link, sizeof d->link) &&
	    proc_stat(dir, name, &d->st) && read_info(dir, d);
}

static int
option(int fd, int which)
{
	int v = -1;
	socklen_t len = sizeof v;

	return getsockopt(fd, SOL_SOCKET, which, &v, &len) == 0 ? v : -1;
}

/* Who made a pair has given no name to either end. */
static bool
has_named_peer(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	return getpeername(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    len > sizeof ss.ss_family;
}

static enum kind
socket_kind(int fd)
{
	int domain = option(fd, SO_DOMAIN), type = option(fd, SO_TYPE);
	int protocol = option(fd, SO_PROTOCOL);

	if (domain == AF_UNIX)
		return type == SOCK_SEQPACKET ? KIND_CHANNEL :
		    type == SOCK_DGRAM ? KIND_DATAGRAM :
		    type != SOCK_STREAM ? KIND_OTHER :
		    option(fd, SO_ACCEPTCONN) == 1 ? KIND_DOOR :
		    has_named_peer(fd) ? KIND_CALL : KIND_STREAM;
	if (domain != AF_INET && domain != AF_INET6)
		return KIND_OTHER;
	if (protocol == IPPROTO_UDP)
		return KIND_UDP;
	if (protocol != IPPROTO_TCP)
		return KIND_OTHER;
	return option(fd, SO_ACCEPTCONN) == 1 ? KIND_LISTENER : KIND_TCP;
}

static void
ask_addresses(int fd, struct descriptor *d)
{
	socklen_t len = sizeof d->own;

	if (getsockname(fd, (struct sockaddr *)&d->own, &len) == -1)
		d->own.ss_family = 0;
	d->peer_len = sizeof d->peer;
	if (getpeername(fd, (struct sockaddr *)&d->peer, &d->peer_len) == -1)
		d->peer.ss_family = 0;
	addr_unmap(&d->peer);
}

/* Asked by way of a copy of the descriptor, which is closed at once. */
static bool
ask_socket(pid_t pid, struct descriptor *d, enum kind *kind)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1;

	if (pidfd != -1)
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, d->number, 0);
	if (fd != -1) {
		*kind = socket_kind(fd);
		ask_addresses(fd, d);
		close(fd);
	}
	if (pidfd != -1)
		close(pidfd);
	return fd != -1;
}

/* ---- of which kind? ------------------------------------------------------ */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
is_program(const struct service *s, const struct stat *st)
{
	return same_file(st, &s->program[PROGRAM_DAEMON]) ||
	    (s->has_worker && same_file(st, &s->program[PROGRAM_WORKER]));
}

static bool
is_board(const struct service *s, const struct stat *st)
{
	struct stat board;

	return s->board != -1 && fstat(s->board, &board) == 0 &&
	    same_file(&board, st);
}

/* What is in it; false with errno set if it cannot be read. */
static bool
content_kind(int dir, int number, enum kind *kind)
{
	static char text[FILE_LOOK];
	char name[32];
	size_t len = 0;
	ssize_t n = -1;
	int fd;

	snprintf(name, sizeof name, "fd/%d", number);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd != -1 && len < sizeof text &&
	    (n = read(fd, text + len, sizeof text - len)) > 0)
		len += (size_t)n;
	if (fd != -1)
		close(fd);
	*kind = memmem(text, len, "PRIVATE KEY-----", 16) != NULL ? KIND_KEY :
	    memmem(text, len, "CERTIFICATE-----", 16) != NULL ||
	    memmem(text, len, "X509 CRL-----", 13) != NULL ? KIND_PEM :
	    KIND_FILE;
	explicit_bzero(text, len);
	return n != -1;
}

static bool
file_kind(const struct service *s, const struct subject *p,
    const struct descriptor *d, enum kind *kind)
{
	*kind = KIND_OTHER;
	if ((d->flags & O_PATH) != 0)
		*kind = is_program(s, &d->st) ? KIND_PROGRAM : KIND_OTHER;
	else if (is_board(s, &d->st))
		*kind = KIND_BOARD;
	else if ((d->flags & O_ACCMODE) == O_RDONLY)
		return content_kind(p->dir, d->number, kind);
	else if (d->locked)
		*kind = KIND_PID_FILE;
	return true;
}

static enum kind
device_kind(const struct stat *st)
{
	unsigned int n = major(st->st_rdev);

	if (st->st_rdev == makedev(1, 3))
		return KIND_NULL;
	/* consoles, /dev/tty, pseudo-terminals */
	return n == 4 || n == 5 || (n >= 136 && n <= 143) ? KIND_TERMINAL :
	    KIND_OTHER;
}

/* What is no file of any kind has a name that the kernel alone can give. */
static enum kind
nameless_kind(const char *link)
{
	static const struct {
		const char	*link;
		enum kind	 kind;
	} names[] = {
		{ "anon_inode:[eventpoll]", KIND_EPOLL },
		{ "anon_inode:[signalfd]", KIND_SIGNALS },
		{ "anon_inode:[eventfd]", KIND_EVENT },
		{ "anon_inode:[timerfd]", KIND_TIMER },
		{ "anon_inode:[pidfd]", KIND_CHILD },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(link, names[i].link) == 0)
			return names[i].kind;
	return KIND_OTHER;
}

static bool
kind_of(const struct service *s, const struct subject *p,
    struct descriptor *d, enum kind *kind)
{
	switch (d->st.st_mode & S_IFMT) {
	case S_IFREG:
		return file_kind(s, p, d, kind);
	case S_IFCHR:
		*kind = device_kind(&d->st);
		return true;
	case S_IFIFO:
		*kind = (d->flags & O_ACCMODE) == O_RDONLY ? KIND_PIPE_IN :
		    (d->flags & O_ACCMODE) == O_WRONLY ? KIND_PIPE_OUT :
		    KIND_OTHER;
		return true;
	case S_IFSOCK:
		return ask_socket(p->pid, d, kind);
	default:
		*kind = nameless_kind(d->link);
		return true;
	}
}

/* ---- whose connection? --------------------------------------------------- */

static uint16_t
port_of(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET ?
	    ((const struct sockaddr_in *)ss)->sin_port :
	    ss->ss_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)ss)->sin6_port : 0;
}

/* False if its descriptors cannot be read. */
static bool
find_listeners(const struct service *s)
{
	const struct subject *p = s->all[0];
	size_t count;
	int *fd;

	listeners = 0;
	if (!proc_numbers(p->dir, "fd", &fd, &count))
		return false;
	for (size_t i = 0; i < count && listeners < LISTENERS; i++) {
		struct descriptor d;
		enum kind kind;

		if (look(p->dir, fd[i], &d) && S_ISSOCK(d.st.st_mode) &&
		    ask_socket(p->pid, &d, &kind) && kind == KIND_LISTENER)
			listener[listeners++] = port_of(&d.own);
	}
	free(fd);
	return true;
}

/*
 * It was accepted, then, and not made.  Who accepts no more may have clients
 * of a listener that is gone.
 */
static bool
is_client(const struct service *s, const struct subject *p,
    const struct descriptor *d)
{
	struct slot slot;
	uint16_t port = port_of(&d->own);

	for (size_t i = 0; i < listeners; i++)
		if (port != 0 && listener[i] == port)
			return true;
	return page_slot(s, p, &slot) && slot.leaving;
}

static bool
same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;

	if (a->ss_family != b->ss_family || port_of(a) != port_of(b))
		return false;
	return a->ss_family == AF_INET ?
	    a4->sin_addr.s_addr == b4->sin_addr.s_addr :
	    a->ss_family == AF_INET6 && memcmp(&a6->sin6_addr, &b6->sin6_addr,
	    sizeof a6->sin6_addr) == 0;
}

/* A local one has the name that the service gave it, in its own root. */
static bool
is_dialed(const struct subject *dialer, const struct descriptor *d)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&d->peer;
	struct sockaddr_storage to;

	if (d->peer.ss_family == AF_UNIX)
		return dialer->declared->home == HOME_SOCKET &&
		    sun->sun_path[0] != '\0';
	return subject_dials(dialer, &to) && same_address(&to, &d->peer);
}

static bool
is_service(const struct service *s, const struct subject *p,
    const struct descriptor *d)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *q = s->all[i];

		if (q->declared != NULL && q->declared->dials && !q->gone &&
		    (q->parent == p || (q->parent != NULL &&
		    q->parent->parent == p)) && is_dialed(q, d))
			return true;
	}
	return false;
}

/* ---- is it declared? ----------------------------------------------------- */

static bool
allowed(const struct declared *d, int number, unsigned int kinds)
{
	for (int i = 0; i < FD_RULES; i++)
		if (d->fd[i].kinds != 0 && number >= d->fd[i].first &&
		    number <= d->fd[i].last && (d->fd[i].kinds & kinds) != 0)
			return true;
	return false;
}

static bool
may_have(const struct declared *d, enum kind kind)
{
	for (int i = 0; i < FD_RULES; i++)
		if ((d->fd[i].kinds & kind) != 0)
			return true;
	return false;
}

static bool
still_there(int dir, int number)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof name, "fd/%d", number);
	return proc_stat(dir, name, &st) || errno != ENOENT;
}

static void
check_one(const struct service *s, struct subject *p, int number)
{
	struct descriptor d;
	unsigned int kinds;
	enum kind kind;
	char safe[128];

	if (!look(p->dir, number, &d) || !kind_of(s, p, &d, &kind)) {
		if (still_there(p->dir, number))
			note_unread(p, ASPECT_FILES, "a descriptor");
		return;
	}
	kinds = kind;
	if (same_file(&d.st, &s->log))
		kinds |= KIND_LOG;
	if (kind == KIND_TCP && is_client(s, p, &d))
		kinds |= KIND_CLIENT;
	if ((kind == KIND_TCP || kind == KIND_CALL) && is_service(s, p, &d))
		kinds |= KIND_SERVICE;
	if (allowed(p->declared, number, kinds))
		return;
	text_escape(safe, sizeof safe, d.link, strlen(d.link));
	note(p->finding, ASPECT_FILES, VERDICT_FAILED,
	    "%d is %s, which is not declared (%s)", number, kind_name(kind),
	    safe);
}

void
check_files(const struct service *s, struct subject *p)
{
	size_t count;
	int *fd;

	if (may_have(p->declared, KIND_CLIENT) && !find_listeners(s)) {
		note_unread(p, ASPECT_FILES, "the supervisor's descriptors");
		return;
	}
	if (!proc_numbers(p->dir, "fd", &fd, &count)) {
		note_unread(p, ASPECT_FILES, "its descriptors");
		return;
	}
	for (size_t i = 0; i < count; i++)
		check_one(s, p, fd[i]);
	if (p->declared->program == PROGRAM_WORKER && count == 1)
		note(p->finding, ASPECT_FILES, VERDICT_PASSED, "%d alone",
		    fd[0]);
	else
		note(p->finding, ASPECT_FILES, VERDICT_PASSED,
		    "none but those that are declared");
	free(fd);
}
