/*
 * What is in files that somebody handed over: looked at by a process that has
 * given up everything else.
 */
#include <err.h>
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "confined.h"
#include "describe.h"
#include "input.h"
#include "pem.h"
#include "show.h"

static json_t *
describe(const struct pem_piece *p)
{
	return p->cert != NULL ? describe_certificate(p->cert) :
	    p->request != NULL ? describe_request(p->request) :
	    describe_crl(p->crl);
}

/* `all`: where they are collected for JSON; NULL: they are printed. */
static void
show_piece(const char *path, const struct pem_piece *p, json_t *all)
{
	json_t *object = describe(p);

	if (all == NULL) {
		show_text(path, object);
		json_decref(object);
		return;
	}
	json_object_set_new(object, "file", show_file_name(path));
	json_array_append_new(all, object);
}

static void
show_file(const struct input *in, json_t *all)
{
	struct pem_piece piece;
	enum pem_kind kind;
	struct pem_file f;
	size_t n = 0;

	pem_open(&f, in->path, in->data, in->len);
	while ((kind = pem_next(&f, &piece)) != PEM_END) {
		if (kind == PEM_DAMAGED)
			pem_refuse_damaged(&f);
		show_piece(in->path, &piece, all);
		pem_free(&piece);
		n++;
	}
	if (n == 0)
		pem_refuse_without(&f, "certificate, certificate request or "
		    "revocation list in PEM form");
	pem_close(&f);
}

int
command_inspect(const struct options *o)
{
	struct input *in = inputs_read(o->files, o->file_count);
	json_t *all;

	confined_from_here();
	all = o->json ? json_array() : NULL;
	for (int i = 0; i < o->file_count; i++)
		show_file(&in[i], all);
	if (o->json)
		show_json(json_pack("{so}", "objects", all));
	show_end();
	inputs_free(in, o->file_count);
	return 0;
}
