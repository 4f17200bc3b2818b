/*
 * Attacks: out of the process, to files, the network, other programs, other
 * entries to the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "attacks.h"
#include "policy.h"

/* Those of glibc are not enough: each is the call itself, by its name. */

bool
attack_open_file(long arg)
{
	(void)arg;
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0) >= 0;
}

bool
attack_own_memory(long arg)
{
	(void)arg;
	return syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR, 0) >= 0;
}

/* Its parent's, by a path that needs no pid; or any other's. */
bool
attack_other_memory(long arg)
{
	(void)arg;
	return syscall(SYS_openat, AT_FDCWD, "/proc/1/mem", O_RDONLY, 0) >= 0;
}

bool
attack_execute(long arg)
{
	char *argv[] = { (char *)(uintptr_t)"sh", NULL };

	(void)arg;
	return syscall(SYS_execve, "/bin/sh", argv, argv + 1) == 0;
}

/* By the call that is there to execute our programs by their descriptors. */
bool
attack_execute_by_name(long arg)
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };

	(void)arg;
	return syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv + 1,
	    AT_EMPTY_PATH) == 0;
}

bool
attack_new_root(long arg)
{
	(void)arg;
	return syscall(SYS_chroot, "/proc") == 0;
}

static bool
reach(int type, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	long s = syscall(SYS_socket, AF_INET, type | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	return s >= 0 && (syscall(SYS_connect, s, &to, sizeof to) == 0 ||
	    errno == EINPROGRESS || errno == ECONNREFUSED);
}

/* To `arg' on the loopback: with exactly what the resolver is allowed. */
bool
attack_connect_tcp(long arg)
{
	return reach(SOCK_STREAM, (uint16_t)arg);
}

bool
attack_connect_udp(long arg)
{
	return reach(SOCK_DGRAM, (uint16_t)arg);
}

bool
attack_connect_unix(long arg)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
	    .sun_path = "/dev/log" };
	long s = syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);

	(void)arg;
	return s >= 0 && syscall(SYS_connect, s, &to, sizeof to) == 0;
}

/* These five: a dialer's, that it may connect elsewhere. */
bool
attack_connect_prefix(long length)
{
	long s = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	return syscall(SYS_connect, s, POLICY_DIAL_ADDRESS, length) == 0;
}

bool
attack_rewrite_address(long arg)
{
	*(volatile char *)(uintptr_t)POLICY_DIAL_ADDRESS = (char)arg;
	return true;
}

bool
attack_unprotect_address(long arg)
{
	(void)arg;
	return syscall(SYS_mprotect, (uintptr_t)POLICY_DIAL_ADDRESS, 4096,
	    PROT_READ | PROT_WRITE) == 0;
}

bool
attack_replace_address(long arg)
{
	(void)arg;
	return syscall(SYS_mmap, (uintptr_t)POLICY_DIAL_ADDRESS, 4096,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0) != -1;
}

/* Zeros would be there then, which is another address, too. */
bool
attack_discard_address(long arg)
{
	(void)arg;
	return syscall(SYS_madvise, (uintptr_t)POLICY_DIAL_ADDRESS, 4096,
	    MADV_DONTNEED) == 0;
}

/* Any free port, on a socket that may be had. */
bool
attack_bind_port(long arg)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	long s = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	(void)arg;
	return syscall(SYS_bind, s, &at, sizeof at) == 0;
}

bool
attack_listen_again(long arg)
{
	(void)arg;
	return syscall(SYS_listen, 3, 1) == 0;
}

bool
attack_new_user_namespace(long arg)
{
	(void)arg;
	return syscall(SYS_unshare, CLONE_NEWUSER) == 0;
}

bool
attack_join_namespace(long arg)
{
	(void)arg;
	return syscall(SYS_setns, 3, 0) == 0;
}

bool
attack_write_execute(long arg)
{
	(void)arg;
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != -1;
}

/* What was a variable becomes code. */
bool
attack_make_executable(long arg)
{
	static char page[8192];
	uintptr_t at = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;

	(void)arg;
	return syscall(SYS_mprotect, at, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* A program that is in no file. */
bool
attack_memory_file(long arg)
{
	(void)arg;
	return syscall(SYS_memfd_create, "program", 0) >= 0;
}

/* i386's getpid. */
bool
attack_entry_i386(long arg)
{
	(void)arg;
#ifdef __x86_64__
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8",
	    "r9", "r10", "r11");
	return result > 0;
#else
	return false;
#endif
}

bool
attack_entry_x32(long arg)
{
	(void)arg;
	return syscall(SYS_getpid | 0x40000000) > 0;
}

bool
attack_io_ring(long arg)
{
	char parameters[256];

	(void)arg;
	memset(parameters, 0, sizeof parameters);
	return syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}

bool
attack_fault_handler(long arg)
{
	(void)arg;
	return syscall(SYS_userfaultfd, 1) >= 0;
}

/* KEYCTL_GET_KEYRING_ID of the session's keyring, to be made. */
bool
attack_keyring(long arg)
{
	(void)arg;
	return syscall(SYS_keyctl, 0, -3, 1) != -1;
}

/* BPF_MAP_CREATE of an array. */
bool
attack_kernel_program(long arg)
{
	uint32_t attr[32] = { 2, 4, 4, 1 };

	(void)arg;
	return syscall(SYS_bpf, 0, attr, sizeof attr) >= 0;
}

bool
attack_performance_events(long arg)
{
	uint32_t attr[32] = { 1, 128 };

	(void)arg;
	return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0) >= 0;
}

bool
attack_become_root(long arg)
{
	(void)arg;
	return syscall(SYS_setresuid, 0, 0, 0) == 0;
}

bool
attack_become_dumpable(long arg)
{
	(void)arg;
	return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

/* One that would have the kernel fail silently, say. */
bool
attack_another_filter(long arg)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ERRNO) };
	struct sock_fprog program = { 1, code };

	(void)arg;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}
