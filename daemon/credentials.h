/*
 * Key, certificate and client CAs: the one place that reaches the key.
 */
#ifndef POSTERN_CREDENTIALS_H
#define POSTERN_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <tls.h>

#include "config.h"

struct credentials {
	struct tls		*server;	/* configured; holds the key */
	struct authorities	*authorities;	/* clients are judged by them */
	X509			*leaf;		/* the server's certificate */
};

/* The files, read and not looked at. */
struct credential_files {
	struct blob {
		uint8_t	*data;
		size_t	 len;
	} blob[FILE_COUNT];
};

/*
 * Read the files from their descriptors (no CRL: -1); what was read is the
 * caller's, for credentials_load, also when this is false, with `why`.
 */
bool credentials_read(const struct config *c, const int fd[FILE_COUNT],
    struct credential_files *f, char *why, size_t why_size);

/*
 * Judge the files, and configure a libtls server with them; what *k refers to
 * is the caller's.  *f is wiped and freed before this returns; what remains of
 * the key is in k->server alone.  False after one line in `why` that names the
 * file and says what would be right, with *later if it is only too early for
 * the certificate.
 */
bool credentials_load(const struct config *c, struct credential_files *f,
    struct credentials *k, bool *later, char *why, size_t why_size);
void credentials_free(struct credentials *k);

/*
 * May these CRLs take the place of the one open at `old` (-1: there is none)
 * although nobody asked for it?  False after `why`, with *later if it is only
 * too early for them.
 */
bool credentials_may_replace(const struct config *c,
    const struct credentials *k, int old, bool *later, char *why,
    size_t why_size);

/*
 * Have the metrics say until when each file's contents are good; without `leaf`
 * the server's certificate is as it was.
 */
void credentials_count(const struct authorities *a, X509 *leaf);

/* Have it told before any of these runs out (expiry.h). */
void credentials_watch_expiry(const struct config *c,
    const struct credentials *k);

/* The same for newer CRLs, in place of those before. */
void credentials_watch_crls(const struct config *c,
    const struct authorities *a);

/* The CA file and the CRL alone; the other descriptors are not looked at. */
struct authorities *credentials_authorities(const struct config *c,
    const int fd[FILE_COUNT], char *why, size_t why_size);

/* Protocols, ciphers and curves of the configuration; false: see tls_config. */
bool credentials_set_protocol(struct tls_config *tc, const struct config *c);

#endif
