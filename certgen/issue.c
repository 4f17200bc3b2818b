#include "issue.h"

#include <err.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <sysexits.h>

#include "crypto.h"
#include "key.h"
#include "x509text.h"

#define SERIAL_BITS	128	/* CA/B Forum asks for 64; nothing collides */
#define KEY_ID_SIZE	20	/* RFC 7093, 2, method 1 */

/* Bits of the key usage's string (RFC 5280, 4.2.1.3). */
enum key_usage {
	DIGITAL_SIGNATURE = 0,
	KEY_ENCIPHERMENT = 2,
	KEY_CERT_SIGN = 5,
	CRL_SIGN = 6,
	USAGE_BITS = 9
};

#define USE(bit) (1U << (bit))

static const struct rule {
	bool		ca;
	unsigned int	usage;
	bool		server_auth, client_auth;
	int		days;
} rules[] = {
	[ROLE_SELF_SIGNED] = { true, USE(DIGITAL_SIGNATURE) |
	    USE(KEY_CERT_SIGN), true, true, 365 },
	[ROLE_CA] = { true, USE(KEY_CERT_SIGN) | USE(CRL_SIGN), false, false,
	    3650 },
	[ROLE_SERVER] = { false, USE(DIGITAL_SIGNATURE), true, false, 365 },
	[ROLE_CLIENT] = { false, USE(DIGITAL_SIGNATURE), false, true, 365 },
};

int
role_days(enum role role)
{
	return rules[role].days;
}

/* ---- extensions --------------------------------------------------------- */

static void
add(X509 *cert, int nid, void *value, bool critical)
{
	if (value == NULL || X509_add1_ext_i2d(cert, nid, value, critical,
	    X509V3_ADD_DEFAULT) != 1)
		crypto_fatal("cannot add an extension");
}

static void
add_basic_constraints(X509 *cert, bool ca, int pathlen)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();

	if (bc != NULL)
		bc->ca = ca ? 0xff : 0;		/* DER's TRUE */
	if (bc != NULL && ca && pathlen >= 0 &&
	    ((bc->pathlen = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(bc->pathlen, pathlen) != 1))
		crypto_fatal("path length");
	add(cert, NID_basic_constraints, bc, true);
	BASIC_CONSTRAINTS_free(bc);
}

static void
add_key_usage(X509 *cert, unsigned int usage)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	for (int i = 0; i < USAGE_BITS && bits != NULL; i++)
		if ((usage & USE(i)) != 0 &&
		    ASN1_BIT_STRING_set_bit(bits, i, 1) != 1)
			crypto_fatal("key usage");
	add(cert, NID_key_usage, bits, true);
	ASN1_BIT_STRING_free(bits);
}

static void
push_purpose(EXTENDED_KEY_USAGE *eku, int nid)
{
	if (eku == NULL || sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(nid)) == 0)
		crypto_fatal("extended key usage");
}

static void
add_extended_key_usage(X509 *cert, const struct rule *rule)
{
	EXTENDED_KEY_USAGE *eku;

	if (!rule->server_auth && !rule->client_auth)
		return;		/* a CA's would bind all that it signs */
	eku = EXTENDED_KEY_USAGE_new();
	if (rule->server_auth)
		push_purpose(eku, NID_server_auth);
	if (rule->client_auth)
		push_purpose(eku, NID_client_auth);
	add(cert, NID_ext_key_usage, eku, false);
	EXTENDED_KEY_USAGE_free(eku);
}

static void
add_subject_key_id(X509 *cert)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (id == NULL ||
	    X509_pubkey_digest(cert, EVP_sha256(), hash, &len) != 1 ||
	    len < KEY_ID_SIZE ||
	    ASN1_OCTET_STRING_set(id, hash, KEY_ID_SIZE) != 1)
		crypto_fatal("subject key identifier");
	add(cert, NID_subject_key_identifier, id, false);
	ASN1_OCTET_STRING_free(id);
}

/* The issuer's key, by the name that the issuer's certificate gives it. */
static void
add_authority_key_id(X509 *cert, const X509 *issuer)
{
	ASN1_OCTET_STRING *id = X509_get_ext_d2i(issuer,
	    NID_subject_key_identifier, NULL, NULL);
	AUTHORITY_KEYID *aki;

	if (id == NULL)		/* somebody else's CA; it is optional for us */
		return;
	aki = AUTHORITY_KEYID_new();
	if (aki != NULL)
		aki->keyid = id;
	add(cert, NID_authority_key_identifier, aki, false);
	AUTHORITY_KEYID_free(aki);
}

static void
add_names(X509 *cert, GENERAL_NAMES *names)
{
	if (names != NULL && sk_GENERAL_NAME_num(names) > 0 &&
	    X509_add1_ext_i2d(cert, NID_subject_alt_name,
	    names, false, X509V3_ADD_DEFAULT) != 1)
		crypto_fatal("cannot add the names");
}

/* RSA alone can also be used to encrypt a secret to its owner. */
static unsigned int
usage_for(const struct rule *rule, const EVP_PKEY *key)
{
	if (!rule->ca && EVP_PKEY_base_id(key) == EVP_PKEY_RSA)
		return rule->usage | USE(KEY_ENCIPHERMENT);
	return rule->usage;
}

static void
add_extensions(X509 *cert, const struct request *r, const X509 *issuer)
{
	const struct rule *rule = &rules[r->role];

	add_basic_constraints(cert, rule->ca, r->pathlen);
	add_key_usage(cert, usage_for(rule, r->key));
	add_extended_key_usage(cert, rule);
	add_subject_key_id(cert);
	add_authority_key_id(cert, issuer);
	add_names(cert, r->names);
	if (r->permit != NULL)
		add(cert, NID_name_constraints, r->permit, true);
}

/* ---- fields ------------------------------------------------------------- */

static void
set_serial(X509 *cert)
{
	BIGNUM *bn = BN_new();

	if (bn == NULL || BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ANY,
	    BN_RAND_BOTTOM_ANY) != 1 ||
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) == NULL)
		crypto_fatal("cannot make a serial number");
	BN_free(bn);
}

/*
 * Without a common name, the serial: a subject that is empty is forbidden
 * where it is also the issuer, and two that are alike confuse verifiers.
 */
static void
make_subject(X509 *cert, const char *common_name)
{
	X509_NAME *name = X509_NAME_new();
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get_serialNumber(cert), NULL);
	char *serial = bn == NULL ? NULL : BN_bn2hex(bn);

	if (name == NULL || serial == NULL ||
	    X509_NAME_add_entry_by_NID(name,
	    common_name != NULL ? NID_commonName : NID_serialNumber,
	    MBSTRING_UTF8, (const unsigned char *)
	    (common_name != NULL ? common_name : serial), -1, -1, 0) != 1 ||
	    X509_set_subject_name(cert, name) != 1)
		crypto_fatal("cannot set the subject");
	OPENSSL_free(serial);
	BN_free(bn);
	X509_NAME_free(name);
}

static void
set_subject(X509 *cert, const struct request *r)
{
	if (r->subject == NULL)
		make_subject(cert, r->common_name);
	else if (X509_set_subject_name(cert,
	    (X509_NAME *)(uintptr_t)r->subject) != 1)
		crypto_fatal("cannot set the subject");
}

static void
set_validity(X509 *cert, const struct validity *v)
{
	/* ASN1_TIME_set knows when UTCTime ends (RFC 5280, 4.1.2.5). */
	if (ASN1_TIME_set(X509_getm_notBefore(cert), v->not_before) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(cert), v->not_after) == NULL)
		crypto_fatal("cannot set the validity");
}

static void
sign(X509 *cert, EVP_PKEY *key)
{
	const EVP_MD *md;

	if (!key_digest(key, &md) || X509_sign(cert, key, md) <= 0)
		crypto_fatal("cannot sign");
	/* A key file whose halves differ would otherwise show only in use. */
	if (X509_verify(cert, key) != 1)
		crypto_fatal("the signature does not verify");
}

X509 *
issue(const struct request *r, const struct authority *issuer)
{
	X509 *cert = X509_new();
	const X509 *by = issuer == NULL ? cert : issuer->cert;

	if (cert == NULL || X509_set_version(cert, 2) != 1 ||	/* is v3 */
	    X509_set_pubkey(cert, r->key) != 1)
		crypto_fatal("cannot make a certificate");
	set_serial(cert);
	set_subject(cert, r);
	set_validity(cert, &r->validity);
	if (X509_set_issuer_name(cert, X509_get_subject_name(by)) != 1)
		crypto_fatal("cannot set the issuer");
	add_extensions(cert, r, by);
	sign(cert, issuer == NULL ? r->key : issuer->key);
	return cert;
}

/* ---- what comes of it --------------------------------------------------- */

/* libcrypto looks at this only when the new CA has issued something. */
static void
check_pathlen(X509 *cert, X509 *issuer, const char *issuer_path)
{
	long may = x509_path_length(issuer), own = x509_path_length(cert);

	if (may == -1 || X509_check_ca(cert) == 0)
		return;
	if (may == 0)
		errx(EX_DATAERR, "%s: this CA may issue no CAs (its path "
		    "length is 0); one made with --pathlen 1 may", issuer_path);
	if (own == -1 || own >= may)
		errx(EX_DATAERR, "%s: this CA's path length is %ld; one that "
		    "it issues has less (--pathlen)", issuer_path, may);
}

void
issue_check(X509 *cert, const struct authority *issuer,
    const char *issuer_path)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (store == NULL || ctx == NULL ||
	    X509_STORE_add_cert(store, issuer->cert) != 1 ||
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN |
	    X509_V_FLAG_NO_CHECK_TIME) != 1 ||
	    X509_STORE_CTX_init(ctx, store, cert, NULL) != 1)
		crypto_fatal("cannot check the certificate");
	check_pathlen(cert, issuer->cert, issuer_path);
	if (X509_verify_cert(ctx) != 1)
		errx(EX_DATAERR, "%s: this CA may not issue that: %s",
		    issuer_path, X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
}

uint8_t *
issue_pem(X509 *cert, const struct authority *issuer, size_t *len)
{
	static const char what[] = "cannot write the certificate as PEM";
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1)
		crypto_fatal(what);
	for (int i = 0; issuer != NULL &&
	    i < sk_X509_num(issuer->above); i++)
		if (PEM_write_bio_X509(bio,
		    sk_X509_value(issuer->above, i)) != 1)
			crypto_fatal(what);
	return crypto_text(bio, len, what);
}
