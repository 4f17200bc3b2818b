/*
 * Where libcrypto keeps the private key, and that what libcrypto and libssl
 * free is wiped, but for libssl's buffers of records.
 *
 * With OpenSSL the key lies in its secure heap, which here is memory of
 * memfd_secret(2) where the kernel has that: not even root reads it, by
 * ptrace(2) or /proc/PID/mem, and the kernel has it in no mapping of its own.
 * Elsewhere that heap is locked, and left out of core files.  LibreSSL has no
 * such heap: then it is all memory that was there when the key had been read.
 *
 * The heap would be shared with a child that is forked and not executed.
 */
#ifndef POSTERN_SECRET_H
#define POSTERN_SECRET_H

/* Must be lockable (RLIMIT_MEMLOCK), and is wanted if it can be had (bytes). */
#define SECRET_LOCK_MIN	(2U << 20)
#define SECRET_LOCK_MAX	(64U << 20)

/*
 * Before anything of libcrypto is used; needs /proc.  That the key will be
 * where it should is tried; failure is fatal.
 */
void secret_init(void);

/*
 * Between these two all that libcrypto asks for comes from the secure heap, as
 * far as there is room: while the key is read, and used for the first time, for
 * libcrypto keeps parts of some keys (RSA's primes) as ordinary numbers.
 */
void secret_begin(void);
void secret_end(void);

/* The key is where it will stay. */
void secret_settle(void);

#endif
