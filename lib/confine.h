/*
 * The steps by which a process gives up what it does not need, each checked
 * by its effect.  A step that fails ends the process (fatal in log.h): there
 * is no running half confined.
 */
#ifndef POSTERN_CONFINE_H
#define POSTERN_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* no_new_privs: no later exec gives more than this process has. */
void confine_no_new_privs(void);

/* Not dumpable, not traceable by its own uid; no core file. */
void confine_hide(void);

/*
 * Become uid and gid for good, without supplementary groups and without any
 * capability, bounding and ambient set included.
 */
void confine_drop_user(uid_t uid, gid_t gid);

/* Empty all capability sets (of this user namespace), bounding set too. */
void confine_drop_capabilities(void);

/* Keep only these capabilities, in the bounding set too; `mask` by bit. */
void confine_keep_capabilities(uint64_t mask);

/* chroot to a directory that is empty and, being removed already, stays so. */
void confine_empty_root(void);

/*
 * Landlock: no file, no TCP port, no signal and no abstract socket outside
 * (as far as the kernel's Landlock goes).
 */
void confine_landlock(void);

/* The same, but TCP connections to these ports (host byte order) stay. */
void confine_landlock_connect(const uint16_t *port, size_t ports);

/* rlimits: so many descriptors, no core file, no message queue. */
void confine_limits(uint64_t descriptors);

/*
 * rlimit: so many bytes of memory of its own (heap, data, private mappings;
 * setrlimit(2), RLIMIT_DATA).  More is not given: malloc returns NULL.  Not
 * under sanitizers, whose shadow is larger.
 */
void confine_memory(uint64_t bytes);

/* Be killed when the process that started us ends; `parent` is its pid. */
void confine_die_with_parent(pid_t parent);

/* Close every descriptor from `first` on. */
void confine_close_from(unsigned int first);

/* Why a required layer is missing from this kernel, or NULL. */
const char *confine_unavailable(void);

/* The kernel's Landlock ABI, 0 without. */
int confine_landlock_abi(void);

#endif
