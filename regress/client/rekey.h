/*
 * LibreSSL answers a peer's key updates but has no call that begins one.  All
 * that this makes different is here.
 */
#ifndef POSTERN_REGRESS_REKEY_H
#define POSTERN_REGRESS_REKEY_H

#include <err.h>
#include <openssl/ssl.h>
#include <stdbool.h>

/* Rekey, and ask the peer to; false if the library cannot. */
static inline bool
rekey(SSL *ssl)
{
#ifdef SSL_KEY_UPDATE_REQUESTED
	if (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1)
		errx(1, "SSL_key_update");
	return true;
#else
	(void)ssl;
	return false;
#endif
}

#endif
