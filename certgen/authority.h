/*
 * The CA that signs: its certificate and its key, as they lie in files.
 */
#ifndef POSTERN_CERTGEN_AUTHORITY_H
#define POSTERN_CERTGEN_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct authority {
	X509		*cert;
	EVP_PKEY	*key;
	/* Itself and the CAs above it, as far as they are no roots. */
	STACK_OF(X509)	*above;
	const char	*path;		/* of its certificate; not copied */
	char		*index;		/* the index file's path (index.h) */
	int		 fd;		/* of its certificate, for the lock */
};

/*
 * Read both.  Where the certificate's file holds several, it is the one that
 * belongs to the key, and the others may be CAs above it.  Ends the program
 * with one line if there is none, if it is not a CA's, or if we do not sign
 * with such a key (EX_DATAERR), or if a file cannot be opened (EX_NOINPUT; the
 * key's and its passphrase's, see key_read).  Whether it has expired is for
 * validity_choose.
 */
void authority_read(struct authority *a, const char *cert, const char *key,
    const char *passphrase_file);
void authority_free(struct authority *a);

/*
 * Wait until no other run has the CA's index in work, and keep others from it
 * until authority_free.  Ends the program with EX_UNAVAILABLE if the CA was
 * replaced in the meantime.
 */
void authority_lock(const struct authority *a);

/* Has it signed the certificate? */
bool authority_has_signed(const struct authority *a, X509 *cert);

#endif
