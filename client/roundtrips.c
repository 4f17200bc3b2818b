#include "roundtrips.h"

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
