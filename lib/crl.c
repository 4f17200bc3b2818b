#include "crl.h"

#include <openssl/pem.h>
#include <stdlib.h>

/* Only OpenSSL lets a list say itself whether it is signed. */
#if defined(LIBRESSL_VERSION_NUMBER) || OPENSSL_VERSION_NUMBER < 0x30000000L

static X509_CRL *
stand_in(const uint8_t *der, long len)
{
	(void)der, (void)len;
	return NULL;
}

static X509_CRL *
speak_for(X509_CRL *none, X509_CRL *crl)
{
	(void)none;
	return X509_CRL_up_ref(crl) == 1 ? crl : NULL;
}

#else

/* Whom a stand-in speaks for, and who has signed that, if it is known. */
struct spoken {
	X509_CRL	*whole;
	EVP_PKEY	*signer;
};

/*
 * A signature that a key fits is not made over all of the list again.  One key
 * is enough, for a list has one; anybody can make others that fit, and gains
 * by it that the next who comes with the CA's costs what he did before.
 */
static int
verify(X509_CRL *crl, EVP_PKEY *key)
{
	struct spoken *s = X509_CRL_get_meth_data(crl);
	int ok;

	if (s->signer != NULL && EVP_PKEY_eq(s->signer, key) == 1)
		return 1;
	ok = X509_CRL_verify(s->whole, key);
	if (ok == 1 && EVP_PKEY_up_ref(key) == 1) {
		EVP_PKEY_free(s->signer);
		s->signer = key;
	}
	return ok;
}

/*
 * Of a list's own issuer, whom X509_verify_cert alone asks it about: lists
 * that speak for others as well (X509_V_FLAG_EXTENDED_CRL_SUPPORT) it passes
 * over.
 */
static int
look_up(X509_CRL *crl, X509_REVOKED **entry, const ASN1_INTEGER *serial,
    const X509_NAME *issuer)
{
	const struct spoken *s = X509_CRL_get_meth_data(crl);

	(void)issuer;
	return X509_CRL_get0_by_serial(s->whole, entry, serial);
}

static int
forget(X509_CRL *crl)
{
	struct spoken *s = X509_CRL_get_meth_data(crl);

	if (s != NULL) {
		X509_CRL_free(s->whole);
		EVP_PKEY_free(s->signer);
		free(s);
	}
	return 1;
}

/*
 * All that libcrypto has found out of a list by reading it, its entries'
 * critical extensions as well, without the entries.
 */
static X509_CRL *
stand_in(const uint8_t *der, long len)
{
	static X509_CRL_METHOD *method;		/* for as long as we live */
	STACK_OF(X509_REVOKED) *entries;
	X509_REVOKED *entry;
	X509_CRL *crl;

	if (method == NULL &&
	    (method = X509_CRL_METHOD_new(NULL, forget, look_up,
	    verify)) == NULL)
		return NULL;
	X509_CRL_set_default_method(method);
	crl = d2i_X509_CRL(NULL, &der, len);
	X509_CRL_set_default_method(NULL);
	if (crl == NULL)
		return NULL;
	entries = X509_CRL_get_REVOKED(crl);
	while ((entry = sk_X509_REVOKED_pop(entries)) != NULL)
		X509_REVOKED_free(entry);
	return crl;
}

static X509_CRL *
speak_for(X509_CRL *one, X509_CRL *crl)
{
	struct spoken *s = calloc(1, sizeof *s);

	if (one == NULL || s == NULL || X509_CRL_up_ref(crl) != 1) {
		X509_CRL_free(one);
		free(s);
		return NULL;
	}
	s->whole = crl;
	X509_CRL_set_meth_data(one, s);
	return one;
}

#endif

X509_CRL *
crl_read(BIO *pem, X509_CRL **for_verify)
{
	X509_CRL *crl, *in = NULL;
	const uint8_t *p;
	uint8_t *der;
	long len;

	if (PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, pem,
	    NULL, NULL) != 1)
		return NULL;
	/* First: the memory of its entries is then that of the list's. */
	if (for_verify != NULL)
		in = stand_in(der, len);
	p = der;
	crl = d2i_X509_CRL(NULL, &p, len);
	OPENSSL_free(der);
	if (crl == NULL) {
		X509_CRL_free(in);
		return NULL;
	}
	sk_X509_REVOKED_sort(X509_CRL_get_REVOKED(crl));
	if (for_verify == NULL)
		return crl;
	*for_verify = speak_for(in, crl);
	if (*for_verify != NULL)
		return crl;
	X509_CRL_free(crl);
	return NULL;
}
