#include "text.h"

#include <string.h>
#include <strings.h>

static const char digits[] = "0123456789abcdef";

/* One byte's printable form, at most 4 characters; returns their number. */
static size_t
escape_one(char out[4], uint8_t c)
{
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c >= 0x20 && c <= 0x7e) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[c >> 4];
	out[3] = digits[c & 15];
	return 4;
}

size_t
text_escape(char *dst, size_t size, const void *src, size_t len)
{
	const uint8_t *s = src;
	size_t used = 0, keep = 0;	/* keep: where "..." would still fit */

	for (size_t i = 0; i < len; i++) {
		char one[4];
		size_t n = escape_one(one, s[i]);

		if (used + n >= size) {
			if (size > 3) {
				memcpy(dst + keep, "...", 3);
				used = keep + 3;
			}
			break;
		}
		memcpy(dst + used, one, n);
		used += n;
		if (used + 3 < size)
			keep = used;
	}
	dst[used] = '\0';
	return used;
}

void
text_hex(char *dst, const uint8_t *src, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		dst[2 * i] = digits[src[i] >> 4];
		dst[2 * i + 1] = digits[src[i] & 15];
	}
	dst[2 * len] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
text_parse_pin(const char *s, uint8_t pin[32])
{
	if (strncasecmp(s, "SHA256:", 7) != 0 || strlen(s + 7) != 64)
		return false;
	s += 7;
	for (size_t i = 0; i < 32; i++) {
		int hi = hex_value(s[2 * i]), lo = hex_value(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		pin[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

bool
text_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size) {
		dst[0] = '\0';
		return false;
	}
	memcpy(dst, src, n + 1);
	return true;
}
