#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define SINK STDERR_FILENO

static const char	*process_name = "postern";
static enum log_kind	 kind = LOG_KIND_STREAM;
static int		 max_level = LOG_INFO;
static bool		 is_socket;
static bool		 may_block;
static pid_t		 own_pid;	/* asked once: a filter may forbid it */
static uint64_t		 dropped;

static const char *
level_word(int level)
{
	switch (level) {
	case LOG_ERR:
		return "error";
	case LOG_WARNING:
		return "warning";
	case LOG_INFO:
		return "info";
	default:
		return "debug";
	}
}

void
log_init(const char *process, enum log_kind k, int level)
{
	struct stat st;
	int flags = fcntl(SINK, F_GETFL);

	process_name = process;
	own_pid = getpid();
	kind = k;
	max_level = level;
	is_socket = fstat(SINK, &st) == 0 && S_ISSOCK(st.st_mode);
	may_block = !is_socket && flags != -1 && !(flags & O_NONBLOCK);
	tzset();		/* syslog's time; reads a file, so now */
}

void
log_level(int level)
{
	max_level = level;
}

bool
log_stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return s != NULL && sscanf(s, "%ju:%ju", &dev, &ino) == 2 &&
	    fstat(SINK, &st) == 0 && (uintmax_t)st.st_dev == dev &&
	    (uintmax_t)st.st_ino == ino;
}

void
log_reopen_stderr(void)
{
	int fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		return;
	dup2(fd, SINK);
	close(fd);
}

bool
log_open_socket(const char *path, int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int e;

	text_copy(sun.sun_path, sizeof sun.sun_path, path);
	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd == -1)
		return false;
	if (connect(*fd, (struct sockaddr *)&sun, sizeof sun) == 0)
		return true;
	e = errno;
	close(*fd);
	errno = e;
	return false;
}

static void
append(struct log_line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
append(struct log_line *l, const char *fmt, ...)
{
	size_t room = sizeof l->text - 1 - l->len;	/* 1: the line's end */
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* What the sink wants before the first key. */
static void
append_prefix(struct log_line *l)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	if (kind == LOG_KIND_FIELDS)
		return;
	if (kind == LOG_KIND_JOURNAL) {
		append(l, "<%d>", l->level);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (kind == LOG_KIND_SYSLOG) {
		localtime_r(&now.tv_sec, &tm);
		strftime(text, sizeof text, "%b %e %H:%M:%S", &tm);
		append(l, "<%d>%s posternd[%d]: ", LOG_DAEMON | l->level, text,
		    (int)own_pid);
		return;
	}
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	append(l, "time=%s.%03ldZ level=%s pid=%d ", text,
	    now.tv_nsec / 1000000, level_word(l->level), (int)own_pid);
}

/* One that is safe, and where it stands. */
static void
append_value(struct log_line *l, const char *key, const char *quote,
    const char *safe)
{
	append(l, "%s=%s", key, quote);
	if (l->values < LOG_KEYS_MAX) {
		l->value[l->values].key = key;
		l->value[l->values].at = l->len;
		l->value[l->values++].len = strlen(safe);
	}
	append(l, "%s%s", safe, quote);
}

void
log_begin(struct log_line *l, int level, const char *event)
{
	l->wanted = level <= max_level;
	l->level = level;
	l->len = 0;
	l->values = 0;
	if (!l->wanted)
		return;
	append_prefix(l);
	append_value(l, "process", "", process_name);
	append(l, " ");
	append_value(l, "event", "", event);
}

void
log_str(struct log_line *l, const char *key, const char *value)
{
	char safe[2048];

	if (!l->wanted)
		return;
	text_escape(safe, sizeof safe, value, strlen(value));
	log_escaped(l, key, safe);
}

void
log_escaped(struct log_line *l, const char *key, const char *safe)
{
	const char *quote = "";
	size_t n = strlen(safe);

	if (!l->wanted)
		return;
	/* Whole or not at all: half a value would unbalance the quotes. */
	if (l->len + strlen(key) + n + 8 >= sizeof l->text)
		return;
	if (n == 0 || strpbrk(safe, " =\"\\") != NULL)
		quote = "\"";
	append(l, " ");
	append_value(l, key, quote, safe);
}

void
log_num(struct log_line *l, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, value);
	log_escaped(l, key, text);
}

void
log_fmt(struct log_line *l, const char *key, const char *fmt, ...)
{
	char value[2048];
	va_list ap;

	if (!l->wanted)
		return;
	va_start(ap, fmt);
	vsnprintf(value, sizeof value, fmt, ap);
	va_end(ap);
	log_str(l, key, value);
}

/* One attempt to hand a whole line over; false if it was not taken. */
static bool
put(const char *text, size_t len)
{
	ssize_t n;

	if (is_socket) {
		n = send(SINK, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		struct pollfd p = { .fd = SINK, .events = POLLOUT };
		struct timespec zero = { 0, 0 };

		if (may_block && (ppoll(&p, 1, &zero, NULL) != 1 ||
		    !(p.revents & POLLOUT)))
			return false;
		n = write(SINK, text, len);
	}
	return n == (ssize_t)len;
}

/* ---- the journal's own form ---------------------------------------------- */

/* Of one field, besides its value: name, a line's end, size, a line's end. */
#define FIELD_MAX	(64 + 1 + 8 + 1)
/* Each byte of the line is there twice at most: in MESSAGE, and as a value. */
static char	datagram[2 * LOG_LINE_MAX + (LOG_KEYS_MAX + 3) * FIELD_MAX];
static size_t	datagram_len;

/* Of keys, which are ours, journald wants capitals and no "-". */
static char
field_letter(char c)
{
	static const char small[] = "-abcdefghijklmnopqrstuvwxyz";
	static const char large[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at = c == '\0' ? NULL : strchr(small, c);

	if (at == NULL)
		return c;
	return large[at - small];
}

/*
 * Always in the form that says how long the value is, so that no value ends
 * before its end, whatever is in it.
 */
static void
put_field(const char *prefix, const char *key, const char *value, size_t len)
{
	char *to = datagram + datagram_len;
	char name[65];
	int n = snprintf(name, sizeof name, "%s%s\n", prefix, key);

	if (n >= (int)sizeof name ||
	    datagram_len + len + FIELD_MAX > sizeof datagram)
		return;
	for (int i = 0; i < n; i++)
		*to++ = field_letter(name[i]);
	for (int i = 0; i < 8; i++)		/* the lowest byte first */
		*to++ = (char)((uint64_t)len >> 8 * i);
	memcpy(to, value, len);
	to[len] = '\n';
	datagram_len = (size_t)(to + len + 1 - datagram);
}

/*
 * As systemd's "Native Journal Protocol" has it; what journald knows by itself
 * (_PID, _UID, _SYSTEMD_UNIT) is not ours to say.
 */
static bool
put_fields(const struct log_line *l)
{
	const char priority[] = { (char)('0' + l->level) };

	datagram_len = 0;
	put_field("", "PRIORITY", priority, sizeof priority);
	put_field("", "SYSLOG_IDENTIFIER", "posternd", 8);
	put_field("", "MESSAGE", l->text, l->len);
	for (size_t i = 0; i < l->values; i++)
		put_field("POSTERN_", l->value[i].key,
		    l->text + l->value[i].at, l->value[i].len);
	return put(datagram, datagram_len);
}

static void
finish(struct log_line *l)
{
	if (kind == LOG_KIND_FIELDS) {
		if (!put_fields(l))
			dropped++;
		return;
	}
	l->text[l->len] = '\n';
	/* A datagram ends by itself. */
	if (!put(l->text, l->len + (kind != LOG_KIND_SYSLOG)))
		dropped++;
}

void
log_end(struct log_line *l)
{
	uint64_t told = dropped;

	if (!l->wanted)
		return;
	if (told > 0) {
		struct log_line d;

		log_begin(&d, LOG_ERR, "log-dropped");
		log_num(&d, "lines", (int64_t)told);
		dropped = 0;
		finish(&d);
		if (dropped > 0) {		/* still blocked */
			dropped = told + 1;
			return;
		}
	}
	finish(l);
}

/* Each line moves full_at on; who gets ahead of the clock by too much waits. */
bool
log_may(struct log_limit *l, uint32_t burst, int64_t every_ms, int64_t now)
{
	int64_t most = (int64_t)burst * every_ms;

	/* The first, one after a rest, or the clock was set back. */
	if (l->full_at < now || l->full_at > now + most)
		l->full_at = now;
	if (l->full_at + every_ms > now + most) {
		l->left_out++;
		return false;
	}
	l->full_at += every_ms;
	return true;
}

static void
log_words(int level, const char *event, uint64_t left_out, const char *fmt,
    va_list ap) __attribute__((format(printf, 4, 0)));

static void
log_detail(int level, const char *event, const char *words, uint64_t left_out)
{
	struct log_line l;

	log_begin(&l, level, event);
	log_str(&l, "detail", words);
	if (left_out > 0)
		log_num(&l, "left_out", (int64_t)left_out);
	log_end(&l);
}

static void
log_words(int level, const char *event, uint64_t left_out, const char *fmt,
    va_list ap)
{
	char words[2048];

	vsnprintf(words, sizeof words, fmt, ap);
	log_detail(level, event, words, left_out);
}

void
log_event(int level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_words(level, event, 0, fmt, ap);
	va_end(ap);
}

static struct log_limit *limits;	/* all that have ever told anything */

void
log_left_out(void)
{
	for (struct log_limit *l = limits; l != NULL; l = l->next) {
		if (l->left_out > 0)
			log_detail(l->level, l->event, "and more, until the "
			    "end of the process", l->left_out);
		l->left_out = 0;
	}
}

void
log_event_limited(int level, const char *event, struct log_limit *limit,
    int64_t now, const char *fmt, ...)
{
	va_list ap;

	if (limit->event == NULL) {
		limit->event = event;
		limit->level = level;
		limit->next = limits;
		limits = limit;
	}
	if (!log_may(limit, 1, 60000, now))
		return;
	va_start(ap, fmt);
	log_words(level, event, limit->left_out, fmt, ap);
	va_end(ap);
	limit->left_out = 0;
}

void
fatal(int code, const char *fmt, ...)
{
	va_list ap;

	log_left_out();
	va_start(ap, fmt);
	log_words(LOG_ERR, "fatal", 0, fmt, ap);
	va_end(ap);
	_exit(code);
}
