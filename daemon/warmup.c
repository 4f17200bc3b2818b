#include "warmup.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sysexits.h>

#include "beneath.h"
#include "credentials.h"
#include "log.h"

/* A direction of the wire in memory. */
struct wire {
	uint8_t	data[65536];
	size_t	begin, end;
};

static struct wire to_server, to_client;

static ssize_t
wire_read(struct wire *w, void *buf, size_t len)
{
	if (w->begin == w->end)
		return TLS_WANT_POLLIN;
	if (len > w->end - w->begin)
		len = w->end - w->begin;
	memcpy(buf, w->data + w->begin, len);
	w->begin += len;
	return (ssize_t)len;
}

static ssize_t
wire_write(struct wire *w, const void *buf, size_t len)
{
	if (len > sizeof w->data - w->end)
		return -1;
	memcpy(w->data + w->end, buf, len);
	w->end += len;
	return (ssize_t)len;
}

static ssize_t
server_read(struct tls *t, void *buf, size_t len, void *arg)
{
	(void)t, (void)arg;
	return wire_read(&to_server, buf, len);
}

static ssize_t
server_write(struct tls *t, const void *buf, size_t len, void *arg)
{
	(void)t, (void)arg;
	return wire_write(&to_client, buf, len);
}

static ssize_t
client_read(struct tls *t, void *buf, size_t len, void *arg)
{
	(void)t, (void)arg;
	return wire_read(&to_client, buf, len);
}

static ssize_t
client_write(struct tls *t, const void *buf, size_t len, void *arg)
{
	(void)t, (void)arg;
	return wire_write(&to_server, buf, len);
}

/* A certificate for the occasion: P-256, self-signed, valid for an hour. */
struct pair {
	char	cert[4096], key[4096];
	size_t	cert_len, key_len;
};

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
	    NID_X9_62_prime256v1) != 1 || EVP_PKEY_keygen(ctx, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name;
	X509_EXTENSION *ext;
	bool ok;

	if (x == NULL)
		return NULL;
	name = X509_get_subject_name(x);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
	    "critical,CA:TRUE");
	ok = ext != NULL && X509_set_version(x, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"warm-up", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_set_pubkey(x, key) == 1 && X509_add_ext(x, ext, -1) == 1 &&
	    X509_sign(x, key, EVP_sha256()) > 0;
	X509_EXTENSION_free(ext);
	if (!ok) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* A memory BIO's text, copied; 0 if it does not fit. */
static size_t
take_text(BIO *bio, char *dst, size_t size)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);

	if (n <= 0 || (size_t)n >= size)
		return 0;
	memcpy(dst, text, (size_t)n);
	return (size_t)n;
}

static bool
make_pair(struct pair *p)
{
	EVP_PKEY *key = make_key();
	X509 *x = key == NULL ? NULL : make_certificate(key);
	BIO *cert = BIO_new(BIO_s_mem()), *priv = BIO_new(BIO_s_mem());
	bool ok = false;

	if (x != NULL && cert != NULL && priv != NULL &&
	    PEM_write_bio_X509(cert, x) == 1 &&
	    PEM_write_bio_PrivateKey(priv, key, NULL, NULL, 0, NULL, NULL) ==
	    1) {
		p->cert_len = take_text(cert, p->cert, sizeof p->cert);
		p->key_len = take_text(priv, p->key, sizeof p->key);
		ok = p->cert_len > 0 && p->key_len > 0;
	}
	BIO_free(cert);
	BIO_free(priv);
	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

static struct tls *
make_context(struct tls *t, const struct pair *p, const struct config *c,
    bool is_server)
{
	struct tls_config *tc = tls_config_new();

	if (t == NULL || tc == NULL ||
	    !credentials_set_protocol(tc, c) ||
	    tls_config_set_keypair_mem(tc, (const uint8_t *)p->cert,
	    p->cert_len, (const uint8_t *)p->key, p->key_len) == -1 ||
	    tls_config_set_ca_mem(tc, (const uint8_t *)p->cert, p->cert_len) ==
	    -1)
		fatal(EX_SOFTWARE, "warm-up: %s",
		    tc != NULL ? tls_config_error(tc) : "out of memory");
	if (is_server) {
		tls_config_verify_client(tc);
	} else {
		tls_config_insecure_noverifycert(tc);
		tls_config_insecure_noverifyname(tc);
	}
	if (tls_configure(t, tc) == -1)
		fatal(EX_CONFIG, "tls: %s", tls_error(t));
	tls_config_free(tc);		/* a client reads its keys later */
	return t;
}

/* One handshake and, if it is good, one byte; true if the server agreed. */
static bool
shake(struct tls *server, const struct gate *gate, const struct pair *p,
    const struct config *c)
{
	struct tls *client = make_context(tls_client(), p, c, false);
	struct tls *conn = NULL;
	struct verdict verdict;
	char byte = 0;
	int r = TLS_WANT_POLLIN;

	memset(&to_server, 0, sizeof to_server);
	memset(&to_client, 0, sizeof to_client);
	if (tls_connect_cbs(client, client_read, client_write, NULL, "warm-up")
	    == -1)
		fatal(EX_SOFTWARE, "warm-up: client: %s", tls_error(client));
	if (tls_accept_cbs(server, &conn, server_read, server_write, NULL) ==
	    -1)
		fatal(EX_SOFTWARE, "warm-up: server: %s", tls_error(server));
	if (!beneath_watch(&verdict, gate))
		fatal(EX_SOFTWARE, "warm-up: clients cannot be judged");
	if (!beneath_use_key(&verdict))
		fatal(EX_SOFTWARE, "warm-up: the key does not sign");
	for (int i = 0; i < 16 && r != 0 && r != -1; i++) {
		tls_handshake(client);
		r = tls_handshake(conn);
	}
	if (r == 0) {
		tls_handshake(client);
		if (tls_write(client, "", 1) != 1 ||
		    tls_read(conn, &byte, 1) != 1 ||
		    tls_write(conn, "", 1) != 1)
			r = -1;
	} else {
		const char *detail;

		beneath_reason(&verdict, tls_error(conn), &detail);
	}
	tls_close(client);
	tls_free(client);
	tls_close(conn);
	tls_free(conn);
	if (r == 0 && !verdict.judged)
		fatal(EX_SOFTWARE, "warm-up: the client was not judged");
	beneath_forget(&verdict);
	ERR_clear_error();
	return r == 0;
}

/* A gate that lets this certificate in, and no other. */
static struct gate
open_gate(const struct pair *p, struct rules *r)
{
	struct gate g = { .rules = r };
	const char *why;
	bool in_crl;

	rules_default(r);
	r->client_usage = false;
	g.authorities = authorities_read((const uint8_t *)p->cert, p->cert_len,
	    NULL, 0, &why, &in_crl);
	if (g.authorities == NULL)
		fatal(EX_SOFTWARE, "warm-up: %s", why);
	return g;
}

void
warmup(struct tls *server, const struct gate *gate,
    const struct config *config)
{
	static struct pair p;
	static struct rules rules;
	struct gate own_gate;
	struct tls *own;

	if (!make_pair(&p))
		fatal(EX_SOFTWARE, "warm-up: cannot make a certificate");
	own = make_context(tls_server(), &p, config, true);
	own_gate = open_gate(&p, &rules);
	if (!shake(own, &own_gate, &p, config))
		fatal(EX_SOFTWARE, "warm-up: a good handshake failed: check "
		    "tls { versions, ciphers, curves }");
	tls_free(own);
	authorities_free(own_gate.authorities);
	/* And one that our own context must refuse: nobody trusts this CA. */
	if (shake(server, gate, &p, config))
		fatal(EX_SOFTWARE, "warm-up: a stranger was not refused");
	explicit_bzero(&p, sizeof p);
	explicit_bzero(&to_client, sizeof to_client);
	explicit_bzero(&to_server, sizeof to_server);
}
