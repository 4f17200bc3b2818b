#include "canary.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "dial.h"
#include "handoff.h"
#include "log.h"
#include "lookup.h"
#include "service.h"

/* More than a socket's buffer takes at once, either way. */
#define BYTES ((size_t)256 * 1024)
/* For all of it; it takes a few ms (s). */
#define PATIENCE 10

enum canary_state {
	CANARY_ASKED,		/* for a worker */
	CANARY_ECHO,		/* it is at work */
	CANARY_PARTING,		/* everything came back; did it end well? */
	CANARY_LOST,		/* it ended too soon; what of? */
	CANARY_QUESTION,	/* the resolver is asked */
	CANARY_DIAL,		/* the dialer is */
	CANARY_DONE
};

static struct {
	enum canary_state	 state;
	struct helpers		 helpers;		/* not ours to close */
	uint32_t		 round, rounds;		/* a worker in each */
	pid_t			 first, pid;		/* workers */
	int			 fd;			/* the worker's; ours */
	size_t			 sent, received;
	struct event		 from_spawner, from_worker, from_resolver;
	struct event		 from_dialer, from_service;
	struct event		 watchdog;
} canary;

/* In the place of a relay worker's service: our end, and the worker's. */
static int service_end[2] = { -1, -1 };

static void on_worker(evutil_socket_t, short, void *);
static void on_service(evutil_socket_t, short, void *);

static const char *
doing(void)
{
	switch (canary.state) {
	case CANARY_ASKED:
		return "no worker came from the spawner";
	case CANARY_ECHO:
		return "a worker did not echo";
	case CANARY_PARTING:
	case CANARY_LOST:
		return "nothing was heard of a worker's end";
	case CANARY_QUESTION:
		return "the resolver did not answer";
	case CANARY_DIAL:
		return "the dialer did not answer";
	case CANARY_DONE:
		break;
	}
	return "done";
}

static _Noreturn void fail(const char *, ...)
    __attribute__((format(printf, 1, 2)));

static _Noreturn void
fail(const char *fmt, ...)
{
	char words[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	log_event(LOG_ERR, "canary", "%s", words);
	_exit(PARENT_EXIT_CANARY);
}

static _Noreturn void
fail_worker(const struct spawner_event *e)
{
	struct log_line l;

	log_begin(&l, LOG_ERR, "canary");
	log_num(&l, "worker", e->pid);
	if (e->signal > 0 && sigabbrev_np(e->signal) != NULL)
		log_str(&l, "signal", sigabbrev_np(e->signal));
	else
		log_num(&l, "status", e->status);
	log_str(&l, "detail", "a worker did not live through an echo");
	log_end(&l);
	_exit(PARENT_EXIT_CANARY);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	fail("%s within %d s", doing(), PATIENCE);
}

static void
watch(struct event *e, int fd, short what, event_callback_fn on_event)
{
	event_assign(e, service.base, fd,
	    (short)(what | EV_PERSIST), on_event, NULL);
	if (event_add(e, NULL) == -1)
		fail("libevent: %s", strerror(errno));
}

/* ---- the dialer ---------------------------------------------------------- */

static void
on_dialer(evutil_socket_t fd, short what, void *arg)
{
	int n = dial_answered(canary.helpers.dialer);

	(void)fd, (void)what, (void)arg;
	if (n == 1)
		canary.state = CANARY_DONE;
	else if (n == 0)
		fail("the dialer ended when it was asked");
	else if (errno != EAGAIN)
		fail("the dialer: %s", strerror(errno));
}

static void
ask_dialer(void)
{
	canary.state = CANARY_DIAL;
	if (canary.helpers.dialer == -1) {
		canary.state = CANARY_DONE;
		return;
	}
	watch(&canary.from_dialer, canary.helpers.dialer, EV_READ, on_dialer);
	if (!dial_try(canary.helpers.dialer))
		fail("the dialer cannot be asked: %s", strerror(errno));
}

/* ---- the resolver -------------------------------------------------------- */

static void
on_resolver(evutil_socket_t fd, short what, void *arg)
{
	int n = lookup_answered(canary.helpers.resolver);

	(void)fd, (void)what, (void)arg;
	if (n == 1)
		ask_dialer();
	else if (n == 0)
		fail("the resolver ended when it was asked");
	else if (errno != EAGAIN)
		fail("the resolver: %s", strerror(errno));
}

static void
ask_resolver(void)
{
	canary.state = CANARY_QUESTION;
	if (canary.helpers.resolver == -1) {
		ask_dialer();
		return;
	}
	watch(&canary.from_resolver, canary.helpers.resolver, EV_READ,
	    on_resolver);
	if (!lookup_try(canary.helpers.resolver))
		fail("the resolver cannot be asked: %s", strerror(errno));
}

/* ---- the worker ---------------------------------------------------------- */

static void
ask_worker(void)
{
	const struct spawner_want one = { .count = 1 };

	canary.state = CANARY_ASKED;
	if (!channel_send(canary.helpers.spawner, &one, sizeof one,
	    service_end[1]))
		fail("the spawner cannot be asked: %s", strerror(errno));
	if (service_end[1] != -1) {
		close(service_end[1]);
		watch(&canary.from_service, service_end[0], EV_READ,
		    on_service);
	}
}

static void
next(void)
{
	if (++canary.round < canary.rounds)
		ask_worker();
	else
		ask_resolver();
}

static uint8_t
byte_at(size_t n)
{
	return (uint8_t)(n * 31 + (n >> 8));
}

static void
let_go(enum canary_state state)
{
	event_del(&canary.from_worker);
	close(canary.fd);
	canary.state = state;
}

/*
 * A pool worker goes on, and that it does is seen when its turn comes again.
 * The end of an echo worker is the spawner's to tell.
 */
static void
finish_echo(void)
{
	let_go(CANARY_PARTING);
	if (service.config->isolation == ISOLATION_POOL)
		next();
}

static void
send_some(void)
{
	static uint8_t chunk[65536];

	while (canary.sent < BYTES) {
		size_t len = BYTES - canary.sent < sizeof chunk ?
		    BYTES - canary.sent : sizeof chunk;
		ssize_t n;

		for (size_t i = 0; i < len; i++)
			chunk[i] = byte_at(canary.sent + i);
		n = send(canary.fd, chunk, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			return;		/* the other direction says why */
		canary.sent += (size_t)n;
	}
	shutdown(canary.fd, SHUT_WR);
	event_del(&canary.from_worker);
	watch(&canary.from_worker, canary.fd, EV_READ, on_worker);
}

/*
 * The service of a relay worker echoes, too, until its end.  What it cannot
 * give back yet it keeps, and takes no more.
 */
static void
on_service(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t chunk[65536];
	static size_t off, len;
	ssize_t n;

	(void)what, (void)arg;
	if (len == 0) {
		n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
		if (n == 0)
			shutdown(fd, SHUT_WR);
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			event_del(&canary.from_service);
		if (n <= 0)
			return;
		off = 0;
		len = (size_t)n;
	}
	n = send(fd, chunk + off, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0) {
		off += (size_t)n;
		len -= (size_t)n;
	}
	event_del(&canary.from_service);
	watch(&canary.from_service, fd, len > 0 ? EV_WRITE : EV_READ,
	    on_service);
}

/* False when there is no more yet, or will never be. */
static bool
take_some(void)
{
	static uint8_t chunk[65536];
	ssize_t n = recv(canary.fd, chunk, sizeof chunk, MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		if (n == 0 && canary.received == BYTES)
			finish_echo();
		else
			let_go(CANARY_LOST);
		return false;
	}
	for (ssize_t i = 0; i < n; i++)
		if (chunk[i] != byte_at(canary.received++))
			fail("a worker returned something else than it got");
	return true;
}

static void
on_worker(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	if (canary.sent < BYTES)
		send_some();
	while (take_some())
		continue;
}

/*
 * What only a client has us call: here the kernel has nothing to give, but the
 * filters are asked first.
 */
static void
call_as_for_client(void)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	const int on = 1;

	if (accept4(canary.fd, (struct sockaddr *)&from, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC) != -1 ||
	    setsockopt(canary.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) !=
	    -1)
		fail("the spawner sent no worker's end");
	if (service_relays() && (!dial_is_stream(canary.fd) ||
	    getsockname(canary.fd, (struct sockaddr *)&from, &len) == -1))
		fail("the spawner sent no stream socket");
}

static void
begin_echo(const struct spawner_event *e, int fd)
{
	if (canary.round == 0)
		canary.first = e->pid;
	else if (canary.round + 1 == canary.rounds && e->pid != canary.first)
		fail("a pool worker did not live through an echo");
	canary.state = CANARY_ECHO;
	canary.pid = e->pid;
	canary.fd = fd;
	canary.sent = canary.received = 0;
	call_as_for_client();
	watch(&canary.from_worker, fd, EV_READ | EV_WRITE, on_worker);
}

static void
on_event(const struct spawner_event *e, int fd)
{
	if (e->type == SPAWNER_DIED)
		fail_worker(e);
	if (e->type == SPAWNER_WORKER && fd != -1 &&
	    canary.state == CANARY_ASKED)
		begin_echo(e, fd);
	else if (e->type == SPAWNER_ENDED && e->pid == canary.pid &&
	    canary.state == CANARY_PARTING)
		next();
	else if (e->type == SPAWNER_ENDED && canary.state == CANARY_LOST)
		fail_worker(e);
	else if (e->type != SPAWNER_ENDED && e->type != SPAWNER_BUSY)
		fail("the spawner sent what was not asked for");
}

static void
on_spawner(evutil_socket_t sock, short what, void *arg)
{
	struct spawner_event e;
	int fd, n = channel_recv(canary.helpers.spawner, &e, sizeof e, &fd);

	(void)sock, (void)what, (void)arg;
	if (n == 1)
		on_event(&e, fd);
	else if (n == 0 || errno == ECONNRESET)
		fail("the spawner ended");
	else if (errno != EAGAIN)
		fail("the spawner: %s", strerror(errno));
}

/* ---- all of it ----------------------------------------------------------- */

static void
begin(const struct helpers *h)
{
	const struct timeval patience = { .tv_sec = PATIENCE };

	canary.helpers = *h;
	/* each pool worker, and the first once more */
	canary.rounds = service.config->isolation == ISOLATION_POOL ?
	    (uint32_t)service.config->pool_workers + 1 : 1;
	event_assign(&canary.watchdog, service.base, -1, 0, on_watchdog, NULL);
	event_add(&canary.watchdog, &patience);
	watch(&canary.from_spawner, h->spawner, EV_READ, on_spawner);
	ask_worker();
}

static void
end(int64_t began)
{
	struct log_line l;

	event_del(&canary.watchdog);
	event_del(&canary.from_spawner);
	if (canary.helpers.resolver != -1)
		event_del(&canary.from_resolver);
	if (canary.helpers.dialer != -1)
		event_del(&canary.from_dialer);
	if (service_end[0] != -1) {
		event_del(&canary.from_service);
		close(service_end[0]);
	}
	log_begin(&l, LOG_INFO, "canary");
	log_str(&l, "result", "ok");
	log_num(&l, "workers", canary.rounds);
	log_num(&l, "ms", service_now() - began);
	log_end(&l);
}

void
canary_prepare(const struct config *c)
{
	if (c->worker == WORKER_RELAY && socketpair(AF_UNIX, SOCK_STREAM |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0, service_end) == -1)
		fatal(EX_OSERR, "socketpair: %s", strerror(errno));
}

void
canary_run(const struct helpers *h)
{
	int64_t began = service_now();

	begin(h);
	while (canary.state != CANARY_DONE) {
		if (event_base_loop(service.base, EVLOOP_ONCE) == -1)
			fail("libevent: the loop failed");
		if (!service.accepting)
			return;		/* told to go: and so we do */
	}
	end(began);
}
