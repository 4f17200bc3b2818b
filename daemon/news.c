#include "news.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "log.h"
#include "parent.h"
#include "service.h"

static struct event	channel;
static bool		has_crl;

/*
 * Where a file of ours lay, the newer one is put: its number is what the
 * policy lets us read.
 */
static bool
place(int fd, int at)
{
	bool ok = dup3(fd, at, O_CLOEXEC) == at;

	close(fd);
	return ok;
}

/* Both files are there: from now on clients are judged by them. */
static void
take_files(uint32_t generation)
{
	const int fd[FILE_COUNT] = { [FILE_CERTIFICATE] = -1, [FILE_KEY] = -1,
	    [FILE_CA] = PARENT_CA_FD,
	    [FILE_CRL] = has_crl ? PARENT_CRL_FD : -1 };
	struct authorities *a;
	struct log_line l;
	char why[1024];

	a = credentials_authorities(service.config, fd, why, sizeof why);
	if (a == NULL) {
		/*
		 * A parent of the new generation took them a moment ago.  Who
		 * cannot be judged again may not stay.
		 */
		log_event(LOG_ERR, "news", "failed: %s", why);
		parent_replace_me();
		service_drain(service.config->revoked_ms, "news-failed");
		return;
	}
	authorities_free(service.gate.authorities);
	service.gate.authorities = a;
	if (service.accepting)
		parent_new_crl(a);
	log_begin(&l, LOG_INFO, "news");
	log_num(&l, "generation", generation);
	log_num(&l, "connections", service.open);
	log_end(&l);
	conn_judge_all();
}

static void
on_news(const struct news *n, int fd)
{
	bool ok = true;

	switch (n->type) {
	case NEWS_CA:
		ok = fd != -1 && place(fd, PARENT_CA_FD);
		break;
	case NEWS_CRL:
		has_crl = fd != -1;
		ok = fd == -1 || place(fd, PARENT_CRL_FD);
		if (ok)
			take_files(n->generation);
		break;
	default:
		ok = false;
	}
	if (!ok)
		fatal(EX_PROTOCOL, "the supervisor sent what cannot be");
}

static void
on_channel(evutil_socket_t sock, short what, void *arg)
{
	struct news n;
	int fd, got;

	(void)what, (void)arg;
	while ((got = channel_recv(sock, &n, sizeof n, &fd)) == 1)
		on_news(&n, fd);
	if (got == 0)
		event_del(&channel);	/* it is our end too, another way */
	else if (errno != EAGAIN)
		fatal(EX_OSERR, "news: %s", strerror(errno));
}

void
news_serve(struct event_base *base)
{
	event_assign(&channel, base, HANDOFF_NEWS, EV_READ | EV_PERSIST,
	    on_channel, NULL);
	if (event_add(&channel, NULL) == -1)
		fatal(EX_OSERR, "event_add: news");
}
