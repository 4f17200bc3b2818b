#include "hostcheck.h"

#include <stdio.h>
#include <string.h>

#include "addr.h"

enum hostcheck
hostcheck_address(const struct rules *r, X509 *leaf,
    const struct sockaddr_storage *from, enum reason *why, char *words)
{
	char host[ADDR_TEXT];

	*why = REASON_NONE;
	snprintf(words, HOSTCHECK_TEXT, "host-check = no");
	if (r->host_check == HOST_CHECK_NO)
		return HOSTCHECK_HOLDS;
	addr_host_text(from, host);
	if (r->host_check != HOST_CHECK_NAME) {
		bool fits = judge_address(leaf, from);

		snprintf(words, HOSTCHECK_TEXT, "%s is %s of its IP names",
		    host, fits ? "one" : "none");
		if (fits)
			return HOSTCHECK_HOLDS;
	}
	if (r->host_check != HOST_CHECK_ADDRESS)
		return HOSTCHECK_ASK;
	*why = REASON_ADDRESS_MISMATCH;
	return HOSTCHECK_FAILS;
}

/* "a.example, b.example", as far as there is room. */
static void
list_names(const struct resolver_answer *a, char *dst, size_t size)
{
	dst[0] = '\0';
	for (uint32_t i = 0; i < a->names; i++) {
		size_t n = strlen(dst);

		snprintf(dst + n, size - n, "%s%s", i == 0 ? "" : ", ",
		    a->name[i]);
	}
}

enum reason
hostcheck_names(X509 *leaf, const struct resolver_answer *a, char *words)
{
	char names[HOSTCHECK_TEXT - 64];

	snprintf(words, HOSTCHECK_TEXT, "%s", a->detail);
	if (a->status != RESOLVER_ANSWERED)
		return REASON_RESOLVER_TIMEOUT;
	if (a->names == 0)
		return REASON_NAME_UNCONFIRMED;
	for (uint32_t i = 0; i < a->names; i++) {
		if (!judge_name(leaf, a->name[i]))
			continue;
		snprintf(words, HOSTCHECK_TEXT, "%s is its name, and "
		    "look-ups confirm it", a->name[i]);
		return REASON_NONE;
	}
	list_names(a, names, sizeof names);
	snprintf(words, HOSTCHECK_TEXT, "look-ups confirm %s, which its "
	    "certificate does not name", names);
	return REASON_ADDRESS_MISMATCH;
}
