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
	bool pool = argc == 1 && strcmp(argv[0], SPAWNER_POOL_TITLE) == 0;

	if (argc != 1 || (!pool && strcmp(argv[0], SPAWNER_TITLE) != 0))
		return;
	log_init(pool ? "pool-spawner" : "spawner", LOG_KIND_STREAM, LOG_INFO);
	confine_check_environment();
	title_init(argc, argv);
	title_set(pool ? SPAWNER_POOL_TITLE : SPAWNER_TITLE);
	spawner_main(pool ? ISOLATION_POOL : ISOLATION_CONNECTION);
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
