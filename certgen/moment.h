/*
 * Moments as text and back: seconds since 1970, UTC.
 */
#ifndef POSTERN_CERTGEN_MOMENT_H
#define POSTERN_CERTGEN_MOMENT_H

#include <openssl/asn1.h>
#include <stdbool.h>
#include <time.h>

#define MOMENT_TEXT 24

/*
 * "2030-12-31" (its first second) or "2030-12-31T23:59:59Z", from 1970 to
 * 9999.  False for anything else.
 */
bool moment_parse(const char *s, time_t *t);

/* The longer of the two forms. */
void moment_text(time_t t, char dst[MOMENT_TEXT]);

/* What a certificate or revocation list says; false if it is malformed. */
bool moment_of(const ASN1_TIME *t, time_t *seconds);

#endif
