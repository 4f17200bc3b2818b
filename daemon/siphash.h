/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): who does not know the key cannot
 * tell which inputs fall together.
 */
#ifndef POSTERN_SIPHASH_H
#define POSTERN_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len);

#endif
