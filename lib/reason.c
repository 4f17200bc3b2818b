#include "reason.h"

#include <sysexits.h>
#include <syslog.h>

/*
 * Whoever is refused learns no more than that, by an alert or an end without
 * close_notify: so the client's exit status is always the same.
 */
static const struct reason_row rows[REASON_COUNT] = {
	[REASON_NONE] = { "none",
	    LOG_INFO, EX_OK, SEEN_OFFLINE,
	    "not refused" },
	[REASON_TOO_MANY_CONNECTIONS] = { "too-many-connections",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "max-connections were open already" },
	[REASON_TOO_MANY_FROM_ADDRESS] = { "too-many-from-address",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "its address had as many connections as one may have" },
	[REASON_TOO_MANY_HANDSHAKES] = { "too-many-handshakes",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "as many handshakes as may be were under way" },
	[REASON_TOO_FAST] = { "too-fast",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "its address connects more often than it may" },
	[REASON_PROXY_REQUIRED] = { "proxy-required",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "it came from an address in proxy { from } without a PROXY "
	    "protocol header, version 2" },
	[REASON_PROXY_BAD] = { "proxy-bad",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "its PROXY protocol header is malformed, or not version 2" },
	[REASON_PROTOCOL] = { "protocol",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "it did not speak TLS as it should, or offered no version, "
	    "cipher or group that the server takes" },
	[REASON_HANDSHAKE_TIMEOUT] = { "handshake-timeout",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "the handshake was not done within timeouts { handshake }" },
	[REASON_NO_CERTIFICATE] = { "no-certificate",
	    LOG_WARNING, EX_NOPERM, SEEN_LIVE,
	    "it showed no certificate" },
	[REASON_BAD_SIGNATURE] = { "bad-signature",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a signature is wrong: on a certificate, or by the client's"
	    " key" },
	[REASON_WEAK_CRYPTO] = { "weak-crypto",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a key or a digest in its chain is too weak" },
	[REASON_CHAIN_TOO_LONG] = { "chain-too-long",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "more CAs stand above its certificate than clients { max-"
	    "depth } or one of them allows" },
	[REASON_UNTRUSTED] = { "untrusted",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "no chain leads from its certificate to one in clients { ca"
	    " }" },
	[REASON_NAME_CONSTRAINT] = { "name-constraint",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a CA above it may not issue for a name that it has" },
	[REASON_WRONG_PURPOSE] = { "wrong-purpose",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "its certificate is not for a client's authentication" },
	[REASON_NOT_YET_VALID] = { "not-yet-valid",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a certificate of its chain is not valid yet" },
	[REASON_EXPIRED] = { "expired",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a certificate of its chain has expired" },
	[REASON_CRL_MISSING] = { "crl-missing",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a CA of its chain has no valid revocation list in clients "
	    "{ crl }" },
	[REASON_CRL_EXPIRED] = { "crl-expired",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a revocation list of its chain has expired, and crl-policy"
	    " is strict" },
	[REASON_REVOKED] = { "revoked",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "a certificate of its chain is on a revocation list" },
	[REASON_PIN_MISMATCH] = { "pin-mismatch",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "neither its certificate nor its public key is in clients {"
	    " pin }" },
	[REASON_NOT_ALLOWED] = { "not-allowed",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "no name in its certificate fits clients { allow }" },
	[REASON_ADDRESS_MISMATCH] = { "address-mismatch",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "its certificate names neither the address it comes from "
	    "nor a confirmed host name of it, as clients { host-check }"
	    " asks" },
	[REASON_NAME_UNCONFIRMED] = { "name-unconfirmed",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "no host name of its address is confirmed by a forward "
	    "look-up" },
	[REASON_RESOLVER_TIMEOUT] = { "resolver-timeout",
	    LOG_WARNING, EX_NOPERM, SEEN_OFFLINE,
	    "DNS gave no answer within timeouts { resolve }, or refused one" },
	[REASON_BACKEND_UNREACHABLE] = { "backend-unreachable",
	    LOG_ERR, EX_NOPERM, SEEN_LIVE,
	    "the worker's backend cannot be reached" },
	[REASON_SHUTTING_DOWN] = { "shutting-down",
	    LOG_INFO, EX_NOPERM, SEEN_LIVE,
	    "the service was ending" },
	[REASON_INTERNAL] = { "internal",
	    LOG_ERR, EX_NOPERM, SEEN_LIVE,
	    "the server could not: no worker was ready, or memory is "
	    "out" },
};

const struct reason_row *
reason_row(enum reason r)
{
	return &rows[r];
}

const char *
reason_word(enum reason r)
{
	return rows[r].word;
}
