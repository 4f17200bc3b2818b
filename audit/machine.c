#include "machine.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

bool
machine_get(pid_t tid, struct machine_state *m)
{
	struct iovec v = { &m->regs, sizeof m->regs };

	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &v) != -1;
}

bool
machine_set(pid_t tid, const struct machine_state *m)
{
	struct machine_state copy = *m;
	struct iovec v = { &copy.regs, sizeof copy.regs };

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &v) != -1;
}

/* Not AUDIT_ARCH_* of any machine. */
#define ARCH_UNKNOWN 0x40001234U

#if defined(__x86_64__)

#define X32_BIT 0x40000000U

const struct machine_entry machine_entries[] = {
	{ "x86_64", AUDIT_ARCH_X86_64, 0 },
	{ "i386", AUDIT_ARCH_I386, 0 },
	{ "x32", AUDIT_ARCH_X86_64, X32_BIT },
	{ "unknown", ARCH_UNKNOWN, 0 },
	{ NULL, 0, 0 }
};

void
machine_aim(struct machine_state *m, uint64_t gate, long nr,
    const uint64_t arg[6])
{
	struct user_regs_struct *r = &m->regs;

	r->orig_rax = (unsigned long long)-1;
	r->rax = (unsigned long long)nr;
	r->rip = gate;
	r->rdi = arg[0];
	r->rsi = arg[1];
	r->rdx = arg[2];
	r->r10 = arg[3];
	r->r8 = arg[4];
	r->r9 = arg[5];
}

int64_t
machine_result(const struct machine_state *m)
{
	return (int64_t)m->regs.rax;
}

/* A function that calls nothing may use 128 bytes below its stack. */
uint64_t
machine_below_stack(const struct machine_state *m, size_t size)
{
	return (m->regs.rsp - 128 - size) & ~UINT64_C(63);
}

ssize_t
machine_find_gate(const uint8_t *code, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x05)	/* syscall */
			return (ssize_t)i;
	return -1;
}

/* uretprobe and uprobe, since Linux 6.14 (seccomp_uprobe_exception). */
const char *
machine_unfiltered(uint32_t arch, uint32_t nr)
{
	if (arch != AUDIT_ARCH_X86_64)
		return NULL;
	return nr == 335 ? "uretprobe" : nr == 336 ? "uprobe" : NULL;
}

#elif defined(__aarch64__)

const struct machine_entry machine_entries[] = {
	{ "aarch64", AUDIT_ARCH_AARCH64, 0 },
	{ "arm", AUDIT_ARCH_ARM, 0 },
	{ "unknown", ARCH_UNKNOWN, 0 },
	{ NULL, 0, 0 }
};

void
machine_aim(struct machine_state *m, uint64_t gate, long nr,
    const uint64_t arg[6])
{
	for (int i = 0; i < 6; i++)
		m->regs.regs[i] = arg[i];
	m->regs.regs[8] = (uint64_t)nr;
	m->regs.pc = gate;
}

int64_t
machine_result(const struct machine_state *m)
{
	return (int64_t)m->regs.regs[0];
}

uint64_t
machine_below_stack(const struct machine_state *m, size_t size)
{
	return (m->regs.sp - size) & ~UINT64_C(63);
}

ssize_t
machine_find_gate(const uint8_t *code, size_t len)
{
	static const uint8_t svc[4] = { 0x01, 0x00, 0x00, 0xd4 };

	for (size_t i = 0; i + 4 <= len; i += 4)
		if (memcmp(code + i, svc, sizeof svc) == 0)
			return (ssize_t)i;
	return -1;
}

const char *
machine_unfiltered(uint32_t arch, uint32_t nr)
{
	(void)arch;
	(void)nr;
	return NULL;
}

#else
#error "postern-audit knows x86_64 and aarch64; machine.c wants this machine"
#endif
