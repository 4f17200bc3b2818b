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
refuse(const struct origin *from, const char *item, size_t len,
    const char *why)
{
	char shown[128];

	text_escape(shown, sizeof shown, item, len);
	errx(from->code, "%s: \"%s\": %s", from->text, shown, why);
}

static _Noreturn void
refuse_text(const struct origin *from, const char *item, const char *why)
{
	refuse(from, item, strlen(item), why);
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

/* ---- hosts -------------------------------------------------------------- */

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

static void
note_host(struct names *n, const char *host)
{
	if (n->first_host[0] == '\0')
		text_copy(n->first_host, sizeof n->first_host, host);
}

/* `host` is the address as text. */
static void
add_ipv6(struct names *n, const struct origin *from, const char *host,
    const struct in6_addr *a)
{
	/* Verifiers see such a client as IPv4: this name would never match. */
	if (IN6_IS_ADDR_V4MAPPED(a))
		refuse_text(from, host, "is an IPv4 address in IPv6's "
		    "clothes; write the IPv4 address");
	push(n, GEN_IPADD, a, sizeof *a);
}

static bool
add_address(struct names *n, const struct origin *from, const char *host)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (inet_pton(AF_INET, host, &a4) == 1)
		push(n, GEN_IPADD, &a4, sizeof a4);
	else if (inet_pton(AF_INET6, host, &a6) == 1)
		add_ipv6(n, from, host, &a6);
	else
		return false;
	return true;
}

static void
add_dns(struct names *n, const struct origin *from, const char *host,
    bool wildcard)
{
	const char *why = dns_name_fault(host, wildcard);

	if (why != NULL)
		refuse_text(from, host, why);
	push(n, GEN_DNS, host, strlen(host));
	note_host(n, host);
}

static void
add_host(struct names *n, const struct origin *from, const char *host,
    bool wildcard)
{
	if (add_address(n, from, host)) {
		note_host(n, host);
		return;
	}
	if (strchr(host, ':') != NULL)
		refuse_text(from, host, "is not an IPv6 address, and nothing "
		    "else has a \":\" (no brackets, scope, port)");
	add_dns(n, from, host, wildcard);
}

bool
names_is_host(const char *s)
{
	return dns_name_fault(s, false) == NULL;
}

/* ---- URIs --------------------------------------------------------------- */

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
add_uri(struct names *n, const struct origin *from, const char *uri,
    bool wildcard)
{
	const char *why = uri_fault(uri);

	(void)wildcard;
	if (why != NULL)
		refuse_text(from, uri, why);
	push(n, GEN_URI, uri, strlen(uri));
}

/* ---- e-mail ------------------------------------------------------------- */

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
add_email(struct names *n, const struct origin *from, const char *email,
    bool wildcard)
{
	const char *why = email_fault(email);

	(void)wildcard;
	if (why != NULL)
		refuse_text(from, email, why);
	push(n, GEN_EMAIL, email, strlen(email));
}

bool
names_is_email(const char *s)
{
	return email_fault(s) == NULL;
}

/* ---- lists -------------------------------------------------------------- */

typedef void add_name(struct names *, const struct origin *, const char *,
    bool wildcard);

static void
each(struct names *n, const struct origin *from, const char *list,
    bool wildcard, add_name *add)
{
	char *copy = strdup(list), *rest = copy, *item;

	if (copy == NULL)
		err(EX_OSERR, "%s", from->text);
	while ((item = strsep(&rest, ",")) != NULL) {
		if (*item == '\0')
			refuse_text(from, list, "has an empty item in it");
		add(n, from, item, wildcard);
	}
	free(copy);
}

void
names_add_hosts(struct names *n, const char *list, bool wildcard)
{
	each(n, &(struct origin){ "--host", EX_USAGE }, list, wildcard,
	    add_host);
}

void
names_add_uris(struct names *n, const char *list)
{
	each(n, &(struct origin){ "--uri", EX_USAGE }, list, false, add_uri);
}

void
names_add_emails(struct names *n, const char *list)
{
	each(n, &(struct origin){ "--email", EX_USAGE }, list, false,
	    add_email);
}

/* ---- names that somebody else has written ------------------------------- */

static void
add_requested_address(struct names *n, const struct origin *from,
    const uint8_t *bytes, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (len != sizeof(struct in_addr) && len != sizeof(struct in6_addr))
		refuse(from, (const char *)bytes, len,
		    "is an address of no length that there is");
	if (inet_ntop(len == sizeof(struct in_addr) ? AF_INET : AF_INET6,
	    bytes, text, sizeof text) == NULL)
		err(EX_OSERR, "%s", from->text);
	add_host(n, from, text, false);
}

static void
add_requested_text(struct names *n, const struct origin *from,
    const char *bytes, size_t len, bool wildcard, add_name *add)
{
	char *text;

	/* What one reader takes for its end is a letter to the next. */
	if (memchr(bytes, '\0', len) != NULL)
		refuse(from, bytes, len, "has a NUL in it");
	if ((text = strndup(bytes, len)) == NULL)
		err(EX_OSERR, "%s", from->text);
	add(n, from, text, wildcard);
	free(text);
}

static void
add_requested(struct names *n, const struct origin *from,
    const GENERAL_NAME *name, bool wildcard)
{
	static add_name *const adders[] = { [GEN_EMAIL] = add_email,
	    [GEN_DNS] = add_dns, [GEN_URI] = add_uri };
	const ASN1_STRING *s;
	const uint8_t *bytes;
	size_t len;

	if (name->type != GEN_EMAIL && name->type != GEN_DNS &&
	    name->type != GEN_URI && name->type != GEN_IPADD)
		errx(from->code, "%s: asks for a name that is neither a DNS "
		    "name, an address, a URI nor an e-mail address; give the "
		    "names by --host, --uri and --email instead", from->text);
	s = name->type == GEN_IPADD ? name->d.iPAddress : name->d.ia5;
	bytes = ASN1_STRING_get0_data(s);
	len = (size_t)ASN1_STRING_length(s);
	if (name->type == GEN_IPADD)
		add_requested_address(n, from, bytes, len);
	else
		add_requested_text(n, from, (const char *)bytes, len, wildcard,
		    adders[name->type]);
}

void
names_add_requested(struct names *n, GENERAL_NAMES *from,
    const char *path, bool wildcard)
{
	struct origin origin = { path, EX_DATAERR };

	for (int i = 0; i < sk_GENERAL_NAME_num(from); i++)
		add_requested(n, &origin, sk_GENERAL_NAME_value(from, i),
		    wildcard);
}

/* ---- the common name ---------------------------------------------------- */

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
names_check_common_name(const char *name, const struct origin *from)
{
	X509_NAME *trial = X509_NAME_new();
	int reason;

	if (trial == NULL)
		crypto_fatal("names");
	if (*name == '\0')
		refuse_text(from, name, "is empty");
	if (has_control(name))
		refuse_text(from, name, "has control characters in it");
	/* libcrypto decides: it knows UTF-8, and the bound in characters. */
	if (X509_NAME_add_entry_by_NID(trial, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0) != 1) {
		reason = ERR_GET_REASON(ERR_peek_last_error());
		if (reason == ASN1_R_STRING_TOO_LONG)
			refuse_text(from, name, "is longer than 64 characters");
		refuse_text(from, name, "is not text in UTF-8");
	}
	X509_NAME_free(trial);
}
