/*
 * What a stack of filters lets through, over all numbers and all entries into
 * the kernel.
 */
#ifndef POSTERN_REACH_H
#define POSTERN_REACH_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf.h"

/* Beyond the last number of any kernel today (about 470). */
#define REACH_NUMBERS	640

struct reach_call {
	uint8_t			 entry;		/* of machine_entries */
	uint32_t		 nr;
	enum bpf_verdict	 verdict;
	bool			 unfiltered;	/* the kernel asks no filter */
	char			 name[32];
	char			*limits;	/* in words; "" if none */
};

struct reach {
	struct sock_fprog	*stack;		/* a copy */
	size_t			 depth;
	struct reach_call	*call;
	size_t			 calls;
	struct reach		*next;
};

/* Walk them, or find that they were walked before; never freed. */
const struct reach *reach_of(const struct sock_fprog *stack, size_t depth);

/* The call of this machine's own with this number, or NULL. */
const struct reach_call *reach_find(const struct reach *r, uint32_t nr);

bool same_program(const struct sock_fprog *a, const struct sock_fprog *b);

#endif
