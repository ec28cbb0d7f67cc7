/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_feed.h - what the child tells, taken in by a thread of its own:
 * whole records, and the SHA-256 of each message in them. That is half of
 * the work that an archive makes; the reader's thread has the other half.
 *
 *   f = feed_new(fd);                             fd: of the socket, borrowed
 *   got = feed_record(f, &rec, ms, &sha256);      any number
 *   feed_free(&f);          when nobody can write into it any more
 */
#ifndef MAILHAUL_READER_ARCHIVE_FEED_H
#define MAILHAUL_READER_ARCHIVE_FEED_H

#include "reader/wire.h"

struct feed;

/* NULL: memory, or no thread. */
struct feed *feed_new(int fd);
/*
 * The next record, good until the next call. *sha256: with W_END, of the
 * octets since W_BEGIN, or NULL: there were none, or no memory. 1; 0: the
 * child has ended, or what comes is no record (then rec->bad); -1: nothing
 * has come for ms milliseconds.
 */
int feed_record(struct feed *f, struct wire *rec, unsigned ms,
                const unsigned char **sha256);
void feed_free(struct feed **f);

#endif
