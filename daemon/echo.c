/*
 * The data path: from the client to its worker and back.  A turn does a
 * bounded amount of work, so that nobody starves.
 *
 * An echo worker gives back what it was given, and then ends; a relay worker
 * gives what its service says, which may end before the client does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "log.h"
#include "roster.h"

#define IDLE_CALLS_MAX	8	/* of tls_read, before it is broken */
#define TURN_MAX	RECEIVE_MAX	/* plaintext a turn */

static uint8_t plain[PLAIN_MAX];	/* of the turn at hand */

/* ---- from client to worker ----------------------------------------------- */

enum step { STEP_MORE, STEP_WAIT, STEP_LOST };

/*
 * It takes no more.  What a relay worker has still sent is the client's, and
 * how it ended is the spawner's to tell.
 */
static enum step
worker_gone(struct conn *c)
{
	c->worker_readable = c->worker_hup = true;
	if (!service_relays())
		return STEP_LOST;
	pile_clear(&c->plain);
	c->worker_shut = true;
	return STEP_WAIT;
}

/* Give the worker what it takes of these bytes; keep the rest. */
static enum step
push_to_worker(struct conn *c, const uint8_t *p, size_t len, bool kept)
{
	ssize_t n;

	do
		n = send(c->worker, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && transport_starves(errno))
		c->t.starved = true;
	else if (n == -1 && errno != EAGAIN)
		return worker_gone(c);
	if (n < 0)
		n = 0;
	if (kept)
		pile_take(&c->plain, (size_t)n);
	else if (!pile_keep(&c->plain, p + n, len - (size_t)n))
		return STEP_LOST;
	if (c->plain.len == 0)
		return STEP_MORE;
	/* One that can be written would have the event at once, each time. */
	if (!c->t.starved)
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
 *
 * A whole record always finds room, so that libtls keeps none of it: it is
 * asked only when there is input, or when it still owes an answer to a key
 * update.
 */
static size_t
decrypt(struct conn *c, enum step *step)
{
	size_t have = 0;
	int idle_calls = 0;
	bool received = false;

	*step = STEP_MORE;
	while (have + RECORD_MAX <= sizeof plain) {
		size_t before = transport_pending();
		ssize_t n;

		if (before == 0 && !c->tls_owes) {
			if (have > 0 || c->state != STATE_OPEN ||
			    !(received ? transport_receive_more(&c->t) :
			    transport_receive(&c->t)))
				break;
			received = true;
			before = transport_pending();
		}
		n = tls_read(c->t.tls, plain + have, sizeof plain - have);
		c->tls_owes = n == TLS_WANT_POLLOUT;
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
			continue;
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
				conn_enter(c, STATE_ENDING);
			return STEP_WAIT;
		}
		if (c->t.out.len >= GATHER_MAX)
			return STEP_WAIT;
		n = decrypt(c, &s);
		if (n > 0) {
			c->bytes_in += n;
			metric_add(&metrics->bytes_in, n);
			c->last = service_now();
			done += n;
			if (push_to_worker(c, plain, n, false) == STEP_LOST)
				return STEP_LOST;
		}
		if (s == STEP_LOST)
			return s;
		if (n == 0 && !c->finished) {
			/*
			 * Ours to end: all that had been received is through.
			 */
			if (c->state == STATE_ENDING)
				shut_worker(c);
			return STEP_WAIT;
		}
	}
	return STEP_MORE;
}

/* ---- from worker to client ----------------------------------------------- */

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

/* Who may not stay is to notice that it was no orderly end. */
static void
tell_client_end(struct conn *c)
{
	if (c->evict_at == 0 && !c->worker_done)
		tls_close(c->t.tls);	/* its result says nothing */
}

/*
 * The worker has ended: all is echoed, or it died.  (Killed between its read
 * and its write it looks orderly; the bytes do not.)
 */
static enum step
worker_ended(struct conn *c, bool orderly)
{
	if (!orderly || !c->worker_shut || c->plain.len > 0) {
		c->end = "worker-died";
		return STEP_LOST;
	}
	tell_client_end(c);
	conn_drop_worker(c);
	conn_enter(c, STATE_FLUSHING);
	return STEP_WAIT;
}

/*
 * It returns what no client has sent: it is broken, or not ours any more.  Its
 * session ends before a byte of that is passed on.
 */
static enum step
worker_lied(struct conn *c)
{
	struct log_line l;

	log_begin(&l, LOG_ERR, "worker-lied");
	log_num(&l, "worker", c->worker_pid);
	log_str(&l, "peer", c->peer);
	log_end(&l);
	c->end = "worker-lied";
	return STEP_LOST;
}

/* Has nobody the worker's end any more?  Or it and we have said all. */
static bool
hung_up(int worker)
{
	struct pollfd p = { .fd = worker };
	const struct timespec none = { 0, 0 };

	return ppoll(&p, 1, &none, NULL) == 1;
}

/*
 * A relay worker says no more.  While it lives that is its service's word, and
 * passed on as such.  If not, all bytes may be there, or some: the spawner
 * knows how it ended, and tells.
 */
static enum step
relay_ended(struct conn *c)
{
	switch (c->word) {
	case WORD_NONE:
		c->worker_readable = false;
		if (c->worker_done || c->worker_shut || hung_up(c->worker))
			break;
		tell_client_end(c);
		c->worker_done = true;
		break;
	case WORD_ORDERLY:
		return worker_ended(c, true);
	case WORD_LOST:
		c->end = "backend-lost";
		return STEP_LOST;
	case WORD_DIED:
		return worker_ended(c, false);
	}
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
	if (n <= 0 && service_relays())
		return relay_ended(c);
	if (n <= 0)
		return worker_ended(c, n == 0 && c->bytes_in == c->bytes_out);
	if (!service_relays() &&
	    (uint64_t)n > c->bytes_in - c->plain.len - c->bytes_out)
		return worker_lied(c);
	c->bytes_out += (uint64_t)n;
	metric_add(&metrics->bytes_out, (uint64_t)n);
	c->last = service_now();
	if (!encrypt(c, plain, (size_t)n)) {
		protocol_error(c, tls_error(c->t.tls));
		return STEP_LOST;
	}
	if ((size_t)n < sizeof plain && !c->worker_hup)
		c->worker_readable = false;
	return STEP_MORE;
}

/* ---- both ---------------------------------------------------------------- */

void
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
	roster_bytes(c->row, c->bytes_in, c->bytes_out);
	alive = transport_end(&c->t) && alive;
	if (up == STEP_LOST || down == STEP_LOST || !alive) {
		conn_abort(c, c->t.broken ? "reset" : "worker-died");
		return;
	}
	if (up == STEP_MORE || c->state == STATE_FLUSHING ||
	    (c->worker_readable && c->t.out.len == 0))
		conn_queue(c);
}
