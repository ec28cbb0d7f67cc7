/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - one HTTPS request at a time over a kept connection: libcurl
 * behind a fence, HTTP/2 where offered.
 *
 *   http_open(&h, account, &err);
 *   struct http_request q = { .method = "POST", .url = url, ... };
 *   http_do(h, &q, &reply, &err);    blocks, ends soon when cancelled
 *   http_reply_release(&reply); http_close(&h);
 *
 * TLS is verified as in tls.c: the system's roots plus account->ca_file,
 * or account->pin and nothing else. Redirects are never followed. A plain
 * http:// address is refused unless its host is loopback. Only http and
 * https are spoken. Proxies of the environment are obeyed (libcurl's own
 * rules).
 *
 * An answer of any status is success here; -1 means that there is none:
 * EC_HOST_UNKNOWN, EC_CONNECT, EC_TIMEOUT, EC_TLS, EC_CERT_*,
 * EC_CONN_LOST, EC_LIMIT, EC_INTERRUPTED, EC_INPUT (an address that is
 * not called), and whatever source and sink say. reply->sent then says
 * whether octets of the request may have reached the server (NEXT_ASK) or
 * not (NEXT_RETRY). Only GET and HEAD are ever sent a second time, when a
 * kept connection turns out to be closed.
 *
 * Secrets: header values and bodies are never logged; log lines hold
 * method, host, path without query, status and request-id.
 * One thread uses a handle at a time.
 */
#ifndef MAILHAUL_NET_HTTP_H
#define MAILHAUL_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mailhaul/account.h"
#include "mailhaul/err.h"
#include "util/buf.h"

#define HTTP_ANSWER_MOST ((size_t)16 << 20)

struct http;

/* Hands out the octets of a body from offset on; as body_read(). */
typedef ssize_t http_source_fn(void *arg, uint64_t offset, void *buf, size_t n,
                               struct err *e);
/* Takes the octets of an answer of status 2xx as they come; -1 ends it. */
typedef int http_sink_fn(void *arg, const char *p, size_t n, struct err *e);

struct http_request {
	const char *method;
	const char *url;
	const char *bearer;         /* token, without "Bearer ", or NULL */
	const char *type;           /* Content-Type, or NULL */
	const char *const *headers; /* "Name: value", NULL-ended; or NULL */
	/* The body: in memory, or from a source of a known size. */
	const char *body;
	http_source_fn *source;
	void *source_arg;
	uint64_t size;      /* octets of either */
	http_sink_fn *sink; /* or NULL: into reply->body */
	void *sink_arg;
	unsigned timeout_s; /* without an octet either way; 0: 100 */
	bool secret_url;    /* nothing of it but the host is logged */
};

struct http_reply {
	int status;              /* 0: none */
	bool sent;               /* the server may have read the request */
	struct buf body;         /* at most HTTP_ANSWER_MOST */
	int64_t date;            /* Date header, seconds, 0: none */
	uint64_t retry_after_ms; /* Retry-After as seconds or date, else 0 */
	char request_id[64];     /* request-id, or "" */
	char location[2048];     /* Location, or "" */
	char scope[64];          /* x-ms-throttle-scope, or "" */
};

int http_open(struct http **out, const struct account *a, struct err *e);
int http_do(struct http *h, const struct http_request *q, struct http_reply *r,
            struct err *e);
void http_reply_release(struct http_reply *r);
void http_close(struct http **h);
/* Process-wide, once, before threads; from main(). */
void http_global(void);

/* Both are addresses that we would call, of one scheme, host and port. */
bool http_same_origin(const char *a, const char *b);
/* RFC 3986 escaping of everything but unreserved characters: malloc'd. */
char *http_escape(const char *s);
/* "a=b&c=d" of pairs, escaped: malloc'd, the caller wipes it. NULL-ended. */
char *http_form(const char *const *name_value);

#endif
