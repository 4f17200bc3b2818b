#include "progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "deadline.h"
#include "text.h"

#define STEP_US		200000
#define WIPE		"\r\033[K"
#define WIDTH		80
#define BAR_MIN		5
#define BAR_MAX		40

void
progress_prepare(struct progress *p, const char *name)
{
	struct winsize w;

	p->width = WIDTH;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		p->width = w.ws_col;
	if (p->width > PROGRESS_LINE)
		p->width = PROGRESS_LINE;
	text_escape(p->name, sizeof p->name, name, strlen(name));
}

static void
on_signal(int number)
{
	ssize_t ignored = write(STDERR_FILENO, WIPE, sizeof WIPE - 1);

	(void)ignored;
	_exit(128 + number);
}

void
progress_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

void
progress_start(struct progress *p)
{
	p->start = p->next = deadline_now_us();
}

void
progress_bytes(char dst[16], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
	    "PiB", "EiB" };
	size_t u = 0;

	while (bytes >= 1000 && u < sizeof units / sizeof units[0] - 1) {
		bytes /= 1024;
		u++;
	}
	snprintf(dst, 16, u == 0 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
}

static void
duration(char dst[32], double seconds)
{
	uint64_t s = seconds > 359999 ? 359999 : (uint64_t)(seconds + 0.5);

	if (s >= 3600)
		snprintf(dst, 32, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
		    s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(dst, 32, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
}

/* "[====>     ] ", or nothing if there is no room. */
static void
bar(char *dst, size_t room, double part)
{
	size_t width, full;

	if (room < BAR_MIN + 3)
		return;
	width = room < BAR_MAX + 3 ? room - 3 : BAR_MAX;
	full = (size_t)(part * (double)width);
	*dst++ = '[';
	memset(dst, ' ', width);
	memset(dst, '=', full);
	if (full < width)
		dst[full] = '>';
	strcpy(dst + width, "] ");
}

void
progress_line(const struct progress *p, uint64_t done, int64_t us,
    char dst[PROGRESS_LINE])
{
	double rate = us > 0 ? (double)done * 1000000 / (double)us : 0;
	double part = p->total > 0 ? (double)done / (double)p->total : 1;
	char bytes[16], speed[16], time[32] = "-:--", head[96], tail[96];
	size_t used;

	if (part > 1)
		part = 1;
	progress_bytes(bytes, (double)done);
	progress_bytes(speed, rate);
	if (!p->bounded)
		duration(time, (double)us / 1000000);
	else if (rate > 0)
		duration(time, (double)p->total * (1 - part) / rate);
	snprintf(tail, sizeof tail, "%s %s/s %s%s", bytes, speed, time,
	    p->bounded ? " left" : "");
	snprintf(head, sizeof head, "%s ", p->name);
	if (p->bounded)
		snprintf(head, sizeof head, "%s %3.0f%% ", p->name,
		    part * 100);
	used = strlen(head) + strlen(tail) + 1;
	snprintf(dst, PROGRESS_LINE, "%s", head);
	if (p->bounded && used < p->width)
		bar(dst + strlen(head), p->width - used, part);
	strcat(dst, tail);
	dst[p->width - 1] = '\0';
}

void
progress_show(struct progress *p, uint64_t done)
{
	int64_t now = deadline_now_us();
	char line[PROGRESS_LINE];

	if (!p->shown || now < p->next)
		return;
	p->next = now + STEP_US;
	progress_line(p, done, now - p->start, line);
	/* To its end the line is cleared: the one before may be longer. */
	fprintf(stderr, "\r%s\033[K", line);
}

int64_t
progress_next(const struct progress *p)
{
	return p->shown ? (p->next + 999) / 1000 : DEADLINE_NEVER;
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fputs(WIPE, stderr);
	p->shown = false;
}
