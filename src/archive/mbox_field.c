/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox_field.c - From_ lines, and the header fields that say something to
 * who reads an mbox.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mbox.h"
#include "archive/mbox_scan.h"
#include "mime/header.h"
#include "util/buf.h"

static bool weekday(const char *p)
{
	static const char names[] = "MonTueWedThuFriSatSun";

	for (int i = 0; i < 7; i++)
		if (!((p[0] ^ names[3 * i]) & ~0x20) &&
		    strncasecmp(p, names + 3 * i, 3) == 0)
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

/* Fields that mail programs rewrite in place say nothing about which
 * message this is. */
static bool bookkeeping(const char *field, size_t n)
{
	static const char *const names[] = { "X-UID", "X-IMAP", "X-IMAPbase",
		                             "X-Mozilla-Status2",
		                             "Content-Length" };

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

/* Several such fields are one list. */
static int add_labels(struct mbox_mail *m, const char *p, size_t n)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (m->labels && (buf_str(&b, m->labels) || buf_chr(&b, ',')))
		return -1;
	if (buf_add(&b, p, n))
		return -1;
	free(m->labels);
	m->labels = buf_take(&b);
	return m->labels ? 0 : -1;
}

/* A field that is looked into for its own sake. */
static int look_into(struct mbox_mail *m, const char *field, size_t n)
{
	size_t len = 0;
	const char *value;

	if (header_is(field, n, "Content-Length")) {
		value = header_value(field, n, &len);
		m->length = length_of(value, len);
	} else if (!m->date.known && header_is(field, n, "Date")) {
		value = header_value(field, n, &len);
		(void)header_date(value, len, &m->header_date);
	} else if (header_is(field, n, "X-Gmail-Labels")) {
		value = header_value(field, n, &len);
		return add_labels(m, value, len);
	}
	return 0;
}

int mbox_field(struct mbox_mail *m, const char *field, size_t n)
{
	int told = status_field(&m->status, field, n);
	char first = (char)(field[0] | 0x20);

	if (told)
		return told < 0 ? -1 : 0;
	/* All that is looked for begins so; most fields don't. */
	if (first == 'x' || first == 'c' || first == 'd') {
		if (look_into(m, field, n))
			return -1;
		if (bookkeeping(field, n))
			return 0;
	}
	return 1;
}
