#include "verdict.h"

#include <err.h>
#include <inttypes.h>
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

static int
refused(const struct verdict_context *c, const struct session *s)
{
	warnx("%s: the server refused us: alert: %s%s", c->host,
	    session_why(s), advice(c, session_alert(s)));
	return EX_NOPERM;
}

static int
broken(const struct verdict_context *c, const struct session *s)
{
	warnx("%s: the server broke the protocol: %s", c->host,
	    session_why(s));
	return EX_PROTOCOL;
}

static int
lost(const struct verdict_context *c, const struct session *s)
{
	warnx("%s: connection lost: %s", c->host, session_why(s));
	return EX_UNAVAILABLE;
}

int
verdict_untrusted(const struct verdict_context *c, const char *why)
{
	warnx("%s: the server is not who it should be: %s", c->host, why);
	return EX_PROTOCOL;
}

int
verdict_handshake(const struct verdict_context *c, const struct session *s,
    enum session_status status)
{
	switch (status) {
	case SESSION_UNTRUSTED:
		return verdict_untrusted(c, session_why(s));
	case SESSION_REFUSED:
		return refused(c, s);
	case SESSION_CUT:
		warnx("%s: the server refused us: it ended the connection "
		    "during the handshake", c->host);
		return EX_NOPERM;
	case SESSION_LOST:
		return lost(c, s);
	case SESSION_TIMEOUT:
		warnx("%s: no TLS handshake within %d seconds", c->host,
		    c->seconds);
		return EX_UNAVAILABLE;
	default:
		return broken(c, s);
	}
}

static int
cut(const struct verdict_context *c, const struct relay_end *end)
{
	if (end->received == 0) {
		warnx("%s: the server refused us: it ended the connection "
		    "without close_notify and has sent nothing", c->host);
		return EX_NOPERM;
	}
	warnx("%s: the connection was cut after %" PRIu64 " bytes, without "
	    "close_notify: more may be missing", c->host, end->received);
	return EX_PROTOCOL;
}

static int
closed(const struct verdict_context *c, const struct relay_end *end)
{
	if (!end->unsent)
		return EX_OK;
	warnx("%s: the server ended the session before it had taken all our "
	    "input", c->host);
	return EX_PROTOCOL;
}

int
verdict_relay(const struct verdict_context *c, const struct session *s,
    const struct relay_end *end)
{
	if (end->local != NULL) {
		warnx("%s: %s", end->local, strerror(end->errnum));
		return EX_IOERR;
	}
	switch (end->status) {
	case SESSION_CLOSED:
		return closed(c, end);
	case SESSION_REFUSED:
		return refused(c, s);
	case SESSION_CUT:
		return cut(c, end);
	case SESSION_LOST:
		return lost(c, s);
	case SESSION_TIMEOUT:
		warnx("%s: nothing sent or received for %d seconds", c->host,
		    c->seconds);
		return EX_UNAVAILABLE;
	default:
		return broken(c, s);
	}
}
