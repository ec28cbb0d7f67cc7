/* SPDX-License-Identifier: Apache-2.0 */
/* repair_walk.c - see repair_walk.h. RFC 2045 and 2046 5.1. */
#include "mime/repair_walk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK (16u << 10)
#define BOUNDARY_MAX 200 /* RFC 2046 allows 70 */

static bool white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && strncasecmp(p, word, len) == 0;
}

/* --- Header fields ------------------------------------------------------ */

/* malloc'd, or NULL. */
static char *boundary_of(const char *p, size_t n)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(BOUNDARY_MAX);

	return header_param(p, n, "boundary", &b) == 1 ? buf_take(&b) : NULL;
}

static void content_type(struct repair_walk *w, const char *p, size_t n)
{
	if (w->has_type)
		return;
	w->has_type = true;
	if ((starts(p, n, "multipart/") || starts(p, n, "message/")) &&
	    w->kind == PART_LEAF)
		w->kind = PART_OTHER;
	w->rfc822 = starts(p, n, "message/rfc822") ||
	            starts(p, n, "message/global");
	w->digest = starts(p, n, "multipart/digest");
	if (starts(p, n, "multipart/"))
		w->pending = boundary_of(p, n);
}

static void transfer_encoding(struct repair_walk *w, const char *p, size_t n)
{
	if (starts(p, n, "7bit") || starts(p, n, "8bit") ||
	    starts(p, n, "binary"))
		return;
	w->raw = false;
	w->kind = starts(p, n, "quoted-printable") ? PART_QP : PART_OTHER;
}

/* What the field says of the part that it heads. */
static void learn(struct repair_walk *w, const char *p, size_t n)
{
	size_t len;
	const char *value = header_value(p, n, &len);

	if (value && header_is(p, n, "Content-Type"))
		content_type(w, value, len);
	else if (value && header_is(p, n, "Content-Transfer-Encoding"))
		transfer_encoding(w, value, len);
}

static bool eight_bit(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

static int flush_field(struct repair_walk *w, bool cut, struct err *e)
{
	struct buf *f = &w->field;
	bool goes_on = w->field_cut;
	int r;

	if (f->n >= 2 && memcmp(f->p + f->n - 2, "\r\n", 2) == 0)
		f->p[f->n -= 2] = '\0';
	w->field_cut = cut;
	if (f->n == 0)
		return 0;
	if (w->part == 0 && eight_bit(f->p, f->n))
		w->look.raw_header++;
	if (!goes_on)
		learn(w, f->p, f->n);
	r = w->sink->field(w, f->p, f->n, cut, goes_on, e);
	buf_clear(f);
	return r;
}

static void begin_header(struct repair_walk *w, bool message)
{
	w->part++;
	w->in_header = true;
	w->message = message;
	w->raw = true;
	w->kind = PART_LEAF;
	w->has_type = w->digest = w->rfc822 = w->field_cut = false;
	/* Parts of a digest are messages unless they say otherwise. */
	if (!message && w->depth && w->digests[w->depth - 1])
		w->kind = PART_OTHER;
	free(w->pending);
	w->pending = NULL;
}

static int end_header(struct repair_walk *w, struct err *e)
{
	if (flush_field(w, false, e) || w->sink->header_end(w, e))
		return -1;
	w->in_header = false;
	if (w->pending && w->depth < REPAIR_NEST_MAX) {
		w->digests[w->depth] = w->digest;
		w->boundary[w->depth++] = w->pending;
		w->pending = NULL;
	}
	if (w->rfc822 && w->raw)
		begin_header(w, true);
	return 0;
}

static int header_text(struct repair_walk *w, const char *p, size_t n,
                       struct err *e)
{
	/* A line that begins with white space goes on with its field. */
	if (w->line == 0 && !white(*p)) {
		if (w->field.n && flush_field(w, false, e))
			return -1;
		w->field_cut = false;
	}
	while (n > 0) {
		/* A line end may have taken some of its own two octets. */
		size_t most = w->field.max - 2;
		size_t room = w->field.n < most ? most - w->field.n : 0;
		size_t part = n < room ? n : room;

		if (buf_add(&w->field, p, part))
			return err_memory(e);
		w->line += part;
		p += part;
		n -= part;
		if (w->field.n >= most && flush_field(w, true, e))
			return -1;
	}
	return 0;
}

static int header_line_end(struct repair_walk *w, struct err *e)
{
	if (w->line == 0)
		return end_header(w, e);
	/* An empty field is one that was just cut at its end. */
	if (w->field.n && buf_add(&w->field, "\r\n", 2))
		return err_memory(e);
	return 0;
}

/* --- Bodies ------------------------------------------------------------- */

/* How far up the boundary is that the line is; 0: it is none. *last: it
 * ends its multipart. */
static size_t boundary_level(const struct repair_walk *w, bool *last)
{
	const char *p = w->head.p;
	size_t n = w->head.n;

	if (n < 3 || p[0] != '-' || p[1] != '-')
		return 0;
	while (n && white(p[n - 1]))
		n--;
	for (size_t i = w->depth; i > 0; i--) {
		size_t len = strlen(w->boundary[i - 1]);

		if (n < len + 2 || memcmp(p + 2, w->boundary[i - 1], len) != 0)
			continue;
		*last = n == len + 4 && p[n - 1] == '-' && p[n - 2] == '-';
		if (*last || n == len + 2)
			return i;
	}
	return 0;
}

static void pop_to(struct repair_walk *w, size_t depth)
{
	while (w->depth > depth) {
		w->depth--;
		free(w->boundary[w->depth]);
		w->boundary[w->depth] = NULL;
	}
}

/* The head of a body line is known: is it a boundary? */
static int line_head(struct repair_walk *w, struct err *e)
{
	bool last = false;
	size_t level = w->head.n < REPAIR_HEAD ? boundary_level(w, &last) : 0;
	int r;

	if (!level) {
		r = w->head.n ? w->sink->text(w, w->head.p, w->head.n, e) : 0;
		buf_clear(&w->head);
		return r;
	}
	w->boundary_line = true;
	r = w->sink->boundary(w, w->head.p, w->head.n, e);
	buf_clear(&w->head);
	if (r)
		return r;
	if (last) {
		pop_to(w, level - 1);
		/* An epilogue has no header, and is no part of ours. */
		w->part++;
		w->kind = PART_OTHER;
	} else {
		pop_to(w, level);
		begin_header(w, false);
	}
	return 0;
}

static int body_text(struct repair_walk *w, const char *p, size_t n,
                     struct err *e)
{
	size_t room;

	if (w->line < REPAIR_HEAD) {
		room = REPAIR_HEAD - (size_t)w->line;
		room = n < room ? n : room;
		if (buf_add(&w->head, p, room))
			return err_memory(e);
		w->line += room;
		p += room;
		n -= room;
		if (w->line == REPAIR_HEAD && line_head(w, e))
			return -1;
	}
	w->line += n;
	return n ? w->sink->text(w, p, n, e) : 0;
}

static int body_line_end(struct repair_walk *w, struct err *e)
{
	if (w->line < REPAIR_HEAD && line_head(w, e))
		return -1;
	if (w->boundary_line) {
		w->boundary_line = false;
		return 0;
	}
	return w->sink->line_end(w, e);
}

/* --- Lines -------------------------------------------------------------- */

static int line_end(struct repair_walk *w, struct err *e)
{
	int r = w->in_header ? header_line_end(w, e) : body_line_end(w, e);

	if (w->line > REPAIR_LINE_MAX)
		w->look.long_lines++;
	if (w->line > w->look.longest)
		w->look.longest = w->line;
	w->line = 0;
	return r;
}

static int text(struct repair_walk *w, const char *p, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	return w->in_header ? header_text(w, p, n, e) : body_text(w, p, n, e);
}

/* A CR is bare unless an LF follows; NULs between them are not there. */
static int control(struct repair_walk *w, char c, struct err *e)
{
	if (c == '\0') {
		w->look.nul++;
		return 0;
	}
	if (c == '\n') {
		w->look.bare_lf += !w->cr;
		w->cr = false;
		return line_end(w, e);
	}
	if (w->cr) {
		w->look.bare_cr++;
		if (line_end(w, e))
			return -1;
	}
	w->cr = true;
	return 0;
}

static int octets(struct repair_walk *w, const char *p, size_t n, struct err *e)
{
	const char *end = p + n;

	while (p < end) {
		const char *from = p;

		while (p < end && *p != '\0' && *p != '\r' && *p != '\n')
			p++;
		if (p > from && w->cr) {
			w->cr = false;
			w->look.bare_cr++;
			if (line_end(w, e))
				return -1;
		}
		if (text(w, from, (size_t)(p - from), e))
			return -1;
		if (p < end && control(w, *p++, e))
			return -1;
	}
	return 0;
}

static int end_of_message(struct repair_walk *w, struct err *e)
{
	if (w->cr) {
		w->look.bare_cr++;
		if (line_end(w, e))
			return -1;
	} else if (w->line) {
		w->look.no_final_crlf = true;
		if (line_end(w, e))
			return -1;
	}
	return w->in_header ? flush_field(w, false, e) : 0;
}

int repair_walk_body(struct repair_walk *w, const struct body *b, struct err *e)
{
	char p[CHUNK];
	uint64_t at = 0;
	ssize_t n;

	w->raw = true;
	while ((n = body_read(b, at, p, sizeof(p), e)) > 0) {
		if (octets(w, p, (size_t)n, e))
			return -1;
		at += (uint64_t)n;
	}
	return n < 0 ? -1 : end_of_message(w, e);
}

void repair_walk_release(struct repair_walk *w)
{
	pop_to(w, 0);
	free(w->pending);
	w->pending = NULL;
	buf_release(&w->field);
	buf_release(&w->head);
}
