/*
 * /etc/hosts: which names an address has by it, whatever is in the file.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hosts.h"

static struct host_address
address(const char *s)
{
	struct host_address a;
	uint8_t bytes[16];
	int family = strchr(s, ':') != NULL ? AF_INET6 : AF_INET;

	ATF_REQUIRE_EQ(1, inet_pton(family, s, bytes));
	ATF_REQUIRE(host_address(&a, family, bytes));
	return a;
}

/* The names of an address, joined by commas. */
static const char *
names_of(const struct hosts *h, const char *s)
{
	static char list[RESOLVER_NAMES][RESOLVER_NAME_SIZE];
	static char joined[sizeof list + RESOLVER_NAMES];
	struct host_address a = address(s);
	uint32_t n = hosts_find(h, &a, list);

	joined[0] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			strcat(joined, ",");
		strcat(joined, list[i]);
	}
	return joined;
}

static struct hosts *
parse(const char *text)
{
	struct hosts *h = hosts_parse(text, strlen(text));

	ATF_REQUIRE(h != NULL);
	return h;
}

ATF_TC_WITHOUT_HEAD(lines);
ATF_TC_BODY(lines, tc)
{
	struct hosts *h = parse("# a comment\n"
	    "127.0.0.1\tlocalhost loopback\n"
	    "\n"
	    "  10.0.0.1   One.Example one # more.example\n"
	    "#10.0.0.2 two\n"
	    "10.0.0.1 again one\r\n"
	    "2001:db8::1 six\n"
	    "::ffff:10.0.0.3 mapped\n"
	    "10.0.0.4\n"
	    "10.0.0.5 last");

	ATF_CHECK_STREQ("localhost,loopback", names_of(h, "127.0.0.1"));
	ATF_CHECK_STREQ("one.example,one,again", names_of(h, "10.0.0.1"));
	ATF_CHECK_STREQ("", names_of(h, "10.0.0.2"));
	ATF_CHECK_STREQ("mapped", names_of(h, "10.0.0.3"));
	ATF_CHECK_STREQ("mapped", names_of(h, "::ffff:10.0.0.3"));
	ATF_CHECK_STREQ("", names_of(h, "10.0.0.4"));
	ATF_CHECK_STREQ("last", names_of(h, "10.0.0.5"));
	ATF_CHECK_STREQ("six", names_of(h, "2001:db8::1"));
	ATF_CHECK_STREQ("", names_of(h, "2001:db8::2"));
	hosts_free(h);
}

ATF_TC_WITHOUT_HEAD(bad_names);
ATF_TC_BODY(bad_names, tc)
{
	struct hosts *h = parse("10.0.0.1 *.example good \xc3\xa9t\xc3\xa9 "
	    "under_score a..b -a b- 10.0.0.1 fine.example.\n"
	    "10.0.0.300 no\n010.0.0.1 no\n10.0.0.1/8 no\nfe80::1%2 no\n");

	ATF_CHECK_STREQ("good", names_of(h, "10.0.0.1"));
	ATF_CHECK_STREQ("", names_of(h, "8.0.0.1"));
	ATF_CHECK_STREQ("", names_of(h, "fe80::1"));
	hosts_free(h);
}

ATF_TC_WITHOUT_HEAD(bad_bytes);
ATF_TC_BODY(bad_bytes, tc)
{
	static const char text[] = "10.0.0.1 before\0 after\n10.0.0.2 next\n"
	    "\0" "10.0.0.3 hidden\n\n\n10.0.0.4 end\0";
	struct hosts *h = hosts_parse(text, sizeof text - 1);

	ATF_REQUIRE(h != NULL);
	ATF_CHECK_STREQ("before", names_of(h, "10.0.0.1"));
	ATF_CHECK_STREQ("next", names_of(h, "10.0.0.2"));
	ATF_CHECK_STREQ("", names_of(h, "10.0.0.3"));
	ATF_CHECK_STREQ("end", names_of(h, "10.0.0.4"));
	hosts_free(h);
	h = hosts_parse("", 0);
	ATF_CHECK_STREQ("", names_of(h, "10.0.0.1"));
	hosts_free(h);
}

ATF_TC_WITHOUT_HEAD(eight_names);
ATF_TC_BODY(eight_names, tc)
{
	struct hosts *h = parse("10.0.0.1 a A b c d\n10.0.0.1 e f a g\n"
	    "10.0.0.1 h i j\n");

	ATF_CHECK_STREQ("a,b,c,d,e,f,g,h", names_of(h, "10.0.0.1"));
	hosts_free(h);
}

ATF_TC_WITHOUT_HEAD(long_names);
ATF_TC_BODY(long_names, tc)
{
	char text[400] = "10.0.0.1 ", want[254];
	struct hosts *h;

	/* 253 characters are a name, 254 are not */
	for (int i = 0; i < 253; i++)
		want[i] = i % 50 == 49 ? '.' : 'x';
	want[253] = '\0';
	strcat(text, want);
	h = parse(text);
	ATF_CHECK_STREQ(want, names_of(h, "10.0.0.1"));
	hosts_free(h);
	strcat(text, "x");
	h = parse(text);
	ATF_CHECK_STREQ("", names_of(h, "10.0.0.1"));
	hosts_free(h);
}

ATF_TC_WITHOUT_HEAD(addresses);
ATF_TC_BODY(addresses, tc)
{
	const uint8_t bytes[16] = { 1 };
	struct host_address a = address("::ffff:1.2.3.4"), b;

	b = address("1.2.3.4");
	ATF_CHECK(host_address_equal(&a, &b));
	/* the same first bytes, of another family */
	a = address("102:304::");
	ATF_CHECK(!host_address_equal(&a, &b));
	ATF_CHECK(!host_address(&a, AF_UNIX, bytes));
	ATF_CHECK(!host_address(&a, 0, bytes));
}

/* ---- the file ------------------------------------------------------------ */

static void
write_file(const char *text, size_t len)
{
	FILE *f = fopen("hosts", "w");

	ATF_REQUIRE(f != NULL);
	ATF_REQUIRE_EQ(len, fwrite(text, 1, len, f));
	ATF_REQUIRE_EQ(0, fclose(f));
}

ATF_TC_WITHOUT_HEAD(file);
ATF_TC_BODY(file, tc)
{
	const char *why = "";
	struct hosts *h;

	ATF_CHECK(hosts_read("none", &why) == NULL && why == NULL);
	ATF_CHECK_STREQ("", names_of(NULL, "10.0.0.1"));
	write_file("10.0.0.1 one\n", 13);
	h = hosts_read("hosts", &why);
	ATF_REQUIRE(h != NULL && why == NULL);
	ATF_CHECK_STREQ("one", names_of(h, "10.0.0.1"));
	hosts_free(h);
	write_file("", 0);
	h = hosts_read("hosts", &why);
	ATF_CHECK(h != NULL && why == NULL);
	hosts_free(h);
}

ATF_TC_WITHOUT_HEAD(not_a_file);
ATF_TC_BODY(not_a_file, tc)
{
	const char *why = NULL;

	ATF_CHECK(hosts_read(".", &why) == NULL && why != NULL);
	ATF_REQUIRE_EQ(0, mkfifo("fifo", 0600));
	why = NULL;
	ATF_CHECK(hosts_read("fifo", &why) == NULL && why != NULL);
}

ATF_TC_WITHOUT_HEAD(large_file);
ATF_TC_BODY(large_file, tc)
{
	size_t len = HOSTS_MAX + 100;
	char *text = malloc(len);
	const char *why = NULL;
	struct hosts *h;

	ATF_REQUIRE(text != NULL);
	memset(text, ' ', len);
	strcpy(text, "10.0.0.1 first\n");
	text[strlen(text)] = ' ';
	strcpy(text + HOSTS_MAX, "\n10.0.0.2 beyond\n");
	write_file(text, len);
	h = hosts_read("hosts", &why);
	ATF_REQUIRE(h != NULL && why != NULL);
	ATF_CHECK_STREQ("first", names_of(h, "10.0.0.1"));
	ATF_CHECK_STREQ("", names_of(h, "10.0.0.2"));
	hosts_free(h);
	free(text);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lines);
	ATF_TP_ADD_TC(tp, bad_names);
	ATF_TP_ADD_TC(tp, bad_bytes);
	ATF_TP_ADD_TC(tp, eight_names);
	ATF_TP_ADD_TC(tp, long_names);
	ATF_TP_ADD_TC(tp, addresses);
	ATF_TP_ADD_TC(tp, file);
	ATF_TP_ADD_TC(tp, not_a_file);
	ATF_TP_ADD_TC(tp, large_file);
	return atf_no_error();
}
