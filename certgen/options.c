#include "options.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addr.h"
#include "command.h"
#include "crypto.h"
#include "text.h"
#include "x509text.h"

/* Above every character, so that a long option is not taken for a letter. */
#define LONG_BASE 256

#define HINT "\"postern-certgen --help\" shows how"

#define PATHLEN_MAX	100
#define DEPTH_MAX	10	/* as posternd.conf(5) has it */

/* `option` is its name, for messages. */
typedef void taker(struct options *, const struct command *,
    const char *option, const char *arg);

static taker take_algorithm, take_allow, take_crl_days, take_crl_policy,
    take_days, take_email, take_from, take_host, take_max_depth, take_name,
    take_no_client_usage, take_not_after, take_not_before, take_pathlen,
    take_permit, take_pin, take_purpose, take_reason, take_role, take_serial,
    take_uri;

/* A file, a flag, or what needs a look. */
enum kind { PATH, FLAG, OTHER };

#define PATH_TO(member)	PATH, false, offsetof(struct options, member), NULL
#define SETS(member)	FLAG, true, offsetof(struct options, member), NULL
#define ONCE(taker)	OTHER, false, 0, taker
#define LIST(taker)	OTHER, true, 0, taker

static const struct spec {
	const char	*name;
	enum kind	 kind;
	bool		 list;		/* may be given more than once */
	size_t		 member;	/* of struct options, for PATH, FLAG */
	taker		*take;		/* for OTHER */
} specs[OPT_COUNT] = {
	[OPT_ALGORITHM]	= { "algorithm", ONCE(take_algorithm) },
	[OPT_ALLOW]	= { "allow", LIST(take_allow) },
	[OPT_CA]	= { "ca", PATH_TO(ca) },
	[OPT_CA_KEY]	= { "ca-key", PATH_TO(ca_key) },
	[OPT_CERT]	= { "cert", PATH_TO(cert) },
	[OPT_CRL]	= { "crl", PATH_TO(crl) },
	[OPT_CRL_DAYS]	= { "crl-days", ONCE(take_crl_days) },
	[OPT_CRL_POLICY] = { "crl-policy", ONCE(take_crl_policy) },
	[OPT_CSR]	= { "csr", PATH_TO(csr) },
	[OPT_DAYS]	= { "days", ONCE(take_days) },
	[OPT_EMAIL]	= { "email", LIST(take_email) },
	[OPT_FORCE]	= { "force", SETS(force) },
	[OPT_FROM]	= { "from", ONCE(take_from) },
	[OPT_HELP]	= { "help", SETS(help) },
	[OPT_HOST]	= { "host", LIST(take_host) },
	[OPT_JSON]	= { "json", SETS(json) },
	[OPT_KEY]	= { "key", PATH_TO(key) },
	[OPT_MAX_DEPTH]	= { "max-depth", ONCE(take_max_depth) },
	[OPT_NAME]	= { "name", ONCE(take_name) },
	[OPT_NEW_KEY]	= { "new-key", SETS(new_key) },
	[OPT_NO_CLIENT_USAGE] = { "no-client-usage", FLAG, true, 0,
	    take_no_client_usage },
	[OPT_NOT_AFTER]	= { "not-after", ONCE(take_not_after) },
	[OPT_NOT_BEFORE] = { "not-before", ONCE(take_not_before) },
	[OPT_PARENT]	= { "parent", PATH_TO(ca) },
	[OPT_PARENT_KEY] = { "parent-key", PATH_TO(ca_key) },
	[OPT_PARENT_PASSPHRASE_FILE] = { "parent-passphrase-file",
	    PATH_TO(parent_passphrase_file) },
	[OPT_PASSPHRASE] = { "passphrase", SETS(passphrase) },
	[OPT_PASSPHRASE_FILE] = { "passphrase-file",
	    PATH_TO(passphrase_file) },
	[OPT_PATHLEN]	= { "pathlen", ONCE(take_pathlen) },
	[OPT_PERMIT]	= { "permit", LIST(take_permit) },
	[OPT_PIN]	= { "pin", LIST(take_pin) },
	[OPT_PURPOSE]	= { "purpose", ONCE(take_purpose) },
	[OPT_REASON]	= { "reason", ONCE(take_reason) },
	[OPT_ROLE]	= { "role", ONCE(take_role) },
	[OPT_SERIAL]	= { "serial", ONCE(take_serial) },
	[OPT_URI]	= { "uri", LIST(take_uri) },
	[OPT_VERBOSE]	= { "verbose", SETS(verbose) },
};

_Static_assert(OPT_COUNT <= 64, "OPT() bits fit an uint64_t");

/* ---- values ------------------------------------------------------------- */

static _Noreturn void
refuse_value(const char *option, const char *arg, const char *why)
{
	char shown[128];

	text_escape(shown, sizeof shown, arg, strlen(arg));
	errx(EX_USAGE, "--%s: \"%s\": %s", option, shown, why);
}

static int
parse_number(const char *option, const char *arg, int least, int most)
{
	char *end, why[64];
	long n;

	errno = 0;
	n = strtol(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || errno != 0 ||
	    n < least || n > most) {
		snprintf(why, sizeof why, "not a number from %d to %d", least,
		    most);
		refuse_value(option, arg, why);
	}
	return (int)n;
}

static time_t
parse_moment(const char *option, const char *arg)
{
	time_t t;

	if (!moment_parse(arg, &t))
		refuse_value(option, arg, "not a time from 1970 to 9999 as "
		    "2030-12-31 or 2030-12-31T23:59:59Z (UTC)");
	return t;
}

static void
take_days(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	o->period.days = parse_number(option, arg, 1, PERIOD_DAYS_MAX);
}

static void
take_crl_days(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	o->crl_days = parse_number(option, arg, 1, PERIOD_DAYS_MAX);
}

static void
take_not_after(struct options *o, const struct command *c,
    const char *option, const char *arg)
{
	(void)c;
	o->period.not_after = parse_moment(option, arg);
	o->period.has_not_after = true;
}

static void
take_not_before(struct options *o, const struct command *c,
    const char *option, const char *arg)
{
	(void)c;
	o->period.not_before = parse_moment(option, arg);
	o->period.has_not_before = true;
}

static void
take_algorithm(struct options *o, const struct command *c,
    const char *option, const char *arg)
{
	(void)c;
	if (!key_algorithm_parse(arg, &o->algorithm))
		refuse_value(option, arg,
		    "none of p256, p384, ed25519, rsa3072");
}

static void
take_role(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	if (!role_parse(arg, &o->role) ||
	    (o->role != ROLE_SERVER && o->role != ROLE_CLIENT))
		refuse_value(option, arg, "neither server nor client");
	o->has_role = true;
}

static void
take_pathlen(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	o->pathlen = parse_number(option, arg, 0, PATHLEN_MAX);
	o->has_pathlen = true;
}

/* Written in any of the usual ways: "0A:1b", "a1b". */
static void
take_serial(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	char digits[SERIAL_SIZE + 2], *to = digits;
	ASN1_INTEGER *number = NULL;
	BIGNUM *bn = NULL;

	(void)c;
	for (const char *p = arg; *p != '\0' &&
	    to < digits + sizeof digits - 1; p++)
		if (*p != ':')
			*to++ = *p;
	*to = '\0';
	if (digits[0] == '\0' || to - digits >= SERIAL_SIZE - 1 ||
	    digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0')
		refuse_value(option, arg, "not a serial number in hexadecimal "
		    "as \"postern-certgen inspect\" shows it");
	if (BN_hex2bn(&bn, digits) == 0 ||
	    (number = BN_to_ASN1_INTEGER(bn, NULL)) == NULL)
		crypto_fatal("serial number");
	x509_integer_text(number, o->serial, sizeof o->serial);
	ASN1_INTEGER_free(number);
	BN_free(bn);
}

static void
take_reason(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	o->reason = reason_number(arg);
	/* On hold: there is no word here that would end that. */
	if (o->reason == -1 || strcmp(arg, "certificateHold") == 0)
		refuse_value(option, arg, "none of unspecified, keyCompromise, "
		    "CACompromise, affiliationChanged, superseded, "
		    "cessationOfOperation, privilegeWithdrawn, AACompromise");
}

/* ---- names -------------------------------------------------------------- */

static void
take_name(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	(void)option;
	names_check_common_name(arg, &(struct origin){ "--name", EX_USAGE });
	o->name = arg;
}

static void
take_host(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)option;
	names_add_hosts(&o->names, arg, c->wildcard);
}

static void
take_uri(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	(void)option;
	names_add_uris(&o->names, arg);
}

static void
take_email(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	(void)option;
	names_add_emails(&o->names, arg);
}

static void
take_permit(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	(void)option;
	constraints_permit(&o->permit, arg);
}

/* ---- rules of verify ---------------------------------------------------- */

static void
take_pin(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	struct rules *r = &o->rules;

	(void)c;
	if (r->pins == RULES_PINS)
		errx(EX_USAGE, "--pin: more than %d of them", RULES_PINS);
	if (!text_parse_pin(arg, r->pin[r->pins]))
		refuse_value(option, arg, "not SHA256: and 64 hexadecimal "
		    "digits, as \"postern-certgen pin\" shows it");
	r->pins++;
}

static void
take_allow(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	struct rules *r = &o->rules;
	const char *why = pattern_wrong(arg);

	(void)c;
	if (why != NULL)
		refuse_value(option, arg, why);
	if (r->allows == RULES_ALLOWS)
		errx(EX_USAGE, "--allow: more than %d of them", RULES_ALLOWS);
	text_copy(r->allow[r->allows++], PATTERN_SIZE, arg);
}

static void
take_max_depth(struct options *o, const struct command *c,
    const char *option, const char *arg)
{
	(void)c;
	o->rules.max_depth = (uint32_t)parse_number(option, arg, 0, DEPTH_MAX);
}

static void
take_crl_policy(struct options *o, const struct command *c,
    const char *option, const char *arg)
{
	(void)c;
	if (strcmp(arg, "strict") == 0)
		o->rules.crl_policy = CRL_STRICT;
	else if (strcmp(arg, "last-good") == 0)
		o->rules.crl_policy = CRL_LAST_GOOD;
	else
		refuse_value(option, arg, "neither strict nor last-good");
}

static void
take_purpose(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	if (strcmp(arg, "client") != 0 && strcmp(arg, "server") != 0)
		refuse_value(option, arg, "neither client nor server");
	o->rules.server = strcmp(arg, "server") == 0;
}

static void
take_no_client_usage(struct options *o, const struct command *c,
    const char *option, const char *arg)
{
	(void)c;
	(void)option;
	(void)arg;
	o->rules.client_usage = false;
}

static void
take_from(struct options *o, const struct command *c, const char *option,
    const char *arg)
{
	(void)c;
	if (!addr_parse_host(arg, &o->from))
		refuse_value(option, arg, "not a numeric address (192.0.2.1, "
		    "2001:db8::1)");
	o->has_from = true;
}

/* ---- the line ----------------------------------------------------------- */

/* All options, known to this subcommand or not: the message can say which. */
static void
fill_long_options(struct option lo[OPT_COUNT + 1])
{
	memset(lo, 0, (OPT_COUNT + 1) * sizeof *lo);
	for (int i = 0; i < OPT_COUNT; i++) {
		lo[i].name = specs[i].name;
		lo[i].has_arg = specs[i].kind == FLAG ? no_argument :
		    required_argument;
		lo[i].val = LONG_BASE + i;
	}
}

static void
take(struct options *o, const struct command *c, const struct spec *s,
    const char *arg)
{
	char *member = (char *)o + s->member;

	if (s->take != NULL) {
		s->take(o, c, s->name, arg);
	} else if (s->kind == FLAG) {
		*(bool *)(void *)member = true;
	} else {
		if (*arg == '\0')
			errx(EX_USAGE, "--%s: the file's name is empty",
			    s->name);
		*(const char **)(void *)member = arg;
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
    uint64_t seen)
{
	for (unsigned int i = 0; i < OPT_COUNT; i++)
		if ((c->required & ~seen) >> i & 1)
			errx(EX_USAGE, "%s: --%s is missing; " HINT, c->name,
			    specs[i].name);
	if (o->period.days != 0 && o->period.has_not_after)
		errx(EX_USAGE, "--days and --not-after both say when the "
		    "certificate ends; give one of them");
	if (c->operands && o->file_count == 0)
		errx(EX_USAGE, "%s: a file is missing; " HINT, c->name);
}

static void
set_defaults(struct options *o)
{
	memset(o, 0, sizeof *o);
	names_init(&o->names);
	rules_default(&o->rules);
	o->reason = UNKNOWN;
}

static uint64_t
take_options(struct options *o, const struct command *c, int argc,
    char **argv)
{
	struct option lo[OPT_COUNT + 1];
	uint64_t seen = 0;
	int opt;

	fill_long_options(lo);
	opterr = 0;
	while ((opt = getopt_long_only(argc, argv, "+:hv", lo, NULL)) != -1) {
		enum option_id id = identify(opt, argv);
		uint64_t bit = UINT64_C(1) << id;

		if ((c->allowed & bit) == 0)
			errx(EX_USAGE, "%s: --%s does not belong here; " HINT,
			    c->name, specs[id].name);
		if ((seen & bit) != 0 && !specs[id].list)
			errx(EX_USAGE, "%s: --%s is given twice", c->name,
			    specs[id].name);
		seen |= bit;
		take(o, c, &specs[id], optarg);
	}
	return seen;
}

void
options_parse(struct options *o, const struct command *c, int argc,
    char **argv)
{
	uint64_t seen;

	set_defaults(o);
	seen = take_options(o, c, argc, argv);
	if (o->help)
		return;
	if (optind < argc && !c->operands)
		refuse_argument(argv[optind],
		    "neither an option nor the value of one");
	o->files = argv + optind;
	o->file_count = argc - optind;
	check_complete(o, c, seen);
}

void
options_free(struct options *o)
{
	names_free(&o->names);
	constraints_free(&o->permit);
}
