/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - a file of the child's own, without a name: some formats can't be
 * read in order (PST), and an archive around them can't be read otherwise.
 */
#ifndef MAILHAUL_ARCHIVE_SPOOL_H
#define MAILHAUL_ARCHIVE_SPOOL_H

#include "archive/source.h"

/* The descriptor that the parent has left there; the only one that the
 * child may write to besides its socket. */
#define SPOOL_FD 4

/* Called before the door shuts. */
void spool_begin(void);
bool spool_there(void);
/*
 * Copies all of in into it and makes out an input over the copy, which
 * counts until the next call. 0; -1: the sink wants no more; 1: sentence (n
 * octets of room) says what is missing.
 */
int spool_fill(struct input *out, struct input *in, const char *name,
               struct sink *s, char *sentence, size_t n);
/* Gives the room back: others need the disk as well. */
void spool_clear(void);

#endif
