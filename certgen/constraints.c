#include "constraints.h"

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "addr.h"
#include "crypto.h"
#include "names.h"
#include "text.h"

#define ADDRESS_MAX 16		/* bytes of an IPv6 address */

void
constraints_free(struct constraints *c)
{
	NAME_CONSTRAINTS_free(c->all);
	c->all = NULL;
}

static _Noreturn void
refuse(const char *item, const char *why)
{
	char shown[128];

	text_escape(shown, sizeof shown, item, strlen(item));
	errx(EX_USAGE, "--permit: \"%s\": %s", shown, why);
}

static void
push(struct constraints *c, int type, const void *data, size_t len)
{
	GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
	GENERAL_NAME *base = tree == NULL ? NULL : tree->base;
	ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() :
	    ASN1_IA5STRING_new();

	if (c->all == NULL && (c->all = NAME_CONSTRAINTS_new()) != NULL)
		c->all->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
	if (c->all == NULL || c->all->permittedSubtrees == NULL ||
	    base == NULL || s == NULL ||
	    ASN1_STRING_set(s, data, (int)len) != 1)
		crypto_fatal("name constraints");
	GENERAL_NAME_set0_value(base, type, s);
	if (sk_GENERAL_SUBTREE_push(c->all->permittedSubtrees, tree) == 0)
		crypto_fatal("name constraints");
}

/* ---- addresses ---------------------------------------------------------- */

/* The address and the mask after it, in one string: RFC 5280's form. */
static void
permit_ip(struct constraints *c, const char *item, const char *value)
{
	uint8_t bytes[2 * ADDRESS_MAX] = { 0 };
	struct cidr net;
	size_t len;

	if (!addr_parse_cidr(value, &net))
		refuse(item, "is not an address or ADDRESS/BITS (10.0.0.0/8), "
		    "with no bit of the address set after its first BITS");
	len = net.family == AF_INET ? 4 : ADDRESS_MAX;
	memcpy(bytes, net.address, len);
	for (uint32_t bit = 0; bit < net.bits; bit++)
		bytes[len + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	push(c, GEN_IPADD, bytes, 2 * len);
}

/* ---- the other kinds ---------------------------------------------------- */

static void
permit_dns(struct constraints *c, const char *item, const char *value)
{
	if (value[0] == '.')
		refuse(item, "begins with a dot; without one it covers the "
		    "name and all beneath it");
	if (!names_is_host(value))
		refuse(item, "is not a host name (dns:example.org)");
	push(c, GEN_DNS, value, strlen(value));
}

/* A host, or with a dot before it all hosts beneath. */
static bool
is_domain(const char *value)
{
	return names_is_host(value[0] == '.' ? value + 1 : value);
}

static void
permit_email(struct constraints *c, const char *item, const char *value)
{
	if (!is_domain(value) && !names_is_email(value))
		refuse(item, "is neither a host nor a mailbox "
		    "(email:example.org, email:.example.org, email:a@b.org)");
	push(c, GEN_EMAIL, value, strlen(value));
}

static void
permit_uri(struct constraints *c, const char *item, const char *value)
{
	if (!is_domain(value))
		refuse(item, "is not a host (uri:example.org, "
		    "uri:.example.org); that part of a URI is what counts");
	push(c, GEN_URI, value, strlen(value));
}

static void
permit(struct constraints *c, const char *item)
{
	static const struct {
		const char	*prefix;
		void		(*add)(struct constraints *, const char *,
				    const char *);
	} kinds[] = { { "dns:", permit_dns }, { "ip:", permit_ip },
	    { "email:", permit_email }, { "uri:", permit_uri } };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncasecmp(item, kinds[i].prefix, n) != 0)
			continue;
		kinds[i].add(c, item, item + n);
		return;
	}
	refuse(item, "is none of dns:HOST, ip:ADDRESS/BITS, email:HOST, "
	    "uri:HOST");
}

void
constraints_permit(struct constraints *c, const char *list)
{
	char *copy = strdup(list), *rest = copy, *item;

	if (copy == NULL)
		err(EX_OSERR, "--permit");
	while ((item = strsep(&rest, ",")) != NULL)
		permit(c, item);
	free(copy);
}
