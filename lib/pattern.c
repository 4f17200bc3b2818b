#include "pattern.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <string.h>

/* A piece of a pattern or of a name; it is not NUL-terminated. */
struct span {
	const char	*p;
	size_t		 n;
};

static const char *const prefixes[] = { [PATTERN_CN] = "cn:",
    [PATTERN_DNS] = "dns:", [PATTERN_URI] = "uri:",
    [PATTERN_EMAIL] = "email:" };

static struct span
span_of(const char *p, const char *end)
{
	return (struct span){ p, (size_t)(end - p) };
}

static bool
is_one_of(char c, const char *bytes)
{
	return c != '\0' && strchr(bytes, c) != NULL;
}

/* Where the first of these bytes is in it, or its end. */
static const char *
find(struct span s, const char *bytes)
{
	const char *end = s.p + s.n, *p;

	for (p = s.p; p < end; p++)
		if (is_one_of(*p, bytes))
			break;
	return p;
}

static bool
has(struct span s, const char *bytes)
{
	return find(s, bytes) < s.p + s.n;
}

/*
 * In two at the first of these bytes, which is in neither; false, with all of
 * it in *head, if none is there.
 */
static bool
split(struct span s, const char *bytes, struct span *head, struct span *tail)
{
	const char *at = find(s, bytes), *end = s.p + s.n;

	*head = span_of(s.p, at);
	*tail = at == end ? span_of(end, end) : span_of(at + 1, end);
	return at < end;
}

/* ---- comparing ----------------------------------------------------------- */

/* Not tolower(3), which may know other letters in other locales. */
static int
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/*
 * Does the name fit, if `*` stands for any bytes but the `stops`?
 *
 * It is enough to try again from the last star: what an earlier one could take
 * in addition, the last can as well, because no stop may lie between.  So an
 * attacker's name costs at most its length times the pattern's.
 */
static bool
fits(struct span pattern, struct span name, const char *stops, bool any_case)
{
	size_t p = 0, n = 0, retry_p = 0, retry_n = 0;
	bool star = false;

	while (p < pattern.n || n < name.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = true;
			retry_p = ++p;
			retry_n = n;
			continue;
		}
		if (p < pattern.n && n < name.n && (any_case ?
		    fold(pattern.p[p]) == fold(name.p[n]) :
		    pattern.p[p] == name.p[n])) {
			p++;
			n++;
			continue;
		}
		/* One byte more for the star, if it may have it. */
		if (!star || retry_n == name.n ||
		    is_one_of(name.p[retry_n], stops))
			return false;
		p = retry_p;
		n = ++retry_n;
	}
	return true;
}

/* No empty label: no dot at either end, no two in a row. */
static bool
has_labels(struct span domain)
{
	bool empty = true;

	for (size_t i = 0; i < domain.n; i++) {
		if (domain.p[i] == '.' && empty)
			return false;
		empty = domain.p[i] == '.';
	}
	return !empty;
}

/* A name that is a wildcard says of no host that it is that one. */
static bool
domain_fits(struct span pattern, struct span name, const char *stops)
{
	return fits(pattern, name, stops, true) && has_labels(name) &&
	    !has(name, "*");
}

/* ---- the kinds ----------------------------------------------------------- */

static bool
cn_fits(struct span pattern, struct span name)
{
	return fits(pattern, name, "./", false);
}

static bool
dns_fits(struct span pattern, struct span name)
{
	return domain_fits(pattern, name, ".");
}

/* False unless there is one @ with something before it. */
static bool
split_email(struct span s, struct span *local, struct span *domain)
{
	return split(s, "@", local, domain) && !has(*domain, "@") &&
	    local->n > 0;
}

static bool
email_fits(struct span pattern, struct span name)
{
	struct span local[2], domain[2];

	return split_email(pattern, &local[0], &domain[0]) &&
	    split_email(name, &local[1], &domain[1]) &&
	    fits(local[0], local[1], "", false) &&
	    domain_fits(domain[0], domain[1], ".");
}

/* scheme:[//[user@]host]rest (RFC 3986, 3); the host with its port. */
struct uri {
	struct span	scheme, user, host, rest;
	bool		has_user, has_authority;
};

static bool
split_uri(struct span s, struct uri *u)
{
	const char *end = s.p + s.n;
	struct span authority;

	*u = (struct uri){ .user = { s.p, 0 }, .host = { s.p, 0 } };
	if (!split(s, ":", &u->scheme, &u->rest) || u->scheme.n == 0)
		return false;
	u->has_authority = u->rest.n >= 2 && memcmp(u->rest.p, "//", 2) == 0;
	if (!u->has_authority)
		return true;
	authority = span_of(u->rest.p + 2, end);
	authority = span_of(authority.p, find(authority, "/?#"));
	u->rest = span_of(authority.p + authority.n, end);
	u->host = authority;
	u->has_user = has(authority, "@");
	if (u->has_user)
		split(authority, "@", &u->user, &u->host);
	return !has(u->host, "@");
}

/*
 * Part by part, so that nothing in a name can make a star reach from one into
 * the next.
 */
static bool
uri_fits(struct span pattern, struct span name)
{
	struct uri p, n;

	if (!split_uri(pattern, &p) || !split_uri(name, &n))
		return false;
	if (p.has_authority != n.has_authority || p.has_user != n.has_user)
		return false;
	/* "file:///etc" has a host of no length. */
	if (p.host.n + n.host.n > 0 && !domain_fits(p.host, n.host, ".:"))
		return false;
	return fits(p.scheme, n.scheme, "", true) &&
	    fits(p.user, n.user, ".:", false) &&
	    fits(p.rest, n.rest, "/?#", false);
}

/* ---- what a pattern is --------------------------------------------------- */

static bool
split_kind(const char *s, enum pattern_kind *kind, struct span *rest)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(s, prefixes[i], n) != 0)
			continue;
		*kind = (enum pattern_kind)i;
		*rest = (struct span){ s + n, strlen(s + n) };
		return true;
	}
	return false;
}

/* All bytes from `low` to `high`. */
static bool
within(struct span s, uint8_t low, uint8_t high)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < low || (uint8_t)s.p[i] > high)
			return false;
	return true;
}

/* Nothing but these, letters and digits. */
static bool
made_of(struct span s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		int c = fold(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    !is_one_of(s.p[i], others))
			return false;
	}
	return true;
}

static bool
is_domain(struct span s)
{
	return has_labels(s) && made_of(s, "-_.*");
}

static bool
is_uri(struct span s)
{
	struct uri u;

	return split_uri(s, &u) && made_of(u.scheme, "+-.") &&
	    (u.host.n == 0 || has_labels(u.host)) &&
	    u.host.n + u.user.n + u.rest.n > 0;
}

static bool
is_email(struct span s)
{
	struct span local, domain;

	return split_email(s, &local, &domain) && is_domain(domain);
}

const char *
pattern_wrong(const char *s)
{
	enum pattern_kind kind;
	struct span rest;

	if (!split_kind(s, &kind, &rest))
		return "a pattern begins with cn:, dns:, uri: or email:";
	if (rest.n == 0)
		return "a name stands behind the colon, as in "
		    "dns:*.example.org";
	if (strlen(s) >= PATTERN_SIZE)
		return "a pattern has at most 255 characters";
	if (!within(rest, kind == PATTERN_CN ? ' ' : '!', '~'))
		return "a pattern is printable ASCII, and a space may only be "
		    "in a cn:";
	if (kind == PATTERN_DNS && !is_domain(rest))
		return "dns: takes letters, digits, - and *, with single dots "
		    "between, as in dns:*.example.org";
	if (kind == PATTERN_URI && !is_uri(rest))
		return "uri: takes a scheme without *, a colon, and more, as "
		    "in uri:spiffe://example.org/job-*";
	if (kind == PATTERN_EMAIL && !is_email(rest))
		return "email: takes one @ before a domain, as in "
		    "email:*@example.org";
	return NULL;
}

_Static_assert(PATTERN_SIZE == 256, "the words above say so");

/* ---- names --------------------------------------------------------------- */

/* Whoever reads a name with a NUL only up to there sees another one. */
static bool
is_clean(enum pattern_kind kind, struct span name)
{
	uint8_t last = kind == PATTERN_CN ? 0xff : '~';

	return name.n > 0 && within(name, ' ', last) && !has(name, "\x7f");
}

bool
pattern_fits(const char *pattern, enum pattern_kind kind, const char *name,
    size_t len)
{
	static bool (*const of_kind[])(struct span, struct span) = {
	    [PATTERN_CN] = cn_fits, [PATTERN_DNS] = dns_fits,
	    [PATTERN_URI] = uri_fits, [PATTERN_EMAIL] = email_fits };
	struct span all = { name, len }, wanted;
	enum pattern_kind its;

	return split_kind(pattern, &its, &wanted) && its == kind &&
	    of_kind[kind](wanted, all) && is_clean(kind, all);
}

/* ---- certificates -------------------------------------------------------- */

/* Ours; decoded once for all patterns, as there may be many names. */
struct names {
	uint8_t		*common;	/* not NUL-terminated */
	int		 common_len;	/* not above 0: there is none */
	GENERAL_NAMES	*alternative;	/* NULL: none, or damaged, or twice */
};

static void
read_common_name(struct names *n, X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	X509_NAME *name;
	int at;

	/* LibreSSL wants to be let write where it only reads. */
	name = (X509_NAME *)(uintptr_t)subject;
	at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	/* Of two, nobody knows which is meant. */
	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return;
	n->common_len = ASN1_STRING_to_UTF8(&n->common,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

static void
read_names(struct names *n, X509 *cert)
{
	memset(n, 0, sizeof *n);
	/* What fails here must not look like a failure of TLS later on. */
	ERR_set_mark();
	read_common_name(n, cert);
	n->alternative = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL,
	    NULL);
	ERR_pop_to_mark();
}

static void
free_names(struct names *n)
{
	OPENSSL_free(n->common);
	GENERAL_NAMES_free(n->alternative);
}

static bool
general_name_fits(const char *pattern, const GENERAL_NAME *name)
{
	static const struct {
		int			type;
		enum pattern_kind	kind;
	} types[] = { { GEN_DNS, PATTERN_DNS }, { GEN_URI, PATTERN_URI },
	    { GEN_EMAIL, PATTERN_EMAIL } };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == name->type)
			return pattern_fits(pattern, types[i].kind,
			    (const char *)ASN1_STRING_get0_data(name->d.ia5),
			    (size_t)ASN1_STRING_length(name->d.ia5));
	return false;
}

static bool
any_fits(const char *pattern, const struct names *n)
{
	if (n->common_len > 0 && pattern_fits(pattern, PATTERN_CN,
	    (const char *)n->common, (size_t)n->common_len))
		return true;
	for (int i = 0; i < sk_GENERAL_NAME_num(n->alternative); i++)
		if (general_name_fits(pattern,
		    sk_GENERAL_NAME_value(n->alternative, i)))
			return true;
	return false;
}

bool
pattern_fits_cert(const char *pattern, X509 *cert)
{
	struct names n;
	bool ok;

	read_names(&n, cert);
	ok = any_fits(pattern, &n);
	free_names(&n);
	return ok;
}

const char *
pattern_first_fit(const char (*patterns)[PATTERN_SIZE], size_t count,
    X509 *cert)
{
	const char *first = NULL;
	struct names n;

	read_names(&n, cert);
	for (size_t i = 0; i < count && first == NULL; i++)
		if (any_fits(patterns[i], &n))
			first = patterns[i];
	free_names(&n);
	return first;
}
