#include <atf-c.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
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

/* ---- certificates -------------------------------------------------------------- */

static X509 *
make_certificate(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	X509_NAME *name = name_of(MBSTRING_ASC, "test", -1);
	EVP_PKEY *key = NULL;
	X509 *cert = X509_new();

	ATF_REQUIRE(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_keygen(ctx, &key) == 1);
	X509_set_subject_name(cert, name);
	X509_set_issuer_name(cert, name);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	ATF_REQUIRE(X509_sign(cert, key, NULL) > 0);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, plain_name);
	ATF_TP_ADD_TC(tp, hostile_names);
	ATF_TP_ADD_TC(tp, nul_in_name);
	ATF_TP_ADD_TC(tp, long_name);
	ATF_TP_ADD_TC(tp, empty_name);
	ATF_TP_ADD_TC(tp, pem);
	ATF_TP_ADD_TC(tp, damaged_pem);
	ATF_TP_ADD_TC(tp, hashes);
	ATF_TP_ADD_TC(tp, times);
	return atf_no_error();
}
