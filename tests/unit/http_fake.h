/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fake.h - a web server of a few lines on loopback, in a thread: it
 * keeps what it was sent and gives one answer after the other. With or
 * without TLS; the certificates are made here.
 */
#ifndef HTTP_FAKE_H
#define HTTP_FAKE_H

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAKE_MOST = 4 << 20 };

enum fake_manner {
	FAKE_KEEP,  /* answers and keeps the connection */
	FAKE_CLOSE, /* answers and closes */
	FAKE_DROP,  /* reads the request and closes */
	FAKE_HANG,  /* reads the request and says nothing */
	FAKE_FLOOD  /* an answer without end */
};

struct fake_step {
	enum fake_manner manner;
	const char *answer;
};

struct fake {
	int fd;
	unsigned port;
	pthread_t thread;
	SSL_CTX *tls; /* or NULL */
	const struct fake_step *steps;
	atomic_uint at; /* requests that were read */
	atomic_uint connections;
	char *request; /* the last one */
	size_t n;
	atomic_int *cancel_at_request;
};

struct fake_peer {
	int fd;
	SSL *ssl;
};

static ssize_t fake_read(struct fake_peer *p, void *to, size_t n)
{
	return p->ssl ? SSL_read(p->ssl, to, (int)n) : read(p->fd, to, n);
}

static bool fake_write(struct fake_peer *p, const char *s, size_t n)
{
	while (n) {
		ssize_t put = p->ssl ? SSL_write(p->ssl, s, (int)n)
		                     : send(p->fd, s, n, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		s += put;
		n -= (size_t)put;
	}
	return true;
}

/* A request with its body; false: the client hung up. */
static bool fake_request(struct fake *f, struct fake_peer *p)
{
	size_t want = 0, n = 0;

	while (!want || n < want) {
		ssize_t got = fake_read(p, f->request + n, FAKE_MOST - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		f->request[n] = '\0';
		char *end = want ? NULL : strstr(f->request, "\r\n\r\n");
		char *size = strcasestr(f->request, "\r\nContent-Length: ");

		if (end)
			want = (size_t)(end + 4 - f->request) +
			       (size && size < end
			                ? strtoul(size + 18, NULL, 10)
			                : 0);
	}
	f->n = n;
	return true;
}

static void fake_flood(struct fake_peer *p)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	static char zeros[65536];

	if (!fake_write(p, head, sizeof head - 1))
		return;
	while (fake_write(p, zeros, sizeof zeros))
		continue;
}

/* "Content-Length: *" stands for what it is. */
static bool fake_send(struct fake_peer *p, const char *answer)
{
	const char *star = strstr(answer, "Content-Length: *");
	const char *body = strstr(answer, "\r\n\r\n");
	char size[24];

	if (!star || !body)
		return fake_write(p, answer, strlen(answer));
	star += strlen("Content-Length: ");
	snprintf(size, sizeof size, "%zu", strlen(body + 4));
	return fake_write(p, answer, (size_t)(star - answer)) &&
	       fake_write(p, size, strlen(size)) &&
	       fake_write(p, star + 1, strlen(star + 1));
}

/* False: this connection is over. */
static bool fake_answer(struct fake *f, struct fake_peer *p)
{
	const struct fake_step *s = f->steps + atomic_fetch_add(&f->at, 1);
	char c;

	if (f->cancel_at_request)
		atomic_store(f->cancel_at_request, 1);
	if (s->manner == FAKE_DROP)
		return false;
	if (s->manner == FAKE_FLOOD)
		fake_flood(p);
	while (s->manner == FAKE_HANG && fake_read(p, &c, 1) > 0)
		continue;
	return s->answer && fake_send(p, s->answer) && s->manner == FAKE_KEEP;
}

static void fake_connection(struct fake *f, int fd)
{
	struct fake_peer p = { fd, NULL };

	if (f->tls) {
		p.ssl = SSL_new(f->tls);
		SSL_set_fd(p.ssl, fd);
		if (SSL_accept(p.ssl) != 1) {
			SSL_free(p.ssl);
			close(fd);
			return;
		}
	}
	while (fake_request(f, &p) && fake_answer(f, &p))
		continue;
	if (p.ssl)
		SSL_shutdown(p.ssl);
	SSL_free(p.ssl);
	close(fd);
}

static void *fake_run(void *arg)
{
	struct fake *f = arg;

	for (;;) {
		int fd = accept(f->fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		atomic_fetch_add(&f->connections, 1);
		fake_connection(f, fd);
	}
}

static void fake_start(struct fake *f, const struct fake_step *steps)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof in;

	signal(SIGPIPE, SIG_IGN);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->steps = steps;
	f->request = calloc(1, FAKE_MOST + 1);
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->fd, (void *)&in, sizeof in), 0);
	assert_int_equal(listen(f->fd, 8), 0);
	getsockname(f->fd, (void *)&in, &len);
	f->port = ntohs(in.sin_port);
	pthread_create(&f->thread, NULL, fake_run, f);
}

static void fake_stop(struct fake *f)
{
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
	free(f->request);
	SSL_CTX_free(f->tls);
	memset(f, 0, sizeof *f);
}

/* --- Certificates ------------------------------------------------------- */

static EVP_PKEY *fake_key;

__attribute__((unused)) static X509 *
fake_cert(const char *name, const char *san, X509 *issuer, int days)
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
	X509_set_pubkey(c, fake_key);
	X509V3_set_ctx(&ctx, issuer ? issuer : c, c, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(
	        NULL, &ctx, san ? NID_subject_alt_name : NID_basic_constraints,
	        san ? san : "CA:TRUE");

	X509_add_ext(c, x, -1);
	X509_EXTENSION_free(x);
	assert_true(X509_sign(c, fake_key, EVP_sha256()) > 0);
	return c;
}

__attribute__((unused)) static SSL_CTX *fake_tls(X509 *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, cert);
	SSL_CTX_use_PrivateKey(ctx, fake_key);
	return ctx;
}

#endif
