#include <signal.h>
#include <stdint.h>

#include "attacks.h"
#include "plan.h"

struct attack_entry {
	const char	*name;
	bool		(*run)(long arg);
};

static const struct attack_entry entry[ATTACK_COUNT] = {
#define ATTACK_ENTRY(n) [ATTACK_##n] = { #n, attack_##n },
	ATTACKS(ATTACK_ENTRY)
#undef ATTACK_ENTRY
};

enum attack attack_lie = ATTACK_COUNT;

static void
say_refused(void)
{
#if defined(__x86_64__)
	__asm__ volatile("int3");
#elif defined(__aarch64__)
	__asm__ volatile("brk #0");
#endif
}

/*
 * It runs in the middle of whatever the process did, as code does that an
 * attacker has brought in.
 */
static void
on_told(int sig, siginfo_t *info, void *context)
{
	uint64_t value = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
	uint64_t n = value & ((1U << ATTACK_BITS) - 1);

	(void)sig, (void)context;
	/* By kill(2) it comes without a value. */
	if (info->si_code != SI_QUEUE || n >= ATTACK_COUNT ||
	    !plan_has(inside_process(), "attack", entry[n].name))
		return;
	if (entry[n].run((long)(value >> ATTACK_BITS)))
		__builtin_trap();
	say_refused();
}

void
attack_arm(void)
{
	struct sigaction sa = { .sa_sigaction = on_told,
	    .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(ATTACK_SIGNAL, &sa, NULL);
}
