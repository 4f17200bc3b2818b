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

/* Debian 12's headers have no such name; the numbers are the kernel's own. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE			65
#define PR_GET_MDWE			66
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

/* No worker is without these. */
#define CONFINE_NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | \
	CLONE_NEWPID)

/* no_new_privs: no later exec gives more than this process has. */
void confine_no_new_privs(void);

/* Not dumpable, not traceable by its own uid; no core file. */
void confine_hide(void);

/*
 * No memory is both writable and executable, or becomes executable, here and
 * in all that is started from here (PR_SET_MDWE(2const), Linux 6.3).  Without
 * effect where the kernel has it not (layers.h).
 */
void confine_no_new_code(void);

/*
 * Become uid and gid for good, without supplementary groups and without any
 * capability, bounding and ambient set included.
 */
void confine_drop_user(uid_t uid, gid_t gid);

/* The groups that root's shell has given it, say.  It takes CAP_SETGID. */
void confine_drop_groups(void);

/* Empty all capability sets (of this user namespace), bounding set too. */
void confine_drop_capabilities(void);

/*
 * Keep only these capabilities, in the bounding set too; `mask` by bit.  Which
 * of them are not there stays so.
 */
void confine_keep_capabilities(uint64_t mask);

/*
 * A user namespace of its own, in which its user and group are mapped, and no
 * others: so it can have others beneath it.  All capabilities over it are its
 * then.  To be called as long as its files in /proc are its user's, as they are
 * of who was executed and has changed nothing.
 */
void confine_own_users(void);

/* Both: in such a namespace, and for good another user, with no capability. */
void confine_drop_user_mapped(uid_t uid, gid_t gid);

/* chroot to a directory that is empty and, being removed already, stays so. */
void confine_empty_root(void);

/*
 * Who has just been executed as root, and what is to become of it.  With -U
 * there is no user to become: a user namespace of its own takes the place of
 * root's capabilities, and keeps whatever else runs as this user out.
 */
struct confine_heir {
	bool	one_uid;		/* -U */
	uid_t	uid;			/* unused with -U */
	gid_t	gid;
	pid_t	parent;			/* whose death is its own */
	enum { CONFINE_ROOT_KEPT, CONFINE_ROOT_EMPTY } root;
	bool	own_users;		/* it has, even as root's */
};

/* Give root up, in the one order that is possible (drop_root.c). */
void confine_drop_root(const struct confine_heir *h);

/* A terminal's, or a service manager's to all, are for the supervisor. */
void confine_ignore_signals(void);

/*
 * Landlock: no file, no TCP port, no signal and no abstract socket outside
 * (as far as the kernel's Landlock goes).
 */
void confine_landlock(void);

/*
 * The same, but signals are left to a pid namespace to keep in: workers are in
 * a domain beside init's.
 */
void confine_landlock_init(void);

/*
 * The same as the first, but TCP connections to these ports (host byte order)
 * stay.
 */
void confine_landlock_connect(const uint16_t *port, size_t ports);

/*
 * Landlock for who starts others, which must still mount: no signal to any
 * process but what is started from here, where the kernel has that.
 */
void confine_landlock_signals(void);

/* Be killed when the process that started us ends; `parent` is its pid. */
void confine_die_with_parent(pid_t parent);

/*
 * To be called when no change of user, capabilities or namespaces follows, for
 * such a change may undo what was asked for before it.  Is it not dumpable,
 * under no_new_privs, and without supplementary groups (but with -U, where
 * they cannot be given up)?  Is it still to die with its parent?
 */
void confine_check_settled(bool one_uid);
void confine_check_dies_with_parent(void);

/*
 * What an executed process must have been given: no environment (to be asked
 * before title_init), and descriptors 0 to `count` - 1 and no others.
 */
void confine_check_environment(void);
void confine_check_descriptors(int count);

/* Close every descriptor from `first` to `last`, and from `first` on. */
void confine_close_range(unsigned int first, unsigned int last);
void confine_close_from(unsigned int first);

/* Why a required layer is missing from this kernel, or NULL. */
const char *confine_unavailable(void);

/* The kernel's Landlock ABI, 0 without. */
int confine_landlock_abi(void);

#endif
