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
log_open_syslog(int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = "/dev/log" };
	int e;

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

void
log_begin(struct log_line *l, int level, const char *event)
{
	l->wanted = level <= max_level;
	l->level = level;
	l->len = 0;
	if (!l->wanted)
		return;
	append_prefix(l);
	append(l, "process=%s event=%s", process_name, event);
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
	append(l, " %s=%s%s%s", key, quote, safe, quote);
}

void
log_num(struct log_line *l, const char *key, int64_t value)
{
	if (l->wanted)
		append(l, " %s=%" PRId64, key, value);
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

static void
finish(struct log_line *l)
{
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
log_words(int level, const char *event, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
log_words(int level, const char *event, const char *fmt, va_list ap)
{
	struct log_line l;
	char words[2048];

	vsnprintf(words, sizeof words, fmt, ap);
	log_begin(&l, level, event);
	log_str(&l, "detail", words);
	log_end(&l);
}

void
log_event(int level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_words(level, event, fmt, ap);
	va_end(ap);
}

void
fatal(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_words(LOG_ERR, "fatal", fmt, ap);
	va_end(ap);
	_exit(code);
}
