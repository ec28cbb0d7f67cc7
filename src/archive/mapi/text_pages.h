/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_pages.h - the code pages that text.h knows. Those of one octet a
 * character are tables of their upper half, filled by text_load(); the others
 * have a descriptor of the C library each.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_TEXT_PAGES_H
#define MAILHAUL_ARCHIVE_MAPI_TEXT_PAGES_H

#include <iconv.h>

#include "archive/mapi/text.h"

enum page_way { PAGE_TABLE, PAGE_ICONV, PAGE_UTF8, PAGE_UTF16 };

struct page {
	unsigned codepage;
	enum page_way way;
	const char *mime;
	const char *iconv; /* its name in the C library */
	bool loaded;
	union {
		const uint16_t *upper; /* of PAGE_TABLE, from octet 0x80 on */
		iconv_t shared;        /* of PAGE_ICONV, to UTF-8 */
	} is;
};

/* Always one that is loaded: what isn't known or could not be loaded is
 * windows-1252. */
const struct page *page_of(unsigned codepage);
#define REPLACEMENT 0xfffd

#endif
