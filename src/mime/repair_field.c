/* SPDX-License-Identifier: Apache-2.0 */
/* repair_field.c - header fields whose lines are not too long, RFC 5322
 * 2.2.3. */
#include <string.h>

#include "mime/repair_walk.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The last white space that has something on both sides and leaves a line
 * that is short enough; 0: none. The end of p is not white. */
static size_t fold_at(const char *p, size_t limit)
{
	size_t first = 0;

	while (first < limit && blank(p[first]))
		first++;
	for (size_t i = limit; i > first; i--)
		if (blank(p[i]) && !blank(p[i - 1]))
			return i;
	return 0;
}

static int put_line(struct buf *out, const char *p, size_t n)
{
	return buf_add(out, p, n) || buf_str(out, "\r\n") ? -1 : 0;
}

/*
 * A line of white space alone would end the header or be no line at all:
 * none is made. Where there is no white space to fold at, a blank is put
 * in: pad.
 */
static int fold(struct buf *out, const char *p, size_t n)
{
	bool pad = false;

	while (n && blank(p[n - 1]))
		n--;
	while (n > 1 && blank(p[0]) && blank(p[1])) {
		p++;
		n--;
	}
	while (n + pad > REPAIR_LINE_MAX) {
		size_t limit = REPAIR_LINE_MAX - pad;
		size_t at = fold_at(p, limit);

		at = at ? at : limit;
		if ((pad && buf_chr(out, ' ')) || put_line(out, p, at))
			return -1;
		p += at;
		n -= at;
		while (n > 1 && blank(p[0]) && blank(p[1])) {
			p++;
			n--;
		}
		pad = n && !blank(p[0]);
	}
	if (pad && buf_chr(out, ' '))
		return -1;
	return n ? put_line(out, p, n) : 0;
}

static int lines(struct buf *out, const char *p, size_t n,
                 struct repair_fields *count)
{
	const char *end = p + n;

	while (p < end) {
		const char *nl = memmem(p, (size_t)(end - p), "\r\n", 2);
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);

		if (len > REPAIR_LINE_MAX)
			count->folded++;
		if (len > REPAIR_LINE_MAX ? fold(out, p, len)
		                          : put_line(out, p, len))
			return -1;
		p += len + (nl ? 2 : 0);
	}
	return 0;
}

static bool eight_bit(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

int repair_field(struct buf *out, const char *p, size_t n, bool encode,
                 struct repair_fields *count)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (!encode || !eight_bit(p, n))
		return lines(out, p, n, count);
	count->encoded++;
	if (repair_encode(&b, p, n))
		return -1;
	return lines(out, b.p, b.n, count);
}

int repair_field_piece(struct buf *out, const char *p, size_t n, bool encode,
                       bool goes_on, struct repair_fields *count)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (goes_on && !blank(*p) && buf_chr(&b, ' '))
		return -1;
	if (encode && eight_bit(p, n))
		count->encoded++;
	for (size_t i = 0; i < n; i++)
		if (buf_chr(&b,
		            encode && (unsigned char)p[i] >= 0x80 ? '?' : p[i]))
			return -1;
	return lines(out, b.p, b.n, count);
}
