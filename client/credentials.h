/*
 * Who we are: our certificate and its private key.
 */
#ifndef POSTERN_CLIENT_CREDENTIALS_H
#define POSTERN_CLIENT_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>
#include <tls.h>

/*
 * Read a PEM file whole, or a pipe that somebody writes to.  The caller wipes
 * and frees with file_wipe.  Ends the program with EX_NOINPUT if it cannot be
 * had.
 */
uint8_t *credentials_read(const char *path, size_t *len);

/*
 * Give `config` the certificate (chain) and private key of these two files;
 * nothing if both are NULL.  No copy but config's own stays in memory
 * (tls_config_clear_keys ends that one).  Ends the program with EX_NOINPUT if
 * a file is unreadable or damaged, or the two do not belong together.
 */
void credentials_load(struct tls_config *config, const char *cert_file,
    const char *key_file);

#endif
