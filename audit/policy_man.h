#ifndef POSTERN_POLICY_MAN_H
#define POSTERN_POLICY_MAN_H

#include <stdbool.h>

#include "policy.h"

/* Print the manual page of the tables of these processes, in mdoc(7). */
void policy_man(const bool wanted[POLICY_COUNT]);

#endif
