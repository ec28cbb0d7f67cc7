/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "archive/mapi/text.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mapi/text_step.h"

#define PIECE 1024

int text_add(struct buf *out, unsigned codepage, const void *p, size_t n)
{
	struct text_step s = { .page = page_of(codepage), .last = true };
	/* A short one is written at once, and where it belongs. */
	size_t room = n < PIECE / 4 ? 3 * n + STEP_ROOM : PIECE;
	char piece[PIECE], *to;
	bool done;

	s.p = p;
	s.end = s.p + n;
	if (s.page->way == PAGE_ICONV) {
		s.cd = s.page->is.shared;
		iconv(s.cd, NULL, NULL, NULL, NULL);
	}
	do {
		to = !out->max || out->max - out->n >= room
		             ? buf_room(out, room)
		             : NULL;
		s.out = to ? to : piece;
		s.out_end = s.out + room;
		done = n == 0 || text_step(&s);
		if (!to && buf_add(out, piece, (size_t)(s.out - piece)))
			return -1;
		if (to)
			out->n += (size_t)(s.out - to);
	} while (!done);
	if (out->p)
		out->p[out->n] = '\0';
	return 0;
}

/* --- piece by piece --------------------------------------------------- */

#define IN_OCTETS 8192
#define OUT_OCTETS 8192

struct text_state {
	struct text_step s;
	bool own; /* s.cd is nobody else's */
	bool end; /* of it has been read */
	bool failed;
	bool more;      /* s has input that waits for room */
	const char *at; /* what of out has not been taken yet */
	unsigned char in[IN_OCTETS];
	char out[OUT_OCTETS];
};

/* One text comes after another. */
static struct text_state *kept;

/* More input behind what is left of the last piece. */
static void fill(struct text_in *t, struct text_state *x)
{
	size_t rest = (size_t)(x->s.end - x->s.p);
	ssize_t r;

	memmove(x->in, x->s.p, rest);
	r = t->of->read(t->of, x->in + rest, sizeof(x->in) - rest);
	x->s.p = x->in;
	x->s.end = x->in + rest + (r > 0 ? (size_t)r : 0);
	x->failed = r < 0;
	x->end = x->s.last = r <= 0;
}

static ssize_t text_read(struct input *in, void *p, size_t n)
{
	struct text_in *t = in->arg;
	struct text_state *x = t->state;
	size_t have;

	while (x->at == x->s.out && (x->more || !x->end)) {
		if (!x->more)
			fill(t, x);
		x->s.out = x->out;
		x->at = x->out;
		x->more = !text_step(&x->s);
	}
	have = (size_t)(x->s.out - x->at);
	if (have == 0 && x->failed) {
		in->why = t->of->why;
		return -1;
	}
	n = n < have ? n : have;
	memcpy(p, x->at, n);
	x->at += n;
	return (ssize_t)n;
}

int text_begin(struct text_in *t, struct input *of, unsigned codepage)
{
	struct text_state *x = kept ? kept : malloc(sizeof(*x));

	if (!x)
		return -1;
	kept = NULL;
	x->s = (struct text_step){ .page = page_of(codepage) };
	x->s.p = x->s.end = x->in;
	x->at = x->s.out = x->out;
	x->s.out_end = x->out + sizeof(x->out);
	x->own = x->end = x->failed = x->more = false;
	if (x->s.page->way == PAGE_ICONV) {
		/* Another text may be read meanwhile. The tables are there
		 * already: no file is opened for it. */
		x->s.cd = iconv_open("UTF-8", x->s.page->iconv);
		x->own = x->s.cd != (iconv_t)-1;
		if (!x->own)
			x->s.cd = x->s.page->is.shared;
	}
	*t = (struct text_in){ .of = of, .codepage = codepage, .state = x };
	t->in.read = text_read;
	t->in.fd = -1;
	t->in.arg = t;
	return 0;
}

void text_end(struct text_in *t)
{
	struct text_state *x = t->state;

	if (x && x->own)
		iconv_close(x->s.cd);
	if (kept)
		free(x);
	else
		kept = x;
	t->state = NULL;
}
