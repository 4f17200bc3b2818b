#include "output.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"
#include "text.h"

/* ---- before: may it be written? ----------------------------------------- */

/* Open the directory that a path lies in, and find the path's last part. */
static int
open_directory(const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd;

	if (dir == NULL)
		err(EX_OSERR, "%s", path);
	*base = slash == NULL ? path : slash + 1;
	if (**base == '\0')
		errx(EX_CANTCREAT, "%s: is a directory; name a file", path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err(EX_CANTCREAT, "%s: cannot be made in %s", path, dir);
	free(dir);
	return fd;
}

static bool
same_place(const struct output_file *a, const struct output_file *b)
{
	struct stat da, db;

	if (fstat(a->dir, &da) == -1 || fstat(b->dir, &db) == -1)
		err(EX_OSERR, "%s", a->path);
	return da.st_dev == db.st_dev && da.st_ino == db.st_ino &&
	    strcmp(a->base, b->base) == 0;
}

static void
check_free(const struct output_file *f)
{
	struct stat st;

	if (fstatat(f->dir, f->base, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return;
		err(EX_CANTCREAT, "%s", f->path);
	}
	if (!S_ISREG(st.st_mode))	/* a link, a device: not ours */
		errx(EX_CANTCREAT, "%s: exists and is not a regular file; "
		    "choose another name", f->path);
	if (!f->replace)
		errx(EX_CANTCREAT, "%s: exists; choose another name, or "
		    "--force to replace it", f->path);
}

static size_t
name_file(struct output *o, const char *path, mode_t mode, bool replace)
{
	struct output_file *f = &o->file[o->count];

	memset(f, 0, sizeof *f);
	f->path = path;
	f->mode = mode;
	f->replace = replace;
	f->dir = open_directory(path, &f->base);
	for (size_t i = 0; i < o->count; i++)
		if (same_place(f, &o->file[i]))
			errx(EX_USAGE, "%s: two of the files to be written "
			    "cannot be the same file", path);
	check_free(f);
	return o->count++;
}

size_t
output_add(struct output *o, const char *path, mode_t mode)
{
	return name_file(o, path, mode, o->force);
}

size_t
output_replace(struct output *o, const char *path, mode_t mode)
{
	return name_file(o, path, mode, true);
}

void
output_spare(const struct output *o, const char *path, const char *what)
{
	struct stat in, out;

	if (path == NULL || stat(path, &in) == -1)
		return;		/* whoever reads it will say so */
	for (size_t i = 0; i < o->count; i++)
		if (fstatat(o->file[i].dir, o->file[i].base, &out,
		    AT_SYMLINK_NOFOLLOW) == 0 && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino)
			errx(EX_USAGE, "%s: would replace %s",
			    o->file[i].path, what);
}

/* ---- one file ----------------------------------------------------------- */

static void
temp_name(char dst[OUTPUT_TEMP])
{
	static const char prefix[] = ".postern-certgen.";
	uint8_t r[8];

	_Static_assert(sizeof prefix + 2 * sizeof r <= OUTPUT_TEMP,
	    "prefix, digits and NUL fit");
	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		err(EX_OSERR, "getrandom");
	memcpy(dst, prefix, sizeof prefix);
	text_hex(dst + sizeof prefix - 1, r, sizeof r);
}

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* A file system without modes (FAT) would show a key to everybody. */
static bool
mode_holds(int fd, const struct output_file *f)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		warn("%s", f->path);
		return false;
	}
	if ((st.st_mode & 07777 & ~f->mode) == 0)
		return true;
	warnx("%s: the file system does not keep the mode %03o; choose "
	    "another", f->path, (unsigned)f->mode);
	return false;
}

/* Written under a temporary name, in full and on the disk. */
static int
write_temp(struct output_file *f, const void *data, size_t len)
{
	char name[OUTPUT_TEMP];
	int fd;
	bool ok;

	temp_name(name);
	fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, f->mode);
	if (fd == -1) {
		warn("%s: cannot be made", f->path);
		return EX_CANTCREAT;
	}
	memcpy(f->temp, name, sizeof name);
	if (!mode_holds(fd, f)) {
		close(fd);
		return EX_CANTCREAT;
	}
	ok = write_all(fd, data, len);
	if (!ok)
		warn("%s: cannot be written", f->path);
	if (close(fd) == -1 && ok) {
		warn("%s: cannot be written", f->path);
		ok = false;
	}
	return ok ? 0 : EX_IOERR;
}

/* Keep what is to be replaced under a second name, to put it back. */
static bool
keep_old(struct output_file *f)
{
	char name[OUTPUT_TEMP];

	temp_name(name);
	if (linkat(f->dir, f->base, f->dir, name, 0) == -1)
		return errno == ENOENT;
	memcpy(f->backup, name, sizeof name);
	return true;
}

/*
 * Give it its own name.  link(2) never replaces; rename(2) does, and then
 * there is no moment without the one or the other.
 */
static int
place(struct output_file *f)
{
	bool ok = f->replace ? keep_old(f) &&
	    renameat(f->dir, f->temp, f->dir, f->base) == 0 :
	    linkat(f->dir, f->temp, f->dir, f->base, 0) == 0;

	if (!ok) {
		warn("%s: cannot be made", f->path);
		return EX_CANTCREAT;
	}
	f->placed = true;
	if (f->replace)
		f->temp[0] = '\0';	/* that name is gone */
	return 0;
}

static void
discard(const struct output_file *f, char name[OUTPUT_TEMP])
{
	if (name[0] != '\0' && unlinkat(f->dir, name, 0) == -1)
		warn("%s: \"%s\" beside it is left over; remove it", f->path,
		    name);
	name[0] = '\0';
}

/* ---- all files ---------------------------------------------------------- */

/* What was placed goes, what it replaced comes back. */
static void
undo(struct output_file *f)
{
	if (!f->placed)
		return;
	if (f->backup[0] != '\0' &&
	    renameat(f->dir, f->backup, f->dir, f->base) == -1)
		warn("%s: the old file is now \"%s\" beside it", f->path,
		    f->backup);
	else if (f->backup[0] == '\0' && unlinkat(f->dir, f->base, 0) == -1)
		warn("%s: is left over; remove it", f->path);
	f->backup[0] = '\0';
	f->placed = false;
}

static int
write_files(struct output *o, const struct made *m)
{
	int rc = 0;

	for (size_t i = 0; i < o->count && rc == 0; i++)
		rc = write_temp(&o->file[i], m->data[i], m->len[i]);
	for (size_t i = 0; i < o->count && rc == 0; i++)
		rc = place(&o->file[i]);
	for (size_t i = 0; i < o->count && rc == 0; i++)
		if (fsync(o->file[i].dir) == -1 && errno != EINVAL) {
			warn("%s: its directory cannot be written",
			    o->file[i].path);
			rc = EX_IOERR;
		}
	for (size_t i = o->count; i-- > 0 && rc != 0;)
		undo(&o->file[i]);
	for (size_t i = 0; i < o->count; i++) {
		discard(&o->file[i], o->file[i].temp);
		discard(&o->file[i], o->file[i].backup);
	}
	return rc;
}

static void
hold_signals(sigset_t *before)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
	    SIGTSTP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		sigaddset(&set, ending[i]);
	if (sigprocmask(SIG_BLOCK, &set, before) == -1 ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		err(EX_OSERR, "cannot hold back signals");
}

int
output_write(struct output *o, const struct made *m)
{
	sigset_t before;
	int rc;

	hold_signals(&before);
	rc = write_files(o, m);
	for (size_t i = 0; i < o->count; i++)
		close(o->file[i].dir);
	o->count = 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int
output_write_and_tell(struct output *o, const struct made *m)
{
	int rc = output_write(o, m);

	if (rc != 0 || m->said_len == 0)
		return rc;
	if (fwrite(m->said, 1, m->said_len, stdout) != m->said_len ||
	    fflush(stdout) == EOF) {
		warn("standard output (the files are written)");
		return EX_IOERR;
	}
	return 0;
}

void
made_free(struct made *m)
{
	for (size_t i = 0; i < OUTPUT_FILES; i++)
		file_wipe(m->data[i], m->len[i]);
	free(m->said);
	memset(m, 0, sizeof *m);
}
