/*
 * What a stack of seccomp programs lets through, found by walking them: with
 * the machine and the number of the call known, and its arguments not, every
 * way through to "allow" is followed, and what was compared on it is kept.
 */
#ifndef POSTERN_BPF_H
#define POSTERN_BPF_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* The 32-bit words of six arguments, low half first, and of the caller's ip. */
#define BPF_WORDS	14
/*
 * More comparisons on one way, more ways, or more branches on the search for
 * them, and the answer is "unclear": a hostile program has no end otherwise.
 */
#define BPF_TESTS	64
#define BPF_WAYS	64
#define BPF_TURNS	20000

enum bpf_relation { BPF_IS, BPF_IS_NOT, BPF_ABOVE, BPF_NOT_ABOVE };

/* (word & mask) RELATION value */
struct bpf_test {
	uint8_t		word;
	uint8_t		relation;	/* enum bpf_relation */
	uint32_t	mask, value;
};

/* One way through: all of its tests hold. */
struct bpf_way {
	size_t		count;
	struct bpf_test	test[BPF_TESTS];
};

enum bpf_verdict {
	BPF_REFUSED,		/* whatever the arguments */
	BPF_LIMITED,		/* on one of the ways */
	BPF_FREE,		/* whatever the arguments */
	BPF_UNCLEAR		/* the program does what this cannot follow */
};

struct bpf_reach {
	enum bpf_verdict	verdict;
	size_t			ways;
	struct bpf_way		way[BPF_WAYS];	/* none implies another */
};

/*
 * Walk the `depth` programs, all of which must allow.  A call that is logged,
 * traced or handed to another process counts as let through: only an errno, a
 * signal or death do not.
 */
void bpf_walk(const struct sock_fprog *stack, size_t depth, uint32_t arch,
    uint32_t nr, struct bpf_reach *r);

/*
 * The limits in the words that the tables have for them, "fd == 3 || fd == 4";
 * "" if there are none.  Cut, with "...", if `size` does not do.
 */
void bpf_describe(const struct bpf_reach *r, const char *call, char *dst,
    size_t size);

#endif
