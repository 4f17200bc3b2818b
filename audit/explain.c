/*
 * postern-audit explain: what happens to a process that makes this system call.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "audit.h"
#include "match.h"
#include "render.h"

/* Rows of one table about one call; the supervisor's have a few dozen. */
#define ROWS 256

/* What a table has to say of the call. */
struct opinion {
	enum policy_id	table;
	enum match	match;
	struct place	place[ROWS];
	enum match	matches[ROWS];	/* of each by itself */
	bool		counts[ROWS];	/* all other tables go along with it */
	size_t		rows;
	unsigned int	nearest;	/* as many limits as hold of a row */
};

/* All tables that lie on a process. */
struct judgement {
	enum match	verdict;
	struct opinion	opinion[POLICY_DEPTH];
	size_t		opinions;
};

static const char *const verdicts[] = {
	[MATCH_NO] = "killed",
	[MATCH_PERHAPS] = "depends",
	[MATCH_YES] = "allowed",
};

static struct call	 call;
static const char	*name;		/* the call's, or its number */

/* ---- the command line --------------------------------------------------- */

/* libseccomp gives a name that is malloc'ed; this one lives to the end. */
static const char *
name_of(int nr, const char *text)
{
	const char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
	    nr);

	return found != NULL ? found : text;
}

static bool
parse_number(const char *s, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = *s == '-' ? (uint64_t)strtoll(s, &end, 0) :
	    strtoull(s, &end, 0);
	return (*s == '-' || (*s >= '0' && *s <= '9')) && *end == '\0' &&
	    errno == 0;
}

static void
parse_call(const char *command, const char *s)
{
	uint64_t number;

	if (parse_number(s, &number)) {
		if (number > INT32_MAX)
			audit_reject(EX_USAGE, command, s,
			    "a system call's number is from 0 to 2147483647");
		call.nr = (int)number;
		name = name_of(call.nr, s);
		return;
	}
	call.nr = seccomp_syscall_resolve_name(s);
	if (call.nr == __NR_SCMP_ERROR)
		audit_reject(EX_USAGE, command, s, "no such system call");
	if (call.nr < 0)
		audit_reject(EX_USAGE, command, s,
		    "is another machine's system call");
	name = s;
}

static void
parse_argument(const char *command, const char *s, unsigned int at)
{
	if (strcmp(s, "_") == 0)
		return;
	if (!parse_number(s, &call.arg[at]) &&
	    !render_parse(name, at, s, &call.arg[at]))
		audit_reject(EX_USAGE, command, s, "is neither a number, nor "
		    "a name that this argument can have, nor \"_\" for any");
	call.known[at] = UINT64_MAX;
}

/* An argument may be negative: what begins with one "-" is no option. */
static bool
parse(int argc, char **argv)
{
	int operands = 0;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strncmp(argv[i], "--", 2) == 0)
			audit_reject(EX_USAGE, argv[0], argv[i],
			    "no such option");
		else if (operands == 0)
			parse_call(argv[0], argv[i]);
		else if (operands == 7)
			audit_reject(EX_USAGE, argv[0], argv[i],
			    "a system call has at most six arguments");
		else
			parse_argument(argv[0], argv[i],
			    (unsigned int)operands - 1);
		operands += strcmp(argv[i], "--json") != 0;
	}
	if (operands == 0)
		errx(EX_USAGE, "%s: a system call is missing", argv[0]);
	return json;
}

/* ---- judging ------------------------------------------------------------ */

static void
form_opinion(struct opinion *o, enum policy_id table)
{
	struct cursor at = { 0, 0 };
	struct place p;

	*o = (struct opinion){ .table = table, .match = MATCH_NO };
	while (match_next(table, &at, &p)) {
		enum match m;

		if (!match_call(p.row, &call) || o->rows == ROWS)
			continue;
		m = match_limits(p.row, &call);
		if (m > o->match)
			o->match = m;
		if (match_held(p.row, &call) > o->nearest)
			o->nearest = match_held(p.row, &call);
		o->matches[o->rows] = m;
		o->place[o->rows++] = p;
	}
}

/*
 * Can all tables from `from` on allow what is left of the call?  Marks the rows
 * by which they do.  A limit of one table may rule out another's row.
 */
static bool
agree(struct judgement *j, size_t from, const struct call *left)
{
	struct opinion *o = &j->opinion[from];
	bool some = false;

	if (from == j->opinions)
		return true;
	for (size_t i = 0; i < o->rows; i++) {
		struct call c = *left;

		if (!match_narrow(&c, o->place[i].row) ||
		    !agree(j, from + 1, &c))
			continue;
		o->counts[i] = true;
		some = true;
	}
	return some;
}

static void
judge(struct judgement *j, enum policy_id id)
{
	enum policy_id stack[POLICY_DEPTH];

	j->opinions = policy_stack(id, stack);
	j->verdict = MATCH_YES;
	for (size_t i = 0; i < j->opinions; i++) {
		form_opinion(&j->opinion[i], stack[i]);
		if (j->opinion[i].match < j->verdict)
			j->verdict = j->opinion[i].match;
	}
	if (!agree(j, 0, &call))
		j->verdict = MATCH_NO;
}

/* ---- telling ------------------------------------------------------------ */

/* Of the rows about the call those that allow it, or that most nearly do. */
static bool
shown(const struct judgement *j, const struct opinion *o, size_t i)
{
	if (o->match == MATCH_NO)
		return match_held(o->place[i].row, &call) == o->nearest;
	return o->matches[i] == o->match &&
	    (j->verdict == MATCH_NO || o->counts[i]);
}

static void
tell_row(const struct place *p)
{
	char limits[RENDER_TEXT];

	render_limits(p->row, limits);
	printf("      %s: %s%s%s: %s\n", p->group->name, p->row->call,
	    limits[0] != '\0' ? " if " : "", limits, p->row->reason);
}

static void
tell_opinion(const struct judgement *j, const struct opinion *o)
{
	static const char *const words[] = {
		[MATCH_NO] = "kills it: not with these arguments, but",
		[MATCH_PERHAPS] = "allows it, by",
		[MATCH_YES] = "allows it, by",
	};

	if (o->rows == 0) {
		printf("    %s kills it: no row has it\n",
		    policy_get(o->table)->process);
		return;
	}
	printf("    %s %s\n", policy_get(o->table)->process, words[o->match]);
	for (size_t i = 0; i < o->rows; i++)
		if (shown(j, o, i))
			tell_row(&o->place[i]);
}

/* No table kills it, but what one of them wants the other does not. */
static bool
at_odds(const struct judgement *j)
{
	if (j->verdict != MATCH_NO)
		return false;
	for (size_t i = 0; i < j->opinions; i++)
		if (j->opinion[i].match == MATCH_NO)
			return false;
	return true;
}

static void
tell(enum policy_id id, const struct judgement *j)
{
	printf("%s: %s\n", policy_get(id)->process, verdicts[j->verdict]);
	for (size_t i = 0; i < j->opinions; i++)
		tell_opinion(j, &j->opinion[i]);
	if (at_odds(j))
		printf("    whose limits exclude each other\n");
}

static void
tell_call(void)
{
	printf("%s (%d)", name, call.nr);
	for (unsigned int i = 0; i < 6; i++)
		if (call.known[i])
			printf(", %s 0x%" PRIx64, render_argument(name, i),
			    call.arg[i]);
	printf("\n\n");
}

static json_t *
opinion_json(const struct judgement *j, const struct opinion *o)
{
	json_t *rows = json_array();
	char limits[RENDER_TEXT];

	for (size_t i = 0; i < o->rows; i++) {
		if (!shown(j, o, i))
			continue;
		render_limits(o->place[i].row, limits);
		json_array_append_new(rows, json_pack("{ssssssss}", "group",
		    o->place[i].group->name, "call", o->place[i].row->call,
		    "limits", limits, "reason", o->place[i].row->reason));
	}
	return json_pack("{ssssso}", "table", policy_get(o->table)->process,
	    "verdict", verdicts[o->match], "rows", rows);
}

static json_t *
judgement_json(enum policy_id id, const struct judgement *j)
{
	json_t *tables = json_array();

	for (size_t i = 0; i < j->opinions; i++)
		json_array_append_new(tables, opinion_json(j, &j->opinion[i]));
	return json_pack("{sssssbso}", "process", policy_get(id)->process,
	    "verdict", verdicts[j->verdict], "at_odds", at_odds(j),
	    "tables", tables);
}

static json_t *
arguments_json(void)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < 6; i++)
		json_array_append_new(all, call.known[i] ?
		    json_integer((json_int_t)call.arg[i]) : json_null());
	return all;
}

int
audit_explain(int argc, char **argv)
{
	static struct judgement j;
	bool json = parse(argc, argv);
	json_t *processes = json ? json_array() : NULL;

	if (!json)
		tell_call();
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		judge(&j, id);
		if (json)
			json_array_append_new(processes,
			    judgement_json(id, &j));
		else
			tell(id, &j);
	}
	if (json)
		audit_print(json_pack("{sssisoso}", "call", name, "number",
		    call.nr, "arguments", arguments_json(), "processes",
		    processes));
	return audit_said();
}
