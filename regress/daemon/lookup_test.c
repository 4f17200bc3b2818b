/*
 * What a parent takes from its resolver: only what is formed as agreed, for
 * whoever has taken the resolver over writes it.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "lookup.h"

static int			pair[2];	/* [0] is the parent's */
static uint64_t			asked;		/* the last question */
static struct resolver_answer	sent, got;

/* A channel, and an answer that is as it should be, for the next question. */
static void
begin(void)
{
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, pair));
	memset(&sent, 0, sizeof sent);
	sent.id = ++asked;
	sent.status = RESOLVER_ANSWERED;
	sent.names = 2;
	strcpy(sent.name[0], "a.example");
	strcpy(sent.name[1], "b.example");
	strcpy(sent.detail, "it is so");
}

static bool
ask(void)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	bool ok;

	memset(&ss, 0, sizeof ss);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(0x0a000001);
	ok = lookup_once(pair[0], &ss, 100, &got);
	close(pair[0]);
	close(pair[1]);
	return ok;
}

static bool
takes_answer(void)
{
	ATF_REQUIRE(channel_send(pair[1], &sent, sizeof sent, -1));
	return ask();
}

ATF_TC_WITHOUT_HEAD(sound);
ATF_TC_BODY(sound, tc)
{
	begin();
	ATF_REQUIRE(takes_answer());
	ATF_CHECK_EQ(2, got.names);
	ATF_CHECK_STREQ("b.example", got.name[1]);
	begin();
	sent.names = 0;
	ATF_CHECK(takes_answer());
	for (int32_t s = RESOLVER_TIMEOUT; s <= RESOLVER_FAILED; s++) {
		begin();
		sent.status = s;
		sent.names = 0;
		ATF_CHECK(takes_answer());
		ATF_CHECK_EQ(s, got.status);
	}
	begin();
	sent.names = RESOLVER_NAMES;
	for (int i = 0; i < RESOLVER_NAMES; i++)
		strcpy(sent.name[i], "same.example");
	ATF_CHECK(takes_answer());
}

ATF_TC_WITHOUT_HEAD(bad_status);
ATF_TC_BODY(bad_status, tc)
{
	static const int32_t bad[] = { -1, RESOLVER_FAILED + 1, INT32_MAX,
	    INT32_MIN };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		begin();
		sent.status = bad[i];
		sent.names = 0;
		ATF_CHECK(!takes_answer());
	}
	/* no names but with an answer */
	begin();
	sent.status = RESOLVER_TIMEOUT;
	ATF_CHECK(!takes_answer());
}

ATF_TC_WITHOUT_HEAD(bad_count);
ATF_TC_BODY(bad_count, tc)
{
	static const uint32_t bad[] = { RESOLVER_NAMES + 1, 1000, UINT32_MAX };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		begin();
		for (int n = 0; n < RESOLVER_NAMES; n++)
			strcpy(sent.name[n], "a.example");
		sent.names = bad[i];
		ATF_CHECK(!takes_answer());
	}
}

ATF_TC_WITHOUT_HEAD(bad_names);
ATF_TC_BODY(bad_names, tc)
{
	static const char *const bad[] = { "", "*.example", "a..example",
	    ".example", "a.example.", "under_score.example", "a b", "\xc3\xa9",
	    "-a.example", "10.0.0.1", "a\n" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		begin();
		strcpy(sent.name[1], bad[i]);
		ATF_CHECK_MSG(!takes_answer(), "\"%s\"", bad[i]);
	}
}

ATF_TC_WITHOUT_HEAD(no_end);
ATF_TC_BODY(no_end, tc)
{
	begin();
	memset(sent.name[1], 'a', sizeof sent.name[1]);
	ATF_CHECK(!takes_answer());
	begin();
	memset(sent.detail, 'a', sizeof sent.detail);
	ATF_CHECK(!takes_answer());
}

ATF_TC_WITHOUT_HEAD(bad_size);
ATF_TC_BODY(bad_size, tc)
{
	static uint8_t large[sizeof sent + 1];

	begin();
	ATF_REQUIRE(channel_send(pair[1], &sent, sizeof sent - 1, -1));
	ATF_CHECK(!ask());
	begin();
	memcpy(large, &sent, sizeof sent);
	ATF_REQUIRE(channel_send(pair[1], large, sizeof large, -1));
	ATF_CHECK(!ask());
	begin();
	ATF_REQUIRE(channel_send(pair[1], &sent, 1, -1));
	ATF_CHECK(!ask());
}

/* A descriptor is not asked for, and not kept. */
ATF_TC_WITHOUT_HEAD(descriptor);
ATF_TC_BODY(descriptor, tc)
{
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	close(before);
	begin();
	ATF_REQUIRE(channel_send(pair[1], &sent, sizeof sent, 0));
	ATF_CHECK(!ask());
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ATF_CHECK_EQ(before, after);
	close(after);
}

/* One that comes too late for its question does not answer the next. */
ATF_TC_WITHOUT_HEAD(other_question);
ATF_TC_BODY(other_question, tc)
{
	begin();
	sent.id--;
	strcpy(sent.name[0], "late.example");
	ATF_REQUIRE(channel_send(pair[1], &sent, sizeof sent, -1));
	sent.id++;
	strcpy(sent.name[0], "now.example");
	ATF_REQUIRE(takes_answer());
	ATF_CHECK_STREQ("now.example", got.name[0]);
	begin();
	sent.id++;
	ATF_CHECK(!takes_answer());
}

ATF_TC_WITHOUT_HEAD(nothing);
ATF_TC_BODY(nothing, tc)
{
	begin();
	ATF_CHECK(!ask());
	begin();
	ATF_REQUIRE_EQ(0, shutdown(pair[1], SHUT_RDWR));
	ATF_CHECK(!ask());
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sound);
	ATF_TP_ADD_TC(tp, bad_status);
	ATF_TP_ADD_TC(tp, bad_count);
	ATF_TP_ADD_TC(tp, bad_names);
	ATF_TP_ADD_TC(tp, no_end);
	ATF_TP_ADD_TC(tp, bad_size);
	ATF_TP_ADD_TC(tp, descriptor);
	ATF_TP_ADD_TC(tp, other_question);
	ATF_TP_ADD_TC(tp, nothing);
	return atf_no_error();
}
