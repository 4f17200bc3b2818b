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
 * Read the private key of a PEM file; the caller's.  One under a passphrase
 * asks for it, as passphrase_for does.  Ends the program with one line:
 * EX_NOINPUT if the file cannot be opened, EX_NOPERM if others may read it,
 * EX_DATAERR if it is not a key, or not to be had with this passphrase.
 */
EVP_PKEY *key_read(const char *path, const char *passphrase_file);

/*
 * As PEM, malloc'ed; to be given back with file_wipe (file.h).  Under
 * `passphrase` unless that is NULL.
 */
uint8_t *key_pem(EVP_PKEY *key, const char *passphrase, size_t *len);

/*
 * The digest to sign with: as strong as the key; NULL in *md for Ed25519,
 * which has its own.  False: a kind or size of key that we do not sign with.
 */
bool key_digest(const EVP_PKEY *key, const EVP_MD **md);

/*
 * Is the public half, which somebody else has made, of such a kind and size,
 * and well-formed: a point of its curve, a modulus and exponent that can be?
 */
bool key_is_sound(EVP_PKEY *key);

#endif
