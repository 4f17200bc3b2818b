/*
 * The findings for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "machine.h"

#define CALLS_WIDTH	78

/* How a verdict looks: in a line, in a cell of the table, on a terminal. */
static const struct {
	const char	*line, *cell, *colour;
} looks[VERDICT_COUNT] = {
	[VERDICT_NONE] = { "", "-", "" },
	[VERDICT_PASSED] = { "ok", "ok", "\033[32m" },
	[VERDICT_ONE_UID] = { "-U", "-U", "\033[33m" },
	[VERDICT_ABSENT] = { "absent", "abs", "\033[33m" },
	[VERDICT_FAILED] = { "FAILED", "FAIL", "\033[1;31m" },
};

static bool colours;

static void
in_colour(enum verdict v, const char *text, int width)
{
	printf("%s%-*s%s", colours ? looks[v].colour : "", width, text,
	    colours ? "\033[0m" : "");
}

/* ---- each process -------------------------------------------------------- */

static void
show_pids(const struct group *g)
{
	for (size_t i = 0; i < g->count && i < 8; i++)
		printf(" %d", (int)g->member[i]->pid);
	if (g->count > 8)
		printf(" and %zu more", g->count - 8);
}

static void
show_findings(const struct subject *p)
{
	for (int a = 0; a < ASPECT_COUNT; a++) {
		const struct finding *f = &p->finding[a];

		if (f->verdict == VERDICT_NONE)
			continue;
		fputs("    ", stdout);
		in_colour(f->verdict, looks[f->verdict].line, 7);
		printf("%-13s %s\n", aspect_name((enum aspect)a), f->text);
	}
}

static void
show_group(const struct group *g)
{
	printf("%s%s%s", colours ? "\033[1m" : "", g->first->title,
	    colours ? "\033[0m" : "");
	if (g->count > 1)
		printf(", %zu alike", g->count);
	fputs(": process", stdout);
	show_pids(g);
	if (g->first->gone)
		fputs(", ended", stdout);
	putchar('\n');
	show_findings(g->first);
}

/* ---- what is reachable --------------------------------------------------- */

static const char *
whose(const struct service *s, const struct reach *r)
{
	for (size_t i = 0; i < s->count; i++)
		if (subject_counts(s->all[i]) && s->all[i]->reach == r)
			return s->all[i]->declared == NULL ?
			    s->all[i]->title : policy_get(
			    s->all[i]->declared->policy)->process;
	return "?";
}

static void
show_free(const struct reach *r)
{
	int column = 0;

	for (size_t i = 0; i < r->calls; i++) {
		const struct reach_call *c = &r->call[i];
		int n = (int)strlen(c->name) + 1;

		if (c->entry != 0 || c->unfiltered ||
		    c->verdict != BPF_FREE)
			continue;
		if (column == 0 || column + n > CALLS_WIDTH) {
			printf(column == 0 ? "   " : "\n   ");
			column = 3;
		}
		printf(" %s", c->name);
		column += n;
	}
	if (column != 0)
		putchar('\n');
}

static void
show_limited(const struct reach *r)
{
	for (size_t i = 0; i < r->calls; i++) {
		const struct reach_call *c = &r->call[i];

		if (c->entry == 0 && c->verdict == BPF_LIMITED)
			printf("    %s: %s\n", c->name, c->limits);
		else if (c->verdict == BPF_UNCLEAR)
			printf("    %s: unclear\n", c->name);
		else if (c->entry != 0)
			printf("    as %s: %s%s%s\n",
			    machine_entries[c->entry].name, c->name,
			    c->limits[0] == '\0' ? "" : ": ", c->limits);
	}
}

static void
show_unfiltered(const struct reach *r)
{
	for (size_t i = 0; i < r->calls; i++)
		if (r->call[i].unfiltered)
			printf("    %s: the kernel lets it past every filter; "
			    "it acts for a tracer's probe alone\n",
			    r->call[i].name);
}

static bool
shown_before(const struct group *g, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (g[j].first->reach == g[i].first->reach)
			return true;
	return g[i].first->reach == NULL;
}

static void
show_reach(const struct service *s, const struct group *g, size_t count)
{
	puts("\nWhat they can ask of the kernel; without limits, and with:");
	for (size_t i = 0; i < count; i++) {
		const struct reach *r = g[i].first->reach;

		if (shown_before(g, i))
			continue;
		printf("  %s, by %zu filters\n", whose(s, r), r->depth);
		show_free(r);
		show_limited(r);
		show_unfiltered(r);
	}
}

/* ---- the table ----------------------------------------------------------- */

static void
show_row(const struct group *g)
{
	char name[32];

	snprintf(name, sizeof name, "%.20s", strchr(g->first->title, ' ') ==
	    NULL ? g->first->title : strchr(g->first->title, ' ') + 1);
	if (g->count > 1)
		snprintf(name + strlen(name), sizeof name - strlen(name),
		    " x%zu", g->count);
	printf("%-16s", name);
	for (int a = 0; a < ASPECT_COUNT; a++) {
		enum verdict v = g->first->finding[a].verdict;
		int width = (int)strlen(aspect_head((enum aspect)a)) + 1;

		in_colour(v, looks[v].cell, width < 5 ? 5 : width);
	}
	putchar('\n');
}

static void
show_table(const struct group *g, size_t count)
{
	printf("\n%-16s", "");
	for (int a = 0; a < ASPECT_COUNT; a++)
		printf("%-4s ", aspect_head((enum aspect)a));
	putchar('\n');
	for (size_t i = 0; i < count; i++)
		show_row(&g[i]);
	puts("\nok: passed; FAIL: failed; abs: absent: kernel; -U: one uid: -U;"
	    " -: none declared");
}

static void
show_tally(const struct service *s)
{
	struct tally t = tally_of(s);

	printf("%zu processes, %zu threads; %zu checks passed, %zu failed, "
	    "%zu absent: kernel, %zu one uid: -U.\n", t.processes, t.threads,
	    t.verdict[VERDICT_PASSED], t.verdict[VERDICT_FAILED],
	    t.verdict[VERDICT_ABSENT], t.verdict[VERDICT_ONE_UID]);
	if (t.gone > 0)
		printf("%zu processes ended meanwhile.\n", t.gone);
	printf("None was stopped for longer than %.1f ms.\n",
	    (double)t.stopped / 1e6);
}

void
live_show(const struct service *s)
{
	size_t count;
	struct group *g = groups_of(s, &count);

	colours = isatty(STDOUT_FILENO) == 1;
	for (size_t i = 0; i < count; i++)
		show_group(&g[i]);
	show_reach(s, g, count);
	show_table(g, count);
	show_tally(s);
	for (size_t i = 0; i < count; i++)
		free(g[i].member);
	free(g);
}
