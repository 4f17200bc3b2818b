/*
 * The command line, taken apart and checked: what comes out of here is
 * well-formed, though files may still be missing or not fit each other.
 */
#ifndef POSTERN_CERTGEN_OPTIONS_H
#define POSTERN_CERTGEN_OPTIONS_H

#include <stdbool.h>

#include "key.h"
#include "names.h"
#include "validity.h"

enum option_id {
	OPT_ALGORITHM,
	OPT_CA,
	OPT_CA_KEY,
	OPT_CERT,
	OPT_DAYS,
	OPT_EMAIL,
	OPT_FORCE,
	OPT_HELP,
	OPT_HOST,
	OPT_KEY,
	OPT_NAME,
	OPT_NOT_AFTER,
	OPT_NOT_BEFORE,
	OPT_URI,
	OPT_VERBOSE,
	OPT_COUNT
};

#define OPT(id) (1U << OPT_##id)

struct options {
	const char		*cert, *key;	/* to be written */
	const char		*ca, *ca_key;	/* to be read; NULL: none */
	const char		*name;		/* common name; NULL: none */
	struct names		 names;		/* subject alternative names */
	struct period		 period;
	enum key_algorithm	 algorithm;
	bool			 force, verbose, help;
};

struct command;

/*
 * Take apart argv (argv[0] is the subcommand's name) by the options that
 * `c` knows.  What is wrong ends the program with one line and EX_USAGE.
 * Strings are argv's own; the names are freed with options_free.
 */
void options_parse(struct options *o, const struct command *c, int argc,
    char **argv);
void options_free(struct options *o);

#endif
