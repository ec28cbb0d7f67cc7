/* SPDX-License-Identifier: Apache-2.0 */
/* copies.c - see copies.h. */
#include "transfer/copies.h"

#include <stdlib.h>
#include <string.h>

#include "transfer/match.h"
#include "util/buf.h"

#define READ_AT_ONCE 200

static int uid_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A listing, of which only what no row claims is kept: the rest may be a
 * whole mailbox that we have moved ourselves. */
struct keeping {
	struct batch *out;
	struct folder now;
	uint32_t *claimed;
	size_t claimed_n;
	uint32_t uidvalidity; /* of claimed */
	bool failed;
};

static int keep(struct message *msg, void *arg)
{
	struct keeping *k = arg;
	uint32_t uid = (uint32_t)msg->uid;
	struct message *to;

	if (k->now.uidvalidity == k->uidvalidity &&
	    bsearch(&uid, k->claimed, k->claimed_n, sizeof(uid), uid_order))
		return 0;
	to = batch_add(k->out);
	k->failed |= !to;
	if (!to)
		return -1;
	message_move(to, msg);
	to->dest_uid = uid;
	to->dest_uidvalidity = k->now.uidvalidity;
	return 0;
}

static int list_since(struct move *m, struct writer *w, struct to *t,
                      uint32_t since, uint32_t *uidvalidity, struct batch *out,
                      struct err *e)
{
	struct keeping k = { .out = out,
		             .now.raw = t->f.raw,
		             .uidvalidity = *uidvalidity };
	int failed = store_claimed(m->store, t->f.id, k.uidvalidity, 0,
	                           &k.claimed, &k.claimed_n, e) ||
	             m->writer_ops->list(w, &k.now, since, keep, &k, e);

	*uidvalidity = k.now.uidvalidity;
	free(k.now.keywords);
	free(k.claimed);
	if (!failed && k.failed)
		return err_memory(e);
	return failed ? -1 : 0;
}

static void empty(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		message_release(&b->v[i]);
	b->n = 0;
}

static int drop_body(struct message *msg, void *arg)
{
	(void)arg;
	body_release(&msg->body);
	return 0;
}

/* Reads b in parts that the memory can hold. */
static int read_parts(struct move *m, struct writer *w, const struct folder *f,
                      struct batch *b, bool headers, struct err *e)
{
	struct batch part = { 0 };

	for (size_t at = 0; at < b->n; at += part.n) {
		part.v = b->v + at;
		part.n = b->n - at < READ_AT_ONCE ? b->n - at : READ_AT_ONCE;
		for (size_t i = 0; i < part.n; i++)
			part.v[i].fetched = false;
		if (m->writer_ops->read(w, f, &part, headers, drop_body, NULL,
		                        e))
			return -1;
	}
	return 0;
}

static bool wanted(const struct message *copy, const struct message *want,
                   size_t n)
{
	for (size_t i = 0; copy->fetched && i < n; i++)
		if (match_header(&want[i].fp, &copy->fp))
			return true;
	return false;
}

static void drop_unwanted(struct batch *b, const struct message *want, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (!wanted(&b->v[i], want, n)) {
			message_release(&b->v[i]);
			continue;
		}
		if (kept != i)
			message_move(&b->v[kept], &b->v[i]);
		kept++;
	}
	b->n = kept;
}

int copies_find(struct move *m, struct writer *w, size_t to, uint32_t since,
                const struct message *want, size_t want_n, struct batch *out,
                struct err *e)
{
	struct to *t = &m->tos[to];
	struct folder f = t->f;
	uint32_t uidvalidity = t->mark_uidvalidity;

	if (list_since(m, w, t, since, &uidvalidity, out, e))
		return -1;
	if (uidvalidity != t->mark_uidvalidity) {
		/* Renumbered while we were at it: everything, once more. */
		empty(out);
		if (list_since(m, w, t, 1, &uidvalidity, out, e))
			return -1;
	}
	f.uidvalidity = uidvalidity;
	if (read_parts(m, w, &f, out, true, e))
		return -1;
	drop_unwanted(out, want, want_n);
	return read_parts(m, w, &f, out, false, e);
}
