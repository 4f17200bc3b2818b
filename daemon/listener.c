#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "activation.h"
#include "supervisor.h"

#define BIND_TRIES	25
#define LISTENERS_MAX (2 * CONFIG_LISTEN_MAX)

static struct {
	struct config_listen	at;
	int			fd;
} table[LISTENERS_MAX];
static uint32_t count;

static int
open_socket(const struct config_listen *l)
{
	int on = 1, e;
	int fd = socket(l->ss.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	/* A restart binds at once; [::] leaves 0.0.0.0 to others. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    (l->ss.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof on) == 0) &&
	    bind(fd, (const struct sockaddr *)&l->ss, l->len) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

/*
 * The children of a supervisor that was just killed are dying too, and hold
 * the port until they have: so long (BIND_TRIES times 20 ms) it is theirs.
 */
int
listener_open(const struct config_listen *l)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	int fd = open_socket(l);

	for (int i = 0; i < BIND_TRIES && fd == -1 && errno == EADDRINUSE;
	    i++) {
		ppoll(NULL, 0, &tick, NULL);
		fd = open_socket(l);
	}
	return fd;
}

int
listener_get(const struct config_listen *l)
{
	int fd;

	if (l->name[0] != '\0')
		return activation_get(l);
	for (uint32_t i = 0; i < count; i++)
		if (config_same_listen(&table[i].at, l))
			return table[i].fd;
	if (count == LISTENERS_MAX) {
		errno = EMFILE;
		return -1;
	}
	fd = listener_open(l);
	if (fd == -1)
		return -1;
	table[count].at = *l;
	table[count++].fd = fd;
	return fd;
}

static bool
names(const struct config *c, const struct config_listen *l)
{
	for (uint32_t i = 0; c != NULL && i < c->listens; i++)
		if (config_same_listen(&c->listen[i], l))
			return true;
	return false;
}

/*
 * To close a listening socket resets whoever is in its queue.  So at first
 * those who are new are kept out: for who comes by no such device nobody
 * listens, and he is refused as if it were closed already.  Who has begun
 * before has no device to keep to, and gets into the queue.
 */
void
listener_turn_away(void)
{
	static const int no_such_device = INT_MAX;

	for (uint32_t i = 0; i < count; i++)
		if (setsockopt(table[i].fd, SOL_SOCKET, SO_BINDTOIFINDEX,
		    &no_such_device, sizeof no_such_device) == -1)
			log_event(LOG_WARNING, "drain", "a listening socket: "
			    "%s: who is new now may be cut off",
			    strerror(errno));
}

void
listener_close_unused(const struct config *a, const struct config *b)
{
	for (uint32_t i = 0; i < count; i++) {
		if (names(a, &table[i].at) || names(b, &table[i].at))
			continue;
		close(table[i].fd);
		table[i--] = table[--count];
	}
}
