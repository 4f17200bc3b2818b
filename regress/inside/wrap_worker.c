/*
 * What a spawner takes along into its namespaces: what no spawner can make, and
 * one that had it from its start could pass on.
 */
#include <sys/socket.h>

#include "attacks.h"
#include "plan.h"
#include "worker/worker.h"

void __real_nest_enter(void);
void __wrap_nest_enter(void);

void
__wrap_nest_enter(void)
{
	if (plan_has(inside_process(), "attack", "send_tcp"))
		attack_tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	matrix_prepare();
	__real_nest_enter();
}
