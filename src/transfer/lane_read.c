/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane_read.c - a lane's first half: list (the first lane), claim, ask,
 * fetch, and hand over to the writer thread.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/repair.h"
#include "transfer/join.h"
#include "transfer/move.h"
#include "transfer/tour.h"
#include "util/log.h"

/* What has been asked for and not fetched, oldest first. */
struct asking {
	struct batch *v[ASK_AHEAD];
	size_t n;
};

static void verdicts_done(struct batch *b, bool ok, void *arg)
{
	struct move *m = arg;

	if (ok)
		move_settled(m, b);
	pthread_mutex_lock(&m->lock);
	m->froms[b->from].claimed--;
	for (size_t i = 0; i < b->n; i++)
		m->froms[b->from].pending += b->v[i].state == MSG_PENDING;
	m->outstanding--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	batch_free(&b);
}

/* Not fetched and no hole: the server gave up on the range. */
static void ask_for_fewer(const struct batch *b, struct message *msg)
{
	msg->batch_max = b->n > 3 ? (unsigned)b->n / 4 : 1;
	msg->state = MSG_PENDING;
}

/* Of equal messages another lane may take the same one: looked for and taken
 * in one transaction. */
static int take_found(struct move *m, struct message *msg, bool *taken,
                      struct err *e)
{
	int64_t row = 0;

	if (store_orphan_find(m->store, m->job->mailbox->id, msg, &row, e))
		return -1;
	*taken = row != 0;
	if (!row)
		return 0;
	return store_orphan_take(m->store, row, msg,
	                         "moved to another folder at the source, or "
	                         "renumbered there",
	                         e);
}

static int take_orphan(struct move *m, struct message *msg, bool *taken,
                       struct err *e)
{
	int64_t row = 0;

	*taken = false;
	if (!m->orphans)
		return 0;
	if (store_orphan_find(m->store, m->job->mailbox->id, msg, &row, e))
		return -1;
	if (!row)
		return 0;
	if (store_begin(m->store, e))
		return -1;
	if (take_found(m, msg, taken, e)) {
		store_rollback(m->store);
		return -1;
	}
	return store_commit(m->store, e);
}

/* The verdict on a message that need not be sent; MSG_SENDING if it must. */
static int judge(struct lane *l, const struct batch *b, struct message *msg,
                 bool *taken, struct err *e)
{
	struct move *m = l->m;
	bool changed = false;

	*taken = false;
	msg->state = MSG_SENDING;
	if (msg->hole && !msg->date.known && !msg->tries) {
		msg->tries = 1;
		ask_for_fewer(b, msg);
		return 0;
	}
	if (msg->hole) {
		msg->state = MSG_HOLE;
		return 0;
	}
	if (!msg->fetched) {
		ask_for_fewer(b, msg);
		return 0;
	}
	if (m->froms[b->from].f.use == USE_ALL &&
	    store_has_octets(m->store, b->mailbox, msg->sha256, msg->row)) {
		msg->state = MSG_LEFT_OUT;
		err_set(&msg->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_NONE,
		        "moved from another folder already", "%s", "");
		return 0;
	}
	if (take_orphan(m, msg, taken, e))
		return -1;
	if (!*taken && msg->want_repair)
		return repair_message(msg, &changed, e);
	return 0;
}

static struct batch *like(const struct batch *b)
{
	struct batch *v = batch_new();

	if (!v)
		return NULL;
	v->mailbox = b->mailbox;
	v->source_folder = b->source_folder;
	v->dest_folder = b->dest_folder;
	v->from = b->from;
	v->to = b->to;
	return v;
}

/* Leaves in b what is to be sent, moves the rest to verdicts. */
static int sort_out(struct lane *l, struct batch *b, struct batch *verdicts,
                    uint64_t *orphans, struct err *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct message *msg = &b->v[i], *to;
		bool taken;

		if (msg->described &&
		    store_source_flags(l->m->store, b->source_folder,
		                       l->m->froms[b->from].f.uidvalidity, msg,
		                       e))
			return -1;
		if (judge(l, b, msg, &taken, e))
			return -1;
		*orphans += taken;
		if (!taken && msg->state == MSG_SENDING) {
			if (kept != i)
				message_move(&b->v[kept], msg);
			kept++;
			continue;
		}
		if (taken) {
			message_release(msg);
			continue;
		}
		body_release(&msg->body);
		to = batch_add(verdicts);
		if (!to)
			return err_memory(e);
		message_move(to, msg);
	}
	b->n = kept;
	return 0;
}

static void add_orphans(struct move *m, uint64_t n)
{
	pthread_mutex_lock(&m->lock);
	m->progress.left -= m->progress.left < n ? m->progress.left : n;
	pthread_mutex_unlock(&m->lock);
}

/* b has been read, as far as it could be. */
static int hand_over(struct lane *l, struct batch *b, struct err *e)
{
	struct move *m = l->m;
	struct batch *verdicts = like(b);
	uint64_t orphans = 0;

	if (!verdicts || sort_out(l, b, verdicts, &orphans, e) ||
	    join_batch(m, b, e)) {
		batch_free(&verdicts);
		claim_return(m, &b);
		return e->code ? -1 : err_memory(e);
	}
	add_orphans(m, orphans);
	if (verdicts->n) {
		pthread_mutex_lock(&m->lock);
		m->froms[b->from].claimed++;
		m->outstanding++;
		pthread_mutex_unlock(&m->lock);
		journal_settle(m->journal, verdicts, verdicts_done, m);
	} else {
		batch_free(&verdicts);
	}
	if (b->n)
		lane_push(l, &l->fetched, b);
	else
		claim_return(m, &b);
	return 0;
}

/* --- lost connections ---------------------------------------------------- */

/*
 * The batch that was being read when the connection ended. What had come is
 * good; the first that had not may be what broke it: fewer next time, and
 * alone at last.
 */
static void suspect(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct message *msg = &b->v[i];

		if (msg->fetched)
			continue;
		body_release(&msg->body);
		if (b->n > 1 || ++msg->tries < TRIES_ALONE)
			continue;
		msg->hole = true;
		err_set(&msg->why, ERR_MESSAGE, NEXT_RETRY, EC_HOLE,
		        "The old server breaks the connection each time this "
		        "message is asked for. mailhaul asks again at the next "
		        "run; if it stays so, ask the old provider.",
		        "%s", "");
	}
}

static int give_back(struct lane *l, struct asking *a, bool blame,
                     struct err *e)
{
	int failed = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (i == 0 && blame) {
			suspect(a->v[i]);
			failed = hand_over(l, a->v[i], e);
		} else {
			claim_return(l->m, &a->v[i]);
		}
	}
	a->n = 0;
	return failed;
}

static bool may_help(const struct err *e)
{
	return e->next == NEXT_RETRY || e->next == NEXT_WAIT;
}

/* -1: this lane, or the whole mailbox, is at its end. */
static int read_lost(struct lane *l, struct asking *a, const struct err *why,
                     struct err *e)
{
	struct err more = { 0 };

	log_msg("lane %zu: reader lost: %s (%s)", l->index, why->text,
	        why->detail);
	l->m->reader_ops->close(&l->reader);
	if (give_back(l, a, why->code != EC_INTERRUPTED, &more)) {
		*e = more;
		return -1;
	}
	if (!may_help(why) || l->quit) {
		*e = *why;
		return -1;
	}
	return move_lost(l->m, why, e);
}

/* --- the loop ------------------------------------------------------------- */

static int have_reader(struct lane *l, struct err *e)
{
	if (l->reader)
		return 0;
	if (move_open_reader(l->m, &l->reader, l->index == 0, e) == 0)
		return 0;
	l->quit = l->index > 0;
	return -1;
}

static int ask_for(struct lane *l, struct asking *a, struct batch *b,
                   struct err *e)
{
	/* Nothing is asked for, and nobody to blame, without a reader. */
	if (have_reader(l, e)) {
		claim_return(l->m, &b);
		return -1;
	}
	a->v[a->n++] = b;
	l->worked = true;
	for (size_t i = 0; i < b->n; i++)
		body_init(&b->v[i].body, l->m->from_account.body_limit,
		          l->m->from_account.spool_dir);
	return l->m->reader_ops->ask(l->reader, &l->m->froms[b->from].f, b, e);
}

static int ask_ahead(struct lane *l, struct asking *a, struct err *e)
{
	size_t most = l->m->writer_traits & WRITER_ONE_BY_ONE ? 1 : ASK_AHEAD;

	while (a->n < most) {
		struct batch *b = claim_next(l->m, l, a->n == 0, e);

		if (!b)
			return e->code ? -1 : 0;
		if (ask_for(l, a, b, e))
			return -1;
	}
	return 0;
}

static int fetch_one(struct lane *l, struct asking *a, struct err *e)
{
	struct batch *b = NULL;

	if (l->m->reader_ops->fetch(l->reader, &b, e))
		return -1;
	a->n--;
	memmove(a->v, a->v + 1, a->n * sizeof(a->v[0]));
	move_progressed(l->m);
	return hand_over(l, b, e);
}

static int read_all(struct lane *l, struct err *e)
{
	struct asking a = { .n = 0 };

	for (;;) {
		struct err why = { 0 };
		int failed = ask_ahead(l, &a, &why);

		if (!failed && a.n == 0)
			return 0;
		if (!failed)
			failed = fetch_one(l, &a, &why);
		if (failed && read_lost(l, &a, &why, e))
			return -1;
	}
}

/* What the archive gave has been read; it is judged and handed over. */
static int send_archive(struct lane *l, struct err *e)
{
	struct batch *b;

	while ((b = tour_next(l->m, l)))
		if (hand_over(l, b, e))
			return -1;
	return 0;
}

static int list_all(struct lane *l, struct err *e)
{
	struct move *m = l->m;
	int failed = listing_known(m, &l->reader, e);

	pthread_mutex_lock(&m->lock);
	m->may_claim = true;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	if (!failed)
		failed = listing_new(m, &l->reader, e);
	pthread_mutex_lock(&m->lock);
	m->listing = false;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return failed;
}

void *lane_read_main(void *arg)
{
	struct lane *l = arg;
	struct move *m = l->m;
	struct err e = { 0 };
	int failed = 0;

	if (!m->tour && l->index == 0 && m->listing)
		failed = list_all(l, &e);
	if (!failed)
		failed = m->tour ? send_archive(l, &e) : read_all(l, &e);
	if (failed && (l->index == 0 || e.reach == ERR_RUN))
		move_fail(m, &e);
	pthread_mutex_lock(&m->lock);
	l->read_done = true;
	if (l->writer_open)
		m->writer_ops->wake(l->writer);
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}
