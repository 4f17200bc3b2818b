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
#include <unistd.h>

#include "service.h"
#include "text.h"

struct descriptor {
	int		number;
	unsigned int	flags;		/* of open(2), as fdinfo has them */
	bool		locked;
	struct stat	st;
	char		link[4096];	/* hostile */
};

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

static enum kind
socket_kind(int fd)
{
	int domain = option(fd, SO_DOMAIN), type = option(fd, SO_TYPE);
	int protocol = option(fd, SO_PROTOCOL);

	if (domain == AF_UNIX)
		return type == SOCK_SEQPACKET ? KIND_CHANNEL :
		    type == SOCK_DGRAM ? KIND_DATAGRAM :
		    type != SOCK_STREAM ? KIND_OTHER :
		    option(fd, SO_ACCEPTCONN) == 1 ? KIND_DOOR : KIND_STREAM;
	if (domain != AF_INET && domain != AF_INET6)
		return KIND_OTHER;
	if (protocol == IPPROTO_UDP)
		return KIND_UDP;
	if (protocol != IPPROTO_TCP)
		return KIND_OTHER;
	return option(fd, SO_ACCEPTCONN) == 1 ? KIND_LISTENER : KIND_TCP;
}

/* Asked by way of a copy of the descriptor, which is closed at once. */
static bool
ask_socket(pid_t pid, int number, enum kind *kind)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1;

	if (pidfd != -1)
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd != -1)
		*kind = socket_kind(fd);
	if (fd != -1)
		close(fd);
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

static enum kind
file_kind(const struct service *s, const struct descriptor *d)
{
	unsigned int mode = d->flags & O_ACCMODE;

	if ((d->flags & O_PATH) != 0)
		return is_program(s, &d->st) ? KIND_PROGRAM : KIND_OTHER;
	if (d->st.st_nlink == 0 && strncmp(d->link, "/memfd:board", 12) == 0)
		return KIND_BOARD;
	if (mode == O_RDONLY)
		return KIND_FILE;
	return d->locked ? KIND_PID_FILE : KIND_OTHER;
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
    const struct descriptor *d, enum kind *kind)
{
	switch (d->st.st_mode & S_IFMT) {
	case S_IFREG:
		*kind = file_kind(s, d);
		return true;
	case S_IFCHR:
		*kind = device_kind(&d->st);
		return true;
	case S_IFIFO:
		*kind = (d->flags & O_ACCMODE) == O_RDONLY ? KIND_PIPE_IN :
		    (d->flags & O_ACCMODE) == O_WRONLY ? KIND_PIPE_OUT :
		    KIND_OTHER;
		return true;
	case S_IFSOCK:
		return ask_socket(p->pid, d->number, kind);
	default:
		*kind = nameless_kind(d->link);
		return true;
	}
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
