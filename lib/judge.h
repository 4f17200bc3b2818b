/*
 * Who may come in: one verdict on a certificate, by the same code in a live
 * handshake, in posternd --explain, in postern-certgen verify, and when a new
 * revocation list is held against the sessions that are open.
 */
#ifndef POSTERN_JUDGE_H
#define POSTERN_JUDGE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "pattern.h"
#include "reason.h"

#define RULES_PINS	256
#define RULES_ALLOWS	64

enum crl_policy { CRL_STRICT, CRL_LAST_GOOD };
enum host_check { HOST_CHECK_UNSET, HOST_CHECK_NO, HOST_CHECK_ADDRESS,
    HOST_CHECK_NAME, HOST_CHECK_EITHER };

/* What must hold, besides the files; no pointer, part of the configuration. */
struct rules {
	int32_t		crl_policy;	/* enum crl_policy */
	int32_t		host_check;	/* enum host_check */
	uint32_t	max_depth;	/* CAs above the certificate, at most */
	bool		client_usage;	/* clientAuth must be there */
	bool		server;		/* judge a server's certificate */
	uint32_t	pins, allows;
	uint8_t		pin[RULES_PINS][32];	/* SHA-256 */
	char		allow[RULES_ALLOWS][PATTERN_SIZE];
};

/*
 * Before a process confines itself: do once what the C library does but once,
 * by system calls that are none of ours.
 */
void judge_prepare(void);

/* The rules of a configuration that says nothing: CRLs strict, depth 4. */
void rules_default(struct rules *r);

/* CA certificates and revocation lists, parsed and held together. */
struct authorities;

/*
 * Read both from PEM; `crl` NULL: there is none, and none is asked for.  NULL
 * with words in *why (static) and, in *in_crl, which of the two is at fault.
 */
struct authorities *authorities_read(const uint8_t *ca, size_t ca_len,
    const uint8_t *crl, size_t crl_len, const char **why, bool *in_crl);
void authorities_free(struct authorities *a);

/*
 * Would these lists, in place of the old ones (PEM), open or shut the door by
 * accident: older ones, expired ones, none of a CA that had one?  NULL, or
 * words (static) to be followed by the CA's name, which goes to `issuer`.
 */
const char *authorities_fall_back(const struct authorities *a,
    const uint8_t *old, size_t len, char *issuer, size_t size);

/*
 * The first list that is not valid yet and whose CA has no other, or NULL: by
 * it nobody can be judged until then.
 */
const X509_CRL *authorities_too_early(const struct authorities *a);

/* For warnings and inspection; borrowed. */
STACK_OF(X509) *authorities_certs(const struct authorities *a);
STACK_OF(X509_CRL) *authorities_crls(const struct authorities *a);

/* What is wrong, by one reason's rule. */
struct fault {
	int	 error;		/* X509_V_ERR_..., or 0: a rule of our own */
	int	 depth;
	X509	*cert;		/* the one at fault; a reference, or NULL */
};

struct judgement {
	uint32_t	failed;	/* 1 << reason: the rules that do not hold */
	struct fault	fault[REASON_COUNT];
	int		chain;	/* certificates from the leaf to the CA */
	bool		stale;	/* an expired CRL was let count (last-good) */
};

/*
 * Judge `leaf` with what was sent beside it (may be NULL), now.  Every rule is
 * looked at, whatever failed before.  Returns the first that does not hold, or
 * REASON_NONE.  judgement_free drops what *j refers to.
 */
enum reason judge(const struct authorities *a, const struct rules *r,
    X509 *leaf, STACK_OF(X509) *sent, struct judgement *j);

/*
 * The same word, without the work that can no longer change it: for clients of
 * whom nobody knows yet whether they are worth any.
 */
enum reason judge_quickly(const struct authorities *a, const struct rules *r,
    X509 *leaf, STACK_OF(X509) *sent, struct judgement *j);
void judgement_free(struct judgement *j);

/* Room for what judge_tell says: its escapes are then never cut in two. */
#define JUDGE_TEXT	1024

/*
 * What a rule compared, as one line for people: for `why` failed or held.
 * Returns false if the rules do not ask for it (no pin is set, no CRL).
 */
bool judge_tell(const struct judgement *j, const struct authorities *a,
    const struct rules *r, X509 *leaf, enum reason why, char *dst,
    size_t size);

/* The word's reason for an error of X509_verify_cert; *known: it is listed. */
enum reason judge_x509_reason(int error, bool *known);

/* ---- host-check ---------------------------------------------------------- */

/* Is the address (IPv4-mapped is taken as IPv4) an IP name of the leaf? */
bool judge_address(X509 *leaf, const struct sockaddr_storage *address);

/*
 * Is the host name a DNS name of the leaf (a wildcard there covers one label),
 * or its common name, if it has no subject alternative names at all?
 */
bool judge_name(X509 *leaf, const char *name);

/*
 * A host name and nothing else: letters, digits, hyphens and dots (RFC 1123).
 */
bool judge_is_host_name(const char *name);

#endif
