/*
 * Init of the workers' pid namespace.  When it ends the kernel kills every
 * process of the namespace, so it lives exactly as long as the parent: it keeps
 * the reading end of a pipe open into which nobody writes, and the kernel kills
 * us all when the parent's end is closed.  (It need not reap: workers are
 * children of the spawner, which is outside.)
 *
 * Its spawner hands it processes to end, each by a handle (a pidfd).  Whatever
 * it is handed, the kernel lets it signal none but those of its namespace.
 * When the spawner has gone, sessions that are open go on, and so does init.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "channel.h"
#include "process.h"
#include "worker.h"

static void
end_whom_we_are_handed(void)
{
	char c;
	int handle;

	while (channel_recv(INIT_ORDERS_FD, &c, sizeof c, &handle) == 1) {
		if (handle == -1)
			continue;
		signal_held(handle, SIGKILL);
		close(handle);
	}
}

void
init_main(void)
{
	char c;

	end_whom_we_are_handed();
	while (read(WORKER_FD, &c, 1) == -1 && errno == EINTR)
		continue;
	_exit(0);
}
