/*
 * Has a process of the test-only programs try an attack, and says how that
 * ended.
 *
 *	attack_helper PID NAME [ARGUMENT]	a pid or port to aim at
 *	attack_helper				the names of all, one a line
 *	attack_helper tree PID			PID and all beneath it, as
 *						"pid parent title"
 *
 * Prints "killed SIGNAL", "ended STATUS", "refused", "through", or "busy" if it
 * is at it still after 20 seconds.  Exit status 0, or 1 with a message.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attacks.h"

#define PATIENCE 2000		/* steps of 10 ms */

static const char *const names[ATTACK_COUNT] = {
#define ATTACK_NAME(n) #n,
	ATTACKS(ATTACK_NAME)
#undef ATTACK_NAME
};

static int
list(void)
{
	for (int i = 0; i < ATTACK_COUNT; i++)
		puts(names[i]);
	return 0;
}

/* A whole small file, as a string; false if it is gone. */
static bool
slurp(char *text, size_t size, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return true;
}

/* What has ended, and is not reaped, has no title. */
static void
tree(int pid, int parent)
{
	char title[256], children[65536], path[64], *rest = children;

	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	if (!slurp(title, sizeof title, path) || title[0] == '\0')
		return;
	printf("%d %d %s\n", pid, parent, title);
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	if (slurp(children, sizeof children, path))
		for (char *w; (w = strtok_r(rest, " ", &rest)) != NULL;)
			tree(atoi(w), pid);
}

static unsigned long
number_of(const char *name)
{
	for (unsigned long i = 0; i < ATTACK_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	errx(1, "%s: there is no such attack", name);
}

/* The next thing that it has to say; false: nothing in the time. */
static bool
next_status(pid_t pid, int *status)
{
	const struct timespec step = { .tv_nsec = 10000000 };

	for (int i = 0; i < PATIENCE; i++) {
		pid_t got = waitpid(pid, status, __WALL | WNOHANG);

		if (got == pid)
			return true;
		if (got == -1)
			err(1, "waitpid");
		/* at once, if it can be */
		nanosleep(&step, NULL);
	}
	return false;
}

static int
end_with(pid_t pid, const char *outcome, int sig)
{
	puts(outcome);
	return ptrace(PTRACE_DETACH, pid, NULL, (void *)(long)sig) == -1;
}

/*
 * It is stopped by this signal: pass it on, unless it is the attack's word.  Of
 * a fault an init of a pid namespace dies only where it is not traced; it
 * faults once more.
 */
static int
stopped(pid_t pid, int sig, int event)
{
	if (event == 0 && sig == SIGTRAP)
		return end_with(pid, "refused", 0);
	if (event == 0 && sig == SIGILL)
		return end_with(pid, "through", SIGILL);
	if (event == 0 && sig == SIGSEGV)
		return end_with(pid, "killed SEGV", 0);
	if (ptrace(PTRACE_CONT, pid, NULL,
	    (void *)(long)(event == 0 ? sig : 0)) == -1)
		err(1, "PTRACE_CONT");
	return -1;
}

static int
watch(pid_t pid)
{
	for (int done = -1;;) {
		int status;

		if (!next_status(pid, &status)) {
			puts("busy");
			return 0;
		}
		if (WIFSIGNALED(status)) {
			printf("killed %s\n", sigabbrev_np(WTERMSIG(status)));
			return 0;
		}
		if (WIFEXITED(status)) {
			printf("ended %d\n", WEXITSTATUS(status));
			return 0;
		}
		done = stopped(pid, WSTOPSIG(status), status >> 16);
		if (done != -1)
			return done;
	}
}

int
main(int argc, char **argv)
{
	union sigval value;
	unsigned long arg;
	pid_t pid;

	if (argc == 1)
		return list();
	if (argc == 3 && strcmp(argv[1], "tree") == 0) {
		tree(atoi(argv[2]), 0);
		return 0;
	}
	if (argc < 3 || argc > 4)
		errx(1, "usage: attack_helper [tree pid | "
		    "pid name [argument]]");
	pid = (pid_t)atoi(argv[1]);
	arg = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	value.sival_ptr = (void *)ATTACK_VALUE(number_of(argv[2]), arg);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1)
		err(1, "cannot trace %d", (int)pid);
	if (sigqueue(pid, ATTACK_SIGNAL, value) == -1)
		err(1, "cannot signal %d", (int)pid);
	return watch(pid);
}
