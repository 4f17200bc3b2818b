/*
 * The echo worker.  One descriptor, three system calls.  Whoever takes this
 * process over can write what it likes to the one client it serves, and end.
 */
#include <errno.h>
#include <unistd.h>

#include "worker.h"

/* Only the pages a message touches are ever there. */
static char buffer[65536];

static void
write_all(size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(WORKER_FD, buffer + done, len - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);	/* nobody is left to read it */
		done += (size_t)n;
	}
}

void
echo_main(void)
{
	for (;;) {
		ssize_t n = read(WORKER_FD, buffer, sizeof buffer);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		write_all((size_t)n);
	}
}
