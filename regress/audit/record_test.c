/*
 * The kernel's records and posternd's log lines, cut and garbled: whoever gets
 * itself killed writes some of them.
 */
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "died.h"
#include "garble.h"
#include "record.h"

#define FIELDS "1795601642.408:7685): auid=4294967295 uid=994 gid=994 " \
	"ses=4294967295 pid=507 comm=776F726B65723A206563686F " \
	"exe=\"/usr/libexec/postern/postern-worker\" sig=31 arch=c000003e " \
	"syscall=110 compat=0 ip=0x7fb7a4f8180d code=0x80000000"

static const char *const lines[] = {
	"5,749,1338876339,-;audit: type=1326 audit(" FIELDS,
	"5,749,1338876339,-,caller=T507;audit: type=1326 audit(" FIELDS,
	"kern  :notice: [ 1338.876339] audit: type=1326 audit(" FIELDS,
	"[ 1338.876339] audit: type=1326 audit(" FIELDS,
	"node=x type=SECCOMP msg=audit(" FIELDS "\x1d" "ARCH=x86_64",
	"{\"_TRANSPORT\":\"audit\",\"_AUDIT_TYPE\":\"1326\",\"_AUDIT_ID\":"
	"\"7\",\"_SOURCE_REALTIME_TIMESTAMP\":\"1795601642408000\",\"MESSAGE\":"
	"\"SECCOMP uid=994 pid=507 comm=\\\"x\\\" sig=31 arch=c000003e "
	"syscall=110 code=0x80000000\"}",
	"4,418,1460115703,-;kauditd_printk_skb: 11957 callbacks suppressed",
	"time=2026-11-25T10:30:41.408Z level=error process=parent "
	"event=worker-died worker=507 signal=SYS peer=\"a \\\" b\"",
};

#define LINES (sizeof lines / sizeof lines[0])

static enum record_kind
read_exactly(const char *line, size_t len)
{
	char *copy = copy_exactly(line, len);
	enum record_kind kind;
	struct record r;
	struct died d;

	kind = record_read(copy, len, &r);
	died_read(copy, len, &d);
	free(copy);
	ATF_CHECK(memchr(r.comm, '\0', sizeof r.comm) != NULL);
	ATF_CHECK(memchr(r.exe, '\0', sizeof r.exe) != NULL);
	ATF_CHECK(memchr(d.peer, '\0', sizeof d.peer) != NULL);
	if (kind == RECORD_KILL) {
		ATF_CHECK(r.pid > 0 && r.ms >= 0);
		ATF_CHECK(strlen(r.comm) < sizeof r.comm);
	}
	return kind;
}

ATF_TC_WITHOUT_HEAD(whole);
ATF_TC_BODY(whole, tc)
{
	for (size_t i = 0; i < 6; i++)
		ATF_CHECK_EQ_MSG(RECORD_KILL, read_exactly(lines[i],
		    strlen(lines[i])), "%s", lines[i]);
	ATF_CHECK_EQ(RECORD_LOST, read_exactly(lines[6], strlen(lines[6])));
}

/* What lacks a field is no kill. */
ATF_TC_WITHOUT_HEAD(cut);
ATF_TC_BODY(cut, tc)
{
	for (size_t i = 0; i < LINES; i++) {
		const char *code = strstr(lines[i], "code=0x8");
		size_t needed = code != NULL ? (size_t)(code - lines[i]) : 0;

		for (size_t len = 0; len < strlen(lines[i]); len++)
			ATF_CHECK(read_exactly(lines[i], len) != RECORD_KILL ||
			    len > needed);
	}
}

ATF_TC_WITHOUT_HEAD(garbled);
ATF_TC_BODY(garbled, tc)
{
	static const char odd[] = "\"=,;:(){}\\ \0\x1d\x80\xff" "0a[]";
	char line[1024];

	for (int n = 0; n < 200000; n++)
		read_exactly(line, garble(line, lines, LINES, odd,
		    sizeof odd - 1));
}

/* Longer than any record; and a comm that is longer than one can be. */
ATF_TC_WITHOUT_HEAD(endless);
ATF_TC_BODY(endless, tc)
{
	static const char lead[] = "5,1,1,-;audit: type=1326 audit(";
	static const char stamp[] = "1.000:1): uid=0 pid=1 comm=";
	size_t len = 1 << 20;
	char *line = malloc(len);

	ATF_REQUIRE(line != NULL);
	memset(line, '4', len);
	memcpy(line, lead, sizeof lead - 1);
	ATF_CHECK_EQ(RECORD_BROKEN, read_exactly(line, len));
	memcpy(line + sizeof lead - 1, stamp, sizeof stamp - 1);
	ATF_CHECK_EQ(RECORD_BROKEN, read_exactly(line, len));
	memset(line, '{', len);
	ATF_CHECK_EQ(RECORD_BROKEN, read_exactly(line, len));
	free(line);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, cut);
	ATF_TP_ADD_TC(tp, garbled);
	ATF_TP_ADD_TC(tp, endless);
	return atf_no_error();
}
