/*
 * All tables: what each process may ask of the kernel, and what it needs that
 * for.
 *
 * A filter is inherited.  So a process's table is its own groups and, by
 * construction (build, below), those of all that it starts: what they do before
 * their own filter, and after it.  What one of those may do is its stack: only
 * what its own table and all beneath it allow.
 *
 * Rows that only another kernel, clock, library or moment needs are in the
 * groups of the reserve ("reserve-..."), each of which a test asks for by hand;
 * what differs by machine or build is a group that is there only where it is
 * needed.
 */
#include "policy.h"

#include <asm/ioctls.h>
#include <ctype.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "confine.h"

#define EQ(a, v)	{ .arg = (a), .op = LIMIT_EQ, .value = (uint64_t)(v) }
#define MASK(a, m, v)	{ .arg = (a), .op = LIMIT_MASK, \
	.mask = (uint64_t)(m), .value = (uint64_t)(v) }
/* A negative int: how it is widened is the C library's business. */
#define INT(a, v)	MASK(a, UINT32_MAX, (uint32_t)(v))

/* The supervisor's sockets, and no datagrams. */
#define LISTENING (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
/* The resolver's and the dialer's, besides their type. */
#define ASKING (SOCK_CLOEXEC | SOCK_NONBLOCK)
/* Ways between our processes: messages, whole or absent. */
#define MESSAGES (SOCK_SEQPACKET | SOCK_CLOEXEC)
/* Memory that is the process's alone, and no file's. */
#define OWN_MEMORY (MAP_PRIVATE | MAP_ANONYMOUS)
#define DATA (PROT_READ | PROT_WRITE)
#define EMPTY_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MORE_NAMESPACES (CONFINE_NAMESPACES | CLONE_NEWIPC | CLONE_NEWUTS | \
	CLONE_NEWCGROUP)
#define FUTEX_WAKE_OWN (FUTEX_WAKE | FUTEX_PRIVATE_FLAG)
/* Debian 12's headers for x86_64 lack it: <asm/mman.h> of aarch64. */
#define PROT_BRANCHES	0x10
/* above process.c's OUT_OF_THE_WAY */
#define OUT_OF_THE_WAY	256

#define GROUP(n, w, r) { .name = (n), .when = (w), .rows = (r), \
	.count = sizeof(r) / sizeof((r)[0]) }

/* ---- rows that several processes share ----------------------------------- */

static const struct policy_row memory_rows[] = {
	{ "brk", { {0} },
	    "the heap, whence all that it remembers has its room" },
};
static const struct policy_group memory =
    GROUP("memory", WHEN_ALWAYS, memory_rows);

/* Where malloc may take large blocks by themselves. */
static const struct policy_row blocks_rows[] = {
	{ "mmap", { EQ(2, DATA), EQ(3, OWN_MEMORY) },
	    "large blocks: its own, of no file, never executable" },
	{ "munmap", { {0} },
	    "it does not stay as large as its largest block made it" },
};
static const struct policy_group blocks =
    GROUP("blocks", WHEN_ALWAYS, blocks_rows);

static const struct policy_row log_rows[] = {
	{ "sendto", { EQ(0, 2), EQ(3, MSG_DONTWAIT | MSG_NOSIGNAL), EQ(4, 0) },
	    "its log lines, to the journal or syslogd" },
	{ "write", { EQ(0, 2) }, "its log lines, to a terminal, pipe or file" },
};
static const struct policy_group logging =
    GROUP("log", WHEN_ALWAYS, log_rows);

static const struct policy_row exit_rows[] = {
	{ "exit_group", { {0} }, "it ends, and its status says how" },
};
static const struct policy_group ending =
    GROUP("exit", WHEN_ALWAYS, exit_rows);

/* What libcrypto does at any time. */
static const struct policy_row random_rows[] = {
	{ "getpid", { {0} },
	    "its random numbers must not be a fork's as well" },
};
static const struct policy_group randomness =
    GROUP("random", WHEN_ALWAYS, random_rows);

static const struct policy_row seed_rows[] = {
	{ "getrandom", { {0} }, "its random numbers begin with the kernel's" },
};
static const struct policy_group seeds =
    GROUP("seed", WHEN_ALWAYS, seed_rows);

static const struct policy_row once_rows[] = {
	{ "futex", { EQ(1, FUTEX_WAKE_OWN) },
	    "a part of libcrypto that is first used now is set up once" },
};
static const struct policy_group once =
    GROUP("once", WHEN_ALWAYS, once_rows);

/* What AddressSanitizer's and UBSan's run time ask for by themselves. */
static const struct policy_row sanitizer_rows[] = {
	{ "clock_gettime", { {0} }, "sanitizer: report" },
	{ "close", { {0} }, "sanitizer: reads its own mappings" },
	{ "exit_group", { {0} }, "sanitizer: ends after a report" },
	{ "fstat", { {0} }, "sanitizer: symbolizes" },
	{ "futex", { {0} }, "sanitizer: its locks" },
	{ "getpid", { {0} }, "sanitizer: report" },
	{ "gettid", { {0} }, "sanitizer: report" },
	{ "madvise", { {0} }, "sanitizer: shadow memory" },
	{ "mmap", { MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0) },
	    "sanitizer: shadow memory" },
	{ "mprotect", { MASK(2, PROT_EXEC, 0) }, "sanitizer: shadow memory" },
	{ "munmap", { {0} }, "sanitizer: shadow memory" },
	{ "newfstatat", { {0} }, "sanitizer: symbolizes" },
	{ "openat", { MASK(2, O_ACCMODE, O_RDONLY) },
	    "sanitizer: reads its own mappings" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "sanitizer: size of the stack" },
	{ "readlinkat", { {0} }, "sanitizer: name of its program" },
	{ "rt_sigaction", { {0} }, "sanitizer: its handlers" },
	{ "rt_sigprocmask", { {0} }, "sanitizer: its handlers" },
	{ "sched_yield", { {0} }, "sanitizer: its locks" },
	{ "sigaltstack", { {0} }, "sanitizer: its stack for reports" },
	{ "write", { EQ(0, 2) }, "sanitizer: report" },
};
static const struct policy_group sanitizer =
    GROUP("sanitizer", WHEN_SANITIZED, sanitizer_rows);

static const struct policy_row sanitizer_old_rows[] = {
	{ "getrlimit", { {0} }, "sanitizer: size of the stack" },
	{ "open", { MASK(1, O_ACCMODE, O_RDONLY) },
	    "sanitizer: reads its own mappings" },
	{ "readlink", { {0} }, "sanitizer: name of its program" },
};
static const struct policy_group sanitizer_old =
    GROUP("sanitizer-old", WHEN_SANITIZED | WHEN_OLD_CALLS, sanitizer_old_rows);

/* ---- reserve: not seen in an ordinary run -------------------------------- */

static const struct policy_row clock_rows[] = {
	{ "clock_gettime", { {0} }, "the time, on a kernel or clock that has "
	    "it only by a call" },
};
static const struct policy_group clocks =
    GROUP("reserve-clock", WHEN_ALWAYS, clock_rows);

/* libcrypto's, c-ares's and libevent's clocks */
static const struct policy_row old_clock_rows[] = {
	{ "gettimeofday", { {0} },
	    "the libraries' time, on a kernel or clock that has it only by a "
	    "call" },
};
static const struct policy_group old_clocks =
    GROUP("reserve-libraries-clock", WHEN_ALWAYS, old_clock_rows);

static const struct policy_row date_rows[] = {
	{ "time", { {0} }, "has a certificate run out?  On a kernel that has "
	    "the date only by a call" },
};
static const struct policy_group dates =
    GROUP("reserve-date", WHEN_OLD_CALLS, date_rows);

/* A wait with an end, on which the process's own deadlines depend. */
static const struct policy_row resumed_rows[] = {
	{ "restart_syscall", { {0} }, "a wait with an end goes on after "
	    "SIGSTOP and SIGCONT, on a kernel that resumes it so" },
};
static const struct policy_group resumed =
    GROUP("reserve-wait", WHEN_ALWAYS, resumed_rows);

/* Where all of libcrypto should have been used before the filter. */
static const struct policy_row late_rows[] = {
	{ "futex", { EQ(1, FUTEX_WAKE_OWN) },
	    "a part of libcrypto that another version uses first now" },
};
static const struct policy_group late =
    GROUP("reserve-once", WHEN_ALWAYS, late_rows);

/* Where libcrypto should want no random numbers, or no new seed. */
static const struct policy_row reserve_random_rows[] = {
	{ "getpid", { {0} }, "random numbers that another libcrypto wants" },
};
static const struct policy_group reserve_random =
    GROUP("reserve-random", WHEN_ALWAYS, reserve_random_rows);

static const struct policy_row reserve_seed_rows[] = {
	{ "getrandom", { {0} },
	    "random numbers begin anew, after long, or with LibreSSL" },
};
static const struct policy_group reserve_seeds =
    GROUP("reserve-seed", WHEN_ALWAYS, reserve_seed_rows);

static const struct policy_row pressure_rows[] = {
	{ "madvise", { EQ(2, MADV_DONTNEED) },
	    "another malloc's way to give memory back" },
};
static const struct policy_group pressure =
    GROUP("reserve-memory", WHEN_ALWAYS, pressure_rows);

/* Where what there is at the start nearly always does. */
static const struct policy_row more_heap_rows[] = {
	{ "brk", { {0} }, "room for more than is usual at once" },
};
static const struct policy_group more_heap =
    GROUP("reserve-more", WHEN_ALWAYS, more_heap_rows);

/* Where malloc is told to take all from the heap, or has no large block. */
static const struct policy_row no_heap_rows[] = {
	{ "mmap", { EQ(2, DATA), EQ(3, OWN_MEMORY) },
	    "memory, where the heap has met another mapping" },
	{ "munmap", { {0} },
	    "it does not stay as large as memory beside the heap made it" },
};
static const struct policy_group no_heap =
    GROUP("reserve-heap", WHEN_ALWAYS, no_heap_rows);

/* Where whatever is logged comes before the filter, but for what never is. */
static const struct policy_row last_words_rows[] = {
	{ "sendto", { EQ(0, 2), EQ(3, MSG_DONTWAIT | MSG_NOSIGNAL), EQ(4, 0) },
	    "why it ends by itself, to the journal or syslogd" },
	{ "write", { EQ(0, 2) },
	    "why it ends by itself, to a terminal, pipe or file" },
};
static const struct policy_group last_words =
    GROUP("reserve-words", WHEN_ALWAYS, last_words_rows);

static const struct policy_row last_words_wait_rows[] = {
	{ "ppoll", { EQ(1, 1) },
	    "why it ends is not told rather than wait for a reader" },
};
static const struct policy_group last_words_wait =
    GROUP("reserve-words-wait", WHEN_ALWAYS, last_words_wait_rows);

/* Who started it ends first, and its end is by a signal. */
static const struct policy_row by_itself_rows[] = {
	{ "exit_group", { {0} }, "it ends by itself, where memory is out, or "
	    "who started it lies to it or is gone without that signal" },
};
static const struct policy_group by_itself =
    GROUP("reserve-exit", WHEN_ALWAYS, by_itself_rows);

static const struct policy_row resized_rows[] = {
	{ "mremap", { EQ(3, MREMAP_MAYMOVE) },
	    "a large block that grows, a server's or file's chain say" },
};
static const struct policy_group resized =
    GROUP("reserve-resize", WHEN_ALWAYS, resized_rows);

/* ---- echo worker --------------------------------------------------------- */

static const struct policy_row echo_rows[] = {
	{ "exit_group", { {0} }, "it ends when its client has" },
	{ "read", { EQ(0, 3) }, "the client's bytes" },
	{ "write", { EQ(0, 3) }, "the client's bytes, back to it" },
};
static const struct policy_group echo = GROUP("echo", WHEN_ALWAYS, echo_rows);

/* ---- pool worker --------------------------------------------------------- */

/*
 * A client's descriptor is any but 3 and 4, up to RLIMIT_NOFILE; 0 to 2, which
 * were closed before, are the first.  No masked comparison says so, and nothing
 * would be gained: what these calls can do to 3 and 4 takes from the worker
 * alone.
 */
static const struct policy_row pool_rows[] = {
	{ "close", { {0} }, "a client has ended, the others go on: any number; "
	    "without its channel or its set it could only do less" },
	{ "epoll_ctl", { EQ(0, 4) },
	    "a new client, or one that is slow to read, is waited for" },
	{ "read", { {0} }, "any of its clients' bytes, by any number: of its "
	    "channel it would get less than by recvmsg" },
	{ "recvmsg", { EQ(0, 3), EQ(2, MSG_CMSG_CLOEXEC) },
	    "a new client, handed over by the spawner" },
	{ "write", { {0} }, "a client's bytes, back to it, by any number: "
	    "what it put into its channel nobody would read" },
};
static const struct policy_group pool = GROUP("pool", WHEN_ALWAYS, pool_rows);

static const struct policy_row pool_old_rows[] = {
	{ "epoll_wait", { EQ(0, 4) }, "which of its clients has something?" },
};
static const struct policy_group pool_old =
    GROUP("pool-old", WHEN_OLD_CALLS, pool_old_rows);

static const struct policy_row pool_new_rows[] = {
	{ "epoll_pwait", { EQ(0, 4) }, "which of its clients has something?" },
};
static const struct policy_group pool_new =
    GROUP("pool-new", WHEN_NEW_CALLS, pool_new_rows);

/* ---- relay worker -------------------------------------------------------- */

static const struct policy_row relay_rows[] = {
	{ "exit_group", { {0} }, "it ends when client and service have" },
	{ "ppoll", { EQ(1, 2) }, "can client or service go on?" },
	{ "read", { EQ(0, 3) }, "the client's bytes" },
	{ "read", { EQ(0, 4) }, "the service's bytes" },
	{ "setsockopt", { EQ(0, 4), EQ(1, SOL_SOCKET), EQ(2, SO_LINGER) },
	    "a client that is cut off is to the service no client's end" },
	{ "shutdown", { EQ(0, 3), EQ(1, SHUT_WR) },
	    "the client hears that the service has said all" },
	{ "shutdown", { EQ(0, 4), EQ(1, SHUT_WR) },
	    "the service hears that the client has said all" },
	{ "write", { EQ(0, 3) }, "the service's bytes, to the client" },
	{ "write", { EQ(0, 4) }, "the client's bytes, to the service" },
};
static const struct policy_group relay =
    GROUP("relay", WHEN_ALWAYS, relay_rows);

/* ---- init of the workers' pid namespace ---------------------------------- */

/* It has closed 0, 1 and 2. */
static const struct policy_row init_rows[] = {
	{ "close", { EQ(0, 0) },
	    "no handle is left on a worker that it has ended" },
	{ "pidfd_send_signal", { EQ(0, 0), EQ(1, SIGKILL), EQ(2, 0), EQ(3, 0) },
	    "a worker has outlived its session; nobody outside of its "
	    "namespace can be meant" },
	{ "read", { EQ(0, 3) }, "waits for its parent's end when its spawner "
	    "has gone" },
	{ "recvmsg", { EQ(0, 4), EQ(2, MSG_CMSG_CLOEXEC) },
	    "waits for a worker that it is to end, or for its spawner's end" },
};
static const struct policy_group init = GROUP("init", WHEN_ALWAYS, init_rows);

/* ---- spawner ------------------------------------------------------------- */

static const struct policy_row spawner_rows[] = {
	{ "clone", { EQ(0, SIGCHLD) },
	    "a new worker: a fork, no thread, no namespace" },
	{ "close", { {0} }, "a pair's ends, once they are handed over" },
	{ "ppoll", { EQ(1, 1) }, "waits for its parent or for a worker's end; "
	    "a log line is dropped rather than wait for its reader" },
	{ "recvmsg", { EQ(0, 3), EQ(2, MSG_CMSG_CLOEXEC) },
	    "how many workers are wanted" },
	{ "rt_sigreturn", { {0} }, "a worker's end came as a signal" },
	{ "wait4", { EQ(2, WNOHANG) }, "how did a worker end?" },
};
static const struct policy_group spawner =
    GROUP("spawner", WHEN_ALWAYS, spawner_rows);

/* One worker for each client. */
static const struct policy_row echoes_rows[] = {
	{ "sendmsg", { EQ(0, 3), EQ(2, MSG_NOSIGNAL) },
	    "a worker's other end goes to the parent" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC),
	    EQ(2, 0) }, "the only way into a worker" },
};
static const struct policy_group echoes =
    GROUP("echoes", WHEN_ALWAYS, echoes_rows);

/* Some workers for all clients. */
static const struct policy_row pooling_rows[] = {
	{ "sendmsg", { EQ(2, MSG_NOSIGNAL) },
	    "a client's two ends go to a pool worker and to the parent" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, MESSAGES | SOCK_NONBLOCK),
	    EQ(2, 0) }, "the way on which a pool worker gets its clients" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK), EQ(2, 0) }, "a client's way to its pool worker" },
};
static const struct policy_group pooling =
    GROUP("pooling", WHEN_ALWAYS, pooling_rows);

/* Where each worker is for one client. */
static const struct policy_row parting_rows[] = {
	{ "pidfd_open", { EQ(1, 0) },
	    "a handle on a worker that has outlived its session, for init" },
	{ "sendmsg", { EQ(0, 4), EQ(2, MSG_NOSIGNAL) },
	    "init is handed a worker to end" },
};
static const struct policy_group parting =
    GROUP("parting", WHEN_ALWAYS, parting_rows);

/* One worker for each client that has a connection to the service. */
static const struct policy_row relaying_rows[] = {
	{ "sendmsg", { EQ(0, 3), EQ(2, MSG_NOSIGNAL) },
	    "a worker's other end goes to the parent" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK), EQ(2, 0) }, "a client's way to its relay worker" },
};
static const struct policy_group relaying =
    GROUP("relaying", WHEN_ALWAYS, relaying_rows);

/* ---- parent -------------------------------------------------------------- */

/* Its numbers are those of daemon/handoff.h, which asserts them. */
static const struct policy_row parent_rows[] = {
	{ "accept4", { EQ(3, SOCK_NONBLOCK | SOCK_CLOEXEC) },
	    "a new client, from a listening socket" },
	{ "close", { {0} }, "a client has gone, or a worker" },
	{ "dup3", { EQ(1, 9), EQ(2, O_CLOEXEC) },
	    "a newer CA file takes the old one's place" },
	{ "dup3", { EQ(1, 10), EQ(2, O_CLOEXEC) },
	    "a newer CRL takes the old one's place" },
	{ "epoll_ctl", { EQ(0, 5) }, "what its one loop waits for" },
	{ "getsockname", { {0} },
	    "the address of ours that a client came to, for the service" },
	{ "getsockopt", { EQ(1, SOL_SOCKET), EQ(2, SO_TYPE) },
	    "is what the dialer hands over a stream socket?" },
	{ "newfstatat", { EQ(0, 9), EQ(3, AT_EMPTY_PATH) },
	    "how long is the newer CA file?" },
	{ "newfstatat", { EQ(0, 10), EQ(3, AT_EMPTY_PATH) },
	    "how long is the newer CRL?" },
	{ "ppoll", { EQ(1, 1) }, "a log line is dropped rather than wait for "
	    "its reader; has a relay worker gone, or its service said all?" },
	{ "pread64", { EQ(0, 9) }, "the newer CA file" },
	{ "pread64", { EQ(0, 10) }, "the newer CRL" },
	{ "read", { EQ(0, 7) }, "the supervisor's signals: retire, or end" },
	{ "recvfrom", { EQ(3, MSG_DONTWAIT), EQ(4, 0) },
	    "what a client or a worker has sent" },
	{ "recvfrom", { EQ(3, MSG_DONTWAIT | MSG_PEEK), EQ(4, 0) },
	    "a balancer's header, which stays there until it is whole; and is "
	    "what the spawner sent a worker's end, from which nothing came?" },
	{ "recvmsg", { EQ(0, 3), EQ(2, MSG_CMSG_CLOEXEC) },
	    "a worker, or how one ended, from the spawner" },
	{ "recvmsg", { EQ(0, 6), EQ(2, MSG_CMSG_CLOEXEC) },
	    "the resolver's answer" },
	{ "recvmsg", { EQ(0, 11), EQ(2, MSG_CMSG_CLOEXEC) },
	    "newer files, from the supervisor" },
	{ "recvmsg", { EQ(0, 12), EQ(2, MSG_CMSG_CLOEXEC) },
	    "a connection to the service, from the dialer" },
	{ "sched_yield", { {0} },
	    "a lone client's worker runs, before it looks again" },
	{ "sendmsg", { EQ(0, 3), EQ(2, MSG_NOSIGNAL) },
	    "how many workers it wants of the spawner" },
	{ "sendmsg", { EQ(0, 6), EQ(2, MSG_NOSIGNAL) },
	    "its question to the resolver" },
	{ "sendmsg", { EQ(0, 12), EQ(2, MSG_NOSIGNAL) },
	    "it wants a connection to the service of the dialer" },
	{ "sendto", { EQ(3, MSG_DONTWAIT | MSG_NOSIGNAL), EQ(4, 0) },
	    "what a client or a worker gets, and its log lines: to nobody "
	    "else" },
	{ "setsockopt", { EQ(1, IPPROTO_TCP), EQ(2, TCP_NODELAY) },
	    "a client gets its echo at once" },
	{ "shutdown", { EQ(1, SHUT_WR) },
	    "a worker, or a client, hears that nothing more comes" },
	{ "write", { EQ(0, 2) }, "its log lines, to a terminal, pipe or file" },
	{ "write", { EQ(0, 4) }, "the supervisor hears that it is ready" },
};
static const struct policy_group parent =
    GROUP("parent", WHEN_ALWAYS, parent_rows);

static const struct policy_row parent_old_rows[] = {
	{ "epoll_wait", { EQ(0, 5) }, "what is there to do?" },
};
static const struct policy_group parent_old =
    GROUP("parent-old", WHEN_OLD_CALLS, parent_old_rows);

static const struct policy_row parent_new_rows[] = {
	{ "epoll_pwait", { EQ(0, 5) }, "what is there to do?" },
};
static const struct policy_group parent_new =
    GROUP("parent-new", WHEN_NEW_CALLS, parent_new_rows);

/* glibc before 2.33 and after 2.38 has fstat(2) for what is above. */
static const struct policy_row parent_fstat_rows[] = {
	{ "fstat", { EQ(0, 9) },
	    "how long is the newer CA file?  Of another C library" },
	{ "fstat", { EQ(0, 10) },
	    "how long is the newer CRL?  Of another C library" },
};
static const struct policy_group parent_fstat =
    GROUP("reserve-parent", WHEN_ALWAYS, parent_fstat_rows);

/* ---- resolver ------------------------------------------------------------ */

static const struct policy_row resolver_rows[] = {
	{ "close", { {0} }, "a question to a DNS server is answered" },
	{ "connect", { EQ(2, sizeof(struct sockaddr_in)) },
	    "a socket is for one DNS server alone" },
	{ "connect", { EQ(2, sizeof(struct sockaddr_in6)) },
	    "a socket is for one DNS server alone" },
	{ "ppoll", { {0} }, "waits for its parent, or for DNS" },
	{ "recvfrom", { EQ(3, 0) }, "a DNS server's answer" },
	{ "recvmsg", { EQ(0, 3), EQ(2, MSG_CMSG_CLOEXEC) },
	    "the address whose names its parent wants" },
	{ "sendmsg", { EQ(0, 3), EQ(2, MSG_NOSIGNAL) },
	    "an address's names, to its parent" },
	{ "sendto", { EQ(3, MSG_NOSIGNAL), EQ(4, 0), EQ(5, 0) },
	    "a question, to the DNS server that the socket is for" },
	{ "socket", { EQ(0, AF_INET), EQ(1, SOCK_DGRAM | ASKING), EQ(2, 0) },
	    "a question to a DNS server, from a port of its own" },
	{ "socket", { EQ(0, AF_INET), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "a question whose answer is too long for a datagram" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, SOCK_DGRAM | ASKING), EQ(2, 0) },
	    "a question to a DNS server, from a port of its own" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "a question whose answer is too long for a datagram" },
};
static const struct policy_group resolver =
    GROUP("resolver", WHEN_ALWAYS, resolver_rows);

/* ---- dialer -------------------------------------------------------------- */

/*
 * The limits on connect(2) name one memory (POLICY_DIAL_ADDRESS), and one
 * length, a local address's, which the kernel takes for others, too: with a
 * shorter one a local socket's name would be another, the beginning of its own.
 * And no row may be added by which a page can be written that is read-only, or
 * another put in its place: no mmap, munmap, mremap, mprotect or madvise.
 */
static const struct policy_row dialer_rows[] = {
	{ "close", { {0} },
	    "a connection is handed over, or did not come about" },
	{ "connect", { EQ(1, POLICY_DIAL_ADDRESS),
	    EQ(2, sizeof(struct sockaddr_un)) },
	    "a connection to the service, and to nothing else" },
	{ "exit_group", { {0} },
	    "the service may have made its local socket anew, which the "
	    "next dialer sees" },
	{ "getsockname", { {0} },
	    "TCP can connect a socket to itself where nobody listens" },
	{ "getsockopt", { EQ(1, SOL_SOCKET), EQ(2, SO_ERROR) },
	    "did the connection come about?" },
	{ "ppoll", { {0} }, "waits for its parent, or for the service" },
	{ "recvmsg", { EQ(0, 3), EQ(2, MSG_CMSG_CLOEXEC) },
	    "its parent wants a connection" },
	{ "sendmsg", { EQ(0, 3), EQ(2, MSG_NOSIGNAL) },
	    "the connection, to its parent" },
	{ "setsockopt", { EQ(1, IPPROTO_TCP), EQ(2, TCP_NODELAY) },
	    "the service gets at once what a client sends" },
	{ "socket", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "a connection to the service, where it has a local socket" },
	{ "socket", { EQ(0, AF_INET), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "a connection to the service" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "a connection to the service" },
};
static const struct policy_group dialer =
    GROUP("dialer", WHEN_ALWAYS, dialer_rows);

/* ---- dial-spawner -------------------------------------------------------- */

static const struct policy_row dial_spawner_rows[] = {
	{ "clone", { EQ(0, SIGCHLD) },
	    "a new dialer: a fork, no thread, no namespace" },
	{ "exit_group", { {0} }, "it ends with its dialer" },
	{ "ppoll", { EQ(0, 0), EQ(1, 0) },
	    "where the service is away there is a new dialer a second" },
	{ "prctl", { EQ(0, PR_SET_NAME) },
	    "for TCP it becomes the dialer, and is called so" },
	{ "wait4", { EQ(2, 0) }, "how did its dialer end?" },
};
static const struct policy_group dial_spawner =
    GROUP("dial-spawner", WHEN_ALWAYS, dial_spawner_rows);

/* ---- exporter ------------------------------------------------------------ */

static const struct policy_row exporter_rows[] = {
	{ "accept4", { EQ(3, SOCK_NONBLOCK | SOCK_CLOEXEC) },
	    "somebody asks for metrics or status" },
	{ "close", { {0} }, "who asked has been told" },
	{ "epoll_ctl", { EQ(0, 3) }, "what its one loop waits for" },
	{ "ioctl", { EQ(1, FIONREAD) }, "how long is a request?" },
	{ "readv", { {0} }, "a request for metrics" },
	{ "shutdown", { EQ(1, SHUT_WR) }, "who asked hears that this is all" },
	{ "writev", { {0} }, "the numbers, to who asked" },
};
static const struct policy_group exporter =
    GROUP("exporter", WHEN_ALWAYS, exporter_rows);

static const struct policy_row exporter_old_rows[] = {
	{ "epoll_wait", { EQ(0, 3) }, "does anybody ask?" },
};
static const struct policy_group exporter_old =
    GROUP("exporter-old", WHEN_OLD_CALLS, exporter_old_rows);

static const struct policy_row exporter_new_rows[] = {
	{ "epoll_pwait", { EQ(0, 3) }, "does anybody ask?" },
};
static const struct policy_group exporter_new =
    GROUP("exporter-new", WHEN_NEW_CALLS, exporter_new_rows);

/* ---- set-up: what is done between fork and a process's own filter -------- */

/* Between fork and exec, by the child of a supervisor or a parent. */
static const struct policy_row exec_rows[] = {
	{ "close_range", { EQ(1, UINT32_MAX), EQ(2, 0) },
	    "the new program gets no descriptor but its own" },
	{ "dup3", { EQ(2, O_CLOEXEC) },
	    "the program's file is put behind its descriptors" },
	{ "execveat", { EQ(4, AT_EMPTY_PATH) }, "a program is executed by the "
	    "descriptor held since the start; what a filter sees of that "
	    "forbids no name" },
	{ "fcntl", { EQ(1, F_DUPFD), EQ(2, OUT_OF_THE_WAY) },
	    "its descriptors are moved out of each other's way" },
	{ "rt_sigprocmask", { EQ(0, SIG_SETMASK) },
	    "the new program begins with no signal held back" },
};
static const struct policy_group exec = GROUP("exec", WHEN_ALWAYS, exec_rows);

static const struct policy_row exec_old_rows[] = {
	{ "dup2", { {0} }, "its descriptors get the numbers that it expects" },
};
static const struct policy_group exec_old =
    GROUP("exec-old", WHEN_OLD_CALLS, exec_old_rows);

static const struct policy_row exec_new_rows[] = {
	{ "dup3", { EQ(2, 0) },
	    "its descriptors get the numbers that it expects" },
};
static const struct policy_group exec_new =
    GROUP("exec-new", WHEN_NEW_CALLS, exec_new_rows);

/* A program's beginning, before its main. */
static const struct policy_row program_rows[] = {
	{ "brk", { {0} }, "the program's first memory" },
	{ "getdents64", { {0} },
	    "was it started with its descriptors, and no others?" },
	{ "getrandom", { {0} }, "malloc's and libcrypto's seed" },
	{ "mprotect", { MASK(2, PROT_EXEC, 0) },
	    "what the loader has relocated becomes read-only" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "how large is the stack?" },
	{ "rseq", { {0} }, "the C library begins its one thread" },
	{ "set_robust_list", { {0} }, "the C library begins its one thread" },
	{ "set_tid_address", { {0} }, "the C library begins its one thread" },
};
static const struct policy_group program =
    GROUP("program", WHEN_ALWAYS, program_rows);

static const struct policy_row program_old_rows[] = {
	{ "arch_prctl", { EQ(0, 0x1002) },	/* ARCH_SET_FS */
	    "the C library's variables get their base" },
	{ "readlink", { {0} }, "a static program learns its own name" },
};
static const struct policy_group program_old =
    GROUP("program-old", WHEN_OLD_CALLS, program_old_rows);

static const struct policy_row program_new_rows[] = {
	{ "mprotect", { EQ(2, PROT_READ | PROT_EXEC | PROT_BRANCHES) },
	    "its code gets branch protection, where the processor has it" },
	{ "readlinkat", { {0} }, "a static program learns its own name" },
};
static const struct policy_group program_new =
    GROUP("program-new", WHEN_NEW_CALLS, program_new_rows);

/*
 * Libraries.  Code must be mapped here, so this is where PROT_EXEC is; each
 * process's own filter then takes it away.
 */
static const struct policy_row loader_rows[] = {
	{ "mmap", { MASK(2, PROT_WRITE, 0), MASK(3, MAP_SHARED, 0) },
	    "a library's code and constants: executable, never writable" },
	{ "mmap", { MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0) },
	    "a library's variables: writable, never executable" },
	{ "munmap", { {0} }, "the loader's list of libraries is let go" },
};
static const struct policy_group loader =
    GROUP("loader", WHEN_ALWAYS, loader_rows);

static const struct policy_row loader_old_rows[] = {
	{ "access", { EQ(1, 4) },		/* R_OK */
	    "the loader looks for a list of libraries to load first" },
};
static const struct policy_group loader_old =
    GROUP("loader-old", WHEN_OLD_CALLS, loader_old_rows);

static const struct policy_row loader_new_rows[] = {
	{ "faccessat", { EQ(2, 4) },		/* R_OK */
	    "the loader looks for a list of libraries to load first" },
};
static const struct policy_group loader_new =
    GROUP("loader-new", WHEN_NEW_CALLS, loader_new_rows);

/* What all read at their start: libraries, the time zone, files. */
static const struct policy_row files_rows[] = {
	{ "close", { {0} },
	    "nothing stays open that only its start has a use for" },
	{ "fcntl", { EQ(1, F_GETFL) }, "can writing to the log block?" },
	{ "lseek", { {0} }, "the time zone of the log's dates is looked up" },
	{ "newfstatat", { EQ(3, 0) },
	    "is there a file of the time zone of the log's dates?" },
	{ "newfstatat", { EQ(3, AT_EMPTY_PATH) },
	    "how long is a file, and what kind of thing is the log?" },
	{ "openat", { MASK(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY) },
	    "libraries, the time zone, /etc/hosts: to read alone" },
	{ "pread64", { {0} }, "a file that it was handed by descriptor" },
	{ "read", { {0} }, "libraries' heads, the time zone, /etc/hosts" },
};
static const struct policy_group files =
    GROUP("files", WHEN_ALWAYS, files_rows);

static const struct policy_row files_reserve_rows[] = {
	{ "fstat", { {0} }, "how long is a file?  Of another C library" },
};
static const struct policy_group files_reserve =
    GROUP("reserve-files", WHEN_ALWAYS, files_reserve_rows);

/* What root gives up, and what is never undone. */
static const struct policy_row give_up_rows[] = {
	{ "getresgid", { {0} }, "is root's group given up for good?" },
	{ "getresuid", { {0} }, "is root given up for good?" },
	{ "prctl", { EQ(0, PR_GET_MDWE) },
	    "can no memory of it become executable?" },
	{ "prctl", { EQ(0, PR_SET_MDWE), EQ(1, PR_MDWE_REFUSE_EXEC_GAIN) },
	    "no memory of it becomes executable" },
	{ "prctl", { EQ(0, PR_SET_NO_NEW_PRIVS), EQ(1, 1) },
	    "no program it executes has more rights than it" },
	{ "rt_sigaction", { {0} },
	    "a terminal's signals are the supervisor's business" },
	{ "setgroups", { EQ(0, 0) }, "it is in no group of root's" },
	{ "setresgid", { {0} }, "it leaves root's group" },
	{ "setresuid", { {0} }, "it leaves root, and tries to come back" },
};
static const struct policy_group give_up =
    GROUP("give-up", WHEN_ALWAYS, give_up_rows);

/* What every process gives up, and who is forked from one once more. */
static const struct policy_row settle_rows[] = {
	{ "capget", { {0} }, "are the capabilities gone?" },
	{ "capset", { {0} }, "it keeps no capability" },
	{ "getgroups", { EQ(0, 0) }, "is it in no group of root's?" },
	{ "getpid", { {0} }, "its pid, for its log lines" },
	{ "getppid", { {0} }, "is the process that started it still there?" },
	{ "prctl", { EQ(0, PR_CAP_AMBIENT), EQ(1, PR_CAP_AMBIENT_CLEAR_ALL) },
	    "it keeps no ambient capability" },
	{ "prctl", { EQ(0, PR_CAP_AMBIENT), EQ(1, PR_CAP_AMBIENT_IS_SET) },
	    "are the ambient capabilities gone?" },
	{ "prctl", { EQ(0, PR_CAPBSET_DROP) },
	    "it can never get a capability again" },
	{ "prctl", { EQ(0, PR_CAPBSET_READ) },
	    "which capabilities could it get?" },
	{ "prctl", { EQ(0, PR_GET_DUMPABLE) }, "is it closed to tracers?" },
	{ "prctl", { EQ(0, PR_GET_NO_NEW_PRIVS) },
	    "has no program it executes more rights than it?" },
	{ "prctl", { EQ(0, PR_GET_PDEATHSIG) },
	    "will it not outlive what started it?" },
	{ "prctl", { EQ(0, PR_SET_DUMPABLE), EQ(1, 0) },
	    "no core file holds its memory, no tracer of its user reads it" },
	{ "prctl", { EQ(0, PR_SET_NAME) }, "ps(1) and the log name it alike" },
	{ "prctl", { EQ(0, PR_SET_PDEATHSIG), EQ(1, SIGKILL) },
	    "it does not outlive what started it" },
	{ "prlimit64", { EQ(0, 0), EQ(3, 0) },
	    "no more files, memory or processes than it needs" },
};
static const struct policy_group settle =
    GROUP("settle", WHEN_ALWAYS, settle_rows);

static const struct policy_row landlock_rows[] = {
	{ "landlock_create_ruleset", { EQ(2, 0) },
	    "the domain that leaves it no file" },
	{ "landlock_create_ruleset", { EQ(0, 0), EQ(1, 0),
	    EQ(2, LANDLOCK_CREATE_RULESET_VERSION) },
	    "what can this kernel's Landlock forbid?" },
	{ "landlock_restrict_self", { EQ(1, 0) },
	    "it is in the domain that leaves it no file, for good" },
};
static const struct policy_group landlock =
    GROUP("landlock", WHEN_ALWAYS, landlock_rows);

/* Its own filter, by libseccomp. */
static const struct policy_row filter_rows[] = {
	{ "memfd_create", { EQ(1, MFD_CLOEXEC) },
	    "libseccomp hands its filter over in a file" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_STRICT), EQ(1, 1) },
	    "libseccomp asks, by a call that must fail, for the call" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_FILTER) },
	    "it confines itself, after libseccomp has asked for the flags" },
	{ "seccomp", { EQ(0, SECCOMP_GET_ACTION_AVAIL), EQ(1, 0) },
	    "libseccomp asks whether the kernel can kill a process" },
	{ "seccomp", { EQ(0, SECCOMP_GET_NOTIF_SIZES), EQ(1, 0) },
	    "libseccomp asks for the size of a message that is never sent" },
	{ "write", { {0} },
	    "libseccomp writes its filter into a file to hand it over" },
};
static const struct policy_group filter =
    GROUP("filter", WHEN_ALWAYS, filter_rows);

/* A parent's own, as root. */
static const struct policy_row parent_setup_rows[] = {
	{ "clone", { EQ(0, SIGCHLD) },
	    "its spawner, resolver and dialer, before it has a key" },
	{ "fcntl", { EQ(1, F_GETOWN_EX) }, "does what it starts end with it?" },
	{ "fcntl", { EQ(1, F_GETSIG) }, "does what it starts end with it?" },
	{ "fcntl", { EQ(1, F_SETFL), EQ(2, O_ASYNC) },
	    "what it starts is killed when its end of a pipe is closed" },
	{ "fcntl", { EQ(1, F_SETFL), EQ(2, O_NONBLOCK) },
	    "its spawner, resolver and dialer must not hold it up" },
	{ "fcntl", { EQ(1, F_SETOWN_EX) },
	    "what it starts is killed when its end of a pipe is closed" },
	{ "fcntl", { EQ(1, F_SETSIG), EQ(2, SIGKILL) },
	    "what it starts is killed when its end of a pipe is closed" },
	{ "ftruncate", { {0} }, "the key's own memory gets its size" },
	{ "futex", { EQ(1, FUTEX_WAKE_OWN) },
	    "each part of libcrypto is set up once" },
	{ "madvise", { EQ(2, MADV_DONTDUMP) },
	    "the key's own memory is in no core file" },
	{ "memfd_secret", { EQ(0, 0) },
	    "the key's own memory, which not even the kernel reads" },
	{ "mlock2", { {0} }, "the key's own memory is never on a disk" },
	{ "mmap", { EQ(2, DATA), EQ(3, MAP_SHARED) },
	    "its own page of the board, where it says how many it has" },
	{ "mmap", { EQ(2, DATA), EQ(3, MAP_SHARED | MAP_FIXED) },
	    "the key's own memory takes the place of libcrypto's" },
	{ "pipe2", { EQ(1, O_CLOEXEC) },
	    "the life line, by which the workers' init sees it gone" },
	{ "rt_sigprocmask", { EQ(0, SIG_BLOCK) },
	    "the supervisor's signals come by descriptor alone" },
	{ "setpgid", { EQ(0, 0), EQ(1, 0) },
	    "what it starts is of one group, which ends with it" },
	{ "signalfd4", { INT(0, -1), EQ(3, SFD_CLOEXEC | SFD_NONBLOCK) },
	    "the supervisor's signals come by descriptor alone" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, MESSAGES), EQ(2, 0) },
	    "its channels to spawner, resolver and dialer" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK), EQ(2, 0) },
	    "what its canary has in the place of the service" },
	{ "sysinfo", { {0} },
	    "the C library's qsort asks for memory, for libcrypto" },
	{ "wait4", { EQ(2, 0) }, "why did its spawner, resolver "
	    "or dialer not start?" },
};
static const struct policy_group parent_setup =
    GROUP("parent-setup", WHEN_ALWAYS, parent_setup_rows);

static const struct policy_row libressl_rows[] = {
	{ "mlock", { {0} }, "the heap with the key is never on a disk, where "
	    "libcrypto has none of its own for secrets (LibreSSL)" },
};
static const struct policy_group libressl =
    GROUP("reserve-libressl", WHEN_ALWAYS, libressl_rows);

/* A process that has a loop, and reads the board. */
static const struct policy_row looper_rows[] = {
	{ "epoll_create1", { EQ(0, EPOLL_CLOEXEC) }, "its one loop" },
	{ "mmap", { EQ(2, PROT_READ), EQ(3, MAP_SHARED) },
	    "the board, on which parents say how many clients they have" },
	{ "pipe2", { EQ(1, O_CLOEXEC | O_NONBLOCK) },
	    "libevent's way to hear of signals, of which none comes" },
};
static const struct policy_group looper =
    GROUP("looper", WHEN_ALWAYS, looper_rows);

/* secure_getenv of libcrypto: is it run for somebody else? */
static const struct policy_row ids_rows[] = {
	{ "getegid", { {0} }, "libcrypto trusts no environment of another's" },
	{ "geteuid", { {0} }, "libcrypto trusts no environment of another's" },
	{ "getgid", { {0} }, "libcrypto trusts no environment of another's" },
	{ "getuid", { {0} }, "libcrypto trusts no environment of another's" },
};
static const struct policy_group ids = GROUP("ids", WHEN_ALWAYS, ids_rows);

static const struct policy_row empty_root_rows[] = {
	{ "chroot", { {0} }, "its root directory is an empty one" },
	{ "fchdir", { {0} }, "it enters the directory that will be its root" },
	{ "fchmod", { EQ(1, 0555) },
	    "nothing but Landlock keeps it from opening its root, by which "
	    "that is tried" },
};
static const struct policy_group empty_root =
    GROUP("empty-root", WHEN_ALWAYS, empty_root_rows);

static const struct policy_row empty_root_old_rows[] = {
	{ "mkdir", { EQ(1, 0700) }, "an empty directory to be its root" },
	{ "rmdir", { {0} },
	    "its root directory is removed, so that it stays empty" },
};
static const struct policy_group empty_root_old =
    GROUP("empty-root-old", WHEN_OLD_CALLS, empty_root_old_rows);

static const struct policy_row empty_root_new_rows[] = {
	{ "mkdirat", { EQ(2, 0700) }, "an empty directory to be its root" },
	{ "unlinkat", { EQ(2, AT_REMOVEDIR) },
	    "its root directory is removed, so that it stays empty" },
};
static const struct policy_group empty_root_new =
    GROUP("empty-root-new", WHEN_NEW_CALLS, empty_root_new_rows);

/* A dialer's own, which may be a fork, and has read its libraries' files. */
static const struct policy_row dialer_setup_rows[] = {
	{ "fcntl", { EQ(1, F_GETFL) }, "can writing to the log block?" },
	{ "mmap", { EQ(0, POLICY_DIAL_ADDRESS), EQ(2, DATA),
	    EQ(3, OWN_MEMORY | MAP_FIXED_NOREPLACE) },
	    "the page that has the service's address" },
	{ "mprotect", { EQ(0, POLICY_DIAL_ADDRESS), EQ(2, PROT_READ) },
	    "nobody can alter the service's address any more" },
	{ "newfstatat", { EQ(3, 0) },
	    "is it a socket that has the service's name?" },
	{ "newfstatat", { EQ(3, AT_EMPTY_PATH) },
	    "what kind of thing is the log?" },
	{ "openat", { MASK(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY) },
	    "is its root out of reach by Landlock?" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "is it bound as it was to be?" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_FILTER), EQ(1, 0) },
	    "it confines itself" },
	{ "unshare", { EQ(0, CLONE_NEWUSER | CLONE_NEWNS) },
	    "a root of its own, in which the service's socket is all" },
};
static const struct policy_group dialer_setup =
    GROUP("dialer-setup", WHEN_ALWAYS, dialer_setup_rows);

/* Who has its own user in a user namespace, and so may have others in it. */
static const struct policy_row own_users_rows[] = {
	{ "openat", { EQ(2, O_WRONLY | O_CLOEXEC) },
	    "in its user namespace it has its own user" },
	{ "setfsuid", { EQ(0, 0) },
	    "its own maps of users are root's files, as nobody may trace it" },
	{ "write", { EQ(0, 4) }, "in its user namespace it has its own user" },
};
static const struct policy_group own_users =
    GROUP("own-users", WHEN_ALWAYS, own_users_rows);

/* -U: whoever else must have a user namespace to give rights up in. */
static const struct policy_row without_root_rows[] = {
	{ "unshare", { EQ(0, CLONE_NEWUSER) },
	    "without root, or to start who mounts, it takes a user namespace "
	    "to be apart (-U)" },
};
static const struct policy_group without_root =
    GROUP("without-root", WHEN_ALWAYS, without_root_rows);

static const struct policy_row ports_rows[] = {
	{ "landlock_add_rule", { EQ(1, 2), EQ(3, 0) },
	    "its domain leaves it the TCP ports that it has to connect to" },
};
static const struct policy_group ports =
    GROUP("ports", WHEN_ALWAYS, ports_rows);

static const struct policy_row resolver_setup_rows[] = {
	{ "uname", { {0} }, "c-ares looks for the host's own domain" },
};
static const struct policy_group resolver_setup =
    GROUP("resolver-setup", WHEN_ALWAYS, resolver_setup_rows);

/* A root that is empty, or has one socket in it, and is read-only. */
static const struct policy_row enclose_rows[] = {
	{ "chdir", { {0} }, "it enters the empty root that it will have" },
	{ "mount", { EQ(3, MS_REC | MS_PRIVATE) },
	    "what it mounts is seen by nobody outside" },
	{ "mount", { EQ(3, EMPTY_FLAGS) }, "an empty root" },
	{ "mount", { EQ(3, MS_REMOUNT | MS_BIND | MS_RDONLY | EMPTY_FLAGS) },
	    "nothing can be written into its root" },
	{ "pivot_root", { {0} }, "the system's files are out of reach" },
	{ "umount2", { EQ(1, MNT_DETACH) },
	    "the system's files are not even mounted any more" },
};
static const struct policy_group enclose =
    GROUP("enclose", WHEN_ALWAYS, enclose_rows);

static const struct policy_row enclose_old_rows[] = {
	{ "mkdir", { EQ(1, 0700) }, "can nothing be made in the empty root?" },
};
static const struct policy_group enclose_old =
    GROUP("enclose-old", WHEN_OLD_CALLS, enclose_old_rows);

static const struct policy_row enclose_new_rows[] = {
	{ "mkdirat", { EQ(2, 0700) },
	    "can nothing be made in the empty root?" },
};
static const struct policy_group enclose_new =
    GROUP("enclose-new", WHEN_NEW_CALLS, enclose_new_rows);

/* With a socket in it. */
static const struct policy_row take_in_rows[] = {
	{ "mount", { EQ(3, MS_BIND) },
	    "the service's local socket, alone in a root" },
};
static const struct policy_group take_in =
    GROUP("take-in", WHEN_ALWAYS, take_in_rows);

/* The spawner's: namespaces, and such a root. */
static const struct policy_row nest_rows[] = {
	{ "ioctl", { EQ(1, SIOCGIFFLAGS) },
	    "is no interface up in the workers' network?" },
	{ "ioctl", { EQ(1, SIOCGIFNAME) },
	    "is no interface up in the workers' network?" },
	{ "rt_sigprocmask", { EQ(0, SIG_SETMASK) },
	    "no worker's end is missed: its signal comes in a wait alone" },
	{ "sched_setscheduler", { EQ(0, 0), EQ(1, SCHED_BATCH) },
	    "a worker runs to the end of its turn" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, MESSAGES), EQ(2, 0) },
	    "its channel to init" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC),
	    EQ(2, 0) }, "a socket by which to ask of the workers' network" },
	{ "unshare", { EQ(0, MORE_NAMESPACES) },
	    "no network, no user, no process but the workers" },
};
static const struct policy_group nest = GROUP("nest", WHEN_ALWAYS, nest_rows);

/* Where a service manager has forbidden some (RestrictNamespaces=). */
static const struct policy_row fewer_rows[] = {
	{ "unshare", { EQ(0, CONFINE_NAMESPACES) },
	    "no network, no user, no process but the workers, where other "
	    "namespaces are a service manager's to make" },
};
static const struct policy_group fewer =
    GROUP("reserve-fewer", WHEN_ALWAYS, fewer_rows);

static const struct policy_row pool_nest_rows[] = {
	{ "mmap", { EQ(2, DATA), EQ(3, OWN_MEMORY | MAP_NORESERVE) },
	    "room for what the pool's clients cannot take yet" },
};
static const struct policy_group pool_nest =
    GROUP("pool-nest", WHEN_ALWAYS, pool_nest_rows);

/* What a new worker does between fork and its filter. */
static const struct policy_row fledge_rows[] = {
	{ "close_range", { EQ(0, 0), EQ(1, 2), EQ(2, 0) },
	    "a worker keeps neither /dev/null nor the log" },
	{ "prctl", { EQ(0, PR_SET_NAME) }, "ps(1) tells a worker from others" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "is it bound as it was to be?" },
	{ "prlimit64", { EQ(0, 0), EQ(3, 0) },
	    "a worker has no more files and memory than it needs" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_FILTER), EQ(1, 0) },
	    "a worker confines itself" },
};
static const struct policy_group fledge =
    GROUP("fledge", WHEN_ALWAYS, fledge_rows);

/* Init and relay workers keep two. */
static const struct policy_row fledge_one_rows[] = {
	{ "close_range", { EQ(0, 4), EQ(1, UINT32_MAX), EQ(2, 0) },
	    "a worker keeps nothing of its spawner's but its own end" },
};
static const struct policy_group fledge_one =
    GROUP("fledge-one", WHEN_ALWAYS, fledge_one_rows);

static const struct policy_row fledge_old_rows[] = {
	{ "dup2", { EQ(1, 3) }, "a worker's own end gets its number" },
};
static const struct policy_group fledge_old =
    GROUP("fledge-old", WHEN_OLD_CALLS, fledge_old_rows);

static const struct policy_row fledge_new_rows[] = {
	{ "dup3", { EQ(1, 3), EQ(2, 0) },
	    "a worker's own end gets its number" },
};
static const struct policy_group fledge_new =
    GROUP("fledge-new", WHEN_NEW_CALLS, fledge_new_rows);

static const struct policy_row fledge_pool_rows[] = {
	{ "epoll_create1", { EQ(0, EPOLL_CLOEXEC) },
	    "the set in which a pool worker waits for its clients" },
};
static const struct policy_group fledge_pool =
    GROUP("fledge-pool", WHEN_ALWAYS, fledge_pool_rows);

static const struct policy_row fledge_pool_old_rows[] = {
	{ "dup2", { EQ(1, 4) },
	    "the set of a pool worker's clients gets its number" },
};
static const struct policy_group fledge_pool_old =
    GROUP("fledge-pool-old", WHEN_OLD_CALLS, fledge_pool_old_rows);

static const struct policy_row fledge_pool_new_rows[] = {
	{ "dup3", { EQ(1, 4), EQ(2, 0) },
	    "the set of a pool worker's clients gets its number" },
};
static const struct policy_group fledge_pool_new =
    GROUP("fledge-pool-new", WHEN_NEW_CALLS, fledge_pool_new_rows);

/* The connection to the service, beside the one to the client. */
static const struct policy_row fledge_relay_rows[] = {
	{ "close_range", { EQ(0, 5), EQ(1, UINT32_MAX), EQ(2, 0) },
	    "a relay worker keeps nothing of its spawner's but its two ends" },
	{ "fcntl", { EQ(1, F_SETFL), EQ(2, O_RDWR | O_NONBLOCK) },
	    "a service that does not read must not hold the other way up" },
};
static const struct policy_group fledge_relay =
    GROUP("fledge-relay", WHEN_ALWAYS, fledge_relay_rows);

static const struct policy_row fledge_relay_old_rows[] = {
	{ "dup2", { EQ(1, 4) },
	    "the connection to the service gets its number" },
};
static const struct policy_group fledge_relay_old =
    GROUP("fledge-relay-old", WHEN_OLD_CALLS, fledge_relay_old_rows);

static const struct policy_row fledge_relay_new_rows[] = {
	{ "dup3", { EQ(1, 4), EQ(2, 0) },
	    "the connection to the service gets its number" },
};
static const struct policy_group fledge_relay_new =
    GROUP("fledge-relay-new", WHEN_NEW_CALLS, fledge_relay_new_rows);

/* ---- supervisor ---------------------------------------------------------- */

static const struct policy_row supervisor_rows[] = {
	{ "bind", { EQ(2, sizeof(struct sockaddr_in)) },
	    "a start or a reload names an address to listen at" },
	{ "bind", { EQ(2, sizeof(struct sockaddr_in6)) },
	    "a start or a reload names an address to listen at" },
	{ "clone", { EQ(0, CLONE_PIDFD | SIGCHLD) },
	    "a new parent or exporter, with a handle for signals to it" },
	{ "close", { {0} }, "files of a generation that is gone, a dead "
	    "parent's pipe, a listener that nobody uses" },
	{ "fallocate", { EQ(1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) },
	    "a parent that is gone has no client on the board any more" },
	{ "getegid", { {0} }, "is a key's group, which may read it, its own?" },
	{ "geteuid", { {0} }, "is a key that is not root's its own?" },
	{ "getpid", { {0} }, "its parents learn whose death is theirs" },
	{ "ioctl", { EQ(1, TCGETS) }, "the configuration's scanner asks "
	    "whether it reads a terminal" },
	{ "ioctl", { EQ(1, TIOCOUTQ) }, "has a parent taken its news?" },
	{ "listen", { EQ(1, SOMAXCONN) },
	    "a start or a reload names an address to listen at" },
	{ "memfd_create", { EQ(1, MFD_CLOEXEC) },
	    "what a parent starts with is handed over in a file" },
	{ "newfstatat", { EQ(3, 0) }, "has a file changed?" },
	{ "newfstatat", { EQ(3, AT_EMPTY_PATH) },
	    "how was a file when it was opened?" },
	{ "openat", { EQ(2, O_RDONLY | O_CLOEXEC | O_NONBLOCK) },
	    "the configuration, when it is to be read again" },
	{ "openat", { EQ(2, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) },
	    "a generation's certificate, key, CA and CRL" },
	{ "pidfd_send_signal", { EQ(1, SIGKILL), EQ(2, 0), EQ(3, 0) },
	    "a parent that is out of time ends, and its exporter before it" },
	{ "pidfd_send_signal", { EQ(1, SIGUSR1), EQ(2, 0), EQ(3, 0) },
	    "a parent takes no more clients" },
	{ "pidfd_send_signal", { EQ(1, SIGTERM), EQ(2, 0), EQ(3, 0) },
	    "a parent ends after its clients" },
	{ "pipe2", { EQ(1, O_CLOEXEC | O_NONBLOCK) },
	    "the way on which a parent tells of its progress" },
	{ "ppoll", { {0} }, "waits for a signal or a parent" },
	{ "pread64", { {0} }, "the configuration, when it is read again" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "are there descriptors and "
	    "locked memory for as much as a reload wants?" },
	{ "read", { {0} }, "has a parent got on?" },
	{ "rt_sigaction", { {0} },
	    "it acts upon its signals, a new parent on none" },
	{ "rt_sigprocmask", { EQ(0, SIG_SETMASK) },
	    "a signal comes while it waits, so that none is missed" },
	{ "rt_sigreturn", { {0} }, "it was told to reload or end, or a child "
	    "ended" },
	{ "sendmsg", { EQ(2, MSG_NOSIGNAL) }, "newer files, to a parent" },
	{ "sendto", { EQ(0, 3), EQ(3, MSG_DONTWAIT | MSG_NOSIGNAL), EQ(4, 0) },
	    "the service manager hears how the service is" },
	{ "setsockopt", { EQ(1, IPPROTO_IPV6), EQ(2, IPV6_V6ONLY) },
	    "[::] leaves 0.0.0.0 to others" },
	{ "setsockopt", { EQ(1, SOL_SOCKET), EQ(2, SO_REUSEADDR) },
	    "a restart binds at once" },
	{ "setsockopt", { EQ(1, SOL_SOCKET), EQ(2, SO_BINDTOIFINDEX) },
	    "a stop: nobody new comes, while who waits is still taken" },
	{ "shutdown", { EQ(1, SHUT_RD) }, "nothing is to come from a parent" },
	{ "socket", { EQ(0, AF_INET), EQ(1, LISTENING), EQ(2, 0) },
	    "a start or a reload names an address to listen at" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, LISTENING), EQ(2, 0) },
	    "a start or a reload names an address to listen at" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, MESSAGES | SOCK_NONBLOCK),
	    EQ(2, 0) }, "the way on which a parent hears of newer files" },
	{ "wait4", { INT(0, -1), EQ(2, 0) },
	    "its exporter is gone before it ends itself" },
	{ "wait4", { INT(0, -1), EQ(2, WNOHANG) }, "how did a child end?" },
	{ "write", { {0} }, "a parent's handoff, its log lines, and whoever "
	    "waits for its start" },
};
static const struct policy_group supervisor =
    GROUP("supervisor", WHEN_ALWAYS, supervisor_rows);

static const struct policy_row supervisor_old_rows[] = {
	{ "readlink", { {0} }, "the configuration's name, without links" },
	{ "unlink", { {0} }, "its pid file, when it ends" },
};
static const struct policy_group supervisor_old =
    GROUP("supervisor-old", WHEN_OLD_CALLS, supervisor_old_rows);

static const struct policy_row supervisor_new_rows[] = {
	{ "readlinkat", { {0} }, "the configuration's name, without links" },
	{ "unlinkat", { EQ(2, 0) }, "its pid file, when it ends" },
};
static const struct policy_group supervisor_new =
    GROUP("supervisor-new", WHEN_NEW_CALLS, supervisor_new_rows);

/* For the journal or syslogd; write(2) it has for more. */
static const struct policy_row supervisor_log_rows[] = {
	{ "sendto", { EQ(0, 2), EQ(3, MSG_DONTWAIT | MSG_NOSIGNAL), EQ(4, 0) },
	    "its log lines, to the journal or syslogd" },
};
static const struct policy_group supervisor_log =
    GROUP("supervisor-log", WHEN_ALWAYS, supervisor_log_rows);

/* ---- client -------------------------------------------------------------- */

static const struct policy_row client_rows[] = {
	{ "ppoll", { {0} }, "waits for the server, its input or its output" },
	{ "read", { EQ(0, 0) }, "what the user has for the server" },
	{ "recvfrom", { EQ(0, 3), EQ(3, 0), EQ(4, 0) },
	    "what the server has sent" },
	{ "rt_sigprocmask", { EQ(0, SIG_BLOCK) },
	    "ping holds SIGINT back until it waits, so that none is missed" },
	{ "rt_sigprocmask", { EQ(0, SIG_UNBLOCK) },
	    "ping can be ended while it writes or parts" },
	{ "rt_sigreturn", { {0} }, "ping was interrupted, and sums up" },
	{ "sendto", { EQ(0, 3), EQ(3, MSG_NOSIGNAL), EQ(4, 0) },
	    "what the user has, to the server" },
	{ "write", { EQ(0, 1) }, "what the server has sent, to the user" },
	{ "write", { EQ(0, 2) }, "what went wrong, or with -v right" },
};
static const struct policy_group client =
    GROUP("client", WHEN_ALWAYS, client_rows);

/* ---- posternd --explain -------------------------------------------------- */

static const struct policy_row explain_rows[] = {
	{ "ppoll", { EQ(1, 1) }, "waits for the resolver" },
	{ "recvmsg", { EQ(0, 6), EQ(2, MSG_CMSG_CLOEXEC) },
	    "the resolver's answer" },
	{ "sendmsg", { EQ(0, 6), EQ(2, MSG_NOSIGNAL) },
	    "its question to the resolver" },
	{ "write", { EQ(0, 1) }, "what it found" },
	{ "write", { EQ(0, 2) }, "what cannot be read" },
};
static const struct policy_group explain =
    GROUP("explain", WHEN_ALWAYS, explain_rows);

/* ---- posternd --status --------------------------------------------------- */

static const struct policy_row status_rows[] = {
	{ "ppoll", { EQ(1, 1) }, "waits for the exporter" },
	{ "recvfrom", { EQ(0, 3), EQ(3, 0), EQ(4, 0) },
	    "the exporter's answer" },
	{ "write", { EQ(0, 1) }, "what it says, for people" },
	{ "write", { EQ(0, 2) }, "why it has nothing to tell" },
};
static const struct policy_group status =
    GROUP("status", WHEN_ALWAYS, status_rows);

/* ---- postern-certgen, looking at what somebody else wrote ---------------- */

static const struct policy_row looker_rows[] = {
	{ "sysinfo", { {0} },
	    "the C library's qsort asks for memory, for libcrypto" },
	{ "write", { EQ(0, 1) }, "what was seen or made" },
	{ "write", { EQ(0, 2) }, "what is wrong" },
};
static const struct policy_group looker =
    GROUP("looker", WHEN_ALWAYS, looker_rows);

/* ---- the processes ------------------------------------------------------- */

#define OWN_GROUPS	20
#define SETUP_GROUPS	24

/*
 * `under`: whose filter it has when it starts; POLICY_COUNT: nobody's.  `setup`
 * is what it then does until it has its own, in which are the groups `own`.
 */
static const struct declaration {
	const char			*process, *title;
	enum policy_id			 under;
	const struct policy_group	*own[OWN_GROUPS];
	const struct policy_group	*setup[SETUP_GROUPS];
} declared[POLICY_COUNT] = {
	[POLICY_SUPERVISOR] = { "supervisor", "posternd: supervisor",
	    POLICY_COUNT,
	    { &supervisor, &supervisor_old, &supervisor_new, &supervisor_log,
	    &ending, &clocks, &dates, &resumed, &more_heap, &no_heap,
	    &sanitizer, &sanitizer_old }, { NULL } },
	[POLICY_PARENT] = { "parent", "posternd: parent", POLICY_SUPERVISOR,
	    { &parent, &parent_old, &parent_new, &parent_fstat, &memory,
	    &randomness, &seeds, &ending, &clocks, &old_clocks, &dates,
	    &resumed, &late, &no_heap, &pressure, &sanitizer, &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &parent_setup, &libressl, &looper, &ids,
	    &empty_root, &empty_root_old, &empty_root_new, &without_root,
	    &give_up, &settle, &landlock, &filter } },
	[POLICY_RESOLVER] = { "resolver", "posternd: resolver",
	    POLICY_SUPERVISOR,
	    { &resolver, &last_words, &by_itself, &clocks, &old_clocks, &dates,
	    &resumed, &more_heap, &no_heap, &pressure, &sanitizer,
	    &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &ports, &resolver_setup, &without_root, &give_up,
	    &settle,
	    &landlock, &filter } },
	[POLICY_DIALER] = { "dialer", "posternd: dialer", POLICY_DIAL_SPAWNER,
	    { &dialer, &last_words, &clocks, &resumed, &sanitizer,
	    &sanitizer_old },
	    { &dialer_setup, &enclose, &enclose_old, &enclose_new,
	    &take_in, &files_reserve, &ports, &settle, &landlock } },
	[POLICY_DIAL_SPAWNER] = { "dial-spawner", "posternd: dial-spawner",
	    POLICY_SUPERVISOR,
	    { &dial_spawner, &last_words, &clocks, &resumed, &sanitizer,
	    &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &empty_root, &empty_root_old, &empty_root_new,
	    &own_users, &without_root, &give_up, &settle, &filter } },
	[POLICY_EXPORTER] = { "exporter", "posternd: exporter",
	    POLICY_SUPERVISOR,
	    { &exporter, &exporter_old, &exporter_new, &last_words,
	    &last_words_wait, &by_itself, &clocks, &old_clocks, &resumed,
	    &more_heap, &no_heap,
	    &pressure, &sanitizer, &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &looper, &empty_root, &empty_root_old,
	    &empty_root_new, &without_root, &give_up, &settle, &landlock,
	    &filter } },
	[POLICY_SPAWNER] = { "spawner", "postern-worker: spawner",
	    POLICY_SUPERVISOR,
	    { &spawner, &echoes, &parting, &logging, &ending, &clocks,
	    &resumed, &sanitizer, &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &nest, &fewer, &enclose, &enclose_old, &enclose_new,
	    &give_up, &settle,
	    &landlock, &filter } },
	[POLICY_POOL_SPAWNER] = { "pool-spawner",
	    "postern-worker: pool-spawner", POLICY_SUPERVISOR,
	    { &spawner, &pooling, &logging, &ending, &clocks, &resumed,
	    &sanitizer, &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &nest, &fewer, &enclose, &enclose_old, &enclose_new,
	    &pool_nest,
	    &give_up, &settle, &landlock, &filter } },
	[POLICY_RELAY_SPAWNER] = { "relay-spawner",
	    "postern-worker: relay-spawner", POLICY_SUPERVISOR,
	    { &spawner, &relaying, &parting, &logging, &ending, &clocks,
	    &resumed, &sanitizer, &sanitizer_old },
	    { &exec, &exec_old, &exec_new, &program, &program_old,
	    &program_new, &loader, &loader_old, &loader_new, &files,
	    &files_reserve, &nest, &fewer, &enclose, &enclose_old, &enclose_new,
	    &give_up, &settle,
	    &landlock, &filter } },
	[POLICY_INIT] = { "init", "postern-worker: init", POLICY_SUPERVISOR,
	    { &init, &by_itself, &sanitizer, &sanitizer_old },
	    { &fledge, &fledge_old, &fledge_new, &files, &files_reserve,
	    &give_up, &settle, &landlock, &filter } },
	[POLICY_ECHO] = { "echo", "postern-worker: echo", POLICY_SPAWNER,
	    { &echo, &sanitizer, &sanitizer_old },
	    { &fledge, &fledge_one, &fledge_old, &fledge_new } },
	[POLICY_POOL] = { "pool", "postern-worker: pool", POLICY_POOL_SPAWNER,
	    { &pool, &pool_old, &pool_new, &by_itself, &sanitizer,
	    &sanitizer_old },
	    { &fledge, &fledge_one, &fledge_old, &fledge_new, &fledge_pool,
	    &fledge_pool_old, &fledge_pool_new } },
	[POLICY_RELAY] = { "relay", "postern-worker: relay",
	    POLICY_RELAY_SPAWNER,
	    { &relay, &sanitizer, &sanitizer_old },
	    { &fledge, &fledge_old, &fledge_new, &fledge_relay,
	    &fledge_relay_old, &fledge_relay_new } },
	[POLICY_CLIENT] = { "client", NULL, POLICY_COUNT,
	    { &client, &memory, &blocks, &randomness, &once, &ending, &clocks,
	    &old_clocks, &dates, &resumed, &reserve_seeds, &resized, &pressure,
	    &sanitizer, &sanitizer_old }, { NULL } },
	[POLICY_LOOKER] = { "looker", NULL, POLICY_COUNT,
	    { &looker, &memory, &randomness, &seeds, &once, &ending, &clocks,
	    &old_clocks, &dates, &no_heap, &resized, &pressure, &sanitizer,
	    &sanitizer_old }, { NULL } },
	[POLICY_EXPLAIN] = { "explain", NULL, POLICY_COUNT,
	    { &explain, &memory, &blocks, &once, &ending, &clocks, &old_clocks,
	    &dates, &resumed, &reserve_random, &reserve_seeds, &resized,
	    &pressure, &sanitizer, &sanitizer_old }, { NULL } },
	[POLICY_STATUS] = { "status", NULL, POLICY_COUNT,
	    { &status, &ending, &clocks, &dates, &resumed, &more_heap,
	    &no_heap, &resized, &pressure, &sanitizer, &sanitizer_old },
	    { NULL } },
};

/* ---- tables out of declarations ------------------------------------------ */

static struct policy	tables[POLICY_COUNT];

static void
add_group(struct policy *p, const struct policy_group *g)
{
	size_t n = 0;

	while (p->groups[n] != NULL) {
		if (p->groups[n++] == g)
			return;
	}
	/* No room: the last place stays empty, and a test asks for that. */
	if (n < POLICY_GROUPS - 1)
		p->groups[n] = g;
}

/* Does `id` have the filter of `beneath` on it, besides its own? */
static bool
is_under(enum policy_id id, enum policy_id beneath)
{
	while (id != POLICY_COUNT && declared[id].under != beneath)
		id = declared[id].under;
	return id != POLICY_COUNT;
}

static void
build(enum policy_id id)
{
	struct policy *p = &tables[id];

	p->process = declared[id].process;
	p->title = declared[id].title;
	for (size_t i = 0; declared[id].own[i] != NULL; i++, p->own++)
		add_group(p, declared[id].own[i]);
	for (enum policy_id other = 0; other < POLICY_COUNT; other++) {
		if (!is_under(other, id))
			continue;
		for (size_t i = 0; declared[other].setup[i] != NULL; i++)
			add_group(p, declared[other].setup[i]);
		for (size_t i = 0; declared[other].own[i] != NULL; i++)
			add_group(p, declared[other].own[i]);
	}
}

const struct policy *
policy_get(enum policy_id id)
{
	if (tables[id].process == NULL)
		build(id);
	return &tables[id];
}

size_t
policy_stack(enum policy_id id, enum policy_id stack[POLICY_DEPTH])
{
	size_t n = 0;

	if (declared[id].under != POLICY_COUNT)
		n = policy_stack(declared[id].under, stack);
	stack[n] = id;
	return n + 1;
}

const struct policy_group *const *
policy_setup(enum policy_id id)
{
	return declared[id].setup;
}

/* "" or " 12" */
static bool
is_number_behind(const char *s)
{
	if (*s == '\0')
		return true;
	if (*s++ != ' ' || *s == '\0')
		return false;
	while (isdigit((unsigned char)*s))
		s++;
	return *s == '\0';
}

bool
policy_of_title(const char *title, enum policy_id *id)
{
	for (enum policy_id i = 0; i < POLICY_COUNT; i++) {
		size_t n = declared[i].title == NULL ? 0 :
		    strlen(declared[i].title);

		if (n == 0 || strncmp(title, declared[i].title, n) != 0 ||
		    !is_number_behind(title + n))
			continue;
		*id = i;
		return true;
	}
	return false;
}

/* ---- machine and build --------------------------------------------------- */

#ifdef POSTERN_SANITIZED
#define SANITIZED	WHEN_SANITIZED
#else
#define SANITIZED	0U
#endif

#ifdef __x86_64__
#define OLD_CALLS	true
#else
#define OLD_CALLS	false
#endif

bool
policy_group_used_on(const struct policy_group *g, bool old_calls)
{
	unsigned int has = SANITIZED |
	    (unsigned int)(old_calls ? WHEN_OLD_CALLS : WHEN_NEW_CALLS);

	return (g->when & ~has) == 0;
}

bool
policy_group_reserve(const struct policy_group *g)
{
	return strncmp(g->name, "reserve-", 8) == 0;
}

bool
policy_group_used(const struct policy_group *g)
{
	return policy_group_used_on(g, OLD_CALLS);
}

/* ---- the supervisor's capabilities --------------------------------------- */

static const struct policy_capability capabilities[] = {
	{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH,
	    "opens key and certificate wherever they lie" },
	{ "CAP_KILL", CAP_KILL,
	    "signals its parents, which have another user" },
	{ "CAP_SETGID", CAP_SETGID, "its children give root's group up" },
	{ "CAP_SETUID", CAP_SETUID, "its children give root up" },
	{ "CAP_SETPCAP", CAP_SETPCAP, "its children empty their bounding set" },
	{ "CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE,
	    "a reload may name a port below 1024" },
	{ "CAP_SYS_CHROOT", CAP_SYS_CHROOT,
	    "its parents enter an empty root directory" },
};

const struct policy_capability *
policy_capabilities(size_t *count)
{
	*count = sizeof capabilities / sizeof capabilities[0];
	return capabilities;
}

uint64_t
policy_capability_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0];
	    i++)
		mask |= UINT64_C(1) << capabilities[i].number;
	return mask;
}
