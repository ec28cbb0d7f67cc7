/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deflate.c - COMPRESS=DEFLATE, RFC 4978: raw DEFLATE between the buffers
 * and TLS. What a few octets blow up to is bounded by the room the caller
 * gives and by the ceilings of the framing above.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "net/stream_int.h"

enum { CHUNK = 64 << 10, RAW_BITS = -15, MEM_LEVEL = 9 };

struct deflate {
	z_stream in, out;
	bool more;      /* the last inflate filled its room */
	bool unflushed; /* the compressor holds octets back */
	size_t have;    /* compressed input in raw, from at */
	size_t at;
	size_t raw_cap;
	unsigned char *raw;
	unsigned char packed[CHUNK];
};

void deflate_free(struct deflate **zp)
{
	struct deflate *z = *zp;

	*zp = NULL;
	if (!z)
		return;
	inflateEnd(&z->in);
	deflateEnd(&z->out);
	free(z->raw);
	free(z);
}

int stream_deflate(struct stream *s, struct err *e)
{
	struct deflate *z = calloc(1, sizeof *z);
	size_t early = s->in_end - s->in_at;

	if (!z)
		return err_memory(e);
	z->raw_cap = early > CHUNK ? early : CHUNK;
	z->raw = malloc(z->raw_cap);
	if (!z->raw || inflateInit2(&z->in, RAW_BITS) != Z_OK ||
	    deflateInit2(&z->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_BITS,
	                 MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		deflate_free(&z);
		return err_memory(e);
	}
	/* Input behind the server's OK is compressed already. */
	memcpy(z->raw, s->in + s->in_at, early);
	z->have = early;
	s->in_at = s->in_end = 0;
	s->zip = z;
	return 0;
}

/* Octets made, 0: needs more input, IO_FAIL. */
static ssize_t unpack(struct stream *s, struct deflate *z, void *p, size_t n)
{
	z->in.next_in = z->raw + z->at;
	z->in.avail_in = (uInt)z->have;
	z->in.next_out = p;
	z->in.avail_out = (uInt)n;
	int rc = inflate(&z->in, Z_SYNC_FLUSH);

	z->at += z->have - z->in.avail_in;
	z->have = z->in.avail_in;
	z->more = z->in.avail_out == 0;
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return (ssize_t)(n - z->in.avail_out);
	if (rc == Z_STREAM_END && n > z->in.avail_out)
		return (ssize_t)(n - z->in.avail_out);
	s->fault = 0;
	snprintf(s->why, sizeof s->why, "inflate: %s",
	         z->in.msg ? z->in.msg : "end of compressed data");
	return IO_FAIL;
}

ssize_t deflate_read(struct stream *s, void *p, size_t n)
{
	struct deflate *z = s->zip;

	for (;;) {
		if (z->have || z->more) {
			ssize_t made = unpack(s, z, p, n);

			if (made)
				return made;
			if (z->have)
				continue;
		}
		ssize_t got = stream_io_read(s, z->raw, z->raw_cap);

		if (got <= 0)
			return got;
		z->at = 0;
		z->have = (size_t)got;
	}
}

int deflate_write(struct stream *s, const void *p, size_t n, bool flush,
                  struct err *e)
{
	struct deflate *z = s->zip;

	if (!n && !z->unflushed)
		return 0;
	z->unflushed = !flush;
	z->out.next_in = (unsigned char *)p;
	z->out.avail_in = (uInt)n;
	do {
		z->out.next_out = z->packed;
		z->out.avail_out = CHUNK;
		deflate(&z->out, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
		if (stream_push(s, z->packed, CHUNK - z->out.avail_out, e))
			return -1;
	} while (z->out.avail_out == 0);
	return 0;
}
