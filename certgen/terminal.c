#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };

#define ENDING (sizeof ending / sizeof ending[0])

static volatile sig_atomic_t caught;

static void
note(int sig)
{
	caught = sig;
}

int
terminal_open(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* One byte: 1, 0 at end of file, -1 if it cannot be had or a signal came. */
static int
read_byte(int tty, const sigset_t *unblocked, char *c)
{
	struct pollfd p = { .fd = tty, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (ppoll(&p, 1, NULL, unblocked) == -1) {
			if (errno != EINTR || caught != 0)
				return -1;
			continue;
		}
		n = read(tty, c, 1);
		if (n >= 0)
			return (int)n;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
	}
}

static bool
read_line(int tty, const sigset_t *unblocked, char *line, size_t size)
{
	size_t n = 0;
	int got;
	char c;

	while ((got = read_byte(tty, unblocked, &c)) == 1 && c != '\n')
		if (n < size)
			line[n++] = c;
	if (got != 1 || n == size)
		return false;
	line[n] = '\0';
	return true;
}

static bool
say(int tty, const char *s)
{
	return write(tty, s, strlen(s)) == (ssize_t)strlen(s);
}

/* With the echo off before the question is put: who answers may be quick. */
static bool
ask(int tty, const sigset_t *unblocked, const char *prompt, char *line,
    size_t size)
{
	struct termios before, silent;
	bool ok;

	if (tcgetattr(tty, &before) == -1)
		return false;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	if (tcsetattr(tty, TCSAFLUSH, &silent) == -1)
		return false;
	ok = say(tty, prompt) && read_line(tty, unblocked, line, size);
	say(tty, "\n");
	tcsetattr(tty, TCSANOW, &before);
	return ok;
}

/* The signals wait, but where we wait for a byte. */
bool
terminal_ask(int tty, const char *prompt, char *line, size_t size)
{
	struct sigaction catch = { .sa_handler = note }, before[ENDING];
	sigset_t hold, mask;
	bool ok;

	sigemptyset(&hold);
	for (size_t i = 0; i < ENDING; i++)
		sigaddset(&hold, ending[i]);
	if (sigprocmask(SIG_BLOCK, &hold, &mask) == -1)
		return false;
	caught = 0;
	for (size_t i = 0; i < ENDING; i++)
		if (sigaction(ending[i], &catch, &before[i]) == -1)
			return false;
	ok = ask(tty, &mask, prompt, line, size);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
	if (caught != 0)
		raise(caught);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return ok && caught == 0;
}
