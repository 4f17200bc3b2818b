/*
 * A question on the terminal whose answer is not shown.
 */
#ifndef POSTERN_CERTGEN_TERMINAL_H
#define POSTERN_CERTGEN_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* The process's terminal, opened; -1: it has none. */
int terminal_open(void);

/*
 * Show `prompt`, and read one line of at most `size` - 1 bytes to `line`,
 * without its newline.  What was typed ahead is not taken.  A signal that ends
 * the program does so when the terminal is again as it was.  False at end of
 * file, for a longer line, and if it is no terminal.
 */
bool terminal_ask(int tty, const char *prompt, char *line, size_t size);

#endif
