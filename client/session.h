/*
 * One TLS connection as its client: libtls over callbacks, with buffers of our
 * own between it and the socket, so that the kernel is asked once for many
 * records and once per flight, and nothing goes out before we say so.
 */
#ifndef POSTERN_CLIENT_SESSION_H
#define POSTERN_CLIENT_SESSION_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tls.h>

#include "beneath.h"

/* The socket's number, which the client's seccomp policy knows. */
#define SESSION_FD 3

/* Most bytes of one session_read or session_write: a TLS record's. */
#define SESSION_CHUNK 16384

enum session_status {
	SESSION_OK,
	SESSION_AGAIN,		/* wait for the socket, then once more */
	SESSION_CLOSED,		/* the server's orderly end: close_notify */
	SESSION_CUT,		/* an end without close_notify, or a reset */
	SESSION_REFUSED,	/* the server's alert; session_why names it */
	SESSION_UNTRUSTED,	/* libtls does not trust it: session_why */
	SESSION_BROKEN,		/* not TLS as it should be: session_why */
	SESSION_LOST,		/* the network failed: session_why */
	SESSION_TIMEOUT
};

struct session;

/*
 * A connection configured but not yet made; `config` (the caller's, which may
 * be freed after this) is read here, keys included.  `servername` goes into
 * SNI if it is a name.  NULL and, in *why, words of libtls's (valid until the
 * next call) if it does not take the configuration.
 */
struct session *session_new(struct tls_config *config, const char *servername,
    const char **why);

void session_free(struct session *s);

/*
 * Queue bytes that go out before all of TLS; right after session_new, and no
 * more than 1024.
 */
void session_prepend(struct session *s, const uint8_t *bytes, size_t len);

/*
 * Handshake on the connected, non-blocking socket SESSION_FD.  SESSION_OK: the
 * handshake is complete on our side, but our last flight (with TLS 1.3: our
 * certificate too) is still here, for whoever is to judge the server first;
 * session_flush or anything after it sends it.
 */
enum session_status session_handshake(struct session *s, int64_t deadline);

/*
 * Read 1 to SESSION_CHUNK bytes into `buf`, which holds SESSION_CHUNK: OK with
 * *len > 0, or any other status.  What is no error but an end is final.
 */
enum session_status session_read(struct session *s, uint8_t *buf, size_t *len);

/*
 * Encrypt 1 to SESSION_CHUNK bytes, all or (AGAIN) none; after AGAIN the next
 * call must be with the same bytes.  What cannot be sent is no error here:
 * whether the server said why shows only in what it sent (session_read).
 */
enum session_status session_write(struct session *s, const uint8_t *buf,
    size_t len);

/*
 * Wait until there may be something to read, or room for what is queued; false
 * if the deadline has passed.
 */
bool session_wait(const struct session *s, int64_t deadline);

/* Queue our close_notify: we have no more to say, and still listen. */
void session_finish(struct session *s);

/* Send what is queued, as far as it goes without waiting. */
void session_flush(struct session *s);

/*
 * Tell the server that we have no more to say, and let it end the session too,
 * passing over what it sends: a socket that is closed on unread bytes resets
 * the connection, and the server might lose our last words.  Ends at the
 * deadline at the latest.
 */
void session_part(struct session *s, int64_t deadline);

/* Bytes queued; bytes that left for the network so far. */
size_t session_queued(const struct session *s);
uint64_t session_sent(const struct session *s);

/*
 * Of the bytes given to session_write, those that certainly left for the
 * network: of a piece all or none.
 */
uint64_t session_data_sent(const struct session *s);

/* Sending has failed for good, and what was queued is given up. */
bool session_deaf(const struct session *s);

/* Bytes given to session_write have not all left for the network. */
bool session_unsent(const struct session *s);

/* Words for the last status that needs some; "" if there are none. */
const char *session_why(const struct session *s);

/* The alert of SESSION_REFUSED (RFC 8446, 6), else -1. */
int session_alert(const struct session *s);

/*
 * The certificates that the server sent, leaf first, also where it was not
 * trusted; the session's.  NULL if it sent none.
 */
STACK_OF(X509) *session_peer_chain(struct session *s);

/* "TLSv1.3", the cipher's name, the group's; static; NULL: not known. */
const char *session_version(const struct session *s);
const char *session_cipher(const struct session *s);
const char *session_group(const struct session *s);

/* Has the server asked for a certificate of ours? */
enum asked session_asked(const struct session *s);

/* Is the server's certificate for this name or address (RFC 6125)? */
bool session_peer_has_name(struct session *s, const char *name);

#endif
