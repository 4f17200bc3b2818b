#include "roundtrips.h"

#include <stdio.h>

/* What three digits still tell from nothing and from all. */
#define SOME_PERCENT	0.01
#define MOST_PERCENT	99.9

/* Welford's way: sums of squares would lose what they are made for. */
void
roundtrips_add(struct roundtrips *r, int64_t us)
{
	double before = (double)us - r->mean;

	r->count++;
	if (r->count == 1 || us < r->min)
		r->min = us;
	if (r->count == 1 || us > r->max)
		r->max = us;
	r->mean += before / (double)r->count;
	r->squares += before * ((double)us - r->mean);
}

/* By Newton, which spares us a library for this one root. */
static double
root(double v)
{
	double r = v > 1 ? v : 1;

	for (int i = 0; i < 64; i++)
		r = (r + v / r) / 2;
	return r;
}

double
roundtrips_mdev(const struct roundtrips *r)
{
	if (r->count == 0 || r->squares <= 0)
		return 0;
	return root(r->squares / (double)r->count);
}

void
roundtrips_lost(char dst[ROUNDTRIPS_LOST], uint64_t sent, uint64_t back)
{
	double percent = sent == 0 ? 0 :
	    (double)(sent - back) * 100 / (double)sent;

	if (back < sent && percent < SOME_PERCENT)
		percent = SOME_PERCENT;
	if (back > 0 && percent > MOST_PERCENT)
		percent = MOST_PERCENT;
	snprintf(dst, ROUNDTRIPS_LOST, "%.3g", percent);
}
