/* SPDX-License-Identifier: Apache-2.0 */
/* mime_out.c - see mime_out.h. */
#include "archive/mapi/mime_out.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "mime/crlf.h"

#define QP_LINE 75 /* and "=" */
#define MANY 6     /* one 8-bit octet in so many, and base64 is shorter */

static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz0123456789+/";
/* Two characters of base64 for twelve bits, in the order of memory. */
static char pair[4096][2];
static bool qp_plain[256];
static char qp_code[256][4]; /* "=E9", and one that is written over */

__attribute__((constructor)) static void tables_fill(void)
{
	for (unsigned i = 0; i < 4096; i++) {
		pair[i][0] = set[i >> 6];
		pair[i][1] = set[i & 63];
	}
	for (int i = '!'; i <= '~'; i++)
		qp_plain[i] = i != '=';
	for (int i = 0; i < 256; i++) {
		qp_code[i][0] = '=';
		qp_code[i][1] = "0123456789ABCDEF"[i >> 4];
		qp_code[i][2] = "0123456789ABCDEF"[i & 15];
	}
}

void mime_out_begin(struct mime_out *o, struct mapi_out *to)
{
	o->to = to;
	o->total = 0;
	o->failed = false;
	o->last = '\n';
	o->n = 0;
}

static void flush(struct mime_out *o)
{
	if (o->n && !o->failed && o->to->data(o->to, o->buf, o->n))
		o->failed = true;
	o->n = 0;
}

/* Where n octets (few) can be written that used() counts then. */
static char *room(struct mime_out *o, size_t n)
{
	if (o->n + n > sizeof(o->buf))
		flush(o);
	return o->buf + o->n;
}

static void used(struct mime_out *o, size_t n)
{
	if (!n)
		return;
	o->n += n;
	o->total += n;
	o->last = o->buf[o->n - 1];
}

void mime_put_long(struct mime_out *o, const char *p, size_t n)
{
	while (n && !o->failed) {
		size_t k = sizeof(o->buf) - o->n;

		if (k > n)
			k = n;
		memcpy(o->buf + o->n, p, k);
		used(o, k);
		p += k;
		n -= k;
		if (o->n == sizeof(o->buf))
			flush(o);
	}
}

int mime_out_end(struct mime_out *o)
{
	flush(o);
	return o->failed ? -1 : 0;
}

/* --- base64 --------------------------------------------------------------- */

static char *group(char *to, const unsigned char *p)
{
	unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];

	memcpy(to, pair[v >> 12], 2);
	memcpy(to + 2, pair[v & 0xfff], 2);
	return to + 4;
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i twice(__m128i v)
{
	return _mm256_broadcastsi128_si256(v);
}

/* Twelve of each half of v, chosen and put in pairs by where, as sixteen
 * characters each: the six bits of a character are moved to their octet by
 * multiplying, and what is added to them depends on their range. */
AVX2 static inline __m256i wide64(__m256i v, __m256i where)
{
	const __m256i add = twice(
	        _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
	                      '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
	                      '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
	__m256i odd, even, range, upper;

	v = _mm256_shuffle_epi8(v, where);
	even = _mm256_mulhi_epu16(
	        _mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)),
	        _mm256_set1_epi32(0x04000040));
	odd = _mm256_mullo_epi16(
	        _mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)),
	        _mm256_set1_epi32(0x01000010));
	v = _mm256_or_si256(even, odd);
	/* 0: a to z, 1 to 10: digits, 11 and 12: signs, 13: A to Z. */
	range = _mm256_subs_epu8(v, _mm256_set1_epi8(51));
	upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), v);
	range = _mm256_or_si256(range,
	                        _mm256_and_si256(upper, _mm256_set1_epi8(13)));
	return _mm256_add_epi8(v, _mm256_shuffle_epi8(add, range));
}

AVX2 static inline __m256i two(const unsigned char *a, const unsigned char *b)
{
	return _mm256_loadu2_m128i((const __m128i *)b, (const __m128i *)a);
}

/* 57 octets; the last step does the end of the one before again, so that it
 * reads nothing behind them. */
AVX2 static inline void line64_avx2(char *to, const unsigned char *p)
{
	const __m128i first = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7,
	                                    10, 9, 11, 10);
	const __m128i last = _mm_add_epi8(first, _mm_set1_epi8(4));
	const __m256i both = twice(first);

	_mm256_storeu_si256((__m256i *)to, wide64(two(p, p + 12), both));
	_mm256_storeu_si256((__m256i *)(to + 32),
	                    wide64(two(p + 24, p + 36), both));
	_mm256_storeu_si256(
	        (__m256i *)(to + 44),
	        wide64(two(p + 33, p + 41), _mm256_set_m128i(last, first)));
}
#endif

static void whole_line64(char *to, const unsigned char *p)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		line64_avx2(to, p);
		return;
	}
#endif
	for (unsigned i = 0; i < MIME_GROUP; i += 3)
		to = group(to, p + i);
}

/* A line of whole groups. */
static void line64(struct mime_code *c, const unsigned char *p)
{
	char *to = room(c->out, 78), *at = to;

	if (c->lines) { /* the line before has not been ended */
		*at++ = '\r';
		*at++ = '\n';
	}
	c->lines = true;
	whole_line64(at, p);
	at += MIME_GROUP / 3 * 4;
	used(c->out, (size_t)(at - to));
}

static void data64(struct mime_code *c, const unsigned char *p, size_t n)
{
	if (c->held_n) {
		size_t k = MIME_GROUP - c->held_n;

		k = k < n ? k : n;
		memcpy(c->held + c->held_n, p, k);
		c->held_n += (unsigned)k;
		p += k;
		n -= k;
		if (c->held_n < MIME_GROUP)
			return;
		line64(c, c->held);
		c->held_n = 0;
	}
	for (; n >= MIME_GROUP; n -= MIME_GROUP, p += MIME_GROUP)
		line64(c, p);
	memcpy(c->held, p, n);
	c->held_n = (unsigned)n;
}

static void end64(struct mime_code *c)
{
	char *to = room(c->out, 80), *at = to;
	unsigned n = c->held_n, over = n % 3;

	if (!n)
		return;
	memset(c->held + n, 0, over ? 3 - over : 0);
	if (c->lines) {
		*at++ = '\r';
		*at++ = '\n';
	}
	for (unsigned i = 0; i < n; i += 3)
		at = group(at, c->held + i);
	if (over)
		at[-1] = '=';
	if (over == 1)
		at[-2] = '=';
	used(c->out, (size_t)(at - to));
}

/* Octets before the next CR or LF. */
static size_t line_octets(const unsigned char *p, size_t n)
{
	size_t i = 0;

#if defined(__x86_64__)
	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		int ends = _mm_movemask_epi8(
		        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')),
		                     _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'))));

		if (ends)
			return i + (size_t)__builtin_ctz((unsigned)ends);
	}
#endif
	while (i < n && p[i] != '\r' && p[i] != '\n')
		i++;
	return i;
}

/* Line ends of a text before it is encoded. */
static void text64(struct mime_code *c, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;

	while (p < end) {
		size_t k = line_octets(p, (size_t)(end - p));

		if (k) {
			data64(c, p, k);
			c->cr = false;
			p += k;
			continue;
		}
		if (!(*p == '\n' && c->cr))
			data64(c, (const unsigned char *)"\r\n", 2);
		c->cr = *p++ == '\r';
	}
}

/* --- quoted-printable ----------------------------------------------------- */

#define QP_PIECE 4096
#define QP_GROWS 7 /* an octet as four, and a soft line break before it */

static inline char *soft_break(struct mime_qp *c, char *at, unsigned n)
{
	if (c->col + n > QP_LINE) {
		*at++ = '=';
		*at++ = '\r';
		*at++ = '\n';
		c->col = 0;
	}
	c->col += n;
	return at;
}

static inline char *code(struct mime_qp *c, char *at, unsigned char octet)
{
	at = soft_break(c, at, 3);
	memcpy(at, qp_code[octet], 4);
	return at + 3;
}

/* A blank may not be the last of a line. */
static inline char *blank(struct mime_qp *c, char *at, bool last)
{
	char space = c->space;

	c->space = 0;
	if (!space)
		return at;
	if (last)
		return code(c, at, (unsigned char)space);
	at = soft_break(c, at, 1);
	*at = space;
	return at + 1;
}

static inline char *line_end(struct mime_qp *c, char *at, unsigned char octet)
{
	if (!(octet == '\n' && c->cr)) {
		at = blank(c, at, true);
		*at++ = '\r';
		*at++ = '\n';
		c->col = 0;
	}
	c->cr = octet == '\r';
	return at;
}

/* Copies what stands for itself, blanks among it, most octets at most; more
 * may be written behind it, as far as n. */
static inline size_t plain_copy(const unsigned char *p, size_t n, size_t most,
                                char *to)
{
	size_t i = 0;

#if defined(__x86_64__)
	for (; i < most && n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' '));
		__m128i sign = _mm_cmpeq_epi8(v, _mm_set1_epi8('='));
		__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
		/* Signed: 8-bit ones are below a blank. */
		unsigned mask = (unsigned)_mm_movemask_epi8(
		        _mm_or_si128(low, _mm_or_si128(sign, del)));

		_mm_storeu_si128((__m128i *)(to + i), v);
		if (mask) {
			i += (unsigned)__builtin_ctz(mask);
			return i < most ? i : most;
		}
	}
	if (i >= most)
		return most;
#endif
	for (; i < most && (qp_plain[p[i]] || p[i] == ' '); i++)
		to[i] = (char)p[i];
	return i;
}

/* As many plain ones as the line has room for, one at least. */
static inline size_t plain_run(struct mime_qp *c, const unsigned char *p,
                               size_t n, char **at)
{
	size_t most, i;

	*at = blank(c, *at, false);
	*at = soft_break(c, *at, 1);
	c->col--;
	most = QP_LINE - c->col;
	i = plain_copy(p, n, most < n ? most : n, *at);
	/* Blanks that may be the last of a line wait. */
	if (i == n || p[i] == '\r' || p[i] == '\n')
		while (p[i - 1] == ' ')
			i--;
	c->col += (unsigned)i;
	*at += i;
	return i;
}

static inline size_t coded_run(struct mime_qp *c, const unsigned char *p,
                               size_t n, char **at)
{
	size_t i = 0;

	*at = blank(c, *at, false);
	do
		*at = code(c, *at, p[i++]);
	while (i < n && p[i] >= 0x80);
	return i;
}

/* The state is a copy, or each octet written might be a part of it. */
static char *piece_qp(struct mime_code *to, const unsigned char *p, size_t n,
                      char *at)
{
	struct mime_qp s = to->qp, *c = &s;

	for (size_t i = 0, k; i < n; i += k) {
		k = 1;
		if (qp_plain[p[i]]) {
			k = plain_run(c, p + i, n - i, &at);
		} else if (to->text && (p[i] == '\r' || p[i] == '\n')) {
			at = line_end(c, at, p[i]);
			continue;
		} else if (p[i] == ' ' || p[i] == '\t') {
			at = blank(c, at, false);
			c->space = (char)p[i];
		} else {
			k = coded_run(c, p + i, n - i, &at);
		}
		c->cr = false;
	}
	to->qp = s;
	return at;
}

static void data_qp(struct mime_code *c, const unsigned char *p, size_t n)
{
	for (size_t k; n && !c->out->failed; p += k, n -= k) {
		char *to = room(c->out, QP_GROWS * (QP_PIECE + 2));

		k = n < QP_PIECE ? n : QP_PIECE;
		used(c->out, (size_t)(piece_qp(c, p, k, to) - to));
	}
}

static void end_qp(struct mime_code *c)
{
	char *to = room(c->out, QP_GROWS);

	used(c->out, (size_t)(blank(&c->qp, to, true) - to));
}

/* --- the rest ------------------------------------------------------------- */

static void data_7bit(struct mime_code *c, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && !c->out->failed) {
		char *to = room(c->out, 1024);
		size_t left = sizeof(c->out->buf) - c->out->n;

		used(c->out, crlf_copy(&p, end, &c->cr, to, left));
	}
}

static int code_data(struct mapi_out *in, const void *p, size_t n)
{
	struct mime_code *c = in->arg;

	if (!n)
		return 0;
	if (c->coding == MIME_QP)
		data_qp(c, p, n);
	else if (c->coding == MIME_7BIT)
		data_7bit(c, p, n);
	else if (c->text)
		text64(c, p, n);
	else
		data64(c, p, n);
	return c->out->failed ? -1 : 0;
}

void mime_code_begin(struct mime_code *c, struct mime_out *out,
                     enum mime_coding coding, bool text)
{
	c->in.data = code_data;
	c->in.arg = c;
	c->out = out;
	c->coding = coding;
	c->text = text;
	c->cr = false;
	c->qp = (struct mime_qp){ 0 };
	c->lines = false;
	c->held_n = 0;
}

void mime_code_end(struct mime_code *c)
{
	if (c->coding == MIME_BASE64)
		end64(c);
	else if (c->coding == MIME_QP)
		end_qp(c);
}

const char *mime_coding_name(enum mime_coding c)
{
	return c == MIME_QP     ? "quoted-printable"
	       : c == MIME_7BIT ? "7bit"
	                        : "base64";
}

#define HIGH UINT64_C(0x8080808080808080)

static size_t high_octets(const char *p, size_t n)
{
	size_t i = 0, high = 0;
#if defined(__x86_64__)
	const __m128i one = _mm_set1_epi8(1);
	__m128i sum = _mm_setzero_si128();

	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));

		/* Each 8-bit octet is 1, and eight are added up. */
		v = _mm_and_si128(_mm_srli_epi16(v, 7), one);
		sum = _mm_add_epi64(sum, _mm_sad_epu8(v, _mm_setzero_si128()));
	}
	high = (size_t)_mm_cvtsi128_si64(
	        _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
#endif
	for (; i < n; i++)
		high += (unsigned char)p[i] >> 7;
	return high;
}

bool mime_ascii(const char *p, size_t n)
{
	uint64_t any = 0, v[8];
	size_t i = 0;

	for (; n - i >= sizeof(v) && !(any & HIGH); i += sizeof(v)) {
		memcpy(v, p + i, sizeof(v));
		for (unsigned k = 0; k < 8; k++)
			any |= v[k];
	}
	for (; i < n && !(any & HIGH); i++)
		any |= (unsigned char)p[i];
	return !(any & HIGH);
}

bool mime_printable(const char *p, size_t n)
{
	size_t i = 0;

#if defined(__x86_64__)
	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		/* Signed: 8-bit ones are below a blank. */
		__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' '));
		__m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
		__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

		if (_mm_movemask_epi8(
		            _mm_or_si128(_mm_andnot_si128(tab, low), del)))
			return false;
	}
#endif
	for (; i < n; i++)
		if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f ||
		    (unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

/* Nothing that a server may stumble over: line by line. */
static bool lines_fit(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		size_t len = (size_t)(stop - p);

		if (len && nl && stop[-1] == '\r')
			len--;
		/* "--=_" is how boundaries begin here. */
		if (len > MIME_LINE_MOST || memchr(p, '\r', len) ||
		    (len > 3 && memcmp(p, "--=_", 4) == 0))
			return false;
		p = nl ? nl + 1 : end;
	}
	return true;
}

enum mime_coding mime_text_coding(const char *p, size_t n, bool whole)
{
	size_t high = high_octets(p, n);

	if (whole && !high && !memchr(p, '\0', n) && lines_fit(p, n))
		return MIME_7BIT;
	return high * MANY > n ? MIME_BASE64 : MIME_QP;
}
