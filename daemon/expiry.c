#include "expiry.h"

#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "log.h"

#define DAY_S		INT64_C(86400)
#define LOOK_EVERY_S	3600

struct entry {
	const char		*what;
	char			*file, *subject;	/* ours */
	int64_t			 not_before, not_after;
	struct expiry_told	 told;
};

static struct entry	*entries;
static size_t		 count;
static struct event	 timer;

/* ---- when ---------------------------------------------------------------- */

enum expiry
expiry_nearness(int64_t not_before, int64_t not_after, int64_t now)
{
	static const struct {
		enum expiry	near;
		int64_t		days;
	} steps[] = { { EXPIRY_DAY, 1 }, { EXPIRY_WEEK, 7 },
	    { EXPIRY_MONTH, 30 } };

	/* That second itself is over for libcrypto, too. */
	if (now >= not_after)
		return EXPIRY_OVER;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (not_after - now <= steps[i].days * DAY_S &&
		    not_after - not_before >= (steps[i].days + 1) * DAY_S)
			return steps[i].near;
	return EXPIRY_FAR;
}

bool
expiry_is_news(enum expiry near, int64_t now, struct expiry_told *told)
{
	bool daily = near == EXPIRY_OVER &&
	    (now >= told->at + DAY_S || now < told->at);
	bool news = near > told->near || (near == told->near && daily);

	/* With the clock put back, what was passed may be passed again. */
	told->near = near;
	if (news)
		told->at = now;
	return news;
}

int64_t
expiry_days(int64_t not_after, int64_t now)
{
	return (not_after - now + DAY_S - 1) / DAY_S;
}

/* ---- what ---------------------------------------------------------------- */

static void
tell(const struct entry *e, int64_t now)
{
	bool over = e->told.near == EXPIRY_OVER;
	time_t t = (time_t)e->not_after;
	char text[32] = "?";
	struct log_line l;
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	log_begin(&l, over ? LOG_ERR : LOG_WARNING, over ? "expired" :
	    "expiry");
	log_str(&l, "what", e->what);
	log_str(&l, "file", e->file);
	log_escaped(&l, "subject", e->subject);
	log_str(&l, "expires", text);
	if (!over)
		log_num(&l, "days", expiry_days(e->not_after, now));
	log_end(&l);
}

/* By the wall clock as it is now: it may have been put right since. */
static void
look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval later = { .tv_sec = LOOK_EVERY_S };
	int64_t now = (int64_t)time(NULL);

	(void)fd, (void)what, (void)arg;
	for (size_t i = 0; i < count; i++) {
		struct entry *e = &entries[i];

		if (expiry_is_news(expiry_nearness(e->not_before, e->not_after,
		    now), now, &e->told))
			tell(e, now);
	}
	event_add(&timer, &later);
}

void
expiry_add(const char *what, const char *file, const char *subject,
    int64_t not_before, int64_t not_after)
{
	struct entry *more = reallocarray(entries, count + 1, sizeof *more);
	struct entry e = { .what = what, .file = strdup(file),
	    .subject = strdup(subject), .not_before = not_before,
	    .not_after = not_after };

	if (more != NULL && e.file != NULL && e.subject != NULL) {
		more[count++] = e;
		entries = more;
	} else {
		fatal(EX_OSERR, "out of memory");
	}
}

void
expiry_forget(const char *what)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(entries[i].what, what) != 0) {
			entries[kept++] = entries[i];
			continue;
		}
		free(entries[i].file);
		free(entries[i].subject);
	}
	count = kept;
}

void
expiry_start(struct event_base *base)
{
	const struct timeval at_once = { 0 };

	event_assign(&timer, base, -1, 0, look, NULL);
	if (event_add(&timer, &at_once) == -1)
		fatal(EX_OSERR, "libevent: the watch over expiry");
}

void
expiry_stop(void)
{
	if (event_initialized(&timer))
		event_del(&timer);
}
