/* SPDX-License-Identifier: Apache-2.0 */
/* mix.c - see mix.h. The algorithm is XXH64 (public specification). */
#include "mime/mix.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

#define P1 UINT64_C(11400714785074694791)
#define P2 UINT64_C(14029467366897019727)
#define P3 UINT64_C(1609587929392839161)
#define P4 UINT64_C(9650029242287828579)
#define P5 UINT64_C(2870177450012600261)

static uint64_t rotl(uint64_t v, int r)
{
	return (v << r) | (v >> (64 - r));
}

static uint64_t le64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static uint64_t round64(uint64_t acc, uint64_t v)
{
	return rotl(acc + v * P2, 31) * P1;
}

void mix_init(struct mix *m)
{
	m->lane[0] = P1 + P2;
	m->lane[1] = P2;
	m->lane[2] = 0;
	m->lane[3] = 0 - P1;
	m->total = 0;
	m->n = 0;
}

/* Mixes the whole blocks of p; says how many octets those were. */
static size_t blocks(struct mix *m, const unsigned char *p, size_t n)
{
	uint64_t a = m->lane[0], b = m->lane[1], c = m->lane[2], d = m->lane[3];
	size_t at;

	for (at = 0; at + MIX_BLOCK <= n; at += MIX_BLOCK) {
		a = round64(a, le64(p + at));
		b = round64(b, le64(p + at + 8));
		c = round64(c, le64(p + at + 16));
		d = round64(d, le64(p + at + 24));
	}
	m->lane[0] = a;
	m->lane[1] = b;
	m->lane[2] = c;
	m->lane[3] = d;
	m->total += at;
	return at;
}

static void drain(struct mix *m)
{
	size_t used = blocks(m, m->buf, m->n);

	m->n -= used;
	if (used)
		memmove(m->buf, m->buf + used, m->n);
}

void mix_data(struct mix *m, const void *data, size_t n)
{
	const unsigned char *p = data;

	if (m->n == 0) {
		size_t used = blocks(m, p, n);

		p += used;
		n -= used;
	}
	while (n > 0) {
		size_t part = MIX_ROOM - m->n;

		if (part > n)
			part = n;
		memcpy(m->buf + m->n, p, part);
		m->n += part;
		p += part;
		n -= part;
		if (m->n == MIX_ROOM)
			drain(m);
	}
}

/* A block is all that can be left over. */
void mix_keep(struct mix *m, struct mix_then *then)
{
	drain(m);
	memcpy(then->lane, m->lane, sizeof(then->lane));
	then->total = m->total;
	then->n = m->n;
	memcpy(then->buf, m->buf, m->n);
}

void mix_back(struct mix *m, const struct mix_then *then)
{
	memcpy(m->lane, then->lane, sizeof(m->lane));
	m->total = then->total;
	m->n = then->n;
	memcpy(m->buf, then->buf, then->n);
}

/* mbox puts a '>' before some lines, and not every reader takes it off. */
static bool dropped(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '>';
}

/* At most MIX_ROOM - m->n octets. */
static void squeeze_plain(struct mix *m, const unsigned char *p, size_t n)
{
	unsigned char *to = m->buf + m->n;

	for (size_t i = 0; i < n; i++) {
		*to = p[i] ? p[i] : 0x80;
		to += !dropped(p[i]);
	}
	m->n = (size_t)(to - m->buf);
}

#if defined(__x86_64__)
/*
 * pick[mask]: where the octets of eight come from that are not in mask.
 * Sixteen octets at a time: the low four bits of an octet choose which
 * dropped octet it would have to be.
 */
static unsigned char pick[256][8];

__attribute__((constructor)) static void pick_fill(void)
{
	for (int mask = 0; mask < 256; mask++)
		for (unsigned char i = 0, to = 0; i < 8; i++)
			if (!(mask >> i & 1))
				pick[mask][to++] = i;
}

__attribute__((target("ssse3"))) static unsigned char *
squeeze_8(unsigned char *to, __m128i v, unsigned mask)
{
	__m128i which = _mm_loadl_epi64((const __m128i *)pick[mask]);

	_mm_storel_epi64((__m128i *)to, _mm_shuffle_epi8(v, which));
	return to + 8 - __builtin_popcount(mask);
}

__attribute__((target("ssse3,popcnt"))) static void
squeeze_ssse3(struct mix *m, const unsigned char *p, size_t n)
{
	const __m128i drops = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t',
	                                    '\n', 0, 0, '\r', '>', 0);
	const __m128i zero = _mm_setzero_si128();
	const __m128i high = _mm_set1_epi8((char)0x80);
	unsigned char *to = m->buf + m->n;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i is = _mm_cmpeq_epi8(_mm_shuffle_epi8(drops, v), v);
		unsigned mask = (unsigned)_mm_movemask_epi8(is);

		v = _mm_or_si128(v,
		                 _mm_and_si128(_mm_cmpeq_epi8(v, zero), high));
		to = squeeze_8(to, v, mask & 0xff);
		to = squeeze_8(to, _mm_srli_si128(v, 8), mask >> 8);
	}
	m->n = (size_t)(to - m->buf);
	squeeze_plain(m, p + i, n - i);
}
#endif

typedef void squeeze_fn(struct mix *m, const unsigned char *p, size_t n);

static void text(struct mix *m, const char *p, size_t n, squeeze_fn *squeeze)
{
	while (n > 0) {
		size_t part = MIX_ROOM - m->n;

		if (part > n)
			part = n;
		squeeze(m, (const unsigned char *)p, part);
		p += part;
		n -= part;
		if (m->n > MIX_ROOM / 2)
			drain(m);
	}
}

void mix_text_plain(struct mix *m, const char *p, size_t n)
{
	text(m, p, n, squeeze_plain);
}

void mix_text(struct mix *m, const char *p, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("ssse3") &&
	    __builtin_cpu_supports("popcnt")) {
		text(m, p, n, squeeze_ssse3);
		return;
	}
#endif
	mix_text_plain(m, p, n);
}

static uint64_t le32(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24;
}

static uint64_t tail(uint64_t h, const unsigned char *p, size_t n)
{
	for (; n >= 8; p += 8, n -= 8)
		h = rotl(h ^ round64(0, le64(p)), 27) * P1 + P4;
	if (n >= 4) {
		h = rotl(h ^ le32(p) * P1, 23) * P2 + P3;
		p += 4;
		n -= 4;
	}
	for (; n > 0; p++, n--)
		h = rotl(h ^ *p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}

uint64_t mix_end(struct mix *m)
{
	uint64_t h = P5;

	drain(m);
	if (m->total > 0) {
		h = rotl(m->lane[0], 1) + rotl(m->lane[1], 7) +
		    rotl(m->lane[2], 12) + rotl(m->lane[3], 18);
		for (int i = 0; i < 4; i++)
			h = (h ^ round64(0, m->lane[i])) * P1 + P4;
	}
	h = tail(h + m->total + m->n, m->buf, m->n);
	return h ? h : 1; /* 0 means "has none" in a fingerprint */
}

uint64_t mix_of(const void *p, size_t n)
{
	struct mix m;

	mix_init(&m);
	mix_data(&m, p, n);
	return mix_end(&m);
}
