#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Longer than any record; more of a line is not looked at. */
#define LINE_MAX_BYTES 16384

/* What the kernel's printk puts before a record (AUDIT_SECCOMP is 1326). */
#define LEAD		"audit: type=1326 audit("
#define LEFT_OUT	"kauditd_printk_skb: "
#define LOST		"audit: audit_lost="

/* ---- the fields of a record --------------------------------------------- */

/* A number up to `end`, behind which *s then stands. */
static bool
take_number(const char **s, char end, uint64_t max, uint64_t *value)
{
	char *behind;

	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	*value = strtoull(*s, &behind, 10);
	if (errno != 0 || *behind != end || *value > max)
		return false;
	*s = behind + 1;
	return true;
}

/* "1795602641.408:7685): " */
static bool
take_stamp(const char **s, struct record *r)
{
	uint64_t seconds, ms;

	if (!take_number(s, '.', UINT64_C(253402300799), &seconds) ||
	    !take_number(s, ':', 999, &ms) ||
	    !take_number(s, ')', UINT64_MAX, &r->serial) || **s != ':')
		return false;
	r->ms = (int64_t)(seconds * 1000 + ms);
	++*s;
	return true;
}

/*
 * The value of a field of this name, of `len` bytes, as it stands there, quotes
 * included; NULL if there is none that is whole.  The kernel writes what a user
 * has chosen in quotes if there is nothing in it that could end them, and as
 * hexadecimal if there is: so the first field of a name is the kernel's.
 */
static const char *
field(const char *s, const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (;;) {
		bool is_it;
		const char *value;

		s += strspn(s, " ");
		if (*s == '\0' || *s == '\x1d')	/* auditd's own follow */
			return NULL;
		is_it = strncmp(s, name, n) == 0 && s[n] == '=';
		value = s + strcspn(s, "= ");
		if (*value == '=')
			value++;
		*len = strcspn(value, " \x1d");
		if (*value == '"') {
			*len = strcspn(value + 1, "\"") + 2;
			if (memchr(value, '\0', *len) != NULL)
				return NULL;
		}
		if (is_it)
			return value;
		s = value + *len;
	}
}

static bool
number_field(const char *s, const char *name, int base, int64_t *value)
{
	size_t len;
	const char *at = field(s, name, &len);
	char text[24], *end;

	if (at == NULL || len == 0 || len >= sizeof text)
		return false;
	memcpy(text, at, len);
	text[len] = '\0';
	errno = 0;
	*value = strtoll(text, &end, base);
	return errno == 0 && *end == '\0' && end != text;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ?
	    c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What a user has chosen: quoted or hexadecimal; *len bytes of it. */
static bool
untrusted_field(const char *s, const char *name, char *dst, size_t size,
    size_t *len)
{
	const char *at = field(s, name, len);

	if (at == NULL || *len == 0)
		return false;
	if (*at == '"') {
		*len -= 2;
		if (*len >= size)
			return false;
		memcpy(dst, at + 1, *len);
		dst[*len] = '\0';
		return true;
	}
	if (*len % 2 != 0 || *len / 2 >= size)
		return false;
	*len /= 2;
	for (size_t i = 0; i < *len; i++) {
		int high = digit(at[2 * i]), low = digit(at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		dst[i] = (char)(high << 4 | low);
	}
	dst[*len] = '\0';
	return memchr(dst, '\0', *len) == NULL;
}

/* A path that is not known ("(null)"), or too long, is no reason to fail. */
static void
take_exe(const char *s, struct record *r)
{
	char raw[4096];
	size_t len;

	r->exe[0] = '\0';
	if (untrusted_field(s, "exe", raw, sizeof raw, &len))
		text_escape(r->exe, sizeof r->exe, raw, len);
}

/* Behind "audit(": stamp and fields. */
static enum record_kind
read_fields(const char *s, struct record *r)
{
	int64_t code, arch, sig;
	size_t len;

	if (!take_stamp(&s, r) || !number_field(s, "pid", 10, &r->pid) ||
	    !number_field(s, "uid", 10, &r->uid) ||
	    !untrusted_field(s, "comm", r->comm, sizeof r->comm, &len) ||
	    !number_field(s, "sig", 10, &sig) ||
	    !number_field(s, "arch", 16, &arch) ||
	    !number_field(s, "syscall", 10, &r->nr) ||
	    !number_field(s, "code", 16, &code))
		return RECORD_BROKEN;
	if (r->pid < 1 || r->pid > INT32_MAX || arch < 0 || arch > UINT32_MAX ||
	    r->nr < INT32_MIN || r->nr > UINT32_MAX || code < 0 ||
	    code > UINT32_MAX)
		return RECORD_BROKEN;
	r->arch = (uint32_t)arch;
	take_exe(s, r);
	/* A filter can also have a call logged that it allows or fails. */
	code &= SECCOMP_RET_ACTION_FULL;
	return sig == SIGSYS && (code == SECCOMP_RET_KILL_PROCESS ||
	    code == SECCOMP_RET_KILL_THREAD) ? RECORD_KILL : RECORD_OTHER;
}

/* ---- the forms ---------------------------------------------------------- */

/* What the kernel says, from its beginning. */
static enum record_kind
read_message(const char *s, struct record *r)
{
	if (strncmp(s, LEAD, strlen(LEAD)) == 0)
		return read_fields(s + strlen(LEAD), r);
	if (strncmp(s, LOST, strlen(LOST)) == 0)
		return RECORD_LOST;
	if (strncmp(s, LEFT_OUT, strlen(LEFT_OUT)) == 0) {
		s += strlen(LEFT_OUT);
		if (take_number(&s, ' ', UINT32_MAX, &r->lost))
			return RECORD_LOST;
	}
	return RECORD_NONE;
}

/* By somebody else. */
static enum record_kind
judge_forged(const char *s)
{
	return strstr(s, LEAD) != NULL || strstr(s, LEFT_OUT) != NULL ||
	    strstr(s, LOST) != NULL ? RECORD_FORGED : RECORD_FOREIGN;
}

/* "priority,sequence,microseconds,flags;message": the message, or NULL. */
static const char *
kmsg_message(const char *s, uint64_t *priority)
{
	uint64_t ignored;

	if (!take_number(&s, ',', UINT32_MAX, priority) ||
	    !take_number(&s, ',', UINT64_MAX, &ignored) ||
	    !take_number(&s, ',', UINT64_MAX, &ignored))
		return NULL;
	s = strchr(s, ';');
	return s != NULL ? s + 1 : NULL;
}

/* dmesg -x: "facility:level: ", each padded with spaces: the first, or "". */
static void
dmesg_facility(const char *s, char facility[16])
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err",
	    "warn", "notice", "info", "debug" };
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789");
	size_t gap = strspn(s + n, " ");
	const char *level = s + n + gap + 1;

	facility[0] = '\0';
	if (n == 0 || n >= 16 || s[n + gap] != ':')
		return;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		size_t len = strlen(levels[i]);

		if (strncmp(level, levels[i], len) == 0 &&
		    level[len + strspn(level + len, " ")] == ':') {
			memcpy(facility, s, n);
			facility[n] = '\0';
		}
	}
}

/* dmesg's "[ 1338.876339] ", or syslogd's " kernel: ". */
static bool
is_kernels_form(const char *s, const char *facility)
{
	size_t n;

	if (facility[0] != '\0')
		return strcmp(facility, "kern") == 0;
	if (strstr(s, " kernel: ") != NULL)
		return true;
	if (*s != '[')
		return false;
	n = strspn(s + 1, " 0123456789.");
	return n > 0 && strncmp(s + 1 + n, "] ", 2) == 0;
}

/*
 * Text in which something stands before what the kernel said.  Elsewhere in it
 * the same words may be somebody's who was quoted.
 */
static enum record_kind
read_text(const char *s, struct record *r)
{
	static const char *const leads[] = { LEAD, LEFT_OUT, LOST };
	char facility[16];
	const char *at = NULL;

	for (size_t i = 0; at == NULL && i < 3; i++)
		at = strstr(s, leads[i]);
	dmesg_facility(s, facility);
	if (at == NULL || (at != s && (at - s < 2 || at[-1] != ' ' ||
	    (at[-2] != ']' && at[-2] != ':'))))
		return is_kernels_form(s, facility) ? RECORD_NONE :
		    RECORD_FOREIGN;
	if (facility[0] != '\0' && strcmp(facility, "kern") != 0)
		return RECORD_FORGED;
	r->attested = facility[0] != '\0';
	return read_message(at, r);
}

/* Of auditd, perhaps with "node=NAME " before it: "type=...", or NULL. */
static const char *
auditd_type(const char *s)
{
	const char *type = s;

	if (strncmp(s, "node=", 5) == 0) {
		type += strcspn(s, " ");
		type += *type == ' ';
	}
	s = type + strcspn(type, " ");
	return strncmp(type, "type=", 5) == 0 &&
	    strncmp(s, " msg=audit(", 11) == 0 ? type : NULL;
}

/* "type=SECCOMP msg=audit(...": what follows. */
static const char *
auditd_fields(const char *s)
{
	static const char *const heads[] = { "type=SECCOMP msg=audit(",
	    "type=1326 msg=audit(", "type=UNKNOWN[1326] msg=audit(" };

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		if (strncmp(s, heads[i], strlen(heads[i])) == 0)
			return s + strlen(heads[i]);
	return NULL;
}

/* ---- the journal's ------------------------------------------------------ */

static const char *
member(const json_t *entry, const char *key)
{
	const char *s = json_string_value(json_object_get(entry, key));

	return s != NULL ? s : "";
}

/* Over the audit socket: the stamp is in fields of its own. */
static enum record_kind
read_audit_entry(const json_t *entry, struct record *r)
{
	const char *message = member(entry, "MESSAGE");
	const char *time = member(entry, "_SOURCE_REALTIME_TIMESTAMP");
	const char *serial = member(entry, "_AUDIT_ID");
	uint64_t us;
	char text[LINE_MAX_BYTES];

	if (strcmp(member(entry, "_AUDIT_TYPE"), "1326") != 0)
		return RECORD_NONE;
	if (strncmp(message, "SECCOMP ", 8) != 0 || !take_number(&time, '\0',
	    UINT64_C(253402300799999999), &us) || *serial < '0' ||
	    *serial > '9' || strlen(serial) > 20)
		return RECORD_BROKEN;
	us /= 1000;
	snprintf(text, sizeof text, "%" PRIu64 ".%03u:%s): %s", us / 1000,
	    (unsigned)(us % 1000), serial, message + 8);
	return read_fields(text, r);
}

static enum record_kind
read_entry(const char *s, size_t len, struct record *r)
{
	json_t *entry = json_loadb(s, len, 0, NULL);
	enum record_kind kind = RECORD_NONE;

	if (!json_is_object(entry)) {
		kind = RECORD_BROKEN;
	} else if (strcmp(member(entry, "_TRANSPORT"), "audit") == 0) {
		r->attested = true;
		kind = read_audit_entry(entry, r);
	} else if (strcmp(member(entry, "_TRANSPORT"), "kernel") == 0 &&
	    strcmp(member(entry, "SYSLOG_FACILITY"), "0") == 0) {
		r->attested = true;
		kind = read_message(member(entry, "MESSAGE"), r);
	} else {
		kind = judge_forged(member(entry, "MESSAGE"));
	}
	json_decref(entry);
	return kind;
}

enum record_kind
record_read(const char *line, size_t len, struct record *r)
{
	char text[LINE_MAX_BYTES] = "";
	const char *s;
	uint64_t priority;

	*r = (struct record){ .attested = false };
	if (len > 0 && line[0] == '{')
		return read_entry(line, len, r);
	if (len >= sizeof text)
		len = sizeof text - 1;
	memcpy(text, line, len);
	text[len] = '\0';
	if ((s = kmsg_message(text, &priority)) != NULL) {
		if (priority >> 3 != 0)		/* its facility */
			return judge_forged(s);
		r->attested = true;
		return read_message(s, r);
	}
	if ((s = auditd_type(text)) != NULL) {
		s = auditd_fields(s);
		r->attested = s != NULL;
		return s != NULL ? read_fields(s, r) : RECORD_NONE;
	}
	return read_text(text, r);
}
