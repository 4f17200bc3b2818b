/*
 * Bytes from outside, made safe to show: in a log line, on a terminal.
 */
#ifndef POSTERN_TEXT_H
#define POSTERN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Write the `len` bytes at `src` to `dst` as printable ASCII: everything
 * outside 0x20..0x7e, and `"` and `\`, becomes \xHH, \" or \\.  `dst` holds
 * `size` bytes (> 0) and is always NUL-terminated; what does not fit is cut at
 * a whole escape and marked "...".  Returns the length written, without NUL.
 */
size_t text_escape(char *dst, size_t size, const void *src, size_t len);

/* Lower-case hexadecimal of `len` bytes; `dst` holds 2 * len + 1 bytes. */
void text_hex(char *dst, const uint8_t *src, size_t len);

/*
 * Parse a pin, "SHA256:" (any case) and 64 hexadecimal digits, to 32 bytes.
 * False if it is anything else.
 */
bool text_parse_pin(const char *s, uint8_t pin[32]);

/* strlcpy(3), which older glibc lacks: false if `src` did not fit. */
bool text_copy(char *dst, size_t size, const char *src);

#endif
