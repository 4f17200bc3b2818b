#include "describe.h"

#include <arpa/inet.h>
#include <err.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "csr.h"
#include "index.h"
#include "moment.h"
#include "text.h"
#include "x509text.h"

#define DAY 86400

/* ---- pieces ------------------------------------------------------------- */

static void
set(json_t *o, const char *key, json_t *value)
{
	if (value == NULL || json_object_set_new(o, key, value) == -1)
		errx(EX_OSERR, "out of memory");
}

static void
append(json_t *array, json_t *value)
{
	if (value == NULL || json_array_append_new(array, value) == -1)
		errx(EX_OSERR, "out of memory");
}

static json_t *
name_text(const X509_NAME *name)
{
	char text[X509_NAME_TEXT];

	x509_name_text(name, text, sizeof text);
	return json_string(text);
}

static json_t *
time_text(const ASN1_TIME *t)
{
	char text[24];

	x509_time_text(t, text);
	return json_string(text);
}

/* Whole days until then; negative: so many ago.  Null if it is malformed. */
static json_t *
days_left(const ASN1_TIME *t)
{
	time_t when, now = time(NULL);

	if (!moment_of(t, &when))
		return json_null();
	return json_integer((when - now) / DAY - (when < now ? 1 : 0));
}

static json_t *
pin_text(bool ok, const uint8_t hash[32])
{
	char text[7 + 65] = "SHA256:";

	if (!ok)
		return json_null();
	text_hex(text + 7, hash, 32);
	return json_string(text);
}

json_t *
describe_pin(X509 *cert)
{
	uint8_t hash[32];

	return pin_text(x509_sha256(cert, hash), hash);
}

json_t *
describe_key_pin(X509 *cert)
{
	uint8_t hash[32];

	return pin_text(x509_spki_sha256(cert, hash), hash);
}

/* ---- extensions --------------------------------------------------------- */

static bool
add_name(const char *name, void *array)
{
	append(array, json_string(name));
	return true;
}

static json_t *
names(X509 *cert)
{
	json_t *all = json_array();

	if (!x509_each_name(cert, add_name, all))
		append(all, json_string("malformed"));
	return all;
}

/* RFC 5280, 4.2.1.3: by their names there, in the order of their bits. */
static json_t *
key_usages(X509 *cert)
{
	static const char *const bits[] = { "digitalSignature",
	    "nonRepudiation", "keyEncipherment", "dataEncipherment",
	    "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly",
	    "decipherOnly" };
	ASN1_BIT_STRING *usage = X509_get_ext_d2i(cert, NID_key_usage, NULL,
	    NULL);
	json_t *all = json_array();

	for (int i = 0; usage != NULL &&
	    i < (int)(sizeof bits / sizeof bits[0]); i++)
		if (ASN1_BIT_STRING_get_bit(usage, i) != 0)
			append(all, json_string(bits[i]));
	ASN1_BIT_STRING_free(usage);
	ERR_clear_error();
	return all;
}

static json_t *
usages(X509 *cert)
{
	char text[X509_NAME_TEXT], *rest = text, *one;
	json_t *all = json_array();

	x509_usages_text(cert, text, sizeof text);
	while (text[0] != '\0' && (one = strsep(&rest, ",")) != NULL)
		append(all, json_string(one));
	return all;
}

/* Whether it is a CA's; and how many CAs may be beneath it, null: any. */
static void
set_ca(json_t *o, X509 *cert)
{
	BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(cert, NID_basic_constraints,
	    NULL, NULL);
	bool ca = bc != NULL && bc->ca != 0;

	set(o, "ca", json_boolean(ca));
	if (ca)
		set(o, "pathlen", bc->pathlen == NULL ? json_null() :
		    json_integer(ASN1_INTEGER_get(bc->pathlen)));
	BASIC_CONSTRAINTS_free(bc);
	ERR_clear_error();
}

static size_t
prefix_length(const uint8_t *mask, size_t len)
{
	size_t n = 0;

	while (n < 8 * len && (mask[n / 8] >> (7 - n % 8) & 1) != 0)
		n++;
	return n;
}

/* "IP:10.0.0.0/8"; a mask with gaps in it is shown by its bytes. */
static void
network_text(const ASN1_OCTET_STRING *s, char *dst, size_t size)
{
	const uint8_t *p = ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s) / 2;
	char text[INET6_ADDRSTRLEN];

	if ((len == 4 || len == 16) && ASN1_STRING_length(s) % 2 == 0 &&
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, p, text, sizeof text) !=
	    NULL)
		snprintf(dst, size, "IP:%s/%zu", text,
		    prefix_length(p + len, len));
	else
		snprintf(dst, size, "IP:malformed");
}

static json_t *
base_text(const GENERAL_NAME *base)
{
	static const char *const kinds[] = { [GEN_EMAIL] = "email:",
	    [GEN_DNS] = "DNS:", [GEN_URI] = "URI:" };
	char text[X509_NAME_TEXT];
	const ASN1_STRING *s;
	size_t n;

	if (base->type == GEN_DIRNAME) {
		n = (size_t)snprintf(text, sizeof text, "dirname:");
		x509_name_text(base->d.directoryName, text + n,
		    sizeof text - n);
	} else if (base->type == GEN_IPADD) {
		network_text(base->d.iPAddress, text, sizeof text);
	} else if (base->type == GEN_EMAIL || base->type == GEN_DNS ||
	    base->type == GEN_URI) {
		s = base->d.ia5;
		n = (size_t)snprintf(text, sizeof text, "%s",
		    kinds[base->type]);
		text_escape(text + n, sizeof text - n,
		    ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	} else {
		snprintf(text, sizeof text, "of another kind");
	}
	return json_string(text);
}

static json_t *
subtrees(STACK_OF(GENERAL_SUBTREE) *trees)
{
	json_t *all = json_array();

	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++)
		append(all,
		    base_text(sk_GENERAL_SUBTREE_value(trees, i)->base));
	return all;
}

static void
set_name_constraints(json_t *o, X509 *cert)
{
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(cert, NID_name_constraints,
	    NULL, NULL);

	if (nc != NULL) {
		set(o, "permitted", subtrees(nc->permittedSubtrees));
		set(o, "excluded", subtrees(nc->excludedSubtrees));
	}
	NAME_CONSTRAINTS_free(nc);
	ERR_clear_error();
}

/* What a certificate has, and a request asks for. */
static void
set_subject(json_t *o, X509 *cert)
{
	char key[64];

	x509_key_text(cert, key, sizeof key);
	set(o, "key", json_string(key));
	set(o, "names", names(cert));
	set(o, "key_usage", key_usages(cert));
	set(o, "usages", usages(cert));
	set_ca(o, cert);
	set_name_constraints(o, cert);
}

/* ---- the whole ---------------------------------------------------------- */

json_t *
describe_certificate(X509 *cert)
{
	char serial[SERIAL_SIZE];
	json_t *o = json_object();

	x509_serial_text(cert, serial, sizeof serial);
	set(o, "kind", json_string("certificate"));
	set(o, "subject", name_text(X509_get_subject_name(cert)));
	set(o, "issuer", name_text(X509_get_issuer_name(cert)));
	set(o, "serial", json_string(serial));
	set(o, "not_before", time_text(X509_get0_notBefore(cert)));
	set(o, "not_after", time_text(X509_get0_notAfter(cert)));
	set(o, "days_left", days_left(X509_get0_notAfter(cert)));
	set(o, "signature", json_string(OBJ_nid2sn(
	    X509_get_signature_nid(cert))));
	set_subject(o, cert);
	set(o, "pin", describe_pin(cert));
	set(o, "public_key_pin", describe_key_pin(cert));
	return o;
}

/* Is it by the key that is in it? */
static bool
signed_by_itself(X509_REQ *request)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	bool ok = key != NULL && X509_REQ_verify(request, key) == 1;

	ERR_clear_error();
	return ok;
}

json_t *
describe_request(X509_REQ *request)
{
	X509 *asked = csr_as_certificate(request);
	json_t *o = json_object();

	set(o, "kind", json_string("request"));
	set(o, "subject", name_text(X509_REQ_get_subject_name(request)));
	set(o, "signature", json_string(OBJ_nid2sn(
	    X509_REQ_get_signature_nid(request))));
	set(o, "signature_valid", json_boolean(signed_by_itself(request)));
	if (asked != NULL) {
		set_subject(o, asked);
		set(o, "public_key_pin", describe_key_pin(asked));
	} else {
		set(o, "extensions", json_string("malformed"));
	}
	X509_free(asked);
	return o;
}

static json_t *
entry(X509_REVOKED *revoked)
{
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(revoked,
	    NID_crl_reason, NULL, NULL);
	long n = reason == NULL ? 0 : ASN1_ENUMERATED_get(reason);
	const char *word = n >= 0 && n < 128 ? reason_name((int)n) : NULL;
	char serial[SERIAL_SIZE];
	json_t *o = json_object();

	x509_integer_text(X509_REVOKED_get0_serialNumber(revoked), serial,
	    sizeof serial);
	set(o, "serial", json_string(serial));
	set(o, "at", time_text(X509_REVOKED_get0_revocationDate(revoked)));
	set(o, "reason", json_string(word == NULL ? "unknown" : word));
	ASN1_ENUMERATED_free(reason);
	ERR_clear_error();
	return o;
}

static json_t *
number(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL,
	    NULL);
	int64_t value;
	json_t *j = n != NULL && ASN1_INTEGER_get_int64(&value, n) == 1 ?
	    json_integer(value) : json_null();

	ASN1_INTEGER_free(n);
	ERR_clear_error();
	return j;
}

json_t *
describe_crl(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	json_t *o = json_object(), *all = json_array();

	set(o, "kind", json_string("crl"));
	set(o, "issuer", name_text(X509_CRL_get_issuer(crl)));
	set(o, "number", number(crl));
	set(o, "this_update", time_text(X509_CRL_get0_lastUpdate(crl)));
	set(o, "next_update", time_text(X509_CRL_get0_nextUpdate(crl)));
	set(o, "days_left", days_left(X509_CRL_get0_nextUpdate(crl)));
	set(o, "signature", json_string(OBJ_nid2sn(
	    X509_CRL_get_signature_nid(crl))));
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
		append(all, entry(sk_X509_REVOKED_value(entries, i)));
	set(o, "revoked", all);
	return o;
}
