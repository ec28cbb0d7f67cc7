/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - texts of Windows code pages and UTF-16 as UTF-8. What can't be
 * read becomes U+FFFD; nothing fails for its content.
 *
 * The sandbox lets nobody open the C library's tables: text_load() opens
 * what may be needed before the door shuts. Later only those work; code
 * pages that are not among them are read as windows-1252.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_TEXT_H
#define MAILHAUL_ARCHIVE_MAPI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/source.h"
#include "util/buf.h"

#define CODEPAGE_UTF16 1200u
#define CODEPAGE_UTF8 65001u

void text_load(void);
/* The name for MIME ("windows-1252", "utf-8", "iso-2022-jp"), NULL: not
 * known. */
const char *text_charset(unsigned codepage);

/* A whole text, appended to out; NULs as below. -1: memory or out's
 * ceiling, up to which out is filled. */
int text_add(struct buf *out, unsigned codepage, const void *p, size_t n);

/*
 * A text that is read piece by piece: in's octets as UTF-8. NULs at its end
 * are cut, NULs within become U+FFFD. text_end() before in ends.
 */
struct text_in {
	struct input in;
	struct input *of;
	unsigned codepage;
	void *state; /* text.c's */
};
int text_begin(struct text_in *t, struct input *of, unsigned codepage);
void text_end(struct text_in *t);

#endif
