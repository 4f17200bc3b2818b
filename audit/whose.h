/*
 * Whose process it may be, by the program and by the name that it has.
 */
#ifndef POSTERN_WHOSE_H
#define POSTERN_WHOSE_H

#include <stdbool.h>

#include "policy.h"

/* Is it a process of the program in a file of this name? */
bool whose_program(enum policy_id id, const char *file);

/* May the kernel have this name of it, of 15 bytes at most (comm)? */
bool whose_name(enum policy_id id, const char *comm);

#endif
