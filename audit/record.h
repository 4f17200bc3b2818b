/*
 * A line of the kernel's records of processes that a seccomp filter killed, in
 * any of the forms in which it is to be had:
 *
 *	6,749,1338876339,-;audit: type=1326 audit(...): ...	/dev/kmsg
 *	kern  :notice: [ 1338.876339] audit: type=1326 ...	dmesg -x
 *	[ 1338.876339] audit: type=1326 audit(...): ...		dmesg, syslog
 *	type=SECCOMP msg=audit(...): ...			audit.log
 *	{"_TRANSPORT": "kernel", "MESSAGE": ...}	journalctl -o json
 *
 * Whoever may write to /dev/kmsg can write the words of a record, but not as
 * the kernel (facility 0); the third form has lost who it was.
 */
#ifndef POSTERN_RECORD_H
#define POSTERN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind {
	RECORD_FOREIGN,		/* in none of the forms the kernel's */
	RECORD_NONE,		/* about something else */
	RECORD_KILL,
	RECORD_OTHER,		/* a call was logged, and nobody killed */
	RECORD_FORGED,		/* the words of one, and not by the kernel */
	RECORD_BROKEN,		/* one that is cut short, or no kernel's */
	RECORD_LOST		/* the kernel has left some out: `lost` */
};

#define RECORD_NAME	64	/* of a comm; the kernel's have 16 */
#define RECORD_PATH	512	/* of an exe as it is shown, escaped */

struct record {
	bool		 attested;	/* the kernel's for sure */
	int64_t		 ms;		/* since 1970 */
	uint64_t	 serial;
	int64_t		 pid, uid, nr;
	uint32_t	 arch;		/* AUDIT_ARCH_* */
	char		 comm[RECORD_NAME];	/* any bytes but NUL */
	char		 exe[RECORD_PATH];	/* "" if not known */
	uint64_t	 lost;		/* 0: it is not told how many */
};

/* The line, without its newline, has `len` bytes; *r is whole for a kill. */
enum record_kind record_read(const char *line, size_t len, struct record *r);

#endif
