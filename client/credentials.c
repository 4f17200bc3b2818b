#include "credentials.h"

#include <err.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"
#include "privkey.h"
#include "x509text.h"

uint8_t *
credentials_read(const char *path, size_t *len)
{
	/* O_NONBLOCK: a FIFO in its place must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why;
	uint8_t *data;

	if (fd == -1)
		err(EX_NOINPUT, "%s", path);
	if (!file_read(fd, &data, len, &why))
		errx(EX_NOINPUT, "%s: %s", path, why);
	close(fd);
	return data;
}

static EVP_PKEY *
parse_key(const char *path, const uint8_t *pem, size_t len)
{
	const char *why;
	EVP_PKEY *key;

	switch (privkey_parse(pem, len, NULL, &key, &why)) {
	case PRIVKEY_OK:
		return key;
	case PRIVKEY_ENCRYPTED:
		errx(EX_NOINPUT, "%s: is encrypted, and postern asks for no "
		    "passphrase: decrypt it with openssl pkey", path);
	default:
		errx(EX_NOINPUT, "%s: %s", path, why);
	}
}

/*
 * libtls would find all this out as well, but only say it in a library's
 * words, without the file's name.
 */
static void
check_pair(const char *cert_file, const uint8_t *cert, size_t cert_len,
    const char *key_file, const uint8_t *key, size_t key_len)
{
	const char *why;
	STACK_OF(X509) *chain = x509_read_pem(cert, cert_len, &why);
	EVP_PKEY *pkey;

	if (chain == NULL)
		errx(EX_NOINPUT, "%s: %s", cert_file, why);
	pkey = parse_key(key_file, key, key_len);
	if (X509_check_private_key(sk_X509_value(chain, 0), pkey) != 1)
		errx(EX_NOINPUT, "%s: is not the private key of the (first) "
		    "certificate in %s", key_file, cert_file);
	ERR_clear_error();
	EVP_PKEY_free(pkey);
	sk_X509_pop_free(chain, X509_free);
}

void
credentials_load(struct tls_config *config, const char *cert_file,
    const char *key_file)
{
	uint8_t *cert, *key;
	size_t cert_len, key_len;

	if (cert_file == NULL)
		return;
	cert = credentials_read(cert_file, &cert_len);
	key = credentials_read(key_file, &key_len);
	check_pair(cert_file, cert, cert_len, key_file, key, key_len);
	if (tls_config_set_keypair_mem(config, cert, cert_len, key,
	    key_len) != 0)
		errx(EX_NOINPUT, "%s: %s", cert_file, tls_config_error(config));
	file_wipe(key, key_len);
	file_wipe(cert, cert_len);
}
