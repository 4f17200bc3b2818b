#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "coverage.h"
#include "render.h"
#include "text.h"

#define WHO 48
#define ARGUMENTS 192
#define FILE_SHOWN 256

/* "echo", "below spawner": who is set up there is not yet what it will be. */
static void
who_text(enum policy_id id, enum phase phase, char dst[WHO])
{
	snprintf(dst, WHO, "%s%s", phase == PHASE_SETUP ? "below " : "",
	    policy_get(id)->process);
}

/* "0x3, _, 0x400": as postern-audit explain takes them. */
static void
arguments_text(const struct strace_line *l, char dst[ARGUMENTS])
{
	int last = 5;
	size_t n = 0;

	while (last >= 0 && !l->known[last])
		last--;
	dst[0] = '\0';
	for (int i = 0; i <= last; i++) {
		const char *comma = i > 0 ? ", " : "";

		n += (size_t)(l->known[i] ? snprintf(dst + n, ARGUMENTS - n,
		    "%s0x%" PRIx64, comma, l->arg[i]) :
		    snprintf(dst + n, ARGUMENTS - n, "%s_", comma));
	}
}

/* ---- for people ---------------------------------------------------------- */

enum of { OF_OTHERS, OF_RESERVE };

/* Rows of the reserve, or not, that were used, or not. */
static size_t
count(const struct uses *u, enum of of, bool used)
{
	size_t n = 0;

	for (size_t i = 0; i < u->count; i++)
		n += policy_group_reserve(u->use[i].place.group) ==
		    (of == OF_RESERVE) && (u->use[i].count > 0) == used;
	return n;
}

static void
tell_rows(const struct coverage *c, enum of of, bool used, const char *head)
{
	const char *first = head;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		for (enum phase p = PHASE_OWN; p <= PHASE_SETUP; p++)
			for (size_t i = 0; i < c->uses[id][p].count; i++) {
				const struct use *u = &c->uses[id][p].use[i];
				const struct place *at = &u->place;
				char limits[RENDER_TEXT], who[WHO];

				if (policy_group_reserve(at->group) !=
				    (of == OF_RESERVE) ||
				    (u->count > 0) != used)
					continue;
				printf("%s", first);
				first = "";
				who_text(id, p, who);
				render_limits(at->row, limits);
				printf("  %s, group %s: %s%s%s: %s\n", who,
				    at->group->name, at->row->call,
				    limits[0] != '\0' ? " if " : "", limits,
				    at->row->reason);
			}
	if (first[0] == '\0')
		printf("\n");
}

static void
tell_odd(const struct odd *o)
{
	char who[WHO], arguments[ARGUMENTS], file[FILE_SHOWN];

	who_text(o->id, o->phase, who);
	arguments_text(&o->call, arguments);
	text_escape(file, sizeof file, o->file, strlen(o->file));
	printf("  %s: %s(%s), %" PRIu64 " times", who, o->call.call, arguments,
	    o->count);
	if (o->other != NULL)
		printf(", is listed for others alone, in group %s",
		    o->other->name);
	printf("\n    %s, line %zu\n", file, o->line);
}

static void
tell_odds(const struct coverage *c)
{
	if (c->odds == 0)
		return;
	printf("Calls that are not listed:\n");
	for (size_t i = 0; i < c->odds; i++)
		tell_odd(&c->odd[i]);
	printf("\n");
}

static void
tell_table(const struct coverage *c)
{
	printf("%-20s %6s %6s %9s %9s\n", "", "used", "unused", "reserve",
	    "of it used");
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		for (enum phase p = PHASE_OWN; p <= PHASE_SETUP; p++) {
			const struct uses *u = &c->uses[id][p];
			char who[WHO];

			if (u->count == 0)
				continue;
			who_text(id, p, who);
			printf("%-20s %6zu %6zu %9zu %9zu\n", who,
			    count(u, OF_OTHERS, true),
			    count(u, OF_OTHERS, false),
			    count(u, OF_RESERVE, true) +
			    count(u, OF_RESERVE, false),
			    count(u, OF_RESERVE, true));
		}
	printf("\n");
}

void
coverage_tell(const struct coverage *c)
{
	tell_rows(c, OF_OTHERS, false, "Rows that nobody has used:\n");
	tell_odds(c);
	tell_rows(c, OF_RESERVE, true,
	    "Rows of the reserve that were used (no fault):\n");
	tell_table(c);
	printf("%zu traces, %" PRIu64 " processes with a filter, %" PRIu64
	    " calls under one: %zu rows unused, %zu calls not listed\n",
	    c->files, c->processes, c->calls, coverage_unused(c), c->odds);
}

/* ---- for programs -------------------------------------------------------- */

static json_t *
use_json(enum policy_id id, enum phase p, const struct use *u)
{
	char limits[RENDER_TEXT];

	render_limits(u->place.row, limits);
	return json_pack("{sssbsssssssssbsI}", "process",
	    policy_get(id)->process, "setup", p == PHASE_SETUP, "group",
	    u->place.group->name, "call", u->place.row->call, "limits", limits,
	    "reason", u->place.row->reason, "reserve",
	    policy_group_reserve(u->place.group), "used",
	    (json_int_t)u->count);
}

static json_t *
odd_json(const struct odd *o)
{
	char arguments[ARGUMENTS], file[FILE_SHOWN];

	arguments_text(&o->call, arguments);
	text_escape(file, sizeof file, o->file, strlen(o->file));
	return json_pack("{sssbsssssosssIsI}", "process",
	    policy_get(o->id)->process, "setup", o->phase == PHASE_SETUP,
	    "call", o->call.call, "arguments", arguments, "listed",
	    o->other != NULL ? json_string(o->other->name) : json_null(),
	    "file", file, "line", (json_int_t)o->line, "count",
	    (json_int_t)o->count);
}

static json_t *
faults_json(const struct coverage *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->faults; i++) {
		char file[FILE_SHOWN], why[FILE_SHOWN];

		text_escape(file, sizeof file, c->fault[i].file,
		    strlen(c->fault[i].file));
		text_escape(why, sizeof why, c->fault[i].why,
		    strlen(c->fault[i].why));
		json_array_append_new(all, json_pack("{ssss}", "file", file,
		    "why", why));
	}
	return all;
}

/* By which a process's filter is known. */
static json_t *
filters_json(const struct coverage *c)
{
	json_t *all = json_object();

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		json_object_set_new(all, policy_get(id)->process,
		    json_integer(c->length[id]));
	return all;
}

void
coverage_print(const struct coverage *c)
{
	json_t *rows = json_array(), *odds = json_array();

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		for (enum phase p = PHASE_OWN; p <= PHASE_SETUP; p++)
			for (size_t i = 0; i < c->uses[id][p].count; i++)
				json_array_append_new(rows, use_json(id, p,
				    &c->uses[id][p].use[i]));
	for (size_t i = 0; i < c->odds; i++)
		json_array_append_new(odds, odd_json(&c->odd[i]));
	audit_print(json_pack("{sIsIsIsIsosososo}", "traces",
	    (json_int_t)c->files, "processes", (json_int_t)c->processes,
	    "calls", (json_int_t)c->calls, "unused",
	    (json_int_t)coverage_unused(c),
	    "rows", rows, "unlisted", odds, "faults", faults_json(c),
	    "filters", filters_json(c)));
}
