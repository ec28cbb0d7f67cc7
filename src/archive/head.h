/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - the header of one message, read ahead so that its date and flags
 * are known before sink.begin(), and the rest streamed behind it.
 *
 *   struct head h = { 0 };
 *   if (head_read(&h, in)) ...            -1: memory
 *   ... sink->begin() ...
 *   r = head_pour(&h, in, sink, wanted, &size);
 *   head_release(&h);
 */
#ifndef MAILHAUL_ARCHIVE_HEAD_H
#define MAILHAUL_ARCHIVE_HEAD_H

#include "archive/source.h"
#include "archive/status.h"

#define HEAD_MOST (256u << 10) /* a longer header is judged by its begin */

struct head {
	char *p; /* n octets read so far, often more than the header */
	size_t n;
	size_t from; /* in front of the message: BOM, blank lines, From_ */
	bool ended;  /* nothing comes behind p[n] */
	bool failed; /* for that in->read() said -1 */
	bool crlf;   /* its lines end in CRLF, in the body too */
	bool mbox;   /* a From_ line stood in front */
	struct mail_date received; /* of the topmost Received: */
	struct mail_date dated;    /* of Date: */
	struct status status;
};
int head_read(struct head *h, struct input *in);
/* Received:, else Date:, else fallback (0: none). */
struct mail_date head_date(const struct head *h, int64_t fallback);
/* The message's octets to sink.data() (if wanted), from h and then in. 0; 1:
 * in->read() said -1; -1: the sink ends it. *size: octets of the message; 0
 * if they are not wanted and nobody has told how many. */
int head_pour(struct head *h, struct input *in, struct sink *s, bool wanted,
              uint64_t *size);
void head_release(struct head *h);

/* What is left of in to sink.data(), as head_pour(). room: n octets. */
int pour(struct input *in, struct sink *s, char *room, size_t n,
         uint64_t *size);

#endif
