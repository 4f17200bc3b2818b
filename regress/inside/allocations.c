/*
 * How often a process has allocated memory, by whichever part or library of it:
 * a number that root can read in its memory (allocations_test).
 *
 * What is linked in is wrapped; libraries that are shared find a program's own
 * functions in the place of the C library's (interpose.c).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "allocations.h"

unsigned long inside_allocations;

/* The C library's own, by the names that it keeps for this. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

void *
__wrap_malloc(size_t n)
{
	inside_allocations++;
	return __libc_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	inside_allocations++;
	return __libc_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	inside_allocations++;
	return __libc_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return __wrap_realloc(p, n * size);
}

void *
__wrap_aligned_alloc(size_t alignment, size_t n)
{
	inside_allocations++;
	return __libc_memalign(alignment, n);
}

int
__wrap_posix_memalign(void **p, size_t alignment, size_t n)
{
	inside_allocations++;
	*p = __libc_memalign(alignment, n);
	return *p == NULL ? ENOMEM : 0;
}
