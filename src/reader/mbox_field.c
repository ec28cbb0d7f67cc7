/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox_field.c - what an mbox says of its messages: From_ lines, and the
 * header fields in which mail programs keep flags.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/header.h"
#include "mime/keywords.h"
#include "mime/mix.h"
#include "reader/mbox_scan.h"

#define FROM_LINE_MAX 1000
#define KEYWORDS_MAX 4096

static bool weekday(const char *p)
{
	static const char names[] = "MonTueWedThuFriSatSun";

	for (int i = 0; i < 7; i++)
		if (strncasecmp(p, names + 3 * i, 3) == 0)
			return true;
	return false;
}

/* The sender may hold blanks, or be missing: the date is what counts. */
bool mbox_from_line(const char *p, size_t n, struct mail_date *date)
{
	if (n < 20 || n > FROM_LINE_MAX || memcmp(p, "From ", 5) != 0)
		return false;
	for (size_t i = 5; i + 4 < n; i++) {
		if (p[i - 1] != ' ' || !weekday(p + i) ||
		    (p[i + 3] != ' ' && p[i + 3] != ','))
			continue;
		if (header_date(p + i + 3, n - i - 3, date))
			return true;
	}
	return false;
}

/* Status, X-Status: one letter a flag. */
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

/* nsMsgMessageFlags of Thunderbird: Expunged means deleted, not compacted
 * yet. */
static int mozilla_status(struct mbox_item *item, const char *value)
{
	unsigned long bits = strtoul(value, NULL, 16);

	if (bits & 0x0001)
		item->flags |= MAIL_SEEN;
	if (bits & 0x0002)
		item->flags |= MAIL_ANSWERED;
	if (bits & 0x0004)
		item->flags |= MAIL_FLAGGED;
	if (bits & 0x0008)
		item->flags |= MAIL_DELETED;
	if (bits & 0x1000)
		return keywords_add(&item->keywords, "$Forwarded", 10,
		                    KEYWORDS_MAX);
	return 0;
}

static int keywords(struct mbox_item *item, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t from = i;

		while (i < n && (unsigned char)p[i] > ' ')
			i++;
		if (i > from && keywords_add(&item->keywords, p + from,
		                             i - from, KEYWORDS_MAX))
			return -1;
		while (i < n && (unsigned char)p[i] <= ' ')
			i++;
	}
	return 0;
}

/* Fields that mail programs rewrite in place say nothing about which
 * message this is. */
static bool bookkeeping(const char *field, size_t n)
{
	static const char *const names[] = {
		"Status",           "X-Status",
		"X-Keywords",       "X-UID",
		"X-IMAP",           "X-IMAPbase",
		"X-Mozilla-Status", "X-Mozilla-Status2",
		"X-Mozilla-Keys",   "Content-Length"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (header_is(field, n, names[i]))
			return true;
	return false;
}

static int64_t length_of(const char *p, size_t n)
{
	int64_t v = 0;

	if (n == 0 || n > 17)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

static int status_field(struct mbox_item *item, const char *field, size_t n)
{
	size_t len;
	const char *value = header_value(field, n, &len);

	if (header_is(field, n, "Status") || header_is(field, n, "X-Status"))
		item->flags |= letters(value, len);
	else if (header_is(field, n, "X-Mozilla-Status"))
		return mozilla_status(item, value);
	else if (header_is(field, n, "X-Mozilla-Keys") ||
	         header_is(field, n, "X-Keywords"))
		return keywords(item, value, len);
	else if (header_is(field, n, "Content-Length"))
		item->length = length_of(value, len);
	return 0;
}

int mbox_field(struct mbox_item *item, const char *field, size_t n)
{
	uint64_t both[2] = { item->tag, 0 };

	if (bookkeeping(field, n))
		return status_field(item, field, n);
	both[1] = mix_of(field, n);
	item->tag = mix_of(both, sizeof(both));
	return 0;
}
