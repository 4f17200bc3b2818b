/*
 * Revocation lists: with one more on it, or the same again.  A certificate to
 * be revoked, and the list that is replaced, are read by a confined child.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "authority.h"
#include "command.h"
#include "confined.h"
#include "crl.h"
#include "file.h"
#include "index.h"
#include "input.h"
#include "moment.h"
#include "tell.h"
#include "x509text.h"

/*
 * The files in work, in their order: if only the first is written, the next
 * run's list still has the revocation.
 */
enum { INDEX, CRL };

struct job {
	const struct options	*o;
	struct authority	 ca;
	uint8_t			*cert, *index, *crl;	/* NULL: none */
	size_t			 cert_len, index_len, crl_len;
};

/* ---- in the child ------------------------------------------------------- */

static X509 *
read_certificate(const struct job *j)
{
	const char *why;
	STACK_OF(X509) *all = x509_read_pem(j->cert, j->cert_len, &why);
	X509 *cert;

	if (all == NULL)
		errx(EX_DATAERR, "%s: %s", j->o->cert, why);
	cert = sk_X509_shift(all);
	sk_X509_pop_free(all, X509_free);
	if (X509_cmp(cert, j->ca.cert) == 0)
		errx(EX_DATAERR, "%s: is the CA itself, which cannot revoke "
		    "itself: take it out of its verifiers' CA files",
		    j->o->cert);
	if (!authority_has_signed(&j->ca, cert))
		errx(EX_DATAERR, "%s: was not issued by the CA in %s",
		    j->o->cert, j->o->ca);
	return cert;
}

static struct record *
find_by_certificate(const struct job *j, struct index *x)
{
	X509 *cert = read_certificate(j);
	char serial[SERIAL_SIZE];
	struct record *r;
	enum role role;

	x509_serial_text(cert, serial, sizeof serial);
	r = index_find(x, serial);
	if (r == NULL)		/* older than the index */
		r = index_add(x, cert, role_of(cert, &role) ?
		    role_word(role) : "-");
	X509_free(cert);
	return r;
}

static struct record *
find_by_serial(const struct job *j, struct index *x)
{
	struct record *r = index_find(x, j->o->serial);

	if (r == NULL && !j->o->force)
		errx(EX_DATAERR, "%s: lists no serial %s; give the "
		    "certificate by --cert, or --force if you are sure",
		    j->ca.index, j->o->serial);
	return r != NULL ? r : index_add_serial(x, j->o->serial);
}

/* What was revoked before stays so, from when it was. */
static void
mark(struct record *r, const struct options *o, time_t now)
{
	if (!r->revoked)
		r->revoked_at = now;
	r->revoked = true;
	if (o->reason != UNKNOWN)
		r->reason = o->reason;
}

static void
tell_revoked(FILE *f, const struct record *r)
{
	char when[MOMENT_TEXT];

	moment_text(r->revoked_at, when);
	fprintf(f, "%s: revoked at %s, %s\n", r->serial, when, r->subject);
}

static void
tell_list(FILE *f, const struct job *j, const struct index *x, time_t now,
    int days)
{
	char next[MOMENT_TEXT];

	moment_text(now + (time_t)days * 86400, next);
	fprintf(f, "%s: revocation list, number %ju, the next before %s\n",
	    j->o->crl, (uintmax_t)x->crl_number, next);
}

static void
make_list(struct made *m, void *arg)
{
	const struct job *j = arg;
	const struct options *o = j->o;
	int days = o->crl_days != 0 ? o->crl_days : CRL_DAYS;
	struct record *r = NULL;
	time_t now = time(NULL);
	struct index x;
	FILE *f;

	crl_check_authority(&j->ca);
	index_parse(&x, &j->ca, j->index, j->index_len);
	if (j->crl != NULL)
		crl_take_over(&x, &j->ca, o->crl, j->crl, j->crl_len);
	if (j->cert != NULL)
		r = find_by_certificate(j, &x);
	else if (o->serial[0] != '\0')
		r = find_by_serial(j, &x);
	if (r != NULL)
		mark(r, o, now);
	m->data[CRL] = crl_make(&x, &j->ca, now, days, &m->len[CRL]);
	m->data[INDEX] = index_text(&x, &m->len[INDEX]);
	if (o->verbose) {
		f = tell_begin(m);
		if (r != NULL)
			tell_revoked(f, r);
		tell_list(f, j, &x, now, days);
		tell_end(f);
	}
	index_free(&x);
}

/* ---- outside of it ------------------------------------------------------ */

static void
name_files(struct output *out, const struct job *j)
{
	const struct options *o = j->o;

	memset(out, 0, sizeof *out);
	output_replace(out, j->ca.index, INDEX_MODE);
	output_replace(out, o->crl, 0644);
	output_spare(out, o->ca, "a file of the CA's");
	output_spare(out, o->ca_key, "a file of the CA's");
	output_spare(out, o->cert, "the certificate");
}

int
command_crl(const struct options *o)
{
	struct job j = { .o = o };
	struct made m = { .data = { NULL } };
	struct output out;
	int rc;

	authority_read(&j.ca, o->ca, o->ca_key, o->passphrase_file);
	if (o->cert != NULL)
		read_input(o->cert, &j.cert, &j.cert_len, NULL);
	name_files(&out, &j);
	authority_lock(&j.ca);
	j.index = index_read(&j.ca, &j.index_len);
	if (!o->force)
		read_input_if_there(o->crl, &j.crl, &j.crl_len);
	rc = confined_work(make_list, &m, &j);
	if (rc == 0)
		rc = output_write_and_tell(&out, &m);
	made_free(&m);
	free(j.index);
	file_wipe(j.cert, j.cert_len);
	file_wipe(j.crl, j.crl_len);
	authority_free(&j.ca);
	return rc;
}

int
command_revoke(const struct options *o)
{
	if ((o->cert != NULL) == (o->serial[0] != '\0'))
		errx(EX_USAGE, "revoke: give either --cert or --serial");
	return command_crl(o);
}
