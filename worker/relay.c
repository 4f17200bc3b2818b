/*
 * The relay worker: between one client and its connection to the service.  Two
 * descriptors, six system calls.  Whoever takes this process over has what that
 * client has: it can write to the service, and to the client, and end.
 *
 * Each way has one chunk, and reads nothing while it has not written that: so
 * who does not read holds up who writes, and nobody else.  An end is passed on
 * behind the last byte, by shutdown(2), and the other way goes on.
 *
 * A client that is cut off in mid-upload must not look to the service like one
 * that has said all: until the client has ended in order whatever closes the
 * service's connection, our death included, resets it.  (TCP.  A local socket
 * has no such thing.)
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

#define CHUNK 65536

struct way {
	int	from, to;
	bool	ended;		/* nothing more comes */
	bool	shut;		/* and `to' has been told */
	bool	starved;	/* it has room, the kernel no memory */
	size_t	off, len;	/* still to be written */
	uint8_t	data[CHUNK];
};

/* Only the pages that a message touches are ever there. */
static struct way	up = { .from = WORKER_FD, .to = SERVICE_FD };
static struct way	down = { .from = SERVICE_FD, .to = WORKER_FD };
static bool		broken;		/* the service takes no more */

/* Until it is tried again what the kernel had no memory for. */
static const struct timespec retry_time = { .tv_nsec = 20000000 };

/* The client's end is gone: nobody is left.  The service's: that is told. */
static _Noreturn void
lose(int fd)
{
	_exit(fd == WORKER_FD ? 0 : RELAY_EXIT_LOST);
}

/*
 * What the service has said before it broke the connection is still the
 * client's; what the client says is nobody's any more.
 */
static void
stop_upwards(void)
{
	broken = true;
	up.ended = up.shut = true;
	up.len = 0;
}

/* Shall a close reset the connection to the service? */
static void
reset_on_close(bool on)
{
	const struct linger l = { .l_onoff = on };

	if (setsockopt(SERVICE_FD, SOL_SOCKET, SO_LINGER, &l, sizeof l) == -1)
		_exit(RELAY_EXIT_LOST);
}

/*
 * For an end in order the parent shuts its half of our socket down; in all
 * other cases it closes it, which is a hang-up.  Once our own half is shut,
 * too, the two look the same, and we take it for an end.
 */
static bool
cut_off(void)
{
	struct pollfd p[2] = { { .fd = WORKER_FD }, { .fd = -1 } };
	const struct timespec none = { 0, 0 };

	return !down.shut && ppoll(p, 2, &none, NULL) == 1 &&
	    (p[0].revents & POLLHUP) != 0;
}

static void
pass_end(struct way *w)
{
	if (w == &up) {
		if (cut_off())
			lose(WORKER_FD);
		reset_on_close(false);
	}
	shutdown(w->to, SHUT_WR);
	w->shut = true;
}

/* These two: true if they got on. */
static bool
take(struct way *w)
{
	ssize_t n = read(w->from, w->data, sizeof w->data);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n == -1)
		lose(w->from);
	w->off = 0;
	w->len = (size_t)n;
	w->ended = n == 0;
	return true;
}

static bool
give(struct way *w)
{
	ssize_t n = write(w->to, w->data + w->off, w->len);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n == -1 && is_starved(errno)) {
		w->starved = true;
		return false;
	}
	if (n <= 0) {
		if (w->to == WORKER_FD)
			lose(WORKER_FD);
		stop_upwards();
		return true;
	}
	w->off += (size_t)n;
	w->len -= (size_t)n;
	return true;
}

static bool
go_on(struct way *w)
{
	if (w->len > 0)
		return give(w);
	if (!w->ended)
		return take(w);
	if (!w->shut)
		pass_end(w);
	return false;
}

static short
wanted(int fd)
{
	short events = 0;

	for (const struct way *w = &up; w != NULL; w = w == &up ? &down :
	    NULL) {
		if (w->from == fd && !w->ended && w->len == 0)
			events |= POLLIN;
		if (w->to == fd && w->len > 0 && !w->starved)
			events |= POLLOUT;
	}
	return events;
}

/*
 * A hang-up on our side of the client is told whatever is waited for, and means
 * that the parent is gone: but once we have shut down our own half it may be
 * only the client's end.  Then it is asked no more, and what is still the
 * service's has the time that an idle session has.
 */
static void
wait_for_either(const struct timespec *patience)
{
	static bool blind;
	bool starved = up.starved || down.starved;
	struct pollfd p[2] = {
		{ .fd = WORKER_FD, .events = wanted(WORKER_FD) },
		{ .fd = SERVICE_FD, .events = wanted(SERVICE_FD) },
	};
	int n;

	if (blind && p[0].events == 0)
		p[0].fd = -1;
	if (p[1].events == 0)
		p[1].fd = -1;	/* whatever it has to tell can wait */
	up.starved = down.starved = false;
	n = ppoll(p, 2, starved ? &retry_time : blind ? patience : NULL, NULL);
	if (n == 0 && starved)
		return;
	if (n == 0)
		_exit(RELAY_EXIT_LOST);
	if (n < 0 || (p[0].revents & POLLHUP) == 0)
		return;
	if (!down.shut && p[0].events == 0)
		lose(WORKER_FD);
	blind = down.shut;
}

void
relay_main(int idle_ms)
{
	const struct timespec patience = { .tv_sec = idle_ms / 1000,
	    .tv_nsec = (long)(idle_ms % 1000) * 1000000 };

	reset_on_close(true);
	for (;;) {
		bool on = go_on(&up);

		if (go_on(&down) || on)
			continue;
		if (up.shut && down.shut)
			_exit(broken ? RELAY_EXIT_LOST : 0);
		wait_for_either(&patience);
	}
}
