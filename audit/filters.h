/*
 * Filters as installed, against those that the tables compile to.
 */
#ifndef POSTERN_FILTERS_H
#define POSTERN_FILTERS_H

#include "service.h"

void check_filters(struct service *s, struct subject *p,
    const struct sock_fprog *stack, size_t depth);

#endif
