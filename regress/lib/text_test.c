#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

ATF_TC_WITHOUT_HEAD(escape_every_byte);
ATF_TC_BODY(escape_every_byte, tc)
{
	for (int c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;
		char got[16], want[16];

		if (c == '"' || c == '\\')
			snprintf(want, sizeof want, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			snprintf(want, sizeof want, "%c", c);
		else
			snprintf(want, sizeof want, "\\x%02x", (unsigned)c);
		ATF_CHECK_EQ(strlen(want),
		    text_escape(got, sizeof got, &byte, 1));
		ATF_CHECK_STREQ(want, got);
	}
}

/* Walk over whole escapes; false if one is cut. */
static bool
whole_escapes(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] != '\\')
			continue;
		if (i + 1 >= n)
			return false;
		i += s[i + 1] == 'x' ? 3 : 1;
		if (i >= n)
			return false;
	}
	return true;
}

/* At every size: terminated, within bounds, whole, and "..." only if cut. */
ATF_TC_WITHOUT_HEAD(escape_at_every_size);
ATF_TC_BODY(escape_at_every_size, tc)
{
	static const char src[] = "ab\n\"\xff" "cd\\\0e\x7f";
	char full[64], got[64];
	size_t len = text_escape(full, sizeof full, src, sizeof src - 1);

	for (size_t size = 1; size < sizeof got; size++) {
		size_t n;

		memset(got, 'Z', sizeof got);
		n = text_escape(got, size, src, sizeof src - 1);
		ATF_REQUIRE(n < size);
		ATF_CHECK_EQ('\0', got[n]);
		ATF_CHECK_EQ(n, strlen(got));
		for (size_t i = size; i < sizeof got; i++)
			ATF_CHECK_EQ_MSG('Z', got[i], "size %zu", size);
		if (size > len) {
			ATF_CHECK_STREQ(full, got);
		} else if (size > 3) {
			ATF_CHECK_STREQ("...", got + n - 3);
			ATF_CHECK_EQ(0, strncmp(full, got, n - 3));
			ATF_CHECK(whole_escapes(got, n - 3));
		} else {
			ATF_CHECK(whole_escapes(got, n));
		}
	}
}

ATF_TC_WITHOUT_HEAD(escape_nothing);
ATF_TC_BODY(escape_nothing, tc)
{
	char got[4] = "ZZZ";

	ATF_CHECK_EQ(0, text_escape(got, sizeof got, NULL, 0));
	ATF_CHECK_STREQ("", got);
}

ATF_TC_WITHOUT_HEAD(hex);
ATF_TC_BODY(hex, tc)
{
	static const uint8_t src[] = { 0x00, 0x0f, 0xa5, 0xff };
	char got[9];

	text_hex(got, src, sizeof src);
	ATF_CHECK_STREQ("000fa5ff", got);
}

#define DIGITS "00112233445566778899aabbccddeeff" \
	"00112233445566778899AABBCCDDEEFF"

ATF_TC_WITHOUT_HEAD(pin);
ATF_TC_BODY(pin, tc)
{
	static const char *const bad[] = { "", "SHA256:", "SHA256",
	    "SHA1:" DIGITS, DIGITS, "SHA256:" DIGITS "0", "SHA256: " DIGITS,
	    " SHA256:" DIGITS, "SHA256:" DIGITS "\n",
	    "SHA256:0x112233445566778899aabbccddeeff" DIGITS };
	char text[] = "SHA256:" DIGITS;
	uint8_t got[32];

	ATF_REQUIRE(text_parse_pin("SHA256:" DIGITS, got));
	for (size_t i = 0; i < sizeof got; i++)
		ATF_CHECK_EQ(0x11 * (i % 16), got[i]);
	ATF_CHECK(text_parse_pin("sha256:" DIGITS, got));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ATF_CHECK_MSG(!text_parse_pin(bad[i], got), "%s", bad[i]);
	/* no byte but a hexadecimal digit, at any place */
	for (size_t at = 7; at < sizeof text - 1; at++) {
		char was = text[at];

		text[at] = 'g';
		ATF_CHECK(!text_parse_pin(text, got));
		text[at] = '\0';
		ATF_CHECK(!text_parse_pin(text, got));
		text[at] = was;
	}
}

ATF_TC_WITHOUT_HEAD(copy);
ATF_TC_BODY(copy, tc)
{
	char dst[4];

	ATF_CHECK(text_copy(dst, sizeof dst, "abc"));
	ATF_CHECK_STREQ("abc", dst);
	ATF_CHECK(!text_copy(dst, sizeof dst, "abcd"));
	ATF_CHECK_STREQ("", dst);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, escape_every_byte);
	ATF_TP_ADD_TC(tp, escape_at_every_size);
	ATF_TP_ADD_TC(tp, escape_nothing);
	ATF_TP_ADD_TC(tp, hex);
	ATF_TP_ADD_TC(tp, pin);
	ATF_TP_ADD_TC(tp, copy);
	return atf_no_error();
}
