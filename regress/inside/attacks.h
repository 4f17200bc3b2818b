/*
 * What a process that was taken over tries: each is told by a signal with its
 * number (attack_helper.c), and ends in one of three ways.
 */
#ifndef INSIDE_ATTACKS_H
#define INSIDE_ATTACKS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Nothing in postern has a use for it. */
#define ATTACK_SIGNAL SIGUSR2

/*
 * The signal's value: an attack's number, and above it one argument, a pid or
 * a port.
 */
#define ATTACK_BITS 16
#define ATTACK_VALUE(number, arg) \
	((unsigned long)(number) | (unsigned long)(arg) << ATTACK_BITS)

/*
 * Killed by a filter: SIGSYS.  Refused otherwise, or done as far as anybody
 * lets it: SIGTRAP, which the helper swallows, and it goes on as if nothing
 * had happened.  What it must never do it did: SIGILL.
 */

/* NAME: bool attack_NAME(long arg), true if it got through. */
#define ATTACKS(X) \
	X(open_file) X(own_memory) X(other_memory) X(execute) \
	X(execute_by_name) X(new_root) \
	X(connect_tcp) X(connect_udp) X(connect_unix) X(bind_port) \
	X(listen_again) \
	X(trace) X(kill_other) X(kill_by_pidfd) X(end_by_init) \
	X(read_memory_of) \
	X(take_descriptor_of) \
	X(fork_bomb) X(new_thread) X(new_user_namespace) X(join_namespace) \
	X(write_execute) X(make_executable) X(memory_file) \
	X(entry_i386) X(entry_x32) X(io_ring) X(fault_handler) X(keyring) \
	X(kernel_program) X(performance_events) X(become_root) \
	X(become_dumpable) X(another_filter) \
	X(pass_descriptor) X(write_elsewhere) X(read_elsewhere) \
	X(fill_stack) X(fill_memory) X(fill_log) X(flood) X(garbage) \
	X(garbage_to_resolver) X(garbage_to_dialer) X(garbage_to_supervisor) \
	X(spin) \
	X(scribble) X(scribble_others) \
	X(connect_prefix) X(rewrite_address) X(unprotect_address) \
	X(replace_address) X(discard_address) \
	X(send_none) X(send_two) X(send_file) X(send_closed) X(send_tcp) \
	X(send_channel) X(send_unasked) X(send_nothing) X(send_long) \
	X(send_dead) \
	X(answer_short) X(answer_long) X(answer_many_names) \
	X(answer_unending_name) X(answer_unasked) X(answer_twice) \
	X(answer_wild)

enum attack {
#define ATTACK_NUMBER(name) ATTACK_##name,
	ATTACKS(ATTACK_NUMBER)
#undef ATTACK_NUMBER
	ATTACK_COUNT
};

#define ATTACK_DECLARE(name) bool attack_##name(long arg);
ATTACKS(ATTACK_DECLARE)
#undef ATTACK_DECLARE

/* How this process lies from now on (lie.c); ATTACK_COUNT: it does not. */
extern enum attack attack_lie;

/* What a parent has of the board: its own slot to write, and all to read. */
extern volatile unsigned char *attack_slot, *attack_board;
extern size_t attack_slot_size;
/* A socket for TCP, outside of all namespaces; -1: it took none. */
extern int attack_tcp;

#endif
