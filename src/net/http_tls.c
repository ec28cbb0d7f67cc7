/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_tls.c - trust, between the handshake and the request.
 *
 * libcurl comes with one TLS library or another; they take roots, pins and
 * names in different ways, tell differently what was wrong, and one reads
 * all roots anew for each connection. So libcurl only makes the
 * handshake and shows the certificates; cert.c decides, in the callback
 * that stands before each request, and nothing leaves before.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "net/cert.h"
#include "net/http_int.h"

int http_trust(struct op *op)
{
	CURL *c = op->h->easy;
	unsigned rc = curl_easy_setopt(c, CURLOPT_SSLVERSION,
	                               (long)CURL_SSLVERSION_TLSv1_2);

	rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	rc |= curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	rc |= curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	rc |= curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
	/* A resumed session might come without its certificates. */
	rc |= curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	return (int)rc;
}

static X509 *read_pem(const struct curl_slist *fields)
{
	for (; fields; fields = fields->next) {
		if (strncmp(fields->data, "Cert:", 5) != 0)
			continue;
		BIO *b = BIO_new_mem_buf(fields->data + 5, -1);
		X509 *c = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;

		BIO_free(b);
		ERR_clear_error();
		return c;
	}
	return NULL;
}

static void chain_free(STACK_OF(X509) * *chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

/* What the last handshake showed; NULL: libcurl does not tell. */
static STACK_OF(X509) * shown(CURL *easy)
{
	struct curl_certinfo *info = NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (!chain ||
	    curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK)
		info = NULL;
	for (int i = 0; info && i < info->num_of_certs; i++) {
		X509 *c = read_pem(info->certinfo[i]);

		if (c && sk_X509_push(chain, c) > 0)
			continue;
		X509_free(c);
		break;
	}
	return chain;
}

/* Without the brackets of an IPv6 address. */
static void bare_host(const char *host, char *out, size_t cap)
{
	size_t n = strlen(host);

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	n = n < cap ? n : cap - 1;
	memcpy(out, host, n);
	out[n] = '\0';
}

int http_check_peer(struct op *op)
{
	CLEANUP(chain_free) STACK_OF(X509) *chain = shown(op->h->easy);
	char host[sizeof op->host];

	bare_host(op->host, host, sizeof host);
	if (!chain)
		return err_memory(&op->err);
	if (!sk_X509_num(chain))
		return err_setf(&op->err, ERR_ACCOUNT, NEXT_GIVE_UP, EC_TLS,
		                "This computer's libcurl does not tell which "
		                "certificate %s has, so nothing was sent. "
		                "Update libcurl.",
		                host);
	return cert_check(chain, host, op->h->a, &op->err);
}
