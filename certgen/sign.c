/*
 * A certificate for somebody else's key.  What asks for it was written by a
 * stranger: it is read by a child that is confined, and what is in the
 * certificate follows from the role, but for the key and the names.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "authority.h"
#include "command.h"
#include "confined.h"
#include "csr.h"
#include "file.h"
#include "index.h"
#include "input.h"
#include "issue.h"
#include "tell.h"

enum { INDEX, CERT };		/* the files in work, in their order */

struct job {
	const struct options	*o;
	struct authority	 ca;
	uint8_t			*csr, *index;
	size_t			 csr_len, index_len;
};

static _Noreturn void
refuse(const struct options *o, const char *why)
{
	errx(EX_DATAERR, "%s: %s", o->csr, why);
}

static bool
names_given(const struct options *o)
{
	return sk_GENERAL_NAME_num(o->names.all) > 0;
}

/* A wildcard given by --host, which does not know the role. */
static void
refuse_wildcards(const struct options *o)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(o->names.all); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(o->names.all, i);

		if (n->type == GEN_DNS && ASN1_STRING_get0_data(
		    n->d.dNSName)[0] == '*')
			errx(EX_USAGE, "--host: a wildcard is only for "
			    "--role server");
	}
}

/* Our own names take the place of all that were asked for. */
static void
choose_names(struct request *r, struct names *n, const struct wish *w,
    const struct options *o)
{
	names_init(n);
	if (!names_given(o))
		names_add_requested(n, w->names, o->csr,
		    o->role == ROLE_SERVER);
	r->names = names_given(o) ? o->names.all : n->all;
	r->common_name = o->name != NULL ? o->name : w->common_name;
}

static void
check_names(struct request *r, const struct names *asked,
    const struct options *o)
{
	const char *host = names_given(o) ? o->names.first_host :
	    asked->first_host;

	if (r->role == ROLE_SERVER && host[0] == '\0')
		refuse(o, "asks for no host, and a server has one; give it by "
		    "--host");
	if (r->common_name == NULL && r->role == ROLE_SERVER &&
	    strlen(host) <= COMMON_NAME_MAX)
		r->common_name = host;
	if (r->common_name == NULL && sk_GENERAL_NAME_num(r->names) == 0)
		refuse(o, "asks for no name at all; give one by --name");
}

static void
record(struct made *m, struct job *j, X509 *cert)
{
	struct index x;

	index_parse(&x, &j->ca, j->index, j->index_len);
	index_add(&x, cert, role_word(j->o->role));
	m->data[INDEX] = index_text(&x, &m->len[INDEX]);
	index_free(&x);
}

static void
tell(struct made *m, const struct options *o, X509 *cert)
{
	FILE *f = tell_begin(m);

	tell_names(f, o->cert, cert);
	tell_certificate(f, o->cert, cert);
	tell_end(f);
}

/* Nobody shall have the CA's key under a second name. */
static void
refuse_own_key(const struct job *j, EVP_PKEY *key)
{
	if (X509_check_private_key(j->ca.cert, key) == 1)
		refuse(j->o, "its key is the CA's own");
}

/* In the child. */
static void
sign(struct made *m, void *arg)
{
	struct job *j = arg;
	const struct options *o = j->o;
	struct request r = { .role = o->role };
	struct names asked;
	struct wish w;
	X509 *cert;

	csr_read(&w, o->csr, j->csr, j->csr_len);
	refuse_own_key(j, w.key);
	choose_names(&r, &asked, &w, o);
	check_names(&r, &asked, o);
	r.key = w.key;
	r.validity = validity_choose(&o->period, role_days(o->role),
	    j->ca.cert, o->ca);
	cert = issue(&r, &j->ca);
	issue_check(cert, &j->ca, o->ca);
	record(m, j, cert);
	m->data[CERT] = issue_pem(cert, &j->ca, &m->len[CERT]);
	if (o->verbose)
		tell(m, o, cert);
	X509_free(cert);
	names_free(&asked);
	wish_free(&w);
}

static void
name_files(struct output *out, const struct options *o,
    const struct authority *ca)
{
	memset(out, 0, sizeof *out);
	out->force = o->force;
	output_replace(out, ca->index, INDEX_MODE);
	output_add(out, o->cert, 0644);
	output_spare(out, o->ca, "a file of the CA's");
	output_spare(out, o->ca_key, "a file of the CA's");
	output_spare(out, o->csr, "the request");
}

int
command_sign(const struct options *o)
{
	struct job j = { .o = o };
	struct made m = { .data = { NULL } };
	struct output out;
	int rc;

	if (o->role == ROLE_CLIENT)
		refuse_wildcards(o);
	authority_read(&j.ca, o->ca, o->ca_key, o->passphrase_file);
	read_input(o->csr, &j.csr, &j.csr_len, NULL);
	name_files(&out, o, &j.ca);
	authority_lock(&j.ca);
	j.index = index_read(&j.ca, &j.index_len);
	rc = confined_work(sign, &m, &j);
	if (rc == 0)
		rc = output_write_and_tell(&out, &m);
	made_free(&m);
	free(j.index);
	file_wipe(j.csr, j.csr_len);
	authority_free(&j.ca);
	return rc;
}
