/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.h - inputs over files, and one that is looked into before it is
 * read: kind.h decides from the first octets.
 */
#ifndef MAILHAUL_ARCHIVE_INPUT_H
#define MAILHAUL_ARCHIVE_INPUT_H

#include <sys/stat.h>

#include "archive/source.h"

/* From its beginning on. fd is borrowed, and its position moves. */
void input_file(struct input *in, int fd);
/* The same of one just opened, of which fstat() is known. */
void input_opened(struct input *in, int fd, const struct stat *st);

/* open() for reading that neither changes the access time (where we may),
 * nor waits for a pipe, nor follows a link. -1 with errno. */
int input_open(int dir, const char *name, int flags);
/* Why a file or directory can't be opened or read, as a plain sentence that
 * names it. */
struct input_trouble {
	char text[384];
};
struct input_trouble input_trouble(const char *path, int errnum);

#define PEEK_OCTETS 8192
/* An input whose first octets have been read and are given again. fd, size
 * and mtime are those of what it wraps. */
struct peeked {
	struct input in;
	struct input *of;
	unsigned char head[PEEK_OCTETS];
	size_t n, at;
	bool failed; /* of->read() failed within the head */
};
/* Reads the head of of; never fails: a short head is one. */
void input_peek(struct peeked *p, struct input *of);

/* The next left octets of another input; given ends early if that does. */
struct limited {
	struct input in;
	struct input *of;
	uint64_t left;
};
void input_limit(struct limited *l, struct input *of, uint64_t octets);

/* Octets in memory, borrowed. */
struct in_memory {
	struct input in;
	const char *p;
	size_t n;
};
void input_memory(struct in_memory *m, const void *p, size_t n);

#endif
