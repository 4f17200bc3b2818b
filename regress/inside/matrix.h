/*
 * The calls that matrix.c tries: the same for it and for whoever says what
 * should come of them.
 */
#ifndef INSIDE_MATRIX_H
#define INSIDE_MATRIX_H

#include <sys/syscall.h>

#include "tables.h"

/* Beyond the last call that any kernel has today (about 470). */
#define MATRIX_CALLS 512

/* A process that is not there, and not all of them at once. */
static inline void
matrix_aim_at_nobody(struct call *c)
{
	if (c->nr != SYS_kill && c->nr != SYS_tkill && c->nr != SYS_tgkill &&
	    c->nr != SYS_rt_sigqueueinfo && c->nr != SYS_rt_tgsigqueueinfo)
		return;
	for (int i = 0; i < 2; i++)
		if (c->arg[i] == UINT64_MAX)
			c->arg[i] = 0x7ffffffe;
}

/* Call `nr' with all ones: harmless to nearly every call, should it pass. */
static inline struct call
matrix_call(int nr)
{
	struct call c = { nr, { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
	    UINT64_MAX, UINT64_MAX } };

	matrix_aim_at_nobody(&c);
	return c;
}

/*
 * x86_64's uretprobe and uprobe: Linux lets them past every filter since 6.14
 * (seccomp_uprobe_exception in kernel/seccomp.c); they do nothing but for the
 * page that it mapped for a probe.
 */
static inline bool
matrix_never_filtered(int nr)
{
#ifdef __x86_64__
	return nr == 335 || nr == 336;
#else
	(void)nr;
	return false;
#endif
}

#endif
