/*
 * Private keys: made, read, written as PKCS#8 (RFC 5958) in PEM.
 */
#ifndef POSTERN_CERTGEN_KEY_H
#define POSTERN_CERTGEN_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_algorithm {
	KEY_P256,	/* what is made unless something else is asked for */
	KEY_P384,
	KEY_ED25519,
	KEY_RSA3072
};

/* "p256" and so on; false for any other word. */
bool key_algorithm_parse(const char *s, enum key_algorithm *a);
const char *key_algorithm_text(enum key_algorithm a);

/* A new key, the caller's (EVP_PKEY_free, which wipes it). */
EVP_PKEY *key_make(enum key_algorithm a);

/*
 * Read the first private key of a PEM file; the caller's.  Ends the program
 * with one line: EX_NOINPUT if the file cannot be opened, EX_NOPERM if others
 * may read it, EX_DATAERR if it is not a key, or one under a passphrase.
 */
EVP_PKEY *key_read(const char *path);

/* As PEM, malloc'ed; to be given back with file_wipe (file.h). */
uint8_t *key_pem(EVP_PKEY *key, size_t *len);

/*
 * The digest to sign with: as strong as the key; NULL in *md for Ed25519,
 * which has its own.  False: a kind or size of key that we do not sign with.
 */
bool key_digest(const EVP_PKEY *key, const EVP_MD **md);

#endif
