#include "beneath.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

static SSL	*newest;	/* made by the last tls_connect_cbs */
static int	 newest_index = -1, beneath_index = -1;

/* ---- the libraries' differences ---- */

#ifdef LIBRESSL_VERSION_NUMBER

/* The same callback returns 1 in LibreSSL and nothing in OpenSSL. */
typedef int on_new_result;
#define ON_NEW_DONE 1

#define agreed_cipher SSL_get_current_cipher

static int
curve_of(EVP_PKEY *key)
{
	const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);

	return ec == NULL ? NID_undef :
	    EC_GROUP_get_curve_name(EC_KEY_get0_group(ec));
}

#else

typedef void on_new_result;
#define ON_NEW_DONE

/* Within a handshake it is not yet the current one. */
static const SSL_CIPHER *
agreed_cipher(const SSL *ssl)
{
	const SSL_CIPHER *current = SSL_get_current_cipher(ssl);

	return current != NULL ? current : SSL_get_pending_cipher(ssl);
}

static int
curve_of(EVP_PKEY *key)
{
	char name[64];
	size_t len;

	if (EVP_PKEY_get_group_name(key, name, sizeof name, &len) != 1)
		return NID_undef;
	return OBJ_txt2nid(name);
}

#endif

/* ---- looking on ---- */

static on_new_result
on_new(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
    void *argp)
{
	(void)ptr, (void)ad, (void)index, (void)argl, (void)argp;
	newest = parent;
	return ON_NEW_DONE;
}

/*
 * What came is kept as it is judged: of a server that is not trusted,
 * LibreSSL has nothing left afterwards.
 */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct beneath *b = ssl == NULL ? NULL :
	    SSL_get_ex_data(ssl, beneath_index);
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);

	if (b != NULL && b->chain == NULL && sk_X509_num(sent) > 0)
		b->chain = X509_chain_up_ref(sent);
	return ok;
}

/*
 * A request comes before the server's certificate in TLS 1.3 and after it in
 * TLS 1.2 (RFC 8446, 4.3.2; RFC 5246, 7.4.4): what would follow it says that
 * there was none.
 */
static bool
comes_after_request(const SSL *ssl, uint8_t type)
{
	if (SSL_version(ssl) >= TLS1_3_VERSION)
		return type == SSL3_MT_CERTIFICATE;
	return type == SSL3_MT_SERVER_DONE;
}

static void
on_message(int sent, int version, int content, const void *data, size_t len,
    SSL *ssl, void *arg)
{
	const uint8_t *message = data;
	struct beneath *b = arg;

	(void)version;
	if (sent || content != SSL3_RT_HANDSHAKE || len == 0)
		return;
	if (message[0] == SSL3_MT_CERTIFICATE_REQUEST)
		b->asked = ASKED_YES;
	else if (b->asked == ASKED_UNKNOWN &&
	    comes_after_request(ssl, message[0]))
		b->asked = ASKED_NO;
}

void
beneath_init(void)
{
	newest_index = SSL_get_ex_new_index(0, NULL, on_new, NULL, NULL);
	beneath_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

void
beneath_watch(struct beneath *b)
{
	*b = (struct beneath){ .ssl = newest };
	newest = NULL;
	if (b->ssl == NULL)
		return;
	if (SSL_set_ex_data(b->ssl, beneath_index, b) == 1)
		SSL_set_verify(b->ssl, SSL_get_verify_mode(b->ssl), on_verify);
	SSL_set_msg_callback(b->ssl, on_message);
	SSL_set_msg_callback_arg(b->ssl, b);
}

void
beneath_free(struct beneath *b)
{
	sk_X509_pop_free(b->chain, X509_free);
	*b = (struct beneath){ 0 };
}

/* ---- asking ---- */

/* Where nothing is verified within the handshake, nothing was seen of it. */
STACK_OF(X509) *
beneath_chain(struct beneath *b)
{
	STACK_OF(X509) *sent = b->ssl == NULL ? NULL :
	    SSL_get_peer_cert_chain(b->ssl);

	if (b->chain == NULL && sk_X509_num(sent) > 0)
		b->chain = X509_chain_up_ref(sent);
	return b->chain;
}

/* Before the server has chosen, the version is only our own highest. */
const char *
beneath_version(const struct beneath *b)
{
	return b->ssl != NULL && agreed_cipher(b->ssl) != NULL ?
	    SSL_get_version(b->ssl) : NULL;
}

const char *
beneath_cipher(const struct beneath *b)
{
	const SSL_CIPHER *cipher = b->ssl == NULL ? NULL :
	    agreed_cipher(b->ssl);

	return cipher == NULL ? NULL : SSL_CIPHER_get_name(cipher);
}

/* LibreSSL tells of X25519 by a key of another kind, with this curve's name. */
static const char *
group_of(EVP_PKEY *key)
{
	int nid = EVP_PKEY_id(key);

	if (nid == EVP_PKEY_EC)
		nid = curve_of(key);
	return nid == NID_X25519 ? "X25519" : EC_curve_nid2nist(nid);
}

const char *
beneath_group(const struct beneath *b)
{
	EVP_PKEY *key = NULL;
	const char *group;

	if (b->ssl == NULL || SSL_get_peer_tmp_key(b->ssl, &key) != 1)
		return NULL;
	group = group_of(key);
	EVP_PKEY_free(key);
	return group;
}
