/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim.c - which messages are next. A claim is in memory only: rows stay
 * pending in the store until their intent is recorded, and a cursor in each
 * folder keeps two lanes from taking the same ones.
 */
#include <errno.h>
#include <time.h>

#include "transfer/move.h"

#define LANE_WORTH 100 /* waiting messages that make one more lane worth it */
#define ONE_BY_ONE_AHEAD 2 /* batches */

static bool oldest(const struct move *m)
{
	return m->job->options->oldest_first;
}

static uint64_t cursor_start(const struct move *m)
{
	return oldest(m) ? 0 : UINT64_MAX;
}

static uint64_t pending_all(const struct move *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->froms_n; i++)
		if (!m->froms[i].skip)
			n += m->froms[i].pending;
	return n;
}

/* A view of everything comes last: most of it has come by then. */
static bool must_wait(const struct move *m, const struct from *f)
{
	if (f->f.use != USE_ALL)
		return false;
	if (m->listing)
		return true;
	for (size_t i = 0; i < m->froms_n; i++) {
		const struct from *o = &m->froms[i];

		if (o->f.use != USE_ALL && !o->skip &&
		    (o->pending || o->claimed))
			return true;
	}
	return false;
}

static uint64_t octets_at_once(const struct move *m)
{
	uint64_t most = m->batch_octets;

	if (m->rate.per_second && m->rate.per_second / 2 < most)
		most = m->rate.per_second / 2;
	return most < 65536 ? 65536 : most;
}

static uint64_t memory_of(const struct move *m, const struct batch *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->n; i++)
		sum += (b->v[i].size < m->from_account.body_limit
		                ? b->v[i].size
		                : m->from_account.body_limit) +
		       sizeof(b->v[i]); /* many small ones weigh, too */
	return sum < m->batch_octets ? sum : m->batch_octets;
}

static int ask_store(struct move *m, struct from *f, struct batch *b,
                     struct err *e)
{
	if (store_claim(m->store, f->f.id, oldest(m), false, &f->cursor,
	                m->batch_messages, octets_at_once(m), b, e))
		return -1;
	if (b->n || f->claimed)
		return 0;
	/* Rows may have come back, or in, behind the cursor. */
	f->cursor = cursor_start(m);
	if (store_claim(m->store, f->f.id, oldest(m), false, &f->cursor,
	                m->batch_messages, octets_at_once(m), b, e))
		return -1;
	if (b->n == 0)
		f->pending = 0;
	return 0;
}

static struct batch *claim_from(struct move *m, struct from *f, struct err *e)
{
	struct batch *b = batch_new();

	if (!b) {
		err_memory(e);
		return NULL;
	}
	if (ask_store(m, f, b, e) || b->n == 0) {
		batch_free(&b);
		return NULL;
	}
	b->mailbox = m->job->mailbox->id;
	b->source_folder = f->f.id;
	b->from = (size_t)(f - m->froms);
	b->to = f->to;
	b->dest_folder = m->tos[f->to].f.id;
	f->pending -= f->pending < b->n ? f->pending : b->n;
	f->claimed++;
	m->outstanding++;
	b->budget = memory_of(m, b);
	return b;
}

static bool claimable(const struct move *m, const struct from *f)
{
	return !f->skip && f->pending && !m->tos[f->to].failed.code &&
	       !must_wait(m, f);
}

/* With the lock held. */
static struct batch *try_claim(struct move *m, struct err *e)
{
	for (size_t i = 0; i < m->froms_n; i++) {
		struct batch *b;

		if (!claimable(m, &m->froms[i]))
			continue;
		if (!memory_take(&m->run->memory, m->batch_octets))
			return NULL;
		b = claim_from(m, &m->froms[i], e);
		memory_give(&m->run->memory,
		            b ? m->batch_octets - b->budget : m->batch_octets);
		if (b || e->code)
			return b;
	}
	return NULL;
}

static bool worth_it(const struct move *m, const struct lane *l)
{
	uint64_t worth = m->writer_traits & WRITER_ONE_BY_ONE ? BATCH_ONE_BY_ONE
	                                                      : LANE_WORTH;

	return l->index == 0 || l->worked ||
	       (l->index < m->lanes_most && pending_all(m) >= l->index * worth);
}

static bool nothing_will_come(const struct move *m)
{
	return !m->listing && m->may_claim && m->outstanding == 0 &&
	       pending_all(m) == 0;
}

/* A writer that waits for each answer is slower than any reader: what one
 * lane has read ahead no other lane can send. */
static bool has_enough(const struct move *m, const struct lane *l)
{
	return m->writer_traits & WRITER_ONE_BY_ONE &&
	       l->fetched.n + l->ready.n + l->intending >= ONE_BY_ONE_AHEAD;
}

void move_wait(struct move *m)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 100000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&m->changed, &m->lock, &until);
}

struct batch *claim_next(struct move *m, const struct lane *l, bool wait,
                         struct err *e)
{
	struct batch *b = NULL;

	err_clear(e);
	pthread_mutex_lock(&m->lock);
	while (!m->fatal.code && !l->quit && !move_stopping(m)) {
		if (m->may_claim && worth_it(m, l) && !has_enough(m, l))
			b = try_claim(m, e);
		if (b || e->code || !wait || nothing_will_come(m))
			break;
		move_wait(m);
	}
	pthread_mutex_unlock(&m->lock);
	return b;
}

void claim_done(struct move *m, struct batch *b)
{
	pthread_mutex_lock(&m->lock);
	m->froms[b->from].claimed--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void claim_return(struct move *m, struct batch **b)
{
	batch_give_memory(m, *b);
	pthread_mutex_lock(&m->lock);
	m->froms[(*b)->from].claimed--;
	m->froms[(*b)->from].pending += (*b)->n;
	m->outstanding--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	batch_free(b);
}

void claim_found(struct move *m, size_t from, uint64_t n)
{
	pthread_mutex_lock(&m->lock);
	m->froms[from].pending += n;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}
