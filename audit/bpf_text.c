/*
 * The ways through a filter, in words.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bpf.h"
#include "policy.h"
#include "render.h"

struct text {
	char	*dst;
	size_t	 size, used;
};

static void say(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->dst + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	t->used += (size_t)n;
	if (t->used < t->size)
		return;
	t->used = t->size - 1;
	if (t->size > 3)
		memcpy(t->dst + t->size - 4, "...", 4);
}

/* The smaller ones as people write them. */
static void
say_number(struct text *t, uint64_t n)
{
	say(t, n < 4096 ? "%" PRIu64 : "%#" PRIx64, n);
}

static void
say_comparison(struct text *t, const char *name, uint64_t mask,
    const char *relation, uint64_t value)
{
	say(t, "%s", name);
	if (mask != UINT64_MAX) {
		say(t, " & ");
		say_number(t, mask);
	}
	say(t, " %s ", relation);
	say_number(t, value);
}

/* All that "is" in both halves of an argument is one comparison. */
static bool
say_known(struct text *t, const struct bpf_way *way, unsigned int arg,
    const char *name)
{
	uint64_t mask = 0, value = 0;

	for (size_t i = 0; i < way->count; i++) {
		const struct bpf_test *x = &way->test[i];
		unsigned int shift = x->word % 2 * 32;

		if (x->word / 2 != arg || x->relation != BPF_IS)
			continue;
		mask |= (uint64_t)x->mask << shift;
		value |= (uint64_t)x->value << shift;
	}
	if (mask != 0)
		say_comparison(t, name, mask, "==", value);
	return mask != 0;
}

static void
say_other(struct text *t, const struct bpf_test *x, const char *name)
{
	static const char *const relation[] = { "==", "!=", ">", "<=" };
	unsigned int shift = x->word % 2 * 32;

	say_comparison(t, name, (uint64_t)x->mask << shift,
	    relation[x->relation], (uint64_t)x->value << shift);
}

/* What only says what bits of arguments "are" could be a row of a table. */
static bool
as_row(const struct bpf_way *way, struct policy_row *row)
{
	size_t n = 0;

	for (unsigned int arg = 0; arg < BPF_WORDS / 2; arg++) {
		uint64_t mask = 0, value = 0;

		for (size_t i = 0; i < way->count; i++) {
			const struct bpf_test *x = &way->test[i];

			if (x->word / 2 != arg)
				continue;
			if (x->relation != BPF_IS)
				return false;
			mask |= (uint64_t)x->mask << x->word % 2 * 32;
			value |= (uint64_t)x->value << x->word % 2 * 32;
		}
		if (mask == 0)
			continue;
		if (n == POLICY_LIMITS || arg >= 6)
			return false;
		row->limit[n++] = (struct policy_limit){ .arg = (uint8_t)arg,
		    .op = mask == UINT64_MAX ? LIMIT_EQ : LIMIT_MASK,
		    .value = value, .mask = mask };
	}
	return true;
}

static void
say_way(struct text *t, const struct bpf_way *way, const char *call)
{
	struct policy_row row = { .call = call, .reason = "" };
	char limits[RENDER_TEXT];
	const char *and = "";

	if (as_row(way, &row)) {
		render_limits(&row, limits);
		say(t, "%s", limits);
		return;
	}
	for (unsigned int arg = 0; arg < BPF_WORDS / 2; arg++) {
		const char *its = arg < 6 ? render_argument(call, arg) : "ip";
		size_t before = t->used;

		say(t, "%s", and);
		if (say_known(t, way, arg, its))
			and = ", ";
		else
			t->dst[t->used = before] = '\0';
		for (size_t i = 0; i < way->count; i++) {
			if (way->test[i].word / 2 != arg ||
			    way->test[i].relation == BPF_IS)
				continue;
			say(t, "%s", and);
			say_other(t, &way->test[i], its);
			and = ", ";
		}
	}
}

void
bpf_describe(const struct bpf_reach *r, const char *call, char *dst,
    size_t size)
{
	struct text t = { dst, size, 0 };

	dst[0] = '\0';
	for (size_t i = 0; r->verdict == BPF_LIMITED && i < r->ways; i++) {
		if (i > 0)
			say(&t, " || ");
		say_way(&t, &r->way[i], call);
	}
}
