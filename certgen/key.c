#include "key.h"

#include <err.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "crypto.h"
#include "file.h"

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

/* Asked only for a key under a passphrase: give none, remember the question. */
static int
no_passphrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *
parse_key(const char *path, const uint8_t *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	bool asked = false;
	EVP_PKEY *key;

	if (bio == NULL)
		crypto_fatal(path);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	BIO_free(bio);
	if (key != NULL)
		return key;
	if (asked)
		errx(EX_DATAERR, "%s: the key is under a passphrase; take that "
		    "off with \"openssl pkey -in FILE -out NEWFILE\"", path);
	if (strstr((const char *)pem, "PRIVATE KEY-----") == NULL)
		errx(EX_DATAERR, "%s: holds no private key in PEM form "
		    "(-----BEGIN PRIVATE KEY-----)", path);
	errx(EX_DATAERR, "%s: the private key is damaged, or of a kind that "
	    "is not known here", path);
}

EVP_PKEY *
key_read(const char *path)
{
	/* Not to wait for a FIFO's other end: it is refused below. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	const char *why;
	EVP_PKEY *key;
	uint8_t *pem;
	size_t len;

	if (fd == -1 || fstat(fd, &st) == -1)
		err(EX_NOINPUT, "%s", path);
	if (!file_read(fd, &pem, &len, &why))
		errx(EX_DATAERR, "%s: %s", path, why);
	close(fd);
	key = parse_key(path, pem, len);
	file_wipe(pem, len);
	if ((st.st_mode & S_IRWXO) != 0)
		errx(EX_NOPERM, "%s: others may read this key or write it; "
		    "\"chmod o= FILE\", or a new key if they did", path);
	return key;
}

uint8_t *
key_pem(EVP_PKEY *key, size_t *len)
{
	static const char what[] = "cannot write the key as PKCS#8";
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	    0, NULL, NULL) != 1)
		crypto_fatal(what);
	return crypto_text(bio, len, what);
}

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
