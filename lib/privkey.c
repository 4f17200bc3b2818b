#include "privkey.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

#define BEGIN	"-----BEGIN "
#define KEY	"PRIVATE KEY-----"

static const char *const words[] = {
	[PRIVKEY_OK] = "",
	[PRIVKEY_NONE] = "holds no private key in PEM form "
	    "(-----BEGIN PRIVATE KEY-----); to convert one in DER form: "
	    "openssl pkey -inform DER -in OLD -out NEW",
	[PRIVKEY_DAMAGED] = "the private key is damaged, or of a kind that is "
	    "not known here",
	[PRIVKEY_TWO] = "holds several private keys; leave the one that is "
	    "meant",
	[PRIVKEY_ENCRYPTED] = "the key is under a passphrase; take that off "
	    "(openssl pkey -in OLD -out NEW)",
	[PRIVKEY_WRONG_PASSPHRASE] = "the passphrase is not this key's",
};

/* "-----BEGIN [...] PRIVATE KEY-----", whatever white space comes after. */
static bool
begins_key(const char *line, size_t len)
{
	static const size_t begin = sizeof BEGIN - 1, key = sizeof KEY - 1;

	while (len > 0 && line[len - 1] <= ' ')
		len--;
	return len >= begin + key && memcmp(line, BEGIN, begin) == 0 &&
	    memcmp(line + len - key, KEY, key) == 0;
}

static int
count_keys(const char *text, size_t len)
{
	const char *end = text + len;
	int n = 0;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		if (stop == NULL)
			stop = end;
		n += begins_key(text, (size_t)(stop - text));
		text = stop + 1;
	}
	return n;
}

struct question {
	const char	*passphrase;
	bool		 asked;
};

/* Called only for a key under a passphrase. */
static int
answer(char *buf, int size, int writing, void *arg)
{
	struct question *q = arg;
	size_t len = q->passphrase == NULL ? 0 : strlen(q->passphrase);

	(void)writing;
	q->asked = true;
	if (q->passphrase == NULL || size < 0 || len > (size_t)size)
		return -1;
	memcpy(buf, q->passphrase, len);
	return (int)len;
}

static enum privkey_status
read_key(const uint8_t *pem, size_t len, struct question *q, EVP_PKEY **key)
{
	BIO *bio = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);

	if (bio != NULL)
		*key = PEM_read_bio_PrivateKey(bio, NULL, answer, q);
	BIO_free(bio);
	ERR_clear_error();
	if (*key != NULL)
		return PRIVKEY_OK;
	if (!q->asked)
		return PRIVKEY_DAMAGED;
	return q->passphrase == NULL ? PRIVKEY_ENCRYPTED :
	    PRIVKEY_WRONG_PASSPHRASE;
}

enum privkey_status
privkey_parse(const uint8_t *pem, size_t len, const char *passphrase,
    EVP_PKEY **key, const char **why)
{
	struct question q = { .passphrase = passphrase };
	int n = count_keys((const char *)pem, len);
	enum privkey_status status;

	*key = NULL;
	if (n == 0)
		status = PRIVKEY_NONE;
	else if (n > 1)
		status = PRIVKEY_TWO;
	else
		status = read_key(pem, len, &q, key);
	*why = words[status];
	return status;
}
