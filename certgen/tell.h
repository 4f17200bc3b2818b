/*
 * With -v: what was written, one line a file, told when it is.
 */
#ifndef POSTERN_CERTGEN_TELL_H
#define POSTERN_CERTGEN_TELL_H

#include <openssl/x509.h>
#include <stdio.h>

#include "output.h"

/* A stream whose text becomes m->said with tell_end. */
FILE *tell_begin(struct made *m);
void tell_end(FILE *f);

/* "PATH: certificate, SUBJECT, until TIME, SHA256:..." */
void tell_certificate(FILE *f, const char *path, X509 *cert);

/* "PATH: names NAMES" if it has any, or "PATH: no names but its subject". */
void tell_names(FILE *f, const char *path, X509 *cert);

#endif
