/*
 * A policy table, compiled to a seccomp filter and installed.
 */
#ifndef POSTERN_FILTER_H
#define POSTERN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

#include "policy.h"

/*
 * Compile a table for this machine: what no row allows kills the process, and
 * so does a call by any other architecture's entry (i386's int 0x80, x32).
 * `prog->filter` is malloc'ed and the caller's.  False with errno set and, in
 * `*why`, what failed (static text, or the name of the row's call, which this
 * machine may not have).
 */
bool filter_compile(const struct policy *p, struct sock_fprog *prog,
    const char **why);

/* The same for another machine: one of libseccomp's SCMP_ARCH_. */
bool filter_compile_for(const struct policy *p, uint32_t arch,
    struct sock_fprog *prog, const char **why);

/*
 * Write the compiled table to `fd` in libseccomp's words for people ("pseudo
 * filter code", seccomp_export_pfc(3)); errors as above.
 */
bool filter_print(const struct policy *p, int fd, const char **why);

/*
 * For a rehearsal alone (daemon/rehearsal.h): from now on, in filters that this
 * process compiles, what no row allows goes to whoever traces the process
 * (SECCOMP_RET_TRACE), with the number of the table.  Where nobody does, the
 * kernel refuses the call (ENOSYS): it is never let through.
 */
void filter_ask_tracer(void);

/*
 * Install a program on this (single-threaded) process: seccomp(2).  Needs
 * no_new_privs.  From here on it and all its children are bound by it.  False
 * with errno set.
 */
bool filter_install(const struct sock_fprog *prog);

/*
 * Compile, and install, or end the process: failure to confine is fatal.  In
 * two steps where limits come between: to compile takes a file in memory.
 */
void filter_prepare(enum policy_id id, struct sock_fprog *prog);
void filter_enter(enum policy_id id, struct sock_fprog *prog);

/* Both at once. */
void filter_apply(enum policy_id id);

/* Why the kernel cannot do it, or NULL: to be asked before anything starts. */
const char *filter_unavailable(void);

#endif
