/*
 * The board: a page of shared memory for each parent, written by it alone and
 * read by the others.  A reader treats a page as hostile: a number in it can
 * be any number (one parent gone bad can so refuse clients for all, as it can
 * for itself by other means; it can admit none).
 */
#ifndef POSTERN_BOARD_H
#define POSTERN_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#define BOARD_PAGE 4096

/*
 * Map `slots` pages of the memfd `fd`, ours (`slot`) to write, the others to
 * read.  Ends the process if it cannot.  The filter that follows has neither
 * mprotect nor mremap, so that the others' stay read-only and ours one page.
 */
void board_map(int fd, uint32_t slot, uint32_t slots);

/*
 * Count one more connection of ours, unless all parents together have
 * `max` already: then false, and nothing is counted.
 */
bool board_enter(uint32_t max);

/* One less. */
void board_leave(void);

#endif
