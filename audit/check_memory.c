/*
 * The memory of a process: its mappings, and what it was started with.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "page.h"
#include "service.h"
#include "service_page.h"
#include "text.h"

/* ---- environment --------------------------------------------------------- */

/*
 * Arguments and environment lie in one piece.  After the title there may be
 * zeros alone: what was there is overwritten (lib/title.c).
 */
static bool
title_alone(int memory, uint64_t at, uint64_t end)
{
	char piece[4096];
	bool title = true;

	while (at < end) {
		size_t want = end - at < sizeof piece ? end - at : sizeof piece;
		ssize_t n = pread(memory, piece, want, (off_t)at);

		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			return false;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (!title && piece[i] != '\0') {
				errno = 0;
				return false;
			}
			title &= piece[i] != '\0';
		}
		at += (uint64_t)n;
	}
	return true;
}

void
check_environment(const struct service *s, struct subject *p)
{
	int memory = openat(p->dir, "mem", O_RDONLY | O_CLOEXEC);
	struct proc_birth b;

	(void)s;
	if (memory == -1 || !proc_birth(p->dir, &b))
		note_unread(p, ASPECT_ENVIRONMENT, "its memory");
	else if (b.arg_start == 0 || b.env_end < b.arg_start)
		note(p->finding, ASPECT_ENVIRONMENT, VERDICT_FAILED, "where it "
		    "lies cannot be read");
	else if (title_alone(memory, b.arg_start, b.env_end))
		note(p->finding, ASPECT_ENVIRONMENT, VERDICT_PASSED,
		    "empty, and no argument but its title");
	else if (errno == 0)
		note(p->finding, ASPECT_ENVIRONMENT, VERDICT_FAILED,
		    "something is left behind its title");
	else
		note_unread(p, ASPECT_ENVIRONMENT, "where its title lies");
	if (memory != -1)
		close(memory);
}

/* ---- mappings ------------------------------------------------------------ */

static bool
is_kernels(const struct proc_mapping *m)
{
	return m->ino == 0 && (strcmp(m->name, "[vdso]") == 0 ||
	    strcmp(m->name, "[vsyscall]") == 0);
}

static void
bad_mapping(struct subject *p, const struct proc_mapping *m, const char *what)
{
	char safe[96];

	text_escape(safe, sizeof safe, m->name, strlen(m->name));
	note(p->finding, ASPECT_MEMORY, VERDICT_FAILED,
	    "%" PRIx64 "-%" PRIx64 " %s %s%s%s%s", m->start, m->end, m->prot,
	    what, safe[0] == '\0' ? "" : " (", safe,
	    safe[0] == '\0' ? "" : ")");
}

/* The file itself: numbers in maps are not always those of stat(2). */
static bool
mapped_file(int dir, const struct proc_mapping *m, struct stat *st)
{
	char name[64];

	snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, m->start,
	    m->end);
	return proc_stat(dir, name, st);
}

/* A worker has its own program alone; the others libraries, too. */
static void
check_code(const struct service *s, struct subject *p,
    const struct proc_mapping *m)
{
	const struct stat *worker = &s->program[PROGRAM_WORKER];
	struct stat st;

	if (is_kernels(m))
		return;
	if (m->ino == 0)
		bad_mapping(p, m, "is code of no file");
	else if (!mapped_file(p->dir, m, &st))
		note_unread(p, ASPECT_MEMORY, "a mapped file");
	else if (p->declared->program == PROGRAM_WORKER &&
	    (st.st_dev != worker->st_dev || st.st_ino != worker->st_ino))
		bad_mapping(p, m, "is code of another file than its program");
	else if (st.st_mode & S_IWOTH)
		bad_mapping(p, m, "is code of a file that anybody can write");
}

static bool
is_board(const struct subject *p, const struct proc_mapping *m)
{
	return p->declared->shares_board &&
	    strncmp(m->name, "/memfd:board", 12) == 0;
}

/* The supervisor's page, and of a parent its slot: nothing of another's. */
static bool
is_own_place(const struct service *s, const struct subject *p,
    const struct proc_mapping *m)
{
	struct slot slot = { .at = (uint64_t)s->page_at,
	    .size = sizeof(struct board_service) };

	return (p->parent == NULL || page_slot(s, p, &slot)) &&
	    m->offset == slot.at && m->end - m->start == slot.size;
}

/* Secret memory can only be shared, and is so with nobody. */
static bool
is_keys(const struct subject *p, const struct proc_mapping *m)
{
	return p->declared->has_key && strncmp(m->name, "/secretmem", 10) == 0;
}

static void
check_mapping(const struct service *s, struct subject *p,
    const struct proc_mapping *m)
{
	bool writes = m->prot[1] == 'w', code = m->prot[2] == 'x';

	if (writes && code)
		bad_mapping(p, m, "can be written and executed");
	else if (code)
		check_code(s, p, m);
	if (!writes || m->prot[3] != 's')
		return;
	if (!is_board(p, m) && !is_keys(p, m))
		bad_mapping(p, m, "is written together with others");
	else if (is_board(p, m) && !is_own_place(s, p, m))
		bad_mapping(p, m, "is another's place on the board");
}

/* All that keeps a dialer from connecting elsewhere: who could write there? */
static void
check_address(struct subject *p, const struct proc_mapping *maps, size_t count)
{
	bool fixed = false;

	for (size_t i = 0; i < count; i++)
		fixed |= maps[i].start <= POLICY_DIAL_ADDRESS &&
		    POLICY_DIAL_ADDRESS < maps[i].end && maps[i].ino == 0 &&
		    strcmp(maps[i].prot, "r--p") == 0;
	if (p->declared->dials && !fixed)
		note(p->finding, ASPECT_MEMORY, VERDICT_FAILED, "the address "
		    "that it may connect to is not in memory that it cannot "
		    "alter");
}

void
check_memory(const struct service *s, struct subject *p)
{
	struct proc_mapping *maps;
	size_t count;

	if (!proc_mappings(p->dir, &maps, &count)) {
		note_unread(p, ASPECT_MEMORY, "its mappings");
	} else if (count == 0) {
		/* the kernel shows none of what has just ended */
		errno = ESRCH;
		note_unread(p, ASPECT_MEMORY, "its mappings");
	} else {
		for (size_t i = 0; i < count; i++)
			check_mapping(s, p, &maps[i]);
		check_address(p, maps, count);
		note(p->finding, ASPECT_MEMORY, VERDICT_PASSED, "nothing is "
		    "both written and executed%s", p->declared->shares_board ?
		    "; shared: the board" : ", nothing is shared");
	}
	free(maps);
}
