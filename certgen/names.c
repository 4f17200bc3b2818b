#include "names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "crypto.h"
#include "text.h"

#define LABEL_MAX	63	/* RFC 1035, 2.3.4 */
#define URI_MAX		2048	/* SPIFFE's bound; DNS and e-mail have less */
#define LOCAL_MAX	64	/* RFC 5321, 4.5.3.1.1 */
#define EMAIL_MAX	254	/* RFC 5321, 4.5.3.1.3, without its brackets */

void
names_init(struct names *n)
{
	n->first_host[0] = '\0';
	if ((n->all = GENERAL_NAMES_new()) == NULL)
		crypto_fatal("names");
}

void
names_free(struct names *n)
{
	GENERAL_NAMES_free(n->all);
	n->all = NULL;
}

static _Noreturn void
refuse(const char *option, const char *item, const char *why)
{
	char shown[128];

	text_escape(shown, sizeof shown, item, strlen(item));
	errx(EX_USAGE, "%s: \"%s\": %s", option, shown, why);
}

static void
push(struct names *n, int type, const void *data, size_t len)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() :
	    ASN1_IA5STRING_new();

	if (name == NULL || s == NULL ||
	    ASN1_STRING_set(s, data, (int)len) != 1)
		crypto_fatal("names");
	GENERAL_NAME_set0_value(name, type, s);
	if (sk_GENERAL_NAME_push(n->all, name) == 0)
		crypto_fatal("names");
}

/* ---- hosts ------------------------------------------------------------- */

/* Letters, digits, and inside also "-"; "_" is no host name, yet in use. */
static bool
label_ok(const char *s, size_t len)
{
	if (len < 1 || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii((unsigned char)s[i]) ||
		    (!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '_'))
			return false;
	return true;
}

static bool
labels_ok(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, ".");

		if (!label_ok(s, len))
			return false;
		if (s[len] == '\0')
			return true;
		s += len + 1;
	}
}

/* Would somebody take it for an IPv4 address?  Its last label has no letter. */
static bool
last_label_numeric(const char *s)
{
	const char *dot = strrchr(s, '.');

	s = dot == NULL ? s : dot + 1;
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* Why it is not a DNS name, or NULL. */
static const char *
dns_name_fault(const char *s, bool wildcard)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] >= 0x80)
			return "is not ASCII; write it as it is in the DNS "
			    "(xn--...)";
		if (s[i] <= 0x20 || s[i] == 0x7f)
			return "has spaces or control characters in it";
	}
	if (len >= DNS_NAME_SIZE)
		return "is longer than 253 characters";
	if (len > 0 && s[len - 1] == '.')
		return "ends in a dot; write it without";
	if (strncmp(s, "*.", 2) == 0) {
		if (!wildcard)
			return "is a wildcard, which only a server's "
			    "certificate may have";
		s += 2;
		if (strchr(s, '.') == NULL)
			return "would match a whole top-level domain";
	}
	if (strchr(s, '*') != NULL)
		return "has a \"*\" elsewhere than as its whole first label";
	if (last_label_numeric(s))
		return "is neither an IPv4 address nor a host name";
	if (!labels_ok(s))
		return "is not a host name: labels of 1 to 63 letters, digits "
		    "and inner hyphens, with dots between";
	return NULL;
}

static bool
add_address(struct names *n, const char *host)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (inet_pton(AF_INET, host, &a4) == 1) {
		push(n, GEN_IPADD, &a4, sizeof a4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &a6) != 1)
		return false;
	/* Verifiers see such a client as IPv4: this name would never match. */
	if (IN6_IS_ADDR_V4MAPPED(&a6))
		refuse("--host", host, "is an IPv4 address in IPv6's clothes; "
		    "write the IPv4 address");
	push(n, GEN_IPADD, &a6, sizeof a6);
	return true;
}

static void
add_host(struct names *n, const char *host, bool wildcard)
{
	const char *why;

	if (!add_address(n, host)) {
		if (strchr(host, ':') != NULL)
			refuse("--host", host, "is not an IPv6 address, and "
			    "nothing else has a \":\" (no brackets, scope, "
			    "port)");
		if ((why = dns_name_fault(host, wildcard)) != NULL)
			refuse("--host", host, why);
		push(n, GEN_DNS, host, strlen(host));
	}
	if (n->first_host[0] == '\0')
		text_copy(n->first_host, sizeof n->first_host, host);
}

/* ---- URIs -------------------------------------------------------------- */

/* A character that RFC 3986 lets stand in a URI by itself. */
static bool
uri_char(char c)
{
	return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

static size_t
scheme_length(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)s[0]))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '+' || s[n] == '-' ||
	    s[n] == '.')
		n++;
	return s[n] == ':' ? n : 0;
}

/* SPIFFE-ID, 2: spiffe://trust-domain/path and nothing else. */
static const char *
spiffe_fault(const char *authority)
{
	size_t n = strspn(authority,
	    "abcdefghijklmnopqrstuvwxyz0123456789.-_");

	if (n == 0 || n > 255 || (authority[n] != '/' && authority[n] != '\0'))
		return "has no proper trust domain (spiffe://domain/path; "
		    "lower case, no port)";
	if (strpbrk(authority, "?#%") != NULL)
		return "has a query, a fragment or an escape, which a SPIFFE "
		    "name has not";
	return NULL;
}

static const char *
uri_fault(const char *s)
{
	size_t scheme;

	if (strlen(s) > URI_MAX)
		return "is longer than 2048 characters";
	for (const char *p = s; *p != '\0'; p++) {
		if (!uri_char(*p))
			return "has a character that a URI must escape (%20 "
			    "for a space)";
		if (*p == '%' && (!isxdigit((unsigned char)p[1]) ||
		    !isxdigit((unsigned char)p[2])))
			return "has a \"%\" without two hexadecimal digits";
	}
	scheme = scheme_length(s);
	if (scheme == 0 || s[scheme + 1] == '\0')
		return "is not a URI with its scheme (spiffe://domain/path)";
	s += scheme + 1;
	if (strncmp(s, "//", 2) != 0)
		return NULL;
	if (strchr("/?#", s[2]) != NULL)	/* finds its end, too */
		return "has no host between \"//\" and its path";
	if (scheme == 6 && strncasecmp(s - 7, "spiffe", 6) == 0)
		return spiffe_fault(s + 2);
	return NULL;
}

static void
add_uri(struct names *n, const char *uri, bool wildcard)
{
	const char *why = uri_fault(uri);

	(void)wildcard;
	if (why != NULL)
		refuse("--uri", uri, why);
	push(n, GEN_URI, uri, strlen(uri));
}

/* ---- e-mail ------------------------------------------------------------ */

static const char *
email_fault(const char *s)
{
	/* RFC 5322's atext and the dots between; nobody's name needs quotes. */
	static const char local[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.";
	size_t n = strspn(s, local);

	if (n == 0 || s[n] != '@' || strlen(s) > EMAIL_MAX || n > LOCAL_MAX ||
	    s[0] == '.' || s[n - 1] == '.' ||
	    dns_name_fault(s + n + 1, false) != NULL)
		return "is not an e-mail address (name@host)";
	for (size_t i = 1; i < n; i++)
		if (s[i] == '.' && s[i - 1] == '.')
			return "has two dots in a row";
	return NULL;
}

static void
add_email(struct names *n, const char *email, bool wildcard)
{
	const char *why = email_fault(email);

	(void)wildcard;
	if (why != NULL)
		refuse("--email", email, why);
	push(n, GEN_EMAIL, email, strlen(email));
}

/* ---- lists ------------------------------------------------------------- */

static void
each(struct names *n, const char *option, const char *list, bool wildcard,
    void (*add)(struct names *, const char *, bool))
{
	char *copy = strdup(list), *rest = copy, *item;

	if (copy == NULL)
		err(EX_OSERR, "%s", option);
	while ((item = strsep(&rest, ",")) != NULL) {
		if (*item == '\0')
			refuse(option, list, "has an empty item in it");
		add(n, item, wildcard);
	}
	free(copy);
}

void
names_add_hosts(struct names *n, const char *list, bool wildcard)
{
	each(n, "--host", list, wildcard, add_host);
}

void
names_add_uris(struct names *n, const char *list)
{
	each(n, "--uri", list, false, add_uri);
}

void
names_add_emails(struct names *n, const char *list)
{
	each(n, "--email", list, false, add_email);
}

/* ---- the common name --------------------------------------------------- */

/* ASCII's control characters, and in UTF-8 those of C1 (U+0080 to U+009F). */
static bool
has_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	for (; *u != '\0'; u++)
		if (*u < 0x20 || *u == 0x7f ||
		    (u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f))
			return true;
	return false;
}

void
names_check_common_name(const char *name)
{
	X509_NAME *trial = X509_NAME_new();
	int reason;

	if (trial == NULL)
		crypto_fatal("names");
	if (*name == '\0')
		refuse("--name", name, "is empty");
	if (has_control(name))
		refuse("--name", name, "has control characters in it");
	/* libcrypto decides: it knows UTF-8, and the bound in characters. */
	if (X509_NAME_add_entry_by_NID(trial, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0) != 1) {
		reason = ERR_GET_REASON(ERR_peek_last_error());
		if (reason == ASN1_R_STRING_TOO_LONG)
			refuse("--name", name, "is longer than 64 characters");
		refuse("--name", name, "is not text in UTF-8");
	}
	X509_NAME_free(trial);
}
