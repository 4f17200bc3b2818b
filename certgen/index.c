#include "index.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "crypto.h"
#include "file.h"
#include "moment.h"
#include "text.h"
#include "x509text.h"

#define HEAD	"postern-certgen index 1"
#define HEAD_LINES	3
#define SIZE_MAX_FILE	(64 << 20)	/* bytes: half a million certificates */
#define SUBJECT_SIZE	256

/* RFC 5280, 5.3.1, but for removeFromCRL, which only delta lists have. */
static const char *const reasons[] = {
	[0] = "unspecified",
	[1] = "keyCompromise",
	[2] = "CACompromise",
	[3] = "affiliationChanged",
	[4] = "superseded",
	[5] = "cessationOfOperation",
	[6] = "certificateHold",
	[9] = "privilegeWithdrawn",
	[10] = "AACompromise",
};

const char *
reason_name(int number)
{
	return number < 0 ||
	    (size_t)number >= sizeof reasons / sizeof reasons[0] ? NULL :
	    reasons[number];
}

int
reason_number(const char *name)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i] != NULL && strcmp(reasons[i], name) == 0)
			return (int)i;
	return -1;
}

/* Lower-case hexadecimal by whole bytes, as x509_serial_text writes it. */
static bool
is_serial(const char *s)
{
	size_t n;

	s += *s == '-';
	n = strspn(s, "0123456789abcdef");
	return n > 0 && n % 2 == 0 && s[n] == '\0' && n < SERIAL_SIZE;
}

/* ---- records ------------------------------------------------------------ */

static struct record *
append(struct index *x)
{
	if (x->count == x->room) {
		size_t room = x->room == 0 ? 64 : 2 * x->room;
		struct record *more = reallocarray(x->records, room,
		    sizeof *more);

		if (more == NULL)
			err(EX_OSERR, "index");
		x->records = more;
		x->room = room;
	}
	x->records[x->count] = (struct record){ .role = "-",
	    .not_after = UNKNOWN, .revoked_at = UNKNOWN, .reason = UNKNOWN };
	return &x->records[x->count++];
}

static char *
copy(const char *s)
{
	char *new = strdup(s);

	if (new == NULL)
		err(EX_OSERR, "index");
	return new;
}

struct record *
index_find(const struct index *x, const char *serial)
{
	for (size_t i = 0; i < x->count; i++)
		if (strcmp(x->records[i].serial, serial) == 0)
			return &x->records[i];
	return NULL;
}

struct record *
index_add_serial(struct index *x, const char *serial)
{
	struct record *r = append(x);

	r->serial = copy(serial);
	r->subject = copy("-");
	return r;
}

struct record *
index_add(struct index *x, X509 *cert, const char *role)
{
	char serial[SERIAL_SIZE], subject[SUBJECT_SIZE];
	struct record *r;

	x509_serial_text(cert, serial, sizeof serial);
	if (!is_serial(serial))
		errx(EX_DATAERR, "a certificate's serial number is longer than "
		    "32 bytes");
	x509_name_text(X509_get_subject_name(cert), subject, sizeof subject);
	r = index_add_serial(x, serial);
	if (subject[0] != '\0') {
		free(r->subject);
		r->subject = copy(subject);
	}
	text_copy(r->role, sizeof r->role, role);
	/* What ended before 1970 ended; the file has no word for when. */
	if (moment_of(X509_get0_notAfter(cert), &r->not_after) &&
	    r->not_after < 0)
		r->not_after = 0;
	return r;
}

void
index_init(struct index *x, X509 *ca)
{
	uint8_t hash[32];

	*x = (struct index){ .crl_time = UNKNOWN };
	if (!x509_spki_sha256(ca, hash))
		crypto_fatal("cannot hash the CA's key");
	strcpy(x->ca, "SHA256:");
	text_hex(x->ca + strlen(x->ca), hash, sizeof hash);
}

void
index_free(struct index *x)
{
	for (size_t i = 0; i < x->count; i++) {
		free(x->records[i].serial);
		free(x->records[i].subject);
	}
	free(x->records);
	*x = (struct index){ 0 };
}

/* ---- read --------------------------------------------------------------- */

uint8_t *
index_read(const struct authority *a, size_t *len)
{
	int fd = open(a->index, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	uint8_t *text;
	ssize_t n = 0;

	*len = 0;
	if (fd == -1 && errno == ENOENT)
		return NULL;
	if (fd == -1 || fstat(fd, &st) == -1)
		err(EX_NOINPUT, "%s", a->index);
	if (!S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_FILE)
		errx(EX_DATAERR, "%s: is not a regular file of at most %d MiB, "
		    "as an index is", a->index, SIZE_MAX_FILE >> 20);
	if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		err(EX_OSERR, "%s", a->index);
	/* Nobody changes it: runs replace it by another, under the lock. */
	while (*len < (size_t)st.st_size && ((n = read(fd, text + *len,
	    (size_t)st.st_size - *len)) > 0 || (n == -1 && errno == EINTR)))
		*len += n > 0 ? (size_t)n : 0;
	if (n == -1)
		err(EX_NOINPUT, "%s", a->index);
	close(fd);
	text[*len] = '\0';
	return text;
}

/* The file in work; what is wrong with it is told with its line's number. */
struct reader {
	struct index	*index;
	const char	*path;
	size_t		 line;
	char		*at, *end;	/* end: the NUL behind the last byte */
};

static _Noreturn void
damaged(const struct reader *r, const char *why)
{
	errx(EX_DATAERR, "%s: line %zu: %s; take the file from a backup",
	    r->path, r->line, why);
}

static char *
next_line(struct reader *r)
{
	size_t rest = (size_t)(r->end - r->at), len = 0;
	char *line = r->at;

	r->line++;
	if (rest == 0)
		damaged(r, "the file ends without its last line (end NUMBER)");
	while (len < rest && line[len] != '\n')
		len++;
	if (len == rest)
		damaged(r, "is cut short");
	r->at += len + 1;
	line[len] = '\0';
	if (strlen(line) != len)
		damaged(r, "has a NUL in it");
	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	for (const char *p = line; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			damaged(r, "has a byte in it that is no text");
	return line;
}

/* "-" is UNKNOWN. */
static bool
parse_moment(const char *s, time_t *t)
{
	if (strcmp(s, "-") == 0) {
		*t = UNKNOWN;
		return true;
	}
	return moment_parse(s, t);
}

static void
read_head(struct reader *r)
{
	char *line = next_line(r), *number, *end;

	if (strcmp(line, HEAD) != 0)
		damaged(r, "is not \"" HEAD "\"");
	line = next_line(r);
	if (strncmp(line, "ca SHA256:", 10) != 0 || strlen(line + 10) != 64)
		damaged(r, "is not the CA's key (ca SHA256:...)");
	if (strcmp(line + 3, r->index->ca) != 0)
		errx(EX_DATAERR, "%s: is the index of a CA with another key; "
		    "move it away if that CA is gone", r->path);
	line = next_line(r);
	if (strncmp(line, "crl ", 4) != 0)
		damaged(r, "is not the newest list's (crl NUMBER TIME)");
	number = line + 4;
	errno = 0;
	r->index->crl_number = strtoull(number, &end, 10);
	if (number[0] < '0' || number[0] > '9' || errno != 0 || *end != ' ' ||
	    !parse_moment(end + 1, &r->index->crl_time))
		damaged(r, "is not the newest list's (crl NUMBER TIME)");
}

static void
read_record(struct reader *r, char *line)
{
	struct record *c = append(r->index);
	char *f[6];

	for (size_t i = 0; i < 6; i++)
		if ((f[i] = strsep(&line, " ")) == NULL || line == NULL)
			damaged(r, "has too few fields");
	c->serial = f[0];
	c->subject = line;
	c->revoked = strcmp(f[1], "revoked") == 0;
	if (!is_serial(f[0]))
		damaged(r, "does not begin with a serial number");
	if (!c->revoked && strcmp(f[1], "valid") != 0)
		damaged(r, "is neither valid nor revoked");
	if (!parse_moment(f[2], &c->not_after) ||
	    !parse_moment(f[4], &c->revoked_at))
		damaged(r, "has a time that is none");
	if (!text_copy(c->role, sizeof c->role, f[3]))
		damaged(r, "has a role that is none");
	c->reason = reason_number(f[5]);
	if (c->reason == -1 && strcmp(f[5], "-") != 0)
		damaged(r, "has a reason that is none");
	c->serial = copy(c->serial);
	c->subject = copy(c->subject);
}

struct place {
	const char	*serial;
	size_t		 line;
};

static int
by_serial(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->serial, y->serial);

	return order != 0 ? order : x->line < y->line ? -1 : 1;
}

/* Of two lines for one certificate, which holds? */
static void
refuse_twins(const struct index *x, const char *path)
{
	struct place *all = calloc(x->count + 1, sizeof *all);

	if (all == NULL)
		err(EX_OSERR, "index");
	for (size_t i = 0; i < x->count; i++)
		all[i] = (struct place){ x->records[i].serial,
		    i + HEAD_LINES + 1 };
	qsort(all, x->count, sizeof *all, by_serial);
	for (size_t i = 1; i < x->count; i++)
		if (strcmp(all[i - 1].serial, all[i].serial) == 0)
			errx(EX_DATAERR, "%s: line %zu: serial %s is there "
			    "twice; take the file from a backup", path,
			    all[i].line, all[i].serial);
	free(all);
}

static bool
is_number(const char *s, size_t n)
{
	char want[24];

	snprintf(want, sizeof want, "%zu", n);
	return strcmp(s, want) == 0;
}

static void
read_records(struct reader *r)
{
	char *line;

	while (strncmp(line = next_line(r), "end ", 4) != 0)
		read_record(r, line);
	if (!is_number(line + 4, r->index->count))
		damaged(r, "counts more or fewer lines than there are");
	if (r->at != r->end)
		damaged(r, "is the last by its word, and more follow");
}

void
index_parse(struct index *x, const struct authority *a, const uint8_t *text,
    size_t len)
{
	struct reader r = { .index = x, .path = a->index };
	char *work;

	index_init(x, a->cert);
	if (text == NULL)
		return;
	if ((work = malloc(len + 1)) == NULL)
		err(EX_OSERR, "index");
	memcpy(work, text, len);
	work[len] = '\0';
	r.at = work;
	r.end = work + len;
	read_head(&r);
	read_records(&r);
	refuse_twins(x, a->index);
	free(work);
}

/* ---- written ------------------------------------------------------------ */

static const char *
moment_or_dash(time_t t, char dst[MOMENT_TEXT])
{
	if (t == UNKNOWN)
		return "-";
	moment_text(t, dst);
	return dst;
}

static void
write_record(FILE *f, const struct record *r)
{
	char end[MOMENT_TEXT], at[MOMENT_TEXT];

	fprintf(f, "%s %s %s %s %s %s %s\n", r->serial,
	    r->revoked ? "revoked" : "valid",
	    moment_or_dash(r->not_after, end), r->role,
	    moment_or_dash(r->revoked_at, at),
	    r->reason == UNKNOWN ? "-" : reason_name(r->reason), r->subject);
}

uint8_t *
index_text(const struct index *x, size_t *len)
{
	char *text = NULL, time[MOMENT_TEXT];
	FILE *f = open_memstream(&text, len);

	if (f == NULL)
		err(EX_OSERR, "index");
	fprintf(f, HEAD "\nca %s\ncrl %" PRIu64 " %s\n", x->ca, x->crl_number,
	    moment_or_dash(x->crl_time, time));
	for (size_t i = 0; i < x->count; i++)
		write_record(f, &x->records[i]);
	fprintf(f, "end %zu\n", x->count);
	if (fclose(f) == EOF)
		err(EX_OSERR, "index");
	return (uint8_t *)text;
}
