/*
 * postern-audit coverage: does every row of the tables have its use, and every
 * call its row?  By traces of runs.
 *
 * Traces are long, and somebody else may have written them: each is mapped, not
 * read, before this process can do nothing any more but write down what it
 * finds, and looked into behind that.
 */
#include "coverage.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "audit.h"
#include "looker.h"

/* As many as the kernel lets a process map, nearly. */
#define FILES_MAX 60000

static struct source	*traces;
static size_t		 trace_count, trace_room;

static struct coverage	 coverage;

/* ---- what the others use ------------------------------------------------- */

void *
coverage_grow(void *array, size_t count, size_t *room, size_t size)
{
	void *more = array;

	if (count == *room) {
		*room = *room == 0 ? (size > 4096 ? 1 : 64) : 2 * *room;
		more = reallocarray(array, *room, size);
		if (more == NULL)
			err(EX_OSERR, "coverage: memory");
	}
	return more;
}

void
coverage_fault(struct coverage *c, const char *file, const char *fmt, ...)
{
	struct fault *f;
	va_list ap;

	c->fault = coverage_grow(c->fault, c->faults, &c->fault_room,
	    sizeof *c->fault);
	f = &c->fault[c->faults++];
	f->file = file;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof f->why, fmt, ap);
	va_end(ap);
}

/* ---- the command line ---------------------------------------------------- */

static bool
parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	bool json = false;

	while (audit_option(argc, argv, options) != -1)
		json = true;
	if (optind == argc)
		errx(EX_USAGE, "%s: a trace, or a directory of traces, is "
		    "missing; \"make trace\" records them", argv[0]);
	return json;
}

/* ---- mapping, which looks at nothing ------------------------------------- */

_Noreturn static void
cannot_read(const char *name, const char *why)
{
	audit_reject(errno == EACCES || errno == EPERM ? EX_NOPERM :
	    EX_NOINPUT, "coverage", name, why);
}

static void
add(int fd, char *name, const struct stat *st)
{
	struct source s = { .name = name, .len = (size_t)st->st_size };

	if (!S_ISREG(st->st_mode))
		audit_reject(EX_NOINPUT, "coverage", name,
		    "is neither a file nor a directory");
	if (trace_count == FILES_MAX)
		audit_reject(EX_USAGE, "coverage", name,
		    "60000 traces at most");
	if (s.len > 0) {
		s.data = mmap(NULL, s.len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (s.data == MAP_FAILED)
			cannot_read(name, strerror(errno));
	}
	traces = coverage_grow(traces, trace_count, &trace_room,
	    sizeof *traces);
	traces[trace_count++] = s;
	close(fd);
}

static void
open_and_add(int dir, const char *name, char *shown)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		cannot_read(shown, strerror(errno));
	add(fd, shown, &st);
}

/* All that lies in it, but for what begins with a dot. */
static void
add_directory(const char *name)
{
	struct dirent **entry;
	int n = scandir(name, &entry, NULL, alphasort);
	int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n == -1 || dir == -1)
		cannot_read(name, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *shown;

		if (entry[i]->d_name[0] == '.')
			continue;
		if (asprintf(&shown, "%s/%s", name, entry[i]->d_name) == -1)
			err(EX_OSERR, "coverage: memory");
		open_and_add(dir, entry[i]->d_name, shown);
		free(entry[i]);
	}
	close(dir);
	free(entry);
}

static void
add_named(char *name)
{
	struct stat st;

	if (stat(name, &st) == -1)
		cannot_read(name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		add_directory(name);
	else
		open_and_add(AT_FDCWD, name, name);
}

/* What was mapped is not there any more. */
_Noreturn static void
became_shorter(int sig)
{
	static const char said[] = "postern-audit: coverage: a trace was cut "
	    "short while it was looked at\n";

	(void)sig;
	_exit(write(STDERR_FILENO, said, sizeof said - 1) == -1 ? EX_IOERR :
	    EX_DATAERR);
}

/* ---- looking ------------------------------------------------------------- */

static void
look(void)
{
	coverage.files = trace_count;
	for (size_t i = 0; i < trace_count; i++)
		follow(&coverage, &traces[i]);
	for (size_t i = 0; i < coverage.faults; i++)
		audit_warn("coverage", coverage.fault[i].file,
		    coverage.fault[i].why);
}

int
audit_coverage(int argc, char **argv)
{
	bool json = parse(argc, argv);

	looker_prepare();
	json_object_seed(0);	/* jansson's would open a file */
	uses_begin(&coverage);
	for (int i = optind; i < argc; i++)
		add_named(argv[i]);
	signal(SIGBUS, became_shorter);
	looker_confine(0);
	look();
	if (json)
		coverage_print(&coverage);
	else if (coverage.whole > 0)
		coverage_tell(&coverage);
	audit_said();
	return coverage.faults + coverage.odds + coverage_unused(&coverage) ==
	    0 ? EX_OK : EX_DATAERR;
}
