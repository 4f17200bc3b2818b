/*
 * Who the server must be.
 *
 * Three ways, after what the user gave:
 *
 * TRUST_LIBTLS  Authorities, the system's or those of -R, where all of these
 *	are self-signed CAs: libtls verifies chain, name and time within the
 *	handshake.
 * TRUST_FILE  -R holds something else as well, such as a server's own
 *	certificate issued by a CA, or an intermediate CA alone.  Neither
 *	libtls takes these for anchors, so libtls verifies nothing, and we do,
 *	with libcrypto: the server's certificate is in the file, or a chain
 *	leads from it to any certificate in the file.  Name and time must hold.
 * TRUST_PIN  -H without -R: libtls verifies nothing, and the certificate or
 *	its public key must be one that is pinned.  The time must hold; the
 *	pin stands for the name.
 *
 * Pins given with -R are asked for in addition.
 *
 * That the server has the certificate's private key is proved in the
 * handshake in any case.  What is judged after it is judged before our last
 * flight leaves (session.h): with TLS 1.3 a server that fails has seen neither
 * our certificate nor a byte of ours, with TLS 1.2 no byte.
 */
#ifndef POSTERN_CLIENT_TRUST_H
#define POSTERN_CLIENT_TRUST_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tls.h>

#include "session.h"

enum trust_way {
	TRUST_LIBTLS,
	TRUST_FILE,
	TRUST_PIN
};

struct trust {
	enum trust_way	 way;
	STACK_OF(X509)	*anchors;	/* TRUST_FILE: ours; else NULL */
	const uint8_t	(*pins)[32];	/* the caller's, who keeps them */
	size_t		 pin_count;
	const char	*name;		/* likewise */
};

/*
 * Decide the way and tell `config` its part.  `ca_file` NULL means the
 * system's authorities; `name` is a host name or an address.  Ends the
 * program with EX_NOINPUT if a file cannot be used.
 */
void trust_load(struct trust *t, struct tls_config *config,
    const char *ca_file, const uint8_t (*pins)[32], size_t pin_count,
    const char *name);

/*
 * After the handshake: is this the server?  `chain` is what it sent, leaf
 * first (NULL: it is not).  If false, why stands in `why`.
 */
bool trust_check(const struct trust *t, struct session *s,
    STACK_OF(X509) *chain, char *why, size_t size);

void trust_free(struct trust *t);

#endif
