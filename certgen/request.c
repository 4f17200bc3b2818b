/*
 * A request for a certificate, and the key that it is for if there is none.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "csr.h"
#include "key.h"
#include "output.h"
#include "tell.h"
#include "text.h"

/* The files in work, if the key is made. */
struct places {
	bool	new_key;
	size_t	key, csr;
};

static void
name_files(struct output *out, struct places *at, const struct options *o)
{
	memset(out, 0, sizeof *out);
	at->new_key = access(o->key, F_OK) == -1 && errno == ENOENT;
	if (at->new_key)	/* a key is never replaced here */
		at->key = output_add(out, o->key, 0600);
	out->force = o->force;
	at->csr = output_add(out, o->csr, 0644);
	output_spare(out, at->new_key ? NULL : o->key, "the key");
}

static EVP_PKEY *
get_key(const struct options *o, bool new_key)
{
	const EVP_MD *md;
	EVP_PKEY *key;

	if (new_key)
		return key_make(o->algorithm);
	key = key_read(o->key, o->passphrase_file);
	if (!key_digest(key, &md))
		errx(EX_DATAERR, "%s: is too weak or of a kind that is not "
		    "signed with here (RSA from 2048 bits, EC from 256, "
		    "Ed25519)", o->key);
	return key;
}

static const char *
choose_common_name(const struct options *o)
{
	const char *host = o->names.first_host;

	if (o->name != NULL)
		return o->name;
	if (host[0] != '\0' && strlen(host) <= COMMON_NAME_MAX)
		return host;
	return NULL;
}

static void
tell(struct made *m, const struct options *o, bool new_key)
{
	FILE *f = tell_begin(m);

	fprintf(f, "%s: private key, %s\n", o->key,
	    new_key ? key_algorithm_text(o->algorithm) : "as it was");
	fprintf(f, "%s: certificate request\n", o->csr);
	tell_end(f);
}

int
command_csr(const struct options *o)
{
	struct made m = { .data = { NULL } };
	struct places at = { false, 0, 0 };
	struct output out;
	EVP_PKEY *key;
	int rc;

	if (o->name == NULL && sk_GENERAL_NAME_num(o->names.all) == 0)
		errx(EX_USAGE, "csr: there is no name: give --name, --host, "
		    "--uri or --email");
	name_files(&out, &at, o);
	key = get_key(o, at.new_key);
	if (at.new_key)
		m.data[at.key] = key_pem(key, NULL, &m.len[at.key]);
	m.data[at.csr] = csr_make(key, choose_common_name(o), o->names.all,
	    &m.len[at.csr]);
	if (o->verbose)
		tell(&m, o, at.new_key);
	rc = output_write_and_tell(&out, &m);
	made_free(&m);
	EVP_PKEY_free(key);
	return rc;
}
