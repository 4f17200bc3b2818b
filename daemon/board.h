/*
 * The board: shared memory in which each process that has something to tell
 * has a place of its own, which it alone writes and the others read: a slot
 * for each parent, and behind those the supervisor's.  A reader treats what it
 * finds as hostile: any number can be there at any time, and change between two
 * looks.  No pointer is in it, and no text that ends by itself.
 *
 * Of what a parent says that it has no more is believed than its share, which
 * the supervisor has written beside whose the slot is; and none takes more than
 * its own.  So one that lies keeps no place from others that they are sure of.
 */
#ifndef POSTERN_BOARD_H
#define POSTERN_BOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crowd.h"
#include "metrics.h"
#include "roster.h"

struct board_count {
	_Atomic uint32_t	in_use;		/* a parent counts here */
	_Atomic uint32_t	connections;
	_Atomic uint32_t	waiting;	/* of these, not let in yet */
};

/*
 * A parent's slot, each part on pages of its own.  The supervisor makes zero of
 * what stands before `metrics` when its parent is gone, for others count by it.
 * What stands behind, the slot's next parent finds as it was left: metrics.h
 * says why.
 */
struct board_slot {
	alignas(BOARD_PAGE) struct board_count	count;
	alignas(BOARD_PAGE) struct crowd	crowd;
	alignas(BOARD_PAGE) struct metrics	metrics;
	alignas(BOARD_PAGE) struct roster	roster;
};
#define BOARD_COUNTED offsetof(struct board_slot, metrics)
_Static_assert(BOARD_COUNTED % BOARD_PAGE == 0 &&
    sizeof(struct board_slot) % BOARD_PAGE == 0, "whole pages");

/* The size of all, for so many slots. */
size_t board_size(uint32_t slots);

/*
 * Map a board of so many slots, open at `fd`: slot `slot` to write, all else to
 * read.  Ends the process if it cannot.  The filter that follows has neither
 * mprotect nor mremap, so that the others' stay read-only and ours our own.
 */
void board_map(int fd, uint32_t slot, uint32_t slots);

/* The same for one that has no slot: all to read. */
void board_map_to_read(int fd, uint32_t slots);

/* The supervisor's place, to write; NULL with errno set. */
struct board_service *board_map_service(int fd, uint32_t slots);

/* Our part of the crowd, to write (crowd.h). */
struct crowd *board_own_crowd(void);

/* Which slot is ours? */
uint32_t board_own_slot(void);

/* What was mapped to read. */
uint32_t board_slots(void);
const struct board_slot *board_slot(uint32_t i);
const struct board_service *board_service(void);

/* What one of so many parents may have of `max`. */
static inline uint32_t
board_share(uint32_t max, uint32_t parents)
{
	return max / parents + (max % parents != 0);
}

/* Our own shares: connections, and those of them that are not let in yet. */
void board_limit(uint32_t connections, uint32_t waiting);

/*
 * Count one more connection of ours, unless all parents together have
 * `max` already, or we our share: then false, and nothing is counted.
 */
bool board_enter(uint32_t max);

/* One less. */
void board_leave(void);

/*
 * One of ours waits to be let in.  False if more than `max` wait in all parents
 * now, or of ours more than our share: it is counted all the same, until
 * board_waited.
 */
bool board_wait(uint32_t max);
void board_waited(void);

/*
 * Have we our share, of connections or of those that wait, while one that
 * serves says that it has not its own?  Then it is that one's to take the next
 * client.
 */
bool board_others_enter(uint32_t max);
bool board_others_wait(uint32_t max);

#endif
