/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - see base64.h. */
#include "mime/base64.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <immintrin.h>
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
#define AVX2 __attribute__((target("avx2")))
#define WIDE 32 /* characters at a time */
#define LINE 76 /* of nearly all that is sent (RFC 2045) */

AVX2 static inline __m256i twice(__m128i v)
{
	return _mm256_broadcastsi128_si256(v);
}

AVX2 static inline void put_wide(__m256i v, __m256i high, unsigned char *out)
{
	const __m256i add = twice(_mm_setr_epi8(0, 16, 19, 4, -65, -65, -71,
	                                        -71, 0, 0, 0, 0, 0, 0, 0, 0));
	const __m256i pack = twice(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14,
	                                         13, 12, -1, -1, -1, -1));
	const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);

	/* -1 where it is '/': the entry before. */
	high = _mm256_add_epi8(high,
	                       _mm256_cmpeq_epi8(v, _mm256_set1_epi8('/')));
	v = _mm256_add_epi8(v, _mm256_shuffle_epi8(add, high));
	/* 6 and 6 bits, then 12 and 12. */
	v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
	v = _mm256_shuffle_epi8(v, pack);
	_mm256_storeu_si256((__m256i *)out,
	                    _mm256_permutevar8x32_epi32(v, join));
}

/*
 * Writes 24 octets, and eight that mean nothing; not 0 where a character is
 * none of the alphabet. The high four bits of a character tell what to add
 * for its value ('/' is the odd one out); bad_low and bad_high by the low and
 * by the high four have a bit in common where the two make none.
 */
AVX2 static inline __m256i decode(const unsigned char *p, unsigned char *out)
{
	const __m256i bad_low = twice(
	        _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	                      0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a));
	const __m256i bad_high = twice(
	        _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
	                      0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	__m256i v = _mm256_loadu_si256((const __m256i *)p);
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(v, 4), nibble);
	__m256i low = _mm256_and_si256(v, nibble);

	put_wide(v, high, out);
	return _mm256_and_si256(_mm256_shuffle_epi8(bad_high, high),
	                        _mm256_shuffle_epi8(bad_low, low));
}

/* A whole line; its last part does the end of the one before again. */
AVX2 static inline bool line(const unsigned char *p, unsigned char *out)
{
	const size_t last = LINE - WIDE;
	__m256i bad;

	if (p[LINE] != '\r' || p[LINE + 1] != '\n')
		return false;
	bad = decode(p, out);
	bad = _mm256_or_si256(bad, decode(p + WIDE, out + 24));
	bad = _mm256_or_si256(bad, decode(p + last, out + last / 4 * 3));
	return _mm256_testz_si256(bad, bad);
}

/* How many characters stand before one that is none of the alphabet. */
AVX2 static inline unsigned some(const unsigned char *p, unsigned char *out)
{
	__m256i bad = _mm256_cmpgt_epi8(decode(p, out), _mm256_setzero_si256());
	unsigned mask = (unsigned)_mm256_movemask_epi8(bad);

	return mask ? (unsigned)__builtin_ctz(mask) : WIDE;
}

/* The groups before a stranger that is no end of a line. */
AVX2 static size_t wide(const unsigned char *p, size_t n, unsigned char *out,
                        size_t *made)
{
	const unsigned char *from = p, *end = p + n;

	while (end - p >= WIDE + 2) {
		unsigned good;

		if (end - p >= LINE + 2 && line(p, out + *made)) {
			p += LINE + 2;
			*made += LINE / 4 * 3;
			continue;
		}
		good = some(p, out + *made) / 4;
		p += good * 4;
		*made += good * 3;
		if (good == WIDE / 4)
			continue;
		if (p[0] != '\r' || p[1] != '\n')
			break;
		p += 2; /* a line ends between two groups */
	}
	return (size_t)(p - from);
}
#endif

static size_t fast(const unsigned char *p, size_t n, unsigned char *out,
                   size_t *made)
{
	size_t at = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		at = wide(p, n, out, made);
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
