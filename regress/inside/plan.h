/*
 * The programs that play a compromised or broken postern, from inside.
 *
 * They are the real ones, of the same objects, with these files linked in and
 * some functions wrapped (ld(1), --wrap).  What they do wrong is told by a file
 * `plan' in the directory that the program lies in, read when it starts, before
 * it is confined.  Without one they do what the real ones do.  A line of it:
 *
 *	PROCESS VERB [ARGUMENT...]
 *
 *	parent remove log 2	row 2 of group log is not in its table
 *	parent loosen log 2 0	that row's limit 0 is not
 *	parent add getppid	one more row, without limits
 *	init sabotage NAME	a step of confinement goes wrong: sabotage.c
 *	echo attack NAME	does that when told: attack.c; `*': any
 *	pool matrix		tries every system call: matrix.c
 *
 * PROCESS is a name of a table in lib/policy.c, or `*'.  Rows and limits are
 * counted from 0.
 */
#ifndef INSIDE_PLAN_H
#define INSIDE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#define PLAN_LINES	64
#define PLAN_WORDS	5

struct plan_line {
	const char	*word[PLAN_WORDS];	/* NULL: there is none */
};

/*
 * The next line for the process with the verb, from *at on (0: the first),
 * which then is behind it; NULL: no more.
 */
const struct plan_line *plan_next(const char *process, const char *verb,
    size_t *at);

/* Is there a line for the process with the verb and this argument (or `*')? */
bool plan_has(const char *process, const char *verb, const char *arg);

/* Which process this is: the name of its table, once it has its title. */
const char *inside_process(void);

/* Memory for what a spawner's children have to say; before they are there. */
void matrix_prepare(void);

/* Pass it on, if there is anything: by the spawner, now and then. */
void matrix_tell(void);

/* Is this step of confinement to go wrong here (sabotage.c)? */
bool sabotage_has(const char *name);

/* Take the number of the telling signal; nothing that can be waited for. */
void attack_arm(void);

#endif
