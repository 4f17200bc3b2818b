/*
 * The echo worker.  One descriptor, three system calls.  Whoever takes this
 * process over can write what it likes to the one client it serves, and end.
 */
#include <errno.h>
#include <unistd.h>

#include "worker.h"

/* Only the pages a message touches are ever there; its first is a whole one. */
static char buffer[65536] __attribute__((aligned(4096)));

/* What is read at once to begin with; more when that was filled. */
#define CHUNK_FIRST 4096

/*
 * So often in a row it is tried to write what the kernel has no memory for.  It
 * looks for some each time, which takes its time; to wait otherwise would want
 * a call that this process has not.
 */
#define STARVED_MAX 100000

static void
write_all(size_t len)
{
	int starved = 0;

	for (size_t done = 0; done < len;) {
		ssize_t n = write(WORKER_FD, buffer + done, len - done);

		if (n == -1 && (errno == EINTR ||
		    (is_starved(errno) && ++starved < STARVED_MAX)))
			continue;
		if (n <= 0)
			_exit(0);	/* nobody is left to read it */
		starved = 0;
		done += (size_t)n;
	}
}

void
echo_main(void)
{
	for (size_t chunk = CHUNK_FIRST;;) {
		ssize_t n = read(WORKER_FD, buffer, chunk);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		write_all((size_t)n);
		if ((size_t)n == chunk && chunk < sizeof buffer)
			chunk *= 2;
	}
}
