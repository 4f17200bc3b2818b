/*
 * postern-worker: the program without keys, without a network and without a
 * TLS library.  It is started by a parent of posternd; its first argument
 * vector entry is its role, which is also what ps(1) shows.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "confine.h"
#include "log.h"
#include "title.h"
#include "worker.h"

int
main(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "postern-worker: spawner") == 0) {
		log_init("spawner", LOG_KIND_STREAM, LOG_INFO);
		confine_check_environment();
		title_init(argc, argv);
		title_set("postern-worker: spawner");
		spawner_main();
	}
	if (argc == 2 && strcmp(argv[1], "-V") == 0) {
		puts("postern-worker " POSTERN_VERSION);
		return 0;
	}
	fputs("postern-worker: is started by posternd, not by hand; "
	    "see posternd(8)\n", stderr);
	return EX_USAGE;
}
