/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.c - what a later pass does besides moving what is new: sees what the
 * owner deleted at the destination, brings flag changes over, tries holes
 * again, and looks again at what options had left out.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/sha256.h"
#include "transfer/move.h"
#include "util/buf.h"

#define COPIED (1u << MSG_MOVED | 1u << MSG_ADOPTED)
#define CHANGES_AT_ONCE 500

/* --- deleted at the destination ------------------------------------------- */

/* The copies of a folder: uids, or the heads of their names' hashes, so that
 * a million of them are no burden. */
struct there {
	uint64_t *v;
	size_t n, cap;
	uint32_t uidvalidity;
	bool by_name, failed;
};

static uint64_t name_id(const char *name)
{
	unsigned char hash[SHA256_OCTETS];
	uint64_t id = 0;

	sha256_of(name, strlen(name), hash);
	for (int i = 0; i < 8; i++)
		id = id << 8 | hash[i];
	return id;
}

static int keep_copy(struct message *msg, void *arg)
{
	struct there *t = arg;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 1024;
		uint64_t *v = realloc(t->v, cap * sizeof(*v));

		if (!v) {
			t->failed = true;
			return -1;
		}
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = !t->by_name ? (uint32_t)msg->uid
	               : msg->key  ? name_id(msg->key)
	                           : 0;
	return 0;
}

static int id_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_there(const struct there *t, const struct message *m)
{
	uint64_t id = t->by_name ? name_id(m->dest_name) : m->dest_uid;

	return t->n && bsearch(&id, t->v, t->n, sizeof(id), id_order);
}

struct missing {
	const struct there *there;
	struct batch *gone;
};

static int is_missing(struct row *r, void *arg)
{
	struct missing *q = arg;
	const struct there *t = q->there;
	struct message *msg;

	if (t->by_name
	            ? !r->m.dest_name
	            : !r->m.dest_uid || r->m.dest_uidvalidity != t->uidvalidity)
		return 0;
	if (is_there(t, &r->m))
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

static int list_there(struct move *m, const struct to *to, struct there *t,
                      struct err *e)
{
	struct folder now = { .raw = to->f.raw,
		              .comp = to->f.comp,
		              .depth = to->f.depth,
		              .path = to->f.path };
	int failed = to->absent ? 0
	                        : m->writer_ops->list(m->writer, &now, 1,
	                                              keep_copy, t, e);

	free(now.keywords);
	if (failed)
		return -1;
	if (t->failed)
		return err_memory(e);
	t->uidvalidity = now.uidvalidity;
	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), id_order);
	return 0;
}

static int find_missing(struct move *m, const struct to *to, struct there *t,
                        struct batch *gone, struct err *e)
{
	struct row_where w = { .dest_folder = to->f.id, .states = COPIED };
	struct missing q = { .there = t, .gone = gone };

	if (list_there(m, to, t, e))
		return -1;
	return store_rows(m->store, &w, is_missing, &q, e);
}

/* A listing that comes in pages is no picture of one moment: what is
 * deleted meanwhile moves others up, behind the page that is asked for
 * next. What was seen by one of two is there. */
static int find_gone(struct move *m, const struct to *to, struct err *e)
{
	struct there t = { .by_name = m->writer_traits & WRITER_BY_NAME };
	bool paged = t.by_name && !(m->writer_traits & WRITER_NAMES_FIRST);
	struct batch *gone = batch_new();
	int failed = !gone ? err_memory(e) : find_missing(m, to, &t, gone, e);

	if (!failed && gone->n && paged) {
		batch_free(&gone);
		gone = batch_new();
		failed = !gone ? err_memory(e)
		               : find_missing(m, to, &t, gone, e);
	}
	if (!failed && gone->n) {
		failed = journal_settle_now(m->store, gone, e);
		m->progress.gone += gone->n;
	}
	batch_free(&gone);
	free(t.v);
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
	/* A folder known by an id does not come back by its name. */
	bool by_id = m->writer_traits & WRITER_BY_NAME &&
	             !(m->writer_traits & WRITER_NAMES_FIRST);

	if (store_dest_folders(m->store, m->job->mailbox->to_key, &v, &n, e))
		return -1;
	for (size_t i = 0; i < m->tos_n && !failed; i++) {
		struct to *t = &m->tos[i];
		struct row_where w = { .dest_folder = t->f.id,
			               .states = COPIED };
		uint64_t rows = 0;

		if (t->failed.code || (t->absent && !by_id) ||
		    untouched(t, recorded(v, n, t->f.id)))
			continue;
		failed = store_count(m->store, &w, &rows, e);
		if (!failed && rows)
			failed = find_gone(m, t, e);
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
	to->note = r->note;
	r->note = NULL;
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

static bool is_told(const struct message *msg, const char *note)
{
	return !note || (msg->note && strstr(msg->note, note));
}

/* What the destination can't hold, unless the row tells it already. */
static int tell_lost(struct move *m, const struct batch *b,
                     const struct batch *would, struct err *e)
{
	if (store_begin(m->store, e))
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		const char *note = would->v[i].note;

		if (!is_told(&b->v[i], note) &&
		    store_note(m->store, b->v[i].row, note, e)) {
			store_rollback(m->store);
			return -1;
		}
	}
	return store_commit(m->store, e);
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
		failed = m->writer_ops->prepare(m->writer, f, would, e) ||
		         tell_lost(m, b, would, e);
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
	return failed ? -1 : 0;
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

static bool of_left_out_folder(const struct move *m, int64_t folder)
{
	for (size_t i = 0; i < m->froms_n; i++)
		if (m->froms[i].f.id == folder)
			return m->froms[i].left_out != NULL;
	return false;
}

static int reconsider(struct row *r, void *arg)
{
	struct reconsider *q = arg;
	struct message *msg;

	/* Only what the options had left out; a copy that came by another
	 * folder is settled for good. */
	if (r->m.state == MSG_LEFT_OUT &&
	    (strncmp(r->m.why.text, "moved", 5) == 0 ||
	     of_left_out_folder(q->m, r->source_folder) ||
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
