/*
 * Tables with a row less, a limit less or a row more, as the plan says: the
 * whole program then compiles its filters from those.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "filter.h"
#include "log.h"
#include "plan.h"
#include "policy.h"

#define ROWS_MAX	128
#define CHANGES_MAX	8

struct change {
	struct policy_group	group;
	struct policy_row	row[ROWS_MAX];
};

static struct change	change[CHANGES_MAX];
static size_t		changes;
static struct policy	mutated[POLICY_COUNT];
static bool		done[POLICY_COUNT];

const struct policy *__real_policy_get(enum policy_id id);
const struct policy *__wrap_policy_get(enum policy_id id);
bool __real_filter_compile(const struct policy *p, struct sock_fprog *prog,
    const char **why);
bool __wrap_filter_compile(const struct policy *p, struct sock_fprog *prog,
    const char **why);

static _Noreturn void
bad_plan(const struct plan_line *l)
{
	fatal(EX_CONFIG, "plan: %s %s %s: there is no such row", l->word[0],
	    l->word[1], l->word[2] == NULL ? "" : l->word[2]);
}

static size_t
number(const struct plan_line *l, size_t word)
{
	if (word >= PLAN_WORDS || l->word[word] == NULL)
		bad_plan(l);
	return (size_t)atoi(l->word[word]);
}

/* Slot `g` gets a copy of what is there (or of nothing), to be changed. */
static struct change *
copy_group(struct policy *p, size_t g, const struct plan_line *l)
{
	struct change *c = &change[changes];

	if (changes == CHANGES_MAX || g >= POLICY_GROUPS - 1)
		bad_plan(l);
	changes++;
	c->group.name = "added";
	c->group.rows = c->row;
	if (p->groups[g] != NULL) {
		if (p->groups[g]->count >= ROWS_MAX)
			bad_plan(l);
		c->group = *p->groups[g];
		memcpy(c->row, c->group.rows,
		    c->group.count * sizeof c->row[0]);
		c->group.rows = c->row;
	}
	p->groups[g] = &c->group;
	return c;
}

/* The row that the line names; whoever shares the group does not notice. */
static struct policy_row *
find_row(struct policy *p, const struct plan_line *l, struct change **c)
{
	size_t g = 0, i = number(l, 3);

	while (p->groups[g] != NULL &&
	    strcmp(p->groups[g]->name, l->word[2]) != 0)
		g++;
	if (p->groups[g] == NULL || i >= p->groups[g]->count)
		bad_plan(l);
	*c = copy_group(p, g, l);
	return &(*c)->row[i];
}

static void
remove_row(struct policy *p, const struct plan_line *l)
{
	struct change *c;
	struct policy_row *row = find_row(p, l, &c);
	size_t behind = (size_t)(c->row + c->group.count - (row + 1));

	memmove(row, row + 1, behind * sizeof *row);
	c->group.count--;
}

static void
loosen_row(struct policy *p, const struct plan_line *l)
{
	struct change *c;
	struct policy_row *row = find_row(p, l, &c);
	size_t limit = number(l, 4);

	if (limit >= POLICY_LIMITS || row->limit[limit].op == LIMIT_NONE)
		bad_plan(l);
	row->limit[limit] = (struct policy_limit){ .op = LIMIT_NONE };
}

static void
add_row(struct policy *p, const struct plan_line *l)
{
	size_t g = 0;
	struct change *c;

	if (l->word[2] == NULL)
		bad_plan(l);
	while (p->groups[g] != NULL)
		g++;
	c = copy_group(p, g, l);
	c->group.when = WHEN_ALWAYS;
	c->row[c->group.count++] = (struct policy_row){ .call = l->word[2],
	    .reason = "the plan says so" };
}

static void
mutate(struct policy *p, const char *verb,
    void (*how)(struct policy *, const struct plan_line *))
{
	const struct plan_line *l;

	for (size_t at = 0; (l = plan_next(p->process, verb, &at)) != NULL;)
		how(p, l);
}

/*
 * Parent, resolver, dialer, who starts that, and exporter have no handler of a
 * signal, and no way back from one.  Whoever is told to attack, and goes on,
 * needs it.
 */
static void
let_return(struct policy *p, enum policy_id id)
{
	static const struct plan_line line = { { "", "add", "rt_sigreturn" } };

	if ((id == POLICY_PARENT || id == POLICY_RESOLVER ||
	    id == POLICY_DIALER || id == POLICY_DIAL_SPAWNER ||
	    id == POLICY_EXPORTER) &&
	    plan_has(p->process, "attack", NULL))
		add_row(p, &line);
}

const struct policy *
__wrap_policy_get(enum policy_id id)
{
	struct policy *p = &mutated[id];

	if (!done[id]) {
		done[id] = true;
		*p = *__real_policy_get(id);
		mutate(p, "remove", remove_row);
		mutate(p, "loosen", loosen_row);
		mutate(p, "add", add_row);
		let_return(p, id);
	}
	return p;
}

/*
 * Who compiles a table as it is declared gets the filter that the plan makes of
 * it: reserve_test, which asks for what is declared.
 */
bool
__wrap_filter_compile(const struct policy *p, struct sock_fprog *prog,
    const char **why)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (__real_policy_get(id) == p)
			p = __wrap_policy_get(id);
	return __real_filter_compile(p, prog, why);
}
