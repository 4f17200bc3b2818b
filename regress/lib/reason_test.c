#include <atf-c.h>
#include <ctype.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include "reason.h"

ATF_TC_WITHOUT_HEAD(words);
ATF_TC_BODY(words, tc)
{
	for (enum reason r = 0; r < REASON_COUNT; r++) {
		ATF_REQUIRE_MSG(reason_word(r) != NULL, "reason %d", (int)r);
		ATF_CHECK(strlen(reason_word(r)) > 0);
		/* one word: fit for logfmt and for a metric's label */
		ATF_CHECK_EQ(strlen(reason_word(r)), strspn(reason_word(r),
		    "abcdefghijklmnopqrstuvwxyz-"));
		for (enum reason s = 0; s < r; s++)
			ATF_CHECK(strcmp(reason_word(r), reason_word(s)) != 0);
	}
}

/* The order in which the rules are looked at is a promise: DESIGN, The log. */
ATF_TC_WITHOUT_HEAD(order);
ATF_TC_BODY(order, tc)
{
	static const char *const words[] = { "none", "too-many-connections",
	    "too-many-from-address", "too-many-handshakes", "too-fast",
	    "proxy-required", "proxy-bad", "protocol", "handshake-timeout",
	    "no-certificate", "bad-signature", "weak-crypto",
	    "chain-too-long", "untrusted", "name-constraint",
	    "wrong-purpose", "not-yet-valid", "expired", "crl-missing",
	    "crl-expired", "revoked", "pin-mismatch", "not-allowed",
	    "address-mismatch", "name-unconfirmed", "resolver-timeout",
	    "backend-unreachable", "shutting-down", "internal" };

	_Static_assert(sizeof words / sizeof words[0] == REASON_COUNT,
	    "each word");
	for (enum reason r = 0; r < REASON_COUNT; r++)
		ATF_CHECK_STREQ(words[r], reason_word(r));
}

/* struct judgement keeps them as bits of 32. */
_Static_assert(REASON_COUNT <= 32, "a bit each");

ATF_TC_WITHOUT_HEAD(rows);
ATF_TC_BODY(rows, tc)
{
	for (enum reason r = 0; r < REASON_COUNT; r++) {
		const struct reason_row *row = reason_row(r);
		size_t n = strlen(row->text);

		ATF_CHECK_STREQ(reason_word(r), row->word);
		ATF_CHECK(row->level == LOG_ERR || row->level == LOG_WARNING ||
		    row->level == LOG_INFO);
		/* a client is told no more than that it is refused */
		ATF_CHECK_EQ(r == REASON_NONE ? EX_OK : EX_NOPERM,
		    row->status);
		ATF_CHECK(row->seen == SEEN_OFFLINE || row->seen == SEEN_LIVE);
		ATF_CHECK_MSG(n > 5 && isgraph((unsigned char)row->text[n - 1])
		    && row->text[n - 1] != '.', "%s", row->text);
	}
	/* what a certificate decides can be explained */
	for (enum reason r = REASON_BAD_SIGNATURE;
	    r < REASON_BACKEND_UNREACHABLE; r++)
		ATF_CHECK_MSG(reason_row(r)->seen == SEEN_OFFLINE, "%s",
		    reason_word(r));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, words);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, rows);
	return atf_no_error();
}
