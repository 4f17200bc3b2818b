/* These numbers are reached alike in both libraries only the old way. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "needle.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "filter.h"
#include "privkey.h"

/* The kernel's own "nobody". */
#define NOBODY		65534
/* Fewer bytes are found by chance. */
#define NEEDLE_MIN	16
/*
 * The characters of a PEM line; the first two hold secrets, whatever the key.
 */
#define PEM_LINE	64

/* ---- in the child -------------------------------------------------------- */

static bool
fill(struct needle *to, const char *what, const uint8_t *data, size_t len)
{
	if (len < NEEDLE_MIN || len > NEEDLE_BYTES)
		return false;
	to->len = (uint32_t)len;
	snprintf(to->what, sizeof to->what, "%s", what);
	memcpy(to->data, data, len);
	return true;
}

static void
add(struct needles *n, const char *what, const uint8_t *data, size_t len)
{
	n->count += n->count < NEEDLES &&
	    fill(&n->needle[n->count], what, data, len);
}

static void
add_number(struct needles *n, const char *what, const BIGNUM *bn)
{
	uint8_t big[NEEDLE_BYTES], little[NEEDLE_BYTES];
	char backward[28];
	int len;

	if (bn == NULL || BN_num_bytes(bn) > (int)sizeof big)
		return;
	len = BN_bn2bin(bn, big);
	for (int i = 0; i < len; i++)
		little[i] = big[len - 1 - i];
	add(n, what, big, (size_t)len);
	snprintf(backward, sizeof backward, "%s, reversed", what);
	add(n, backward, little, (size_t)len);
}

static void
add_rsa(struct needles *n, const RSA *rsa)
{
	const BIGNUM *d, *p, *q, *dp, *dq;

	RSA_get0_key(rsa, NULL, NULL, &d);
	RSA_get0_factors(rsa, &p, &q);
	RSA_get0_crt_params(rsa, &dp, &dq, NULL);
	add_number(n, "exponent", d);
	add_number(n, "prime", p);
	add_number(n, "prime", q);
	add_number(n, "exponent mod p", dp);
	add_number(n, "exponent mod q", dq);
}

static void
add_raw(struct needles *n, const EVP_PKEY *key)
{
	uint8_t raw[NEEDLE_BYTES];
	size_t len = sizeof raw;

	if (EVP_PKEY_get_raw_private_key(key, raw, &len) == 1)
		add(n, "private key", raw, len);
}

/* `len` bytes of it, or as many as it has (0), as a certificate has them. */
static void
set_known(struct needles *n, const BIGNUM *bn, int len)
{
	uint8_t big[NEEDLE_BYTES];

	if (len == 0)
		len = BN_num_bytes(bn);
	if (len <= (int)sizeof big && BN_bn2binpad(bn, big, len) == len)
		fill(&n->known, "modulus", big, (size_t)len);
}

/* x alone: y is not in a certificate that has the point compressed. */
static void
set_known_ec(struct needles *n, const EC_KEY *ec)
{
	const EC_GROUP *group = EC_KEY_get0_group(ec);
	const EC_POINT *point = EC_KEY_get0_public_key(ec);
	BIGNUM *x = BN_new();

	if (x != NULL && point != NULL && EC_POINT_get_affine_coordinates(group,
	    point, x, NULL, NULL) == 1)
		set_known(n, x, (EC_GROUP_get_degree(group) + 7) / 8);
	BN_free(x);
}

static void
set_known_raw(struct needles *n, const EVP_PKEY *key)
{
	uint8_t raw[NEEDLE_BYTES];
	size_t len = sizeof raw;

	if (EVP_PKEY_get_raw_public_key(key, raw, &len) == 1)
		fill(&n->known, "public key", raw, len);
}

static void
add_key(struct needles *n, EVP_PKEY *key)
{
	const EC_KEY *ec;
	const RSA *rsa;

	switch (EVP_PKEY_base_id(key)) {
	case EVP_PKEY_EC:
		ec = EVP_PKEY_get0_EC_KEY(key);
		add_number(n, "scalar", EC_KEY_get0_private_key(ec));
		set_known_ec(n, ec);
		break;
	case EVP_PKEY_RSA:
		rsa = EVP_PKEY_get0_RSA(key);
		add_rsa(n, rsa);
		set_known(n, RSA_get0_n(rsa), 0);
		break;
	default:
		add_raw(n, key);
		set_known_raw(n, key);
		break;
	}
}

/* The first two lines of the body, and no less than whole ones. */
static void
add_pem(struct needles *n, const uint8_t *pem, size_t len)
{
	static const char mark[] = "PRIVATE KEY-----\n";
	const uint8_t *body = memmem(pem, len, mark, sizeof mark - 1);

	for (int i = 0; body != NULL && i < 2; i++) {
		const uint8_t *end = pem + len;

		body += i == 0 ? sizeof mark - 1 : PEM_LINE + 1;
		if (body >= end || (size_t)(end - body) < PEM_LINE ||
		    memchr(body, '\n', PEM_LINE) != NULL)
			return;
		add(n, "PEM body", body, PEM_LINE);
	}
}

static void
confine(pid_t parent)
{
	confine_no_new_privs();
	confine_drop_user(NOBODY, NOBODY);
	confine_hide();
	confine_die_with_parent(parent);
	confine_close_from(STDERR_FILENO + 1);
	confine_landlock();
	filter_apply(POLICY_LOOKER);
}

static _Noreturn void
child(int out, pid_t parent, const uint8_t *pem, size_t len)
{
	static struct needles n;
	const char *why;
	EVP_PKEY *key;

	if (dup2(out, STDOUT_FILENO) == -1)
		_exit(EX_OSERR);
	confine(parent);
	switch (privkey_parse(pem, len, NULL, &key, &why)) {
	case PRIVKEY_OK:
		add_key(&n, key);
		add_pem(&n, pem, len);
		if (n.count == 0 || n.known.len == 0)
			_exit(EX_DATAERR);
		break;
	case PRIVKEY_NONE:
		break;
	default:
		_exit(EX_DATAERR);
	}
	_exit(write(STDOUT_FILENO, &n, sizeof n) == (ssize_t)sizeof n ? EX_OK :
	    EX_IOERR);
}

/* ---- in the auditor ------------------------------------------------------ */

static bool
receive(int from, void *dst, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(from, (uint8_t *)dst + have, size - have);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static bool
sound_needle(const struct needle *n)
{
	return n->len >= NEEDLE_MIN && n->len <= NEEDLE_BYTES &&
	    memchr(n->what, '\0', sizeof n->what) != NULL;
}

/* What the child says is no more believed than what it parsed. */
static bool
sound(const struct needles *n)
{
	if (n->count > NEEDLES)
		return false;
	for (uint32_t i = 0; i < n->count; i++)
		if (!sound_needle(&n->needle[i]))
			return false;
	return n->count == 0 || sound_needle(&n->known);
}

bool
needles_of(const uint8_t *pem, size_t len, struct needles *n, char *why,
    size_t why_size)
{
	pid_t self = getpid(), pid;
	int pair[2], status = 0;
	bool ok;

	/* What it would open a file for is done before it is confined. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	if (pipe(pair) == -1 || (pid = fork()) == -1) {
		snprintf(why, why_size, "no child to parse it: %s",
		    strerror(errno));
		return false;
	}
	if (pid == 0)
		child(pair[1], self, pem, len);
	close(pair[1]);
	ok = receive(pair[0], n, sizeof *n);
	close(pair[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0 && sound(n))
		return true;
	snprintf(why, why_size, "its private key cannot be parsed (%s %d)",
	    WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ?
	    WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}
