/*
 * posternd: supervisor.  Root, without keys and without input but signals,
 * child exits, and a pipe from each parent on which any byte means progress
 * and end of file "replace me now".
 */
#ifndef POSTERN_SUPERVISOR_H
#define POSTERN_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "log.h"
#include "metrics.h"
#include "siphash.h"

/* What holds for the supervisor's life, whatever is reloaded. */
struct supervisor {
	const char	*config_path;
	bool		 one_uid;		/* -U */
	bool		 verbose;		/* -v */
	bool		 rehearsal;		/* a throw-away (rehearsal.h) */
	char		 user[CONFIG_NAME_MAX], worker_user[CONFIG_NAME_MAX];
	char		 resolver_user[CONFIG_NAME_MAX];
	char		 exporter_user[CONFIG_NAME_MAX];
	char		 dialer_user[CONFIG_NAME_MAX];
	uid_t		 uid, worker_uid, resolver_uid, exporter_uid;
	uid_t		 dialer_uid;
	gid_t		 gid, worker_gid, resolver_gid, exporter_gid;
	gid_t		 dialer_gid;
	int		 daemon_exe, worker_exe;	/* held open: O_PATH */
	int		 board, board_to_read;	/* one memfd */
	uint32_t	 slots;
	uint8_t		 crowd_key[SIPHASH_KEY];	/* for this life */
	enum log_kind	 log_kind;
	int		 background;		/* -b: tell here, or -1 */
	int		 pid_file;		/* locked for our life, or -1 */
	int		 terminal;	/* stderr, where the log is not; -1 */
};

extern struct supervisor supervisor;

/* Milliseconds of the monotonic clock. */
int64_t supervisor_now(void);

/* The earlier of two times from now (ms), of which -1 is never. */
int64_t supervisor_sooner(int64_t a, int64_t b);

/* A reload has come to nothing: event=reload, counted. */
void supervisor_reload_failed(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* What the service manager is told, if that is new (notify.h). */
void supervisor_tell_manager(void);

/* Serve with this first configuration; returns the exit code. */
int supervisor_run(const struct config *first);

/* ---- generation.c -------------------------------------------------------- */

/* At most so many generations have sessions at once. */
#define GENERATIONS_MAX 4

enum generation_state { GENERATION_NONE, GENERATION_STARTING,
    GENERATION_SERVING, GENERATION_LEAVING };

/* Room for all parents of all generations, and their successors. */
#define SLOTS_PER_PARENT (GENERATIONS_MAX + 4)
_Static_assert(CONFIG_PARENTS_MAX * SLOTS_PER_PARENT == METRICS_SLOTS,
    "each slot has its line on the supervisor's page");

/*
 * Open the files of a configuration and judge what can be judged without
 * reading them (a key that others may read is refused).  One that is not named
 * becomes -1.  False after `why`.
 */
bool generation_open_files(const struct config *c, int file[FILE_COUNT],
    char *why, size_t why_size);

/*
 * Begin a generation: opens files, starts its parents.  By the watch, files
 * that would shut or open the door by accident are not taken, an older CRL for
 * one.  False after `why`.
 */
bool generation_start(const struct config *c, bool by_watch, char *why,
    size_t why_size);

/* A child ended with this wait status.  Returns -1, or the code with which
 * the whole service must end (the first generation could not start). */
int generation_reaped(pid_t pid, int status);

/* Fill `p` with the parents' pipes; returns their number (at most `max`). */
struct pollfd;
int generation_poll(struct pollfd *p, int max);
/* One of them has something to say. */
void generation_heard(const struct pollfd *p);

/*
 * Restart what is due, kill what is overdue, tell of newer files; ms until the
 * next of these, or -1.  To be called before generation_poll.
 */
int64_t generation_tick(void);

/* Has each parent that is ready told of progress of late? */
bool generation_well(void);

/* Pass a signal to every parent there is. */
void generation_signal_all(int sig);

/* Is any parent left?  Is a generation starting? */
bool generation_any(void);
bool generation_starting(void);

/* Could one more begin? */
bool generation_room(void);

/* From now on nothing is restarted. */
void generation_stop(void);

/* The number of the generation that serves, or 0; its configuration. */
uint32_t generation_number(void);
const struct config *generation_current(void);

/* ---- listener.c ---------------------------------------------------------- */

/*
 * The listening socket for an address: the one we have, or a new one.  -1
 * with errno set.  Sockets are ours and shared by all parents, so that what is
 * queued on one outlives each of them.
 */
int listener_get(const struct config_listen *l);

/* A new one, which is the caller's. */
int listener_open(const struct config_listen *l);

/* Before a stop: nobody new comes, and who waits in the queue stays there. */
void listener_turn_away(void);

/* Close those that neither configuration names (either may be NULL). */
void listener_close_unused(const struct config *a, const struct config *b);

#endif
