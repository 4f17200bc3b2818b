/*
 * What was used of the tables, as traces show it: uses.c counts, follow.c reads
 * a trace, coverage.c is the command, coverage_tell.c says what came out.
 */
#ifndef POSTERN_COVERAGE_H
#define POSTERN_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match.h"
#include "source.h"
#include "strace.h"

/*
 * A process under its own filter uses rows of its own groups.  One that was
 * started under another's, and has none of its own yet, uses the groups of its
 * set-up, which that other's filter has for it.
 */
enum phase { PHASE_OWN, PHASE_SETUP };

struct use {
	struct place	place;
	int		nr;
	uint64_t	count;
};

/* The rows that a process may use in a phase, by the number of the call. */
struct uses {
	struct use	*use;
	size_t		 count;
};

/* A call that none of these rows allows. */
struct odd {
	enum policy_id		 id;	/* PHASE_SETUP: whose filter it was */
	enum phase		 phase;
	struct strace_line	 call;	/* without its text */
	/* The filter allows it, but for whom it was made; NULL: not at all. */
	const struct policy_group *other;
	const char		*file;
	size_t			 line;	/* where it is first */
	uint64_t		 count;
};

/* Of one call so many are kept apart. */
#define ODD_EACH	4

/* A file that cannot be read to its end. */
struct fault {
	const char	*file;
	char		 why[160];
};

struct coverage {
	struct uses	 uses[POLICY_COUNT][2];		/* by enum phase */
	unsigned short	 length[POLICY_COUNT];		/* of the filters */
	struct odd	*odd;
	size_t		 odds, odd_room;
	struct fault	*fault;
	size_t		 faults, fault_room;
	size_t		 files, whole;	/* read to their end */
	uint64_t	 processes, calls;	/* with a filter; under one */
};

/* Where in the traces. */
struct spot {
	const char	*file;
	size_t		 line;
};

/* Take in all tables; ends the program if one does not compile here. */
void uses_begin(struct coverage *c);

/*
 * A call was made.  False if that cannot be told: a row limits an argument that
 * is no number there.
 */
bool uses_note(struct coverage *c, enum policy_id id, enum phase phase,
    const struct strace_line *call, const struct spot *at);

/* A call has killed its process. */
void uses_note_kill(struct coverage *c, enum policy_id id, enum phase phase,
    const struct strace_line *call, const struct spot *at);

/* Follow the processes of a trace; what is wrong with it becomes a fault. */
void follow(struct coverage *c, const struct source *trace);

void coverage_fault(struct coverage *c, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One element more in an array, which may move; ends the program at worst. */
void *coverage_grow(void *array, size_t count, size_t *room, size_t size);

/* Rows that were not used, but for the reserve's. */
size_t coverage_unused(const struct coverage *c);

void coverage_tell(const struct coverage *c);
void coverage_print(const struct coverage *c);

#endif
