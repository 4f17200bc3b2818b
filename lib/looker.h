/*
 * What somebody else wrote is looked at by a process that can do nothing but
 * write down what it found: no root, no file, no network, no other call.
 */
#ifndef POSTERN_LOOKER_H
#define POSTERN_LOOKER_H

#include <sys/types.h>

/*
 * What would open a file or ask for one later is done now: standard output has
 * its buffer, and local time is UTC.  Ends the program where it could not be
 * confined.
 */
void looker_prepare(void);

/*
 * Confine this process for good; all that it is to read it has read.  From
 * here on it can write to standard output and error.  `parent`: it ends with
 * that process, which started it; 0: with none.
 */
void looker_confine(pid_t parent);

#endif
