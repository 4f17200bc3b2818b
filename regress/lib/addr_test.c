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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good_forms);
	ATF_TP_ADD_TC(tp, bad_forms);
	ATF_TP_ADD_TC(tp, fields);
	ATF_TP_ADD_TC(tp, shown);
	return atf_no_error();
}
