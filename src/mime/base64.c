/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - see base64.h. */
#include "mime/base64.h"

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

#define NO 0x80 /* not of the alphabet */

static unsigned char value[256];

__attribute__((constructor)) static void value_fill(void)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int i = 0; i < 256; i++)
		value[i] = NO;
	for (unsigned char i = 0; i < 64; i++)
		value[(unsigned char)set[i]] = i;
}

size_t base64_end(struct base64 *b, unsigned char *out)
{
	size_t n = b->n > 1 ? b->n - 1 : 0;
	uint32_t bits = b->bits << 6 * (4 - b->n % 4);

	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(bits >> (16 - 8 * i));
	*b = (struct base64){ 0 };
	return n;
}

static size_t one(struct base64 *b, unsigned char c, unsigned char *out)
{
	if (c == '=')
		return base64_end(b, out);
	if (value[c] == NO)
		return 0;
	b->bits = b->bits << 6 | value[c];
	if (++b->n < 4)
		return 0;
	out[0] = (unsigned char)(b->bits >> 16);
	out[1] = (unsigned char)(b->bits >> 8);
	out[2] = (unsigned char)b->bits;
	*b = (struct base64){ 0 };
	return 3;
}

/* Whole groups without a stranger among them: how many octets it read. */
static size_t groups(const unsigned char *p, size_t n, unsigned char *out,
                     size_t *made)
{
	size_t at = 0;

	for (; n - at >= 4; at += 4, out += 3, *made += 3) {
		unsigned a = value[p[at]], b = value[p[at + 1]],
		         c = value[p[at + 2]], d = value[p[at + 3]];
		unsigned bits = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) & NO)
			break;
		out[0] = (unsigned char)(bits >> 16);
		out[1] = (unsigned char)(bits >> 8);
		out[2] = (unsigned char)bits;
	}
	return at;
}

#if defined(__x86_64__)
/*
 * Sixteen characters at a time, and the groups before a stranger that is no
 * end of a line. The high
 * four bits of a character tell what to add for its value ('/' is the odd
 * one out); bad[] by the low and by the high four bits have a bit in common
 * where the two make none.
 */
__attribute__((target("ssse3"))) static void decode_16(__m128i v, __m128i high,
                                                       unsigned char *out)
{
	const __m128i add = _mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0,
	                                  0, 0, 0, 0, 0, 0, 0);
	const __m128i pack = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13,
	                                   12, -1, -1, -1, -1);

	/* -1 where it is '/': the entry before. */
	high = _mm_add_epi8(high, _mm_cmpeq_epi8(v, _mm_set1_epi8('/')));
	v = _mm_add_epi8(v, _mm_shuffle_epi8(add, high));
	/* 6 and 6 bits, then 12 and 12. */
	v = _mm_maddubs_epi16(v, _mm_set1_epi32(0x01400140));
	v = _mm_madd_epi16(v, _mm_set1_epi32(0x00011000));
	_mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(v, pack));
}

__attribute__((target("ssse3"))) static size_t
sixteens(const unsigned char *p, size_t n, unsigned char *out, size_t *made)
{
	const __m128i bad_low =
	        _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	                      0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
	const __m128i bad_high =
	        _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
	                      0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
	const __m128i nibble = _mm_set1_epi8(0x0f);
	size_t at = 0, good;

	for (; n - at >= 16; at += good, *made += good / 4 * 3) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + at));
		__m128i high = _mm_and_si128(_mm_srli_epi32(v, 4), nibble);
		__m128i low = _mm_and_si128(v, nibble);
		__m128i bad = _mm_and_si128(_mm_shuffle_epi8(bad_high, high),
		                            _mm_shuffle_epi8(bad_low, low));
		int mask = _mm_movemask_epi8(
		        _mm_cmpgt_epi8(bad, _mm_setzero_si128()));

		decode_16(v, high, out + *made);
		good = 16;
		if (mask) {
			good = (unsigned)__builtin_ctz((unsigned)mask) & ~3u;
			if (n - at < 16 + 2 || p[at + good] != '\r' ||
			    p[at + good + 1] != '\n') {
				*made += good / 4 * 3;
				return at + good;
			}
			at += 2; /* a line ends between two groups */
		}
	}
	return at;
}
#endif

static size_t fast(const unsigned char *p, size_t n, unsigned char *out,
                   size_t *made)
{
	size_t at = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("ssse3"))
		at = sixteens(p, n, out, made);
#endif
	return at + groups(p + at, n - at, out + *made, made);
}

size_t base64_data(struct base64 *b, const char *text, size_t n,
                   unsigned char *out)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t made = 0;

	for (size_t at = 0; at < n; at++) {
		if (b->n == 0) {
			size_t more = 0;

			while (at < n && value[p[at]] == NO)
				at++;
			at += fast(p + at, n - at, out + made, &more);
			made += more;
			if (at == n)
				break;
		}
		made += one(b, p[at], out + made);
	}
	return made;
}
