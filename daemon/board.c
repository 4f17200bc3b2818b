#include "board.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "log.h"

static struct board_slot	*own;
static const uint8_t		*all;
static uint32_t			 count, own_slot;

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
	own_slot = slot;
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
board_own_slot(void)
{
	return own_slot;
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

/* ---- how many there are -------------------------------------------------- */

/* What is counted, and what the supervisor allows of it. */
enum number { CONNECTIONS, WAITING };

static uint32_t share[2] = { UINT32_MAX, UINT32_MAX };

void
board_limit(uint32_t connections, uint32_t waiting)
{
	share[CONNECTIONS] = connections;
	share[WAITING] = waiting;
}

static const _Atomic uint32_t *
number_of(const struct board_slot *s, enum number n)
{
	return n == CONNECTIONS ? &s->count.connections : &s->count.waiting;
}

static uint64_t
share_of(uint32_t i, enum number n)
{
	const struct service_slot *s = &board_service()->metrics.slot[i];

	return metric_get(n == CONNECTIONS ? &s->share : &s->share_waiting);
}

/* Of slot `i' no more is believed than is its share. */
static uint64_t
believed(uint32_t i, enum number n)
{
	uint64_t claim = atomic_load(number_of(board_slot(i), n));
	uint64_t most = share_of(i, n);

	return claim < most ? claim : most;
}

static uint64_t
sum_up(enum number n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += believed(i, n);
	return sum;
}

static bool
has_more_than_share(enum number n)
{
	return atomic_load(number_of(own, n)) > share[n];
}

/*
 * Counted first and summed then: two parents at once may both find the limit
 * passed and refuse one too many, but never admit one too many.
 */
bool
board_enter(uint32_t max)
{
	atomic_fetch_add(&own->count.connections, 1);
	if (!has_more_than_share(CONNECTIONS) && sum_up(CONNECTIONS) <= max)
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
	return !has_more_than_share(WAITING) && sum_up(WAITING) <= max;
}

void
board_waited(void)
{
	atomic_fetch_sub(&own->count.waiting, 1);
}

/* Does one that serves say that it has room? */
static bool
others_have_room(enum number n)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t state =
		    metric_get(&board_service()->metrics.slot[i].state);

		if (i != own_slot && state == SLOT_SERVING &&
		    believed(i, n) < share_of(i, n))
			return true;
	}
	return false;
}

static bool
is_others(enum number n, uint32_t max)
{
	return atomic_load(number_of(own, n)) >= share[n] &&
	    sum_up(n) < max && others_have_room(n);
}

bool
board_others_enter(uint32_t max)
{
	return is_others(CONNECTIONS, max);
}

bool
board_others_wait(uint32_t max)
{
	return is_others(WAITING, max);
}
