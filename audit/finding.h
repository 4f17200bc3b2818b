/*
 * What an audit has found: a verdict and words, for each aspect of a process.
 */
#ifndef POSTERN_FINDING_H
#define POSTERN_FINDING_H

#include <stdbool.h>
#include <stddef.h>

/* The columns of the summary, in their order. */
enum aspect {
	ASPECT_TREE,		/* whose child it is, and its name of itself */
	ASPECT_PROGRAM,
	ASPECT_FILTERS,		/* as installed, against the tables */
	ASPECT_REACH,		/* what they let through */
	ASPECT_USER,
	ASPECT_CAPS,
	ASPECT_NNP,
	ASPECT_NAMESPACES,
	ASPECT_ROOT,
	ASPECT_LANDLOCK,
	ASPECT_LOCK_NET,
	ASPECT_LOCK_SCOPE,
	ASPECT_LIMITS,
	ASPECT_HIDDEN,		/* neither dumpable nor traced */
	ASPECT_DEATH,		/* ends with its parent */
	ASPECT_FILES,		/* descriptors */
	ASPECT_ENVIRONMENT,
	ASPECT_MEMORY,		/* mappings */
	ASPECT_MDWE,
	ASPECT_KEY,
	ASPECT_COUNT
};

enum verdict {
	VERDICT_NONE,		/* nothing is declared of it */
	VERDICT_PASSED,
	VERDICT_ONE_UID,	/* -U: weaker, and known to be */
	VERDICT_ABSENT,		/* this kernel does not have it */
	VERDICT_FAILED,
	VERDICT_COUNT
};

struct finding {
	enum verdict	 verdict;
	char		*text;		/* ours; printable; NULL: none */
};

/* Words that never change ("no-new-privs"), and a column's head ("nnp"). */
const char *aspect_name(enum aspect a);
const char *aspect_head(enum aspect a);
const char *verdict_name(enum verdict v);

/*
 * Note something of an aspect.  Of several verdicts the last in the order
 * above counts; the words of all that count alike are kept, the first 8.
 */
void note(struct finding f[ASPECT_COUNT], enum aspect a, enum verdict v,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

bool findings_failed(const struct finding f[ASPECT_COUNT]);
bool findings_equal(const struct finding a[ASPECT_COUNT],
    const struct finding b[ASPECT_COUNT]);
void findings_clear(struct finding f[ASPECT_COUNT]);

#endif
