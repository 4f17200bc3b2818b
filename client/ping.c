/*
 * postern ping: echoes one after the other, each timed and checked byte by
 * byte.  TCP loses nothing and swaps nothing; what goes wrong here is the
 * server's, or an end of the connection.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "deadline.h"
#include "report.h"
#include "roundtrips.h"

/* Echoes under way; if more are due, they wait. */
#define WINDOW 64

/* How long an echo may take, without -w. */
#define ECHO_SECONDS 10

/* How long what is under way may still take after a first SIGINT. */
#define STOP_US 1000000

/* How long the server may take to end the session with us. */
#define PART_MS 2000

/* A document names no more echoes one by one; the figures are of all. */
#define LIST_MAX 100000

struct ping {
	struct client	*client;
	uint64_t	 sent;		/* echoes begun */
	size_t		 sent_at;	/* bytes of the last on their way */
	uint64_t	 echoed;	/* echoes that are back */
	size_t		 echo_at;	/* bytes of the next that are */
	int64_t		 began[WINDOW];	/* us; of `echoed` to `sent` */
	int64_t		 start, next, stop_at, end;	/* us */
	struct roundtrips times;
	int64_t		*list;		/* --json: the first LIST_MAX times */
	struct ending	 ending;
	bool		 begun;
};

static struct ping ping;

/* ---- signals ---- */

static volatile sig_atomic_t	asked_to_stop;
static volatile sig_atomic_t	pinging;

/*
 * The first asks for an end with all that belongs to it; one more, or one when
 * nothing is to be ended in order, is obeyed wherever we are.
 */
static void
on_signal(int number)
{
	if (!pinging || asked_to_stop)
		_exit(128 + number);
	asked_to_stop = 1;
}

/*
 * Before confinement, which leaves signals as they are.  SA_RESTART: output
 * that waits for its reader is not failed by the first.
 */
static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal,
	    .sa_flags = SA_RESTART };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static void
mask_signals(int how, sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(how, &set, before);
}

/*
 * One that has come and was not yet noticed (`stopping`) lets us not wait at
 * all.  From this last look at it to the wait itself they are held back: none
 * is missed.
 */
static void
wait_or_stop(struct pollfd *fd, int64_t until, bool stopping)
{
	struct timespec ts;
	sigset_t before;

	mask_signals(SIG_BLOCK, &before);
	if (stopping || !asked_to_stop)
		ppoll(fd, 1, deadline_left(until, &ts), &before);
	mask_signals(SIG_UNBLOCK, NULL);
}

/* ---- bytes ---- */

/*
 * Byte `at` of echo `seq`.  No byte is like the one at its place in any of the
 * 255 echoes around it, nor like those beside it, so that one that is stale or
 * out of its place shows.
 */
static uint8_t
expected(uint64_t seq, size_t at)
{
	return (uint8_t)(seq * 31 + at * 7 + (at >> 8));
}

static void
fill(uint8_t *dst, uint64_t seq, size_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = expected(seq, at + i);
}

/* Where the session cannot take it now, the same bytes are tried later. */
static void
queue_rest(struct ping *p)
{
	size_t size = p->client->o->size;
	uint8_t chunk[SESSION_CHUNK];

	while (p->sent > 0 && p->sent_at < size) {
		size_t len = size - p->sent_at;

		if (len > sizeof chunk)
			len = sizeof chunk;
		fill(chunk, p->sent, p->sent_at, len);
		if (session_write(p->client->session, chunk, len) !=
		    SESSION_OK)
			break;
		p->sent_at += len;
	}
}

/* With nothing queued, no event would tell us to go on. */
static void
push(struct ping *p)
{
	struct session *session = p->client->session;
	size_t at;

	do {
		at = p->sent_at;
		queue_rest(p);
		session_flush(session);
	} while (session_queued(session) == 0 && p->sent_at > at);
}

static void
tell_echo(struct ping *p, int64_t us)
{
	const struct client *c = p->client;

	if (p->list != NULL) {
		if (p->echoed <= LIST_MAX)
			p->list[p->echoed - 1] = us;
		return;
	}
	if (c->o->quiet || c->o->json)
		return;
	printf("%zu bytes from %s: seq=%" PRIu64 " time=%.3f ms\n",
	    c->o->size, c->peer, p->echoed, (double)us / 1000);
	if (fflush(stdout) == EOF) {
		p->ending.local = "standard output";
		p->ending.errnum = errno;
	}
}

static void
echo_is_back(struct ping *p)
{
	int64_t us = deadline_now_us() - p->began[p->echoed % WINDOW];

	p->echoed++;
	p->echo_at = 0;
	roundtrips_add(&p->times, us);
	tell_echo(p, us);
}

/* How many bytes of the echo that comes next are on their way. */
static size_t
under_way(const struct ping *p)
{
	if (p->echoed == p->sent)
		return 0;
	return p->echoed + 1 < p->sent ? p->client->o->size : p->sent_at;
}

static void
check_byte(struct ping *p, uint8_t have)
{
	uint8_t want = expected(p->echoed + 1, p->echo_at);
	struct ending *e = &p->ending;

	if (p->echo_at >= under_way(p))
		snprintf(e->wrong, sizeof e->wrong, "the server sent more than "
		    "it was sent, after echo %" PRIu64, p->echoed);
	else if (have != want)
		snprintf(e->wrong, sizeof e->wrong, "echo %" PRIu64 " is "
		    "wrong: byte %zu is 0x%02x and was 0x%02x", p->echoed + 1,
		    p->echo_at, have, want);
	else if (++p->echo_at == p->client->o->size)
		echo_is_back(p);
}

static bool
failed(const struct ping *p)
{
	return p->ending.wrong[0] != '\0' || p->ending.local != NULL;
}

/* All that is there.  AGAIN, or how the session has ended. */
static enum session_status
take_echoes(struct ping *p)
{
	uint8_t chunk[SESSION_CHUNK];
	enum session_status status;
	size_t len;

	while ((status = session_read(p->client->session, chunk, &len)) ==
	    SESSION_OK) {
		p->ending.received += len;
		for (size_t i = 0; i < len && !failed(p); i++)
			check_byte(p, chunk[i]);
		if (failed(p))
			return SESSION_OK;
	}
	return status;
}

/* ---- time ---- */

static bool
all_sent(const struct ping *p)
{
	const struct options *o = p->client->o;

	return asked_to_stop || (o->count > 0 && p->sent == o->count);
}

static bool
may_begin(const struct ping *p)
{
	return !all_sent(p) && p->sent - p->echoed < WINDOW &&
	    (p->sent == 0 || p->sent_at == p->client->o->size);
}

/* What was late is not made up for: the pace is never above the one asked. */
static void
begin_if_due(struct ping *p)
{
	int64_t now = deadline_now_us();

	if (!may_begin(p) || now < p->next)
		return;
	p->began[p->sent % WINDOW] = now;
	p->sent++;
	p->sent_at = 0;
	p->next += p->client->o->interval_us;
	if (p->next < now)
		p->next = now;
}

static int64_t
echo_deadline(const struct ping *p)
{
	int64_t at = DEADLINE_NEVER;

	if (p->echoed < p->sent)
		at = p->began[p->echoed % WINDOW] +
		    (int64_t)p->client->context.seconds * 1000000;
	return at < p->stop_at ? at : p->stop_at;
}

static void
wait_for_more(struct ping *p)
{
	struct pollfd fd = { .fd = SESSION_FD, .events = POLLIN };
	int64_t until = echo_deadline(p);

	if (may_begin(p) && p->next < until)
		until = p->next;
	if (until != DEADLINE_NEVER)
		until = (until + 999) / 1000;
	if (session_queued(p->client->session) > 0)
		fd.events |= POLLOUT;
	wait_or_stop(&fd, until, p->stop_at != DEADLINE_NEVER);
}

/* When it is noticed that no more is wanted, what is under way has a moment. */
static void
notice_signal(struct ping *p)
{
	if (asked_to_stop && p->stop_at == DEADLINE_NEVER)
		p->stop_at = deadline_now_us() + STOP_US;
}

/* Until all is back, or no more will be. */
static enum session_status
exchange(struct ping *p)
{
	for (;;) {
		enum session_status status = take_echoes(p);

		if (status != SESSION_AGAIN)
			return status;
		begin_if_due(p);
		push(p);
		if (all_sent(p) && p->echoed == p->sent)
			return SESSION_OK;
		if (deadline_now_us() >= echo_deadline(p))
			return SESSION_TIMEOUT;
		wait_for_more(p);
		notice_signal(p);
	}
}

/* ---- the command ---- */

static void
prepare(struct client *c)
{
	ping.client = c;
	if (c->o->json && (ping.list = calloc(LIST_MAX,
	    sizeof *ping.list)) == NULL)
		err(EX_OSERR, "memory");
	catch_signals();
}

static void
begin(struct ping *p)
{
	const struct client *c = p->client;

	p->begun = true;
	p->start = p->next = deadline_now_us();
	p->stop_at = DEADLINE_NEVER;
	if (c->o->json)
		return;
	printf("PING %s (%s): %zu bytes, %s\n", c->o->host, c->peer,
	    c->o->size, session_version(c->session));
	fflush(stdout);
}

/* Of what certainly left, how much is not back. */
static uint64_t
missing(const struct ping *p)
{
	uint64_t left = session_data_sent(p->client->session);
	uint64_t back = p->echoed * p->client->o->size + p->echo_at;

	return left > back ? left - back : 0;
}

/* A server may end the session when all that was asked for is back. */
static void
look_for_early_end(struct ping *p)
{
	uint64_t count = p->client->o->count;
	struct ending *e = &p->ending;

	if (e->status != SESSION_CLOSED ||
	    (all_sent(p) && p->echoed == p->sent))
		return;
	if (count > 0)
		snprintf(e->early, sizeof e->early, "after %" PRIu64 " of %"
		    PRIu64 " echoes", p->echoed, count);
	else
		snprintf(e->early, sizeof e->early, "after %" PRIu64 " echo%s",
		    p->echoed, p->echoed == 1 ? "" : "es");
}

static void
run(struct client *c)
{
	struct ping *p = &ping;
	struct ending *e = &p->ending;

	if (c->o->seconds == 0)
		c->context.seconds = ECHO_SECONDS;
	pinging = 1;
	begin(p);
	e->status = exchange(p);
	p->end = deadline_now_us();
	e->interrupted = asked_to_stop > 0;
	e->missing = missing(p);
	look_for_early_end(p);
	verdict_ending(&c->verdict, &c->context, c->session, e);
	if (c->verdict.code == EX_OK)
		session_part(c->session, deadline_now() + PART_MS);
	/* All that is left is to tell, which may wait for ever. */
	pinging = 0;
}

static double
lost_percent(const struct ping *p)
{
	return p->sent == 0 ? 0 :
	    (double)(p->sent - p->echoed) * 100 / (double)p->sent;
}

static void
report_people(const struct ping *p)
{
	const struct options *o = p->client->o;
	const struct roundtrips *t = &p->times;

	char lost[ROUNDTRIPS_LOST];

	if (!p->begun)
		return;
	roundtrips_lost(lost, p->sent, p->echoed);
	printf("\n--- %s port %s ping statistics ---\n", o->host, o->port);
	printf("%" PRIu64 " sent, %" PRIu64 " echoed, %s %% lost, time "
	    "%" PRId64 " ms\n", p->sent, p->echoed, lost,
	    (p->end - p->start) / 1000);
	if (t->count > 0)
		printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n",
		    (double)t->min / 1000, t->mean / 1000,
		    (double)t->max / 1000, roundtrips_mdev(t) / 1000);
}

/* Figures of nothing are null. */
static json_t *
figures(const struct roundtrips *t)
{
	json_t *j;

	if (t->count == 0)
		return json_null();
	j = json_object();
	json_object_set_new(j, "min", report_ms((double)t->min));
	json_object_set_new(j, "avg", report_ms(t->mean));
	json_object_set_new(j, "max", report_ms((double)t->max));
	json_object_set_new(j, "mdev", report_ms(roundtrips_mdev(t)));
	return j;
}

static json_t *
echo_list(const struct ping *p)
{
	json_t *all = json_array(), *one;

	for (uint64_t i = 0; i < p->echoed && i < LIST_MAX; i++) {
		one = json_object();
		json_object_set_new(one, "seq",
		    json_integer((json_int_t)i + 1));
		json_object_set_new(one, "time_ms",
		    report_ms((double)p->list[i]));
		json_array_append_new(all, one);
	}
	return all;
}

static void
report_json(const struct ping *p)
{
	json_t *d = report_begin(p->client);

	json_object_set_new(d, "bytes",
	    json_integer((json_int_t)p->client->o->size));
	json_object_set_new(d, "sent", json_integer((json_int_t)p->sent));
	json_object_set_new(d, "echoed", json_integer((json_int_t)p->echoed));
	json_object_set_new(d, "lost_percent", json_real(lost_percent(p)));
	json_object_set_new(d, "time_ms",
	    report_ms((double)(p->end - p->start)));
	json_object_set_new(d, "rtt_ms", figures(&p->times));
	json_object_set_new(d, "echoes", echo_list(p));
	report_end(p->client, d);
}

static void
report(struct client *c)
{
	if (c->o->json) {
		report_json(&ping);
		free(ping.list);
	} else {
		report_people(&ping);
		report_flush(c);
	}
}

const struct task ping_task = { prepare, run, report };
