#include "board.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "log.h"

struct page {
	_Atomic uint32_t	connections;
	char			rest[BOARD_PAGE - sizeof(uint32_t)];
};
_Static_assert(sizeof(struct page) == BOARD_PAGE, "a page a parent");

static struct page		*own;
static const struct page	*all;
static uint32_t			 count;

void
board_map(int fd, uint32_t slot, uint32_t slots)
{
	all = mmap(NULL, (size_t)slots * BOARD_PAGE, PROT_READ, MAP_SHARED, fd,
	    0);
	own = mmap(NULL, BOARD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)slot * BOARD_PAGE);
	if (all == MAP_FAILED || own == MAP_FAILED)
		fatal(EX_OSERR, "board: %s", strerror(errno));
	count = slots;
}

/*
 * Counted first and summed then: two parents at once may both find the limit
 * passed and refuse one too many, but never admit one too many.
 */
bool
board_enter(uint32_t max)
{
	uint64_t sum = 0;

	atomic_fetch_add(&own->connections, 1);
	for (uint32_t i = 0; i < count; i++)
		sum += atomic_load(&all[i].connections);
	if (sum <= max)
		return true;
	board_leave();
	return false;
}

void
board_leave(void)
{
	atomic_fetch_sub(&own->connections, 1);
}
