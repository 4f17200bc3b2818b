/*
 * Is a secret in a process's memory?
 *
 *	memory_helper PID HEX...
 *
 * All that is mapped is searched for each byte string, forwards and backwards
 * (libcrypto keeps a number with its least byte first).  Says which were
 * found; exit status 0 if any was, 1 if none, 2 if it could not look.
 */
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEEDLE_MIN	16	/* shorter ones would be found by chance */
#define NEEDLE_MAX	256
#define NEEDLES_MAX	64
#define CHUNK		(1 << 20)
#define MAPPING_MAX	(UINT64_C(1) << 30)

/* Terabytes, and none of the program's own bytes in them. */
#ifdef POSTERN_SANITIZED
#define SHADOW_EXPECTED	true
#else
#define SHADOW_EXPECTED	false
#endif

struct needle {
	unsigned char	 forwards[NEEDLE_MAX], backwards[NEEDLE_MAX];
	size_t		 len;
	const char	*hex;
	bool		 found;
};

static struct needle	needles[NEEDLES_MAX];
static int		needle_count;
static unsigned char	chunk[CHUNK];
static uint64_t		bytes_read;

static void
add_needle(const char *hex)
{
	struct needle *n = &needles[needle_count++];

	n->hex = hex;
	n->len = strlen(hex) / 2;
	if (strlen(hex) % 2 != 0 || n->len < NEEDLE_MIN || n->len > NEEDLE_MAX)
		errx(2, "%s: not %d to %d bytes in hexadecimal", hex,
		    NEEDLE_MIN, NEEDLE_MAX);
	for (size_t i = 0; i < n->len; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		if (!isxdigit((unsigned char)digits[0]) ||
		    !isxdigit((unsigned char)digits[1]))
			errx(2, "%s: not hexadecimal", hex);
		n->forwards[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	for (size_t i = 0; i < n->len; i++)
		n->backwards[i] = n->forwards[n->len - 1 - i];
}

static void
look_at(const unsigned char *p, size_t len)
{
	for (int i = 0; i < needle_count; i++) {
		struct needle *n = &needles[i];

		n->found = n->found ||
		    memmem(p, len, n->forwards, n->len) != NULL ||
		    memmem(p, len, n->backwards, n->len) != NULL;
	}
}

static bool
is_shadow(uint64_t size)
{
	if (size <= MAPPING_MAX)
		return false;
	if (!SHADOW_EXPECTED)
		errx(2, "a mapping of %" PRIu64 " bytes: too large to search",
		    size);
	return true;
}

/* Chunks overlap, so that nothing hides between two of them. */
static void
search_mapping(int mem, uint64_t from, uint64_t to)
{
	while (from < to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = pread(mem, chunk, want, (off_t)from);

		if (n <= 0)
			return;		/* the kernel's own pages cannot be */
		look_at(chunk, (size_t)n);
		bytes_read += (uint64_t)n;
		if ((uint64_t)n == to - from)
			return;
		from += n > NEEDLE_MAX ? (uint64_t)n - NEEDLE_MAX : (uint64_t)n;
	}
}

static void
search(const char *pid)
{
	char path[64], line[4096];
	FILE *maps;
	int mem;

	snprintf(path, sizeof path, "/proc/%s/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem == -1)
		err(2, "%s", path);
	snprintf(path, sizeof path, "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	if (maps == NULL)
		err(2, "%s", path);
	while (fgets(line, sizeof line, maps) != NULL) {
		uint64_t from, to;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 &&
		    !is_shadow(to - from))
			search_mapping(mem, from, to);
	}
	fclose(maps);
	close(mem);
}

int
main(int argc, char **argv)
{
	bool any = false;

	if (argc < 3 || argc - 2 > NEEDLES_MAX)
		errx(2, "usage: memory_helper PID HEX...");
	for (int i = 2; i < argc; i++)
		add_needle(argv[i]);
	search(argv[1]);
	if (bytes_read < 16384)
		errx(2, "%s: hardly anything could be read", argv[1]);
	for (int i = 0; i < needle_count; i++) {
		if (needles[i].found)
			printf("process %s holds %s\n", argv[1],
			    needles[i].hex);
		any |= needles[i].found;
	}
	return any ? 0 : 1;
}
