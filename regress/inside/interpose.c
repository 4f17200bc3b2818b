/*
 * The same allocators by their own names, for shared libraries; linked into
 * programs that have such (inside.mk).
 */
#include <stdlib.h>

#include "allocations.h"

/* By this it is asked for. */
extern const int inside_interposes;
const int inside_interposes = 1;

void *
malloc(size_t n)
{
	return __wrap_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return __wrap_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return __wrap_realloc(p, n);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	return __wrap_reallocarray(p, n, size);
}

void *
aligned_alloc(size_t alignment, size_t n)
{
	return __wrap_aligned_alloc(alignment, n);
}

int
posix_memalign(void **p, size_t alignment, size_t n)
{
	return __wrap_posix_memalign(p, alignment, n);
}
