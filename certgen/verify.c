/*
 * Would posternd let this certificate in?  By the code that decides there.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "addr.h"
#include "command.h"
#include "confined.h"
#include "input.h"
#include "judge.h"
#include "show.h"
#include "x509text.h"

enum outcome { HOLDS, FAILS, OFF };

static const char *const outcomes[] = { "holds", "fails", "off" };

struct job {
	const struct options	*o;
	struct input		 ca, crl, cert;
	enum reason		 verdict;	/* of all rules so far */
	json_t			*doc, *rules;	/* NULL: for people */
};

/* ---- files -------------------------------------------------------------- */

static void
read_one(struct input *in, const char *path)
{
	in->path = path;
	if (path != NULL)
		read_input(path, &in->data, &in->len, NULL);
}

static STACK_OF(X509) *
parse_chain(const struct job *j)
{
	const char *why;
	STACK_OF(X509) *chain = x509_read_pem(j->cert.data, j->cert.len, &why);

	if (chain == NULL)
		errx(EX_DATAERR, "%s: %s", j->cert.path, why);
	return chain;
}

static struct authorities *
parse_authorities(const struct job *j)
{
	const char *why;
	bool in_crl;
	struct authorities *a = authorities_read(j->ca.data, j->ca.len,
	    j->crl.data, j->crl.len, &why, &in_crl);

	if (a == NULL)
		errx(EX_DATAERR, "%s: %s", in_crl ? j->crl.path : j->ca.path,
		    why);
	return a;
}

/* ---- rules -------------------------------------------------------------- */

static void
tell(struct job *j, enum reason why, enum outcome outcome, const char *words)
{
	if (outcome == FAILS && (j->verdict == REASON_NONE || why < j->verdict))
		j->verdict = why;
	if (j->doc != NULL)
		json_array_append_new(j->rules, json_pack("{ssssss}", "rule",
		    reason_word(why), "verdict", outcomes[outcome],
		    "compared", words));
	else
		printf("%-6s %-18s %s\n", outcomes[outcome], reason_word(why),
		    words);
}

static void
tell_certificate(const struct job *j, X509 *leaf)
{
	char subject[X509_NAME_TEXT], names[X509_NAME_TEXT], serial[72];

	x509_name_text(X509_get_subject_name(leaf), subject, sizeof subject);
	x509_names_text(leaf, names, sizeof names);
	x509_serial_text(leaf, serial, sizeof serial);
	if (j->doc != NULL)
		json_object_set_new(j->doc, "certificate",
		    json_pack("{ssssss}", "subject", subject, "names", names,
		    "serial", serial));
	else
		printf("certificate %s\nnames       %s\nserial      %s\n\n",
		    subject, names[0] != '\0' ? names : "none", serial);
}

static void
judge_certificate(struct job *j, const struct authorities *a, X509 *leaf,
    STACK_OF(X509) *sent)
{
	const struct rules *r = &j->o->rules;
	struct judgement judgement;
	char words[JUDGE_TEXT];

	judge(a, r, leaf, sent, &judgement);
	for (enum reason w = REASON_NO_CERTIFICATE + 1;
	    w < REASON_ADDRESS_MISMATCH; w++) {
		bool asked = judge_tell(&judgement, a, r, leaf, w, words,
		    sizeof words);
		bool failed = (judgement.failed & (UINT32_C(1) << w)) != 0;

		tell(j, w, !asked ? OFF : failed ? FAILS : HOLDS,
		    asked ? words : "not asked for");
	}
	if ((judgement.failed & (UINT32_C(1) << REASON_INTERNAL)) != 0)
		tell(j, REASON_INTERNAL, FAILS, "it cannot be judged");
	judgement_free(&judgement);
}

static void
judge_host(struct job *j, X509 *leaf)
{
	char address[ADDR_TEXT], words[JUDGE_TEXT];
	bool holds;

	if (!j->o->has_from) {
		tell(j, REASON_ADDRESS_MISMATCH, OFF, "not asked for");
		return;
	}
	holds = judge_address(leaf, &j->o->from);
	addr_host_text(&j->o->from, address);
	snprintf(words, sizeof words, "%s is %s of its addresses", address,
	    holds ? "one" : "none");
	tell(j, REASON_ADDRESS_MISMATCH, holds ? HOLDS : FAILS, words);
}

static int
tell_verdict(const struct job *j)
{
	const char *word = j->verdict == REASON_NONE ? NULL :
	    reason_word(j->verdict);

	if (j->doc != NULL) {
		json_object_set_new(j->doc, "rules", j->rules);
		json_object_set_new(j->doc, "verdict",
		    json_string(word == NULL ? "allow" : "refuse"));
		json_object_set_new(j->doc, "reason", word == NULL ?
		    json_null() : json_string(word));
		show_json(j->doc);
	} else if (word == NULL) {
		printf("\nallow\n");
	} else {
		printf("\nrefuse %s\n", word);
	}
	show_end();
	return word == NULL ? 0 : EX_NOPERM;
}

int
command_verify(const struct options *o)
{
	struct job j = { .o = o, .verdict = REASON_NONE };
	struct authorities *a;
	STACK_OF(X509) *chain;
	X509 *leaf;

	read_one(&j.ca, o->ca);
	read_one(&j.crl, o->crl);
	read_one(&j.cert, o->cert);
	confined_from_here();
	chain = parse_chain(&j);
	leaf = sk_X509_value(chain, 0);
	a = parse_authorities(&j);
	if (o->json) {
		j.doc = json_object();
		j.rules = json_array();
	}
	tell_certificate(&j, leaf);
	judge_certificate(&j, a, leaf, chain);
	judge_host(&j, leaf);
	authorities_free(a);
	sk_X509_pop_free(chain, X509_free);
	return tell_verdict(&j);
}
