/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adopt.c - mail that is at the destination already: from a run whose store
 * was lost, from another tool, from the owner's own hands. It is recognised
 * in the whole destination mailbox, by fingerprint, each copy once.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "transfer/adopt.h"
#include "transfer/copies.h"
#include "util/buf.h"

#define READ_AT_ONCE 200

/* --- what stood there before us ------------------------------------------- */

/* A copy of which the listing has not told enough: a folder may hold a
 * million of them. */
struct untold {
	char *key;
	uint64_t size;
	uint32_t uid;
};

struct scan {
	struct move *m;
	const struct to *t;
	adopt_keep *keep;
	void *arg;
	struct batch *told; /* some of those that need no reading */
	struct untold *v;
	size_t n, cap;
	uint32_t *claimed;
	size_t claimed_n;
	struct err e; /* of the store; code 0: none */
};

static int uid_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool is_claimed(const struct scan *s, const struct message *msg)
{
	uint32_t uid = (uint32_t)msg->uid;

	if (s->m->writer_traits & WRITER_BY_NAME)
		return msg->key &&
		       store_claimed_name(s->m->store, s->t->f.id, msg->key);
	return uid &&
	       bsearch(&uid, s->claimed, s->claimed_n, sizeof(uid), uid_order);
}

/* Into the store. */
static int add_copies(struct move *m, const struct to *t,
                      const struct batch *part, void *arg, struct err *e)
{
	(void)arg;
	m->adopting |= part->n > 0;
	if (store_begin(m->store, e))
		return -1;
	for (size_t i = 0; i < part->n; i++) {
		const struct message *msg = &part->v[i];
		struct dest_copy c = { .dest_folder = t->f.id,
			               .uidvalidity = t->mark_uidvalidity,
			               .uid = msg->dest_uid,
			               .key = msg->key,
			               .fp = msg->fp,
			               .size = msg->size };

		if (msg->fetched && store_copy_add(m->store, &c, e)) {
			store_rollback(m->store);
			return -1;
		}
	}
	return store_commit(m->store, e);
}

static void empty(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		message_release(&b->v[i]);
	b->n = 0;
}

static int add_told(struct scan *s)
{
	int failed;

	for (size_t i = 0; i < s->told->n; i++)
		s->told->v[i].fetched = true;
	failed = s->keep(s->m, s->t, s->told, s->arg, &s->e);
	empty(s->told);
	return failed;
}

static int keep_told(struct scan *s, struct message *msg)
{
	struct message *to = batch_add(s->told);

	if (!to)
		return err_memory(&s->e);
	message_move(to, msg);
	return s->told->n < READ_AT_ONCE ? 0 : add_told(s);
}

static int keep_untold(struct scan *s, struct message *msg)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct untold *v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return err_memory(&s->e);
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] =
	        (struct untold){ msg->key, msg->size, (uint32_t)msg->uid };
	msg->key = NULL;
	return 0;
}

static int keep_unclaimed(struct message *msg, void *arg)
{
	struct scan *s = arg;

	if (is_claimed(s, msg))
		return 0;
	return msg->fp.version ? keep_told(s, msg) : keep_untold(s, msg);
}

static int take_part(struct batch *b, const struct untold *v, size_t n,
                     struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct message *msg = batch_add(b);

		if (!msg)
			return err_memory(e);
		msg->size = v[i].size;
		if (!v[i].key) {
			msg->dest_uid = v[i].uid;
			continue;
		}
		msg->key = strdup(v[i].key);
		msg->dest_name = strdup(v[i].key);
		if (!msg->key || !msg->dest_name)
			return err_memory(e);
	}
	return 0;
}

static int read_headers(struct scan *s, struct batch *part, struct err *e)
{
	struct folder f = s->t->f;
	size_t n;

	f.uidvalidity = s->t->mark_uidvalidity;
	for (size_t at = 0; at < s->n; at += n) {
		n = s->n - at < READ_AT_ONCE ? s->n - at : READ_AT_ONCE;
		empty(part);
		if (take_part(part, s->v + at, n, e) ||
		    copies_read(s->m, s->m->writer, &f, part, true, e) ||
		    s->keep(s->m, s->t, part, s->arg, e))
			return -1;
	}
	return 0;
}

static int list_and_read(struct scan *s, struct err *e)
{
	const struct to *t = s->t;
	struct folder now = { .raw = t->f.raw,
		              .comp = t->f.comp,
		              .depth = t->f.depth,
		              .path = t->f.path };
	int failed = s->m->writer_ops->list(s->m->writer, &now, 1,
	                                    keep_unclaimed, s, e);

	free(now.keywords);
	if (failed && !s->e.code)
		return -1;
	if (s->e.code || add_told(s)) {
		*e = s->e;
		return -1;
	}
	return read_headers(s, s->told, e);
}

int adopt_look(struct move *m, const struct to *t, adopt_keep *keep, void *arg,
               struct err *e)
{
	struct scan s = {
		.m = m, .t = t, .keep = keep, .arg = arg, .told = batch_new()
	};
	int failed;

	if (!s.told)
		return err_memory(e);
	failed = store_claimed(m->store, t->f.id, t->mark_uidvalidity, 0,
	                       &s.claimed, &s.claimed_n, e) ||
	         list_and_read(&s, e);
	for (size_t i = 0; i < s.n; i++)
		free(s.v[i].key);
	free(s.v);
	free(s.claimed);
	batch_free(&s.told);
	return failed ? -1 : 0;
}

static int scan_folder(struct move *m, const struct to *t, struct err *e)
{
	return store_copies_clear(m->store, t->f.id, e) ||
	                       adopt_look(m, t, add_copies, NULL, e)
	               ? -1
	               : 0;
}

static int mark_scanned(struct move *m, struct to *t, struct err *e)
{
	t->scanned = true;
	return store_dest_flags(m->store, t->f.id, true, t->doubted, e);
}

/* Folders of the destination that nothing is mapped to: mail that people
 * moved there is recognised as well. */
static int known_everywhere(struct move *m, struct err *e)
{
	int failed = 0;

	for (size_t i = 0; i < m->there.n && !failed; i++) {
		struct folder *f = &m->there.v[i];
		bool changed, have = f->noselect || f->shared || !f->messages;

		for (size_t k = 0; k < m->tos_n && !have; k++)
			have = strcmp(m->tos[k].f.raw, f->raw) == 0;
		if (have)
			continue;
		failed = store_dest_folder_put(
		        m->store, m->job->mailbox->to_key, f, &changed, e);
		if (!failed) {
			struct to *v =
			        realloc(m->tos, (m->tos_n + 1) * sizeof(*v));

			if (!v) {
				failed = err_memory(e);
				break;
			}
			m->tos = v;
			v += m->tos_n++;
			memset(v, 0, sizeof(*v));
			failed = folder_copy(&v->f, f) ? err_memory(e) : 0;
			v->mark_uidvalidity = f->uidvalidity;
			v->mark_uidnext = f->uidnext;
			v->messages_before = f->messages;
		}
	}
	return failed;
}

/* Before the first message of a mailbox is known, the whole destination is
 * looked at, whatever another source saw there earlier: people and other
 * tools may have been at it since. */
static void look_anew(struct move *m)
{
	if (m->looking_anew || m->progress.listed)
		return;
	m->looking_anew = true;
	for (size_t i = 0; i < m->tos_n; i++)
		m->tos[i].scanned = false;
}

int adopt_scan(struct move *m, struct err *e)
{
	bool first = false;

	look_anew(m);
	for (size_t i = 0; i < m->tos_n; i++) {
		first |= !m->tos[i].scanned && !m->tos[i].absent;
		m->adopting |= m->tos[i].scanned;
	}
	if (!first) {
		m->adopting = true;
		return 0;
	}
	if (known_everywhere(m, e))
		return -1;
	for (size_t i = 0; i < m->tos_n; i++) {
		struct to *t = &m->tos[i];

		if (t->scanned || t->absent || t->failed.code)
			continue;
		if ((t->messages_before && scan_folder(m, t, e)) ||
		    mark_scanned(m, t, e))
			return -1;
	}
	return 0;
}

/* --- recognising ---------------------------------------------------------- */

struct candidates {
	struct dest_copy *v;
	size_t n;
	size_t message; /* index in the batch */
};

static void candidates_release(struct candidates *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < c[i].n; k++)
			free(c[i].v[k].key);
		free(c[i].v);
	}
}

static struct to *folder_of(struct move *m, int64_t id)
{
	for (size_t i = 0; i < m->tos_n; i++)
		if (m->tos[i].f.id == id)
			return &m->tos[i];
	return NULL;
}

static int drop_body(struct message *msg, void *arg)
{
	(void)arg;
	body_release(&msg->body);
	return 0;
}

/*
 * A message that an earlier run left half-made, whose store is lost: it
 * tells itself that it is ours and which message it was to become. That one
 * is about to be sent again.
 */
static int take_back_half(struct move *m, struct writer *w,
                          const struct folder *f, struct batch *half,
                          const struct message *msg, struct err *e)
{
	if (!m->writer_ops->take_back ||
	    fp_compare(&half->v[0].fp, &msg->fp) != FP_SAME)
		return 0;
	return m->writer_ops->take_back(w, f, half, e);
}

static int read_copy(struct move *m, struct writer *w, const struct folder *f,
                     const struct dest_copy *c, struct batch *b, struct err *e)
{
	struct message *copy = batch_add(b);

	if (!copy)
		return err_memory(e);
	copy->dest_uid = c->uid;
	copy->dest_name = c->key ? strdup(c->key) : NULL;
	if (c->key && !copy->dest_name)
		return err_memory(e);
	return m->writer_ops->read(w, f, b, false, drop_body, NULL, e);
}

static bool is_same(const struct message *msg, const struct message *copy)
{
	if (memcmp(copy->sha256, msg->sha256, sizeof(msg->sha256)) == 0)
		return true;
	return fp_join(&copy->fp, &msg->fp) == FP_SAME &&
	       fp_has_files(&msg->fp, &copy->fp, copy->fp.files + 1);
}

int adopt_is_same(struct move *m, struct writer *w, const struct to *t,
                  const struct dest_copy *c, const struct message *msg,
                  adopt_half *half, bool *same, struct err *e)
{
	struct batch *b = batch_new();
	struct folder f = t->f;
	int failed;

	*same = false;
	f.uidvalidity = c->uidvalidity;
	failed = b ? read_copy(m, w, &f, c, b, e) : err_memory(e);
	if (!failed && b->v[0].half)
		failed = half ? half(m, w, &f, b, msg, e) : 0;
	else if (!failed && b->v[0].fetched)
		*same = is_same(msg, &b->v[0]);
	batch_free(&b);
	return failed;
}

/* Whether this copy has the octets, or else the fingerprint, of msg. */
static int same_copy(struct move *m, struct writer *w,
                     const struct dest_copy *c, const struct message *msg,
                     bool *same, struct err *e)
{
	const struct to *t = folder_of(m, c->dest_folder);

	*same = false;
	if (!t || t->absent || t->mark_uidvalidity != c->uidvalidity)
		return 0;
	return adopt_is_same(m, w, t, c, msg, take_back_half, same, e);
}

static int adopt(struct move *m, const struct dest_copy *c, struct message *msg,
                 bool *clash, struct err *e)
{
	msg->dest_uidvalidity = c->uidvalidity;
	msg->dest_uid = c->uid;
	free(msg->dest_name);
	msg->dest_name = c->key ? strdup(c->key) : NULL;
	/* Nothing was set by us: as it is there is as it is meant to be. */
	msg->set_flags = msg->flags & MAIL_FLAGS_KEPT;
	free(msg->set_keywords);
	msg->set_keywords = msg->keywords ? strdup(msg->keywords) : NULL;
	if (msg->keywords && !msg->set_keywords)
		return err_memory(e);
	if (store_begin(m->store, e))
		return -1;
	*clash = false;
	if (store_settle(m->store, msg, MSG_ADOPTED, c->dest_folder, clash,
	                 e) ||
	    (!*clash && store_copy_claim(m->store, c->id, e)) ||
	    (*clash && store_again(m->store, msg, e))) {
		store_rollback(m->store);
		return -1;
	}
	if (store_commit(m->store, e))
		return -1;
	msg->state = *clash ? MSG_SENDING : MSG_ADOPTED;
	if (*clash) {
		msg->dest_uid = msg->dest_uidvalidity = 0;
		free(msg->dest_name);
		msg->dest_name = NULL;
	}
	return 0;
}

static int adopt_one(struct lane *l, const struct candidates *c,
                     struct message *msg, struct err *e)
{
	for (size_t i = 0; i < c->n && msg->state != MSG_ADOPTED; i++) {
		bool same, clash;

		if (lane_drain(l, e) ||
		    same_copy(l->m, l->writer, &c->v[i], msg, &same, e))
			return -1;
		if (same && adopt(l->m, &c->v[i], msg, &clash, e))
			return -1;
	}
	return 0;
}

struct adopted {
	uint64_t n, octets;
};

static bool is_adopted(const struct message *msg, void *arg)
{
	struct adopted *a = arg;

	if (msg->state != MSG_ADOPTED)
		return false;
	a->n++;
	a->octets += msg->size;
	return true;
}

static void drop_adopted(struct move *m, struct batch *b)
{
	struct adopted a = { 0 };

	batch_drop(b, is_adopted, &a);
	pthread_mutex_lock(&m->lock);
	m->progress.adopted += a.n;
	m->progress.left -= m->progress.left < a.n ? m->progress.left : a.n;
	m->progress.bytes_settled += a.octets;
	pthread_mutex_unlock(&m->lock);
}

int adopt_batch(struct move *m, struct lane *l, struct batch *b, struct err *e)
{
	int failed = 0;

	if (!m->adopting)
		return 0;
	for (size_t i = 0; i < b->n && !failed; i++) {
		struct candidates c = { .message = i };

		failed = store_copies_find(m->store, m->job->mailbox->to_key,
		                           &b->v[i].fp, &c.v, &c.n, e);
		if (!failed)
			failed = adopt_one(l, &c, &b->v[i], e);
		candidates_release(&c, 1);
	}
	drop_adopted(m, b);
	return failed;
}
