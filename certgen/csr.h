/*
 * Certificate requests (RFC 2986): made, and read from strangers.
 */
#ifndef POSTERN_CERTGEN_CSR_H
#define POSTERN_CERTGEN_CSR_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

/* As PEM, malloc'ed, the caller's; `common_name` NULL: an empty subject. */
uint8_t *csr_make(EVP_PKEY *key, const char *common_name,
    GENERAL_NAMES *names, size_t *len);

/* What a request asks for and we look at: its names and its key. */
struct wish {
	char		*common_name;	/* malloc'ed; NULL: none */
	EVP_PKEY	*key;
	GENERAL_NAMES	*names;		/* NULL: none; not yet looked at */
};

/*
 * Read the one request of a PEM file.  Ends the program with EX_DATAERR and
 * one line if it is damaged, if its signature is not by its key, if that is
 * weak or malformed, or if it asks to be a CA.
 */
void csr_read(struct wish *w, const char *path, const uint8_t *pem,
    size_t len);
void wish_free(struct wish *w);

/*
 * The request as a certificate that nobody has signed, for those who look at
 * certificates; the caller's.  NULL if its extensions cannot be read.
 */
X509 *csr_as_certificate(X509_REQ *request);

#endif
