#include <atf-c.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509text.h"

static X509_NAME *
name_of(int type, const void *bytes, int len)
{
	X509_NAME *name = X509_NAME_new();

	ATF_REQUIRE(name != NULL);
	ATF_REQUIRE_EQ(1, X509_NAME_add_entry_by_NID(name, NID_commonName,
	    type, bytes, len, -1, 0));
	return name;
}

static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

ATF_TC_WITHOUT_HEAD(plain_name);
ATF_TC_BODY(plain_name, tc)
{
	X509_NAME *name = name_of(MBSTRING_ASC, "client 1", -1);
	char text[X509_NAME_TEXT];

	ATF_REQUIRE_EQ(1, X509_NAME_add_entry_by_NID(name,
	    NID_organizationName, MBSTRING_ASC,
	    (const unsigned char *)"Postern", -1, -1, 0));
	x509_name_text(name, text, sizeof text);
	ATF_CHECK_STREQ("O=Postern,CN=client 1", text);
	x509_name_field(name, NID_organizationName, text, sizeof text);
	ATF_CHECK_STREQ("Postern", text);
	x509_name_field(name, NID_countryName, text, sizeof text);
	ATF_CHECK_STREQ("", text);
	X509_NAME_free(name);
}

/*
 * What an attacker puts into a name must neither end the line, nor be cut at
 * a NUL (so that "good\0.evil" shows as "good"), nor reach a terminal.
 */
ATF_TC_WITHOUT_HEAD(hostile_names);
ATF_TC_BODY(hostile_names, tc)
{
	static const char *const hostile[] = { "a\nevent=open", "a\r\n",
	    "\033[2Ja", "a\"b", "a,CN=b", "a\\", "\x7f", "\xc3\xa9", "\xff",
	    "\x80\x9b" };
	static const int types[] = { V_ASN1_UTF8STRING, V_ASN1_T61STRING,
	    V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING };
	char text[X509_NAME_TEXT], field[X509_NAME_TEXT];

	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
			X509_NAME *name = name_of(types[t], hostile[i],
			    (int)strlen(hostile[i]));

			x509_name_text(name, text, sizeof text);
			x509_name_field(name, NID_commonName, field,
			    sizeof field);
			ATF_CHECK_MSG(printable(text), "name %zu: %s", i, text);
			ATF_CHECK_MSG(printable(field), "name %zu", i);
			ATF_CHECK(strlen(field) >= strlen(hostile[i]));
			X509_NAME_free(name);
		}
	}
}

ATF_TC_WITHOUT_HEAD(nul_in_name);
ATF_TC_BODY(nul_in_name, tc)
{
	X509_NAME *name = name_of(V_ASN1_UTF8STRING, "good\0.evil", 10);
	char text[X509_NAME_TEXT];

	x509_name_text(name, text, sizeof text);
	ATF_CHECK_MSG(strstr(text, "evil") != NULL, "%s", text);
	ATF_CHECK(strcmp(text, "CN=good.evil") != 0);
	x509_name_field(name, NID_commonName, text, sizeof text);
	ATF_CHECK_STREQ("good\\x00.evil", text);
	X509_NAME_free(name);
}

/* Every length at which it may be cut, and the longest that comes. */
ATF_TC_WITHOUT_HEAD(long_name);
ATF_TC_BODY(long_name, tc)
{
	unsigned char bytes[255];
	char text[2 * X509_NAME_TEXT];
	X509_NAME *name;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i + 1);
	name = X509_NAME_new();
	ATF_REQUIRE(name != NULL);
	/* beyond the 64 that the type's bound allows: as a forger would */
	for (int i = 0; i < 8; i++)
		ATF_REQUIRE_EQ(1, X509_NAME_add_entry_by_NID(name,
		    NID_userId, V_ASN1_T61STRING, bytes,
		    sizeof bytes, -1, 0));
	for (size_t size = 1; size < sizeof text; size++) {
		memset(text, 'Z', sizeof text);
		x509_name_text(name, text, size);
		ATF_REQUIRE(strlen(text) < size);
		ATF_REQUIRE(printable(text));
		ATF_REQUIRE_EQ('Z', text[size]);
	}
	X509_NAME_free(name);
}

ATF_TC_WITHOUT_HEAD(empty_name);
ATF_TC_BODY(empty_name, tc)
{
	X509_NAME *name = X509_NAME_new();
	char text[8] = "ZZZ";

	x509_name_text(name, text, sizeof text);
	ATF_CHECK_STREQ("", text);
	X509_NAME_free(name);
}

/* ---- certificates ------------------------------------------------------- */

/* `bits`: an RSA key's; `curve`: an EC key's; neither: Ed25519. */
static EVP_PKEY *
make_key(int bits, int curve)
{
	int type = bits != 0 ? EVP_PKEY_RSA : curve != 0 ? EVP_PKEY_EC :
	    EVP_PKEY_ED25519;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
	EVP_PKEY *key = NULL;

	ATF_REQUIRE(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
	if (bits != 0)
		ATF_REQUIRE(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits) > 0);
	if (curve != 0)
		ATF_REQUIRE(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
		    curve) > 0 && EVP_PKEY_CTX_set_ec_param_enc(ctx,
		    OPENSSL_EC_NAMED_CURVE) > 0);
	ATF_REQUIRE_EQ(1, EVP_PKEY_keygen(ctx, &key));
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static X509 *
make_certificate(void)
{
	X509_NAME *name = name_of(MBSTRING_ASC, "test", -1);
	EVP_PKEY *key = make_key(0, 0);
	X509 *cert = X509_new();

	X509_set_subject_name(cert, name);
	X509_set_issuer_name(cert, name);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	ATF_REQUIRE(X509_sign(cert, key, NULL) > 0);
	EVP_PKEY_free(key);
	X509_NAME_free(name);
	return cert;
}

/* `count` certificates as PEM; returns its length. */
static size_t
make_pem(char *dst, size_t size, int count)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	for (int i = 0; i < count; i++) {
		X509 *cert = make_certificate();

		ATF_REQUIRE_EQ(1, PEM_write_bio_X509(bio, cert));
		X509_free(cert);
	}
	n = BIO_get_mem_data(bio, &text);
	ATF_REQUIRE(n > 0 && (size_t)n < size);
	memcpy(dst, text, (size_t)n);
	dst[n] = '\0';
	BIO_free(bio);
	return (size_t)n;
}

/* How many certificates are read; -1 if the text is refused. */
static int
count_in(const char *pem, size_t len)
{
	const char *why = NULL;
	STACK_OF(X509) *all = x509_read_pem((const uint8_t *)pem, len, &why);
	int n = all == NULL ? -1 : sk_X509_num(all);

	if (all == NULL)
		ATF_CHECK(why != NULL && strlen(why) > 0);
	sk_X509_pop_free(all, X509_free);
	return n;
}

ATF_TC_WITHOUT_HEAD(pem);
ATF_TC_BODY(pem, tc)
{
	static const char other[] = "-----BEGIN X509 CRL-----\nAAAA\n"
	    "-----END X509 CRL-----\n";
	char text[8192];
	size_t len = make_pem(text, sizeof text, 3);

	ATF_CHECK_EQ(3, count_in(text, len));
	memmove(text + sizeof other - 1, text, len);
	memcpy(text, other, sizeof other - 1);
	ATF_CHECK_EQ(3, count_in(text, len + sizeof other - 1));
	ATF_CHECK_EQ(-1, count_in(other, sizeof other - 1));
	ATF_CHECK_EQ(-1, count_in("", 0));
	ATF_CHECK_EQ(-1, count_in("no certificate\n", 15));
}

/* A file that is damaged anywhere is refused, not read in part. */
ATF_TC_WITHOUT_HEAD(damaged_pem);
ATF_TC_BODY(damaged_pem, tc)
{
	char text[8192], broken[8192];
	size_t len = make_pem(text, sizeof text, 2), one = len / 2;

	/* cut inside the second */
	for (size_t cut = one + 30; cut + 2 < len; cut += 7)
		ATF_CHECK_EQ_MSG(-1, count_in(text, cut), "cut at %zu of %zu",
		    cut, len);
	/* a byte that is not base64 */
	memcpy(broken, text, len);
	broken[one + 60] = '!';
	ATF_CHECK_EQ(-1, count_in(broken, len));
	/* base64 that is not a certificate */
	memcpy(broken, text, len);
	broken[one + 30] = broken[one + 30] == 'A' ? 'B' : 'A';
	ATF_CHECK_EQ(-1, count_in(broken, len));
}

ATF_TC_WITHOUT_HEAD(der);
ATF_TC_BODY(der, tc)
{
	X509 *cert = make_certificate();
	const char *why = NULL;
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	ATF_REQUIRE(len > 0);
	ATF_CHECK(x509_read_pem(der, (size_t)len, &why) == NULL);
	ATF_CHECK(strncmp(why, "is in DER form", 14) == 0);
	OPENSSL_free(der);
	X509_free(cert);
}

/* ---- serials, names, usages, keys --------------------------------------- */

ATF_TC_WITHOUT_HEAD(serials);
ATF_TC_BODY(serials, tc)
{
	static const struct {
		const char *hex, *text, *cut;
	} cases[] = { { "0", "00", "00" }, { "A", "0a", "0a" },
	    { "-0A", "-0a", "-0a" }, { "80", "80", "80" },
	    { "0123456789abCDEF", "0123456789abcdef", "0123..." } };
	char text[64], cut[8];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		X509 *cert = make_certificate();
		BIGNUM *bn = NULL;

		ATF_REQUIRE(BN_hex2bn(&bn, cases[i].hex) > 0);
		ATF_REQUIRE(BN_to_ASN1_INTEGER(bn,
		    X509_get_serialNumber(cert)) != NULL);
		x509_serial_text(cert, text, sizeof text);
		ATF_CHECK_STREQ(cases[i].text, text);
		x509_serial_text(cert, cut, sizeof cut);
		ATF_CHECK_STREQ(cases[i].cut, cut);
		BN_free(bn);
		X509_free(cert);
	}
}

static void
add_raw(X509 *cert, int nid, const void *der, size_t len)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	ATF_REQUIRE(value != NULL &&
	    ASN1_OCTET_STRING_set(value, der, (int)len) == 1);
	ext = X509_EXTENSION_create_by_NID(NULL, nid, 0, value);
	ATF_REQUIRE(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
}

static void
has_names(const char *der, size_t len, const char *want)
{
	X509 *cert = make_certificate();
	char text[256];

	add_raw(cert, NID_subject_alt_name, der, len);
	x509_names_text(cert, text, sizeof text);
	ATF_CHECK_STREQ(want, text);
	X509_free(cert);
}

#define HAS_NAMES(der, want) has_names(der, sizeof(der) - 1, want)

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	X509 *none = make_certificate();
	char text[8] = "ZZZ";

	x509_names_text(none, text, sizeof text);
	ATF_CHECK_STREQ("", text);
	X509_free(none);
	HAS_NAMES("\x30\x00", "");
	HAS_NAMES("\x30\x25\x82\x01" "a" "\x87\x04\xc0\x00\x02\x01"
	    "\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
	    "\x86\x03" "x:y" "\x81\x03" "a@b",
	    "DNS:a,IP:192.0.2.1,IP:2001:db8::1,URI:x:y,email:a@b");
	/* what a name may not do: end, split, or leave the line */
	HAS_NAMES("\x30\x0c\x82\x0agood\0.evil", "DNS:good\\x00.evil");
	HAS_NAMES("\x30\x09\x82\x07" "a,DNS:b", "DNS:a\\x2cDNS:b");
	HAS_NAMES("\x30\x06\x82\x04" "a\n\033\"", "DNS:a\\x0a\\x1b\\\"");
	HAS_NAMES("\x30\x05\x87\x03" "abc", "IP:abc");
	HAS_NAMES("\x30\x12\xa4\x10\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55"
	    "\x04\x03\x0c\x03" "a,b", "dirname:CN=a\\\\\\x2cb");
	HAS_NAMES("\x30\x05\x88\x03" "\x2a\x03\x04", "RID:*\\x03\\x04");
}

ATF_TC_WITHOUT_HEAD(malformed_names);
ATF_TC_BODY(malformed_names, tc)
{
	X509 *cert;
	char text[64];

	HAS_NAMES("", "malformed");
	HAS_NAMES("a", "malformed");
	HAS_NAMES("\x31\x03\x82\x01" "a", "malformed");
	HAS_NAMES("\x30\x03\x82\x01" "a" "b", "malformed");
	HAS_NAMES("\x30\x04\x82\x01" "a", "malformed");
	HAS_NAMES("\x30\x80\x82\x01" "a\0\0", "malformed");
	HAS_NAMES("\x30\x05\x82\x01" "a" "\x82\x01", "DNS:a,malformed");
	HAS_NAMES("\x30\x06\x82\x01" "a" "\x89\x01" "b", "DNS:a,malformed");
	HAS_NAMES("\x30\x06\x82\x01" "a" "\x02\x01" "b", "DNS:a,malformed");
	HAS_NAMES("\x30\x03\xbf\xff\xff", "malformed");
	/* two extensions of the kind */
	cert = make_certificate();
	add_raw(cert, NID_subject_alt_name, "\x30\x03\x82\x01" "a", 5);
	add_raw(cert, NID_subject_alt_name, "\x30\x03\x82\x01" "b", 5);
	x509_names_text(cert, text, sizeof text);
	ATF_CHECK_STREQ("malformed", text);
	X509_free(cert);
}

/* n names "DNS:NNNNN", as DER, malloc'ed. */
static uint8_t *
numbered_names(int n, size_t *len)
{
	size_t inner = (size_t)n * 7;
	uint8_t *der = malloc(inner + 16), *p = der;

	ATF_REQUIRE(der != NULL);
	*p++ = 0x30;
	*p++ = 0x83;
	*p++ = (uint8_t)(inner >> 16);
	*p++ = (uint8_t)(inner >> 8);
	*p++ = (uint8_t)inner;
	for (int i = 0; i < n; i++, p += 7) {
		char name[12];

		snprintf(name, sizeof name, "%05d", i);
		p[0] = 0x82;
		p[1] = 5;
		memcpy(p + 2, name, 5);
	}
	*len = (size_t)(p - der);
	return der;
}

static bool
count_name(const char *name, void *arg)
{
	int *n = arg;
	char want[16];

	snprintf(want, sizeof want, "DNS:%05d", *n);
	ATF_CHECK_STREQ(want, name);
	return ++*n != 9000;
}

ATF_TC_WITHOUT_HEAD(many_names);
ATF_TC_BODY(many_names, tc)
{
	X509 *cert = make_certificate();
	char text[512];
	size_t len;
	uint8_t *der = numbered_names(10000, &len);
	int n = 0;

	add_raw(cert, NID_subject_alt_name, der, len);
	for (size_t size = 1; size < sizeof text; size++) {
		memset(text, 'Z', sizeof text);
		x509_names_text(cert, text, size);
		ATF_REQUIRE(strlen(text) < size);
		ATF_REQUIRE_EQ('Z', text[size]);
		ATF_REQUIRE(size < 4 ||
		    strcmp(text + strlen(text) - 3, "...") == 0);
		ATF_REQUIRE(size < 4 || strlen(text) >= size - 4);
	}
	ATF_CHECK(strncmp("DNS:00000,DNS:00001,", text, 20) == 0);
	ATF_CHECK(x509_each_name(cert, count_name, &n));
	ATF_CHECK_EQ(9000, n);
	free(der);
	X509_free(cert);
}

static bool
same_name(const char *name, void *arg)
{
	const char *want = arg;

	ATF_CHECK_STREQ(want, name);
	return true;
}

ATF_TC_WITHOUT_HEAD(each_name);
ATF_TC_BODY(each_name, tc)
{
	char want[] = "URI:a,\\x00b", other[] = "DNS:a";
	X509 *cert = make_certificate(), *bad = make_certificate();

	add_raw(cert, NID_subject_alt_name, "\x30\x06\x86\x04" "a,\0b", 8);
	ATF_CHECK(x509_each_name(cert, same_name, want));
	add_raw(bad, NID_subject_alt_name, "\x30\x05\x82\x01" "a\x82\x01", 7);
	ATF_CHECK(!x509_each_name(bad, same_name, other));
	X509_free(cert);
	X509_free(bad);
}

static void
has_usages(const char *der, size_t len, const char *want, bool client)
{
	X509 *cert = make_certificate();
	char text[64];

	add_raw(cert, NID_ext_key_usage, der, len);
	x509_usages_text(cert, text, sizeof text);
	ATF_CHECK_STREQ(want, text);
	ATF_CHECK_EQ(client, x509_has_usage(cert, NID_client_auth));
	X509_free(cert);
}

#define AUTH(last)	"\x06\x08\x2b\x06\x01\x05\x05\x07\x03" last

ATF_TC_WITHOUT_HEAD(usages);
ATF_TC_BODY(usages, tc)
{
	X509 *none = make_certificate();
	char text[8] = "ZZZ";

	x509_usages_text(none, text, sizeof text);
	ATF_CHECK_STREQ("", text);
	ATF_CHECK(!x509_has_usage(none, NID_client_auth));
	X509_free(none);
	has_usages("\x30\x14" AUTH("\1") AUTH("\2"), 22,
	    "serverAuth,clientAuth", true);
	has_usages("\x30\x0a" AUTH("\1"), 12, "serverAuth", false);
	/* anyExtendedKeyUsage is not clientAuth */
	has_usages("\x30\x06\x06\x04\x55\x1d\x25\x00", 8,
	    "anyExtendedKeyUsage", false);
	has_usages("\x30\x04\x06\x02\x2a\x03", 6, "1.2.3", false);
	has_usages("\x30\x04\x06\x09\x2a\x03", 6, "malformed", false);
	has_usages("", 0, "malformed", false);
}

static void
has_key(int bits, int curve, const char *want)
{
	EVP_PKEY *key = make_key(bits, curve);
	X509 *cert = X509_new();
	char text[32];

	ATF_REQUIRE_EQ(1, X509_set_pubkey(cert, key));
	x509_key_text(cert, text, sizeof text);
	ATF_CHECK_STREQ(want, text);
	X509_free(cert);
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(keys);
ATF_TC_BODY(keys, tc)
{
	X509 *none = X509_new();
	char text[32];

	has_key(0, NID_X9_62_prime256v1, "EC P-256");
	has_key(0, NID_secp384r1, "EC P-384");
	has_key(1024, 0, "RSA 1024");
	has_key(0, 0, "Ed25519");
	x509_key_text(none, text, sizeof text);
	ATF_CHECK(strlen(text) > 0);
	X509_free(none);
}

ATF_TC_WITHOUT_HEAD(hashes);
ATF_TC_BODY(hashes, tc)
{
	X509 *cert = make_certificate(), *other = make_certificate();
	uint8_t a[32], b[32], spki[32], want[32], *der = NULL;
	unsigned int n = 32;
	int len = i2d_X509(cert, &der);

	ATF_REQUIRE(len > 0);
	EVP_Digest(der, (size_t)len, want, &n, EVP_sha256(), NULL);
	ATF_REQUIRE(x509_sha256(cert, a) && x509_sha256(other, b));
	ATF_CHECK_EQ(0, memcmp(a, want, 32));
	ATF_CHECK(memcmp(a, b, 32) != 0);
	ATF_REQUIRE(x509_spki_sha256(cert, spki));
	ATF_CHECK(memcmp(a, spki, 32) != 0);
	OPENSSL_free(der);
	X509_free(cert);
	X509_free(other);
}

ATF_TC_WITHOUT_HEAD(times);
ATF_TC_BODY(times, tc)
{
	ASN1_TIME *t = ASN1_TIME_new();
	char text[24];

	ATF_REQUIRE_EQ(1, ASN1_TIME_set_string(t, "20991231235959Z"));
	x509_time_text(t, text);
	ATF_CHECK_STREQ("2099-12-31T23:59:59Z", text);
	ATF_REQUIRE_EQ(1, ASN1_TIME_set_string(t, "700101000000Z"));
	x509_time_text(t, text);
	ATF_CHECK_STREQ("1970-01-01T00:00:00Z", text);
	ATF_REQUIRE_EQ(1, ASN1_STRING_set(t, "nonsense", 8));
	x509_time_text(t, text);
	ATF_CHECK_STREQ("?", text);
	x509_time_text(NULL, text);
	ATF_CHECK_STREQ("?", text);
	ASN1_TIME_free(t);
}

ATF_TC_WITHOUT_HEAD(whole_pem);
ATF_TC_BODY(whole_pem, tc)
{
	static const struct {
		const char	*text;
		bool		 whole;
	} cases[] = {
		{ "", true },
		{ "no block at all\n", true },
		{ "-----BEGIN A-----\nx\n-----END A-----\n", true },
		{ "-----BEGIN A-----\r\nx\r\n-----END A-----\r\n", true },
		{ "---\n-----BEGIN A-----  \nx\n-----END A-----", true },
		{ "-----BEGIN A-----\nx\n-----END A-----\n---\nwords\n", true },
		{ "-----BEGIN A-----\nx\n", false },
		{ "-----BEGIN A-----\nx\n-----END B-----\n", false },
		{ "-----BEGIN A-----\nx\n-----END A----", false },
		{ "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n",
		    false },
		{ "----BEGIN A-----\nx\n-----END A-----\n", false },
		{ "-----BEGIN A-----\nx\n-----END A-----\n-----BEG", false },
		{ "-----BEGIN A-----\nx\n-----END A-----\n----", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ATF_CHECK_EQ_MSG(cases[i].whole, x509_pem_is_whole(
		    (const uint8_t *)cases[i].text, strlen(cases[i].text)),
		    "%s", cases[i].text);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whole_pem);
	ATF_TP_ADD_TC(tp, plain_name);
	ATF_TP_ADD_TC(tp, hostile_names);
	ATF_TP_ADD_TC(tp, nul_in_name);
	ATF_TP_ADD_TC(tp, long_name);
	ATF_TP_ADD_TC(tp, empty_name);
	ATF_TP_ADD_TC(tp, pem);
	ATF_TP_ADD_TC(tp, damaged_pem);
	ATF_TP_ADD_TC(tp, der);
	ATF_TP_ADD_TC(tp, serials);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, malformed_names);
	ATF_TP_ADD_TC(tp, many_names);
	ATF_TP_ADD_TC(tp, each_name);
	ATF_TP_ADD_TC(tp, usages);
	ATF_TP_ADD_TC(tp, keys);
	ATF_TP_ADD_TC(tp, hashes);
	ATF_TP_ADD_TC(tp, times);
	return atf_no_error();
}
