#include "hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "judge.h"

#define BLANKS " \t\r\v\f"

/* A name beside its address. */
struct entry {
	struct host_address	 who;
	const char		*name;		/* in the text */
};

struct hosts {
	struct entry	*entry;
	size_t		 count, room;
	char		 text[];	/* our copy, cut into words */
};

bool
host_address(struct host_address *to, int family, const void *bytes)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(to, 0, sizeof *to);
	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof mapped) == 0) {
		family = AF_INET;
		bytes = (const uint8_t *)bytes + sizeof mapped;
	}
	to->family = family;
	if (family == AF_INET)
		memcpy(to->byte, bytes, sizeof(struct in_addr));
	else if (family == AF_INET6)
		memcpy(to->byte, bytes, sizeof(struct in6_addr));
	else
		return false;
	return true;
}

bool
host_address_equal(const struct host_address *a, const struct host_address *b)
{
	return a->family == b->family &&
	    memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

bool
hosts_add_name(char list[RESOLVER_NAMES][RESOLVER_NAME_SIZE], uint32_t *count,
    const char *name)
{
	char lower[RESOLVER_NAME_SIZE];
	size_t n = strlen(name);

	if (*count == RESOLVER_NAMES || n >= sizeof lower ||
	    !judge_is_host_name(name))
		return false;
	for (size_t i = 0; i <= n; i++)		/* ASCII, in locale "C" */
		lower[i] = (char)tolower((unsigned char)name[i]);
	for (uint32_t i = 0; i < *count; i++)
		if (strcmp(list[i], lower) == 0)
			return false;
	memcpy(list[(*count)++], lower, n + 1);
	return true;
}

/* ---- parsing ------------------------------------------------------------- */

static bool
parse_address(const char *s, struct host_address *who)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, s, bytes) == 1)
		return host_address(who, AF_INET, bytes);
	return inet_pton(AF_INET6, s, bytes) == 1 &&
	    host_address(who, AF_INET6, bytes);
}

static bool
add_entry(struct hosts *h, const struct host_address *who, const char *name)
{
	if (h->count == h->room) {
		size_t room = h->room * 2 + 64;
		struct entry *more = realloc(h->entry, room * sizeof *more);

		if (more == NULL)
			return false;
		h->entry = more;
		h->room = room;
	}
	h->entry[h->count].who = *who;
	h->entry[h->count++].name = name;
	return true;
}

/* A line without its end: an address, its names, a comment (hosts(5)). */
static bool
parse_line(struct hosts *h, char *line)
{
	struct host_address who;
	char *rest, *word;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, BLANKS, &rest);
	if (word == NULL || !parse_address(word, &who))
		return true;
	while ((word = strtok_r(NULL, BLANKS, &rest)) != NULL)
		if (judge_is_host_name(word) && !add_entry(h, &who, word))
			return false;
	return true;
}

struct hosts *
hosts_parse(const char *text, size_t len)
{
	struct hosts *h = malloc(sizeof *h + len + 1);
	char *end, *line;

	if (h == NULL)
		return NULL;
	memset(h, 0, sizeof *h);
	memcpy(h->text, text, len);
	h->text[len] = '\0';
	/* What follows a NUL in a line is passed over with it. */
	for (line = h->text; line < h->text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(h->text + len - line));
		if (end == NULL)
			end = h->text + len;
		*end = '\0';
		if (!parse_line(h, line)) {
			hosts_free(h);
			return NULL;
		}
	}
	return h;
}

/* ---- the file ------------------------------------------------------------ */

/* As much as there is, HOSTS_MAX at most; -1 with errno set. */
static ssize_t
read_text(int fd, char *text)
{
	size_t have = 0;

	while (have < HOSTS_MAX) {
		ssize_t n = pread(fd, text + have, HOSTS_MAX - have,
		    (off_t)have);

		if (n == -1 && errno != EINTR)
			return -1;
		if (n == 0)
			break;
		if (n > 0)
			have += (size_t)n;
	}
	return (ssize_t)have;
}

static struct hosts *
read_open(int fd, const char **why)
{
	char *text = malloc(HOSTS_MAX);
	struct hosts *h = NULL;
	struct stat st;
	ssize_t n = 0;

	if (text == NULL || fstat(fd, &st) == -1 ||
	    (S_ISREG(st.st_mode) && (n = read_text(fd, text)) == -1)) {
		*why = strerror(errno);
	} else if (!S_ISREG(st.st_mode)) {
		*why = "is not a regular file: ignored";
	} else {
		if (st.st_size > HOSTS_MAX)
			*why = "only its first 1 MiB is taken";
		h = hosts_parse(text, (size_t)n);
		if (h == NULL)
			*why = "out of memory";
	}
	free(text);
	return h;
}

struct hosts *
hosts_read(const char *path, const char **why)
{
	/* O_NONBLOCK: a FIFO must not hold us up */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct hosts *h;

	*why = NULL;
	if (fd == -1) {
		if (errno != ENOENT)
			*why = strerror(errno);
		return NULL;
	}
	h = read_open(fd, why);
	close(fd);
	return h;
}

void
hosts_free(struct hosts *h)
{
	if (h != NULL)
		free(h->entry);
	free(h);
}

uint32_t
hosts_find(const struct hosts *h, const struct host_address *who,
    char name[RESOLVER_NAMES][RESOLVER_NAME_SIZE])
{
	uint32_t n = 0;

	for (size_t i = 0; h != NULL && i < h->count; i++)
		if (host_address_equal(&h->entry[i].who, who))
			hosts_add_name(name, &n, h->entry[i].name);
	return n;
}
