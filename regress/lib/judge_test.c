#include <arpa/inet.h>
#include <atf-c.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "judge.h"
#include "text.h"
#include "x509text.h"

#define DAY	86400L

/* ---- certificates ------------------------------------------------------ */

struct entity {
	X509		*cert;
	EVP_PKEY	*key;
};

/* What is to be made; all that is left out is as usual for a client. */
struct spec {
	const char		*name;
	struct entity		*by;		/* NULL: itself */
	bool			 ca;
	int			 pathlen;	/* of a CA, + 1; 0: none */
	const char		*san;
	const char		*constraints;
	const char		*usage;		/* extended; "": none */
	long			 from, to;	/* seconds from now; 0, 0 */
	int			 bits;		/* RSA; 0: EC P-256 */
	const EVP_MD		*digest;	/* NULL: SHA-256 */
};

static struct entity made[64];		/* of this test, freed at its end */
static size_t made_count;
static long serial;

static EVP_PKEY *
make_key(int bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(bits != 0 ? EVP_PKEY_RSA :
	    EVP_PKEY_EC, NULL);
	EVP_PKEY *key = NULL;

	ATF_REQUIRE(ctx != NULL);
	ATF_REQUIRE_EQ(1, EVP_PKEY_keygen_init(ctx));
	if (bits != 0)
		ATF_REQUIRE_EQ(1, EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits));
	else
		ATF_REQUIRE_EQ(1, EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
		    NID_X9_62_prime256v1));
	ATF_REQUIRE_EQ(1, EVP_PKEY_keygen(ctx, &key));
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void
extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	if (value == NULL || value[0] == '\0')
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ATF_REQUIRE_MSG(ext != NULL, "extension %s", value);
	ATF_REQUIRE_EQ(1, X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

/* "DNS:a,IP:192.0.2.1": also what the library would not put there for us. */
static void
add_names(X509 *cert, const char *text)
{
	static const struct {
		const char	*word;
		int		 type;
	} types[] = { { "DNS", GEN_DNS }, { "URI", GEN_URI },
	    { "email", GEN_EMAIL }, { "IP", GEN_IPADD } };
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	char *copy = strdup(text == NULL ? "" : text), *one;
	char *rest = copy != NULL && copy[0] != '\0' ? copy : NULL;

	while ((one = strsep(&rest, ",")) != NULL) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		char *value = strchr(one, ':');
		ASN1_STRING *s;
		size_t i = 0;

		ATF_REQUIRE(name != NULL && value != NULL);
		*value++ = '\0';
		while (strcmp(types[i].word, one) != 0)
			ATF_REQUIRE(++i < sizeof types / sizeof types[0]);
		if (types[i].type == GEN_IPADD) {
			s = a2i_IPADDRESS(value);
		} else {
			s = ASN1_IA5STRING_new();
			ASN1_STRING_set(s, value, -1);
		}
		ATF_REQUIRE(s != NULL);
		GENERAL_NAME_set0_value(name, types[i].type, s);
		sk_GENERAL_NAME_push(all, name);
	}
	if (sk_GENERAL_NAME_num(all) > 0)
		ATF_REQUIRE_EQ(1, X509_add1_ext_i2d(cert,
		    NID_subject_alt_name, all, 0, 0));
	sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
	free(copy);
}

static void
extend_ca(const struct spec *s, X509 *cert, X509 *issuer)
{
	char basic[64];

	snprintf(basic, sizeof basic, "critical,CA:TRUE");
	if (s->pathlen > 0)
		snprintf(basic, sizeof basic, "critical,CA:TRUE,pathlen:%d",
		    s->pathlen - 1);
	extend(cert, issuer, NID_basic_constraints, basic);
	extend(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
	extend(cert, issuer, NID_name_constraints, s->constraints);
}

static struct entity *
make(const struct spec *s)
{
	struct entity *e = &made[made_count++];
	X509_NAME *name = X509_NAME_new();
	X509 *issuer;

	ATF_REQUIRE(made_count <= sizeof made / sizeof made[0]);
	e->cert = X509_new();
	e->key = make_key(s->bits);
	issuer = s->by == NULL ? e->cert : s->by->cert;
	X509_set_version(e->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(e->cert), ++serial);
	ATF_REQUIRE_EQ(1, X509_NAME_add_entry_by_NID(name, NID_commonName,
	    MBSTRING_ASC, (const unsigned char *)s->name, -1, -1, 0));
	X509_set_subject_name(e->cert, name);
	X509_NAME_free(name);
	X509_set_issuer_name(e->cert, X509_get_subject_name(issuer));
	X509_gmtime_adj(X509_getm_notBefore(e->cert), s->from != 0 ? s->from :
	    -DAY);
	X509_gmtime_adj(X509_getm_notAfter(e->cert), s->to != 0 ? s->to : DAY);
	X509_set_pubkey(e->cert, e->key);
	extend(e->cert, issuer, NID_subject_key_identifier, "hash");
	if (s->by != NULL)
		extend(e->cert, issuer, NID_authority_key_identifier, "keyid");
	if (s->ca)
		extend_ca(s, e->cert, issuer);
	extend(e->cert, issuer, NID_ext_key_usage, s->usage != NULL || s->ca ?
	    s->usage : "clientAuth");
	add_names(e->cert, s->san);
	ATF_REQUIRE(X509_sign(e->cert, s->by == NULL ? e->key : s->by->key,
	    s->digest != NULL ? s->digest : EVP_sha256()) > 0);
	return e;
}

static struct entity *
make_ca(const char *name, struct entity *by)
{
	return make(&(struct spec){ .name = name, .by = by, .ca = true });
}

static struct entity *
make_client(const char *name, struct entity *by)
{
	return make(&(struct spec){ .name = name, .by = by });
}

static struct entity *
with_names(const char *cn, const char *san)
{
	return make(&(struct spec){ .name = cn, .san = san });
}

/* The same with the last byte of its signature changed, read anew. */
static struct entity *
tamper(const struct entity *whole)
{
	struct entity *e = &made[made_count++];
	unsigned char *der = NULL;
	const unsigned char *p;
	int len = i2d_X509(whole->cert, &der);

	ATF_REQUIRE(made_count <= sizeof made / sizeof made[0] && len > 0);
	der[len - 1] ^= 1;
	p = der;
	e->cert = d2i_X509(NULL, &p, len);
	ATF_REQUIRE(e->cert != NULL);
	OPENSSL_free(der);
	return e;
}

static void
free_made(void)
{
	while (made_count > 0) {
		X509_free(made[--made_count].cert);
		EVP_PKEY_free(made[made_count].key);
	}
}

/* ---- a server's files, and what it says -------------------------------- */

struct scene {
	BIO			*ca, *crl;	/* crl NULL: none */
	struct rules		 rules;
	struct authorities	*a;		/* of the last verdict */
	struct judgement	 j;
};

static void
begin(struct scene *s)
{
	memset(s, 0, sizeof *s);
	s->ca = BIO_new(BIO_s_mem());
	ATF_REQUIRE(s->ca != NULL);
	rules_default(&s->rules);
}

static void
end(struct scene *s)
{
	BIO_free(s->ca);
	BIO_free(s->crl);
	authorities_free(s->a);
	judgement_free(&s->j);
	free_made();
}

static void
trust(struct scene *s, const struct entity *e)
{
	ATF_REQUIRE_EQ(1, PEM_write_bio_X509(s->ca, e->cert));
}

static void
add_revoked(X509_CRL *crl, const struct entity *e)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60);

	X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(e->cert));
	X509_REVOKED_set_revocationDate(r, now);
	ATF_REQUIRE_EQ(1, X509_CRL_add0_revoked(crl, r));
	ASN1_TIME_free(now);
}

/* `by`'s list, good from and to so many seconds from now; not signed yet. */
static X509_CRL *
make_list(const struct entity *by, long from, long to)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, from);

	ATF_REQUIRE(crl != NULL && t != NULL);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_gmtime_adj(t, to);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_TIME_free(t);
	return crl;
}

static void
sign_and_publish(struct scene *s, X509_CRL *crl, EVP_PKEY *key)
{
	if (s->crl == NULL)
		s->crl = BIO_new(BIO_s_mem());
	ATF_REQUIRE(s->crl != NULL);
	ATF_REQUIRE(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	ATF_REQUIRE_EQ(1, PEM_write_bio_X509_CRL(s->crl, crl));
	X509_CRL_free(crl);
}

static void
publish_as(struct scene *s, const struct entity *by, EVP_PKEY *key, long from,
    long to, const struct entity *revoked)
{
	X509_CRL *crl = make_list(by, from, to);

	if (revoked != NULL)
		add_revoked(crl, revoked);
	sign_and_publish(s, crl, key);
}

static void
publish(struct scene *s, const struct entity *by, const struct entity *revoked)
{
	publish_as(s, by, by->key, -DAY, DAY, revoked);
}

static struct authorities *
read_scene(const struct scene *s, const char **why, bool *in_crl)
{
	char *ca, *crl = NULL;
	long ca_len = BIO_get_mem_data(s->ca, &ca), crl_len = 0;

	if (s->crl != NULL)
		crl_len = BIO_get_mem_data(s->crl, &crl);
	return authorities_read((uint8_t *)ca, (size_t)ca_len, (uint8_t *)crl,
	    (size_t)crl_len, why, in_crl);
}

/* Who is in a hurry says the same word, and knows less of what comes after. */
static void
check_quickly(const struct scene *s, X509 *leaf, STACK_OF(X509) *sent,
    enum reason why)
{
	struct judgement j;

	ATF_CHECK_STREQ(reason_word(why), reason_word(judge_quickly(s->a,
	    &s->rules, leaf, sent, &j)));
	ATF_CHECK_MSG((j.failed & ~s->j.failed) == 0, "%s: other faults: %x",
	    reason_word(why), j.failed & ~s->j.failed);
	if (why != REASON_NONE)
		ATF_CHECK_MSG(j.fault[why].cert == s->j.fault[why].cert &&
		    j.fault[why].error == s->j.fault[why].error,
		    "%s: another certificate", reason_word(why));
	judgement_free(&j);
}

/* With what is sent beside the leaf, up to a NULL. */
static enum reason
verdict(struct scene *s, const struct entity *leaf, ...)
{
	STACK_OF(X509) *sent = sk_X509_new_null();
	const struct entity *e;
	enum reason why;
	const char *what;
	bool in_crl;
	va_list ap;

	authorities_free(s->a);
	judgement_free(&s->j);
	s->a = read_scene(s, &what, &in_crl);
	ATF_REQUIRE_MSG(s->a != NULL, "%s", what);
	sk_X509_push(sent, leaf->cert);
	va_start(ap, leaf);
	while ((e = va_arg(ap, const struct entity *)) != NULL)
		sk_X509_push(sent, e->cert);
	va_end(ap);
	why = judge(s->a, &s->rules, leaf->cert, sent, &s->j);
	check_quickly(s, leaf->cert, sent, why);
	sk_X509_free(sent);
	return why;
}

#define END ((const struct entity *)NULL)
#define EXPECT(word, ...) \
	ATF_CHECK_STREQ(word, reason_word(verdict(__VA_ARGS__, END)))

/* The certificate that the first failing rule names. */
static const X509 *
at_fault(const struct scene *s, enum reason why)
{
	return s->j.fault[why].cert;
}

/* ---- words ------------------------------------------------------------- */

/* Does the library have words of its own for this error? */
static bool
is_specific(int error)
{
	char unknown[256];

	snprintf(unknown, sizeof unknown, "%s",
	    X509_verify_cert_error_string(99999));
	return strcmp(X509_verify_cert_error_string(error), unknown) != 0 &&
	    strncmp(X509_verify_cert_error_string(error), "error number",
	    12) != 0;
}

ATF_TC_WITHOUT_HEAD(every_error_has_a_word);
ATF_TC_BODY(every_error_has_a_word, tc)
{
	int words = 0;

	for (int error = 1; error <= 200; error++) {
		enum reason why;
		bool known;

		if (!is_specific(error))
			continue;
		words++;
		why = judge_x509_reason(error, &known);
		ATF_CHECK_MSG(known, "%d has no word: %s", error,
		    X509_verify_cert_error_string(error));
		ATF_CHECK_MSG(why > REASON_NO_CERTIFICATE &&
		    why < REASON_PIN_MISMATCH ? true : why == REASON_INTERNAL,
		    "%d: %s", error, reason_word(why));
	}
	ATF_CHECK_MSG(words > 50, "only %d errors", words);
}

/* What is not known refuses all the same. */
ATF_TC_WITHOUT_HEAD(unknown_error);
ATF_TC_BODY(unknown_error, tc)
{
	bool known = true;

	ATF_CHECK_STREQ("untrusted", reason_word(judge_x509_reason(99999,
	    &known)));
	ATF_CHECK(!known);
}

/* ---- host-check -------------------------------------------------------- */

#define LABEL_63 "a23456789a23456789a23456789a23456789a23456789a23456789" \
	"a23456789"
_Static_assert(sizeof LABEL_63 == 64, "63 characters and a NUL");

ATF_TC_WITHOUT_HEAD(host_names);
ATF_TC_BODY(host_names, tc)
{
	static const struct {
		const char	*name;
		bool		 is;
	} table[] = {
		{ "a", true }, { "a.example", true }, { "A-1.EXAMPLE", true },
		{ "1and1.example", true }, { "192.0.2.1.example", true },
		{ "xn--bcher-kva.example", true }, { "3com", true },
		{ LABEL_63 ".example", true },
		{ LABEL_63 "." LABEL_63 "." LABEL_63 "." "a2345678901234567890"
		    "12345678901234567890123456789012345678901", true },

		{ "", false }, { ".", false }, { "example.", false },
		{ ".example", false }, { "a..example", false },
		{ "-a.example", false }, { "a-.example", false },
		{ "a.-example", false }, { "example-", false },
		{ "*.example", false }, { "*", false },
		{ "a*b.example", false },
		{ "a_b.example", false }, { "a b", false }, { "a/b", false },
		{ "a:1", false }, { "[::1]", false }, { "::1", false },
		{ "a@b", false }, { "a,b", false }, { "a\\.b", false },
		{ "a\n", false }, { "\033[2J", false }, { "b\xc3\xbc" "cher",
		    false }, { "a\x80", false }, { "a\xff.example", false },
		{ "192.0.2.1", false }, { "1", false }, { "a.1", false },
		{ LABEL_63 "4.example", false },
		{ LABEL_63 "." LABEL_63 "." LABEL_63 "." "a2345678901234567890"
		    "123456789012345678901234567890123456789012", false },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		ATF_CHECK_MSG(judge_is_host_name(table[i].name) == table[i].is,
		    "%s", table[i].name);
}

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	static const struct {
		const char	*cn, *san, *name;
		bool		 is;
	} table[] = {
		{ "x", "DNS:a.example", "a.example", true },
		{ "x", "DNS:a.example", "A.Example", true },
		{ "x", "DNS:b.example,DNS:a.example", "a.example", true },
		{ "x", "DNS:a.example", "b.a.example", false },
		{ "x", "DNS:a.example", "example", false },
		{ "x", "DNS:a.example", "a.example.", false },
		/* a wildcard is one whole label, the first */
		{ "x", "DNS:*.w.example", "a.w.example", true },
		{ "x", "DNS:*.w.example", "w.example", false },
		{ "x", "DNS:*.w.example", "a.b.w.example", false },
		{ "x", "DNS:a*.w.example", "ab.w.example", false },
		{ "x", "DNS:*a.w.example", "ba.w.example", false },
		{ "x", "DNS:b.*.example", "b.w.example", false },
		{ "x", "DNS:*.w.example", "*.w.example", false },
		{ "x", "DNS:*", "a", false },
		/* the common name only without any other name */
		{ "a.example", NULL, "a.example", true },
		{ "*.w.example", NULL, "a.w.example", true },
		{ "*.w.example", NULL, "*.w.example", false },
		{ "a.example", "DNS:b.example", "a.example", false },
		{ "a.example", "email:a@b.example", "a.example", false },
		{ "a.example", "IP:192.0.2.1", "a.example", false },
		{ "a.example", "URI:https://a.example/", "a.example", false },
		{ "192.0.2.1", NULL, "192.0.2.1", false },
		{ "x", "DNS:192.0.2.1", "192.0.2.1", false },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		X509 *cert = with_names(table[i].cn, table[i].san)->cert;

		ATF_CHECK_MSG(judge_name(cert, table[i].name) == table[i].is,
		    "%s of %s, %s", table[i].name, table[i].cn,
		    table[i].san != NULL ? table[i].san : "none");
		free_made();
	}
}

ATF_TC_WITHOUT_HEAD(addresses);
ATF_TC_BODY(addresses, tc)
{
	static const struct {
		const char	*san, *address;
		bool		 is;
	} table[] = {
		{ "IP:192.0.2.1", "192.0.2.1", true },
		{ "IP:192.0.2.1", "192.0.2.2", false },
		{ "IP:192.0.2.1", "::ffff:192.0.2.1", true },
		{ "IP:192.0.2.1", "::192.0.2.1", false },
		{ "DNS:a.example,IP:192.0.2.9,IP:192.0.2.1", "192.0.2.1",
		    true },
		{ "IP:2001:db8::1", "2001:db8::1", true },
		{ "IP:2001:db8::1", "2001:db8:0::0:1", true },
		{ "IP:2001:db8::1", "2001:db8::2", false },
		{ "IP:2001:db8::1", "1.0.0.0", false },
		{ "IP:::ffff:192.0.2.1", "192.0.2.1", false },
		{ "IP:::1", "::1", true },
		{ "DNS:192.0.2.1", "192.0.2.1", false },
		{ NULL, "192.0.2.1", false },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		X509 *cert = with_names("192.0.2.1", table[i].san)->cert;
		struct sockaddr_storage ss;

		ATF_REQUIRE(addr_parse_host(table[i].address, &ss));
		ATF_CHECK_MSG(judge_address(cert, &ss) == table[i].is,
		    "%s of %s", table[i].address, table[i].san != NULL ?
		    table[i].san : "none");
		free_made();
	}
}

/* ---- chains ------------------------------------------------------------ */

ATF_TC_WITHOUT_HEAD(plain_chain);
ATF_TC_BODY(plain_chain, tc)
{
	struct scene s;
	struct entity *root, *inter, *other, *leaf;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	other = make_ca("other", NULL);
	trust(&s, root);
	EXPECT("none", &s, make_client("a", root));
	EXPECT("none", &s, make_client("a", inter), inter);
	EXPECT("untrusted", &s, make_client("a", inter));
	EXPECT("untrusted", &s, make_client("a", other));
	EXPECT("untrusted", &s, make_client("a", other), other);
	EXPECT("untrusted", &s, make_client("self", NULL));
	/* what issued it is a client */
	leaf = make_client("a", root);
	EXPECT("untrusted", &s, make_client("b", leaf), leaf);
	/* the sender's own order does not matter, nor what does not belong */
	EXPECT("none", &s, make_client("a", inter), other, root, inter);
	trust(&s, other);
	EXPECT("none", &s, make_client("a", other));
	end(&s);
}

/* CAs above the certificate, the trusted one counted. */
ATF_TC_WITHOUT_HEAD(max_depth);
ATF_TC_BODY(max_depth, tc)
{
	struct entity *root, *one, *two, *three, *leaf[5];
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	one = make_ca("one", root);
	two = make_ca("two", one);
	three = make_ca("three", two);
	leaf[1] = make_client("leaf-1", root);
	leaf[2] = make_client("leaf-2", one);
	leaf[3] = make_client("leaf-3", two);
	leaf[4] = make_client("leaf-4", three);
	trust(&s, root);
	for (unsigned int max = 0; max <= 5; max++) {
		s.rules.max_depth = max;
		for (unsigned int above = 1; above <= 4; above++) {
			enum reason why = verdict(&s, leaf[above], one, two,
			    three, END);

			ATF_CHECK_MSG(why == (above <= max ? REASON_NONE :
			    REASON_CHAIN_TOO_LONG), "%u above, at most %u: %s",
			    above, max, reason_word(why));
			if (why == REASON_NONE)
				ATF_CHECK_EQ((int)above + 1, s.j.chain);
		}
	}
	/* A nearer CA in the file makes the chain shorter. */
	s.rules.max_depth = 1;
	EXPECT("chain-too-long", &s, leaf[4], three, two, one);
	trust(&s, three);
	EXPECT("none", &s, leaf[4], three, two, one);
	end(&s);
}

ATF_TC_WITHOUT_HEAD(path_length);
ATF_TC_BODY(path_length, tc)
{
	struct scene s;
	struct entity *root, *inter;

	begin(&s);
	root = make(&(struct spec){ .name = "root", .ca = true, .pathlen = 1 });
	inter = make_ca("inter", root);
	trust(&s, root);
	EXPECT("none", &s, make_client("a", root));
	EXPECT("chain-too-long", &s, make_client("a", inter), inter);
	end(&s);
}

/* What is in the file is trusted, without what is above it. */
ATF_TC_WITHOUT_HEAD(partial_chain);
ATF_TC_BODY(partial_chain, tc)
{
	struct scene s;
	struct entity *root, *inter, *below, *leaf;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make(&(struct spec){ .name = "inter", .by = root, .ca = true,
	    .pathlen = 1, .constraints = "permitted;DNS:in.example" });
	leaf = make(&(struct spec){ .name = "leaf", .by = inter,
	    .san = "DNS:a.in.example" });
	trust(&s, inter);
	EXPECT("none", &s, leaf);
	EXPECT("none", &s, leaf, inter, root);
	ATF_CHECK_EQ(2, s.j.chain);
	EXPECT("untrusted", &s, make_client("a", root), root);
	/* its limits count as if it stood in the middle */
	EXPECT("name-constraint", &s, make(&(struct spec){ .name = "out",
	    .by = inter, .san = "DNS:a.example" }), inter);
	below = make_ca("below", inter);
	EXPECT("chain-too-long", &s, make_client("a", below), below);
	end(&s);
}

/* A client's own certificate in the file lets it in, and nobody below it. */
ATF_TC_WITHOUT_HEAD(leaf_in_the_file);
ATF_TC_BODY(leaf_in_the_file, tc)
{
	struct scene s;
	struct entity *root, *issued, *self;

	begin(&s);
	root = make_ca("root", NULL);
	issued = make_client("issued", root);
	self = make_client("self", NULL);
	trust(&s, issued);
	trust(&s, self);
	s.rules.max_depth = 0;		/* there is none above them */
	EXPECT("none", &s, issued);
	EXPECT("none", &s, self);
	EXPECT("none", &s, issued, root);
	s.rules.max_depth = 4;
	ATF_CHECK(verdict(&s, make_client("x", issued), issued, END) !=
	    REASON_NONE);
	ATF_CHECK(verdict(&s, make_client("x", self), self, END) !=
	    REASON_NONE);
	EXPECT("untrusted", &s, make_client("another", NULL));
	end(&s);
}

/* What stands above is asked for its right to, be it trusted or not. */
ATF_TC_WITHOUT_HEAD(issuers);
ATF_TC_BODY(issuers, tc)
{
	struct entity *root, *server, *barred;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	server = make(&(struct spec){ .name = "server", .ca = true,
	    .usage = "serverAuth" });
	barred = make(&(struct spec){ .name = "barred", .by = root, .ca = true,
	    .usage = "serverAuth" });
	trust(&s, root);
	trust(&s, server);
	EXPECT("wrong-purpose", &s, make_client("a", server));
	ATF_CHECK(at_fault(&s, REASON_WRONG_PURPOSE) != NULL && X509_cmp(
	    server->cert, at_fault(&s, REASON_WRONG_PURPOSE)) == 0);
	EXPECT("wrong-purpose", &s, make_client("a", barred), barred);
	end(&s);
}

ATF_TC_WITHOUT_HEAD(times);
ATF_TC_BODY(times, tc)
{
	struct scene s;
	struct entity *root, *old, *leaf;

	begin(&s);
	root = make_ca("root", NULL);
	trust(&s, root);
	EXPECT("expired", &s, make(&(struct spec){ .name = "old", .by = root,
	    .from = -2 * DAY, .to = -60 }));
	EXPECT("not-yet-valid", &s, make(&(struct spec){ .name = "new",
	    .by = root, .from = 60 }));
	old = make(&(struct spec){ .name = "old-ca", .by = root, .ca = true,
	    .from = -2 * DAY, .to = -60 });
	leaf = make_client("leaf", old);
	EXPECT("expired", &s, leaf, old);
	ATF_CHECK_EQ(0, X509_cmp(old->cert, at_fault(&s, REASON_EXPIRED)));
	ATF_CHECK_EQ(1, s.j.fault[REASON_EXPIRED].depth);
	end(&s);
}

ATF_TC_WITHOUT_HEAD(signatures);
ATF_TC_BODY(signatures, tc)
{
	struct entity *root, *inter, *leaf, *bent;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	leaf = make_client("leaf", inter);
	trust(&s, root);
	EXPECT("none", &s, leaf, inter);
	bent = tamper(inter);
	EXPECT("bad-signature", &s, leaf, bent);
	ATF_CHECK(at_fault(&s, REASON_BAD_SIGNATURE) == bent->cert);
	bent = tamper(leaf);
	EXPECT("bad-signature", &s, bent, inter);
	ATF_CHECK(at_fault(&s, REASON_BAD_SIGNATURE) == bent->cert);
	end(&s);
}

ATF_TC_WITHOUT_HEAD(weak);
ATF_TC_BODY(weak, tc)
{
	struct entity *root, *weak, *inter;
	struct scene s;

	begin(&s);
	/* what a trusted one is signed with does not matter, its key does */
	root = make(&(struct spec){ .name = "root", .ca = true,
	    .digest = EVP_sha1() });
	trust(&s, root);
	EXPECT("none", &s, make_client("a", root));
	EXPECT("none", &s, make(&(struct spec){ .name = "a", .by = root,
	    .bits = 2048 }));
	EXPECT("weak-crypto", &s, make(&(struct spec){ .name = "a",
	    .by = root, .bits = 1024 }));
	EXPECT("weak-crypto", &s, make(&(struct spec){ .name = "a",
	    .by = root, .digest = EVP_sha1() }));
	inter = make(&(struct spec){ .name = "inter", .by = root, .ca = true,
	    .digest = EVP_sha1() });
	EXPECT("weak-crypto", &s, make_client("a", inter), inter);
	ATF_CHECK(at_fault(&s, REASON_WEAK_CRYPTO) == inter->cert);
	weak = make(&(struct spec){ .name = "weak", .ca = true,
	    .bits = 1024 });
	trust(&s, weak);
	EXPECT("weak-crypto", &s, make_client("a", weak));
	end(&s);
}

ATF_TC_WITHOUT_HEAD(name_constraints);
ATF_TC_BODY(name_constraints, tc)
{
	struct scene s;
	struct entity *root;

	begin(&s);
	root = make(&(struct spec){ .name = "root", .ca = true, .constraints =
	    "permitted;DNS:in.example,permitted;IP:192.0.2.0/255.255.255.0,"
	    "excluded;email:.example" });
	trust(&s, root);
	EXPECT("none", &s, make(&(struct spec){ .name = "a", .by = root,
	    .san = "DNS:a.in.example,IP:192.0.2.1" }));
	EXPECT("name-constraint", &s, make(&(struct spec){ .name = "a",
	    .by = root, .san = "DNS:a.in.example,DNS:b.example" }));
	EXPECT("name-constraint", &s, make(&(struct spec){ .name = "a",
	    .by = root, .san = "IP:198.51.100.1" }));
	EXPECT("name-constraint", &s, make(&(struct spec){ .name = "a",
	    .by = root, .san = "email:a@b.example" }));
	end(&s);
}

ATF_TC_WITHOUT_HEAD(usage);
ATF_TC_BODY(usage, tc)
{
	struct entity *root, *none, *server, *both, *any;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	none = make(&(struct spec){ .name = "none", .by = root, .usage = "" });
	server = make(&(struct spec){ .name = "server", .by = root,
	    .usage = "serverAuth" });
	both = make(&(struct spec){ .name = "both", .by = root,
	    .usage = "serverAuth,clientAuth" });
	any = make(&(struct spec){ .name = "any", .by = root,
	    .usage = "anyExtendedKeyUsage" });
	trust(&s, root);
	EXPECT("wrong-purpose", &s, none);
	EXPECT("wrong-purpose", &s, server);
	EXPECT("wrong-purpose", &s, any);
	EXPECT("none", &s, both);
	s.rules.client_usage = false;
	EXPECT("none", &s, none);
	EXPECT("wrong-purpose", &s, server);
	EXPECT("none", &s, both);
	s.rules.client_usage = s.rules.server = true;
	EXPECT("none", &s, server);
	EXPECT("wrong-purpose", &s, make_client("client", root));
	EXPECT("wrong-purpose", &s, none);
	end(&s);
}

/* ---- revocation -------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(revoked);
ATF_TC_BODY(revoked, tc)
{
	struct entity *root, *inter, *bad, *leaf;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	bad = make_client("bad", inter);
	leaf = make_client("leaf", inter);
	trust(&s, root);
	publish(&s, root, NULL);
	EXPECT("none", &s, make_client("a", root));
	/* each CA of the chain needs a list */
	EXPECT("crl-missing", &s, leaf, inter);
	publish(&s, inter, bad);
	EXPECT("none", &s, leaf, inter);
	EXPECT("revoked", &s, bad, inter);
	ATF_CHECK(at_fault(&s, REASON_REVOKED) == bad->cert);
	publish_as(&s, root, root->key, -60, DAY, inter);
	EXPECT("revoked", &s, leaf, inter);
	ATF_CHECK(at_fault(&s, REASON_REVOKED) == inter->cert);
	ATF_CHECK_EQ(1, s.j.fault[REASON_REVOKED].depth);
	end(&s);
}

/* A list by somebody else of that name is none at all. */
ATF_TC_WITHOUT_HEAD(forged_list);
ATF_TC_BODY(forged_list, tc)
{
	struct entity *root, *inter, *impostor, *leaf;
	struct authorities *a;
	const char *why;
	struct scene s;
	bool in_crl;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	impostor = make_ca("inter", NULL);
	leaf = make_client("leaf", inter);
	trust(&s, root);
	publish(&s, root, NULL);
	publish_as(&s, inter, impostor->key, -DAY, DAY, NULL);
	EXPECT("crl-missing", &s, leaf, inter);
	/* and where the CA is in the file, it is said at once */
	trust(&s, inter);
	a = read_scene(&s, &why, &in_crl);
	ATF_CHECK(a == NULL && in_crl);
	ATF_CHECK_STREQ("a revocation list is not signed by the CA that it "
	    "names", why);
	authorities_free(a);
	end(&s);
}

/* That a list was signed by one CA says nothing of another of its name. */
ATF_TC_WITHOUT_HEAD(another_key);
ATF_TC_BODY(another_key, tc)
{
	struct entity *root, *inter, *other, *leaf, *its;
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	other = make_ca("inter", root);
	leaf = make_client("leaf", inter);
	its = make_client("leaf", other);
	trust(&s, root);
	publish(&s, root, NULL);
	publish(&s, inter, NULL);
	EXPECT("none", &s, leaf, inter);
	/* by the same files, as they are now */
	sk_X509_push(sent, other->cert);
	for (int i = 0; i < 2; i++) {
		judgement_free(&s.j);
		ATF_CHECK_STREQ("crl-missing", reason_word(judge(s.a, &s.rules,
		    its->cert, sent, &s.j)));
	}
	sk_X509_free(sent);
	end(&s);
}

/* An extension that nobody knows, and that may not be passed over. */
static X509_EXTENSION *
strange_extension(void)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
	X509_EXTENSION *ext;

	ATF_REQUIRE(value != NULL && oid != NULL);
	ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5", 2);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
	ATF_REQUIRE(ext != NULL);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(value);
	return ext;
}

enum oddity { STRANGE_LIST, STRANGE_ENTRY, REMOVED_ENTRY, OTHERS_ENTRY,
    INDIRECT_LIST, LIST_OF_CAS };

static void
make_odd(X509_CRL *crl, X509_REVOKED *entry, enum oddity how,
    const struct entity *other)
{
	ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
	ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	X509_EXTENSION *ext = strange_extension();
	GENERAL_NAME *name = GENERAL_NAME_new();

	GENERAL_NAME_set0_value(name, GEN_DIRNAME,
	    X509_NAME_dup(X509_get_subject_name(other->cert)));
	sk_GENERAL_NAME_push(names, name);
	ASN1_ENUMERATED_set(why, CRL_REASON_REMOVE_FROM_CRL);
	idp->indirectCRL = how == INDIRECT_LIST ? 0xff : 0;
	idp->onlyCA = how == LIST_OF_CAS ? 0xff : 0;
	if (how == STRANGE_LIST)
		ATF_REQUIRE_EQ(1, X509_CRL_add_ext(crl, ext, -1));
	else if (how == STRANGE_ENTRY)
		ATF_REQUIRE_EQ(1, X509_REVOKED_add_ext(entry, ext, -1));
	else if (how == REMOVED_ENTRY)
		ATF_REQUIRE_EQ(1, X509_REVOKED_add1_ext_i2d(entry,
		    NID_crl_reason, why, 0, 0));
	else if (how == OTHERS_ENTRY)
		ATF_REQUIRE_EQ(1, X509_REVOKED_add1_ext_i2d(entry,
		    NID_certificate_issuer, names, 1, 0));
	else
		ATF_REQUIRE_EQ(1, X509_CRL_add1_ext_i2d(crl,
		    NID_issuing_distribution_point, idp, 1, 0));
	X509_EXTENSION_free(ext);
	GENERAL_NAMES_free(names);
	ASN1_ENUMERATED_free(why);
	ISSUING_DIST_POINT_free(idp);
}

/* What a list says besides numbers counts as it does for libcrypto. */
ATF_TC_WITHOUT_HEAD(odd_lists);
ATF_TC_BODY(odd_lists, tc)
{
	static const struct {
		enum oddity	 how;
		const char	*listed, *other;
	} cases[] = {
		{ STRANGE_LIST, "crl-missing", "crl-missing" },
		{ STRANGE_ENTRY, "crl-missing", "crl-missing" },
		{ REMOVED_ENTRY, "none", "none" },
		{ OTHERS_ENTRY, "none", "none" },
		{ INDIRECT_LIST, "crl-missing", "crl-missing" },
		{ LIST_OF_CAS, "crl-missing", "crl-missing" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct entity *root, *other, *bad, *leaf;
		X509_CRL *crl;
		struct scene s;

		begin(&s);
		root = make_ca("root", NULL);
		other = make_ca("other", NULL);
		bad = make_client("bad", root);
		leaf = make_client("leaf", root);
		trust(&s, root);
		crl = make_list(root, -DAY, DAY);
		add_revoked(crl, bad);
		make_odd(crl, sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl),
		    0), cases[i].how, other);
		sign_and_publish(&s, crl, root->key);
		EXPECT(cases[i].listed, &s, bad);
		EXPECT(cases[i].other, &s, leaf);
		end(&s);
	}
}

#ifndef LIBRESSL_VERSION_NUMBER
/* With `n` others' numbers besides, from the highest down. */
static void
publish_long(struct scene *s, const struct entity *by,
    const struct entity *revoked, int n)
{
	X509_CRL *crl = make_list(by, -DAY, DAY);
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	for (; n > 0; n--) {
		X509_REVOKED *r = X509_REVOKED_new();

		ATF_REQUIRE_EQ(1, ASN1_INTEGER_set(number, 1000 + n));
		X509_REVOKED_set_serialNumber(r, number);
		X509_REVOKED_set_revocationDate(r, now);
		ATF_REQUIRE_EQ(1, X509_CRL_add0_revoked(crl, r));
	}
	if (revoked != NULL)
		add_revoked(crl, revoked);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	sign_and_publish(s, crl, by->key);
}

static size_t	largest;	/* piece of memory that libcrypto asked for */

static void *
noting_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size > largest)
		largest = size;
	return malloc(size);
}

static void *
noting_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size > largest)
		largest = size;
	return realloc(p, size);
}

static void
plain_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* To verify a signature is to write down all that was signed. */
static size_t
memory_of_verdict(struct scene *s, X509 *leaf, STACK_OF(X509) *sent,
    enum reason expected)
{
	largest = 0;
	judgement_free(&s->j);
	ATF_CHECK_STREQ(reason_word(expected), reason_word(judge(s->a,
	    &s->rules, leaf, sent, &s->j)));
	return largest;
}

/* A long list costs who reads it, and then none of those judged by it. */
ATF_TC_WITHOUT_HEAD(long_list);
ATF_TC_BODY(long_list, tc)
{
	enum { ENTRIES = 4000, LEAST = ENTRIES * 16 };
	struct entity *root, *inter, *bad, *leaf, *below;
	STACK_OF(X509) *sent;
	struct scene s;

	ATF_REQUIRE_EQ(1, CRYPTO_set_mem_functions(noting_malloc,
	    noting_realloc, plain_free));
	sent = sk_X509_new_null();
	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	bad = make_client("bad", root);
	leaf = make_client("leaf", root);
	below = make_client("below", inter);
	trust(&s, root);
	publish_long(&s, root, bad, ENTRIES);
	publish_long(&s, inter, NULL, ENTRIES);
	sk_X509_push(sent, inter->cert);
	EXPECT("none", &s, leaf);
	ATF_CHECK(memory_of_verdict(&s, leaf->cert, NULL, REASON_NONE) < LEAST);
	ATF_CHECK(memory_of_verdict(&s, bad->cert, NULL, REASON_REVOKED) <
	    LEAST);
	ATF_CHECK(at_fault(&s, REASON_REVOKED) == bad->cert);
	/* of a CA that comes with the first of its clients, this one */
	ATF_CHECK(memory_of_verdict(&s, below->cert, sent, REASON_NONE) >
	    LEAST);
	ATF_CHECK(memory_of_verdict(&s, below->cert, sent, REASON_NONE) <
	    LEAST);
	sk_X509_free(sent);
	end(&s);
}
#endif

ATF_TC_WITHOUT_HEAD(last_good);
ATF_TC_BODY(last_good, tc)
{
	struct entity *root, *bad, *leaf;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	bad = make_client("bad", root);
	leaf = make_client("leaf", root);
	trust(&s, root);
	publish_as(&s, root, root->key, -2 * DAY, -60, bad);
	EXPECT("crl-expired", &s, leaf);
	EXPECT("crl-expired", &s, bad);
	ATF_CHECK((s.j.failed & 1U << REASON_REVOKED) != 0);
	ATF_CHECK(!s.j.stale);
	s.rules.crl_policy = CRL_LAST_GOOD;
	EXPECT("none", &s, leaf);
	ATF_CHECK(s.j.stale);
	EXPECT("revoked", &s, bad);
	/* one that does not count yet is not a last good one */
	end(&s);
	begin(&s);
	s.rules.crl_policy = CRL_LAST_GOOD;
	root = make_ca("root", NULL);
	trust(&s, root);
	publish_as(&s, root, root->key, DAY / 2, DAY, NULL);
	EXPECT("crl-missing", &s, make_client("a", root));
	end(&s);
}

/* The newest of several counts, under either policy. */
ATF_TC_WITHOUT_HEAD(newest_list);
ATF_TC_BODY(newest_list, tc)
{
	struct entity *root, *bad;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	bad = make_client("bad", root);
	trust(&s, root);
	publish_as(&s, root, root->key, -DAY, DAY, NULL);
	publish_as(&s, root, root->key, -60, DAY, bad);
	publish_as(&s, root, root->key, -3 * DAY, -2 * DAY, NULL);
	EXPECT("revoked", &s, bad);
	s.rules.crl_policy = CRL_LAST_GOOD;
	EXPECT("revoked", &s, bad);
	ATF_CHECK(!s.j.stale);
	end(&s);
}

/* To take a trusted certificate out of the file is to revoke it. */
ATF_TC_WITHOUT_HEAD(trusted_needs_no_list);
ATF_TC_BODY(trusted_needs_no_list, tc)
{
	struct entity *root, *inter, *below, *self, *own, *leaf, *bad;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	self = make_client("self", NULL);
	own = make_client("own", root);
	leaf = make_client("leaf", inter);
	bad = make_client("bad", inter);
	trust(&s, self);
	trust(&s, own);
	trust(&s, inter);
	publish(&s, inter, bad);
	EXPECT("none", &s, self);
	EXPECT("none", &s, own);
	EXPECT("none", &s, own, root);
	EXPECT("none", &s, leaf);
	EXPECT("none", &s, leaf, inter, root);
	EXPECT("revoked", &s, bad);
	/* nor does it matter what there is of a CA above */
	publish_as(&s, root, root->key, -2 * DAY, -60, NULL);
	EXPECT("none", &s, own, root);
	EXPECT("none", &s, leaf, inter, root);
	EXPECT("revoked", &s, bad);
	/* but what it issued needs one, even if that is trusted no less */
	EXPECT("untrusted", &s, make_client("x", root), root);
	below = make_ca("below", inter);
	EXPECT("crl-missing", &s, make_client("x", below), below);
	end(&s);
}

/* ---- rules of our own -------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(pins);
ATF_TC_BODY(pins, tc)
{
	struct entity *root, *a, *b;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	a = make_client("a", root);
	b = make_client("b", root);
	trust(&s, root);
	s.rules.pins = 1;
	ATF_REQUIRE(x509_sha256(a->cert, s.rules.pin[0]));
	EXPECT("none", &s, a);
	EXPECT("pin-mismatch", &s, b);
	ATF_REQUIRE(x509_spki_sha256(b->cert, s.rules.pin[0]));
	EXPECT("pin-mismatch", &s, a);
	EXPECT("none", &s, b);
	s.rules.pins = 2;
	ATF_REQUIRE(x509_spki_sha256(a->cert, s.rules.pin[1]));
	EXPECT("none", &s, a);
	EXPECT("none", &s, b);
	/* the CA's pin is not its clients' */
	s.rules.pins = 1;
	ATF_REQUIRE(x509_sha256(root->cert, s.rules.pin[0]));
	EXPECT("pin-mismatch", &s, a, root);
	/* a pin does not replace the chain */
	a = make_client("self", NULL);
	ATF_REQUIRE(x509_sha256(a->cert, s.rules.pin[0]));
	EXPECT("untrusted", &s, a);
	end(&s);
}

ATF_TC_WITHOUT_HEAD(allow);
ATF_TC_BODY(allow, tc)
{
	struct entity *root, *a, *b;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	a = make(&(struct spec){ .name = "host-1", .by = root,
	    .san = "DNS:a.in.example" });
	b = make(&(struct spec){ .name = "host-2", .by = root,
	    .san = "URI:spiffe://in.example/job-7,email:b@in.example" });
	trust(&s, root);
	s.rules.allows = 2;
	strcpy(s.rules.allow[0], "uri:spiffe://in.example/none-*");
	strcpy(s.rules.allow[1], "dns:*.in.example");
	EXPECT("none", &s, a);
	EXPECT("not-allowed", &s, b);
	strcpy(s.rules.allow[1], "cn:host-2");
	EXPECT("not-allowed", &s, a);
	EXPECT("none", &s, b);
	strcpy(s.rules.allow[1], "email:*@in.example");
	EXPECT("none", &s, b);
	/* the CA's name is not its clients' */
	strcpy(s.rules.allow[1], "cn:root");
	EXPECT("not-allowed", &s, a, root);
	end(&s);
}

/* ---- several at once --------------------------------------------------- */

/* Each certificate fails by its own word and by all of those after it. */
ATF_TC_WITHOUT_HEAD(first_in_order);
ATF_TC_BODY(first_in_order, tc)
{
	struct entity *root, *other, *leaf;
	struct scene s;
	struct spec all = { .name = "a leaf", .bits = 1024,
	    .usage = "serverAuth", .san = "DNS:out.example",
	    .from = -2 * DAY, .to = -60 };

	begin(&s);
	root = make(&(struct spec){ .name = "root", .ca = true,
	    .constraints = "permitted;DNS:in.example" });
	other = make_ca("other", NULL);
	trust(&s, root);
	s.rules.pins = s.rules.allows = 1;
	strcpy(s.rules.allow[0], "cn:nobody");

	all.by = root;
	leaf = make(&all);
	publish_as(&s, root, root->key, -2 * DAY, -60, leaf);
	EXPECT("bad-signature", &s, tamper(leaf));
	EXPECT("weak-crypto", &s, leaf);
	for (enum reason why = REASON_NAME_CONSTRAINT;
	    why < REASON_ADDRESS_MISMATCH; why++)
		ATF_CHECK_MSG((s.j.failed & 1U << why) != 0 || why ==
		    REASON_NOT_YET_VALID || why == REASON_CRL_MISSING,
		    "%s was not looked at", reason_word(why));
	all.bits = 0;
	s.rules.max_depth = 0;
	EXPECT("chain-too-long", &s, make(&all));
	s.rules.max_depth = 1;
	EXPECT("name-constraint", &s, make(&all));
	all.by = other;
	EXPECT("untrusted", &s, make(&all));
	all.by = root;
	all.san = NULL;
	EXPECT("wrong-purpose", &s, make(&all));
	all.usage = NULL;
	EXPECT("expired", &s, make(&all));
	all.from = 60;
	all.to = DAY;
	EXPECT("not-yet-valid", &s, make(&all));
	all.from = all.to = 0;
	EXPECT("crl-expired", &s, make(&all));
	s.rules.crl_policy = CRL_LAST_GOOD;
	EXPECT("pin-mismatch", &s, make(&all));
	s.rules.pins = 0;
	EXPECT("not-allowed", &s, make(&all));
	s.rules.allows = 0;
	EXPECT("none", &s, make(&all));
	end(&s);
}

/* ---- what a stranger can make us compute -------------------------------- */

static bool
failed(const struct judgement *j, enum reason why)
{
	return (j->failed & UINT32_C(1) << why) != 0;
}

static struct judgement
quickly(const struct scene *s, const struct entity *leaf)
{
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct judgement j;

	sk_X509_push(sent, leaf->cert);
	judge_quickly(s->a, &s->rules, leaf->cert, sent, &j);
	judgement_free(&j);		/* its bits stay */
	sk_X509_free(sent);
	return j;
}

/*
 * Names are compared with constraints, and with patterns, in a time that grows
 * with both; whoever signed nothing could choose the one, and the other.
 */
ATF_TC_WITHOUT_HEAD(hurry);
ATF_TC_BODY(hurry, tc)
{
	struct entity *root, *leaf, *bent;
	struct scene s;
	struct judgement j;

	begin(&s);
	root = make(&(struct spec){ .name = "root", .ca = true,
	    .constraints = "permitted;DNS:in.example" });
	leaf = make(&(struct spec){ .name = "a", .by = root,
	    .san = "DNS:out.example" });
	bent = tamper(leaf);
	trust(&s, root);
	s.rules.pins = s.rules.allows = 1;
	strcpy(s.rules.allow[0], "cn:nobody");
	/* the name is what is wrong: then it was looked at */
	EXPECT("name-constraint", &s, leaf);
	ATF_CHECK(failed(&s.j, REASON_NOT_ALLOWED));
	j = quickly(&s, leaf);
	ATF_CHECK(failed(&j, REASON_NAME_CONSTRAINT));
	ATF_CHECK(!failed(&j, REASON_PIN_MISMATCH));
	ATF_CHECK(!failed(&j, REASON_NOT_ALLOWED));
	/* and here it is not */
	EXPECT("bad-signature", &s, bent);
	ATF_CHECK(failed(&s.j, REASON_NAME_CONSTRAINT));
	j = quickly(&s, bent);
	ATF_CHECK_EQ(UINT32_C(1) << REASON_BAD_SIGNATURE, j.failed);
	end(&s);
}

/* More than 20 certificates are not looked at, the only way up among them. */
ATF_TC_WITHOUT_HEAD(many_sent);
ATF_TC_BODY(many_sent, tc)
{
	struct entity *root, *inter, *leaf;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	leaf = make_client("leaf", inter);
	trust(&s, root);
	for (int more = 18; more <= 40; more++) {
		STACK_OF(X509) *sent = sk_X509_new_null();
		enum reason why;

		sk_X509_push(sent, leaf->cert);
		for (int i = 0; i < more; i++)
			sk_X509_push(sent, root->cert);
		sk_X509_push(sent, inter->cert);
		EXPECT("none", &s, leaf, inter);
		why = judge(s.a, &s.rules, leaf->cert, sent, &s.j);
		check_quickly(&s, leaf->cert, sent, why);
		ATF_CHECK_MSG(why == (more == 18 ? REASON_NONE :
		    REASON_CHAIN_TOO_LONG), "%d sent: %s", more + 2,
		    reason_word(why));
		ATF_CHECK_EQ(more > 18, failed(&s.j, REASON_UNTRUSTED));
		judgement_free(&s.j);
		sk_X509_free(sent);
	}
	end(&s);
}

/* ---- one list in another's place ----------------------------------------- */

/* As publish_as, with a number (RFC 5280, 5.2.3); -1: none. */
static void
publish_number(struct scene *s, const struct entity *by, long number,
    long from, long to)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, from);
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	if (s->crl == NULL)
		s->crl = BIO_new(BIO_s_mem());
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_gmtime_adj(t, to);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_INTEGER_set(n, number);
	if (number >= 0)
		ATF_REQUIRE_EQ(1, X509_CRL_add1_ext_i2d(crl, NID_crl_number,
		    n, 0, 0));
	ATF_REQUIRE(X509_CRL_sign(crl, by->key, EVP_sha256()) > 0);
	ATF_REQUIRE_EQ(1, PEM_write_bio_X509_CRL(s->crl, crl));
	ASN1_INTEGER_free(n);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
}

/* What `s` would be told of its lists in place of those of `old`. */
static const char *
fall_back(struct scene *s, struct scene *old, char issuer[256])
{
	const char *why;
	bool in_crl;
	char *pem;
	long len = BIO_get_mem_data(old->crl, &pem);

	authorities_free(s->a);
	s->a = read_scene(s, &why, &in_crl);
	ATF_REQUIRE_MSG(s->a != NULL, "%s", why);
	why = authorities_fall_back(s->a, (uint8_t *)pem, (size_t)len, issuer,
	    256);
	BIO_free(s->crl);
	s->crl = NULL;
	return why == NULL ? "" : why;
}

#define OLDER "is older than the list in force of"
#define OVER "has expired already, unlike the list in force of"
#define LOST "holds no list any more of"

ATF_TC_WITHOUT_HEAD(falling_back);
ATF_TC_BODY(falling_back, tc)
{
	static const struct {
		long		 number, from, to, then, since, until;
		const char	*why;
	} table[] = {
		{ 5, -60, DAY, 6, -30, DAY, "" },
		{ 5, -60, DAY, 5, -60, DAY, "" },
		{ 5, -60, DAY, 4, -60, DAY, OLDER },
		{ 5, -60, DAY, 4, -30, DAY, OLDER },
		{ 255, -60, DAY, 256, -90, DAY, "" },
		{ 5, -60, DAY, 5, -61, DAY, OLDER },
		{ 5, -60, DAY, 5, -59, DAY, "" },
		{ -1, -60, DAY, -1, -61, DAY, OLDER },
		{ -1, -60, DAY, -1, -59, DAY, "" },
		{ -1, -60, DAY, 1, -61, DAY, OLDER },
		{ 5, -60, DAY, 6, -30, -10, OVER },
		{ 5, -60, -20, 6, -30, -10, "" },
	};
	struct entity *root, *other;
	struct scene s, old;
	char issuer[256];

	begin(&s);
	memset(&old, 0, sizeof old);
	root = make_ca("root", NULL);
	other = make_ca("other", NULL);
	trust(&s, root);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		publish_number(&old, root, table[i].number, table[i].from,
		    table[i].to);
		publish_number(&s, root, table[i].then, table[i].since,
		    table[i].until);
		ATF_CHECK_STREQ(table[i].why, fall_back(&s, &old, issuer));
		ATF_CHECK_STREQ("CN=root", issuer);
		BIO_free(old.crl);
		old.crl = NULL;
	}
	/* of several, the newest counts, wherever it stands */
	publish_number(&old, root, 5, -60, DAY);
	publish_number(&s, root, 6, -30, DAY);
	publish_number(&s, root, 4, -90, DAY);
	ATF_CHECK_STREQ("", fall_back(&s, &old, issuer));
	/* each CA is looked at; of one that is not trusted none is missed */
	publish_number(&old, other, 1, -60, DAY);
	publish_number(&s, root, 6, -30, DAY);
	ATF_CHECK_STREQ("", fall_back(&s, &old, issuer));
	trust(&s, other);
	publish_number(&s, root, 6, -30, DAY);
	ATF_CHECK_STREQ(LOST, fall_back(&s, &old, issuer));
	ATF_CHECK_STREQ("CN=other", issuer);
	BIO_free(old.crl);
	end(&s);
}

/* Is there one by which nobody of its CA could be judged yet? */
static bool
too_early(struct scene *s)
{
	const char *why;
	bool in_crl;

	authorities_free(s->a);
	s->a = read_scene(s, &why, &in_crl);
	ATF_REQUIRE_MSG(s->a != NULL, "%s", why);
	BIO_free(s->crl);
	s->crl = NULL;
	return authorities_too_early(s->a) != NULL;
}

ATF_TC_WITHOUT_HEAD(too_early_lists);
ATF_TC_BODY(too_early_lists, tc)
{
	struct entity *root, *other;
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	other = make_ca("other", NULL);
	trust(&s, root);
	trust(&s, other);
	publish_number(&s, root, 5, -60, DAY);
	ATF_CHECK(!too_early(&s));
	publish_number(&s, root, 5, 60, DAY);
	ATF_CHECK(too_early(&s));
	publish_number(&s, other, 5, -60, DAY);
	publish_number(&s, root, 5, 60, DAY);
	ATF_CHECK(too_early(&s));
	/* the next one beside the one of today: today's counts until then */
	publish_number(&s, root, 5, -60, DAY);
	publish_number(&s, root, 6, 60, DAY);
	ATF_CHECK(!too_early(&s));
	end(&s);
}

/* ---- in words ---------------------------------------------------------- */

/* Is it a value that stays within its quotes (log.h)? */
static bool
stays_quoted(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < ' ' || *s > '~' || *s == '"')
			return false;
		if (*s == '\\' && *++s == '\0')
			return false;
	}
	return true;
}

/* The longest names, and every way in which an escape could be cut. */
ATF_TC_WITHOUT_HEAD(hostile_words);
ATF_TC_BODY(hostile_words, tc)
{
	char san[700] = "DNS:";
	struct scene s;
	struct entity *root;

	begin(&s);
	root = make_ca("root", NULL);
	trust(&s, root);
	s.rules.pins = s.rules.allows = 1;
	strcpy(s.rules.allow[0], "cn:nobody");
	memset(san + 4, '"', 600);
	for (size_t n = 0; n < 4; n++) {
		char cn[65], words[JUDGE_TEXT];
		struct entity *leaf;

		memset(cn, '"', 64);
		cn[64 - n] = '\0';
		san[604 - n] = '\0';
		leaf = make(&(struct spec){ .name = cn, .by = root,
		    .san = san });
		EXPECT("pin-mismatch", &s, leaf);
		for (enum reason why = REASON_BAD_SIGNATURE;
		    why < REASON_ADDRESS_MISMATCH; why++) {
			if (!judge_tell(&s.j, s.a, &s.rules, leaf->cert, why,
			    words, sizeof words))
				continue;
			ATF_CHECK(words[0] != '\0');
			ATF_CHECK_MSG(stays_quoted(words), "%s", words);
			ATF_CHECK(strlen(words) < sizeof words - 1);
		}
	}
	end(&s);
}

/* What holds, what fails, and what was not asked for. */
ATF_TC_WITHOUT_HEAD(telling);
ATF_TC_BODY(telling, tc)
{
	struct entity *root, *inter, *leaf;
	char words[JUDGE_TEXT];
	struct scene s;

	begin(&s);
	root = make_ca("root", NULL);
	inter = make_ca("inter", root);
	leaf = make_client("leaf", inter);
	trust(&s, root);
	EXPECT("none", &s, leaf, inter);
	ATF_CHECK(!judge_tell(&s.j, s.a, &s.rules, leaf->cert, REASON_REVOKED,
	    words, sizeof words));
	ATF_CHECK(!judge_tell(&s.j, s.a, &s.rules, leaf->cert,
	    REASON_PIN_MISMATCH, words, sizeof words));
	ATF_CHECK(!judge_tell(&s.j, s.a, &s.rules, leaf->cert,
	    REASON_NOT_ALLOWED, words, sizeof words));
	ATF_REQUIRE(judge_tell(&s.j, s.a, &s.rules, leaf->cert,
	    REASON_CHAIN_TOO_LONG, words, sizeof words));
	ATF_CHECK_STREQ("2 above it, at most 4", words);
	s.rules.max_depth = 1;
	EXPECT("chain-too-long", &s, leaf, inter);
	ATF_REQUIRE(judge_tell(&s.j, s.a, &s.rules, leaf->cert,
	    REASON_CHAIN_TOO_LONG, words, sizeof words));
	ATF_CHECK_STREQ("more than max-depth = 1 CAs above it", words);
	s.rules.max_depth = 2;
	publish(&s, root, inter);
	publish(&s, inter, NULL);
	EXPECT("revoked", &s, leaf, inter);
	ATF_REQUIRE(judge_tell(&s.j, s.a, &s.rules, leaf->cert,
	    REASON_REVOKED, words, sizeof words));
	ATF_CHECK_MSG(strstr(words, "(CN=inter, 1 above it)") != NULL, "%s",
	    words);
	end(&s);
}

/* ---- files that are none ----------------------------------------------- */

static void
check_files(const char *ca, size_t ca_len, const char *crl, size_t crl_len,
    bool crl_at_fault, const char *words)
{
	struct authorities *a;
	const char *why = "";
	bool in_crl;

	a = authorities_read((const uint8_t *)ca, ca_len,
	    (const uint8_t *)crl, crl_len, &why, &in_crl);
	ATF_CHECK_MSG(a == NULL, "taken, for want of: %s", words);
	ATF_CHECK_MSG(strstr(why, words) != NULL, "%s, not %s", why, words);
	ATF_CHECK_EQ(crl_at_fault, in_crl);
	authorities_free(a);
}

ATF_TC_WITHOUT_HEAD(files);
ATF_TC_BODY(files, tc)
{
	struct scene s;
	struct entity *root;
	char *ca, *crl;
	size_t ca_len, crl_len;

	begin(&s);
	root = make_ca("root", NULL);
	trust(&s, root);
	publish(&s, root, NULL);
	ca_len = (size_t)BIO_get_mem_data(s.ca, &ca);
	crl_len = (size_t)BIO_get_mem_data(s.crl, &crl);
	check_files("", 0, NULL, 0, false, "certificate");
	check_files(crl, crl_len, NULL, 0, false, "certificate");
	check_files(ca, ca_len - 40, NULL, 0, false, "");
	check_files(ca, ca_len, "", 0, true, "holds no revocation list");
	check_files(ca, ca_len, ca, ca_len, true, "holds no revocation list");
	check_files(ca, ca_len, crl, crl_len - 40, true, "cut short");
	crl[60] ^= 1;
	check_files(ca, ca_len, crl, crl_len, true, "");
	end(&s);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, every_error_has_a_word);
	ATF_TP_ADD_TC(tp, unknown_error);
	ATF_TP_ADD_TC(tp, host_names);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, addresses);
	ATF_TP_ADD_TC(tp, plain_chain);
	ATF_TP_ADD_TC(tp, max_depth);
	ATF_TP_ADD_TC(tp, path_length);
	ATF_TP_ADD_TC(tp, partial_chain);
	ATF_TP_ADD_TC(tp, leaf_in_the_file);
	ATF_TP_ADD_TC(tp, issuers);
	ATF_TP_ADD_TC(tp, times);
	ATF_TP_ADD_TC(tp, signatures);
	ATF_TP_ADD_TC(tp, weak);
	ATF_TP_ADD_TC(tp, name_constraints);
	ATF_TP_ADD_TC(tp, usage);
	ATF_TP_ADD_TC(tp, revoked);
	ATF_TP_ADD_TC(tp, forged_list);
	ATF_TP_ADD_TC(tp, another_key);
	ATF_TP_ADD_TC(tp, odd_lists);
#ifndef LIBRESSL_VERSION_NUMBER
	ATF_TP_ADD_TC(tp, long_list);
#endif
	ATF_TP_ADD_TC(tp, last_good);
	ATF_TP_ADD_TC(tp, newest_list);
	ATF_TP_ADD_TC(tp, trusted_needs_no_list);
	ATF_TP_ADD_TC(tp, pins);
	ATF_TP_ADD_TC(tp, allow);
	ATF_TP_ADD_TC(tp, first_in_order);
	ATF_TP_ADD_TC(tp, hurry);
	ATF_TP_ADD_TC(tp, many_sent);
	ATF_TP_ADD_TC(tp, falling_back);
	ATF_TP_ADD_TC(tp, too_early_lists);
	ATF_TP_ADD_TC(tp, hostile_words);
	ATF_TP_ADD_TC(tp, telling);
	ATF_TP_ADD_TC(tp, files);
	return atf_no_error();
}
