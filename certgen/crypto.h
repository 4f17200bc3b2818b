/*
 * libcrypto's start and its failures, for all of postern-certgen.
 */
#ifndef POSTERN_CERTGEN_CRYPTO_H
#define POSTERN_CERTGEN_CRYPTO_H

#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

/* Before any other use of libcrypto; no openssl.cnf has a say in what we do. */
void crypto_init(void);

/*
 * End the program with EX_SOFTWARE: "WHAT: libcrypto's reason".  For what
 * fails only for want of memory or by a bug, not for input that is bad.
 */
_Noreturn void crypto_fatal(const char *what);

/*
 * Take the text out of a memory BIO, wipe it there and free the BIO.  Gives a
 * malloc'ed copy: free, or for a key file_wipe (file.h).  `what` is for
 * crypto_fatal.
 */
uint8_t *crypto_text(BIO *bio, size_t *len, const char *what);

#endif
