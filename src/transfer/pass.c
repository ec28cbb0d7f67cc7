/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.c - what a later pass does besides moving what is new: sees what the
 * owner deleted at the destination, brings flag changes over, tries holes
 * again, and looks again at what options had left out.
 */
#include <stdlib.h>
#include <string.h>

#include "transfer/move.h"
#include "util/buf.h"

#define COPIED (1u << MSG_MOVED | 1u << MSG_ADOPTED)
#define CHANGES_AT_ONCE 500

/* --- deleted at the destination ------------------------------------------- */

struct there {
	uint32_t *uids;
	char **keys;
	size_t n, cap;
	uint32_t uidvalidity;
	bool failed;
};

static int keep_uid(struct message *msg, void *arg)
{
	struct there *t = arg;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 1024;
		uint32_t *u = realloc(t->uids, cap * sizeof(*u));
		char **k;

		if (u)
			t->uids = u;
		k = realloc(t->keys, cap * sizeof(*k));
		if (k)
			t->keys = k;
		if (!u || !k) {
			t->failed = true;
			return -1;
		}
		t->cap = cap;
	}
	t->uids[t->n] = (uint32_t)msg->uid;
	t->keys[t->n++] = msg->key;
	msg->key = NULL;
	return 0;
}

static void there_release(struct there *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->keys[i]);
	free(t->keys);
	free(t->uids);
}

static int uid_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int key_order(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return strcmp(x ? x : "", y ? y : "");
}

struct missing {
	const struct there *there;
	struct batch *gone;
	bool by_name;
};

static int is_missing(struct row *r, void *arg)
{
	struct missing *q = arg;
	const struct there *t = q->there;
	struct message *msg;

	if (q->by_name
	            ? !r->m.dest_name || bsearch(&r->m.dest_name, t->keys, t->n,
	                                         sizeof(*t->keys), key_order)
	            : !r->m.dest_uid ||
	                      r->m.dest_uidvalidity != t->uidvalidity ||
	                      bsearch(&r->m.dest_uid, t->uids, t->n,
	                              sizeof(*t->uids), uid_order))
		return 0;
	msg = batch_add(q->gone);
	if (!msg)
		return -1;
	msg->row = r->m.row;
	msg->state = MSG_GONE_DEST;
	err_set(&msg->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_NONE,
	        "deleted or moved at the destination after it had arrived",
	        "%s", "");
	return 0;
}

static int find_missing(struct move *m, struct to *to, struct there *t,
                        struct err *e)
{
	struct folder now = { .raw = to->f.raw,
		              .comp = to->f.comp,
		              .depth = to->f.depth,
		              .path = to->f.path };
	struct row_where w = { .dest_folder = to->f.id, .states = COPIED };
	struct missing q = { .there = t,
		             .by_name = m->writer_traits & WRITER_NAMES_FIRST };
	int failed = m->writer_ops->list(m->writer, &now, 1, keep_uid, t, e);

	free(now.keywords);
	if (failed)
		return -1;
	if (t->failed)
		return err_memory(e);
	t->uidvalidity = now.uidvalidity;
	if (q.by_name)
		qsort(t->keys, t->n, sizeof(*t->keys), key_order);
	else
		qsort(t->uids, t->n, sizeof(*t->uids), uid_order);
	q.gone = batch_new();
	failed = !q.gone || store_rows(m->store, &w, is_missing, &q, e);
	if (!failed && q.gone->n) {
		failed = journal_settle_now(m->store, q.gone, e);
		m->progress.gone += q.gone->n;
	}
	batch_free(&q.gone);
	return failed ? -1 : 0;
}

static const struct dest_folder *recorded(const struct dest_folder *v, size_t n,
                                          int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].f.id == id)
			return &v[i];
	return NULL;
}

static bool untouched(const struct to *t, const struct dest_folder *d)
{
	return d && d->f.modseq && d->f.modseq == t->f.modseq &&
	       d->f.uidvalidity == t->mark_uidvalidity &&
	       d->f.messages == t->messages_before;
}

int pass_gone(struct move *m, struct err *e)
{
	struct dest_folder *v = NULL;
	size_t n = 0;
	int failed = 0;

	if (store_dest_folders(m->store, m->job->mailbox->to_key, &v, &n, e))
		return -1;
	for (size_t i = 0; i < m->tos_n && !failed; i++) {
		struct to *t = &m->tos[i];
		struct row_where w = { .dest_folder = t->f.id,
			               .states = COPIED };
		struct there there = { 0 };
		uint64_t rows = 0;

		if (t->failed.code || t->absent ||
		    untouched(t, recorded(v, n, t->f.id)))
			continue;
		failed = store_count(m->store, &w, &rows, e);
		if (!failed && rows)
			failed = find_missing(m, t, &there, e);
		there_release(&there);
	}
	dest_folders_free(&v, n);
	return failed;
}

/* --- flags ---------------------------------------------------------------- */

struct changes {
	struct batch *b;
	size_t left_alone;
};

static int keep_change(struct row *r, void *arg)
{
	struct changes *c = arg;
	struct message *to = batch_add(c->b);

	if (!to)
		return -1;
	message_move(to, &r->m);
	return c->b->n >= CHANGES_AT_ONCE;
}

static int record_change(struct move *m, const struct message *msg,
                         struct err *e)
{
	if (msg->state == MSG_GONE_DEST)
		return store_state(m->store, msg->row, MSG_GONE_DEST,
		                   "deleted or moved at the destination", e);
	if (msg->tries == 0)
		return store_set_flags(m->store, msg, e);
	return store_note(m->store, msg->row,
	                  "flags changed at both ends; those at the "
	                  "destination were kept",
	                  e);
}

static int record_changes(struct move *m, const struct batch *b, struct err *e)
{
	if (store_begin(m->store, e))
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (record_change(m, &b->v[i], e)) {
			store_rollback(m->store);
			return -1;
		}
	return store_commit(m->store, e);
}

static bool same_words(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* What the destination can't hold is no change: leaves in b the messages
 * that would be written otherwise than they were. */
static int drop_unchangeable(struct move *m, const struct folder *f,
                             struct batch *b, struct err *e)
{
	struct batch *would = batch_new();
	size_t kept = 0;
	int failed = 0;

	for (size_t i = 0; would && i < b->n; i++) {
		struct message *w = batch_add(would);

		if (!w)
			break;
		w->row = b->v[i].row;
		w->flags = b->v[i].flags;
		w->keywords =
		        b->v[i].keywords ? strdup(b->v[i].keywords) : NULL;
	}
	if (!would || would->n < b->n)
		failed = err_memory(e);
	else
		failed = m->writer_ops->prepare(m->writer, f, would, e);
	for (size_t i = 0; !failed && i < b->n; i++) {
		const struct message *w = &would->v[i];

		if (w->set_flags == b->v[i].set_flags &&
		    same_words(w->set_keywords, b->v[i].set_keywords)) {
			message_release(&b->v[i]);
			continue;
		}
		if (kept != i)
			message_move(&b->v[kept], &b->v[i]);
		kept++;
	}
	if (!failed)
		b->n = kept;
	batch_free(&would);
	return failed;
}

/* One portion; *more: there may be another. */
static int change_some(struct move *m, struct to *t, int64_t *after, bool *more,
                       struct err *e)
{
	struct row_where w = { .mailbox = m->job->mailbox->id,
		               .dest_folder = t->f.id,
		               /* Adopted copies are not ours to change. */
		               .states = 1u << MSG_MOVED,
		               .flags_differ = true,
		               .after_row = *after };
	struct changes c = { .b = batch_new() };
	struct folder f = t->f;
	int failed = !c.b ? err_memory(e)
	                  : store_rows(m->store, &w, keep_change, &c, e);

	*more = false;
	f.uidvalidity = t->mark_uidvalidity;
	if (!failed && c.b->n) {
		*after = c.b->v[c.b->n - 1].row;
		*more = true;
		failed = drop_unchangeable(m, &f, c.b, e);
	}
	if (!failed && c.b->n)
		failed = m->writer_ops->finish(m->writer, &f, c.b, e) ||
		         record_changes(m, c.b, e);
	batch_free(&c.b);
	return failed ? -1 : 0;
}

int pass_flags(struct move *m, struct err *e)
{
	if (!(m->writer_traits & WRITER_FLAG_CHANGES))
		return 0;
	for (size_t i = 0; i < m->tos_n; i++) {
		struct to *t = &m->tos[i];
		int64_t after = 0;
		bool more = !t->failed.code && !t->absent;

		while (more && !move_stopping(m))
			if (change_some(m, t, &after, &more, e))
				return -1;
	}
	return 0;
}

/* --- another look --------------------------------------------------------- */

struct reconsider {
	struct move *m;
	struct batch *b;
};

static int reconsider(struct row *r, void *arg)
{
	struct reconsider *q = arg;
	struct message *msg;

	/* Only what the options had left out; a copy that came by another
	 * folder is settled for good. */
	if (r->m.state == MSG_LEFT_OUT &&
	    (strncmp(r->m.why.text, "moved", 5) == 0 ||
	     plan_message(q->m->job->options, &r->m)))
		return 0;
	msg = batch_add(q->b);
	if (!msg)
		return -1;
	message_move(msg, &r->m);
	msg->state = MSG_PENDING;
	msg->tries = 0;
	return 0;
}

int pass_reconsider(struct move *m, struct err *e)
{
	struct row_where w = { .mailbox = m->job->mailbox->id,
		               .not_orphan = true,
		               .states = 1u << MSG_HOLE | 1u << MSG_LEFT_OUT };
	struct reconsider q = { m, batch_new() };
	int failed = !q.b ? err_memory(e)
	                  : store_rows(m->store, &w, reconsider, &q, e);

	if (!failed && q.b->n)
		failed = journal_settle_now(m->store, q.b, e);
	for (size_t i = 0; i < m->froms_n && !failed; i++) {
		struct row_where p = { .source_folder = m->froms[i].f.id,
			               .states = 1u << MSG_PENDING };

		if (!m->froms[i].skip)
			failed = store_count(m->store, &p, &m->froms[i].pending,
			                     e);
	}
	batch_free(&q.b);
	return failed;
}
