/*
 * What the commands share.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "audit.h"
#include "text.h"

_Noreturn void
audit_reject(int code, const char *command, const char *what, const char *why)
{
	char shown[256];

	text_escape(shown, sizeof shown, what, strlen(what));
	errx(code, "%s: %s: %s", command, shown, why);
}

void
audit_warn(const char *command, const char *what, const char *why)
{
	char shown[256];

	text_escape(shown, sizeof shown, what, strlen(what));
	warnx("%s: %s: %s", command, shown, why);
}

int
audit_option(int argc, char **argv, const struct option *options)
{
	char letter[] = { '-', '?', '\0' };
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, ":", options, NULL);
	if (c == ':')
		audit_reject(EX_USAGE, argv[0], argv[optind - 1],
		    "needs a value");
	if (c != '?')
		return c;
	/* optopt: of a long one what it means, of a short one its letter. */
	if (strncmp(argv[optind - 1], "--", 2) == 0)
		audit_reject(EX_USAGE, argv[0], argv[optind - 1],
		    optopt != 0 ? "takes no value" : "no such option");
	letter[1] = (char)optopt;
	audit_reject(EX_USAGE, argv[0], letter, "no such option");
}

enum policy_id
audit_process(const char *command, const char *name)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (strcmp(name, policy_get(id)->process) == 0)
			return id;
	audit_reject(EX_USAGE, command, name, "no such process; "
	    "\"postern-audit policy\" shows which there are");
}

const char *
audit_group_note(const struct policy_group *g)
{
	if (policy_group_reserve(g))
		return "not used in an ordinary run: another kernel, clock, "
		    "library or moment needs them";
	if (g->when & WHEN_SANITIZED)
		return "only in what is built with sanitizers";
	if (g->when & WHEN_OLD_CALLS)
		return "on x86_64, which has older calls than others";
	if (g->when & WHEN_NEW_CALLS)
		return "on machines that lack x86_64's older calls";
	return NULL;
}

void
audit_print(json_t *doc)
{
	if (json_dumpf(doc, stdout, JSON_INDENT(2)) == -1 ||
	    putchar('\n') == EOF)
		err(EX_IOERR, "standard output");
	json_decref(doc);
}

int
audit_said(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		err(EX_IOERR, "standard output");
	return EX_OK;
}
