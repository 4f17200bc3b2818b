/*
 * posternd: exporter.  Reads the board and tells what it says: metrics over
 * HTTP, and to root who is there.  It has no key and no client, and nobody
 * waits for it.
 */
#ifndef POSTERN_EXPORTER_H
#define POSTERN_EXPORTER_H

#include <stdint.h>

/* Its descriptors at its start; 0 and 1 are /dev/null, 2 is the log. */
enum {
	EXPORTER_SETUP_FD = 3,	/* struct exporter_setup, in a memfd */
	EXPORTER_BOARD_FD,	/* the board, open to read */
	EXPORTER_METRICS_FD,	/* the listening sockets, or /dev/null */
	EXPORTER_STATUS_FD,
	EXPORTER_FD_END
};

struct exporter_setup {
	uint32_t	size;		/* of this structure: one build */
	int32_t		log_kind;	/* enum log_kind */
	int32_t		log_level;
	uint32_t	one_uid;	/* -U: no other user to become */
	uint32_t	uid, gid;	/* to become, if not */
	int32_t		supervisor;	/* pid whose death is ours */
	uint32_t	slots;		/* of the board */
	uint32_t	metrics, status;	/* is there such a socket? */
};

/* Serve those two until the supervisor is gone. */
_Noreturn void exporter_main(void);

#endif
