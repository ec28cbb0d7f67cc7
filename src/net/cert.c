/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert.c - see cert.h.
 *
 * Roots are read once for each --ca-file of the process: some TLS
 * libraries read them for each connection, 4 MB of memory every time.
 */
#include "net/cert.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

/* --- Roots -------------------------------------------------------------- */

struct roots {
	X509_STORE *store;
	char *ca_file;
	struct roots *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct roots *all_roots;

int cert_bad_file(const char *file, struct err *e)
{
	unsigned long code = ERR_peek_last_error();

	err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_TLS,
	         "The file %s of --ca-file holds no certificate that can be "
	         "read (PEM). Nothing was changed.",
	         file);
	err_detail(e, "%s", ERR_reason_error_string(code));
	ERR_clear_error();
	return -1;
}

static void roots_free(struct roots *r)
{
	X509_STORE_free(r->store);
	free(r->ca_file);
	free(r);
}

static int new_roots(struct roots **out, const char *ca_file, struct err *e)
{
	struct roots *r = calloc(1, sizeof *r);

	if (!r)
		return err_memory(e);
	r->ca_file = ca_file ? strdup(ca_file) : NULL;
	r->store = X509_STORE_new();
	if (!r->store || (ca_file && !r->ca_file)) {
		roots_free(r);
		return err_memory(e);
	}
	X509_STORE_set_default_paths(r->store);
	if (ca_file && X509_STORE_load_file(r->store, ca_file) != 1) {
		roots_free(r);
		return cert_bad_file(ca_file, e);
	}
	ERR_clear_error();
	*out = r;
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static X509_STORE *find_roots(const char *ca_file, struct err *e)
{
	struct roots *r;

	pthread_mutex_lock(&lock);
	for (r = all_roots; r && !same_file(r->ca_file, ca_file); r = r->next)
		continue;
	if (!r && new_roots(&r, ca_file, e) == 0) {
		r->next = all_roots;
		all_roots = r;
	}
	pthread_mutex_unlock(&lock);
	return r ? r->store : NULL;
}

int cert_prepare(const struct account *a, struct err *e)
{
	return a->pin || find_roots(a->ca_file, e) ? 0 : -1;
}

/* --- Sentences ---------------------------------------------------------- */

/* What the verify result means to a person. No pin is offered: the services
 * have several certificates and change them. */
struct verdict {
	int result;
	enum err_code code;
	const char *text; /* %1$s host, %2$s end of life */
};

static const struct verdict verdicts[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, EC_CERT_EXPIRED,
	  "The certificate of %1$s has expired on %2$s, so nothing was sent. "
	  "Check the clock of this computer; if it is right, somebody may be "
	  "in "
	  "between: do not go on before your network's administrator has "
	  "looked "
	  "at it." },
	{ X509_V_ERR_CERT_NOT_YET_VALID, EC_CERT_EXPIRED,
	  "The certificate of %1$s is not valid yet, so nothing was sent. "
	  "Check the clock of this computer, then run again." },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, EC_CERT_SELF_SIGNED,
	  "The certificate of %1$s is self-signed: nobody vouches that it is "
	  "the real server, so nothing was sent. Somebody in between may be "
	  "listening: try from another network." },
	{ X509_V_ERR_HOSTNAME_MISMATCH, EC_CERT_NAME,
	  "The certificate is not for the name %1$s, so nothing was sent. "
	  "Somebody in between may be listening: try from another network." },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, EC_CERT_NAME,
	  "The certificate is not for the address %1$s, so nothing was sent. "
	  "Give the server's name instead of its address." },
};

static const char untrusted[] =
        "The certificate of %1$s comes from an authority that this computer "
        "does not know, so nothing was sent. If your network looks into "
        "encrypted connections, ask its administrator for its authority's "
        "certificate and give it with --ca-file FILE. Else somebody may be "
        "listening: do not go on.";

bool cert_fingerprint(const X509 *cert, char hex[CERT_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	hex[0] = '\0';
	if (!cert || X509_digest(cert, EVP_sha256(), md, &n) != 1)
		return false;
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", md[i]);
	return true;
}

static void end_of_life(const X509 *cert, char *out, size_t cap)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;

	out[0] = '\0';
	if (b && cert && ASN1_TIME_print(b, X509_get0_notAfter(cert))) {
		long n = BIO_get_mem_data(b, &p);

		snprintf(out, cap, "%.*s", (int)n, p);
	}
	BIO_free(b);
}

/* cert: the one at fault; leaf: the server's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int refused(int result, const X509 *cert, const X509 *leaf,
                   const char *host, struct err *e)
{
	const char *text = untrusted;
	enum err_code code = EC_CERT_UNTRUSTED;
	char hex[CERT_HEX], until[64], subject[128] = "";

	cert_fingerprint(leaf, hex);
	end_of_life(cert, until, sizeof until);
	if (cert)
		X509_NAME_oneline(X509_get_subject_name(cert), subject,
		                  sizeof subject);
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		if (verdicts[i].result == result) {
			text = verdicts[i].text;
			code = verdicts[i].code;
		}
	}
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, code, text, host, until);
	err_detail(e, "%s; subject %s; until %s; SHA-256 %s",
	           X509_verify_cert_error_string(result), subject, until, hex);
	return -1;
}
#pragma GCC diagnostic pop

/* --- One certificate ---------------------------------------------------- */

/* Colons and case of the given fingerprint do not matter. */
static bool pin_equal(const char *pin, const char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (; *pin; pin++) {
		char c = *pin >= 'A' && *pin <= 'F' ? (char)(*pin | 32) : *pin;

		if (c == ':' || c == ' ')
			continue;
		if (!strchr(digits, c) || c != *hex)
			return false;
		hex++;
	}
	return *hex == '\0';
}

int cert_check_pin(const X509 *leaf, const char *host, const char *pin,
                   struct err *e)
{
	char hex[CERT_HEX];

	if (cert_fingerprint(leaf, hex) && pin_equal(pin, hex))
		return 0;
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_CERT_PIN,
	         "The certificate of %s is not the one given with --pin, so "
	         "nothing was sent. If the server has got a new one, check it "
	         "there and give --pin %s",
	         host, hex);
	err_detail(e, "SHA-256 %s", hex);
	return -1;
}

/* --- A chain ------------------------------------------------------------ */

static bool is_address(const char *host)
{
	unsigned char o[16];

	return inet_pton(AF_INET, host, o) == 1 ||
	       inet_pton(AF_INET6, host, o) == 1;
}

bool cert_set_name(X509_VERIFY_PARAM *p, const char *host)
{
	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(p, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(p,
	                                X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(p, host, 0) == 1;
}

static void context_free(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

static int check_chain(X509_STORE *roots, STACK_OF(X509) * chain,
                       const char *host, struct err *e)
{
	CLEANUP(context_free) X509_STORE_CTX *c = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(chain, 0);

	if (!c || X509_STORE_CTX_init(c, roots, leaf, chain) != 1 ||
	    X509_STORE_CTX_set_default(c, "ssl_server") != 1 ||
	    !cert_set_name(X509_STORE_CTX_get0_param(c), host))
		return err_memory(e);
	/* 112 bits: no RSA below 2048, no SHA-1. */
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(c), 2);
	int good = X509_verify_cert(c);
	int result = X509_STORE_CTX_get_error(c);

	ERR_clear_error();
	if (good == 1 && result == X509_V_OK)
		return 0;
	return refused(result, X509_STORE_CTX_get_current_cert(c), leaf, host,
	               e);
}

int cert_check(STACK_OF(X509) * chain, const char *host,
               const struct account *a, struct err *e)
{
	if (sk_X509_num(chain) < 1)
		return refused(X509_V_ERR_UNSPECIFIED, NULL, NULL, host, e);
	if (a->pin)
		return cert_check_pin(sk_X509_value(chain, 0), host, a->pin, e);
	X509_STORE *roots = find_roots(a->ca_file, e);

	return roots ? check_chain(roots, chain, host, e) : -1;
}
