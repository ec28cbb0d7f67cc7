/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: who is let in, and the sentence for who is not. The certificates
 * are made here; the server is a thread at the other end of a socketpair. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"

static EVP_PKEY *key;
static X509 *ca, *stranger;
static char ca_file[] = "/tmp/mailhaul-test-ca-XXXXXX";

static X509 *make(const char *name, const char *san, X509 *issuer, int days)
{
	static long serial = 1;
	X509 *c = X509_new();
	X509_NAME *n = X509_get_subject_name(c);
	X509V3_CTX ctx;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c), -10L * 86400);
	X509_gmtime_adj(X509_getm_notAfter(c), days * 86400L);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	                           (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer) : n);
	X509_set_pubkey(c, key);
	X509V3_set_ctx(&ctx, issuer ? issuer : c, c, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(
	        NULL, &ctx, san ? NID_subject_alt_name : NID_basic_constraints,
	        san ? san : "CA:TRUE");

	X509_add_ext(c, x, -1);
	X509_EXTENSION_free(x);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	return c;
}

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* the server thread's own */
	key = EVP_EC_gen("P-256");
	ca = make("Test authority", NULL, NULL, 10);
	stranger = make("Strange authority", NULL, NULL, 10);
	int fd = mkstemp(ca_file);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f || !PEM_write_X509(f, ca))
		return -1;
	return fclose(f);
}

static int teardown(void **state)
{
	(void)state;
	unlink(ca_file);
	X509_free(ca);
	X509_free(stranger);
	EVP_PKEY_free(key);
	return 0;
}

struct side {
	int fd;
	X509 *cert;
	int version; /* the highest it speaks */
	char sni[64];
};

static void *serve(void *arg)
{
	struct side *s = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char p[100];

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, s->version);
	SSL_CTX_use_certificate(ctx, s->cert);
	SSL_CTX_use_PrivateKey(ctx, key);
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, s->fd);
	if (SSL_accept(ssl) == 1) {
		const char *sni =
		        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

		snprintf(s->sni, sizeof s->sni, "%s", sni ? sni : "");
		int n = SSL_read(ssl, p, sizeof p);

		if (n > 0)
			SSL_write(ssl, p, n);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	shutdown(s->fd, SHUT_RDWR);
	return NULL;
}

/* Says something and hears it again: "" is success, else the code's name. */
static const char *talk(struct stream *s, struct err *e)
{
	size_t n = 0;

	if (stream_write(s, "hello", 5, e) || stream_flush(s, e))
		return err_code_name(e->code);
	while (n < 5)
		if (stream_fill(s, e) || !stream_peek(s, &n))
			return err_code_name(e->code);
	return memcmp(stream_peek(s, &n), "hello", 5) ? "echo" : "";
}

static const char *meet(X509 *cert, int version, const char *host,
                        const char *roots, const char *pin, struct err *e,
                        char sni[64])
{
	struct side side = { .cert = cert, .version = version };
	char name[100];
	struct stream *s;
	pthread_t thread;
	int fd[2];

	snprintf(name, sizeof name, "%s", host);
	struct account a = { .kind = KIND_IMAPS,
		             .host = name,
		             .port = 993,
		             .ca_file = roots,
		             .pin = pin };

	memset(e, 0, sizeof *e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	side.fd = fd[1];
	assert_int_equal(stream_from_fd(&s, fd[0], e), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &side), 0);
	const char *result =
	        stream_tls(s, &a, e) ? err_code_name(e->code) : talk(s, e);

	stream_close(&s);
	pthread_join(thread, NULL);
	close(fd[1]);
	if (sni)
		memcpy(sni, side.sni, sizeof side.sni);
	return result;
}

static void test_who_is_let_in(void **state)
{
	static const struct {
		const char *san;
		int days, version;
		bool self, strange, no_roots;
		const char *host, *result;
		const char *says;
	} rows[] = {
		{ "DNS:mail.example", 5, TLS1_3_VERSION, 0, 0, 0,
		  "mail.example", "", "" },
		{ "DNS:mail.example", 5, TLS1_2_VERSION, 0, 0, 0,
		  "mail.example", "", "" },
		{ "DNS:*.mail.example", 5, TLS1_3_VERSION, 0, 0, 0,
		  "imap.mail.example", "", "" },
		{ "IP:127.0.0.1", 5, TLS1_3_VERSION, 0, 0, 0, "127.0.0.1", "",
		  "" },
		{ "IP:::1", 5, TLS1_3_VERSION, 0, 0, 0, "::1", "", "" },
		{ "DNS:other.example", 5, TLS1_3_VERSION, 0, 0, 0,
		  "mail.example", "cert-name",
		  "not for the name mail.example" },
		{ "DNS:i*.mail.example", 5, TLS1_3_VERSION, 0, 0, 0,
		  "imap.mail.example", "cert-name", "--pin" },
		{ "DNS:mail.example", 5, TLS1_3_VERSION, 0, 0, 0, "127.0.0.1",
		  "cert-name", "address 127.0.0.1" },
		{ "DNS:mail.example", -5, TLS1_3_VERSION, 0, 0, 0,
		  "mail.example", "cert-expired", "expired" },
		{ "DNS:mail.example", 5, TLS1_3_VERSION, 1, 0, 0,
		  "mail.example", "cert-self-signed", "self-signed" },
		{ "DNS:mail.example", 5, TLS1_3_VERSION, 0, 1, 0,
		  "mail.example", "cert-untrusted", "--ca-file" },
		{ "DNS:mail.example", 5, TLS1_3_VERSION, 0, 0, 1,
		  "mail.example", "cert-untrusted", "--ca-file" },
		{ "DNS:mail.example", 5, TLS1_1_VERSION, 0, 0, 0,
		  "mail.example", "tls", "TLS 1.2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		X509 *issuer = rows[i].strange ? stranger : ca;
		X509 *c = make("mail.example", rows[i].san,
		               rows[i].self ? NULL : issuer, rows[i].days);
		struct err e;
		char sni[64];
		const char *result =
		        meet(c, rows[i].version, rows[i].host,
		             rows[i].no_roots ? NULL : ca_file, NULL, &e, sni);

		if (strcmp(result, rows[i].result) != 0)
			fail_msg("row %zu: %s (%s)", i, result, e.detail);
		if (!strstr(e.text, rows[i].says))
			fail_msg("row %zu: %s (%s)", i, e.text, e.detail);
		if (!*result)
			assert_string_equal(sni, strpbrk(rows[i].host, ":1")
			                                 ? ""
			                                 : rows[i].host);
		X509_free(c);
	}
}

static void test_pin(void **state)
{
	X509 *c = make("x", "DNS:x", NULL, -5);
	unsigned char md[EVP_MAX_MD_SIZE];
	char hex[200] = "", colons[200] = "";
	unsigned n;
	struct err e;

	(void)state;
	assert_int_equal(X509_digest(c, EVP_sha256(), md, &n), 1);
	for (unsigned i = 0; i < n; i++) {
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
		snprintf(colons + 3 * i, 4, "%02X:", md[i]);
	}
	colons[3 * n - 1] = '\0';
	/* Expired, self-signed, another name: the pin stands for all. */
	assert_string_equal(meet(c, TLS1_3_VERSION, "y", NULL, hex, &e, NULL),
	                    "");
	assert_string_equal(
	        meet(c, TLS1_3_VERSION, "y", NULL, colons, &e, NULL), "");
	/* The sentence for a stranger holds the pin that would do. */
	assert_string_equal(meet(c, TLS1_3_VERSION, "y", NULL, NULL, &e, NULL),
	                    "cert-self-signed");
	assert_non_null(strstr(e.text, hex));
	hex[5] = hex[5] == '0' ? '1' : '0';
	assert_string_equal(meet(c, TLS1_3_VERSION, "y", NULL, hex, &e, NULL),
	                    "cert-pin");
	hex[10] = '\0';
	assert_string_equal(meet(c, TLS1_3_VERSION, "y", NULL, hex, &e, NULL),
	                    "cert-pin");
	assert_string_equal(meet(c, TLS1_3_VERSION, "y", NULL, "", &e, NULL),
	                    "cert-pin");
	/* A pin of another certificate does not make a good chain enough. */
	X509_free(c);
	c = make("y", "DNS:y", ca, 5);
	assert_string_equal(
	        meet(c, TLS1_3_VERSION, "y", ca_file, colons, &e, NULL),
	        "cert-pin");
	X509_free(c);
}

static void test_bad_roots(void **state)
{
	X509 *c = make("y", "DNS:y", ca, 5);
	struct err e;

	(void)state;
	assert_string_equal(
	        meet(c, TLS1_3_VERSION, "y", "/dev/null", NULL, &e, NULL),
	        "tls");
	assert_non_null(strstr(e.text, "/dev/null"));
	X509_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_let_in),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_bad_roots),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
