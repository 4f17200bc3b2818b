#include "crl.h"

#include <err.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "crypto.h"
#include "key.h"
#include "moment.h"
#include "pem.h"
#include "x509text.h"

#define DAY		86400
#define BACKDATE	3600	/* seconds; a verifier's clock may be slow */
#define CRL_SIGN	6	/* bit of the key usage (RFC 5280, 4.2.1.3) */
#define NUMBER_MAX	(UINT64_MAX / 2)

void
crl_check_authority(const struct authority *a)
{
	ASN1_BIT_STRING *usage = X509_get_ext_d2i(a->cert, NID_key_usage,
	    NULL, NULL);

	if (usage != NULL && ASN1_BIT_STRING_get_bit(usage, CRL_SIGN) == 0)
		errx(EX_DATAERR, "%s: this CA may not sign revocation lists "
		    "(its key usage does not say so): a new one may, as "
		    "\"postern-certgen ca\" makes it", a->path);
	ASN1_BIT_STRING_free(usage);
	ERR_clear_error();
}

/* ---- the list that is there --------------------------------------------- */

static X509_CRL *
read_one(const char *path, const uint8_t *pem, size_t len)
{
	struct pem_piece piece;
	X509_CRL *crl = NULL;
	struct pem_file f;
	enum pem_kind kind;

	pem_open(&f, path, pem, len);
	while ((kind = pem_next(&f, &piece)) != PEM_END) {
		if (kind == PEM_DAMAGED)
			errx(EX_DATAERR, "%s: exists and is damaged; --force "
			    "replaces it by what the index knows", path);
		if (kind != PEM_CRL || crl != NULL)
			errx(EX_DATAERR, "%s: exists and holds more than one "
			    "revocation list; choose another name", path);
		crl = piece.crl;
	}
	if (crl == NULL)
		errx(EX_DATAERR, "%s: exists and is no revocation list; choose "
		    "another name, or --force to replace it", path);
	pem_close(&f);
	return crl;
}

static void
take_number(struct index *x, X509_CRL *crl, const char *path)
{
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL,
	    NULL);
	uint64_t n = 0;

	if (number != NULL && (ASN1_INTEGER_get_uint64(&n, number) != 1 ||
	    n > NUMBER_MAX))
		errx(EX_DATAERR, "%s: its number leaves no room for the next",
		    path);
	if (n > x->crl_number)
		x->crl_number = n;
	ASN1_INTEGER_free(number);
	ERR_clear_error();
}

static int
reason_of(X509_REVOKED *entry)
{
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry,
	    NID_crl_reason, NULL, NULL);
	long n = reason == NULL ? UNKNOWN : ASN1_ENUMERATED_get(reason);

	ASN1_ENUMERATED_free(reason);
	return n >= 0 && n < 128 && reason_name((int)n) != NULL ? (int)n :
	    UNKNOWN;
}

static void
take_entry(struct index *x, X509_REVOKED *entry, const char *path)
{
	const ASN1_INTEGER *number = X509_REVOKED_get0_serialNumber(entry);
	char serial[SERIAL_SIZE];
	struct record *r;

	if (ASN1_STRING_length(number) > 32)
		errx(EX_DATAERR, "%s: names a serial number of more than 32 "
		    "bytes", path);
	x509_integer_text(number, serial, sizeof serial);
	r = index_find(x, serial);
	if (r != NULL && r->revoked)
		return;
	if (r == NULL)
		r = index_add_serial(x, serial);
	r->revoked = true;
	if (!moment_of(X509_REVOKED_get0_revocationDate(entry),
	    &r->revoked_at) || r->revoked_at < 0)
		r->revoked_at = UNKNOWN;
	r->reason = reason_of(entry);
}

void
crl_take_over(struct index *x, const struct authority *a, const char *path,
    const uint8_t *pem, size_t len)
{
	X509_CRL *crl = read_one(path, pem, len);
	STACK_OF(X509_REVOKED) *entries;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
	    X509_get_subject_name(a->cert)) != 0 ||
	    X509_CRL_verify(crl, a->key) != 1)
		errx(EX_DATAERR, "%s: exists and is another CA's list; choose "
		    "another name", path);
	take_number(x, crl, path);
	entries = X509_CRL_get_REVOKED(crl);
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
		take_entry(x, sk_X509_REVOKED_value(entries, i), path);
	X509_CRL_free(crl);
}

/* ---- the new one -------------------------------------------------------- */

static void
add_reason(X509_REVOKED *entry, int reason)
{
	ASN1_ENUMERATED *e;

	/* RFC 5280, 5.3.1: "unspecified" is said by silence. */
	if (reason == UNKNOWN || reason == 0)
		return;
	e = ASN1_ENUMERATED_new();
	if (e == NULL || ASN1_ENUMERATED_set(e, reason) != 1 ||
	    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, e, 0, 0) != 1)
		crypto_fatal("cannot add a reason");
	ASN1_ENUMERATED_free(e);
}

static void
add_entry(X509_CRL *crl, const struct record *r, time_t now)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = NULL;
	ASN1_TIME *when;
	BIGNUM *bn = NULL;

	when = ASN1_TIME_set(NULL, r->revoked_at == UNKNOWN ? now :
	    r->revoked_at);
	if (BN_hex2bn(&bn, r->serial) > 0)
		serial = BN_to_ASN1_INTEGER(bn, NULL);
	if (entry == NULL || when == NULL || serial == NULL ||
	    X509_REVOKED_set_serialNumber(entry, serial) != 1 ||
	    X509_REVOKED_set_revocationDate(entry, when) != 1)
		crypto_fatal("cannot add to the list");
	add_reason(entry, r->reason);
	if (X509_CRL_add0_revoked(crl, entry) != 1)
		crypto_fatal("cannot add to the list");
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	BN_free(bn);
}

/*
 * RFC 5280, 3.3: an entry stays until a list issued after the certificate's
 * end has had it.
 */
static bool
is_listed(const struct index *x, const struct record *r)
{
	return r->revoked && (r->not_after == UNKNOWN ||
	    x->crl_time == UNKNOWN || x->crl_time <= r->not_after);
}

static void
set_times(X509_CRL *crl, time_t now, int days)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, now - BACKDATE);
	ASN1_TIME *to = ASN1_TIME_set(NULL, now + (time_t)DAY * days);

	if (from == NULL || to == NULL ||
	    X509_CRL_set1_lastUpdate(crl, from) != 1 ||
	    X509_CRL_set1_nextUpdate(crl, to) != 1)
		crypto_fatal("cannot set the list's times");
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
}

static void
add_extensions(X509_CRL *crl, const struct authority *a, uint64_t number)
{
	ASN1_OCTET_STRING *id = X509_get_ext_d2i(a->cert,
	    NID_subject_key_identifier, NULL, NULL);
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	AUTHORITY_KEYID *aki;

	if (n == NULL || ASN1_INTEGER_set_uint64(n, number) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) != 1)
		crypto_fatal("cannot number the list");
	ASN1_INTEGER_free(n);
	if (id == NULL)		/* somebody else's CA */
		return;
	aki = AUTHORITY_KEYID_new();
	if (aki != NULL)
		aki->keyid = id;
	if (aki == NULL || X509_CRL_add1_ext_i2d(crl,
	    NID_authority_key_identifier, aki, 0, 0) != 1)
		crypto_fatal("cannot name the list's key");
	AUTHORITY_KEYID_free(aki);
}

static void
sign(X509_CRL *crl, EVP_PKEY *key)
{
	const EVP_MD *md;

	if (X509_CRL_sort(crl) != 1 || !key_digest(key, &md) ||
	    X509_CRL_sign(crl, key, md) <= 0)
		crypto_fatal("cannot sign the list");
	if (X509_CRL_verify(crl, key) != 1)
		crypto_fatal("the list's signature does not verify");
}

uint8_t *
crl_make(struct index *x, const struct authority *a, time_t now, int days,
    size_t *len)
{
	static const char what[] = "cannot make the list";
	X509_CRL *crl = X509_CRL_new();
	BIO *bio = BIO_new(BIO_s_mem());

	if (crl == NULL || bio == NULL ||
	    X509_CRL_set_version(crl, 1) != 1 ||	/* is v2 */
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(a->cert)) != 1)
		crypto_fatal(what);
	set_times(crl, now, days);
	for (size_t i = 0; i < x->count; i++)
		if (is_listed(x, &x->records[i]))
			add_entry(crl, &x->records[i], now);
	add_extensions(crl, a, x->crl_number + 1);
	sign(crl, a->key);
	if (PEM_write_bio_X509_CRL(bio, crl) != 1)
		crypto_fatal(what);
	X509_CRL_free(crl);
	x->crl_number++;
	x->crl_time = now;
	return crypto_text(bio, len, what);
}
