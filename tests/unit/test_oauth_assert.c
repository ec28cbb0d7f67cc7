/* SPDX-License-Identifier: Apache-2.0 */
/* The JWT that a certificate signs, verified as the service would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "net/oauth_int.h"

#define NOW 1800000000 /* 2027 */
#define AUDIENCE "https://login.example/contoso.com/oauth2/v2.0/token"
#define APP "22222222-2222-4222-8222-222222222222"
#define JTI "33333333-3333-4333-8333-333333333333"

static char folder[64], both[96], locked[96], open_key[96], only_key[96],
        stale[96], curve[96];
static X509 *certificate;

static X509 *make_certificate(EVP_PKEY *key, long from, long to)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	ASN1_TIME_set(X509_getm_notBefore(x), from);
	ASN1_TIME_set(X509_getm_notAfter(x), to);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	                           (const unsigned char *)"mailhaul", -1, -1,
	                           0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void write_pem(const char *path, EVP_PKEY *key, X509 *x,
                      const char *passphrase, int mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), (mode_t)mode), 0);
	/* A certificate that belongs to nobody here comes first. */
	if (x) {
		EVP_PKEY *other = EVP_RSA_gen(2048);
		X509 *stranger = make_certificate(other, 0, NOW * 2L);

		PEM_write_X509(f, stranger);
		X509_free(stranger);
		EVP_PKEY_free(other);
		PEM_write_X509(f, x);
	}
	assert_int_equal(PEM_write_PKCS8PrivateKey(
	                         f, key, passphrase ? EVP_aes_256_cbc() : NULL,
	                         passphrase,
	                         passphrase ? (int)strlen(passphrase) : 0, NULL,
	                         NULL),
	                 1);
	fclose(f);
}

static int set_up(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	X509 *old, *of_ec;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mh-assert-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(both, sizeof(both), "%s/both.pem", folder);
	snprintf(locked, sizeof(locked), "%s/locked.pem", folder);
	snprintf(open_key, sizeof(open_key), "%s/open.pem", folder);
	snprintf(only_key, sizeof(only_key), "%s/key.pem", folder);
	snprintf(stale, sizeof(stale), "%s/stale.pem", folder);
	snprintf(curve, sizeof(curve), "%s/curve.pem", folder);
	certificate = make_certificate(key, NOW - 1000, NOW + 1000000);
	old = make_certificate(key, NOW - 2000, NOW - 1000);
	of_ec = make_certificate(ec, NOW - 1000, NOW + 1000000);
	write_pem(both, key, certificate, NULL, 0600);
	write_pem(locked, key, certificate, "open sesame", 0600);
	write_pem(open_key, key, certificate, NULL, 0644);
	write_pem(only_key, key, NULL, NULL, 0600);
	write_pem(stale, key, old, NULL, 0600);
	write_pem(curve, ec, of_ec, NULL, 0600);
	X509_free(old);
	X509_free(of_ec);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ec);
	return 0;
}

static int tear_down(void **state)
{
	const char *const all[] = { both,     locked, open_key,
		                    only_key, stale,  curve };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		unlink(all[i]);
	rmdir(folder);
	X509_free(certificate);
	return 0;
}

static struct buf part(const char *jwt, int which)
{
	struct buf b = BUF_INIT(0);

	for (; which > 0; which--)
		jwt = strchr(jwt, '.') + 1;
	assert_int_equal(base64url_decode(&b, jwt, strcspn(jwt, ".")), 0);
	return b;
}

static json_t *json_part(const char *jwt, int which)
{
	struct buf b = part(jwt, which);
	json_t *j = json_loadb(b.p, b.n, 0, NULL);

	assert_non_null(j);
	buf_release(&b);
	return j;
}

static const char *text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	assert_non_null(s);
	return s;
}

static bool verifies(const char *jwt, bool pss, const EVP_MD *md)
{
	EVP_PKEY *key = X509_get_pubkey(certificate);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf sig = part(jwt, 2);
	size_t n = (size_t)(strrchr(jwt, '.') - jwt);
	EVP_PKEY_CTX *how;
	bool good;

	assert_int_equal(EVP_DigestVerifyInit(ctx, &how, md, NULL, key), 1);
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32);
	}
	good = EVP_DigestVerify(ctx, (unsigned char *)sig.p, sig.n,
	                        (const unsigned char *)jwt, n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	buf_release(&sig);
	return good;
}

static char *print_of(const EVP_MD *md)
{
	unsigned char digest[64];
	unsigned n;

	X509_digest(certificate, md, digest, &n);
	return base64url(digest, n);
}

static char *sign(const char *file, enum signer_alg alg)
{
	struct signer *s = NULL;
	struct err e = { 0 };
	char *jwt = NULL;

	if (signer_open(&s, file, NULL, NULL, NOW, &e))
		fail_msg("%s", e.text);
	assert_int_equal(
	        signer_assertion(s, alg, AUDIENCE, APP, JTI, NOW, &jwt, &e), 0);
	signer_close(&s);
	return jwt;
}

static void ps256(void **state)
{
	char *jwt = sign(both, SIGN_PS256);
	char *print = print_of(EVP_sha256());
	json_t *head = json_part(jwt, 0);

	(void)state;
	assert_string_equal(text(head, "alg"), "PS256");
	assert_string_equal(text(head, "typ"), "JWT");
	assert_string_equal(text(head, "x5t#S256"), print);
	assert_int_equal(json_object_size(head), 3);
	assert_true(verifies(jwt, true, EVP_sha256()));
	assert_false(verifies(jwt, false, EVP_sha256()));
	json_decref(head);
	free(print);
	free(jwt);
}

static void rs256(void **state)
{
	char *jwt = sign(both, SIGN_RS256);
	char *print = print_of(EVP_sha1());
	json_t *head = json_part(jwt, 0);

	(void)state;
	assert_string_equal(text(head, "alg"), "RS256");
	assert_string_equal(text(head, "x5t"), print);
	assert_true(verifies(jwt, false, EVP_sha256()));
	json_decref(head);
	free(print);
	free(jwt);
}

static void what_it_says(void **state)
{
	char *jwt = sign(both, SIGN_PS256);
	json_t *body = json_part(jwt, 1);

	(void)state;
	assert_string_equal(text(body, "aud"), AUDIENCE);
	assert_string_equal(text(body, "iss"), APP);
	assert_string_equal(text(body, "sub"), APP);
	assert_string_equal(text(body, "jti"), JTI);
	assert_int_equal(json_integer_value(json_object_get(body, "nbf")), NOW);
	assert_int_equal(json_integer_value(json_object_get(body, "exp")),
	                 NOW + 600);
	json_decref(body);
	free(jwt);
}

static void altered(void **state)
{
	char *jwt = sign(both, SIGN_PS256);

	(void)state;
	jwt[strlen(jwt) / 4] ^= 1;
	assert_false(verifies(jwt, true, EVP_sha256()));
	free(jwt);
}

/* --- the passphrase ------------------------------------------------------ */

struct asked {
	const char *const *answers; /* one after the other */
	int times;
	bool again_first, again_later;
};

static int answer(void *arg, bool again, char **out, struct err *e)
{
	struct asked *a = arg;
	const char *s = a->answers[a->times];

	if (a->times++ == 0)
		a->again_first = again;
	else
		a->again_later = again;
	if (!s)
		return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN,
		                EC_PASSWORD_MISSING, "Nobody is here.");
	*out = strdup(s);
	return 0;
}

static int open_locked(struct asked *a, struct err *e)
{
	struct signer *s = NULL;
	int rc = signer_open(&s, locked, answer, a, NOW, e);

	assert_true((rc == 0) == (s != NULL));
	signer_close(&s);
	return rc;
}

static void passphrase_asked(void **state)
{
	static const char *const right[] = { "open sesame", NULL };
	static const char *const second[] = { "wrong", "open sesame", NULL };
	static const char *const wrong[] = { "a", "b", "c", "d", NULL };
	static const char *const none[] = { NULL };
	struct asked a = { right, 0, false, false };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(open_locked(&a, &e), 0);
	assert_int_equal(a.times, 1);
	assert_false(a.again_first);
	a = (struct asked){ second, 0, false, false };
	assert_int_equal(open_locked(&a, &e), 0);
	assert_true(a.again_later);
	a = (struct asked){ wrong, 0, false, false };
	assert_int_equal(open_locked(&a, &e), -1);
	assert_int_equal(a.times, 3);
	assert_int_equal(e.next, NEXT_SIGN_IN);
	assert_non_null(strstr(e.text, "passphrase"));
	a = (struct asked){ none, 0, false, false };
	assert_int_equal(open_locked(&a, &e), -1);
	assert_string_equal(e.text, "Nobody is here.");
}

/* --- what is no such file ------------------------------------------------ */

static void refused(const char *file, const char *says)
{
	struct signer *s = NULL;
	struct err e = { 0 };

	assert_int_equal(signer_open(&s, file, NULL, NULL, NOW, &e), -1);
	assert_null(s);
	if (!strstr(e.text, says) || e.next != NEXT_SIGN_IN)
		fail_msg("%s: %s", file, e.text);
}

static void bad_files(void **state)
{
	(void)state;
	refused("/nonexistent/x.pem", "can't be opened");
	refused("/tmp", "is not a file");
	refused(only_key, "no certificate that belongs");
	refused(stale, "has expired");
	refused(curve, "not RSA");
	refused(locked, "passphrase");
	refused(open_key, "read by others");
}

static void uuids(void **state)
{
	char a[37], b[37];

	(void)state;
	uuid_make(a);
	uuid_make(b);
	assert_int_equal(strlen(a), 36);
	assert_true(a[8] == '-' && a[13] == '-' && a[14] == '4' &&
	            a[18] == '-' && a[23] == '-');
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ps256),
		cmocka_unit_test(rs256),
		cmocka_unit_test(what_it_says),
		cmocka_unit_test(altered),
		cmocka_unit_test(passphrase_asked),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(uuids),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
