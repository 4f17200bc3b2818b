#include "verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* Alerts that have to do with our certificate, or its lack (RFC 8446, 6.2). */
enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_CERTIFICATE_UNKNOWN = 46,
	ALERT_UNKNOWN_CA = 48,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_CERTIFICATE_REQUIRED = 116
};

static const char *
advice(const struct verdict_context *c, int alert)
{
	if (alert == ALERT_PROTOCOL_VERSION)
		return " (it speaks neither TLS 1.3 nor 1.2)";
	if (!c->with_certificate) {
		if (alert == ALERT_CERTIFICATE_REQUIRED)
			return " (give one with -C and -K)";
		if (alert == ALERT_HANDSHAKE_FAILURE ||
		    alert == ALERT_BAD_CERTIFICATE)
			return " (it may want a certificate: -C and -K)";
		return "";
	}
	if (alert == ALERT_UNKNOWN_CA)
		return " (it does not trust who issued our certificate, -C)";
	if (alert == ALERT_CERTIFICATE_EXPIRED)
		return " (our certificate, -C, is not valid at this time)";
	if (alert == ALERT_BAD_CERTIFICATE ||
	    alert == ALERT_CERTIFICATE_UNKNOWN)
		return " (it does not accept our certificate, -C)";
	return "";
}

static void __attribute__((format(printf, 4, 5)))
set(struct verdict *v, int code, const char *result, const char *fmt, ...)
{
	va_list ap;

	v->code = code;
	v->result = result;
	va_start(ap, fmt);
	vsnprintf(v->text, sizeof v->text, fmt, ap);
	va_end(ap);
}

void
verdict_good(struct verdict *v)
{
	set(v, EX_OK, "ok", "%s", "");
}

void
verdict_dial(struct verdict *v, const struct dial_error *e)
{
	set(v, e->code, e->code == EX_NOHOST ? "unknown-host" : "unreachable",
	    "%s", e->text);
}

void
verdict_output(struct verdict *v, int errnum)
{
	set(v, EX_IOERR, "io", "standard output: %s", strerror(errnum));
}

void
verdict_memory(struct verdict *v)
{
	set(v, EX_OSERR, "memory", "out of memory");
}

static void
refused(struct verdict *v, const struct verdict_context *c,
    const struct session *s)
{
	set(v, EX_NOPERM, "refused", "%s: the server refused us: alert: %s%s",
	    c->host, session_why(s), advice(c, session_alert(s)));
}

static void
broken(struct verdict *v, const struct verdict_context *c,
    const struct session *s)
{
	set(v, EX_PROTOCOL, "protocol", "%s: the server broke the protocol: "
	    "%s", c->host, session_why(s));
}

static void
lost(struct verdict *v, const struct verdict_context *c,
    const struct session *s)
{
	set(v, EX_UNAVAILABLE, "lost", "%s: connection lost: %s", c->host,
	    session_why(s));
}

void
verdict_untrusted(struct verdict *v, const struct verdict_context *c,
    const char *why)
{
	set(v, EX_PROTOCOL, "untrusted", "%s: the server is not who it should "
	    "be: %s", c->host, why);
}

void
verdict_handshake(struct verdict *v, const struct verdict_context *c,
    const struct session *s, enum session_status status)
{
	switch (status) {
	case SESSION_UNTRUSTED:
		verdict_untrusted(v, c, session_why(s));
		break;
	case SESSION_REFUSED:
		refused(v, c, s);
		break;
	case SESSION_CUT:
		set(v, EX_NOPERM, "refused", "%s: the server refused us: it "
		    "ended the connection during the handshake", c->host);
		break;
	case SESSION_LOST:
		lost(v, c, s);
		break;
	case SESSION_TIMEOUT:
		set(v, EX_UNAVAILABLE, "timeout", "%s: no TLS handshake within "
		    "%d seconds", c->host, c->seconds);
		break;
	default:
		broken(v, c, s);
	}
}

/*
 * With TLS 1.3 all seems well to a client until it reads: whoever has got
 * nothing at all was never let in.
 */
static void
cut(struct verdict *v, const struct verdict_context *c, const struct ending *e)
{
	if (e->received == 0)
		set(v, EX_NOPERM, "refused", "%s: the server refused us: it "
		    "ended the connection without close_notify and has sent "
		    "nothing", c->host);
	else
		set(v, EX_PROTOCOL, "cut", "%s: the connection was cut after "
		    "%" PRIu64 " bytes, without close_notify: more may be "
		    "missing", c->host, e->received);
}

static void
closed(struct verdict *v, const struct verdict_context *c,
    const struct ending *e)
{
	char rest[64] = "";

	if (e->early[0] != '\0') {
		if (e->missing > 0)
			snprintf(rest, sizeof rest, ", and %" PRIu64 " bytes "
			    "were not echoed", e->missing);
		set(v, EX_PROTOCOL, "incomplete", "%s: the server ended the "
		    "session %s%s", c->host, e->early, rest);
	} else if (e->unsent)
		set(v, EX_PROTOCOL, "incomplete", "%s: the server ended the "
		    "session before it had taken all our input", c->host);
	else if (e->missing > 0)
		set(v, EX_PROTOCOL, "incomplete", "%s: the server ended the "
		    "session, and %" PRIu64 " bytes were not echoed", c->host,
		    e->missing);
	else
		verdict_good(v);
}

static void
silent(struct verdict *v, const struct verdict_context *c,
    const struct ending *e)
{
	if (e->interrupted && e->missing == 0)
		set(v, EX_UNAVAILABLE, "timeout", "%s: interrupted before all "
		    "was sent", c->host);
	else if (e->interrupted)
		set(v, EX_UNAVAILABLE, "timeout", "%s: interrupted, and %"
		    PRIu64 " bytes were not echoed", c->host, e->missing);
	else
		set(v, EX_UNAVAILABLE, "timeout", "%s: nothing %s for %d "
		    "seconds", c->host, e->missing > 0 ? "came back" :
		    "sent or received", c->seconds);
}

void
verdict_ending(struct verdict *v, const struct verdict_context *c,
    const struct session *s, const struct ending *e)
{
	if (e->local != NULL) {
		set(v, EX_IOERR, "io", "%s: %s", e->local,
		    e->why != NULL ? e->why : strerror(e->errnum));
		return;
	}
	if (e->wrong[0] != '\0') {
		set(v, EX_PROTOCOL, "mismatch", "%s: %s", c->host, e->wrong);
		return;
	}
	switch (e->status) {
	case SESSION_OK:
	case SESSION_CLOSED:
		closed(v, c, e);
		break;
	case SESSION_REFUSED:
		refused(v, c, s);
		break;
	case SESSION_CUT:
		cut(v, c, e);
		break;
	case SESSION_LOST:
		lost(v, c, s);
		break;
	case SESSION_TIMEOUT:
		silent(v, c, e);
		break;
	default:
		broken(v, c, s);
	}
}
