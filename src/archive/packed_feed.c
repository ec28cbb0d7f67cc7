/* SPDX-License-Identifier: Apache-2.0 */
/* packed_feed.c - see packed_feed.h. */
#include "archive/packed_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEAT ((uint64_t)1 << 20)

int feed_open(struct feed *f, struct input *in, const void *mem, size_t n,
              struct sink *s)
{
	struct stat st;

	*f = (struct feed){ .in = in, .fd = -1, .mem = mem, .s = s };
	if (mem)
		f->size = n;
	else if (in->fd >= 0 && fstat(in->fd, &st) == 0) {
		f->fd = in->fd;
		f->size = (uint64_t)st.st_size;
	}
	f->room = mem ? NULL : malloc(FEED_BLOCK * FEED_KEPT);
	return mem || f->room ? 0 : -1;
}

void feed_close(struct feed *f)
{
	free(f->room);
	f->room = NULL;
}

bool feed_any(const struct feed *f)
{
	return f->mem || f->fd >= 0;
}

/* Bookkeeping of n octets at p that are given now. */
static size_t give(struct feed *f, const unsigned char *p, size_t n)
{
	size_t zeros = 0;

	f->at += n;
	f->given += n;
	if (f->at <= f->high)
		return n;
	f->high = f->at;
	while (zeros < n && !p[n - 1 - zeros])
		zeros++;
	f->zeros = zeros == n ? f->zeros + n : zeros;
	if (f->high < f->beat + BEAT)
		return n;
	f->beat = f->high;
	f->left = f->s->working(f->s) != 0;
	return f->left ? 0 : n;
}

static size_t stop(struct feed *f, const char *why)
{
	f->ended = true;
	if (why)
		f->why = why;
	return 0;
}

/* What is kept of a stream, if at stands in it. */
static size_t kept(struct feed *f, const unsigned char **p)
{
	for (unsigned i = 0; i < FEED_KEPT; i++) {
		uint64_t from = f->kept[i].at;

		if (f->at < from || f->at >= from + f->kept[i].n)
			continue;
		*p = f->room + i * FEED_BLOCK + (f->at - from);
		return f->kept[i].n - (size_t)(f->at - from);
	}
	return 0;
}

/* Fills a block, so that as much as can be is kept. */
static size_t fill(struct feed *f, unsigned char *room)
{
	size_t n = 0;
	ssize_t r = 0;

	while (n < FEED_BLOCK && !f->last) {
		r = f->in->read(f->in, room + n, FEED_BLOCK - n);
		n += r > 0 ? (size_t)r : 0;
		f->last = r <= 0;
	}
	if (r < 0)
		f->in_why = f->in->why;
	return n;
}

static size_t from_stream(struct feed *f, const unsigned char **p)
{
	unsigned char *room = f->room + f->next * FEED_BLOCK;
	size_t n = kept(f, p);

	if (n)
		return give(f, *p, n);
	n = fill(f, room);
	if (!n)
		return stop(f, f->in_why);
	f->kept[f->next].at = f->at;
	f->kept[f->next].n = n;
	f->next = (f->next + 1) % FEED_KEPT;
	*p = room;
	return give(f, room, n);
}

static size_t from_file(struct feed *f, const unsigned char **p)
{
	ssize_t n;

	do
		n = pread(f->fd, f->room, FEED_BLOCK, (off_t)f->at);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return stop(f, n < 0 ? "the disk could not read it" : NULL);
	*p = f->room;
	return give(f, f->room, (size_t)n);
}

size_t feed_next(struct feed *f, const unsigned char **p)
{
	size_t n;

	if (f->left)
		return 0;
	if (f->fd >= 0)
		return from_file(f, p);
	if (!f->mem)
		return from_stream(f, p);
	if (f->at >= f->size)
		return stop(f, NULL);
	n = f->size - f->at < FEED_BLOCK ? f->size - f->at : FEED_BLOCK;
	*p = f->mem + f->at;
	return give(f, *p, n);
}

bool feed_go(struct feed *f, uint64_t at)
{
	const unsigned char *p;
	uint64_t was = f->at;

	while (!feed_any(f) && f->high < at) {
		f->at = f->high;
		if (!feed_next(f, &p))
			return false;
	}
	f->at = at;
	if (feed_any(f) || at == f->high || kept(f, &p))
		return true;
	f->at = was;
	return false;
}

/* Where in the n octets at p the search ends, *have octets of what being
 * matched already; NULL: not there. */
static const unsigned char *scan(const unsigned char *p, size_t n,
                                 const char *what, size_t len, size_t *have)
{
	const unsigned char *end = p + n;

	while (p < end) {
		if (!*have) {
			p = memchr(p, what[0], (size_t)(end - p));
			if (!p)
				return NULL;
		}
		if (*p == (unsigned char)what[*have]) {
			p++;
			if (++*have == len)
				return p;
		} else if (*have)
			*have = 0;
		else
			p++;
	}
	return NULL;
}

bool feed_find(struct feed *f, uint64_t at, const char *what)
{
	size_t n, len = strlen(what), have = 0;
	const unsigned char *p, *hit;

	if (!feed_go(f, at))
		return false;
	while ((n = feed_next(f, &p))) {
		hit = scan(p, n, what, len, &have);
		if (hit)
			return feed_go(f, f->at - n + (size_t)(hit - p) - len);
	}
	return false;
}

static ssize_t spoilt(struct gunzip *g, const char *why)
{
	g->bad = true;
	g->in.why = why;
	return -1;
}

/* More packed octets: 1, 0 at the end of them. */
static int refill(struct gunzip *g)
{
	const unsigned char *p = NULL;
	size_t n = feed_next(g->of, &p);

	g->z.next_in = (unsigned char *)p;
	g->z.avail_in = (uInt)n;
	return n > 0 && p;
}

/* Behind a member: the next one, or the end. Zeros fill up a tape's block. */
static ssize_t between(struct gunzip *g)
{
	while (g->z.avail_in || refill(g)) {
		if (*g->z.next_in == 0x1f) {
			g->member = true;
			return inflateReset(&g->z) == Z_OK
			               ? 1
			               : spoilt(g, "it is damaged");
		}
		if (*g->z.next_in)
			return spoilt(g, "something else stands behind the "
			                 "end of what is packed");
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (g->of->why)
		return spoilt(g, g->of->why);
	g->done = true;
	return 0;
}

/* One step of unpacking: 1, 0 at the end, -1. */
static ssize_t unpack(struct gunzip *g)
{
	int r;

	if (!g->member)
		return between(g);
	if (!g->z.avail_in && !refill(g)) {
		g->cut = !g->of->why;
		return spoilt(g, g->cut ? GUNZIP_CUT : g->of->why);
	}
	r = inflate(&g->z, Z_NO_FLUSH);
	if (r == Z_STREAM_END)
		g->member = false;
	else if (r == Z_MEM_ERROR)
		return spoilt(g, "there is not enough memory to unpack it");
	else if (r != Z_OK && r != Z_BUF_ERROR)
		return spoilt(g, "it is damaged");
	return 1;
}

static ssize_t gunzip_read(struct input *in, void *p, size_t n)
{
	struct gunzip *g = in->arg;
	uInt most = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)n;

	g->z.next_out = p;
	g->z.avail_out = most;
	while (g->z.avail_out && !g->done && !g->bad)
		if (unpack(g) <= 0)
			break;
	n = most - g->z.avail_out;
	return n ? (ssize_t)n : g->bad ? -1 : 0;
}

int gunzip_open(struct gunzip *g, struct feed *of)
{
	*g = (struct gunzip){ .of = of, .member = true };
	g->in = (struct input){ .read = gunzip_read, .fd = -1, .arg = g };
	return inflateInit2(&g->z, 16 + MAX_WBITS) == Z_OK ? 0 : -1;
}

void gunzip_close(struct gunzip *g)
{
	inflateEnd(&g->z);
}
