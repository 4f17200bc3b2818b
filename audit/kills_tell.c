#include "kills.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "render.h"
#include "text.h"

/* Room for a time, and for a call's or an architecture's name. */
#define NAME 64

static const char *const known_words[] = {
	[KNOWN_NOT] = "none of ours",
	[KNOWN_PROGRAM] = "by its program",
	[KNOWN_POLICY] = "by the tables",
	[KNOWN_LOG] = "by the log",
	[KNOWN_NAME] = "by its name",
};

static const char *const session_words[] = {
	[SESSION_NO_LOG] = "not known without posternd's log (--log)",
	[SESSION_UNKNOWN] = "not known: the log says nothing of it",
	[SESSION_NONE] = "none",
	[SESSION_KNOWN] = "",
};

/* The same for a program; these words do not change. */
static const char *const known_keys[] = {
	[KNOWN_NOT] = "no",
	[KNOWN_PROGRAM] = "program",
	[KNOWN_POLICY] = "tables",
	[KNOWN_LOG] = "log",
	[KNOWN_NAME] = "name",
};

static const char *const session_keys[] = {
	[SESSION_NO_LOG] = "no-log",
	[SESSION_UNKNOWN] = "unknown",
	[SESSION_NONE] = "none",
	[SESSION_KNOWN] = "known",
};

/* ---- words -------------------------------------------------------------- */

static void
time_text(int64_t ms, char dst[NAME])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (gmtime_r(&t, &tm) == NULL ||
	    (n = strftime(dst, NAME, "%Y-%m-%dT%H:%M:%S", &tm)) == 0) {
		snprintf(dst, NAME, "?");
		return;
	}
	snprintf(dst + n, NAME - n, ".%03dZ", (int)(ms % 1000));
}

/* The entry by which the call was made: x32's calls are x86_64's by mark. */
static uint32_t
entry_of(const struct record *r)
{
	return r->arch == AUDIT_ARCH_X86_64 && r->nr >= 0 &&
	    (r->nr & 0x40000000) ? SCMP_ARCH_X32 : r->arch;
}

static void
entry_text(const struct record *r, char dst[NAME])
{
	static const struct {
		uint32_t	 arch;
		const char	*name;
	} names[] = {
		{ SCMP_ARCH_X86_64, "x86_64" }, { SCMP_ARCH_X32, "x32" },
		{ SCMP_ARCH_X86, "i386" }, { SCMP_ARCH_AARCH64, "aarch64" },
		{ SCMP_ARCH_ARM, "arm" }, { SCMP_ARCH_RISCV64, "riscv64" },
	};

	snprintf(dst, NAME, "0x%08" PRIx32, r->arch);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].arch == entry_of(r))
			snprintf(dst, NAME, "%s", names[i].name);
}

/* "" if it has no name that libseccomp knows. */
static void
call_text(const struct record *r, char dst[NAME])
{
	char *name = seccomp_syscall_resolve_num_arch(entry_of(r),
	    (int)r->nr);

	snprintf(dst, NAME, "%s", name != NULL ? name : "");
	free(name);
}

/* ---- the rows that come nearest ----------------------------------------- */

/*
 * The record does not say which of the filters killed.  The process's own is
 * the least, so the first that may have, from there outwards, is it.
 */
static enum policy_id
killer(enum policy_id id, const struct call *c)
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	while (n-- > 0)
		if (match_table(stack[n], c) != MATCH_YES)
			return stack[n];
	return id;
}

static bool
in_table(enum policy_id table, const struct policy_group *group)
{
	const struct policy *t = policy_get(table);

	for (size_t g = 0; t->groups[g] != NULL; g++)
		if (t->groups[g] == group)
			return true;
	return false;
}

/* Is this the first table that has the group? */
static bool
is_first(enum policy_id table, const struct policy_group *group)
{
	for (enum policy_id before = 0; before < table; before++)
		if (in_table(before, group))
			return false;
	return true;
}

/* Rows of the table about the call, printed, or as a document if `rows`. */
static size_t
tell_rows(enum policy_id table, const struct call *c, json_t *rows)
{
	struct cursor at = { 0, 0 };
	struct place p;
	size_t n = 0;

	while (match_next(table, &at, &p)) {
		char limits[RENDER_TEXT];

		if (!match_call(p.row, c))
			continue;
		n++;
		render_limits(p.row, limits);
		if (rows != NULL)
			json_array_append_new(rows, json_pack("{ssssssss}",
			    "group", p.group->name, "call", p.row->call,
			    "limits", limits, "reason", p.row->reason));
		else
			printf("    nearest row: %s, %s: %s%s%s: %s\n",
			    policy_get(table)->process, p.group->name,
			    p.row->call, limits[0] != '\0' ? " if " : "",
			    limits, p.row->reason);
	}
	return n;
}

/*
 * Groups that have the call, of other tables than this, which has none: so they
 * are the same whichever that is.
 */
static void
tell_elsewhere(const struct call *c, json_t *all)
{
	const struct policy_group *last = NULL;
	struct place p;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		struct cursor at = { 0, 0 };

		while (match_next(id, &at, &p)) {
			if (p.group == last || !match_call(p.row, c) ||
			    !is_first(id, p.group))
				continue;
			last = p.group;
			if (all != NULL)
				json_array_append_new(all, json_pack("{ssss}",
				    "table", policy_get(id)->process, "group",
				    p.group->name));
			else
				printf("    others have one: %s, %s: %s\n",
				    policy_get(id)->process, p.group->name,
				    p.row->reason);
		}
	}
}

/* Of each table once, whomever of those that it may be it lies on. */
static void
tell_nearest(const struct kill *k)
{
	bool told[POLICY_COUNT] = { false }, without = false;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		enum policy_id table = killer(id, &k->call);
		const struct policy *t = policy_get(table);

		if (!k->may_be[id] || told[table])
			continue;
		told[table] = true;
		if (tell_rows(table, &k->call, NULL) > 0)
			continue;
		printf("    %s has no row for it; one would belong to its "
		    "group %s\n", t->process, t->groups[0]->name);
		without = true;
	}
	if (without)
		tell_elsewhere(&k->call, NULL);
}

static json_t *
nearest_json(enum policy_id id, const struct call *c)
{
	enum policy_id table = killer(id, c);
	json_t *rows = json_array(), *elsewhere = json_array();

	if (tell_rows(table, c, rows) == 0)
		tell_elsewhere(c, elsewhere);
	return json_pack("{sssssssoso}", "process", policy_get(id)->process,
	    "table", policy_get(table)->process, "group",
	    policy_get(table)->groups[0]->name, "rows", rows, "elsewhere",
	    elsewhere);
}

/* ---- one of them -------------------------------------------------------- */

static void
tell_who(const struct kill *k)
{
	char when[NAME], comm[4 * RECORD_NAME];
	bool some = false;

	time_text(k->r.ms, when);
	text_escape(comm, sizeof comm, k->r.comm, strlen(k->r.comm));
	printf("%s ", when);
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		if (!k->may_be[id])
			continue;
		printf("%s%s", some ? " or " : "", policy_get(id)->process);
		some = true;
	}
	printf("%s (%s): pid %" PRId64 ", uid %" PRId64 ", \"%s\", %s\n",
	    some ? "" : "?", known_words[k->known], k->r.pid, k->r.uid, comm,
	    k->r.exe[0] != '\0' ? k->r.exe : "program not known");
}

static void
tell_call(const struct kill *k)
{
	char name[NAME], entry[NAME];

	call_text(&k->r, name);
	entry_text(&k->r, entry);
	printf("    system call: %s (%" PRId64 ", %s)\n", name[0] != '\0' ?
	    name : "one without a name", k->r.nr, entry);
}

void
kills_tell(const struct kill *k)
{
	tell_who(k);
	printf("    connection: %s%s\n", session_words[k->session],
	    k->session == SESSION_KNOWN ? k->peer : "");
	tell_call(k);
	if (!k->native)
		printf("    no row can allow it: by another machine's entry\n");
	else
		tell_nearest(k);
	if (!k->r.attested)
		printf("    who wrote this record is not known\n");
}

static json_t *
kill_json(const struct kill *k)
{
	json_t *processes = json_array(), *nearest = json_array();
	char when[NAME], comm[4 * RECORD_NAME], name[NAME], entry[NAME];

	time_text(k->r.ms, when);
	text_escape(comm, sizeof comm, k->r.comm, strlen(k->r.comm));
	call_text(&k->r, name);
	entry_text(&k->r, entry);
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		if (!k->may_be[id])
			continue;
		json_array_append_new(processes,
		    json_string(policy_get(id)->process));
		if (k->native)
			json_array_append_new(nearest,
			    nearest_json(id, &k->call));
	}
	return json_pack("{sssosssIsIsssssbsssssIssss?so}", "time", when,
	    "processes", processes, "known", known_keys[k->known],
	    "pid", (json_int_t)k->r.pid, "uid", (json_int_t)k->r.uid,
	    "name", comm, "program", k->r.exe, "attested", k->r.attested,
	    "architecture", entry, "call", name, "number",
	    (json_int_t)k->r.nr, "session", session_keys[k->session],
	    "connection", k->session == SESSION_KNOWN ?
	    k->peer : NULL, "nearest", nearest);
}

/* ---- all of them -------------------------------------------------------- */

void
kills_remark(const struct remarks *r, size_t shown)
{
	if (shown == 0)
		printf("no process of postern was killed by its filter, as far "
		    "as these records go\n");
	if (r->others > 0)
		printf("%" PRIu64 " of other programs: --all shows them\n",
		    r->others);
	if (r->forged > 0)
		printf("%" PRIu64 " lines that look like a record and are not "
		    "the kernel's were left out\n", r->forged);
	if (r->lost > 0)
		printf("the kernel left out at least %" PRIu64 " records, as "
		    "they came too fast; auditd would have them\n", r->lost);
	else if (r->some_lost)
		printf("the kernel left out some records; auditd would have "
		    "them\n");
	if (r->overwritten)
		printf("the kernel's log has been overwritten at its beginning"
		    ": what was before is not known\n");
}

void
kills_print(const struct kill *k, size_t count, const struct remarks *r)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, kill_json(&k[i]));
	audit_print(json_pack("{sosIsIsIsbsb}", "kills", all, "others",
	    (json_int_t)r->others, "forged", (json_int_t)r->forged, "lost",
	    (json_int_t)r->lost, "some_lost", r->some_lost, "overwritten",
	    r->overwritten));
}
