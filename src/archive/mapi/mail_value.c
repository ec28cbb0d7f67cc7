/* SPDX-License-Identifier: Apache-2.0 */
/* mail_value.c - see mail_int.h. */
#include <string.h>

#include "archive/mapi/mail_int.h"

static ssize_t some(struct mail_value *x, void *p, size_t n)
{
	size_t left = x->v.n - x->at;
	ssize_t r;

	if (x->head_at < x->head_n) {
		left = x->head_n - x->head_at;
		n = n < left ? n : left;
		memcpy(p, x->head + x->head_at, n);
		x->head_at += n;
		return (ssize_t)n;
	}
	if (x->opened) {
		r = x->real.read(&x->real, p, n);
		if (r < 0)
			x->in.why = x->real.why;
		return r;
	}
	n = n < left ? n : left;
	if (n)
		memcpy(p, x->v.p + x->at, n);
	x->at += n;
	return (ssize_t)n;
}

static ssize_t value_read(struct input *in, void *p, size_t n)
{
	struct mail_value *x = in->arg;
	ssize_t r = some(x, p, n < x->left ? n : (size_t)x->left);

	x->left -= r > 0 ? (uint64_t)r : 0;
	return r;
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
	x->left = UINT64_MAX;
	x->in.arg = x;
	return 1;
}

const unsigned char *mail_value_head(struct mail_value *x, size_t *n)
{
	ssize_t r = 1;

	if (!x->opened) {
		*n = x->v.n < VALUE_HEAD ? x->v.n : VALUE_HEAD;
		return x->v.p;
	}
	while (x->head_n < VALUE_HEAD && r > 0) {
		r = x->real.read(&x->real, x->head + x->head_n,
		                 VALUE_HEAD - x->head_n);
		x->head_n += r > 0 ? (size_t)r : 0;
	}
	*n = x->head_n;
	return x->head;
}

#define MAC 128 /* octets of a header, and what each part is filled up to */

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* A header, another one if it tells of it, the file, its resources. */
bool mail_value_mac(struct mail_value *x)
{
	char skipped[MAC];
	size_t n;
	const unsigned char *p = mail_value_head(x, &n);
	uint64_t file, skip;
	bool more;

	if (n < MAC || p[0] || !p[1] || p[1] > 63 || p[74] || p[82])
		return false;
	file = be32(p + 83);
	more = be32(p + 87) != 0;
	skip = ((uint64_t)(p[120] << 8 | p[121]) + MAC - 1) / MAC + 1;
	if (!file || skip * MAC + file > x->in.size)
		return false;
	for (; skip; skip--)
		for (size_t at = 0; at < MAC;) {
			ssize_t r = some(x, skipped + at, MAC - at);

			if (r <= 0)
				return false;
			at += (size_t)r;
		}
	x->left = file;
	return more;
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
