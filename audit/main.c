/*
 * postern-audit: what postern's processes may do, and whether it is so.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "audit.h"
#include "text.h"

static const struct command {
	const char	*name;
	const char	*synopsis;
	int		(*run)(int argc, char **argv);
} commands[] = {
	{ "coverage", "[--json] FILE | DIRECTORY ...", audit_coverage },
	{ "explain", "SYSCALL [ARGUMENT ...] [--json]", audit_explain },
	{ "kills", "[--file FILE] ... [--log FILE] ... [--all] [--json]",
	    audit_kills },
	{ "live", "[--json] [--pid PID]", audit_live },
	{ "policy", "[PROCESS] [--json | --man | --pfc]", audit_policy },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int
help(void)
{
	for (size_t i = 0; i < COMMANDS; i++)
		printf("%s postern-audit %s %s\n", i == 0 ? "usage:" :
		    "      ", commands[i].name, commands[i].synopsis);
	printf("       postern-audit --help | --version\n"
	    "See postern-audit(8).\n");
	return audit_said();
}

static int
version(void)
{
	puts("postern-audit " POSTERN_VERSION);
	return audit_said();
}

static const struct command *
find_command(const char *name)
{
	char shown[64];

	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	text_escape(shown, sizeof shown, name, strlen(name));
	errx(EX_USAGE, "%s: no such command; \"postern-audit --help\" shows "
	    "which there are", shown);
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		errx(EX_USAGE, "a command is missing; \"postern-audit --help\" "
		    "shows which there are");
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return help();
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0)
		return version();
	return find_command(argv[1])->run(argc - 1, argv + 1);
}
