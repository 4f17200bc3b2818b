/*
 * What a CA has issued and revoked: a text file beside its certificate,
 * FILE.index, one line a certificate.
 *
 *	postern-certgen index 1
 *	ca SHA256:...			of the CA's public key
 *	crl 3 2026-11-23T10:00:00Z	number and time of the newest list
 *	SERIAL STATE NOT-AFTER ROLE REVOKED REASON SUBJECT
 *	end 1				as many lines as there are between
 *
 * STATE is valid or revoked; "-" stands for what is not known.  The last line
 * is there so that a file cut short is not taken for one: the list made of it
 * would let in whoever was revoked.
 */
#ifndef POSTERN_CERTGEN_INDEX_H
#define POSTERN_CERTGEN_INDEX_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "authority.h"

/* No moment, no reason: "-" in the file. */
#define UNKNOWN (-1)

/* Room for a serial of 32 bytes, as x509_serial_text has it. */
#define SERIAL_SIZE 66

/* Of the file: for those of the CA's group, who can use its key as well. */
#define INDEX_MODE 0640

struct record {
	char		*serial;	/* as x509_serial_text has it */
	char		*subject;	/* escaped */
	char		 role[12];	/* its word, or "-" */
	time_t		 not_after;	/* or UNKNOWN */
	bool		 revoked;
	time_t		 revoked_at;	/* if so; or UNKNOWN */
	int		 reason;	/* RFC 5280's number, or UNKNOWN */
};

struct index {
	char		 ca[72];	/* "SHA256:" and 64 digits */
	uint64_t	 crl_number;	/* 0: none yet */
	time_t		 crl_time;	/* or UNKNOWN */
	size_t		 count, room;
	struct record	*records;	/* in the order of issuing */
};

/* The bytes of the file, malloc'ed; NULL if there is none. */
uint8_t *index_read(const struct authority *a, size_t *len);

/*
 * Make an index of these bytes (NULL: an empty one) for the CA.  One that is
 * damaged or another CA's ends the program with EX_DATAERR, the file's name
 * and the line's number.
 */
void index_parse(struct index *x, const struct authority *a,
    const uint8_t *text, size_t len);
void index_free(struct index *x);

/* An empty one, for a CA that is just being made. */
void index_init(struct index *x, X509 *ca);

/* The file's new bytes; malloc'ed, the caller's. */
uint8_t *index_text(const struct index *x, size_t *len);

/* The record of this serial, or NULL. */
struct record *index_find(const struct index *x, const char *serial);

/*
 * Append what is known of a certificate, with a role's word or "-"; or of a
 * serial alone.  The record is the index's, until the next is appended.
 */
struct record *index_add(struct index *x, X509 *cert, const char *role);
struct record *index_add_serial(struct index *x, const char *serial);

/* A reason's word by RFC 5280's number, NULL if it has none; and back, -1. */
const char *reason_name(int number);
int reason_number(const char *name);

#endif
