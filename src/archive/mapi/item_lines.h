/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_lines.h - the lines of a vCard or an iCalendar (RFC 2425 5.8.1, RFC
 * 5545 3.1): folded at 75 octets between characters, CRLF, texts with their
 * escapes; and of a plain text, without both. A failure of the output
 * sticks: only lines_done() tells it.
 *
 *   struct lines l;
 *   lines_begin(&l, out, true);
 *   lines_whole(&l, "BEGIN:VCARD");
 *   lines_field(&l, "FN", name);
 *   return lines_done(&l);
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_ITEM_LINES_H
#define MAILHAUL_ARCHIVE_MAPI_ITEM_LINES_H

#include "archive/mapi/mapi.h"

struct lines {
	struct mapi_out *out;
	bool content; /* content lines: folded and escaped; else plain text */
	bool failed;
	bool cr; /* the text's last character was CR */
	size_t column;
	uint64_t total; /* octets so far */
	size_t n;
	char piece[1024];
};

void lines_begin(struct lines *l, struct mapi_out *out, bool content);
/* Sends what is left; -1 if anything failed. */
int lines_done(struct lines *l);

/* As they stand: names, parameters, values without a need for escapes. */
void lines_raw(struct lines *l, const char *s);
void lines_fmt(struct lines *l, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* A text, UTF-8, any line ends. It may come in pieces. */
void lines_text(struct lines *l, const char *s, size_t n);
/* A parameter's value, in quotes if need be; NULL is an empty one. */
void lines_param(struct lines *l, const char *s);
/* n is a multiple of 3 in all pieces but the last. */
void lines_base64(struct lines *l, const void *p, size_t n);
void lines_end(struct lines *l);

/* Whole lines that another one wrote. */
void lines_copy(struct lines *l, const char *p, size_t n);
/* A whole line as it stands. */
void lines_whole(struct lines *l, const char *s);
/* "NAME:text"; nothing if text is NULL or empty. */
void lines_field(struct lines *l, const char *name, const char *text);
/* The same of an address of the Web: without escapes (RFC 2426 5.8.4). */
void lines_uri(struct lines *l, const char *name, const char *uri);
/* "NAME:text" of a property. */
void lines_prop(struct lines *l, const char *name, struct mapi *o, uint16_t id);

#endif
