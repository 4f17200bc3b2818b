/*
 * PTR records as they come, right and wrong: nothing is read beyond its end,
 * and no name is taken that was not given for the question.
 */
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"

#define HEADER	12
#define PTR	12
#define CNAME	5
#define A	1

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
	n = long_name(wire, 3, 62);
	record(ASKED, 2, PTR, 1, (unsigned int)n, wire, n);
	ATF_REQUIRE(read_message(m.len));
	ATF_CHECK_EQ(1, names);
	ATF_CHECK_EQ(1, dropped);
	ATF_CHECK_EQ(253, strlen(name[0]));
	/* and one that no server may send */
	begin(1);
	n = long_name(wire, 8, 63);
	record(ASKED, 2, PTR, 1, (unsigned int)n, wire, n);
	read_message(m.len);
	ATF_CHECK_EQ(0, names);
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

static void
malformed(const char *data, size_t len, unsigned int size)
{
	begin(1);
	record(ASKED, 2, PTR, 1, size, data, len);
	ATF_CHECK(!read_message(m.len));
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
	return atf_no_error();
}
