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

#define PERIOD (OPT(DAYS) | OPT(NOT_BEFORE) | OPT(NOT_AFTER))
#define ALWAYS (OPT(VERBOSE) | OPT(HELP))
#define COMMON (OPT(CERT) | OPT(KEY) | PERIOD | OPT(ALGORITHM) | \
	OPT(FORCE) | ALWAYS)
#define PAIR (OPT(CERT) | OPT(KEY))
#define BY_CA (OPT(CA) | OPT(CA_KEY))
#define USES_CA (BY_CA | OPT(PASSPHRASE_FILE))
#define NAMES (OPT(HOST) | OPT(NAME) | OPT(URI) | OPT(EMAIL))
#define LIST (OPT(CRL) | OPT(CRL_DAYS) | OPT(FORCE) | ALWAYS)

static const struct command commands[] = {
	{ "self-signed", "--cert FILE --key FILE --host LIST",
	    COMMON | OPT(HOST), PAIR | OPT(HOST), false, false,
	    command_self_signed },
	{ "ca", "--cert FILE --key FILE --name NAME\n"
	    "\t[--pathlen N] [--permit LIST] [--passphrase]\n"
	    "\t[--parent FILE --parent-key FILE]",
	    COMMON | OPT(NAME) | OPT(PATHLEN) | OPT(PERMIT) | OPT(PASSPHRASE) |
	    OPT(PASSPHRASE_FILE) | OPT(PARENT) | OPT(PARENT_KEY) |
	    OPT(PARENT_PASSPHRASE_FILE), PAIR | OPT(NAME), false, false,
	    command_ca },
	{ "server", "--ca FILE --ca-key FILE --cert FILE --key FILE "
	    "--host LIST\n\t[--name NAME] [--uri LIST]",
	    COMMON | USES_CA | OPT(HOST) | OPT(NAME) | OPT(URI),
	    PAIR | BY_CA | OPT(HOST), true, false, command_server },
	{ "client", "--ca FILE --ca-key FILE --cert FILE --key FILE "
	    "--name NAME\n\t[--host LIST] [--uri LIST] [--email LIST]",
	    COMMON | USES_CA | NAMES, PAIR | BY_CA | OPT(NAME), false, false,
	    command_client },
	{ "csr", "--key FILE --csr FILE [--name NAME] [--host LIST]\n"
	    "\t[--uri LIST] [--email LIST] [--algorithm WORD]",
	    OPT(KEY) | OPT(CSR) | NAMES | OPT(ALGORITHM) |
	    OPT(PASSPHRASE_FILE) | OPT(FORCE) | ALWAYS, OPT(KEY) | OPT(CSR),
	    true, false, command_csr },
	{ "sign", "--ca FILE --ca-key FILE --csr FILE --cert FILE "
	    "--role server|client\n\t[--name NAME] [--host LIST] "
	    "[--uri LIST] [--email LIST]",
	    USES_CA | OPT(CSR) | OPT(CERT) | OPT(ROLE) | NAMES | PERIOD |
	    OPT(FORCE) | ALWAYS, BY_CA | OPT(CSR) | OPT(CERT) | OPT(ROLE),
	    true, false, command_sign },
	{ "renew", "--ca FILE --ca-key FILE --cert FILE [--key FILE] "
	    "[--new-key]\n\t[--role server|client]",
	    USES_CA | PAIR | OPT(NEW_KEY) | OPT(ALGORITHM) | OPT(ROLE) |
	    PERIOD | ALWAYS, BY_CA | OPT(CERT), false, false, command_renew },
	{ "revoke", "--ca FILE --ca-key FILE --cert FILE|--serial HEX "
	    "--crl FILE\n\t[--reason WORD] [--crl-days N]",
	    USES_CA | OPT(CERT) | OPT(SERIAL) | OPT(REASON) | LIST,
	    BY_CA | OPT(CRL), false, false, command_revoke },
	{ "crl", "--ca FILE --ca-key FILE --crl FILE [--crl-days N]",
	    USES_CA | LIST, BY_CA | OPT(CRL), false, false, command_crl },
	{ "inspect", "[--json] FILE ...", OPT(JSON) | ALWAYS, 0, false, true,
	    command_inspect },
	{ "pin", "[--json] FILE ...", OPT(JSON) | ALWAYS, 0, false, true,
	    command_pin },
	{ "verify", "--ca FILE --cert FILE [--crl FILE] "
	    "[--crl-policy WORD]\n\t[--purpose client|server] "
	    "[--max-depth N] [--no-client-usage]\n\t[--pin SHA256:HEX] "
	    "[--allow PATTERN] [--from ADDRESS] [--json]",
	    OPT(CA) | OPT(CERT) | OPT(CRL) | OPT(CRL_POLICY) | OPT(PURPOSE) |
	    OPT(MAX_DEPTH) | OPT(NO_CLIENT_USAGE) | OPT(PIN) | OPT(ALLOW) |
	    OPT(FROM) | OPT(JSON) | ALWAYS, OPT(CA) | OPT(CERT), false, false,
	    command_verify },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int
help(void)
{
	for (size_t i = 0; i < COMMANDS; i++)
		printf("%s postern-certgen %s %s\n", i == 0 ? "usage:" :
		    "      ", commands[i].name, commands[i].synopsis);
	printf("What makes a certificate also takes: [--days N] "
	    "[--not-before TIME]\n\t[--not-after TIME] [--force] [-v], and "
	    "what makes a key\n\t[--algorithm p256|p384|ed25519|rsa3072].\n"
	    "What reads a CA's key under a passphrase: "
	    "[--passphrase-file FILE]\n"
	    "LISTs are comma-separated.  See postern-certgen(1).\n");
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
	errx(EX_USAGE, "%s: no such subcommand; \"postern-certgen --help\" "
	    "shows which there are", shown);
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
