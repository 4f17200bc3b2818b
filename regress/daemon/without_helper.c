/*
 * A kernel that lacks something, as far as a program and all it starts can
 * tell: the calls that ask for it fail as they do there.
 *
 *	without_helper secret-memory|mdwe|user-namespaces COMMAND [argument...]
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

#define LOAD(what)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
	offsetof(struct seccomp_data, what))
#define IS(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define RETURN(k)	BPF_STMT(BPF_RET | BPF_K, (k))

static struct sock_filter secret_memory[] = {
	LOAD(nr),
	IS(SYS_memfd_secret, 0, 1),
	RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	RETURN(SECCOMP_RET_ALLOW),
};

static struct sock_filter mdwe[] = {
	LOAD(nr),
	IS(SYS_prctl, 0, 3),
	LOAD(args[0]),
	IS(PR_SET_MDWE, 2, 0),
	IS(PR_GET_MDWE, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(SECCOMP_RET_ERRNO | EINVAL),
};

/* As in a chroot, or under a container's filter. */
static struct sock_filter user_namespaces[] = {
	LOAD(nr),
	IS(SYS_unshare, 0, 1),
	RETURN(SECCOMP_RET_ERRNO | EPERM),
	RETURN(SECCOMP_RET_ALLOW),
};

#define PROGRAM(f)	{ sizeof (f) / sizeof (f)[0], (f) }

static const struct {
	const char		*name;
	struct sock_fprog	 prog;
} lacks[] = {
	{ "secret-memory", PROGRAM(secret_memory) },
	{ "mdwe", PROGRAM(mdwe) },
	{ "user-namespaces", PROGRAM(user_namespaces) },
};

int
main(int argc, char **argv)
{
	const struct sock_fprog *prog = NULL;

	for (size_t i = 0; argc > 2 && i < sizeof lacks / sizeof lacks[0]; i++)
		if (strcmp(argv[1], lacks[i].name) == 0)
			prog = &lacks[i].prog;
	if (prog == NULL)
		errx(1, "usage: without_helper secret-memory|mdwe|"
		    "user-namespaces COMMAND...");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) == -1)
		err(1, "seccomp");
	execvp(argv[2], argv + 2);
	err(1, "%s", argv[2]);
}
