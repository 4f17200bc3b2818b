#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "handoff.h"
#include "log.h"
#include "supervisor.h"
#include "text.h"

/* He waits for WATCHDOG_USEC; of three said in that time one would do. */
#define TIMES_A_WAIT	3
/*
 * While a parent hangs nothing is said.  So this (ms) must be more than the
 * time until it has been replaced, and a third of itself.
 */
#define WAIT_LEAST	(PROGRESS_HUNG_MS * 3 / 2)

static struct {
	struct sockaddr_un	 address;
	socklen_t		 len;		/* 0: nobody wants to hear */
	int64_t			 every_ms;	/* -1: no watchdog */
	char			 wrong[512];	/* with that, or "" */
} manager = { .every_ms = -1 };

static bool			 connected, tell_pid;
static bool			 told;		/* anything yet */
static enum notify_state	 last_state;
static char			 last_status[256];
static int64_t			 next_pet;

static void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The first is told. */
static void
wrong(const char *fmt, ...)
{
	va_list ap;

	if (manager.wrong[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(manager.wrong, sizeof manager.wrong, fmt, ap);
	va_end(ap);
}

/* ---- what we were given -------------------------------------------------- */

/* "/run/systemd/notify", or "@name" for an abstract one. */
static void
read_address(const char *s)
{
	struct sockaddr_un *sun = &manager.address;
	size_t n = strlen(s);
	char safe[160];

	if ((s[0] != '/' && s[0] != '@') || n < 2 ||
	    n >= sizeof sun->sun_path) {
		text_escape(safe, sizeof safe, s, n);
		wrong("NOTIFY_SOCKET=%s: want an absolute name, or @ and an "
		    "abstract one, of 2 to %zu bytes", safe,
		    sizeof sun->sun_path - 1);
		return;
	}
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, s, n);
	if (s[0] == '@')
		sun->sun_path[0] = '\0';
	/* The end of an abstract name is its length's. */
	manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
	    (s[0] == '/'));
}

static bool
read_number(const char *s, uint64_t *v)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 18 || s[n] != '\0')
		return false;
	*v = strtoull(s, NULL, 10);
	return true;
}

/* WATCHDOG_PID says for whom it is; without it is for whoever is started. */
static void
read_watchdog(const char *usec, const char *pid)
{
	uint64_t us, whose = (uint64_t)getpid();
	char safe[64];

	if (!read_number(usec, &us) || us < 1000 ||
	    (pid != NULL && !read_number(pid, &whose))) {
		text_escape(safe, sizeof safe, usec, strlen(usec));
		wrong("WATCHDOG_USEC=%s or WATCHDOG_PID: not a number of "
		    "microseconds and of a process", safe);
		return;
	}
	if (whose != (uint64_t)getpid())
		return;
	manager.every_ms = (int64_t)(us / 1000 / TIMES_A_WAIT) + 1;
	if (us / 1000 < WAIT_LEAST)
		wrong("WATCHDOG_USEC=%llu is less than %d s: the service "
		    "manager will end the service before a parent that hangs "
		    "is replaced (WatchdogSec=)", (unsigned long long)us,
		    WAIT_LEAST / 1000);
}

void
notify_read_environment(void)
{
	const char *to = getenv("NOTIFY_SOCKET");
	const char *usec = getenv("WATCHDOG_USEC");

	if (to != NULL)
		read_address(to);
	if (to != NULL && usec != NULL)
		read_watchdog(usec, getenv("WATCHDOG_PID"));
}

/* ---- the socket ---------------------------------------------------------- */

static void
place(int fd)
{
	if (fd == -1 || (fd != NOTIFY_FD &&
	    dup3(fd, NOTIFY_FD, O_CLOEXEC) == -1))
		fatal(EX_OSERR, "descriptor %d: %s", NOTIFY_FD,
		    strerror(errno));
	if (fd != NOTIFY_FD)
		close(fd);
}

void
notify_open(bool main_pid)
{
	int fd = manager.len == 0 ? -1 : socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	tell_pid = main_pid;
	if (fd != -1 && connect(fd, (const struct sockaddr *)&manager.address,
	    manager.len) == 0) {
		connected = true;
		place(fd);
		return;
	}
	if (manager.len != 0)
		wrong("NOTIFY_SOCKET: %s", strerror(errno));
	if (fd != -1)
		close(fd);
	place(open("/dev/null", O_RDWR | O_CLOEXEC));
}

void
notify_complain(void)
{
	if (manager.wrong[0] != '\0')
		log_event(LOG_WARNING, "manager", "%s%s", manager.wrong,
		    connected ? "" : ": it will not be told how the service "
		    "is");
}

void
notify_let_go(void)
{
	connected = false;
	close(NOTIFY_FD);
	place(open("/dev/null", O_RDWR | O_CLOEXEC));
}

/* ---- telling ------------------------------------------------------------- */

static bool
tell(const char *text, size_t len)
{
	return send(NOTIFY_FD, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)len;
}

/* By which the manager knows that it is his SIGHUP that we act upon. */
static long long
monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* One line each; a service manager that does not know one leaves it out. */
static int
state_text(char *to, size_t size, enum notify_state state, int64_t stop_ms)
{
	switch (state) {
	case NOTIFY_STARTING:
		break;
	case NOTIFY_READY:
		if (tell_pid)
			return snprintf(to, size, "MAINPID=%d\nREADY=1\n",
			    (int)getpid());
		return snprintf(to, size, "READY=1\n");
	case NOTIFY_RELOADING:
		return snprintf(to, size, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
		    monotonic_us());
	case NOTIFY_STOPPING:
		return snprintf(to, size,
		    "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\n",
		    (long long)stop_ms * 1000);
	}
	to[0] = '\0';
	return 0;
}

void
notify_state(enum notify_state state, const char *status, int64_t stop_ms)
{
	char text[512];
	int n = 0;

	if (!connected || (told && state == last_state &&
	    strcmp(status, last_status) == 0))
		return;
	if (!told || state != last_state)
		n = state_text(text, sizeof text, state, stop_ms);
	n += snprintf(text + n, sizeof text - (size_t)n, "STATUS=%s\n",
	    status);
	if (!tell(text, (size_t)n))
		return;
	told = true;
	last_state = state;
	text_copy(last_status, sizeof last_status, status);
}

int64_t
notify_watchdog(bool well)
{
	static const char words[] = "WATCHDOG=1\n";
	int64_t now = supervisor_now();

	if (!connected || manager.every_ms == -1)
		return -1;
	if (now < next_pet)
		return next_pet - now;
	if (!well)		/* whoever finds that it is well again calls */
		return -1;
	if (tell(words, sizeof words - 1))
		next_pet = now + manager.every_ms;
	return manager.every_ms;
}
