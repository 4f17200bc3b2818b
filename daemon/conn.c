/*
 * A client's way: handshake, a worker, echo, end.  Each connection is in one
 * state, each state has a deadline, and enter() is the only way from one to
 * the next.  A turn does a bounded amount of work and queues the connection
 * again if more is left, so that nobody starves.
 */
#include <errno.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "beneath.h"
#include "board.h"
#include "log.h"
#include "service.h"
#include "transport.h"

#define LINGER_MS	2000	/* for a refused client to read its alert */
#define IDLE_CALLS_MAX	8	/* of tls_read, before it is broken */
#define TURN_MAX	RECEIVE_MAX	/* plaintext a turn */

enum state {
	STATE_HANDSHAKE,	/* TLS */
	STATE_WAITING,		/* authorised; no worker is ready */
	STATE_OPEN,		/* echo */
	STATE_ENDING,		/* nothing more is taken; the rest is echoed */
	STATE_FLUSHING,		/* our close_notify, or alert, is on its way */
	STATE_LINGER,		/* sent; input is thrown away until it ends */
	STATE_GONE
};

struct conn {
	TAILQ_ENTRY(conn)	 all, run;
	bool			 queued;
	enum state		 state;
	struct transport	 t;
	int			 worker;	/* owned; -1 before STATE_OPEN */
	pid_t			 worker_pid;
	bool			 worker_readable, worker_hup;
	bool			 worker_shut;	/* it was told of the end */
	bool			 finished;	/* the client sent close_notify */
	bool			 opened;	/* event=open was logged */
	struct pile		 plain;		/* for the worker */
	struct event		 on_sock, on_worker, on_room, on_time;
	int64_t			 begun, last, entered;	/* ms, service_now */
	uint64_t		 bytes_in, bytes_out;
	const char		*end;		/* how it ended; static */
	char			 detail[160];	/* libtls's words for it, or "" */
	struct verdict		 verdict;
	char			 peer[ADDR_TEXT];
};

static TAILQ_HEAD(, conn) conns = TAILQ_HEAD_INITIALIZER(conns);
static TAILQ_HEAD(queue, conn) run_queue = TAILQ_HEAD_INITIALIZER(run_queue);
static uint8_t plain[PLAIN_MAX];	/* of the turn at hand */
static uint32_t waiting;		/* connections in STATE_WAITING */

static void enter(struct conn *c, enum state s);

static void
queue(struct conn *c)
{
	if (c->queued || c->state == STATE_GONE)
		return;
	c->queued = true;
	TAILQ_INSERT_TAIL(&run_queue, c, run);
}

/* ---- deadlines ----------------------------------------------------------------- */

static int64_t
deadline(const struct conn *c)
{
	const struct config *g = service.config;
	int64_t idle, session;

	switch (c->state) {
	case STATE_HANDSHAKE:
	case STATE_WAITING:
		return c->begun + g->handshake_ms;
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

/* Traffic only moves c->last; the timer finds out when it fires. */
static void
arm(struct conn *c)
{
	int64_t ms = deadline(c) - service_now();
	struct timeval tv;

	if (ms < 1)
		ms = 1;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	event_add(&c->on_time, &tv);
}

/* ---- the log --------------------------------------------------------------------- */

void
conn_refuse_early(const char *peer, enum reason why)
{
	struct log_line l;

	log_begin(&l, LOG_WARNING, "refused");
	log_str(&l, "reason", reason_word(why));
	log_str(&l, "peer", peer);
	log_end(&l);
}

static void
log_accept(const struct conn *c)
{
	struct log_line l;

	log_begin(&l, LOG_DEBUG, "accept");
	log_str(&l, "peer", c->peer);
	log_num(&l, "connections", service.open);
	log_end(&l);
}

static void
log_refused(const struct conn *c, enum reason why, const char *detail)
{
	struct log_line l;

	log_begin(&l, LOG_WARNING, "refused");
	log_str(&l, "reason", reason_word(why));
	log_str(&l, "peer", c->peer);
	if (c->verdict.sha256[0] != '\0') {
		log_escaped(&l, "subject", c->verdict.subject);
		log_fmt(&l, "sha256", "%s", c->verdict.sha256);
	}
	if (detail != NULL)
		log_str(&l, "detail", detail);
	log_end(&l);
}

static void
log_open(const struct conn *c)
{
	const char *hash = tls_peer_cert_hash(c->t.tls);
	struct log_line l;

	log_begin(&l, LOG_INFO, "open");
	log_str(&l, "peer", c->peer);
	log_str(&l, "tls", tls_conn_version(c->t.tls));
	log_str(&l, "cipher", tls_conn_cipher(c->t.tls));
	/* As event=refused has it; libtls's text can be ambiguous. */
	log_escaped(&l, "subject", c->verdict.subject);
	/* libtls puts "SHA256:" before it */
	log_str(&l, "sha256", hash != NULL && strchr(hash, ':') != NULL ?
	    strchr(hash, ':') + 1 : "");
	log_num(&l, "worker", c->worker_pid);
	log_end(&l);
}

static void
log_close(const struct conn *c)
{
	int64_t ms = service_now() - c->begun;
	struct log_line l;

	log_begin(&l, LOG_INFO, "close");
	log_str(&l, "peer", c->peer);
	log_str(&l, "end", c->end != NULL ? c->end : "finished");
	log_num(&l, "bytes_in", (int64_t)c->bytes_in);
	log_num(&l, "bytes_out", (int64_t)c->bytes_out);
	log_fmt(&l, "seconds", "%lld.%03d", (long long)(ms / 1000),
	    (int)(ms % 1000));
	log_num(&l, "worker", c->worker_pid);
	if (c->detail[0] != '\0')
		log_str(&l, "detail", c->detail);
	log_end(&l);
}

/* ---- ends ------------------------------------------------------------------------- */

static void
drop_worker(struct conn *c)
{
	if (c->worker == -1)
		return;
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
		log_close(c);
	event_del(&c->on_sock);
	event_del(&c->on_time);
	drop_worker(c);
	close(c->t.sock);
	transport_free(&c->t);
	TAILQ_REMOVE(&conns, c, all);
	board_leave();
	service.open--;
	if (!c->queued)
		TAILQ_INSERT_TAIL(&run_queue, c, run);
	c->queued = true;
}

static void
enter(struct conn *c, enum state s)
{
	if (c->state == STATE_GONE)
		return;
	waiting -= c->state == STATE_WAITING;
	waiting += s == STATE_WAITING;
	c->state = s;
	c->entered = service_now();
	if (s == STATE_GONE)
		drop(c);
	else
		arm(c);
}

/* The connection is lost, or not worth a word: at once. */
static void
abort_conn(struct conn *c, const char *end)
{
	if (c->end == NULL)
		c->end = end;
	enter(c, STATE_GONE);
}

/* Refused: what libtls gathered (its alert) still goes out, then no more. */
static void
refuse(struct conn *c, enum reason why, const char *detail)
{
	log_refused(c, why, detail);
	enter(c, STATE_FLUSHING);
}

/* Take nothing more from the client; what was received is echoed. */
static void
end_session(struct conn *c, const char *why)
{
	if (c->state != STATE_OPEN)
		return;
	c->end = why;
	enter(c, STATE_ENDING);
	queue(c);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t now = service_now();

	(void)fd, (void)what;
	if (deadline(c) > now) {
		arm(c);
		return;
	}
	switch (c->state) {
	case STATE_HANDSHAKE:
		log_refused(c, REASON_HANDSHAKE_TIMEOUT, NULL);
		enter(c, STATE_GONE);
		break;
	case STATE_WAITING:
		log_refused(c, REASON_INTERNAL, "no worker became ready");
		enter(c, STATE_GONE);
		break;
	case STATE_OPEN:
		end_session(c, now - c->last >= service.config->idle_ms ?
		    "idle" : "session");
		break;
	case STATE_ENDING:
	case STATE_FLUSHING:
		abort_conn(c, "stalled");
		break;
	default:
		enter(c, STATE_GONE);
	}
}

/* ---- from client to worker --------------------------------------------------------- */

enum step { STEP_MORE, STEP_WAIT, STEP_LOST };

/* Give the worker what it takes of these bytes; keep the rest. */
static enum step
push_to_worker(struct conn *c, const uint8_t *p, size_t len, bool kept)
{
	ssize_t n;

	do
		n = send(c->worker, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN && errno != ENOBUFS) {
		c->worker_readable = c->worker_hup = true;
		return STEP_LOST;
	}
	if (n < 0)
		n = 0;
	if (kept)
		pile_take(&c->plain, (size_t)n);
	else if (!pile_keep(&c->plain, p + n, len - (size_t)n))
		return STEP_LOST;
	if (c->plain.len == 0)
		return STEP_MORE;
	event_add(&c->on_room, NULL);
	return STEP_WAIT;
}

static void
protocol_error(struct conn *c, const char *why)
{
	c->end = "protocol";
	snprintf(c->detail, sizeof c->detail, "%s", why != NULL ? why : "");
}

/*
 * Decrypt up to PLAIN_MAX bytes into `plain`.  Returns their number; 0 if
 * there is nothing now, or the client has ended one way or another (*step).
 */
static size_t
decrypt(struct conn *c, enum step *step)
{
	size_t have = 0;
	int idle_calls = 0;
	bool received = false;

	*step = STEP_MORE;
	while (have < sizeof plain) {
		size_t before = transport_pending();
		ssize_t n = tls_read(c->t.tls, plain + have,
		    sizeof plain - have);

		if (n > 0) {
			have += (size_t)n;
		} else if (n == TLS_WANT_POLLIN && transport_pending() > 0) {
			/*
			 * A ticket or key update was eaten, perhaps one that
			 * libtls had taken before: go on, while there is any.
			 */
			idle_calls = transport_pending() < before ? 0 :
			    idle_calls + 1;
			if (idle_calls < IDLE_CALLS_MAX)
				continue;
			protocol_error(c, "libtls wants more, and leaves "
			    "what there is");
			*step = STEP_LOST;
			break;
		} else if (n == TLS_WANT_POLLIN) {
			if (have > 0 || c->state != STATE_OPEN ||
			    !(received ? transport_receive_more(&c->t) :
			    transport_receive(&c->t)))
				break;
			received = true;
		} else if (n == 0 && !c->t.eof_told) {
			c->finished = true;
			break;
		} else if (n == TLS_WANT_POLLOUT) {
			break;
		} else {
			if (!c->t.eof_told)
				protocol_error(c, tls_error(c->t.tls));
			else
				c->end = c->t.broken ? "reset" : "truncated";
			*step = STEP_LOST;
			break;
		}
	}
	return have;
}

static void
shut_worker(struct conn *c)
{
	if (!c->worker_shut)
		shutdown(c->worker, SHUT_WR);
	c->worker_shut = true;
}

static enum step
upstream(struct conn *c)
{
	size_t done = 0;

	while (done < TURN_MAX) {
		enum step s;
		size_t n;

		if (c->plain.len > 0 && (s = push_to_worker(c,
		    c->plain.data + c->plain.off, c->plain.len, true)) !=
		    STEP_MORE)
			return s;
		if (c->worker_shut)
			return STEP_WAIT;
		if (c->finished) {
			shut_worker(c);
			if (c->state == STATE_OPEN)
				enter(c, STATE_ENDING);
			return STEP_WAIT;
		}
		if (c->t.out.len >= GATHER_MAX)
			return STEP_WAIT;
		n = decrypt(c, &s);
		if (n > 0) {
			c->bytes_in += n;
			c->last = service_now();
			done += n;
			if (push_to_worker(c, plain, n, false) == STEP_LOST)
				return STEP_LOST;
		}
		if (s == STEP_LOST)
			return s;
		if (n == 0 && !c->finished) {
			/* Ours to end: all that had been received is through. */
			if (c->state == STATE_ENDING)
				shut_worker(c);
			return STEP_WAIT;
		}
	}
	return STEP_MORE;
}

/* ---- from worker to client ----------------------------------------------------------- */

static bool
encrypt(struct conn *c, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = tls_write(c->t.tls, p,
		    len < RECORD_MAX ? len : RECORD_MAX);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * The worker has ended: all is echoed, or it died.  (Killed between its read
 * and its write it looks orderly; the bytes do not.)
 */
static enum step
worker_ended(struct conn *c, bool orderly)
{
	if (!orderly || !c->worker_shut || c->plain.len > 0 ||
	    c->bytes_in != c->bytes_out) {
		c->end = "worker-died";
		return STEP_LOST;
	}
	drop_worker(c);
	tls_close(c->t.tls);		/* its result says nothing */
	enter(c, STATE_FLUSHING);
	return STEP_WAIT;
}

static enum step
downstream(struct conn *c)
{
	ssize_t n;

	if (!c->worker_readable || c->t.out.len > 0 || !transport_room())
		return STEP_WAIT;
	do
		n = recv(c->worker, plain, sizeof plain, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN) {
		c->worker_readable = false;
		return STEP_WAIT;
	}
	if (n <= 0)
		return worker_ended(c, n == 0);
	c->bytes_out += (uint64_t)n;
	c->last = service_now();
	if (!encrypt(c, plain, (size_t)n)) {
		protocol_error(c, tls_error(c->t.tls));
		return STEP_LOST;
	}
	if ((size_t)n < sizeof plain && !c->worker_hup)
		c->worker_readable = false;
	return STEP_MORE;
}

/* ---- turns ----------------------------------------------------------------------------- */

static void
echo_turn(struct conn *c)
{
	enum step up, down = STEP_WAIT;
	uint32_t kept = c->t.out.len;
	bool alive;

	alive = transport_flush(&c->t);
	if (c->t.out.len < kept)
		c->last = service_now();	/* it reads, if slowly */
	transport_begin(&c->t);
	up = alive ? upstream(c) : STEP_LOST;
	if (up != STEP_LOST)
		down = downstream(c);
	alive = transport_end(&c->t) && alive;
	if (up == STEP_LOST || down == STEP_LOST || !alive) {
		abort_conn(c, c->t.broken ? "reset" : "worker-died");
		return;
	}
	if (up == STEP_MORE || c->state == STATE_FLUSHING ||
	    (c->worker_readable && c->t.out.len == 0))
		queue(c);
}

/* What was gathered goes out; then a FIN, and what still comes is ignored. */
static void
flush_turn(struct conn *c)
{
	pile_clear(&c->t.in);		/* nobody will read it */
	if (!transport_flush(&c->t)) {
		abort_conn(c, "reset");
		return;
	}
	if (c->t.out.len > 0)
		return;
	if (c->finished || c->t.eof) {
		enter(c, STATE_GONE);
		return;
	}
	shutdown(c->t.sock, SHUT_WR);
	enter(c, STATE_LINGER);
	queue(c);
}

static void
linger_turn(struct conn *c)
{
	ssize_t n;

	do
		n = recv(c->t.sock, plain, sizeof plain, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		enter(c, STATE_GONE);
	else if (n > 0)
		queue(c);
}

static void
on_worker(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	c->worker_readable = true;
	if (what & EV_CLOSED)
		c->worker_hup = true;
	queue(c);
}

static void
on_room(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	queue(arg);
}

static void
give_worker(struct conn *c)
{
	if (!stash_take(&c->worker, &c->worker_pid)) {
		c->worker = -1;
		if (c->state != STATE_WAITING)
			enter(c, STATE_WAITING);
		return;
	}
	event_assign(&c->on_worker, service.base, c->worker,
	    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_worker, c);
	event_assign(&c->on_room, service.base, c->worker, EV_WRITE | EV_ET,
	    on_room, c);
	if (event_add(&c->on_worker, NULL) == -1) {
		log_refused(c, REASON_INTERNAL, "out of memory");
		enter(c, STATE_GONE);
		return;
	}
	c->last = service_now();
	c->opened = true;
	enter(c, STATE_OPEN);
	log_open(c);
	queue(c);
}

static void
handshake_failed(struct conn *c)
{
	const char *detail;
	enum reason why;

	if (c->t.eof_told) {
		log_refused(c, REASON_PROTOCOL, "the client closed the "
		    "connection before the handshake was done");
		enter(c, STATE_GONE);
		return;
	}
	why = beneath_reason(&c->verdict, tls_error(c->t.tls), &detail);
	refuse(c, why, detail);
}

static void
handshake_turn(struct conn *c)
{
	bool alive, more;
	int r;

	alive = transport_flush(&c->t);
	transport_begin(&c->t);
	do {
		size_t before = transport_pending();

		r = tls_handshake(c->t.tls);
		if (r != TLS_WANT_POLLIN)
			break;
		if (transport_pending() > 0)
			more = transport_pending() < before;
		else if (before > 0)
			more = transport_receive_more(&c->t);
		else
			more = transport_receive(&c->t);
	} while (more && !c->t.eof_told);
	alive = transport_end(&c->t) && alive;
	if (r == -1)
		handshake_failed(c);
	else if (!alive)
		abort_conn(c, "reset");
	else if (r == 0)
		give_worker(c);
	if (c->state == STATE_FLUSHING)
		queue(c);
}

static void
turn(struct conn *c)
{
	switch (c->state) {
	case STATE_HANDSHAKE:
		handshake_turn(c);
		break;
	case STATE_WAITING:
		if (!transport_flush(&c->t))
			abort_conn(c, "reset");
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

bool
conn_run(void)
{
	struct queue now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;

	TAILQ_CONCAT(&now, &run_queue, run);
	while ((c = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, c, run);
		if (c->state == STATE_GONE) {
			free(c);
			continue;
		}
		c->queued = false;
		turn(c);
	}
	return !TAILQ_EMPTY(&run_queue);
}

/* ---- beginnings, and news ------------------------------------------------------------- */

static void
on_sock(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & (EV_READ | EV_CLOSED))
		c->t.readable = true;
	if (what & EV_CLOSED)
		c->t.hup = true;
	queue(c);
}

void
conn_accept(int sock, const char *peer)
{
	struct conn *c = calloc(1, sizeof *c);
	int on = 1;

	if (c == NULL || !transport_accept(&c->t, service.server, sock)) {
		conn_refuse_early(peer, REASON_INTERNAL);
		free(c);
		close(sock);
		board_leave();
		return;
	}
	beneath_watch(&c->verdict);
	/* Without it tickets and the reply wait for delayed ACKs. */
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	memcpy(c->peer, peer, sizeof c->peer);
	c->worker = -1;
	c->begun = c->last = service_now();
	event_assign(&c->on_time, service.base, -1, 0, on_time, c);
	event_assign(&c->on_sock, service.base, sock,
	    EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, on_sock, c);
	TAILQ_INSERT_TAIL(&conns, c, all);
	service.open++;
	log_accept(c);
	enter(c, STATE_HANDSHAKE);
	if (event_add(&c->on_sock, NULL) == -1) {
		log_refused(c, REASON_INTERNAL, "out of memory");
		enter(c, STATE_GONE);
	}
}

void
conn_worker_ready(void)
{
	struct conn *c;

	if (waiting == 0)
		return;
	TAILQ_FOREACH(c, &conns, all) {
		if (c->state == STATE_WAITING) {
			give_worker(c);
			return;
		}
	}
}

void
conn_worker_died(pid_t pid, int signal, int status)
{
	struct conn *c;
	struct log_line l;
	bool told = false;

	log_begin(&l, LOG_ERR, "worker-died");
	log_num(&l, "worker", pid);
	if (signal != 0) {
		const char *name = sigabbrev_np(signal);

		log_fmt(&l, "signal", "%s", name != NULL ? name : "?");
	} else {
		log_num(&l, "status", status);
	}
	TAILQ_FOREACH(c, &conns, all) {
		if (c->worker_pid != pid || c->worker == -1)
			continue;
		if (!told)
			log_str(&l, "peer", c->peer);
		told = true;
		/* Its end may have come without an edge of its own. */
		c->worker_readable = c->worker_hup = true;
		queue(c);
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
			log_refused(c, REASON_SHUTTING_DOWN, NULL);
			enter(c, STATE_GONE);
		}
	}
}
