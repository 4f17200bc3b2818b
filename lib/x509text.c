#include "x509text.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text.h"

void
x509_name_text(const X509_NAME *name, char *dst, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	/* Raw bytes: text_escape alone decides what may be shown. */
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_get_mem_data(bio, &text);
	text_escape(dst, size, text, n > 0 ? (size_t)n : 0);
	BIO_free(bio);
}

void
x509_name_field(const X509_NAME *name, int nid, char *dst, size_t size)
{
	int at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)name, nid,
	    -1);
	const ASN1_STRING *s = at < 0 ? NULL :
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

	if (s == NULL)
		dst[0] = '\0';
	else
		text_escape(dst, size, ASN1_STRING_get0_data(s),
		    (size_t)ASN1_STRING_length(s));
}

bool
x509_sha256(X509 *cert, uint8_t hash[32])
{
	unsigned int n = 32;

	return X509_digest(cert, EVP_sha256(), hash, &n) == 1 && n == 32;
}

bool
x509_spki_sha256(X509 *cert, uint8_t hash[32])
{
	uint8_t *der = NULL;
	unsigned int n = 32;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, &n,
	    EVP_sha256(), NULL) == 1 && n == 32;

	OPENSSL_free(der);
	return ok;
}

STACK_OF(X509) *
x509_read_pem(const uint8_t *pem, size_t len, const char **why)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	X509 *cert;
	unsigned long e;

	*why = "out of memory";
	if (all == NULL || bio == NULL)
		goto fail;
	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(all, cert) == 0) {
			X509_free(cert);
			goto fail;
		}
	}
	/* The end shows as "no more PEM blocks"; anything else is damage. */
	e = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_LIB(e) != ERR_LIB_PEM ||
	    ERR_GET_REASON(e) != PEM_R_NO_START_LINE) {
		*why = "holds a certificate that is damaged or cut short";
		goto fail;
	}
	if (sk_X509_num(all) == 0) {
		*why = "holds no certificate in PEM form "
		    "(-----BEGIN CERTIFICATE-----)";
		goto fail;
	}
	BIO_free(bio);
	return all;
fail:
	BIO_free(bio);
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

void
x509_time_text(const ASN1_TIME *t, char dst[24])
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(dst, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(dst, "?");
}
