/*
 * A private key, read from PEM: the one place that knows how it can fail.
 */
#ifndef POSTERN_PRIVKEY_H
#define POSTERN_PRIVKEY_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

enum privkey_status {
	PRIVKEY_OK,
	PRIVKEY_NONE,		/* no private key in PEM form */
	PRIVKEY_DAMAGED,	/* one, and it cannot be read */
	PRIVKEY_TWO,		/* several: which is meant? */
	PRIVKEY_ENCRYPTED,	/* under a passphrase, and none was given */
	PRIVKEY_WRONG_PASSPHRASE
};

/*
 * Read the private key in the `len` bytes at `pem`; other blocks beside it
 * (certificates, parameters) are passed over.  `passphrase` (NULL: none) is
 * for a key that asks for one; it is never asked of a person here.  On
 * PRIVKEY_OK *key is the caller's; otherwise it is NULL, and *why has words
 * that fit after "FILE: " (static).
 */
enum privkey_status privkey_parse(const uint8_t *pem, size_t len,
    const char *passphrase, EVP_PKEY **key, const char **why);

#endif
