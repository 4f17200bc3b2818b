#include "crypto.h"

#include <err.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void
crypto_init(void)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		crypto_fatal("libcrypto cannot start");
}

void
crypto_fatal(const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	errx(EX_SOFTWARE, "%s: %s", what, why == NULL ? "out of memory" : why);
}

uint8_t *
crypto_text(BIO *bio, size_t *len, const char *what)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);
	uint8_t *copy = n > 0 ? malloc((size_t)n) : NULL;

	if (copy != NULL) {
		memcpy(copy, text, (size_t)n);
		explicit_bzero(text, (size_t)n);
		BIO_free(bio);
		*len = (size_t)n;
		return copy;
	}
	crypto_fatal(what);
}
