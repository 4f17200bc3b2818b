#include "crowd.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "addr.h"
#include "board.h"
#include "log.h"

/* A connection, in the units of a bucket: rate a second is rate a ms. */
#define TOKEN 1000

/* No slot. */
#define NOBODY UINT32_MAX
/*
 * Of so many addresses drawn, no honest parent has more than so many refused.
 */
#define DRAWN	64
#define DRAWN_FULL	(DRAWN / 8)
/* So often doubts are looked into (ms). */
#define DOUBT_MS	1000

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

/* Whose numbers cannot be: the pid that a slot's parent had then. */
static struct {
	bool		is_one;
	uint64_t	pid;
} liar[METRICS_SLOTS];

static uint64_t
pid_of(uint32_t i)
{
	return metric_get(&board_service()->metrics.slot[i].pid);
}

/* Of slot i, but for `without`; NULL if nobody is believed there. */
static const struct crowd *
others(uint32_t i, uint32_t without)
{
	const struct board_slot *s = board_slot(i);

	return i != without && atomic_load(&s->count.in_use) != 0 &&
	    !(liar[i].is_one && liar[i].pid == pid_of(i)) ? &s->crowd : NULL;
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
count(const struct crowd_place *p, count_of *of, uint32_t without)
{
	uint64_t sum[CROWD_ROWS] = { 0 }, least;

	for (uint32_t i = 0; i < board_slots(); i++) {
		const struct crowd *c = others(i, without);

		for (int row = 0; c != NULL && row < CROWD_ROWS; row++)
			sum[row] += of(&c->row[row][p->cell[row]]);
	}
	least = sum[0];
	for (int row = 1; row < CROWD_ROWS; row++)
		if (sum[row] < least)
			least = sum[row];
	return least;
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
	uint64_t n = count(p, waiting_of, NOBODY);

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
			const struct crowd *c = others(i, NOBODY);

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
look(const struct crowd_place *p, int row, uint64_t leaked, uint32_t without)
{
	struct bucket b = { 0 };

	for (uint32_t i = 0; i < board_slots(); i++) {
		const struct crowd *c = others(i, without);
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

/*
 * What is in the bucket of this row, with the token that we have put there.
 * Only what we have seen ourselves is kept: a lie would stay after who told it.
 */
static uint64_t
level(const struct crowd_place *p, int row, uint64_t leaked)
{
	struct crowd_cell *c = own_cell(p, row);
	struct bucket b = look(p, row, leaked, NOBODY);
	uint64_t own_drained = atomic_load(&c->drained);
	uint64_t before = b.taken - TOKEN;
	uint64_t seen = before < leaked ? leaked - before : 0;

	if (seen > own_drained || own_drained > leaked)
		atomic_store(&c->drained, seen);
	if (seen > b.drained)
		b.drained = seen;
	return add(b.taken, b.drained) - leaked;
}

/* What slot i knows of this row, added to all buckets. */
static void
pour(struct bucket all[CROWD_CELLS], uint32_t i, int row, uint32_t rate,
    uint64_t leaked)
{
	const struct crowd *c = others(i, NOBODY);

	if (c == NULL || atomic_load(&c->rate) != rate)
		return;
	for (int n = 0; n < CROWD_CELLS; n++) {
		const struct crowd_cell *cell = &c->row[row][n];
		uint64_t drained = atomic_load(&cell->drained);

		all[n].taken = add(all[n].taken, atomic_load(&cell->taken));
		if (drained <= leaked && drained > all[n].drained)
			all[n].drained = drained;
	}
}

/* As crowd_fullest does; in whole connections, and what is begun is one. */
uint64_t
crowd_fastest(uint32_t rate, int64_t now)
{
	static struct bucket all[CROWD_CELLS];
	uint64_t leaked = (uint64_t)now * rate, least = UINT64_MAX;

	for (int row = 0; row < CROWD_ROWS; row++) {
		uint64_t most = 0;

		memset(all, 0, sizeof all);
		for (uint32_t i = 0; i < board_slots(); i++)
			pour(all, i, row, rate, leaked);
		for (int n = 0; n < CROWD_CELLS; n++) {
			const struct bucket *b = &all[n];
			uint64_t seen = b->taken < leaked ?
			    leaked - b->taken : 0;
			uint64_t in = add(b->taken, seen > b->drained ? seen :
			    b->drained) - leaked;

			if (in > most)
				most = in;
		}
		if (most < least)
			least = most;
	}
	return least / TOKEN + (least % TOKEN != 0);
}

/* ---- whom to believe ----------------------------------------------------- */

/*
 * One parent that lies could have everybody refused.  So, before anybody is, it
 * is asked what others would find who come from elsewhere: where one slot alone
 * would have many of these refused its numbers cannot be, and count no more
 * until it has another parent.  (A lie about `drained' alone is not found so.
 * It bears on addresses only from which more have come, ever, than may at
 * once.)
 */

/* Is there no room for one from there, if `without` is left out? */
typedef bool full_for(const struct crowd_place *p, uint64_t limit,
    uint32_t without);

static bool
is_full(const struct crowd_place *p, uint64_t limit, uint32_t without)
{
	return count(p, connections_of, without) >= limit;
}

static bool
is_too_fast(const struct crowd_place *p, uint64_t leaked, uint32_t without)
{
	bool full = true;

	for (int row = 0; full && row < CROWD_ROWS; row++) {
		struct bucket b = look(p, row, leaked, without);
		uint64_t had = add(add(b.taken, b.drained), TOKEN);

		full = had > leaked &&
		    had - leaked > (uint64_t)rules->burst * TOKEN;
	}
	return full;
}

static struct crowd_place
draw(void)
{
	static uint64_t last;
	struct crowd_place p;
	uint64_t h;

	last++;
	h = siphash(rules->key, &last, sizeof last);
	for (int row = 0; row < CROWD_ROWS; row++, h >>= 16)
		p.cell[row] = (uint16_t)(h & (CROWD_CELLS - 1));
	return p;
}

static bool
lies(uint32_t i, full_for *full, uint64_t limit)
{
	int found = 0;

	if (i == board_own_slot() || others(i, NOBODY) == NULL)
		return false;
	for (int n = 0; n < DRAWN; n++) {
		struct crowd_place p = draw();

		found += full(&p, limit, NOBODY) && !full(&p, limit, i);
	}
	return found > DRAWN_FULL;
}

/* True if there is one less to be believed than before. */
static bool
find_liars(full_for *full, uint64_t limit, int64_t now, int64_t *looked)
{
	bool any = false;

	if (*looked != 0 && now >= *looked && now - *looked < DOUBT_MS)
		return false;
	*looked = now;
	for (uint32_t i = 0; i < board_slots(); i++) {
		if (!lies(i, full, limit))
			continue;
		any = liar[i].is_one = true;
		liar[i].pid = pid_of(i);
		log_event(LOG_ERR, "disbelieved", "parent %llu says of too "
		    "many addresses that they have what they may: it counts "
		    "no more", (unsigned long long)liar[i].pid);
	}
	return any;
}

/* ---- the two questions --------------------------------------------------- */

/* Counted first and summed then, as board_enter does. */
bool
crowd_enter(const struct crowd_place *p, uint32_t max, int64_t now)
{
	static int64_t looked;

	for (int row = 0; row < CROWD_ROWS; row++) {
		atomic_fetch_add(&own_cell(p, row)->connections, 1);
		atomic_fetch_add(&own_cell(p, row)->waiting, 1);
	}
	return max == 0 || count(p, connections_of, NOBODY) <= max ||
	    (find_liars(is_full, max, now, &looked) &&
	    count(p, connections_of, NOBODY) <= max);
}

static bool
is_over(const struct crowd_place *p, uint64_t leaked)
{
	bool full = true;

	for (int row = 0; row < CROWD_ROWS; row++)
		full &= level(p, row, leaked) > (uint64_t)rules->burst * TOKEN;
	return full;
}

bool
crowd_pass(const struct crowd_place *p, int64_t now)
{
	static int64_t looked;
	uint64_t leaked = (uint64_t)now * rules->rate;
	bool full;

	if (rules->rate == 0)
		return true;
	for (int row = 0; row < CROWD_ROWS; row++)
		atomic_fetch_add(&own_cell(p, row)->taken, TOKEN);
	full = is_over(p, leaked) &&
	    !(find_liars(is_too_fast, leaked, now, &looked) &&
	    !is_over(p, leaked));
	for (int row = 0; full && row < CROWD_ROWS; row++)
		atomic_fetch_sub(&own_cell(p, row)->taken, TOKEN);
	return !full;
}
