/*
 * Lines as somebody who means ill would have them.
 */
#ifndef AUDIT_GARBLE_H
#define AUDIT_GARBLE_H

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

/* Exactly as long as it is: a byte too far is noticed by a sanitizer. */
static inline char *
copy_exactly(const char *line, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	ATF_REQUIRE(copy != NULL);
	memcpy(copy, line, len);
	return copy;
}

/* The same numbers each time. */
static inline unsigned int
draw(unsigned int below)
{
	static unsigned int seed = 20261125;

	seed = seed * 1103515245U + 12345U;
	return (seed >> 8) % below;
}

/*
 * Into `line' one of the lines, of which a few bytes are some of the `odds' odd
 * ones, and which is cut off now and then: its length then.
 */
static inline size_t
garble(char *line, const char *const *lines, size_t count, const char *odd,
    size_t odds)
{
	const char *from = lines[draw((unsigned int)count)];
	unsigned int len = (unsigned int)strlen(from);

	memcpy(line, from, len + 1);
	for (unsigned int i = draw(6); i > 0; i--)
		line[draw(len)] = odd[draw((unsigned int)odds)];
	return draw(4) == 0 ? draw(len) : len;
}

#endif
