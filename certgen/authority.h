/*
 * The CA that signs: its certificate and its key, as they lie in files.
 */
#ifndef POSTERN_CERTGEN_AUTHORITY_H
#define POSTERN_CERTGEN_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct authority {
	X509		*cert;
	EVP_PKEY	*key;
};

/*
 * Read both.  Where the certificate's file holds several, it is the one that
 * belongs to the key.  Ends the program with one line if there is none, if it
 * is not a CA's, or if we do not sign with such a key (EX_DATAERR), or if a
 * file cannot be opened (EX_NOINPUT; the key's, see key_read).  Whether it
 * has expired is for validity_choose.
 */
void authority_read(struct authority *a, const char *cert, const char *key);
void authority_free(struct authority *a);

#endif
