/*
 * postern-audit policy: the tables, as they are declared.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "audit.h"
#include "render.h"

/* What is printed, and of whom: POLICY_COUNT is all. */
static enum policy_id only = POLICY_COUNT;

static bool
wanted(enum policy_id id)
{
	return only == POLICY_COUNT || only == id;
}

/* ---- for people ----------------------------------------------------------- */

static void
tell_row(const struct policy_row *row)
{
	char limits[RENDER_TEXT];

	render_limits(row, limits);
	printf("    %-24s %s\n", row->call, row->reason);
	if (limits[0] != '\0')
		printf("      if %s\n", limits);
}

static void
tell_group(const struct policy_group *g)
{
	printf("  %s%s\n", g->name, policy_group_used(g) ? "" :
	    " (not in this build)");
	for (size_t i = 0; i < g->count; i++)
		tell_row(&g->rows[i]);
}

static void
tell_process(enum policy_id id)
{
	const struct policy *p = policy_get(id);
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	printf("%s\n  filters:", p->process);
	for (size_t i = 0; i < n; i++)
		printf("%s %s", i > 0 ? "," : "",
		    policy_get(stack[i])->process);
	printf("\n");
	for (size_t g = 0; p->groups[g] != NULL; g++)
		tell_group(p->groups[g]);
	printf("\n");
}

static void
print_text(void)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted(id))
			tell_process(id);
}

/* ---- for programs ---------------------------------------------------------- */

static json_t *
limits_json(const struct policy_row *row)
{
	json_t *all = json_array();
	char text[RENDER_TEXT];

	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		if (l->op == LIMIT_NONE)
			continue;
		render_limit(row, l, text);
		json_array_append_new(all, json_pack("{sisssosIss}",
		    "argument", l->arg, "name",
		    render_argument(row->call, l->arg), "mask",
		    l->op == LIMIT_EQ ? json_null() :
		    json_integer((json_int_t)l->mask),
		    "value", (json_int_t)l->value, "text", text));
	}
	return all;
}

static json_t *
group_json(const struct policy_group *g)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < g->count; i++)
		json_array_append_new(rows, json_pack("{ssssso}", "call",
		    g->rows[i].call, "reason", g->rows[i].reason, "limits",
		    limits_json(&g->rows[i])));
	return json_pack("{sssbso}", "group", g->name, "used",
	    policy_group_used(g), "rows", rows);
}

static json_t *
process_json(enum policy_id id)
{
	const struct policy *p = policy_get(id);
	json_t *groups = json_array(), *filters = json_array();
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(filters,
		    json_string(policy_get(stack[i])->process));
	for (size_t g = 0; p->groups[g] != NULL; g++)
		json_array_append_new(groups, group_json(p->groups[g]));
	return json_pack("{sssoso}", "process", p->process, "filters",
	    filters, "groups", groups);
}

static void
print_json(void)
{
	json_t *all = json_array();

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted(id))
			json_array_append_new(all, process_json(id));
	audit_print(json_pack("{so}", "processes", all));
}

int
audit_policy(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	bool json = false;

	while (audit_option(argc, argv, options) != -1)
		json = true;
	if (argc - optind > 1)
		audit_reject(EX_USAGE, argv[0], argv[optind + 1],
		    "one process at a time, or all");
	if (argc > optind)
		only = audit_process(argv[0], argv[optind]);
	if (json)
		print_json();
	else
		print_text();
	return audit_said();
}
