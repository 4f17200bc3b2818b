#include "role.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "x509text.h"

static const char *const words[ROLE_COUNT] = {
	[ROLE_SELF_SIGNED] = "self-signed",
	[ROLE_CA] = "ca",
	[ROLE_SERVER] = "server",
	[ROLE_CLIENT] = "client",
};

const char *
role_word(enum role role)
{
	return words[role];
}

bool
role_parse(const char *word, enum role *role)
{
	for (enum role r = 0; r < ROLE_COUNT; r++)
		if (strcmp(word, words[r]) == 0) {
			*role = r;
			return true;
		}
	return false;
}

bool
role_of(X509 *cert, enum role *role)
{
	bool server = x509_has_usage(cert, NID_server_auth);
	bool client = x509_has_usage(cert, NID_client_auth);
	bool ca = X509_check_ca(cert) != 0;

	if (server + client + ca != 1)
		return false;
	*role = ca ? ROLE_CA : server ? ROLE_SERVER : ROLE_CLIENT;
	return true;
}
