/*
 * Name constraints (RFC 5280, 4.2.1.10): for which names a CA may issue.
 */
#ifndef POSTERN_CERTGEN_CONSTRAINTS_H
#define POSTERN_CERTGEN_CONSTRAINTS_H

#include <openssl/x509v3.h>

/* What --permit has listed; `all` is NULL as long as that is nothing. */
struct constraints {
	NAME_CONSTRAINTS	*all;	/* owned */
};

void constraints_free(struct constraints *c);

/*
 * Add each item of a comma-separated list: "dns:example.org" (it and all
 * beneath), "ip:10.0.0.0/8" or one address, "email:example.org" (a host's
 * mailboxes; with a dot before, those of all hosts beneath) or one mailbox,
 * "uri:example.org" (URIs of that host; with a dot, of those beneath).  What
 * is none of that ends the program with one line and EX_USAGE.
 */
void constraints_permit(struct constraints *c, const char *list);

#endif
