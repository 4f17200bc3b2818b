#include "died.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

/* A line as it is taken apart: the fields that matter, "" if not there. */
struct fields {
	char	time[32], event[32], signal[16], end[32], peer[DIED_PEER],
		worker[24], parent[24];
};

static void
keep(struct fields *f, const char *key, size_t key_len, const char *value,
    size_t len)
{
	const struct {
		const char	*key;
		char		*to;
		size_t		 size;
	} wanted[] = {
		{ "end", f->end, sizeof f->end },
		{ "event", f->event, sizeof f->event },
		{ "parent", f->parent, sizeof f->parent },
		{ "peer", f->peer, sizeof f->peer },
		{ "signal", f->signal, sizeof f->signal },
		{ "time", f->time, sizeof f->time },
		{ "worker", f->worker, sizeof f->worker },
	};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (strlen(wanted[i].key) == key_len &&
		    memcmp(wanted[i].key, key, key_len) == 0 &&
		    wanted[i].to[0] == '\0')
			text_escape(wanted[i].to, wanted[i].size, value, len);
}

/*
 * logfmt, as lib/log.c writes it: a value in quotes has its own quotes escaped,
 * so what a peer has chosen cannot leave it.  The words that syslogd or the
 * journal puts first have no "=" or do not matter.
 */
static void
take_apart(const char *s, const char *end, struct fields *f)
{
	memset(f, 0, sizeof *f);
	while (s < end) {
		const char *key = s, *value;
		size_t key_len;

		while (s < end && *s != ' ' && *s != '=')
			s++;
		key_len = (size_t)(s - key);
		if (s == end || *s++ == ' ')
			continue;
		value = s;
		if (s < end && *s == '"') {
			value = ++s;
			while (s < end && *s != '"')
				s += *s == '\\' && end - s > 1 ? 2 : 1;
		} else {
			while (s < end && *s != ' ')
				s++;
		}
		keep(f, key, key_len, value, (size_t)(s - value));
		while (s < end && (*s == '"' || *s == ' '))
			s++;
	}
}

static bool
parse_pid(const char *s, int64_t *pid)
{
	char *end;

	errno = 0;
	*pid = strtoll(s, &end, 10);
	return errno == 0 && end != s && *end == '\0' && *pid > 0;
}

/* "2026-11-25T10:30:41.408Z" */
static bool
parse_time(const char *s, int64_t *ms)
{
	struct tm tm = { .tm_year = 0 };
	const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S.", &tm);

	if (rest == NULL || strspn(rest, "0123456789") != 3 ||
	    strcmp(rest + 3, "Z") != 0)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000 + atoi(rest);
	return true;
}

enum died_kind
died_read(const char *line, size_t len, struct died *d)
{
	struct fields f;
	bool by_filter;

	*d = (struct died){ .kind = DIED_NONE };
	take_apart(line, line + len, &f);
	by_filter = strcmp(f.signal, "SYS") == 0;
	d->timed = parse_time(f.time, &d->ms);
	memcpy(d->peer, f.peer, sizeof d->peer);
	if (strcmp(f.event, "worker-died") == 0 && by_filter &&
	    parse_pid(f.worker, &d->pid))
		d->kind = DIED_WORKER;
	else if (strcmp(f.event, "parent-died") == 0 && by_filter &&
	    parse_pid(f.parent, &d->pid))
		d->kind = DIED_PARENT;
	else if (strcmp(f.event, "close") == 0 &&
	    strcmp(f.end, "worker-died") == 0 && parse_pid(f.worker, &d->pid))
		d->kind = DIED_SESSION;
	return d->kind;
}
