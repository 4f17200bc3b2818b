#include "board.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "log.h"

static struct board_slot	*own;
static const uint8_t		*all;
static uint32_t			 count;

size_t
board_size(uint32_t slots)
{
	return slots * sizeof(struct board_slot) +
	    sizeof(struct board_service);
}

static void *
map(int fd, int prot, size_t at, size_t size)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)at);

	return p == MAP_FAILED ? NULL : p;
}

void
board_map_to_read(int fd, uint32_t slots)
{
	all = map(fd, PROT_READ, 0, board_size(slots));
	if (all == NULL)
		fatal(EX_OSERR, "board: %s", strerror(errno));
	count = slots;
}

void
board_map(int fd, uint32_t slot, uint32_t slots)
{
	board_map_to_read(fd, slots);
	own = map(fd, PROT_READ | PROT_WRITE, slot * sizeof *own, sizeof *own);
	if (own == NULL)
		fatal(EX_OSERR, "board: %s", strerror(errno));
	atomic_store(&own->count.in_use, 1);
	metrics_take(&own->metrics);
	roster_take(&own->roster);
}

struct board_service *
board_map_service(int fd, uint32_t slots)
{
	return map(fd, PROT_READ | PROT_WRITE, slots * sizeof *own,
	    sizeof(struct board_service));
}

struct crowd *
board_own_crowd(void)
{
	return &own->crowd;
}

uint32_t
board_slots(void)
{
	return count;
}

const struct board_slot *
board_slot(uint32_t i)
{
	return (const struct board_slot *)(const void *)(all + i * sizeof *own);
}

const struct board_service *
board_service(void)
{
	return (const struct board_service *)(const void *)(all +
	    count * sizeof *own);
}

/* 64 bits hold the sum of whatever they claim. */
static uint64_t
sum_up(size_t member)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *c = (const uint8_t *)&board_slot(i)->count;

		sum += atomic_load((const _Atomic uint32_t *)(const void *)(c +
		    member));
	}
	return sum;
}

/*
 * Counted first and summed then: two parents at once may both find the limit
 * passed and refuse one too many, but never admit one too many.
 */
bool
board_enter(uint32_t max)
{
	atomic_fetch_add(&own->count.connections, 1);
	if (sum_up(offsetof(struct board_count, connections)) <= max)
		return true;
	board_leave();
	return false;
}

void
board_leave(void)
{
	atomic_fetch_sub(&own->count.connections, 1);
}

bool
board_wait(uint32_t max)
{
	atomic_fetch_add(&own->count.waiting, 1);
	return sum_up(offsetof(struct board_count, waiting)) <= max;
}

void
board_waited(void)
{
	atomic_fetch_sub(&own->count.waiting, 1);
}
