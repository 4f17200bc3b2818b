/*
 * Init of the workers' pid namespace.  When it ends the kernel kills every
 * process of the namespace, so it lives exactly as long as the parent: it
 * holds the reading end of a pipe into which nobody writes.  (It need not
 * reap: workers are children of the spawner, which is outside.)
 */
#include <errno.h>
#include <unistd.h>

#include "worker.h"

void
init_main(void)
{
	char c;

	while (read(WORKER_FD, &c, 1) == -1 && errno == EINTR)
		continue;
	_exit(0);
}
