/*
 * What somebody else wrote is looked at by a process that can do nothing but
 * write down what it found: no root, no file, no network, no other call.
 */
#ifndef POSTERN_CERTGEN_CONFINED_H
#define POSTERN_CERTGEN_CONFINED_H

#include "output.h"

/*
 * Confine this process for good; all that it is to read it has read.  From
 * here on it can write to standard output and error.
 */
void confined_from_here(void);

/*
 * Run work(m, arg) in a confined child and take over what it has made: its
 * files' bytes are written by this process, which does not look into them.
 * `arg` and the keys that it leads to are copies there.  Returns 0, or the
 * exit code with which the child ended after it said why.
 */
int confined_work(void (*work)(struct made *m, void *arg), struct made *m,
    void *arg);

#endif
