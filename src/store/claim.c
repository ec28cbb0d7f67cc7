/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim.c - store_claim(): the next batch of a folder.
 */
#include <stdlib.h>

#include "store/db.h"

static int64_t clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int batch_folder(struct store *s, int64_t folder, struct batch *b,
                        struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	b->source_folder = folder;
	if (query_begin(&q, s, ST_SOURCE_ONE, e, V(vi(folder))))
		return -1;
	rc = query_next(&q, e);
	if (rc > 0) {
		b->mailbox = column_int(q.st, 0);
		if (column_int(q.st, 1))
			b->dest_folder = column_int(q.st, 1);
	}
	return rc < 0 ? -1 : 0;
}

struct room {
	size_t max; /* messages, as the strictest member has it */
	uint64_t bytes;
	bool suspects; /* as the first row is */
};

/* Suspects (batch_max) stay among themselves: what fails with them would
 * be suspected too. */
static bool fits(const struct room *r, const struct batch *b,
                 const struct message *m)
{
	if (b->n == 0)
		return true;
	if (b->n >= r->max || (m->batch_max && b->n >= m->batch_max))
		return false;
	if (r->suspects != (m->batch_max != 0))
		return false;
	return b->bytes + m->size <= r->bytes;
}

static void take_room(struct room *r, const struct batch *b,
                      const struct message *m)
{
	if (b->n == 1)
		r->suspects = m->batch_max != 0;
	if (m->batch_max && m->batch_max < r->max)
		r->max = m->batch_max;
}

static int fill(struct query *q, struct room *r, struct batch *b,
                struct message *last, struct err *e)
{
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct message m = { 0 };
		struct message *to;

		if (message_load(q->st, &m)) {
			message_release(&m);
			return err_memory(e);
		}
		if (!fits(r, b, &m)) {
			message_release(&m);
			return 0;
		}
		to = batch_add(b);
		if (!to) {
			message_release(&m);
			return err_memory(e);
		}
		message_move(to, &m);
		b->bytes += to->size;
		last->uid = to->uid;
		take_room(r, b, to);
		if (b->n >= r->max)
			return 0;
	}
	return rc;
}

static int claim_from(struct store *s, enum statement id, int64_t folder,
                      int64_t border, bool holes, struct room *r,
                      struct batch *b, struct message *last, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };

	if (query_begin(
	            &q, s, id, e,
	            V(vi(folder), vi(border), vi(holes), vi(clamp(r->max)))))
		return -1;
	return fill(&q, r, b, last, e);
}

int store_claim(struct store *s, int64_t source_folder, bool oldest, bool holes,
                uint64_t *cursor, size_t max, uint64_t max_bytes,
                struct batch *b, struct err *e)
{
	struct room r = { .max = max ? max : 1, .bytes = max_bytes };
	struct message last = { 0 };

	if (batch_folder(s, source_folder, b, e))
		return -1;
	if (claim_from(s, oldest ? ST_CLAIM_OLDEST : ST_CLAIM_NEWEST,
	               source_folder, clamp(*cursor), holes, &r, b, &last, e))
		return -1;
	if (b->n)
		*cursor = oldest ? last.uid + 1 : last.uid;
	return 0;
}
