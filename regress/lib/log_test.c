#include <atf-c.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "child.h"
#include "log.h"

static char text[1 << 20];	/* what was logged */

static void
read_all(int fd)
{
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = '\0';
}

/* A child logs to a pipe; its status, and what it wrote in `text`. */
static int
capture(void (*run)(void))
{
	int p[2], status;
	pid_t pid;

	ATF_REQUIRE_EQ(0, pipe(p));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		dup2(p[1], STDERR_FILENO);
		close(p[0]);
		close(p[1]);
		run();
		_exit(0);
	}
	close(p[1]);
	read_all(p[0]);
	close(p[0]);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	return status;
}

static size_t
lines(void)
{
	size_t n = 0;

	for (const char *s = text; (s = strchr(s, '\n')) != NULL; s++)
		n++;
	return n;
}

#define HAS(s) ATF_CHECK_MSG(strstr(text, (s)) != NULL, "no \"%s\" in: %s", \
	(s), text)
#define HAS_NOT(s) ATF_CHECK_MSG(strstr(text, (s)) == NULL, "\"%s\" in: %s", \
	(s), text)

static void
journal(int level)
{
	log_init("test", LOG_KIND_JOURNAL, level);
}

/* ---- the line ------------------------------------------------------------ */

static void
write_values(void)
{
	struct log_line l;

	journal(LOG_INFO);
	log_begin(&l, LOG_INFO, "open");
	log_str(&l, "plain", "192.0.2.1:443");
	log_str(&l, "empty", "");
	log_str(&l, "space", "a b");
	log_str(&l, "equals", "CN=x");
	log_str(&l, "quote", "a\"b");
	log_str(&l, "backslash", "a\\b");
	log_num(&l, "least", INT64_MIN);
	log_fmt(&l, "made", "%s/%d", "a", 7);
	log_end(&l);
}

ATF_TC_WITHOUT_HEAD(values);
ATF_TC_BODY(values, tc)
{
	ATF_CHECK_EQ(0, capture(write_values));
	ATF_CHECK_STREQ("<6>process=test event=open plain=192.0.2.1:443 "
	    "empty=\"\" space=\"a b\" equals=\"CN=x\" quote=\"a\\\"b\" "
	    "backslash=\"a\\\\b\" least=-9223372036854775808 made=a/7\n",
	    text);
}

static void
write_hostile(void)
{
	struct log_line l;

	journal(LOG_INFO);
	log_begin(&l, LOG_WARNING, "refused");
	log_str(&l, "subject", "x\n<3>process=parent event=open peer=y\r\033[2J"
	    "\" event=open\xff\x01");
	log_end(&l);
	log_event(LOG_WARNING, "refused", "%s", "a\nb");
}

/* No value can end its line, leave its quotes, or steer a terminal. */
ATF_TC_WITHOUT_HEAD(no_forged_line);
ATF_TC_BODY(no_forged_line, tc)
{
	ATF_CHECK_EQ(0, capture(write_hostile));
	ATF_CHECK_EQ(2, lines());
	HAS("subject=\"x\\x0a<3>process=parent event=open peer=y\\x0d\\x1b[2J"
	    "\\\" event=open\\xff\\x01\"\n");
	HAS("detail=\"a\\x0ab\"\n");
}

static void
write_long(void)
{
	static char value[8001];
	struct log_line l;

	memset(value, 'a', sizeof value - 1);
	journal(LOG_INFO);
	log_begin(&l, LOG_INFO, "open");
	log_str(&l, "one", value);
	log_str(&l, "two", value);
	log_str(&l, "three", value);
	log_str(&l, "short", "still there");
	log_end(&l);
	memset(value, '\n', sizeof value - 1);
	log_event(LOG_INFO, "words", "%s", value);
	log_fmt(&l, "made", "%s", value);
}

/* A line is never longer than a pipe takes in one piece; values are whole. */
ATF_TC_WITHOUT_HEAD(long_values);
ATF_TC_BODY(long_values, tc)
{
	ATF_CHECK_EQ(0, capture(write_long));
	ATF_CHECK_EQ(2, lines());
	HAS(" one=aaa");
	HAS("aaa...");
	HAS_NOT(" three=");
	for (char *s = strtok(text, "\n"); s != NULL; s = strtok(NULL, "\n")) {
		size_t quotes = 0;

		ATF_CHECK(strlen(s) < LOG_LINE_MAX);
		for (const char *q = s; *q != '\0'; q++)
			quotes += *q == '"' && q[-1] != '\\';
		ATF_CHECK_EQ(0, quotes % 2);
	}
}

static void
write_levels(void)
{
	journal(LOG_WARNING);
	log_event(LOG_ERR, "e1", "x");
	log_event(LOG_WARNING, "w1", "x");
	log_event(LOG_INFO, "i1", "x");
	log_event(LOG_DEBUG, "d1", "x");
	log_level(LOG_DEBUG);
	log_event(LOG_INFO, "i2", "x");
	log_event(LOG_DEBUG, "d2", "x");
}

ATF_TC_WITHOUT_HEAD(levels);
ATF_TC_BODY(levels, tc)
{
	ATF_CHECK_EQ(0, capture(write_levels));
	ATF_CHECK_STREQ("<3>process=test event=e1 detail=x\n"
	    "<4>process=test event=w1 detail=x\n"
	    "<6>process=test event=i2 detail=x\n"
	    "<7>process=test event=d2 detail=x\n", text);
}

static void
write_fatal(void)
{
	journal(LOG_INFO);
	fatal(EX_CONFIG, "%s: %s", "what", "why");
}

ATF_TC_WITHOUT_HEAD(fatal_ends);
ATF_TC_BODY(fatal_ends, tc)
{
	int status = capture(write_fatal);

	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG);
	ATF_CHECK_STREQ("<3>process=test event=fatal detail=\"what: why\"\n",
	    text);
}

/* ---- the sinks ----------------------------------------------------------- */

static void
write_stream(void)
{
	log_init("test", LOG_KIND_STREAM, LOG_INFO);
	log_event(LOG_WARNING, "start", "x");
}

ATF_TC_WITHOUT_HEAD(stream);
ATF_TC_BODY(stream, tc)
{
	unsigned year, month, day, hour, minute, second, ms;
	int pid, end = 0;

	ATF_CHECK_EQ(0, capture(write_stream));
	ATF_REQUIRE_EQ(8, sscanf(text, "time=%4u-%2u-%2uT%2u:%2u:%2u.%3uZ "
	    "level=warning pid=%d process=test event=start detail=x\n%n",
	    &year, &month, &day, &hour, &minute, &second, &ms, &pid, &end));
	ATF_CHECK_EQ(strlen(text), (size_t)end);
}

/* syslogd's datagrams have no line's end, and each is one line. */
ATF_TC_WITHOUT_HEAD(datagrams);
ATF_TC_BODY(datagrams, tc)
{
	int s[2], keep = dup(STDERR_FILENO);
	ssize_t n;

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	dup2(s[1], STDERR_FILENO);
	log_init("test", LOG_KIND_SYSLOG, LOG_INFO);
	log_event(LOG_INFO, "start", "x");
	log_event(LOG_ERR, "stop", "x");
	dup2(keep, STDERR_FILENO);
	n = recv(s[0], text, sizeof text - 1, MSG_DONTWAIT);
	ATF_REQUIRE(n > 0);
	text[n] = '\0';
	ATF_CHECK_EQ(0, strncmp(text, "<30>", 4));	/* daemon.info */
	HAS(" posternd[");
	HAS("]: process=test event=start detail=x");
	ATF_CHECK(text[n - 1] == 'x');
	n = recv(s[0], text, sizeof text - 1, MSG_DONTWAIT);
	ATF_REQUIRE(n > 0);
	ATF_CHECK_EQ(0, strncmp(text, "<27>", 4));
}

/* ---- the journal's own form ---------------------------------------------- */

static int journal_side;		/* what we have sent comes here */

static void
begin_fields(void)
{
	int s[2];

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	journal_side = s[0];
	dup2(s[1], STDERR_FILENO);
	close(s[1]);
	log_init("test", LOG_KIND_FIELDS, LOG_INFO);
}

/*
 * One datagram, as journald takes it apart ("Native Journal Protocol"): a name,
 * "=", a value and a line's end; or a name, a line's end, 8 bytes of size, a
 * value and a line's end.  `find` is called with each.
 */
static size_t
take_fields(void (*find)(const char *name, const char *value, size_t len))
{
	ssize_t n = recv(journal_side, text, sizeof text, MSG_DONTWAIT);
	const char *at = text, *end = text + n;
	size_t fields = 0;

	ATF_REQUIRE(n > 0);
	while (at < end) {
		size_t name_len = strcspn(at, "=\n"), len = 0;
		char name[80] = "";

		ATF_REQUIRE(name_len > 0 && name_len < sizeof name);
		memcpy(name, at, name_len);
		at += name_len + 1;
		if (at[-1] == '=') {
			len = strcspn(at, "\n");
		} else {
			ATF_REQUIRE(end - at > 8);
			for (int i = 7; i >= 0; i--)
				len = len << 8 | (unsigned char)at[i];
			at += 8;
		}
		ATF_REQUIRE(at + len < end && at[len] == '\n');
		find(name, at, len);
		at += len + 1;
		fields++;
	}
	return fields;
}

static char found[64][256];	/* NAME=value, with its bytes */
static size_t founds;

static void
find_all(const char *name, const char *value, size_t len)
{
	ATF_REQUIRE(founds < 64);
	snprintf(found[founds++], sizeof found[0], "%s=%.*s", name, (int)len,
	    value);
}

/* How many fields are exactly this. */
static size_t
has_field(const char *field)
{
	size_t n = 0;

	for (size_t i = 0; i < founds; i++)
		n += strcmp(found[i], field) == 0;
	return n;
}

ATF_TC_WITHOUT_HEAD(fields);
ATF_TC_BODY(fields, tc)
{
	struct log_line l;

	begin_fields();
	log_begin(&l, LOG_WARNING, "refused");
	log_str(&l, "peer", "192.0.2.1:443");
	log_str(&l, "subject", "CN=a b");
	log_num(&l, "bytes_in", -7);
	log_fmt(&l, "left-out", "%d/%d", 1, 2);
	log_str(&l, "empty", "");
	log_end(&l);
	founds = 0;
	ATF_CHECK_EQ(10, take_fields(find_all));
	ATF_CHECK_EQ(1, has_field("PRIORITY=4"));
	ATF_CHECK_EQ(1, has_field("SYSLOG_IDENTIFIER=posternd"));
	ATF_CHECK_EQ(1, has_field("MESSAGE=process=test event=refused "
	    "peer=192.0.2.1:443 subject=\"CN=a b\" bytes_in=-7 "
	    "left-out=1/2 empty=\"\""));
	ATF_CHECK_EQ(1, has_field("POSTERN_PROCESS=test"));
	ATF_CHECK_EQ(1, has_field("POSTERN_EVENT=refused"));
	ATF_CHECK_EQ(1, has_field("POSTERN_PEER=192.0.2.1:443"));
	ATF_CHECK_EQ(1, has_field("POSTERN_SUBJECT=CN=a b"));
	ATF_CHECK_EQ(1, has_field("POSTERN_BYTES_IN=-7"));
	ATF_CHECK_EQ(1, has_field("POSTERN_LEFT_OUT=1/2"));
	ATF_CHECK_EQ(1, has_field("POSTERN_EMPTY="));
	log_event(LOG_DEBUG, "accept", "x");	/* below the level */
	ATF_CHECK_EQ(-1, recv(journal_side, text, 1, MSG_DONTWAIT));
}

/* Whatever a value is made of, and however it comes: it stays that field's. */
ATF_TC_WITHOUT_HEAD(no_forged_field);
ATF_TC_BODY(no_forged_field, tc)
{
	static const char *const hostile[] = {
		"x\nPRIORITY=0\n_UID=0\nPOSTERN_EVENT=open\n",
		"x\nPOSTERN_EVENT\n\4\0\0\0\0\0\0\0open\n",
		"\n", "\n\n", "=", "PRIORITY=0", "\nPRIORITY=0",
		"\"\nPOSTERN_EVENT=open\n\"", "\\\n", "\xff\n\x01=",
	};

	begin_fields();
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		struct log_line l;

		log_begin(&l, LOG_WARNING, "refused");
		log_str(&l, "subject", hostile[i]);
		/* as if somebody had forgotten to make it safe */
		log_escaped(&l, "names", hostile[i]);
		log_end(&l);
		founds = 0;
		ATF_CHECK_EQ(7, take_fields(find_all));
		ATF_CHECK_EQ(1, has_field("PRIORITY=4"));
		ATF_CHECK_EQ(0, has_field("PRIORITY=0"));
		ATF_CHECK_EQ(0, has_field("_UID=0"));
		ATF_CHECK_EQ(1, has_field("POSTERN_EVENT=refused"));
		ATF_CHECK_EQ(0, has_field("POSTERN_EVENT=open"));
	}
}

/* The longest line, and more keys than there is room for. */
ATF_TC_WITHOUT_HEAD(long_fields);
ATF_TC_BODY(long_fields, tc)
{
	static char value[3000];
	struct log_line l;

	begin_fields();
	memset(value, 'v', sizeof value - 1);
	log_begin(&l, LOG_INFO, "open");
	log_str(&l, "one", value);
	log_str(&l, "two", value);
	for (int i = 0; i < 2 * LOG_KEYS_MAX; i++)
		log_str(&l, "a-key-that-is-rather-long-as-keys-go", "v");
	log_end(&l);
	founds = 0;
	/* three, process, event, "one", and the rest of them */
	ATF_CHECK(take_fields(find_all) == 3 + LOG_KEYS_MAX);
}

/* No row lets a process write to the journal by anything but this. */
ATF_TC_WITHOUT_HEAD(full_journal);
ATF_TC_BODY(full_journal, tc)
{
	size_t sent = 0;

	begin_fields();
	alarm(20);
	for (int i = 0; i < 5000; i++)
		log_event(LOG_INFO, "fill", "%d", i);
	while (recv(journal_side, text, sizeof text, MSG_DONTWAIT) > 0)
		sent++;
	ATF_CHECK(sent > 0 && sent < 5000);
	log_event(LOG_INFO, "after", "x");
	founds = 0;
	take_fields(find_all);
	ATF_CHECK_EQ(1, has_field("POSTERN_EVENT=log-dropped"));
	snprintf(text, 64, "POSTERN_LINES=%zu", 5000 - sent);
	ATF_CHECK_EQ(1, has_field(text));
	founds = 0;
	take_fields(find_all);
	ATF_CHECK_EQ(1, has_field("POSTERN_EVENT=after"));
}

/* Add up what `text` says: lines that came through, lines told as dropped. */
static void
account(const char *event, size_t *came, size_t *told)
{
	static const char dropped[] = "event=log-dropped lines=";

	for (char *s = strtok(text, "\n"); s != NULL; s = strtok(NULL, "\n")) {
		const char *at = strstr(s, dropped);

		if (at != NULL)
			*told += strtoul(at + sizeof dropped - 1, NULL, 10);
		else if (strstr(s, event) != NULL)
			++*came;
	}
}

/*
 * A sink that takes nothing: nothing blocks, what is dropped is counted, and
 * the count is told as soon as there is room.
 */
static void
drop_and_tell(int sink, int drain)
{
	size_t came = 0, told = 0, later = 0, sent = 3000;
	int keep = dup(STDERR_FILENO);

	dup2(sink, STDERR_FILENO);
	close(sink);
	journal(LOG_INFO);
	alarm(20);		/* a write that blocks ends the case */
	for (size_t i = 0; i < sent; i++)
		log_event(LOG_INFO, "fill", "%0100zu", i);
	ATF_REQUIRE_EQ(0, fcntl(drain, F_SETFL, O_NONBLOCK));
	read_all(drain);
	account("event=fill", &came, &told);
	ATF_CHECK(came > 0 && came + told < sent);
	log_event(LOG_INFO, "after", "x");
	log_event(LOG_INFO, "after", "x");
	dup2(keep, STDERR_FILENO);
	read_all(drain);
	account("event=after", &later, &told);
	ATF_CHECK_EQ(2, later);
	ATF_CHECK_EQ_MSG(sent, came + told, "%zu + %zu", came, told);
}

ATF_TC_WITHOUT_HEAD(full_pipe);
ATF_TC_BODY(full_pipe, tc)
{
	int p[2];

	ATF_REQUIRE_EQ(0, pipe(p));
	ATF_REQUIRE_EQ(0, fcntl(p[1], F_SETFL, O_NONBLOCK));
	drop_and_tell(p[1], p[0]);
}

/* A pipe that others share must not be made non-blocking for them. */
ATF_TC_WITHOUT_HEAD(full_blocking_pipe);
ATF_TC_BODY(full_blocking_pipe, tc)
{
	int p[2];

	ATF_REQUIRE_EQ(0, pipe(p));
	drop_and_tell(dup(p[1]), p[0]);
	ATF_CHECK_EQ(0, fcntl(p[1], F_GETFL) & O_NONBLOCK);
}

ATF_TC_WITHOUT_HEAD(full_socket);
ATF_TC_BODY(full_socket, tc)
{
	int s[2];

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	drop_and_tell(s[1], s[0]);
}

static void
write_to_nobody(void)
{
	int p[2];

	/* as the daemon has it */
	signal(SIGPIPE, SIG_IGN);
	MUST(pipe(p) == 0 && dup2(p[1], STDERR_FILENO) != -1);
	close(p[0]);
	journal(LOG_INFO);
	for (int i = 0; i < 100; i++)
		log_event(LOG_INFO, "open", "x");
}

ATF_TC_WITHOUT_HEAD(reader_gone);
ATF_TC_BODY(reader_gone, tc)
{
	ATF_CHECK_EQ(0, capture(write_to_nobody));
}

static void
write_to_full_disk(void)
{
	int fd = open("/dev/full", O_WRONLY);

	MUST(fd != -1 && dup2(fd, STDERR_FILENO) != -1);
	journal(LOG_INFO);
	for (int i = 0; i < 100; i++)
		log_event(LOG_INFO, "open", "x");
}

ATF_TC_WITHOUT_HEAD(full_disk);
ATF_TC_BODY(full_disk, tc)
{
	ATF_CHECK_EQ(0, capture(write_to_full_disk));
}

/* One's own descriptor: what is set on it does not show on the shared one. */
ATF_TC_WITHOUT_HEAD(reopened);
ATF_TC_BODY(reopened, tc)
{
	int p[2], keep = dup(STDERR_FILENO), own;

	ATF_REQUIRE_EQ(0, pipe(p));
	dup2(p[1], STDERR_FILENO);
	log_reopen_stderr();
	own = fcntl(STDERR_FILENO, F_GETFL);
	journal(LOG_INFO);
	log_event(LOG_INFO, "start", "x");
	dup2(keep, STDERR_FILENO);
	close(p[1]);
	read_all(p[0]);
	HAS("event=start");
	ATF_CHECK(own & O_NONBLOCK);
	ATF_CHECK_EQ(0, fcntl(keep, F_GETFL) & O_NONBLOCK);
}

ATF_TC_WITHOUT_HEAD(journal_or_not);
ATF_TC_BODY(journal_or_not, tc)
{
	struct stat st;
	char id[64];

	ATF_REQUIRE_EQ(0, fstat(STDERR_FILENO, &st));
	unsetenv("JOURNAL_STREAM");
	ATF_CHECK(!log_stderr_is_journal());
	snprintf(id, sizeof id, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", id, 1);
	ATF_CHECK(log_stderr_is_journal());
	snprintf(id, sizeof id, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", id, 1);
	ATF_CHECK(!log_stderr_is_journal());
	setenv("JOURNAL_STREAM", "nonsense", 1);
	ATF_CHECK(!log_stderr_is_journal());
}

/* ---- how often ----------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(limited);
ATF_TC_BODY(limited, tc)
{
	struct log_limit l = { 0 };

	for (int i = 0; i < 3; i++)
		ATF_CHECK(log_may(&l, 3, 1000, 5000));
	for (int i = 0; i < 7; i++)
		ATF_CHECK(!log_may(&l, 3, 1000, 5000));
	ATF_CHECK_EQ(7, l.left_out);
	ATF_CHECK(!log_may(&l, 3, 1000, 5999));
	ATF_CHECK(log_may(&l, 3, 1000, 6000));
	ATF_CHECK(!log_may(&l, 3, 1000, 6000));
	/* after a rest as many as at first, and no more */
	for (int i = 0; i < 3; i++)
		ATF_CHECK(log_may(&l, 3, 1000, 1000000));
	ATF_CHECK(!log_may(&l, 3, 1000, 1000000));
	/* once a minute */
	memset(&l, 0, sizeof l);
	ATF_CHECK(log_may(&l, 1, 60000, 1));
	ATF_CHECK(!log_may(&l, 1, 60000, 60000));
	ATF_CHECK(log_may(&l, 1, 60000, 60001));
}

static void
write_limited(void)
{
	static const int64_t times[] = { 1, 2, 3, 60000, 60001, 60002, 200000,
	    300000 };
	struct log_limit l = { 0 };

	journal(LOG_INFO);
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		log_event_limited(LOG_ERR, "spawn-failed", &l, times[i],
		    "at %" PRId64, times[i]);
}

/* The next line of a kind tells how many were left out; each is told once. */
ATF_TC_WITHOUT_HEAD(limited_told);
ATF_TC_BODY(limited_told, tc)
{
#define FAILED "<3>process=test event=spawn-failed detail="
	ATF_CHECK_EQ(0, capture(write_limited));
	ATF_CHECK_STREQ(FAILED "\"at 1\"\n"
	    FAILED "\"at 60001\" left_out=3\n"
	    FAILED "\"at 200000\" left_out=1\n"
	    FAILED "\"at 300000\"\n", text);
#undef FAILED
}

static void
end_limited(void)
{
	static struct log_limit spawn, accept, none;

	journal(LOG_INFO);
	log_left_out();
	log_event_limited(LOG_ERR, "none", &none, 1, "once");
	for (int i = 0; i < 3; i++) {
		log_event_limited(LOG_ERR, "spawn", &spawn, 1, "first");
		log_event_limited(LOG_INFO, "accept", &accept, 1, "first");
	}
	log_left_out();
	log_left_out();
	log_event_limited(LOG_ERR, "spawn", &spawn, 2, "more");
	fatal(EX_OSERR, "over");
}

/* No line comes after the last, so a process tells it before its end. */
ATF_TC_WITHOUT_HEAD(limited_at_the_end);
ATF_TC_BODY(limited_at_the_end, tc)
{
#define MORE "detail=\"and more, until the end of the process\" left_out="
	capture(end_limited);
	HAS("<3>process=test event=spawn " MORE "2\n");
	HAS("<6>process=test event=accept " MORE "2\n");
	HAS("<3>process=test event=spawn " MORE "1\n"
	    "<3>process=test event=fatal");
	ATF_CHECK_EQ(7, lines());
#undef MORE
}

/* Neither a clock that leaps nor one that is set back makes it mute. */
ATF_TC_WITHOUT_HEAD(limited_clock);
ATF_TC_BODY(limited_clock, tc)
{
	static const int64_t times[] = { 1, INT64_C(1) << 40, 1000, 2, 0,
	    INT64_C(1) << 50, 77 };
	struct log_limit l = { 0 };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		/* 2 is too soon after 1000 to tell */
		bool told = log_may(&l, 2, 60000, times[i]);

		ATF_CHECK_MSG(told || times[i] == 2 || times[i] == 0, "%zu",
		    i);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, values);
	ATF_TP_ADD_TC(tp, no_forged_line);
	ATF_TP_ADD_TC(tp, long_values);
	ATF_TP_ADD_TC(tp, levels);
	ATF_TP_ADD_TC(tp, fatal_ends);
	ATF_TP_ADD_TC(tp, stream);
	ATF_TP_ADD_TC(tp, datagrams);
	ATF_TP_ADD_TC(tp, fields);
	ATF_TP_ADD_TC(tp, no_forged_field);
	ATF_TP_ADD_TC(tp, long_fields);
	ATF_TP_ADD_TC(tp, full_journal);
	ATF_TP_ADD_TC(tp, full_pipe);
	ATF_TP_ADD_TC(tp, full_blocking_pipe);
	ATF_TP_ADD_TC(tp, full_socket);
	ATF_TP_ADD_TC(tp, reader_gone);
	ATF_TP_ADD_TC(tp, full_disk);
	ATF_TP_ADD_TC(tp, reopened);
	ATF_TP_ADD_TC(tp, journal_or_not);
	ATF_TP_ADD_TC(tp, limited);
	ATF_TP_ADD_TC(tp, limited_told);
	ATF_TP_ADD_TC(tp, limited_at_the_end);
	ATF_TP_ADD_TC(tp, limited_clock);
	return atf_no_error();
}
