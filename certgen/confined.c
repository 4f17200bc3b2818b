#include "confined.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "looker.h"

/* More than any file that is made here; a child gone wild has an end. */
#define PIECE_MAX (64U << 20)

static void
prepare(void)
{
	looker_prepare();
	json_object_seed(0);	/* jansson's would open a file */
}

void
confined_from_here(void)
{
	prepare();
	looker_confine(0);
}

/* ---- the child's product, through a pipe -------------------------------- */

static bool
write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* False at end of file, too. */
static bool
read_all(int fd, void *data, size_t len)
{
	uint8_t *p = data;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
send_piece(int fd, const void *data, size_t len)
{
	return write_all(fd, &len, sizeof len) && write_all(fd, data, len);
}

/* *data is malloc'ed, and a NUL stands behind it. */
static bool
receive_piece(int fd, uint8_t **data, size_t *len)
{
	size_t n;

	if (!read_all(fd, &n, sizeof n) || n > PIECE_MAX ||
	    (*data = malloc(n + 1)) == NULL)
		return false;
	*len = n;
	(*data)[n] = '\0';
	return read_all(fd, *data, n);
}

static bool
receive(int fd, struct made *m)
{
	uint8_t *said = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < OUTPUT_FILES; i++)
		ok = receive_piece(fd, &m->data[i], &m->len[i]);
	ok = ok && receive_piece(fd, &said, &m->said_len);
	m->said = (char *)said;
	return ok;
}

/* ---- the child ---------------------------------------------------------- */

static _Noreturn void
child(int out, pid_t parent, void (*work)(struct made *m, void *arg), void *arg)
{
	struct made m = { .data = { NULL } };
	bool ok = true;

	if (dup2(out, STDOUT_FILENO) == -1)
		err(EX_OSERR, "dup2");
	looker_confine(parent);
	work(&m, arg);
	for (size_t i = 0; ok && i < OUTPUT_FILES; i++)
		ok = send_piece(STDOUT_FILENO, m.data[i], m.len[i]);
	if (!ok || !send_piece(STDOUT_FILENO, m.said, m.said_len))
		errx(EX_IOERR, "the result cannot be handed over");
	made_free(&m);
	_exit(0);
}

/* A line that is not the child's own says how it ended. */
static int
exit_code(pid_t pid, bool received)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			err(EX_OSERR, "waitpid");
	if (WIFSIGNALED(status)) {
		warnx("the confined child was killed by signal %d",
		    WTERMSIG(status));
		return EX_SOFTWARE;
	}
	if (WEXITSTATUS(status) == 0 && !received) {
		warnx("the confined child handed nothing over");
		return EX_SOFTWARE;
	}
	return WEXITSTATUS(status);
}

int
confined_work(void (*work)(struct made *m, void *arg), struct made *m,
    void *arg)
{
	pid_t parent = getpid(), pid;
	int pipe[2];
	bool ok;

	prepare();
	if (pipe2(pipe, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		err(EX_OSERR, "cannot start a child");
	if (pid == 0)
		child(pipe[1], parent, work, arg);
	close(pipe[1]);
	ok = receive(pipe[0], m);
	close(pipe[0]);
	return exit_code(pid, ok);
}
