#include "statement.h"

#include <jansson.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "addr.h"
#include "crowd.h"
#include "prometheus.h"
#include "reason.h"
#include "tally.h"
#include "text.h"

static bool	failed;		/* no memory for a part of it */

void
statement_prepare(void)
{
	json_object_seed(0);	/* jansson's own would open a file */
}

/* ---- parts: each takes what it is given ---------------------------------- */

static void
put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) == -1)
		failed = true;
}

static void
append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) == -1)
		failed = true;
}

static json_t *
number(uint64_t n)
{
	return json_integer((json_int_t)(n > TALLY_MAX ? TALLY_MAX : n));
}

static void
put_metric(json_t *object, const char *key, const metric *m)
{
	put(object, key, number(metric_get(m)));
}

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Seconds since then; what lies in the future, or nowhere, is now. */
static json_t *
age(uint64_t ms)
{
	uint64_t now = (uint64_t)monotonic_ms();

	return number(ms > now ? 0 : (now - ms) / 1000);
}

/* ---- the service --------------------------------------------------------- */

static json_t *
service(const struct service_metrics *s)
{
	json_t *o = json_object();

	put(o, "version", json_string(POSTERN_VERSION));
	put_metric(o, "pid", &s->pid);
	put_metric(o, "generation", &s->generation);
	put(o, "uptime", age(metric_get(&s->started_ms)));
	put_metric(o, "reloads", &s->reloads_ok);
	put_metric(o, "failed_reloads", &s->reloads_failed);
	return o;
}

static json_t *
parents(const struct service_metrics *s)
{
	static const char *const words[SLOT_STATES] = {
		[SLOT_UNUSED] = "unused", [SLOT_STARTING] = "starting",
		[SLOT_SERVING] = "serving", [SLOT_LEAVING] = "leaving" };
	json_t *all = json_array();

	for (uint32_t i = 0; i < board_slots(); i++) {
		enum slot_state state = tally_slot(i);
		json_t *o;

		if (state == SLOT_UNUSED)
			continue;
		o = json_object();
		put_metric(o, "pid", &s->slot[i].pid);
		put_metric(o, "index", &s->slot[i].index);
		put_metric(o, "generation", &s->slot[i].generation);
		put(o, "state", json_string(words[state]));
		put(o, "uptime", age(metric_get(&s->slot[i].started_ms)));
		append(all, o);
	}
	return all;
}

static void
put_limit(json_t *all, const char *name, uint64_t now, uint64_t max)
{
	json_t *o = json_object();

	put(o, "limit", json_string(name));
	put(o, "now", number(now));
	put(o, "max", number(max));
	append(all, o);
}

/* Both are of the fullest bucket, which holds the burst and leaks the rate. */
static void
put_rate(json_t *all, const struct service_metrics *s)
{
	uint64_t rate = metric_get(&s->accept_rate);
	json_t *o = json_object();

	put(o, "limit", json_string("accept-rate"));
	put(o, "max", number(rate));
	append(all, o);
	put_limit(all, "accept-burst", rate == 0 ? 0 :
	    crowd_fastest((uint32_t)rate, monotonic_ms()),
	    rate == 0 ? 0 : metric_get(&s->accept_burst));
}

static json_t *
limits(const struct metrics *m, const struct service_metrics *s)
{
	json_t *all = json_array();
	uint64_t connections = 0;

	for (int i = 0; i < METRICS_STATES; i++)
		connections = tally_add(connections,
		    metric_get(&m->state[i]));
	put_limit(all, "max-connections", connections,
	    metric_get(&s->max_connections));
	put_limit(all, "max-handshakes", tally_waiting(),
	    metric_get(&s->max_handshakes));
	put_limit(all, "max-connections-per-address", crowd_fullest(),
	    metric_get(&s->max_per_address));
	put_rate(all, s);
	return all;
}

/* ---- connections --------------------------------------------------------- */

static json_t *
connections(const struct metrics *m)
{
	json_t *o = json_object();

	for (int i = 0; i < METRICS_STATES; i++)
		put_metric(o, prometheus_states[i], &m->state[i]);
	return o;
}

static json_t *
refused(const struct metrics *m)
{
	json_t *o = json_object();

	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
		if (metric_get(&m->refused[r]) != 0)
			put_metric(o, reason_word(r), &m->refused[r]);
	return o;
}

static json_t *
workers(const struct metrics *m)
{
	json_t *o = json_object();

	put_metric(o, "ready", &m->workers_ready);
	put_metric(o, "busy", &m->workers_busy);
	put_metric(o, "killed", &m->workers_killed);
	put_metric(o, "failed", &m->workers_failed);
	put_metric(o, "overdue", &m->workers_overdue);
	return o;
}

static json_t *
expiry(const struct metrics *m)
{
	json_t *all = json_array();

	for (int i = 0; i < FILE_COUNT; i++) {
		int64_t at = (int64_t)metric_get(&m->not_after[i]);
		json_t *o;

		if (at <= 0)
			continue;
		o = json_object();
		put(o, "file",
		    json_string(config_file_word((enum config_file)i)));
		put(o, "at", json_integer(at));
		put(o, "left", json_integer(at - (int64_t)time(NULL)));
		append(all, o);
	}
	return all;
}

/* ---- sessions ------------------------------------------------------------ */

static json_t *
address(const struct roster_session *s)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	char text[ADDR_TEXT];

	memset(&ss, 0, sizeof ss);
	ss.ss_family = s->family;
	if (s->family == AF_INET) {
		memcpy(&in->sin_addr, s->address, sizeof in->sin_addr);
		in->sin_port = s->port;
	} else {
		memcpy(&in6->sin6_addr, s->address, sizeof in6->sin6_addr);
		in6->sin6_port = s->port;
	}
	addr_text(&ss, text);
	return json_string(text);
}

/* Escaped by its parent already, who may have been taken over since. */
static json_t *
subject(const struct roster_session *s)
{
	size_t len = strnlen(s->subject, sizeof s->subject);
	char text[4 * ROSTER_SUBJECT + 1];

	for (size_t i = 0; i < len; i++) {
		if (s->subject[i] < ' ' || s->subject[i] > '~') {
			text_escape(text, sizeof text, s->subject, len);
			return json_string(text);
		}
	}
	return json_stringn(s->subject, len);
}

static json_t *
session(const struct roster_session *s, uint64_t in, uint64_t out,
    const metric *parent)
{
	json_t *o = json_object();

	put(o, "address", address(s));
	put(o, "subject", subject(s));
	put(o, "age", age((uint64_t)s->begun_ms));
	put(o, "bytes_in", number(in));
	put(o, "bytes_out", number(out));
	put(o, "worker", json_integer(s->worker));
	put_metric(o, "parent", parent);
	return o;
}

static json_t *
sessions(const struct service_metrics *service)
{
	json_t *all = json_array();

	for (uint32_t i = 0; i < board_slots(); i++) {
		if (tally_slot(i) != SLOT_SERVING &&
		    tally_slot(i) != SLOT_LEAVING)
			continue;
		for (uint32_t row = 0; row < ROSTER_ROWS &&
		    json_array_size(all) < STATEMENT_ROWS; row++) {
			struct roster_session s;
			uint64_t in, out;

			if (roster_read(&board_slot(i)->roster, row, &s, &in,
			    &out))
				append(all, session(&s, in, out,
				    &service->slot[i].pid));
		}
	}
	return all;
}

/* ---- the whole ----------------------------------------------------------- */

static int
give(const char *text, size_t len, void *to)
{
	return evbuffer_add(to, text, len);
}

bool
statement_write(struct evbuffer *b)
{
	const struct service_metrics *s = &board_service()->metrics;
	json_t *o = json_object();
	static struct metrics m;

	failed = false;
	tally(&m);
	put(o, "service", service(s));
	put(o, "parents", parents(s));
	put(o, "limits", limits(&m, s));
	put(o, "connections", connections(&m));
	put_metric(o, "accepted", &m.accepted);
	put_metric(o, "lost", &m.lost);
	put(o, "refused", refused(&m));
	put(o, "workers", workers(&m));
	put(o, "expiry", expiry(&m));
	put_metric(o, "opened", &m.opened);
	put_metric(o, "closed", &m.closed);
	put(o, "sessions", sessions(s));
	if (json_dump_callback(o, give, b, JSON_COMPACT) == -1)
		failed = true;
	json_decref(o);
	return !failed;
}
