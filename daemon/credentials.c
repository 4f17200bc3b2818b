/*
 * Runs after root was given up: what is parsed here may have been written by
 * anybody.  libtls takes an empty CA file for "the system's CAs" and an
 * expired certificate in silence, so each file is judged with libcrypto first.
 */
#include "credentials.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "x509text.h"

struct blob {
	uint8_t	*data;
	size_t	 len;
};

static bool
wrong(char *why, size_t size, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool
wrong(char *why, size_t size, const char *file, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(why, size, "%s: ", file);

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < size)
		vsnprintf(why + n, size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;		/* a daemon cannot ask */
}

static EVP_PKEY *
parse_key(const struct blob *b)
{
	BIO *bio = BIO_new_mem_buf(b->data, (int)b->len);
	EVP_PKEY *key = bio == NULL ? NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static bool
judge_key(const struct config *c, const struct blob *key, X509 *leaf,
    char *why, size_t size)
{
	const char *name = c->file[FILE_KEY];
	EVP_PKEY *k = parse_key(key);
	bool match;

	if (k == NULL)
		return wrong(why, size, name, "%s",
		    strstr((char *)key->data, "ENCRYPTED") != NULL ?
		    "the key is under a passphrase; take it off "
		    "(openssl pkey -in OLD -out NEW)" :
		    "holds no private key in PEM form");
	match = X509_check_private_key(leaf, k) == 1;
	EVP_PKEY_free(k);
	ERR_clear_error();
	if (!match)
		return wrong(why, size, name,
		    "the key does not match the certificate %s",
		    c->file[FILE_CERTIFICATE]);
	return true;
}

static bool
judge_certificate(const struct config *c, X509 *leaf, char *why, size_t size)
{
	const char *name = c->file[FILE_CERTIFICATE];
	char when[24];

	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
		x509_time_text(X509_get0_notAfter(leaf), when);
		return wrong(why, size, name,
		    "the certificate expired at %s; issue a new one", when);
	}
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
		x509_time_text(X509_get0_notBefore(leaf), when);
		return wrong(why, size, name,
		    "the certificate is not valid before %s", when);
	}
	return true;
}

static bool
judge(const struct config *c, const struct blob b[FILE_COUNT], char *why,
    size_t size)
{
	const char *what;
	STACK_OF(X509) *own, *ca;
	bool ok;

	own = x509_read_pem(b[FILE_CERTIFICATE].data, b[FILE_CERTIFICATE].len,
	    &what);
	if (own == NULL)
		return wrong(why, size, c->file[FILE_CERTIFICATE], "%s", what);
	ok = judge_certificate(c, sk_X509_value(own, 0), why, size) &&
	    judge_key(c, &b[FILE_KEY], sk_X509_value(own, 0), why, size);
	sk_X509_pop_free(own, X509_free);
	if (!ok)
		return false;
	ca = x509_read_pem(b[FILE_CA].data, b[FILE_CA].len, &what);
	if (ca == NULL)
		return wrong(why, size, c->file[FILE_CA], "%s", what);
	sk_X509_pop_free(ca, X509_free);
	return true;
}

bool
credentials_set_protocol(struct tls_config *tc, const struct config *c)
{
	uint32_t versions = (c->tls12 ? TLS_PROTOCOL_TLSv1_2 : 0) |
	    (c->tls13 ? TLS_PROTOCOL_TLSv1_3 : 0);

	/* Never a session lifetime: a resumed session is not verified. */
	return tls_config_set_protocols(tc, versions) == 0 &&
	    tls_config_set_ciphers(tc, c->ciphers) == 0 &&
	    tls_config_set_ecdhecurves(tc, c->curves) == 0;
}

static struct tls *
configure(const struct config *c, const struct blob b[FILE_COUNT], char *why,
    size_t size)
{
	struct tls_config *tc = tls_config_new();
	struct tls *server = tls_server();
	bool ok;

	if (tc == NULL || server == NULL) {
		snprintf(why, size, "libtls: out of memory");
		tls_free(server);
		tls_config_free(tc);
		return NULL;
	}
	ok = credentials_set_protocol(tc, c) &&
	    tls_config_set_keypair_mem(tc, b[FILE_CERTIFICATE].data,
	    b[FILE_CERTIFICATE].len, b[FILE_KEY].data, b[FILE_KEY].len) == 0 &&
	    tls_config_set_ca_mem(tc, b[FILE_CA].data, b[FILE_CA].len) == 0;
	if (!ok)
		snprintf(why, size, "tls: %s", tls_config_error(tc));
	tls_config_verify_client(tc);
	if (ok && tls_configure(server, tc) == -1) {
		snprintf(why, size, "tls: %s", tls_error(server));
		ok = false;
	}
	tls_config_clear_keys(tc);
	tls_config_free(tc);
	if (!ok) {
		tls_free(server);
		server = NULL;
	}
	return server;
}

struct tls *
credentials_load(const struct config *c, const int fd[FILE_COUNT], char *why,
    size_t size)
{
	struct blob b[FILE_COUNT] = { { NULL, 0 } };
	struct tls *server = NULL;
	const char *what;
	bool ok = true;

	for (int i = 0; ok && i < FILE_COUNT; i++)
		if (!file_read(fd[i], &b[i].data, &b[i].len, &what))
			ok = wrong(why, size, c->file[i], "%s", what);
	if (ok && judge(c, b, why, size))
		server = configure(c, b, why, size);
	for (int i = 0; i < FILE_COUNT; i++)
		file_wipe(b[i].data, b[i].len);
	return server;
}
