/*
 * Attacks: on other processes, `arg' is one's pid.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attacks.h"

bool __real_channel_send(int sock, const void *msg, size_t len, int fd);

bool
attack_trace(long arg)
{
	return syscall(SYS_ptrace, PTRACE_SEIZE, arg, 0, 0) == 0;
}

bool
attack_kill_other(long arg)
{
	return syscall(SYS_kill, arg, SIGKILL) == 0;
}

bool
attack_kill_by_pidfd(long arg)
{
	long fd = syscall(SYS_pidfd_open, arg, 0);

	return fd >= 0 &&
	    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

/* What a spawner asks of its init, for whom it should not. */
bool
attack_end_by_init(long arg)
{
	long fd = syscall(SYS_pidfd_open, arg, 0);
	char byte = 0;

	if (fd >= 0)
		__real_channel_send(4, &byte, 1, (int)fd);
	return false;
}

bool
attack_read_memory_of(long arg)
{
	static char here[16];
	struct iovec to = { here, sizeof here }, from = { here, sizeof here };

	return syscall(SYS_process_vm_readv, arg, &to, 1, &from, 1, 0) > 0;
}

bool
attack_take_descriptor_of(long arg)
{
	long fd = syscall(SYS_pidfd_open, arg, 0);

	return fd >= 0 && syscall(SYS_pidfd_getfd, fd, 3, 0) >= 0;
}

/*
 * More than a service of this size ever has is a breach; the children wait,
 * with what calls they have, for their end.
 */
bool
attack_fork_bomb(long arg)
{
	struct pollfd nothing = { .fd = -1 };

	(void)arg;
	for (int made = 0; made < 20000; made++) {
		long pid = syscall(SYS_clone, (unsigned long)SIGCHLD, 0, 0, 0,
		    0);

		if (pid == -1)
			return false;
		if (pid == 0)
			for (;;)
				syscall(SYS_ppoll, &nothing, 1, NULL, NULL, 8);
	}
	return true;
}

bool
attack_new_thread(long arg)
{
	static char stack[4096] __attribute__((aligned(16)));

	(void)arg;
	return syscall(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES |
	    CLONE_SIGHAND | CLONE_THREAD, stack + sizeof stack, 0, 0, 0) > 0;
}

/* Its own channel, to whoever is at the other end of that. */
bool
attack_pass_descriptor(long arg)
{
	union {
		struct cmsghdr	h;
		char		room[CMSG_SPACE(sizeof(int))];
	} control;
	const int own = 3;
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof control };

	(void)arg;
	memset(&control, 0, sizeof control);
	control.h.cmsg_len = CMSG_LEN(sizeof own);
	control.h.cmsg_level = SOL_SOCKET;
	control.h.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.h), &own, sizeof own);
	/* What comes of it is the other's to say. */
	syscall(SYS_sendmsg, 3, &m, MSG_NOSIGNAL);
	return false;
}

/* Beyond its own by number: not there, or not to be written to. */
bool
attack_write_elsewhere(long arg)
{
	(void)arg;
	for (int fd = 5; fd < 64; fd++)
		if (syscall(SYS_write, fd, "x", 1) == 1)
			return true;
	return false;
}

bool
attack_read_elsewhere(long arg)
{
	char byte;

	(void)arg;
	for (int fd = 4; fd < 64; fd++)
		if (syscall(SYS_read, fd, &byte, 1) == 1)
			return true;
	return false;
}
