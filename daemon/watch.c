#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "supervisor.h"

/* A change has settled when nothing moved for so long (or `watch`, ms). */
#define SETTLE_MS 1000
/*
 * What failed by no fault of what is in the files is tried again, at the next
 * look that comes no sooner (ms): a CRL must not be missed for lack of memory.
 */
#define AGAIN_MS 1000

static struct marks	taken;		/* by the generation that serves */
static struct marks	refused;	/* a set that did not do */
static struct marks	seen;		/* at the last look, if changing */
static bool		has_refused, changing;
static int64_t		again_at;	/* refused until then; 0: for good */
static int64_t		look_at;
static char		told_why[1024];	/* about the refused */

struct mark
mark_of(const struct stat *st)
{
	return (struct mark){ .dev = st->st_dev, .ino = st->st_ino,
	    .size = st->st_size, .mtime = st->st_mtim, .ctime = st->st_ctim };
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
same_mark(const struct mark *a, const struct mark *b)
{
	return a->error == b->error && a->dev == b->dev && a->ino == b->ino &&
	    a->size == b->size && same_time(&a->mtime, &b->mtime) &&
	    same_time(&a->ctime, &b->ctime);
}

bool
marks_same(const struct marks *a, const struct marks *b)
{
	for (int i = 0; i < FILE_COUNT; i++)
		if (!same_mark(&a->file[i], &b->file[i]))
			return false;
	return true;
}

/* By name and through links: one may have been put in another's place. */
static void
look(const struct config *c, struct marks *m)
{
	memset(m, 0, sizeof *m);
	for (int i = 0; i < FILE_COUNT; i++) {
		struct stat st;

		if (c->file[i][0] == '\0')
			continue;
		if (fstatat(AT_FDCWD, c->file[i], &st, 0) == 0)
			m->file[i] = mark_of(&st);
		else
			m->file[i].error = errno;
	}
}

/* Which ones, compared with what was tried last. */
static void
tell_changed(const struct config *c, const struct marks *m)
{
	const struct marks *before = has_refused ? &refused : &taken;

	for (int i = 0; i < FILE_COUNT; i++) {
		struct log_line l;

		if (same_mark(&m->file[i], &before->file[i]))
			continue;
		log_begin(&l, LOG_INFO, "changed");
		log_str(&l, "file", c->file[i]);
		log_str(&l, "what", config_file_word((enum config_file)i));
		log_end(&l);
	}
}

static void
try_files(const struct config *c, const struct marks *m)
{
	char why[sizeof told_why];

	tell_changed(c, m);
	if (!has_refused || !marks_same(m, &refused))
		told_why[0] = '\0';
	changing = false;
	if (generation_start(c, true, why, sizeof why))
		return;
	watch_failed(m, false);
	/* One that is missing is told of once, however often we try. */
	if (strcmp(why, told_why) != 0)
		supervisor_reload_failed("%s; the old generation goes on",
		    why);
	strcpy(told_why, why);
}

/* Nothing to do with these, as they are. */
static bool
is_known(const struct marks *m)
{
	if (marks_same(m, &taken)) {
		has_refused = false;	/* put back as they were */
		return true;
	}
	return has_refused && marks_same(m, &refused) &&
	    (again_at == 0 || supervisor_now() < again_at);
}

/* Look; returns the ms until the next time. */
static int64_t
look_again(const struct config *c)
{
	int64_t settle = c->watch_ms < SETTLE_MS ? c->watch_ms : SETTLE_MS;
	struct marks now;

	look(c, &now);
	if (is_known(&now)) {
		changing = false;
		return c->watch_ms;
	}
	if (changing && marks_same(&now, &seen)) {
		if (!generation_room())
			return settle;
		try_files(c, &now);
		return c->watch_ms;
	}
	changing = true;
	seen = now;
	return settle;
}

int64_t
watch_tick(void)
{
	const struct config *c = generation_current();
	int64_t now = supervisor_now();

	/* What is starting may have these files already. */
	if (c == NULL || c->watch_ms == 0 || generation_starting())
		return -1;
	if (now >= look_at)
		look_at = now + look_again(c);
	return look_at - now;
}

void
watch_taken(const struct marks *m)
{
	const struct config *c = generation_current();

	taken = *m;
	has_refused = changing = false;
	look_at = supervisor_now() + c->watch_ms;
}

void
watch_failed(const struct marks *m, bool files_at_fault)
{
	refused = *m;
	has_refused = true;
	again_at = files_at_fault ? 0 : supervisor_now() + AGAIN_MS;
}

void
watch_forget(void)
{
	again_at = supervisor_now();
}
