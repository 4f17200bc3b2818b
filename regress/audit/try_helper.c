/*
 * try_helper: what the kernel does, to compare with what is said of it.
 *
 * Standard input has lines "PROCESS NUMBER A0 A1 A2 A3 A4 A5" (numbers as
 * strtoull(3) takes them).  Each call is made by a child under all filters that
 * lie on that process; after the line comes "killed" or "allowed".
 */
#include <err.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "filter.h"

static enum policy_id
find(const char *process)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (strcmp(policy_get(id)->process, process) == 0)
			return id;
	errx(1, "%s: no such process", process);
}

static struct sock_fprog filters[POLICY_COUNT];

static void
compile_all(void)
{
	const char *why;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		if (!filter_compile(policy_get(id), &filters[id], &why))
			err(1, "%s: %s", policy_get(id)->process, why);
}

/* The child must end without a call that a table may lack. */
static void
child(enum policy_id id, long nr, const uint64_t a[6])
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	confine_no_new_privs();
	for (size_t i = 0; i < n; i++)
		if (!filter_install(&filters[stack[i]]))
			err(1, "cannot install");
	syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	syscall(SYS_exit_group, 7);
}

int
main(void)
{
	char process[32];
	uint64_t a[6];
	long nr;

	compile_all();
	while (scanf("%31s %li %" SCNi64 " %" SCNi64 " %" SCNi64 " %" SCNi64
	    " %" SCNi64 " %" SCNi64, process, &nr, (int64_t *)&a[0],
	    (int64_t *)&a[1], (int64_t *)&a[2], (int64_t *)&a[3],
	    (int64_t *)&a[4], (int64_t *)&a[5]) == 8) {
		enum policy_id id = find(process);
		pid_t pid = fork();
		int status;

		if (pid == 0)
			child(id, nr, a);
		if (pid == -1 || waitpid(pid, &status, 0) != pid)
			err(1, "child");
		if (WIFEXITED(status) && WEXITSTATUS(status) != 7)
			errx(1, "%s %ld: exit %d", process, nr,
			    WEXITSTATUS(status));
		printf("%s %ld %s\n", process, nr, WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGSYS ? "killed" : "allowed");
		fflush(stdout);
	}
	return 0;
}
