/*
 * Would this client be let in?  By the code that decides live, without one.
 */
#ifndef POSTERN_EXPLAIN_H
#define POSTERN_EXPLAIN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "config.h"

struct question {
	const char		*file;	/* a client's certificate, or NULL */
	struct sockaddr_storage	 from;	/* where the client is */
	struct sockaddr_storage	 proxy;	/* its balancer; family 0: none */
};

struct explain {
	const struct config	*config;
	struct question		 question;
	bool			 json;
	bool			 one_uid;	/* not started by root */
	int			 exe;		/* our own program: O_PATH */
};

/*
 * Give up root (but with -U) and all that a process needs not that parses what
 * it has read and says what it found: also for posternd -n.
 */
void explain_confine(bool one_uid);

/*
 * Print each rule, what it compared and its verdict, then the whole's; give up
 * root and confine the process before anything is parsed.  Returns 0 if the
 * client would be let in, EX_NOPERM if not; what cannot be read ends the
 * process with one line.
 */
int explain_run(const struct explain *e);

/* Print the table of words; 0, or EX_IOERR. */
int reasons_print(bool json);

#endif
