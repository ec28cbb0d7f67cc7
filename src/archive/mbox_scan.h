/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox_scan.h - one message of an mbox after the other, in bounded memory,
 * whichever dialect it is (RFC 4155, and what was there before it).
 *
 *   mbox_open(&mb, in, sink);
 *   for (at = mb.first; mbox_at(&mb, at, &m) > 0; at = mb.next)
 *           mbox_rest(&mb, &m, whether octets go to the sink);
 *   mbox_release(&mb);
 *
 * Where a message ends:
 * 1. Content-Length tells, if what stands behind so many octets is a From_
 *    line (an empty line may come before it) or the end of the file. Such
 *    a message may hold anything. On a stream it is known in advance within
 *    the window only; a longer one is believed if every length so far was
 *    right, and is a hole if it was not and From_ lines stood within it.
 * 2. Else the next From_ line ends it: "From ", and a date with a weekday
 *    and a time, after an empty line, which belongs to neither. An empty
 *    line at the end of the file is such a one, too.
 * 3. A From_ line without an empty line before it counts only in a file
 *    whose head (the first window) has two of them or more, each followed
 *    by a header field, and none after an empty line.
 *
 * What becomes of '>' before "From " in a body: one is taken away (mboxrd;
 * in mboxo and mboxcl a line that was ">From " already loses it, too: these
 * dialects can't tell), but nothing is
 * - in messages whose Content-Length told their end (mboxcl2), unless the
 *   head of the file has a quoted From_ line with its date and no line
 *   "From " that is none (mboxcl),
 * - in a file whose head has unquoted lines "From " after an empty line, and
 *   no more quoted ones: who wrote it does not quote. From_ lines, and what
 *   looks like a damaged one (a header field follows), don't count.
 *
 * A file may begin with a byte-order mark and empty lines. If there is no
 * From_ line then, but a header, that is the first message (its From_ line
 * is gone or damaged); else what stands before the first From_ line is no
 * mail.
 */
#ifndef MAILHAUL_ARCHIVE_MBOX_SCAN_H
#define MAILHAUL_ARCHIVE_MBOX_SCAN_H

#include "archive/source.h"
#include "archive/status.h"

#define MBOX_WINDOW (512u << 10)
#define MBOX_HEADER (256u << 10) /* what is behind it is body */

struct mbox {
	struct input *in;
	struct sink *s;
	char *buf; /* octets base ... base + n of the file */
	uint64_t base;
	size_t n;
	bool ended;  /* base + n is the end of the file */
	bool failed; /* and there is more that can't be read */
	/* Found in the head of the file. */
	uint64_t first;      /* offset of the first message */
	bool none;           /* there is no message */
	bool headless;       /* the first has no From_ line */
	uint64_t junk;       /* octets before first that are no mail */
	bool plain;          /* nothing is quoted */
	bool quoted_lengths; /* mboxcl */
	bool tight;          /* no empty lines before From_ lines */
	/* On the way. */
	uint64_t next; /* where the next message begins, or the end */
	bool length_right, length_wrong; /* some Content-Length was */
};

struct mbox_mail {
	uint64_t offset; /* of its From_ line */
	uint64_t tag;    /* hash of the header, never 0 */
	struct mail_date date;
	struct status status;
	char *labels;        /* X-Gmail-Labels, with folds, or NULL */
	bool empty;          /* a From_ line and nothing else */
	uint64_t wire;       /* after mbox_rest(): octets with CRLF line ends */
	const char *trouble; /* and why it is a hole, or NULL */
	/* While it is read. */
	int64_t length; /* Content-Length, -1: none */
	struct mail_date header_date;
	size_t start, body; /* in buf: of the header, and behind it */
	uint64_t bare;      /* line ends without CR so far */
	char why[300];      /* room for trouble */
};

/* -1: memory, or the sink wants no more. */
int mbox_open(struct mbox *mb, struct input *in, struct sink *s);
/* Reads the header of the message at offset, which must be mb->next on a
 * stream. 1, 0: there is none, -1. The mail is released by the caller. */
int mbox_at(struct mbox *mb, uint64_t offset, struct mbox_mail *m);
/* The octets of the mail that mbox_at() gave last, to mb->next. */
int mbox_rest(struct mbox *mb, struct mbox_mail *m, bool octets);
void mbox_mail_release(struct mbox_mail *m);
void mbox_release(struct mbox *mb);

/* --- between mbox_scan.c, mbox_head.c and mbox_field.c -------------------*/

#define FROM_LINE_MAX 1000
/* What has to be known behind the beginning of a line to decide on it. */
#define MBOX_AHEAD (FROM_LINE_MAX + 200)
/* And what stands before it. */
#define MBOX_BEHIND 4

/* Drops octets in front and reads until the window is full. -1: the sink
 * wants no more. */
int mbox_fill(struct mbox *mb, size_t drop);
/* Octets of the empty line that ends at p, 0: there is none. */
size_t mbox_blank_before(const struct mbox *mb, size_t p);
/* Octets of the empty line at p, 0: there is none. */
size_t mbox_empty_line(const char *p, size_t n);
/* With its line end, as far as it is there. */
size_t mbox_line(const char *p, size_t n);
/* True if p begins a header field. */
bool mbox_field_like(const char *p, size_t n);
/* True if the line at p divides two messages. */
bool mbox_divides(const struct mbox *mb, size_t p);
/* What the head of the file tells: first, none, headless, junk, plain ... */
int mbox_head(struct mbox *mb);
/* What one header field says of m; without its line end. 1: it says which
 * message this is, 0: mail programs rewrite it in place, -1: memory. */
int mbox_field(struct mbox_mail *m, const char *field, size_t n);

#endif
