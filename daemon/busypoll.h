/*
 * A client that sends again as soon as it has its echo, and is alone: being put
 * to sleep and woken for each of its messages takes longer than all else that
 * is done for it.
 */
#ifndef BUSYPOLL_H
#define BUSYPOLL_H

#include <stdbool.h>
#include <stdint.h>

/* Look for so long (us) before the loop sleeps; 0: never. */
void	busypoll_start(uint32_t us);

/*
 * After each turn of the loop: whose it was, NULL if nobody's, several's, or
 * one's that is not let in yet: strangers are not to buy the processor's time.
 * True if the loop is to look once more rather than sleep; other processes that
 * could run here, as the client's worker, have run by then.  `who` is compared,
 * no more.
 */
bool	busypoll_again(const void *who);

#endif
