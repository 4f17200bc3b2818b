/*
 * What is got from beneath libtls: the SSL of a connection tells what libtls
 * does not.  All that is OpenSSL's or LibreSSL's alone is here.
 */
#ifndef POSTERN_CLIENT_BENEATH_H
#define POSTERN_CLIENT_BENEATH_H

#include <openssl/x509.h>
#include <stdbool.h>

enum asked {
	ASKED_UNKNOWN,		/* the handshake did not get that far */
	ASKED_NO,
	ASKED_YES
};

struct beneath {
	struct ssl_st	*ssl;		/* libtls's; NULL: it cannot be had */
	STACK_OF(X509)	*chain;		/* beneath_chain's */
	enum asked	 asked;		/* for a certificate of ours */
};

/* Once, before the first tls_connect_cbs. */
void beneath_init(void);

/*
 * Right after tls_connect_cbs: watch the connection that it made.  `b` stays
 * where it is until the connection is freed; it only looks on, and what the
 * library decides stands.
 */
void beneath_watch(struct beneath *b);

/* Frees what was collected; before or after the connection is. */
void beneath_free(struct beneath *b);

/*
 * The certificates that the server has sent, leaf first, whether or not they
 * are trusted; NULL if there are none.  They stay `b`'s.
 */
STACK_OF(X509) *beneath_chain(struct beneath *b);

/*
 * Of a handshake that may have failed on its way; static text, NULL where it
 * is not known: "TLSv1.3", a cipher's name, "X25519", "P-256".
 */
const char *beneath_version(const struct beneath *b);
const char *beneath_cipher(const struct beneath *b);
const char *beneath_group(const struct beneath *b);

#endif
