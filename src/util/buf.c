/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - see buf.h. */
#include "util/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int grow(struct buf *b, size_t n)
{
	size_t want, cap;
	char *p;

	if (n >= SIZE_MAX - b->n - 1)
		return -1;
	want = b->n + n + 1;
	if (b->max && b->n + n > b->max) {
		b->full = true;
		return -1;
	}
	if (b->p && want <= b->cap)
		return 0;
	cap = b->cap ? b->cap : 64;
	while (cap < want)
		cap += cap / 2 + 64;
	p = realloc(b->p, cap);
	if (!p)
		return -1;
	b->p = p;
	b->cap = cap;
	return 0;
}

static bool has_room(const struct buf *b, size_t n)
{
	return b->p && n < b->cap - b->n && (!b->max || n <= b->max - b->n);
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	if (!has_room(b, n) && grow(b, n))
		return -1;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return 0;
}

char *buf_room(struct buf *b, size_t n)
{
	return grow(b, n) ? NULL : b->p + b->n;
}

int buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_chr(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || grow(b, (size_t)n))
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

void buf_cut(struct buf *b, size_t from_front)
{
	if (from_front >= b->n) {
		buf_clear(b);
		return;
	}
	memmove(b->p, b->p + from_front, b->n - from_front + 1);
	b->n -= from_front;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p)
		b->p[0] = '\0';
}

char *buf_take(struct buf *b)
{
	char *p;

	if (!b->p && grow(b, 0))
		return NULL;
	p = b->p;
	p[b->n] = '\0';
	b->p = NULL;
	b->n = b->cap = 0;
	return p;
}

void buf_release(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}

void buf_release_p(struct buf *b)
{
	buf_release(b);
}

void free_p(void *pp)
{
	free(*(void **)pp);
}

void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
