/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf7.c - modified UTF-7 of mailbox names, RFC 3501 5.1.3.
 *
 * Strict in both directions: a name has one encoded form only, so a name
 * that is decoded here encodes to the same octets again. Superfluous shifts
 * ("&AOk-&AOk-"), padding bits that are not zero and printable characters
 * in base64 are therefore refused.
 */
#include "util/utf7.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/utf8.h"

static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int base64_value(char c)
{
	const char *at = c ? strchr(base64, c) : NULL;

	return at ? (int)(at - base64) : -1;
}

static int printable(uint32_t cp)
{
	return cp >= 0x20 && cp <= 0x7e;
}

/* Joins UTF-16 units to code points. */
struct utf16 {
	uint32_t high; /* surrogate that waits for its second half, or 0 */
	struct buf *out;
};

static int utf16_unit(struct utf16 *u, uint32_t unit)
{
	uint32_t cp = unit;
	char octets[4];

	if (u->high) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return -1;
		cp = 0x10000 + ((u->high - 0xd800) << 10) + (unit - 0xdc00);
		u->high = 0;
	} else if (unit >= 0xd800 && unit <= 0xdbff) {
		u->high = unit;
		return 0;
	} else if (unit >= 0xdc00 && unit <= 0xdfff) {
		return -1;
	}
	if (cp == 0 || printable(cp))
		return -1;
	return buf_add(u->out, octets, utf8_put(octets, cp));
}

/* Decodes from behind '&' up to '-'; the place behind it, or NULL. */
static const char *decode_run(struct buf *out, const char *p)
{
	struct utf16 u = { .out = out };
	uint32_t bits = 0;
	unsigned have = 0;
	int v;

	for (; (v = base64_value(*p)) >= 0; p++) {
		bits = (bits << 6 | (uint32_t)v) & 0x3fffff;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		if (utf16_unit(&u, bits >> have & 0xffff))
			return NULL;
		bits &= (1u << have) - 1;
	}
	if (*p != '-' || u.high || have >= 6 || bits)
		return NULL;
	return p + 1;
}

static int decode(struct buf *out, const char *p)
{
	while (*p) {
		if (!printable((unsigned char)*p))
			return -1;
		if (*p != '&') {
			if (buf_chr(out, *p++))
				return -1;
			continue;
		}
		if (p[1] == '-') {
			if (buf_chr(out, '&'))
				return -1;
			p += 2;
			continue;
		}
		p = decode_run(out, p + 1);
		if (!p || (p[0] == '&' && p[1] != '-'))
			return -1;
	}
	return 0;
}

char *utf7_to_utf8(const char *raw)
{
	CLEANUP(buf_release_p) struct buf out = BUF_INIT(0);

	if (decode(&out, raw))
		return NULL;
	return buf_take(&out);
}

/* Writes UTF-16 units as base64 without padding. */
struct shift {
	uint32_t bits;
	unsigned have;
	struct buf *out;
};

static int shift_unit(struct shift *s, uint32_t unit)
{
	s->bits = (s->bits << 16 | unit) & 0x3fffff;
	s->have += 16;
	while (s->have >= 6) {
		s->have -= 6;
		if (buf_chr(s->out, base64[s->bits >> s->have & 0x3f]))
			return -1;
	}
	return 0;
}

static int shift_code_point(struct shift *s, uint32_t cp)
{
	if (cp < 0x10000)
		return shift_unit(s, cp);
	cp -= 0x10000;
	if (shift_unit(s, 0xd800 + (cp >> 10)))
		return -1;
	return shift_unit(s, 0xdc00 + (cp & 0x3ff));
}

static int shift_end(struct shift *s)
{
	if (s->have && buf_chr(s->out, base64[s->bits << (6 - s->have) & 0x3f]))
		return -1;
	return buf_chr(s->out, '-');
}

/* Encodes the run of characters at p that need base64; the place behind
 * it, or NULL. */
static const char *encode_run(struct buf *out, const char *p)
{
	struct shift s = { .out = out };
	uint32_t cp;
	size_t n;

	if (buf_chr(out, '&'))
		return NULL;
	while ((n = utf8_next(p, &cp)) > 0 && !printable(cp)) {
		if (shift_code_point(&s, cp))
			return NULL;
		p += n;
	}
	return shift_end(&s) ? NULL : p;
}

static int encode(struct buf *out, const char *p)
{
	while (*p) {
		if (*p == '&') {
			if (buf_str(out, "&-"))
				return -1;
			p++;
		} else if (printable((unsigned char)*p)) {
			if (buf_chr(out, *p++))
				return -1;
		} else {
			p = encode_run(out, p);
			if (!p)
				return -1;
		}
	}
	return 0;
}

char *utf8_to_utf7(const char *utf8)
{
	CLEANUP(buf_release_p) struct buf out = BUF_INIT(0);

	if (!utf8_valid(utf8) || encode(&out, utf8))
		return NULL;
	return buf_take(&out);
}
