#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"

static int a, b;	/* the two ends */
static int before;	/* descriptors open at the start */

static const struct spawner_event event = { .type = SPAWNER_DIED, .pid = 7,
    .signal = 31 };

static void
open_channel(void)
{
	int s[2];

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
	    0, s));
	a = s[0];
	b = s[1];
	before = open_descriptors();
}

/* What arrives at `b` is not as agreed: refused, and nothing is kept. */
static void
refused(void)
{
	struct spawner_event got;
	int fd = 99;

	ATF_CHECK_ERRNO(EBADMSG, channel_recv(b, &got, sizeof got, &fd) == -1);
	ATF_CHECK_EQ(-1, fd);
	ATF_CHECK_EQ(before, open_descriptors());
}

/* More descriptors than channel_send would ever send. */
static void
send_descriptors(int count)
{
	union {
		struct cmsghdr	hdr;
		char		room[CMSG_SPACE(8 * sizeof(int))];
	} c;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)&event,
	    .iov_len = sizeof event };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };

	memset(&c, 0, sizeof c);
	c.hdr.cmsg_level = SOL_SOCKET;
	c.hdr.cmsg_type = SCM_RIGHTS;
	c.hdr.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(&c.hdr) + (size_t)i * sizeof a, &a, sizeof a);
	ATF_REQUIRE_EQ(sizeof event, sendmsg(a, &mh, 0));
}

ATF_TC_WITHOUT_HEAD(message);
ATF_TC_BODY(message, tc)
{
	struct spawner_event got;
	int fd = 99;

	open_channel();
	ATF_REQUIRE(channel_send(a, &event, sizeof event, -1));
	ATF_REQUIRE_EQ(1, channel_recv(b, &got, sizeof got, &fd));
	ATF_CHECK_EQ(0, memcmp(&event, &got, sizeof got));
	ATF_CHECK_EQ(-1, fd);
}

ATF_TC_WITHOUT_HEAD(descriptor);
ATF_TC_BODY(descriptor, tc)
{
	struct spawner_event got;
	int fd = -1, p[2];
	char c = 0;

	open_channel();
	ATF_REQUIRE_EQ(0, pipe(p));
	ATF_REQUIRE(channel_send(a, &event, sizeof event, p[1]));
	close(p[1]);
	ATF_REQUIRE_EQ(1, channel_recv(b, &got, sizeof got, &fd));
	ATF_REQUIRE(fd != -1);
	ATF_CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ATF_CHECK_EQ(1, write(fd, "x", 1));
	ATF_CHECK_EQ(1, read(p[0], &c, 1));
	ATF_CHECK_EQ('x', c);
}

/* No descriptor is free: that is nobody's fault, and the next is heard. */
ATF_TC_WITHOUT_HEAD(no_room);
ATF_TC_BODY(no_room, tc)
{
	struct spawner_event got;
	struct rlimit all, few;
	int fd = 99, highest;

	open_channel();
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &all));
	highest = dup(a);
	ATF_REQUIRE(channel_send(a, &event, sizeof event, 0));
	ATF_REQUIRE(channel_send(a, &event, sizeof event, -1));
	few = all;
	few.rlim_cur = (rlim_t)highest;
	close(highest);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	memset(&got, 0, sizeof got);
	ATF_CHECK_ERRNO(EMFILE, channel_recv(b, &got, sizeof got, &fd) == -1);
	ATF_CHECK_EQ(-1, fd);
	ATF_CHECK_EQ(0, memcmp(&event, &got, sizeof got));
	ATF_CHECK_EQ(1, channel_recv(b, &got, sizeof got, &fd));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &all));
	ATF_CHECK_EQ(before, open_descriptors());
}

ATF_TC_WITHOUT_HEAD(too_short);
ATF_TC_BODY(too_short, tc)
{
	open_channel();
	for (size_t n = 1; n < sizeof event; n++) {
		ATF_REQUIRE(channel_send(a, &event, n, -1));
		refused();
		ATF_REQUIRE(channel_send(a, &event, n, 0));
		refused();
	}
}

ATF_TC_WITHOUT_HEAD(too_long);
ATF_TC_BODY(too_long, tc)
{
	char large[sizeof event + 1] = { 0 };

	open_channel();
	ATF_REQUIRE(channel_send(a, large, sizeof large, -1));
	refused();
	ATF_REQUIRE(channel_send(a, large, sizeof large, 0));
	refused();
}

/* An empty message is no end of file when a descriptor comes with it. */
ATF_TC_WITHOUT_HEAD(empty_with_descriptor);
ATF_TC_BODY(empty_with_descriptor, tc)
{
	open_channel();
	ATF_REQUIRE(channel_send(a, &event, 0, 0));
	refused();
}

ATF_TC_WITHOUT_HEAD(too_many_descriptors);
ATF_TC_BODY(too_many_descriptors, tc)
{
	open_channel();
	for (int n = 2; n <= 8; n++) {
		send_descriptors(n);
		refused();
	}
}

/* Credentials that nobody asked for. */
ATF_TC_WITHOUT_HEAD(other_control);
ATF_TC_BODY(other_control, tc)
{
	int on = 1;

	open_channel();
	ATF_REQUIRE_EQ(0, setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof on));
	ATF_REQUIRE(channel_send(a, &event, sizeof event, -1));
	refused();
}

ATF_TC_WITHOUT_HEAD(nothing_yet);
ATF_TC_BODY(nothing_yet, tc)
{
	struct spawner_event got;
	int fd = 99;

	open_channel();
	ATF_CHECK_ERRNO(EAGAIN, channel_recv(b, &got, sizeof got, &fd) == -1);
	ATF_CHECK_EQ(-1, fd);
}

ATF_TC_WITHOUT_HEAD(end_of_file);
ATF_TC_BODY(end_of_file, tc)
{
	struct spawner_event got;
	int fd = 99;

	open_channel();
	ATF_REQUIRE(channel_send(a, &event, sizeof event, -1));
	close(a);
	ATF_CHECK_EQ(1, channel_recv(b, &got, sizeof got, &fd));
	ATF_CHECK_EQ(0, channel_recv(b, &got, sizeof got, &fd));
	ATF_CHECK_EQ(-1, fd);
	/* and no SIGPIPE */
	ATF_CHECK_ERRNO(EPIPE, !channel_send(b, &event, sizeof event, -1));
}

ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	int sent = 0;

	open_channel();
	while (channel_send(a, &event, sizeof event, -1))
		ATF_REQUIRE(++sent < 1000000);
	ATF_CHECK_EQ(EAGAIN, errno);
	ATF_CHECK(sent > 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, message);
	ATF_TP_ADD_TC(tp, descriptor);
	ATF_TP_ADD_TC(tp, no_room);
	ATF_TP_ADD_TC(tp, too_short);
	ATF_TP_ADD_TC(tp, too_long);
	ATF_TP_ADD_TC(tp, empty_with_descriptor);
	ATF_TP_ADD_TC(tp, too_many_descriptors);
	ATF_TP_ADD_TC(tp, other_control);
	ATF_TP_ADD_TC(tp, nothing_yet);
	ATF_TP_ADD_TC(tp, end_of_file);
	ATF_TP_ADD_TC(tp, full);
	return atf_no_error();
}
