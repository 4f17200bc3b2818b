#include <atf-c.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "privkey.h"

/* Room for any text that is made here. */
#define TEXT 16384

static EVP_PKEY *
make_key(int type)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
	EVP_PKEY *key = NULL;

	ATF_REQUIRE(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_keygen(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* In the form that names its algorithm, or as PKCS#8; encrypted or not. */
static void
write_key(char text[TEXT], EVP_PKEY *key, bool old, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = passphrase == NULL ? NULL :
	    EVP_aes_256_cbc();
	char *p;
	long n;

	ATF_REQUIRE_EQ(1, (old ? PEM_write_bio_PrivateKey_traditional :
	    PEM_write_bio_PrivateKey)(bio, key, cipher,
	    (const unsigned char *)passphrase,
	    passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL));
	n = BIO_get_mem_data(bio, &p);
	ATF_REQUIRE(n > 0 && n < TEXT);
	memcpy(text, p, (size_t)n);
	text[n] = '\0';
	BIO_free(bio);
}

static void
check_status(enum privkey_status want, const char *text, const char *passphrase)
{
	const char *why = NULL;
	EVP_PKEY *key = (EVP_PKEY *)(uintptr_t)-1;
	enum privkey_status got = privkey_parse((const uint8_t *)text,
	    strlen(text), passphrase, &key, &why);

	ATF_CHECK_EQ_MSG(want, got, "%d: %s", (int)got, why);
	ATF_CHECK((key != NULL) == (got == PRIVKEY_OK));
	ATF_CHECK(why != NULL && (*why != '\0') == (got != PRIVKEY_OK));
	EVP_PKEY_free(key);
}

static void
check_same(EVP_PKEY *a, EVP_PKEY *b)
{
	uint8_t *x = NULL, *y = NULL;
	int n = i2d_PUBKEY(a, &x), m = i2d_PUBKEY(b, &y);

	ATF_REQUIRE(n > 0);
	ATF_CHECK_EQ(n, m);
	ATF_CHECK_EQ(0, memcmp(x, y, (size_t)n));
	OPENSSL_free(x);
	OPENSSL_free(y);
}

ATF_TC_WITHOUT_HEAD(plain);
ATF_TC_BODY(plain, tc)
{
	EVP_PKEY *key = make_key(EVP_PKEY_ED25519), *got;
	char text[TEXT], with[TEXT + 512];
	const char *why;

	write_key(text, key, false, NULL);
	check_status(PRIVKEY_OK, text, NULL);
	check_status(PRIVKEY_OK, text, "not asked for");
	ATF_REQUIRE_EQ(PRIVKEY_OK, privkey_parse((const uint8_t *)text,
	    strlen(text), NULL, &got, &why));
	check_same(key, got);
	EVP_PKEY_free(got);
	/* among other things, as openssl ecparam -genkey writes it */
	snprintf(with, sizeof with, "-----BEGIN EC PARAMETERS-----\n"
	    "BggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n%s"
	    "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n", text);
	check_status(PRIVKEY_OK, with, NULL);
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(dos_line_ends);
ATF_TC_BODY(dos_line_ends, tc)
{
	EVP_PKEY *key = make_key(EVP_PKEY_ED25519);
	char text[TEXT], dos[2 * TEXT], *p = dos;

	write_key(text, key, false, NULL);
	for (const char *s = text; *s != '\0'; s++) {
		if (*s == '\n')
			*p++ = '\r';
		*p++ = *s;
	}
	*p = '\0';
	check_status(PRIVKEY_OK, dos, NULL);
	strcpy(p, text);	/* and one of the other form */
	check_status(PRIVKEY_TWO, dos, NULL);
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(none);
ATF_TC_BODY(none, tc)
{
	check_status(PRIVKEY_NONE, "", NULL);
	check_status(PRIVKEY_NONE, "\n", NULL);
	check_status(PRIVKEY_NONE, "-----BEGIN ", NULL);
	check_status(PRIVKEY_NONE, "PRIVATE KEY-----", NULL);
	check_status(PRIVKEY_NONE, "a -----BEGIN PRIVATE KEY-----\n", NULL);
	check_status(PRIVKEY_NONE, "-----BEGIN PUBLIC KEY-----\n", NULL);
	check_status(PRIVKEY_NONE, "-----BEGIN PRIVATE KEY----\n", NULL);
}

ATF_TC_WITHOUT_HEAD(damaged);
ATF_TC_BODY(damaged, tc)
{
	EVP_PKEY *key = make_key(EVP_PKEY_ED25519);
	char text[TEXT], cut[TEXT];

	check_status(PRIVKEY_DAMAGED, "-----BEGIN PRIVATE KEY-----", NULL);
	check_status(PRIVKEY_DAMAGED, "-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n", NULL);
	write_key(text, key, false, NULL);
	for (size_t n = 28; n < strlen(text) - 2; n++) {
		memcpy(cut, text, n);
		cut[n] = '\0';
		check_status(PRIVKEY_DAMAGED, cut, "passphrase");
	}
	EVP_PKEY_free(key);
}

ATF_TC_WITHOUT_HEAD(two);
ATF_TC_BODY(two, tc)
{
	EVP_PKEY *a = make_key(EVP_PKEY_ED25519);
	char text[TEXT], both[2 * TEXT];

	write_key(text, a, false, NULL);
	snprintf(both, sizeof both, "%s%s", text, text);
	check_status(PRIVKEY_TWO, both, NULL);
	EVP_PKEY_free(a);
}

ATF_TC_WITHOUT_HEAD(passphrase);
ATF_TC_BODY(passphrase, tc)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	EVP_PKEY *key = NULL;
	char text[TEXT], more[2048];

	ATF_REQUIRE(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_keygen(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	memset(more, 'x', sizeof more);
	more[sizeof more - 1] = '\0';
	for (int old = 0; old < 2; old++) {
		write_key(text, key, old, "right");
		check_status(PRIVKEY_ENCRYPTED, text, NULL);
		check_status(PRIVKEY_WRONG_PASSPHRASE, text, "wrong");
		check_status(PRIVKEY_WRONG_PASSPHRASE, text, "");
		check_status(PRIVKEY_WRONG_PASSPHRASE, text, more);
		check_status(PRIVKEY_OK, text, "right");
	}
	EVP_PKEY_free(key);
}

/* The word ENCRYPTED beside a key says nothing about the key. */
ATF_TC_WITHOUT_HEAD(the_word_alone);
ATF_TC_BODY(the_word_alone, tc)
{
	EVP_PKEY *key = make_key(EVP_PKEY_ED25519);
	char text[TEXT], with[TEXT + 64];

	write_key(text, key, false, NULL);
	snprintf(with, sizeof with, "this is not ENCRYPTED\n%s", text);
	check_status(PRIVKEY_OK, with, NULL);
	check_status(PRIVKEY_NONE, "ENCRYPTED\n", NULL);
	EVP_PKEY_free(key);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, plain);
	ATF_TP_ADD_TC(tp, dos_line_ends);
	ATF_TP_ADD_TC(tp, none);
	ATF_TP_ADD_TC(tp, damaged);
	ATF_TP_ADD_TC(tp, two);
	ATF_TP_ADD_TC(tp, passphrase);
	ATF_TP_ADD_TC(tp, the_word_alone);
	return atf_no_error();
}
