/*
 * Revocation lists (RFC 5280, 5), made from a CA's index.
 */
#ifndef POSTERN_CERTGEN_CRL_H
#define POSTERN_CERTGEN_CRL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "authority.h"
#include "index.h"

/* Days until the next list, if nobody says otherwise. */
#define CRL_DAYS 30

/* End the program with EX_DATAERR unless the CA may sign lists. */
void crl_check_authority(const struct authority *a);

/*
 * Take over what the list in `pem`, which is about to be replaced, knows and
 * the index does not: its number, and whom it revokes.  So an index that was
 * lost or put back from a backup opens the door to nobody.  A list that is
 * damaged, another CA's or not alone ends the program with EX_DATAERR.
 */
void crl_take_over(struct index *x, const struct authority *a,
    const char *path, const uint8_t *pem, size_t len);

/*
 * The next list, as PEM (malloc'ed, the caller's): all that are revoked, but
 * for those that an earlier list has named after they had expired.  Its number
 * and time are noted in the index, which must be written with it.
 */
uint8_t *crl_make(struct index *x, const struct authority *a, time_t now,
    int days, size_t *len);

#endif
