/*
 * The subcommands that make a key and its certificate.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "authority.h"
#include "command.h"
#include "file.h"
#include "issue.h"
#include "key.h"
#include "output.h"
#include "text.h"
#include "x509text.h"

/* With -v: what was written, one line a file, with what to pin. */
static int
tell(const struct options *o, X509 *cert)
{
	char subject[X509_NAME_TEXT], end[24], hex[65];
	uint8_t hash[32];

	x509_name_text(X509_get_subject_name(cert), subject, sizeof subject);
	x509_time_text(X509_get0_notAfter(cert), end);
	if (!x509_sha256(cert, hash))
		errx(EX_SOFTWARE, "cannot hash the certificate");
	text_hex(hex, hash, sizeof hash);
	printf("%s: private key, %s\n", o->key,
	    key_algorithm_text(o->algorithm));
	printf("%s: certificate, %s, until %s, SHA256:%s\n", o->cert, subject,
	    end, hex);
	if (fflush(stdout) == EOF) {
		warn("standard output (the files are written)");
		return EX_IOERR;
	}
	return 0;
}

static int
write_pair(struct output *out, EVP_PKEY *key, X509 *cert)
{
	size_t len[OUTPUT_FILES];
	uint8_t *key_text = key_pem(key, &len[0]);
	uint8_t *cert_text = issue_pem(cert, &len[1]);
	const void *data[OUTPUT_FILES] = { key_text, cert_text };
	int rc = output_write(out, data, len);

	file_wipe(key_text, len[0]);
	free(cert_text);
	return rc;
}

/* The key first: a certificate is of no use to anybody without it. */
static void
open_pair(struct output *out, const struct options *o)
{
	memset(out, 0, sizeof *out);
	out->force = o->force;
	output_add(out, o->key, 0600);
	output_add(out, o->cert, 0644);
	if (o->ca != NULL)
		output_spare(out, o->ca);
	if (o->ca_key != NULL)
		output_spare(out, o->ca_key);
}

static int
make(const struct options *o, enum role role, const char *common_name,
    const struct authority *issuer)
{
	struct request r = { .role = role, .common_name = common_name,
	    .names = o->names.all };
	struct output out;
	X509 *cert;
	int rc;

	open_pair(&out, o);
	r.validity = validity_choose(&o->period, role_days(role),
	    issuer == NULL ? NULL : issuer->cert, o->ca);
	r.key = key_make(o->algorithm);
	cert = issue(&r, issuer);
	rc = write_pair(&out, r.key, cert);
	EVP_PKEY_free(r.key);
	if (rc == 0 && o->verbose)
		rc = tell(o, cert);
	X509_free(cert);
	return rc;
}

static int
make_issued(const struct options *o, enum role role, const char *common_name)
{
	struct authority ca;
	int rc;

	authority_read(&ca, o->ca, o->ca_key);
	rc = make(o, role, common_name, &ca);
	authority_free(&ca);
	return rc;
}

/* The first host, unless it is longer than a common name may be. */
static const char *
host_name(const struct options *o)
{
	return strlen(o->names.first_host) <= COMMON_NAME_MAX ?
	    o->names.first_host : NULL;
}

int
command_self_signed(const struct options *o)
{
	return make(o, ROLE_SELF_SIGNED, host_name(o), NULL);
}

int
command_ca(const struct options *o)
{
	return make(o, ROLE_CA, o->name, NULL);
}

int
command_server(const struct options *o)
{
	return make_issued(o, ROLE_SERVER,
	    o->name != NULL ? o->name : host_name(o));
}

int
command_client(const struct options *o)
{
	return make_issued(o, ROLE_CLIENT, o->name);
}
