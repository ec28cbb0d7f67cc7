/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - see status.h. */
#include "archive/status.h"

#include <stdlib.h>
#include <string.h>

#include "mailhaul/mail.h"
#include "mime/header.h"
#include "mime/keywords.h"

#define KEYWORDS_MOST 4096

/* One letter a flag. */
static unsigned letters(const char *p, size_t n)
{
	unsigned flags = 0;

	for (size_t i = 0; i < n; i++)
		flags |= p[i] == 'R'   ? MAIL_SEEN
		         : p[i] == 'A' ? MAIL_ANSWERED
		         : p[i] == 'F' ? MAIL_FLAGGED
		         : p[i] == 'D' ? MAIL_DELETED
		         : p[i] == 'T' ? MAIL_DRAFT
		                       : 0;
	return flags;
}

static int add(struct status *s, const char *word, size_t n)
{
	return keywords_add(&s->keywords, word, n, KEYWORDS_MOST);
}

static unsigned hex(const char *p, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < n && i < 8; i++) {
		const char *digits = "0123456789abcdef", *d;

		d = p[i] ? strchr(digits, p[i] | 0x20) : NULL;
		if (!d)
			break;
		v = v << 4 | (unsigned)(d - digits);
	}
	return v;
}

/* nsMsgMessageFlags of Thunderbird: Expunged means deleted, not compacted
 * yet. */
static int mozilla(struct status *s, const char *p, size_t n)
{
	unsigned bits = hex(p, n);

	s->flags |= (bits & 0x0001 ? MAIL_SEEN : 0) |
	            (bits & 0x0002 ? MAIL_ANSWERED : 0) |
	            (bits & 0x0004 ? MAIL_FLAGGED : 0) |
	            (bits & 0x0008 ? MAIL_DELETED : 0);
	return bits & 0x1000 ? add(s, "$Forwarded", 10) : 0;
}

static int words(struct status *s, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *from = p;

		while (p < end && (unsigned char)*p > ' ')
			p++;
		if (p > from && add(s, from, (size_t)(p - from)))
			return -1;
		while (p < end && (unsigned char)*p <= ' ')
			p++;
	}
	return 0;
}

/* All begin so; most fields don't. */
static bool may_be_one(const char *field)
{
	static const char third[] = { 's', 'm', 'k', 'u' };

	if ((field[0] | 0x20) == 's')
		return (field[1] | 0x20) == 't';
	return (field[0] | 0x20) == 'x' && field[1] == '-' &&
	       memchr(third, field[2] | 0x20, sizeof(third));
}

int status_field(struct status *s, const char *field, size_t n)
{
	size_t len = 0;
	const char *value;

	if (n < 7 || !may_be_one(field))
		return 0;
	value = header_value(field, n, &len);
	if (!value)
		return 0;
	if (header_is(field, n, "Status") || header_is(field, n, "X-Status")) {
		s->told |= header_is(field, n, "Status");
		s->flags |= letters(value, len);
		return 1;
	}
	if (header_is(field, n, "X-Mozilla-Status")) {
		s->told = true;
		return mozilla(s, value, len) ? -1 : 1;
	}
	if (header_is(field, n, "X-Mozilla-Keys") ||
	    header_is(field, n, "X-Keywords"))
		return words(s, value, len) ? -1 : 1;
	if (header_is(field, n, "X-Unsent") && len == 1 && *value == '1') {
		s->flags |= MAIL_DRAFT;
		return 1;
	}
	return 0;
}

void status_release(struct status *s)
{
	free(s->keywords);
	memset(s, 0, sizeof(*s));
}
