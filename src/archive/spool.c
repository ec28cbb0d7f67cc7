/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - see spool.h. */
#include "archive/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/input.h"
#include "util/buf.h"
#include "util/utf8.h"

#define PIECE (256u << 10)

static bool there;

void spool_begin(void)
{
	int flags = fcntl(SPOOL_FD, F_GETFL);

	there = flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

bool spool_there(void)
{
	return there;
}

static int put(const char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t w = pwrite(SPOOL_FD, p, n, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		p += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

static int no_room(const char *name, char *sentence, size_t n)
{
	snprintf(sentence, n,
	         "%.*s is packed in an archive, and to read it mailhaul needs "
	         "room for all of it on the disk for temporary files, where "
	         "there is not enough. Make room or set TMPDIR to a larger "
	         "disk and run again, or unpack it and move it by itself.",
	         (int)utf8_cut(name, 100), name);
	return 1;
}

void spool_clear(void)
{
	if (there)
		(void)!ftruncate(SPOOL_FD, 0);
}

int spool_fill(struct input *out, struct input *in, const char *name,
               struct sink *s, char *sentence, size_t n)
{
	char *p CLEANUP(free_p) = malloc(PIECE);
	uint64_t size = 0;
	ssize_t got;

	if (!p)
		return -1;
	if (!there || ftruncate(SPOOL_FD, 0))
		return no_room(name, sentence, n);
	while ((got = in->read(in, p, PIECE)) > 0) {
		if (put(p, (size_t)got, size)) {
			spool_clear();
			return no_room(name, sentence, n);
		}
		size += (uint64_t)got;
		if (s->working(s))
			return -1;
	}
	/* Of one that ends early the reader makes what it can. */
	input_file(out, SPOOL_FD);
	out->size = size;
	out->mtime = in->mtime;
	return 0;
}
