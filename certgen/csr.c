#include "csr.h"

#include <err.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "crypto.h"
#include "key.h"
#include "pem.h"

/* Bits of the key usage's string (RFC 5280, 4.2.1.3). */
#define KEY_CERT_SIGN	5
#define CRL_SIGN	6

/* ---- made --------------------------------------------------------------- */

static void
set_subject(X509_REQ *request, const char *common_name)
{
	X509_NAME *name = X509_NAME_new();

	if (name == NULL || (common_name != NULL &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)common_name, -1, -1, 0) != 1) ||
	    X509_REQ_set_subject_name(request, name) != 1)
		crypto_fatal("cannot set the subject");
	X509_NAME_free(name);
}

static void
add_names(X509_REQ *request, GENERAL_NAMES *names)
{
	STACK_OF(X509_EXTENSION) *all = NULL;

	if (sk_GENERAL_NAME_num(names) == 0)
		return;
	if (X509V3_add1_i2d(&all, NID_subject_alt_name,
	    names, false, X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(request, all) != 1)
		crypto_fatal("cannot add the names");
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}

uint8_t *
csr_make(EVP_PKEY *key, const char *common_name, GENERAL_NAMES *names,
    size_t *len)
{
	static const char what[] = "cannot make the request";
	X509_REQ *request = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_MD *md;

	if (request == NULL || bio == NULL || !key_digest(key, &md) ||
	    X509_REQ_set_version(request, 0) != 1 ||	/* is version 1 */
	    X509_REQ_set_pubkey(request, key) != 1)
		crypto_fatal(what);
	set_subject(request, common_name);
	add_names(request, names);
	if (X509_REQ_sign(request, key, md) <= 0 ||
	    X509_REQ_verify(request, key) != 1 ||
	    PEM_write_bio_X509_REQ(bio, request) != 1)
		crypto_fatal(what);
	X509_REQ_free(request);
	return crypto_text(bio, len, what);
}

/* ---- read --------------------------------------------------------------- */

static _Noreturn void
refuse(const char *path, const char *why)
{
	errx(EX_DATAERR, "%s: %s", path, why);
}

static X509_REQ *
read_one(const char *path, const uint8_t *pem, size_t len)
{
	struct pem_piece piece;
	X509_REQ *request = NULL;
	struct pem_file f;
	enum pem_kind kind;

	pem_open(&f, path, pem, len);
	while ((kind = pem_next(&f, &piece)) != PEM_END) {
		if (kind == PEM_DAMAGED)
			pem_refuse_damaged(&f);
		if (kind != PEM_REQUEST) {
			pem_free(&piece);
			continue;
		}
		if (request != NULL)
			refuse(path, "holds several certificate requests; "
			    "leave the one that is meant");
		request = piece.request;
	}
	if (request == NULL)
		pem_refuse_without(&f, "certificate request in PEM form "
		    "(-----BEGIN CERTIFICATE REQUEST-----)");
	pem_close(&f);
	return request;
}

static void
copy_extensions(X509 *cert, X509_REQ *request)
{
	STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(request);

	for (int i = 0; i < sk_X509_EXTENSION_num(all); i++)
		if (X509_add_ext(cert, sk_X509_EXTENSION_value(all, i), -1) !=
		    1)
			crypto_fatal("request");
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}

static bool
asks_for_extensions(const X509_REQ *request)
{
	return X509_REQ_get_attr_by_NID(request, NID_ext_req, -1) >= 0 ||
	    X509_REQ_get_attr_by_NID(request, NID_ms_ext_req, -1) >= 0;
}

X509 *
csr_as_certificate(X509_REQ *request)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	X509 *cert = X509_new();

	if (cert == NULL || X509_set_subject_name(cert,
	    X509_REQ_get_subject_name(request)) != 1 ||
	    (key != NULL && X509_set_pubkey(cert, key) != 1))
		crypto_fatal("request");
	copy_extensions(cert, request);
	if (asks_for_extensions(request) && X509_get_ext_count(cert) == 0) {
		X509_free(cert);
		cert = NULL;
	}
	ERR_clear_error();
	return cert;
}

/* One extension; NULL if it is not asked for. */
static void *
get_extension(X509 *asked, int nid, const char *path)
{
	int state;
	void *value = X509_get_ext_d2i(asked, nid, &state, NULL);

	if (value == NULL && state != -1)
		errx(EX_DATAERR, "%s: asks for a malformed %s, or for two",
		    path, OBJ_nid2ln(nid));
	return value;
}

/* A signer that copies this makes a second CA of whoever asks. */
static void
refuse_ca(X509 *asked, const char *path)
{
	BASIC_CONSTRAINTS *bc = get_extension(asked, NID_basic_constraints,
	    path);
	ASN1_BIT_STRING *usage = get_extension(asked, NID_key_usage, path);

	if ((bc != NULL && bc->ca != 0) || (usage != NULL &&
	    (ASN1_BIT_STRING_get_bit(usage, KEY_CERT_SIGN) != 0 ||
	    ASN1_BIT_STRING_get_bit(usage, CRL_SIGN) != 0)))
		refuse(path, "asks to be a CA (CA:TRUE, or leave to sign "
		    "certificates): for that there is \"postern-certgen ca "
		    "--parent\"");
	BASIC_CONSTRAINTS_free(bc);
	ASN1_BIT_STRING_free(usage);
}

static void
check_key(X509_REQ *request, const char *path)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);

	if (key == NULL)
		refuse(path, "its public key is malformed, or of a kind that "
		    "is not known here");
	if (!key_is_sound(key))
		refuse(path, "its public key is too weak, malformed or of a "
		    "kind that is not signed for here (RSA of 2048 to 8192 "
		    "bits, EC from 256, Ed25519)");
	if (X509_REQ_verify(request, key) != 1)
		refuse(path, "its signature is not by its own key");
	ERR_clear_error();
}

static char *
get_common_name(X509_REQ *request, const char *path)
{
	struct origin origin = { path, EX_DATAERR };
	const X509_NAME *name = X509_REQ_get_subject_name(request);
	int at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)name,
	    NID_commonName, -1);
	unsigned char *text = NULL;
	char *copy;
	int len;

	if (at < 0)
		return NULL;
	if (X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)name,
	    NID_commonName, at) >= 0)
		refuse(path, "has several common names; give one by --name");
	len = ASN1_STRING_to_UTF8(&text,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0)
		refuse(path, "its common name is malformed");
	if (memchr(text, '\0', (size_t)len) != NULL)
		refuse(path, "its common name has a NUL in it");
	if ((copy = strndup((char *)text, (size_t)len)) == NULL)
		err(EX_OSERR, "%s", path);
	OPENSSL_free(text);
	names_check_common_name(copy, &origin);
	return copy;
}

void
csr_read(struct wish *w, const char *path, const uint8_t *pem, size_t len)
{
	X509_REQ *request = read_one(path, pem, len);
	X509 *asked;

	check_key(request, path);
	if ((asked = csr_as_certificate(request)) == NULL)
		refuse(path, "asks for extensions that cannot be read");
	refuse_ca(asked, path);
	w->names = get_extension(asked, NID_subject_alt_name, path);
	w->common_name = get_common_name(request, path);
	if ((w->key = X509_REQ_get_pubkey(request)) == NULL)
		crypto_fatal(path);
	X509_free(asked);
	X509_REQ_free(request);
}

void
wish_free(struct wish *w)
{
	free(w->common_name);
	EVP_PKEY_free(w->key);
	GENERAL_NAMES_free(w->names);
	*w = (struct wish){ NULL, NULL, NULL };
}
