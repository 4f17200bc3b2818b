/*
 * postern inspect: what a server is, whether it is who it should be, and what
 * it does with us.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "deadline.h"
#include "report.h"
#include "text.h"
#include "x509text.h"

/* How long the server may take to do something with us, without -w. */
#define LISTEN_SECONDS 10

/*
 * What is longer is cut, of each text; but a document has every name of a
 * certificate, and all of it.
 */
#define LINE_TEXT 4096

/* A serial number has at most 20 bytes (RFC 5280, 4.1.2.2); some have more. */
#define SERIAL_TEXT 128

/* What the server did when the handshake was done on our side. */
enum outcome {
	OUTCOME_NONE,		/* we did not go on with it */
	OUTCOME_LET_IN,
	OUTCOME_REFUSED,
	OUTCOME_SILENT,
	OUTCOME_FAILED
};

static const struct {
	const char	*word;
	const char	*bare;		/* we have shown no certificate */
	const char	*shown;		/* we have shown one */
} outcomes[] = {
	[OUTCOME_NONE] = { NULL, "not known: we went no further",
	    "not known: we went no further" },
	[OUTCOME_LET_IN] = { "let-in", "let us in without a certificate",
	    "let us in with our certificate" },
	[OUTCOME_REFUSED] = { "refused", "refused us without a certificate",
	    "refused us with our certificate" },
	[OUTCOME_SILENT] = { "silent", "said nothing", "said nothing" },
	[OUTCOME_FAILED] = { "failed", "failed", "failed" },
};

static const char *const asked_words[] = {
	[ASKED_UNKNOWN] = "not known",
	[ASKED_NO] = "no",
	[ASKED_YES] = "yes",
};

struct inspection {
	bool		 trusted;
	enum outcome	 outcome;
	char		 why[512];	/* of a refusal or failure; or "" */
};

static struct inspection inspection;

/* ---- looking ---- */

/*
 * We end our half of the session and wait for the server's: an end in good
 * order is that of a session we had.  In TLS 1.3 nothing earlier proves it.
 */
static enum session_status
listen_once(struct session *s, int64_t deadline)
{
	uint8_t buf[SESSION_CHUNK];
	enum session_status status;
	size_t len;

	session_finish(s);
	for (;;) {
		session_flush(s);
		status = session_read(s, buf, &len);
		if (status != SESSION_AGAIN)
			return status;
		if (!session_wait(s, deadline))
			return SESSION_TIMEOUT;
	}
}

static enum outcome
outcome_of(enum session_status status)
{
	switch (status) {
	case SESSION_OK:
	case SESSION_CLOSED:
		return OUTCOME_LET_IN;
	case SESSION_REFUSED:
	case SESSION_CUT:
		return OUTCOME_REFUSED;
	case SESSION_TIMEOUT:
		return OUTCOME_SILENT;
	default:
		return OUTCOME_FAILED;
	}
}

/*
 * That a server does not let in whoever shows nothing is what we wanted to
 * know, and no failure.
 */
static void
run(struct client *c)
{
	struct inspection *i = &inspection;
	struct ending e = { 0 };

	if (c->o->seconds == 0)
		c->context.seconds = LISTEN_SECONDS;
	e.status = listen_once(c->session, deadline_now() +
	    (int64_t)c->context.seconds * 1000);
	i->trusted = true;
	i->outcome = outcome_of(e.status);
	verdict_ending(&c->verdict, &c->context, c->session, &e);
	snprintf(i->why, sizeof i->why, "%s", e.status == SESSION_CUT ?
	    "ended the connection without close_notify" :
	    session_why(c->session));
	if (i->outcome == OUTCOME_REFUSED && !c->context.with_certificate)
		verdict_good(&c->verdict);
}

/*
 * Refused within the handshake: then it is not known either whether it is the
 * right one.
 */
static void
handshake_outcome(const struct client *c)
{
	struct inspection *i = &inspection;

	if (i->outcome != OUTCOME_NONE || strcmp(c->verdict.result,
	    "refused") != 0)
		return;
	i->outcome = OUTCOME_REFUSED;
	snprintf(i->why, sizeof i->why, "%s", session_why(c->session)[0] !=
	    '\0' ? session_why(c->session) : "ended the connection during the "
	    "handshake");
}

/* One that is not asked for stays here, and can have decided nothing. */
static bool
certificate_given(const struct client *c)
{
	return c->context.with_certificate &&
	    session_asked(c->session) == ASKED_YES;
}

/* ---- for people ---- */

static void
row(const char *label, const char *text)
{
	printf("%-12s %s\n", label, text != NULL ? text : "not known");
}

static void
pin_text(X509 *cert, bool (*hash)(X509 *, uint8_t *), char dst[72])
{
	uint8_t sum[32];

	strcpy(dst, "?");
	if (!hash(cert, sum))
		return;
	strcpy(dst, "SHA256:");
	text_hex(dst + strlen(dst), sum, sizeof sum);
}

static void
print_validity(X509 *cert)
{
	char from[24], to[24], both[64];

	x509_time_text(X509_get0_notBefore(cert), from);
	x509_time_text(X509_get0_notAfter(cert), to);
	snprintf(both, sizeof both, "%s to %s", from, to);
	row("valid", both);
}

static void
print_certificate(X509 *cert, int number)
{
	char text[LINE_TEXT];

	printf("\ncertificate %d%s\n", number, number == 0 ?
	    ", the server's own" : "");
	x509_name_text(X509_get_subject_name(cert), text, sizeof text);
	row("subject", text);
	x509_name_text(X509_get_issuer_name(cert), text, sizeof text);
	row("issuer", text);
	x509_serial_text(cert, text, sizeof text);
	row("serial", text);
	x509_names_text(cert, text, sizeof text);
	row("names", text[0] != '\0' ? text : "none");
	print_validity(cert);
	x509_key_text(cert, text, sizeof text);
	row("key", text);
	x509_usages_text(cert, text, sizeof text);
	row("usages", text[0] != '\0' ? text : "any: none is named");
	pin_text(cert, x509_sha256, text);
	row("certificate", text);
	pin_text(cert, x509_spki_sha256, text);
	row("public key", text);
}

static void
print_trust(const struct client *c)
{
	char text[640];

	if (c->distrust[0] == '\0') {
		row("trusted", inspection.trusted ? "yes" : NULL);
		return;
	}
	snprintf(text, sizeof text, "no: %s", c->distrust);
	row("trusted", text);
}

static void
print_outcome(const struct client *c)
{
	const struct inspection *i = &inspection;
	char text[640];

	row("asked", asked_words[session_asked(c->session)]);
	snprintf(text, sizeof text, "%s%s%s", certificate_given(c) ?
	    outcomes[i->outcome].shown : outcomes[i->outcome].bare,
	    i->why[0] != '\0' ? ": " : "", i->why);
	row("outcome", text);
}

static void
report_people(const struct client *c)
{
	STACK_OF(X509) *chain = session_peer_chain(c->session);
	char many[32];

	if (c->peer[0] == '\0')
		return;
	row("address", c->peer);
	row("protocol", session_version(c->session));
	row("cipher", session_cipher(c->session));
	row("group", session_group(c->session));
	print_trust(c);
	print_outcome(c);
	snprintf(many, sizeof many, "%d", chain == NULL ? 0 :
	    sk_X509_num(chain));
	row("chain", many);
	for (int n = 0; chain != NULL && n < sk_X509_num(chain); n++)
		print_certificate(sk_X509_value(chain, n), n);
}

/* ---- for programs ---- */

static bool
add_name(const char *name, void *array)
{
	return json_array_append_new(array, report_text(name)) == 0;
}

static json_t *
names_of(X509 *cert)
{
	json_t *all = json_array();

	if (!x509_each_name(cert, add_name, all))
		add_name("malformed", all);
	return all;
}

static json_t *
usages_of(X509 *cert)
{
	json_t *all = json_array();
	char text[LINE_TEXT], *rest = text, *one;

	x509_usages_text(cert, text, sizeof text);
	while ((one = strsep(&rest, ",")) != NULL)
		if (*one != '\0')
			add_name(one, all);
	return all;
}

static void
add_validity(json_t *j, X509 *cert)
{
	char text[24];

	x509_time_text(X509_get0_notBefore(cert), text);
	json_object_set_new(j, "not_before", report_text(text));
	x509_time_text(X509_get0_notAfter(cert), text);
	json_object_set_new(j, "not_after", report_text(text));
}

static json_t *
certificate(X509 *cert)
{
	json_t *j = json_object();
	char text[LINE_TEXT];

	x509_name_text(X509_get_subject_name(cert), text, sizeof text);
	json_object_set_new(j, "subject", report_text(text));
	x509_name_text(X509_get_issuer_name(cert), text, sizeof text);
	json_object_set_new(j, "issuer", report_text(text));
	x509_serial_text(cert, text, SERIAL_TEXT);
	json_object_set_new(j, "serial", report_text(text));
	json_object_set_new(j, "names", names_of(cert));
	add_validity(j, cert);
	x509_key_text(cert, text, sizeof text);
	json_object_set_new(j, "key", report_text(text));
	json_object_set_new(j, "usages", usages_of(cert));
	pin_text(cert, x509_sha256, text);
	json_object_set_new(j, "pin", report_text(text));
	pin_text(cert, x509_spki_sha256, text);
	json_object_set_new(j, "public_key_pin", report_text(text));
	return j;
}

static json_t *
trusted_json(const struct client *c)
{
	if (inspection.trusted)
		return json_true();
	return c->distrust[0] != '\0' ? json_false() : json_null();
}

static json_t *
asked_json(const struct client *c)
{
	enum asked asked = session_asked(c->session);

	return asked == ASKED_UNKNOWN ? json_null() :
	    json_boolean(asked == ASKED_YES);
}

static void
report_json(struct client *c)
{
	const struct inspection *i = &inspection;
	STACK_OF(X509) *sent = session_peer_chain(c->session);
	json_t *d = report_begin(c), *chain = json_array();

	json_object_set_new(d, "trusted", trusted_json(c));
	json_object_set_new(d, "distrust", report_text(c->distrust[0] != '\0' ?
	    c->distrust : NULL));
	json_object_set_new(d, "certificate_asked", asked_json(c));
	json_object_set_new(d, "certificate_given",
	    json_boolean(certificate_given(c)));
	json_object_set_new(d, "outcome",
	    report_text(outcomes[i->outcome].word));
	json_object_set_new(d, "outcome_detail",
	    report_text(i->why[0] != '\0' ? i->why : NULL));
	for (int n = 0; sent != NULL && n < sk_X509_num(sent); n++)
		json_array_append_new(chain,
		    certificate(sk_X509_value(sent, n)));
	json_object_set_new(d, "chain", chain);
	report_end(c, d);
}

static void
report(struct client *c)
{
	handshake_outcome(c);
	if (c->o->json) {
		report_json(c);
	} else {
		report_people(c);
		report_flush(c);
	}
}

const struct task inspect_task = { NULL, run, report };
