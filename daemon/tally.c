#include "tally.h"

#include <string.h>

/* A page seen as what it is: numbers of one kind, counters first. */
#define NUMBERS(page) ((const metric *)(const void *)(page))
#define COUNTERS (offsetof(struct metrics, state) / sizeof(metric))
#define GAUGES_END (offsetof(struct metrics, not_after) / sizeof(metric))
_Static_assert(sizeof(struct metrics) ==
    GAUGES_END * sizeof(metric) + FILE_COUNT * sizeof(metric),
    "counters, gauges, times, and nothing else");

enum slot_state
tally_slot(uint32_t slot)
{
	uint64_t s = metric_get(&board_service()->metrics.slot[slot].state);

	return s < SLOT_STATES ? (enum slot_state)s : SLOT_UNUSED;
}

uint64_t
tally_add(uint64_t a, uint64_t b)
{
	return a > TALLY_MAX || b > TALLY_MAX - a ? TALLY_MAX : a + b;
}

static void
add(struct metrics *sum, const struct metrics *page, size_t from, size_t end)
{
	metric *to = (metric *)(void *)sum;

	for (size_t i = from; i < end; i++)
		metric_set(&to[i], tally_add(metric_get(&to[i]),
		    metric_get(&NUMBERS(page)[i])));
}

static void
add_times(struct metrics *sum, const struct metrics *page)
{
	for (int i = 0; i < FILE_COUNT; i++) {
		uint64_t t = metric_get(&page->not_after[i]);
		uint64_t have = metric_get(&sum->not_after[i]);

		if (t != 0 && t <= TALLY_MAX && (have == 0 || t < have))
			metric_set(&sum->not_after[i], t);
	}
}

void
tally(struct metrics *sum)
{
	memset(sum, 0, sizeof *sum);
	for (uint32_t i = 0; i < board_slots(); i++) {
		const struct metrics *page = &board_slot(i)->metrics;
		enum slot_state s = tally_slot(i);

		add(sum, page, 0, COUNTERS);
		if (s == SLOT_SERVING || s == SLOT_LEAVING)
			add(sum, page, COUNTERS, GAUGES_END);
		if (s == SLOT_SERVING)
			add_times(sum, page);
	}
}

uint64_t
tally_waiting(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < board_slots(); i++)
		if (atomic_load(&board_slot(i)->count.in_use) != 0)
			sum += atomic_load(&board_slot(i)->count.waiting);
	return sum;
}
