/*
 * A thread that is stopped for a moment: its filters are read, and calls are
 * made in its place, with its rights but without its filters, which give back
 * what no file in /proc tells.  It goes on as if nothing had been.
 */
#ifndef POSTERN_TRACEE_H
#define POSTERN_TRACEE_H

#include <linux/filter.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine.h"

/*
 * So many filters are read of one thread.  The declared stacks are 3 deep; a
 * service manager puts about 20 of its own around them.
 */
#define TRACEE_FILTERS	64
/* Scratch memory that a call may point to. */
#define TRACEE_SCRATCH	256

struct tracee {
	pid_t		 tid;
	bool		 gone;		/* it has ended meanwhile */
	int		 memory;	/* /proc/TID/mem while calls are made */
	struct machine_state saved;
	uint64_t	 mask;		/* its signals, blocked meanwhile */
	uint64_t	 gate, scratch;
	uint8_t		 under[TRACEE_SCRATCH];	/* what was there */
	int		 stop_signal;	/* came meanwhile, is sent again */
	int64_t		 since;		/* ns; stopped */
	char		 why[160];	/* what failed */
};

/*
 * Stop it.  False with words in t->why (t->gone: it has ended, which is no
 * fault); it then runs on.  Signals that would end us are held back until
 * tracee_release, so that nothing is left half done.
 */
bool tracee_stop(struct tracee *t, pid_t tid);

/*
 * Let it go on to the beginning or the end of its next call.  False with words
 * in t->why if it makes none for seconds and is stopped where it is, or has
 * ended (t->gone), in *end as waitpid(2) tells it.
 */
bool tracee_step(struct tracee *t, int *end);

/*
 * Read its filters, the outermost first; each `filter` is malloc'ed and the
 * caller's.
 */
bool tracee_filters(struct tracee *t, struct sock_fprog stack[TRACEE_FILTERS],
    size_t *depth);

/*
 * Make calls in its place.  `vdso` is the kernel's own code in it, where the
 * instruction is found.  tracee_end_calls undoes everything.
 */
bool tracee_begin_calls(struct tracee *t, uint64_t vdso, uint64_t vdso_end);
bool tracee_call(struct tracee *t, long nr, const uint64_t arg[6],
    int64_t *result);
/* The same with these arguments and no sixth. */
bool tracee_try(struct tracee *t, int64_t *result, long nr, uint64_t a,
    uint64_t b, uint64_t c, uint64_t d, uint64_t e);
bool tracee_write(struct tracee *t, const void *src, size_t len);
bool tracee_read(struct tracee *t, void *dst, size_t len);
bool tracee_end_calls(struct tracee *t);

/* Does this kernel, and do our rights, allow all of that?  Else words. */
bool tracee_available(char *why, size_t size);

/* Let it go; returns for how long it was stopped, in ns. */
int64_t tracee_release(struct tracee *t);

#endif
