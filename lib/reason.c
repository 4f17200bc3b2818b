#include "reason.h"

static const char *const words[REASON_COUNT] = {
	[REASON_NONE] = "none",
	[REASON_TOO_MANY_CONNECTIONS] = "too-many-connections",
	[REASON_TOO_MANY_FROM_ADDRESS] = "too-many-from-address",
	[REASON_TOO_MANY_HANDSHAKES] = "too-many-handshakes",
	[REASON_TOO_FAST] = "too-fast",
	[REASON_PROXY_REQUIRED] = "proxy-required",
	[REASON_PROXY_BAD] = "proxy-bad",
	[REASON_PROTOCOL] = "protocol",
	[REASON_HANDSHAKE_TIMEOUT] = "handshake-timeout",
	[REASON_NO_CERTIFICATE] = "no-certificate",
	[REASON_BAD_SIGNATURE] = "bad-signature",
	[REASON_WEAK_CRYPTO] = "weak-crypto",
	[REASON_CHAIN_TOO_LONG] = "chain-too-long",
	[REASON_UNTRUSTED] = "untrusted",
	[REASON_NAME_CONSTRAINT] = "name-constraint",
	[REASON_WRONG_PURPOSE] = "wrong-purpose",
	[REASON_NOT_YET_VALID] = "not-yet-valid",
	[REASON_EXPIRED] = "expired",
	[REASON_CRL_MISSING] = "crl-missing",
	[REASON_CRL_EXPIRED] = "crl-expired",
	[REASON_REVOKED] = "revoked",
	[REASON_PIN_MISMATCH] = "pin-mismatch",
	[REASON_NOT_ALLOWED] = "not-allowed",
	[REASON_ADDRESS_MISMATCH] = "address-mismatch",
	[REASON_NAME_UNCONFIRMED] = "name-unconfirmed",
	[REASON_RESOLVER_TIMEOUT] = "resolver-timeout",
	[REASON_BACKEND_UNREACHABLE] = "backend-unreachable",
	[REASON_SHUTTING_DOWN] = "shutting-down",
	[REASON_INTERNAL] = "internal",
};

const char *
reason_word(enum reason r)
{
	return words[r];
}
