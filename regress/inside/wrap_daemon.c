/*
 * What a parent that was taken over would have found in its memory, the
 * variables that say where are board.c's own; and one that has too much there.
 */
#include <sys/mman.h>

#include "attacks.h"
#include "daemon/board.h"
#include "plan.h"

void __real_board_map(int fd, uint32_t slot, uint32_t slots);
void __wrap_board_map(int fd, uint32_t slot, uint32_t slots);

void
__wrap_board_map(int fd, uint32_t slot, uint32_t slots)
{
	if (plan_has(inside_process(), "attack", "scribble")) {
		attack_slot = mmap(NULL, sizeof(struct board_slot),
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)(slot * sizeof(struct board_slot)));
		attack_slot_size = sizeof(struct board_slot);
		attack_board = mmap(NULL, board_size(slots), PROT_READ,
		    MAP_SHARED, fd, 0);
	}
	if (sabotage_has("board"))
		(void)mmap(NULL, board_size(slots), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	__real_board_map(fd, slot, slots);
}
