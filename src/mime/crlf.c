/* SPDX-License-Identifier: Apache-2.0 */
/* crlf.c - see crlf.h. Each function has a fast part for whole blocks, which
 * x86-64 can always do, and one that finishes, and does it all elsewhere. */
#include "mime/crlf.h"

#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define BLOCK 64

/* --- copying --------------------------------------------------------------*/

#if defined(__x86_64__)
static uint64_t where(const char *p, char c)
{
	const __m128i want = _mm_set1_epi8(c);
	uint64_t all = 0;

	for (unsigned i = 0; i < BLOCK; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, want));

		all |= (uint64_t)(unsigned)mask << i;
	}
	return all;
}

/* Blocks, as long as another one stands behind them. What follows a bare LF
 * is copied again, an octet further on: it is quicker than to ask how much
 * of it there is. */
static size_t copy_blocks(const char **from, const char *end, bool *cr,
                          char *out, size_t room)
{
	const char *p = *from;
	uint64_t carry = *cr;
	size_t to = 0;

	while (end - p >= 2 * BLOCK && room - to >= 3 * BLOCK) {
		uint64_t crs = where(p, '\r');
		uint64_t bare = where(p, '\n') & ~(crs << 1 | carry);

		memcpy(out + to, p, BLOCK);
		for (; bare; bare &= bare - 1) {
			unsigned i = (unsigned)__builtin_ctzll(bare);

			out[to + i] = '\r';
			to++;
			memcpy(out + to + i, p + i, BLOCK);
		}
		carry = crs >> (BLOCK - 1);
		p += BLOCK;
		to += BLOCK;
	}
	*cr = carry;
	*from = p;
	return to;
}
#else
static size_t copy_blocks(const char **from, const char *end, bool *cr,
                          char *out, size_t room)
{
	return 0;
}
#endif

size_t crlf_copy(const char **p, const char *end, bool *cr, char *out,
                 size_t room)
{
	size_t to = copy_blocks(p, end, cr, out, room);

	while (*p < end && room - to >= 2) {
		size_t left = (size_t)(end - *p);
		size_t n = left < room - to - 1 ? left : room - to - 1;
		const char *nl = memchr(*p, '\n', n);

		n = nl ? (size_t)(nl - *p) : n;
		memcpy(out + to, *p, n);
		to += n;
		*p += n;
		if (n)
			*cr = out[to - 1] == '\r';
		if (!nl)
			continue;
		if (!*cr)
			out[to++] = '\r';
		out[to++] = '\n';
		*cr = false;
		(*p)++;
	}
	return to;
}

/* --- looking ------------------------------------------------------------- */

#if defined(__x86_64__)
/* Goes over blocks without a line to stop at. */
static const char *pass_blocks(const char *p, const char *end, char a, char b,
                               uint64_t *bare)
{
	const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
	const __m128i first = _mm_set1_epi8(a), other = _mm_set1_epi8(b);

	for (; end - p > BLOCK; p += BLOCK) {
		__m128i stop = _mm_setzero_si128(), count = stop;

		for (unsigned i = 0; i < BLOCK; i += 16) {
			const __m128i *at = (const __m128i *)(p + i);
			const __m128i *behind = (const __m128i *)(p + i + 1);
			const __m128i *before = (const __m128i *)(p + i - 1);
			__m128i ends = _mm_cmpeq_epi8(_mm_loadu_si128(at), lf);
			__m128i next = _mm_loadu_si128(behind);
			__m128i last = _mm_loadu_si128(before);

			next = _mm_or_si128(_mm_cmpeq_epi8(next, first),
			                    _mm_cmpeq_epi8(next, other));
			last = _mm_cmpeq_epi8(last, cr);
			stop = _mm_or_si128(stop, _mm_and_si128(ends, next));
			/* All bits: -1. */
			count = _mm_sub_epi8(count,
			                     _mm_andnot_si128(last, ends));
		}
		if (_mm_movemask_epi8(stop))
			break;
		count = _mm_sad_epu8(count, _mm_setzero_si128());
		*bare += (uint64_t)_mm_cvtsi128_si64(count) +
		         (uint64_t)_mm_cvtsi128_si64(
		                 _mm_unpackhi_epi64(count, count));
	}
	return p;
}
#else
static const char *pass_blocks(const char *p, const char *end, char a, char b,
                               uint64_t *bare)
{
	return p;
}
#endif

const char *crlf_lines(const char *p, const char *end, char a, char b,
                       uint64_t *bare)
{
	const char *line = p, *nl;

	if (p < end && *p != a && *p != b) {
		p = pass_blocks(p, end, a, b, bare);
		nl = memrchr(line, '\n', (size_t)(p - line));
		line = nl ? nl + 1 : line;
	}
	/* Of the line at p, what stands before it has been passed. */
	while (p < end && (line != p || (*p != a && *p != b))) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		*bare += nl[-1] != '\r';
		line = p = nl + 1;
	}
	return line;
}
