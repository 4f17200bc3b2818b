/*
 * A certificate, put together and signed.
 */
#ifndef POSTERN_CERTGEN_ISSUE_H
#define POSTERN_CERTGEN_ISSUE_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

#include "authority.h"
#include "role.h"
#include "validity.h"

struct request {
	enum role		 role;
	const char		*common_name;	/* NULL: none */
	const X509_NAME		*subject;	/* NULL: made of the above */
	GENERAL_NAMES		*names;		/* NULL or empty: none */
	int			 pathlen;	/* CAs beneath; -1: no limit */
	NAME_CONSTRAINTS	*permit;	/* NULL: none */
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

/*
 * Would a verifier take it from this issuer?  Its path length, its name
 * constraints and the strength of what signed it are tried, its validity is
 * not.  Ends the program with EX_DATAERR if not.
 */
void issue_check(X509 *cert, const struct authority *issuer,
    const char *issuer_path);

/*
 * As PEM, malloc'ed, the caller's: the certificate, and after it those that
 * lead from its issuer (NULL: it has none) up to, not including, the root.
 */
uint8_t *issue_pem(X509 *cert, const struct authority *issuer, size_t *len);

#endif
