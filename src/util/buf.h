/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a growing buffer of octets with a ceiling.
 *
 *   struct buf b = BUF_INIT(1 << 20);   ceiling 1 MB; 0: none
 *   if (buf_add(&b, p, n)) ...          -1: memory or ceiling
 *   b.p is always NUL-terminated after a successful add (b.n without it).
 *   buf_release(&b);
 */
#ifndef MAILHAUL_UTIL_BUF_H
#define MAILHAUL_UTIL_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *p;
	size_t n, cap, max;
	bool full; /* the ceiling was hit */
};
#define BUF_INIT(ceiling)        \
	{                        \
		.max = (ceiling) \
	}

int buf_add(struct buf *b, const void *p, size_t n);
int buf_str(struct buf *b, const char *s);
int buf_chr(struct buf *b, char c);
int buf_fmt(struct buf *b, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* Where n octets may be written behind the n that there are, which the caller
 * adds to b->n and ends with a NUL. NULL: memory or ceiling. */
char *buf_room(struct buf *b, size_t n);
void buf_cut(struct buf *b, size_t from_front); /* drops octets in front */
void buf_clear(struct buf *b);                  /* keeps the memory */
char *buf_take(struct buf *b);                  /* "" if empty; NULL: memory */
void buf_release(struct buf *b);
void buf_release_p(struct buf *b); /* for cleanup attributes */

#define CLEANUP(fn) __attribute__((cleanup(fn)))
void free_p(void *pp); /* CLEANUP(free_p) char *s */
void close_p(int *fd); /* closes fd >= 0 */

#endif
