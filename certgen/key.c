#include "key.h"

#include <err.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "crypto.h"
#include "file.h"
#include "input.h"
#include "passphrase.h"
#include "privkey.h"

#define ITERATIONS	600000
#define RSA_BITS_MAX	8192	/* a larger one only costs its verifiers time */

static const struct algorithm {
	const char	*name;
	int		 type;		/* EVP_PKEY_* */
	int		 curve;		/* of EC keys: NID_* */
	int		 bits;		/* of RSA keys */
} algorithms[] = {
	[KEY_P256]    = { "p256", EVP_PKEY_EC, NID_X9_62_prime256v1, 0 },
	[KEY_P384]    = { "p384", EVP_PKEY_EC, NID_secp384r1, 0 },
	[KEY_ED25519] = { "ed25519", EVP_PKEY_ED25519, 0, 0 },
	[KEY_RSA3072] = { "rsa3072", EVP_PKEY_RSA, 0, 3072 },
};

#define ALGORITHMS (sizeof algorithms / sizeof algorithms[0])

bool
key_algorithm_parse(const char *s, enum key_algorithm *a)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (strcmp(s, algorithms[i].name) == 0) {
			*a = (enum key_algorithm)i;
			return true;
		}
	return false;
}

const char *
key_algorithm_text(enum key_algorithm a)
{
	return algorithms[a].name;
}

static bool
set_parameters(EVP_PKEY_CTX *ctx, const struct algorithm *a)
{
	if (a->type == EVP_PKEY_EC)	/* by name: verifiers take no others */
		return EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
		    a->curve) > 0 && EVP_PKEY_CTX_set_ec_param_enc(ctx,
		    OPENSSL_EC_NAMED_CURVE) > 0;
	if (a->type == EVP_PKEY_RSA)
		return EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, a->bits) > 0;
	return true;
}

EVP_PKEY *
key_make(enum key_algorithm which)
{
	const struct algorithm *a = &algorithms[which];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(a->type, NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    !set_parameters(ctx, a) || EVP_PKEY_keygen(ctx, &key) != 1)
		crypto_fatal("cannot make a key");
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* ---- read --------------------------------------------------------------- */

static EVP_PKEY *
parse_key(const char *path, const uint8_t *pem, size_t len,
    const char *passphrase_file)
{
	enum privkey_status status;
	char *passphrase;
	const char *why;
	EVP_PKEY *key;

	status = privkey_parse(pem, len, NULL, &key, &why);
	if (status == PRIVKEY_ENCRYPTED) {
		passphrase = passphrase_for(path, passphrase_file);
		status = privkey_parse(pem, len, passphrase, &key, &why);
		passphrase_free(passphrase);
	}
	if (status != PRIVKEY_OK)
		errx(EX_DATAERR, "%s: %s", path, why);
	return key;
}

EVP_PKEY *
key_read(const char *path, const char *passphrase_file)
{
	struct stat st;
	EVP_PKEY *key;
	uint8_t *pem;
	size_t len;

	read_input(path, &pem, &len, &st);
	key = parse_key(path, pem, len, passphrase_file);
	file_wipe(pem, len);
	if ((st.st_mode & S_IRWXO) != 0)
		errx(EX_NOPERM, "%s: others may read this key or write it; "
		    "\"chmod o= FILE\", or a new key if they did", path);
	return key;
}

/* ---- written ------------------------------------------------------------ */

/* PBKDF2 with HMAC-SHA256 (OWASP's number), and AES-256 under that. */
static int
write_encrypted(BIO *bio, const PKCS8_PRIV_KEY_INFO *plain,
    const char *passphrase)
{
	X509_SIG *sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase,
	    (int)strlen(passphrase), NULL, 0, ITERATIONS,
	    (PKCS8_PRIV_KEY_INFO *)(uintptr_t)plain);
	int ok = sealed == NULL ? 0 : PEM_write_bio_PKCS8(bio, sealed);

	X509_SIG_free(sealed);
	return ok;
}

uint8_t *
key_pem(EVP_PKEY *key, const char *passphrase, size_t *len)
{
	static const char what[] = "cannot write the key as PKCS#8";
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL || plain == NULL || (passphrase != NULL ?
	    write_encrypted(bio, plain, passphrase) :
	    PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, plain)) != 1)
		crypto_fatal(what);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return crypto_text(bio, len, what);
}

/* ---- strength ----------------------------------------------------------- */

bool
key_digest(const EVP_PKEY *key, const EVP_MD **md)
{
	int bits = EVP_PKEY_bits(key);

	switch (EVP_PKEY_base_id(key)) {
	case EVP_PKEY_ED25519:
		*md = NULL;
		return true;
	case EVP_PKEY_EC:
		*md = bits > 384 ? EVP_sha512() : bits > 256 ? EVP_sha384() :
		    EVP_sha256();
		return bits >= 256;
	case EVP_PKEY_RSA:
		*md = EVP_sha256();
		return bits >= 2048;
	default:
		return false;
	}
}

/* Is its public half a point of its curve, and so on? */
#ifdef LIBRESSL_VERSION_NUMBER
static bool
checks_out(EVP_PKEY *key)
{
	EC_KEY *ec = EVP_PKEY_base_id(key) == EVP_PKEY_EC ?
	    EVP_PKEY_get0_EC_KEY(key) : NULL;

	/* What there is to an RSA key's was looked at when it was decoded. */
	return EVP_PKEY_base_id(key) == EVP_PKEY_RSA ||
	    (ec != NULL && EC_KEY_check_key(ec) == 1);
}
#else
static bool
checks_out(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}
#endif

bool
key_is_sound(EVP_PKEY *key)
{
	const EVP_MD *md;
	bool ok;

	if (!key_digest(key, &md) || EVP_PKEY_bits(key) > RSA_BITS_MAX)
		return false;
	if (EVP_PKEY_base_id(key) == EVP_PKEY_ED25519)
		return true;	/* any 32 bytes are one */
	ok = checks_out(key);
	ERR_clear_error();
	return ok;
}
