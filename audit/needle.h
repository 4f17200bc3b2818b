/*
 * What to search memory for: the secret parts of a private key, as they would
 * lie there; and its public part, which whoever has a certificate for it has in
 * that.
 */
#ifndef POSTERN_NEEDLE_H
#define POSTERN_NEEDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a key: EC has a scalar, RSA five numbers; each in two byte orders. */
#define NEEDLES		16
#define NEEDLE_BYTES	1024	/* RSA's exponent with 8192 bits */

struct needle {
	uint32_t	len;
	char		what[28];	/* "scalar", "PEM body" */
	uint8_t		data[NEEDLE_BYTES];
};

/* `count` 0: it is no private key. */
struct needles {
	uint32_t	count;
	struct needle	needle[NEEDLES];
	struct needle	known;		/* the public part */
};

/*
 * Those of the key in the `len` bytes at `pem`, which a confined child parses.
 * False, with words, if that child failed.
 */
bool needles_of(const uint8_t *pem, size_t len, struct needles *n, char *why,
    size_t why_size);

#endif
