/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.h - header fields of RFC 5322, as they come: split, named, dated.
 *
 *   struct header_split s = HEADER_SPLIT_INIT;
 *   r = header_split_data(&s, p, n, &used, each, arg);   any number
 *   header_split_end(&s, each, arg);     if the message ended before r was 1
 *   header_split_release(&s);
 *
 * Lines may end with LF or CRLF. A field that is longer than
 * HEADER_FIELD_MAX is handed over cut.
 */
#ifndef MAILHAUL_MIME_HEADER_H
#define MAILHAUL_MIME_HEADER_H

#include "mailhaul/mail.h"
#include "util/buf.h"

#define HEADER_FIELD_MAX (64u << 10)

/* One field with its folds, without the last line end. Non-zero stops. */
typedef int header_field_fn(const char *field, size_t n, void *arg);

struct header_split {
	struct buf field;
	bool mid_line; /* the last octets did not end a line */
	bool line_any; /* the line so far holds more than a CR */
	bool ended;    /* the empty line was seen */
};
#define HEADER_SPLIT_INIT                           \
	{                                           \
		.field = BUF_INIT(HEADER_FIELD_MAX) \
	}

/* 1: the header has ended, *used octets belonged to it (with the empty
 * line); 0: more is needed; -1: memory, or each stopped it. */
int header_split_data(struct header_split *s, const char *p, size_t n,
                      size_t *used, header_field_fn *each, void *arg);
int header_split_end(struct header_split *s, header_field_fn *each, void *arg);
void header_split_release(struct header_split *s);

/* True if the field is called name (any case, blanks before the colon). */
bool header_is(const char *field, size_t n, const char *name);
/* The value within field, without outer white space; NULL: no colon. */
const char *header_value(const char *field, size_t n, size_t *len);
/* The parameter name of a value such as Content-Type's, unquoted, in out. 1:
 * it is there and not empty; 0: it is not; -1: out could not take it. */
int header_param(const char *p, size_t n, const char *name, struct buf *out);

/*
 * A date in any of the orders that mail has known: RFC 5322 with its
 * obsolete forms, ctime() as in From_ lines, IMAP's date-time. False if
 * day, month, year or time is missing. No zone: UTC.
 */
bool header_date(const char *p, size_t n, struct mail_date *out);

#endif
