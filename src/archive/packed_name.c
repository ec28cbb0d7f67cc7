/* SPDX-License-Identifier: Apache-2.0 */
/* packed_name.c - see packed_name.h. */
#include "archive/packed_name.h"

#include <stdlib.h>
#include <string.h>

#include "archive/source.h"
#include "mime/mix.h"
#include "util/buf.h"
#include "util/utf8.h"

/* Code page 437 from 0x80 on. */
static const uint16_t cp437[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea,
	0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6,
	0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc,
	0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
	0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc,
	0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561,
	0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b,
	0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
	0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568,
	0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518,
	0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
	0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
	0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320,
	0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2,
	0x25a0, 0x00a0
};

/* Windows-1252 from 0x80 to 0x9f; 0: not defined there. */
static const uint16_t cp1252[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
	0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178
};

static bool letter_437(unsigned char c)
{
	return (c >= 0x80 && c <= 0x9a) || (c >= 0xa0 && c <= 0xa5) ||
	       c == 0xe1;
}

static bool letter_1252(unsigned char c)
{
	return (c >= 0xc0 && c != 0xd7 && c != 0xf7) || c == 0x8a ||
	       c == 0x8c || c == 0x8e || c == 0x9a || c == 0x9c || c == 0x9e ||
	       c == 0x9f;
}

static uint32_t from_1252(unsigned char c)
{
	uint32_t cp = c < 0xa0 ? cp1252[c - 0x80] : c;

	return cp ? cp : '_';
}

/* name from one of the two code pages into out. */
static int decode(const char *name, bool zip, struct buf *out)
{
	size_t in_437 = 0, in_1252 = 0;
	char octets[4];
	bool use_437;

	for (const char *p = name; *p; p++) {
		in_437 += letter_437((unsigned char)*p);
		in_1252 += letter_1252((unsigned char)*p);
	}
	use_437 = in_437 > in_1252 || (in_437 == in_1252 && zip);
	for (const char *p = name; *p; p++) {
		unsigned char c = (unsigned char)*p;
		uint32_t cp = c < 0x80  ? c
		              : use_437 ? cp437[c - 0x80]
		                        : from_1252(c);

		if (buf_add(out, octets, utf8_put(octets, cp)))
			return -1;
	}
	return 0;
}

/* A part of a path, n octets of UTF-8, behind what is in out. */
static int add_part(struct buf *out, const char *p, size_t n)
{
	const char *end = p + n;
	uint32_t cp;
	size_t len;

	if (!n || (n == 1 && p[0] == '.') ||
	    (n == 2 && p[0] == '.' && p[1] == '.'))
		return 0;
	if (out->n && buf_chr(out, '/'))
		return -1;
	for (; p < end; p += len) {
		len = utf8_next(p, &cp);
		if (!len)
			return -1;
		if (utf8_control(cp) ? buf_chr(out, '_') : buf_add(out, p, len))
			return -1;
	}
	return 0;
}

static int add_parts(struct buf *out, const char *p)
{
	const char *cut = strchr(p, '/') ? "/" : "\\";
	size_t n;

	if (((p[0] | 0x20) >= 'a' && (p[0] | 0x20) <= 'z') && p[1] == ':' &&
	    (p[2] == '/' || p[2] == '\\'))
		p += 2;
	for (;; p += n + 1) {
		n = strcspn(p, cut);
		if (add_part(out, p, n))
			return -1;
		if (!p[n])
			return 0;
	}
}

/* What is too long keeps its front and its end, where a Maildir has its
 * flags and a file its suffix. */
static char *shorten(const char *name)
{
	struct buf out = BUF_INIT(0);
	size_t n = strlen(name), head = utf8_cut(name, PACKED_NAME / 2);
	size_t tail = n - PACKED_NAME / 4;

	while (((unsigned char)name[tail] & 0xc0) == 0x80)
		tail++;
	if (buf_add(&out, name, head) ||
	    buf_fmt(&out, "~%016llx~", (unsigned long long)item_uid(name)) ||
	    buf_str(&out, name + tail)) {
		buf_release(&out);
		return NULL;
	}
	return buf_take(&out);
}

static char *safe(const char *utf8)
{
	CLEANUP(buf_release_p) struct buf out = BUF_INIT(0);

	if (add_parts(&out, utf8) || (!out.n && buf_chr(&out, '_')))
		return NULL;
	return out.n > PACKED_NAME ? shorten(out.p) : buf_take(&out);
}

char *packed_name(const char *name, bool zip)
{
	CLEANUP(buf_release_p) struct buf utf8 = BUF_INIT(0);

	if (utf8_valid(name))
		return safe(name);
	return decode(name, zip, &utf8) ? NULL : safe(utf8.p);
}

/* A name by its hash (0: free), and how many were called so. */
struct packed_seen {
	uint64_t hash;
	uint64_t n;
};

static struct packed_seen *look_up(struct packed_seen *t, size_t cap,
                                   uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (t[i].hash && t[i].hash != hash)
		i = (i + 1) & (cap - 1);
	return t + i;
}

static int grow(struct packed_names *t)
{
	size_t cap = t->cap ? t->cap * 2 : 1024;
	struct packed_seen *more = calloc(cap, sizeof(*more));

	if (!more)
		return -1;
	for (size_t i = 0; i < t->cap; i++)
		if (t->seen[i].hash)
			*look_up(more, cap, t->seen[i].hash) = t->seen[i];
	free(t->seen);
	t->seen = more;
	t->cap = cap;
	return 0;
}

/* The entry of name, made if it is new; NULL: memory. */
static struct packed_seen *seen(struct packed_names *t, const char *name)
{
	struct packed_seen *e;
	uint64_t hash = mix_of(name, strlen(name));

	if (t->n >= t->cap / 4 * 3 && grow(t))
		return NULL;
	e = look_up(t->seen, t->cap, hash);
	t->n += !e->hash;
	e->hash = hash;
	return e;
}

/* Where a number goes: before ":2,S", else before the suffix. */
static size_t number_at(const char *name)
{
	const char *last = strrchr(name, '/'), *p;

	last = last ? last + 1 : name;
	p = strstr(last, ":2,");
	if (!p)
		p = strrchr(last, '.');
	return p && p > last ? (size_t)(p - name) : strlen(name);
}

static char *numbered(const char *name, uint64_t number)
{
	struct buf out = BUF_INIT(0);
	size_t at = number_at(name);

	if (buf_add(&out, name, at) ||
	    buf_fmt(&out, " (%llu)", (unsigned long long)number) ||
	    buf_str(&out, name + at)) {
		buf_release(&out);
		return NULL;
	}
	return buf_take(&out);
}

char *packed_names_add(struct packed_names *t, char *name)
{
	CLEANUP(free_p) char *base = name;
	struct packed_seen *e = seen(t, base), *other;
	uint64_t n;
	char *got;

	if (!e)
		return NULL;
	if (!e->n++) {
		base = NULL;
		return name;
	}
	for (n = e->n;; n++) {
		got = numbered(base, n);
		other = got ? seen(t, got) : NULL;
		if (!other || !other->n++)
			break;
		free(got);
	}
	if (other) /* seen() may have moved e */
		look_up(t->seen, t->cap, mix_of(base, strlen(base)))->n = n;
	else
		free(got);
	return other ? got : NULL;
}

void packed_names_release(struct packed_names *t)
{
	free(t->seen);
	*t = (struct packed_names){ 0 };
}
