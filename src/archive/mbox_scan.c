/* SPDX-License-Identifier: Apache-2.0 */
/* mbox_scan.c - see mbox_scan.h. */
#include "archive/mbox_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/mbox.h"
#include "mime/crlf.h"
#include "mime/header.h"
#include "mime/mix.h"

/* --- the window ----------------------------------------------------------- */

/* From offset, as far as one call goes; only where mb->in->fd is. */
static ssize_t read_at(const struct mbox *mb, uint64_t offset, char *p,
                       size_t n)
{
	ssize_t r;

	do
		r = pread(mb->in->fd, p, n, (off_t)offset);
	while (r < 0 && errno == EINTR);
	return r;
}

int mbox_fill(struct mbox *mb, size_t drop)
{
	struct input *in = mb->in;

	memmove(mb->buf, mb->buf + drop, mb->n - drop);
	mb->n -= drop;
	mb->base += drop;
	while (mb->n < MBOX_WINDOW && !mb->ended) {
		char *p = mb->buf + mb->n;
		size_t room = MBOX_WINDOW - mb->n;
		ssize_t r = in->fd >= 0 ? read_at(mb, mb->base + mb->n, p, room)
		                        : in->read(in, p, room);

		if (r < 0 && in->fd >= 0)
			in->why = "its disk can't read it and may be failing";
		mb->failed |= r < 0;
		mb->ended |= r <= 0;
		mb->n += r > 0 ? (size_t)r : 0;
	}
	return mb->s->working(mb->s);
}

/* The window begins at offset. */
static int jump(struct mbox *mb, uint64_t offset)
{
	mb->base = offset;
	mb->n = 0;
	mb->ended = mb->failed = false;
	return mbox_fill(mb, 0);
}

/* --- lines ---------------------------------------------------------------- */

size_t mbox_line(const char *p, size_t n)
{
	const char *nl = n ? memchr(p, '\n', n) : NULL;

	return nl ? (size_t)(nl - p) + 1 : n;
}

size_t mbox_empty_line(const char *p, size_t n)
{
	if (n >= 1 && p[0] == '\n')
		return 1;
	return n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

size_t mbox_blank_before(const struct mbox *mb, size_t p)
{
	const char *q = mb->buf + p;

	if (p < 2 || q[-1] != '\n')
		return 0;
	if (q[-2] == '\n')
		return 1;
	return p >= 3 && q[-2] == '\r' && q[-3] == '\n' ? 2 : 0;
}

bool mbox_divides(const struct mbox *mb, size_t p)
{
	const char *line = mb->buf + p;
	size_t left = mb->n - p, len;
	struct mail_date date;

	if (left < 5 || memcmp(line, "From ", 5) != 0 ||
	    (!mb->tight && !mbox_blank_before(mb, p)))
		return false;
	len = mbox_line(line, left);
	if (!mbox_from_line(line, len, &date))
		return false;
	return mbox_blank_before(mb, p) ||
	       mbox_field_like(line + len, left - len);
}

/* ">From ", ">>From " and so on. */
static bool is_quoted(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < FROM_LINE_MAX && p[i] == '>')
		i++;
	return i && n - i >= 5 && memcmp(p + i, "From ", 5) == 0;
}

/* --- the header ----------------------------------------------------------- */

/* Sets m->body behind the empty line that ends the header, and counts line
 * ends. False if more octets are needed for that. */
static bool find_body(const struct mbox *mb, struct mbox_mail *m)
{
	bool all = mb->ended || m->start + MBOX_HEADER + MBOX_AHEAD <= mb->n;
	size_t end =
	        mb->n - m->start < MBOX_HEADER ? mb->n : m->start + MBOX_HEADER;
	size_t p = m->start;
	const char *nl = NULL;

	m->bare = 0;
	if (!mb->tight && p > 0)
		p = (size_t)(crlf_lines(mb->buf + p, mb->buf + end, '\n', '\r',
		                        &m->bare) -
		             mb->buf);
	while (p < end && (nl = memchr(mb->buf + p, '\n', end - p))) {
		bool last = mbox_empty_line(mb->buf + p, end - p) > 0;

		if (mb->tight && !all && mb->n - p < MBOX_AHEAD)
			return false;
		if (mb->tight && p > m->start && mbox_divides(mb, p))
			break;
		m->bare += nl == mb->buf || nl[-1] != '\r';
		m->body = p = (size_t)(nl - mb->buf) + 1;
		if (last)
			return true;
	}
	/* The file may end within a field. */
	m->body = mb->ended && end == mb->n && !nl ? end : p;
	return all || nl;
}

/* Hands the fields of the header to mbox_field(), folds and all, and hashes
 * what stays as it is. */
static int read_fields(const struct mbox *mb, struct mbox_mail *m)
{
	const char *p = mb->buf + m->start, *end = mb->buf + m->body, *run = p;
	struct mix mix;

	mix_init(&mix);
	mix_data(&mix, &m->tag, sizeof(m->tag));
	while (p < end) {
		const char *from = p;
		int stays = 1;
		size_t n;

		do
			p += mbox_line(p, (size_t)(end - p));
		while (p < end && (*p == ' ' || *p == '\t'));
		n = (size_t)(p - from);
		if (n > HEADER_FIELD_MAX)
			n = HEADER_FIELD_MAX;
		while (n && (from[n - 1] == '\n' || from[n - 1] == '\r'))
			n--;
		if (n)
			stays = mbox_field(m, from, n);
		if (stays < 0)
			return -1;
		if (!stays) {
			mix_data(&mix, run, (size_t)(from - run));
			run = p;
		}
	}
	mix_data(&mix, run, (size_t)(end - run));
	m->tag = mix_end(&mix);
	return 0;
}

/* The From_ line at p: m->start is behind it. */
static bool take_from_line(const struct mbox *mb, struct mbox_mail *m, size_t p)
{
	const char *line = mb->buf + p;
	size_t n = mbox_line(line, mb->n - p);

	m->start = p + n;
	if (mbox_from_line(line, n, &m->date)) {
		m->tag = mix_of(line, n);
		return true;
	}
	if (!mb->headless || m->offset != mb->first)
		return false;
	if (mbox_field_like(line, n))
		m->start = p;
	m->tag = 1;
	return true;
}

static int read_header(struct mbox *mb, struct mbox_mail *m)
{
	size_t from = (size_t)(m->offset - mb->base);

	/* The From_ line stays: the same message may be asked for again. */
	if (!find_body(mb, m)) {
		if (mbox_fill(mb, from))
			return -1;
		m->start -= from;
		(void)find_body(mb, m);
	}
	if (read_fields(mb, m))
		return -1;
	if (!m->date.known)
		m->date = m->header_date;
	return 0;
}

int mbox_at(struct mbox *mb, uint64_t offset, struct mbox_mail *m)
{
	size_t p;

	memset(m, 0, sizeof(*m));
	m->offset = offset;
	m->length = -1;
	mb->next = offset;
	if (offset < mb->base || offset > mb->base + mb->n) {
		if (mb->in->fd < 0)
			return 0;
		if (jump(mb, offset))
			return -1;
	}
	p = (size_t)(offset - mb->base);
	if (mb->n - p < 2 * MBOX_AHEAD && !mb->ended) {
		if (mbox_fill(mb, p))
			return -1;
		p = 0;
	}
	if (p == mb->n || !take_from_line(mb, m, p))
		return 0;
	if (read_header(mb, m))
		return -1;
	m->empty = !mb->failed &&
	           m->start + mbox_empty_line(mb->buf + m->start,
	                                      mb->n - m->start) ==
	                   m->body &&
	           (m->body == mb->n || mbox_divides(mb, m->body));
	return 1;
}

/* --- Content-Length ------------------------------------------------------- */

/* What stands at p, behind the octet before: a message may end there. *skip:
 * the empty line. all: the file ends with these octets. */
static bool may_end(char before, const char *p, size_t n, bool all,
                    size_t *skip)
{
	struct mail_date date;
	size_t k = mbox_empty_line(p, n);

	/* The first one only ends the last line. */
	if (before != '\n' && k)
		k += mbox_empty_line(p + k, n - k);
	*skip = k;
	if (all && n == k)
		return true;
	return (before == '\n' || k) &&
	       mbox_from_line(p + k, mbox_line(p + k, n - k), &date);
}

static bool in_reach(const struct mbox *mb, uint64_t end)
{
	return mb->ended || end + MBOX_AHEAD <= mb->base + mb->n;
}

/* 1: a message may end at end, 0: not, 2: that can't be known yet, -1. */
static int lands(struct mbox *mb, struct mbox_mail *m, uint64_t end,
                 size_t *skip)
{
	char p[MBOX_AHEAD + 1];
	ssize_t r;

	if (!in_reach(mb, end) && mb->in->fd >= 0) {
		r = read_at(mb, end - 1, p, sizeof(p));
		return r > 0 && may_end(p[0], p + 1, (size_t)r - 1,
		                        (size_t)r < sizeof(p), skip);
	}
	if (!in_reach(mb, end)) {
		if (end + MBOX_AHEAD - mb->base - m->start > MBOX_WINDOW)
			return 2;
		if (mbox_fill(mb, m->start))
			return -1;
		m->body -= m->start;
		m->start = 0;
	}
	if (end > mb->base + mb->n)
		return 0;
	r = (ssize_t)(end - mb->base);
	return may_end(r ? mb->buf[r - 1] : '\n', mb->buf + r,
	               mb->n - (size_t)r, mb->ended && !mb->failed, skip);
}

/* --- the body ------------------------------------------------------------- */

/* Positions are within mb->buf. */
struct rest {
	struct mbox *mb;
	struct mbox_mail *m;
	bool octets;  /* the sink wants them */
	size_t run;   /* octets from here on are not handed out yet */
	size_t p;     /* the next line */
	uint64_t end; /* by Content-Length; UINT64_MAX: not known */
	size_t skip;  /* behind end, before the next From_ line */
	bool unsure;  /* end is only believed */
	bool passed;  /* and this would have ended the message */
	bool unquote;
};

static int hand_out(struct rest *r, size_t to)
{
	size_t from = r->run;

	if (to <= from)
		return 0;
	r->run = to;
	r->m->wire += to - from;
	if (!r->octets)
		return 0;
	return r->mb->s->data(r->mb->s, r->mb->buf + from, to - from);
}

/* More octets: those up to hold are the message's. */
static int more(struct rest *r, size_t hold)
{
	size_t drop = r->p < MBOX_BEHIND ? 0 : r->p - MBOX_BEHIND;

	if (hand_out(r, hold))
		return -1;
	if (drop > r->run)
		drop = r->run;
	if (mbox_fill(r->mb, drop))
		return -1;
	r->p -= drop;
	r->run -= drop;
	return 0;
}

/* Behind the line end, or to where the octets end. A line that is longer
 * than the window has been decided on: it is handed out in pieces. */
static int next_line(struct rest *r)
{
	struct mbox *mb = r->mb;

	for (;;) {
		size_t end = mb->n;
		const char *nl;

		if (r->end - mb->base < end)
			end = (size_t)(r->end - mb->base);
		nl = memchr(mb->buf + r->p, '\n', end - r->p);
		if (nl) {
			r->m->bare += nl == mb->buf || nl[-1] != '\r';
			r->p = (size_t)(nl - mb->buf) + 1;
			return 0;
		}
		r->p = end;
		if (end < mb->n || mb->ended || mb->base + end == r->end)
			return 0;
		if (more(r, end))
			return -1;
	}
}

/* The lines that need no thought, as fast as they can be found. */
static void plain_lines(struct rest *r)
{
	const char *buf = r->mb->buf, *p = buf + r->p;
	const char *end = buf + r->mb->n;

	if (r->end - r->mb->base < r->mb->n)
		end = buf + (r->end - r->mb->base);
	if (r->p == 0 || end - p <= MBOX_AHEAD)
		return;
	p = crlf_lines(p, end - MBOX_AHEAD, 'F', '>', &r->m->bare);
	r->p = (size_t)(p - buf);
}

#define LENGTH_LIES                                                            \
	"This message says that it is longer than it is, and other messages "  \
	"seem to stand within it: they can't be told apart while the file is " \
	"packed. Unpack the archive and move the mbox file itself."

/* Its length has told where the message ends. */
static int end_by_length(struct rest *r)
{
	struct mbox *mb = r->mb;
	size_t left = mb->n - r->p;
	bool right = true;

	if (r->unsure)
		right = may_end(r->p ? mb->buf[r->p - 1] : '\n', mb->buf + r->p,
		                left, mb->ended, &r->skip);
	mb->length_right |= right;
	mb->length_wrong |= !right;
	if (right) {
		mb->next = r->end + r->skip;
		return hand_out(r, r->p) ? -1 : 1;
	}
	/* It goes on to the next From_ line. */
	if (r->passed)
		r->m->trouble = LENGTH_LIES;
	r->end = UINT64_MAX;
	return 0;
}

/* The line at p: 1 if the message ends before it, 0, -1. */
static int decide(struct rest *r)
{
	struct mbox *mb = r->mb;
	char c = mb->buf[r->p];

	if (c == 'F' && mbox_divides(mb, r->p)) {
		if (r->end == UINT64_MAX)
			return 1;
		r->passed = true;
	}
	if (c != '>' || !r->unquote || !is_quoted(mb->buf + r->p, mb->n - r->p))
		return 0;
	if (hand_out(r, r->p))
		return -1;
	r->run++;
	return 0;
}

static int lines(struct rest *r)
{
	struct mbox *mb = r->mb;
	int got;

	for (;;) {
		plain_lines(r);
		if (mb->n - r->p < MBOX_AHEAD && !mb->ended &&
		    more(r, r->p - mbox_blank_before(mb, r->p)))
			return -1;
		if (mb->base + r->p == r->end) {
			got = end_by_length(r);
			if (got)
				return got < 0 ? -1 : 0;
		}
		got = r->p == mb->n ? 1 : decide(r);
		if (got < 0)
			return -1;
		if (got > 0)
			break;
		if (next_line(r))
			return -1;
	}
	/* The file ended before the length did. */
	if (r->passed && r->end != UINT64_MAX)
		r->m->trouble = LENGTH_LIES;
	mb->next = mb->base + r->p;
	got = (int)mbox_blank_before(mb, r->p);
	r->m->bare -= got == 1;
	return hand_out(r, r->p - (size_t)got);
}

/* Whether Content-Length tells the end. */
static int by_length(struct rest *r)
{
	struct mbox *mb = r->mb;
	struct mbox_mail *m = r->m;
	uint64_t end = mb->base + m->body + (uint64_t)m->length;
	int got;

	if (m->length < 0)
		return 0;
	got = lands(mb, m, end, &r->skip);
	if (got < 0)
		return -1;
	if (got == 2 && (!mb->length_right || mb->length_wrong))
		return 0;
	mb->length_wrong |= got == 0;
	if (!got)
		return 0;
	r->end = end;
	r->unsure = got == 2;
	r->unquote = mb->quoted_lengths;
	return 0;
}

static void tell_failure(struct mbox *mb, struct mbox_mail *m)
{
	snprintf(m->why, sizeof(m->why),
	         "The rest of this message can't be read: %s. If there is "
	         "another copy of the file, or it can be fetched again, move "
	         "that one.",
	         mb->in->why ? mb->in->why : "the file is damaged");
	m->trouble = m->why;
}

int mbox_rest(struct mbox *mb, struct mbox_mail *m, bool octets)
{
	struct rest r = { .mb = mb,
		          .m = m,
		          .octets = octets,
		          .end = UINT64_MAX,
		          .unquote = !mb->plain };

	m->wire = 0;
	if (by_length(&r))
		return -1;
	r.run = m->start;
	r.p = m->body;
	if (lines(&r))
		return -1;
	m->wire += m->bare;
	if (mb->failed && mb->next == mb->base + mb->n)
		tell_failure(mb, m);
	return 0;
}

int mbox_open(struct mbox *mb, struct input *in, struct sink *s)
{
	memset(mb, 0, sizeof(*mb));
	mb->in = in;
	mb->s = s;
	mb->buf = malloc(MBOX_WINDOW);
	if (!mb->buf)
		return -1;
	return mbox_head(mb);
}

void mbox_mail_release(struct mbox_mail *m)
{
	status_release(&m->status);
	free(m->labels);
	m->labels = NULL;
}

void mbox_release(struct mbox *mb)
{
	free(mb->buf);
	memset(mb, 0, sizeof(*mb));
}
