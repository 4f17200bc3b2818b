#include "options.h"

#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "text.h"

#define SECONDS_MAX 86400

static const char usage_text[] =
"usage: postern [-46v] [-C cert -K key] [-R ca] [-H pin]... [-e servername]\n"
"               [-w seconds] host port\n"
"       postern --help | --version\n";

static const char help_text[] =
"Connects standard input and output to a TLS server that proves who it is.\n"
"\n"
"  -4, -6                  use only IPv4, only IPv6\n"
"  -C, --cert FILE         our certificate (PEM), with -K\n"
"  -K, --key FILE          its private key (PEM)\n"
"  -R, --ca FILE           trust these certificates, not the system's CAs\n"
"  -H, --pin SHA256:HEX    the server's certificate or public key; repeatable\n"
"  -e, --servername NAME   the name to verify, if it is not the host\n"
"  -w, --timeout SECONDS   limit on connecting, then on silence\n"
"  -v, --verbose           say with whom we speak, and how\n"
"  -h, --help              this text\n"
"  -V, --version           version\n";

static const struct option long_options[] = {
	{ "ca", required_argument, NULL, 'R' },
	{ "cert", required_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ "key", required_argument, NULL, 'K' },
	{ "pin", required_argument, NULL, 'H' },
	{ "servername", required_argument, NULL, 'e' },
	{ "timeout", required_argument, NULL, 'w' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
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

/* The number if `s` is nothing but decimal digits within min..max, else -1. */
static int
parse_number(const char *s, int min, int max)
{
	size_t n = strlen(s);
	long v;

	if (n == 0 || n > 9 || strspn(s, "0123456789") != n)
		return -1;
	v = strtol(s, NULL, 10);
	return v < min || v > max ? -1 : (int)v;
}

static void
add_pin(struct options *o, const char *s)
{
	if (!text_parse_pin(s, o->pins[o->pin_count]))
		errx(EX_USAGE, "-H %s: a pin is SHA256: and 64 hexadecimal "
		    "digits (-v shows a server's)", s);
	o->pin_count++;
}

static void
set_seconds(struct options *o, const char *s)
{
	o->seconds = parse_number(s, 1, SECONDS_MAX);
	if (o->seconds == -1)
		errx(EX_USAGE, "-w %s: must be 1 to %d seconds", s,
		    SECONDS_MAX);
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

static void
parse_operands(struct options *o, int argc, char **argv)
{
	if (argc != 2) {
		warnx("%s", argc < 2 ? "a host and a port are needed" :
		    "too many arguments: only a host and a port are needed");
		usage();
	}
	o->host = argv[0];
	o->port = argv[1];
	if (parse_number(o->port, 1, 65535) == -1)
		errx(EX_USAGE, "%s: a port is a number from 1 to 65535",
		    o->port);
}

static void
parse_option(struct options *o, int c, const char **servername)
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
	case 'H':
		add_pin(o, optarg);
		break;
	case 'K':
		o->key_file = optarg;
		break;
	case 'R':
		o->ca_file = optarg;
		break;
	case 'V':
		print_and_exit("postern " POSTERN_VERSION, "\n");
	case 'e':
		*servername = optarg;
		break;
	case 'h':
		print_and_exit(usage_text, help_text);
	case 'v':
		o->verbose = true;
		break;
	case 'w':
		set_seconds(o, optarg);
		break;
	default:
		usage();
	}
}

void
options_parse(struct options *o, int argc, char **argv)
{
	const char *servername = NULL;
	int c;

	memset(o, 0, sizeof *o);
	o->family = AF_UNSPEC;
	/* There are fewer pins than arguments. */
	o->pins = calloc((size_t)argc + 1, sizeof *o->pins);
	if (o->pins == NULL)
		err(EX_OSERR, "memory");
	while ((c = getopt_long(argc, argv, "46C:H:K:R:Ve:hvw:", long_options,
	    NULL)) != -1)
		parse_option(o, c, &servername);
	if ((o->cert_file == NULL) != (o->key_file == NULL))
		errx(EX_USAGE, "-C and -K belong together: give both or "
		    "neither");
	parse_operands(o, argc - optind, argv + optind);
	set_servername(o, servername);
}
