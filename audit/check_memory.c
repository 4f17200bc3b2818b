/*
 * The memory of a process: its mappings, and what it was started with.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "addr.h"
#include "enclose.h"
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

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
is_file(const struct proc_mapping *m)
{
	return m->ino != 0 || m->name[0] == '/';
}

/*
 * Memory that the kernel shows as a file, so that it can be shared, or is
 * memfd_create(2)'s: whoever has made it has written it.
 */
static bool
is_nameless(const struct proc_mapping *m)
{
	static const char *const names[] = { "/memfd:", "/SYSV",
	    "/dev/zero", "/anon_hugepage", "/secretmem" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(m->name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Nobody may be able to write it but who owns the service's programs. */
static void
check_code(const struct service *s, struct subject *p,
    const struct proc_mapping *m, const struct stat *st)
{
	if (is_nameless(m) || !S_ISREG(st->st_mode))
		bad_mapping(p, m, "is code of no file");
	else if (st->st_uid != 0 &&
	    st->st_uid != s->program[PROGRAM_DAEMON].st_uid)
		bad_mapping(p, m, "is code of a file that is neither root's "
		    "nor of the owner of the programs");
	else if ((st->st_mode & S_IWOTH) != 0 ||
	    ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0))
		bad_mapping(p, m, "is code of a file that others can write");
}

/* A library's constants, say: nothing that its user could not read himself. */
static void
check_data(const struct service *s, struct subject *p,
    const struct proc_mapping *m, const struct stat *st)
{
	if (is_nameless(m) || !S_ISREG(st->st_mode))
		bad_mapping(p, m, "is of no file that has a name");
	else if ((st->st_mode & S_IROTH) == 0 &&
	    !same_file(st, &s->program[PROGRAM_DAEMON]))
		bad_mapping(p, m, "is of a file that not everybody may read");
}

/* The supervisor's page, and of a parent its slot: nothing of another's. */
static bool
is_own_place(const struct service *s, const struct subject *p,
    const struct proc_mapping *m)
{
	struct slot slot = { .at = (uint64_t)s->page_at,
	    .size = sizeof(struct board_service) };

	return (p == s->all[0] || page_slot(s, p, &slot)) &&
	    m->offset == slot.at && m->end - m->start == slot.size;
}

static bool
is_board(const struct service *s, const struct stat *st)
{
	struct stat board;

	return s->board != -1 && fstat(s->board, &board) == 0 &&
	    same_file(&board, st);
}

static void
check_board(const struct service *s, struct subject *p,
    const struct proc_mapping *m)
{
	const struct declared *d = p->declared;

	if (m->prot[2] == 'x')
		bad_mapping(p, m, "is code of the board");
	else if (m->prot[1] != 'w' && !d->reads_board)
		bad_mapping(p, m, "is the board, which it is not to read");
	else if (m->prot[1] == 'w' && !d->shares_board)
		bad_mapping(p, m, "is the board, which it is not to write");
	else if (m->prot[1] == 'w' && !is_own_place(s, p, m))
		bad_mapping(p, m, "is another's place on the board");
}

/* Secret memory can only be shared, and is so with nobody. */
static bool
is_keys(const struct subject *p, const struct proc_mapping *m)
{
	return p->declared->has_key && strncmp(m->name, "/secretmem", 10) == 0;
}

/* A sanitizer's programs are none that need no library. */
#ifdef POSTERN_SANITIZED
#define WORKER_IS_STATIC false
#else
#define WORKER_IS_STATIC true
#endif

/* A worker has its own program alone; the others libraries, too. */
static void
check_file(const struct service *s, struct subject *p,
    const struct proc_mapping *m)
{
	bool code = m->prot[2] == 'x';
	struct stat st;

	if (!mapped_file(p->dir, m, &st))
		note_unread(p, ASPECT_MEMORY, "a mapped file");
	else if (is_board(s, &st))
		check_board(s, p, m);
	else if (m->prot[3] == 's')
		bad_mapping(p, m, m->prot[1] == 'w' ?
		    "is written together with others" :
		    "is shared with others");
	else if (p->declared->program == PROGRAM_WORKER && WORKER_IS_STATIC &&
	    !same_file(&st, &s->program[PROGRAM_WORKER]))
		bad_mapping(p, m, code ?
		    "is code of another file than its program" :
		    "is of another file than its program");
	else if (code)
		check_code(s, p, m, &st);
	else if (p->declared->program != PROGRAM_WORKER)
		check_data(s, p, m, &st);
}

static void
check_mapping(const struct service *s, struct subject *p,
    const struct proc_mapping *m)
{
	bool writes = m->prot[1] == 'w', code = m->prot[2] == 'x';

	if (writes && code)
		bad_mapping(p, m, "can be written and executed");
	else if (code && !is_file(m) && !is_kernels(m))
		bad_mapping(p, m, "is code of no file");
	else if (is_file(m) && !(is_keys(p, m) && !code))
		check_file(s, p, m);
}

/* ---- the dialer's address ------------------------------------------------ */

/* In its root the service's socket has one name; else it is this machine's. */
static bool
is_service(const struct declared *d, const struct sockaddr_storage *ss,
    char text[ADDR_TEXT])
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)ss;

	snprintf(text, ADDR_TEXT, "address family %d", ss->ss_family);
	if (ss->ss_family == AF_UNIX) {
		text_escape(text, ADDR_TEXT, sun->sun_path,
		    strnlen(sun->sun_path, sizeof sun->sun_path));
		if (d->home != HOME_SOCKET || strcmp(text, ENCLOSE_SOCKET) != 0)
			return false;
		snprintf(text, ADDR_TEXT, "%s in its root", ENCLOSE_SOCKET);
		return true;
	}
	if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6)
		return false;
	addr_text(ss, text);
	return d->home != HOME_SOCKET && addr_is_loopback(ss);
}

/* All that keeps a dialer from connecting elsewhere: who could write there? */
static void
check_address(struct subject *p, const struct proc_mapping *maps, size_t count,
    char text[ADDR_TEXT])
{
	bool fixed = false;
	struct sockaddr_storage ss;

	for (size_t i = 0; i < count; i++)
		fixed |= maps[i].start <= POLICY_DIAL_ADDRESS &&
		    POLICY_DIAL_ADDRESS < maps[i].end && maps[i].ino == 0 &&
		    strcmp(maps[i].prot, "r--p") == 0;
	if (!fixed)
		note(p->finding, ASPECT_MEMORY, VERDICT_FAILED, "the address "
		    "that it may connect to is not in memory that it cannot "
		    "alter");
	if (!subject_dials(p, &ss))
		note_unread(p, ASPECT_MEMORY, "the address that it may connect "
		    "to");
	else if (!is_service(p->declared, &ss, text))
		note(p->finding, ASPECT_MEMORY, VERDICT_FAILED, "may connect to "
		    "%s, which can be no service's", text);
}

bool
subject_dials(const struct subject *p, struct sockaddr_storage *ss)
{
	int memory = openat(p->dir, "mem", O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (memory == -1)
		return false;
	n = pread(memory, ss, sizeof *ss, (off_t)POLICY_DIAL_ADDRESS);
	close(memory);
	if (n != -1 && n != (ssize_t)sizeof *ss)
		errno = EIO;
	return n == (ssize_t)sizeof *ss;
}

/* ---- all of it ----------------------------------------------------------- */

static const char *
shared_text(const struct declared *d)
{
	return d->shares_board ? "; shared: the board" : d->reads_board ?
	    "; shared: the board, to be read" : ", nothing is shared";
}

void
check_memory(const struct service *s, struct subject *p)
{
	struct proc_mapping *maps;
	char dials[ADDR_TEXT] = "";
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
		if (p->declared->dials)
			check_address(p, maps, count, dials);
		note(p->finding, ASPECT_MEMORY, VERDICT_PASSED, "nothing is "
		    "both written and executed%s%s%s", shared_text(p->declared),
		    dials[0] == '\0' ? "" : "; connects to nobody but ", dials);
	}
	free(maps);
}
