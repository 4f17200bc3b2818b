/*
 * What is in a PEM file, one piece after the other.
 */
#ifndef POSTERN_CERTGEN_PEM_H
#define POSTERN_CERTGEN_PEM_H

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

enum pem_kind {
	PEM_CERTIFICATE,
	PEM_REQUEST,
	PEM_CRL,
	PEM_END,	/* nothing more */
	PEM_DAMAGED	/* what comes cannot be read */
};

struct pem_piece {
	X509		*cert;		/* one of these, the caller's */
	X509_REQ	*request;
	X509_CRL	*crl;
};

struct pem_file {
	BIO		*bio;
	const char	*path;		/* not copied */
	const uint8_t	*bytes;		/* not copied */
	size_t		 len;
};

void pem_open(struct pem_file *f, const char *path, const uint8_t *bytes,
    size_t len);
void pem_close(struct pem_file *f);

/*
 * The next certificate, request or revocation list; private keys and all else
 * are passed over.  pem_free gives it back.
 */
enum pem_kind pem_next(struct pem_file *f, struct pem_piece *p);
void pem_free(struct pem_piece *p);

/* End the program with EX_DATAERR: there is no `what` in the file. */
_Noreturn void pem_refuse_without(const struct pem_file *f, const char *what);

/* End the program with EX_DATAERR after PEM_DAMAGED. */
_Noreturn void pem_refuse_damaged(const struct pem_file *f);

#endif
