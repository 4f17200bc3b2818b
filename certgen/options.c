#include "options.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "text.h"

/* Above every character, so that a long option is not taken for a letter. */
#define LONG_BASE 256

#define HINT "\"postern-certgen --help\" shows how"

static const struct spec {
	const char	*name;
	int		 has_arg;
	bool		 list;		/* may be given more than once */
} specs[OPT_COUNT] = {
	[OPT_ALGORITHM]	 = { "algorithm", required_argument, false },
	[OPT_CA]	 = { "ca", required_argument, false },
	[OPT_CA_KEY]	 = { "ca-key", required_argument, false },
	[OPT_CERT]	 = { "cert", required_argument, false },
	[OPT_DAYS]	 = { "days", required_argument, false },
	[OPT_EMAIL]	 = { "email", required_argument, true },
	[OPT_FORCE]	 = { "force", no_argument, true },
	[OPT_HELP]	 = { "help", no_argument, true },
	[OPT_HOST]	 = { "host", required_argument, true },
	[OPT_KEY]	 = { "key", required_argument, false },
	[OPT_NAME]	 = { "name", required_argument, false },
	[OPT_NOT_AFTER]	 = { "not-after", required_argument, false },
	[OPT_NOT_BEFORE] = { "not-before", required_argument, false },
	[OPT_URI]	 = { "uri", required_argument, true },
	[OPT_VERBOSE]	 = { "verbose", no_argument, true },
};

_Static_assert(OPT_COUNT <= 32, "OPT() bits fit an unsigned int");

/* All options, known to this subcommand or not: the message can say which. */
static void
fill_long_options(struct option lo[OPT_COUNT + 1])
{
	memset(lo, 0, (OPT_COUNT + 1) * sizeof *lo);
	for (int i = 0; i < OPT_COUNT; i++) {
		lo[i].name = specs[i].name;
		lo[i].has_arg = specs[i].has_arg;
		lo[i].val = LONG_BASE + i;
	}
}

static int
parse_days(const char *arg)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || errno != 0 ||
	    n < 1 || n > PERIOD_DAYS_MAX) {
		char shown[64];

		text_escape(shown, sizeof shown, arg, strlen(arg));
		errx(EX_USAGE, "--days: \"%s\": not a number from 1 to %d",
		    shown, PERIOD_DAYS_MAX);
	}
	return (int)n;
}

static time_t
parse_moment(const char *option, const char *arg)
{
	char shown[64];
	time_t t;

	if (!moment_parse(arg, &t)) {
		text_escape(shown, sizeof shown, arg, strlen(arg));
		errx(EX_USAGE, "--%s: \"%s\": not a time from 1970 to 9999 as "
		    "2030-12-31 or 2030-12-31T23:59:59Z (UTC)", option, shown);
	}
	return t;
}

static enum key_algorithm
parse_algorithm(const char *arg)
{
	enum key_algorithm a;
	char shown[64];

	if (!key_algorithm_parse(arg, &a)) {
		text_escape(shown, sizeof shown, arg, strlen(arg));
		errx(EX_USAGE, "--algorithm: \"%s\": none of p256, p384, "
		    "ed25519, rsa3072", shown);
	}
	return a;
}

static const char *
parse_path(const char *option, const char *arg)
{
	if (*arg == '\0')
		errx(EX_USAGE, "--%s: the file's name is empty", option);
	return arg;
}

static void
take(struct options *o, const struct command *c, enum option_id id,
    const char *arg)
{
	switch (id) {
	case OPT_ALGORITHM:
		o->algorithm = parse_algorithm(arg);
		break;
	case OPT_CA:
		o->ca = parse_path("ca", arg);
		break;
	case OPT_CA_KEY:
		o->ca_key = parse_path("ca-key", arg);
		break;
	case OPT_CERT:
		o->cert = parse_path("cert", arg);
		break;
	case OPT_DAYS:
		o->period.days = parse_days(arg);
		break;
	case OPT_EMAIL:
		names_add_emails(&o->names, arg);
		break;
	case OPT_FORCE:
		o->force = true;
		break;
	case OPT_HELP:
		o->help = true;
		break;
	case OPT_HOST:
		names_add_hosts(&o->names, arg, c->wildcard);
		break;
	case OPT_KEY:
		o->key = parse_path("key", arg);
		break;
	case OPT_NAME:
		names_check_common_name(arg);
		o->name = arg;
		break;
	case OPT_NOT_AFTER:
		o->period.not_after = parse_moment("not-after", arg);
		o->period.has_not_after = true;
		break;
	case OPT_NOT_BEFORE:
		o->period.not_before = parse_moment("not-before", arg);
		o->period.has_not_before = true;
		break;
	case OPT_URI:
		names_add_uris(&o->names, arg);
		break;
	case OPT_VERBOSE:
		o->verbose = true;
		break;
	case OPT_COUNT:
		break;
	}
}

static _Noreturn void
refuse_argument(const char *arg, const char *why)
{
	char shown[128];

	text_escape(shown, sizeof shown, arg, strlen(arg));
	errx(EX_USAGE, "%s: %s; " HINT, shown, why);
}

/* The option that getopt found, whether by its letter or by its name. */
static enum option_id
identify(int opt, char **argv)
{
	if (opt == 'h')
		return OPT_HELP;
	if (opt == 'v')
		return OPT_VERBOSE;
	if (opt == ':')
		refuse_argument(argv[optind - 1], "its value is missing");
	if (opt == '?')
		refuse_argument(argv[optind - 1], optopt >= LONG_BASE ?
		    "takes no value" : "no such option, or short for several");
	return (enum option_id)(opt - LONG_BASE);
}

static void
check_complete(const struct options *o, const struct command *c,
    unsigned int seen)
{
	for (unsigned int i = 0; i < OPT_COUNT; i++)
		if ((c->required & ~seen) >> i & 1)
			errx(EX_USAGE, "%s: --%s is missing; " HINT, c->name,
			    specs[i].name);
	if (o->period.days != 0 && o->period.has_not_after)
		errx(EX_USAGE, "--days and --not-after both say when the "
		    "certificate ends; give one of them");
}

void
options_parse(struct options *o, const struct command *c, int argc,
    char **argv)
{
	struct option lo[OPT_COUNT + 1];
	unsigned int seen = 0;
	int opt;

	memset(o, 0, sizeof *o);
	names_init(&o->names);
	fill_long_options(lo);
	opterr = 0;
	while ((opt = getopt_long_only(argc, argv, "+:hv", lo, NULL)) != -1) {
		enum option_id id = identify(opt, argv);
		unsigned int bit = 1U << id;

		if ((c->allowed & bit) == 0)
			errx(EX_USAGE, "%s: --%s does not belong here; " HINT,
			    c->name, specs[id].name);
		if ((seen & bit) != 0 && !specs[id].list)
			errx(EX_USAGE, "%s: --%s is given twice", c->name,
			    specs[id].name);
		seen |= bit;
		take(o, c, id, optarg);
	}
	if (o->help)
		return;
	if (optind < argc)
		refuse_argument(argv[optind],
		    "neither an option nor the value of one");
	check_complete(o, c, seen);
}

void
options_free(struct options *o)
{
	names_free(&o->names);
}
