/*
 * A line of what strace(1) writes to a file, of a process and of those that it
 * starts, when it is asked for numbers (-f -X raw -e raw=...;
 * regress/trace.sh):
 *
 *	4711 read(0x3, 0x7ffd8c4e1a50, 0x400) = 0x5
 *	4711 ppoll(0x7ffd8c4e1a50, 0x1, 0, 0, 0x8 <unfinished ...>
 *	4711 <... ppoll resumed>) = 0x1
 *	4711 prctl(0xf, "worker: echo") = 0
 *	4711 seccomp(0x1, 0, {len=14, filter=0x5555d0a0}) = 0
 *	4711 +++ exited with 0 +++
 *
 * Who is killed in a call, or whose other threads are by execve(2):
 *
 *	4711 seccomp(0x3, 0,  <unfinished ...>) = ?
 *	4711 +++ killed by SIGKILL +++
 *	4713 execve("/x/y", ["y"], 0x7f <pid changed to 4712 ...>
 *	4712 +++ superseded by execve in pid 4713 +++
 *	4712 <... execve resumed>) = 0
 */
#ifndef POSTERN_STRACE_H
#define POSTERN_STRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum strace_kind {
	STRACE_CALL,		/* begins, and ends if `done` */
	STRACE_RESUMED,		/* the end of one that had begun */
	STRACE_ENDED,		/* the process, `by` what */
	STRACE_SUPERSEDED,	/* the process, by its `thread` */
	STRACE_OTHER,		/* a signal, a remark of strace's */
	STRACE_BROKEN		/* no line of strace's, or cut short */
};

enum strace_by { STRACE_BY_ITSELF, STRACE_BY_FILTER, STRACE_BY_SIGNAL };

#define STRACE_NAME 32	/* of a call; Linux's have 26 */

struct strace_line {
	pid_t		 pid;
	char		 call[STRACE_NAME];
	uint64_t	 arg[6];
	bool		 known[6];	/* it was a number */
	const char	*text;		/* the first quoted argument, or NULL */
	size_t		 text_len;
	bool		 text_whole;	/* strace has not cut it */
	uint64_t	 len;		/* of a filter; 0: none */
	bool		 done;
	bool		 has_result;	/* it has returned, or would have */
	int64_t		 result;
	enum strace_by	 by;		/* STRACE_ENDED */
	pid_t		 thread;	/* STRACE_SUPERSEDED: its old pid */
};

/* The line, without its newline, has `n` bytes. */
enum strace_kind strace_read(const char *line, size_t n,
    struct strace_line *l);

#endif
