/*
 * Init of the workers' pid namespace.  When it ends the kernel kills every
 * process of the namespace, so it lives as long as the spawner, and no longer than
 * the parent: it keeps the reading end of a pipe open whose other end the parent
 * has, and the kernel kills us all when that is closed.  (It need not reap:
 * workers are children of the spawner, which is outside.)
 *
 * It is handed processes to end, each by a handle (a pidfd).  Whatever it is
 * handed, the kernel lets it signal none but those of its namespace.
 */
#include <signal.h>
#include <unistd.h>

#include "channel.h"
#include "process.h"
#include "worker.h"

void
init_main(void)
{
	char c;
	int handle;

	for (;;) {
		if (channel_recv(INIT_ORDERS_FD, &c, sizeof c, &handle) != 1)
			_exit(0);
		if (handle == -1)
			continue;
		signal_held(handle, SIGKILL);
		close(handle);
	}
}
