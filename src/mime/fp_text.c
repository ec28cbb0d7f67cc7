/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fp_text.c - see fp_text.h. Part of the fingerprint: what changes here
 * changes FINGERPRINT_VERSION.
 */
#include "mime/fp_text.h"

#include <string.h>
#include <strings.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define PIECE 4096u

static bool white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && strncasecmp(p, word, len) == 0;
}

/* --- Transfer encodings -------------------------------------------------- */

static void base64_text(struct fp_text *t, const char *p, size_t n)
{
	unsigned char out[BASE64_ROOM(PIECE)];

	while (n > 0) {
		size_t part = n < PIECE ? n : PIECE;
		size_t made = base64_data(&t->base64, p, part, out);

		mix_text(&t->mix, (const char *)out, made);
		p += part;
		n -= part;
	}
}

static signed char hex[256];

__attribute__((constructor)) static void hex_fill(void)
{
	static const char digits[] = "0123456789abcdef";

	memset(hex, -1, sizeof(hex));
	for (signed char i = 0; i < 16; i++) {
		unsigned char c = (unsigned char)digits[i];

		hex[c] = i;
		if (i > 9)
			hex[c - 32] = i;
	}
}

/* Copies what stands before the next escape, or all; sixteen at a time, also
 * behind it. */
static size_t plain_copy(const char *p, size_t n, char *to)
{
	const char *sign;
	size_t i = 0;

#if defined(__x86_64__)
	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i is = _mm_cmpeq_epi8(v, _mm_set1_epi8('='));
		unsigned mask = (unsigned)_mm_movemask_epi8(is);

		_mm_storeu_si128((__m128i *)(to + i), v);
		if (mask)
			return i + (unsigned)__builtin_ctz(mask);
	}
#endif
	sign = memchr(p + i, '=', n - i);
	n = sign ? (size_t)(sign - p) : n;
	memcpy(to + i, p + i, n - i);
	return n;
}

/* Three octets from a '=' on: how many of them are done. */
static size_t escape(const char *p, char *out, size_t *to)
{
	int high = hex[(unsigned char)p[1]], low = hex[(unsigned char)p[2]];

	if (high >= 0 && low >= 0) {
		out[(*to)++] = (char)(high << 4 | low);
		return 3;
	}
	/* A soft line end; white space is not hashed. */
	if (white(p[1]))
		return 2;
	out[(*to)++] = *p;
	return 1;
}

/* At most PIECE octets, the escape that was cut before them among them. */
static void qp_piece(struct fp_text *t, const char *p, size_t n)
{
	char out[PIECE];
	size_t at = 0, to = 0;

	while (at < n) {
		size_t plain = plain_copy(p + at, n - at, out + to);

		to += plain;
		at += plain;
		if (n - at < 3)
			break;
		while (n - at >= 3 && p[at] == '=')
			at += escape(p + at, out, &to);
	}
	t->qp_n = n - at;
	memcpy(t->qp, p + at, t->qp_n);
	mix_text(&t->mix, out, to);
}

static void qp_text(struct fp_text *t, const char *p, size_t n)
{
	char in[PIECE];

	while (n > 0) {
		size_t old = t->qp_n, room = PIECE - old;
		size_t part = n < room ? n : room;

		if (old) {
			memcpy(in, t->qp, old);
			memcpy(in + old, p, part);
		}
		qp_piece(t, old ? in : p, old + part);
		p += part;
		n -= part;
	}
}

static void content(struct fp_text *t, const char *p, size_t n)
{
	if (t->state != FP_IN_CONTENT || !n)
		return;
	if (t->part.file && !t->part.rtf)
		t->files += n;
	if (t->part.code == FP_BASE64)
		base64_text(t, p, n);
	else if (t->part.code == FP_QP)
		qp_text(t, p, n);
	else
		mix_text(&t->mix, p, n);
}

/* Nothing of a part goes into the next. */
static void content_end(struct fp_text *t)
{
	unsigned char out[BASE64_ROOM(0)];
	size_t n = base64_end(&t->base64, out);

	mix_text(&t->mix, (const char *)out, n);
	t->qp_n = 0;
}

/* --- Headers -------------------------------------------------------------- */

static void keep_mark(struct fp_part *part, const char *p, size_t n)
{
	struct buf mark CLEANUP(buf_release_p) = BUF_INIT(FP_MARK_MAX);

	/* A longer one is no boundary of ours. */
	if (header_param(p, n, "boundary", &mark) != 1)
		return;
	memcpy(part->mark, mark.p, mark.n);
	part->mark_n = mark.n;
}

static void learn_type(struct fp_part *part, const char *p, size_t n)
{
	part->typed = true;
	part->type = FP_LEAF;
	if (!starts(p, n, "text/") && !starts(p, n, "multipart/") &&
	    !starts(p, n, "message/"))
		part->file = true;
	part->rtf = starts(p, n, "application/rtf") || starts(p, n, "text/rtf");
	if (starts(p, n, "text/plain"))
		part->type = FP_PLAIN;
	if (starts(p, n, "message/rfc822") || starts(p, n, "message/global"))
		part->type = FP_MESSAGE;
	if (!starts(p, n, "multipart/"))
		return;
	part->type = FP_MULTI;
	part->alternative = starts(p, n, "multipart/alternative");
	part->digest = starts(p, n, "multipart/digest");
	keep_mark(part, p, n);
}

int fp_text_field(struct fp_text *t, const char *field, size_t n)
{
	struct fp_part *part = &t->part;
	const char *p;
	size_t len;

	/* All that is looked for begins so; most fields don't. */
	if (n < 8 || (field[0] | 0x20) != 'c' || field[7] != '-')
		return 0;
	p = header_value(field, n, &len);
	if (!p || !len)
		return 0;
	if (!part->typed && header_is(field, n, "Content-Type"))
		learn_type(part, p, len);
	if (starts(p, len, "attachment") &&
	    header_is(field, n, "Content-Disposition"))
		part->file = true;
	if (part->coded || !header_is(field, n, "Content-Transfer-Encoding"))
		return 0;
	part->coded = true;
	if (starts(p, len, "base64"))
		part->code = FP_BASE64;
	else if (starts(p, len, "quoted-printable"))
		part->code = FP_QP;
	return 0;
}

static int take_field(const char *field, size_t n, void *arg)
{
	struct fp_text *t = arg;

	return fp_text_field(t, field, n) ||
	       (t->part.message && fp_heads_take(&t->heads, field, n));
}

static void begin_header(struct fp_text *t, bool message)
{
	bool digest = t->depth && t->level[t->depth - 1].digest;

	t->part = (struct fp_part){ .message = message };
	/* RFC 2046 5.1.5 */
	if (digest && !message)
		t->part.type = FP_MESSAGE;
	memset(&t->heads, 0, sizeof(t->heads));
	buf_clear(&t->split.field);
	t->split.mid_line = t->split.line_any = t->split.ended = false;
	t->state = FP_IN_HEADER;
}

/* What comes now may turn out to be no content. */
static void may_forget(struct fp_text *t, bool preamble)
{
	mix_keep(&t->mix, &t->then);
	t->then_depth = t->depth;
	t->preamble = preamble;
}

static void enter(struct fp_text *t)
{
	struct fp_level *l = &t->level[t->depth++];

	l->alternative = t->part.alternative;
	l->digest = t->part.digest;
	l->mark_n = t->part.mark_n;
	memcpy(l->mark, t->part.mark, l->mark_n);
	t->part.code = FP_AS_IS;
	t->part.file = false;
	may_forget(t, true);
}

void fp_text_body(struct fp_text *t)
{
	struct fp_part *part = &t->part;

	t->line_begins = true;
	t->state = FP_IN_CONTENT;
	if (part->type == FP_MULTI && part->mark_n && t->depth < FP_NEST_MAX)
		enter(t);
	else if (part->type == FP_MESSAGE && part->code == FP_AS_IS)
		begin_header(t, true);
	else if (part->type == FP_PLAIN && t->depth &&
	         t->level[t->depth - 1].alternative)
		may_forget(t, false);
}

static void header_end(struct fp_text *t)
{
	unsigned char out[8 * FP_HEADS];

	if (t->part.message) {
		fp_heads_end(&t->heads);
		for (int i = 0; i < FP_HEADS * 8; i++)
			out[i] = (unsigned char)(t->heads.hash[i / 8] >>
			                         8 * (i % 8));
		mix_data(&t->mix, out, sizeof(out));
	}
	fp_text_body(t);
}

/* --- Boundaries ----------------------------------------------------------- */

/* How many levels are left if the held line is a boundary; 0: it is none.
 * *last: it ends its multipart. */
static size_t boundary(const struct fp_text *t, bool *last)
{
	size_t n = t->held_n;

	while (n && white(t->held[n - 1]))
		n--;
	for (size_t i = t->depth; i > 0; i--) {
		const struct fp_level *l = &t->level[i - 1];

		if (n < l->mark_n + 2 ||
		    memcmp(t->held + 2, l->mark, l->mark_n) != 0)
			continue;
		*last = n == l->mark_n + 4 && t->held[n - 1] == '-' &&
		        t->held[n - 2] == '-';
		if (*last || n == l->mark_n + 2)
			return i;
	}
	return 0;
}

static void held_end(struct fp_text *t)
{
	bool last = false;
	size_t level = boundary(t, &last);

	if (!level) {
		content(t, t->held, t->held_n);
		t->held_n = 0;
		return;
	}
	t->held_n = 0;
	content_end(t);
	if (t->then_depth == level && (t->preamble || !last))
		mix_back(&t->mix, &t->then);
	t->then_depth = 0;
	t->depth = last ? level - 1 : level;
	if (last)
		t->state = FP_IN_NOTHING;
	else
		begin_header(t, false);
}

/* Takes from p what belongs to a line that begins as boundaries do. */
static size_t hold(struct fp_text *t, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && t->held_n < sizeof(t->held)) {
		char c = p[at];

		if (t->held_n < 2 && c != '-')
			break;
		t->held[t->held_n++] = c;
		at++;
		if (c == '\n') {
			held_end(t);
			t->line_begins = true;
			return at;
		}
	}
	if (at == n && t->held_n < sizeof(t->held))
		return at;
	/* Too long, or no dashes. */
	t->line_begins = false;
	content(t, t->held, t->held_n);
	t->held_n = 0;
	return at;
}

/* How much of p stands before a line that begins with '-'; all of p may
 * end a line. Blocks, so that the compiler makes vectors of it. */
static size_t to_dash(const char *p, size_t n)
{
	size_t at = 0;

	for (; n - at > 64; at += 64) {
		unsigned char any = 0;

		for (size_t i = 0; i < 64; i++)
			any |= (unsigned char)((p[at + i] == '\n') &
			                       (p[at + i + 1] == '-'));
		if (any)
			break;
	}
	for (; at + 1 < n; at++)
		if (p[at] == '\n' && p[at + 1] == '-')
			return at + 1;
	return n;
}

static size_t body(struct fp_text *t, const char *p, size_t n)
{
	if (!t->depth) {
		content(t, p, n);
		return n;
	}
	if (t->line_begins)
		return hold(t, p, n);
	n = to_dash(p, n);
	content(t, p, n);
	t->line_begins = p[n - 1] == '\n';
	return n;
}

/* --- The whole ------------------------------------------------------------ */

void fp_text_begin(struct fp_text *t)
{
	mix_init(&t->mix);
	t->split = (struct header_split)HEADER_SPLIT_INIT;
	t->part = (struct fp_part){ 0 };
	t->files = 0;
	t->depth = t->held_n = t->then_depth = t->qp_n = 0;
	t->base64 = (struct base64){ 0 };
	t->line_begins = t->preamble = false;
	t->state = FP_IN_CONTENT;
}

int fp_text_data(struct fp_text *t, const char *p, size_t n)
{
	while (n > 0) {
		size_t used = 0;
		int r;

		if (t->state == FP_IN_HEADER) {
			r = header_split_data(&t->split, p, n, &used,
			                      take_field, t);
			if (r < 0)
				return -1;
			if (r)
				header_end(t);
		} else {
			used = body(t, p, n);
		}
		p += used;
		n -= used;
	}
	return 0;
}

int fp_text_end(struct fp_text *t, uint64_t *hash)
{
	if (t->held_n)
		held_end(t);
	if (t->state == FP_IN_HEADER) {
		if (header_split_end(&t->split, take_field, t))
			return -1;
		header_end(t);
	}
	content_end(t);
	*hash = mix_end(&t->mix);
	return 0;
}

void fp_text_release(struct fp_text *t)
{
	header_split_release(&t->split);
}
