/*
 * Keys decoded in one step (ec.h), and what beneath.c trims, change nobody's
 * verdict: each bad client gets the same word and the same alert with and
 * without.  That the step is taken, and what an echo costs the TLS library, is
 * told by allocations, counted.
 *
 * Clients are libssl's, shaken hands with in memory; for what libssl would not
 * send, a certificate is put in the place of another on the way, where TLS 1.2
 * sends it in the clear, or a point in that of a key share.
 */
#define OPENSSL_SUPPRESS_DEPRECATED	/* a key of two halves is made by it */
#include <atf-c.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "beneath.h"
#include "../lib/child.h"
#include "credentials.h"
#include "ec.h"

#define TEXT	8192

/* Where ec.c is to have its way. */
#if defined(LIBRESSL_VERSION_NUMBER) || defined(OPENSSL_NO_ENGINE) || \
    OPENSSL_VERSION_NUMBER < 0x30000000L
#define QUICK	false
#else
#define QUICK	true
#endif

/* What there is of ours. */
enum way { AS_LIBTLS_HAS_IT, TRIMMED, TRIMMED_AND_QUICK, WAYS };

/* Of a client whose only group is P-256, the point for the key exchange. */
enum share {
	SHARE_ANY,		/* by the group that both like best */
	SHARE_GOOD,
	SHARE_OFF_THE_CURVE,
	SHARE_ZERO,
	SHARE_TOO_BIG,
	SHARE_HYBRID		/* the form that tells y's sign as well */
};

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
	enum share	 share;
};

static enum way	 way = TRIMMED_AND_QUICK;
static struct identity	ca, stranger;
static struct rules	rules;
static struct gate	gate = { .rules = &rules };
static struct tls	*server;
static BIO		*to_server, *to_client;
static int		 last_alert;
static bool		 spoiled;	/* what the client has sent */

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

/* The same for its point, behind what the message says before that. */
static void
spoil_share(const struct caller *c)
{
	static const unsigned char before13[] = { 0, 0x17, 0, 0x41, 4 };
	static const unsigned char before12[] = { 0x10, 0, 0, 0x42, 0x41, 4 };
	char *data, *at;
	long n = BIO_get_mem_data(to_server, &data);
	size_t before = c->tls12 ? sizeof before12 : sizeof before13;

	at = n > 0 ? memmem(data, (size_t)n, c->tls12 ? before12 : before13,
	    before) : NULL;
	if (at == NULL)
		return;
	at += before;
	switch (c->share) {
	case SHARE_ANY:
	case SHARE_GOOD:
		return;
	case SHARE_OFF_THE_CURVE:
		at[63] ^= 1;
		break;
	case SHARE_ZERO:
		memset(at, 0, 64);
		break;
	case SHARE_TOO_BIG:
		memset(at, 0xff, 64);
		break;
	case SHARE_HYBRID:
		at[-1] = (char)(6 | (at[63] & 1));
		break;
	}
	spoiled = true;
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
	if (c->share != SHARE_ANY)
		MUST(SSL_CTX_set1_groups_list(ctx, "P-256") == 1);
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

/* Take back what beneath_watch() does besides watching. */
static void
untrim(SSL *ssl)
{
#ifdef LIBRESSL_VERSION_NUMBER
	SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
#else
	const long trimmed = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN;

	MUST((SSL_get_mode(ssl) & trimmed) == trimmed &&
	    SSL_get_num_tickets(ssl) == 0);
	SSL_clear_mode(ssl, trimmed);
	MUST((SSL_get_mode(ssl) & trimmed) == 0 &&
	    SSL_set_num_tickets(ssl, 2) == 1);
#endif
}

/* True if both ends say it is done. */
static bool
shake(const struct caller *c, struct pair *p)
{
	int r = TLS_WANT_POLLIN;

	last_alert = 0;
	spoiled = false;
	to_server = BIO_new(BIO_s_mem());
	to_client = BIO_new(BIO_s_mem());
	p->ctx = client_context(c);
	p->ssl = SSL_new(p->ctx);
	SSL_set_bio(p->ssl, to_client, to_server);
	SSL_set_connect_state(p->ssl);
	MUST(tls_accept_cbs(server, &p->conn, on_read, on_write, NULL) == 0);
	MUST(beneath_watch(&p->verdict, &gate));
	if (way == AS_LIBTLS_HAS_IT)
		untrim(p->verdict.ssl);
	for (int i = 0; i < 16 && r != 0 && r != -1; i++) {
		SSL_do_handshake(p->ssl);
		if (c->instead != NULL)
			swap_certificate(c);
		if (c->share > SHARE_GOOD && !spoiled)
			spoil_share(c);
		r = tls_handshake(p->conn);
	}
	MUST(spoiled == (c->share > SHARE_GOOD));
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

/* ---- allocations --------------------------------------------------------- */

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

/* Before libcrypto has allocated anything. */
static void
count_allocations(void)
{
	MUST(CRYPTO_set_mem_functions(counted_malloc, counted_realloc,
	    counted_free) == 1);
}

/* ---- the same with and without ------------------------------------------- */

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
		{ .name = "good", .own = good },
		{ .name = "good, TLS 1.2", .own = good, .tls12 = true },
		{ .name = "no certificate" },
		{ .name = "P-384",
		    .own = client(ec_key(NID_secp384r1), &ca, 3600) },
		{ .name = "P-521",
		    .own = client(ec_key(NID_secp521r1), &ca, 3600) },
		{ .name = "secp256k1", .tls12 = true,
		    .own = client(ec_key(NID_secp256k1), &ca, 3600) },
		{ .name = "RSA", .own = client(make_key(0, 2048), &ca, 3600) },
		{ .name = "RSA of 1024 bits", .tls12 = true,
		    .own = client(make_key(0, 1024), &ca, 3600) },
		{ .name = "self-signed", .own = client(self, NULL, 3600) },
		{ .name = "another CA's",
		    .own = client(ec_key(NID_X9_62_prime256v1), &stranger,
		    3600) },
		{ .name = "expired",
		    .own = client(ec_key(NID_X9_62_prime256v1), &ca, -60) },
		{ .name = "wrong key", .own = wrong },
		{ .name = "wrong key, TLS 1.2", .own = wrong, .tls12 = true },
		{ .name = "wrong signature", .own = forged },
		{ .name = "invalid point", .own = good,
		    .instead = off_the_curve(&good), .tls12 = true },
	};
	static const char *const share_name[] = {
		[SHARE_GOOD] = "good", [SHARE_OFF_THE_CURVE] = "off the curve",
		[SHARE_ZERO] = "zero", [SHARE_TOO_BIG] = "too big",
		[SHARE_HYBRID] = "hybrid"
	};

	for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++)
		tell(out, &callers[i]);
	for (int i = SHARE_GOOD; i <= SHARE_HYBRID; i++)
		for (int tls12 = 0; tls12 < 2; tls12++) {
			char name[64];

			snprintf(name, sizeof name, "P-256 share%s: %s",
			    tls12 ? ", TLS 1.2" : "", share_name[i]);
			tell(out, &(struct caller){ .name = name, .own = good,
			    .tls12 = tls12, .share = (enum share)i });
		}
}

struct report {
	char		text[WAYS][TEXT];
	unsigned long	allocations[WAYS];	/* of a good client */
	bool		quick;
};
static struct report *report;

/* The second one: the first finds nothing made yet. */
static unsigned long
cost_of(const struct caller *c)
{
	for (int i = 0; i < 2; i++) {
		struct pair p;

		allocations = 0;
		counting = true;
		MUST(shake(c, &p));
		counting = false;
		part(&p);
	}
	return allocations;
}

static void
one_way(void *arg)
{
	struct caller c = { .name = "good" };
	FILE *out;

	count_allocations();
	way = *(const enum way *)arg;
	out = fmemopen(report->text[way], TEXT, "w");
	MUST(out != NULL);
	beneath_init();
	if (way == TRIMMED_AND_QUICK)
		report->quick = ec_init();
	ca.key = ec_key(NID_X9_62_prime256v1);
	ca.cert = certificate("ca", ca.key, NULL, true, 3600);
	stranger.key = ec_key(NID_X9_62_prime256v1);
	stranger.cert = certificate("stranger", stranger.key, NULL, true, 3600);
	make_server();
	tell_all(out);
	MUST(fclose(out) == 0);
	c.own = client(ec_key(NID_X9_62_prime256v1), &ca, 3600);
	report->allocations[way] = cost_of(&c);
}

static void
go_all_ways(void)
{
	static enum way ways[] = { AS_LIBTLS_HAS_IT, TRIMMED,
	    TRIMMED_AND_QUICK };

	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(report != MAP_FAILED);
	for (int i = 0; i < WAYS; i++)
		ATF_REQUIRE_EQ(0, in_child(one_way, &ways[i]));
}

static const char *const expected[] = {
	"good: let in, alert 0\n",
	"good, TLS 1.2: let in, alert 0\n",
	"RSA of 1024 bits: weak-crypto, alert 42\n",
	"self-signed: untrusted, alert 48\n",
	"another CA's: untrusted, alert 48\n",
	"expired: expired, alert 45\n",
	"wrong key: bad-signature, alert 51\n",
	"wrong key, TLS 1.2: bad-signature, alert 51\n",
	"invalid point: weak-crypto, alert 42\n",
	"P-256 share: good: let in, alert 0\n",
	"P-256 share, TLS 1.2: good: let in, alert 0\n",
	"P-256 share: off the curve: protocol, alert 47\n",
	"P-256 share, TLS 1.2: off the curve: protocol,",
	"P-256 share: zero: protocol, alert 47\n",
	"P-256 share, TLS 1.2: zero: protocol,",
	"P-256 share: too big: protocol, alert 47\n",
	"P-256 share, TLS 1.2: too big: protocol,",
};

ATF_TC_WITHOUT_HEAD(same_verdicts);
ATF_TC_BODY(same_verdicts, tc)
{
	go_all_ways();
	puts(report->text[TRIMMED_AND_QUICK]);
	for (int i = 0; i < TRIMMED_AND_QUICK; i++)
		ATF_CHECK_STREQ(report->text[i],
		    report->text[TRIMMED_AND_QUICK]);
	/* and they are what they should be */
	ATF_CHECK(strstr(report->text[TRIMMED_AND_QUICK], "hybrid: let in") ==
	    NULL);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		ATF_CHECK_MSG(strstr(report->text[TRIMMED_AND_QUICK],
		    expected[i]) != NULL, "not so: %s", expected[i]);
}

/*
 * The short way to a key is taken: a handshake allocates half as often, or less
 * by a fifth at least.
 */
ATF_TC_WITHOUT_HEAD(quick);
ATF_TC_BODY(quick, tc)
{
	go_all_ways();
	printf("allocations of a handshake: %lu, trimmed %lu, quick %lu\n",
	    report->allocations[AS_LIBTLS_HAS_IT], report->allocations[TRIMMED],
	    report->allocations[TRIMMED_AND_QUICK]);
	ATF_CHECK_EQ(QUICK, report->quick);
	if (!QUICK)
		return;
	ATF_CHECK(report->allocations[TRIMMED] <
	    report->allocations[AS_LIBTLS_HAS_IT]);
	ATF_CHECK(report->allocations[TRIMMED_AND_QUICK] <
	    report->allocations[TRIMMED] * 4 / 5);
}

/* ---- allocations of an echo ---------------------------------------------- */

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
	count_allocations();
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
	ATF_TP_ADD_TC(tp, quick);
	ATF_TP_ADD_TC(tp, frugal);
	return atf_no_error();
}
