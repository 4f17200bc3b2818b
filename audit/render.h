/*
 * A row's limits in words: "fd == 3", "prot & PROT_EXEC == 0".
 */
#ifndef POSTERN_RENDER_H
#define POSTERN_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

/* Longest text of a row's limits, NUL included: three take less. */
#define RENDER_TEXT 768

/* One limit of a row, as C would write it. */
void render_limit(const struct policy_row *row, const struct policy_limit *l,
    char dst[RENDER_TEXT]);

/* All limits of the row, with ", " between them; "" if it has none. */
void render_limits(const struct policy_row *row, char dst[RENDER_TEXT]);

/* What the call's argument (0..5) is called, or "arg0" and so on. */
const char *render_argument(const char *call, unsigned int arg);

/*
 * A value by names that the argument can have, "SOCK_STREAM|SOCK_CLOEXEC", in
 * *value; false if there is one that it cannot.
 */
bool render_parse(const char *call, unsigned int arg, const char *text,
    uint64_t *value);

#endif
