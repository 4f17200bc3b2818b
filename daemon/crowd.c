#include "crowd.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "addr.h"
#include "board.h"

/* A connection, in the units of a bucket: rate a second is rate a ms. */
#define TOKEN 1000

static struct crowd		*own;
static const struct crowd_rules	*rules;

_Static_assert((CROWD_CELLS & (CROWD_CELLS - 1)) == 0 &&
    CROWD_CELLS - 1 <= UINT16_MAX && CROWD_ROWS * 16 <= 64,
    "16 bits of a hash are a cell's number");

void
crowd_start(struct crowd *c, const struct crowd_rules *r)
{
	own = c;
	rules = r;
	atomic_store(&own->rate, r->rate);
}

/* ---- which cells --------------------------------------------------------- */

static void
keep_prefix(uint8_t *address, uint32_t size, uint32_t bits)
{
	for (uint32_t i = 0; i < size; i++, bits -= bits < 8 ? bits : 8)
		if (bits < 8)
			address[i] &= (uint8_t)(0xff00U >> bits);
}

struct crowd_place
crowd_find(const struct sockaddr_storage *from)
{
	struct sockaddr_storage ss = *from;
	uint8_t prefix[1 + 16] = { 0 };
	struct crowd_place p;
	uint64_t h;

	addr_unmap(&ss);
	if (ss.ss_family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

		prefix[0] = 4;
		memcpy(prefix + 1, &sin->sin_addr, 4);
		keep_prefix(prefix + 1, 4, rules->bits4);
	} else {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;

		prefix[0] = 6;
		memcpy(prefix + 1, &sin6->sin6_addr, 16);
		keep_prefix(prefix + 1, 16, rules->bits6);
	}
	h = siphash(rules->key, prefix, sizeof prefix);
	for (int row = 0; row < CROWD_ROWS; row++, h >>= 16)
		p.cell[row] = (uint16_t)(h & (CROWD_CELLS - 1));
	return p;
}

static struct crowd_cell *
own_cell(const struct crowd_place *p, int row)
{
	return &own->row[row][p->cell[row]];
}

/* Of slot i; NULL if nobody counts there. */
static const struct crowd *
others(uint32_t i)
{
	const struct board_slot *s = board_slot(i);

	return atomic_load(&s->count.in_use) != 0 ? &s->crowd : NULL;
}

/* ---- connections --------------------------------------------------------- */

typedef uint32_t count_of(const struct crowd_cell *);

static uint32_t
connections_of(const struct crowd_cell *c)
{
	return atomic_load(&c->connections);
}

static uint32_t
waiting_of(const struct crowd_cell *c)
{
	return atomic_load(&c->waiting);
}

/* The least of the rows' sums; 64 bits, as others may claim any numbers. */
static uint64_t
count(const struct crowd_place *p, count_of *of)
{
	uint64_t sum[CROWD_ROWS] = { 0 }, least;

	for (uint32_t i = 0; i < board_slots(); i++) {
		const struct crowd *c = others(i);

		for (int row = 0; c != NULL && row < CROWD_ROWS; row++)
			sum[row] += of(&c->row[row][p->cell[row]]);
	}
	least = sum[0];
	for (int row = 1; row < CROWD_ROWS; row++)
		if (sum[row] < least)
			least = sum[row];
	return least;
}

/* Counted first and summed then, as board_enter does. */
bool
crowd_enter(const struct crowd_place *p, uint32_t max)
{
	for (int row = 0; row < CROWD_ROWS; row++) {
		atomic_fetch_add(&own_cell(p, row)->connections, 1);
		atomic_fetch_add(&own_cell(p, row)->waiting, 1);
	}
	return max == 0 || count(p, connections_of) <= max;
}

void
crowd_waited(const struct crowd_place *p)
{
	for (int row = 0; row < CROWD_ROWS; row++)
		atomic_fetch_sub(&own_cell(p, row)->waiting, 1);
}

void
crowd_leave(const struct crowd_place *p)
{
	for (int row = 0; row < CROWD_ROWS; row++)
		atomic_fetch_sub(&own_cell(p, row)->connections, 1);
}

uint32_t
crowd_waiting(const struct crowd_place *p)
{
	uint64_t n = count(p, waiting_of);

	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* In each row the fullest cell has the fullest address, and perhaps others. */
uint64_t
crowd_fullest(void)
{
	uint64_t least = UINT64_MAX;

	for (int row = 0; row < CROWD_ROWS; row++) {
		static uint64_t sum[CROWD_CELLS];
		uint64_t most = 0;

		memset(sum, 0, sizeof sum);
		for (uint32_t i = 0; i < board_slots(); i++) {
			const struct crowd *c = others(i);

			for (int cell = 0; c != NULL && cell < CROWD_CELLS;
			    cell++)
				sum[cell] += connections_of(&c->row[row][cell]);
		}
		for (int cell = 0; cell < CROWD_CELLS; cell++)
			if (sum[cell] > most)
				most = sum[cell];
		if (most < least)
			least = most;
	}
	return least;
}

/* ---- the bucket ---------------------------------------------------------- */

/*
 * A bucket that fills by a token a connection and leaks `rate` a second must
 * not hold more than `burst`.  It has no one owner, so its level is derived
 * from what parents can keep apart: with T(t) what all have put in by t, and
 * r * t what can have leaked, the level is
 *
 *	T(t) - r * t + max over s <= t of (r * s - T(s))
 *
 * for the bucket was empty at the s of the maximum, and never since.  `taken`
 * is a parent's own part of T; `drained` is the greatest r * s - T(s) that it
 * has seen.  Both only grow.  A parent adds to T before it sums it up, so that
 * of two at once at least one sees both.
 */
struct bucket {
	uint64_t	taken;		/* T, ours included */
	uint64_t	drained;
};

static uint64_t
add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* No r * s is greater than r * now: a lie, or the clock went back. */
static struct bucket
look(const struct crowd_place *p, int row, uint64_t leaked)
{
	struct bucket b = { 0 };

	for (uint32_t i = 0; i < board_slots(); i++) {
		const struct crowd *c = others(i);
		const struct crowd_cell *cell;
		uint64_t drained;

		/* Of another generation, with another rate: begin afresh. */
		if (c == NULL || atomic_load(&c->rate) != rules->rate)
			continue;
		cell = &c->row[row][p->cell[row]];
		b.taken = add(b.taken, atomic_load(&cell->taken));
		drained = atomic_load(&cell->drained);
		if (drained <= leaked && drained > b.drained)
			b.drained = drained;
	}
	return b;
}

/* What is in the bucket of this row, with the token that we have put there. */
static uint64_t
level(const struct crowd_place *p, int row, uint64_t leaked)
{
	struct crowd_cell *c = own_cell(p, row);
	struct bucket b = look(p, row, leaked);
	uint64_t own_drained = atomic_load(&c->drained);
	uint64_t before = b.taken - TOKEN;

	if (before < leaked && leaked - before > b.drained)
		b.drained = leaked - before;
	if (b.drained > own_drained || own_drained > leaked)
		atomic_store(&c->drained, b.drained);
	return add(b.taken, b.drained) - leaked;
}

bool
crowd_pass(const struct crowd_place *p, int64_t now)
{
	uint64_t leaked = (uint64_t)now * rules->rate;
	bool full = true;

	if (rules->rate == 0)
		return true;
	for (int row = 0; row < CROWD_ROWS; row++)
		atomic_fetch_add(&own_cell(p, row)->taken, TOKEN);
	for (int row = 0; row < CROWD_ROWS; row++)
		full &= level(p, row, leaked) > (uint64_t)rules->burst * TOKEN;
	for (int row = 0; full && row < CROWD_ROWS; row++)
		atomic_fetch_sub(&own_cell(p, row)->taken, TOKEN);
	return !full;
}
