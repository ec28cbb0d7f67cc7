/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.c - what there is at the source goes into the store, in portions,
 * while the first of it is already being moved.
 */
#include <stdlib.h>
#include <string.h>

#include "transfer/move.h"
#include "util/buf.h"
#include "util/log.h"

#define PORTION_FIRST 100
#define PORTION 2000

struct listing {
	struct move *m;
	size_t from;
	struct window w;
	struct batch *found;
	size_t portion;
	struct err e;
	bool failed;
};

static int fail(struct listing *l)
{
	l->failed = true;
	return -1;
}

static void judge_new(const struct move *m, struct message *msg)
{
	const char *why = plan_message(m->job->options, msg);

	msg->state = why ? MSG_LEFT_OUT : MSG_PENDING;
	if (why)
		err_set(&msg->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_NONE, why,
		        "%s", "");
}

static void count_found(struct listing *l)
{
	struct move *m = l->m;
	uint64_t pending = 0;

	pthread_mutex_lock(&m->lock);
	/* Lanes fetch by the UIDVALIDITY that the rows were listed under. */
	m->froms[l->from].f.uidvalidity = l->w.now_uidvalidity;
	for (size_t i = 0; i < l->found->n; i++) {
		const struct message *msg = &l->found->v[i];

		m->progress.listed++;
		m->progress.bytes_listed += msg->size;
		if (msg->state == MSG_PENDING) {
			pending++;
			m->progress.left++;
			continue;
		}
		m->progress.left_out++;
		m->progress.bytes_settled += msg->size;
	}
	pthread_mutex_unlock(&m->lock);
	claim_found(m, l->from, pending);
}

static int flush(struct listing *l)
{
	struct batch *b = l->found;

	if (b->n == 0)
		return 0;
	if (store_messages_add(l->m->store, l->m->froms[l->from].f.id,
	                       l->w.now_uidvalidity, b->v, b->n, &l->e))
		return fail(l);
	count_found(l);
	for (size_t i = 0; i < b->n; i++)
		message_release(&b->v[i]);
	b->n = 0;
	l->portion = PORTION;
	return 0;
}

static int changed(struct message *msg, void *arg)
{
	struct listing *l = arg;

	if (store_source_flags(l->m->store, l->m->froms[l->from].f.id,
	                       l->w.now_uidvalidity, msg, &l->e))
		return fail(l);
	return 0;
}

static int found(struct message *msg, void *arg)
{
	struct listing *l = arg;
	struct move *m = l->m;
	struct message *to;

	if (m->fatal.code || move_stopping(m))
		return -1;
	to = batch_add(l->found);
	if (!to) {
		err_memory(&l->e);
		return fail(l);
	}
	message_move(to, msg);
	judge_new(m, to);
	return l->found->n >= l->portion ? flush(l) : 0;
}

static void count_vanished(struct listing *l, uint64_t n)
{
	if (!n)
		return;
	pthread_mutex_lock(&l->m->lock);
	l->m->orphans = true;
	pthread_mutex_unlock(&l->m->lock);
	log_msg("%s: %llu messages are no longer where they were",
	        l->m->froms[l->from].f.path, (unsigned long long)n);
}

static int uids(const uint64_t *now, size_t n, void *arg)
{
	struct listing *l = arg;
	const struct from *f = &l->m->froms[l->from];
	uint64_t gone = 0;

	if (store_vanished(l->m->store, f->f.id, l->w.now_uidvalidity, now, n,
	                   &gone, &l->e))
		return fail(l);
	count_vanished(l, gone);
	return 0;
}

static void listing_release(struct listing *l)
{
	batch_free(&l->found);
	free((void *)l->w.known);
}

static int listing_init(struct listing *l, struct move *m, size_t from,
                        struct err *e)
{
	struct from *f = &m->froms[from];
	/* A first listing that was cut short has left rows as well. */
	uint32_t uidvalidity =
	        f->seen.uidvalidity ? f->seen.uidvalidity : f->f.uidvalidity;
	uint64_t *known = NULL;

	memset(l, 0, sizeof(*l));
	l->m = m;
	l->from = from;
	l->portion = PORTION_FIRST;
	l->found = batch_new();
	if (!l->found)
		return err_memory(e);
	if (uidvalidity && store_known_uids(m->store, f->f.id, uidvalidity,
	                                    &known, &l->w.known_n, e))
		return -1;
	l->w.known = known;
	l->w.newest_first = !m->job->options->oldest_first;
	l->w.uidvalidity = uidvalidity;
	l->w.modseq = f->listed_before ? f->seen.modseq : 0;
	l->w.uids = uids;
	l->w.changed = changed;
	l->w.found = found;
	l->w.arg = l;
	return 0;
}

static void remember(struct from *f, const struct window *w)
{
	f->f.uidvalidity = w->now_uidvalidity;
	f->seen.uidvalidity = w->now_uidvalidity;
	f->seen.modseq = w->now_modseq;
	f->listed_before = true;
	f->listed = true;
}

static int list_from(struct move *m, struct reader *r, struct listing *l,
                     struct err *e)
{
	struct from *f = &m->froms[l->from];

	if (m->reader_ops->list(r, &f->f, &l->w, e))
		return -1;
	if (l->failed || flush(l)) {
		*e = l->e;
		return -1;
	}
	if (m->fatal.code || move_stopping(m))
		return 0;
	if (store_source_listed(m->store, f->f.id, l->w.now_uidvalidity,
	                        l->w.now_uidnext, l->w.now_modseq,
	                        l->w.now_messages, e))
		return -1;
	remember(f, &l->w);
	return 0;
}

static int list_once(struct move *m, struct reader *r, size_t from,
                     struct err *e)
{
	struct listing l;
	int failed = listing_init(&l, m, from, e);

	if (!failed)
		failed = list_from(m, r, &l, e);
	listing_release(&l);
	return failed;
}

/* Only this folder is spoilt: it is told, and the others go on. */
static void skip_folder(struct move *m, size_t from, const struct err *e)
{
	pthread_mutex_lock(&m->lock);
	m->froms[from].skip = true;
	m->limited = true;
	m->note = *e;
	pthread_mutex_unlock(&m->lock);
	tell(m, EVENT_PROBLEM, m->froms[from].f.path, e->text, e);
}

static int list_folder(struct move *m, struct reader **r, size_t from,
                       struct err *e)
{
	for (;;) {
		struct err why = { 0 };

		if (!*r && move_open_reader(m, r, true, e))
			return -1;
		if (list_once(m, *r, from, &why) == 0) {
			move_progressed(m);
			return 0;
		}
		if (why.reach <= ERR_FOLDER) {
			skip_folder(m, from, &why);
			return 0;
		}
		m->reader_ops->close(r);
		if (why.next != NEXT_RETRY && why.next != NEXT_WAIT) {
			*e = why;
			return -1;
		}
		if (move_lost(m, &why, e))
			return -1;
	}
}

static int list_those(struct move *m, struct reader **r, bool known,
                      struct err *e)
{
	for (size_t i = 0; i < m->froms_n; i++) {
		struct from *f = &m->froms[i];

		/* Rows of a listing that was cut short are looked at again
		 * before anything is claimed, too. */
		if (f->skip || f->listed ||
		    (known && !f->listed_before && !f->pending))
			continue;
		if (m->fatal.code || move_stopping(m))
			return 0;
		if (list_folder(m, r, i, e))
			return -1;
	}
	return 0;
}

int listing_known(struct move *m, struct reader **r, struct err *e)
{
	return list_those(m, r, true, e);
}

int listing_new(struct move *m, struct reader **r, struct err *e)
{
	return list_those(m, r, false, e);
}
