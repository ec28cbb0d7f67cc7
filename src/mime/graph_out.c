/* SPDX-License-Identifier: Apache-2.0 */
/* graph_out.c - see graph_out.h. RFC 8259 7, RFC 4648 4. */
#include "mime/graph_out.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536u
#define BASE64_STEP 3072u /* a multiple of three */

void graph_out_begin(struct graph_out *o, struct body *to, struct err *e)
{
	memset(o, 0, sizeof(*o));
	o->to = to;
	o->e = e;
	if (!to)
		return;
	o->buf = malloc(ROOM);
	if (!o->buf)
		o->failed = err_memory(e) < 0;
}

static void flush(struct graph_out *o)
{
	if (!o->failed && o->used && body_append(o->to, o->buf, o->used, o->e))
		o->failed = true;
	o->used = 0;
}

int graph_out_end(struct graph_out *o)
{
	if (o->to)
		flush(o);
	free(o->buf);
	o->buf = NULL;
	return o->failed ? -1 : 0;
}

static void put(struct graph_out *o, const char *p, size_t n)
{
	o->n += n;
	while (o->to && n && !o->failed) {
		size_t part = n < ROOM - o->used ? n : ROOM - o->used;

		memcpy(o->buf + o->used, p, part);
		o->used += part;
		p += part;
		n -= part;
		if (o->used == ROOM)
			flush(o);
	}
}

void graph_out_raw(struct graph_out *o, const char *s)
{
	put(o, s, strlen(s));
}

static void escape(struct graph_out *o, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[] = "btn_fr"; /* 8 to 13 */
	char s[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	if (c == '\0') {
		/* Exchange takes no NUL in any string. */
		put(o, "\\ufffd", 6);
	} else if (c == '"' || c == '\\') {
		s[1] = (char)c;
		put(o, s, 2);
	} else if (c >= '\b' && c <= '\r' && c != '\v') {
		s[1] = letters[c - '\b'];
		put(o, s, 2);
	} else {
		put(o, s, sizeof(s));
	}
}

void graph_out_text(struct graph_out *o, const char *p, size_t n)
{
	size_t plain = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		put(o, p + plain, i - plain);
		escape(o, c);
		plain = i + 1;
	}
	put(o, p + plain, n - plain);
	if (n)
		o->last = p[n - 1];
}

void graph_out_html(struct graph_out *o, const char *p, size_t n)
{
	size_t plain = 0;

	for (size_t i = 0; i < n; i++) {
		const char *as = p[i] == '&'   ? "&amp;"
		                 : p[i] == '<' ? "&lt;"
		                 : p[i] == '>' ? "&gt;"
		                               : NULL;

		if (!as)
			continue;
		graph_out_text(o, p + plain, i - plain);
		graph_out_raw(o, as);
		plain = i + 1;
	}
	graph_out_text(o, p + plain, n - plain);
}

void graph_out_string(struct graph_out *o, const char *s)
{
	put(o, "\"", 1);
	graph_out_text(o, s, strlen(s));
	put(o, "\"", 1);
}

static void encode(struct graph_out *o, const unsigned char *p, size_t n)
{
	unsigned char out[BASE64_STEP / 3 * 4 + 1];
	int len = EVP_EncodeBlock(out, p, (int)n);

	put(o, (const char *)out, (size_t)len);
}

void graph_out_base64(struct graph_out *o, const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;

	while (o->rest_n && o->rest_n < 3 && n) {
		o->rest[o->rest_n++] = *s++;
		n--;
	}
	if (o->rest_n == 3) {
		encode(o, o->rest, 3);
		o->rest_n = 0;
	}
	while (n >= 3) {
		size_t part = n < BASE64_STEP ? n - n % 3 : BASE64_STEP;

		encode(o, s, part);
		s += part;
		n -= part;
	}
	while (n--)
		o->rest[o->rest_n++] = *s++;
}

void graph_out_base64_end(struct graph_out *o)
{
	if (o->rest_n)
		encode(o, o->rest, o->rest_n);
	o->rest_n = 0;
}

void graph_out_base64_count(struct graph_out *o, uint64_t octets)
{
	o->n += (octets + 2) / 3 * 4;
}
