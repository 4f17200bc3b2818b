/*
 * A kernel that lacks something, as far as a program and all it starts can
 * tell: the calls that ask for it fail as they do there.
 *
 *	without_helper secret-memory|mdwe COMMAND [argument...]
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

int
main(int argc, char **argv)
{
	struct sock_fprog prog = { 0 };

	if (argc > 2 && strcmp(argv[1], "secret-memory") == 0)
		prog = (struct sock_fprog){ sizeof secret_memory /
		    sizeof secret_memory[0], secret_memory };
	else if (argc > 2 && strcmp(argv[1], "mdwe") == 0)
		prog = (struct sock_fprog){ sizeof mdwe / sizeof mdwe[0],
		    mdwe };
	else
		errx(1, "usage: without_helper secret-memory|mdwe COMMAND...");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == -1)
		err(1, "seccomp");
	execvp(argv[2], argv + 2);
	err(1, "%s", argv[2]);
}
