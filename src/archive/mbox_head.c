/* SPDX-License-Identifier: Apache-2.0 */
/* mbox_head.c - see mbox_scan.h: what the head of an mbox tells of it. */
#include <string.h>

#include "archive/mbox.h"
#include "archive/mbox_scan.h"

bool mbox_field_like(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < 100 && p[i] > ' ' && p[i] < 127 && p[i] != ':')
		i++;
	while (i && i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i && i < n && p[i] == ':';
}

/* What lines "From " there are in the head. */
struct evidence {
	unsigned unquoted;    /* after an empty line, and not a From_ line */
	unsigned quoted;      /* the same with '>' */
	bool any_other;       /* anywhere, and not a From_ line */
	bool quoted_date;     /* '>' and a From_ line */
	unsigned after_empty; /* From_ lines after an empty line */
	unsigned after_text;  /* others, with a header field behind them */
};

/* True if the line "From " at p looks like a From_ line that was damaged or
 * cut: zeros stand in it, a header behind it, or nothing. */
static bool damaged(const struct mbox *mb, size_t p, size_t len)
{
	size_t end = p + len;

	return memchr(mb->buf + p, '\0', len) ||
	       mbox_field_like(mb->buf + end, mb->n - end) ||
	       (end == mb->n && mb->buf[end - 1] != '\n');
}

static void look_at(const struct mbox *mb, size_t p, size_t len,
                    struct evidence *e)
{
	const char *line = mb->buf + p;
	struct mail_date date;

	if (len > 6 && memcmp(line, ">From ", 6) == 0) {
		e->quoted_date |= mbox_from_line(line + 1, len - 1, &date);
		e->quoted += mbox_blank_before(mb, p) > 0;
	}
	if (len <= 5 || memcmp(line, "From ", 5) != 0)
		return;
	if (!mbox_from_line(line, len, &date)) {
		e->any_other = true;
		e->unquoted +=
		        mbox_blank_before(mb, p) > 0 && !damaged(mb, p, len);
	} else if (mbox_blank_before(mb, p)) {
		e->after_empty++;
	} else if (mbox_field_like(line + len, mb->n - p - len)) {
		e->after_text++;
	}
}

static void find_evidence(struct mbox *mb)
{
	struct evidence e = { 0 };
	size_t p = (size_t)(mb->first - mb->base), len;

	p += mbox_line(mb->buf + p, mb->n - p);
	for (; p < mb->n; p += len) {
		len = mbox_line(mb->buf + p, mb->n - p);
		if ((mb->buf[p] == 'F' || mb->buf[p] == '>') &&
		    (mb->ended || p + len < mb->n))
			look_at(mb, p, len, &e);
	}
	mb->plain = e.unquoted && e.unquoted >= e.quoted;
	mb->quoted_lengths = e.quoted_date && !e.any_other;
	mb->tight = e.after_text >= 2 && !e.after_empty;
}

static bool from_line_at(const struct mbox *mb, size_t p)
{
	struct mail_date date;

	return mbox_from_line(mb->buf + p, mbox_line(mb->buf + p, mb->n - p),
	                      &date);
}

/* A header without its From_ line, or with a damaged one. */
static bool header_at(const struct mbox *mb, size_t p)
{
	size_t line = mbox_line(mb->buf + p, mb->n - p);

	return mbox_field_like(mb->buf + p, mb->n - p) ||
	       mbox_field_like(mb->buf + p + line, mb->n - p - line);
}

/* The next From_ line of what does not begin like an mbox. */
static int pass_junk(struct mbox *mb, size_t p)
{
	for (;;) {
		if (mb->n - p < MBOX_AHEAD && !mb->ended) {
			if (mbox_fill(mb, p))
				return -1;
			p = 0;
		}
		if (p == mb->n || from_line_at(mb, p))
			break;
		/* A longer line than the window comes in pieces. */
		p += mbox_line(mb->buf + p, mb->n - p);
	}
	mb->none = p == mb->n;
	mb->junk = mb->first = mb->base + p;
	return 0;
}

int mbox_head(struct mbox *mb)
{
	size_t p, blank;

	if (mbox_fill(mb, 0))
		return -1;
	p = mb->n >= 3 && memcmp(mb->buf, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	for (;;) {
		if (mb->n - p < MBOX_AHEAD && !mb->ended) {
			if (mbox_fill(mb, p))
				return -1;
			p = 0;
		}
		blank = mbox_empty_line(mb->buf + p, mb->n - p);
		if (!blank)
			break;
		p += blank;
	}
	mb->first = mb->base + p;
	mb->none = p == mb->n;
	if (!mb->none && !from_line_at(mb, p)) {
		mb->headless = header_at(mb, p);
		if (!mb->headless && pass_junk(mb, p))
			return -1;
	}
	find_evidence(mb);
	mb->next = mb->first;
	return 0;
}
