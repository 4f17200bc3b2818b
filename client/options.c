#include "options.h"

#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "text.h"
#include "values.h"

#define SECONDS_MAX	86400
#define COUNT_MAX	999999999

/* Twice as fast as that is no longer a question whether somebody is there. */
#define INTERVAL_MIN_US	10000

#define INTERVAL_US	1000000
#define SIZE		64

/* Options without a letter. */
enum { OPTION_JSON = 256, OPTION_PROXY, OPTION_END };

/* An operand, where it stands between the options: see getopt(3). */
#define OPERAND 1

/* The most there can be: command, file, host and port; one more is too many. */
#define OPERANDS 5

static const char usage_text[] =
"usage: postern [connect] [option]... host port\n"
"       postern inspect [--json] [option]... host port\n"
"       postern ping [-q] [-c count] [-i seconds] [-s bytes] [--json]\n"
"               [option]... host port\n"
"       postern send [-q] [--json] [option]... file host port\n"
"       postern --help | --version\n";

static const char help_text[] =
"Connects to a TLS server that proves who it is, and\n"
"\n"
"  connect                 relays standard input and output (the default)\n"
"  inspect                 shows what it is and whether it lets us in\n"
"  ping                    measures the time of echoes, and checks them\n"
"  send                    echoes a file (-: standard input) and compares\n"
"\n"
"Options of all:\n"
"  -4, -6                  use only IPv4, only IPv6\n"
"  -C, --cert FILE         our certificate (PEM), with -K\n"
"  -K, --key FILE          its private key (PEM)\n"
"  -R, --ca FILE           trust these certificates, not the system's CAs\n"
"  -H, --pin SHA256:HEX    the server's certificate or public key; repeatable\n"
"  -e, --servername NAME   the name to verify, if it is not the host\n"
"  -w, --timeout SECONDS   limit on connecting, then on silence\n"
"  -v, --verbose           say with whom we speak, and how\n"
"      --proxy-v2 ADDRESS  begin with a PROXY header, as a balancer would\n"
"  -h, --help              this text\n"
"  -V, --version           version\n"
"\n"
"Options of inspect, ping and send:\n"
"      --json              the result as one JSON document\n"
"  -q, --quiet             (ping, send) no line per echo, no progress\n"
"  -c, --count NUMBER      (ping) end after so many echoes\n"
"  -i, --interval SECONDS  (ping) between two echoes: 1, at least 0.01\n"
"  -s, --size BYTES        (ping) of an echo: 64, at most 65536\n";

static const struct option long_options[] = {
	{ "ca", required_argument, NULL, 'R' },
	{ "cert", required_argument, NULL, 'C' },
	{ "count", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "interval", required_argument, NULL, 'i' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "key", required_argument, NULL, 'K' },
	{ "pin", required_argument, NULL, 'H' },
	{ "proxy-v2", required_argument, NULL, OPTION_PROXY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "servername", required_argument, NULL, 'e' },
	{ "size", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 'w' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char *const commands[] = {
	[COMMAND_CONNECT] = "connect",
	[COMMAND_INSPECT] = "inspect",
	[COMMAND_PING] = "ping",
	[COMMAND_SEND] = "send",
};
#define COMMANDS (sizeof commands / sizeof commands[0])

const char *
options_command(enum command command)
{
	return commands[command];
}

/* Options that only some commands take. */
static const struct {
	int		 option;
	const char	*name;
	unsigned int	 takers;	/* 1 << command */
	const char	*names;
} special[] = {
	{ OPTION_JSON, "--json", 1 << COMMAND_INSPECT | 1 << COMMAND_PING |
	    1 << COMMAND_SEND, "inspect, ping and send" },
	{ 'c', "-c", 1 << COMMAND_PING, "ping" },
	{ 'i', "-i", 1 << COMMAND_PING, "ping" },
	{ 'q', "-q", 1 << COMMAND_PING | 1 << COMMAND_SEND, "ping and send" },
	{ 's', "-s", 1 << COMMAND_PING, "ping" },
};

/* The command line as it is read, before it is looked at as a whole. */
struct line {
	struct options	*o;
	const char	*servername;
	bool		 given[OPTION_END];
	char		*operand[OPERANDS];
	int		 operands;
};

static _Noreturn void
usage(void)
{
	fputs(usage_text, stderr);
	exit(EX_USAGE);
}

static _Noreturn void
print_and_exit(const char *first, const char *second)
{
	if (fputs(first, stdout) == EOF || fputs(second, stdout) == EOF ||
	    fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	exit(EX_OK);
}

/* ---- single options ---- */

static void
add_pin(struct options *o, const char *s)
{
	if (!text_parse_pin(s, o->pins[o->pin_count]))
		errx(EX_USAGE, "-H %s: a pin is SHA256: and 64 hexadecimal "
		    "digits (postern inspect shows a server's)", s);
	o->pin_count++;
}

static void
set_seconds(struct options *o, const char *s)
{
	o->seconds = value_number(s, 1, SECONDS_MAX);
	if (o->seconds == -1)
		errx(EX_USAGE, "-w %s: must be 1 to %d seconds", s,
		    SECONDS_MAX);
}

static void
set_count(struct options *o, const char *s)
{
	int n = value_number(s, 1, COUNT_MAX);

	if (n == -1)
		errx(EX_USAGE, "-c %s: must be 1 to %d echoes", s, COUNT_MAX);
	o->count = (uint64_t)n;
}

static void
set_interval(struct options *o, const char *s)
{
	o->interval_us = value_microseconds(s);
	if (o->interval_us < INTERVAL_MIN_US)
		errx(EX_USAGE, "-i %s: must be 0.01 to %d seconds", s,
		    SECONDS_MAX);
}

static void
set_size(struct options *o, const char *s)
{
	int n = value_number(s, 1, PING_SIZE_MAX);

	if (n == -1)
		errx(EX_USAGE, "-s %s: must be 1 to %d bytes", s,
		    PING_SIZE_MAX);
	o->size = (size_t)n;
}

static void
set_source(struct options *o, const char *s)
{
	if (!value_address(s, &o->source))
		errx(EX_USAGE, "--proxy-v2 %s: must be a numeric address, as "
		    "192.0.2.7 or [2001:db8::1]:4711", s);
	o->source_text = s;
}

/* Those that name a file, or are switches. */
static void
set_plain(struct options *o, int c)
{
	switch (c) {
	case '4':
		o->family = AF_INET;
		break;
	case '6':
		o->family = AF_INET6;
		break;
	case 'C':
		o->cert_file = optarg;
		break;
	case 'K':
		o->key_file = optarg;
		break;
	case 'R':
		o->ca_file = optarg;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	case OPTION_JSON:
		o->json = true;
		break;
	default:
		usage();
	}
}

static void
add_operand(struct line *l, char *s)
{
	if (l->operands < OPERANDS)
		l->operand[l->operands++] = s;
}

static void
parse_option(struct line *l, int c)
{
	switch (c) {
	case OPERAND:
		add_operand(l, optarg);
		break;
	case 'H':
		add_pin(l->o, optarg);
		break;
	case 'V':
		print_and_exit("postern " POSTERN_VERSION, "\n");
	case 'c':
		set_count(l->o, optarg);
		break;
	case 'e':
		l->servername = optarg;
		break;
	case 'h':
		print_and_exit(usage_text, help_text);
	case 'i':
		set_interval(l->o, optarg);
		break;
	case 's':
		set_size(l->o, optarg);
		break;
	case 'w':
		set_seconds(l->o, optarg);
		break;
	case OPTION_PROXY:
		set_source(l->o, optarg);
		break;
	default:
		set_plain(l->o, c);
	}
	l->given[c] = true;
}

/* ---- the whole ---- */

/* The first operand may be a command's name; then the others move up. */
static void
take_command(struct line *l)
{
	for (size_t i = 0; l->operands > 0 && i < COMMANDS; i++) {
		if (strcmp(l->operand[0], commands[i]) != 0)
			continue;
		l->o->command = (enum command)i;
		l->operands--;
		memmove(l->operand, l->operand + 1,
		    (size_t)l->operands * sizeof l->operand[0]);
		return;
	}
}

static void
check_special(const struct line *l)
{
	for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
		if (l->given[special[i].option] &&
		    !(special[i].takers & 1U << l->o->command))
			errx(EX_USAGE, "%s is for %s", special[i].name,
			    special[i].names);
}

static void
check_count(const struct line *l)
{
	const char *name = commands[l->o->command];
	const char *need = l->o->command == COMMAND_SEND ?
	    "a file, a host and a port" : "a host and a port";
	int want = l->o->command == COMMAND_SEND ? 3 : 2;

	if (l->operands == want)
		return;
	warnx("%s%s are needed", l->operands > want ? "too many arguments: "
	    "only " : "", need);
	/* Whoever has a host of that name sees how it is meant. */
	if (l->o->command != COMMAND_CONNECT && l->operands < want)
		warnx("%s is a command; a host of that name: postern connect "
		    "%s port", name, name);
	usage();
}

/*
 * Only what a host name or an address is made of.  A name with a '*' in it
 * would match the very wildcard in a certificate.
 */
static bool
is_plain_name(const char *s)
{
	return *s != '\0' && *s != '-' && s[strspn(s,
	    "abcdefghijklmnopqrstuvwxyz" "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789" "-._:")] == '\0';
}

/* Certificates know addresses without scope, and IPv4 in its own form. */
static void
canonical_address(char name[SERVERNAME_MAX])
{
	struct in6_addr v6;
	char *scope = strchr(name, '%');

	if (strchr(name, ':') == NULL)
		return;
	if (scope != NULL)
		*scope = '\0';
	if (inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_V4MAPPED(&v6))
		inet_ntop(AF_INET, &v6.s6_addr[12], name, SERVERNAME_MAX);
}

static void
set_servername(struct options *o, const char *explicit)
{
	const char *name = explicit != NULL ? explicit : o->host;
	size_t n;

	if (!text_copy(o->servername, sizeof o->servername, name))
		errx(EX_USAGE, "%s: is too long for a host name", name);
	canonical_address(o->servername);
	n = strlen(o->servername);
	if (n > 1 && o->servername[n - 1] == '.')
		o->servername[n - 1] = '\0';
	if (!is_plain_name(o->servername))
		errx(EX_USAGE, "%s%s: is neither a host name nor an address",
		    explicit != NULL ? "-e " : "", name);
}

/*
 * A header names two addresses of one family: an IPv4 source needs an IPv4
 * connection, while IPv6 has a form for IPv4 addresses as well.
 */
static void
set_family(struct options *o)
{
	if (o->source_text == NULL || o->source.ss_family != AF_INET)
		return;
	if (o->family == AF_INET6 || strchr(o->host, ':') != NULL)
		errx(EX_USAGE, "--proxy-v2 %s: a header has no room for an "
		    "IPv4 source of a connection that is IPv6: connect by "
		    "IPv4, or give an IPv6 source", o->source_text);
	o->family = AF_INET;
}

static void
take_operands(struct line *l)
{
	struct options *o = l->o;
	int at = 0;

	take_command(l);
	check_special(l);
	check_count(l);
	if (o->command == COMMAND_SEND)
		o->file = l->operand[at++];
	o->host = l->operand[at++];
	o->port = l->operand[at];
	if (value_number(o->port, 1, 65535) == -1)
		errx(EX_USAGE, "%s: a port is a number from 1 to 65535",
		    o->port);
}

void
options_parse(struct options *o, int argc, char **argv)
{
	struct line l = { .o = o };
	int c;

	*o = (struct options){ .family = AF_UNSPEC,
	    .interval_us = INTERVAL_US, .size = SIZE };
	/* There are fewer pins than arguments. */
	o->pins = calloc((size_t)argc + 1, sizeof *o->pins);
	if (o->pins == NULL)
		err(EX_OSERR, "memory");
	while ((c = getopt_long(argc, argv, "-46C:H:K:R:Vc:e:hi:qs:vw:",
	    long_options, NULL)) != -1)
		parse_option(&l, c);
	while (optind < argc)
		add_operand(&l, argv[optind++]);
	if ((o->cert_file == NULL) != (o->key_file == NULL))
		errx(EX_USAGE, "-C and -K belong together: give both or "
		    "neither");
	take_operands(&l);
	set_family(o);
	set_servername(o, l.servername);
}
