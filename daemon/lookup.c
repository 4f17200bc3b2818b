#include "lookup.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "judge.h"
#include "log.h"
#include "metrics.h"
#include "parent.h"
#include "process.h"
#include "service.h"

/* So many answers of one wake-up, then the clients' turn. */
#define ANSWERS_BURST 16

static pid_t		resolver;
static int		channel = -1;
static struct event	channel_event;
static bool		resting;	/* until it is asked again */
static struct event	rest_timer;
static const struct timeval rest_time = { .tv_usec = 20000 };

/* ---- its start ----------------------------------------------------------- */

void
lookup_start(const struct resolver_setup *s, int exe, int at)
{
	struct resolver_setup setup = *s;
	int pair[2];

	setup.size = sizeof setup;
	setup.parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal(EX_OSERR, "socketpair: %s", strerror(errno));
	resolver = fork_bare();
	if (resolver == -1)
		fatal(EX_OSERR, "fork: %s", strerror(errno));
	if (resolver == 0) {
		const struct placement place = { pair[1],
		    RESOLVER_CHANNEL_FD };

		exec_program(exe, "posternd: resolver", &place, 1);
	}
	close(pair[1]);
	if (pair[0] != at) {
		if (dup2(pair[0], at) == -1)
			fatal(EX_OSERR, "dup2: %s", strerror(errno));
		close(pair[0]);
	}
	if (!channel_send(at, &setup, sizeof setup, -1))
		fatal(EX_OSERR, "resolver: %s", strerror(errno));
}

bool
lookup_wait(int from, int *status)
{
	resolver_ready ready;
	int fd;

	if (channel_recv(from, &ready, sizeof ready, &fd) == 1 && fd == -1 &&
	    ready == sizeof(struct resolver_setup)) {
		if (fcntl(from, F_SETFL, O_NONBLOCK) == -1)
			fatal(EX_OSERR, "fcntl: %s", strerror(errno));
		return true;
	}
	if (waitpid(resolver, status, 0) != resolver)
		*status = 0;
	return false;
}

/* ---- questions and answers ----------------------------------------------- */

static bool
send_query(int to, uint64_t id, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	struct resolver_query q;

	memset(&q, 0, sizeof q);
	q.id = id;
	q.family = address->ss_family;
	if (q.family == AF_INET)
		memcpy(q.address, &in->sin_addr, sizeof in->sin_addr);
	else
		memcpy(q.address, &in6->sin6_addr, sizeof in6->sin6_addr);
	return channel_send(to, &q, sizeof q, -1);
}

/* What whoever has taken over the resolver might send instead. */
static bool
is_sound(const struct resolver_answer *a)
{
	if (a->status < RESOLVER_ANSWERED || a->status > RESOLVER_FAILED ||
	    a->remembered > 1 ||
	    a->names > (a->status == RESOLVER_ANSWERED ? RESOLVER_NAMES : 0) ||
	    memchr(a->detail, '\0', sizeof a->detail) == NULL)
		return false;
	for (uint32_t i = 0; i < a->names; i++)
		if (memchr(a->name[i], '\0', sizeof a->name[i]) == NULL ||
		    !judge_is_host_name(a->name[i]))
			return false;
	return true;
}

/* 1, 0 at its end, or -1 with errno set: EAGAIN if there is nothing. */
static int
receive_answer(int from, struct resolver_answer *a)
{
	int fd, n = channel_recv(from, a, sizeof *a, &fd);

	if (n == 1 && (fd != -1 || !is_sound(a))) {
		if (fd != -1)
			close(fd);
		errno = EBADMSG;
		n = -1;
	}
	return n;
}

bool
lookup_try(int to)
{
	const struct resolver_query q = { .family = AF_UNSPEC };

	return channel_send(to, &q, sizeof q, -1);
}

int
lookup_answered(int from)
{
	static struct resolver_answer a;

	return receive_answer(from, &a);
}

/* ---- in the event loop --------------------------------------------------- */

static void
lose_resolver(const char *why)
{
	if (channel == -1)
		return;
	event_del(&channel_event);
	event_del(&rest_timer);
	resting = false;
	close(channel);
	channel = -1;
	metric_add(&metrics->resolvers_died, 1);
	log_event(LOG_ERR, "resolver-died", "%s; draining, to be replaced",
	    why);
	parent_replace_me();
	service_drain(service.config->drain_ms, "resolver-died");
	conn_look_up();		/* that is: no more */
}

static void
on_answer(const struct resolver_answer *a)
{
	metric_add(&metrics->queries[a->status], 1);
	metric_add(&metrics->cache_hits, a->remembered);
	conn_resolved(a);
}

static void
on_channel(evutil_socket_t sock, short what, void *arg)
{
	static struct resolver_answer a;

	(void)sock, (void)what, (void)arg;
	for (int turns = 0; turns < ANSWERS_BURST && channel != -1; turns++) {
		int n = receive_answer(channel, &a);

		if (n == 1)
			on_answer(&a);
		else if (n == 0)
			lose_resolver("it ended");
		else if (errno == EAGAIN)
			return;
		else
			lose_resolver(errno == EBADMSG ?
			    "it sent what is no answer" : strerror(errno));
	}
}

static void
on_rested(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
	resting = false;
	conn_look_up();
}

void
lookup_serve(struct event_base *base, int from)
{
	channel = from;
	event_assign(&rest_timer, base, -1, 0, on_rested, NULL);
	event_assign(&channel_event, base, channel, EV_READ | EV_PERSIST,
	    on_channel, NULL);
	if (event_add(&channel_event, NULL) == -1)
		fatal(EX_OSERR, "event_add: resolver's channel");
}

/* A full channel has answers to come first; no memory has no event. */
static bool
rest(void)
{
	if (errno == EAGAIN || !channel_passes(errno))
		return false;
	resting = event_add(&rest_timer, &rest_time) == 0;
	return resting;
}

enum lookup
lookup_ask(uint64_t id, const struct sockaddr_storage *address)
{
	if (resting)
		return LOOKUP_LATER;
	if (channel != -1 && send_query(channel, id, address))
		return LOOKUP_ASKED;
	if (channel != -1 && rest())
		return LOOKUP_LATER;
	metric_add(&metrics->queries[QUERY_UNASKED], 1);
	if (channel != -1 && !channel_passes(errno))
		lose_resolver("its channel is closed");
	return LOOKUP_NOT;
}

/* ---- without one --------------------------------------------------------- */

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool
lookup_once(int from, const struct sockaddr_storage *address, int64_t ms,
    struct resolver_answer *a)
{
	static uint64_t id;
	const int64_t end = now() + ms;
	int64_t left = ms;

	if (!send_query(from, ++id, address))
		return false;
	while (left > 0) {
		struct pollfd p = { .fd = from, .events = POLLIN };
		struct timespec t = { .tv_sec = (time_t)(left / 1000),
		    .tv_nsec = (long)(left % 1000) * 1000000 };

		if (ppoll(&p, 1, &t, NULL) == 1) {
			int n = receive_answer(from, a);

			if (n == 1 && a->id == id)
				return true;
			if (n == 0 || (n == -1 && errno != EAGAIN))
				return false;
		}
		left = end - now();
	}
	return false;
}
