/*
 * Allocators that count (allocations.c).
 */
#ifndef INSIDE_ALLOCATIONS_H
#define INSIDE_ALLOCATIONS_H

#include <stddef.h>

extern unsigned long inside_allocations;

void	*__wrap_malloc(size_t n);
void	*__wrap_calloc(size_t n, size_t size);
void	*__wrap_realloc(void *p, size_t n);
void	*__wrap_reallocarray(void *p, size_t n, size_t size);
void	*__wrap_aligned_alloc(size_t alignment, size_t n);
int	 __wrap_posix_memalign(void **p, size_t alignment, size_t n);

#endif
