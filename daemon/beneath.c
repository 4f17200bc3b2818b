#include "beneath.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "text.h"
#include "x509text.h"

static SSL	*newest;	/* made by the last tls_accept_cbs */
static int	 newest_index = -1, verdict_index = -1;

/* The same callback returns nothing in OpenSSL and 1 in LibreSSL. */
#ifdef LIBRESSL_VERSION_NUMBER
typedef int on_new_result;
#define ON_NEW_DONE 1
#else
typedef void on_new_result;
#define ON_NEW_DONE
#endif

static on_new_result
on_new(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
    void *argp)
{
	(void)ptr, (void)ad, (void)index, (void)argl, (void)argp;
	newest = parent;
	return ON_NEW_DONE;
}

void
beneath_init(void)
{
	newest_index = SSL_get_ex_new_index(0, NULL, on_new, NULL, NULL);
	verdict_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/*
 * The certificate that was refused.  If a signature was wrong, LibreSSL's
 * "current" one is the issuer, whose key it did not fit.
 */
#ifdef LIBRESSL_VERSION_NUMBER
static X509 *
refused(X509_STORE_CTX *store)
{
	X509 *current = X509_STORE_CTX_get_current_cert(store);
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);

	if (X509_STORE_CTX_get_error(store) !=
	    X509_V_ERR_CERT_SIGNATURE_FAILURE || current == NULL)
		return current;
	for (int i = 0; i < sk_X509_num(sent); i++) {
		X509 *c = sk_X509_value(sent, i);

		if (c != current && X509_check_issued(current, c) == X509_V_OK)
			return c;
	}
	return current;
}
#else
#define refused X509_STORE_CTX_get_current_cert
#endif

/* Looks on; what the library decided stands. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct verdict *v = ssl == NULL ? NULL :
	    SSL_get_ex_data(ssl, verdict_index);
	X509 *cert = refused(store);
	uint8_t hash[32];

	if (v == NULL)
		return ok;
	if (cert != NULL)
		x509_name_text(X509_get_subject_name(cert), v->subject,
		    sizeof v->subject);
	if (ok)
		return ok;
	v->error = X509_STORE_CTX_get_error(store);
	v->depth = X509_STORE_CTX_get_error_depth(store);
	if (cert != NULL && x509_sha256(cert, hash))
		text_hex(v->sha256, hash, sizeof hash);
	return 0;
}

void
beneath_watch(struct verdict *v)
{
	memset(v, 0, sizeof *v);
	if (newest == NULL)
		return;
	if (SSL_set_ex_data(newest, verdict_index, v) == 1)
		SSL_set_verify(newest, SSL_get_verify_mode(newest), on_verify);
	newest = NULL;
}

static enum reason
reason_of_error(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return REASON_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return REASON_NOT_YET_VALID;
	case X509_V_ERR_INVALID_PURPOSE:
		return REASON_WRONG_PURPOSE;
	case X509_V_ERR_CERT_REVOKED:
		return REASON_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return REASON_CRL_MISSING;
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return REASON_CRL_EXPIRED;
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return REASON_CHAIN_TOO_LONG;
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return REASON_NAME_CONSTRAINT;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return REASON_BAD_SIGNATURE;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return REASON_WEAK_CRYPTO;
	case X509_V_ERR_OUT_OF_MEM:
		return REASON_INTERNAL;
	default:
		return REASON_UNTRUSTED;
	}
}

/* libssl's own words for one of its reasons. */
static const char *
words_of(int reason)
{
	return ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
}

enum reason
beneath_reason(const struct verdict *v, const char *error,
    const char **detail)
{
	const char *none = words_of(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
	const char *signature = words_of(SSL_R_BAD_SIGNATURE);

	*detail = error != NULL ? error : "handshake failed";
	if (v->error != X509_V_OK) {
		*detail = X509_verify_cert_error_string(v->error);
		return reason_of_error(v->error);
	}
	if (error != NULL && none != NULL && strstr(error, none) != NULL)
		return REASON_NO_CERTIFICATE;
	if (error != NULL && signature != NULL &&
	    strstr(error, signature) != NULL)
		return REASON_BAD_SIGNATURE;
	return REASON_PROTOCOL;
}
