/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime_out.h - the octets of a message on their way out: gathered to large
 * pieces, and bodies in a transfer encoding (RFC 2045 6).
 *
 *   mime_out_begin(&o, to);
 *   mime_str(&o, "Content-Type: text/plain\r\n\r\n");
 *   mime_code_begin(&c, &o, MIME_QP, true);
 *   c.in.data(&c.in, p, n);          any number; it is a mapi_out
 *   mime_code_end(&c);
 *   if (mime_out_end(&o)) ...        -1: it failed once, at any place
 *
 * A failure is remembered, and nothing is written after it: callers need
 * not ask each time, but in long loops they should.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_MIME_OUT_H
#define MAILHAUL_ARCHIVE_MAPI_MIME_OUT_H

#include <string.h>

#include "archive/mapi/mapi.h"
#include "util/buf.h"

#define MIME_ROOM (64u << 10)
#define MIME_LINE_MOST 998 /* RFC 5322 2.1.1 */

struct mime_out {
	struct mapi_out *to;
	uint64_t total; /* octets so far */
	bool failed;
	char last; /* octet */
	size_t n;
	char buf[MIME_ROOM];
};
void mime_out_begin(struct mime_out *o, struct mapi_out *to);
void mime_put_long(struct mime_out *o, const char *p, size_t n);
static inline void mime_put(struct mime_out *o, const void *p, size_t n)
{
	if (n - 1 >= sizeof(o->buf) - o->n) {
		mime_put_long(o, p, n);
		return;
	}
	memcpy(o->buf + o->n, p, n);
	o->n += n;
	o->total += n;
	o->last = o->buf[o->n - 1];
}
int mime_out_end(struct mime_out *o);
static inline void mime_str(struct mime_out *o, const char *s)
{
	mime_put(o, s, strlen(s));
}

enum mime_coding { MIME_7BIT, MIME_QP, MIME_BASE64 };
const char *mime_coding_name(enum mime_coding c);

#define MIME_GROUP 57 /* octets of a base64 line */
struct mime_qp {
	unsigned col;
	char space; /* a blank whose line may end here, or 0 */
	bool cr;    /* the last octet was a CR */
};
struct mime_code {
	struct mapi_out in; /* what it is given is encoded */
	struct mime_out *out;
	enum mime_coding coding;
	bool text; /* each kind of line end becomes CRLF */
	bool cr;   /* the last octet was a CR */
	struct mime_qp qp;
	bool lines; /* base64: one is there */
	unsigned held_n;
	unsigned char held[MIME_GROUP];
};
void mime_code_begin(struct mime_code *c, struct mime_out *out,
                     enum mime_coding coding, bool text);
/* No line end is added. */
void mime_code_end(struct mime_code *c);

/* The coding that suits a text whose first octets these are; whole: there
 * are no more. */
enum mime_coding mime_text_coding(const char *p, size_t n, bool whole);
/* True if none of them is 8-bit. */
bool mime_ascii(const char *p, size_t n);
/* True if all of them are printable ASCII, blanks or tabs. */
bool mime_printable(const char *p, size_t n);

#endif
