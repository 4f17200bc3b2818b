#include "credentials.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"
#include "privkey.h"
#include "x509text.h"

/* Most bytes that a pipe may bring, and how long it may bring none. */
#define PIPE_MAX	(1U << 20)
#define PIPE_SECONDS	10

/*
 * What another program makes for us, as with a shell's <(...).  It opened its
 * end before we were started; of a pipe that nobody writes to, NULL.
 */
static uint8_t *
read_pipe(int fd, const char *path, size_t *len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t *data = malloc(PIPE_MAX + 1);
	ssize_t n;

	if (data == NULL)
		errx(EX_OSERR, "out of memory");
	*len = 0;
	while ((n = read(fd, data + *len, PIPE_MAX + 1 - *len)) != 0) {
		if (n == -1 && errno != EAGAIN)
			err(EX_NOINPUT, "%s", path);
		if (n == -1 && poll(&p, 1, PIPE_SECONDS * 1000) <= 0)
			errx(EX_NOINPUT, "%s: is a pipe from which nothing "
			    "came for %d seconds", path, PIPE_SECONDS);
		if (n > 0 && (*len += (size_t)n) > PIPE_MAX)
			errx(EX_NOINPUT, "%s: is a pipe with more than 1 MiB",
			    path);
	}
	data[*len] = '\0';
	if (*len > 0)
		return data;
	free(data);
	return NULL;
}

static bool
is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

uint8_t *
credentials_read(const char *path, size_t *len)
{
	/* O_NONBLOCK: a FIFO in its place must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why;
	uint8_t *data = NULL;

	if (fd == -1)
		err(EX_NOINPUT, "%s", path);
	if (is_pipe(fd))
		data = read_pipe(fd, path, len);
	if (data == NULL && !file_read(fd, &data, len, &why))
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
