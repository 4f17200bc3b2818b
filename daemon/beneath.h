/*
 * Beneath libtls: what its API does not reach, by libssl's public API.  All
 * of it is here, and none of it decides: without it a refusal is only named
 * less exactly.
 */
#ifndef POSTERN_BENEATH_H
#define POSTERN_BENEATH_H

#include <openssl/x509.h>

#include "reason.h"

#define BENEATH_SUBJECT 512

/* What verification found wrong with a client's certificate. */
struct verdict {
	int	error;		/* X509_V_ERR_..., 0: none (yet) */
	int	depth;
	/* of the one looked at last: the refused one, or else the leaf */
	char	subject[BENEATH_SUBJECT];
	char	sha256[65];			/* of the refused one */
};

/* Once, before the first context is made. */
void beneath_init(void);

/*
 * After tls_accept_cbs: let verification on this new connection report to
 * `v`, which must live as long as the connection does.
 */
void beneath_watch(struct verdict *v);

/*
 * Name the refusal of a failed handshake.  `error` is the connection's
 * tls_error (may be NULL); *detail gets words (static or part of `error`).
 */
enum reason beneath_reason(const struct verdict *v, const char *error,
    const char **detail);

#endif
