/*
 * What the kernel lets a process do, against what its tables say.
 *
 *	matrix_helper report PROCESS	<LOG: are matrix.c's lines for it right?
 *	matrix_helper stack PROCESS PID	are the filters that lie on PID, as the
 *					kernel gives them back, those that the
 *					tables compile to, in number and order?
 *
 * Exit status 0, or 1 with a message.
 */
#include <err.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "filter.h"
#include "matrix.h"

static enum policy_id
find(const char *process)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (strcmp(policy_get(id)->process, process) == 0)
			return id;
	errx(1, "%s: there is no such table", process);
}

/* A call passes if all the tables that lie on the process have it. */
static bool
stack_allows(enum policy_id id, const struct call *c)
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	for (size_t i = 0; i < n; i++)
		if (!table_allows(policy_get(stack[i]), c))
			return false;
	return true;
}

/* ---- the report ---------------------------------------------------------- */

static void
should_be_native(enum policy_id id, char *text, size_t size)
{
	size_t len = 0;

	for (int nr = 0; nr < MATRIX_CALLS; nr++) {
		struct call c = matrix_call(nr);

		if (stack_allows(id, &c) || matrix_never_filtered(nr))
			len += (size_t)snprintf(text + len, size - len, " %d",
			    nr);
	}
}

/* The line must be there, once, and say just this. */
static void
check_line(const char *log, const char *process, const char *kind,
    const char *should)
{
	char head[128];
	const char *at;
	size_t n;

	snprintf(head, sizeof head, "inside matrix %s %s:", process, kind);
	at = strstr(log, head);
	if (at == NULL)
		errx(1, "no line: %s", head);
	at += strlen(head);
	n = strcspn(at, "\n");
	if (n != strlen(should) || strncmp(at, should, n) != 0)
		errx(1, "%s\nis:       %.*s\nshould be:%s", head, (int)n, at,
		    should);
}

static int
report(const char *process)
{
	static char log[4 << 20], native[8192];
	size_t n = fread(log, 1, sizeof log - 1, stdin);

	log[n] = '\0';
	should_be_native(find(process), native, sizeof native);
	check_line(log, process, "native", native);
#ifdef __x86_64__
	check_line(log, process, "x32", "");
	check_line(log, process, "i386", "");
#endif
	check_line(log, process, "rows", "");
	check_line(log, process, "limits", "");
	return 0;
}

/* ---- the stack ----------------------------------------------------------- */

static void
compare(pid_t pid, enum policy_id id, long index)
{
	static struct sock_filter its[65536];
	struct sock_fprog should;
	const char *why;
	long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)index, its);

	if (n == -1)
		err(1, "cannot read filter %ld of %d", index, (int)pid);
	if (!filter_compile(policy_get(id), &should, &why))
		errx(1, "%s", why);
	if (n != should.len || memcmp(its, should.filter,
	    (size_t)n * sizeof its[0]) != 0)
		errx(1, "filter %ld of %d is not %s's: %ld instructions, not "
		    "%u", index, (int)pid, policy_get(id)->process, n,
		    (unsigned)should.len);
	free(should.filter);
}

/* The kernel counts from the oldest, which is the outermost. */
static int
stack_of(const char *process, pid_t pid)
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(find(process), stack);
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1 ||
	    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		err(1, "cannot stop %d", (int)pid);
	for (size_t i = 0; i < n; i++)
		compare(pid, stack[i], (long)i);
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)n, NULL) != -1)
		errx(1, "%d has more filters than %zu", (int)pid, n);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "report") == 0)
		return report(argv[2]);
	if (argc == 4 && strcmp(argv[1], "stack") == 0)
		return stack_of(argv[2], (pid_t)atoi(argv[3]));
	errx(1, "usage: matrix_helper report process | stack process pid");
}
