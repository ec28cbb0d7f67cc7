/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - see head.h. */
#include "archive/head.h"

#include <stdlib.h>
#include <string.h>

#include "archive/kind.h"
#include "mime/header.h"
#include "util/buf.h"

#define CHUNK (64u << 10)

static int field(const char *p, size_t n, void *arg)
{
	struct head *h = arg;
	size_t len = 0;
	const char *value;
	int r = status_field(&h->status, p, n);

	if (r)
		return r < 0 ? -1 : 0;
	if (!h->dated.known && header_is(p, n, "Date")) {
		value = header_value(p, n, &len);
		h->dated.known = header_date(value, len, &h->dated);
	} else if (!h->received.known && header_is(p, n, "Received")) {
		const char *at = memrchr(p, ';', n);

		len = at ? (size_t)(p + n - at - 1) : 0;
		h->received.known =
		        at && header_date(at + 1, len, &h->received);
	}
	return 0;
}

static void more(struct head *h, struct input *in)
{
	size_t room = HEAD_MOST - h->n;
	ssize_t r = in->read(in, h->p + h->n, room < CHUNK ? room : CHUNK);

	h->ended = r <= 0;
	h->failed = r < 0;
	h->n += r > 0 ? (size_t)r : 0;
}

static void pass_front(struct head *h)
{
	const char *nl;

	kind_pass_front(h->p, h->n, &h->from);
	if (h->n - h->from < 6 || (memcmp(h->p + h->from, "From ", 5) != 0 &&
	                           memcmp(h->p + h->from, ">From ", 6) != 0))
		return;
	nl = memchr(h->p + h->from, '\n', h->n - h->from);
	if (!nl)
		return;
	h->mbox = true;
	h->from = (size_t)(nl - h->p) + 1;
}

/* LF alone is content only where all other lines end in CRLF: those of the
 * header (up to end) and the first of the body. */
static bool all_crlf(const struct head *h, size_t end)
{
	const char *p = h->p + h->from, *to = h->p + h->n;
	bool any = false;

	while (p < to) {
		const char *nl = memchr(p, '\n', (size_t)(to - p));

		if (!nl)
			break;
		if (nl == p || nl[-1] != '\r')
			return false;
		any = true;
		p = nl + 1;
		if (p > h->p + end)
			break;
	}
	return any;
}

int head_read(struct head *h, struct input *in)
{
	struct header_split split CLEANUP(header_split_release) =
	        HEADER_SPLIT_INIT;
	size_t at = 0, used = 0;
	int r = 0;

	h->p = malloc(HEAD_MOST);
	if (!h->p)
		return -1;
	more(h, in);
	pass_front(h);
	for (at = h->from; !r && h->n > at; at += used) {
		r = header_split_data(&split, h->p + at, h->n - at, &used,
		                      field, h);
		if (!r && !h->ended && h->n < HEAD_MOST)
			more(h, in);
	}
	if (!r)
		r = header_split_end(&split, field, h);
	if (r < 0)
		return -1;
	h->crlf = all_crlf(h, at);
	return 0;
}

struct mail_date head_date(const struct head *h, int64_t fallback)
{
	struct mail_date d = { .sec = fallback, .known = fallback != 0 };

	return h->received.known ? h->received : h->dated.known ? h->dated : d;
}

int pour(struct input *in, struct sink *s, char *room, size_t n, uint64_t *size)
{
	for (;;) {
		ssize_t r = in->read(in, room, n);

		if (r <= 0)
			return r < 0;
		*size += (uint64_t)r;
		if (s->data(s, room, (size_t)r))
			return -1;
	}
}

int head_pour(struct head *h, struct input *in, struct sink *s, bool wanted,
              uint64_t *size)
{
	size_t n = h->n - h->from;

	*size = n;
	if (!wanted) {
		if (!h->ended)
			*size = in->size > h->from ? in->size - h->from : 0;
		return h->failed;
	}
	if (n && s->data(s, h->p + h->from, n))
		return -1;
	if (h->ended)
		return h->failed;
	return pour(in, s, h->p, HEAD_MOST, size);
}

void head_release(struct head *h)
{
	free(h->p);
	status_release(&h->status);
	memset(h, 0, sizeof(*h));
}
