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
#include "crypto.h"
#include "file.h"
#include "index.h"
#include "issue.h"
#include "key.h"
#include "output.h"
#include "passphrase.h"
#include "tell.h"

/* What is to be written, by its number in struct made; NONE: not at all. */
struct places {
	size_t	index, key, cert, own_index;
};

#define NONE OUTPUT_FILES

/*
 * The index first: what it lists and does not exist harms nobody, what exists
 * and is not listed is missed.  A certificate is of no use without its key.
 */
static void
name_files(struct output *out, struct places *at, const struct options *o,
    const struct authority *issuer, const char *own_index)
{
	memset(out, 0, sizeof *out);
	out->force = o->force;
	at->index = issuer == NULL ? NONE :
	    output_replace(out, issuer->index, INDEX_MODE);
	at->key = output_add(out, o->key, 0600);
	at->cert = output_add(out, o->cert, 0644);
	at->own_index = own_index == NULL ? NONE :
	    output_add(out, own_index, INDEX_MODE);
	output_spare(out, o->ca, "a file of the CA's");
	output_spare(out, o->ca_key, "a file of the CA's");
}

static void
record(struct made *m, size_t at, const struct authority *issuer, X509 *cert,
    enum role role)
{
	struct index x;
	uint8_t *old;
	size_t len;

	old = index_read(issuer, &len);
	index_parse(&x, issuer, old, len);
	index_add(&x, cert, role_word(role));
	m->data[at] = index_text(&x, &m->len[at]);
	index_free(&x);
	free(old);
}

static void
begin_index(struct made *m, size_t at, X509 *ca)
{
	struct index x;

	index_init(&x, ca);
	m->data[at] = index_text(&x, &m->len[at]);
	index_free(&x);
}

static void
tell(struct made *m, const struct options *o, X509 *cert)
{
	FILE *f = tell_begin(m);

	fprintf(f, "%s: private key, %s\n", o->key,
	    key_algorithm_text(o->algorithm));
	tell_certificate(f, o->cert, cert);
	tell_end(f);
}

/* `passphrase`: of the new key; NULL: none. */
static int
make(const struct options *o, struct request *r,
    const struct authority *issuer, const char *passphrase,
    const char *own_index)
{
	struct made m = { .data = { NULL } };
	struct output out;
	struct places at;
	X509 *cert;
	int rc;

	name_files(&out, &at, o, issuer, own_index);
	r->validity = validity_choose(&o->period, role_days(r->role),
	    issuer == NULL ? NULL : issuer->cert, o->ca);
	r->key = key_make(o->algorithm);
	cert = issue(r, issuer);
	if (issuer != NULL) {
		issue_check(cert, issuer, o->ca);
		record(&m, at.index, issuer, cert, r->role);
	}
	m.data[at.key] = key_pem(r->key, passphrase, &m.len[at.key]);
	m.data[at.cert] = issue_pem(cert, issuer, &m.len[at.cert]);
	if (own_index != NULL)
		begin_index(&m, at.own_index, cert);
	if (o->verbose)
		tell(&m, o, cert);
	rc = output_write_and_tell(&out, &m);
	made_free(&m);
	EVP_PKEY_free(r->key);
	X509_free(cert);
	return rc;
}

static int
make_issued(const struct options *o, enum role role, const char *common_name)
{
	struct request r = { .role = role, .common_name = common_name,
	    .names = o->names.all };
	struct authority ca;
	int rc;

	authority_read(&ca, o->ca, o->ca_key, o->passphrase_file);
	authority_lock(&ca);
	rc = make(o, &r, &ca, NULL, NULL);
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
	struct request r = { .role = ROLE_SELF_SIGNED, .pathlen = -1,
	    .common_name = host_name(o), .names = o->names.all };

	return make(o, &r, NULL, NULL, NULL);
}

static void
check_parent(const struct options *o)
{
	if ((o->ca == NULL) != (o->ca_key == NULL))
		errx(EX_USAGE, "ca: --%s is missing; a parent has both",
		    o->ca == NULL ? "parent" : "parent-key");
	if (o->parent_passphrase_file != NULL && o->ca == NULL)
		errx(EX_USAGE, "ca: --parent-passphrase-file is for the key of "
		    "a --parent");
}

int
command_ca(const struct options *o)
{
	struct request r = { .role = ROLE_CA, .common_name = o->name,
	    .pathlen = o->has_pathlen ? o->pathlen : 0,
	    .permit = o->permit.all };
	char *own_index, *passphrase = NULL;
	struct authority parent;
	int rc;

	check_parent(o);
	if (asprintf(&own_index, "%s.index", o->cert) == -1)
		err(EX_OSERR, "%s", o->cert);
	if (o->ca != NULL)
		authority_read(&parent, o->ca, o->ca_key,
		    o->parent_passphrase_file);
	if (o->passphrase || o->passphrase_file != NULL)
		passphrase = passphrase_for_new(o->key, o->passphrase_file);
	if (o->ca != NULL)
		authority_lock(&parent);
	rc = make(o, &r, o->ca == NULL ? NULL : &parent, passphrase,
	    own_index);
	if (o->ca != NULL)
		authority_free(&parent);
	passphrase_free(passphrase);
	free(own_index);
	return rc;
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
