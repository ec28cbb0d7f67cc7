/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - a walk as the parent asked for it (reader/wire.h). */
#ifndef MAILHAUL_ARCHIVE_REQUEST_H
#define MAILHAUL_ARCHIVE_REQUEST_H

#include "archive/source.h"

struct request {
	unsigned flags; /* W_NAMES_ONLY ... */
	enum want_kind kind;
	char *name; /* last part of the root's path */
	struct asked {
		char *raw;
		struct wanted w;
		uint64_t *want; /* w.want */
	} * v;
	size_t n;
	struct poison {
		char *raw;
		uint64_t uid;
	} * poison;
	size_t poison_n;
};

/* 1, 0: the parent has no more to ask, -1: that was no request. */
int request_read(struct request *q, int fd);
void request_release(struct request *q);
/* Never NULL. */
const struct wanted *request_wanted(const struct request *q, const char *raw);
/* All folders raw#... together. *want holds w->want: freed before, and by
 * the caller in the end. -1: memory. */
int request_file(const struct request *q, const char *raw, struct wanted *w,
                 uint64_t **want);
bool request_poison(const struct request *q, const char *raw, uint64_t uid);
/* True if the parent wants to hear of this item of a folder. */
bool request_item(const struct wanted *w, uint64_t uid);

#endif
