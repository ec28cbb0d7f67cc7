/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime_field.h - header fields: folded (RFC 5322 2.2.3), encoded words where
 * they must be (RFC 2047), long and foreign parameters (RFC 2231).
 *
 *   struct field f = FIELD_INIT;
 *   field_begin(&f, "Subject");
 *   field_text(&f, text, n);
 *   field_end(&f, &out);          written; f is free for the next
 *   field_release(&f);
 *
 * What comes in is UTF-8; what goes out is printable ASCII.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_MIME_FIELD_H
#define MAILHAUL_ARCHIVE_MAPI_MIME_FIELD_H

#include "archive/mapi/mime_out.h"

struct field {
	struct buf b;
	size_t col; /* of the line so far */
	bool word;  /* the last was an encoded word */
	bool bad;   /* memory: told at field_end() */
};
#define FIELD_MOST (16u << 20)
#define FIELD_INIT                        \
	{                                 \
		.b = BUF_INIT(FIELD_MOST) \
	}

void field_begin(struct field *f, const char *name);
/* p as it stands, behind a blank where the line may be folded, or, without
 * blank, right behind what was last. Printable ASCII. */
void field_atom(struct field *f, const char *p, size_t n, bool blank);
/* Free text; words of it are encoded if they are no ASCII, or, with literal,
 * if they look like encoded words or have no room in a line. */
void field_text(struct field *f, const char *p, size_t n, bool literal);
/* A name of a person: as words, quoted or encoded. */
void field_phrase(struct field *f, const char *p, size_t n);
/* All of p as encoded words. */
void field_words(struct field *f, const char *p, size_t n);
/* "; name=value" in the way the value needs. */
void field_param(struct field *f, const char *name, const char *value);
/* A date as RFC 5322 has it, in UTC; its year has four digits. */
void field_date(struct field *f, const struct mail_date *d);
/* Ends it with CRLF and writes it, or, without out, leaves it in f->b. */
void field_end(struct field *f, struct mime_out *out);
void field_release(struct field *f);

/* A whole field of one value, which is cleaned of control characters. */
void field_write(struct field *f, struct mime_out *out, const char *name,
                 const char *utf8);
/* The same for what is no text (identifiers): folded at its blanks. */
void field_write_ids(struct field *f, struct mime_out *out, const char *name,
                     const char *ascii);

/* True if a quoted string isn't needed for p as a phrase or a token. */
bool field_plain(const char *p, size_t n);

#endif
