/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local.h - what the readers of local archives have in common: the queue
 * between ask and fetch, opening without leaving a trace, sentences.
 */
#ifndef MAILHAUL_READER_LOCAL_H
#define MAILHAUL_READER_LOCAL_H

#include "mailhaul/reader.h"

/* Batches that were asked for, first in, first out. */
struct local_queue {
	struct local_asked {
		struct batch *b;
		char *raw; /* of their folder */
	} * v;
	size_t n, cap;
};
int local_ask(struct local_queue *q, const struct folder *f, struct batch *b,
              struct err *e);
/* The batch asked first; *raw is the caller's. NULL: there is none. */
struct batch *local_next(struct local_queue *q, char **raw);
void local_queue_release(struct local_queue *q);

/* open() that neither changes the access time (where we may), nor waits for
 * a pipe, nor follows a link if follow is not set. */
int local_open(int dir, const char *name, int flags, bool follow);

/* The directory raw ("." or parts joined by '/') below root; links are
 * followed in root only. -1 with errno. */
int local_enter(const char *root, const char *raw);

/* True, with EC_INTERRUPTED in e, if the account's run is to end. */
bool local_cancelled(const struct account *a, struct err *e);

/* What errnum on path means for its owner. Returns -1. */
int local_error(struct err *e, enum err_reach reach, const char *path,
                int errnum);

/* The message can't be read: a hole, why says so with a printf text. */
void local_hole(struct message *m, const char *text, ...)
        __attribute__((format(printf, 2, 3)));

/* A name as UTF-8: modified UTF-7, UTF-8, else taken as ISO 8859-1.
 * malloc'd, NULL: memory. utf7: names of this kind are looked for. */
char *local_utf8(const char *name, bool utf7);

#endif
