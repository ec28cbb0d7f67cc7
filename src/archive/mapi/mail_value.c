/* SPDX-License-Identifier: Apache-2.0 */
/* mail_value.c - see mail_int.h. */
#include <string.h>

#include "archive/mapi/mail_int.h"

static ssize_t value_read(struct input *in, void *p, size_t n)
{
	struct mail_value *x = in->arg;
	size_t left = x->v.n - x->at;
	ssize_t r;

	if (x->opened) {
		r = x->real.read(&x->real, p, n);
		if (r < 0)
			in->why = x->real.why;
		return r;
	}
	n = n < left ? n : left;
	if (n)
		memcpy(p, x->v.p + x->at, n);
	x->at += n;
	return (ssize_t)n;
}

int mail_value_open(struct mail_value *x, struct mapi *o, uint16_t id)
{
	int r;

	memset(x, 0, sizeof(*x));
	x->o = o;
	r = mapi_get(o, id, &x->v);
	if (r < 1)
		return r;
	if (!x->v.p && (x->v.stream || x->v.type == MAPI_OBJECT)) {
		if (o->ops->open(o, id, &x->real))
			return -1;
		x->opened = true;
	} else if (!x->v.p) {
		x->v.n = 0;
	}
	x->in.read = value_read;
	x->in.fd = -1;
	x->in.size = x->opened ? x->real.size : x->v.n;
	x->in.arg = x;
	return 1;
}

void mail_value_shut(struct mail_value *x)
{
	if (x->opened)
		x->o->ops->shut(x->o, &x->real);
	x->opened = false;
}

int mail_copy(struct input *in, struct mapi_out *out)
{
	char piece[PIECE];
	ssize_t r;

	while ((r = in->read(in, piece, sizeof(piece))) > 0)
		if (out->data(out, piece, (size_t)r))
			return -1;
	return r < 0 ? -2 : 0;
}
