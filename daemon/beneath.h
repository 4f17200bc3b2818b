/*
 * Beneath libtls: what its API does not reach, by libssl's public API.  All of
 * it is here: that a client is judged by our rules (judge.h) and not by
 * libssl's, and who it is.
 */
#ifndef POSTERN_BENEATH_H
#define POSTERN_BENEATH_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "judge.h"

/* By what clients are judged; authorities are replaced when news come. */
struct gate {
	struct authorities	*authorities;	/* owned */
	const struct rules	*rules;
};

/* What was found of a client's certificate. */
struct verdict {
	const struct gate	*gate;
	void			*ssl;		/* libssl's, while tls lives */
	bool			 judged;	/* let in if `why` is none */
	enum reason		 why;
	X509			*cert;		/* at fault; ours, or NULL */
	X509			*leaf;		/* then the client's; ours */
	char			*detail;	/* words; ours, or NULL */
};

/* Once, before the first context is made. */
void beneath_init(void);

/*
 * After tls_accept_cbs: have the client of this new connection judged by
 * `gate`, and the outcome put into `v`; both must live as long as the
 * connection does.  False if that cannot be had: then nobody may come in.
 */
bool beneath_watch(struct verdict *v, const struct gate *gate);

/*
 * Sign once with the key of this connection's server, so that what libcrypto
 * makes of the key at its first use is where the key is (secret.h).
 */
bool beneath_use_key(const struct verdict *v);

/* Drop what a verdict refers to (before or after the connection's end). */
void beneath_forget(struct verdict *v);

/*
 * Name the refusal of a failed handshake.  `error` is the connection's
 * tls_error (may be NULL); *detail gets words (the verdict's, static, or part
 * of `error`).
 */
enum reason beneath_reason(const struct verdict *v, const char *error,
    const char **detail);

/* The client's certificate, once shown; the caller's to X509_free, or NULL. */
X509 *beneath_leaf(const struct verdict *v);

/*
 * Of an established connection: of the authorities' certificates that its
 * client has sent along, keep theirs in place of a copy for each client.
 */
void beneath_share(const struct verdict *v);

/*
 * Judge the client of an established connection again, by what may have
 * changed since: is its chain still trusted, and not revoked?
 */
enum reason beneath_judge_again(const struct verdict *v);

#endif
