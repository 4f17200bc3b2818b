#include "pem.h"

#include <err.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "crypto.h"

void
pem_open(struct pem_file *f, const char *path, const uint8_t *bytes,
    size_t len)
{
	*f = (struct pem_file){ .path = path, .bytes = bytes, .len = len };
	if (len <= INT_MAX)
		f->bio = BIO_new_mem_buf(bytes, (int)len);
	if (f->bio == NULL)
		crypto_fatal(path);
	ERR_clear_error();
}

void
pem_close(struct pem_file *f)
{
	BIO_free(f->bio);
	f->bio = NULL;
}

void
pem_free(struct pem_piece *p)
{
	X509_free(p->cert);
	X509_REQ_free(p->request);
	X509_CRL_free(p->crl);
	*p = (struct pem_piece){ NULL, NULL, NULL };
}

static const struct {
	const char	*name;
	enum pem_kind	 kind;
} kinds[] = {
	{ PEM_STRING_X509, PEM_CERTIFICATE },
	{ PEM_STRING_X509_OLD, PEM_CERTIFICATE },
	{ PEM_STRING_X509_REQ, PEM_REQUEST },
	{ PEM_STRING_X509_REQ_OLD, PEM_REQUEST },
	{ PEM_STRING_X509_CRL, PEM_CRL },
};

/* PEM_END for a kind of block that is passed over. */
static enum pem_kind
kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(name, kinds[i].name) == 0)
			return kinds[i].kind;
	return PEM_END;
}

/* To the last byte: what follows it in the block is no part of anything. */
static bool
parse(enum pem_kind kind, const uint8_t *der, long len, struct pem_piece *p)
{
	const uint8_t *at = der;

	if (kind == PEM_CERTIFICATE)
		p->cert = d2i_X509(NULL, &at, len);
	else if (kind == PEM_REQUEST)
		p->request = d2i_X509_REQ(NULL, &at, len);
	else
		p->crl = d2i_X509_CRL(NULL, &at, len);
	if ((p->cert != NULL || p->request != NULL || p->crl != NULL) &&
	    at == der + len)
		return true;
	pem_free(p);
	return false;
}

static enum pem_kind
end_or_damage(void)
{
	unsigned long e = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE ? PEM_END : PEM_DAMAGED;
}

enum pem_kind
pem_next(struct pem_file *f, struct pem_piece *p)
{
	char *name, *header;
	enum pem_kind kind;
	uint8_t *der;
	bool ok = true;
	long len;

	*p = (struct pem_piece){ NULL, NULL, NULL };
	do {
		if (PEM_read_bio(f->bio, &name, &header, &der, &len) != 1)
			return end_or_damage();
		kind = kind_of(name);
		if (kind != PEM_END)
			ok = parse(kind, der, len, p);
		/* It may have been a key. */
		OPENSSL_cleanse(der, (size_t)len);
		OPENSSL_free(der);
		OPENSSL_free(name);
		OPENSSL_free(header);
	} while (kind == PEM_END);
	ERR_clear_error();
	return ok ? kind : PEM_DAMAGED;
}

/* ---- refusals ----------------------------------------------------------- */

/* A SEQUENCE where text should be. */
static bool
is_der(const struct pem_file *f)
{
	return f->len > 4 && f->bytes[0] == 0x30 && f->bytes[1] >= 0x81 &&
	    f->bytes[1] <= 0x84;
}

_Noreturn void
pem_refuse_without(const struct pem_file *f, const char *what)
{
	errx(EX_DATAERR, "%s: %s%s", f->path, is_der(f) ? "is in DER form, "
	    "and PEM is wanted (openssl ... -inform DER makes it): it holds "
	    "no " : "holds no ", what);
}

_Noreturn void
pem_refuse_damaged(const struct pem_file *f)
{
	errx(EX_DATAERR, "%s: what it holds is damaged or cut short", f->path);
}
