#include <atf-c.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pattern.h"

/* ---- what a pattern is --------------------------------------------------- */

static const char *const right[] = { "cn:host-*", "cn:*", "cn:client 1",
    "cn:a/b", "cn:**", "dns:*", "dns:a", "dns:*.backup.example",
    "dns:A-1.example.org", "dns:_x.example", "dns:a*b*c.example",
    "uri:spiffe://example.org/ns/*", "uri:urn:uuid:*", "uri:x:y", "uri:x://h",
    "uri:file:///etc/x", "uri:https://u@h:1/x?y#z", "uri:https://*.example/",
    "uri:https://[::1]:80/", "uri:a+b-c.1:x", "email:a@b",
    "email:*@example.org", "email:a.b+c@*.example" };

/* And a word that its explanation must have. */
static const struct {
	const char *text, *says;
} wrong[] = {
	{ "", "cn:, dns:, uri: or email:" },
	{ "*", "begins with" }, { "host", "begins with" },
	{ "DNS:a", "begins with" }, { " dns:a", "begins with" },
	{ "dns", "begins with" }, { "ip:192.0.2.1", "begins with" },
	{ "cn:", "behind" }, { "dns:", "behind" }, { "uri:", "behind" },
	{ "email:", "behind" },
	{ "cn:a\n", "printable" }, { "cn:\x7f", "printable" },
	{ "cn:\xc3\xa9", "printable" }, { "dns: a", "printable" },
	{ "dns:a ", "printable" }, { "uri:x:a b", "printable" },
	{ "email:a b@c", "printable" },
	{ "dns:.example", "dots" }, { "dns:example.", "dots" },
	{ "dns:a..b", "dots" }, { "dns:.", "dots" }, { "dns:a/b", "letters" },
	{ "dns:a:1", "letters" }, { "dns:a@b", "letters" },
	{ "dns:https://a", "letters" },
	{ "uri:*", "scheme" }, { "uri:a", "scheme" }, { "uri::a", "scheme" },
	{ "uri:*://a/", "scheme" }, { "uri:http*://a/", "scheme" },
	{ "uri:/a:b", "scheme" }, { "uri://a/b", "scheme" },
	{ "uri:x:", "and more" }, { "uri:x://", "and more" },
	{ "uri:x://a@b@c/", "uri:" }, { "uri:x://a..b/", "uri:" },
	{ "email:a", "@" }, { "email:*", "@" }, { "email:@a", "@" },
	{ "email:a@", "@" }, { "email:a@b@c", "@" }, { "email:a@.b", "domain" },
	{ "email:a@b.", "domain" }, { "email:a@b/c", "domain" },
};

ATF_TC_WITHOUT_HEAD(patterns);
ATF_TC_BODY(patterns, tc)
{
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
		ATF_CHECK_MSG(pattern_wrong(right[i]) == NULL, "%s: %s",
		    right[i], pattern_wrong(right[i]));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const char *why = pattern_wrong(wrong[i].text);

		ATF_CHECK_MSG(why != NULL && strstr(why, wrong[i].says) != NULL,
		    "%s: %s", wrong[i].text, why == NULL ? "taken" : why);
	}
}

ATF_TC_WITHOUT_HEAD(longest_pattern);
ATF_TC_BODY(longest_pattern, tc)
{
	char text[PATTERN_SIZE + 1] = "cn:";

	memset(text + 3, 'a', sizeof text - 4);
	text[sizeof text - 1] = '\0';
	ATF_REQUIRE_EQ(PATTERN_SIZE, strlen(text));
	ATF_CHECK(pattern_wrong(text) != NULL);
	text[PATTERN_SIZE - 1] = '\0';
	ATF_CHECK(pattern_wrong(text) == NULL);
	ATF_CHECK(pattern_fits(text, PATTERN_CN, text + 3, strlen(text) - 3));
}

/* Every byte but the printable ones is refused, in each kind and place. */
ATF_TC_WITHOUT_HEAD(bytes_in_patterns);
ATF_TC_BODY(bytes_in_patterns, tc)
{
	static const char *const forms[] = { "cn:a?b", "dns:a?b", "uri:x:a?b",
	    "email:a?b@c" };

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		char text[16];

		for (int c = 1; c < 256; c++) {
			strcpy(text, forms[i]);
			*strchr(text, '?') = (char)c;
			if (c < 0x20 || c > 0x7e)
				ATF_CHECK_MSG(pattern_wrong(text) != NULL,
				    "%s with %02x", forms[i], (unsigned)c);
		}
	}
}

/* ---- names --------------------------------------------------------------- */

static enum pattern_kind
kind_of(const char *pattern)
{
	switch (pattern[0]) {
	case 'c':
		return PATTERN_CN;
	case 'd':
		return PATTERN_DNS;
	case 'u':
		return PATTERN_URI;
	default:
		return PATTERN_EMAIL;
	}
}

/* From memory of its own size: a sanitizer sees a byte read too many. */
static bool
fits_bytes(const char *pattern, const void *name, size_t len)
{
	char *copy = malloc(len + 1);
	bool fits;

	ATF_REQUIRE(copy != NULL);
	memcpy(copy + 1, name, len);
	fits = pattern_fits(pattern, kind_of(pattern), copy + 1, len);
	free(copy);
	return fits;
}

static bool
fits(const char *pattern, const char *name)
{
	ATF_REQUIRE_MSG(pattern_wrong(pattern) == NULL, "%s: %s", pattern,
	    pattern_wrong(pattern));
	return fits_bytes(pattern, name, strlen(name));
}

static const struct {
	const char *pattern, *name;
	bool fits;
} cases[] = {
	{ "cn:host-*", "host-1", true }, { "cn:host-*", "host-", true },
	{ "cn:host-*", "Host-1", false }, { "cn:host-*", "ahost-1", false },
	{ "cn:host-*", "host-a.b", false }, { "cn:host-*", "host-a/b", false },
	{ "cn:host-*", "host-a b", true }, { "cn:host-*.b", "host-a.b", true },
	{ "cn:*/*", "a/b", true }, { "cn:*/*", "a/b/c", false },
	{ "cn:*", "", false }, { "cn:*", "a", true }, { "cn:**", "a", true },
	{ "cn:*", "J\xc3\xbcrgen", true },
	{ "cn:J*rgen", "J\xc3\xbcrgen", true },
	{ "cn:a", "ab", false }, { "cn:ab", "a", false }, { "cn:a", "a", true },
	{ "cn:*a*b*", "xaybz", true }, { "cn:*a*b*", "xbyaz", false },
	{ "cn:a*", "*", false }, { "cn:*", "*", true },

	{ "dns:*.backup.example", "a.backup.example", true },
	{ "dns:*.backup.example", "A.BACKUP.Example", true },
	{ "dns:*.BACKUP.example", "a.backup.example", true },
	{ "dns:*.backup.example", "a.b.backup.example", false },
	{ "dns:*.backup.example", "backup.example", false },
	{ "dns:*.backup.example", ".backup.example", false },
	{ "dns:*.backup.example", "a.backup.example.", false },
	{ "dns:*.backup.example", "a.backup.example.org", false },
	{ "dns:*.backup.example", "abackup.example", false },
	{ "dns:*.backup.example", "*.backup.example", false },
	{ "dns:*", "*", false }, { "dns:*", "localhost", true },
	{ "dns:*", "a.b", false }, { "dns:*.*", "a.b", true },
	{ "dns:*.*", "a..b", false }, { "dns:*.*", "a.", false },
	{ "dns:a*.b", "a.b", true }, { "dns:a*.b", "axy.b", true },
	{ "dns:a*.b", "ax.y.b", false }, { "dns:a*c.*", "abc.d", true },
	{ "dns:a.b", "a.b", true }, { "dns:a.b", "a.b.", false },
	{ "dns:*", "", false }, { "dns:*", ".", false },

	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns/a", true },
	{ "uri:spiffe://a.org/ns/*", "SPIFFE://A.ORG/ns/a", true },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/NS/a", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns/a/b", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns/a.b", true },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns/", true },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns/a?b", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org/ns/a#b", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.com/ns/a", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe:/a.org/ns/a", false },
	{ "uri:spiffe://a.org/ns/*", "http://a.org/ns/a", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://u@a.org/ns/a", false },
	{ "uri:spiffe://a.org/ns/*", "spiffe://a.org:1/ns/a", false },
	{ "uri:spiffe://a.org/ns/*/j-*", "spiffe://a.org/ns/a/j-b", true },
	{ "uri:spiffe://a.org/*/j", "spiffe://a.org/a/b/j", false },
	{ "uri:https://*.example/x", "https://a.example/x", true },
	{ "uri:https://*.example/x", "https://a.b.example/x", false },
	{ "uri:https://*.example/x", "https://.example/x", false },
	{ "uri:https://*.example/x", "https://*.example/x", false },
	{ "uri:https://*.example/x", "https://evil/.example/x", false },
	{ "uri:https://*.example/x", "https://evil?.example/x", false },
	{ "uri:https://*.example/x", "https://evil#.example/x", false },
	{ "uri:https://*.example/x", "https://evil:1.example/x", false },
	{ "uri:https://*.example/x", "https://evil@a.example/x", false },
	{ "uri:https://*.example/x", "https://a@b@c.example/x", false },
	{ "uri:https://*@a.example/x", "https://u@a.example/x", true },
	{ "uri:https://*@a.example/x", "https://U:p@a.example/x", false },
	{ "uri:https://*@a.example/x", "https://u.v@a.example/x", false },
	{ "uri:https://u@a.example/x", "https://U@a.example/x", false },
	{ "uri:https://u@a.example/x", "https://u@A.example/x", true },
	{ "uri:https://*@a.example/x", "https://a.example/x", false },
	{ "uri:https://a:*/x", "https://a:80/x", true },
	{ "uri:https://*/x", "https:///x", false },
	{ "uri:https://*/x", "https://a/x", true },
	{ "uri:https://*", "https://a", true },
	{ "uri:https://*", "https://a/x", false },
	{ "uri:https://*", "https://", false },
	{ "uri:file:///etc/*", "file:///etc/x", true },
	{ "uri:file:///etc/*", "file://a/etc/x", false },
	{ "uri:urn:uuid:*", "urn:uuid:1234", true },
	{ "uri:urn:*", "urn:uuid:1234", true },
	{ "uri:urn:*", "urn:a/b", false },
	{ "uri:urn:*", "urn://a", false }, { "uri:urn:*", "urn://", false },
	{ "uri:x:/a", "x:///a", false }, { "uri:x:///a", "x:/a", false },
	{ "uri:https://a/*?*", "https://a/b?c", true },
	{ "uri:https://a/*?*", "https://a/b?c?d", false },
	{ "uri:x:a", "a", false }, { "uri:x:*", ":a", false },
	{ "uri:x:*", "x:", true }, { "uri:x:a", "", false },

	{ "email:*@example.org", "a@example.org", true },
	{ "email:*@example.org", "a@EXAMPLE.org", true },
	{ "email:*@example.org", "a.b/c+d e@example.org", true },
	{ "email:*@example.org", "@example.org", false },
	{ "email:*@example.org", "example.org", false },
	{ "email:*@example.org", "a@b@example.org", false },
	{ "email:*@example.org", "\"a@b\"@example.org", false },
	{ "email:*@example.org", "a@example.org@", false },
	{ "email:*@example.org", "a@x.example.org", false },
	{ "email:*@*.example", "a@b.example", true },
	{ "email:*@*.example", "a@b.c.example", false },
	{ "email:*@*.example", "a@.example", false },
	{ "email:*@*.example", "a@*.example", false },
	{ "email:*@*.example", "a@b@c.example", false },
	{ "email:*@*", "a@", false },
	{ "email:a*@b", "A@b", false }, { "email:a@b", "a@b", true },
};

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ATF_CHECK_MSG(cases[i].fits == fits(cases[i].pattern,
		    cases[i].name), "%s %s %s", cases[i].pattern,
		    cases[i].fits ? "does not fit" : "fits", cases[i].name);
}

/* A pattern of one kind says nothing of names of another. */
ATF_TC_WITHOUT_HEAD(kinds);
ATF_TC_BODY(kinds, tc)
{
	static const char *const patterns_of[] = { "cn:x:a@b", "dns:a.b",
	    "uri:x:a@b", "email:x:a@b" };
	static const char *const name_of[] = { "x:a@b", "a.b", "x:a@b",
	    "x:a@b" };

	for (size_t p = 0; p < 4; p++)
		for (size_t n = 0; n < 4; n++)
			ATF_CHECK_EQ(n == p, pattern_fits(patterns_of[p],
			    (enum pattern_kind)n, name_of[p],
			    strlen(name_of[p])));
	ATF_CHECK(!pattern_fits("a", PATTERN_CN, "a", 1));
	ATF_CHECK(!pattern_fits("", PATTERN_CN, "a", 1));
}

/* Each byte at the front, within and at the end of what would fit. */
ATF_TC_WITHOUT_HEAD(bytes_in_names);
ATF_TC_BODY(bytes_in_names, tc)
{
	static const struct {
		const char *pattern, *name;
	} of[] = { { "cn:*", "aaa" }, { "dns:*", "aaa" },
	    { "uri:x:*", "x:aaa" }, { "email:*@b", "aaa@b" } };

	for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
		size_t len = strlen(of[i].name), from = i == 2 ? 2 : 0;

		for (int c = 0; c < 256; c++) {
			bool never = c < 0x20 || c == 0x7f ||
			    (c > 0x7f && i != 0);

			for (size_t at = from; at < from + 3; at++) {
				char name[8];

				memcpy(name, of[i].name, len);
				name[at] = (char)c;
				if (never || c > 0x7f)
					ATF_CHECK_EQ_MSG(!never, fits_bytes(
					    of[i].pattern, name, len),
					    "%s %02x", of[i].pattern,
					    (unsigned)c);
			}
		}
	}
	ATF_CHECK(!fits_bytes("dns:good.example", "good.example\0.evil", 18));
	ATF_CHECK(!fits_bytes("dns:good.example", "good.example\0", 13));
	ATF_CHECK(!fits_bytes("cn:good", "good\0", 5));
}

/* ---- the matcher --------------------------------------------------------- */

/* The same by trying everything: what a common name may be to a pattern. */
static bool
slowly(const char *p, const char *n)
{
	if (*p == '\0')
		return *n == '\0';
	if (*p != '*')
		return *p == *n && slowly(p + 1, n + 1);
	return slowly(p + 1, n) || (*n != '\0' && *n != '.' && *n != '/' &&
	    slowly(p, n + 1));
}

static void
write_number(char *dst, unsigned v, const char *letters)
{
	unsigned base = (unsigned)strlen(letters);

	for (; v > 0; v = (v - 1) / base)
		*dst++ = letters[(v - 1) % base];
	*dst = '\0';
}

/* All patterns of up to 5 of "ab.*" with all names of up to 5 of "ab.". */
ATF_TC_WITHOUT_HEAD(every_short_one);
ATF_TC_BODY(every_short_one, tc)
{
	char pattern[16] = "cn:", name[8];
	size_t fitting = 0;

	for (unsigned p = 1; p < 1365; p++) {
		write_number(pattern + 3, p, "ab.*");
		for (unsigned n = 1; n < 364; n++) {
			bool want;

			write_number(name, n, "ab.");
			want = slowly(pattern + 3, name);
			fitting += want;
			ATF_CHECK_EQ_MSG(want, pattern_fits(pattern, PATTERN_CN,
			    name, strlen(name)), "%s %s", pattern, name);
		}
	}
	ATF_CHECK_MSG(fitting > 5000, "%zu", fitting);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * As many stars as there can be, and a name that nearly fits.  Trying
 * everything would take longer than the world has; the bound is wide, for slow
 * machines and sanitizers.
 */
ATF_TC_WITHOUT_HEAD(many_stars);
ATF_TC_BODY(many_stars, tc)
{
	static const char *const starts[] = { "cn:", "dns:", "uri:x:",
	    "uri:x://", "email:", "email:a@" };
	static const char *const ends[] = { "b", "b", "b", "b", "b@c", "b" };
	static const char *const befores[] = { "", "", "x:", "x://", "", "a@" };
	static char name[10064];
	double start = seconds();

	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		char pattern[PATTERN_SIZE];
		size_t n = strlen(starts[i]), m = strlen(befores[i]);

		strcpy(pattern, starts[i]);
		for (; n + 8 < sizeof pattern; n += 2)
			strcpy(pattern + n, "*a");
		strcpy(pattern + n, ends[i]);
		ATF_REQUIRE(pattern_wrong(pattern) == NULL);
		strcpy(name, befores[i]);
		memset(name + m, 'a', 10000);
		strcpy(name + m + 10000, i == 4 ? "@c" : "");
		ATF_CHECK(!pattern_fits(pattern, kind_of(pattern), name,
		    strlen(name)));
		strcpy(name + m + 10000, ends[i]);
		ATF_CHECK(pattern_fits(pattern, kind_of(pattern), name,
		    strlen(name)));
	}
	ATF_CHECK_MSG(seconds() - start < 5, "%f s", seconds() - start);
}

/* ---- certificates -------------------------------------------------------- */

static void
add_cn(X509 *cert, int type, const void *bytes, int len)
{
	ATF_REQUIRE_EQ(1, X509_NAME_add_entry_by_NID(
	    X509_get_subject_name(cert), NID_commonName, type, bytes, len, -1,
	    0));
}

static void
add_name(GENERAL_NAMES *names, int type, const char *bytes, size_t len)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	ATF_REQUIRE(name != NULL && s != NULL);
	ATF_REQUIRE_EQ(1, ASN1_STRING_set(s, bytes, (int)len));
	GENERAL_NAME_set0_value(name, type, s);
	ATF_REQUIRE(sk_GENERAL_NAME_push(names, name) > 0);
}

/* Put them into the certificate, once more if there are some already. */
static void
set_names(X509 *cert, GENERAL_NAMES *names)
{
	ATF_REQUIRE_EQ(1, X509_add1_ext_i2d(cert, NID_subject_alt_name, names,
	    0, X509V3_ADD_APPEND));
	GENERAL_NAMES_free(names);
}

static X509 *
with_name(int type, const char *bytes, size_t len)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509 *cert = X509_new();

	ATF_REQUIRE(names != NULL && cert != NULL);
	add_name(names, type, bytes, len);
	set_names(cert, names);
	return cert;
}

ATF_TC_WITHOUT_HEAD(common_names);
ATF_TC_BODY(common_names, tc)
{
	X509 *cert = X509_new();

	ATF_CHECK(!pattern_fits_cert("cn:*", cert));
	add_cn(cert, MBSTRING_ASC, "host-1", -1);
	ATF_CHECK(pattern_fits_cert("cn:host-*", cert));
	ATF_CHECK(!pattern_fits_cert("cn:HOST-*", cert));
	ATF_CHECK(!pattern_fits_cert("dns:*", cert));
	ATF_CHECK(!pattern_fits_cert("host-1", cert));
	add_cn(cert, MBSTRING_ASC, "host-1", -1);
	ATF_CHECK(!pattern_fits_cert("cn:host-*", cert));
	X509_free(cert);
}

/* Whatever it was written in; and no other field of the subject. */
ATF_TC_WITHOUT_HEAD(common_name_encodings);
ATF_TC_BODY(common_name_encodings, tc)
{
	static const struct {
		int type;
		const char *bytes;
		int len;
		bool fits;
	} as[] = {
		{ V_ASN1_PRINTABLESTRING, "host-1", 6, true },
		{ V_ASN1_UTF8STRING, "host-\xc3\xa9", 7, true },
		{ V_ASN1_T61STRING, "host-\xe9", 6, true },
		{ V_ASN1_BMPSTRING, "\0h\0o\0s\0t\0-\0001", 12, true },
		{ V_ASN1_UTF8STRING, "host-\0", 6, false },
		{ V_ASN1_UTF8STRING, "host-\0x", 7, false },
		{ V_ASN1_BMPSTRING, "\0h\0o\0s\0t\0-\0\0", 12, false },
		{ V_ASN1_UTF8STRING, "host-\xff", 6, false },
		{ V_ASN1_UTF8STRING, "host-\n", 6, false },
		{ V_ASN1_UTF8STRING, "", 0, false },
	};

	for (size_t i = 0; i < sizeof as / sizeof as[0]; i++) {
		X509 *cert = X509_new();

		add_cn(cert, as[i].type, as[i].bytes, as[i].len);
		ERR_clear_error();
		ATF_CHECK_EQ_MSG(as[i].fits, pattern_fits_cert("cn:host-*",
		    cert), "%zu", i);
		ATF_CHECK_EQ(0, ERR_peek_error());
		ATF_CHECK(pattern_fits_cert("cn:*", cert) == as[i].fits);
		X509_free(cert);
	}
}

ATF_TC_WITHOUT_HEAD(alternative_names);
ATF_TC_BODY(alternative_names, tc)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509 *cert = X509_new();

	ATF_CHECK(!pattern_fits_cert("dns:*", cert));
	add_cn(cert, MBSTRING_ASC, "cn.example", -1);
	add_name(names, GEN_DNS, "*.wild.example", 14);
	add_name(names, GEN_DNS, "a.example", 9);
	add_name(names, GEN_URI, "spiffe://example.org/job-1", 26);
	add_name(names, GEN_EMAIL, "a@example.org", 13);
	set_names(cert, names);
	ATF_CHECK(pattern_fits_cert("cn:*.example", cert));
	ATF_CHECK(pattern_fits_cert("dns:*.example", cert));
	ATF_CHECK(pattern_fits_cert("dns:A.example", cert));
	ATF_CHECK(!pattern_fits_cert("dns:cn.example", cert));
	ATF_CHECK(!pattern_fits_cert("dns:*.wild.example", cert));
	ATF_CHECK(!pattern_fits_cert("dns:example.org", cert));
	ATF_CHECK(pattern_fits_cert("uri:spiffe://example.org/job-*", cert));
	ATF_CHECK(!pattern_fits_cert("uri:spiffe://example.org/x", cert));
	ATF_CHECK(pattern_fits_cert("email:*@example.org", cert));
	ATF_CHECK(!pattern_fits_cert("email:b@example.org", cert));
	/* which of two such extensions another reads, nobody knows */
	names = sk_GENERAL_NAME_new_null();
	add_name(names, GEN_DNS, "a.example", 9);
	set_names(cert, names);
	ATF_CHECK(!pattern_fits_cert("dns:*.example", cert));
	X509_free(cert);
}

/* Kinds that we have no pattern for, names that lie, and a broken list. */
ATF_TC_WITHOUT_HEAD(odd_names);
ATF_TC_BODY(odd_names, tc)
{
	static const char *const all[] = { "cn:*", "dns:*", "dns:*.*",
	    "uri:x:*", "email:*@*", "email:*@*.*" };
	static const struct {
		int type;
		const char *bytes;
		size_t len;
	} odd[] = {
		{ GEN_DNS, "a.example\0.evil", 15 }, { GEN_DNS, "a\0", 2 },
		{ GEN_DNS, "", 0 }, { GEN_DNS, "*.example", 9 },
		{ GEN_DNS, "\xc3\xa9.example", 10 },
		{ GEN_URI, "x:a\0", 4 }, { GEN_URI, "x:\n", 3 },
		{ GEN_EMAIL, "a\0@b", 4 }, { GEN_EMAIL, "a@b\0.c", 6 },
	};
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	X509 *cert;

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		cert = with_name(odd[i].type, odd[i].bytes, odd[i].len);
		for (size_t p = 0; p < sizeof all / sizeof all[0]; p++)
			ATF_CHECK_MSG(!pattern_fits_cert(all[p], cert),
			    "%zu %s", i, all[p]);
		X509_free(cert);
	}
	cert = X509_new();
	ATF_REQUIRE_EQ(1, ASN1_OCTET_STRING_set(bytes,
	    (const unsigned char *)"\x30\x05\x82\x09" "a.x", 7));
	ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0,
	    bytes);
	ATF_REQUIRE(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
	ERR_clear_error();
	ATF_CHECK(!pattern_fits_cert("dns:*.*", cert));
	ATF_CHECK_EQ(0, ERR_peek_error());
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(bytes);
	X509_free(cert);
}

/* Other kinds of names, of which an address may hold any bytes. */
ATF_TC_WITHOUT_HEAD(other_kinds);
ATF_TC_BODY(other_kinds, tc)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *rid = GENERAL_NAME_new();
	X509 *cert = X509_new();

	GENERAL_NAME_set0_value(rid, GEN_RID, OBJ_txt2obj("1.2.3", 1));
	ATF_REQUIRE(sk_GENERAL_NAME_push(names, rid) > 0);
	add_name(names, GEN_IPADD, "a.bc", 4);
	set_names(cert, names);
	ATF_CHECK(!pattern_fits_cert("dns:a.bc", cert));
	ATF_CHECK(!pattern_fits_cert("dns:*.*", cert));
	ATF_CHECK(!pattern_fits_cert("uri:x:*", cert));
	X509_free(cert);
}

/* What was in OpenSSL's queue stays in it, and nothing is put behind it. */
ATF_TC_WITHOUT_HEAD(errors_kept);
ATF_TC_BODY(errors_kept, tc)
{
	X509 *cert = X509_new();

	add_cn(cert, V_ASN1_UTF8STRING, "\xff", 1);
	ERR_clear_error();
	ERR_put_error(ERR_LIB_USER, 0, 1, __FILE__, __LINE__);
	ATF_CHECK(!pattern_fits_cert("cn:*", cert));
	ATF_CHECK_EQ(ERR_LIB_USER, ERR_GET_LIB(ERR_get_error()));
	ATF_CHECK_EQ(0, ERR_get_error());
	X509_free(cert);
}

/* In the order of the patterns, not of the names. */
ATF_TC_WITHOUT_HEAD(first_fit);
ATF_TC_BODY(first_fit, tc)
{
	static const char patterns[][PATTERN_SIZE] = { "dns:c", "email:*@*",
	    "cn:host-*", "dns:*" };
	X509 *cert = with_name(GEN_DNS, "a", 1);

	ATF_CHECK(pattern_first_fit(patterns, 0, cert) == NULL);
	ATF_CHECK(pattern_first_fit(patterns, 3, cert) == NULL);
	ATF_CHECK(pattern_first_fit(patterns, 4, cert) == patterns[3]);
	add_cn(cert, MBSTRING_ASC, "host-1", -1);
	ATF_CHECK(pattern_first_fit(patterns, 4, cert) == patterns[2]);
	X509_free(cert);
}

/*
 * 10,000 names, and as many patterns as a configuration may have, none of
 * which fits.  It takes a twentieth of a second; the bound is wide.
 */
ATF_TC_WITHOUT_HEAD(many_names);
ATF_TC_BODY(many_names, tc)
{
	static char patterns[64][PATTERN_SIZE];
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509 *cert = X509_new();
	char text[64];
	double start;

	for (int i = 0; i < 10000; i++)
		add_name(names, GEN_DNS, text, (size_t)snprintf(text,
		    sizeof text, "host-%d.backup.example", i));
	set_names(cert, names);
	for (int i = 0; i < 64; i++)
		strcpy(patterns[i], "dns:*o*s*t*-*a.*.example");
	start = seconds();
	ATF_CHECK(pattern_first_fit((const char (*)[PATTERN_SIZE])patterns, 64,
	    cert) == NULL);
	strcpy(patterns[63], "dns:host-9999.*.example");
	ATF_CHECK(pattern_first_fit((const char (*)[PATTERN_SIZE])patterns, 64,
	    cert) == patterns[63]);
	ATF_CHECK_MSG(seconds() - start < 2, "%f s", seconds() - start);
	X509_free(cert);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, patterns);
	ATF_TP_ADD_TC(tp, longest_pattern);
	ATF_TP_ADD_TC(tp, bytes_in_patterns);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, kinds);
	ATF_TP_ADD_TC(tp, bytes_in_names);
	ATF_TP_ADD_TC(tp, every_short_one);
	ATF_TP_ADD_TC(tp, many_stars);
	ATF_TP_ADD_TC(tp, common_names);
	ATF_TP_ADD_TC(tp, common_name_encodings);
	ATF_TP_ADD_TC(tp, alternative_names);
	ATF_TP_ADD_TC(tp, odd_names);
	ATF_TP_ADD_TC(tp, other_kinds);
	ATF_TP_ADD_TC(tp, errors_kept);
	ATF_TP_ADD_TC(tp, first_fit);
	ATF_TP_ADD_TC(tp, many_names);
	return atf_no_error();
}
