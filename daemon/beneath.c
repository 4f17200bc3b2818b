#include "beneath.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

/* By the largest RSA key that libcrypto has (bytes): 16384 bits. */
#define SIGNATURE_MAX 2048

static SSL	*newest;	/* made by the last tls_accept_cbs */
static int	 newest_index = -1, verdict_index = -1;

/* Where the two libraries differ: the callback's result, and what there is. */
#ifdef LIBRESSL_VERSION_NUMBER
typedef int on_new_result;
#define ON_NEW_DONE 1
/* LibreSSL makes no tickets unless asked, and has no mode for the chain. */
#define NO_AUTO_CHAIN 0
#define no_tickets(ssl) ((void)(ssl))
#else
typedef void on_new_result;
#define ON_NEW_DONE
#define NO_AUTO_CHAIN SSL_MODE_NO_AUTO_CHAIN
#define no_tickets(ssl) SSL_set_num_tickets(ssl, 0)
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

static void
refuse(struct verdict *v, enum reason why, const struct judgement *j,
    X509 *leaf)
{
	X509 *cert = j->fault[why].cert != NULL ? j->fault[why].cert : leaf;
	char detail[JUDGE_TEXT];

	v->why = why;
	if (X509_up_ref(cert) == 1)
		v->cert = cert;
	if (X509_up_ref(leaf) == 1)
		v->leaf = leaf;
	if (judge_tell(j, v->gate->authorities, v->gate->rules, leaf, why,
	    detail, sizeof detail))
		v->detail = strdup(detail);
}

/*
 * In place of libssl's own verification.  What it returns becomes the alert,
 * which libssl makes of the error: for a rule of our own a general one.
 */
static int
on_certificate(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct verdict *v = ssl == NULL ? NULL :
	    SSL_get_ex_data(ssl, verdict_index);
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	int error = X509_V_ERR_UNSPECIFIED;
	struct judgement j;
	enum reason why;

	(void)arg;
	if (v != NULL && leaf != NULL) {
		beneath_forget(v);	/* of an earlier try */
		why = judge_quickly(v->gate->authorities, v->gate->rules, leaf,
		    X509_STORE_CTX_get0_untrusted(ctx), &j);
		v->judged = true;
		if (why == REASON_NONE) {
			error = X509_V_OK;
		} else {
			refuse(v, why, &j, leaf);
			error = j.fault[why].error;
			if (error == X509_V_OK)
				error = X509_V_ERR_CERT_REJECTED;
		}
		judgement_free(&j);
	}
	X509_STORE_CTX_set_error(ctx, error);
	return error == X509_V_OK;
}

/*
 * What libtls leaves as it was: buffers that stay between records, tickets that
 * nobody takes back, and a search at each handshake for certificates to send
 * along, in the clients' CA file.  What is sent is what the file holds.
 */
static void
trim(SSL *ssl)
{
	SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | NO_AUTO_CHAIN);
	no_tickets(ssl);
}

bool
beneath_watch(struct verdict *v, const struct gate *gate)
{
	memset(v, 0, sizeof *v);
	v->gate = gate;
	v->ssl = newest;
	newest = NULL;
	if (v->ssl == NULL || SSL_set_ex_data(v->ssl, verdict_index, v) != 1)
		return false;
	trim(v->ssl);
	/* The server's, which all its connections share. */
	SSL_CTX_set_cert_verify_callback(SSL_get_SSL_CTX(v->ssl),
	    on_certificate, NULL);
	return true;
}

/*
 * RSA's primes are copied, into ordinary numbers that libcrypto keeps, when
 * the key is first used.  (What libtls allocates meanwhile it would give to
 * free(3): so there is none of it between begin and end.)
 */
bool
beneath_use_key(const struct verdict *v)
{
	EVP_PKEY *key = SSL_get_privatekey(v->ssl);
	EVP_MD_CTX *ctx = NULL;
	unsigned char sig[SIGNATURE_MAX];
	size_t len = sizeof sig;
	bool ok;

	if (key == NULL)
		return false;
	if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA &&
	    EVP_PKEY_base_id(key) != EVP_PKEY_RSA_PSS)
		return true;
	secret_begin();
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSignUpdate(ctx, "", 1) == 1 &&
	    EVP_DigestSignFinal(ctx, sig, &len) == 1;
	EVP_MD_CTX_free(ctx);
	secret_end();
	return ok;
}

void
beneath_forget(struct verdict *v)
{
	X509_free(v->cert);
	X509_free(v->leaf);
	free(v->detail);
	v->cert = NULL;
	v->leaf = NULL;
	v->detail = NULL;
	v->why = REASON_NONE;
	v->judged = false;
}

/* libssl's own words for one of its reasons. */
static const char *
words_of(int reason)
{
	return ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
}

static bool
says(const char *error, int reason)
{
	const char *words = words_of(reason);

	return error != NULL && words != NULL && strstr(error, words) != NULL;
}

enum reason
beneath_reason(const struct verdict *v, const char *error,
    const char **detail)
{
	*detail = error != NULL ? error : "handshake failed";
	if (v->why != REASON_NONE) {
		*detail = v->detail;
		return v->why;
	}
	if (says(error, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)) {
		*detail = "asked for a certificate, it sent none";
		return REASON_NO_CERTIFICATE;
	}
	if (says(error, SSL_R_BAD_SIGNATURE)) {
		*detail = "its handshake is not signed by the key of its "
		    "certificate";
		return REASON_BAD_SIGNATURE;
	}
	return REASON_PROTOCOL;
}

X509 *
beneath_leaf(const struct verdict *v)
{
	return v->ssl == NULL ? NULL : SSL_get_peer_certificate(v->ssl);
}

/* The authorities' own, if that is what it is a copy of; borrowed. */
static X509 *
original_of(const struct authorities *a, const X509 *copy)
{
	STACK_OF(X509) *certs = authorities_certs(a);

	for (int i = 0; i < sk_X509_num(certs); i++)
		if (X509_cmp(sk_X509_value(certs, i), copy) == 0)
			return sk_X509_value(certs, i);
	return NULL;
}

void
beneath_share(const struct verdict *v)
{
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(v->ssl);

	for (int i = 0; i < sk_X509_num(sent); i++) {
		X509 *copy = sk_X509_value(sent, i);
		X509 *original = original_of(v->gate->authorities, copy);

		if (original == NULL || original == copy ||
		    X509_up_ref(original) != 1)
			continue;
		sk_X509_set(sent, i, original);
		X509_free(copy);
	}
}

enum reason
beneath_judge_again(const struct verdict *v)
{
	static const enum reason changed[] = { REASON_BAD_SIGNATURE,
	    REASON_UNTRUSTED, REASON_NAME_CONSTRAINT, REASON_REVOKED,
	    REASON_INTERNAL };	/* the last: who cannot be judged */
	enum reason why = REASON_NONE;
	X509 *leaf = beneath_leaf(v);
	struct judgement j;

	if (leaf == NULL)
		return REASON_UNTRUSTED;
	/* All of it: what had failed before must not hide what does now. */
	judge(v->gate->authorities, v->gate->rules, leaf,
	    SSL_get_peer_cert_chain(v->ssl), &j);
	for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++)
		if (why == REASON_NONE &&
		    (j.failed & (UINT32_C(1) << changed[i])) != 0)
			why = changed[i];
	judgement_free(&j);
	X509_free(leaf);
	return why;
}
