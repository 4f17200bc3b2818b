/*
 * Lines of a trace: whatever they are, nothing beyond them is read, and what is
 * not whole is not taken for it.
 */
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "garble.h"
#include "strace.h"

static const char *const lines[] = {
	"4711 read(0x3, 0x7ffd8c4e1a50, 0x400) = 0x5",
	"4711  ppoll(0x7ffd8c4e1a50, 0x1, 0, 0, 0x8 <unfinished ...>",
	"4711 <... ppoll resumed>)              = 0x1",
	"4711 prctl(0xf, \"posternd: paren\"...) = 0",
	"4711 seccomp(0x1, 0, {len=14, filter=0x5555d0a0}) = 0",
	"4711 seccomp(0x3, 0,  <unfinished ...>",
	"4711 <... seccomp resumed>{notif=80, data=64}) = 0",
	"4711 execve(\"/x \\\" y\", [\"a\", \"(b\"], 0x7f /* 3 vars */) = 0",
	"4711 open(0x1, 0x2) = -1 ENOENT (No such file or directory)",
	"4711 exit_group(0)                     = ?",
	"4711 \?\?\?( <unfinished ...>",
	"4711 +++ exited with 0 +++",
	"4711 +++ killed by SIGSYS (core dumped) +++",
	"4711 --- SIGCHLD {si_signo=SIGCHLD, si_pid=4} ---",
	"4711 seccomp(0x3, 0,  <unfinished ...>) = ?",
	"4711 <... seccomp resumed> <unfinished ...>) = ?",
	"4711 read(0x3, 0x7f, 0x400)            = ? <unavailable>",
	"4711 \?\?\?\?( <unfinished ...>",
	"4711 --- stopped by SIGSTOP ---",
	"4713 execve(\"/x\", [\"a\"], 0x7f /* 3 vars */"
	    " <pid changed to 4711 ...>",
	"4711 +++ superseded by execve in pid 4713 +++",
};

#define LINES (sizeof lines / sizeof lines[0])

static enum strace_kind
read_exactly(const char *line, size_t len, struct strace_line *l)
{
	char *copy = copy_exactly(line, len);
	enum strace_kind kind;

	kind = strace_read(copy, len, l);
	ATF_CHECK(memchr(l->call, '\0', sizeof l->call) != NULL);
	if (l->text != NULL)
		ATF_CHECK(l->text >= copy &&
		    l->text + l->text_len <= copy + len);
	if (kind != STRACE_BROKEN)
		ATF_CHECK(l->pid > 0);
	free(copy);
	return kind;
}

static enum strace_kind
read_line(size_t i, struct strace_line *l)
{
	return strace_read(lines[i], strlen(lines[i]), l);
}

ATF_TC_WITHOUT_HEAD(whole);
ATF_TC_BODY(whole, tc)
{
	struct strace_line l;

	ATF_CHECK_EQ(STRACE_CALL, read_line(0, &l));
	ATF_CHECK_STREQ("read", l.call);
	ATF_CHECK(l.pid == 4711 && l.arg[0] == 3 && l.arg[2] == 0x400);
	ATF_CHECK(l.known[2] && !l.known[3] && l.done && l.result == 5);
	ATF_CHECK_EQ(STRACE_CALL, read_line(1, &l));
	ATF_CHECK(l.known[4] && l.arg[4] == 8 && !l.done);
	ATF_CHECK_EQ(STRACE_RESUMED, read_line(2, &l));
	ATF_CHECK(l.done && l.has_result && l.result == 1);
	ATF_CHECK_EQ(STRACE_CALL, read_line(3, &l));
	ATF_CHECK(l.text_len == 15 && !l.text_whole && !l.known[1]);
	ATF_CHECK_EQ(STRACE_CALL, read_line(4, &l));
	ATF_CHECK(l.len == 14 && l.known[1] && !l.known[2]);
	ATF_CHECK_EQ(STRACE_CALL, read_line(5, &l));
	ATF_CHECK_EQ(STRACE_RESUMED, read_line(6, &l));
	ATF_CHECK_EQ(STRACE_CALL, read_line(7, &l));
	ATF_CHECK(l.text_len == 7 && l.text_whole && l.done);
	ATF_CHECK_EQ(STRACE_CALL, read_line(8, &l));
	ATF_CHECK(l.has_result && l.result == -1);
	ATF_CHECK_EQ(STRACE_CALL, read_line(9, &l));
	ATF_CHECK(l.done && !l.has_result);
	ATF_CHECK_EQ(STRACE_CALL, read_line(10, &l));
	ATF_CHECK_EQ(STRACE_ENDED, read_line(11, &l));
	ATF_CHECK_EQ(STRACE_BY_ITSELF, l.by);
	ATF_CHECK_EQ(STRACE_ENDED, read_line(12, &l));
	ATF_CHECK_EQ(STRACE_BY_FILTER, l.by);
	ATF_CHECK_EQ(STRACE_OTHER, read_line(13, &l));
	ATF_CHECK_EQ(STRACE_CALL, read_line(14, &l));
	ATF_CHECK(l.known[1] && !l.known[2] && l.done && !l.has_result);
	ATF_CHECK_EQ(STRACE_RESUMED, read_line(15, &l));
	ATF_CHECK(l.done && !l.has_result);
	ATF_CHECK_EQ(STRACE_CALL, read_line(16, &l));
	ATF_CHECK(l.known[2] && l.done && !l.has_result);
	ATF_CHECK_EQ(STRACE_CALL, read_line(17, &l));
	ATF_CHECK_EQ(STRACE_OTHER, read_line(18, &l));
	ATF_CHECK_EQ(STRACE_CALL, read_line(19, &l));
	ATF_CHECK(l.text_len == 2 && !l.done);
	ATF_CHECK_EQ(STRACE_SUPERSEDED, read_line(20, &l));
	ATF_CHECK(l.pid == 4711 && l.thread == 4713);
}

/* Another's line may come then, and the rest of this one later. */
static bool
is_unfinished(const char *line, size_t n)
{
	static const char last[] = "<unfinished ...>";

	return n >= sizeof last - 1 && memcmp(line + n - (sizeof last - 1),
	    last, sizeof last - 1) == 0;
}

/* What lacks its result is no whole call. */
ATF_TC_WITHOUT_HEAD(cut);
ATF_TC_BODY(cut, tc)
{
	for (size_t i = 0; i < LINES; i++) {
		const char *end = strstr(lines[i], " = ");
		struct strace_line l;

		for (size_t n = 0; n < strlen(lines[i]); n++) {
			enum strace_kind kind = read_exactly(lines[i], n, &l);

			ATF_CHECK_MSG(kind == STRACE_BROKEN ||
			    kind == STRACE_OTHER || (end != NULL &&
			    lines[i] + n > end + 2) || (kind == STRACE_CALL &&
			    !l.done && is_unfinished(lines[i], n)), "%.*s",
			    (int)n, lines[i]);
		}
	}
}

ATF_TC_WITHOUT_HEAD(garbled);
ATF_TC_BODY(garbled, tc)
{
	static const char odd[] = "\"=,;:(){}[]<>\\ \0/*-+\?0x9a\x80\xff";
	struct strace_line l;
	char line[256];

	for (int n = 0; n < 300000; n++)
		read_exactly(line, garble(line, lines, LINES, odd,
		    sizeof odd - 1), &l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, cut);
	ATF_TP_ADD_TC(tp, garbled);
	return atf_no_error();
}
