#include "authority.h"

#include <err.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sysexits.h>
#include <unistd.h>

#include "crypto.h"
#include "file.h"
#include "key.h"
#include "x509text.h"

#define CHECK_CA_V3 1	/* X509_check_ca: says so itself, and may sign */

static STACK_OF(X509) *
read_certificates(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	STACK_OF(X509) *all;
	const char *why;
	uint8_t *pem;
	size_t len;

	if (fd == -1)
		err(EX_NOINPUT, "%s", path);
	if (!file_read(fd, &pem, &len, &why) ||
	    (all = x509_read_pem(pem, len, &why)) == NULL)
		errx(EX_DATAERR, "%s: %s", path, why);
	close(fd);
	file_wipe(pem, len);
	return all;
}

/* The certificate of this key, with a reference for the caller, or NULL. */
static X509 *
find_by_key(STACK_OF(X509) *all, const EVP_PKEY *key)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *cert = sk_X509_value(all, i);

		if (X509_check_private_key(cert, key) == 1) {
			if (X509_up_ref(cert) != 1)
				crypto_fatal("certificate");
			return cert;
		}
	}
	ERR_clear_error();
	return NULL;
}

void
authority_read(struct authority *a, const char *cert, const char *key)
{
	STACK_OF(X509) *all = read_certificates(cert);
	const EVP_MD *md;

	a->key = key_read(key);
	if ((a->cert = find_by_key(all, a->key)) == NULL)
		errx(EX_DATAERR, "%s: is not the key of the certificate in %s",
		    key, cert);
	sk_X509_pop_free(all, X509_free);
	if (X509_check_ca(a->cert) != CHECK_CA_V3)
		errx(EX_DATAERR, "%s: is not a CA's certificate (CA:TRUE, and "
		    "leave to sign certificates): give the CA's, as "
		    "\"postern-certgen ca\" makes it", cert);
	if (!key_digest(a->key, &md))
		errx(EX_DATAERR, "%s: is too weak or of a kind that is not "
		    "signed with here (RSA from 2048 bits, EC from 256, "
		    "Ed25519)", key);
}

void
authority_free(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
	a->cert = NULL;
	a->key = NULL;
}
