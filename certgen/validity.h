/*
 * From when to when a certificate holds.
 */
#ifndef POSTERN_CERTGEN_VALIDITY_H
#define POSTERN_CERTGEN_VALIDITY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

/* A hundred years: more is a slip of the finger. */
#define PERIOD_DAYS_MAX 36500

/* As asked for. */
struct period {
	int	days;			/* 0: not said */
	bool	has_not_before, has_not_after;
	time_t	not_before, not_after;	/* seconds since 1970, UTC */
};

/* As it will stand in the certificate; both ends count (RFC 5280, 4.1.2.5). */
struct validity {
	time_t	not_before, not_after;
};

/*
 * What was asked for, completed: it begins an hour ago, lest a verifier whose
 * clock is slow refuse it, and ends after `days`, or as asked.  With an
 * issuer, from whose file `issuer_path` it was read: unless an end was asked
 * for, it ends with the issuer at the latest; an end beyond the issuer's own,
 * an issuer that has expired and an end before the beginning end the program
 * with one line and EX_DATAERR (EX_USAGE where the options alone are wrong).
 */
struct validity validity_choose(const struct period *p, int days,
    const X509 *issuer, const char *issuer_path);

#endif
