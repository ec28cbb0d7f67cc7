/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtf_int.h - the parts of rtf.c:
 *   rtf.c        groups, control words and text of the octets
 *   rtf_words.c  what control words do
 *   rtf_fonts.c  the code pages of fonts
 *   rtf_emit.c   what comes out
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_RTF_INT_H
#define MAILHAUL_ARCHIVE_MAPI_RTF_INT_H

#include "archive/mapi/rtf.h"

/* Where text goes that stands in a group. */
enum rtf_dest {
	DEST_TEXT,
	DEST_TAG,   /* \*\htmltag: HTML as it is */
	DEST_FONTS, /* \fonttbl */
	DEST_AWAY
};

/* What a group inherits and gives back at its end. */
struct rtf_group {
	uint16_t page; /* of the font; 0: the default font's */
	uint16_t skip; /* \uc */
	unsigned char dest;
	bool htmlrtf; /* for RTF readers only */
	bool hidden;  /* \v */
};

struct rtf_font {
	int32_t number;
	uint16_t page, charset; /* by \cpg, by \fcharset; 0: not told */
};
struct rtf_fonts {
	struct rtf_font *v; /* ascending */
	size_t n, cap;
	size_t now; /* the one that is being told, index + 1; 0: none */
};

#define RTF_PIECE 8192
#define RTF_WORD 32

struct rtf {
	struct input *in;
	enum rtf_kind kind;
	bool failed; /* in is damaged */
	bool stop;   /* out wants no more, or memory */
	bool over;   /* the outermost group has ended */

	struct rtf_group g;
	struct rtf_group *outer; /* the groups around it */
	size_t depth, cap;
	size_t beyond; /* groups that are not remembered any more */
	/* A control word is the first in its group; and behind \*. */
	bool first, star;
	size_t skip; /* what follows a \u for readers who don't know it */

	unsigned ansi; /* \ansicpg */
	int32_t deff;
	unsigned deff_page;
	struct rtf_fonts fonts;

	/* Octets that have not been decoded: a character may be in more than
	 * one escape. */
	unsigned char run[512];
	size_t run_n;
	uint32_t high; /* the first half of a pair of \u */

	struct mapi_out *to;
	char out[RTF_PIECE];
	size_t out_n;

	unsigned char buf[RTF_PIECE];
	size_t at, n;
};

/* --- rtf_emit.c ------------------------------------------------------- */

/* All of them do nothing where no text is to be seen. */
void rtf_bytes(struct rtf *r, const unsigned char *p, size_t n);
void rtf_char(struct rtf *r, uint32_t cp);
void rtf_unit(struct rtf *r, uint32_t unit); /* \u */
void rtf_run_end(struct rtf *r); /* what follows is no part of a character */
void rtf_flush(struct rtf *r);

/* --- rtf_fonts.c ------------------------------------------------------ */

#define PAGE_SYMBOL 42
unsigned rtf_charset_page(int32_t charset); /* 0: none */
/* 0: not known. */
unsigned rtf_font_page(const struct rtf_fonts *f, int32_t number);
/* The table is told: a font begins, and its properties. -1: memory. */
int rtf_font_begin(struct rtf_fonts *f, int32_t number);
void rtf_font_charset(struct rtf_fonts *f, int32_t charset);
void rtf_font_cpg(struct rtf_fonts *f, int32_t page);

/* --- rtf_words.c ------------------------------------------------------ */

/* A control word; has: with a number. */
void rtf_word(struct rtf *r, const char *word, size_t n, bool has,
              int32_t number);
/* A control symbol other than \'. */
void rtf_symbol(struct rtf *r, int c);

/* --- rtf.c ------------------------------------------------------------ */

void rtf_skip_octets(struct rtf *r, uint32_t n); /* \bin */

#endif
