#include "activation.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "text.h"

/* SD_LISTEN_FDS_START: so it is told, whatever is open. */
#define FIRST 3

static struct {
	struct config_listen	at;		/* with its name */
	int			fd;		/* -1: closed */
} table[ACTIVATION_MAX];
static uint32_t count;

/* ---- what we were given -------------------------------------------------- */

/* A name as systemd.socket(5) has them, but shorter, and readable. */
bool
activation_is_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~' ||
		    strchr(":\"\\", name[i]) != NULL)
			return false;
	return n > 0 && n < CONFIG_NAME_MAX;
}

static bool
read_number(const char *s, long most, long *v)
{
	size_t n = s == NULL ? 0 : strspn(s, "0123456789");

	if (n == 0 || n > 9 || s[n] != '\0')
		return false;
	*v = strtol(s, NULL, 10);
	return *v >= 1 && *v <= most;
}

/* The first of the names that are left, of which it takes it away. */
static bool
take_name(const char **names, char name[CONFIG_NAME_MAX])
{
	size_t n = strcspn(*names, ":");

	if (n >= CONFIG_NAME_MAX)
		return false;
	memcpy(name, *names, n);
	name[n] = '\0';
	*names += n + ((*names)[n] == ':');
	return activation_is_name(name);
}

static int
option(int fd, int which)
{
	int v = -1;
	socklen_t len = sizeof v;

	return getsockopt(fd, SOL_SOCKET, which, &v, &len) == 0 ? v : -1;
}

/* Why nobody can be accepted from it, or NULL. */
static const char *
unfit(int fd, struct config_listen *at)
{
	int domain = option(fd, SO_DOMAIN);

	at->len = sizeof at->ss;
	if (fcntl(fd, F_GETFD) == -1)
		return "is not open";
	if (option(fd, SO_TYPE) != SOCK_STREAM ||
	    option(fd, SO_ACCEPTCONN) != 1)
		return "is no stream socket that listens: its unit wants "
		    "ListenStream= and Accept=no";
	if (domain != AF_UNIX && ((domain != AF_INET && domain != AF_INET6) ||
	    option(fd, SO_PROTOCOL) != IPPROTO_TCP))
		return "is neither of TCP nor a local one";
	if (getsockname(fd, (struct sockaddr *)&at->ss, &at->len) == -1)
		return strerror(errno);
	return NULL;
}

/*
 * Out of the way of the numbers that others get, and so that nothing we do can
 * wait for it.
 */
static bool
take_one(int fd, int above, const char *name, char *why, size_t why_size)
{
	struct config_listen *at = &table[count].at;
	const char *wrong = unfit(fd, at);
	int own = -1, flags;

	text_copy(at->name, sizeof at->name, name);
	/* Which of two alike is meant could not be told by their address. */
	for (uint32_t i = 0; wrong == NULL && i < count; i++)
		if (config_same_listen(&table[i].at, at))
			wrong = "is the second with that name and address";
	if (wrong == NULL) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, above + 1);
		flags = own == -1 ? -1 : fcntl(own, F_GETFL);
		if (flags == -1 || fcntl(own, F_SETFL, flags | O_NONBLOCK) ==
		    -1)
			wrong = strerror(errno);
	}
	if (wrong != NULL) {
		snprintf(why, why_size, "LISTEN_FDS: descriptor %d, \"%s\", "
		    "%s", fd, name, wrong);
		return false;
	}
	table[count++].fd = own;
	return true;
}

static bool
take_all(long fds, const char *names, int above, char *why, size_t why_size)
{
	char name[CONFIG_NAME_MAX] = "unknown", safe[128];

	/* Above these too, so that none is overwritten before it is taken. */
	if (above < FIRST + (int)fds - 1)
		above = FIRST + (int)fds - 1;
	for (int i = 0; i < fds; i++) {
		if (names != NULL && !take_name(&names, name)) {
			text_escape(safe, sizeof safe, names, strlen(names));
			snprintf(why, why_size, "LISTEN_FDNAMES: want %ld "
			    "names of at most %d printable bytes, with : "
			    "between (FileDescriptorName=); there is \"%s\"",
			    fds, CONFIG_NAME_MAX - 1, safe);
			return false;
		}
		if (!take_one(FIRST + i, above, name, why, why_size))
			return false;
	}
	return true;
}

bool
activation_take(int above, char *why, size_t why_size)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	long n, whose;
	char safe[64];

	/* Another's, that was left in the environment: not ours to take. */
	if (fds == NULL || !read_number(pid, INT32_MAX, &whose) ||
	    whose != (long)getpid())
		return true;
	if (read_number(fds, ACTIVATION_MAX, &n))
		return take_all(n, getenv("LISTEN_FDNAMES"), above, why,
		    why_size);
	text_escape(safe, sizeof safe, fds, strlen(fds));
	snprintf(why, why_size, "LISTEN_FDS=%s: want a number from 1 to %d",
	    safe, ACTIVATION_MAX);
	return false;
}

uint32_t
activation_count(void)
{
	return count;
}

int
activation_number(uint32_t index)
{
	return index < count ? table[index].fd : -1;
}

bool
activation_has(const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(table[i].at.name, name) == 0)
			return true;
	return false;
}

/* ---- what the configuration wants ---------------------------------------- */

static bool
no_such(const char *file, const char *key, const char *name, char *why,
    size_t why_size)
{
	snprintf(why, why_size, "%s: %s = \"" ACTIVATION_PREFIX "%s\": no "
	    "socket of that name was handed over (FileDescriptorName= of a "
	    "socket unit)", file, key, name);
	return false;
}

static bool
is_inet(const struct config_listen *l)
{
	return l->ss.ss_family == AF_INET || l->ss.ss_family == AF_INET6;
}

/* All of one name, from *n on in `to`. */
static bool
resolve_one(const struct config_listen *named, struct config_listen *to,
    uint32_t *n, const char *file, char *why, size_t why_size)
{
	uint32_t before = *n;

	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(table[i].at.name, named->name) != 0)
			continue;
		if (*n == CONFIG_LISTEN_MAX || !is_inet(&table[i].at)) {
			snprintf(why, why_size, "%s: listen = \""
			    ACTIVATION_PREFIX "%s\": %s", file, named->name,
			    is_inet(&table[i].at) ? "more sockets than the 16 "
			    "that there may be" : "clients come by TCP, and "
			    "that is a local socket");
			return false;
		}
		to[(*n)++] = table[i].at;
	}
	return *n > before || no_such(file, "listen", named->name, why,
	    why_size);
}

static bool
resolve_listens(struct config *c, const char *file, char *why, size_t why_size)
{
	static struct config_listen all[CONFIG_LISTEN_MAX];
	uint32_t n = 0;

	memset(all, 0, sizeof all);
	/* There are 16 at most, and so there is room for what we open. */
	for (uint32_t i = 0; i < c->listens; i++)
		if (c->listen[i].name[0] == '\0')
			all[n++] = c->listen[i];
	for (uint32_t i = 0; i < c->listens; i++)
		if (c->listen[i].name[0] != '\0' && !resolve_one(
		    &c->listen[i], all, &n, file, why, why_size))
			return false;
	memcpy(c->listen, all, sizeof c->listen);
	c->listens = n;
	return true;
}

static bool
resolve_metrics(struct config *c, const char *file, char *why, size_t why_size)
{
	char name[CONFIG_NAME_MAX];
	uint32_t i = 0;

	strcpy(name, c->metrics.name);
	if (name[0] == '\0')
		return true;
	while (i < count && strcmp(table[i].at.name, name) != 0)
		i++;
	if (i == count)
		return no_such(file, "metrics { listen }", name, why,
		    why_size);
	c->metrics = table[i].at;
	if (c->metrics.ss.ss_family == AF_UNIX ||
	    addr_is_loopback(&c->metrics.ss))
		return true;
	snprintf(why, why_size, "%s: metrics { listen } = \""
	    ACTIVATION_PREFIX "%s\": from elsewhere nobody may ask, so it "
	    "must be a loopback address or a local socket", file, name);
	return false;
}

/* Clients would connect to it, and wait for ever. */
static bool
all_wanted(const struct config *c, const char *file, char *why,
    size_t why_size)
{
	for (uint32_t i = 0; i < count; i++) {
		bool wanted = strcmp(c->metrics.name, table[i].at.name) == 0;

		for (uint32_t j = 0; j < c->listens; j++)
			wanted |= strcmp(c->listen[j].name,
			    table[i].at.name) == 0;
		if (wanted)
			continue;
		snprintf(why, why_size, "%s: a socket \"%s\" was handed over, "
		    "and nothing names it: add listen = \"" ACTIVATION_PREFIX
		    "%s\", or take the socket unit away", file,
		    table[i].at.name, table[i].at.name);
		return false;
	}
	return true;
}

bool
activation_resolve(struct config *c, const char *file, char *why,
    size_t why_size)
{
	return resolve_listens(c, file, why, why_size) &&
	    resolve_metrics(c, file, why, why_size) &&
	    all_wanted(c, file, why, why_size);
}

int
activation_get(const struct config_listen *l)
{
	for (uint32_t i = 0; i < count; i++)
		if (config_same_listen(&table[i].at, l))
			return table[i].fd;
	errno = EBADF;
	return -1;
}

void
activation_close(void)
{
	for (uint32_t i = 0; i < count; i++) {
		if (table[i].fd != -1)
			close(table[i].fd);
		table[i].fd = -1;
	}
}
