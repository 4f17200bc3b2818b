#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"

/* Above every place we use, so that no source is overwritten on the way. */
#define OUT_OF_THE_WAY 256

pid_t
fork_bare(void)
{
	return (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, 0, 0, 0, 0);
}

pid_t
fork_held(int *handle)
{
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_PIDFD | SIGCHLD),
	    0, handle, 0, 0);
}

void
signal_held(int handle, int sig)
{
	syscall(SYS_pidfd_send_signal, handle, sig, NULL, 0UL);
}

void
exec_program(int exe, const char *title, const struct placement *place,
    int count)
{
	char *argv[] = { (char *)(uintptr_t)title, NULL };
	char *envp[] = { NULL };
	int from[PLACEMENTS_MAX], end = 3;
	sigset_t none;

	exe = fcntl(exe, F_DUPFD, OUT_OF_THE_WAY);
	for (int i = 0; i < count; i++)
		from[i] = fcntl(place[i].from, F_DUPFD, OUT_OF_THE_WAY);
	for (int i = 0; i < count; i++) {
		if (dup2(from[i], place[i].to) == -1)
			fatal(EX_OSERR, "%s: descriptors: %s", title,
			    strerror(errno));
		if (place[i].to >= end)
			end = place[i].to + 1;
	}
	if (dup3(exe, end, O_CLOEXEC) == -1)
		fatal(EX_OSERR, "%s: descriptors: %s", title, strerror(errno));
	confine_close_from((unsigned int)end + 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fexecve(end, argv, envp);
	fatal(EX_OSERR, "%s: exec: %s", title, strerror(errno));
}
