/*
 * The log: one line an event, as key=value (logfmt).
 *
 * Descriptor 2 is the sink in every process, whatever it is: a terminal, a
 * file, a pipe, the journal's stream, a datagram socket to syslogd.  Writing
 * never blocks; a line that does not go out at once is dropped, counted, and
 * the count is told by the next line that does.
 */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Severities are syslog(3)'s own: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG */
#include <syslog.h>

enum log_kind {
	LOG_KIND_STREAM,	/* time= and level= in each line */
	LOG_KIND_JOURNAL,	/* <priority> before each line */
	LOG_KIND_SYSLOG,	/* <facility.priority>time program[pid]: line */
	LOG_KIND_FIELDS		/* to journald: line, and each key by itself */
};

/* Where syslogd and journald take datagrams. */
#define LOG_SYSLOG_PATH		"/dev/log"
#define LOG_JOURNAL_PATH	"/run/systemd/journal/socket"

/* Longest line, NUL included; a pipe takes that much in one piece. */
#define LOG_LINE_MAX 4096
/* More keys than any event has. */
#define LOG_KEYS_MAX 24

struct log_line {
	char	text[LOG_LINE_MAX];
	size_t	len;
	int	level;
	bool	wanted;		/* false: below the level, nothing is written */
	struct {		/* where in it the values are; keys are ours */
		const char	*key;
		size_t		 at, len;
	} value[LOG_KEYS_MAX];
	size_t	values;
};

/*
 * Take descriptor 2 as the sink.  `process` is the value of process= (not
 * copied); lines less urgent than `level` are left out.
 */
void log_init(const char *process, enum log_kind kind, int level);

/* Lines less urgent than `level` are left out from now on. */
void log_level(int level);

/*
 * Is descriptor 2 the journal's stream, as JOURNAL_STREAM says
 * (systemd.exec(5))?  Reads the environment: call before it is emptied.
 */
bool log_stderr_is_journal(void);

/*
 * Make a descriptor of our own for the terminal, pipe or file behind
 * descriptor 2, non-blocking, without changing it for those we share it with.
 * Where that cannot be had, each write is preceded by poll(2).
 */
void log_reopen_stderr(void);

/* A datagram socket to one of those places, in *fd.  False with errno set. */
bool log_open_socket(const char *path, int *fd);

/*
 * Build and write one line:
 *
 *	struct log_line l;
 *	log_begin(&l, LOG_INFO, "open");
 *	log_str(&l, "peer", peer);
 *	log_end(&l);
 *
 * Values are escaped and quoted as they need; keys are ours.
 */
void log_begin(struct log_line *l, int level, const char *event);
void log_str(struct log_line *l, const char *key, const char *value);
/* For a value that text_escape has made safe already. */
void log_escaped(struct log_line *l, const char *key, const char *safe);
void log_num(struct log_line *l, const char *key, int64_t value);
void log_fmt(struct log_line *l, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_end(struct log_line *l);

/*
 * How often lines of one kind may be written: `burst` at once, and then one in
 * `every_ms`.  Zeroed it is new.
 */
struct log_limit {
	int64_t			 full_at;	/* ms */
	uint64_t		 left_out;	/* since they were last told */
	/* Of log_event_limited: what is left to be told, and of whom else. */
	const char		*event;
	int			 level;
	struct log_limit	*next;
};

/*
 * May one be written at `now` (ms, of any clock)?  If not it is counted in
 * left_out, which its owner tells.
 */
bool log_may(struct log_limit *l, uint32_t burst, int64_t every_ms,
    int64_t now);

/* The common case: an event that is told in words, as detail="...". */
void log_event(int level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The same for what may come at any rate: one line a minute, by `now` (as
 * above), which tells in left_out= how many were not written since the last.
 * `limit` is kept.
 */
void log_event_limited(int level, const char *event, struct log_limit *limit,
    int64_t now, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Before a process ends: no such line would come any more, so tell it now. */
void log_left_out(void);

/* event=fatal with these words, then _exit(code) (sysexits(3)). */
_Noreturn void fatal(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
