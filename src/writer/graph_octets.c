/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_octets.c - a body as the source of a request: as it is, or as
 * base64 from any place on.
 */
#include <string.h>

#include "writer/graph_writer.h"

#define RAW_AT_ONCE 12288 /* a multiple of 3 */

ssize_t graph_body_source(void *arg, uint64_t offset, void *buf, size_t n,
                          struct err *e)
{
	return body_read(arg, offset, buf, n, e);
}

/* Less than n only at the end. */
static ssize_t read_full(const struct body *b, uint64_t at, unsigned char *p,
                         size_t n, struct err *e)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = body_read(b, at + got, p + got, n - got, e);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static size_t encode(const unsigned char *p, size_t n, char *q)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t to = 0;

	for (size_t i = 0; i < n; i += 3) {
		unsigned a = p[i];
		unsigned b = i + 1 < n ? p[i + 1] : 0;
		unsigned c = i + 2 < n ? p[i + 2] : 0;

		q[to++] = set[a >> 2];
		q[to++] = set[(a & 3) << 4 | b >> 4];
		q[to++] = i + 1 < n ? set[(b & 15) << 2 | c >> 6] : '=';
		q[to++] = i + 2 < n ? set[c & 63] : '=';
	}
	return to;
}

ssize_t graph_base64_source(void *arg, uint64_t offset, void *buf, size_t n,
                            struct err *e)
{
	unsigned char p[RAW_AT_ONCE];
	char q[RAW_AT_ONCE / 3 * 4];
	size_t skip = offset % 4, got;
	ssize_t r = read_full(arg, offset / 4 * 3, p, sizeof(p), e);

	if (r <= 0)
		return r;
	got = encode(p, (size_t)r, q);
	if (skip >= got)
		return 0;
	got -= skip;
	got = got < n ? got : n;
	memcpy(buf, q + skip, got);
	return (ssize_t)got;
}

int graph_add_base64(struct body *out, const struct body *in, struct err *e)
{
	unsigned char p[RAW_AT_ONCE];
	char q[RAW_AT_ONCE / 3 * 4];
	uint64_t at = 0;
	ssize_t r;

	while ((r = read_full(in, at, p, sizeof(p), e)) > 0) {
		if (body_append(out, q, encode(p, (size_t)r, q), e))
			return -1;
		at += (uint64_t)r;
	}
	return r < 0 ? -1 : 0;
}
