/*
 * One good and one refused handshake, in memory.
 */
#ifndef POSTERN_WARMUP_H
#define POSTERN_WARMUP_H

#include <tls.h>

#include "beneath.h"
#include "config.h"

/*
 * The first time, libcrypto loads and caches what a confined process could
 * not; run once more under the filter, it proves that the filter suffices.
 * Ends the process if the good handshake fails or the other, a stranger's at
 * our own gate, succeeds.
 */
void warmup(struct tls *server, const struct gate *gate,
    const struct config *config);

#endif
