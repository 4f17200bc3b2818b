/*
 * Names that go into a certificate.  What is let through here is trusted by
 * every verifier that trusts the CA, so a name that could be read in two ways
 * is refused, not mended.
 */
#ifndef POSTERN_CERTGEN_NAMES_H
#define POSTERN_CERTGEN_NAMES_H

#include <openssl/x509v3.h>
#include <stdbool.h>

/* A DNS name as text, without the root's dot (RFC 1035, 2.3.4), and its NUL. */
#define DNS_NAME_SIZE 254

/* A common name has at most so many characters (RFC 5280, ub-common-name). */
#define COMMON_NAME_MAX 64

/* Who gave a name, for the line that refuses it, and with which exit code. */
struct origin {
	const char	*text;		/* "--host", or a file's name */
	int		 code;
};

struct names {
	GENERAL_NAMES	*all;			/* owned */
	char		 first_host[DNS_NAME_SIZE];	/* "": no host yet */
};

void names_init(struct names *n);
void names_free(struct names *n);

/*
 * Add each item of a comma-separated list.  One that is not well-formed ends
 * the program with one line and EX_USAGE.
 *
 * A host is an IPv4 or IPv6 address or a DNS name (RFC 1123; also with "_" in
 * it); with `wildcard`, its first label may be "*" if two or more follow.
 */
void names_add_hosts(struct names *n, const char *list, bool wildcard);
void names_add_uris(struct names *n, const char *list);
void names_add_emails(struct names *n, const char *list);

/*
 * Add the names that a certificate request asks for, by the same rules, from
 * the file `path`.  What does not keep them, or is of another kind, ends the
 * program with EX_DATAERR.
 */
void names_add_requested(struct names *n, GENERAL_NAMES *from,
    const char *path, bool wildcard);

/* End the program, as its origin says, unless it can be a common name. */
void names_check_common_name(const char *name, const struct origin *from);

/* A DNS name without a wildcard; an e-mail address. */
bool names_is_host(const char *s);
bool names_is_email(const char *s);

#endif
