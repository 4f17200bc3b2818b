/*
 * The echo worker.  One descriptor, three system calls.  Whoever takes this
 * process over can write what it likes to the one client it serves, and end.
 */
#include <errno.h>
#include <unistd.h>

#include "worker.h"

/* Only the pages a message touches are ever there; its first is a whole one. */
static char buffer[65536] __attribute__((aligned(4096)));

/*
 * What is read at once to begin with: a page, so that who sends little has no
 * more.  Twice as much each time that is filled, once it was so often in a row.
 */
#define CHUNK_FIRST 4096
#define OFTEN 4

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
	int filled = 0;

	for (size_t chunk = CHUNK_FIRST;;) {
		ssize_t n = read(WORKER_FD, buffer, chunk);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		write_all((size_t)n);
		filled = (size_t)n == chunk ? filled + 1 : 0;
		if (filled >= OFTEN && chunk < sizeof buffer)
			chunk *= 2;
	}
}
