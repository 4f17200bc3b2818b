#include <atf-c.h>
#include <stdlib.h>

#include "histogram.h"

static struct histogram h, other;

/* A quantile is off by less than one step in 64. */
static void
near(uint64_t want, uint64_t have)
{
	uint64_t off = want > have ? want - have : have - want;

	ATF_CHECK_MSG(off * HISTOGRAM_STEPS <= want, "%llu instead of %llu",
	    (unsigned long long)have, (unsigned long long)want);
}

ATF_TC_WITHOUT_HEAD(single);
ATF_TC_BODY(single, tc)
{
	for (unsigned int bit = 0; bit < 40; bit++) {
		uint64_t v = (UINT64_C(1) << bit) + (UINT64_C(1) << bit) / 3;

		histogram_add(&h, v);
		near(v, histogram_quantile(&h, 0.5));
		ATF_CHECK_EQ(1, h.count);
		h = (struct histogram){ 0 };
	}
}

ATF_TC_WITHOUT_HEAD(quantiles);
ATF_TC_BODY(quantiles, tc)
{
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(i % 2 == 0 ? &h : &other, i);
	histogram_merge(&h, &other);
	ATF_CHECK_EQ(100000, h.count);
	near(50000, histogram_quantile(&h, 0.5));
	near(99000, histogram_quantile(&h, 0.99));
	near(99900, histogram_quantile(&h, 0.999));
	near(1, histogram_quantile(&h, 0));
}

ATF_TC_WITHOUT_HEAD(bounds);
ATF_TC_BODY(bounds, tc)
{
	ATF_CHECK_EQ(0, histogram_quantile(&h, 0.5));
	histogram_add(&h, UINT64_MAX);
	histogram_add(&h, 0);
	ATF_CHECK_EQ(2, h.count);
	ATF_CHECK_EQ(0, histogram_quantile(&h, 0));
	ATF_CHECK(histogram_quantile(&h, 0.99) > UINT64_C(1) << 38);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, single);
	ATF_TP_ADD_TC(tp, quantiles);
	ATF_TP_ADD_TC(tp, bounds);
	return atf_no_error();
}
