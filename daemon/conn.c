/*
 * A client's way: handshake, a worker, echo, end.  Each connection is in one
 * state, each state has a deadline, and enter() is the only way from one to
 * the next.  A turn does a bounded amount of work and queues the connection
 * again if more is left, so that nobody starves.
 */
#include <errno.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "dial.h"
#include "log.h"

#define LINGER_MS	2000	/* for a refused client to read its alert */
#define JUDGE_BURST	16	/* sessions judged again a turn */
/* Until it is tried again what the kernel had no memory for. */
static const struct timeval retry_time = { .tv_usec = 20000 };
/* The resolver keeps its deadline itself; this is for one that does not. */
#define RESOLVER_GRACE_MS	1000
/* So does the dialer, for those that it has been asked for. */
#define DIALER_GRACE_MS		1000
#define PID_LISTS		1024

static TAILQ_HEAD(, conn) conns = TAILQ_HEAD_INITIALIZER(conns);
/*
 * Who waits for another process, the longest first: the first to be answered.
 */
static TAILQ_HEAD(askers, conn) checking = TAILQ_HEAD_INITIALIZER(checking);
static struct askers dialing = TAILQ_HEAD_INITIALIZER(dialing);
static struct askers waiting = TAILQ_HEAD_INITIALIZER(waiting);
static TAILQ_HEAD(queue, conn) run_queue = TAILQ_HEAD_INITIALIZER(run_queue);
/* What they had to send, the kernel had no memory for. */
static TAILQ_HEAD(, conn) starved = TAILQ_HEAD_INITIALIZER(starved);
static struct event	retry_timer;
static LIST_HEAD(, conn) by_pid[PID_LISTS];	/* those with a worker */
static uint32_t news;			/* so often the rules' files changed */
static int64_t	news_at;		/* and when, the last time */

void
conn_queue(struct conn *c)
{
	if (c->queued || c->state == STATE_GONE)
		return;
	c->queued = true;
	TAILQ_INSERT_TAIL(&run_queue, c, run);
}

/* ---- deadlines ----------------------------------------------------------- */

static int64_t
ordinary_deadline(const struct conn *c)
{
	const struct config *g = service.config;
	int64_t idle, session;

	switch (c->state) {
	case STATE_PROXY:
	case STATE_HANDSHAKE:
		return c->begun + g->handshake_ms;
	case STATE_WAITING:
		return c->entered + g->handshake_ms;
	case STATE_CHECKING:
		return c->entered + g->resolve_ms + RESOLVER_GRACE_MS;
	case STATE_DIALING:
		return c->entered + g->connect_ms + DIALER_GRACE_MS;
	case STATE_OPEN:
		idle = c->last + g->idle_ms;
		session = c->begun + g->session_ms;
		return idle < session ? idle : session;
	case STATE_ENDING:
	case STATE_FLUSHING:
		if (!c->finished)
			return c->entered + g->drain_ms;
		/* Its own end: as long as it goes on reading, it gets all. */
		idle = (c->last > c->entered ? c->last : c->entered) +
		    g->idle_ms;
		session = c->begun + g->session_ms + g->drain_ms;
		return idle < session ? idle : session;
	default:
		return c->entered + LINGER_MS;
	}
}

static int64_t
deadline(const struct conn *c)
{
	int64_t at = ordinary_deadline(c);

	return c->evict_at != 0 && c->evict_at < at ? c->evict_at : at;
}

/* Traffic only moves c->last; the timer finds out when it fires. */
static bool
arm(struct conn *c)
{
	int64_t ms = deadline(c) - service_now();
	struct timeval tv;

	if (ms < 1)
		ms = 1;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	return event_add(&c->on_time, &tv) == 0;
}

/* ---- ends ---------------------------------------------------------------- */

void
conn_drop_worker(struct conn *c)
{
	if (c->worker == -1)
		return;
	metric_sub(&metrics->workers_busy, 1);
	LIST_REMOVE(c, by_pid);
	event_del(&c->on_worker);
	event_del(&c->on_room);
	close(c->worker);
	c->worker = -1;
	pile_clear(&c->plain);
}

/*
 * Freed only when its turn (if any) is over: conn_run does it, so that no
 * code further up a turn finds its connection gone.
 */
static void
drop(struct conn *c)
{
	if (c->opened)
		conn_log_close(c);
	else if (!c->refused && !c->health_check)
		metric_add(&metrics->lost, 1);
	event_del(&c->on_sock);
	event_del(&c->on_time);
	if (c->retries)
		TAILQ_REMOVE(&starved, c, retry);
	if (c->worker != -1)
		stash_over(c->worker_pid);
	conn_drop_worker(c);
	if (c->service != -1)
		close(c->service);
	c->service = -1;
	close(c->t.sock);
	transport_free(&c->t);
	beneath_forget(&c->verdict);
	TAILQ_REMOVE(&conns, c, all);
	room_leave(c);
	service.open--;
	if (!c->queued)
		TAILQ_INSERT_TAIL(&run_queue, c, run);
	c->queued = true;
}

/* It can have no deadline: better gone than there for ever. */
static void
out_of_memory(struct conn *c)
{
	if (!c->opened && !c->refused)
		conn_log_refused(c, REASON_INTERNAL, "out of memory");
	conn_abort(c, "no-memory");
}

static struct askers *
askers(enum state s)
{
	return s == STATE_CHECKING ? &checking : s == STATE_DIALING ? &dialing :
	    s == STATE_WAITING ? &waiting : NULL;
}

void
conn_enter(struct conn *c, enum state s)
{
	if (c->state == STATE_GONE)
		return;
	if (askers(c->state) != NULL)
		TAILQ_REMOVE(askers(c->state), c, ask);
	if (c->state == STATE_DIALING && c->asked != 0)
		dial_cancel(c->asked);	/* it waits no more: gone, or refused */
	if (askers(s) != NULL)
		TAILQ_INSERT_TAIL(askers(s), c, ask);
	metric_sub(&metrics->state[c->state], 1);
	if (s != STATE_GONE)
		metric_add(&metrics->state[s], 1);
	c->state = s;
	c->entered = service_now();
	if (s == STATE_GONE)
		drop(c);
	else if (!arm(c))
		out_of_memory(c);
}

void
conn_abort(struct conn *c, const char *end)
{
	if (c->end == NULL)
		c->end = end;
	conn_enter(c, STATE_GONE);
}

void
conn_give_way(struct conn *c)
{
	/* One that was refused has had its line, and only lingers. */
	if (c->state == STATE_PROXY || c->state == STATE_HANDSHAKE)
		conn_log_refused(c, REASON_TOO_MANY_HANDSHAKES, "it gave way "
		    "to one from an address with fewer under way");
	conn_enter(c, STATE_GONE);
}

void
conn_refuse(struct conn *c, enum reason why, const char *detail)
{
	conn_log_refused(c, why, detail);
	conn_enter(c, STATE_FLUSHING);
	conn_queue(c);
}

/*
 * A service must not take our end for its client's, nor the client for the
 * service's: the worker's end is closed, not shut down, by which it knows to
 * reset the one (relay.c), and the other gets no close_notify.
 */
static void
break_off(struct conn *c)
{
	stash_over(c->worker_pid);
	conn_drop_worker(c);
	conn_enter(c, STATE_FLUSHING);
}

/* Take nothing more from the client; what was received is echoed. */
static void
end_session(struct conn *c, const char *why)
{
	if (c->state != STATE_OPEN)
		return;
	c->end = why;
	if (service_relays())
		break_off(c);
	else
		conn_enter(c, STATE_ENDING);
	conn_queue(c);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t now = service_now();

	(void)fd, (void)what;
	if (deadline(c) > now) {
		if (!arm(c))
			out_of_memory(c);
		return;
	}
	switch (c->state) {
	case STATE_PROXY:
		conn_log_refused(c, REASON_PROXY_REQUIRED, "no PROXY protocol "
		    "header came");
		conn_enter(c, STATE_GONE);
		break;
	case STATE_CHECKING:
		conn_refuse(c, REASON_RESOLVER_TIMEOUT, "the resolver did not "
		    "answer in time");
		break;
	case STATE_DIALING:
		conn_refuse(c, REASON_BACKEND_UNREACHABLE, "no connection to "
		    "it was made in time");
		dial_overdue();
		break;
	case STATE_HANDSHAKE:
		conn_log_refused(c, REASON_HANDSHAKE_TIMEOUT, NULL);
		conn_enter(c, STATE_GONE);
		break;
	case STATE_WAITING:
		conn_log_refused(c, REASON_INTERNAL, "no worker became ready");
		conn_enter(c, STATE_GONE);
		break;
	case STATE_OPEN:
		end_session(c, now - c->last >= service.config->idle_ms ?
		    "idle" : "session");
		break;
	case STATE_ENDING:
	case STATE_FLUSHING:
		conn_abort(c, "stalled");
		break;
	default:
		conn_enter(c, STATE_GONE);
	}
}

/* What was gathered goes out; then a FIN, and what still comes is ignored. */
static void
flush_turn(struct conn *c)
{
	pile_clear(&c->t.in);		/* nobody will read it */
	if (!transport_flush(&c->t)) {
		conn_abort(c, "reset");
		return;
	}
	if (c->t.out.len > 0)
		return;
	if (c->finished || c->t.eof) {
		conn_enter(c, STATE_GONE);
		return;
	}
	shutdown(c->t.sock, SHUT_WR);
	conn_enter(c, STATE_LINGER);
	conn_queue(c);
}

static void
linger_turn(struct conn *c)
{
	static uint8_t ignored[16384];
	ssize_t n;

	do
		n = recv(c->t.sock, ignored, sizeof ignored, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		conn_enter(c, STATE_GONE);
	else if (n > 0)
		conn_queue(c);
}

static void
turn(struct conn *c)
{
	switch (c->state) {
	case STATE_PROXY:
		entry_proxy_turn(c);
		break;
	case STATE_HANDSHAKE:
		entry_handshake_turn(c);
		break;
	case STATE_CHECKING:
	case STATE_DIALING:
	case STATE_WAITING:
		/* The dial of one who has gone would take another's place. */
		if (!transport_flush(&c->t) || (c->state == STATE_DIALING &&
		    transport_gone(&c->t)))
			conn_abort(c, "reset");
		break;
	case STATE_OPEN:
	case STATE_ENDING:
		echo_turn(c);
		break;
	case STATE_FLUSHING:
		flush_turn(c);
		break;
	case STATE_LINGER:
		linger_turn(c);
		break;
	case STATE_GONE:
		break;
	}
}

/* ---- what could not be sent ---------------------------------------------- */

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c;

	(void)fd, (void)what, (void)arg;
	while ((c = TAILQ_FIRST(&starved)) != NULL) {
		TAILQ_REMOVE(&starved, c, retry);
		c->retries = c->t.starved = false;
		conn_queue(c);
	}
}

/*
 * The socket has room, so that no event of its own would come, or all the time.
 */
static void
retry_later(struct conn *c)
{
	if (c->retries || c->state == STATE_GONE)
		return;
	if (!event_initialized(&retry_timer))
		event_assign(&retry_timer, service.base, -1, 0, on_retry, NULL);
	if (TAILQ_EMPTY(&starved) &&
	    event_add(&retry_timer, &retry_time) == -1) {
		out_of_memory(c);
		return;
	}
	c->retries = true;
	TAILQ_INSERT_TAIL(&starved, c, retry);
}

/* ---- news of the rules' files -------------------------------------------- */

static void
evict(struct conn *c, enum reason why)
{
	switch (c->state) {
	case STATE_CHECKING:
	case STATE_DIALING:
	case STATE_WAITING:
		conn_refuse(c, why, "by newer files than those it came in by");
		break;
	case STATE_OPEN:
	case STATE_ENDING:
	case STATE_FLUSHING:
		if (c->evict_at != 0)
			break;		/* it is told already */
		c->evict_at = news_at + service.config->revoked_ms;
		c->end = reason_word(why);
		if (c->state == STATE_OPEN)
			end_session(c, c->end);
		else if (!arm(c))
			out_of_memory(c);
		break;
	default:
		break;		/* not judged yet, or as good as gone */
	}
}

/*
 * A few of those that are not judged by the last news, each time; they stand
 * before the others.  True if there may be more.
 */
static bool
judge_again(void)
{
	for (int i = 0; i < JUDGE_BURST; i++) {
		struct conn *c = TAILQ_FIRST(&conns);
		enum reason why = REASON_NONE;

		if (c == NULL || c->judged_by == news)
			return false;
		c->judged_by = news;
		TAILQ_REMOVE(&conns, c, all);
		TAILQ_INSERT_TAIL(&conns, c, all);
		if (c->state >= STATE_CHECKING && c->state < STATE_LINGER &&
		    c->verdict.judged && c->verdict.why == REASON_NONE)
			why = beneath_judge_again(&c->verdict);
		if (why != REASON_NONE)
			evict(c, why);
	}
	return true;
}

void
conn_judge_all(void)
{
	news++;
	news_at = service_now();
}

uint32_t
conn_news(void)
{
	return news;
}

bool
conn_run(const struct conn **lone)
{
	struct queue now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;

	TAILQ_CONCAT(&now, &run_queue, run);
	c = TAILQ_FIRST(&now);
	/* busypoll.h: for strangers it does not look on. */
	*lone = c != NULL && TAILQ_NEXT(c, run) == NULL && c->opened ? c : NULL;
	while ((c = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, c, run);
		if (c->state == STATE_GONE) {
			free(c);
			continue;
		}
		c->queued = false;
		turn(c);
		if (c->t.starved)
			retry_later(c);
	}
	return judge_again() || !TAILQ_EMPTY(&run_queue);
}

/* ---- beginnings, and news ------------------------------------------------ */

static void
on_sock(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & (EV_READ | EV_CLOSED))
		c->t.readable = true;
	if (what & EV_CLOSED)
		c->t.hup = true;
	conn_queue(c);
}

void
conn_accept(int sock, const struct sockaddr_storage *from,
    const struct room *room)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL) {
		conn_refuse_early(from, REASON_INTERNAL);
		room_give_back(room);
		close(sock);
		return;
	}
	transport_begin_plain(&c->t, sock);
	c->address = *from;
	addr_unmap(&c->address);
	addr_text(&c->address, c->peer);
	c->service = c->worker = c->row = -1;
	c->since = c->judged_by = news;
	c->begun = c->last = service_now();
	event_assign(&c->on_time, service.base, -1, 0, on_time, c);
	event_assign(&c->on_sock, service.base, sock,
	    EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, on_sock, c);
	TAILQ_INSERT_TAIL(&conns, c, all);
	room_keep(c, room);
	service.open++;
	metric_add(&metrics->state[c->state], 1);
	if (event_add(&c->on_sock, NULL) == 0) {
		entry_begin(c);
		return;
	}
	conn_log_refused(c, REASON_INTERNAL, "out of memory");
	conn_enter(c, STATE_GONE);
}

uint64_t
conn_question(void)
{
	static uint64_t last;

	return ++last;
}

struct conn *
conn_asking(enum state s, uint64_t asked)
{
	struct conn *c;

	TAILQ_FOREACH(c, askers(s), ask)
		if (c->asked == asked)
			return c;
	return NULL;
}

bool
conn_to_dial(struct dialer_query *q)
{
	struct conn *c = conn_asking(STATE_DIALING, 0);
	int64_t left;

	if (c == NULL)
		return false;
	left = c->entered + service.config->connect_ms - service_now();
	c->asked = conn_question();
	q->id = c->asked;
	q->again = c->asks_again;
	q->ms = left > 0 ? left : 0;
	return true;
}

void
conn_dial_later(uint64_t id)
{
	struct conn *c = conn_asking(STATE_DIALING, id);

	if (c != NULL)
		c->asked = 0;
}

void
conn_dial_again(uint64_t id)
{
	struct conn *c = conn_asking(STATE_DIALING, id);

	if (c == NULL)
		return;
	c->asked = 0;
	c->asks_again = true;
}

void
conn_dialer_lost(void)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&dialing)) != NULL)
		conn_refuse(c, REASON_BACKEND_UNREACHABLE, "the dialer has "
		    "died");
}

void
conn_worker_ready(void)
{
	struct conn *c;

	TAILQ_FOREACH(c, &waiting, ask) {
		if (service_relays() && c->service == -1)
			continue;	/* its worker is on its way */
		entry_give_worker(c);
		return;
	}
}

void
conn_take_worker(struct conn *c, int fd, pid_t pid)
{
	c->worker = fd;
	c->worker_pid = pid;
	LIST_INSERT_HEAD(&by_pid[(uint32_t)pid % PID_LISTS], c, by_pid);
	metric_add(&metrics->workers_busy, 1);
}

void
conn_worker_ended(pid_t pid, enum word word)
{
	struct conn *c;

	LIST_FOREACH(c, &by_pid[(uint32_t)pid % PID_LISTS], by_pid) {
		if (c->worker_pid != pid || c->word != WORD_NONE)
			continue;
		c->word = word;
		c->worker_readable = true;
		conn_queue(c);
	}
}

void
conn_worker_died(pid_t pid, int signal, int status)
{
	struct conn *c;
	struct log_line l;
	bool told = false;

	metric_add(signal != 0 ? &metrics->workers_killed :
	    &metrics->workers_failed, 1);
	log_begin(&l, LOG_ERR, "worker-died");
	log_num(&l, "worker", pid);
	if (signal != 0) {
		const char *name = sigabbrev_np(signal);

		log_fmt(&l, "signal", "%s", name != NULL ? name : "?");
	} else {
		log_num(&l, "status", status);
	}
	LIST_FOREACH(c, &by_pid[(uint32_t)pid % PID_LISTS], by_pid) {
		if (c->worker_pid != pid || c->word != WORD_NONE)
			continue;
		if (!told)
			log_str(&l, "peer", c->peer);
		told = true;
		c->word = WORD_DIED;
		/* Its end may have come without an edge of its own. */
		c->worker_readable = c->worker_hup = true;
		conn_queue(c);
	}
	log_end(&l);
}

void
conn_end_all(const char *why)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->state == STATE_OPEN) {
			end_session(c, why);
		} else if (c->state <= STATE_WAITING) {
			conn_log_refused(c, REASON_SHUTTING_DOWN, NULL);
			conn_enter(c, STATE_GONE);
		}
	}
}
