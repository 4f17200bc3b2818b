#include "judge.h"

#include <limits.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "crl.h"
#include "text.h"
#include "x509text.h"

/* Keys and digests below this many bits are weak (RFC 3766; NIST 800-57). */
#define SECURITY_BITS	112

/* Certificates that come with a client's, at most; max-depth is 10 or less. */
#define SENT_MAX	20

#define HOST_NAME_MAX_LEN 253	/* RFC 1035, 2.3.4, without the root's dot */
#define HOST_LABEL_MAX	63

struct authorities {
	STACK_OF(X509)		*certs;
	STACK_OF(X509_CRL)	*crls;	/* NULL: none are asked for */
	STACK_OF(X509_CRL)	*for_verify;	/* the same, in their place */
	X509_STORE		*store;
};

static int
compare_bytes(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

/*
 * A long revocation list is sorted when it has been read.  glibc's qsort(3),
 * given more than a kilobyte, first finds out how much memory there is.
 */
void
judge_prepare(void)
{
	uint8_t bytes[2048] = { 0 };

	qsort(bytes, sizeof bytes, 1, compare_bytes);
}

void
rules_default(struct rules *r)
{
	memset(r, 0, sizeof *r);
	r->crl_policy = CRL_STRICT;
	r->host_check = HOST_CHECK_UNSET;
	r->max_depth = 4;
	r->client_usage = true;
}

/* ---- the files ----------------------------------------------------------- */

static bool
at_end_of_pem(void)
{
	unsigned long e = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static bool
push(STACK_OF(X509_CRL) *all, X509_CRL *crl)
{
	if (sk_X509_CRL_push(all, crl) != 0)
		return true;
	X509_CRL_free(crl);
	return false;
}

/* With what libcrypto is to have in their place (crl.h), if that is wanted. */
static STACK_OF(X509_CRL) *
read_crls(const uint8_t *pem, size_t len, STACK_OF(X509_CRL) *for_verify,
    const char **why)
{
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	BIO *bio = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	X509_CRL *crl, *other;

	*why = all == NULL || bio == NULL ? "out of memory" : NULL;
	ERR_clear_error();
	while (*why == NULL && (crl = crl_read(bio,
	    for_verify == NULL ? NULL : &other)) != NULL) {
		bool ok = push(all, crl);

		if (for_verify != NULL && !push(for_verify, other))
			ok = false;
		if (!ok)
			*why = "out of memory";
	}
	if (*why == NULL && (!at_end_of_pem() ||
	    (sk_X509_CRL_num(all) > 0 && !x509_pem_is_whole(pem, len))))
		*why = "holds a revocation list that is damaged or cut short";
	if (*why == NULL && sk_X509_CRL_num(all) == 0)
		*why = "holds no revocation list in PEM form (-----BEGIN X509 "
		    "CRL-----); to convert one in DER form: openssl crl "
		    "-inform DER -in OLD -out NEW";
	BIO_free(bio);
	if (*why == NULL)
		return all;
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	return NULL;
}

/*
 * Is a list signed by somebody else than the CA it names, or none by a CA of
 * the file?  (The CA of some may be one that only a client's chain brings:
 * then it is judged there.)  NULL, or words.  Whose signature has been found
 * to fit here costs no client anything.
 */
static const char *
wrong_crls(const struct authorities *a)
{
	bool any = false;

	for (int i = 0; i < sk_X509_CRL_num(a->for_verify); i++) {
		X509_CRL *crl = sk_X509_CRL_value(a->for_verify, i);
		bool named = false, fits = false;

		for (int j = 0; j < sk_X509_num(a->certs) && !fits; j++) {
			X509 *ca = sk_X509_value(a->certs, j);

			if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
			    X509_get_subject_name(ca)) != 0)
				continue;
			named = true;
			fits = X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1;
			ERR_clear_error();
		}
		if (named && !fits)
			return "a revocation list is not signed by the CA "
			    "that it names";
		any |= named;
	}
	return any ? NULL : "holds no revocation list of a CA in the CA file: "
	    "nobody would be let in";
}

/*
 * Each certificate of the file is to be trusted by itself, an intermediate
 * CA's without its root's as well; both TLS libraries then agree.
 */
static bool
fill_store(struct authorities *a)
{
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	a->store = X509_STORE_new();
	if (a->store == NULL)
		return false;
	for (int i = 0; i < sk_X509_num(a->certs); i++)
		if (X509_STORE_add_cert(a->store,
		    sk_X509_value(a->certs, i)) != 1)
			return false;
	for (int i = 0; i < sk_X509_CRL_num(a->for_verify); i++)
		if (X509_STORE_add_crl(a->store,
		    sk_X509_CRL_value(a->for_verify, i)) != 1)
			return false;
	if (a->crls != NULL)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	return X509_STORE_set_flags(a->store, flags) == 1;
}

struct authorities *
authorities_read(const uint8_t *ca, size_t ca_len, const uint8_t *crl,
    size_t crl_len, const char **why, bool *in_crl)
{
	struct authorities *a = calloc(1, sizeof *a);

	*why = "out of memory";
	*in_crl = false;
	if (a == NULL)
		return NULL;
	a->certs = x509_read_pem(ca, ca_len, why);
	if (a->certs != NULL && crl != NULL) {
		*in_crl = true;
		a->for_verify = sk_X509_CRL_new_null();
		if (a->for_verify == NULL)
			goto fail;
		a->crls = read_crls(crl, crl_len, a->for_verify, why);
	}
	if (a->certs == NULL || (crl != NULL && a->crls == NULL))
		goto fail;
	if (a->crls != NULL && (*why = wrong_crls(a)) != NULL)
		goto fail;
	*in_crl = false;
	*why = "its certificates cannot be used";
	if (!fill_store(a))
		goto fail;
	return a;
fail:
	ERR_clear_error();
	authorities_free(a);
	return NULL;
}

void
authorities_free(struct authorities *a)
{
	if (a == NULL)
		return;
	X509_STORE_free(a->store);
	sk_X509_pop_free(a->certs, X509_free);
	sk_X509_CRL_pop_free(a->crls, X509_CRL_free);
	sk_X509_CRL_pop_free(a->for_verify, X509_CRL_free);
	free(a);
}

STACK_OF(X509) *
authorities_certs(const struct authorities *a)
{
	return a->certs;
}

STACK_OF(X509_CRL) *
authorities_crls(const struct authorities *a)
{
	return a->crls;
}

static int
compare_numbers(X509_CRL *a, X509_CRL *b)
{
	ASN1_INTEGER *x = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
	ASN1_INTEGER *y = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);
	int order = x == NULL || y == NULL ? 0 : ASN1_INTEGER_cmp(x, y);

	ASN1_INTEGER_free(x);
	ASN1_INTEGER_free(y);
	return order;
}

/* By number (RFC 5280, 5.2.3), and where that does not tell by date. */
static bool
is_older(X509_CRL *a, X509_CRL *b)
{
	int order = compare_numbers(a, b);

	return order < 0 || (order == 0 && ASN1_TIME_compare(
	    X509_CRL_get0_lastUpdate(a), X509_CRL_get0_lastUpdate(b)) < 0);
}

static bool
is_early(const X509_CRL *crl)
{
	return X509_cmp_current_time(X509_CRL_get0_lastUpdate(crl)) > 0;
}

/*
 * The newest list that names this issuer and whose time has come: the next one
 * may lie beside it in good time.
 */
static X509_CRL *
newest_of(const struct authorities *a, const X509_NAME *issuer)
{
	X509_CRL *newest = NULL;

	for (int i = 0; i < sk_X509_CRL_num(a->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(a->crls, i);

		if (!is_early(crl) &&
		    X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) == 0 &&
		    (newest == NULL || is_older(newest, crl)))
			newest = crl;
	}
	return newest;
}

static bool
names_subject(const struct authorities *a, const X509_NAME *name)
{
	for (int i = 0; i < sk_X509_num(a->certs); i++)
		if (X509_NAME_cmp(X509_get_subject_name(
		    sk_X509_value(a->certs, i)), name) == 0)
			return true;
	return false;
}

static bool
is_over(const X509_CRL *crl)
{
	const ASN1_TIME *end = X509_CRL_get0_nextUpdate(crl);

	return end != NULL && X509_cmp_current_time(end) < 0;
}

static const char *
falls_back(const struct authorities *a, X509_CRL *old)
{
	const X509_NAME *issuer = X509_CRL_get_issuer(old);
	X509_CRL *crl = newest_of(a, issuer);

	if (crl == NULL)
		return names_subject(a, issuer) ?
		    "holds no list any more of" : NULL;
	if (is_older(crl, old))
		return "is older than the list in force of";
	if (is_over(crl) && !is_over(old))
		return "has expired already, unlike the list in force of";
	return NULL;
}

const char *
authorities_fall_back(const struct authorities *a, const uint8_t *old,
    size_t len, char *issuer, size_t size)
{
	const char *why = NULL, *ignored;
	STACK_OF(X509_CRL) *crls = read_crls(old, len, NULL, &ignored);

	for (int i = 0; why == NULL && i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);

		why = falls_back(a, crl);
		x509_name_text(X509_CRL_get_issuer(crl), issuer, size);
	}
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return why;
}

const X509_CRL *
authorities_too_early(const struct authorities *a)
{
	for (int i = 0; i < sk_X509_CRL_num(a->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(a->crls, i);

		if (is_early(crl) &&
		    newest_of(a, X509_CRL_get_issuer(crl)) == NULL)
			return crl;
	}
	return NULL;
}

static bool
is_anchor(const struct authorities *a, const X509 *cert)
{
	for (int i = 0; i < sk_X509_num(a->certs); i++)
		if (X509_cmp(sk_X509_value(a->certs, i), cert) == 0)
			return true;
	return false;
}

/* A bit for each word, in struct judgement. */
_Static_assert(REASON_COUNT <= 32, "more words than bits");

/* ---- faults -------------------------------------------------------------- */

static void
found(struct judgement *j, enum reason why, int error, int depth, X509 *cert)
{
	struct fault *f = &j->fault[why];

	if (j->failed & (UINT32_C(1) << why))
		return;			/* the first of a kind */
	j->failed |= UINT32_C(1) << why;
	f->error = error;
	f->depth = depth;
	f->cert = cert != NULL && X509_up_ref(cert) == 1 ? cert : NULL;
}

static enum reason
first(const struct judgement *j)
{
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
		if (j->failed & (UINT32_C(1) << r))
			return r;
	return REASON_NONE;
}

void
judgement_free(struct judgement *j)
{
	for (int r = 0; r < REASON_COUNT; r++) {
		X509_free(j->fault[r].cert);
		j->fault[r].cert = NULL;
	}
}

/* ---- what libcrypto verifies --------------------------------------------- */

struct trial {
	const struct authorities	*a;
	const struct rules		*r;
	struct judgement		*j;
	bool				 quick;	/* the first word is enough */
};

/*
 * A certificate of the CA file needs no list that it be valid: to take it out
 * of the file is to revoke it.  (judge_anchor looks whether one revokes it.)
 */
static bool
needs_no_crl(const struct trial *t, X509_STORE_CTX *ctx, const X509 *cert)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	return chain != NULL && depth == sk_X509_num(chain) - 1 &&
	    cert != NULL && is_anchor(t->a, cert);
}

/*
 * The certificate at fault.  If a signature was wrong, LibreSSL's "current"
 * one is the issuer, whose key it did not fit.
 */
#ifdef LIBRESSL_VERSION_NUMBER
static X509 *
at_fault(X509_STORE_CTX *ctx)
{
	X509 *current = X509_STORE_CTX_get_current_cert(ctx);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);

	if (X509_STORE_CTX_get_error(ctx) !=
	    X509_V_ERR_CERT_SIGNATURE_FAILURE || current == NULL)
		return current;
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (sk_X509_value(chain, i) == current)
			return sk_X509_value(chain, i - 1);
	if (leaf != NULL && X509_check_issued(current, leaf) == X509_V_OK)
		return leaf;
	for (int i = 0; i < sk_X509_num(sent); i++) {
		X509 *c = sk_X509_value(sent, i);

		if (c != current && X509_check_issued(current, c) == X509_V_OK)
			return c;
	}
	return current;
}
#else
#define at_fault X509_STORE_CTX_get_current_cert
#endif

/*
 * What libcrypto would compare next are names with constraints that a stranger
 * wrote, and may have made many of.  The word is certain already.
 */
static bool
may_stop(const struct trial *t, X509_STORE_CTX *ctx)
{
	uint32_t earlier = (UINT32_C(1) << REASON_NAME_CONSTRAINT) - 1;

	return t->quick && (t->j->failed & earlier) != 0 &&
	    X509_STORE_CTX_get_error_depth(ctx) == 0;
}

/* Collects; the verdict is not libcrypto's but the collection's. */
static int
on_verify(int ok, X509_STORE_CTX *ctx)
{
	const struct trial *t = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);
	enum reason why;
	X509 *cert;
	bool known;

	if (ok)
		return !may_stop(t, ctx);
	cert = at_fault(ctx);
	why = judge_x509_reason(error, &known);
	/* Wherever it was given up, it is the client's that is too far down. */
	if (error == X509_V_ERR_CERT_CHAIN_TOO_LONG) {
		cert = X509_STORE_CTX_get0_cert(ctx);
		depth = 0;
	}
	if ((why == REASON_CRL_MISSING || why == REASON_CRL_EXPIRED) &&
	    needs_no_crl(t, ctx, cert))
		return 1;
	if (error == X509_V_ERR_CRL_HAS_EXPIRED &&
	    t->r->crl_policy == CRL_LAST_GOOD)
		t->j->stale = true;
	else
		found(t->j, why, error, depth, cert);
	return 1;
}

/* The issuer of a certificate, if it is in the CA file too. */
static X509 *
issuer_of(const struct authorities *a, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(a->certs); i++) {
		X509 *ca = sk_X509_value(a->certs, i);

		if (ca != cert && X509_check_issued(ca, cert) == X509_V_OK)
			return ca;
	}
	return NULL;
}

static bool
is_listed(const struct authorities *a, X509 *cert)
{
	for (int i = 0; i < sk_X509_CRL_num(a->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(a->crls, i);
		X509_REVOKED *entry;

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
		    X509_get_issuer_name(cert)) == 0 &&
		    X509_CRL_get0_by_cert(crl, &entry, cert) == 1)
			return true;
	}
	return false;
}

/*
 * libcrypto's chain ends at the first certificate of the CA file.  If that one
 * or one above it is on a list, it was revoked, whether or not somebody has
 * taken it out of the file.
 */
static void
judge_anchor(const struct trial *t, STACK_OF(X509) *chain)
{
	int depth = sk_X509_num(chain) - 1;
	X509 *cert = depth < 0 ? NULL : sk_X509_value(chain, depth);

	if (t->a->crls == NULL || cert == NULL || !is_anchor(t->a, cert))
		return;
	for (int i = 0; cert != NULL && i <= sk_X509_num(t->a->certs); i++) {
		if (is_listed(t->a, cert))
			found(t->j, REASON_REVOKED, X509_V_ERR_CERT_REVOKED,
			    depth + i, cert);
		cert = issuer_of(t->a, cert);
	}
}

/* Judges the chain as far as it could be built. */
static void
judge_crypto(struct judgement *j, STACK_OF(X509) *chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *c = sk_X509_value(chain, i);
		EVP_PKEY *key = X509_get0_pubkey(c);
		int bits = 0;

		if (key == NULL || EVP_PKEY_security_bits(key) < SECURITY_BITS)
			found(j, REASON_WEAK_CRYPTO, i == 0 ?
			    X509_V_ERR_EE_KEY_TOO_SMALL :
			    X509_V_ERR_CA_KEY_TOO_SMALL, i, c);
		/* Nobody relies on the signature of the last. */
		if (i < sk_X509_num(chain) - 1 && X509_get_signature_info(c,
		    NULL, NULL, &bits, NULL) == 1 && bits < SECURITY_BITS)
			found(j, REASON_WEAK_CRYPTO,
			    X509_V_ERR_CA_MD_TOO_WEAK, i, c);
	}
}

/*
 * What LibreSSL does not ask of a trusted one: that it is a CA, for this
 * purpose, and not too far above (RFC 5280, 6.1.4; self-issued ones below it
 * do not count).  Else whoever is trusted alone could vouch for others.
 */
static void
judge_issuers(struct judgement *j, const struct rules *r,
    STACK_OF(X509) *chain)
{
	const int purpose = r->server ? X509_PURPOSE_SSL_SERVER :
	    X509_PURPOSE_SSL_CLIENT;
	long below = 0;

	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *ca = sk_X509_value(chain, i);
		long may = x509_path_length(ca);

		if (X509_check_ca(ca) == 0)
			found(j, REASON_UNTRUSTED, X509_V_ERR_INVALID_CA, i,
			    ca);
		if (X509_check_purpose(ca, purpose, 1) <= 0)
			found(j, REASON_WRONG_PURPOSE,
			    X509_V_ERR_INVALID_PURPOSE, i, ca);
		if (may >= 0 && below > may)
			found(j, REASON_CHAIN_TOO_LONG,
			    X509_V_ERR_PATH_LENGTH_EXCEEDED, i, ca);
		below += (X509_get_extension_flags(ca) & EXFLAG_SI) == 0;
	}
}

static bool
prepare(X509_STORE_CTX *ctx, const struct trial *t, X509 *leaf,
    STACK_OF(X509) *sent)
{
	X509_VERIFY_PARAM *param;

	/* Trusted itself it needs nobody, and is judged as if it came alone. */
	if (is_anchor(t->a, leaf))
		sent = NULL;
	if (X509_STORE_CTX_init(ctx, t->a->store, leaf, sent) != 1 ||
	    X509_STORE_CTX_set_default(ctx, t->r->server ? "ssl_server" :
	    "ssl_client") != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	/* The libraries count differently: a bound, and then our own count. */
	X509_VERIFY_PARAM_set_depth(param, (int)t->r->max_depth + 1);
	X509_STORE_CTX_set_app_data(ctx, (void *)(uintptr_t)t);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	return true;
}

static void
verify(const struct trial *t, X509 *leaf, STACK_OF(X509) *sent)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct judgement *j = t->j;
	STACK_OF(X509) *chain;
	bool known;
	int error;

	if (ctx == NULL || !prepare(ctx, t, leaf, sent)) {
		found(j, REASON_INTERNAL, X509_V_ERR_OUT_OF_MEM, 0, leaf);
		X509_STORE_CTX_free(ctx);
		return;
	}
	if (X509_verify_cert(ctx) != 1 && j->failed == 0) {
		/* It gave up without asking us. */
		error = X509_STORE_CTX_get_error(ctx);
		found(j, error == X509_V_OK ? REASON_INTERNAL :
		    judge_x509_reason(error, &known), error, 0, leaf);
	}
	chain = X509_STORE_CTX_get0_chain(ctx);
	j->chain = chain == NULL ? 0 : sk_X509_num(chain);
	if (j->chain - 1 > (int)t->r->max_depth)
		found(j, REASON_CHAIN_TOO_LONG,
		    X509_V_ERR_CERT_CHAIN_TOO_LONG, 0, leaf);
	judge_anchor(t, chain);
	judge_issuers(j, t->r, chain);
	judge_crypto(j, chain);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

/* ---- rules of our own ---------------------------------------------------- */

static bool
is_pinned(const struct rules *r, X509 *leaf)
{
	uint8_t cert[32], key[32];

	if (!x509_sha256(leaf, cert) || !x509_spki_sha256(leaf, key))
		return false;
	for (uint32_t i = 0; i < r->pins; i++)
		if (memcmp(r->pin[i], cert, sizeof cert) == 0 ||
		    memcmp(r->pin[i], key, sizeof key) == 0)
			return true;
	return false;
}

static const char *
allowed_by(const struct rules *r, X509 *leaf)
{
	return pattern_first_fit(r->allow, r->allows, leaf);
}

static enum reason
try(const struct trial *t, X509 *leaf, STACK_OF(X509) *sent)
{
	const struct rules *r = t->r;
	struct judgement *j = t->j;

	memset(j, 0, sizeof *j);
	if (sk_X509_num(sent) > SENT_MAX) {
		found(j, REASON_CHAIN_TOO_LONG,
		    X509_V_ERR_CERT_CHAIN_TOO_LONG, 0, leaf);
		sent = NULL;		/* not worth the work it makes */
	}
	verify(t, leaf, sent);
	if (r->client_usage && !x509_has_usage(leaf, r->server ?
	    NID_server_auth : NID_client_auth))
		found(j, REASON_WRONG_PURPOSE, 0, 0, leaf);
	/* What is left comes last, and names are many, if a stranger likes. */
	if (t->quick &&
	    (j->failed & ((UINT32_C(1) << REASON_PIN_MISMATCH) - 1)) != 0)
		return first(j);
	if (r->pins > 0 && !is_pinned(r, leaf))
		found(j, REASON_PIN_MISMATCH, 0, 0, leaf);
	if (r->allows > 0 && allowed_by(r, leaf) == NULL)
		found(j, REASON_NOT_ALLOWED, 0, 0, leaf);
	return first(j);
}

enum reason
judge(const struct authorities *a, const struct rules *r, X509 *leaf,
    STACK_OF(X509) *sent, struct judgement *j)
{
	const struct trial t = { a, r, j, false };

	return try(&t, leaf, sent);
}

enum reason
judge_quickly(const struct authorities *a, const struct rules *r, X509 *leaf,
    STACK_OF(X509) *sent, struct judgement *j)
{
	const struct trial t = { a, r, j, true };

	return try(&t, leaf, sent);
}

/* ---- in words ------------------------------------------------------------ */

static void
tell_time(char *dst, size_t size, const char *what, const ASN1_TIME *t)
{
	char text[24];

	x509_time_text(t, text);
	snprintf(dst, size, "%s %s", what, text);
}

static void
tell_pins(char *dst, size_t size, X509 *leaf, const char *verdict)
{
	uint8_t cert[32], key[32];
	char c[65] = "?", k[65] = "?";

	if (x509_sha256(leaf, cert) && x509_spki_sha256(leaf, key)) {
		text_hex(c, cert, sizeof cert);
		text_hex(k, key, sizeof key);
	}
	snprintf(dst, size, "%s: its certificate is SHA256:%s, its public key "
	    "SHA256:%s", verdict, c, k);
}

/* A rule of our own that does not hold. */
static void
tell_own(enum reason why, const struct rules *r, X509 *leaf, char *dst,
    size_t size)
{
	char names[512], subject[256];

	if (why == REASON_WRONG_PURPOSE) {
		snprintf(dst, size, "%sAuth is not among its extended key "
		    "usages", r->server ? "server" : "client");
	} else if (why == REASON_PIN_MISMATCH) {
		tell_pins(dst, size, leaf, "no pin fits");
	} else {
		x509_name_text(X509_get_subject_name(leaf), subject,
		    sizeof subject);
		x509_names_text(leaf, names, sizeof names);
		snprintf(dst, size, "no pattern fits %s%s%s", subject,
		    names[0] != '\0' ? ", " : "", names);
	}
}

static void
tell_fault(const struct judgement *j, const struct rules *r, enum reason why,
    X509 *leaf, char *dst, size_t size)
{
	const struct fault *f = &j->fault[why];
	char subject[256] = "";
	const char *words = X509_verify_cert_error_string(f->error);

	if (f->error == 0) {
		tell_own(why, r, leaf, dst, size);
		return;
	}
	if (why == REASON_CHAIN_TOO_LONG &&
	    f->error == X509_V_ERR_CERT_CHAIN_TOO_LONG) {
		snprintf(dst, size, "more than max-depth = %u CAs above it",
		    (unsigned)r->max_depth);
		return;
	}
	if (f->cert != NULL)
		x509_name_text(X509_get_subject_name(f->cert), subject,
		    sizeof subject);
	if (f->depth > 0)
		snprintf(dst, size, "%s (%s, %d above it)", words, subject,
		    f->depth);
	else if (why == REASON_EXPIRED && f->cert != NULL)
		tell_time(dst, size, words, X509_get0_notAfter(f->cert));
	else if (why == REASON_NOT_YET_VALID && f->cert != NULL)
		tell_time(dst, size, words, X509_get0_notBefore(f->cert));
	else
		snprintf(dst, size, "%s", words);
}

static void
tell_held(const struct judgement *j, const struct rules *r, X509 *leaf,
    enum reason why, char *dst, size_t size)
{
	char text[256];

	dst[0] = '\0';
	switch (why) {
	case REASON_BAD_SIGNATURE:
		snprintf(dst, size, "each signature of the chain fits its "
		    "issuer's key");
		break;
	case REASON_WEAK_CRYPTO:
		snprintf(dst, size, "keys and digests have %d bits of security "
		    "or more", SECURITY_BITS);
		break;
	case REASON_CHAIN_TOO_LONG:
		snprintf(dst, size, "%d above it, at most %u", j->chain - 1,
		    (unsigned)r->max_depth);
		break;
	case REASON_UNTRUSTED:
		x509_name_text(X509_get_issuer_name(leaf), text, sizeof text);
		snprintf(dst, size, "issued by %s, and leads to the CA file",
		    text);
		break;
	case REASON_NAME_CONSTRAINT:
		snprintf(dst, size, "no CA above it excludes a name of it");
		break;
	case REASON_WRONG_PURPOSE:
		snprintf(dst, size, "%s", r->client_usage ?
		    "it is for a client's authentication" :
		    "its usages do not forbid a client's authentication");
		break;
	case REASON_NOT_YET_VALID:
		tell_time(dst, size, "valid since",
		    X509_get0_notBefore(leaf));
		break;
	case REASON_EXPIRED:
		tell_time(dst, size, "valid until", X509_get0_notAfter(leaf));
		break;
	case REASON_CRL_MISSING:
		snprintf(dst, size, "each CA of the chain has a revocation "
		    "list");
		break;
	case REASON_CRL_EXPIRED:
		snprintf(dst, size, "%s", j->stale ? "one has expired, and "
		    "counts on (crl-policy = last-good)" : "none has expired");
		break;
	case REASON_REVOKED:
		x509_serial_text(leaf, text, sizeof text);
		snprintf(dst, size, "serial %s is on none of the lists", text);
		break;
	case REASON_PIN_MISMATCH:
		tell_pins(dst, size, leaf, "a pin fits");
		break;
	case REASON_NOT_ALLOWED:
		snprintf(dst, size, "%s fits", allowed_by(r, leaf));
		break;
	default:
		break;
	}
}

bool
judge_tell(const struct judgement *j, const struct authorities *a,
    const struct rules *r, X509 *leaf, enum reason why, char *dst, size_t size)
{
	bool failed = (j->failed & (UINT32_C(1) << why)) != 0;

	if (!failed && ((why == REASON_PIN_MISMATCH && r->pins == 0) ||
	    (why == REASON_NOT_ALLOWED && r->allows == 0) ||
	    ((why == REASON_CRL_MISSING || why == REASON_CRL_EXPIRED ||
	    why == REASON_REVOKED) && a->crls == NULL)))
		return false;
	if (failed)
		tell_fault(j, r, why, leaf, dst, size);
	else
		tell_held(j, r, leaf, why, dst, size);
	return true;
}

/* ---- host-check ---------------------------------------------------------- */

bool
judge_address(X509 *leaf, const struct sockaddr_storage *address)
{
	struct sockaddr_storage ss = *address;
	int ok = 0;

	addr_unmap(&ss);
	if (ss.ss_family == AF_INET)
		ok = X509_check_ip(leaf, (const unsigned char *)
		    &((struct sockaddr_in *)&ss)->sin_addr, 4, 0);
	else if (ss.ss_family == AF_INET6)
		ok = X509_check_ip(leaf, (const unsigned char *)
		    &((struct sockaddr_in6 *)&ss)->sin6_addr, 16, 0);
	ERR_clear_error();
	return ok == 1;
}

bool
judge_is_host_name(const char *name)
{
	size_t len = strlen(name), label = 0;
	bool digits = true;		/* in the label so far, only */

	if (len == 0 || len > HOST_NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c == '.') {
			if (label == 0 || name[i - 1] == '-')
				return false;
			label = 0;
			digits = true;
			continue;
		}
		if (strchr("0123456789", c) == NULL) {
			if (c != '-' && (c < 'a' || c > 'z') &&
			    (c < 'A' || c > 'Z'))
				return false;
			digits = false;
		}
		if ((c == '-' && label == 0) || ++label > HOST_LABEL_MAX)
			return false;
	}
	/* A last label of digits alone would be an address (RFC 1123, 2.1). */
	return label > 0 && name[len - 1] != '-' && !digits;
}

bool
judge_name(X509 *leaf, const char *name)
{
	unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
	int ok;

	if (!judge_is_host_name(name))
		return false;
	/* libcrypto looks at the common name if there is but no DNS name. */
	if (X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0)
		flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	ok = X509_check_host(leaf, name, strlen(name), flags, NULL);
	ERR_clear_error();
	return ok == 1;
}
