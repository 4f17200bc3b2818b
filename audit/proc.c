#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "text.h"

/* A process has some dozens; 65530 is the kernel's own default bound. */
#define MAPPINGS_MAX	65536
#define NUMBERS_MAX	(1 << 20)

int
proc_open(pid_t pid)
{
	char name[32];

	snprintf(name, sizeof name, "/proc/%d", (int)pid);
	return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool
proc_gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

bool
proc_read(int dir, const char *name, char *dst, size_t size, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), e;
	ssize_t n = -1;

	*len = 0;
	if (fd == -1)
		return false;
	while (*len < size && (n = read(fd, dst + *len, size - *len)) > 0)
		*len += (size_t)n;
	e = n == -1 ? errno : *len == size ? E2BIG : 0;
	close(fd);
	errno = e;
	return e == 0;
}

bool
proc_title(int dir, char *title, size_t size)
{
	char text[256] = "";
	int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	if (fd != -1)
		close(fd);
	text_escape(title, size, text, strlen(text));
	return n != -1;
}

bool
proc_link(int dir, const char *name, char *dst, size_t size)
{
	ssize_t n = readlinkat(dir, name, dst, size - 1);

	dst[n == -1 ? 0 : n] = '\0';
	return n != -1;
}

bool
proc_stat(int dir, const char *name, struct stat *st)
{
	return fstatat(dir, name, st, 0) == 0;
}

bool
proc_same_id(const struct proc_id *a, const struct proc_id *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* ---- status -------------------------------------------------------------- */

/* The value of "KEY:\t..." at the beginning of a line, or NULL. */
static const char *
value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line != NULL; ) {
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, "\t ");
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return NULL;
}

/* Up to `max` numbers of a line; returns how many there are. */
static unsigned int
numbers_of(const char *text, const char *key, int base, uint64_t *v,
    unsigned int max)
{
	const char *p = value_of(text, key);
	unsigned int n = 0;

	while (p != NULL && *p != '\n' && *p != '\0') {
		char *end;
		uint64_t x = strtoull(p, &end, base);

		if (end == p)
			break;
		if (n < max)
			v[n] = x;
		n++;
		p = end + strspn(end, "\t ");
	}
	return n;
}

static bool
one_number(const char *text, const char *key, int *v)
{
	uint64_t n = 0;
	bool ok = numbers_of(text, key, 10, &n, 1) == 1;

	*v = (int)n;
	return ok;
}

static bool
parse_ids(const char *text, struct proc_status *s)
{
	uint64_t uid[4], gid[4];

	if (numbers_of(text, "Uid", 10, uid, 4) != 4 ||
	    numbers_of(text, "Gid", 10, gid, 4) != 4)
		return false;
	for (int i = 0; i < 4; i++) {
		s->uid[i] = (uid_t)uid[i];
		s->gid[i] = (gid_t)gid[i];
	}
	s->groups = numbers_of(text, "Groups", 10, NULL, 0);
	return value_of(text, "Groups") != NULL;
}

static bool
parse_status(const char *text, struct proc_status *s)
{
	static const char *const caps[CAPS_COUNT] = { "CapInh", "CapPrm",
	    "CapEff", "CapBnd", "CapAmb" };
	const char *state = value_of(text, "State");
	uint64_t inner[32];
	unsigned int depth = numbers_of(text, "NSpid", 10, inner, 32);

	if (state == NULL || depth < 1 || depth > 32 || !parse_ids(text, s))
		return false;
	s->state = *state;
	s->inner = (pid_t)inner[depth - 1];
	for (int i = 0; i < CAPS_COUNT; i++)
		if (numbers_of(text, caps[i], 16, &s->cap[i], 1) != 1)
			return false;
	return one_number(text, "PPid", &s->ppid) &&
	    one_number(text, "TracerPid", &s->tracer) &&
	    one_number(text, "NoNewPrivs", &s->no_new_privs) &&
	    one_number(text, "Seccomp", &s->seccomp) &&
	    one_number(text, "Seccomp_filters", &s->filters);
}

static bool
read_status(int dir, const char *name, struct proc_status *s)
{
	/* A process may have 65536 groups: then it has too many for us. */
	static char text[1 << 20];
	size_t len;

	memset(s, 0, sizeof *s);
	if (!proc_read(dir, name, text, sizeof text - 1, &len))
		return false;
	text[len] = '\0';
	if (parse_status(text, s))
		return true;
	errno = EPROTO;
	return false;
}

bool
proc_status(int dir, struct proc_status *s)
{
	return read_status(dir, "status", s);
}

bool
proc_thread_status(int dir, pid_t tid, struct proc_status *s)
{
	char name[48];

	snprintf(name, sizeof name, "task/%d/status", (int)tid);
	return read_status(dir, name, s);
}

/* ---- stat ---------------------------------------------------------------- */

/* Fields are counted from 1 (proc(5)); the second may hold anything but ends
 * with the last ')'. */
static bool
field(const char *after, int number, uint64_t *v)
{
	for (int i = 3; i < number; i++) {
		after = strchr(after, ' ');
		if (after == NULL)
			return false;
		after++;
	}
	*v = strtoull(after, NULL, 10);
	return true;
}

bool
proc_birth(int dir, struct proc_birth *b)
{
	char text[2048];
	uint64_t flags, group;
	const char *p;
	size_t len;

	if (!proc_read(dir, "stat", text, sizeof text - 1, &len))
		return false;
	text[len] = '\0';
	p = strrchr(text, ')');
	if (p != NULL && p[1] == ' ' && field(p + 2, 5, &group) &&
	    field(p + 2, 9, &flags) &&
	    field(p + 2, 20, &b->threads) &&
	    field(p + 2, 22, &b->start) &&
	    field(p + 2, 48, &b->arg_start) && field(p + 2, 49, &b->arg_end) &&
	    field(p + 2, 50, &b->env_start) &&
	    field(p + 2, 51, &b->env_end)) {
		b->group = (pid_t)group;
		b->kernel = (flags & 0x200000) != 0;	/* PF_KTHREAD */
		b->exiting = (flags & 4) != 0;		/* PF_EXITING */
		return true;
	}
	errno = EPROTO;
	return false;
}

/* ---- namespaces ---------------------------------------------------------- */

static const char *const ns_names[NS_COUNT] = { "user", "mnt", "net", "ipc",
    "uts", "cgroup", "pid", "pid_for_children", "time", "time_for_children" };

const char *
proc_ns_name(enum proc_ns ns)
{
	return ns_names[ns];
}

/* That of time is not in every kernel: then nobody has one. */
static bool
has_time(void)
{
	struct stat st;

	return stat("/proc/self/ns/time", &st) == 0;
}

bool
proc_namespaces(int dir, struct proc_id id[NS_COUNT])
{
	const int count = has_time() ? NS_COUNT : NS_TIME;

	memset(id, 0, NS_COUNT * sizeof *id);
	for (int i = 0; i < count; i++) {
		char name[32];
		struct stat st;

		snprintf(name, sizeof name, "ns/%s", ns_names[i]);
		if (!proc_stat(dir, name, &st))
			return false;
		id[i] = (struct proc_id){ st.st_dev, st.st_ino };
	}
	return true;
}

/* ---- mappings ------------------------------------------------------------ */

static bool
parse_mapping(char *line, struct proc_mapping *m)
{
	unsigned int major, minor;
	uint64_t ino;
	int at = 0;

	memset(m, 0, sizeof *m);
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %"
	    SCNu64 " %n", &m->start, &m->end, m->prot, &m->offset, &major,
	    &minor, &ino, &at) != 7 || at == 0)
		return false;
	m->dev = makedev(major, minor);
	m->ino = (ino_t)ino;
	snprintf(m->name, sizeof m->name, "%s", line + at);
	return true;
}

bool
proc_mappings(int dir, struct proc_mapping **maps, size_t *count)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC), e = 0;
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
	size_t room = 0, line_room = 0;
	char *line = NULL;
	ssize_t n;

	*maps = NULL;
	*count = 0;
	if (f == NULL)
		return false;
	while (e == 0 && (n = getline(&line, &line_room, f)) != -1) {
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (*count == room) {
			room = room == 0 ? 64 : 2 * room;
			*maps = reallocarray(*maps, room, sizeof **maps);
			if (*maps == NULL)
				abort();
		}
		if (*count == MAPPINGS_MAX)
			e = E2BIG;
		else if (!parse_mapping(line, &(*maps)[(*count)++]))
			e = EPROTO;
	}
	if (e == 0 && ferror(f))
		e = errno;
	free(line);
	fclose(f);
	errno = e;
	return e == 0;
}

/* ---- numbered files ------------------------------------------------------ */

static int
ascending(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool
proc_numbers(int dir, const char *name, int **number, size_t *count)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	size_t room = 0;

	*number = NULL;
	*count = 0;
	if (d == NULL)
		return false;
	while (errno = 0, (e = readdir(d)) != NULL && *count < NUMBERS_MAX) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (*count == room) {
			room = room == 0 ? 64 : 2 * room;
			*number = reallocarray(*number, room, sizeof **number);
			if (*number == NULL)
				abort();
		}
		(*number)[(*count)++] = atoi(e->d_name);
	}
	if (e != NULL)
		errno = E2BIG;
	if (errno != 0) {
		int saved = errno;

		closedir(d);
		errno = saved;
		return false;
	}
	closedir(d);
	if (*count > 0)
		qsort(*number, *count, sizeof **number, ascending);
	return true;
}
