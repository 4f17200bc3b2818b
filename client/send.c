/*
 * postern send: a file to the server, and what comes back compared with it
 * byte by byte on the way.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "deadline.h"
#include "progress.h"
#include "report.h"

/* Bytes on their way at most: read, and not yet back. */
#define WINDOW (1U << 20)

/*
 * Counted in bytes from the beginning of the file:
 * echoed <= written <= taken <= echoed + WINDOW.
 */
struct sending {
	struct client	*client;
	uint8_t		 ring[WINDOW];	/* of the file: echoed to taken */
	uint64_t	 taken, written, echoed;
	size_t		 retry;		/* a write begun: not to be changed */
	bool		 input_open;
	bool		 finished;	/* our close_notify is queued */
	bool		 bounded;	/* no more than `total` is sent */
	uint64_t	 total;
	bool		 differs;	/* the byte at `echoed` does */
	int64_t		 start, end, moved;	/* us */
	struct progress	 progress;
	struct ending	 ending;
	bool		 begun;
};

static struct sending sending;

/* ---- the file ---- */

/* What has been added since we began is not part of it. */
static void
took(struct sending *s, size_t n)
{
	s->taken += n;
	if (s->bounded && s->taken == s->total)
		s->input_open = false;
}

static void
input_ended(struct sending *s)
{
	s->input_open = false;
	if (s->bounded) {
		s->ending.local = s->client->o->file;
		s->ending.why = "became shorter while it was sent";
	}
}

static void
take_input(struct sending *s)
{
	size_t at = s->taken % WINDOW;
	size_t room = WINDOW - (size_t)(s->taken - s->echoed);
	ssize_t n;

	if (room > WINDOW - at)
		room = WINDOW - at;
	if (s->bounded && room > s->total - s->taken)
		room = (size_t)(s->total - s->taken);
	if (!s->input_open || room == 0)
		return;
	n = read(STDIN_FILENO, s->ring + at, room);
	if (n > 0) {
		took(s, (size_t)n);
	} else if (n == 0) {
		input_ended(s);
	} else if (errno != EINTR && errno != EAGAIN) {
		s->ending.local = s->client->o->file;
		s->ending.errnum = errno;
	}
}

/*
 * The first bytes are read at once.  To open a FIFO without waiting means not
 * to know whether anybody will ever write to it: at its end before its first
 * byte, nobody does.
 */
static void
check_fifo(struct sending *s, const char *path)
{
	take_input(s);
	if (!s->input_open)
		errx(EX_NOINPUT, "%s: is a FIFO to which nobody writes: start "
		    "the writer first", path);
}

static void
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		err(EX_NOINPUT, "%s", path);
	/* Where the filter lets input be read from. */
	if (dup2(fd, STDIN_FILENO) == -1)
		err(EX_OSERR, "dup2");
	close(fd);
}

/*
 * Of standard input, something may have been read already.  A file without a
 * size may be one as in /proc, which has bytes all the same.
 */
static void
measure(struct sending *s, off_t size)
{
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);

	s->bounded = at >= 0 && at < size;
	s->total = s->bounded ? (uint64_t)(size - at) : 0;
}

static void
look_at_file(struct sending *s, const char *path, bool opened)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == -1)
		err(EX_NOINPUT, "%s", path);
	if (S_ISDIR(st.st_mode))
		errx(EX_NOINPUT, "%s: is a directory, not a file", path);
	if (S_ISREG(st.st_mode))
		measure(s, st.st_size);
	if (opened && S_ISFIFO(st.st_mode))
		check_fifo(s, path);
}

static bool
on_terminal(const struct options *o)
{
	return !o->quiet && !o->json && isatty(STDERR_FILENO);
}

static void
prepare(struct client *c)
{
	struct sending *s = &sending;
	const char *path = c->o->file;
	bool standard_input = strcmp(path, "-") == 0;

	s->client = c;
	s->input_open = true;
	if (!standard_input)
		open_file(path);
	look_at_file(s, standard_input ? "standard input" : path,
	    !standard_input);
	progress_prepare(&s->progress, path);
	s->progress.shown = on_terminal(c->o);
	s->progress.bounded = s->bounded;
	s->progress.total = s->total;
	if (s->progress.shown)
		progress_catch_signals();
}

/* ---- the server ---- */

/* One piece; false when the session can take no more now. */
static bool
write_piece(struct sending *s)
{
	size_t at = s->written % WINDOW;
	uint64_t len = s->taken - s->written;

	if (len > SESSION_CHUNK)
		len = SESSION_CHUNK;
	if (len > WINDOW - at)
		len = WINDOW - at;
	if (s->retry > 0)
		len = s->retry;
	if (len == 0)
		return false;
	s->retry = (size_t)len;
	if (session_write(s->client->session, s->ring + at, (size_t)len) !=
	    SESSION_OK)
		return false;
	s->retry = 0;
	s->written += len;
	return true;
}

static void
push(struct sending *s)
{
	struct session *session = s->client->session;
	uint64_t before = session_sent(session), at;

	/* With nothing queued, no event would tell us to go on. */
	do {
		at = s->written;
		while (write_piece(s))
			continue;
		session_flush(session);
	} while (session_queued(session) == 0 && s->written > at);
	if (!s->input_open && s->written == s->taken && !s->finished) {
		session_finish(session);
		s->finished = true;
	}
	session_flush(session);
	if (session_sent(session) != before)
		s->moved = deadline_now_us();
}

static void
compare(struct sending *s, const uint8_t *have, size_t len)
{
	struct ending *e = &s->ending;

	for (size_t i = 0; i < len; i++) {
		uint8_t want = s->ring[s->echoed % WINDOW];

		if (s->echoed == s->written) {
			snprintf(e->wrong, sizeof e->wrong, "the server sent "
			    "more than it was sent, after byte %" PRIu64,
			    s->echoed);
			return;
		}
		if (have[i] != want) {
			s->differs = true;
			snprintf(e->wrong, sizeof e->wrong, "the echo differs "
			    "at byte %" PRIu64 ": it is 0x%02x and was 0x%02x",
			    s->echoed, have[i], want);
			return;
		}
		s->echoed++;
	}
}

/* All that is there.  AGAIN, or how it has ended. */
static enum session_status
take_echo(struct sending *s)
{
	uint8_t chunk[SESSION_CHUNK];
	enum session_status status;
	size_t len;

	while ((status = session_read(s->client->session, chunk, &len)) ==
	    SESSION_OK) {
		s->ending.received += len;
		s->moved = deadline_now_us();
		compare(s, chunk, len);
		if (s->ending.wrong[0] != '\0')
			break;
		/* A server that is always ahead of us must not starve it. */
		push(s);
		progress_show(&s->progress, s->echoed);
	}
	return status;
}

/* ---- both ---- */

enum { INPUT, SERVER, POLLED };

/* False when nothing has moved for too long. */
static bool
wait_and_move(struct sending *s)
{
	int64_t idle = (int64_t)s->client->o->seconds * 1000000;
	int64_t until = idle > 0 ? (s->moved + idle) / 1000 : DEADLINE_NEVER;
	int64_t redraw = progress_next(&s->progress);
	int64_t wake = redraw < until ? redraw : until;
	struct pollfd p[POLLED] = { { .fd = -1, .events = POLLIN },
	    { .fd = SESSION_FD, .events = POLLIN } };
	struct timespec ts;

	if (s->input_open && s->taken - s->echoed < WINDOW)
		p[INPUT].fd = STDIN_FILENO;
	if (session_queued(s->client->session) > 0)
		p[SERVER].events |= POLLOUT;
	if (ppoll(p, POLLED, deadline_left(wake, &ts), NULL) > 0 &&
	    p[INPUT].revents != 0) {
		take_input(s);
		s->moved = deadline_now_us();
	}
	return deadline_now() < until;
}

static enum session_status
exchange(struct sending *s)
{
	for (;;) {
		enum session_status status = take_echo(s);

		if (status != SESSION_AGAIN)
			return status;
		push(s);
		progress_show(&s->progress, s->echoed);
		if (!wait_and_move(s))
			return SESSION_TIMEOUT;
		if (s->ending.local != NULL)
			return SESSION_OK;
	}
}

/* Of what certainly left, how much is not back. */
static uint64_t
missing(const struct sending *s)
{
	uint64_t left = session_data_sent(s->client->session);

	return left > s->echoed ? left - s->echoed : 0;
}

static void
run(struct client *c)
{
	struct sending *s = &sending;
	struct ending *e = &s->ending;

	s->begun = true;
	s->start = s->moved = deadline_now_us();
	progress_start(&s->progress);
	e->status = exchange(s);
	s->end = deadline_now_us();
	progress_end(&s->progress);
	e->missing = missing(s);
	/* Its end came before that of our input, or before any of the rest. */
	e->unsent = e->status == SESSION_CLOSED && (s->input_open ||
	    (e->missing == 0 && s->echoed < s->taken));
	verdict_ending(&c->verdict, &c->context, c->session, e);
	if (e->status == SESSION_CLOSED && !s->finished) {
		session_finish(c->session);
		session_flush(c->session);
	}
}

/* ---- the result ---- */

static double
per_second(const struct sending *s)
{
	int64_t us = s->end - s->start;

	return us > 0 ? (double)s->echoed * 1000000 / (double)us : 0;
}

static void
report_people(const struct sending *s)
{
	char rate[16];

	if (!s->begun)
		return;
	progress_bytes(rate, per_second(s));
	printf("%s: %" PRIu64 " bytes sent, %" PRIu64 " echoed the same, "
	    "%.3f s, %s/s\n", s->progress.name,
	    session_data_sent(s->client->session), s->echoed,
	    (double)(s->end - s->start) / 1000000, rate);
}

static void
report_json(const struct sending *s)
{
	json_t *d = report_begin(s->client);

	json_object_set_new(d, "file", report_text(s->client->o->file));
	json_object_set_new(d, "size", s->bounded ?
	    json_integer((json_int_t)s->total) : json_null());
	json_object_set_new(d, "sent", json_integer((json_int_t)
	    session_data_sent(s->client->session)));
	json_object_set_new(d, "echoed", json_integer((json_int_t)s->echoed));
	json_object_set_new(d, "first_difference", s->differs ?
	    json_integer((json_int_t)s->echoed) : json_null());
	json_object_set_new(d, "time_ms",
	    report_ms((double)(s->end - s->start)));
	json_object_set_new(d, "bytes_per_second",
	    json_integer((json_int_t)per_second(s)));
	report_end(s->client, d);
}

static void
report(struct client *c)
{
	if (c->o->json) {
		report_json(&sending);
	} else {
		report_people(&sending);
		report_flush(c);
	}
}

const struct task send_task = { prepare, run, report };
