/*
 * Attacks: to go on as before, and send another process what it does not
 * expect.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attacks.h"
#include "channel.h"
#include "daemon/dialer.h"
#include "daemon/resolver.h"
#include "plan.h"

#define PAGE 4096

volatile unsigned char *attack_slot, *attack_board;
size_t attack_slot_size;
int attack_tcp = -1;

bool __real_channel_send(int sock, const void *msg, size_t len, int fd);
bool __wrap_channel_send(int sock, const void *msg, size_t len, int fd);

/* ---- from now on --------------------------------------------------------- */

#define LIE(name) \
	bool \
	attack_##name(long arg) \
	{ \
		(void)arg; \
		attack_lie = ATTACK_##name; \
		return false; \
	}

LIE(send_none)
LIE(send_two)
LIE(send_file)
LIE(send_closed)
LIE(send_tcp)
LIE(send_channel)
LIE(send_nothing)
LIE(send_long)
LIE(answer_short)
LIE(answer_long)
LIE(answer_many_names)
LIE(answer_unending_name)
LIE(answer_unasked)
LIE(answer_twice)
LIE(answer_wild)

/* ---- a spawner's lies, and a dialer's ------------------------------------ */

/* Two descriptors where there is to be one. */
static bool
send_two(int sock, const void *msg, size_t len, int fd)
{
	union {
		struct cmsghdr	h;
		char		room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	const int both[] = { fd, fd };
	struct iovec data = { (void *)(uintptr_t)msg, len };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof control };

	memset(&control, 0, sizeof control);
	control.h.cmsg_len = CMSG_LEN(sizeof both);
	control.h.cmsg_level = SOL_SOCKET;
	control.h.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.h), both, sizeof both);
	return sendmsg(sock, &m, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool
send_closed(int sock, const void *msg, size_t len)
{
	int pair[2];
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	close(pair[1]);
	ok = __real_channel_send(sock, msg, len, pair[0]);
	close(pair[0]);
	return ok;
}

static bool
hand_over(int sock, const void *msg, size_t len, int fd)
{
	char more[sizeof(struct spawner_event) + 1] = { 0 };

	switch (attack_lie) {
	case ATTACK_send_none:
		return __real_channel_send(sock, msg, len, -1);
	case ATTACK_send_two:
		return send_two(sock, msg, len, fd);
	case ATTACK_send_file:
		return __real_channel_send(sock, msg, len, 0);
	case ATTACK_send_closed:
		return send_closed(sock, msg, len);
	case ATTACK_send_tcp:
		return __real_channel_send(sock, msg, len, attack_tcp);
	case ATTACK_send_channel:
		return __real_channel_send(sock, msg, len, sock);
	case ATTACK_send_nothing:
		return true;
	case ATTACK_send_long:
		memcpy(more, msg, len);
		return __real_channel_send(sock, more, sizeof more, fd);
	default:
		return __real_channel_send(sock, msg, len, fd);
	}
}

/* More than was asked for: it cannot know that the stash is full. */
bool
attack_send_unasked(long arg)
{
	struct spawner_event e = { .type = SPAWNER_WORKER,
	    .pid = (int32_t)arg };

	for (int i = 0; i < 200; i++)
		__real_channel_send(3, &e, sizeof e, 3);
	return false;
}

/* Of a worker that is well (`arg'), or of nobody. */
bool
attack_send_dead(long arg)
{
	struct spawner_event e = { .type = SPAWNER_DIED, .pid = (int32_t)arg,
	    .signal = -1, .status = -1 };

	__real_channel_send(3, &e, sizeof e, -1);
	return false;
}

/* ---- a resolver's lies --------------------------------------------------- */

static bool
answer(int sock, const struct resolver_answer *honest)
{
	static struct {
		struct resolver_answer	a;
		char			more;
	} lie;
	size_t len = sizeof lie.a;

	lie.a = *honest;
	switch (attack_lie) {
	case ATTACK_answer_short:
		len--;
		break;
	case ATTACK_answer_long:
		len++;
		break;
	case ATTACK_answer_many_names:
		lie.a.status = RESOLVER_ANSWERED;
		lie.a.names = UINT32_MAX;
		break;
	case ATTACK_answer_unending_name:
		lie.a.status = RESOLVER_ANSWERED;
		lie.a.names = RESOLVER_NAMES;
		memset(lie.a.name, 'a', sizeof lie.a.name);
		break;
	case ATTACK_answer_unasked:
		lie.a.id += 1000;
		break;
	case ATTACK_answer_twice:
		__real_channel_send(sock, &lie.a, len, -1);
		break;
	case ATTACK_answer_wild:
		memset(&lie.a.status, 0xff, sizeof lie.a -
		    offsetof(struct resolver_answer, status));
		break;
	default:
		break;
	}
	return __real_channel_send(sock, &lie, len, -1);
}

bool
__wrap_channel_send(int sock, const void *msg, size_t len, int fd)
{
	matrix_tell();
	if (attack_lie == ATTACK_COUNT || sock != 3)
		return __real_channel_send(sock, msg, len, fd);
	if ((len == sizeof(struct spawner_event) ||
	    len == sizeof(struct dialer_answer)) && fd != -1)
		return hand_over(sock, msg, len, fd);
	if (len == sizeof(struct resolver_answer))
		return answer(sock, msg);
	return __real_channel_send(sock, msg, len, fd);
}

/* ---- a parent's, on the board -------------------------------------------- */

bool
attack_scribble(long arg)
{
	(void)arg;
	for (size_t i = 0; i < attack_slot_size; i++)
		attack_slot[i] = 0xff;
	return false;
}

/* Where it may only read. */
bool
attack_scribble_others(long arg)
{
	(void)arg;
	if (syscall(SYS_mprotect, attack_board, PAGE, PROT_READ | PROT_WRITE)
	    == -1)
		return false;
	attack_board[0] = 0xff;
	return true;
}
