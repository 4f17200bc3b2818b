/* libcrypto's error queue, with the words that come with an error. */
#ifndef POSTERN_CLIENT_ERRORS_H
#define POSTERN_CLIENT_ERRORS_H

/*
 * Take the oldest error; 0 if there is none.  *data: what is said beside its
 * code, "" if nothing; valid until the next error is queued.
 */
unsigned long errors_next(const char **data);

#endif
