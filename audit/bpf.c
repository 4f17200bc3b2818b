#include "bpf.h"

#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

/* What a register or a cell of scratch memory holds. */
struct value {
	bool		symbolic;	/* a word of the call, masked */
	uint8_t		word;
	uint32_t	k;		/* the mask, or the number itself */
};

struct machine {
	struct value	a, x, cell[BPF_MEMWORDS];
};

struct walk {
	const struct sock_fprog	*stack;
	size_t			 depth;
	uint32_t		 arch, nr;
	unsigned int		 turns;		/* branches taken */
	struct bpf_way		 here;		/* tests so far */
	struct bpf_reach	*reach;
};

static void run(struct walk *w, size_t program, size_t pc, struct machine m);

static void
give_up(struct walk *w)
{
	w->reach->verdict = BPF_UNCLEAR;
}

static struct value
number(uint32_t k)
{
	return (struct value){ .k = k };
}

/* ---- what is known of the arguments -------------------------------------- */

enum truth { FALSE, TRUE, OPEN };

/* The bits of a word that the tests say, as far as they say it by "is". */
static void
known_bits(const struct bpf_way *way, uint8_t word, uint32_t *mask,
    uint32_t *value)
{
	*mask = *value = 0;
	for (size_t i = 0; i < way->count; i++) {
		const struct bpf_test *t = &way->test[i];

		if (t->word == word && t->relation == BPF_IS) {
			*mask |= t->mask;
			*value |= t->value;
		}
	}
}

static enum truth
opposite(enum truth t)
{
	return t == OPEN ? OPEN : t == TRUE ? FALSE : TRUE;
}

static enum truth
is_equal(const struct bpf_way *way, const struct bpf_test *t)
{
	uint32_t mask, value;

	known_bits(way, t->word, &mask, &value);
	if ((t->value & ~t->mask) != 0 ||
	    ((value ^ t->value) & mask & t->mask) != 0)
		return FALSE;
	if ((t->mask & ~mask) == 0)
		return TRUE;
	for (size_t i = 0; i < way->count; i++) {
		const struct bpf_test *o = &way->test[i];

		if (o->word == t->word && o->relation == BPF_IS_NOT &&
		    o->mask == t->mask && o->value == t->value)
			return FALSE;
	}
	return OPEN;
}

static enum truth
is_above(const struct bpf_way *way, const struct bpf_test *t)
{
	uint32_t mask, value;

	if (t->mask <= t->value)
		return FALSE;
	known_bits(way, t->word, &mask, &value);
	if ((value & t->mask) > t->value)
		return TRUE;
	if ((t->mask & ~mask) == 0)
		return FALSE;
	for (size_t i = 0; i < way->count; i++) {
		const struct bpf_test *o = &way->test[i];

		if (o->word == t->word && o->mask == t->mask &&
		    o->value == t->value && o->relation == BPF_ABOVE)
			return TRUE;
		if (o->word == t->word && o->mask == t->mask &&
		    o->value == t->value && o->relation == BPF_NOT_ABOVE)
			return FALSE;
	}
	return OPEN;
}

/* Does a test hold, given those of the way? */
static enum truth
holds(const struct bpf_way *way, const struct bpf_test *t)
{
	switch ((enum bpf_relation)t->relation) {
	case BPF_IS:
		return is_equal(way, t);
	case BPF_IS_NOT:
		return opposite(is_equal(way, t));
	case BPF_ABOVE:
		return is_above(way, t);
	case BPF_NOT_ABOVE:
		break;
	}
	return opposite(is_above(way, t));
}

/* ---- ways that are found ------------------------------------------------- */

/* Does whatever takes the narrow way also take the wide one? */
static bool
implies(const struct bpf_way *narrow, const struct bpf_way *wide)
{
	for (size_t i = 0; i < wide->count; i++)
		if (holds(narrow, &wide->test[i]) != TRUE)
			return false;
	return true;
}

static struct bpf_way
without(const struct bpf_way *way, size_t i)
{
	struct bpf_way w = *way;

	memmove(&w.test[i], &w.test[i + 1],
	    (w.count - i - 1) * sizeof w.test[0]);
	w.count--;
	return w;
}

/* Without the tests that others of its own imply. */
static struct bpf_way
essence(const struct bpf_way *way)
{
	struct bpf_way rest = *way;

	for (size_t i = 0; i < rest.count;) {
		struct bpf_way others = without(&rest, i);

		if (holds(&others, &rest.test[i]) == TRUE)
			rest = others;
		else
			i++;
	}
	return rest;
}

static void
keep_way(struct walk *w)
{
	struct bpf_reach *r = w->reach;
	struct bpf_way way = essence(&w->here);
	size_t kept = 0;

	for (size_t i = 0; i < r->ways; i++)
		if (implies(&way, &r->way[i]))
			return;
	for (size_t i = 0; i < r->ways; i++)
		if (!implies(&r->way[i], &way))
			r->way[kept++] = r->way[i];
	r->ways = kept;
	if (kept == BPF_WAYS) {
		give_up(w);
		return;
	}
	r->way[r->ways++] = way;
}

static bool
lets_through(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return true;
	default:
		return false;
	}
}

static void
end_program(struct walk *w, size_t program, const struct value *result)
{
	if (result->symbolic)
		give_up(w);
	else if (!lets_through(result->k))
		return;
	else if (program + 1 < w->depth)
		run(w, program + 1, 0, (struct machine){ 0 });
	else
		keep_way(w);
}

/* ---- instructions -------------------------------------------------------- */

/* struct seccomp_data: nr, arch, ip, six arguments. */
static struct value
load(const struct walk *w, uint32_t offset)
{
	if (offset == 0)
		return number(w->nr);
	if (offset == 4)
		return number(w->arch);
	if (offset < 16)
		return (struct value){ true,
		    (uint8_t)(BPF_WORDS - 2 + (offset - 8) / 4), UINT32_MAX };
	return (struct value){ true, (uint8_t)((offset - 16) / 4), UINT32_MAX };
}

static bool
calculate(struct value *a, uint16_t op, const struct value *by)
{
	if (by->symbolic)
		return false;
	if (a->symbolic) {
		if (op != BPF_AND)
			return false;
		a->k &= by->k;
		if (a->k == 0)
			*a = number(0);
		return true;
	}
	switch (op) {
	case BPF_ADD: a->k += by->k; return true;
	case BPF_SUB: a->k -= by->k; return true;
	case BPF_MUL: a->k *= by->k; return true;
	case BPF_OR: a->k |= by->k; return true;
	case BPF_AND: a->k &= by->k; return true;
	case BPF_XOR: a->k ^= by->k; return true;
	case BPF_NEG: a->k = -a->k; return true;
	case BPF_DIV:
		a->k = by->k == 0 ? 0 : a->k / by->k;
		return by->k != 0;
	case BPF_LSH: a->k = by->k < 32 ? a->k << by->k : 0; return true;
	case BPF_RSH: a->k = by->k < 32 ? a->k >> by->k : 0; return true;
	default: return false;
	}
}

static bool
compare(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JEQ: return a == k;
	case BPF_JGT: return a > k;
	case BPF_JGE: return a >= k;
	default: return (a & k) != 0;		/* BPF_JSET */
	}
}

/* What a jump on a masked word tests; its truth is the jump's, or opposite. */
static struct bpf_test
test_of(uint16_t op, const struct value *a, uint32_t k, bool *negated)
{
	struct bpf_test t = { .word = a->word, .mask = a->k, .value = k };

	*negated = false;
	switch (op) {
	case BPF_JEQ:
		t.relation = BPF_IS;
		break;
	case BPF_JGT:
		t.relation = BPF_ABOVE;
		break;
	case BPF_JGE:
		/* above k - 1; from 0 on it is everything, which "& 0" is */
		t.relation = k == 0 ? BPF_IS : BPF_ABOVE;
		t.mask = k == 0 ? 0 : t.mask;
		t.value = k == 0 ? 0 : k - 1;
		break;
	default:
		*negated = true;
		t.relation = BPF_IS;
		t.mask &= k;
		t.value = 0;
		break;
	}
	return t;
}

static enum bpf_relation
reverse(uint8_t relation)
{
	switch ((enum bpf_relation)relation) {
	case BPF_IS: return BPF_IS_NOT;
	case BPF_IS_NOT: return BPF_IS;
	case BPF_ABOVE: return BPF_NOT_ABOVE;
	default: return BPF_ABOVE;
	}
}

/* Take one branch, with what it says kept while it is followed. */
static void
branch(struct walk *w, size_t program, size_t pc, const struct machine *m,
    struct bpf_test t, bool as_it_is)
{
	size_t before = w->here.count;
	enum truth truth;

	if (!as_it_is)
		t.relation = (uint8_t)reverse(t.relation);
	truth = holds(&w->here, &t);
	if (truth == FALSE)
		return;
	if (++w->turns > BPF_TURNS) {
		give_up(w);
		return;
	}
	if (truth == OPEN) {
		if (before == BPF_TESTS) {
			give_up(w);
			return;
		}
		w->here.test[w->here.count++] = t;
	}
	run(w, program, pc, *m);
	w->here.count = before;
}

static void
jump(struct walk *w, size_t program, size_t pc, const struct machine *m,
    const struct sock_filter *in)
{
	uint16_t op = BPF_OP(in->code);
	const struct value k = BPF_SRC(in->code) == BPF_X ? m->x :
	    number(in->k);
	struct bpf_test t;
	bool negated;

	if (k.symbolic) {
		give_up(w);
		return;
	}
	if (!m->a.symbolic) {
		run(w, program, pc + 1 + (compare(op, m->a.k, k.k) ? in->jt :
		    in->jf), *m);
		return;
	}
	t = test_of(op, &m->a, k.k, &negated);
	branch(w, program, pc + 1 + in->jt, m, t, !negated);
	branch(w, program, pc + 1 + in->jf, m, t, negated);
}

/* One that neither jumps nor returns. */
static bool
step(const struct walk *w, const struct sock_filter *in, struct machine *m)
{
	const struct value immediate = number(in->k);

	switch (in->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (in->k % 4 != 0 || in->k >= sizeof(struct seccomp_data))
			return false;
		m->a = load(w, in->k);
		return true;
	case BPF_LD | BPF_IMM: m->a = immediate; return true;
	case BPF_LDX | BPF_IMM: m->x = immediate; return true;
	case BPF_LD | BPF_W | BPF_LEN:
		m->a = number(sizeof(struct seccomp_data));
		return true;
	case BPF_LDX | BPF_W | BPF_LEN:
		m->x = number(sizeof(struct seccomp_data));
		return true;
	case BPF_MISC | BPF_TAX: m->x = m->a; return true;
	case BPF_MISC | BPF_TXA: m->a = m->x; return true;
	default: break;
	}
	if (BPF_CLASS(in->code) == BPF_ALU)
		return calculate(&m->a, BPF_OP(in->code),
		    BPF_SRC(in->code) == BPF_X ? &m->x : &immediate);
	if (in->k >= BPF_MEMWORDS)
		return false;
	switch (in->code) {
	case BPF_LD | BPF_MEM: m->a = m->cell[in->k]; return true;
	case BPF_LDX | BPF_MEM: m->x = m->cell[in->k]; return true;
	case BPF_ST: m->cell[in->k] = m->a; return true;
	case BPF_STX: m->cell[in->k] = m->x; return true;
	default: return false;
	}
}

/* Jumps go forward alone, so this ends: the kernel has seen to that. */
static void
run(struct walk *w, size_t program, size_t pc, struct machine m)
{
	const struct sock_fprog *p = &w->stack[program];
	const struct value *result = &m.a;
	struct value k;

	for (;; pc++) {
		const struct sock_filter *in = &p->filter[pc];

		if (pc >= p->len || w->reach->verdict == BPF_UNCLEAR) {
			give_up(w);
			return;
		}
		if (BPF_CLASS(in->code) == BPF_RET) {
			k = number(in->k);
			if (BPF_RVAL(in->code) == BPF_K)
				result = &k;
			end_program(w, program, result);
			return;
		}
		if (in->code == (BPF_JMP | BPF_JA)) {
			pc += in->k;
		} else if (BPF_CLASS(in->code) == BPF_JMP) {
			jump(w, program, pc, &m, in);
			return;
		} else if (!step(w, in, &m)) {
			give_up(w);
			return;
		}
	}
}

/* ---- fewer words for the same -------------------------------------------- */

/*
 * "This, or not this and that" is "this, or that": is what the test keeps off
 * this way let through by another one anyway?
 */
static bool
is_idle(const struct bpf_reach *r, size_t way, size_t test)
{
	struct bpf_way kept_off = without(&r->way[way], test);
	struct bpf_test t = r->way[way].test[test];

	if (t.relation != BPF_IS_NOT)
		return false;
	t.relation = (uint8_t)reverse(t.relation);
	kept_off.test[kept_off.count++] = t;
	for (size_t i = 0; i < r->ways; i++)
		if (i != way && implies(&kept_off, &r->way[i]))
			return true;
	return false;
}

/* Widen one way; false if none can be. */
static bool
widen(struct bpf_reach *r)
{
	for (size_t w = 0; w < r->ways; w++)
		for (size_t i = 0; i < r->way[w].count; i++)
			if (is_idle(r, w, i)) {
				r->way[w] = without(&r->way[w], i);
				return true;
			}
	return false;
}

static void
drop_implied(struct bpf_reach *r)
{
	for (size_t i = 0; i < r->ways;) {
		bool implied = false;

		for (size_t j = 0; j < r->ways; j++)
			implied |= i != j && implies(&r->way[i], &r->way[j]);
		if (implied)
			r->way[i] = r->way[--r->ways];
		else
			i++;
	}
}

void
bpf_walk(const struct sock_fprog *stack, size_t depth, uint32_t arch,
    uint32_t nr, struct bpf_reach *r)
{
	struct walk w = { .stack = stack, .depth = depth, .arch = arch,
	    .nr = nr, .reach = r };

	r->verdict = BPF_REFUSED;
	r->ways = 0;
	if (depth == 0) {
		r->verdict = BPF_FREE;
		return;
	}
	run(&w, 0, 0, (struct machine){ 0 });
	if (r->verdict == BPF_UNCLEAR || r->ways == 0)
		return;
	while (widen(r))
		drop_implied(r);
	/* A way without a test implies every other, and so is alone. */
	r->verdict = r->way[0].count == 0 ? BPF_FREE : BPF_LIMITED;
}
