/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_assert.c - a certificate in place of a password (RFC 7523): a JWT
 * that says who asks, signed with the certificate's key.
 */
#include "net/oauth_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MOST (1 << 20)
#define LIFE_S 600
#define TRIES 3
#define BOTH "(umask 077; cat key.pem cert.pem > both.pem)"

struct signer {
	EVP_PKEY *key;
	X509 *certificate;
};

#define bad(e, file, what)                                 \
	err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN, \
	         "The certificate file '%.120s' %s", file, what)

/* --- the file ----------------------------------------------------------- */

static int check_file(int fd, const char *file, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return bad(e, file, "is not a file.");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return bad(e, file,
		           "belongs to another user, who could change it. "
		           "Make a copy of your own.");
	if (st.st_mode & 077)
		return bad(e, file,
		           "may be read by others on this machine, and holds "
		           "the key. Close it with: chmod 600 FILE");
	return 0;
}

static int read_file(struct buf *b, const char *file, struct err *e)
{
	CLEANUP(close_p) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		bad(e, file, "can't be opened. Check --client-certificate.");
		err_detail(e, "%s", strerror(errno));
		return -1;
	}
	if (check_file(fd, file, e))
		return -1;
	return secret_read(fd, b) ? bad(e, file, "can't be read.") : 0;
}

/* --- the key ------------------------------------------------------------ */

struct asking {
	secret_fn *secret;
	void *arg;
	struct err *e;
	bool again, asked, failed;
	char *text; /* of this try: OpenSSL may ask more than once */
};

static int passphrase(char *out, int size, int writing, void *arg)
{
	struct asking *a = arg;
	size_t n;

	a->asked = true;
	if (!a->text && !a->failed &&
	    (!a->secret || a->secret(a->arg, a->again, &a->text, a->e)))
		a->failed = true;
	if (a->failed || !a->text)
		return -1;
	n = strlen(a->text);
	if (n > (size_t)size)
		return -1;
	memcpy(out, a->text, n);
	return (int)n;
}

static EVP_PKEY *key_of(const struct buf *b, struct asking *a)
{
	BIO *bio = BIO_new_mem_buf(b->p, (int)b->n);
	EVP_PKEY *key = NULL;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, passphrase, a);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static int read_key(struct signer *s, const struct buf *b, const char *file,
                    struct asking *a)
{
	for (int i = 0; i < TRIES && !s->key && !a->failed; i++) {
		s->key = key_of(b, a);
		wipe_text(&a->text);
		a->again = true;
		if (!a->asked)
			break;
	}
	if (s->key)
		return 0;
	if (a->failed && a->secret)
		return -1; /* the source of the passphrase has said why */
	if (a->asked)
		return bad(a->e, file,
		           "holds a key that this passphrase does not open. "
		           "Set MAILHAUL_CERTIFICATE_PASSPHRASE, or run "
		           "mailhaul on a terminal, where it asks.");
	return bad(a->e, file,
	           "holds no private key in PEM form. Put key and "
	           "certificate into one file: " BOTH);
}

/* --- the certificate ---------------------------------------------------- */

static int read_certificate(struct signer *s, const struct buf *b)
{
	BIO *bio = BIO_new_mem_buf(b->p, (int)b->n);
	X509 *x = NULL;

	while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_check_private_key(x, s->key) == 1)
			break;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	s->certificate = x;
	return x ? 0 : -1;
}

static int check(const struct signer *s, const char *file, int64_t now,
                 struct err *e)
{
	time_t at = (time_t)now;

	if (!EVP_PKEY_is_a(s->key, "RSA"))
		return bad(e, file,
		           "holds a key that is not RSA. Microsoft takes RSA "
		           "keys only.");
	if (X509_cmp_time(X509_get0_notAfter(s->certificate), &at) < 0)
		return bad(e, file,
		           "holds a certificate that has expired. Make a new "
		           "one, upload it to the registration, and run "
		           "again: nothing is lost.");
	return 0;
}

static int open_signer(struct signer *s, const char *file, const struct buf *b,
                       struct asking *a, int64_t now)
{
	if (read_key(s, b, file, a))
		return -1;
	if (read_certificate(s, b))
		return bad(a->e, file,
		           "holds no certificate that belongs to its key. Put "
		           "both into one file: " BOTH);
	return check(s, file, now, a->e);
}

int signer_open(struct signer **out, const char *file, secret_fn *secret,
                void *secret_arg, int64_t now, struct err *e)
{
	struct asking a = { .secret = secret, .arg = secret_arg, .e = e };
	struct buf b = BUF_INIT(FILE_MOST);
	int rc;

	*out = calloc(1, sizeof(**out));
	if (!*out)
		return err_memory(e);
	rc = read_file(&b, file, e);
	if (!rc)
		rc = open_signer(*out, file, &b, &a, now);
	wipe_buf(&b);
	if (rc)
		signer_close(out);
	return rc;
}

void signer_close(struct signer **s)
{
	if (!*s)
		return;
	EVP_PKEY_free((*s)->key);
	X509_free((*s)->certificate);
	free(*s);
	*s = NULL;
}

/* --- the assertion ------------------------------------------------------ */

char *base64url(const void *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *in = p;
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	unsigned bits = 0, held = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8 | in[i]) & 0xffff;
		for (held += 8; held >= 6; held -= 6)
			if (buf_chr(&b, digits[bits >> (held - 6) & 63]))
				return NULL;
	}
	if (held && buf_chr(&b, digits[bits << (6 - held) & 63]))
		return NULL;
	return buf_take(&b);
}

static char *thumbprint(const struct signer *s, enum signer_alg alg)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (X509_digest(s->certificate,
	                alg == SIGN_PS256 ? EVP_sha256() : EVP_sha1(), md,
	                &n) != 1)
		return NULL;
	return base64url(md, n);
}

static char *header(const struct signer *s, enum signer_alg alg)
{
	CLEANUP(free_p) char *print = thumbprint(s, alg);
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	bool ps = alg == SIGN_PS256;

	if (!print ||
	    buf_fmt(&b, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"%s\":\"%s\"}",
	            ps ? "PS256" : "RS256", ps ? "x5t#S256" : "x5t", print))
		return NULL;
	return base64url(b.p, b.n);
}

/* An address or an id that needs no escaping in JSON. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\')
			return false;
	return true;
}

static char *body(const char *audience, const char *client_id, const char *jti,
                  int64_t now)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (!is_plain(audience) || !is_plain(client_id) || !is_plain(jti) ||
	    buf_fmt(&b,
	            "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\","
	            "\"jti\":\"%s\",\"nbf\":%" PRId64 ",\"iat\":%" PRId64
	            ",\"exp\":%" PRId64 "}",
	            audience, client_id, client_id, jti, now, now,
	            now + LIFE_S))
		return NULL;
	return base64url(b.p, b.n);
}

static int set_padding(EVP_PKEY_CTX *ctx, enum signer_alg alg)
{
	if (alg == SIGN_RS256)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) <= 0)
		return -1;
	return EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
}

static int sign_with(EVP_MD_CTX *md, const struct signer *s,
                     enum signer_alg alg, const struct buf *b, char **out)
{
	CLEANUP(free_p) unsigned char *sig = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	size_t n = 0;

	if (EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, s->key) != 1 ||
	    set_padding(ctx, alg) <= 0 ||
	    EVP_DigestSign(md, NULL, &n, (const unsigned char *)b->p, b->n) !=
	            1)
		return -1;
	sig = malloc(n);
	if (!sig ||
	    EVP_DigestSign(md, sig, &n, (const unsigned char *)b->p, b->n) != 1)
		return -1;
	*out = base64url(sig, n);
	return *out ? 0 : -1;
}

static char *signature(const struct signer *s, enum signer_alg alg,
                       const struct buf *b)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char *out = NULL;

	if (md && sign_with(md, s, alg, b, &out))
		out = NULL;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return out;
}

int signer_assertion(const struct signer *s, enum signer_alg alg,
                     const char *audience, const char *client_id,
                     const char *jti, int64_t now, char **out, struct err *e)
{
	CLEANUP(free_p) char *head = header(s, alg);
	CLEANUP(free_p) char *claims = body(audience, client_id, jti, now);
	CLEANUP(free_p) char *sig = NULL;
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (head && claims && !buf_fmt(&b, "%s.%s", head, claims))
		sig = signature(s, alg, &b);
	if (!sig || buf_fmt(&b, ".%s", sig))
		return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
		                "The key of the certificate can't sign. Make "
		                "a new RSA key of 2048 bits or more with a "
		                "certificate, and upload that.");
	*out = buf_take(&b);
	return *out ? 0 : err_memory(e);
}

void uuid_make(char out[37])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char r[16] = { 0 };
	size_t n = 0;

	if (RAND_bytes(r, sizeof(r)) != 1)
		explicit_bzero(r, sizeof(r));
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(r); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		out[n++] = hex[r[i] >> 4];
		out[n++] = hex[r[i] & 15];
	}
	out[n] = '\0';
}
