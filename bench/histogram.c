#include "histogram.h"

#include <stddef.h>

/* Values below HISTOGRAM_STEPS have a bucket each. */
static size_t
bucket_of(uint64_t ns)
{
	unsigned int shift = 0;
	size_t at;

	while (ns >> shift >= 2 * HISTOGRAM_STEPS)
		shift++;
	at = shift * HISTOGRAM_STEPS + (size_t)(ns >> shift);
	return at < HISTOGRAM_BUCKETS ? at : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t
value_of(size_t bucket)
{
	size_t shift = bucket < 2 * HISTOGRAM_STEPS ? 0 :
	    bucket / HISTOGRAM_STEPS - 1;
	uint64_t low = (uint64_t)(bucket - shift * HISTOGRAM_STEPS) << shift;

	return low + ((UINT64_C(1) << shift) >> 1);
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->bucket[bucket_of(ns)]++;
	h->count++;
}

void
histogram_merge(struct histogram *to, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	to->count += from->count;
}

uint64_t
histogram_quantile(const struct histogram *h, double q)
{
	uint64_t below = (uint64_t)((double)h->count * q), seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > below)
			return value_of(i);
	}
	return 0;
}
