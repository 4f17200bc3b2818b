/*
 * What libconfuse would let pass in silence: a key or section given twice
 * (the last would win), +=, ${VARIABLE}, and a file cut short in a section or
 * comment.
 */
#ifndef POSTERN_CONFIG_SCAN_H
#define POSTERN_CONFIG_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* False after "FILE:LINE: what" in `why`. */
bool config_scan(const char *file, const char *text, char *why,
    size_t why_size);

#endif
