#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "addr.h"
#include "deadline.h"

/* Addresses of one host that we try at most. */
#define TRIES 16

/* How long an address may be silent before the next one is tried as well. */
#define STAGGER_MS 250

struct race {
	const struct addrinfo	*order[TRIES];
	struct pollfd		 fds[TRIES];	/* fd -1: failed, not begun */
	size_t			 count, begun;
	int64_t			 deadline, next;	/* next try at */
	int			 errnum;	/* of the last that failed */
	struct sockaddr_storage	 failed;		/* and its address */
};

static int
look_up(const char *host, const char *port, int family, struct addrinfo **list,
    struct dial_error *e)
{
	struct addrinfo hints = { .ai_family = family,
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	int error = getaddrinfo(host, port, &hints, list);

	if (error == 0)
		return 0;
	e->code = EX_NOHOST;
	snprintf(e->text, sizeof e->text, "%s: unknown host: %s", host,
	    error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
	return -1;
}

/* The first address of `family` (or of any other) that is not yet taken. */
static const struct addrinfo *
take_next(const struct addrinfo *list, const struct race *r, int family,
    bool same)
{
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		bool taken = false;

		for (size_t i = 0; i < r->count; i++)
			taken |= r->order[i] == a;
		if (!taken && (a->ai_family == family) == same)
			return a;
	}
	return NULL;
}

/*
 * The resolver's order, but with the families in turn: where one family leads
 * nowhere, the second attempt already is of the other.
 */
static void
set_order(struct race *r, const struct addrinfo *list, int first)
{
	int last = first == AF_INET6 ? AF_INET :
	    first == AF_INET ? AF_INET6 : AF_UNSPEC;

	while (r->count < TRIES) {
		const struct addrinfo *a = take_next(list, r, last, false);

		if (a == NULL)
			a = take_next(list, r, last, true);
		if (a == NULL)
			return;
		last = a->ai_family;
		r->fds[r->count].fd = -1;
		r->fds[r->count].events = POLLOUT;
		r->order[r->count++] = a;
	}
}

/* An attempt has failed: the next need not wait for its moment. */
static void
attempt_failed(struct race *r, size_t i, int errnum)
{
	if (r->fds[i].fd != -1)
		close(r->fds[i].fd);
	r->fds[i].fd = -1;
	r->errnum = errnum;
	memcpy(&r->failed, r->order[i]->ai_addr, r->order[i]->ai_addrlen);
	r->next = 0;
}

static void
attempt_begin(struct race *r)
{
	size_t i = r->begun++;
	const struct addrinfo *a = r->order[i];
	int fd = socket(a->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	r->next = deadline_now() + STAGGER_MS;
	r->fds[i].fd = fd;
	if (fd == -1 || (connect(fd, a->ai_addr, a->ai_addrlen) == -1 &&
	    errno != EINPROGRESS))
		attempt_failed(r, i, errno);
}

static bool
all_failed(const struct race *r)
{
	for (size_t i = 0; i < r->begun; i++)
		if (r->fds[i].fd != -1)
			return false;
	return r->begun == r->count;
}

/* One wait.  Returns the index of a socket that is connected, or -1. */
static int
race_step(struct race *r)
{
	int64_t until = r->begun < r->count && r->next < r->deadline ?
	    r->next : r->deadline;
	struct timespec ts;

	if (ppoll(r->fds, r->begun, deadline_left(until, &ts), NULL) <= 0)
		return -1;
	for (size_t i = 0; i < r->begun; i++) {
		int errnum = 0;
		socklen_t len = sizeof errnum;

		if (r->fds[i].fd == -1 || r->fds[i].revents == 0)
			continue;
		if (getsockopt(r->fds[i].fd, SOL_SOCKET, SO_ERROR, &errnum,
		    &len) == 0 && errnum == 0)
			return (int)i;
		attempt_failed(r, i, errnum);
	}
	return -1;
}

/* Returns the index of the winner, or -1 with r->errnum set. */
static int
race_run(struct race *r)
{
	int winner = -1;

	while (winner == -1) {
		int64_t now = deadline_now();

		if (now >= r->deadline) {
			r->errnum = ETIMEDOUT;
			return -1;
		}
		if (r->begun < r->count && now >= r->next)
			attempt_begin(r);
		else if (all_failed(r))
			return -1;
		else
			winner = race_step(r);
	}
	return winner;
}

static void
tell_failure(const struct race *r, const char *host, const char *port,
    struct dial_error *e)
{
	char text[ADDR_TEXT];

	e->code = EX_UNAVAILABLE;
	if (r->errnum == ETIMEDOUT || r->failed.ss_family == AF_UNSPEC) {
		snprintf(e->text, sizeof e->text, "%s port %s: cannot connect: "
		    "%s", host, port, strerror(ETIMEDOUT));
		return;
	}
	addr_text(&r->failed, text);
	snprintf(e->text, sizeof e->text, "%s: cannot connect to %s: %s", host,
	    text, strerror(r->errnum));
}

int
dial(const char *host, const char *port, int family, int first,
    int64_t deadline, struct sockaddr_storage *peer, struct dial_error *e)
{
	struct race r = { .deadline = deadline };
	struct addrinfo *list;
	int winner, fd = -1, one = 1;

	if (look_up(host, port, family, &list, e) == -1)
		return -1;
	set_order(&r, list, first);
	winner = race_run(&r);
	if (winner == -1) {
		tell_failure(&r, host, port, e);
	} else {
		fd = r.fds[winner].fd;
		memset(peer, 0, sizeof *peer);
		memcpy(peer, r.order[winner]->ai_addr,
		    r.order[winner]->ai_addrlen);
		/* Else small messages stall on the other side's delayed ACK. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	for (size_t i = 0; i < r.begun; i++)
		if (r.fds[i].fd != -1 && r.fds[i].fd != fd)
			close(r.fds[i].fd);
	freeaddrinfo(list);
	return fd;
}
