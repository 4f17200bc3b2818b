/*
 * The two pins of a certificate, as posternd.conf's `pin' and postern's -H
 * take them.
 */
#include <err.h>
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "confined.h"
#include "describe.h"
#include "input.h"
#include "show.h"
#include "x509text.h"

static void
show(const char *path, X509 *leaf, json_t *all)
{
	json_t *o = json_object(), *name = show_file_name(path);

	json_object_set_new(o, "file", name);
	json_object_set_new(o, "certificate", describe_pin(leaf));
	json_object_set_new(o, "public_key", describe_key_pin(leaf));
	if (all != NULL) {
		json_array_append_new(all, o);
		return;
	}
	printf("%s  certificate  %s\n",
	    json_string_value(json_object_get(o, "certificate")),
	    json_string_value(name));
	printf("%s  public key   %s\n",
	    json_string_value(json_object_get(o, "public_key")),
	    json_string_value(name));
	json_decref(o);
}

/* Of the first certificate: a pin is compared with what leads a chain. */
static void
show_file(const struct input *in, json_t *all)
{
	const char *why;
	STACK_OF(X509) *chain = x509_read_pem(in->data, in->len, &why);

	if (chain == NULL)
		errx(EX_DATAERR, "%s: %s", in->path, why);
	show(in->path, sk_X509_value(chain, 0), all);
	sk_X509_pop_free(chain, X509_free);
}

int
command_pin(const struct options *o)
{
	struct input *in = inputs_read(o->files, o->file_count);
	json_t *all;

	confined_from_here();
	all = o->json ? json_array() : NULL;
	for (int i = 0; i < o->file_count; i++)
		show_file(&in[i], all);
	if (o->json)
		show_json(json_pack("{so}", "pins", all));
	show_end();
	inputs_free(in, o->file_count);
	return 0;
}
