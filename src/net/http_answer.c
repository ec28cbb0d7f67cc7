/* SPDX-License-Identifier: Apache-2.0 */
/* http_answer.c - what comes back: header fields that matter, and the body. */
#include <string.h>
#include <strings.h>

#include "net/http_int.h"
#include "util/clock.h"

/* More header octets than any honest server sends. */
enum { HEADERS_MOST = 256 << 10 };

static void trim(const char **p, size_t *n)
{
	while (*n && strchr(" \t", **p)) {
		++*p;
		--*n;
	}
	while (*n && strchr(" \t\r\n", (*p)[*n - 1]))
		--*n;
}

/* A value that does not fit is as good as none. */
static void keep(char *out, size_t cap, const char *p, size_t n)
{
	trim(&p, &n);
	if (n >= cap)
		n = 0;
	memcpy(out, p, n);
	out[n] = '\0';
}

static bool is_name(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && strncasecmp(p, name, n) == 0;
}

static void field(struct op *op, const char *name, size_t len, const char *p,
                  size_t n)
{
	struct http_reply *r = op->r;
	char date[64];

	if (is_name(name, len, "date")) {
		keep(date, sizeof date, p, n);
		r->date = (int64_t)curl_getdate(date, NULL);
		if (r->date < 0)
			r->date = 0;
	} else if (is_name(name, len, "retry-after")) {
		keep(op->retry_after, sizeof op->retry_after, p, n);
	} else if (is_name(name, len, "request-id") ||
	           is_name(name, len, "x-ms-request-id")) {
		keep(r->request_id, sizeof r->request_id, p, n);
	} else if (is_name(name, len, "location")) {
		keep(r->location, sizeof r->location, p, n);
	} else if (is_name(name, len, "x-ms-throttle-scope")) {
		keep(r->scope, sizeof r->scope, p, n);
	}
}

/* A status line begins an answer; one of 100 may have come before. */
static void begin(struct op *op)
{
	op->r->date = 0;
	op->r->request_id[0] = op->r->location[0] = '\0';
	op->r->scope[0] = op->retry_after[0] = '\0';
}

static size_t too_large(struct op *op)
{
	err_setf(&op->err, ERR_MESSAGE, NEXT_GIVE_UP, EC_LIMIT,
	         "The server %s sent an answer that is larger than any honest "
	         "one, so it was not read further. Try again later, or from "
	         "another network.",
	         op->host);
	return 0;
}

size_t http_on_header(char *p, size_t size, size_t n, void *arg)
{
	struct op *op = arg;
	const char *colon = memchr(p, ':', size * n);

	n *= size;
	op->header_octets += n;
	if (op->header_octets > HEADERS_MOST)
		return too_large(op);
	if (n >= 5 && strncasecmp(p, "HTTP/", 5) == 0)
		begin(op);
	else if (colon)
		field(op, p, (size_t)(colon - p), colon + 1,
		      n - (size_t)(colon - p) - 1);
	return n;
}

size_t http_on_body(char *p, size_t size, size_t n, void *arg)
{
	struct op *op = arg;
	long status = 0;

	n *= size;
	curl_easy_getinfo(op->h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (op->q->sink && status / 100 == 2)
		return op->q->sink(op->q->sink_arg, p, n, &op->err) ? 0 : n;
	if (buf_add(&op->r->body, p, n) == 0)
		return n;
	if (op->r->body.full)
		return too_large(op);
	err_memory(&op->err);
	return 0;
}

/* Seconds, or a date; a day at most, for a year would be a mistake. */
static uint64_t wait_ms(const char *s, int64_t server_now)
{
	const int64_t day = 86400;
	int64_t seconds = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++)
		if (seconds < day)
			seconds = seconds * 10 + (*p - '0');
	if (*p) {
		int64_t then = (int64_t)curl_getdate(s, NULL);
		int64_t now = server_now ? server_now
		                         : (int64_t)(clock_wall_ms() / 1000);

		seconds = then > now ? then - now : 0;
	}
	return (uint64_t)(seconds < day ? seconds : day) * 1000;
}

void http_answer_end(struct op *op)
{
	long status = 0;

	curl_easy_getinfo(op->h->easy, CURLINFO_RESPONSE_CODE, &status);
	op->r->status = (int)status;
	if (op->retry_after[0])
		op->r->retry_after_ms = wait_ms(op->retry_after, op->r->date);
}
