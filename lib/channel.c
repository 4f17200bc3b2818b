#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const spawner_title[SPAWNER_KINDS] = {
	[SPAWNER_ECHO] = "postern-worker: spawner",
	[SPAWNER_POOL] = "postern-worker: pool-spawner",
	[SPAWNER_RELAY] = "postern-worker: relay-spawner"
};

union control {
	struct cmsghdr	hdr;
	char		room[CMSG_SPACE(sizeof(int))];
};

bool
channel_send(int sock, const void *msg, size_t len, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg,
	    .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;
	ssize_t n;

	if (fd != -1) {
		memset(&c, 0, sizeof c);
		mh.msg_control = &c;
		mh.msg_controllen = sizeof c.room;
		c.hdr.cmsg_level = SOL_SOCKET;
		c.hdr.cmsg_type = SCM_RIGHTS;
		c.hdr.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&c.hdr), &fd, sizeof fd);
	}
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)len;
}

bool
channel_passes(int error)
{
	return error == EAGAIN || error == ETOOMANYREFS || error == ENOBUFS ||
	    error == ENOMEM;
}

/*
 * With room for just one descriptor (CMSG_SPACE would hold two) the kernel
 * closes any further one itself and sets MSG_CTRUNC; so a sender cannot fill
 * our descriptor table.
 */
int
channel_recv(int sock, void *msg, size_t len, int *fd)
{
	struct iovec iov = { .iov_base = msg, .iov_len = len };
	union control c;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &c, .msg_controllen = CMSG_LEN(sizeof *fd) };
	struct cmsghdr *h;
	ssize_t n;
	bool full;

	*fd = -1;
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	h = CMSG_FIRSTHDR(&mh);
	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof *fd))
		memcpy(fd, CMSG_DATA(h), sizeof *fd);
	if (n == 0 && h == NULL)
		return 0;
	if ((size_t)n == len && !(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    (h == NULL || *fd != -1))
		return 1;
	/* Of too many the first would have come. */
	full = (size_t)n == len && h == NULL &&
	    (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == MSG_CTRUNC;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = full ? EMFILE : EBADMSG;
	return -1;
}
