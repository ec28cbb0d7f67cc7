/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tour_batch.c - what has been read becomes rows, and batches for the
 * lanes; see tour_int.h.
 */
#include <stdlib.h>

#include "transfer/tour_int.h"

#define LANE_AHEAD 3 /* batches that a lane takes before it sends */
#define LANE_AHEAD_ONE_BY_ONE 2

/* --- batches to the lanes --- */

bool tour_ending(const struct move *m)
{
	return m->fatal.code || move_stopping(m);
}

/* What a lane has taken no other can send; one more lane is opened when
 * there is more to send than those before it take. */
static bool may_take(const struct move *m, const struct lane *l)
{
	size_t most = m->writer_traits & WRITER_ONE_BY_ONE
	                      ? LANE_AHEAD_ONE_BY_ONE
	                      : LANE_AHEAD;

	return l->fetched.n + l->ready.n + l->intending < most &&
	       m->tour->ready.n > (l->worked ? 0 : l->index);
}

struct batch *tour_next(struct move *m, struct lane *l)
{
	struct tour *s = m->tour;
	struct batch *b = NULL;

	pthread_mutex_lock(&m->lock);
	while (!tour_ending(m) && !l->quit) {
		if (may_take(m, l))
			b = queue_take(&s->ready);
		if (b || (s->ended && s->ready.n <= l->index))
			break;
		move_wait(m);
	}
	l->worked |= b != NULL;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return b;
}

void tour_put_back(struct move *m)
{
	struct batch *b;

	while (m->tour && (b = queue_take(&m->tour->ready)))
		claim_return(m, &b);
}

/* A spool file costs a descriptor and disk: of them, too, only so many are
 * in flight. */
uint64_t tour_weight(const struct body *b)
{
	if (b->spool)
		return b->limit;
	return b->mem ? b->size : 0;
}

static uint64_t memory_of(const struct move *m, const struct batch *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->n; i++)
		sum += tour_weight(&b->v[i].body) + sizeof(b->v[i]);
	return sum < m->batch_octets ? sum : m->batch_octets;
}

/* Room for what is being read; false: the run ends. */
bool tour_reserve(struct move *m)
{
	struct tour *s = m->tour;

	while (!s->reserved) {
		if (tour_ending(m))
			return false;
		if (memory_take(&m->run->memory, m->batch_octets)) {
			s->reserved = m->batch_octets;
			break;
		}
		pthread_mutex_lock(&m->lock);
		move_wait(m);
		pthread_mutex_unlock(&m->lock);
	}
	return true;
}

void tour_unreserve(struct move *m)
{
	memory_give(&m->run->memory, m->tour->reserved);
	m->tour->reserved = 0;
}

/* With the lock held: into the progress. */
static void count_new(struct move *m, const struct message *msg)
{
	struct progress *p = &m->progress;

	p->listed++;
	p->bytes_listed += msg->size;
	if (msg->state == MSG_PENDING) {
		p->left++;
		return;
	}
	p->left_out++;
	p->bytes_settled += msg->size;
}

/* New rows are those without one. */
static int add_rows(struct move *m, struct branch *b, struct err *e)
{
	struct batch *o = b->open;
	bool *fresh CLEANUP(free_p) = NULL;

	if (!o || !o->n)
		return 0;
	fresh = calloc(o->n, sizeof(*fresh));
	if (!fresh)
		return err_memory(e);
	for (size_t i = 0; i < o->n; i++)
		fresh[i] = o->v[i].row == 0;
	if (store_messages_add(m->store, m->froms[b->from].f.id, b->uidvalidity,
	                       o->v, o->n, e))
		return -1;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < o->n; i++)
		if (fresh[i])
			count_new(m, &o->v[i]);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int add_all_rows(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (store_begin(m->store, e))
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (add_rows(m, &s->v[i], e)) {
			store_rollback(m->store);
			return -1;
		}
	return store_commit(m->store, e);
}

/* Only what is to be sent goes to a lane. */
static bool not_to_be_sent(const struct message *msg, void *arg)
{
	(void)arg;
	return msg->state != MSG_PENDING;
}

static void push(struct move *m, struct branch *br)
{
	struct tour *s = m->tour;
	struct from *f = &m->froms[br->from];
	struct batch *b = br->open;

	br->open = NULL;
	if (!b)
		return;
	batch_drop(b, not_to_be_sent, NULL);
	if (!b->n) {
		batch_free(&b);
		return;
	}
	b->mailbox = m->job->mailbox->id;
	b->source_folder = f->f.id;
	b->from = br->from;
	b->to = f->to;
	b->dest_folder = m->tos[f->to].f.id;
	b->budget = memory_of(m, b);
	if (b->budget > s->reserved)
		b->budget = s->reserved;
	s->reserved -= b->budget;
	pthread_mutex_lock(&m->lock);
	f->claimed++;
	m->outstanding++;
	queue_add(&s->ready, b);
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

int tour_flush(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (s->messages == 0)
		return 0;
	if (add_all_rows(m, e))
		return -1;
	for (size_t i = 0; i < s->n; i++)
		push(m, &s->v[i]);
	s->messages = 0;
	s->octets = 0;
	tour_unreserve(m);
	if (s->portion < m->batch_messages)
		s->portion *= 2;
	move_progressed(m);
	return 0;
}

struct message *tour_place(struct branch *b)
{
	if (!b->open)
		b->open = batch_new();
	return b->open ? batch_add(b->open) : NULL;
}

bool tour_full(const struct move *m)
{
	const struct tour *s = m->tour;

	return s->messages >= s->portion || s->messages >= m->batch_messages ||
	       s->octets + m->from_account.body_limit >= m->batch_octets;
}

static int settle_holes(struct move *m, struct branch *b, struct err *e)
{
	struct batch *holes = batch_new();
	int failed = holes ? 0 : err_memory(e);

	for (size_t i = 0; !failed && b->open && i < b->open->n; i++) {
		struct message *to, *msg = &b->open->v[i];

		if (!msg->hole || msg->state != MSG_PENDING)
			continue;
		to = batch_add(holes);
		if (!to) {
			failed = err_memory(e);
			break;
		}
		message_move(to, msg);
		to->state = MSG_HOLE;
	}
	if (!failed && holes->n)
		failed = journal_settle_now(m->store, holes, e);
	batch_free(&holes);
	return failed;
}

int tour_flush_rows(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (s->messages && add_all_rows(m, e))
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		if (settle_holes(m, &s->v[i], e))
			return -1;
		batch_free(&s->v[i].open);
	}
	s->messages = 0;
	return 0;
}
