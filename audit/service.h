/*
 * The running service as an audit sees it: its supervisor, and every process
 * beneath.
 */
#ifndef POSTERN_AUDIT_SERVICE_H
#define POSTERN_AUDIT_SERVICE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "declared.h"
#include "finding.h"
#include "layers.h"
#include "policy.h"
#include "proc.h"
#include "reach.h"

struct subject {
	pid_t			 pid;
	int			 dir;		/* /proc/PID, kept open */
	uint64_t		 start;
	const struct subject	*parent;	/* NULL: the supervisor, orphan */
	const struct declared	*declared;	/* NULL: nobody of ours */
	char			 title[128];	/* escaped */
	struct proc_status	 status;
	struct proc_id		 ns[NS_COUNT];
	const struct reach	*reach;		/* of its filters; NULL */
	struct finding		 finding[ASPECT_COUNT];
	size_t			 threads;
	int64_t			 stopped;	/* ns, the longest stop */
	bool			 left;		/* its spawner has died */
	bool			 orphan;	/* beneath no supervisor */
	bool			 audited;
	bool			 gone;		/* ended by itself: no fault */
	bool			 wrong;		/* in what no moment excuses */
	bool			 unfledged;	/* followed, got no filter */
	bool			 killed;	/* meanwhile */
};

/* Does it count?  What was wrong and has ended does; nothing else is over. */
static inline bool
subject_counts(const struct subject *p)
{
	return !p->gone || p->wrong;
}

struct service {
	struct subject		**all;		/* the supervisor first */
	size_t			  count;
	bool			  one_uid;	/* -U */
	struct stat		  program[2];	/* by enum program */
	bool			  has_worker;	/* program[PROGRAM_WORKER] */
	struct stat		  log;		/* the supervisor's 2 */
	int			  board;	/* to read; -1: there is none */
	off_t			  page_at;	/* in it: the supervisor's */
	struct proc_id		  init_ns[NS_COUNT];
	struct sock_fprog	  table[POLICY_COUNT];	/* compiled */
	bool			  layer[LAYER_COUNT];	/* of this kernel */
	size_t			  filters_around;	/* the supervisor's */
};

/*
 * Which pid is the service's supervisor?  `wanted` chooses one, 0 takes the
 * only one there is.  Ends the program with one line if there is none, or more
 * than one, or `wanted` is none.
 */
pid_t service_find(pid_t wanted);

/* Begin with the supervisor; ends the program if it cannot be looked at. */
void service_open(struct service *s, pid_t supervisor);

/* Add all processes beneath that are not known yet; returns how many. */
size_t service_scan(struct service *s);

/* Add those of the service that are beneath nobody known; and what is theirs. */
void service_find_orphans(struct service *s);

bool service_is_supervisor(pid_t pid);

/*
 * What is known of a subject, read (again).  False if it is gone, or there is
 * a failure that ends its audit, which is noted then.
 */
bool subject_refresh(struct service *s, struct subject *p);

/* Has it ended?  To be asked when something of it could not be read. */
bool subject_ended(struct subject *p);
bool subject_is_over(const struct subject *p);

/* Is the supervisor's root ours, too?  Else its users may be others. */
bool service_is_here(const struct service *s);

bool subject_is_spawner(const struct subject *p);

/*
 * The spawner that has forked it, if that has not ended: its parent, or that of
 * the init to which it was left.  NULL: none of ours.
 */
const struct subject *subject_spawner(const struct subject *p);

/*
 * Of a dialer: the address that lies where its filter wants it.  False with
 * errno set.
 */
bool subject_dials(const struct subject *p, struct sockaddr_storage *ss);

/* How many filters lie on one that is declared so, those around included. */
size_t subject_filters(const struct service *s, const struct declared *d);

/* Has it fewer filters than it is to have? */
bool subject_starting(const struct service *s, const struct subject *p);

/* Note that something of it could not be read: a failure, unless it ended. */
void note_unread(struct subject *p, enum aspect a, const char *what);

/* True if the kernel does not have the layer, which is noted. */
bool note_absent(const struct service *s, struct subject *p, enum aspect a,
    enum layer l);

/*
 * One whom a spawner has just forked is followed until it has a filter of its
 * own.  If it comes to none it is p->unfledged; false if it has ended so, which
 * is noted.
 */
bool check_start(const struct service *s, struct subject *p);

/*
 * The aspects, each in the file of its name.  They note what they find; none
 * but the last stops the process.
 */
void check_tree(const struct service *s, struct subject *p);
void check_program(const struct service *s, struct subject *p);
void check_user(const struct service *s, struct subject *p);
void check_namespaces(const struct service *s, struct subject *p);
void check_root(const struct service *s, struct subject *p);
void check_limits(const struct service *s, struct subject *p);
void check_files(const struct service *s, struct subject *p);
void check_environment(const struct service *s, struct subject *p);
void check_memory(const struct service *s, struct subject *p);
void check_death(const struct service *s, struct subject *p);
void check_stopped(struct service *s, struct subject *p);

/* Of all together: no two kinds share a uid or a gid. */
void check_users_differ(struct service *s);

/* Search all memory for the key of every generation. */
void check_keys(struct service *s);

#endif
