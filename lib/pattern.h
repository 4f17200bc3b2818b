/*
 * Patterns for the names in a certificate: "dns:*.backup.example",
 * "uri:spiffe://example.org/job-*", "cn:host-*", "email:*@example.org".
 */
#ifndef POSTERN_PATTERN_H
#define POSTERN_PATTERN_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for a pattern and its NUL. */
#define PATTERN_SIZE 256

enum pattern_kind { PATTERN_CN, PATTERN_DNS, PATTERN_URI, PATTERN_EMAIL };

/*
 * NULL if `s` is a pattern, else words that say what would be right (static).
 * A pattern has a kind, a colon, and at least one character; printable ASCII,
 * and no space but in a cn:.  `*` stands for any number of characters, none
 * included, but:
 *	cn:	neither . nor /
 *	dns:	not .
 *	uri:	in the scheme it may not be; in the authority neither / . : nor
 *		@; behind it neither / ? nor #
 *	email:	not @; behind the @ not .
 */
const char *pattern_wrong(const char *s);

/*
 * Does one name of that kind, `len` bytes that may be anything, fit the
 * pattern?  Domains and URI schemes compare without case, all else with.  A
 * name with a control character (NUL is one) fits nothing, nor does, but for a
 * common name (UTF-8, compared by bytes), one with a byte above 127; nor does
 * a domain with an empty label or one that is itself a wildcard.
 */
bool pattern_fits(const char *pattern, enum pattern_kind kind,
    const char *name, size_t len);

/*
 * Does any name of the certificate fit?  For cn: the common name, if there is
 * exactly one; for the others subject alternative names.
 */
bool pattern_fits_cert(const char *pattern, X509 *cert);

/*
 * The first of `count` patterns that the certificate fits, or NULL.  It reads
 * the names once: a stranger may send thousands of them.
 */
const char *pattern_first_fit(const char (*patterns)[PATTERN_SIZE],
    size_t count, X509 *cert);

#endif
