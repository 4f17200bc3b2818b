/*
 * Attacks: use up what there is, and send nonsense on every channel.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attacks.h"

/* What no process of ours is to have (bytes). */
#define TOO_MUCH	(INT64_C(8) << 30)
#define BLOCK		(INT64_C(16) << 20)
#define LOG_LINES	20000

static char block[65536];

/* A stack that grows until the kernel lets it no more: SIGSEGV. */
static bool
deeper(int64_t bytes)
{
	volatile char frame[65536];

	frame[0] = 1;
	return bytes > TOO_MUCH || (deeper(bytes + 65536) && frame[0]);
}

bool
attack_fill_stack(long arg)
{
	(void)arg;
	return deeper(0);
}

/* Address space only: what it may have is what it could then touch. */
bool
attack_fill_memory(long arg)
{
	(void)arg;
	for (int64_t have = 0; have < TOO_MUCH; have += BLOCK)
		if (syscall(SYS_mmap, NULL, BLOCK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1)
			return false;
	return true;
}

/* Lines like the real ones, but for what they say. */
bool
attack_fill_log(long arg)
{
	static const char line[] = "time=2000-01-01T00:00:00.000Z level=info "
	    "process=inside event=flood\n";

	(void)arg;
	for (int i = 0; i < LOG_LINES; i++)
		syscall(SYS_write, 2, line, sizeof line - 1);
	return false;
}

/* What its client says comes back as something else, until that has gone. */
static void
alter(void)
{
	ssize_t n;

	do {
		n = read(3, block, sizeof block);
		if (n > 0) {
			memset(block, '!', (size_t)n);
			n = write(3, block, (size_t)n);
		}
	} while (n > 0 || (n == -1 && errno == EINTR));
}

/*
 * To its client, until nobody takes any more; `arg': when the client has gone,
 * and not before.
 */
bool
attack_flood(long arg)
{
	if (arg != 0)
		alter();
	memset(block, 'f', sizeof block);
	for (int64_t sent = 0; sent < TOO_MUCH;) {
		ssize_t n = write(3, block, sizeof block);

		if (n == -1 && errno != EINTR)
			return false;
		sent += n == -1 ? 0 : n;
	}
	return true;
}

/* A length and contents that differ each time, as if drawn at random. */
static size_t
nonsense(uint32_t *seed, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		*seed = *seed * 1664525 + 1013904223;
		block[i] = (char)(*seed >> 24);
	}
	return *seed % max + 1;
}

static void
babble(int fd)
{
	uint32_t seed = 1;

	for (int i = 0; i < 100; i++) {
		size_t n = nonsense(&seed, 4096);

		if (syscall(SYS_sendto, fd, block, n, MSG_DONTWAIT |
		    MSG_NOSIGNAL, NULL, 0) == -1)
			return;
	}
}

/* By the call that its channel is for. */
static void
babble_by_message(int fd)
{
	uint32_t seed = 1;

	for (int i = 0; i < 100; i++) {
		struct iovec data = { block, nonsense(&seed, 4096) };
		struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

		if (syscall(SYS_sendmsg, fd, &m, MSG_NOSIGNAL) == -1)
			return;
	}
}

bool
attack_garbage(long arg)
{
	(void)arg;
	babble_by_message(3);
	return false;
}

bool
attack_garbage_to_resolver(long arg)
{
	(void)arg;
	babble_by_message(6);
	return false;
}

bool
attack_garbage_to_dialer(long arg)
{
	(void)arg;
	babble_by_message(12);
	return false;
}

/* The pipe by which it says that it makes progress, and its way to news. */
bool
attack_garbage_to_supervisor(long arg)
{
	uint32_t seed = 1;

	(void)arg;
	for (int i = 0; i < 1000; i++)
		syscall(SYS_write, 4, block, nonsense(&seed, 4096));
	babble(11);
	return false;
}

/* It takes no signal and answers nobody any more. */
bool
attack_spin(long arg)
{
	(void)arg;
	for (volatile int for_ever = 1; for_ever;)
		continue;
	return true;
}
