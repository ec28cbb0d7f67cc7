/* SPDX-License-Identifier: Apache-2.0 */
/* mbox_scan.c - see mbox_scan.h. RFC 4155 and the dialects before it. */
#include "reader/mbox_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mime/header.h"
#include "mime/mix.h"
#include "reader/local.h"

#define WINDOW (256u << 10)
#define FROM_LINE_MAX 1000

/* The walk over one message. Positions are within mb->buf. */
struct walk {
	struct mbox *mb;
	struct mbox_item *item;
	mbox_sink_fn *sink;
	void *arg;
	struct header_split head;
	size_t run;    /* octets from here on are not handed out yet */
	size_t at;     /* the next line */
	size_t len;    /* of the line at at, as far as it is in the window */
	size_t blank;  /* length of the empty line before at, 0: none */
	bool mid_line; /* at is within a line */
	char last;     /* octet before at, but for the empty line */
};

static ssize_t read_at(struct mbox *mb, uint64_t offset, char *p, size_t n,
                       struct err *e)
{
	ssize_t r;

	do
		r = pread(mb->fd, p, n, (off_t)offset);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		local_error(e, ERR_FOLDER, mb->path, errno);
	return r;
}

/* The window holds the octets from offset on; fewer only at the end. */
static int window(struct mbox *mb, uint64_t offset, size_t want, struct err *e)
{
	if (offset >= mb->base && offset + want <= mb->base + mb->n)
		return 0;
	if (offset >= mb->base && offset <= mb->base + mb->n) {
		size_t gone = (size_t)(offset - mb->base);

		memmove(mb->buf, mb->buf + gone, mb->n - gone);
		mb->n -= gone;
	} else {
		mb->n = 0;
	}
	mb->base = offset;
	while (mb->n < WINDOW) {
		ssize_t r = read_at(mb, mb->base + mb->n, mb->buf + mb->n,
		                    WINDOW - mb->n, e);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		mb->n += (size_t)r;
	}
	return 0;
}

/* Hands out what stands from run up to here. */
static int hand_out(struct walk *w, size_t to, struct err *e)
{
	size_t from = w->run;

	w->run = to;
	if (to == from || !w->sink)
		return 0;
	return w->sink(w->mb->buf + from, to - from, w->arg, e);
}

/* Octets on the wire of what follows w->last: a bare LF counts twice. */
static void count_wire(struct walk *w, const char *p, size_t n)
{
	char before = n > 1 ? p[n - 2] : w->last;

	w->item->wire += n + (p[n - 1] == '\n' && before != '\r');
	w->last = p[n - 1];
}

static size_t line_length(const struct walk *w)
{
	const char *p = w->mb->buf + w->at;
	size_t n = w->mb->n - w->at;
	const char *nl = n ? memchr(p, '\n', n) : NULL;

	return nl ? (size_t)(nl - p) + 1 : 0;
}

/* Finds the length of the line at at: 0 at the end of the file. A line
 * longer than the window comes in pieces. */
static int find_line(struct walk *w, struct err *e)
{
	size_t keep = w->at - w->blank;

	w->len = line_length(w);
	if (w->len)
		return 0;
	if (hand_out(w, keep, e) ||
	    window(w->mb, w->mb->base + keep, WINDOW, e))
		return -1;
	w->run = 0;
	w->at = w->blank;
	w->len = line_length(w);
	if (!w->len)
		w->len = w->mb->n - w->at;
	return 0;
}

static size_t empty_line(const char *p, size_t n)
{
	if (n >= 1 && p[0] == '\n')
		return 1;
	return n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* ">From ", ">>From " and so on. */
static bool quoted_from(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == '>')
		i++;
	return i && n - i >= 5 && memcmp(p + i, "From ", 5) == 0;
}

static size_t to_line_end(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);

	return nl ? (size_t)(nl - p) + 1 : n;
}

/* True if a message may end at offset: the file ends, or the next From_
 * line is there. 0 or 1, or -1. */
static int lands(struct mbox *mb, uint64_t offset, uint64_t *next,
                 struct err *e)
{
	char p[FROM_LINE_MAX + 3];
	struct mail_date date;
	ssize_t r = read_at(mb, offset - 1, p, sizeof(p), e);
	size_t n, skip;

	if (r < 1)
		return (int)r;
	n = (size_t)r - 1;
	skip = empty_line(p + 1, n);
	*next = offset + skip;
	if (n == skip)
		return 1;
	if (!skip && p[0] != '\n')
		return 0;
	return mbox_from_line(p + 1 + skip, to_line_end(p + 1 + skip, n - skip),
	                      &date);
}

/* The body up to end as it stands. */
static int take_length(struct walk *w, uint64_t end, struct err *e)
{
	struct mbox *mb = w->mb;

	while (mb->base + w->at < end) {
		size_t n;

		if (w->at == mb->n) {
			if (hand_out(w, w->at, e) ||
			    window(mb, mb->base + w->at, WINDOW, e))
				return -1;
			w->run = w->at = 0;
			if (mb->n == 0)
				return 0;
		}
		n = mb->n - w->at;
		if (n > end - mb->base - w->at)
			n = (size_t)(end - mb->base - w->at);
		n = to_line_end(mb->buf + w->at, n);
		count_wire(w, mb->buf + w->at, n);
		w->at += n;
	}
	return hand_out(w, w->at, e);
}

static int on_field(const char *field, size_t n, void *arg)
{
	return mbox_field(arg, field, n);
}

/* The line at at is no boundary: it belongs to the message. */
static int take_line(struct walk *w, struct err *e)
{
	const char *p = w->mb->buf + w->at;
	bool in_header = !w->head.ended, quoted;
	size_t used;

	if (w->blank)
		count_wire(w, p - w->blank, w->blank);
	w->blank = 0;
	if (in_header && header_split_data(&w->head, p, w->len, &used, on_field,
	                                   w->item) < 0)
		return err_memory(e);
	if (!w->mid_line && empty_line(p, w->len)) {
		w->blank = w->len;
		w->at += w->len;
		return 0;
	}
	quoted = !w->mid_line && !in_header && quoted_from(p, w->len);
	if (quoted) {
		if (hand_out(w, w->at, e))
			return -1;
		w->run++;
	}
	count_wire(w, p + quoted, w->len - quoted);
	w->mid_line = p[w->len - 1] != '\n';
	w->at += w->len;
	return 0;
}

/* The header has just ended: 1 if Content-Length told the rest. */
static int by_length(struct walk *w, struct err *e)
{
	struct mbox *mb = w->mb;
	uint64_t end = mb->base + w->at;
	int r;

	if (!mb->lengths || w->item->length < 0)
		return 0;
	end += (uint64_t)w->item->length;
	r = lands(mb, end, &w->item->next, e);
	if (r <= 0)
		return r;
	count_wire(w, mb->buf + w->at - w->blank, w->blank);
	w->blank = 0;
	w->item->by_length = true;
	return take_length(w, end, e) ? -1 : 1;
}

static int walk(struct walk *w, struct err *e)
{
	struct mail_date date;

	for (;;) {
		bool in_header = !w->head.ended;
		int r;

		if (find_line(w, e))
			return -1;
		if (!w->len || (w->blank && mbox_from_line(w->mb->buf + w->at,
		                                           w->len, &date)))
			break;
		if (take_line(w, e))
			return -1;
		r = in_header && w->head.ended ? by_length(w, e) : 0;
		if (r)
			return r < 0 ? -1 : 0;
	}
	w->item->next = w->mb->base + w->at;
	return hand_out(w, w->at - w->blank, e);
}

static int begin(struct walk *w, uint64_t offset, struct err *e)
{
	struct mbox *mb = w->mb;
	size_t n;

	if (window(mb, offset, FROM_LINE_MAX + 2, e))
		return -1;
	w->at = (size_t)(offset - mb->base);
	n = to_line_end(mb->buf + w->at, mb->n - w->at);
	if (!mbox_from_line(mb->buf + w->at, n, &w->item->date))
		return 0;
	w->item->tag = mix_of(mb->buf + w->at, n);
	w->at += n;
	w->run = w->at;
	return 1;
}

int mbox_message(struct mbox *mb, uint64_t offset, struct mbox_item *item,
                 mbox_sink_fn *sink, void *arg, struct err *e)
{
	struct walk w = { .mb = mb,
		          .item = item,
		          .sink = sink,
		          .arg = arg,
		          .head = HEADER_SPLIT_INIT };
	int r;

	memset(item, 0, sizeof(*item));
	item->offset = offset;
	item->length = -1;
	r = begin(&w, offset, e);
	if (r > 0 && walk(&w, e))
		r = -1;
	if (r > 0 && header_split_end(&w.head, on_field, item))
		r = err_memory(e);
	header_split_release(&w.head);
	if (r > 0)
		return 1;
	free(item->keywords);
	item->keywords = NULL;
	return r;
}

/* Where the first line is that is not empty. */
static int find_first(struct mbox *mb, struct err *e)
{
	size_t n;

	for (;;) {
		if (window(mb, mb->first, 3, e))
			return -1;
		n = empty_line(mb->buf + (mb->first - mb->base),
		               mb->n - (size_t)(mb->first - mb->base));
		if (n == 0)
			break;
		mb->first += n;
	}
	mb->empty = mb->first == mb->base + mb->n;
	return 0;
}

int mbox_open(struct mbox *mb, int fd, const char *path, struct err *e)
{
	struct mbox_item item;
	int r;

	memset(mb, 0, sizeof(*mb));
	mb->fd = fd;
	mb->path = path;
	mb->buf = malloc(WINDOW);
	if (!mb->buf)
		return err_memory(e);
	if (find_first(mb, e))
		return -1;
	if (mb->empty)
		return 0;
	mb->lengths = true;
	r = mbox_message(mb, mb->first, &item, NULL, NULL, e);
	if (r < 0)
		return -1;
	if (r == 0)
		return err_setf(e, ERR_FOLDER, NEXT_GIVE_UP, EC_ARCHIVE,
		                "%.200s is not an mbox file: it does not "
		                "begin with a line \"From ... date\". If the "
		                "program that wrote it still has the mail, "
		                "export it again.",
		                path);
	mb->lengths = item.by_length;
	free(item.keywords);
	return 0;
}

void mbox_release(struct mbox *mb)
{
	free(mb->buf);
	memset(mb, 0, sizeof(*mb));
}
