/*
 * postern-certgen: keys and certificates for posternd and its clients.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "confine.h"
#include "crypto.h"
#include "options.h"
#include "text.h"

#define COMMON (OPT(CERT) | OPT(KEY) | OPT(DAYS) | OPT(NOT_BEFORE) | \
	OPT(NOT_AFTER) | OPT(ALGORITHM) | OPT(FORCE) | OPT(VERBOSE) | OPT(HELP))
#define PAIR (OPT(CERT) | OPT(KEY))
#define BY_CA (OPT(CA) | OPT(CA_KEY))

static const struct command commands[] = {
	{ "self-signed", "--cert FILE --key FILE --host LIST",
	    COMMON | OPT(HOST), PAIR | OPT(HOST), false,
	    command_self_signed },
	{ "ca", "--cert FILE --key FILE --name NAME",
	    COMMON | OPT(NAME), PAIR | OPT(NAME), false, command_ca },
	{ "server", "--ca FILE --ca-key FILE --cert FILE --key FILE "
	    "--host LIST\n\t[--name NAME] [--uri LIST]",
	    COMMON | BY_CA | OPT(HOST) | OPT(NAME) | OPT(URI),
	    PAIR | BY_CA | OPT(HOST), true, command_server },
	{ "client", "--ca FILE --ca-key FILE --cert FILE --key FILE "
	    "--name NAME\n\t[--host LIST] [--uri LIST] [--email LIST]",
	    COMMON | BY_CA | OPT(HOST) | OPT(NAME) | OPT(URI) | OPT(EMAIL),
	    PAIR | BY_CA | OPT(NAME), false, command_client },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int
help(void)
{
	for (size_t i = 0; i < COMMANDS; i++)
		printf("%s postern-certgen %s %s\n", i == 0 ? "usage:" :
		    "      ", commands[i].name, commands[i].synopsis);
	printf("Each also takes: [--algorithm p256|p384|ed25519|rsa3072] "
	    "[--days N]\n\t[--not-before TIME] [--not-after TIME] [--force] "
	    "[-v]\nLISTs are comma-separated.  "
	    "See postern-certgen(1).\n");
	if (fflush(stdout) == EOF) {
		warn("standard output");
		return EX_IOERR;
	}
	return 0;
}

static bool
asks(const char *arg, const char *word)
{
	return strcmp(arg, word) == 0 || (arg[0] == '-' && arg[1] == '-' &&
	    strcmp(arg + 1, word) == 0);
}

static const struct command *
find_command(const char *name)
{
	char shown[64];

	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	text_escape(shown, sizeof shown, name, strlen(name));
	errx(EX_USAGE, "%s: no such subcommand; self-signed, ca, server or "
	    "client is wanted", shown);
}

int
main(int argc, char **argv)
{
	const struct command *c;
	struct options o;
	int rc;

	if (argc < 2)
		errx(EX_USAGE, "a subcommand is missing; \"postern-certgen "
		    "--help\" shows which there are");
	if (asks(argv[1], "-h") || asks(argv[1], "-help"))
		return help();
	if (asks(argv[1], "-V") || asks(argv[1], "-version"))
		return printf("postern-certgen " POSTERN_VERSION "\n") < 0 ||
		    fflush(stdout) == EOF ? EX_IOERR : 0;
	c = find_command(argv[1]);
	confine_no_new_privs();
	confine_hide();		/* keys must not end in a core file */
	crypto_init();
	options_parse(&o, c, argc - 1, argv + 1);
	rc = o.help ? help() : c->run(&o);
	options_free(&o);
	return rc;
}
