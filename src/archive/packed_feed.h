/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_feed.h - the octets of a packed archive on their way to libarchive.
 *
 * Of a file or of memory any offset can be read; of a stream the last half
 * megabyte is kept, so that a reading that failed can begin anew from a
 * place shortly before.
 */
#ifndef MAILHAUL_ARCHIVE_PACKED_FEED_H
#define MAILHAUL_ARCHIVE_PACKED_FEED_H

#include <zlib.h>

#include "archive/source.h"

#define FEED_BLOCK ((size_t)64 << 10)
#define FEED_KEPT 8

struct feed {
	struct input *in; /* where fd < 0 and mem is NULL */
	int fd;
	const unsigned char *mem;
	uint64_t size; /* of fd or mem */
	struct sink *s;

	uint64_t at;    /* the next octet */
	uint64_t high;  /* how far it was read, at most */
	uint64_t given; /* octets, some of them more than once */
	bool ended;     /* met the end, or a failure: why */
	const char *why;
	bool last; /* in has no more: in_why */
	const char *in_why;
	bool left;      /* the sink wants no more */
	uint64_t zeros; /* how many zero octets ended it, while at is high */

	unsigned char *room; /* FEED_KEPT blocks */
	struct {
		uint64_t at;
		size_t n;
	} kept[FEED_KEPT];
	unsigned next;
	uint64_t beat;
};

/* mem, else the descriptor of in, else its read(). 0, or -1: memory. */
int feed_open(struct feed *f, struct input *in, const void *mem, size_t n,
              struct sink *s);
void feed_close(struct feed *f);
/* Octets from f->at on, valid until the next call; 0 at the end (f->why: not
 * the true one) and when the sink ends it (f->left). */
size_t feed_next(struct feed *f, const unsigned char **p);
/* True if every offset can be gone to. */
bool feed_any(const struct feed *f);
/* Goes to at, which is not behind the end; false if that can't be. */
bool feed_go(struct feed *f, uint64_t at);
/* Goes to the first place from at on where the octets of what stand; false
 * if there is none. The first of them stands nowhere else in what. */
bool feed_find(struct feed *f, uint64_t at, const char *what);

/*
 * What gzip packed (RFC 1952), all members, checked by their sums. Here and
 * not by libarchive, which looks at no sum and drops the last octets that
 * stand before a cut.
 */
struct gunzip {
	struct input in;
	struct feed *of;
	z_stream z;
	bool member; /* within one */
	bool done;
	bool bad;
	bool cut; /* bad, because it ends in the middle */
};
/* why of one that is cut. */
#define GUNZIP_CUT "it ends in the middle"

/* of is borrowed. 0, or -1: memory. */
int gunzip_open(struct gunzip *g, struct feed *of);
void gunzip_close(struct gunzip *g);

#endif
