/*
 * What a certificate is for.  Its extensions follow from that (issue.c), and
 * from nothing that somebody else wrote.
 */
#ifndef POSTERN_CERTGEN_ROLE_H
#define POSTERN_CERTGEN_ROLE_H

#include <openssl/x509.h>
#include <stdbool.h>

enum role {
	ROLE_SELF_SIGNED,	/* its own CA: certificate and pin in one */
	ROLE_CA,
	ROLE_SERVER,
	ROLE_CLIENT,
	ROLE_COUNT
};

/* "client" and so on; static. */
const char *role_word(enum role role);

/* Back from the word; false for any other. */
bool role_parse(const char *word, enum role *role);

/*
 * The role of a certificate that exists, by what it says it may be used for;
 * false if that fits none of ca, server and client, or more than one.
 */
bool role_of(X509 *cert, enum role *role);

#endif
