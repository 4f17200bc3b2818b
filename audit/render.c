#include "render.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A number with a name: where `mask` is set it stands for these bits only. */
struct word {
	uint64_t	 value, mask;
	const char	*name;
};

#define FLAG(w)		{ (uint64_t)(w), (uint64_t)(w), #w }
#define ONE_OF(w, m)	{ (uint64_t)(w), (uint64_t)(m), #w }
#define EXACTLY(w)	{ (uint64_t)(w), UINT64_MAX, #w }
#define END		{ 0, 0, NULL }

static const struct word prots[] = { FLAG(PROT_READ), FLAG(PROT_WRITE),
	FLAG(PROT_EXEC), END };
static const struct word maps[] = { FLAG(MAP_SHARED), FLAG(MAP_PRIVATE),
	FLAG(MAP_FIXED), FLAG(MAP_ANONYMOUS), FLAG(MAP_NORESERVE), END };
static const struct word opens[] = { ONE_OF(O_RDONLY, O_ACCMODE),
	ONE_OF(O_WRONLY, O_ACCMODE), ONE_OF(O_RDWR, O_ACCMODE),
	ONE_OF(O_ACCMODE, O_ACCMODE), FLAG(O_CREAT), FLAG(O_EXCL),
	FLAG(O_TRUNC), FLAG(O_APPEND), FLAG(O_NONBLOCK), FLAG(O_DIRECTORY),
	FLAG(O_NOCTTY), FLAG(O_CLOEXEC), END };
static const struct word memfds[] = { FLAG(MFD_CLOEXEC), END };
static const struct word remaps[] = { FLAG(MREMAP_MAYMOVE),
	FLAG(MREMAP_FIXED), END };
static const struct word advice[] = { EXACTLY(MADV_DONTNEED),
	EXACTLY(MADV_FREE), EXACTLY(MADV_DONTDUMP), END };
static const struct word modes[] = { EXACTLY(R_OK), EXACTLY(W_OK),
	EXACTLY(X_OK), EXACTLY(F_OK), END };
static const struct word futexes[] = { EXACTLY(FUTEX_WAIT_PRIVATE),
	EXACTLY(FUTEX_WAKE_PRIVATE), END };
static const struct word signalfds[] = { FLAG(SFD_CLOEXEC),
	FLAG(SFD_NONBLOCK), END };
static const struct word mounts[] = { FLAG(MS_RDONLY), FLAG(MS_NOSUID),
	FLAG(MS_NODEV), FLAG(MS_NOEXEC), FLAG(MS_REMOUNT), FLAG(MS_BIND),
	FLAG(MS_REC), FLAG(MS_PRIVATE), END };
static const struct word schedulers[] = { EXACTLY(SCHED_OTHER),
	EXACTLY(SCHED_BATCH), END };
static const struct word holes[] = { FLAG(FALLOC_FL_KEEP_SIZE),
	FLAG(FALLOC_FL_PUNCH_HOLE), END };
static const struct word waits[] = { FLAG(WNOHANG), END };
static const struct word bases[] = { { 0x1002, UINT64_MAX, "ARCH_SET_FS" },
	END };
static const struct word rulesets[] = { { 1, UINT64_MAX,
	"LANDLOCK_CREATE_RULESET_VERSION" }, END };
static const struct word ats[] = { FLAG(AT_EMPTY_PATH), FLAG(AT_REMOVEDIR),
	FLAG(AT_SYMLINK_NOFOLLOW), END };
static const struct word families[] = { EXACTLY(AF_UNIX), EXACTLY(AF_INET),
	EXACTLY(AF_INET6), EXACTLY(AF_NETLINK), END };
static const struct word types[] = { ONE_OF(SOCK_STREAM, 0xf),
	ONE_OF(SOCK_DGRAM, 0xf), ONE_OF(SOCK_RAW, 0xf),
	ONE_OF(SOCK_SEQPACKET, 0xf), FLAG(SOCK_CLOEXEC), FLAG(SOCK_NONBLOCK),
	END };
static const struct word messages[] = { FLAG(MSG_NOSIGNAL), FLAG(MSG_PEEK),
	FLAG(MSG_DONTWAIT), FLAG(MSG_CMSG_CLOEXEC), END };
static const struct word ends[] = { EXACTLY(SHUT_RD), EXACTLY(SHUT_WR),
	EXACTLY(SHUT_RDWR), END };
static const struct word lengths[] = {
	EXACTLY(sizeof(struct sockaddr_in)),
	EXACTLY(sizeof(struct sockaddr_in6)), END };
static const struct word levels[] = { EXACTLY(SOL_SOCKET),
	EXACTLY(IPPROTO_IP), EXACTLY(IPPROTO_IPV6), EXACTLY(IPPROTO_TCP),
	END };
static const struct word socket_options[] = { EXACTLY(SO_REUSEADDR),
	EXACTLY(SO_BINDTOIFINDEX),
	EXACTLY(SO_REUSEPORT), EXACTLY(SO_KEEPALIVE), EXACTLY(SO_SNDBUF),
	EXACTLY(SO_RCVBUF), EXACTLY(SO_LINGER), EXACTLY(SO_ERROR),
	EXACTLY(SO_TYPE), END };
static const struct word ipv6_options[] = { EXACTLY(IPV6_V6ONLY), END };
static const struct word tcp_options[] = { EXACTLY(TCP_NODELAY),
	EXACTLY(TCP_USER_TIMEOUT), END };
static const struct word fcntls[] = { EXACTLY(F_DUPFD), EXACTLY(F_GETFD),
	EXACTLY(F_SETFD), EXACTLY(F_GETFL), EXACTLY(F_SETFL),
	EXACTLY(F_DUPFD_CLOEXEC), EXACTLY(F_ADD_SEALS), EXACTLY(F_GET_SEALS),
	END };
static const struct word ioctls[] = { EXACTLY(TCGETS), EXACTLY(TIOCOUTQ),
	EXACTLY(FIONREAD), END };
static const struct word epolls[] = { EXACTLY(EPOLL_CTL_ADD),
	EXACTLY(EPOLL_CTL_DEL), EXACTLY(EPOLL_CTL_MOD), END };
static const struct word sets[] = { FLAG(EPOLL_CLOEXEC), END };
static const struct word masks[] = { EXACTLY(SIG_BLOCK),
	EXACTLY(SIG_UNBLOCK), EXACTLY(SIG_SETMASK), END };
static const struct word signals[] = { EXACTLY(SIGHUP), EXACTLY(SIGINT),
	EXACTLY(SIGQUIT), EXACTLY(SIGABRT), EXACTLY(SIGKILL), EXACTLY(SIGUSR1),
	EXACTLY(SIGTERM), EXACTLY(SIGCHLD), END };
/* clone(2) has a signal in its lowest byte, unshare(2) none. */
static const struct word clones[] = { ONE_OF(SIGCHLD, 0xff),
	FLAG(CLONE_NEWUSER), FLAG(CLONE_NEWNS), FLAG(CLONE_NEWNET),
	FLAG(CLONE_NEWIPC), FLAG(CLONE_NEWUTS), FLAG(CLONE_NEWCGROUP),
	FLAG(CLONE_NEWPID), FLAG(CLONE_PIDFD), FLAG(CLONE_VM),
	FLAG(CLONE_FILES), FLAG(CLONE_THREAD), END };
static const struct word umounts[] = { FLAG(MNT_DETACH), END };
static const struct word rules[] = { { 1, UINT64_MAX,
	"LANDLOCK_RULE_PATH_BENEATH" }, { 2, UINT64_MAX,
	"LANDLOCK_RULE_NET_PORT" }, END };
static const struct word seccomps[] = { EXACTLY(SECCOMP_SET_MODE_STRICT),
	EXACTLY(SECCOMP_SET_MODE_FILTER), EXACTLY(SECCOMP_GET_ACTION_AVAIL),
	EXACTLY(SECCOMP_GET_NOTIF_SIZES), END };
static const struct word prctls[] = { EXACTLY(PR_SET_PDEATHSIG),
	EXACTLY(PR_GET_DUMPABLE), EXACTLY(PR_SET_DUMPABLE),
	EXACTLY(PR_SET_NAME), EXACTLY(PR_GET_NAME), EXACTLY(PR_GET_SECCOMP),
	EXACTLY(PR_SET_SECCOMP), EXACTLY(PR_CAPBSET_READ),
	EXACTLY(PR_CAPBSET_DROP), EXACTLY(PR_SET_NO_NEW_PRIVS),
	EXACTLY(PR_GET_NO_NEW_PRIVS), EXACTLY(PR_CAP_AMBIENT),
	{ 65, UINT64_MAX, "PR_SET_MDWE" }, { 66, UINT64_MAX, "PR_GET_MDWE" },
	END };

/* How an argument is shown whose value has no name. */
enum form { NUMBER, OCTAL, POINTER };

struct argument {
	const char		*name;
	const struct word	*words;
	enum form		 form;
};

#define PTR(n)	{ n, NULL, POINTER }
#define NUM(n)	{ n, NULL, NUMBER }
#define MODE	{ "mode", NULL, OCTAL }

static const struct {
	const char	*call;
	struct argument	 arg[6];
} calls[] = {
	{ "accept4", { NUM("fd"), PTR("addr"), PTR("addrlen"),
	    { "flags", types, NUMBER } } },
	{ "access", { PTR("path"), { "mode", modes, NUMBER } } },
	{ "arch_prctl", { { "op", bases, NUMBER }, PTR("addr") } },
	{ "bind", { NUM("fd"), PTR("addr"), { "addrlen", lengths, NUMBER } } },
	{ "clone", { { "flags", clones, NUMBER }, PTR("stack") } },
	{ "close", { NUM("fd") } },
	{ "close_range", { NUM("first"), NUM("last"), NUM("flags") } },
	{ "connect", { NUM("fd"), PTR("addr"),
	    { "addrlen", lengths, NUMBER } } },
	{ "dup2", { NUM("oldfd"), NUM("newfd") } },
	{ "dup3", { NUM("oldfd"), NUM("newfd"), { "flags", opens, NUMBER } } },
	{ "epoll_create1", { { "flags", sets, NUMBER } } },
	{ "epoll_ctl", { NUM("epfd"), { "op", epolls, NUMBER }, NUM("fd"),
	    PTR("event") } },
	{ "epoll_pwait", { NUM("epfd"), PTR("events"), NUM("maxevents"),
	    NUM("timeout") } },
	{ "epoll_wait", { NUM("epfd"), PTR("events"), NUM("maxevents"),
	    NUM("timeout") } },
	{ "execveat", { NUM("fd"), PTR("path"), PTR("argv"), PTR("envp"),
	    { "flags", ats, NUMBER } } },
	{ "faccessat", { NUM("fd"), PTR("path"), { "mode", modes, NUMBER } } },
	{ "fallocate", { NUM("fd"), { "mode", holes, NUMBER }, NUM("offset"),
	    NUM("length") } },
	{ "fchmod", { NUM("fd"), MODE } },
	{ "fcntl", { NUM("fd"), { "cmd", fcntls, NUMBER },
	    { "arg", opens, NUMBER } } },
	{ "fstat", { NUM("fd") } },
	{ "futex", { PTR("word"), { "op", futexes, NUMBER } } },
	{ "getgroups", { NUM("size"), PTR("list") } },
	{ "getsockopt", { NUM("fd"), { "level", levels, NUMBER },
	    { "optname", socket_options, NUMBER } } },
	{ "ioctl", { NUM("fd"), { "request", ioctls, NUMBER } } },
	{ "kill", { NUM("pid"), { "sig", signals, NUMBER } } },
	{ "landlock_add_rule", { NUM("fd"), { "rule_type", rules, NUMBER },
	    PTR("attr"), NUM("flags") } },
	{ "landlock_create_ruleset", { PTR("attr"), NUM("size"),
	    { "flags", rulesets, NUMBER } } },
	{ "landlock_restrict_self", { NUM("fd"), NUM("flags") } },
	{ "listen", { NUM("fd"), NUM("backlog") } },
	{ "madvise", { PTR("addr"), NUM("length"),
	    { "advice", advice, NUMBER } } },
	{ "memfd_create", { PTR("name"), { "flags", memfds, NUMBER } } },
	{ "memfd_secret", { NUM("flags") } },
	{ "mkdir", { PTR("path"), MODE } },
	{ "mkdirat", { NUM("fd"), PTR("path"), MODE } },
	{ "mmap", { PTR("addr"), NUM("length"), { "prot", prots, NUMBER },
	    { "flags", maps, NUMBER }, NUM("fd"), NUM("offset") } },
	{ "mount", { PTR("source"), PTR("target"), PTR("type"),
	    { "flags", mounts, NUMBER }, PTR("data") } },
	{ "mprotect", { PTR("addr"), NUM("length"),
	    { "prot", prots, NUMBER } } },
	{ "mremap", { PTR("addr"), NUM("old"), NUM("new"),
	    { "flags", remaps, NUMBER } } },
	{ "newfstatat", { NUM("fd"), PTR("path"), PTR("stat"),
	    { "flags", ats, NUMBER } } },
	{ "open", { PTR("path"), { "flags", opens, NUMBER }, MODE } },
	{ "openat", { NUM("fd"), PTR("path"), { "flags", opens, NUMBER },
	    MODE } },
	{ "pidfd_open", { NUM("pid"), NUM("flags") } },
	{ "pidfd_send_signal", { NUM("pidfd"), { "sig", signals, NUMBER },
	    PTR("info"), NUM("flags") } },
	{ "pipe2", { PTR("fds"), { "flags", opens, NUMBER } } },
	{ "ppoll", { PTR("fds"), NUM("nfds"), PTR("timeout"), PTR("mask") } },
	{ "prctl", { { "option", prctls, NUMBER }, NUM("arg2"), NUM("arg3"),
	    NUM("arg4"), NUM("arg5") } },
	{ "pread64", { NUM("fd"), PTR("buf"), NUM("count"), NUM("offset") } },
	{ "prlimit64", { NUM("pid"), NUM("resource"), PTR("new"),
	    PTR("old") } },
	{ "pwrite64", { NUM("fd"), PTR("buf"), NUM("count"), NUM("offset") } },
	{ "read", { NUM("fd"), PTR("buf"), NUM("count") } },
	{ "recvfrom", { NUM("fd"), PTR("buf"), NUM("len"),
	    { "flags", messages, NUMBER }, PTR("addr"), PTR("addrlen") } },
	{ "recvmsg", { NUM("fd"), PTR("msg"), { "flags", messages, NUMBER } } },
	{ "rt_sigprocmask", { { "how", masks, NUMBER } } },
	{ "sched_setscheduler", { NUM("pid"), { "policy", schedulers, NUMBER },
	    PTR("param") } },
	{ "seccomp", { { "operation", seccomps, NUMBER }, NUM("flags"),
	    PTR("args") } },
	{ "sendmsg", { NUM("fd"), PTR("msg"), { "flags", messages, NUMBER } } },
	{ "sendto", { NUM("fd"), PTR("buf"), NUM("len"),
	    { "flags", messages, NUMBER }, PTR("addr"), NUM("addrlen") } },
	{ "setfsuid", { NUM("fsuid") } },
	{ "setgroups", { NUM("size"), PTR("list") } },
	{ "setpgid", { NUM("pid"), NUM("pgid") } },
	{ "setsockopt", { NUM("fd"), { "level", levels, NUMBER },
	    NUM("optname") } },
	{ "shutdown", { NUM("fd"), { "how", ends, NUMBER } } },
	{ "signalfd4", { NUM("fd"), PTR("mask"), NUM("size"),
	    { "flags", signalfds, NUMBER } } },
	{ "socket", { { "domain", families, NUMBER },
	    { "type", types, NUMBER }, NUM("protocol") } },
	{ "socketpair", { { "domain", families, NUMBER },
	    { "type", types, NUMBER }, NUM("protocol"), PTR("fds") } },
	{ "tgkill", { NUM("tgid"), NUM("tid"), { "sig", signals, NUMBER } } },
	{ "umount2", { PTR("path"), { "flags", umounts, NUMBER } } },
	{ "unlinkat", { NUM("fd"), PTR("path"), { "flags", ats, NUMBER } } },
	{ "unshare", { { "flags", clones, NUMBER } } },
	{ "wait4", { NUM("pid"), PTR("status"), { "options", waits, NUMBER },
	    PTR("rusage") } },
	{ "write", { NUM("fd"), PTR("buf"), NUM("count") } },
};

#define CALLS (sizeof calls / sizeof calls[0])

static struct argument
argument_of(const char *call, unsigned int arg)
{
	static const char *const names[] = { "arg0", "arg1", "arg2", "arg3",
	    "arg4", "arg5" };

	for (size_t i = 0; i < CALLS; i++)
		if (strcmp(calls[i].call, call) == 0 &&
		    calls[i].arg[arg].name != NULL)
			return calls[i].arg[arg];
	return (struct argument){ names[arg], NULL, NUMBER };
}

const char *
render_argument(const char *call, unsigned int arg)
{
	return argument_of(call, arg).name;
}

bool
render_parse(const char *call, unsigned int arg, const char *text,
    uint64_t *value)
{
	const struct word *words = argument_of(call, arg).words, *w;
	size_t len;

	*value = 0;
	do {
		len = strcspn(text, "|");
		for (w = words; w != NULL && w->name != NULL; w++)
			if (strlen(w->name) == len &&
			    strncmp(w->name, text, len) == 0)
				break;
		if (w == NULL || w->name == NULL)
			return false;
		*value |= w->value;
		text += len;
	} while (*text++ == '|');
	return true;
}

/* What a socket's option means depends on the level beside it. */
static const struct word *
option_words(const struct policy_row *row)
{
	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		if (l->op != LIMIT_EQ || l->arg != 1)
			continue;
		switch (l->value) {
		case SOL_SOCKET:
			return socket_options;
		case IPPROTO_TCP:
			return tcp_options;
		case IPPROTO_IPV6:
			return ipv6_options;
		default:
			return NULL;
		}
	}
	return NULL;
}

static void
put(char *dst, size_t size, const char *s)
{
	size_t n = strlen(dst);

	snprintf(dst + n, size - n, "%s", s);
}

static void
put_number(char *dst, size_t size, enum form form, uint64_t value)
{
	char text[32];

	if (form == POINTER && value == 0)
		snprintf(text, sizeof text, "NULL");
	else if (form == OCTAL)
		snprintf(text, sizeof text, "0%" PRIo64, value);
	else if (form == POINTER)
		snprintf(text, sizeof text, "0x%" PRIx64, value);
	else
		snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
	put(dst, size, text);
}

/* The bits of `value` by their names: those that have none as one number. */
static void
put_value(char *dst, size_t size, const struct argument *a, uint64_t value,
    uint64_t within)
{
	const struct word *w = a->words;
	uint64_t named = 0;
	bool some = false;
	char text[24];

	for (; w != NULL && w->name != NULL; w++) {
		uint64_t bits = w->mask & within;

		if ((named & bits) != 0 || bits == 0 ||
		    (value & w->mask) != w->value || (w->value & ~within) != 0)
			continue;
		/* O_RDONLY has no bit: it is told where nothing else is. */
		if (w->value == 0 && (value & within) != 0)
			continue;
		put(dst, size, some ? "|" : "");
		put(dst, size, w->name);
		named |= w->mask;
		some = true;
	}
	value &= ~named;
	if (!some) {
		put_number(dst, size, a->form, value);
	} else if (value != 0) {
		snprintf(text, sizeof text, "|0x%" PRIx64, value);
		put(dst, size, text);
	}
}

void
render_limit(const struct policy_row *row, const struct policy_limit *l,
    char dst[RENDER_TEXT])
{
	struct argument a = argument_of(row->call, l->arg);
	char mask[RENDER_TEXT / 4] = "", value[RENDER_TEXT / 4] = "";
	bool several;

	if (strcmp(row->call, "setsockopt") == 0 && l->arg == 2)
		a.words = option_words(row);
	if (l->op != LIMIT_MASK) {
		put_value(value, sizeof value, &a, l->value, UINT64_MAX);
		snprintf(dst, RENDER_TEXT, "%s == %s", a.name, value);
		return;
	}
	if (l->mask == UINT32_MAX) {		/* an int, whatever its sign */
		put_value(value, sizeof value, &a,
		    (uint64_t)(int32_t)l->value, UINT64_MAX);
		snprintf(dst, RENDER_TEXT, "%s == %s", a.name, value);
		return;
	}
	put_value(mask, sizeof mask, &a, l->mask, UINT64_MAX);
	put_value(value, sizeof value, &a, l->value, l->mask);
	several = strchr(mask, '|') != NULL;
	snprintf(dst, RENDER_TEXT, "(%s & %s%s%s) == %s", a.name,
	    several ? "(" : "", mask, several ? ")" : "", value);
}

void
render_limits(const struct policy_row *row, char dst[RENDER_TEXT])
{
	char one[RENDER_TEXT];

	dst[0] = '\0';
	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		if (row->limit[i].op == LIMIT_NONE)
			continue;
		render_limit(row, &row->limit[i], one);
		put(dst, RENDER_TEXT, dst[0] != '\0' ? ", " : "");
		put(dst, RENDER_TEXT, one);
	}
}
