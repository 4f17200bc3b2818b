/*
 * Thousands of workers are alike: they are shown as one.
 */
#include <stdlib.h>
#include <string.h>

#include "live.h"

static bool
alike(const struct subject *a, const struct subject *b)
{
	return a->declared == b->declared && a->parent == b->parent &&
	    a->gone == b->gone &&
	    a->reach == b->reach && strcmp(a->title, b->title) == 0 &&
	    findings_equal(a->finding, b->finding);
}

static void
join(struct group *g, const struct subject *p)
{
	g->member = reallocarray(g->member, g->count + 1,
	    sizeof(struct subject *));
	if (g->member == NULL)
		abort();
	if (g->count == 0)
		g->first = p;
	g->member[g->count++] = p;
}

struct group *
groups_of(const struct service *s, size_t *count)
{
	struct group *g = calloc(s->count + 1, sizeof *g);

	if (g == NULL)
		abort();
	*count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *p = s->all[i];
		size_t at = 0;

		if (!subject_counts(p))
			continue;
		while (at < *count && !alike(g[at].first, p))
			at++;
		if (at == *count)
			(*count)++;
		join(&g[at], p);
	}
	return g;
}

struct tally
tally_of(const struct service *s)
{
	struct tally t = { .processes = 0 };

	for (size_t i = 0; i < s->count; i++) {
		const struct subject *p = s->all[i];

		if (p->gone)
			t.gone++;
		if (!subject_counts(p))
			continue;
		t.processes += !p->gone;
		t.threads += p->gone ? 0 : p->threads;
		if (p->stopped > t.stopped)
			t.stopped = p->stopped;
		for (int a = 0; a < ASPECT_COUNT; a++)
			t.verdict[p->finding[a].verdict]++;
	}
	return t;
}
