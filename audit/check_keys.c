/*
 * No key outside of its parent: the private key of every generation, which the
 * supervisor holds open, is searched for in all memory of all processes.  What
 * a file says now need not be what was read from it: so each parent must have
 * the public part of one of these keys in its memory, as it is in its
 * certificate, or its own key was not searched for.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "needle.h"
#include "service.h"
#include "text.h"

#define PAGE		UINT64_C(4096)
#define KEYS_MAX	8		/* generations at once */
#define KEY_FILE_MAX	(1U << 20)
#define WINDOW		(1U << 20)

static struct needles keys[KEYS_MAX];
static bool found[KEYS_MAX];	/* by the search of ourselves */
static size_t key_count;
static uint8_t window[WINDOW];

/* ---- the keys ------------------------------------------------------------ */

static bool
is_new(const struct needles *n)
{
	for (size_t i = 0; i < key_count; i++)
		if (memcmp(&keys[i], n, sizeof *n) == 0)
			return false;
	return true;
}

static ssize_t
read_at(int fd, size_t size, off_t at)
{
	size_t len = 0;
	ssize_t n = 0;

	while (len < size && (n = pread(fd, window + len, size - len,
	    at + (off_t)len)) > 0)
		len += (size_t)n;
	return n == -1 ? -1 : (ssize_t)len;
}

/* 1 if there is a key in it, 0 if not, -1 with errno set. */
static int
has_mark(int fd)
{
	static const char mark[] = "PRIVATE KEY-----";
	off_t at = 0;
	ssize_t n;

	while ((n = read_at(fd, sizeof window, at)) >= (ssize_t)sizeof mark) {
		if (memmem(window, (size_t)n, mark, sizeof mark - 1) != NULL)
			return 1;
		at += n - (ssize_t)sizeof mark;
		if (n < (ssize_t)sizeof window)
			return 0;
	}
	return n == -1 ? -1 : 0;
}

static void
add_key(struct subject *p, int number, int fd)
{
	static struct needles n;
	ssize_t len = read_at(fd, KEY_FILE_MAX, 0);
	char why[128];

	if (len == -1)
		note(p->finding, ASPECT_KEY, VERDICT_FAILED, "descriptor %d "
		    "cannot be read: %s", number, strerror(errno));
	else if (len == KEY_FILE_MAX)
		note(p->finding, ASPECT_KEY, VERDICT_FAILED, "descriptor %d: "
		    "a file with a key that has 1 MiB or more is not read",
		    number);
	else if (!needles_of(window, (size_t)len, &n, why, sizeof why))
		note(p->finding, ASPECT_KEY, VERDICT_FAILED,
		    "descriptor %d: %s", number, why);
	else if (n.count > 0 && is_new(&n) && key_count == KEYS_MAX)
		note(p->finding, ASPECT_KEY, VERDICT_FAILED, "descriptor %d: "
		    "one key more than the %d that are searched for", number,
		    KEYS_MAX);
	else if (n.count > 0 && is_new(&n))
		keys[key_count++] = n;
	explicit_bzero(&n, sizeof n);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What is known to be no key of the service's, whatever is in it. */
static bool
is_known(const struct service *s, const struct stat *st)
{
	struct stat board;

	return same_file(st, &s->program[PROGRAM_DAEMON]) ||
	    (s->has_worker && same_file(st, &s->program[PROGRAM_WORKER])) ||
	    same_file(st, &s->log) || (s->board != -1 &&
	    fstat(s->board, &board) == 0 && same_file(st, &board));
}

static void
take_key(const struct service *s, struct subject *p, int number)
{
	char name[32];
	struct stat st;
	int fd, mark;

	snprintf(name, sizeof name, "fd/%d", number);
	if (!proc_stat(p->dir, name, &st) || !S_ISREG(st.st_mode) ||
	    is_known(s, &st))
		return;
	fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	mark = fd == -1 ? -1 : has_mark(fd);
	/* ENOENT: it has been closed meanwhile. */
	if (mark == 1)
		add_key(p, number, fd);
	else if (mark == -1 && errno != ENOENT)
		note(p->finding, ASPECT_KEY, VERDICT_FAILED, "descriptor %d "
		    "cannot be read: %s", number, strerror(errno));
	if (fd != -1)
		close(fd);
}

/* All that the supervisor has open for its generations is looked at. */
static void
take_keys(const struct service *s, struct subject *supervisor)
{
	size_t count;
	int *fd;

	if (!proc_numbers(supervisor->dir, "fd", &fd, &count)) {
		note_unread(supervisor, ASPECT_KEY, "its descriptors");
		return;
	}
	for (size_t i = 0; i < count; i++)
		take_key(s, supervisor, fd[i]);
	free(fd);
	explicit_bzero(window, sizeof window);
	if (key_count == 0)
		note(supervisor->finding, ASPECT_KEY, VERDICT_FAILED, "no key "
		    "is open in it, so that none can be searched for");
}

/* ---- the search ---------------------------------------------------------- */

struct search {
	struct subject	*p;
	int		 memory, pagemap;
	bool		 self;		/* a trial of the search */
	bool		 hit;		/* a parent's own key */
	bool		 known;		/* what is public of it */
	bool		 secret;	/* it has memory that nobody reads */
};

static bool
has_key(const struct subject *p)
{
	return p->declared != NULL && p->declared->has_key;
}

static void
look_for(struct search *s, const uint8_t *data, size_t len, uint64_t at)
{
	for (size_t k = 0; k < key_count; k++) {
		const struct needle *known = &keys[k].known;

		s->known |= memmem(data, len, known->data, known->len) != NULL;
		for (uint32_t i = 0; i < keys[k].count; i++) {
			const struct needle *n = &keys[k].needle[i];
			const uint8_t *hit = memmem(data, len, n->data, n->len);

			if (hit == NULL)
				continue;
			if (s->self)
				found[k] = true;
			else if (has_key(s->p))
				s->hit = true;
			else
				note(s->p->finding, ASPECT_KEY, VERDICT_FAILED,
				    "the key (%s) is at %" PRIx64, n->what,
				    at + (uint64_t)(hit - data));
		}
	}
}

/* In windows that overlap by the longest needle. */
static bool
search_run(struct search *s, uint64_t start, uint64_t end)
{
	while (start < end) {
		size_t want = end - start < WINDOW ? end - start : WINDOW;
		ssize_t n = pread(s->memory, window, want, (off_t)start);

		if (n <= 0)
			return false;
		look_for(s, window, (size_t)n, start);
		if (start + (uint64_t)n >= end)
			break;
		if ((size_t)n <= NEEDLE_BYTES)
			return false;
		start += (uint64_t)n - NEEDLE_BYTES;
	}
	return true;
}

/* Pages that were never touched are left so: to read would make them. */
static bool
search_present(struct search *s, const struct proc_mapping *m)
{
	static uint64_t page[4096];
	uint64_t run = 0;	/* where it began; 0: none */

	for (uint64_t at = m->start; at < m->end;) {
		size_t left = (m->end - at) / PAGE;
		size_t want = left < 4096 ? left : 4096;
		ssize_t n = pread(s->pagemap, page, want * sizeof page[0],
		    (off_t)(at / PAGE * sizeof page[0]));

		if (n != (ssize_t)(want * sizeof page[0]))
			return false;
		for (size_t i = 0; i < want; i++, at += PAGE) {
			/* bit 63: in memory, 62: in swap */
			bool there = page[i] >> 62 != 0;

			if (there && run == 0)
				run = at;
			else if (!there && run != 0) {
				if (!search_run(s, run, at))
					return false;
				run = 0;
			}
		}
	}
	return run == 0 || search_run(s, run, m->end);
}

static bool
still_mapped(const struct search *s, const struct proc_mapping *m)
{
	struct proc_mapping *maps;
	size_t count;
	bool there = false;

	/* None at all: it is ending. */
	if (!proc_mappings(s->p->dir, &maps, &count) || count == 0) {
		free(maps);
		return true;
	}
	for (size_t i = 0; i < count; i++)
		there |= maps[i].start <= m->start && maps[i].end >= m->end;
	free(maps);
	return there;
}

/* The kernel's own clocks, which it gives to nobody but the process. */
static bool
is_clock(const struct proc_mapping *m)
{
	return m->ino == 0 && (strcmp(m->name, "[vvar]") == 0 ||
	    strcmp(m->name, "[vvar_vclock]") == 0 ||
	    strcmp(m->name, "[vsyscall]") == 0);
}

static bool
is_secret_memory(const struct proc_mapping *m)
{
	return strncmp(m->name, "/secretmem", 10) == 0;
}

static void
search_mapping(struct search *s, const struct proc_mapping *m)
{
	char safe[96];
	int e;

	if (is_clock(m))
		return;
	if (is_secret_memory(m) && has_key(s->p)) {
		s->secret = true;
		return;
	}
	if (m->prot[3] == 's' ? search_run(s, m->start, m->end) :
	    search_present(s, m))
		return;
	e = errno;
	if (!still_mapped(s, m) || subject_ended(s->p))
		return;
	text_escape(safe, sizeof safe, m->name, strlen(m->name));
	note(s->p->finding, ASPECT_KEY, VERDICT_FAILED, "%" PRIx64 "-%" PRIx64
	    " %s cannot be read: %s", m->start, m->end, safe, strerror(e));
}

static void
conclude(const struct service *s, const struct search *of)
{
	struct finding *f = of->p->finding;

	if (has_key(of->p) && !of->known)
		note(f, ASPECT_KEY, VERDICT_FAILED, "its certificate is for "
		    "none of the keys that the supervisor has open, so its own "
		    "was not searched for; was the file written over?");
	else if (!has_key(of->p))
		note(f, ASPECT_KEY, VERDICT_PASSED, "not in its memory");
	else if (of->secret && of->hit)
		note(f, ASPECT_KEY, VERDICT_FAILED, "it is also outside of its "
		    "secret memory");
	else if (of->secret)
		note(f, ASPECT_KEY, VERDICT_PASSED, "in memory that nobody "
		    "else can read, and nowhere else");
	else if (!s->layer[LAYER_SECRET_MEMORY])
		note(f, ASPECT_KEY, VERDICT_ABSENT, "holds it; secret memory "
		    "is absent: kernel (%s has it)",
		    layer_needs(LAYER_SECRET_MEMORY));
	else
		note(f, ASPECT_KEY, VERDICT_PASSED,
		    "holds it: the one kind that does");
}

static void
search(const struct service *service, struct subject *p, bool self)
{
	struct search s = { .p = p, .self = self,
	    .memory = openat(p->dir, "mem", O_RDONLY | O_CLOEXEC),
	    .pagemap = openat(p->dir, "pagemap", O_RDONLY | O_CLOEXEC) };
	struct proc_mapping *maps = NULL;
	size_t count;

	if (s.memory == -1 || s.pagemap == -1 ||
	    !proc_mappings(p->dir, &maps, &count)) {
		note_unread(p, ASPECT_KEY, "its memory");
	} else {
		for (size_t i = 0; i < count; i++)
			search_mapping(&s, &maps[i]);
		if (!self && !subject_ended(p))
			conclude(service, &s);
	}
	free(maps);
	if (s.memory != -1)
		close(s.memory);
	if (s.pagemap != -1)
		close(s.pagemap);
}

/* We have the keys now: a search that does not find them here shows nothing. */
static void
try_search(const struct service *s)
{
	struct subject self = { .dir = proc_open(getpid()) };

	if (self.dir != -1) {
		search(s, &self, true);
		close(self.dir);
	}
	findings_clear(self.finding);
	for (size_t k = 0; k < key_count; k++)
		if (!found[k])
			note(s->all[0]->finding, ASPECT_KEY, VERDICT_FAILED,
			    "postern-audit does not find a key in its own "
			    "memory: the search shows nothing");
}

void
check_keys(struct service *s)
{
	take_keys(s, s->all[0]);
	for (size_t i = 0; i < s->count; i++)
		if (!s->all[i]->gone)
			search(s, s->all[i], false);
	try_search(s);
	explicit_bzero(keys, sizeof keys);
	explicit_bzero(window, sizeof window);
}
