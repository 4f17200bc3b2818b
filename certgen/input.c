#include "input.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"

/* Not to wait for a FIFO's other end: file_read refuses it. */
#define FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int
open_input(const char *path, uint8_t **data, size_t *len)
{
	int fd = open(path, FLAGS);
	const char *why;

	if (fd == -1)
		err(EX_NOINPUT, "%s", path);
	if (!file_read(fd, data, len, &why))
		errx(EX_DATAERR, "%s: %s", path, why);
	return fd;
}

void
read_input(const char *path, uint8_t **data, size_t *len, struct stat *st)
{
	int fd = open_input(path, data, len);

	if (st != NULL && fstat(fd, st) == -1)
		err(EX_OSERR, "%s", path);
	close(fd);
}

void
read_input_if_there(const char *path, uint8_t **data, size_t *len)
{
	*data = NULL;
	*len = 0;
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return;
	read_input(path, data, len, NULL);
}

struct input *
inputs_read(char *const *paths, int count)
{
	struct input *in = calloc((size_t)count, sizeof *in);

	if (in == NULL)
		err(EX_OSERR, "%s", paths[0]);
	for (int i = 0; i < count; i++) {
		in[i].path = paths[i];
		read_input(paths[i], &in[i].data, &in[i].len, NULL);
	}
	return in;
}

void
inputs_free(struct input *in, int count)
{
	for (int i = 0; i < count; i++)
		file_wipe(in[i].data, in[i].len);
	free(in);
}
