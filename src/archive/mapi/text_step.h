/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_step.h - octets of one code page as UTF-8, a piece at a time.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_TEXT_STEP_H
#define MAILHAUL_ARCHIVE_MAPI_TEXT_STEP_H

#include "archive/mapi/text_pages.h"

struct text_step {
	const struct page *page;
	iconv_t cd; /* of PAGE_ICONV */
	/* What is read; text_step() moves p. What it leaves before end is the
	 * start of a character, at most STEP_REST octets, or waits for room. */
	const unsigned char *p, *end;
	bool last; /* nothing follows end */
	/* Where it goes; text_step() moves out. At least STEP_ROOM octets. */
	char *out, *out_end;
	uint64_t nuls; /* read and not told: they may be the last */
	bool flushed;
};
#define STEP_ROOM 64
#define STEP_REST 16

/* True: all was done that can be done with this input. False: call it again
 * with more room. */
bool text_step(struct text_step *s);

#endif
