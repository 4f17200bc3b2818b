/*
 * What -v says of a server, on standard error.
 */
#ifndef POSTERN_CLIENT_DESCRIBE_H
#define POSTERN_CLIENT_DESCRIBE_H

#include <openssl/x509.h>

#include "session.h"

/*
 * TLS version and cipher, then of `leaf` the issuer's organisation (its whole
 * name if it has none), the subject, the validity and the SHA-256 of the
 * certificate and of its public key, in the form that -H takes.  One line
 * each, printable whatever is in them.
 */
void describe_server(const struct session *s, X509 *leaf);

#endif
