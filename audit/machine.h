/*
 * The registers of a stopped process, as far as a system call goes: the one
 * place that knows the machine.
 */
#ifndef POSTERN_MACHINE_H
#define POSTERN_MACHINE_H

#include <linux/audit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

/* What seccomp sees as this machine, and who else may enter its kernel. */
struct machine_entry {
	const char	*name;
	uint32_t	 arch;
	uint32_t	 bit;		/* set in every number (x32) */
};

/* This machine's own first; ends with a name of NULL. */
extern const struct machine_entry machine_entries[];

struct machine_state {
	struct user_regs_struct regs;
};

/* All false with errno set. */
bool machine_get(pid_t tid, struct machine_state *m);
bool machine_set(pid_t tid, const struct machine_state *m);

/*
 * Make of `m` the moment before the instruction at `gate` calls the kernel.
 * No call that was interrupted is started again from there.
 */
void machine_aim(struct machine_state *m, uint64_t gate, long nr,
    const uint64_t arg[6]);

int64_t machine_result(const struct machine_state *m);

/* Memory below the stack that the process does not use, for `size` bytes. */
uint64_t machine_below_stack(const struct machine_state *m, size_t size);

/* The first instruction among these that calls the kernel; -1 if none does. */
ssize_t machine_find_gate(const uint8_t *code, size_t len);

/*
 * Calls that the kernel lets past every filter: the probes of a tracer, which
 * act only from a page that the kernel itself has mapped for one.  The name of
 * one, or NULL.
 */
const char *machine_unfiltered(uint32_t arch, uint32_t nr);

#endif
