/*
 * What the log says of a connection; what it tells is counted here, too, so
 * that log and metrics agree.
 */
#include <string.h>

#include "conn.h"
#include "log.h"
#include "metrics.h"
#include "roster.h"
#include "text.h"
#include "x509text.h"

/* Of a certificate's names; more are cut with "...". */
#define NAMES_TEXT 512

/*
 * Of refusals for one reason: so many lines at once, then one a second; and how
 * many were left out, so often while there are any (s).
 */
#define REFUSED_AT_ONCE	100
#define REFUSED_EACH_MS	1000
#define LEFT_OUT_S	10

/* ---- refusals, and how many of them are told ----------------------------- */

static struct log_limit	told[REASON_COUNT];
static struct event	left_out_timer;
static bool		timer_runs;

void
conn_log_left_out(void)
{
	for (enum reason why = REASON_NONE; why < REASON_COUNT; why++) {
		struct log_line l;

		if (told[why].left_out == 0)
			continue;
		log_begin(&l, reason_row(why)->level, "refused-left-out");
		log_str(&l, "reason", reason_word(why));
		log_num(&l, "lines", (int64_t)told[why].left_out);
		log_end(&l);
		told[why].left_out = 0;
	}
}

static void
on_left_out(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	timer_runs = false;
	conn_log_left_out();
}

/* A flood must not become one of the log; the first of a kind are told. */
static bool
may_tell(enum reason why)
{
	const struct timeval tv = { .tv_sec = LEFT_OUT_S };

	if (log_may(&told[why], REFUSED_AT_ONCE, REFUSED_EACH_MS,
	    service_now()))
		return true;
	if (!timer_runs) {
		event_assign(&left_out_timer, service.base, -1, 0, on_left_out,
		    NULL);
		timer_runs = event_add(&left_out_timer, &tv) == 0;
	}
	return false;
}

void
conn_refuse_early(const struct sockaddr_storage *from, enum reason why)
{
	char peer[ADDR_TEXT];
	struct log_line l;

	metric_add(&metrics->refused[why], 1);
	if (!may_tell(why))
		return;
	addr_text(from, peer);
	log_begin(&l, reason_row(why)->level, "refused");
	log_str(&l, "reason", reason_word(why));
	log_str(&l, "peer", peer);
	log_end(&l);
}

static void
put_peer(struct log_line *l, const struct conn *c)
{
	log_str(l, "peer", c->peer);
	if (c->proxy[0] != '\0')
		log_str(l, "proxy", c->proxy);
}

void
conn_log_accept(const struct conn *c)
{
	struct log_line l;

	log_begin(&l, LOG_DEBUG, "accept");
	put_peer(&l, c);
	log_num(&l, "connections", service.open);
	log_end(&l);
}

void
conn_log_health_check(const struct conn *c)
{
	struct log_line l;

	metric_add(&metrics->health_checks, 1);
	log_begin(&l, LOG_DEBUG, "health-check");
	put_peer(&l, c);
	log_end(&l);
}

static void
put_subject(struct log_line *l, const char *key, X509 *cert)
{
	char subject[512];

	x509_name_text(X509_get_subject_name(cert), subject, sizeof subject);
	log_escaped(l, key, subject);
}

static void
put_sha256(struct log_line *l, X509 *cert)
{
	uint8_t hash[32];
	char hex[65];

	if (!x509_sha256(cert, hash))
		return;
	text_hex(hex, hash, sizeof hash);
	log_str(l, "sha256", hex);
}

static void
put_certificate(struct log_line *l, X509 *cert)
{
	char serial[64], names[NAMES_TEXT];

	put_subject(l, "subject", cert);
	put_sha256(l, cert);
	x509_serial_text(cert, serial, sizeof serial);
	log_str(l, "serial", serial);
	x509_names_text(cert, names, sizeof names);
	if (names[0] != '\0')
		log_escaped(l, "names", names);
}

void
conn_log_refused(struct conn *c, enum reason why, const char *detail)
{
	X509 *leaf, *cert;
	struct log_line l;

	c->refused = true;
	metric_add(&metrics->refused[why], 1);
	if (!may_tell(why))
		return;
	leaf = c->verdict.cert == NULL ? beneath_leaf(&c->verdict) : NULL;
	cert = c->verdict.cert != NULL ? c->verdict.cert : leaf;
	log_begin(&l, reason_row(why)->level, "refused");
	log_str(&l, "reason", reason_word(why));
	put_peer(&l, c);
	if (cert != NULL)
		put_certificate(&l, cert);
	/* A CA's was at fault: whose client is it that was refused? */
	if (c->verdict.leaf != NULL && X509_cmp(c->verdict.leaf, cert) != 0)
		put_subject(&l, "client", c->verdict.leaf);
	/* What judged the certificate has escaped what it found in it. */
	if (detail != NULL && detail == c->verdict.detail)
		log_escaped(&l, "detail", detail);
	else if (detail != NULL)
		log_str(&l, "detail", detail);
	log_end(&l);
	X509_free(leaf);
}

static void
show(struct conn *c, X509 *leaf)
{
	char subject[ROSTER_SUBJECT + 1] = "";

	if (leaf != NULL)
		x509_name_text(X509_get_subject_name(leaf), subject,
		    sizeof subject);
	c->row = roster_enter(&c->address, subject, c->worker_pid, c->begun);
}

void
conn_log_open(struct conn *c)
{
	X509 *leaf = beneath_leaf(&c->verdict);
	struct log_line l;

	metric_add(&metrics->opened, 1);
	show(c, leaf);
	log_begin(&l, LOG_INFO, "open");
	put_peer(&l, c);
	log_str(&l, "tls", tls_conn_version(c->t.tls));
	log_str(&l, "cipher", tls_conn_cipher(c->t.tls));
	if (leaf != NULL && l.wanted) {
		put_subject(&l, "subject", leaf);
		put_sha256(&l, leaf);
	}
	log_num(&l, "worker", c->worker_pid);
	log_end(&l);
	X509_free(leaf);
}

void
conn_log_close(const struct conn *c)
{
	int64_t ms = service_now() - c->begun;
	struct log_line l;

	metric_add(&metrics->closed, 1);
	roster_leave(c->row);
	log_begin(&l, LOG_INFO, "close");
	put_peer(&l, c);
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
