#include "reach.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* Numbers that no table has: what a comparison with a sign would get wrong. */
static const uint32_t extreme[] = { 0x3fffffffU, 0x7fffffffU, 0x80000000U,
    0xbfffffffU, 0xffffffffU };

static struct reach *known;

bool
same_program(const struct sock_fprog *a, const struct sock_fprog *b)
{
	return a->len == b->len &&
	    memcmp(a->filter, b->filter, a->len * sizeof *a->filter) == 0;
}

static struct reach *
find(const struct sock_fprog *stack, size_t depth)
{
	for (struct reach *r = known; r != NULL; r = r->next) {
		size_t i = 0;

		while (r->depth == depth && i < depth &&
		    same_program(&r->stack[i], &stack[i]))
			i++;
		if (r->depth == depth && i == depth)
			return r;
	}
	return NULL;
}

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static struct reach *
copy_stack(const struct sock_fprog *stack, size_t depth)
{
	struct reach *r = must(calloc(1, sizeof *r));

	r->stack = must(calloc(depth + 1, sizeof *r->stack));
	r->depth = depth;
	for (size_t i = 0; i < depth; i++) {
		size_t size = stack[i].len * sizeof *stack[i].filter;

		r->stack[i].len = stack[i].len;
		r->stack[i].filter = must(malloc(size + 1));
		memcpy(r->stack[i].filter, stack[i].filter, size);
	}
	return r;
}

/* i386 and x32 have names of their own; of an unknown machine nobody knows. */
static void
name_of(const struct machine_entry *m, uint32_t nr, char dst[32])
{
	char *name = seccomp_syscall_resolve_num_arch(m->bit != 0 ?
	    SCMP_ARCH_X32 : m->arch, (int)nr);

	if (name != NULL && strlen(name) < 32)
		strcpy(dst, name);
	else
		snprintf(dst, 32, "%#x", (unsigned)nr);
	free(name);
}

static void
walk_one(struct reach *r, size_t entry, uint32_t nr)
{
	static struct bpf_reach found;
	const struct machine_entry *m = &machine_entries[entry];
	struct reach_call c = { .entry = (uint8_t)entry, .nr = nr };
	const char *unfiltered;
	char limits[1024];

	bpf_walk(r->stack, r->depth, m->arch, nr, &found);
	unfiltered = entry == 0 ? machine_unfiltered(m->arch, nr) : NULL;
	c.unfiltered = unfiltered != NULL;
	if (found.verdict == BPF_REFUSED && !c.unfiltered)
		return;
	c.verdict = found.verdict;
	name_of(m, nr, c.name);
	if (c.unfiltered)
		snprintf(c.name, sizeof c.name, "%s", unfiltered);
	bpf_describe(&found, c.name, limits, sizeof limits);
	c.limits = must(strdup(limits));
	r->call = must(reallocarray(r->call, r->calls + 1, sizeof *r->call));
	r->call[r->calls++] = c;
}

const struct reach *
reach_of(const struct sock_fprog *stack, size_t depth)
{
	struct reach *r = find(stack, depth);

	if (r != NULL)
		return r;
	r = copy_stack(stack, depth);
	for (size_t e = 0; machine_entries[e].name != NULL; e++) {
		for (uint32_t nr = 0; nr < REACH_NUMBERS; nr++)
			walk_one(r, e, nr | machine_entries[e].bit);
		for (size_t i = 0; i < sizeof extreme / sizeof extreme[0]; i++)
			walk_one(r, e, extreme[i]);
	}
	r->next = known;
	known = r;
	return r;
}

const struct reach_call *
reach_find(const struct reach *r, uint32_t nr)
{
	for (size_t i = 0; i < r->calls; i++)
		if (r->call[i].entry == 0 && r->call[i].nr == nr)
			return &r->call[i];
	return NULL;
}
