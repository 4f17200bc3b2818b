#include "dial.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"
#include "metrics.h"
#include "parent.h"
#include "process.h"
#include "service.h"

/* So many answers of one wake-up, then the clients' turn. */
#define ANSWERS_BURST	16
/* A dialer that has been silent for so long past its deadline hangs (ms). */
#define SILENCE_MS	10000

static pid_t		dialer;
static int		channel = -1;
static struct event	channel_event;
static uint32_t		unanswered;
static int64_t		heard;		/* of it, or it had none to answer */
static bool		resting;	/* until it is asked again */
static struct event	rest_timer;
static const struct timeval rest_time = { .tv_usec = 20000 };

/* ---- its start ----------------------------------------------------------- */

void
dial_start(const struct dialer_setup *s, int exe, int at)
{
	struct dialer_setup setup = *s;
	int pair[2];

	setup.size = sizeof setup;
	setup.parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal(EX_OSERR, "socketpair: %s", strerror(errno));
	dialer = fork_bare();
	if (dialer == -1)
		fatal(EX_OSERR, "fork: %s", strerror(errno));
	if (dialer == 0) {
		const struct placement place = { pair[1], DIALER_CHANNEL_FD };

		exec_program(exe, "posternd: dial-spawner", &place, 1);
	}
	close(pair[1]);
	if (dup2(pair[0], at) == -1)
		fatal(EX_OSERR, "dup2: %s", strerror(errno));
	close(pair[0]);
	if (!channel_send(at, &setup, sizeof setup, -1))
		fatal(EX_OSERR, "dialer: %s", strerror(errno));
}

bool
dial_wait(int from, int *status)
{
	dialer_ready ready;
	int fd;

	if (channel_recv(from, &ready, sizeof ready, &fd) == 1 && fd == -1 &&
	    ready == sizeof(struct dialer_setup)) {
		if (fcntl(from, F_SETFL, O_NONBLOCK) == -1)
			fatal(EX_OSERR, "fcntl: %s", strerror(errno));
		return true;
	}
	if (waitpid(dialer, status, 0) != dialer)
		*status = 0;
	return false;
}

/* ---- answers ------------------------------------------------------------- */

/* What whoever has taken over the dialer might send instead. */
static bool
is_sound(const struct dialer_answer *a, int fd)
{
	return a->status >= DIALER_CONNECTED && a->status <= DIALER_STALE &&
	    (a->status == DIALER_FAILED ? a->error > 0 : a->error == 0) &&
	    (fd == -1 || a->status == DIALER_CONNECTED);
}

bool
dial_is_stream(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM;
}

/*
 * 1, 0 at its end, or -1 with errno set: EAGAIN if there is nothing.  A
 * descriptor for which there is no room makes an answer that it failed.
 */
static int
receive_answer(int from, struct dialer_answer *a, int *fd)
{
	int n = channel_recv(from, a, sizeof *a, fd);

	if (n == -1 && errno == EMFILE && a->status == DIALER_CONNECTED) {
		a->status = DIALER_FAILED;
		a->error = EMFILE;
		n = 1;
	}
	if (n == 1 && (!is_sound(a, *fd) ||
	    (*fd != -1 && !dial_is_stream(*fd)))) {
		if (*fd != -1)
			close(*fd);
		*fd = -1;
		errno = EBADMSG;
		n = -1;
	}
	return n;
}

bool
dial_try(int to)
{
	const struct dialer_query q = { .wish = DIALER_TRY };

	return channel_send(to, &q, sizeof q, -1);
}

int
dial_answered(int from)
{
	struct dialer_answer a;
	int fd, n = receive_answer(from, &a, &fd);

	if (n == 1 && fd != -1) {
		close(fd);
		errno = EBADMSG;
		n = -1;
	}
	return n;
}

/* ---- in the event loop --------------------------------------------------- */

static void
lose_dialer(const char *why)
{
	if (channel == -1)
		return;
	event_del(&channel_event);
	event_del(&rest_timer);
	close(channel);
	channel = -1;
	metric_add(&metrics->dialers_died, 1);
	log_event(LOG_ERR, "dialer-died", "%s; draining, to be replaced", why);
	parent_replace_me();
	service_drain(service.config->drain_ms, "dialer-died");
	conn_dialer_lost();
}

static void
on_answer(const struct dialer_answer *a, int fd)
{
	unanswered--;
	heard = service_now();
	if (a->status == DIALER_STALE) {
		/* The next one is not there at once. */
		resting = event_add(&rest_timer, &rest_time) == 0;
		conn_dial_again(a->id);
		return;
	}
	metric_add(&metrics->dials[a->status], 1);
	conn_dialed(a->id, fd, a->status == DIALER_TIMEOUT ?
	    "the service did not accept the connection in time" :
	    strerror(a->error));
}

static void
on_channel(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
	for (int turns = 0; turns < ANSWERS_BURST && channel != -1; turns++) {
		struct dialer_answer a;
		int fd, n = receive_answer(channel, &a, &fd);

		if (n == 1 && unanswered > 0 &&
		    (fd != -1) == (a.status == DIALER_CONNECTED)) {
			on_answer(&a, fd);
			continue;
		}
		if (n == 1 && fd != -1)
			close(fd);
		if (n == 0)
			lose_dialer("it ended");
		else if (n == -1 && errno == EAGAIN)
			break;
		else
			lose_dialer(n == 1 || errno == EBADMSG ?
			    "it sent what is no answer" : strerror(errno));
	}
	dial_more();
}

static void
on_rested(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
	resting = false;
	dial_more();
}

void
dial_serve(struct event_base *base, int from)
{
	channel = from;
	event_assign(&rest_timer, base, -1, 0, on_rested, NULL);
	event_assign(&channel_event, base, channel, EV_READ | EV_PERSIST,
	    on_channel, NULL);
	if (event_add(&channel_event, NULL) == -1)
		fatal(EX_OSERR, "event_add: dialer's channel");
}

/* If it is not for lack of room or memory, there is no dialer. */
static bool
ask(const struct dialer_query *q)
{
	if (channel_send(channel, q, sizeof *q, -1))
		return true;
	if (!channel_passes(errno))
		lose_dialer("its channel is closed");
	return false;
}

bool
dial_more(void)
{
	struct dialer_query q = { .wish = DIALER_DIAL };

	while (channel != -1 && !resting && unanswered < DIALER_DIALS &&
	    conn_to_dial(&q)) {
		if (!ask(&q)) {
			conn_dial_later(q.id);
			resting = channel != -1 &&
			    event_add(&rest_timer, &rest_time) == 0;
			break;
		}
		if (unanswered++ == 0)
			heard = service_now();
	}
	return channel != -1;
}

/* If it cannot be said now, it is over by itself, at its deadline. */
void
dial_cancel(uint64_t id)
{
	const struct dialer_query q = { .id = id, .wish = DIALER_CANCEL };

	if (channel != -1)
		ask(&q);
}

void
dial_overdue(void)
{
	if (unanswered > 0 && service_now() - heard >
	    service.config->connect_ms + SILENCE_MS)
		lose_dialer("it does not answer");
}
