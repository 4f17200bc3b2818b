/*
 * The findings for programs: one document, whose keys never change.
 */
#include <stdlib.h>

#include "live.h"
#include "machine.h"

static json_t *
of_findings(const struct subject *p)
{
	json_t *all = json_object();

	for (int a = 0; a < ASPECT_COUNT; a++) {
		const struct finding *f = &p->finding[a];

		if (f->verdict != VERDICT_NONE)
			json_object_set_new(all, aspect_name((enum aspect)a),
			    json_pack("{s:s, s:s}", "verdict",
			    verdict_name(f->verdict), "detail", f->text));
	}
	return all;
}

static const char *
limits_word(const struct reach_call *c)
{
	if (c->unfiltered)
		return "unfiltered";
	switch (c->verdict) {
	case BPF_FREE: return "free";
	case BPF_LIMITED: return "limited";
	case BPF_REFUSED: return "refused";
	case BPF_UNCLEAR: break;
	}
	return "unclear";
}

static json_t *
of_reach(const struct reach *r)
{
	json_t *all = json_array();

	for (size_t i = 0; r != NULL && i < r->calls; i++) {
		const struct reach_call *c = &r->call[i];

		json_array_append_new(all, json_pack(
		    "{s:s, s:I, s:s, s:s, s:s}", "entry",
		    machine_entries[c->entry].name, "number",
		    (json_int_t)c->nr, "call", c->name, "allowed",
		    limits_word(c), "limits", c->limits));
	}
	return all;
}

static json_t *
of_group(const struct group *g)
{
	const struct subject *p = g->first;
	json_t *pids = json_array();

	for (size_t i = 0; i < g->count; i++)
		json_array_append_new(pids, json_integer(g->member[i]->pid));
	return json_pack("{s:s, s:s?, s:o, s:i, s:b, s:b, s:o, s:o}",
	    "title", p->title, "process", p->declared == NULL ? NULL :
	    policy_get(p->declared->policy)->process, "pids", pids, "parent",
	    p->parent == NULL ? 0 : (int)p->parent->pid, "ended",
	    (int)p->gone, "failed",
	    (int)findings_failed(p->finding), "checks", of_findings(p), "reach",
	    of_reach(p->reach));
}

json_t *
live_json(const struct service *s)
{
	struct tally t = tally_of(s);
	json_t *all = json_array();
	size_t count;
	struct group *g = groups_of(s, &count);

	for (size_t i = 0; i < count; i++) {
		json_array_append_new(all, of_group(&g[i]));
		free(g[i].member);
	}
	free(g);
	return json_pack("{s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:o}", "supervisor", (int)s->all[0]->pid, "one-uid",
	    (int)s->one_uid, "processes", (json_int_t)t.processes, "threads",
	    (json_int_t)t.threads, "ended", (json_int_t)t.gone, "passed",
	    (json_int_t)t.verdict[VERDICT_PASSED], "failed",
	    (json_int_t)t.verdict[VERDICT_FAILED], "absent",
	    (json_int_t)t.verdict[VERDICT_ABSENT], "one-uid-checks",
	    (json_int_t)t.verdict[VERDICT_ONE_UID], "longest-stop-us",
	    (json_int_t)(t.stopped / 1000), "groups", all);
}
