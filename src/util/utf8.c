/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - see utf8.h. RFC 3629. */
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

#define HIGH UINT64_C(0x8080808080808080)

static bool more(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_next(const char *p, uint32_t *cp)
{
	const unsigned char *s = (const unsigned char *)p;
	unsigned char c = s[0];
	uint32_t v = c;

	if (c < 0x80) {
		*cp = v;
		return c != 0;
	}
	if (c < 0xc2 || c > 0xf4 || !more(s[1]))
		return 0;
	v = v << 6 | (s[1] & 0x3f);
	if (c < 0xe0) {
		*cp = v & 0x7ff;
		return 2;
	}
	if (!more(s[2]))
		return 0;
	v = v << 6 | (s[2] & 0x3f);
	if (c < 0xf0) {
		*cp = v & 0xffff;
		return *cp >= 0x800 && (*cp & 0xf800) != 0xd800 ? 3 : 0;
	}
	if (!more(s[3]))
		return 0;
	*cp = (v << 6 | (s[3] & 0x3f)) & 0x1fffff;
	return *cp >= 0x10000 && *cp <= 0x10ffff ? 4 : 0;
}

size_t utf8_put(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

size_t utf8_good(const char *s)
{
	const char *p = s, *end = s + strlen(s);
	uint64_t v;
	uint32_t cp;

	for (size_t n = 1; n > 0; p += n) {
		/* Most of it is ASCII. */
		while (end - p >= 8 && (memcpy(&v, p, 8), !(v & HIGH)))
			p += 8;
		while ((signed char)*p > 0)
			p++;
		n = utf8_next(p, &cp);
	}
	return (size_t)(p - s);
}

bool utf8_valid(const char *s)
{
	return s[utf8_good(s)] == '\0';
}

bool utf8_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f);
}

bool utf8_has_control(const char *s)
{
	while (*s) {
		uint32_t cp = 0;
		size_t n = utf8_next(s, &cp);

		if (n && utf8_control(cp))
			return true;
		s += n ? n : 1;
	}
	return false;
}

/* step 1: every letter from lo to hi, step 2: each second one, has its
 * lower case delta further on. */
static const struct {
	uint16_t lo, hi, step;
	int16_t delta;
} cases[] = {
	{ 0x41, 0x5a, 1, 32 },     { 0xc0, 0xd6, 1, 32 },
	{ 0xd8, 0xde, 1, 32 },     { 0x100, 0x12e, 2, 1 },
	{ 0x130, 0x130, 1, -199 }, { 0x132, 0x136, 2, 1 },
	{ 0x139, 0x147, 2, 1 },    { 0x14a, 0x176, 2, 1 },
	{ 0x178, 0x178, 1, -121 }, { 0x179, 0x17d, 2, 1 },
	{ 0x17f, 0x17f, 1, -268 }, { 0x1cd, 0x1db, 2, 1 },
	{ 0x1de, 0x1ee, 2, 1 },    { 0x1f8, 0x21e, 2, 1 },
	{ 0x222, 0x232, 2, 1 },    { 0x386, 0x386, 1, 38 },
	{ 0x388, 0x38a, 1, 37 },   { 0x38c, 0x38c, 1, 64 },
	{ 0x38e, 0x38f, 1, 63 },   { 0x391, 0x3a1, 1, 32 },
	{ 0x3a3, 0x3ab, 1, 32 },   { 0x3c2, 0x3c2, 1, 1 },
	{ 0x400, 0x40f, 1, 80 },   { 0x410, 0x42f, 1, 32 },
	{ 0x460, 0x480, 2, 1 },    { 0x48a, 0x4be, 2, 1 },
	{ 0x4c0, 0x4c0, 1, 15 },   { 0x4c1, 0x4cd, 2, 1 },
	{ 0x4d0, 0x52e, 2, 1 },    { 0x531, 0x556, 1, 48 },
	{ 0x1e00, 0x1e94, 2, 1 },  { 0x1ea0, 0x1efe, 2, 1 },
	{ 0xff21, 0xff3a, 1, 32 },
};

uint32_t utf8_fold(uint32_t cp)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cp < cases[i].lo)
			return cp;
		if (cp <= cases[i].hi)
			return (cp - cases[i].lo) % cases[i].step
			               ? cp
			               : cp + (uint32_t)cases[i].delta;
	}
	return cp;
}

char *utf8_folded(const char *s)
{
	/* A folded letter is never longer than the letter. */
	char *out = malloc(strlen(s) + 1);
	char *q = out;

	if (!out)
		return NULL;
	while (*s) {
		uint32_t cp = 0;
		size_t n = utf8_next(s, &cp);

		if (n) {
			q += utf8_put(q, utf8_fold(cp));
			s += n;
		} else {
			*q++ = *s++;
		}
	}
	*q = '\0';
	return out;
}

size_t utf8_cut(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}
