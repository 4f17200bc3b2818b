/*
 * postern-audit policy --man: postern-policy(7), made of the tables, so that
 * the page cannot say anything else.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "audit.h"
#include "policy_man.h"
#include "render.h"

static const char head[] =
".Dt POSTERN-POLICY 7\n"
".Os\n"
".Sh NAME\n"
".Nm postern-policy\n"
".Nd what each process of postern may ask of the kernel\n"
".Sh DESCRIPTION\n"
"Each process of\n"
".Xr posternd 8\n"
"and of what belongs to it confines itself by a\n"
".Xr seccomp 2\n"
"filter, which is compiled from a table.\n"
"This page is made of these tables by\n"
".Xr postern-audit 8 .\n"
".Pp\n"
"A row allows one system call, if its arguments are what the row says; all of\n"
"its limits must hold.\n"
"A limit is compared with the whole 64-bit argument.\n"
"Whatever no row allows kills the process, and so does any call by another\n"
"architecture's entry.\n"
"A row says beside it what the process needs the call for.\n"
".Pp\n"
"A filter is inherited: on a process lie those of all that it was started\n"
"under, and its own, and a call must be allowed by each of them.\n"
"So the table of whoever starts a process has that process's groups, too.\n";

static const char foot[] =
".Sh SEE ALSO\n"
".Xr postern 1 ,\n"
".Xr postern-certgen 1 ,\n"
".Xr seccomp 2 ,\n"
".Xr postern-audit 8 ,\n"
".Xr postern-worker 8 ,\n"
".Xr posternd 8\n";

/* The day of the build, or what the build says it is (SOURCE_DATE_EPOCH). */
static void
put_date(void)
{
	const char *given = getenv("SOURCE_DATE_EPOCH");
	time_t now = given != NULL ? (time_t)strtoll(given, NULL, 10) :
	    time(NULL);
	struct tm tm;
	char month[16];

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(month, sizeof month, "%B", &tm) == 0)
		errx(EX_USAGE, "policy: SOURCE_DATE_EPOCH: no such time");
	printf(".Dd %s %d, %d\n", month, tm.tm_mday, tm.tm_year + 1900);
}

/* A word of a text that starts a line if `first`; it ends no sentence. */
static void
put_word(const char *s, size_t len, bool first)
{
	if (first && (*s == '.' || *s == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\')
			fputs("\\e", stdout);
		else
			putchar(s[i]);
	}
	if (len > 0 && strchr(".?!", s[len - 1]) != NULL && s[len] != '\0')
		fputs("\\&", stdout);
}

/* Text, whatever is in it, in lines that are not too long for a source. */
static void
put_text(const char *s)
{
	size_t column = 0;

	while (*s != '\0') {
		size_t len = strcspn(s, " ");

		if (column > 0 && column + 1 + len > 72) {
			putchar('\n');
			column = 0;
		} else if (column > 0) {
			putchar(' ');
			column++;
		}
		put_word(s, len, column == 0);
		column += len;
		s += len;
		s += strspn(s, " ");
	}
	putchar('\n');
}

static void
put_row(const struct policy_row *row)
{
	char limits[RENDER_TEXT];

	render_limits(row, limits);
	printf(".It Ic %s", row->call);
	if (limits[0] != '\0')
		printf(" Pq Li \"%s\"", limits);
	putchar('\n');
	put_text(row->reason);
}

static void
put_group(const struct policy_group *g)
{
	const char *note = audit_group_note(g);

	printf(".Ss %s\n", g->name);
	if (note != NULL)
		put_text(note);
	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < g->count; i++)
		put_row(&g->rows[i]);
	printf(".El\n");
}

/* Names, as text: "a, b, c." */
struct names {
	char	text[1024];
	size_t	len;
};

static void
add_name(struct names *n, const char *lead, const char *name)
{
	int added = snprintf(n->text + n->len, sizeof n->text - n->len,
	    "%s %s", n->len == 0 ? lead : ",", name);

	if (added > 0 && n->len + (size_t)added < sizeof n->text)
		n->len += (size_t)added;
}

static void
put_names(struct names *n)
{
	if (n->len > 0)
		put_text(n->text);
	*n = (struct names){ .len = 0 };
}

static void
put_process(enum policy_id id)
{
	const struct policy *p = policy_get(id);
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);
	struct names names = { .len = 0 };

	printf(".It Li %s\n", p->process);
	for (size_t i = 0; i + 1 < n; i++)
		add_name(&names, "Under the filters of:",
		    policy_get(stack[i])->process);
	put_names(&names);
	if (n > 1)
		printf(".br\n");
	for (size_t g = 0; p->groups[g] != NULL; g++)
		add_name(&names, "Its groups:", p->groups[g]->name);
	put_names(&names);
}

static void
put_capabilities(void)
{
	size_t n;
	const struct policy_capability *c = policy_capabilities(&n);

	printf(".Sh CAPABILITIES\n");
	put_text("The supervisor stays root, with these of capabilities(7) and "
	    "no other; everybody else has none.");
	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++) {
		printf(".It Dv %s\n", c[i].name);
		put_text(c[i].reason);
	}
	printf(".El\n");
}

static bool
has_group(enum policy_id id, const struct policy_group *group)
{
	const struct policy *p = policy_get(id);

	for (size_t g = 0; p->groups[g] != NULL; g++)
		if (p->groups[g] == group)
			return true;
	return false;
}

/* Those of this process that no process before it has. */
static void
put_new_groups(enum policy_id id, const bool wanted[POLICY_COUNT])
{
	const struct policy *p = policy_get(id);

	for (size_t g = 0; p->groups[g] != NULL; g++) {
		bool seen = false;

		for (enum policy_id before = 0; before < id; before++)
			seen = seen || (wanted[before] &&
			    has_group(before, p->groups[g]));
		if (!seen)
			put_group(p->groups[g]);
	}
}

void
policy_man(const bool wanted[POLICY_COUNT])
{
	put_date();
	fputs(head, stdout);
	printf(".Sh PROCESSES\n.Bl -tag -width Ds\n");
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted[id])
			put_process(id);
	printf(".El\n");
	if (wanted[POLICY_SUPERVISOR])
		put_capabilities();
	printf(".Sh GROUPS\n");
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (wanted[id])
			put_new_groups(id, wanted);
	fputs(foot, stdout);
}
