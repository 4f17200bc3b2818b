/*
 * posternd --reasons: the words for a refusal, as a table.
 */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>
#include <syslog.h>

#include "explain.h"
#include "reason.h"

static const char *
level_word(int level)
{
	return level == LOG_ERR ? "error" : level == LOG_WARNING ? "warning" :
	    "info";
}

static void
print_text(void)
{
	printf("%-22s %-8s %-5s %s\n", "word", "level", "exit", "because");
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		const struct reason_row *row = reason_row(r);

		printf("%-22s %-8s %-5d %s\n", row->word,
		    level_word(row->level), row->status, row->text);
	}
}

static bool
print_json(void)
{
	json_t *all = json_array();
	bool ok;

	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		const struct reason_row *row = reason_row(r);

		json_array_append_new(all, json_pack("{sssssisbss}", "word",
		    row->word, "level", level_word(row->level), "exit",
		    row->status, "explainable", row->seen == SEEN_OFFLINE,
		    "text", row->text));
	}
	ok = json_dumpf(all, stdout, JSON_INDENT(2)) == 0 &&
	    putchar('\n') != EOF;
	json_decref(all);
	return ok;
}

int
reasons_print(bool json)
{
	bool ok = true;

	if (json)
		ok = print_json();
	else
		print_text();
	if (fflush(stdout) == EOF || !ok)
		err(EX_IOERR, "standard output");
	return EX_OK;
}
