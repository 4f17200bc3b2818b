#include <atf-c.h>
#include <string.h>

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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, words);
	return atf_no_error();
}
