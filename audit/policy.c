/*
 * postern-audit policy: the tables, as they are declared.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "audit.h"
#include "filter.h"
#include "policy_man.h"
#include "render.h"

/* How it is printed. */
enum format { TEXT, JSON, PSEUDO, MAN };

/* Of whom. */
static bool wanted[POLICY_COUNT];

/* ---- for people --------------------------------------------------------- */

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
	const char *note = audit_group_note(g);

	printf("  %s%s%s%s\n", g->name, note != NULL ? " (" : "",
	    note != NULL ? note : "", note != NULL ? ")" : "");
	for (size_t i = 0; i < g->count; i++)
		tell_row(&g->rows[i]);
}

/* The supervisor stays root, with these; all others have none. */
static void
tell_capabilities(enum policy_id id)
{
	size_t n;
	const struct policy_capability *c = policy_capabilities(&n);

	if (id != POLICY_SUPERVISOR)
		return;
	printf("  capabilities\n");
	for (size_t i = 0; i < n; i++)
		printf("    %-24s %s\n", c[i].name, c[i].reason);
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
	tell_capabilities(id);
	for (size_t g = 0; p->groups[g] != NULL; g++)
		tell_group(p->groups[g]);
	printf("\n");
}

static void
print_text(void)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted[id])
			tell_process(id);
}

/* ---- for programs ------------------------------------------------------- */

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

/* `own`: it is not there only for what the process starts. */
static json_t *
group_json(const struct policy_group *g, bool own)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < g->count; i++)
		json_array_append_new(rows, json_pack("{ssssso}", "call",
		    g->rows[i].call, "reason", g->rows[i].reason, "limits",
		    limits_json(&g->rows[i])));
	return json_pack("{sssbsbsbso}", "group", g->name, "own", own, "used",
	    policy_group_used(g), "reserve", policy_group_reserve(g),
	    "rows", rows);
}

static json_t *
capabilities_json(enum policy_id id)
{
	json_t *all = json_array();
	size_t n;
	const struct policy_capability *c = policy_capabilities(&n);

	for (size_t i = 0; id == POLICY_SUPERVISOR && i < n; i++)
		json_array_append_new(all, json_pack("{sssiss}", "capability",
		    c[i].name, "number", c[i].number, "reason", c[i].reason));
	return all;
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
		json_array_append_new(groups, group_json(p->groups[g],
		    g < p->own));
	return json_pack("{sssososo}", "process", p->process, "filters",
	    filters, "capabilities", capabilities_json(id), "groups",
	    groups);
}

static void
print_json(void)
{
	json_t *all = json_array();

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted[id])
			json_array_append_new(all, process_json(id));
	audit_print(json_pack("{so}", "processes", all));
}

/* ---- for libseccomp's own readers --------------------------------------- */

/* libseccomp does not tell of a failed write: it prints to here first. */
static FILE *
tmp_memory(void)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	FILE *f = fd != -1 ? fdopen(fd, "r+") : NULL;

	if (f == NULL)
		err(EX_OSERR, "policy: memory");
	return f;
}

static void
print_compiled(enum policy_id id)
{
	FILE *f = tmp_memory();
	const char *why;
	char line[1024];

	if (!filter_print(policy_get(id), fileno(f), &why))
		err(EX_OSERR, "policy: %s: %s", policy_get(id)->process, why);
	printf("# %s\n", policy_get(id)->process);
	rewind(f);
	while (fgets(line, sizeof line, f) != NULL)
		fputs(line, stdout);
	fclose(f);
}

static void
print_pseudo(void)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted[id])
			print_compiled(id);
}

/* ---- the command -------------------------------------------------------- */

static void
print(enum format format)
{
	switch (format) {
	case TEXT:
		print_text();
		break;
	case JSON:
		print_json();
		break;
	case PSEUDO:
		print_pseudo();
		break;
	case MAN:
		policy_man(wanted);
		break;
	}
}

static enum format
parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "man", no_argument, NULL, MAN },
		{ "pfc", no_argument, NULL, PSEUDO },
		{ NULL, 0, NULL, 0 }
	};
	enum format format = TEXT;
	int c;

	while ((c = audit_option(argc, argv, options)) != -1) {
		if (format != TEXT && format != (enum format)c)
			audit_reject(EX_USAGE, argv[0], argv[optind - 1],
			    "one of --json, --man and --pfc is enough");
		format = (enum format)c;
	}
	return format;
}

int
audit_policy(int argc, char **argv)
{
	enum format format = parse(argc, argv);

	if (argc - optind > 1)
		audit_reject(EX_USAGE, argv[0], argv[optind + 1],
		    "one process at a time, or all");
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		wanted[id] = argc == optind;
	if (argc > optind)
		wanted[audit_process(argv[0], argv[optind])] = true;
	print(format);
	return audit_said();
}
