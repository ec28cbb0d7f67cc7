/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - numbers, sizes, times and words for people. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/text.h"

struct word text_count(uint64_t n)
{
	struct word w;
	char digits[24];
	int len =
	        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t o = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			w.s[o++] = ',';
		w.s[o++] = digits[i];
	}
	w.s[o] = '\0';
	return w;
}

struct word text_size(uint64_t octets)
{
	static const char *const unit[] = {
		"KB", "MB", "GB", "TB", "PB", "EB"
	};
	struct word w;
	double v = (double)octets;
	int i = -1;

	if (octets < 1024) {
		snprintf(w.s, sizeof(w.s), "%u B", (unsigned)octets);
		return w;
	}
	do {
		v /= 1024;
		i++;
	} while (v >= 999.5 && i < 5);
	snprintf(w.s, sizeof(w.s), v < 9.95 ? "%.1f %s" : "%.0f %s", v,
	         unit[i]);
	return w;
}

struct word text_duration(uint64_t sec)
{
	struct word w;
	unsigned long long s = sec, min = sec / 60, h = sec / 3600,
	                   d = sec / 86400;

	if (sec < 60)
		snprintf(w.s, sizeof(w.s), "%llu s", s);
	else if (sec < 600)
		snprintf(w.s, sizeof(w.s), "%llu min %llu s", min, s % 60);
	else if (h == 0)
		snprintf(w.s, sizeof(w.s), "%llu min", min);
	else if (d == 0)
		snprintf(w.s, sizeof(w.s), "%llu h %llu min", h, min % 60);
	else
		snprintf(w.s, sizeof(w.s), "%llu d %llu h", d, h % 24);
	return w;
}

struct word text_time(int64_t sec, int64_t now)
{
	struct word w = { "" };
	time_t t = (time_t)sec, n = (time_t)now;
	struct tm a, b;

	if (localtime_r(&t, &a) == NULL || localtime_r(&n, &b) == NULL)
		return w;
	if (a.tm_yday == b.tm_yday && a.tm_year == b.tm_year)
		strftime(w.s, sizeof(w.s), "%H:%M", &a);
	else
		strftime(w.s, sizeof(w.s), "%Y-%m-%d %H:%M", &a);
	return w;
}

int text_plural(struct buf *b, uint64_t n, const char *one, const char *many)
{
	return buf_fmt(b, "%s %s", text_count(n).s, n == 1 ? one : many);
}

/* The code point at s, its length in *len; octets that are not UTF-8 are
 * U+FFFD, one by one. */
static uint32_t decode(const char *s, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] < 0x80             ? 1
	           : (p[0] & 0xe0) == 0xc0 ? 2
	           : (p[0] & 0xf0) == 0xe0 ? 3
	           : (p[0] & 0xf8) == 0xf0 ? 4
	                                   : 0;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	*len = 1;
	if (n == 0)
		return 0xfffd;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3f);
	}
	*len = n;
	return c;
}

static bool within(uint32_t c, const uint32_t (*range)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= range[i][0] && c <= range[i][1])
			return true;
	return false;
}

#define WITHIN(c, r) within(c, r, sizeof(r) / sizeof((r)[0]))

static size_t columns_of(uint32_t c)
{
	static const uint32_t none[][2] = { { 0x300, 0x36f },
		                            { 0x200b, 0x200d },
		                            { 0xfe00, 0xfe0f } };
	static const uint32_t two[][2] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0xa4cf },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff },
		{ 0x20000, 0x3fffd },
	};

	return WITHIN(c, none) ? 0 : WITHIN(c, two) ? 2 : 1;
}

static bool steers(uint32_t c)
{
	static const uint32_t bad[][2] = {
		{ 0, 0x1f },        { 0x7f, 0x9f },     { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfffd, 0xfffd }
	};

	return WITHIN(c, bad);
}

size_t text_width(const char *s)
{
	size_t w = 0, len;

	for (; *s != '\0'; s += len)
		w += columns_of(decode(s, &len));
	return w;
}

static int add_char(struct buf *b, const char *s, size_t len, uint32_t c)
{
	return steers(c) ? buf_chr(b, '?') : buf_add(b, s, len);
}

int text_cut(struct buf *b, const char *s, size_t width)
{
	bool whole = text_width(s) <= width;
	size_t room = whole ? width : width - (width > 0), used = 0, len;

	for (; *s != '\0'; s += len) {
		uint32_t c = decode(s, &len);

		if (used + columns_of(c) > room)
			break;
		used += columns_of(c);
		if (add_char(b, s, len, c) != 0)
			return -1;
	}
	return whole || width == 0 ? 0 : buf_str(b, "…");
}

int text_clean(struct buf *b, const char *s)
{
	size_t len;

	for (; *s != '\0'; s += len) {
		uint32_t c = decode(s, &len);

		if (add_char(b, s, len, c) != 0)
			return -1;
	}
	return buf_add(b, "", 0);
}

int text_wrap(struct buf *b, const char *s, size_t indent, size_t width)
{
	size_t col = indent;
	bool first = true;

	for (;;) {
		size_t n, w;

		s += strspn(s, " ");
		n = strcspn(s, " ");
		if (n == 0)
			return 0;
		w = n; /* help is ASCII */
		if (!first && col + 1 + w > width) {
			if (buf_fmt(b, "\n%*s", (int)indent, "") != 0)
				return -1;
			col = indent;
		} else if (!first) {
			if (buf_chr(b, ' ') != 0)
				return -1;
			col++;
		}
		if (buf_add(b, s, n) != 0)
			return -1;
		col += w;
		s += n;
		first = false;
	}
}

int text_shell(struct buf *b, const char *s)
{
	static const char plain[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	        "0123456789@%+=:,./_-";

	if (*s != '\0' && s[strspn(s, plain)] == '\0')
		return buf_str(b, s);
	if (buf_chr(b, '\'') != 0)
		return -1;
	for (; *s != '\0'; s++)
		if (*s == '\'' ? buf_str(b, "'\\''") : buf_chr(b, *s))
			return -1;
	return buf_chr(b, '\'');
}
