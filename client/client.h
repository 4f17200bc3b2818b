/*
 * One run of the program: what its commands are given, and give back.
 */
#ifndef POSTERN_CLIENT_CLIENT_H
#define POSTERN_CLIENT_CLIENT_H

#include "addr.h"
#include "options.h"
#include "session.h"
#include "verdict.h"

struct client {
	const struct options	*o;
	struct session		*session;
	struct verdict_context	 context;
	struct verdict		 verdict;
	char			 peer[ADDR_TEXT];  /* "": not connected */
	char			 distrust[512];	/* why the server is not who it
						 * should be; "": it is, or
						 * this is not known */
};

/* A command: its parts, of which each but `run` may be NULL. */
struct task {
	/* Before anything is connected: what needs files or a terminal. */
	void	(*prepare)(struct client *);
	/* The server is who it should be; sets the verdict. */
	void	(*run)(struct client *);
	/* At the end, however it came: the result, on standard output. */
	void	(*report)(struct client *);
};

extern const struct task inspect_task, ping_task, send_task;

#endif
