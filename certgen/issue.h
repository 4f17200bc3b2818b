/*
 * A certificate, put together and signed.  What may be in one is decided
 * here, by its role, and by nothing that somebody else wrote.
 */
#ifndef POSTERN_CERTGEN_ISSUE_H
#define POSTERN_CERTGEN_ISSUE_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

#include "authority.h"
#include "validity.h"

enum role {
	ROLE_SELF_SIGNED,	/* its own CA: certificate and pin in one */
	ROLE_CA,
	ROLE_SERVER,
	ROLE_CLIENT
};

struct request {
	enum role		 role;
	const char		*common_name;	/* NULL: none */
	GENERAL_NAMES		*names;	/* NULL or empty: none */
	struct validity		 validity;
	EVP_PKEY		*key;	/* the subject's; only read */
};

/* Days that a certificate of this role holds if nobody says otherwise. */
int role_days(enum role role);

/*
 * Make the certificate (RFC 5280) with a random serial of 128 bits, signed by
 * `issuer` or, if that is NULL, by its own key.  The caller's, to X509_free.
 * Ends the program with EX_SOFTWARE if libcrypto fails.
 */
X509 *issue(const struct request *r, const struct authority *issuer);

/* As PEM, malloc'ed; the caller's. */
uint8_t *issue_pem(X509 *cert, size_t *len);

#endif
