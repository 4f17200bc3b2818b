#include "authority.h"

#include <err.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "crypto.h"
#include "file.h"
#include "input.h"
#include "key.h"
#include "x509text.h"

#define CHECK_CA_V3	1	/* X509_check_ca: says so, and may sign */
#define ABOVE_MAX	100	/* CAs over a CA; two are many */

static STACK_OF(X509) *
read_certificates(struct authority *a)
{
	STACK_OF(X509) *all;
	const char *why;
	uint8_t *pem;
	size_t len;

	a->fd = open_input(a->path, &pem, &len);
	if ((all = x509_read_pem(pem, len, &why)) == NULL)
		errx(EX_DATAERR, "%s: %s", a->path, why);
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

static bool
is_root(X509 *cert)
{
	return X509_NAME_cmp(X509_get_subject_name(cert),
	    X509_get_issuer_name(cert)) == 0;
}

static X509 *
find_issuer(STACK_OF(X509) *all, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(all); i++)
		if (X509_check_issued(sk_X509_value(all, i), cert) == X509_V_OK)
			return sk_X509_value(all, i);
	return NULL;
}

/* What whoever shows a certificate of this CA must show with it. */
static STACK_OF(X509) *
collect_above(STACK_OF(X509) *all, X509 *cert)
{
	STACK_OF(X509) *above = sk_X509_new_null();

	/* Bounded: two CAs may have issued each other. */
	for (int i = 0; i < ABOVE_MAX && cert != NULL && !is_root(cert); i++) {
		if (above == NULL || X509_up_ref(cert) != 1 ||
		    sk_X509_push(above, cert) == 0)
			crypto_fatal("the CAs above");
		cert = find_issuer(all, cert);
	}
	return above;
}

/* Through links: one CA has one index. */
static char *
index_path(const char *cert)
{
	char real[PATH_MAX], *path;

	if (realpath(cert, real) == NULL)
		err(EX_NOINPUT, "%s", cert);
	if (asprintf(&path, "%s.index", real) == -1)
		err(EX_OSERR, "%s", cert);
	return path;
}

void
authority_read(struct authority *a, const char *cert, const char *key,
    const char *passphrase_file)
{
	STACK_OF(X509) *all;
	const EVP_MD *md;

	a->path = cert;
	all = read_certificates(a);
	a->index = index_path(cert);
	a->key = key_read(key, passphrase_file);
	if ((a->cert = find_by_key(all, a->key)) == NULL)
		errx(EX_DATAERR, "%s: is not the key of the certificate in %s",
		    key, cert);
	a->above = collect_above(all, a->cert);
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
	sk_X509_pop_free(a->above, X509_free);
	free(a->index);
	close(a->fd);		/* and the lock is gone */
	*a = (struct authority){ .fd = -1 };
}

void
authority_lock(const struct authority *a)
{
	struct stat locked, there;

	if (flock(a->fd, LOCK_EX) == -1)
		err(EX_OSERR, "%s: cannot be locked", a->path);
	if (fstat(a->fd, &locked) == -1)
		err(EX_OSERR, "%s", a->path);
	if (stat(a->path, &there) == -1 || there.st_dev != locked.st_dev ||
	    there.st_ino != locked.st_ino)
		errx(EX_UNAVAILABLE, "%s: another run has replaced this CA "
		    "just now; try again", a->path);
}

bool
authority_has_signed(const struct authority *a, X509 *cert)
{
	bool ok = X509_NAME_cmp(X509_get_issuer_name(cert),
	    X509_get_subject_name(a->cert)) == 0 &&
	    X509_verify(cert, a->key) == 1;

	ERR_clear_error();
	return ok;
}
