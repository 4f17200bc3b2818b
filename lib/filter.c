#include "filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

static int
add_row(scmp_filter_ctx ctx, uint32_t arch, const struct policy_row *row)
{
	struct scmp_arg_cmp arg[POLICY_LIMITS];
	unsigned int n = 0;
	int nr = seccomp_syscall_resolve_name_arch(arch, row->call);

	/* One misspelt, or another machine's, must not pass unnoticed. */
	if (nr < 0)
		return -EINVAL;
	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		if (l->op == LIMIT_EQ)
			arg[n++] = SCMP_CMP64(l->arg, SCMP_CMP_EQ, l->value,
			    0);
		else if (l->op == LIMIT_MASK)
			arg[n++] = SCMP_CMP64(l->arg, SCMP_CMP_MASKED_EQ,
			    l->mask, l->value);
	}
	/* libseccomp wants the native number, and translates it itself. */
	nr = seccomp_syscall_resolve_name(row->call);
	return seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, nr, n, arg);
}

static int
add_rows(scmp_filter_ctx ctx, uint32_t arch, const struct policy *p,
    const char **why)
{
	bool old_calls = arch == SCMP_ARCH_X86_64;

	for (size_t g = 0; g < POLICY_GROUPS && p->groups[g] != NULL; g++) {
		const struct policy_group *group = p->groups[g];

		if (!policy_group_used_on(group, old_calls))
			continue;
		for (size_t i = 0; i < group->count; i++) {
			int e = add_row(ctx, arch, &group->rows[i]);

			/* Groups may share a row: the supervisor's do. */
			if (e < 0 && e != -EEXIST) {
				*why = group->rows[i].call;
				return e;
			}
		}
	}
	return 0;
}

/* libseccomp 2.5 exports to a descriptor only. */
static int
export(scmp_filter_ctx ctx, struct sock_fprog *prog)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), e;
	struct stat st;
	void *code;

	if (fd == -1)
		return -errno;
	e = seccomp_export_bpf(ctx, fd);
	if (e < 0 || fstat(fd, &st) == -1) {
		e = e < 0 ? e : -errno;
		close(fd);
		return e;
	}
	code = malloc((size_t)st.st_size);
	if (code == NULL || pread(fd, code, (size_t)st.st_size, 0) !=
	    (ssize_t)st.st_size) {
		free(code);
		close(fd);
		return -ENOMEM;
	}
	close(fd);
	prog->filter = code;
	prog->len = (unsigned short)((size_t)st.st_size /
	    sizeof(struct sock_filter));
	return 0;
}

static bool asks_tracer;

void
filter_ask_tracer(void)
{
	asks_tracer = true;
}

/* What becomes of a call that no row allows. */
static uint32_t
otherwise(const struct policy *p)
{
	enum policy_id id = 0;

	if (!asks_tracer)
		return SCMP_ACT_KILL_PROCESS;
	while (id < POLICY_COUNT && policy_get(id) != p)
		id++;
	return SCMP_ACT_TRACE(id);
}

/* One machine's calls, and no other's. */
static int
choose_machine(scmp_filter_ctx ctx, uint32_t arch)
{
	int e;

	if (arch == seccomp_arch_native())
		return 0;
	e = seccomp_arch_add(ctx, arch);
	return e == 0 ? seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE) : e;
}

/* A table as libseccomp has it: released by the caller, who got 0. */
static int
build(const struct policy *p, uint32_t arch, scmp_filter_ctx *ctx,
    const char **why)
{
	int e;

	*why = "libseccomp";
	*ctx = seccomp_init(otherwise(p));
	if (*ctx == NULL)
		return -ENOMEM;
	e = seccomp_attr_set(*ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (e == 0)
		e = choose_machine(*ctx, arch);
	if (e == 0)
		e = add_rows(*ctx, arch, p, why);
	if (e != 0)
		seccomp_release(*ctx);
	return e;
}

bool
filter_compile_for(const struct policy *p, uint32_t arch,
    struct sock_fprog *prog, const char **why)
{
	scmp_filter_ctx ctx;
	int e = build(p, arch, &ctx, why);

	if (e == 0) {
		e = export(ctx, prog);
		seccomp_release(ctx);
	}
	errno = -e;
	return e == 0;
}

bool
filter_compile(const struct policy *p, struct sock_fprog *prog,
    const char **why)
{
	return filter_compile_for(p, seccomp_arch_native(), prog, why);
}

bool
filter_print(const struct policy *p, int fd, const char **why)
{
	scmp_filter_ctx ctx;
	int e = build(p, seccomp_arch_native(), &ctx, why);

	if (e == 0) {
		e = seccomp_export_pfc(ctx, fd);
		seccomp_release(ctx);
	}
	errno = -e;
	return e == 0;
}

bool
filter_install(const struct sock_fprog *prog)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) == 0;
}

void
filter_prepare(enum policy_id id, struct sock_fprog *prog)
{
	const char *why;

	if (!filter_compile(policy_get(id), prog, &why))
		fatal(EX_OSERR, "cannot compile the seccomp filter of %s: %s: "
		    "%s", policy_get(id)->process, why, strerror(errno));
}

void
filter_enter(enum policy_id id, struct sock_fprog *prog)
{
	if (!filter_install(prog))
		fatal(EX_OSERR, "cannot install the seccomp filter of %s: %s",
		    policy_get(id)->process, strerror(errno));
	free(prog->filter);
	prog->filter = NULL;
}

void
filter_apply(enum policy_id id)
{
	struct sock_fprog prog;

	filter_prepare(id, &prog);
	filter_enter(id, &prog);
}

const char *
filter_unavailable(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return NULL;
	return "the kernel has no seccomp filter that kills a process "
	    "(Linux 4.14 with CONFIG_SECCOMP_FILTER has)";
}
