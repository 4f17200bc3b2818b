/*
 * Options' values: what is taken, and that nothing else is.
 */
#include <atf-c.h>
#include <string.h>

#include "addr.h"
#include "values.h"

ATF_TC_WITHOUT_HEAD(numbers);
ATF_TC_BODY(numbers, tc)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1",
	    "1.0", "11", "9999999999", "99999999999999999999" };

	ATF_CHECK_EQ(0, value_number("0", 0, 10));
	ATF_CHECK_EQ(10, value_number("10", 0, 10));
	ATF_CHECK_EQ(7, value_number("007", 0, 10));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ATF_CHECK_EQ_MSG(-1, value_number(bad[i], 0, 10), "\"%s\"",
		    bad[i]);
}

ATF_TC_WITHOUT_HEAD(microseconds);
ATF_TC_BODY(microseconds, tc)
{
	static const struct { const char *s; int64_t us; } good[] = {
		{ "0", 0 }, { "1", 1000000 }, { "0.01", 10000 },
		{ ".5", 500000 }, { "2.000001", 2000001 },
		{ "86400", 86400000000 }, { "86400.0", 86400000000 },
	};
	static const char *const bad[] = { "", ".", "1.", "-1", "+1", " 1",
	    "1 ", "1s", "1,5", "1e3", "inf", "nan", "0x1", "1.0000001",
	    "86400.000001", "100000", "1.2.3", "1.-5" };

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ATF_CHECK_EQ_MSG(good[i].us, value_microseconds(good[i].s),
		    "\"%s\"", good[i].s);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ATF_CHECK_EQ_MSG(-1, value_microseconds(bad[i]), "\"%s\"",
		    bad[i]);
}

ATF_TC_WITHOUT_HEAD(addresses);
ATF_TC_BODY(addresses, tc)
{
	static const struct { const char *s, *text; } good[] = {
		{ "192.0.2.7", "192.0.2.7:0" },
		{ "192.0.2.7:4711", "192.0.2.7:4711" },
		{ "2001:db8::1", "[2001:db8::1]:0" },
		{ "[2001:db8::1]", "[2001:db8::1]:0" },
		{ "[2001:db8::1]:4711", "[2001:db8::1]:4711" },
		{ "::", "[::]:0" },
	};
	static const char *const bad[] = { "", ":", "host", "host:1",
	    "192.0.2", "192.0.2.7:", "192.0.2.7:65536", "192.0.2.256",
	    "010.0.0.1", "[192.0.2.7]", "[192.0.2.7]:1", "[2001:db8::1",
	    "2001:db8::1]", "[2001:db8::1]x", "fe80::1%1", "[fe80::1%1]:1",
	    "1:2:3:4:5:6:7:8:9", " 192.0.2.7" };
	struct sockaddr_storage ss;
	char text[ADDR_TEXT];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ATF_REQUIRE_MSG(value_address(good[i].s, &ss), "\"%s\"",
		    good[i].s);
		addr_text(&ss, text);
		ATF_CHECK_STREQ(good[i].text, text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ATF_CHECK_MSG(!value_address(bad[i], &ss), "\"%s\"", bad[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, numbers);
	ATF_TP_ADD_TC(tp, microseconds);
	ATF_TP_ADD_TC(tp, addresses);
	return atf_no_error();
}
