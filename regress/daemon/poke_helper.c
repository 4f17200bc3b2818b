/*
 * Looks at a waiting process as a debugger does, or makes it misbehave.
 *
 *	poke_helper trace PID	stop it by ptrace(2), and let it go
 *	poke_helper hold PID...	stop them until they are killed, as nothing
 *				else can do that a signal would not undo
 *	poke_helper end PID	say how it ends: "ended 0" or "killed SYS",
 *				behind "watched", when it is
 *	poke_helper poke PID	make it call getppid(2), which no process but
 *				the supervisor may; its filter must kill it
 *
 * Exit status 0, 1 with a message, or 3 where `poke` does not know the machine.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNKNOWN_MACHINE 3

static void
stop(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1)
		err(1, "cannot trace %d", (int)pid);
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1)
		err(1, "cannot stop %d", (int)pid);
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		errx(1, "%d does not stop", (int)pid);
}

static void
let_go(pid_t pid)
{
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) == -1)
		err(1, "cannot let %d go", (int)pid);
}

#ifdef __x86_64__
/* It waits in a system call: two bytes back is the instruction for it. */
static void
misdirect(pid_t pid)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) == -1)
		err(1, "cannot read the registers of %d", (int)pid);
	r.rip -= 2;
	r.rax = SYS_getppid;
	r.orig_rax = (unsigned long long)-1;	/* nothing to restart */
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) == -1)
		err(1, "cannot write the registers of %d", (int)pid);
}
#else
static void
misdirect(pid_t pid)
{
	let_go(pid);
	exit(UNKNOWN_MACHINE);
}
#endif

static _Noreturn void
hold(int count, char **pids)
{
	for (int i = 0; i < count; i++)
		stop((pid_t)atoi(pids[i]));
	puts("held");
	fflush(stdout);
	while (wait(NULL) != -1)
		continue;
	exit(0);
}

/* What stops it meanwhile is passed on. */
static int
tell_end(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1)
		err(1, "cannot trace %d", (int)pid);
	puts("watched");
	fflush(stdout);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL,
		    (void *)(long)(status >> 16 == 0 ? WSTOPSIG(status) : 0));
	if (WIFSIGNALED(status))
		printf("killed %s\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("ended %d\n", WEXITSTATUS(status));
	return 0;
}

int
main(int argc, char **argv)
{
	pid_t pid;

	if (argc > 2 && strcmp(argv[1], "hold") == 0)
		hold(argc - 2, argv + 2);
	pid = argc == 3 ? (pid_t)atoi(argv[2]) : 0;

	if (pid <= 0)
		errx(1, "usage: poke_helper trace|hold|poke|end PID");
	if (strcmp(argv[1], "end") == 0)
		return tell_end(pid);
	stop(pid);
	if (strcmp(argv[1], "poke") == 0)
		misdirect(pid);
	let_go(pid);
	return 0;
}
