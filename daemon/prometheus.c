#include "prometheus.h"

#include <openssl/crypto.h>
#include <tls.h>

#include "conn.h"
#include "crowd.h"
#include "tally.h"

const char *const prometheus_states[METRICS_STATES] = {
	[STATE_PROXY] = "proxy", [STATE_HANDSHAKE] = "handshake",
	[STATE_CHECKING] = "checking", [STATE_DIALING] = "dialing",
	[STATE_WAITING] = "waiting",
	[STATE_OPEN] = "open", [STATE_ENDING] = "ending",
	[STATE_FLUSHING] = "flushing", [STATE_LINGER] = "linger" };

const char *const prometheus_queries[QUERY_OUTCOMES] = {
	[QUERY_ANSWERED] = "answered", [QUERY_TIMEOUT] = "timeout",
	[QUERY_FAILED] = "failed", [QUERY_UNASKED] = "unasked" };

static struct evbuffer *out;

/* ---- one line ------------------------------------------------------------ */

static void
family(const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help,
	    name, type);
}

/* Label values are words of ours: there is nothing in them to escape. */
static void
sample(const char *name, const char *label, const char *value, uint64_t n)
{
	evbuffer_add_printf(out, "%s{%s=\"%s\"} %llu\n", name, label, value,
	    (unsigned long long)n);
}

static void
single(const char *name, const char *type, const char *help, uint64_t n)
{
	family(name, type, help);
	evbuffer_add_printf(out, "%s %llu\n", name, (unsigned long long)n);
}

/* ---- families ------------------------------------------------------------ */

static void
tell_service(const struct service_metrics *s)
{
	family("postern_build_info", "gauge", "What this is; always 1.");
	evbuffer_add_printf(out, "postern_build_info{version=\"%s\","
	    "tls=\"%s\",libtls_api=\"%d\"} 1\n", POSTERN_VERSION,
	    OpenSSL_version(OPENSSL_VERSION), TLS_API);
	single("postern_start_time_seconds", "gauge",
	    "When the service was started, since 1970.",
	    metric_get(&s->started_s));
	single("postern_generation", "gauge",
	    "The number of the configuration's reading that is in force.",
	    metric_get(&s->generation));
	single("postern_generation_start_time_seconds", "gauge",
	    "When it began to serve, since 1970.",
	    metric_get(&s->generation_s));
	family("postern_reloads_total", "counter", "Reloads, asked for or by "
	    "the watch, by what came of them.");
	sample("postern_reloads_total", "result", "ok",
	    metric_get(&s->reloads_ok));
	sample("postern_reloads_total", "result", "failed",
	    metric_get(&s->reloads_failed));
}

static void
tell_processes(const struct metrics *m, const struct service_metrics *s)
{
	static const char name[] = "postern_processes_died_total";
	uint64_t n[SLOT_STATES] = { 0 };

	for (uint32_t i = 0; i < board_slots(); i++)
		n[tally_slot(i)]++;
	family("postern_parents", "gauge", "Parents: processes that serve "
	    "clients, by what they do.");
	sample("postern_parents", "state", "starting", n[SLOT_STARTING]);
	sample("postern_parents", "state", "serving", n[SLOT_SERVING]);
	sample("postern_parents", "state", "leaving", n[SLOT_LEAVING]);
	single("postern_parents_wanted", "gauge",
	    "Parents that should be serving.", metric_get(&s->parents));
	family(name, "counter", "Processes that ended otherwise than they "
	    "should; workers are counted by themselves.");
	sample(name, "process", "parent", metric_get(&s->parents_died));
	sample(name, "process", "spawner", metric_get(&m->spawners_died));
	sample(name, "process", "resolver", metric_get(&m->resolvers_died));
	sample(name, "process", "dialer", metric_get(&m->dialers_died));
	sample(name, "process", "exporter", metric_get(&s->exporters_died));
}

/* Beside each limit what it is compared with.  0: there is none. */
static void
tell_limits(const struct service_metrics *s)
{
	single("postern_connections_limit", "gauge",
	    "Connections there may be (max-connections).",
	    metric_get(&s->max_connections));
	single("postern_connections_not_let_in", "gauge",
	    "Connections that max-handshakes counts.", tally_waiting());
	single("postern_connections_not_let_in_limit", "gauge",
	    "So many of these there may be (max-handshakes).",
	    metric_get(&s->max_handshakes));
	single("postern_connections_of_fullest_address", "gauge",
	    "Connections that the address with most of them has, at most.",
	    crowd_fullest());
	single("postern_connections_per_address_limit", "gauge",
	    "So many an address may have (max-connections-per-address), or 0.",
	    metric_get(&s->max_per_address));
}

static void
tell_connections(const struct metrics *m)
{
	static const char refused[] = "postern_connections_refused_total";

	family("postern_connections", "gauge",
	    "Connections there are, by state.");
	for (int i = 0; i < METRICS_STATES; i++)
		sample("postern_connections", "state", prometheus_states[i],
		    metric_get(&m->state[i]));
	single("postern_connections_accepted_total", "counter",
	    "TCP connections that were taken from the listening sockets.",
	    metric_get(&m->accepted));
	family(refused, "counter", "Connections that were not let in, by the "
	    "reason's word (posternd --reasons).");
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
		sample(refused, "reason", reason_word(r),
		    metric_get(&m->refused[r]));
	single("postern_connections_lost_total", "counter",
	    "Connections whose client went before it was let in or refused.",
	    metric_get(&m->lost));
	single("postern_health_checks_total", "counter",
	    "Connections by which a balancer tried whether we live.",
	    metric_get(&m->health_checks));
}

static void
tell_handshakes(const struct metrics *m)
{
	static const char name[] = "postern_handshake_duration_seconds";
	uint64_t sum = 0, us = metric_get(&m->handshake_us);

	family(name, "histogram", "How long good TLS handshakes took.");
	for (int i = 0; i < METRICS_BUCKETS; i++) {
		sum = tally_add(sum, metric_get(&m->handshake[i]));
		evbuffer_add_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name,
		    metrics_bucket_us[i] / 1e6, (unsigned long long)sum);
	}
	sum = tally_add(sum, metric_get(&m->handshake[METRICS_BUCKETS]));
	evbuffer_add_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum "
	    "%llu.%06u\n%s_count %llu\n", name, (unsigned long long)sum, name,
	    (unsigned long long)(us / 1000000), (unsigned)(us % 1000000), name,
	    (unsigned long long)sum);
}

static void
tell_sessions(const struct metrics *m)
{
	single("postern_sessions_opened_total", "counter",
	    "Clients that were let in.", metric_get(&m->opened));
	single("postern_sessions_closed_total", "counter",
	    "Of these, those whose session is over.", metric_get(&m->closed));
	single("postern_echo_received_bytes_total", "counter",
	    "Clients' bytes, decrypted.", metric_get(&m->bytes_in));
	single("postern_echo_sent_bytes_total", "counter",
	    "Bytes that workers gave back, or relayed to clients.",
	    metric_get(&m->bytes_out));
	family("postern_workers", "gauge", "Workers; with isolation \"pool\" "
	    "the places that they offer.");
	sample("postern_workers", "state", "ready",
	    metric_get(&m->workers_ready));
	sample("postern_workers", "state", "busy",
	    metric_get(&m->workers_busy));
	single("postern_workers_killed_total", "counter",
	    "Workers that a signal ended; not those overdue.",
	    metric_get(&m->workers_killed));
	single("postern_workers_failed_total", "counter",
	    "Workers that ended by themselves with a status other than 0.",
	    metric_get(&m->workers_failed));
	single("postern_workers_overdue_total", "counter",
	    "Workers that were ended as they did not end with their sessions.",
	    metric_get(&m->workers_overdue));
}

static void
tell_resolver(const struct metrics *m)
{
	static const char name[] = "postern_resolver_queries_total";

	family(name, "counter", "Questions for the names of an address, by "
	    "outcome.");
	for (int i = 0; i < QUERY_OUTCOMES; i++)
		sample(name, "outcome", prometheus_queries[i],
		    metric_get(&m->queries[i]));
	single("postern_resolver_cache_hits_total", "counter", "Of these, "
	    "those answered without asking DNS, from an earlier answer.",
	    metric_get(&m->cache_hits));
}

static void
tell_dialer(const struct metrics *m)
{
	static const char name[] = "postern_dials_total";
	static const char *const words[DIALER_STATUSES] = {
		[DIALER_CONNECTED] = "connected", [DIALER_FAILED] = "failed",
		[DIALER_TIMEOUT] = "timeout",
		[DIALER_CANCELLED] = "cancelled" };

	family(name, "counter", "Connections to the service that relay workers "
	    "pass clients on to, by outcome.");
	for (int i = 0; i < DIALER_STATUSES; i++)
		sample(name, "outcome", words[i], metric_get(&m->dials[i]));
}

static void
tell_ends(const struct metrics *m)
{
	static const char name[] = "postern_not_after_timestamp_seconds";
	static const char *const words[FILE_COUNT] = {
		[FILE_CERTIFICATE] = "certificate", [FILE_CA] = "ca",
		[FILE_CRL] = "crl" };

	family(name, "gauge", "When the first of a file's certificates or "
	    "lists runs out, since 1970.");
	for (int i = 0; i < FILE_COUNT; i++)
		if (words[i] != NULL && metric_get(&m->not_after[i]) != 0)
			sample(name, "file", words[i],
			    metric_get(&m->not_after[i]));
}

void
prometheus_text(struct evbuffer *b)
{
	const struct service_metrics *s = &board_service()->metrics;
	static struct metrics m;

	out = b;
	tally(&m);
	tell_service(s);
	tell_processes(&m, s);
	tell_connections(&m);
	tell_limits(s);
	tell_handshakes(&m);
	tell_sessions(&m);
	tell_resolver(&m);
	tell_dialer(&m);
	tell_ends(&m);
}
