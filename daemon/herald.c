#include "herald.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "news.h"
#include "supervisor.h"

/* What could not be sent is tried again after so long (ms). */
#define RETRY_MS 200

bool
herald_open(struct herald *h, int *theirs)
{
	int pair[2];

	*h = (struct herald){ .sock = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, pair) == -1)
		return false;
	/* From now on the other end cannot send. */
	if (shutdown(pair[0], SHUT_RD) == -1) {
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	h->sock = pair[0];
	*theirs = pair[1];
	return true;
}

void
herald_close(struct herald *h)
{
	if (h->sock != -1)
		close(h->sock);
	h->sock = -1;
}

/* The kernel says what was not read; the parent is not asked. */
static bool
all_read(const struct herald *h)
{
	int unread = 1;

	return h->next == 0 && ioctl(h->sock, SIOCOUTQ, &unread) == 0 &&
	    unread == 0;
}

/* Send what is next; false if it could not be. */
static bool
send_next(struct herald *h, int fd)
{
	const struct news n = { .type = h->next, .generation = h->generation };

	return channel_send(h->sock, &n, sizeof n, fd);
}

int64_t
herald_tell(struct herald *h, uint32_t generation, int ca, int crl,
    int64_t patience)
{
	int64_t now = supervisor_now(), left;

	if (h->generation != generation) {
		if (h->until == 0 || all_read(h))
			h->until = now + patience;
		h->generation = generation;
		h->next = NEWS_CA;
	}
	if (h->until == 0)
		return -1;
	if (h->next == NEWS_CA && send_next(h, ca))
		h->next = NEWS_CRL;
	if (h->next == NEWS_CRL && send_next(h, crl))
		h->next = 0;
	if (all_read(h)) {
		h->until = 0;
		return -1;
	}
	left = h->until - now;
	if (left <= 0)
		return 0;
	return h->next != 0 && left > RETRY_MS ? RETRY_MS : left;
}
