/*
 * All parents' numbers in one: what the exporter shows.
 */
#ifndef POSTERN_TALLY_H
#define POSTERN_TALLY_H

#include "board.h"

/* No sum goes beyond: it then stays there. */
#define TALLY_MAX ((uint64_t)INT64_MAX)

/*
 * Add up the board (board_map_to_read): counters of all slots, gauges of those
 * whose parent lives, and of `not_after` the earliest that serves.  A page may
 * hold anything; then the sums are wrong, and nothing else is.
 */
void tally(struct metrics *sum);

/* No more than that. */
uint64_t tally_add(uint64_t a, uint64_t b);

/* Connections that have not been let in yet, as max-handshakes counts them. */
uint64_t tally_waiting(void);

/* The state of a slot as the supervisor says, or unused if it says nonsense. */
enum slot_state tally_slot(uint32_t slot);

#endif
