/*
 * Keys decoded in one step (ec.h) are judged as they are without: each bad
 * client gets the same word and the same alert both ways.  And what an echo
 * costs the TLS library in allocations, counted.
 *
 * Clients are libssl's, shaken hands with in memory; for what libssl would not
 * send, a certificate is put in the place of another on the way, where TLS 1.2
 * sends it in the clear.
 */
#define OPENSSL_SUPPRESS_DEPRECATED	/* a key of two halves is made by it */
#include <atf-c.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "beneath.h"
#include "../lib/child.h"
#include "credentials.h"
#include "ec.h"

#define TEXT	8192

struct identity {
	EVP_PKEY	*key;
	X509		*cert;
};

/* A client, and what is put in the place of its certificate on the way. */
struct caller {
	const char	*name;
	struct identity	 own;
	X509		*instead;	/* as long as own.cert; or NULL */
	bool		 tls12;
};

static struct identity	ca, stranger;
static struct rules	rules;
static struct gate	gate = { .rules = &rules };
static struct tls	*server;
static BIO		*to_server, *to_client;
static int		last_alert;

/* ---- certificates -------------------------------------------------------- */

/* Of this curve, or RSA of so many bits. */
static EVP_PKEY *
make_key(int curve, int bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(curve != 0 ? EVP_PKEY_EC :
	    EVP_PKEY_RSA, NULL);
	EVP_PKEY *k = NULL;

	MUST(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
	MUST((curve != 0 ? EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, curve) :
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits)) == 1);
	MUST(EVP_PKEY_keygen(ctx, &k) == 1);
	EVP_PKEY_CTX_free(ctx);
	return k;
}

static EVP_PKEY *
ec_key(int curve)
{
	return make_key(curve, 0);
}

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	MUST(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

/* By `by`, or by itself (NULL); a CA, or a client. */
static X509 *
certificate(const char *name, EVP_PKEY *key, const struct identity *by,
    bool is_ca, long ends)
{
	X509 *x = X509_new();

	MUST(X509_set_version(x, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 7) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -7200) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), ends) != NULL &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, by == NULL ? X509_get_subject_name(x) :
	    X509_get_subject_name(by->cert)) == 1 &&
	    X509_set_pubkey(x, key) == 1);
	extend(x, NID_basic_constraints, is_ca ? "critical,CA:TRUE" :
	    "critical,CA:FALSE");
	if (!is_ca)
		extend(x, NID_ext_key_usage, "clientAuth");
	MUST(X509_sign(x, by == NULL ? key : by->key, EVP_sha256()) > 0);
	return x;
}

static struct identity
client(EVP_PKEY *key, const struct identity *by, long ends)
{
	return (struct identity){ key, certificate("client", key, by, false,
	    ends) };
}

static size_t
length(X509 *x)
{
	int n = i2d_X509(x, NULL);

	MUST(n > 0);
	return (size_t)n;
}

/* The CA's own signature over a point that is on no curve. */
static X509 *
off_the_curve(const struct identity *good)
{
	const unsigned char *point;
	unsigned char *bad;
	X509 *x = NULL;
	int len;

	do {		/* ECDSA signatures differ in length by a byte or two */
		X509_free(x);
		x = certificate("client", good->key, &ca, false, 3600);
		MUST(X509_PUBKEY_get0_param(NULL, &point, &len, NULL,
		    X509_get_X509_PUBKEY(x)) == 1 && len == 65);
		bad = OPENSSL_malloc((size_t)len);
		MUST(bad != NULL);
		memcpy(bad, point, (size_t)len);
		bad[64] ^= 1;
		MUST(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x),
		    OBJ_nid2obj(EVP_PKEY_EC), V_ASN1_OBJECT,
		    OBJ_nid2obj(NID_X9_62_prime256v1), bad, len) == 1 &&
		    X509_sign(x, ca.key, EVP_sha256()) > 0);
	} while (length(x) != length(good->cert));
	return x;
}

/* A byte of the CA's signature is another. */
static X509 *
badly_signed(const struct identity *good)
{
	unsigned char *der = NULL, *at;
	const unsigned char *in;
	int len = i2d_X509(good->cert, &der);
	X509 *x;

	MUST(len > 0);
	at = der + len - 1;
	*at ^= 1;
	in = der;
	x = d2i_X509(NULL, &in, len);
	MUST(x != NULL);
	OPENSSL_free(der);
	return x;
}

/* ---- a handshake in memory ----------------------------------------------- */

static ssize_t
on_read(struct tls *t, void *buf, size_t len, void *arg)
{
	int n = BIO_read(to_server, buf, (int)len);

	(void)t, (void)arg;
	return n > 0 ? n : TLS_WANT_POLLIN;
}

static ssize_t
on_write(struct tls *t, const void *buf, size_t len, void *arg)
{
	(void)t, (void)arg;
	return BIO_write(to_client, buf, (int)len);
}

static void
on_info(const SSL *ssl, int where, int value)
{
	(void)ssl;
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
		last_alert = value & 0xff;
}

/* In what the client has just written. */
static void
swap_certificate(const struct caller *c)
{
	unsigned char *own = NULL, *other = NULL;
	size_t len = length(c->own.cert);
	char *data, *at;
	long n = BIO_get_mem_data(to_server, &data);

	MUST(i2d_X509(c->own.cert, &own) == i2d_X509(c->instead, &other));
	at = n > 0 ? memmem(data, (size_t)n, own, len) : NULL;
	if (at != NULL)
		memcpy(at, other, len);
	OPENSSL_free(own);
	OPENSSL_free(other);
}

static SSL_CTX *
client_context(const struct caller *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	MUST(ctx != NULL);
	MUST(SSL_CTX_set_max_proto_version(ctx, c->tls12 ? TLS1_2_VERSION :
	    TLS1_3_VERSION) == 1);
	SSL_CTX_set_security_level(ctx, 0);	/* it is the client's own */
	SSL_CTX_set_info_callback(ctx, on_info);
	if (c->own.cert != NULL)
		MUST(SSL_CTX_use_certificate(ctx, c->own.cert) == 1 &&
		    SSL_CTX_use_PrivateKey(ctx, c->own.key) == 1);
	return ctx;
}

struct pair {
	SSL		*ssl;
	SSL_CTX		*ctx;
	struct tls	*conn;
	struct verdict	 verdict;
};

/* True if both ends say it is done. */
static bool
shake(const struct caller *c, struct pair *p)
{
	int r = TLS_WANT_POLLIN;

	last_alert = 0;
	to_server = BIO_new(BIO_s_mem());
	to_client = BIO_new(BIO_s_mem());
	p->ctx = client_context(c);
	p->ssl = SSL_new(p->ctx);
	SSL_set_bio(p->ssl, to_client, to_server);
	SSL_set_connect_state(p->ssl);
	MUST(tls_accept_cbs(server, &p->conn, on_read, on_write, NULL) == 0);
	MUST(beneath_watch(&p->verdict, &gate));
	for (int i = 0; i < 16 && r != 0 && r != -1; i++) {
		SSL_do_handshake(p->ssl);
		if (c->instead != NULL)
			swap_certificate(c);
		r = tls_handshake(p->conn);
	}
	/*
	 * With TLS 1.3 the client is done first, and learns of it by reading.
	 */
	if (SSL_do_handshake(p->ssl) == 1) {
		char byte;

		SSL_read(p->ssl, &byte, 1);
	}
	return r == 0;
}

static void
part(struct pair *p)
{
	tls_free(p->conn);
	beneath_forget(&p->verdict);
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
}

/* ---- the same both ways -------------------------------------------------- */

static size_t
pem(char *dst, X509 *x, EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());
	int n;

	MUST(x != NULL ? PEM_write_bio_X509(b, x) == 1 :
	    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_read(b, dst, TEXT);
	MUST(n > 0 && n < TEXT);
	BIO_free(b);
	return (size_t)n;
}

static void
make_server(void)
{
	static struct config c = { .tls12 = 1, .tls13 = 1,
	    .ciphers = "TLSv1.2+ECDHE+AESGCM", .curves = "X25519:P-256:P-384" };
	static char ca_pem[TEXT], cert_pem[TEXT], key_pem[TEXT];
	struct tls_config *tc = tls_config_new();
	EVP_PKEY *key = ec_key(NID_X9_62_prime256v1);
	X509 *cert = certificate("server", key, &ca, false, 3600);
	size_t ca_len = pem(ca_pem, ca.cert, NULL);
	const char *why;
	bool in_crl;

	MUST(credentials_set_protocol(tc, &c));
	MUST(tls_config_set_keypair_mem(tc, (uint8_t *)cert_pem,
	    pem(cert_pem, cert, NULL), (uint8_t *)key_pem,
	    pem(key_pem, NULL, key)) == 0);
	MUST(tls_config_set_ca_mem(tc, (uint8_t *)ca_pem, ca_len) == 0);
	tls_config_verify_client(tc);
	server = tls_server();
	MUST(tls_configure(server, tc) == 0);
	tls_config_free(tc);
	rules_default(&rules);
	gate.authorities = authorities_read((uint8_t *)ca_pem, ca_len, NULL, 0,
	    &why, &in_crl);
	MUST(gate.authorities != NULL);
}

static void
tell(FILE *out, const struct caller *c)
{
	struct pair p;
	const char *detail;
	bool in = shake(c, &p);

	fprintf(out, "%s: %s, alert %d\n", c->name, in ? "let in" :
	    reason_word(beneath_reason(&p.verdict, tls_error(p.conn), &detail)),
	    last_alert);
	part(&p);
}

/* Its certificate says one key, and it signs with another. */
static EVP_PKEY *
wrong_half(EVP_PKEY *said)
{
	EVP_PKEY *other = ec_key(NID_X9_62_prime256v1), *k;
	EC_KEY *ec = EC_KEY_dup(EVP_PKEY_get0_EC_KEY(other));

	MUST(EC_KEY_set_public_key(ec, EC_KEY_get0_public_key(
	    EVP_PKEY_get0_EC_KEY(said))) == 1);
	k = EVP_PKEY_new();
	MUST(EVP_PKEY_assign_EC_KEY(k, ec) == 1);
	return k;
}

static void
tell_all(FILE *out)
{
	struct identity good = client(ec_key(NID_X9_62_prime256v1), &ca, 3600);
	struct identity wrong = { wrong_half(good.key), good.cert };
	struct identity forged = { good.key, badly_signed(&good) };
	EVP_PKEY *self = ec_key(NID_X9_62_prime256v1);
	const struct caller callers[] = {
		{ "good", good, NULL, false },
		{ "good, TLS 1.2", good, NULL, true },
		{ "no certificate", { NULL, NULL }, NULL, false },
		{ "P-384", client(ec_key(NID_secp384r1), &ca, 3600), NULL,
		    false },
		{ "P-521", client(ec_key(NID_secp521r1), &ca, 3600), NULL,
		    false },
		{ "secp256k1", client(ec_key(NID_secp256k1), &ca, 3600), NULL,
		    true },
		{ "RSA", client(make_key(0, 2048), &ca, 3600), NULL, false },
		{ "RSA of 1024 bits", client(make_key(0, 1024), &ca, 3600),
		    NULL, true },
		{ "self-signed", client(self, NULL, 3600), NULL, false },
		{ "another CA's", client(ec_key(NID_X9_62_prime256v1),
		    &stranger, 3600), NULL, false },
		{ "expired", client(ec_key(NID_X9_62_prime256v1), &ca, -60),
		    NULL, false },
		{ "wrong key", wrong, NULL, false },
		{ "wrong key, TLS 1.2", wrong, NULL, true },
		{ "wrong signature", forged, NULL, false },
		{ "invalid point", good, off_the_curve(&good), true },
	};

	make_server();
	for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++)
		tell(out, &callers[i]);
}

struct report {
	char		text[2][TEXT];
	_Atomic bool	quick;
};
static struct report *report;

static void
one_way(void *arg)
{
	const int *quick = arg;
	FILE *out = fmemopen(report->text[*quick], TEXT, "w");

	MUST(out != NULL);
	beneath_init();
	if (*quick)
		report->quick = ec_init();
	ca.key = ec_key(NID_X9_62_prime256v1);
	ca.cert = certificate("ca", ca.key, NULL, true, 3600);
	stranger.key = ec_key(NID_X9_62_prime256v1);
	stranger.cert = certificate("stranger", stranger.key, NULL, true, 3600);
	tell_all(out);
	MUST(fclose(out) == 0);
}

static void
share(void)
{
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(report != MAP_FAILED);
}

ATF_TC_WITHOUT_HEAD(same_verdicts);
ATF_TC_BODY(same_verdicts, tc)
{
	int quick[] = { 0, 1 };

	share();
	for (int i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(0, in_child(one_way, &quick[i]));
	ATF_CHECK_STREQ(report->text[0], report->text[1]);
	/* and they are what they should be */
	ATF_CHECK(strstr(report->text[1], "good: let in, alert 0\n") != NULL);
	ATF_CHECK(strstr(report->text[1], "self-signed: untrusted,") != NULL);
	ATF_CHECK(strstr(report->text[1], "wrong key: bad-signature,") != NULL);
	ATF_CHECK(strstr(report->text[1], "wrong key, TLS 1.2: bad-signature,")
	    != NULL);
	ATF_CHECK(strstr(report->text[1], "expired: expired, alert 45")
	    != NULL);
	ATF_CHECK(strstr(report->text[1], "invalid point: let in") == NULL);
	puts(report->text[1]);
}

/* ---- allocations of an echo ---------------------------------------------- */

static unsigned long allocations;
static bool counting;

static void *
counted_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	allocations += counting;
	return n == 0 ? NULL : malloc(n);
}

static void *
counted_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	allocations += counting;
	return realloc(p, n);
}

static void
counted_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

#define ECHOES 100
/*
 * A buffer to read into and one to write from, which go when it is idle, and
 * four of 40 bytes about the record that is written.
 */
#define ALLOCATIONS_EACH 6

static void
echo_frugally(void *arg)
{
	char message[64] = "to and fro", got[64];
	struct caller c = { .name = "good" };
	struct pair p;

	(void)arg;
	MUST(CRYPTO_set_mem_functions(counted_malloc, counted_realloc,
	    counted_free) == 1);
	beneath_init();
	ec_init();
	ca.key = ec_key(NID_X9_62_prime256v1);
	ca.cert = certificate("ca", ca.key, NULL, true, 3600);
	c.own = client(ec_key(NID_X9_62_prime256v1), &ca, 3600);
	make_server();
	MUST(shake(&c, &p));
	for (int i = 0; i < ECHOES; i++) {
		MUST(SSL_write(p.ssl, message, sizeof message) ==
		    sizeof message);
		counting = true;
		MUST(tls_read(p.conn, got, sizeof got) == sizeof got);
		MUST(tls_write(p.conn, got, sizeof got) == sizeof got);
		counting = false;
		MUST(SSL_read(p.ssl, got, sizeof got) == sizeof got);
	}
	dprintf(1, "%lu allocations for %d echoes\n", allocations, ECHOES);
	MUST(allocations <= ALLOCATIONS_EACH * ECHOES);
}

ATF_TC_WITHOUT_HEAD(frugal);
ATF_TC_BODY(frugal, tc)
{
	ATF_CHECK_EQ(0, in_child(echo_frugally, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, same_verdicts);
	ATF_TP_ADD_TC(tp, frugal);
	return atf_no_error();
}
