/*
 * Latencies, by logarithm: 64 steps to a doubling, so that a quantile is off
 * by less than 1.6 %, at any magnitude and without keeping every value.
 */
#ifndef POSTERN_HISTOGRAM_H
#define POSTERN_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 40)

struct histogram {
	uint64_t	count;
	uint32_t	bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The value (ns) that a share `q` (0 to 1) of all stays below; 0 if none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
