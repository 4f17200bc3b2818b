/*
 * The figures of round trips, against ones worked out by hand.
 */
#include <atf-c.h>

#include "roundtrips.h"

static void
add_all(struct roundtrips *r, const int64_t *us, size_t n)
{
	for (size_t i = 0; i < n; i++)
		roundtrips_add(r, us[i]);
}

static void
near(double want, double have)
{
	ATF_CHECK_MSG(have > want - 1e-6 * (1 + want) &&
	    have < want + 1e-6 * (1 + want), "%f, not %f", have, want);
}

ATF_TC_WITHOUT_HEAD(none);
ATF_TC_BODY(none, tc)
{
	struct roundtrips r = { 0 };

	ATF_CHECK_EQ(0, r.count);
	near(0, roundtrips_mdev(&r));
}

ATF_TC_WITHOUT_HEAD(one);
ATF_TC_BODY(one, tc)
{
	struct roundtrips r = { 0 };

	roundtrips_add(&r, 412);
	ATF_CHECK_EQ(412, r.min);
	ATF_CHECK_EQ(412, r.max);
	near(412, r.mean);
	near(0, roundtrips_mdev(&r));
}

ATF_TC_WITHOUT_HEAD(some);
ATF_TC_BODY(some, tc)
{
	static const int64_t us[] = { 4, 2, 4, 4, 5, 5, 7, 9 };
	struct roundtrips r = { 0 };

	add_all(&r, us, 8);
	ATF_CHECK_EQ(8, r.count);
	ATF_CHECK_EQ(2, r.min);
	ATF_CHECK_EQ(9, r.max);
	near(5, r.mean);
	near(2, roundtrips_mdev(&r));
}

/* Where a sum of squares has lost what makes the difference. */
ATF_TC_WITHOUT_HEAD(close_together);
ATF_TC_BODY(close_together, tc)
{
	static const int64_t us[] = { 86400000001, 86400000003 };
	struct roundtrips r = { 0 };

	add_all(&r, us, 2);
	near(86400000002.0, r.mean);
	near(1, roundtrips_mdev(&r));
}

ATF_TC_WITHOUT_HEAD(far_apart);
ATF_TC_BODY(far_apart, tc)
{
	static const int64_t us[] = { 0, 0, 86400000000 };
	struct roundtrips r = { 0 };

	add_all(&r, us, 3);
	ATF_CHECK_EQ(0, r.min);
	near(28800000000.0, r.mean);
	near(40729350596.346, roundtrips_mdev(&r));
}

ATF_TC_WITHOUT_HEAD(lost);
ATF_TC_BODY(lost, tc)
{
	static const struct {
		uint64_t sent, back;
		const char *text;
	} some[] = {
		{ 0, 0, "0" }, { 5, 5, "0" }, { 5, 0, "100" }, { 3, 1, "66.7" },
		{ 1000, 999, "0.1" }, { 1000000000, 999999999, "0.01" },
		{ 10000, 1, "99.9" }, { 1000000000, 1, "99.9" },
	};
	char text[ROUNDTRIPS_LOST];

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		roundtrips_lost(text, some[i].sent, some[i].back);
		ATF_CHECK_STREQ(some[i].text, text);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, none);
	ATF_TP_ADD_TC(tp, one);
	ATF_TP_ADD_TC(tp, some);
	ATF_TP_ADD_TC(tp, close_together);
	ATF_TP_ADD_TC(tp, far_apart);
	ATF_TP_ADD_TC(tp, lost);
	return atf_no_error();
}
