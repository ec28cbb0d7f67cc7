/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_int.h - what the files of http.h share. Nobody else includes it.
 *
 * http.c sets a request up and waits, http_answer.c takes the answer in,
 * http_tls.c says whom to trust, http_error.c puts failures into words,
 * http_url.c looks at addresses.
 */
#ifndef MAILHAUL_NET_HTTP_INT_H
#define MAILHAUL_NET_HTTP_INT_H

#include <curl/curl.h>

#include "net/http.h"

struct http {
	const struct account *a;
	CURL *easy;
	CURLM *multi;  /* keeps the connections */
	bool unproven; /* a connection whose certificate is not checked yet */
	char why[CURL_ERROR_SIZE];
};

/* One request on its way. */
struct op {
	struct http *h;
	const struct http_request *q;
	struct http_reply *r;
	struct err err; /* of a callback; code 0: none */
	struct curl_slist *headers;
	char host[256];
	bool tls;
	char path[256]; /* for the log */
	uint64_t at;    /* of the body's source */
	size_t header_octets;
	unsigned starts; /* times it went to a connection */
	char retry_after[64];
	uint64_t begun;
};

/* http_url.c */
struct http_place {
	char scheme[8], host[256], port[8], path[256];
	bool loopback;
};
/* EC_INPUT: not an address that we would call. */
int http_place(struct http_place *p, const char *url, struct err *e);

/* http_answer.c: libcurl's callbacks, with a struct op. */
size_t http_on_header(char *p, size_t size, size_t n, void *arg);
size_t http_on_body(char *p, size_t size, size_t n, void *arg);
void http_answer_end(struct op *op);

/* http_tls.c */
int http_trust(struct op *op);      /* options; CURLcode */
int http_check_peer(struct op *op); /* 0, or -1 and op->err */

/* http_error.c */
int http_failed(struct op *op, CURLcode code, struct err *e);
int http_timeout(struct op *op, unsigned seconds, struct err *e);

#endif
