#include <arpa/inet.h>
#include <atf-c.h>
#include <netinet/in.h>
#include <string.h>

#include "addr.h"

static const struct {
	const char *text, *shown;
} good[] = {
	{ "127.0.0.1:443", "127.0.0.1:443" },
	{ "0.0.0.0:65535", "0.0.0.0:65535" },
	{ "[::]:1", "[::]:1" },
	{ "[2001:db8::1]:7443", "[2001:db8::1]:7443" },
	{ "[2001:0DB8:0:0::1]:7443", "[2001:db8::1]:7443" },
	{ "[fe80::1%2]:80", "[fe80::1%2]:80" },
	{ "[fe80::1%4294967295]:80", "[fe80::1%4294967295]:80" },
	{ "[::ffff:192.0.2.1]:80", "192.0.2.1:80" },
};

static const char *const bad[] = { "", ":", ":80", "127.0.0.1",
    "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
    "127.0.0.1: 1", "127.0.0.1:1 ", " 127.0.0.1:1", "127.0.0.1:0x50",
    "127.0.0.1:080", "127.0.0.1:99999999999999999999", "127.0.0.1:http",
    "010.0.0.1:80", "127.1:80", "0x7f.0.0.1:80", "256.0.0.1:80",
    "localhost:80", "example.org:443", "*:80", "::1:80", "[::1]", "[::1]80",
    "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80", "[::1]]:80",
    "[fe80::1%]:80", "[fe80::1%0]:80", "[fe80::1%eth0]:80",
    "[fe80::1%02]:80", "[fe80::1%4294967296]:80", "[::1%1%1]:80",
    ("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
    "0000:0000]:80") };

ATF_TC_WITHOUT_HEAD(good_forms);
ATF_TC_BODY(good_forms, tc)
{
	struct sockaddr_storage ss;
	char shown[ADDR_TEXT];
	socklen_t len;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ATF_CHECK_MSG(addr_parse(good[i].text, &ss, &len), "%s",
		    good[i].text);
		addr_text(&ss, shown);
		ATF_CHECK_STREQ(good[i].shown, shown);
	}
}

ATF_TC_WITHOUT_HEAD(bad_forms);
ATF_TC_BODY(bad_forms, tc)
{
	struct sockaddr_storage ss;
	socklen_t len;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ATF_CHECK_MSG(!addr_parse(bad[i], &ss, &len), "%s", bad[i]);
}

ATF_TC_WITHOUT_HEAD(fields);
ATF_TC_BODY(fields, tc)
{
	struct sockaddr_storage ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
	socklen_t len;

	ATF_REQUIRE(addr_parse("192.0.2.1:258", &ss, &len));
	ATF_CHECK_EQ(sizeof *in, len);
	ATF_CHECK_EQ(AF_INET, in->sin_family);
	ATF_CHECK_EQ(htons(258), in->sin_port);
	ATF_CHECK_EQ(htonl(0xc0000201), in->sin_addr.s_addr);
	ATF_REQUIRE(addr_parse("[fe80::1%7]:258", &ss, &len));
	ATF_CHECK_EQ(sizeof *in6, len);
	ATF_CHECK_EQ(AF_INET6, in6->sin6_family);
	ATF_CHECK_EQ(htons(258), in6->sin6_port);
	ATF_CHECK_EQ(7, in6->sin6_scope_id);
}

/* The longest text fits, and a family that we do not know is shown as such. */
ATF_TC_WITHOUT_HEAD(shown);
ATF_TC_BODY(shown, tc)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	char text[ADDR_TEXT];

	memset(&ss, 0xfe, sizeof ss);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = 0xffff;
	in6->sin6_scope_id = 0xffffffff;
	addr_text(&ss, text);
	ATF_CHECK_STREQ("[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295]:"
	    "65535", text);
	ss.ss_family = AF_UNIX;
	addr_text(&ss, text);
	ATF_CHECK_STREQ("unknown", text);
}

/* ---- without a port ------------------------------------------------------ */

static const struct {
	const char *text, *shown;
} hosts[] = {
	{ "192.0.2.1", "192.0.2.1:0" },
	{ "192.0.2.1:0", "192.0.2.1:0" },
	{ "192.0.2.1:443", "192.0.2.1:443" },
	{ "2001:db8::1", "[2001:db8::1]:0" },
	{ "[2001:db8::1]", "[2001:db8::1]:0" },
	{ "[2001:db8::1]:443", "[2001:db8::1]:443" },
	{ "2001:db8::1:80", "[2001:db8::1:80]:0" },
	{ "::", "[::]:0" },
	{ "fe80::1%2", "[fe80::1%2]:0" },
	{ "[fe80::1%2]", "[fe80::1%2]:0" },
	{ "[fe80::1%2]:80", "[fe80::1%2]:80" },
	{ "::ffff:192.0.2.1", "192.0.2.1:0" },
};

static const char *const no_hosts[] = { "", "[", "]", "[]", ":", ":80",
    "localhost", "192.0.2.1 ", " 192.0.2.1", "192.0.2", "192.0.2.01",
    "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:080", "192.0.2.1/32",
    "[192.0.2.1]", "[192.0.2.1]:80", "[2001:db8::1", "2001:db8::1]",
    "[2001:db8::1]]", "[[2001:db8::1]]", "[2001:db8::1]:", "[2001:db8::1]80",
    "2001:db8::1::", "2001:db8::1%", "2001:db8::1%eth0", "2001:db8::/32",
    ("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
    "0000:0000") };

ATF_TC_WITHOUT_HEAD(host_forms);
ATF_TC_BODY(host_forms, tc)
{
	struct sockaddr_storage ss;
	char shown[ADDR_TEXT];

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		memset(&ss, 0xff, sizeof ss);
		ATF_CHECK_MSG(addr_parse_host(hosts[i].text, &ss), "%s",
		    hosts[i].text);
		addr_text(&ss, shown);
		ATF_CHECK_STREQ(hosts[i].shown, shown);
	}
	for (size_t i = 0; i < sizeof no_hosts / sizeof no_hosts[0]; i++)
		ATF_CHECK_MSG(!addr_parse_host(no_hosts[i], &ss), "%s",
		    no_hosts[i]);
}

ATF_TC_WITHOUT_HEAD(unmap);
ATF_TC_BODY(unmap, tc)
{
	static const char *const same[] = { "192.0.2.1:443",
	    "[2001:db8::1]:443", "[::192.0.2.1]:443", "[::fffe:c000:201]:443",
	    "[fe80::1%2]:443", "[64:ff9b::192.0.2.1]:443" };
	struct sockaddr_storage ss, want;
	socklen_t len;

	ATF_REQUIRE(addr_parse("192.0.2.1:443", &want, &len));
	ATF_REQUIRE(addr_parse("[::ffff:192.0.2.1]:443", &ss, &len));
	addr_unmap(&ss);
	ATF_CHECK_EQ(0, memcmp(&want, &ss, sizeof ss));
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		ATF_REQUIRE(addr_parse(same[i], &ss, &len));
		want = ss;
		addr_unmap(&ss);
		ATF_CHECK_EQ_MSG(0, memcmp(&want, &ss, sizeof ss), "%s",
		    same[i]);
	}
	/* the same bytes, but of another family */
	ATF_REQUIRE(addr_parse("[::ffff:192.0.2.1]:443", &ss, &len));
	ss.ss_family = AF_UNIX;
	addr_unmap(&ss);
	ATF_CHECK_EQ(AF_UNIX, ss.ss_family);
}

/* ---- networks ------------------------------------------------------------ */

static const struct {
	const char *text;
	int family;
	uint32_t bits;
} networks[] = {
	{ "192.0.2.0/24", AF_INET, 24 },
	{ "192.0.2.1", AF_INET, 32 },
	{ "192.0.2.1/32", AF_INET, 32 },
	{ "0.0.0.0/0", AF_INET, 0 },
	{ "192.0.2.128/25", AF_INET, 25 },
	{ "2001:db8::/32", AF_INET6, 32 },
	{ "2001:db8::1", AF_INET6, 128 },
	{ "2001:db8::1/128", AF_INET6, 128 },
	{ "2001:db8:8000::/33", AF_INET6, 33 },
	{ "::/0", AF_INET6, 0 },
	{ "::ffff:192.0.2.1", AF_INET, 32 },
	{ "::ffff:192.0.2.0/120", AF_INET, 24 },
	{ "::ffff:0:0/96", AF_INET, 0 },
};

static const char *const no_networks[] = { "", "/", "/24", "192.0.2.0/",
    "192.0.2.0/33", "192.0.2.0/024", "192.0.2.0/00", "192.0.2.0/-1",
    "192.0.2.0/+24", "192.0.2.0/ 24", "192.0.2.0/24 ", " 192.0.2.0/24",
    "192.0.2.0 /24", "192.0.2.0/24/24", "192.0.2.0/255.255.255.0",
    "192.0.2.0/4294967320", "192.0.2.0/18446744073709551640", "192.0.2/24",
    "192.0.2.00/24", "192.0.2.1/24", "192.0.2.1/31", "128.0.0.0/0",
    "192.0.2.64/25", "2001:db8::/129", "2001:db8::1/127", "2001:db8::/28",
    "2001:db8:8000::/32", "::ffff:0:0/95", "::ffff:192.0.2.1/120",
    "[2001:db8::]/32", "fe80::1%2", "fe80::%2/10", "192.0.2.1:80", "all",
    "localhost", ("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
    "0000/1") };

ATF_TC_WITHOUT_HEAD(cidr_forms);
ATF_TC_BODY(cidr_forms, tc)
{
	struct cidr c;

	for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
		memset(&c, 0xff, sizeof c);
		ATF_CHECK_MSG(addr_parse_cidr(networks[i].text, &c), "%s",
		    networks[i].text);
		ATF_CHECK_EQ(networks[i].family, c.family);
		ATF_CHECK_EQ(networks[i].bits, c.bits);
	}
	for (size_t i = 0; i < sizeof no_networks / sizeof no_networks[0]; i++)
		ATF_CHECK_MSG(!addr_parse_cidr(no_networks[i], &c), "%s",
		    no_networks[i]);
}

static bool
is_in(const char *network, const char *host)
{
	struct sockaddr_storage ss;
	struct cidr c;

	ATF_REQUIRE_MSG(addr_parse_cidr(network, &c), "%s", network);
	ATF_REQUIRE_MSG(addr_parse_host(host, &ss), "%s", host);
	return addr_in_cidr(&c, &ss);
}

/* Networks, the first and the last address in each, and those beside it. */
static const struct {
	const char *network, *first, *last, *before, *behind;
} edges[] = {
	{ "192.0.2.0/24", "192.0.2.0", "192.0.2.255", "192.0.1.255",
	    "192.0.3.0" },
	{ "192.0.2.128/26", "192.0.2.128", "192.0.2.191", "192.0.2.127",
	    "192.0.2.192" },
	{ "192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.6", "192.0.2.8" },
	{ "128.0.0.0/1", "128.0.0.0", "255.255.255.255", "127.255.255.255",
	    "0.0.0.0" },
	{ "192.0.0.0/9", "192.0.0.0", "192.127.255.255", "191.255.255.255",
	    "192.128.0.0" },
	{ "2001:db8::/32", "2001:db8::", "2001:db8:ffff::ffff",
	    "2001:db7:ffff::", "2001:db9::" },
	{ "2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:ffff::1",
	    "2001:db8:7fff::", "2001:db9::" },
	{ "2001:db8::1", "2001:db8::1", "2001:db8::1", "2001:db8::",
	    "2001:db8::2" },
	{ "::ffff:192.0.2.0/120", "192.0.2.0", "192.0.2.255", "192.0.1.255",
	    "192.0.3.0" },
	{ "192.0.2.0/24", "::ffff:192.0.2.0", "::ffff:192.0.2.255",
	    "::ffff:192.0.1.255", "::192.0.2.1" },
};

ATF_TC_WITHOUT_HEAD(cidr_edges);
ATF_TC_BODY(cidr_edges, tc)
{
	for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		const char *network = edges[i].network;

		ATF_CHECK_MSG(is_in(network, edges[i].first), "%s", network);
		ATF_CHECK_MSG(is_in(network, edges[i].last), "%s", network);
		ATF_CHECK_MSG(!is_in(network, edges[i].before), "%s", network);
		ATF_CHECK_MSG(!is_in(network, edges[i].behind), "%s", network);
	}
}

/* Of another family, or of none, nothing is in it, however wide it is. */
ATF_TC_WITHOUT_HEAD(cidr_families);
ATF_TC_BODY(cidr_families, tc)
{
	struct sockaddr_storage un = { .ss_family = AF_UNIX };
	struct sockaddr_storage none = { .ss_family = AF_UNSPEC };
	struct cidr c;

	ATF_CHECK(is_in("0.0.0.0/0", "192.0.2.1"));
	ATF_CHECK(is_in("0.0.0.0/0", "::ffff:192.0.2.1"));
	ATF_CHECK(!is_in("0.0.0.0/0", "::1"));
	ATF_CHECK(is_in("::/0", "2001:db8::1"));
	ATF_CHECK(is_in("::/0", "fe80::1%2"));
	ATF_CHECK(!is_in("::/0", "192.0.2.1"));
	ATF_CHECK(!is_in("::/0", "::ffff:192.0.2.1"));
	ATF_CHECK(is_in("192.0.2.0/24", "192.0.2.1:443"));
	ATF_REQUIRE(addr_parse_cidr("::/0", &c));
	ATF_CHECK(!addr_in_cidr(&c, &un));
	memset(&c, 0, sizeof c);
	ATF_CHECK(!addr_in_cidr(&c, &none));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good_forms);
	ATF_TP_ADD_TC(tp, bad_forms);
	ATF_TP_ADD_TC(tp, fields);
	ATF_TP_ADD_TC(tp, shown);
	ATF_TP_ADD_TC(tp, host_forms);
	ATF_TP_ADD_TC(tp, unmap);
	ATF_TP_ADD_TC(tp, cidr_forms);
	ATF_TP_ADD_TC(tp, cidr_edges);
	ATF_TP_ADD_TC(tp, cidr_families);
	return atf_no_error();
}
