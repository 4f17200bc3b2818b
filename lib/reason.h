/*
 * Why a client was refused: one word from a fixed vocabulary, the same in the
 * log, the metrics and posternd --explain.  The order is the order in which
 * the rules are looked at: where several fail, the first names the refusal.
 */
#ifndef POSTERN_REASON_H
#define POSTERN_REASON_H

enum reason {
	REASON_NONE,		/* not refused */
	REASON_TOO_MANY_CONNECTIONS,
	REASON_TOO_MANY_FROM_ADDRESS,
	REASON_TOO_MANY_HANDSHAKES,
	REASON_TOO_FAST,
	REASON_PROXY_REQUIRED,
	REASON_PROXY_BAD,
	REASON_PROTOCOL,
	REASON_HANDSHAKE_TIMEOUT,
	REASON_NO_CERTIFICATE,
	REASON_BAD_SIGNATURE,
	REASON_WEAK_CRYPTO,
	REASON_CHAIN_TOO_LONG,
	REASON_UNTRUSTED,
	REASON_NAME_CONSTRAINT,
	REASON_WRONG_PURPOSE,
	REASON_NOT_YET_VALID,
	REASON_EXPIRED,
	REASON_CRL_MISSING,
	REASON_CRL_EXPIRED,
	REASON_REVOKED,
	REASON_PIN_MISMATCH,
	REASON_NOT_ALLOWED,
	REASON_ADDRESS_MISMATCH,
	REASON_NAME_UNCONFIRMED,
	REASON_RESOLVER_TIMEOUT,
	REASON_BACKEND_UNREACHABLE,
	REASON_SHUTTING_DOWN,
	REASON_INTERNAL,
	REASON_COUNT
};

enum reason_seen {
	SEEN_OFFLINE,		/* by a certificate and an address alone */
	SEEN_LIVE		/* only while a client is there */
};

/* One table: all that is fixed for a word. */
struct reason_row {
	const char		*word;
	int			 level;	/* of its log line: syslog(3)'s */
	int			 status;	/* postern(1)'s exit */
	enum reason_seen	 seen;
	const char		*text;	/* a sentence, no full stop */
};

const struct reason_row *reason_row(enum reason r);

/* The word ("untrusted"); static text. */
const char *reason_word(enum reason r);

#endif
