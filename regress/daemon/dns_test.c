/*
 * Records as they come, right and wrong: nothing is read beyond its end, and
 * no name or address is taken that was not given for the question.  And how
 * long who asks may wait.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "confine.h"
#include "dns.h"
#include "log.h"

#define HEADER	12
#define PTR	12
#define CNAME	5
#define A	1
#define AAAA	28

/* The question's own name, as a pointer to it. */
#define ASKED	"\xc0\x0c"

static struct message {
	uint8_t	data[65536];
	size_t	len;
} m;

static char	name[RESOLVER_NAMES][RESOLVER_NAME_SIZE];
static uint32_t	names, dropped;

static void
put(const void *bytes, size_t len)
{
	ATF_REQUIRE(m.len + len <= sizeof m.data);
	memcpy(m.data + m.len, bytes, len);
	m.len += len;
}

static void
put16(unsigned int v)
{
	const uint8_t two[] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(two, 2);
}

/* Header and question "1.arpa PTR". */
static void
begin(unsigned int records)
{
	memset(&m, 0, sizeof m);
	m.data[2] = 0x81;
	m.data[5] = 1;
	m.data[6] = (uint8_t)(records >> 8);
	m.data[7] = (uint8_t)records;
	m.len = HEADER;
	put("\1" "1\4arpa", 8);
	put16(PTR);
	put16(1);
}

/* `size` is what the record says; its data has `len` bytes. */
static void
record(const char *owner, size_t owner_len, unsigned int type,
    unsigned int class, unsigned int size, const void *data, size_t len)
{
	put(owner, owner_len);
	put16(type);
	put16(class);
	put("\0\0\0\74", 4);
	put16(size);
	put(data, len);
}

#define RECORD(owner, type, data) \
	record(owner, sizeof(owner) - 1, type, 1, sizeof(data), data, \
	    sizeof(data))

/* In a block of its very size, so that a sanitizer sees what is read. */
static bool
read_message(size_t len)
{
	unsigned char *copy = malloc(len > 0 ? len : 1);
	bool ok;

	ATF_REQUIRE(copy != NULL);
	memcpy(copy, m.data, len);
	memset(name, 0, sizeof name);
	ok = dns_read_ptr(copy, (int)len, name, &names, &dropped);
	free(copy);
	ATF_CHECK(ok || names == 0);
	ATF_CHECK(names <= RESOLVER_NAMES);
	return ok;
}

ATF_TC_WITHOUT_HEAD(right);
ATF_TC_BODY(right, tc)
{
	begin(3);
	RECORD(ASKED, PTR, "\1a\4test");
	RECORD("\1" "1\4ARPA\0", PTR, "\1B\4Test");
	RECORD(ASKED, PTR, "\1a\4test");
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(2, names);
	ATF_CHECK_STREQ("a.test", name[0]);
	ATF_CHECK_STREQ("b.test", name[1]);
}

ATF_TC_WITHOUT_HEAD(no_records);
ATF_TC_BODY(no_records, tc)
{
	begin(0);
	RECORD(ASKED, PTR, "\1a\4test");	/* another section's */
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(0, names);
	ATF_CHECK_EQ(0, dropped);
}

ATF_TC_WITHOUT_HEAD(of_another);
ATF_TC_BODY(of_another, tc)
{
	begin(4);
	RECORD("\1" "2\4arpa\0", PTR, "\1a\4test");
	RECORD(ASKED, A, "\1a\4test");
	record(ASKED, 2, PTR, 3, 8, "\1a\4test", 8);	/* class CHAOS */
	RECORD(ASKED, PTR, "\1b\4test");
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(1, names);
	ATF_CHECK_STREQ("b.test", name[0]);
}

ATF_TC_WITHOUT_HEAD(alias);
ATF_TC_BODY(alias, tc)
{
	begin(4);
	RECORD(ASKED, CNAME, "\1x\4arpa");
	/* what the alias stands for counts, its own name does no more */
	RECORD(ASKED, PTR, "\1a\4test");
	RECORD("\1x\4arpa\0", CNAME, "\1y\4arpa");
	RECORD("\1y\4arpa\0", PTR, "\1b\4test");
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(1, names);
	ATF_CHECK_STREQ("b.test", name[0]);
}

ATF_TC_WITHOUT_HEAD(alias_of_itself);
ATF_TC_BODY(alias_of_itself, tc)
{
	begin(2);
	RECORD(ASKED, CNAME, "\1" "1\4arpa");
	RECORD(ASKED, PTR, "\1a\4test");
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(1, names);
}

ATF_TC_WITHOUT_HEAD(no_host_names);
ATF_TC_BODY(no_host_names, tc)
{
	begin(9);
	RECORD(ASKED, PTR, "\1*\4test");
	RECORD(ASKED, PTR, "\3a.b\4test");
	RECORD(ASKED, PTR, "\2\303\251\4test");
	RECORD(ASKED, PTR, "\1a\4test\1\0\4evil");	/* ends early in C */
	RECORD(ASKED, PTR, "\2a\n\4test");
	RECORD(ASKED, PTR, "\3" "127\1" "0\1" "0\1" "1");
	RECORD(ASKED, PTR, "");				/* the root */
	RECORD(ASKED, PTR, "\3-ab\4test");
	RECORD(ASKED, PTR, "\4good\4test");
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(8, dropped);
	ATF_CHECK_EQ(1, names);
	ATF_CHECK_STREQ("good.test", name[0]);
}

static void
malformed(const char *data, size_t len, unsigned int size)
{
	begin(1);
	record(ASKED, 2, PTR, 1, size, data, len);
	ATF_CHECK(!read_message(m.len));
}

/* Labels of 63 bytes, so many, and one of `last`. */
static size_t
long_name(uint8_t dst[600], int labels, uint8_t last)
{
	size_t n = 0;

	for (int i = 0; i <= labels; i++) {
		uint8_t len = i < labels ? 63 : last;

		dst[n++] = len;
		memset(dst + n, 'a', len);
		n += len;
	}
	dst[n++] = 0;
	return n;
}

ATF_TC_WITHOUT_HEAD(long_names);
ATF_TC_BODY(long_names, tc)
{
	uint8_t wire[600];
	size_t n = long_name(wire, 3, 61);

	ATF_REQUIRE_EQ(255, n);
	begin(2);
	record(ASKED, 2, PTR, 1, (unsigned int)n, wire, n);
	record("\1" "2\4arpa\0", 8, PTR, 1, (unsigned int)n, wire, n);
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(1, names);
	ATF_CHECK_EQ(0, dropped);
	ATF_CHECK_EQ(253, strlen(name[0]));
	/* and those that no server may send */
	n = long_name(wire, 3, 62);
	malformed((const char *)wire, n, (unsigned int)n);
	n = long_name(wire, 8, 63);
	malformed((const char *)wire, n, (unsigned int)n);
	begin(1);				/* of whatever it is the name */
	record((const char *)wire, n, A, 1, 4, "\1\2\3\4", 4);
	ATF_CHECK(!read_message(m.len));
}

/* Of the shortest labels there are 127, and no more. */
ATF_TC_WITHOUT_HEAD(labels);
ATF_TC_BODY(labels, tc)
{
	char wire[257];

	for (int i = 0; i < 128; i++)
		memcpy(wire + (size_t)i * 2, "\1a", 2);
	wire[254] = 0;
	begin(1);
	record(ASKED, 2, PTR, 1, 255, wire, 255);
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(1, names);
	ATF_CHECK_EQ(253, strlen(name[0]));
	wire[254] = 1;
	wire[256] = 0;
	malformed(wire, 257, 257);
}

/* The name at the end of so many pointers, each to the one before it. */
static bool
behind_pointers(int pointers)
{
	size_t at;

	begin(2);
	put("\1" "2\4arpa\0\0\20\0\1\0\0\0\0", 16);	/* TXT of another */
	put16(8 + 2 * (unsigned int)pointers);
	at = m.len;
	put("\1a\4test", 8);
	for (int i = 0; i < pointers; i++) {
		unsigned int to = 0xc000 | (unsigned int)at;

		at = m.len;
		put16(to);
	}
	put(ASKED, 2);
	put("\0\14\0\1\0\0\0\74\0\2", 10);
	put16(0xc000 | (unsigned int)at);
	return read_message(m.len) && names == 1;
}

ATF_TC_WITHOUT_HEAD(pointers);
ATF_TC_BODY(pointers, tc)
{
	uint8_t forward[2] = { 0xc0 };

	ATF_CHECK(behind_pointers(1));
	ATF_CHECK(behind_pointers(126));
	ATF_CHECK(!behind_pointers(127));
	ATF_CHECK(!behind_pointers(5000));
	/* the next record's data is a name, but not for what is before it */
	begin(2);
	forward[1] = (uint8_t)(m.len + 14 + 12);
	record(ASKED, 2, PTR, 1, 2, forward, 2);
	RECORD(ASKED, PTR, "\1a\4test");
	ATF_REQUIRE_EQ(0, memcmp(m.data + forward[1], "\1a\4test", 8));
	ATF_CHECK(!read_message(m.len));
}

ATF_TC_WITHOUT_HEAD(many);
ATF_TC_BODY(many, tc)
{
	begin(1000);
	for (int i = 0; i < 1000; i++) {
		char data[] = "\3aaa\4test";

		data[1] = (char)('a' + i / 100);
		data[2] = (char)('a' + i / 10 % 10);
		data[3] = (char)('a' + i % 10);
		RECORD(ASKED, PTR, data);
	}
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(RESOLVER_NAMES, names);
	ATF_CHECK_STREQ("aah.test", name[7]);
}

/* Cut anywhere, it is malformed, and its names are none. */
ATF_TC_WITHOUT_HEAD(cut);
ATF_TC_BODY(cut, tc)
{
	begin(2);
	RECORD(ASKED, PTR, "\1a\4test");
	RECORD("\1" "1\4arpa\0", PTR, "\1b\4test");
	ATF_REQUIRE(read_message(m.len));
	ATF_REQUIRE_EQ(2, names);
	for (size_t len = 0; len < m.len; len++)
		ATF_CHECK_MSG(!read_message(len), "cut at %zu", len);
}

ATF_TC_WITHOUT_HEAD(wrong);
ATF_TC_BODY(wrong, tc)
{
	malformed("\1a\4test", 8, 9);		/* beyond the message */
	malformed("\1a\4test", 8, 65535);
	malformed("\1a\4test", 8, 7);		/* longer than its data */
	malformed("\1a\4test\0more", 12, 12);	/* and one shorter */
	malformed("\1a\4test", 8, 0);
	malformed("\5a", 3, 3);			/* a label beyond the message */
	malformed("\xc0\x25", 2, 2);		/* a pointer to itself */
	malformed("\xff\xff", 2, 2);		/* and beyond the message */
	malformed("\xc0", 1, 1);		/* and half of one */
	malformed("\x41" "abc", 5, 5);		/* reserved label types */
	malformed("\x81" "abc", 5, 5);
	begin(1);				/* beyond, of another name */
	record("\1" "2\4arpa\0", 8, A, 1, 5, "\1\2\3\4", 4);
	ATF_CHECK(!read_message(m.len));
	begin(1);
	m.data[5] = 2;				/* two questions */
	RECORD(ASKED, PTR, "\1a\4test");
	ATF_CHECK(!read_message(m.len));
	begin(1);
	m.data[5] = 0;				/* or none */
	RECORD(ASKED, PTR, "\1a\4test");
	ATF_CHECK(!read_message(m.len));
}

/* Two pointers at each other. */
ATF_TC_WITHOUT_HEAD(loops);
ATF_TC_BODY(loops, tc)
{
	begin(1);
	put("\xc0\x1a\xc0\x18", 4);
	put("\0\14\0\1\0\0\0\0\0\0", 10);
	ATF_CHECK(!read_message(m.len));
}

/* Every byte in turn is another: whatever it then says, it ends. */
ATF_TC_WITHOUT_HEAD(mangled);
ATF_TC_BODY(mangled, tc)
{
	begin(3);
	RECORD(ASKED, CNAME, "\1x\4arpa");
	RECORD("\1x\4arpa\0", PTR, "\1a\4test");
	record("\1x\4arpa\0", 8, PTR, 1, 4, "\1b\xc0\x0e", 4);
	for (size_t i = 0; i < m.len; i++) {
		uint8_t was = m.data[i];

		for (int v = 0; v < 256; v++) {
			m.data[i] = (uint8_t)v;
			read_message(m.len);
		}
		m.data[i] = was;
	}
	ATF_CHECK(read_message(m.len));
}

/* ---- addresses ----------------------------------------------------------- */

/* Is it there?  -1: malformed. */
static int
has_address(const char *address, size_t len)
{
	int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned char *copy = malloc(len > 0 ? len : 1);
	uint8_t bytes[16];
	struct host_address who;
	bool found, ok;

	ATF_REQUIRE(copy != NULL &&
	    inet_pton(family, address, bytes) == 1 &&
	    host_address(&who, family, bytes));
	memcpy(copy, m.data, len);
	ok = dns_read_address(copy, (int)len, &who, &found);
	free(copy);
	ATF_CHECK(ok || !found);
	return ok ? found : -1;
}

static void
address(const char *owner, size_t owner_len, unsigned int type,
    const void *bytes, unsigned int len)
{
	record(owner, owner_len, type, 1, len, bytes, len);
}

static const uint8_t six[] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 1 };

ATF_TC_WITHOUT_HEAD(addresses);
ATF_TC_BODY(addresses, tc)
{
	begin(4);
	address(ASKED, 2, A, "\1\2\3\4", 4);
	address("\1" "2\4arpa\0", 8, A, "\1\2\3\5", 4);	/* another's */
	record(ASKED, 2, A, 3, 4, "\1\2\3\6", 4);	/* class CHAOS */
	address(ASKED, 2, A, "\1\2\3\7", 4);
	address(ASKED, 2, A, "\1\2\3\10", 4);	/* another section's */
	ATF_CHECK_EQ(1, has_address("1.2.3.4", m.len));
	ATF_CHECK_EQ(0, has_address("1.2.3.5", m.len));
	ATF_CHECK_EQ(0, has_address("1.2.3.6", m.len));
	ATF_CHECK_EQ(1, has_address("1.2.3.7", m.len));
	ATF_CHECK_EQ(0, has_address("1.2.3.8", m.len));
	ATF_CHECK_EQ(0, has_address("102:304::", m.len));
	begin(2);
	address(ASKED, 2, AAAA, six, sizeof six);
	address(ASKED, 2, A, six, 4);
	ATF_CHECK_EQ(1, has_address("2001:db8::1", m.len));
	ATF_CHECK_EQ(0, has_address("2001:db8::2", m.len));
	begin(0);
	ATF_CHECK_EQ(0, has_address("1.2.3.4", m.len));
}

ATF_TC_WITHOUT_HEAD(addresses_of_alias);
ATF_TC_BODY(addresses_of_alias, tc)
{
	begin(3);
	RECORD(ASKED, CNAME, "\1x\4arpa");
	address(ASKED, 2, A, "\1\2\3\4", 4);
	address("\1X\4Arpa\0", 8, A, "\1\2\3\5", 4);
	ATF_CHECK_EQ(0, has_address("1.2.3.4", m.len));
	ATF_CHECK_EQ(1, has_address("1.2.3.5", m.len));
}

/* Of many records the first 128 are read. */
ATF_TC_WITHOUT_HEAD(many_addresses);
ATF_TC_BODY(many_addresses, tc)
{
	begin(200);
	for (uint8_t i = 0; i < 200; i++) {
		const uint8_t bytes[] = { 1, 2, 3, i };

		address(ASKED, 2, A, bytes, 4);
	}
	ATF_CHECK_EQ(1, has_address("1.2.3.127", m.len));
	ATF_CHECK_EQ(0, has_address("1.2.3.128", m.len));
}

ATF_TC_WITHOUT_HEAD(wrong_addresses);
ATF_TC_BODY(wrong_addresses, tc)
{
	begin(2);
	address(ASKED, 2, A, "\1\2\3\4", 4);
	address(ASKED, 2, A, "\1\2\3\5", 4);
	for (size_t len = 0; len < m.len; len++)
		ATF_CHECK_EQ(-1, has_address("1.2.3.4", len));
	begin(2);
	address(ASKED, 2, A, "\1\2\3\4", 4);
	address(ASKED, 2, A, "\1\2\3\4\5", 5);
	ATF_CHECK_EQ(-1, has_address("1.2.3.4", m.len));
	begin(1);
	address(ASKED, 2, A, "\1\2\3", 3);
	ATF_CHECK_EQ(-1, has_address("1.2.3.4", m.len));
	begin(1);
	address(ASKED, 2, AAAA, "\1\2\3\4", 4);
	ATF_CHECK_EQ(-1, has_address("2001:db8::1", m.len));
}

/* ---- how long a question may take ---------------------------------------- */

#define DEADLINE	INT64_C(1000)	/* ms */

/* A DNS server that says nothing. */
static void
silent_server(struct config_listen *l)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&l->ss;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->len = sizeof *in;
	ATF_REQUIRE(fd != -1 && bind(fd, (struct sockaddr *)in, l->len) == 0 &&
	    getsockname(fd, (struct sockaddr *)in, &l->len) == 0);
}

/* With what its parent would leave it, and nothing else. */
static void
become_resolver(int channel)
{
	if (dup2(channel, RESOLVER_CHANNEL_FD) == -1 || clearenv() != 0)
		_exit(1);
	confine_close_from(RESOLVER_CHANNEL_FD + 1);
	resolver_main();
}

/* Start one whose only server is silent; returns its channel. */
static int
start_resolver(void)
{
	const struct passwd *pw = getpwnam("nobody");
	static struct resolver_setup setup = { .size = sizeof setup,
	    .log_level = LOG_DEBUG, .deadline_ms = DEADLINE, .servers = 1 };
	resolver_ready ready;
	int pair[2], fd;

	ATF_REQUIRE(pw != NULL);
	setup.one_uid = geteuid() != 0;
	setup.uid = pw->pw_uid;
	setup.gid = pw->pw_gid;
	setup.parent = getpid();
	silent_server(&setup.server[0]);
	ATF_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair) == 0);
	switch (fork()) {
	case -1:
		atf_tc_fail("fork");
	case 0:
		become_resolver(pair[1]);
	}
	close(pair[1]);
	ATF_REQUIRE(channel_send(pair[0], &setup, sizeof setup, -1));
	ATF_REQUIRE_EQ(1, channel_recv(pair[0], &ready, sizeof ready, &fd));
	return pair[0];
}

static void
ask(int channel, uint64_t id)
{
	struct resolver_query q = { .id = id, .family = AF_INET,
	    .address = { 127, 1, 1, 1 } };

	ATF_REQUIRE(channel_send(channel, &q, sizeof q, -1));
}

/* Until the time (ms): is there an answer? */
static bool
answered_by(int channel, int64_t until)
{
	struct pollfd p = { .fd = channel, .events = POLLIN };
	int64_t left;

	while ((left = until - dns_now()) > 0)
		if (poll(&p, 1, (int)left) == 1)
			return true;
	return false;
}

static uint64_t
next_answer(int channel)
{
	static struct resolver_answer a;
	int fd;

	ATF_REQUIRE(answered_by(channel, dns_now() + 10 * DEADLINE));
	ATF_REQUIRE_EQ(1, channel_recv(channel, &a, sizeof a, &fd));
	ATF_CHECK_EQ(RESOLVER_TIMEOUT, a.status);
	return a.id;
}

/*
 * Who asks early shares the look-up that is under way; who asks when little is
 * left of it has one of his own, and not only the rest.
 */
ATF_TC_WITHOUT_HEAD(late);
ATF_TC_BODY(late, tc)
{
	int channel = start_resolver();
	int64_t begun = dns_now(), third;

	ask(channel, 1);
	ask(channel, 2);
	ATF_REQUIRE(!answered_by(channel, begun + DEADLINE * 3 / 4));
	third = dns_now();
	ask(channel, 3);
	ATF_CHECK_EQ(3, next_answer(channel) + next_answer(channel));
	ATF_CHECK(dns_now() - begun >= DEADLINE);
	ATF_CHECK_EQ(3, next_answer(channel));
	ATF_CHECK(dns_now() - third >= DEADLINE);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, right);
	ATF_TP_ADD_TC(tp, no_records);
	ATF_TP_ADD_TC(tp, of_another);
	ATF_TP_ADD_TC(tp, alias);
	ATF_TP_ADD_TC(tp, alias_of_itself);
	ATF_TP_ADD_TC(tp, no_host_names);
	ATF_TP_ADD_TC(tp, long_names);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, cut);
	ATF_TP_ADD_TC(tp, wrong);
	ATF_TP_ADD_TC(tp, loops);
	ATF_TP_ADD_TC(tp, mangled);
	ATF_TP_ADD_TC(tp, labels);
	ATF_TP_ADD_TC(tp, pointers);
	ATF_TP_ADD_TC(tp, addresses);
	ATF_TP_ADD_TC(tp, addresses_of_alias);
	ATF_TP_ADD_TC(tp, many_addresses);
	ATF_TP_ADD_TC(tp, wrong_addresses);
	ATF_TP_ADD_TC(tp, late);
	return atf_no_error();
}
