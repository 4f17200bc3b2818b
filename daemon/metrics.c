#include "metrics.h"

#include <stddef.h>
#include <string.h>

#define GAUGES offsetof(struct metrics, state)

static struct metrics		nobodys;
static struct service_metrics	nobodys_service;

struct metrics		*metrics = &nobodys;
struct service_metrics	*service_metrics = &nobodys_service;

const uint32_t metrics_bucket_us[METRICS_BUCKETS] = { 500, 1000, 2500, 5000,
    10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
    10000000 };

void
metrics_take(struct metrics *page)
{
	memset((uint8_t *)page + GAUGES, 0, sizeof *page - GAUGES);
	metrics = page;
}

void
metrics_handshake(uint64_t us)
{
	size_t i = 0;

	while (i < METRICS_BUCKETS && us > metrics_bucket_us[i])
		i++;
	metric_add(&metrics->handshake[i], 1);
	metric_add(&metrics->handshake_us, us);
}
