/*
 * The parent's event loop: listeners, signals, the drain.
 */
#include "service.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "busypoll.h"
#include "channel.h"
#include "dial.h"
#include "expiry.h"
#include "log.h"
#include "lookup.h"
#include "metrics.h"
#include "news.h"
#include "parent.h"
#include "room.h"

/* So many clients of one wake-up, then the others' turn. */
#define ACCEPT_BURST 16
/*
 * Each accept leaks a reference on a global of libtls, whose counter wraps at
 * 2^31: be replaced long before.
 */
#define ACCEPTS_MAX (UINT32_C(1) << 29)
/*
 * Before a stop's drain, for those who are in the queue, or as good as there:
 * so long TCP may take, from far away, for what has begun.
 */
static const struct timeval last_clients = { .tv_usec = 250000 };
/* After the drain's deadline, for what was received to be echoed (ms). */
#define LAST_MS 5000

struct service service;

static const struct timeval rest_time = { .tv_usec = SERVICE_REST_MS * 1000L };

static struct event	listener[CONFIG_LISTEN_MAX];
static struct event	signals, rest_timer, drain_timer, stop_timer;
static struct event	progress_timer;
static uint32_t		accepts;
static uint64_t		turn;		/* of the loop */
static bool		last_call, cut_off, is_ready;

int64_t
service_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What passes by itself, if it is given time. */
static const int exhausted[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };
#define EXHAUSTED (sizeof exhausted / sizeof exhausted[0])

/* Which of them it is; EXHAUSTED: none. */
static size_t
exhaustion(int error)
{
	size_t i = 0;

	while (i < EXHAUSTED && exhausted[i] != error)
		i++;
	return i;
}

static void
complain(int error)
{
	static struct log_limit told[EXHAUSTED];

	log_event_limited(LOG_ERR, "accept-failed", &told[exhaustion(error)],
	    service_now(), "%s; connections wait in the listening queue",
	    strerror(error));
}

static void
rest(void)
{
	/* Without it they would never be taken up again. */
	if (event_add(&rest_timer, &rest_time) == -1)
		return;
	for (uint32_t i = 0; i < service.config->listens; i++)
		event_del(&listener[i]);
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	for (uint32_t i = 0; service.accepting && i < service.config->listens;
	    i++)
		if (event_add(&listener[i], NULL) == -1)
			event_add(&rest_timer, &rest_time);
}

static void
greet(int sock, const struct sockaddr_storage *from)
{
	bool balancer = config_is_balancer(service.config, from);
	struct room room;
	enum reason why = room_enter(&room, balancer ? NULL : from);

	if (why == REASON_NONE) {
		conn_accept(sock, from, &room);
		return;
	}
	conn_refuse_early(from, why);
	close(sock);
}

/*
 * Who comes alone costs one call: it is asked for more only if there were more,
 * which is known when the next turn of the loop tells of some again.
 */
static void
on_listener(evutil_socket_t fd, short what, void *arg)
{
	static int burst = 1;
	static uint64_t last;
	int most = turn - last > 1 ? 1 : burst;

	(void)what, (void)arg;
	burst = 1;
	last = turn;
	for (int i = 0; i < most && service.accepting; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof ss;
		int sock;

		if (room_is_elsewhere(service_now())) {
			rest();
			return;
		}
		sock = accept4(fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (sock != -1) {
			metric_add(&metrics->accepted, 1);
			greet(sock, &ss);
			if (++accepts == ACCEPTS_MAX) {
				parent_replace_me();
				service_drain(0, "recycled");
			}
		} else if (exhaustion(errno) < EXHAUSTED) {
			complain(errno);
			rest();
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
	burst = most < ACCEPT_BURST ? 2 * most : ACCEPT_BURST;
}

static void
on_drain_deadline(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval tv = { .tv_sec = LAST_MS / 1000 };

	(void)fd, (void)what, (void)arg;
	if (last_call) {
		log_event(LOG_WARNING, "drain", "%u sessions cut off",
		    (unsigned)service.open);
		cut_off = true;
		return;
	}
	last_call = true;
	conn_end_all("shutting-down");
	event_add(&drain_timer, &tv);
}

void
service_drain(int64_t deadline_ms, const char *why)
{
	struct log_line l;

	if (service.accepting) {
		log_begin(&l, LOG_INFO, "drain");
		log_str(&l, "why", why);
		log_num(&l, "connections", service.open);
		log_end(&l);
		for (uint32_t i = 0; i < service.config->listens; i++) {
			event_del(&listener[i]);
			close(HANDOFF_LISTEN + (int)i);
		}
		event_del(&rest_timer);
		expiry_stop();
	}
	service.accepting = false;
	if (deadline_ms > 0 && !service.stopping) {
		struct timeval tv = { .tv_sec = (time_t)(deadline_ms / 1000),
		    .tv_usec = (suseconds_t)(deadline_ms % 1000 * 1000) };

		service.stopping = true;
		event_add(&drain_timer, &tv);
	}
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	service_drain(service.config->drain_ms, "stop");
}

/* The supervisor keeps away who is new; who came before is still taken. */
static void
stop(void)
{
	if (!service.accepting || event_add(&stop_timer, &last_clients) == -1)
		service_drain(service.config->drain_ms, "stop");
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo s;

	(void)what, (void)arg;
	while (read(fd, &s, sizeof s) == (ssize_t)sizeof s) {
		if (s.ssi_signo == SIGTERM)
			stop();
		else
			service_drain(0, "reload");
	}
}

/*
 * By descriptor, at a number the policy knows: no handler ever interrupts a
 * turn.  The other signals of a terminal are the supervisor's to act upon.
 */
static void
prepare_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1 || dup2(fd, PARENT_SIGNAL_FD) == -1)
		fatal(EX_OSERR, "signalfd: %s", strerror(errno));
	if (fd != PARENT_SIGNAL_FD)
		close(fd);
}

static void
watch_signals(void)
{
	event_assign(&signals, service.base, PARENT_SIGNAL_FD,
	    EV_READ | EV_PERSIST, on_signal, NULL);
	if (event_add(&signals, NULL) == -1)
		fatal(EX_OSERR, "libevent: signals");
}

static void
on_progress(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	parent_tell_progress();
}

/* From now on the supervisor misses us if our loop stands still. */
void
service_ready(void)
{
	const struct timeval tv = { .tv_sec = PROGRESS_MS / 1000,
	    .tv_usec = PROGRESS_MS % 1000 * 1000L };

	if (is_ready)
		return;
	is_ready = true;
	if (event_add(&progress_timer, &tv) == -1)
		fatal(EX_OSERR, "libevent: a timer");
	parent_tell_progress();
}

/* The policy names its number; libevent does not tell it. */
static void
check_loop(void)
{
	struct epoll_event none;

	if (epoll_wait(PARENT_LOOP_FD, &none, 1, 0) == -1)
		fatal(EX_SOFTWARE, "libevent's epoll set is not descriptor %d: "
		    "%s", PARENT_LOOP_FD, strerror(errno));
}

void
service_prepare(const struct config *config)
{
	struct event_config *ec;

	prepare_signals();	/* first: libevent takes descriptors, too */
	ec = event_config_new();
	service.config = config;
	if (ec == NULL || event_config_require_features(ec, EV_FEATURE_ET |
	    EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE) == -1 ||
	    event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK |
	    EVENT_BASE_FLAG_IGNORE_ENV) == -1 ||
	    (service.base = event_base_new_with_config(ec)) == NULL)
		fatal(EX_OSERR, "libevent: no epoll");
	event_config_free(ec);
	check_loop();
	watch_signals();
	event_assign(&rest_timer, service.base, -1, 0, on_rested, NULL);
	event_assign(&stop_timer, service.base, -1, 0, on_stop, NULL);
	event_assign(&drain_timer, service.base, -1, 0, on_drain_deadline,
	    NULL);
	event_assign(&progress_timer, service.base, -1, EV_PERSIST, on_progress,
	    NULL);
	for (uint32_t i = 0; i < config->listens; i++)
		event_assign(&listener[i], service.base,
		    HANDOFF_LISTEN + (int)i, EV_READ | EV_PERSIST, on_listener,
		    NULL);
	service.accepting = true;
}

bool
service_relays(void)
{
	return service.config->worker == WORKER_RELAY;
}

void
service_run(const struct helpers *h, bool listens)
{
	const struct conn *lone;
	bool more = false;

	for (uint32_t i = 0; listens && service.accepting &&
	    i < service.config->listens; i++)
		if (event_add(&listener[i], NULL) == -1)
			fatal(EX_OSERR, "libevent: a listening socket");
	if (h->resolver != -1)
		lookup_serve(service.base, h->resolver);
	if (h->dialer != -1)
		dial_serve(service.base, h->dialer);
	news_serve(service.base);
	stash_start(h->spawner);
	busypoll_start(service.config->busy_poll_us);
	while (((service.accepting || service.open > 0) && !cut_off) ||
	    stash_leaves()) {
		turn++;
		if (event_base_loop(service.base, EVLOOP_ONCE |
		    (more ? EVLOOP_NONBLOCK : 0)) == -1)
			fatal(EX_OSERR, "libevent: the loop failed");
		more = conn_run(&lone);
		more = busypoll_again(lone) || more;
	}
}
