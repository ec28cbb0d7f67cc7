/* SPDX-License-Identifier: Apache-2.0 */
/* text_step.c - see text_step.h. */
#include "archive/mapi/text_step.h"

#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define ROOM_OF_ONE 4

static bool full(const struct text_step *s)
{
	return s->out_end - s->out < ROOM_OF_ONE;
}

static void put(struct text_step *s, uint32_t cp)
{
	char *o = s->out;

	if (cp < 0x80) {
		*o++ = (char)cp;
	} else if (cp < 0x800) {
		*o++ = (char)(0xc0 | cp >> 6);
		*o++ = (char)(0x80 | (cp & 0x3f));
	} else if (cp < 0x10000) {
		*o++ = (char)(0xe0 | cp >> 12);
		*o++ = (char)(0x80 | (cp >> 6 & 0x3f));
		*o++ = (char)(0x80 | (cp & 0x3f));
	} else {
		*o++ = (char)(0xf0 | cp >> 18);
		*o++ = (char)(0x80 | (cp >> 12 & 0x3f));
		*o++ = (char)(0x80 | (cp >> 6 & 0x3f));
		*o++ = (char)(0x80 | (cp & 0x3f));
	}
	s->out = o;
}

/* --- each way, up to end or a NUL or no room -------------------------- */

static size_t shorter(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Most text is ASCII: eight octets, or four units, are looked at at once. */
static void ascii8(struct text_step *s)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	size_t n =
	        shorter((size_t)(s->end - s->p), (size_t)(s->out_end - s->out));

	for (; n >= 8; n -= 8) {
		uint64_t v;

		memcpy(&v, s->p, 8);
		if (v & high)
			return;
		memcpy(s->out, &v, 8);
		s->p += 8;
		s->out += 8;
	}
}

static uint32_t unit(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

#if defined(__x86_64__)
/* Which of sixteen octets are 0 or above 127: as units that do not fit have
 * become. */
static unsigned stops(__m128i v)
{
	return (unsigned)_mm_movemask_epi8(
	               _mm_cmpgt_epi8(v, _mm_setzero_si128())) ^
	       0xffff;
}

/* Of n units, sixteen at a time, as many as are ASCII and no NUL. */
static size_t sixteens(const unsigned char *p, size_t n, char *o)
{
	size_t i = 0;

	for (; n - i >= 16; i += 16) {
		const __m128i *from = (const __m128i *)(p + 2 * i);
		__m128i v = _mm_packus_epi16(_mm_loadu_si128(from),
		                             _mm_loadu_si128(from + 1));
		unsigned bad = stops(v);

		_mm_storeu_si128((__m128i *)(o + i), v);
		if (bad)
			return i + (unsigned)__builtin_ctz(bad);
	}
	if (n - i >= 8) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + 2 * i));
		unsigned bad;

		v = _mm_packus_epi16(v, v);
		bad = stops(v);
		_mm_storel_epi64((__m128i *)(o + i), v);
		i += bad ? (unsigned)__builtin_ctz(bad) : 8;
	}
	return i;
}
#else
static size_t sixteens(const unsigned char *p, size_t n, char *o)
{
	return 0;
}
#endif

static void ascii16(struct text_step *s)
{
	size_t n = shorter((size_t)(s->end - s->p) / 2,
	                   (size_t)(s->out_end - s->out));
	size_t fast = sixteens(s->p, n, s->out);
	const unsigned char *p = s->p + 2 * fast;
	char *o = s->out + fast;

	for (n -= fast; n > 0; n--, p += 2) {
		if (p[1] || p[0] >= 0x80 || p[0] == 0)
			break;
		*o++ = (char)p[0];
	}
	s->p = p;
	s->out = o;
}

/* Other characters of one unit each, up to the next of another kind: what
 * that is, 0: there is no more, or no room. */
static uint32_t others16(struct text_step *s, uint32_t u)
{
	const unsigned char *p = s->p;
	unsigned char *o = (unsigned char *)s->out;

	while (u >= 0x80 && (u & 0xf800) != 0xd800) {
		if (u < 0x800) {
			*o++ = (unsigned char)(0xc0 | u >> 6);
		} else {
			*o++ = (unsigned char)(0xe0 | u >> 12);
			*o++ = (unsigned char)(0x80 | (u >> 6 & 0x3f));
		}
		*o++ = (unsigned char)(0x80 | (u & 0x3f));
		p += 2;
		u = s->end - p >= 2 && s->out_end - (char *)o >= ROOM_OF_ONE
		            ? unit(p)
		            : 0;
	}
	s->p = p;
	s->out = (char *)o;
	return u;
}

static bool is_high(uint32_t u)
{
	return u >= 0xd800 && u < 0xdc00;
}

static bool is_low(uint32_t u)
{
	return u >= 0xdc00 && u < 0xe000;
}

/* Half a character; false: its other half is not here yet. */
static bool half16(struct text_step *s, uint32_t u)
{
	size_t left = (size_t)(s->end - s->p);
	uint32_t low;

	s->p += 2;
	if (!is_high(u)) {
		put(s, REPLACEMENT);
		return true;
	}
	if (left < 4 && !s->last) {
		s->p -= 2;
		return false;
	}
	low = left < 4 ? 0 : unit(s->p);
	if (!is_low(low)) {
		put(s, REPLACEMENT);
		return true;
	}
	s->p += 2;
	put(s, 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00));
	return true;
}

static void utf16(struct text_step *s)
{
	while (!full(s) && s->end - s->p >= 2) {
		uint32_t u = others16(s, unit(s->p));

		if (u == 0)
			break;
		if (u < 0x80)
			ascii16(s);
		else if (!half16(s, u))
			return;
	}
	/* Half a unit. */
	if (s->end - s->p == 1 && s->last && *s->p && !full(s)) {
		put(s, REPLACEMENT);
		s->p++;
	}
}

/* Octets that p begins a character with: 0, none. */
static unsigned length8(unsigned char c)
{
	return c < 0x80   ? 1
	       : c < 0xc2 ? 0
	       : c < 0xe0 ? 2
	       : c < 0xf0 ? 3
	       : c < 0xf5 ? 4
	                  : 0;
}

/* Octets of a whole character at p of the n that there are; 0: it is none,
 * -1: it may become one. */
static int whole8(const unsigned char *p, size_t n, uint32_t *cp)
{
	unsigned want = length8(*p);
	uint32_t least = want == 3 ? 0x800 : want == 4 ? 0x10000 : 0;
	unsigned i;

	if (want < 2) {
		*cp = *p;
		return (int)want;
	}
	*cp = *p & (0x7fu >> want);
	for (i = 1; i < want && i < n && (p[i] & 0xc0) == 0x80; i++)
		*cp = *cp << 6 | (p[i] & 0x3f);
	if (i < want)
		return i == n ? -1 : 0;
	return *cp < least || *cp > 0x10ffff || is_high(*cp) || is_low(*cp)
	               ? 0
	               : (int)want;
}

static void utf8(struct text_step *s)
{
	while (!full(s) && s->p < s->end) {
		uint32_t cp;
		int r;

		ascii8(s);
		if (full(s) || s->p == s->end)
			break;
		r = whole8(s->p, (size_t)(s->end - s->p), &cp);
		if (r < 0 && !s->last)
			return;
		put(s, r > 0 ? cp : REPLACEMENT);
		s->p += r > 0 ? r : 1;
	}
}

static void table(struct text_step *s)
{
	const uint16_t *upper = s->page->is.upper;

	while (!full(s) && s->p < s->end) {
		ascii8(s);
		if (full(s) || s->p == s->end)
			break;
		put(s, *s->p < 0x80 ? *s->p : upper[*s->p - 0x80]);
		s->p++;
	}
}

static void by_iconv(struct text_step *s)
{
	while (s->p < s->end && !full(s)) {
		char *in = (char *)s->p;
		size_t n = (size_t)(s->end - s->p);
		size_t room = (size_t)(s->out_end - s->out);
		size_t r = iconv(s->cd, &in, &n, &s->out, &room);

		s->p = (const unsigned char *)in;
		if (r != (size_t)-1)
			return;
		if (errno == E2BIG)
			return;
		if (errno == EINVAL && !s->last && s->end - s->p < STEP_REST)
			return;
		if (full(s))
			return;
		put(s, REPLACEMENT);
		/* Some of glibc's have passed over what they refuse. */
		if (s->p < s->end)
			s->p++;
	}
}

/* What the C library held back, since it might have become more. */
static bool flush(struct text_step *s)
{
	size_t room = (size_t)(s->out_end - s->out);

	if (s->page->way != PAGE_ICONV || s->flushed)
		return true;
	if (iconv(s->cd, NULL, NULL, &s->out, &room) == (size_t)-1)
		return errno != E2BIG;
	s->flushed = true;
	return true;
}

/* --- NULs ------------------------------------------------------------- */

static bool half_unit(const struct text_step *s)
{
	return s->page->way == PAGE_UTF16 && s->end - s->p == 1;
}

static void count_nuls(struct text_step *s)
{
	if (s->page->way == PAGE_UTF16) {
		while (s->end - s->p >= 2 && unit(s->p) == 0) {
			s->p += 2;
			s->nuls++;
		}
		/* Half a unit that is none. */
		if (s->last && half_unit(s) && *s->p == 0)
			s->p++;
		return;
	}
	while (s->p < s->end && *s->p == 0) {
		s->p++;
		s->nuls++;
	}
}

/* True: a character stands behind them, and all of them have been told. */
static bool tell_nuls(struct text_step *s)
{
	for (; s->nuls > 0 && !full(s); s->nuls--)
		put(s, REPLACEMENT);
	return s->nuls == 0;
}

/* Up to the next NUL. */
static void run(struct text_step *s)
{
	const struct text_step whole = *s;
	const unsigned char *nul = memchr(s->p, 0, (size_t)(s->end - s->p));

	if (nul) {
		s->end = nul;
		s->last = true;
	}
	if (s->page->way == PAGE_UTF8)
		utf8(s);
	else if (s->page->way == PAGE_TABLE)
		table(s);
	else
		by_iconv(s);
	s->end = whole.end;
	s->last = whole.last;
}

bool text_step(struct text_step *s)
{
	for (;;) {
		const unsigned char *was;

		count_nuls(s);
		if (s->p == s->end)
			break;
		if (half_unit(s) && !s->last)
			return true;
		if (!tell_nuls(s) || s->out_end - s->out < STEP_ROOM / 2)
			return false;
		was = s->p;
		if (s->page->way == PAGE_UTF16)
			utf16(s);
		else
			run(s);
		if (s->p == was)
			return true;
	}
	return !s->last || flush(s);
}
