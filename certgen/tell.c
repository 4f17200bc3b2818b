#include "tell.h"

#include <err.h>
#include <sysexits.h>

#include "crypto.h"
#include "text.h"
#include "x509text.h"

#define NAMES_SIZE 4096

FILE *
tell_begin(struct made *m)
{
	FILE *f = open_memstream(&m->said, &m->said_len);

	if (f == NULL)
		err(EX_OSERR, "standard output");
	return f;
}

void
tell_end(FILE *f)
{
	if (fclose(f) == EOF)
		err(EX_OSERR, "standard output");
}

void
tell_certificate(FILE *f, const char *path, X509 *cert)
{
	char subject[X509_NAME_TEXT], end[24], hex[65];
	uint8_t hash[32];

	x509_name_text(X509_get_subject_name(cert), subject, sizeof subject);
	x509_time_text(X509_get0_notAfter(cert), end);
	if (!x509_sha256(cert, hash))
		crypto_fatal("cannot hash the certificate");
	text_hex(hex, hash, sizeof hash);
	fprintf(f, "%s: certificate, %s, until %s, SHA256:%s\n", path, subject,
	    end, hex);
}

void
tell_names(FILE *f, const char *path, X509 *cert)
{
	char names[NAMES_SIZE];

	x509_names_text(cert, names, sizeof names);
	if (names[0] == '\0')
		fprintf(f, "%s: no names but its subject\n", path);
	else
		fprintf(f, "%s: names %s\n", path, names);
}
