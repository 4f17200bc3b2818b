#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
unfit(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "is a directory, not a file";
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_size == 0)
		return "is empty";
	if (st->st_size > FILE_MAX)
		return "is larger than 16 MiB, the most that is read of such "
		    "a file";
	return NULL;
}

bool
file_read(int fd, uint8_t **data, size_t *len, const char **why)
{
	struct stat st;
	size_t size, have = 0;
	uint8_t *buf;

	if (fstat(fd, &st) == -1) {
		*why = strerror(errno);
		return false;
	}
	if ((*why = unfit(&st)) != NULL)
		return false;
	size = (size_t)st.st_size;
	if ((buf = malloc(size + 1)) == NULL) {
		*why = "out of memory";
		return false;
	}
	while (have < size) {
		ssize_t n = pread(fd, buf + have, size - have, (off_t)have);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			*why = n == 0 ? "became shorter while it was read" :
			    strerror(errno);
			file_wipe(buf, size);
			return false;
		}
		have += (size_t)n;
	}
	buf[size] = '\0';
	*data = buf;
	*len = size;
	return true;
}

void
file_wipe(uint8_t *data, size_t len)
{
	if (data != NULL)
		explicit_bzero(data, len);
	free(data);
}
