/*
 * A process as /proc shows it.  Whatever the process had a say in (its title,
 * names of mappings, what links point to) is hostile, bounded, and escaped
 * when it is shown.
 */
#ifndef POSTERN_PROC_H
#define POSTERN_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum proc_capset { CAPS_INH, CAPS_PRM, CAPS_EFF, CAPS_BND, CAPS_AMB,
	CAPS_COUNT };

enum proc_ns { NS_USER, NS_MNT, NS_NET, NS_IPC, NS_UTS, NS_CGROUP, NS_PID,
	NS_PID_CHILDREN, NS_TIME, NS_TIME_CHILDREN, NS_COUNT };

/* One namespace's, and its file's, identity. */
struct proc_id {
	dev_t	dev;
	ino_t	ino;
};

struct proc_status {
	char		state;			/* 'R', 'S', ... 'Z' */
	pid_t		ppid, tracer;
	pid_t		inner;		/* its pid in its own namespace */
	uid_t		uid[4];			/* real, effective, saved, fs */
	gid_t		gid[4];
	unsigned int	groups;			/* how many supplementary */
	uint64_t	cap[CAPS_COUNT];
	int		no_new_privs, seccomp, filters;
};

/* From stat: its group, ticks since boot, and where its arguments and environment lie. */
struct proc_birth {
	pid_t		group;			/* of processes */
	uint64_t	start;
	bool		kernel;			/* a thread of the kernel's */
	bool		exiting;		/* or a zombie */
	uint64_t	threads;
	uint64_t	arg_start, arg_end, env_start, env_end;
};

struct proc_mapping {
	uint64_t	start, end, offset;
	char		prot[5];		/* "rw-p" */
	dev_t		dev;
	ino_t		ino;
	char		name[128];		/* hostile */
};

/*
 * A process that is kept open: its directory in /proc, which is nobody else's
 * even when the pid is used again.  -1 with errno set.
 */
int proc_open(pid_t pid);

/* All below are false with errno set; ENOENT and ESRCH: it is gone. */
bool proc_status(int dir, struct proc_status *s);
/* The same of one of its threads. */
bool proc_thread_status(int dir, pid_t tid, struct proc_status *s);
bool proc_birth(int dir, struct proc_birth *b);

/* What it calls itself, escaped and cut at `size`. */
bool proc_title(int dir, char *title, size_t size);

/* Read a whole file of it, `size` bytes at most, which is an error if more. */
bool proc_read(int dir, const char *name, char *dst, size_t size, size_t *len);

/* The target of a link ("exe", "fd/3"), NUL-terminated, cut at `size`. */
bool proc_link(int dir, const char *name, char *dst, size_t size);

/* What the link leads to (stat(2)). */
bool proc_stat(int dir, const char *name, struct stat *st);

/* Its namespaces.  One that this kernel does not have is all zero. */
bool proc_namespaces(int dir, struct proc_id id[NS_COUNT]);
const char *proc_ns_name(enum proc_ns ns);

/*
 * Its mappings, malloc'ed and the caller's; false as well if a line is not
 * understood (EPROTO) or there are too many (E2BIG).
 */
bool proc_mappings(int dir, struct proc_mapping **maps, size_t *count);

/* Numbers that name a directory ("task", "fd"): malloc'ed, ascending. */
bool proc_numbers(int dir, const char *name, int **number, size_t *count);

/* Is this errno that of a process that has ended? */
bool proc_gone(int error);

bool proc_same_id(const struct proc_id *a, const struct proc_id *b);

#endif
