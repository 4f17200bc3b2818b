/*
 * posternd --status: one screen about the service, from its exporter.
 */
#ifndef POSTERN_STATUS_H
#define POSTERN_STATUS_H

#include <stdbool.h>

#include "config.h"

struct status {
	const struct config	*config;
	bool			 json;
	bool			 one_uid;	/* not started by root */
};

/*
 * Ask, then give up root and confine the process, and only then read what was
 * answered, for the exporter may not be ours any more.  Prints it; 0, or
 * EX_IOERR.  Ends the process with one line where nobody answers.
 */
int status_run(const struct status *s);

#endif
