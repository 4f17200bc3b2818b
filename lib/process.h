/*
 * Starting a process of ours.
 */
#ifndef POSTERN_PROCESS_H
#define POSTERN_PROCESS_H

#include <sys/types.h>

/*
 * fork(2) as the bare system call: the C library's handlers and locks do not
 * matter to single-threaded programs, and a filter can say "no flag but the
 * signal".
 */
pid_t fork_bare(void);

/*
 * The same, and a handle on the child (a pidfd; close-on-exec, the caller's):
 * by it signals reach that process and no other, ever.
 */
pid_t fork_held(int *handle);

/* Send a signal to the child; nothing if it has ended. */
void signal_held(int handle, int sig);

/* Where a child's descriptors are to be: `from` becomes `to`. */
struct placement {
	int	from, to;
};

/* At most so many in one call of exec_program. */
#define PLACEMENTS_MAX 64

/*
 * In the child: put descriptors in their places, close all others but 0..2,
 * reset the signal mask, and execute the program open at `exe` with `title`
 * as its whole argument vector and an empty environment.  Ends the process
 * with EX_OSERR if any of it fails.
 */
_Noreturn void exec_program(int exe, const char *title,
    const struct placement *place, int count);

#endif
