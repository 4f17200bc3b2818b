#include "x509text.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text.h"

/* RFC 2253's, but raw bytes: text_escape alone decides what may be shown. */
#define NAME_FLAGS (XN_FLAG_RFC2253 & \
	~(unsigned long)(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL))

void
x509_name_text(const X509_NAME *name, char *dst, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0)
		n = BIO_get_mem_data(bio, &text);
	text_escape(dst, size, text, n > 0 ? (size_t)n : 0);
	BIO_free(bio);
}

void
x509_name_field(const X509_NAME *name, int nid, char *dst, size_t size)
{
	int at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)name, nid,
	    -1);
	const ASN1_STRING *s = at < 0 ? NULL :
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

	if (s == NULL)
		dst[0] = '\0';
	else
		text_escape(dst, size, ASN1_STRING_get0_data(s),
		    (size_t)ASN1_STRING_length(s));
}

/* ---- text that is put together, and cut where its room ends ------------- */

struct writer {
	char	*dst;
	size_t	 size, used;
	size_t	 keep;		/* up to where "..." would still fit */
	bool	 full;
};

static void
begin(struct writer *w, char *dst, size_t size)
{
	*w = (struct writer){ .dst = dst, .size = size };
	dst[0] = '\0';
}

/* One character or one whole escape, never a part of it. */
static void
put_whole(struct writer *w, const char *s, size_t len)
{
	if (w->full)
		return;
	if (w->used + len >= w->size) {
		if (w->size > 3) {
			memcpy(w->dst + w->keep, "...", 3);
			w->used = w->keep + 3;
		}
		w->full = true;
	} else {
		memcpy(w->dst + w->used, s, len);
		w->used += len;
		if (w->used + 3 < w->size)
			w->keep = w->used;
	}
	w->dst[w->used] = '\0';
}

static void
put(struct writer *w, const char *ours)
{
	for (; *ours != '\0'; ours++)
		put_whole(w, ours, 1);
}

/* Somebody else's bytes; `comma` is how one in them is shown. */
static void
put_bytes(struct writer *w, const void *src, size_t len, const char *comma)
{
	const uint8_t *p = src;
	char one[8];

	for (size_t i = 0; i < len && !w->full; i++) {
		size_t n = text_escape(one, sizeof one, &p[i], 1);

		if (p[i] == ',')
			put_whole(w, comma, strlen(comma));
		else
			put_whole(w, one, n);
	}
}

static void
put_comma(struct writer *w)
{
	if (w->used > 0)
		put_whole(w, ",", 1);
}

/* ---- serial number ------------------------------------------------------ */

void
x509_integer_text(const ASN1_INTEGER *i, char *dst, size_t size)
{
	const uint8_t *p = ASN1_STRING_get0_data(i);
	int len = ASN1_STRING_length(i);
	struct writer w;
	char two[3];

	begin(&w, dst, size);
	if (ASN1_STRING_type(i) == V_ASN1_NEG_INTEGER)
		put(&w, "-");
	for (int at = 0; at < len && !w.full; at++) {
		text_hex(two, &p[at], 1);
		put_whole(&w, two, 2);
	}
}

void
x509_serial_text(X509 *cert, char *dst, size_t size)
{
	x509_integer_text(X509_get_serialNumber(cert), dst, size);
}

/* ---- subject alternative names ------------------------------------------ */

#define BAD_DER		0x80	/* of what ASN1_get_object returns */
#define INDEFINITE	0x01	/* no DER: there is always a length */

/* One DER value; `at` then stands before the next. */
struct der {
	const uint8_t	*value;
	size_t		 len;
	int		 tag, class;
};

static bool
next_der(const uint8_t **at, const uint8_t *end, struct der *d)
{
	long len;
	int got = ASN1_get_object(at, &len, &d->tag, &d->class, end - *at);

	if ((got & (BAD_DER | INDEFINITE)) != 0) {
		ERR_clear_error();
		return false;
	}
	d->value = *at;
	d->len = (size_t)len;
	*at += len;
	return true;
}

static void
put_address(struct writer *w, const struct der *d, const char *comma)
{
	char text[INET6_ADDRSTRLEN];

	if ((d->len == 4 || d->len == 16) && inet_ntop(d->len == 4 ?
	    AF_INET : AF_INET6, d->value, text, sizeof text) != NULL)
		put(w, text);
	else
		put_bytes(w, d->value, d->len, comma);
}

static void
put_directory(struct writer *w, const struct der *d, const char *comma)
{
	const uint8_t *p = d->value;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)d->len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	if (name != NULL && bio != NULL &&
	    X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0)
		n = BIO_get_mem_data(bio, &text);
	put_bytes(w, text, n > 0 ? (size_t)n : 0, comma);
	BIO_free(bio);
	X509_NAME_free(name);
	ERR_clear_error();
}

static void
put_name(struct writer *w, const struct der *d, const char *comma)
{
	static const char *const kinds[] = {
		[GEN_OTHERNAME] = "othername", [GEN_EMAIL] = "email",
		[GEN_DNS] = "DNS", [GEN_X400] = "x400",
		[GEN_DIRNAME] = "dirname", [GEN_EDIPARTY] = "ediparty",
		[GEN_URI] = "URI", [GEN_IPADD] = "IP", [GEN_RID] = "RID" };

	put(w, kinds[d->tag]);
	put(w, ":");
	if (d->tag == GEN_IPADD)
		put_address(w, d, comma);
	else if (d->tag == GEN_DIRNAME)
		put_directory(w, d, comma);
	else
		put_bytes(w, d->value, d->len, comma);
}

/*
 * Ten thousand names decoded to structures take longer than a handshake; so
 * they are walked as they lie.  False if they are malformed.
 */
static bool
walk_names(X509 *cert, bool (*visit)(const struct der *, void *), void *arg)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *ext;
	const uint8_t *p, *end;
	struct der d;

	if (at < 0)
		return true;
	if (X509_get_ext_by_NID(cert, NID_subject_alt_name, at) >= 0)
		return false;	/* RFC 5280, 4.2: at most one of a kind */
	ext = X509_EXTENSION_get_data(X509_get_ext(cert, at));
	p = ASN1_STRING_get0_data(ext);
	end = p + ASN1_STRING_length(ext);
	if (!next_der(&p, end, &d) || d.tag != V_ASN1_SEQUENCE ||
	    d.class != V_ASN1_UNIVERSAL || p != end)
		return false;
	p = d.value;
	while (p < end) {
		if (!next_der(&p, end, &d) || d.tag > GEN_RID ||
		    d.class != V_ASN1_CONTEXT_SPECIFIC)
			return false;
		if (!visit(&d, arg))
			break;
	}
	return true;
}

static bool
show_name(const struct der *d, void *arg)
{
	struct writer *w = arg;

	put_comma(w);
	put_name(w, d, "\\x2c");
	return !w->full;
}

void
x509_names_text(X509 *cert, char *dst, size_t size)
{
	struct writer w;

	begin(&w, dst, size);
	if (!walk_names(cert, show_name, &w)) {
		put_comma(&w);
		put(&w, "malformed");
	}
}

struct receiver {
	bool	(*each)(const char *name, void *arg);
	void	*arg;
};

static bool
hand_name(const struct der *d, void *arg)
{
	const struct receiver *to = arg;
	char text[X509_NAME_TEXT];
	struct writer w;

	begin(&w, text, sizeof text);
	put_name(&w, d, ",");
	return to->each(text, to->arg);
}

bool
x509_each_name(X509 *cert, bool (*each)(const char *name, void *arg),
    void *arg)
{
	struct receiver to = { each, arg };

	return walk_names(cert, hand_name, &to);
}

/* ---- usages and key ----------------------------------------------------- */

void
x509_usages_text(X509 *cert, char *dst, size_t size)
{
	int state;
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(cert, NID_ext_key_usage,
	    &state, NULL);
	struct writer w;

	begin(&w, dst, size);
	if (all == NULL && state != -1)		/* there, and no such thing */
		put(&w, "malformed");
	for (int i = 0; i < sk_ASN1_OBJECT_num(all) && !w.full; i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(all, i);
		int nid = OBJ_obj2nid(o);
		char text[80];

		put_comma(&w);
		if (nid == NID_undef)
			OBJ_obj2txt(text, sizeof text, o, 1);
		put(&w, nid == NID_undef ? text : OBJ_nid2sn(nid));
	}
	sk_ASN1_OBJECT_pop_free(all, ASN1_OBJECT_free);
	ERR_clear_error();
}

bool
x509_has_usage(X509 *cert, int nid)
{
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(cert, NID_ext_key_usage,
	    NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_ASN1_OBJECT_num(all) && !found; i++)
		found = OBJ_obj2nid(sk_ASN1_OBJECT_value(all, i)) == nid;
	sk_ASN1_OBJECT_pop_free(all, ASN1_OBJECT_free);
	ERR_clear_error();
	return found;
}

long
x509_path_length(X509 *ca)
{
	BASIC_CONSTRAINTS *c = X509_get_ext_d2i(ca, NID_basic_constraints,
	    NULL, NULL);
	long n = -1;

	if (c != NULL && c->pathlen != NULL) {
		n = ASN1_INTEGER_get(c->pathlen);
		if (n < 0)
			n = 0;
	}
	BASIC_CONSTRAINTS_free(c);
	ERR_clear_error();
	return n;
}

/* The curve's name from the key's parameters: nothing is computed with it. */
static const char *
curve_name(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *o;
	const void *parameter;
	const char *nist;
	int type, nid;

	X509_ALGOR_get0(&o, &type, &parameter, algorithm);
	if (type != V_ASN1_OBJECT)
		return "with parameters of its own";
	nid = OBJ_obj2nid(parameter);
	nist = EC_curve_nid2nist(nid);
	return nist != NULL ? nist : OBJ_nid2sn(nid);
}

void
x509_key_text(X509 *cert, char *dst, size_t size)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	X509_ALGOR *algorithm = NULL;
	ASN1_OBJECT *o = NULL;
	int nid;

	X509_PUBKEY_get0_param(&o, NULL, NULL, &algorithm,
	    X509_get_X509_PUBKEY(cert));
	nid = o == NULL ? NID_undef : OBJ_obj2nid(o);
	if (nid == NID_X9_62_id_ecPublicKey)
		snprintf(dst, size, "EC %s", curve_name(algorithm));
	else if (nid == NID_rsaEncryption && key != NULL)
		snprintf(dst, size, "RSA %d", EVP_PKEY_bits(key));
	else if (nid == NID_ED25519)
		snprintf(dst, size, "Ed25519");
	else
		snprintf(dst, size, "%s", nid == NID_undef ? "?" :
		    OBJ_nid2sn(nid));
	ERR_clear_error();
}

/* ---- hashes ------------------------------------------------------------- */

bool
x509_sha256(X509 *cert, uint8_t hash[32])
{
	unsigned int n = 32;

	return X509_digest(cert, EVP_sha256(), hash, &n) == 1 && n == 32;
}

bool
x509_spki_sha256(X509 *cert, uint8_t hash[32])
{
	uint8_t *der = NULL;
	unsigned int n = 32;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, &n,
	    EVP_sha256(), NULL) == 1 && n == 32;

	OPENSSL_free(der);
	return ok;
}

/* ---- files -------------------------------------------------------------- */

/* A SEQUENCE whose length takes one to three bytes, where text should be. */
static bool
is_der(const uint8_t *p, size_t len)
{
	return len > 4 && p[0] == 0x30 && p[1] >= 0x81 && p[1] <= 0x83;
}

/* "-----BEGIN X-----" and nothing behind it but blanks; X goes to *label. */
static bool
is_fence(const char *line, size_t len, const char *word, const char **label,
    size_t *label_len)
{
	size_t n = strlen(word);

	while (len > 0 && strchr("\r\t ", line[len - 1]) != NULL)
		len--;
	if (len < n + 5 || memcmp(line, word, n) != 0 ||
	    memcmp(line + len - 5, "-----", 5) != 0)
		return false;
	*label = line + n;
	*label_len = len - n - 5;
	return true;
}

/* Would a person say that this line begins or ends a block, or was to? */
static bool
is_like_fence(const char *line, size_t len, bool last)
{
	return len > 0 && line[0] == '-' && (last ||
	    memmem(line, len, "BEGIN", 5) != NULL ||
	    memmem(line, len, "END", 3) != NULL);
}

bool
x509_pem_is_whole(const uint8_t *pem, size_t len)
{
	const char *p = (const char *)pem, *label, *open = NULL;
	size_t n, open_len = 0;

	for (size_t at = 0, line; at < len; at += line + 1) {
		const char *newline = memchr(p + at, '\n', len - at);

		line = newline == NULL ? len - at :
		    (size_t)(newline - (p + at));
		if (open == NULL && is_fence(p + at, line, "-----BEGIN ",
		    &open, &open_len))
			continue;
		if (open != NULL && is_fence(p + at, line, "-----END ", &label,
		    &n)) {
			if (n != open_len || memcmp(label, open, n) != 0)
				return false;
			open = NULL;
		} else if (is_like_fence(p + at, line, newline == NULL)) {
			return false;
		}
	}
	return open == NULL;
}

STACK_OF(X509) *
x509_read_pem(const uint8_t *pem, size_t len, const char **why)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	X509 *cert;
	unsigned long e;

	*why = "out of memory";
	if (all == NULL || bio == NULL)
		goto fail;
	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(all, cert) == 0) {
			X509_free(cert);
			goto fail;
		}
	}
	/* The end shows as "no more PEM blocks"; anything else is damage. */
	e = ERR_peek_last_error();
	ERR_clear_error();
	if (ERR_GET_LIB(e) != ERR_LIB_PEM ||
	    ERR_GET_REASON(e) != PEM_R_NO_START_LINE) {
		*why = "holds a certificate that is damaged or cut short";
		goto fail;
	}
	if (sk_X509_num(all) > 0 && !x509_pem_is_whole(pem, len)) {
		*why = "holds a certificate that is damaged or cut short";
		goto fail;
	}
	if (sk_X509_num(all) == 0) {
		*why = is_der(pem, len) ? "is in DER form, and PEM is wanted; "
		    "convert it (openssl x509 -inform DER -in OLD -out NEW)" :
		    "holds no certificate in PEM form "
		    "(-----BEGIN CERTIFICATE-----)";
		goto fail;
	}
	BIO_free(bio);
	return all;
fail:
	BIO_free(bio);
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

void
x509_time_text(const ASN1_TIME *t, char dst[24])
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(dst, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(dst, "?");
}
