/* SPDX-License-Identifier: Apache-2.0 */
/* copies.c - see copies.h. */
#include "transfer/copies.h"

#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
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
	struct move *m;
	const struct to *t;
	struct message *want;
	size_t want_n;
	struct batch *out, *half;
	struct folder now;
	uint32_t *claimed;
	size_t claimed_n;
	uint32_t uidvalidity; /* of claimed */
	bool failed;
};

static bool same_octets(const struct message *a, const struct message *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static void know_attempt(struct keeping *k, const struct message *copy)
{
	for (size_t i = 0; i < k->want_n; i++)
		if (k->want[i].dest_name &&
		    strcmp(k->want[i].dest_name, copy->key) == 0)
			k->want[i].attempt = copy->attempt;
}

static bool is_claimed(struct keeping *k, const struct message *copy)
{
	uint32_t uid = (uint32_t)copy->uid;

	if (k->m->writer_traits & WRITER_BY_NAME) {
		if (!copy->key ||
		    !store_claimed_name(k->m->store, k->t->f.id, copy->key))
			return false;
		know_attempt(k, copy);
		return true;
	}
	return k->now.uidvalidity == k->uidvalidity &&
	       bsearch(&uid, k->claimed, k->claimed_n, sizeof(uid), uid_order);
}

static bool is_of(const struct keeping *k, const struct message *copy)
{
	for (size_t i = 0; i < k->want_n; i++)
		if (same_octets(&k->want[i], copy) ||
		    fp_compare(&k->want[i].fp, &copy->fp) == FP_SAME)
			return true;
	return false;
}

static int keep(struct message *msg, void *arg)
{
	struct keeping *k = arg;
	struct message *to;

	if (is_claimed(k, msg) || (msg->half && !is_of(k, msg)))
		return 0;
	to = batch_add(msg->half ? k->half : k->out);
	k->failed |= !to;
	if (!to)
		return -1;
	message_move(to, msg);
	to->dest_uidvalidity = k->now.uidvalidity;
	if (!(k->m->writer_traits & WRITER_BY_NAME)) {
		to->dest_uid = (uint32_t)to->uid;
		return 0;
	}
	to->dest_name = to->key ? strdup(to->key) : NULL;
	k->failed |= to->key && !to->dest_name;
	return k->failed ? -1 : 0;
}

static int take_back_half(struct keeping *k, struct writer *w, struct err *e)
{
	struct folder f = k->t->f;

	if (!k->half->n)
		return 0;
	if (!k->m->writer_ops->take_back ||
	    k->m->writer_ops->take_back(w, &f, k->half, e))
		return -1;
	tell(k->m, EVENT_NOTE, f.path,
	     "a message that had been stored in part only was taken back; it "
	     "is sent again",
	     NULL);
	return 0;
}

static int list_since(struct keeping *k, struct writer *w, uint32_t since,
                      uint32_t *uidvalidity, struct err *e)
{
	const struct to *t = k->t;
	int failed;

	k->now = (struct folder){ .raw = t->f.raw,
		                  .comp = t->f.comp,
		                  .depth = t->f.depth,
		                  .path = t->f.path };
	k->uidvalidity = *uidvalidity;
	failed = store_claimed(k->m->store, t->f.id, k->uidvalidity, 0,
	                       &k->claimed, &k->claimed_n, e) ||
	         k->m->writer_ops->list(w, &k->now, since, keep, k, e);
	*uidvalidity = k->now.uidvalidity;
	free(k->now.keywords);
	free(k->claimed);
	k->claimed = NULL;
	if (!failed && k->failed)
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

/* What the listing has told already needs no reading of headers. */
static bool is_told(const struct message *msg, bool headers)
{
	return headers && msg->fp.version != 0;
}

/* Reads b in parts that the memory can hold. */
int copies_read(struct move *m, struct writer *w, const struct folder *f,
                struct batch *b, bool headers, struct err *e)
{
	struct batch part = { 0 };

	for (size_t at = 0; at < b->n; at += part.n) {
		part.v = b->v + at;
		part.n = 0;
		if (is_told(part.v, headers)) {
			part.n = 1;
			part.v->fetched = true;
			continue;
		}
		while (at + part.n < b->n && part.n < READ_AT_ONCE &&
		       !is_told(&part.v[part.n], headers))
			part.v[part.n++].fetched = false;
		if (m->writer_ops->read(w, f, &part, headers, drop_body, NULL,
		                        e))
			return -1;
	}
	return 0;
}

static bool unwanted(const struct message *copy, void *arg)
{
	const struct keeping *k = arg;

	for (size_t i = 0; copy->fetched && i < k->want_n; i++)
		if (match_header(&k->want[i].fp, &copy->fp))
			return false;
	return true;
}

static int find(struct keeping *k, struct writer *w, uint32_t since,
                struct err *e)
{
	const struct to *t = k->t;
	struct folder f = t->f;
	uint32_t uidvalidity = t->mark_uidvalidity;

	if (list_since(k, w, since, &uidvalidity, e))
		return -1;
	if (uidvalidity != t->mark_uidvalidity) {
		/* Renumbered while we were at it: everything, once more. */
		empty(k->out);
		empty(k->half);
		if (list_since(k, w, 1, &uidvalidity, e))
			return -1;
	}
	f.uidvalidity = uidvalidity;
	if (take_back_half(k, w, e) ||
	    copies_read(k->m, w, &f, k->out, true, e))
		return -1;
	batch_drop(k->out, unwanted, k);
	return copies_read(k->m, w, &f, k->out, false, e);
}

int copies_find(struct move *m, struct writer *w, size_t to, uint32_t since,
                struct message *want, size_t want_n, struct batch *out,
                struct err *e)
{
	struct keeping k = { .m = m,
		             .t = &m->tos[to],
		             .want = want,
		             .want_n = want_n,
		             .out = out,
		             .half = batch_new() };
	int failed = k.half ? find(&k, w, since, e) : err_memory(e);

	batch_free(&k.half);
	return failed;
}
