#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* /dev/kmsg gives a record a read, and none to a smaller buffer. */
#define CHUNK ((size_t)16384)

static int
open_source(const char *name)
{
	struct stat st;
	int fd;

	if (strcmp(name, "-") == 0)
		return STDIN_FILENO;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	/* The kernel's log has no end: what is there is enough. */
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static bool
grow(struct source *s, size_t *room)
{
	char *more;

	if (s->len + CHUNK <= *room)
		return true;
	*room = *room == 0 ? 4 * CHUNK : 2 * *room;
	more = realloc(s->data, *room);
	if (more != NULL)
		s->data = more;
	return more != NULL;
}

/* All of it; 0 or an errno. */
static int
read_all(int fd, struct source *s)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (!grow(s, &room))
			return ENOMEM;
		n = read(fd, s->data + s->len, CHUNK);
		if (n == 0 || (n == -1 && errno == EAGAIN))
			return 0;
		if (n == -1 && errno == EPIPE)	/* records were overwritten */
			s->overrun = true;
		else if (n == -1 && errno != EINTR)
			return errno;
		if (n > 0)
			s->len += (size_t)n;
		if (s->len > SOURCE_MAX)
			return EFBIG;
	}
}

bool
source_read_from(int fd, struct source *s)
{
	int e = read_all(fd, s);

	if (e != 0)
		free(s->data);
	errno = e;
	return e == 0;
}

bool
source_read(const char *name, struct source *s)
{
	int fd = open_source(name), e;

	*s = (struct source){ .name = name };
	if (fd == -1)
		return false;
	e = source_read_from(fd, s) ? 0 : errno;
	if (fd != STDIN_FILENO)
		close(fd);
	errno = e;
	return e == 0;
}

bool
source_is_given(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode));
}

bool
source_line(const struct source *s, size_t *at, const char **line, size_t *len,
    bool *whole)
{
	const char *end;

	if (*at >= s->len)
		return false;
	*line = s->data + *at;
	end = memchr(*line, '\n', s->len - *at);
	*whole = end != NULL;
	*len = end != NULL ? (size_t)(end - *line) : s->len - *at;
	*at += *len + 1;
	return true;
}
