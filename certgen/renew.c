/*
 * The same certificate again, for another while.  The old one is read by a
 * child that is confined, and only what this CA has signed is believed.
 */
#include <err.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "authority.h"
#include "command.h"
#include "confined.h"
#include "crypto.h"
#include "file.h"
#include "index.h"
#include "input.h"
#include "issue.h"
#include "moment.h"
#include "tell.h"
#include "x509text.h"

#define DAY 86400

/* The files in work, in their order; those of the key with --new-key only. */
enum { INDEX, OLD_CERT, CERT, OLD_KEY, KEY };

struct job {
	const struct options	*o;
	struct authority	 ca;
	EVP_PKEY		*key;	/* a new one; NULL: it is kept */
	EVP_PKEY		*kept;	/* said to be its key; NULL: not said */
	char			*old_cert_path, *old_key_path;
	uint8_t			*cert, *old_key, *index;
	size_t			 cert_len, old_key_len, index_len;
	mode_t			 cert_mode, key_mode;
};

static _Noreturn void
refuse(const struct options *o, const char *why)
{
	errx(EX_DATAERR, "%s: %s", o->cert, why);
}

/* ---- in the child ------------------------------------------------------- */

static X509 *
read_old(const struct job *j)
{
	const char *why;
	STACK_OF(X509) *all = x509_read_pem(j->cert, j->cert_len, &why);
	X509 *old;

	if (all == NULL)
		refuse(j->o, why);
	old = sk_X509_shift(all);
	sk_X509_pop_free(all, X509_free);
	if (X509_cmp(old, j->ca.cert) == 0)
		refuse(j->o, "is the CA itself; make a new one with \"ca\"");
	if (!authority_has_signed(&j->ca, old))
		errx(EX_DATAERR, "%s: was not issued by the CA in %s",
		    j->o->cert, j->o->ca);
	if (j->kept != NULL && X509_check_private_key(old, j->kept) != 1)
		errx(EX_DATAERR, "%s: is not the key of the certificate in %s",
		    j->o->key, j->o->cert);
	return old;
}

static void
refuse_revoked(const struct index *x, X509 *old, const struct options *o)
{
	char serial[SERIAL_SIZE], when[MOMENT_TEXT];
	const struct record *r;

	x509_serial_text(old, serial, sizeof serial);
	r = index_find(x, serial);
	if (r == NULL || !r->revoked)
		return;
	moment_text(r->revoked_at, when);
	errx(EX_DATAERR, "%s: was revoked at %s; if its owner may come in "
	    "again, issue a new one", o->cert, when);
}

static enum role
choose_role(X509 *old, const struct options *o)
{
	enum role role;

	if (o->has_role && X509_check_ca(old) == 0)
		return o->role;
	if (!role_of(old, &role))
		refuse(o, "is not for servers alone, for clients alone or a "
		    "CA's; say what for by --role");
	if (o->has_role)
		refuse(o, "is a CA's; it stays one");
	return role;
}

/* An extension that is taken over as it is; NULL if there is none. */
static void *
take_extension(X509 *old, int nid, const struct options *o)
{
	int state;
	void *value = X509_get_ext_d2i(old, nid, &state, NULL);

	if (value == NULL && state != -1)
		refuse(o, "has extensions that cannot be read");
	return value;
}

/* As many days as it had, unless others are asked for. */
static struct validity
choose_validity(const struct job *j, X509 *old)
{
	time_t from, to;
	int days;

	if (!moment_of(X509_get0_notBefore(old), &from) ||
	    !moment_of(X509_get0_notAfter(old), &to))
		refuse(j->o, "its validity is malformed");
	days = to - from < DAY ? 1 : (to - from) / DAY > PERIOD_DAYS_MAX ?
	    PERIOD_DAYS_MAX : (int)((to - from) / DAY);
	return validity_choose(&j->o->period, days, j->ca.cert, j->o->ca);
}

static X509 *
issue_again(const struct job *j, X509 *old)
{
	const struct options *o = j->o;
	struct request r = { .role = choose_role(old, o), .pathlen = -1,
	    .subject = X509_get_subject_name(old) };
	GENERAL_NAMES *names = take_extension(old, NID_subject_alt_name, o);
	NAME_CONSTRAINTS *permit = take_extension(old, NID_name_constraints,
	    o);
	X509 *cert;

	if (r.role == ROLE_CA && j->key != NULL)
		refuse(o, "is a CA's, and what it has issued needs its key; "
		    "leave --new-key, or make a new CA");
	if (r.role == ROLE_CA)
		r.pathlen = (int)x509_path_length(old);
	r.names = names;
	r.permit = r.role == ROLE_CA ? permit : NULL;
	r.key = j->key != NULL ? j->key : X509_get0_pubkey(old);
	if (r.key == NULL)
		refuse(o, "its public key is malformed");
	r.validity = choose_validity(j, old);
	cert = issue(&r, &j->ca);
	issue_check(cert, &j->ca, o->ca);
	GENERAL_NAMES_free(names);
	NAME_CONSTRAINTS_free(permit);
	return cert;
}

static uint8_t *
copy(const uint8_t *data, size_t len)
{
	uint8_t *new = malloc(len);

	if (new == NULL)
		err(EX_OSERR, "renew");
	return memcpy(new, data, len);
}

static void
hand_over(struct made *m, const struct job *j, X509 *cert)
{
	m->data[OLD_CERT] = copy(j->cert, m->len[OLD_CERT] = j->cert_len);
	m->data[CERT] = issue_pem(cert, &j->ca, &m->len[CERT]);
	if (j->key != NULL) {
		m->data[OLD_KEY] = copy(j->old_key,
		    m->len[OLD_KEY] = j->old_key_len);
		m->data[KEY] = key_pem(j->key, NULL, &m->len[KEY]);
	}
}

static void
renew(struct made *m, void *arg)
{
	const struct job *j = arg;
	X509 *old = read_old(j), *cert;
	struct index x;
	FILE *f;

	index_parse(&x, &j->ca, j->index, j->index_len);
	refuse_revoked(&x, old, j->o);
	cert = issue_again(j, old);
	index_add(&x, cert, role_word(choose_role(old, j->o)));
	m->data[INDEX] = index_text(&x, &m->len[INDEX]);
	hand_over(m, j, cert);
	if (j->o->verbose) {
		f = tell_begin(m);
		tell_certificate(f, j->o->cert, cert);
		tell_end(f);
	}
	index_free(&x);
	X509_free(cert);
	X509_free(old);
}

/* ---- outside of it ------------------------------------------------------ */

static char *
with_old(const char *path)
{
	char *old;

	if (asprintf(&old, "%s.old", path) == -1)
		err(EX_OSERR, "%s", path);
	return old;
}

/* The key goes before the certificate; what was there before both. */
static void
name_files(struct output *out, struct job *j)
{
	const struct options *o = j->o;

	memset(out, 0, sizeof *out);
	output_replace(out, j->ca.index, INDEX_MODE);
	j->old_cert_path = with_old(o->cert);
	output_replace(out, j->old_cert_path, j->cert_mode);
	output_replace(out, o->cert, j->cert_mode);
	if (o->new_key) {
		j->old_key_path = with_old(o->key);
		output_replace(out, j->old_key_path, j->key_mode);
		output_replace(out, o->key, j->key_mode);
	}
	output_spare(out, o->ca, "a file of the CA's");
	output_spare(out, o->ca_key, "a file of the CA's");
}

static void
read_files(struct job *j)
{
	const struct options *o = j->o;
	struct stat st;

	read_input(o->cert, &j->cert, &j->cert_len, &st);
	j->cert_mode = st.st_mode & 0777;
	if (o->new_key) {
		read_input(o->key, &j->old_key, &j->old_key_len, &st);
		j->key_mode = st.st_mode & 0770;
		j->key = key_make(o->algorithm);
	} else if (o->key != NULL) {
		j->kept = key_read(o->key, NULL);
	}
}

static void
free_job(struct job *j)
{
	EVP_PKEY_free(j->key);
	EVP_PKEY_free(j->kept);
	free(j->old_cert_path);
	free(j->old_key_path);
	free(j->index);
	file_wipe(j->cert, j->cert_len);
	file_wipe(j->old_key, j->old_key_len);
	authority_free(&j->ca);
}

int
command_renew(const struct options *o)
{
	struct job j = { .o = o };
	struct made m = { .data = { NULL } };
	struct output out;
	int rc;

	if (o->new_key && o->key == NULL)
		errx(EX_USAGE, "renew: --new-key replaces the key in --key "
		    "FILE, which is missing");
	authority_read(&j.ca, o->ca, o->ca_key, o->passphrase_file);
	read_files(&j);
	name_files(&out, &j);
	authority_lock(&j.ca);
	j.index = index_read(&j.ca, &j.index_len);
	rc = confined_work(renew, &m, &j);
	if (rc == 0)
		rc = output_write_and_tell(&out, &m);
	made_free(&m);
	free_job(&j);
	return rc;
}
