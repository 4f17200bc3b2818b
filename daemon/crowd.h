/*
 * The crowd: how many connections an address has, how many of them have not
 * been let in yet, and how fast they come, over all parents and generations.
 *
 * Each parent has a part of its slot of the board for it (board.h), which it
 * alone writes; what counts is the sum over all of them.  It is a count-min
 * sketch (Cormode and Muthukrishnan, 2005): an address is counted in one cell
 * of each row, and the least of the rows is believed.  So no address is kept,
 * nothing is searched for, thrown out or full, and a count is never too small.
 * It is too large by those that share a cell with it in every row, which nobody
 * can aim at, for the cells are chosen by a keyed hash.
 *
 * "Address" is a prefix here, of lengths that the configuration gives.
 */
#ifndef POSTERN_CROWD_H
#define POSTERN_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "siphash.h"

#define CROWD_ROWS	4
#define CROWD_CELLS	16384	/* a row; a place's numbers have 16 bits */

struct crowd_cell {
	_Atomic uint32_t	connections;
	_Atomic uint32_t	waiting;	/* of these, not let in */
	/* The bucket, in thousandths of a connection: see crowd.c. */
	_Atomic uint64_t	taken;
	_Atomic uint64_t	drained;
};

struct crowd {
	_Atomic uint32_t	rate;	/* what `drained` is reckoned by */
	struct crowd_cell	row[CROWD_ROWS][CROWD_CELLS];
};

/* Where an address is counted: a cell of each row. */
struct crowd_place {
	uint16_t	cell[CROWD_ROWS];
};

struct crowd_rules {
	uint8_t		key[SIPHASH_KEY];	/* the same for all parents */
	uint32_t	bits4, bits6;		/* lengths of prefixes */
	uint32_t	rate, burst;		/* a second; at once.  0: any */
};

/* Before anything below; the board is mapped.  `r` must live on. */
void crowd_start(struct crowd *own, const struct crowd_rules *r);

/* An IPv4-mapped address counts as IPv4. */
struct crowd_place crowd_find(const struct sockaddr_storage *ss);

/*
 * One more connection from there, and it waits to be let in.  False if there
 * are more than `max` now (0: any number will do): it is counted all the same
 * until crowd_leave.  `now` is in ms of the monotonic clock.
 *
 * A parent that has many addresses refused counts no more, for this and for
 * crowd_pass: event=disbelieved.
 */
bool crowd_enter(const struct crowd_place *p, uint32_t max, int64_t now);

/* It has been let in, or is as good as gone: it waits no more. */
void crowd_waited(const struct crowd_place *p);

void crowd_leave(const struct crowd_place *p);

/* How many from there wait. */
uint32_t crowd_waiting(const struct crowd_place *p);

/*
 * How many connections has the address that has most?  Not less than there are;
 * where very many addresses have some, more than there are.
 */
uint64_t crowd_fullest(void);

/*
 * And how many count at `now` as come at once, of the address of which that are
 * most, with this rate a second?
 */
uint64_t crowd_fastest(uint32_t rate, int64_t now);

/*
 * A token bucket: false if the connection comes too fast after others from
 * there; then it has taken nothing.  `now` is in ms of the monotonic clock.
 * In any t seconds all parents together let at most burst + rate * t pass;
 * several at the same moment may each refuse one although a last token was
 * there.  What a parent has let pass is forgotten when it ends.
 */
bool crowd_pass(const struct crowd_place *p, int64_t now);

#endif
