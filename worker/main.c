/*
 * postern-worker: the program without keys, without a network and without a
 * TLS library.  It is started by a parent of posternd; its first argument
 * vector entry is its role, which is also what ps(1) shows.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "channel.h"
#include "confine.h"
#include "log.h"
#include "title.h"
#include "worker.h"

static void
take_role(int argc, char **argv)
{
	enum spawner_kind kind = SPAWNER_ECHO;

	while (argc == 1 && kind < SPAWNER_KINDS &&
	    strcmp(argv[0], spawner_title[kind]) != 0)
		kind++;
	if (argc != 1 || kind == SPAWNER_KINDS)
		return;
	log_init(strchr(spawner_title[kind], ' ') + 1, LOG_KIND_STREAM,
	    LOG_INFO);
	confine_check_environment();
	title_init(argc, argv);
	title_set(spawner_title[kind]);
	spawner_main(kind);
}

int
main(int argc, char **argv)
{
	take_role(argc, argv);
	if (argc == 2 && strcmp(argv[1], "-V") == 0) {
		puts("postern-worker " POSTERN_VERSION);
		return 0;
	}
	fputs("postern-worker: is started by posternd, not by hand; "
	    "see posternd(8)\n", stderr);
	return EX_USAGE;
}
