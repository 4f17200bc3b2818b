#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "deadline.h"

/*
 * Standard input and output are shared with others, so they stay blocking, and
 * poll(2) says when they will not block.  A pipe it calls writable takes
 * PIPE_BUF bytes at once; more might block, and with us the server's way out
 * of a full connection.
 */
#define WRITE_MAX PIPE_BUF

struct relay {
	struct session	*session;
	struct ending end;
	uint8_t		 up[SESSION_CHUNK];	/* read, not yet encrypted */
	size_t		 up_len;
	uint8_t		 down[SESSION_CHUNK];	/* decrypted, not yet written */
	size_t		 down_at, down_end;
	bool		 input_open;
	bool		 server_open;
	bool		 finished;	/* our close_notify is queued */
	int64_t		 idle_ms;
	int64_t		 moved;		/* when anything last did */
};

enum { INPUT, OUTPUT, SERVER, POLLED };

static void
moved(struct relay *r)
{
	if (r->idle_ms > 0)
		r->moved = deadline_now();
}

static void
local_failure(struct relay *r, const char *what)
{
	r->end.local = what;
	r->end.errnum = errno;
}

static void
read_input(struct relay *r)
{
	ssize_t n = read(STDIN_FILENO, r->up, sizeof r->up);

	if (n > 0) {
		r->up_len = (size_t)n;
		moved(r);
	} else if (n == 0) {
		r->input_open = false;
	} else if (errno != EINTR && errno != EAGAIN) {
		local_failure(r, "standard input");
	}
}

static void
write_output(struct relay *r)
{
	size_t len = r->down_end - r->down_at;
	ssize_t n;

	if (len > WRITE_MAX)
		len = WRITE_MAX;
	n = write(STDOUT_FILENO, r->down + r->down_at, len);
	if (n >= 0) {
		r->down_at += (size_t)n;
		moved(r);
	} else if (errno != EINTR && errno != EAGAIN) {
		local_failure(r, "standard output");
	}
}

static void
server_ended(struct relay *r, enum session_status status)
{
	r->server_open = false;
	r->end.status = status;
}

static void
from_server(struct relay *r)
{
	enum session_status status;
	size_t len;

	if (!r->server_open || r->down_at < r->down_end)
		return;
	status = session_read(r->session, r->down, &len);
	if (status == SESSION_OK) {
		r->down_at = 0;
		r->down_end = len;
		r->end.received += len;
		moved(r);
	} else if (status != SESSION_AGAIN) {
		server_ended(r, status);
	}
}

static void
encrypt(struct relay *r)
{
	enum session_status status;

	if (r->up_len == 0)
		return;
	status = session_write(r->session, r->up, r->up_len);
	if (status == SESSION_OK)
		r->up_len = 0;
	else if (status != SESSION_AGAIN)
		server_ended(r, status);
}

static void
to_server(struct relay *r)
{
	uint64_t before = session_sent(r->session);

	encrypt(r);
	/*
	 * Refused because too much was queued, and all of that goes out now:
	 * then there is nothing by which poll(2) would call us again.
	 */
	session_flush(r->session);
	if (r->server_open && session_queued(r->session) == 0)
		encrypt(r);
	if (!r->input_open && r->up_len == 0 && !r->finished) {
		session_finish(r->session);
		r->finished = true;
	}
	session_flush(r->session);
	/* Nobody will take more: keep the input for whom it may still serve. */
	if (session_deaf(r->session))
		r->input_open = false;
	if (session_sent(r->session) != before)
		moved(r);
}

/* Once the server has ended, only what it sent remains to be done. */
static void
set_polled(const struct relay *r, struct pollfd p[POLLED])
{
	bool output = r->down_at < r->down_end;

	for (int i = 0; i < POLLED; i++)
		p[i] = (struct pollfd){ .fd = -1 };
	if (output) {
		p[OUTPUT].fd = STDOUT_FILENO;
		p[OUTPUT].events = POLLOUT;
	}
	if (!r->server_open)
		return;
	if (r->input_open && r->up_len == 0) {
		p[INPUT].fd = STDIN_FILENO;
		p[INPUT].events = POLLIN;
	}
	if (!output)
		p[SERVER].events |= POLLIN;
	if (session_queued(r->session) > 0)
		p[SERVER].events |= POLLOUT;
	/* Polled for nothing, a connection that has failed would not wait. */
	if (p[SERVER].events != 0)
		p[SERVER].fd = SESSION_FD;
}

/* False when nothing has moved for too long. */
static bool
wait_and_move(struct relay *r)
{
	int64_t until = r->idle_ms > 0 ? r->moved + r->idle_ms :
	    DEADLINE_NEVER;
	struct pollfd p[POLLED];
	struct timespec ts;
	int n;

	set_polled(r, p);
	n = ppoll(p, POLLED, deadline_left(until, &ts), NULL);
	if (n > 0 && p[INPUT].revents != 0)
		read_input(r);
	if (n > 0 && p[OUTPUT].revents != 0)
		write_output(r);
	return n > 0 || deadline_now() < until;
}

/*
 * The server takes no more.  Input that was there has been read before its end
 * was; a user who has said nothing lately has nothing to miss.
 */
static void
part(struct relay *r)
{
	r->end.unsent = r->up_len > 0 || session_unsent(r->session);
	if (r->end.status == SESSION_CLOSED && !r->finished) {
		session_finish(r->session);
		session_flush(r->session);
	}
}

struct ending
relay_run(struct session *s, int64_t idle_ms)
{
	struct relay r = { .session = s, .idle_ms = idle_ms,
	    .input_open = true, .server_open = true };

	moved(&r);
	for (;;) {
		from_server(&r);
		if (r.server_open)
			to_server(&r);
		if (!r.server_open && r.down_at == r.down_end)
			break;
		if (!wait_and_move(&r)) {
			server_ended(&r, SESSION_TIMEOUT);
			break;
		}
		if (r.end.local != NULL)
			break;
	}
	part(&r);
	return r.end;
}
