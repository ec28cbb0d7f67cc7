/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.c - OpenSSL over a stream's socket: TLS 1.2 or later, chain and name
 * verified (RFC 6125, RFC 9525), or exactly one pinned certificate.
 *
 * Contexts are made once for each file of roots: reading the roots again
 * for every connection of a fleet costs more than the handshake.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/cert.h"
#include "net/stream_int.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/step.h"

enum { HANDSHAKE_MS = 20000 };

/* --- Octets ------------------------------------------------------------- */

/* OpenSSL's own socket BIO would raise SIGPIPE and count nothing. */
static int bio_read(BIO *b, char *p, int n)
{
	ssize_t got = stream_raw_read(BIO_get_data(b), p, (size_t)n);

	BIO_clear_retry_flags(b);
	if (got == IO_AGAIN)
		BIO_set_retry_read(b);
	return got < 0 ? -1 : (int)got;
}

static int bio_write(BIO *b, const char *p, int n)
{
	ssize_t put = stream_raw_write(BIO_get_data(b), p, (size_t)n);

	BIO_clear_retry_flags(b);
	if (put == IO_AGAIN)
		BIO_set_retry_write(b);
	return put < 0 ? -1 : (int)put;
}

static long bio_ctrl(BIO *b, int cmd, long n, void *p)
{
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method;

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	                             "mailhaul");

	if (m && BIO_meth_set_read(m, bio_read) &&
	    BIO_meth_set_write(m, bio_write) && BIO_meth_set_ctrl(m, bio_ctrl))
		bio_method = m;
}

/* --- Contexts ----------------------------------------------------------- */

struct context {
	SSL_CTX *ssl;
	char *ca_file;
	struct context *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct context *contexts;

static int fill_context(SSL_CTX *ssl, const char *ca_file, struct err *e)
{
	SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION |
	                                 SSL_OP_NO_RENEGOTIATION |
	                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_default_read_buffer_len(ssl, STREAM_READ);
	SSL_CTX_set_read_ahead(ssl, 1);
	SSL_CTX_set_default_verify_paths(ssl);
	if (ca_file && SSL_CTX_load_verify_locations(ssl, ca_file, NULL) != 1)
		return cert_bad_file(ca_file, e);
	return 0;
}

static int new_context(struct context **out, const char *ca_file, struct err *e)
{
	struct context *c = calloc(1, sizeof *c);

	if (!c)
		return err_memory(e);
	c->ca_file = ca_file ? strdup(ca_file) : NULL;
	c->ssl = SSL_CTX_new(TLS_client_method());
	bool ok = c->ssl && (!ca_file || c->ca_file);

	if (ok && fill_context(c->ssl, ca_file, e) == 0) {
		*out = c;
		return 0;
	}
	SSL_CTX_free(c->ssl);
	free(c->ca_file);
	free(c);
	return ok ? -1 : err_memory(e);
}

static bool same_file(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static SSL_CTX *find_context(const char *ca_file, struct err *e)
{
	struct context *c;

	pthread_mutex_lock(&lock);
	if (!bio_method)
		make_method();
	for (c = contexts; c && !same_file(c->ca_file, ca_file); c = c->next)
		continue;
	if (!c && new_context(&c, ca_file, e) == 0) {
		c->next = contexts;
		contexts = c;
	}
	pthread_mutex_unlock(&lock);
	return c ? c->ssl : NULL;
}

/* --- Reading and writing ------------------------------------------------ */

static ssize_t outcome(struct stream *s, int rc, short *where)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*where = POLLIN;
		return IO_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*where = POLLOUT;
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		break;
	}
	const char *why = ERR_reason_error_string(ERR_peek_error());

	snprintf(s->why, sizeof s->why, "TLS: %s", why ? why : "closed");
	if (why)
		s->fault = 0;
	ERR_clear_error();
	return IO_FAIL;
}

ssize_t tls_read(struct stream *s, void *p, size_t n)
{
	size_t got = 0;

	ERR_clear_error();
	int rc = SSL_read_ex(s->ssl, p, n, &got);

	return rc == 1 ? (ssize_t)got : outcome(s, rc, &s->want_in);
}

ssize_t tls_write(struct stream *s, const void *p, size_t n)
{
	size_t put = 0;

	ERR_clear_error();
	int rc = SSL_write_ex(s->ssl, p, n, &put);

	return rc == 1 ? (ssize_t)put : outcome(s, rc, &s->want_out);
}

void tls_close(struct stream *s, bool politely)
{
	if (!s->ssl)
		return;
	if (politely && SSL_is_init_finished(s->ssl))
		SSL_shutdown(s->ssl);
	SSL_free(s->ssl);
	s->ssl = NULL;
	ERR_clear_error();
}

/* --- Sentences ---------------------------------------------------------- */

/* Seen by the verify callback: a failed handshake forgets it. */
struct seen {
	char hex[CERT_HEX];
	char until[64];
	char subject[128];
};

static void look_at(const X509 *cert, struct seen *seen)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;

	cert_fingerprint(cert, seen->hex);
	if (!b || !cert) {
		BIO_free(b);
		return;
	}
	ASN1_TIME_print(b, X509_get0_notAfter(cert));
	long n = BIO_get_mem_data(b, &p);

	snprintf(seen->until, sizeof seen->until, "%.*s", (int)n, p);
	X509_NAME_oneline(X509_get_subject_name(cert), seen->subject,
	                  sizeof seen->subject);
	BIO_free(b);
}

static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	        ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct seen *seen = ssl ? SSL_get_app_data(ssl) : NULL;

	if (!ok && seen)
		look_at(X509_STORE_CTX_get0_cert(ctx), seen);
	return ok;
}

/* What the verify result means to a person. */
struct verdict {
	long result;
	enum err_code code;
	const char *text; /* %1$s host, %2$s fingerprint, %3$s end of life */
};

static const struct verdict verdicts[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, EC_CERT_EXPIRED,
	  "The certificate of %1$s has expired on %3$s, so nothing was sent. "
	  "Ask its provider to renew it; if you trust it none the less: "
	  "--pin %2$s" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, EC_CERT_EXPIRED,
	  "The certificate of %1$s is not valid yet, so nothing was sent. "
	  "Check the clock of this computer; if it is right and you trust the "
	  "server: --pin %2$s" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, EC_CERT_SELF_SIGNED,
	  "The certificate of %1$s is self-signed: nobody vouches that it is "
	  "the real server, so nothing was sent. If it is yours, compare its "
	  "fingerprint there and give --pin %2$s" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, EC_CERT_NAME,
	  "The certificate is not for the name %1$s, so nothing was sent. "
	  "Check the host name (often it is the provider's, not yours); if "
	  "you know this server: --pin %2$s" },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, EC_CERT_NAME,
	  "The certificate is not for the address %1$s, so nothing was sent. "
	  "Give the server's name instead of its address; if you know this "
	  "server: --pin %2$s" },
};

static const char untrusted[] =
        "The certificate of %1$s comes from an authority that this computer "
        "does not know, so nothing was sent. Give that authority's file with "
        "--ca-file FILE, or trust just this one: --pin %2$s";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int bad_certificate(struct stream *s, const char *host,
                           const struct seen *seen, struct err *e)
{
	long result = SSL_get_verify_result(s->ssl);
	const char *text = untrusted;
	enum err_code code = EC_CERT_UNTRUSTED;

	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		if (verdicts[i].result == result) {
			text = verdicts[i].text;
			code = verdicts[i].code;
		}
	}
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, code, text, host, seen->hex,
	         seen->until);
	err_detail(e, "%s; subject %s; until %s; SHA-256 %s",
	           X509_verify_cert_error_string(result), seen->subject,
	           seen->until, seen->hex);
	return -1;
}
#pragma GCC diagnostic pop

static int no_tls(struct stream *s, const struct account *a, struct err *e)
{
	bool plain = strstr(s->why, "wrong version number") ||
	             strstr(s->why, "packet length");

	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_TLS,
	         plain ? "The server %s does not speak TLS on port %u, so "
	                 "nothing was sent. Check the port: imaps:// is "
	                 "usually 993, imap:// (STARTTLS) 143."
	               : "No safe encryption could be agreed with %s on port "
	                 "%u, so nothing was sent. It may be too old (TLS 1.2 "
	                 "is needed); ask its provider.",
	         a->host, (unsigned)a->port);
	err_detail(e, "%s", s->why);
	return -1;
}

/* --- Handshake ---------------------------------------------------------- */

static int set_name(SSL *ssl, const char *host)
{
	unsigned char o[16];
	bool address = inet_pton(AF_INET, host, o) == 1 ||
	               inet_pton(AF_INET6, host, o) == 1;

	if (!cert_set_name(SSL_get0_param(ssl), host))
		return -1;
	return address || SSL_set_tlsext_host_name(ssl, host) == 1 ? 0 : -1;
}

static int prepare(struct stream *s, const struct account *a, struct seen *seen,
                   struct err *e)
{
	SSL_CTX *ctx = find_context(a->ca_file, e);

	if (!ctx)
		return -1;
	SSL *ssl = SSL_new(ctx);
	BIO *bio = bio_method ? BIO_new(bio_method) : NULL;

	if (!ssl || !bio || set_name(ssl, a->host)) {
		SSL_free(ssl);
		BIO_free(bio);
		return err_memory(e);
	}
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, seen);
	SSL_set_verify(ssl, a->pin ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
	               on_verify);
	SSL_set_connect_state(ssl);
	s->ssl = ssl;
	return 0;
}

static int handshake_failed(struct stream *s, const struct account *a,
                            const struct seen *seen, ssize_t how, struct err *e)
{
	if (!a->pin && SSL_get_verify_result(s->ssl) != X509_V_OK)
		return bad_certificate(s, a->host, seen, e);
	if (how == 0 || s->fault || strcmp(s->why, "TLS: closed") == 0)
		return stream_lost(s, e);
	return no_tls(s, a, e);
}

static int handshake(struct stream *s, const struct account *a,
                     const struct seen *seen, struct err *e)
{
	uint64_t until =
	        clock_ms() +
	        (uint64_t)step_number("MAILHAUL_TEST_CONNECT_MS", HANDSHAKE_MS);

	for (;;) {
		short want = POLLIN;

		ERR_clear_error();
		int rc = SSL_do_handshake(s->ssl);

		if (rc == 1)
			return 0;
		ssize_t how = outcome(s, rc, &want);

		if (how != IO_AGAIN)
			return handshake_failed(s, a, seen, how, e);
		if (want == POLLIN)
			stream_count_wait(s);
		if (stream_wait(s, want, false, until, e) < 0)
			return -1;
	}
}

static int check_pin(struct stream *s, const struct account *a, struct err *e)
{
	X509 *cert = SSL_get1_peer_certificate(s->ssl);
	int failed = cert_check_pin(cert, a->host, a->pin, e);

	X509_free(cert);
	return failed;
}

int stream_tls(struct stream *s, const struct account *a, struct err *e)
{
	struct seen seen = { 0 };

	if (s->in_at != s->in_end)
		return err_setf(
		        e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_TLS,
		        "Something was sent between %s and us before the "
		        "encryption began. Somebody on the way may be "
		        "listening, so nothing was sent. Try from another "
		        "network, or with imaps://.",
		        a->host);
	if (prepare(s, a, &seen, e) || handshake(s, a, &seen, e))
		return -1;
	SSL_set_app_data(s->ssl, NULL);
	return a->pin ? check_pin(s, a, e) : 0;
}
