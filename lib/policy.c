/*
 * All tables: what each process may ask of the kernel, and why it needs to.
 *
 * A filter is inherited.  So the supervisor's table is its own rows plus all
 * groups of what it starts, and a row allowed to a process counts only if all
 * the filters beneath it allow it too.
 */
#include "policy.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mount.h>

#include "confine.h"

#define EQ(a, v)	{ .arg = (a), .op = LIMIT_EQ, .value = (uint64_t)(v) }
#define MASK(a, m, v)	{ .arg = (a), .op = LIMIT_MASK, \
	.mask = (uint64_t)(m), .value = (uint64_t)(v) }

/* The supervisor's sockets, and no datagrams. */
#define LISTENING (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
/* The resolver's, besides their type. */
#define ASKING (SOCK_CLOEXEC | SOCK_NONBLOCK)

#define GROUP(n, w, r) { .name = (n), .when = (w), .rows = (r), \
	.count = sizeof(r) / sizeof((r)[0]) }

/* ---- rows that several processes share ------------------------------------ */

static const struct policy_row memory_rows[] = {
	{ "brk", { {0} }, "malloc grows and shrinks its heap" },
	{ "madvise", { {0} }, "malloc gives freed memory back" },
	{ "mmap", { MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0) },
	    "malloc takes large blocks: private, never executable" },
	{ "munmap", { {0} }, "malloc gives large blocks back" },
};
static const struct policy_group memory =
    GROUP("memory", WHEN_ALWAYS, memory_rows);

/* Not seen in an ordinary run; another kernel, clock or moment needs them. */
static const struct policy_row reserve_rows[] = {
	{ "clock_gettime", { {0} }, "where the vDSO has no clock" },
	{ "futex", { {0} }, "libcrypto's locks, if ever contended" },
	{ "getpid", { {0} }, "libcrypto's random generator notices forks" },
	{ "getrandom", { {0} }, "libcrypto's random generator reseeds itself" },
	{ "gettimeofday", { {0} }, "where the vDSO has no clock" },
	{ "restart_syscall", { {0} }, "a timed wait resumed after SIGCONT" },
	{ "rt_sigreturn", { {0} }, "return from a signal's handler" },
	{ "time", { {0} }, "where the vDSO has no clock" },
};
static const struct policy_group reserve =
    GROUP("reserve", WHEN_ALWAYS, reserve_rows);

static const struct policy_row log_rows[] = {
	{ "ppoll", { EQ(1, 1) }, "asks whether a blocking log sink would block" },
	{ "sendto", { EQ(0, 2), EQ(4, 0) }, "logs to the journal or syslogd" },
	{ "write", { EQ(0, 2) }, "logs to a terminal, pipe or file" },
};
static const struct policy_group logging =
    GROUP("log", WHEN_ALWAYS, log_rows);

static const struct policy_row exit_rows[] = {
	{ "exit_group", { {0} }, "ends" },
};
static const struct policy_group ending =
    GROUP("exit", WHEN_ALWAYS, exit_rows);

/* What AddressSanitizer's and UBSan's run time ask for by themselves. */
static const struct policy_row sanitizer_rows[] = {
	{ "clock_gettime", { {0} }, "sanitizer: report" },
	{ "close", { {0} }, "sanitizer: reads its own mappings" },
	{ "exit_group", { {0} }, "sanitizer: ends after a report" },
	{ "fstat", { {0} }, "sanitizer: symbolizes" },
	{ "futex", { {0} }, "sanitizer: its locks" },
	{ "getpid", { {0} }, "sanitizer: report" },
	{ "getrlimit", { {0} }, "sanitizer: size of the stack" },
	{ "gettid", { {0} }, "sanitizer: report" },
	{ "madvise", { {0} }, "sanitizer: shadow memory" },
	{ "mmap", { MASK(2, PROT_EXEC, 0), MASK(3, MAP_SHARED, 0) },
	    "sanitizer: shadow memory" },
	{ "mprotect", { MASK(2, PROT_EXEC, 0) }, "sanitizer: shadow memory" },
	{ "munmap", { {0} }, "sanitizer: shadow memory" },
	{ "newfstatat", { {0} }, "sanitizer: symbolizes" },
	{ "open", { MASK(1, O_ACCMODE, O_RDONLY) },
	    "sanitizer: reads its own mappings" },
	{ "openat", { MASK(2, O_ACCMODE, O_RDONLY) },
	    "sanitizer: reads its own mappings" },
	{ "prlimit64", { EQ(0, 0), EQ(2, 0) }, "sanitizer: size of the stack" },
	{ "readlink", { {0} }, "sanitizer: name of its program" },
	{ "readlinkat", { {0} }, "sanitizer: name of its program" },
	{ "rt_sigaction", { {0} }, "sanitizer: its handlers" },
	{ "rt_sigprocmask", { {0} }, "sanitizer: its handlers" },
	{ "sched_yield", { {0} }, "sanitizer: its locks" },
	{ "sigaltstack", { {0} }, "sanitizer: its stack for reports" },
	{ "write", { EQ(0, 2) }, "sanitizer: report" },
};
static const struct policy_group sanitizer =
    GROUP("sanitizer", WHEN_SANITIZED, sanitizer_rows);

/* ---- echo worker ------------------------------------------------------------ */

static const struct policy_row echo_rows[] = {
	{ "exit_group", { {0} }, "ends when its client has" },
	{ "read", { EQ(0, 3) }, "takes the client's bytes" },
	{ "write", { EQ(0, 3) }, "gives them back" },
};
static const struct policy_group echo = GROUP("echo", WHEN_ALWAYS, echo_rows);

/* ---- pool worker ------------------------------------------------------------ */

static const struct policy_row pool_rows[] = {
	{ "close", { {0} }, "a connection has ended" },
	{ "epoll_ctl", { EQ(0, 4) }, "takes a connection into its set" },
	{ "epoll_pwait", { EQ(0, 4) }, "waits for any of its connections" },
	{ "epoll_wait", { EQ(0, 4) }, "waits for any of its connections" },
	{ "exit_group", { {0} }, "ends with its spawner" },
	{ "read", { {0} }, "takes a client's bytes" },
	{ "recvmsg", { EQ(0, 3) }, "is handed a connection by the spawner" },
	{ "write", { {0} }, "gives them back" },
};
static const struct policy_group pool = GROUP("pool", WHEN_ALWAYS, pool_rows);

/* ---- init of the workers' pid namespace -------------------------------------- */

static const struct policy_row init_rows[] = {
	{ "exit_group", { {0} }, "ends, and all workers with it" },
	{ "read", { EQ(0, 3) }, "notices that the parent is gone" },
};
static const struct policy_group init = GROUP("init", WHEN_ALWAYS, init_rows);

/* ---- spawner ------------------------------------------------------------------ */

static const struct policy_row spawner_rows[] = {
	{ "clone", { EQ(0, SIGCHLD) }, "forks a worker: no thread, no namespace" },
	{ "close", { {0} }, "lets go of a pair's ends once handed over" },
	{ "ppoll", { {0} }, "waits for the parent, or for a child to end" },
	{ "recvmsg", { EQ(0, 3) }, "hears how many workers are wanted" },
	{ "rt_sigreturn", { {0} }, "returns from SIGCHLD's handler" },
	{ "sendmsg", { {0} }, "hands over a worker's other end" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK) }, "makes the way to a pool worker" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC) },
	    "makes the only way into a worker" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK) }, "makes a connection of a pool worker" },
	{ "wait4", { {0} }, "learns how a worker ended" },
};
static const struct policy_group spawner =
    GROUP("spawner", WHEN_ALWAYS, spawner_rows);

/* What a new worker does between fork and its own filter. */
static const struct policy_row fledge_rows[] = {
	{ "close_range", { {0} }, "a worker closes all but its own descriptor" },
	{ "dup2", { {0} }, "a worker puts its descriptor at 3" },
	{ "dup3", { {0} }, "a worker puts its descriptor at 3" },
	{ "epoll_create1", { EQ(0, EPOLL_CLOEXEC) },
	    "a pool worker makes its set" },
	{ "prctl", { EQ(0, PR_SET_NAME) }, "a worker takes its name" },
	{ "prlimit64", { EQ(0, 0) }, "a worker may open nothing more" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_FILTER), EQ(1, 0) },
	    "a worker confines itself" },
	{ "setrlimit", { {0} }, "a worker may open nothing more" },
};
static const struct policy_group fledge =
    GROUP("fledge", WHEN_ALWAYS, fledge_rows);

/* ---- parent -------------------------------------------------------------------- */

static const struct policy_row parent_rows[] = {
	{ "accept4", { EQ(3, SOCK_NONBLOCK | SOCK_CLOEXEC) },
	    "takes a client from a listening socket" },
	{ "close", { {0} }, "ends a connection" },
	{ "dup3", { EQ(1, 9), EQ(2, O_CLOEXEC) },
	    "puts a newer CA file where the old one lay" },
	{ "dup3", { EQ(1, 10), EQ(2, O_CLOEXEC) },
	    "puts a newer CRL where the old one lay" },
	{ "epoll_ctl", { {0} }, "libevent's set of descriptors" },
	{ "epoll_pwait", { {0} }, "waits for anything to do" },
	{ "epoll_wait", { {0} }, "waits for anything to do" },
	{ "fstat", { EQ(0, 9) }, "how long is the newer CA file?" },
	{ "fstat", { EQ(0, 10) }, "how long is the newer CRL?" },
	{ "newfstatat", { EQ(0, 9), EQ(3, AT_EMPTY_PATH) },
	    "how long is the newer CA file?" },
	{ "newfstatat", { EQ(0, 10), EQ(3, AT_EMPTY_PATH) },
	    "how long is the newer CRL?" },
	{ "pread64", { EQ(0, 9) }, "reads the newer CA file" },
	{ "pread64", { EQ(0, 10) }, "reads the newer CRL" },
	{ "read", { EQ(0, 7) }, "takes a signal from its signalfd" },
	{ "recvfrom", { {0} }, "takes what a client or worker has sent" },
	{ "recvmsg", { EQ(0, 3) }, "is handed a worker by the spawner" },
	{ "recvmsg", { EQ(0, 6) }, "hears the resolver's answer" },
	{ "recvmsg", { EQ(0, 11) }, "is handed newer files by the supervisor" },
	{ "sendmsg", { EQ(0, 3) }, "asks the spawner for workers" },
	{ "sendmsg", { EQ(0, 6) }, "asks the resolver" },
	{ "sendto", { EQ(4, 0) }, "sends to a client or worker, and nobody else" },
	{ "setsockopt", { EQ(1, IPPROTO_TCP), EQ(2, TCP_NODELAY) },
	    "TCP_NODELAY on a client" },
	{ "shutdown", { EQ(1, SHUT_WR) }, "tells a worker or client that the end is near" },
	{ "write", { EQ(0, 4) }, "tells the supervisor of progress" },
};
static const struct policy_group parent =
    GROUP("parent", WHEN_ALWAYS, parent_rows);

/* ---- resolver ------------------------------------------------------------------ */

static const struct policy_row resolver_rows[] = {
	{ "close", { {0} }, "a question to a DNS server is answered" },
	{ "connect", { EQ(2, sizeof(struct sockaddr_in)) },
	    "names the DNS server that a socket is for" },
	{ "connect", { EQ(2, sizeof(struct sockaddr_in6)) },
	    "names the DNS server that a socket is for" },
	{ "ppoll", { {0} }, "waits for its parent, or for DNS" },
	{ "recvfrom", { EQ(3, 0) }, "takes a DNS server's answer" },
	{ "recvmsg", { EQ(0, 3) }, "hears whose names are wanted" },
	{ "sendmsg", { EQ(0, 3), EQ(2, MSG_NOSIGNAL) }, "answers its parent" },
	{ "sendto", { EQ(3, MSG_NOSIGNAL), EQ(4, 0), EQ(5, 0) },
	    "asks the DNS server that the socket is for" },
	{ "socket", { EQ(0, AF_INET), EQ(1, SOCK_DGRAM | ASKING), EQ(2, 0) },
	    "a question to a DNS server, from a port of its own" },
	{ "socket", { EQ(0, AF_INET), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "one whose answer was too long for a datagram" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, SOCK_DGRAM | ASKING), EQ(2, 0) },
	    "a question to a DNS server, from a port of its own" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, SOCK_STREAM | ASKING), EQ(2, 0) },
	    "one whose answer was too long for a datagram" },
};
static const struct policy_group resolver =
    GROUP("resolver", WHEN_ALWAYS, resolver_rows);

/* ---- exporter ------------------------------------------------------------------ */

static const struct policy_row exporter_rows[] = {
	{ "accept4", { EQ(3, SOCK_NONBLOCK | SOCK_CLOEXEC) },
	    "takes one who asks for metrics or status" },
	{ "close", { {0} }, "has told one who asked" },
	{ "epoll_ctl", { EQ(0, 3) }, "libevent's set of descriptors" },
	{ "epoll_pwait", { EQ(0, 3) }, "waits for somebody to ask" },
	{ "epoll_wait", { EQ(0, 3) }, "waits for somebody to ask" },
	{ "ioctl", { EQ(1, FIONREAD) }, "libevent asks how long a request is" },
	{ "readv", { {0} }, "takes a request" },
	{ "shutdown", { EQ(1, SHUT_WR) }, "libevent ends an answer" },
	{ "writev", { {0} }, "answers" },
};
static const struct policy_group exporter =
    GROUP("exporter", WHEN_ALWAYS, exporter_rows);

/* ---- set-up: what is done between fork and a process's own filter ----------- */

/*
 * The beginning of a dynamically linked program.  Code must be mapped here, so
 * this is where PROT_EXEC is; each process's own filter then takes it away.
 */
static const struct policy_row program_rows[] = {
	{ "access", { {0} }, "the loader looks for a preload list" },
	{ "arch_prctl", { {0} }, "the C library sets up thread-local storage" },
	{ "brk", { {0} }, "malloc's heap" },
	{ "close", { {0} }, "the loader is done with a library's file" },
	{ "execveat", { EQ(4, AT_EMPTY_PATH) }, "a program is executed, by the "
	    "descriptor held since the start and never by name" },
	{ "faccessat", { {0} }, "the loader looks for a preload list" },
	{ "fcntl", { EQ(1, F_DUPFD) }, "descriptors are put in their places" },
	{ "fcntl", { EQ(1, F_GETFL) }, "does the log's sink block?" },
	{ "fcntl", { EQ(1, F_SETFL), EQ(2, O_NONBLOCK) },
	    "the spawner's channel must not block the parent" },
	{ "fstat", { {0} }, "the loader looks at a library" },
	{ "futex", { {0} }, "libcrypto's once-only set-up" },
	{ "getdents64", { {0} }, "which descriptors was it started with?" },
	{ "getegid", { {0} }, "the C library compares real and effective ids" },
	{ "geteuid", { {0} }, "the C library compares real and effective ids" },
	{ "getgid", { {0} }, "the C library compares real and effective ids" },
	{ "getrandom", { {0} }, "malloc's and libcrypto's seed" },
	{ "getuid", { {0} }, "the C library compares real and effective ids" },
	{ "lseek", { {0} }, "the C library has read past a time zone" },
	{ "mmap", { {0} }, "the loader maps a library" },
	{ "mprotect", { {0} }, "the loader makes relocated data read-only" },
	{ "munmap", { {0} }, "the loader is done with its cache" },
	{ "newfstatat", { {0} }, "the loader looks at a library" },
	{ "openat", { MASK(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY) },
	    "the loader opens a library" },
	{ "pread64", { {0} }, "a file of the configuration is read" },
	{ "prlimit64", { EQ(0, 0) }, "limits are set" },
	{ "read", { {0} }, "the loader reads a library's head" },
	{ "readlink", { {0} }, "the C library resolves a link" },
	{ "readlinkat", { {0} }, "the C library resolves a link" },
	{ "rseq", { {0} }, "the C library's thread set-up" },
	{ "rt_sigaction", { {0} }, "signals are given their handlers" },
	{ "rt_sigprocmask", { {0} }, "signals are blocked but while waiting" },
	{ "set_robust_list", { {0} }, "the C library's thread set-up" },
	{ "set_tid_address", { {0} }, "the C library's thread set-up" },
	{ "setrlimit", { {0} }, "limits are set" },
	{ "sysinfo", { {0} }, "the C library's qsort asks for memory" },
	{ "uname", { {0} }, "c-ares asks for the host's own domain" },
};
static const struct policy_group program =
    GROUP("program", WHEN_ALWAYS, program_rows);

static const struct policy_row give_up_rows[] = {
	{ "capget", { {0} }, "is what was given up gone?" },
	{ "capset", { {0} }, "capabilities are given up" },
	{ "chdir", { {0} }, "into the empty root" },
	{ "chroot", { {0} }, "a parent enters an empty root" },
	{ "close_range", { {0} }, "inherited descriptors are closed" },
	{ "epoll_create1", { EQ(0, EPOLL_CLOEXEC) }, "libevent's set" },
	{ "fchdir", { {0} }, "into the empty root" },
	{ "fcntl", { EQ(1, F_GETOWN_EX) }, "does what it starts end with it?" },
	{ "fcntl", { EQ(1, F_GETSIG) }, "does what it starts end with it?" },
	{ "fcntl", { EQ(1, F_SETFL), EQ(2, O_ASYNC) },
	    "what a parent starts is killed when a pipe of its is closed" },
	{ "fcntl", { EQ(1, F_SETOWN_EX) },
	    "what a parent starts is killed when a pipe of its is closed" },
	{ "fcntl", { EQ(1, F_SETSIG), EQ(2, SIGKILL) },
	    "what a parent starts is killed when a pipe of its is closed" },
	{ "ftruncate", { {0} }, "the key's memory gets its size" },
	{ "getgroups", { EQ(0, 0) }, "are supplementary groups gone?" },
	{ "getppid", { {0} }, "is the process that started us still there?" },
	{ "getresgid", { {0} }, "is root's group given up for good?" },
	{ "getresuid", { {0} }, "is root given up for good?" },
	{ "ioctl", { EQ(1, SIOCGIFFLAGS) },
	    "is no interface up in the workers' network?" },
	{ "ioctl", { EQ(1, SIOCGIFNAME) },
	    "is no interface up in the workers' network?" },
	{ "landlock_add_rule", { EQ(1, 2) },
	    "the resolver's domain leaves it the DNS servers' TCP ports" },
	{ "landlock_create_ruleset", { {0} }, "a Landlock domain is made" },
	{ "landlock_restrict_self", { {0} }, "a Landlock domain is entered" },
	{ "memfd_create", { {0} }, "libseccomp hands a filter over" },
	{ "memfd_secret", { EQ(0, 0) },
	    "the key's memory, which not even the kernel reads" },
	{ "mkdir", { EQ(1, 0700) }, "an empty root is made, and tried" },
	{ "mkdirat", { EQ(2, 0700) }, "an empty root is made, and tried" },
	{ "mlock", { {0} }, "the key's memory is never on a disk" },
	{ "mlock2", { {0} }, "the key's memory is never on a disk" },
	{ "mount", { {0} }, "the workers' empty root is mounted" },
	{ "pipe2", { {0} }, "the workers' life line is made" },
	{ "pivot_root", { {0} }, "the workers' old root is left" },
	{ "prctl", { EQ(0, PR_CAP_AMBIENT) }, "ambient capabilities go" },
	{ "prctl", { EQ(0, PR_CAPBSET_DROP) }, "the bounding set is emptied" },
	{ "prctl", { EQ(0, PR_CAPBSET_READ) }, "is the bounding set empty?" },
	{ "prctl", { EQ(0, PR_GET_DUMPABLE) }, "is it not dumpable?" },
	{ "prctl", { EQ(0, PR_GET_MDWE) }, "can no memory become executable?" },
	{ "prctl", { EQ(0, PR_GET_NO_NEW_PRIVS) }, "does no exec give more?" },
	{ "prctl", { EQ(0, PR_GET_PDEATHSIG) }, "does it end with its parent?" },
	{ "prctl", { EQ(0, PR_SET_DUMPABLE), EQ(1, 0) },
	    "no core file, no tracing" },
	{ "prctl", { EQ(0, PR_SET_MDWE), EQ(1, PR_MDWE_REFUSE_EXEC_GAIN) },
	    "no memory becomes executable" },
	{ "prctl", { EQ(0, PR_SET_NAME) }, "it takes its name" },
	{ "prctl", { EQ(0, PR_SET_NO_NEW_PRIVS), EQ(1, 1) },
	    "no later exec gives more" },
	{ "prctl", { EQ(0, PR_SET_PDEATHSIG) }, "it ends with its parent" },
	{ "rmdir", { {0} }, "the empty root is removed, so that it stays so" },
	{ "sched_setscheduler", { EQ(0, 0), EQ(1, SCHED_BATCH) },
	    "workers run to the end of their turn" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_STRICT), EQ(1, 1) },
	    "libseccomp asks, by a call that must fail, for the call" },
	{ "seccomp", { EQ(0, SECCOMP_GET_ACTION_AVAIL) },
	    "libseccomp asks what the kernel can do" },
	{ "seccomp", { EQ(0, SECCOMP_SET_MODE_FILTER) },
	    "it confines itself, or libseccomp asks which flags there are" },
	{ "seccomp", { EQ(0, SECCOMP_GET_NOTIF_SIZES) },
	    "libseccomp asks what the kernel can do" },
	{ "setgroups", { EQ(0, 0) }, "supplementary groups are given up" },
	{ "setpgid", { EQ(0, 0), EQ(1, 0) },
	    "what a parent starts is of one group, which ends with it" },
	{ "setresgid", { {0} }, "root's group is given up" },
	{ "setresuid", { {0} }, "root is given up" },
	{ "signalfd4", { {0} }, "a parent takes its signals by descriptor" },
	{ "socketpair", { EQ(0, AF_UNIX) }, "the spawner's channel is made" },
	{ "umount2", { EQ(1, MNT_DETACH) }, "the workers' old root is let go" },
	{ "unlinkat", { EQ(2, AT_REMOVEDIR) },
	    "the empty root is removed, so that it stays so" },
	{ "unshare", { EQ(0, CLONE_NEWUSER) },
	    "a parent without root gets its chroot (-U)" },
	{ "unshare", { EQ(0, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET |
	    CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID) },
	    "the workers' namespaces are made" },
};
static const struct policy_group give_up =
    GROUP("give-up", WHEN_ALWAYS, give_up_rows);

/* ---- supervisor --------------------------------------------------------------- */

static const struct policy_row supervisor_rows[] = {
	{ "bind", { {0} }, "a reload names a new address" },
	{ "clone", { EQ(0, SIGCHLD) }, "starts a parent" },
	{ "fallocate", { EQ(1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) },
	    "clears the board's slot of a parent that is gone" },
	{ "fstat", { {0} }, "marks how a file was when it was opened" },
	{ "getpid", { {0} }, "tells its parents whose death is theirs" },
	{ "ioctl", { EQ(1, TIOCOUTQ) }, "has a parent taken its news?" },
	{ "ioctl", { EQ(1, TCGETS) }, "the configuration's scanner asks whether "
	    "it reads a terminal" },
	{ "kill", { {0} }, "stops, retires and ends its parents" },
	{ "listen", { {0} }, "a reload names a new address" },
	{ "newfstatat", { {0} }, "looks whether a file has changed" },
	{ "ppoll", { {0} }, "waits for a signal or a parent" },
	{ "rt_sigreturn", { {0} }, "returns from a signal's handler" },
	{ "sendmsg", { EQ(2, MSG_NOSIGNAL) }, "hands newer files to a parent" },
	{ "setsockopt", { EQ(1, IPPROTO_IPV6), EQ(2, IPV6_V6ONLY) },
	    "[::] leaves 0.0.0.0 to others" },
	{ "setsockopt", { EQ(1, SOL_SOCKET), EQ(2, SO_REUSEADDR) },
	    "a restart binds at once" },
	{ "shutdown", { EQ(1, SHUT_RD) }, "nothing is to come from a parent" },
	{ "socket", { EQ(0, AF_INET), EQ(1, LISTENING) },
	    "a reload names a new address" },
	{ "socket", { EQ(0, AF_INET6), EQ(1, LISTENING) },
	    "a reload names a new address" },
	{ "socketpair", { EQ(0, AF_UNIX), EQ(1, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK) }, "makes the way on which a parent hears of files" },
	{ "unlink", { {0} }, "removes its pid file" },
	{ "unlinkat", { EQ(2, 0) }, "removes its pid file" },
	{ "wait4", { EQ(0, -1) }, "learns how a child ended" },
	{ "write", { {0} }, "fills a parent's handoff, tells whoever waits" },
};
static const struct policy_group supervisor =
    GROUP("supervisor", WHEN_ALWAYS, supervisor_rows);

/* ---- client ------------------------------------------------------------------------ */

static const struct policy_row client_rows[] = {
	{ "mremap", { {0} }, "malloc resizes large blocks" },
	{ "ppoll", { {0} }, "waits for the server, its input or its output" },
	{ "read", { EQ(0, 0) }, "takes what the user has for the server" },
	{ "recvfrom", { EQ(0, 3) }, "takes what the server has sent" },
	{ "rt_sigprocmask", { EQ(0, SIG_BLOCK) },
	    "ping holds SIGINT back until it waits, so that none is missed" },
	{ "rt_sigprocmask", { EQ(0, SIG_UNBLOCK) },
	    "ping can be ended while it writes or parts" },
	{ "sendto", { EQ(0, 3) }, "sends to the server" },
	{ "write", { EQ(0, 1) }, "gives the user what the server has sent" },
	{ "write", { EQ(0, 2) }, "says what went wrong, or with -v right" },
};
static const struct policy_group client =
    GROUP("client", WHEN_ALWAYS, client_rows);

/* ---- posternd --explain ------------------------------------------------------------- */

static const struct policy_row explain_rows[] = {
	{ "mremap", { {0} }, "malloc resizes large blocks" },
	{ "ppoll", { EQ(1, 1) }, "waits for the resolver" },
	{ "recvmsg", { EQ(0, 6) }, "hears the resolver's answer" },
	{ "sendmsg", { EQ(0, 6) }, "asks the resolver" },
	{ "write", { EQ(0, 1) }, "prints what it found" },
	{ "write", { EQ(0, 2) }, "says what cannot be read" },
};
static const struct policy_group explain =
    GROUP("explain", WHEN_ALWAYS, explain_rows);

/* ---- posternd --status --------------------------------------------------------------- */

static const struct policy_row status_rows[] = {
	{ "mremap", { {0} }, "malloc resizes large blocks" },
	{ "ppoll", { EQ(1, 1) }, "waits for the exporter's answer" },
	{ "recvfrom", { EQ(0, 3) }, "takes the exporter's answer" },
	{ "write", { EQ(0, 1) }, "prints what it says" },
	{ "write", { EQ(0, 2) }, "says that nobody answers" },
};
static const struct policy_group status =
    GROUP("status", WHEN_ALWAYS, status_rows);

/* ---- postern-certgen, looking at what somebody else wrote -------------------------- */

static const struct policy_row looker_rows[] = {
	{ "mremap", { {0} }, "malloc resizes large blocks" },
	{ "sysinfo", { {0} }, "the C library's qsort asks for memory" },
	{ "uname", { {0} }, "c-ares asks for the host's own domain" },
	{ "write", { EQ(0, 1) }, "gives what was seen or made" },
	{ "write", { EQ(0, 2) }, "says what is wrong" },
};
static const struct policy_group looker =
    GROUP("looker", WHEN_ALWAYS, looker_rows);

/* ---- the processes ------------------------------------------------------------------ */

static const struct policy policies[POLICY_COUNT] = {
	[POLICY_SUPERVISOR] = { "supervisor", { &supervisor, &program, &give_up, &parent,
	    &spawner, &fledge, &init, &echo, &pool, &resolver, &exporter, &memory,
	    &logging, &ending, &reserve, &sanitizer } },
	[POLICY_PARENT] = { "parent", { &parent, &memory, &logging, &ending,
	    &reserve, &sanitizer } },
	[POLICY_SPAWNER] = { "spawner", { &spawner, &fledge, &init, &echo,
	    &pool, &logging, &ending, &sanitizer } },
	[POLICY_INIT] = { "init", { &init, &sanitizer } },
	[POLICY_ECHO] = { "echo", { &echo, &sanitizer } },
	[POLICY_POOL] = { "pool", { &pool, &sanitizer } },
	[POLICY_RESOLVER] = { "resolver", { &resolver, &memory, &logging,
	    &ending, &reserve, &sanitizer } },
	[POLICY_EXPORTER] = { "exporter", { &exporter, &memory, &logging,
	    &ending, &reserve, &sanitizer } },
	[POLICY_EXPLAIN] = { "explain", { &explain, &memory, &ending, &reserve,
	    &sanitizer } },
	[POLICY_STATUS] = { "status", { &status, &memory, &ending, &reserve,
	    &sanitizer } },
	[POLICY_CLIENT] = { "client", { &client, &memory, &ending, &reserve,
	    &sanitizer } },
	[POLICY_LOOKER] = { "looker", { &looker, &memory, &ending, &reserve,
	    &sanitizer } },
};

const struct policy *
policy_get(enum policy_id id)
{
	return &policies[id];
}

/* Who is started under whose filter; what stands alone is under nobody's. */
static const enum policy_id outer[POLICY_COUNT] = {
	[POLICY_SUPERVISOR] = POLICY_COUNT,
	[POLICY_PARENT] = POLICY_SUPERVISOR,
	[POLICY_SPAWNER] = POLICY_SUPERVISOR,
	[POLICY_INIT] = POLICY_SUPERVISOR,
	[POLICY_ECHO] = POLICY_SPAWNER,
	[POLICY_POOL] = POLICY_SPAWNER,
	[POLICY_CLIENT] = POLICY_COUNT,
	[POLICY_LOOKER] = POLICY_COUNT,
	[POLICY_EXPLAIN] = POLICY_COUNT,
	[POLICY_RESOLVER] = POLICY_SUPERVISOR,
	[POLICY_STATUS] = POLICY_COUNT,
	[POLICY_EXPORTER] = POLICY_SUPERVISOR,
};

size_t
policy_stack(enum policy_id id, enum policy_id stack[POLICY_DEPTH])
{
	size_t n = 0;

	if (outer[id] != POLICY_COUNT)
		n = policy_stack(outer[id], stack);
	stack[n] = id;
	return n + 1;
}

bool
policy_group_used(const struct policy_group *g)
{
#ifdef POSTERN_SANITIZED
	(void)g;
	return true;
#else
	return g->when == WHEN_ALWAYS;
#endif
}
