/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane_write.c - a lane's second half: intend, wait for the journal, send,
 * collect the answers. When the connection is lost, everything unanswered
 * is in doubt; the lane itself looks what arrived (doubt.c) before anything
 * more is sent to those folders.
 */
#include <stdlib.h>
#include <string.h>

#include "transfer/move.h"
#include "util/clock.h"
#include "util/log.h"

/* --- queues --------------------------------------------------------------- */

void queue_add(struct queue *q, struct batch *b)
{
	b->next = NULL;
	if (!q->first)
		q->last = &q->first;
	*q->last = b;
	q->last = &b->next;
	q->n++;
}

struct batch *queue_take(struct queue *q)
{
	struct batch *b = q->first;

	if (!b)
		return NULL;
	q->first = b->next;
	if (!q->first)
		q->last = &q->first;
	q->n--;
	b->next = NULL;
	return b;
}

bool queue_drop(struct queue *q, struct batch *b)
{
	struct batch **at = &q->first;

	while (*at && *at != b)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = b->next;
	if (!*at)
		q->last = at;
	q->n--;
	b->next = NULL;
	return true;
}

void lane_push(struct lane *l, struct queue *q, struct batch *b)
{
	struct move *m = l->m;

	pthread_mutex_lock(&m->lock);
	queue_add(q, b);
	if (l->writer_open)
		m->writer_ops->wake(l->writer);
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void batch_give_memory(struct move *m, struct batch *b)
{
	memory_give(&m->run->memory, b->budget);
	b->budget = 0;
}

/* --- after the journal ---------------------------------------------------- */

static void journal_broken(struct move *m)
{
	struct err e;

	if (journal_failed(m->journal, &e))
		move_fail(m, &e);
}

static void settled_on_disk(struct batch *b, bool ok, void *arg)
{
	struct move *m = arg;

	if (ok)
		move_settled(m, b);
	else
		journal_broken(m);
	batch_give_memory(m, b);
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < b->n; i++)
		m->froms[b->from].pending += b->v[i].state == MSG_PENDING;
	m->outstanding--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	batch_free(&b);
}

static void intended(struct batch *b, bool ok, void *arg)
{
	struct lane *l = arg;
	struct move *m = l->m;

	if (!ok) {
		journal_broken(m);
		claim_return(m, &b);
	} else {
		claim_done(m, b);
		lane_push(l, &l->ready, b);
	}
	pthread_mutex_lock(&m->lock);
	l->intending--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

/* Intended, but known not to have been sent. */
static void unsend(struct lane *l, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].state == MSG_SENDING)
			b->v[i].state = MSG_PENDING;
	journal_settle(l->m->journal, b, settled_on_disk, l->m);
}

/* --- connection ----------------------------------------------------------- */

static void writer_seen(struct lane *l, bool open)
{
	pthread_mutex_lock(&l->m->lock);
	l->writer_open = open;
	pthread_mutex_unlock(&l->m->lock);
}

static void writer_gone(struct lane *l)
{
	writer_seen(l, false);
	l->m->writer_ops->close(&l->writer);
}

static int have_writer(struct lane *l, bool needed, struct err *e)
{
	if (l->writer)
		return 0;
	if (move_open_writer(l->m, &l->writer, needed || l->index == 0, e)) {
		l->quit |= l->index > 0 && !needed;
		return -1;
	}
	writer_seen(l, true);
	return 0;
}

/* --- verdicts ------------------------------------------------------------- */

static bool worth_repairing(const struct move *m, const struct settled *s)
{
	if (s->m->want_repair || m->job->options->repair == REPAIR_NEVER)
		return false;
	switch (s->why.code) {
	case EC_CONTENT:
	case EC_SERVER_NO:
	case EC_SERVER_BAD:
		return true;
	default:
		return false;
	}
}

static void refused(struct move *m, const struct settled *s)
{
	struct message *msg = s->m;

	msg->state = MSG_PENDING;
	if (s->why.next == NEXT_ASK_PERSON || s->why.next == NEXT_SIGN_IN) {
		move_fail(m, &s->why);
		return;
	}
	if (s->batch) {
		msg->batch_max = s->of > 1 ? (unsigned)s->of / 2 : 1;
		return;
	}
	if (worth_repairing(m, s)) {
		msg->want_repair = true;
		msg->batch_max = 1;
		return;
	}
	msg->state = MSG_PROBLEM;
	msg->why = s->why;
}

struct collecting {
	struct lane *l;
	uint64_t wait_ms;
	struct err why;
	bool remake;
	size_t to;
};

static void answered(const struct settled *s, struct batch *b, void *arg)
{
	struct collecting *c = arg;
	struct lane *l = c->l;
	struct move *m = l->m;

	if (s->outcome == OUT_STORED) {
		s->m->state = MSG_MOVED;
	} else if (s->outcome == OUT_AGAIN) {
		s->m->state = MSG_PENDING;
		c->why = s->why;
		c->wait_ms = s->why.wait_ms ? s->why.wait_ms : 1;
	} else if (s->why.code == EC_FOLDER_GONE) {
		s->m->state = MSG_PENDING;
		c->why = s->why;
		c->remake = true;
	} else {
		refused(m, s);
	}
	if (!b)
		return;
	c->to = b->to;
	queue_drop(&l->out, b);
	pthread_mutex_lock(&m->lock);
	m->tos[b->to].out--;
	for (size_t i = 0; i < b->n; i++)
		m->tos[b->to].appended += b->v[i].state == MSG_MOVED;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	move_progressed(m);
	journal_settle(m->journal, b, settled_on_disk, m);
}

/* Somebody deleted the folder while we were at it: it is made once more. */
static int make_again(struct lane *l, size_t to, struct err *e)
{
	struct move *m = l->m;
	struct folder f = { 0 };
	struct err why = { 0 };
	int failed;

	if (move_lost(m,
	              &(struct err){ .code = EC_FOLDER_GONE,
	                             .next = NEXT_RETRY,
	                             .text = "A folder at the new server "
	                                     "has gone; mailhaul makes it "
	                                     "again." },
	              e) ||
	    folder_copy(&f, &m->tos[to].f))
		return -1;
	failed = m->writer_ops->make(l->writer, &f, 1, &why, e);
	folder_release(&f);
	if (!failed && why.code) {
		*e = why;
		failed = -1;
	}
	return failed;
}

/* Made again it would be another folder, with another name in the store:
 * the next run maps and makes it. */
static int folder_has_gone(const struct move *m, size_t to, struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_FOLDER_GONE,
	                "The folder \"%.100s\" at the destination was deleted "
	                "while mail was moved into it. Run mailhaul again: it "
	                "makes the folder anew and goes on. What had arrived "
	                "in the deleted one counts as deleted there; 'mailhaul "
	                "problems --retry' sends it again.",
	                m->tos[to].f.path);
}

static int collect(struct lane *l, bool wait, struct err *e)
{
	struct collecting c = { .l = l };
	struct move *m = l->m;

	if (m->writer_ops->collect(l->writer, wait, answered, &c, e))
		return -1;
	if (c.remake && m->writer_traits & WRITER_BY_NAME &&
	    !(m->writer_traits & WRITER_NAMES_FIRST))
		return folder_has_gone(m, c.to, e);
	if (c.remake && l->out.n == 0)
		return make_again(l, c.to, e);
	if (c.wait_ms)
		return move_lost(m, &c.why, e);
	return 0;
}

int lane_drain(struct lane *l, struct err *e)
{
	while (l->out.n)
		if (collect(l, true, e))
			return -1;
	return 0;
}

/* --- doubt ---------------------------------------------------------------- */

static void doubt_begins(struct lane *l)
{
	struct move *m = l->m;

	pthread_mutex_lock(&m->lock);
	m->lost_ms = clock_ms();
	for (struct batch *b = l->out.first; b; b = b->next) {
		m->tos[b->to].out--;
		m->tos[b->to].doubt++;
	}
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

/* Until no lane has anything unanswered in the folder, and nobody else is
 * looking. False: stopped meanwhile. */
static bool folder_is_quiet(struct move *m, struct to *t)
{
	bool quiet;

	pthread_mutex_lock(&m->lock);
	while ((t->out || t->looking) && !m->fatal.code && !m->cancel)
		pthread_cond_wait(&m->changed, &m->lock);
	quiet = !t->out && !t->looking;
	t->looking |= quiet;
	pthread_mutex_unlock(&m->lock);
	return quiet;
}

static void doubt_ends(struct move *m, struct to *t, bool looked)
{
	pthread_mutex_lock(&m->lock);
	t->doubt--;
	if (looked)
		t->looking = false;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static int defer_rest(struct move *m, struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		struct message *msg = &b->v[i];
		struct settled s = { .m = msg,
			             .batch = msg->refused_of > 1,
			             .of = msg->refused_of,
			             .why = msg->why };

		if (msg->state != MSG_SENDING)
			continue;
		/* An answer came, and it is not there: no late commit. */
		if (msg->refused_of)
			refused(m, &s);
		else if (doubt_defer(m, msg, b->to, b->n, e))
			return -1;
		if (msg->state == MSG_SENDING || msg->state == MSG_PENDING)
			err_clear(&msg->why);
	}
	return 0;
}

static int settle_doubt(struct lane *l, struct batch *b, struct err *e)
{
	struct move *m = l->m;
	struct to *t = &m->tos[b->to];
	int failed;

	if (have_writer(l, true, e) || journal_sync(m->journal, e))
		return -1;
	failed = doubt_look(m, l->writer, b->to, b, t->mark_uidnext, e);
	return failed ? -1 : defer_rest(m, b, e);
}

/* The rows stay as they are, sending: the next run looks for them. */
static void leave_in_doubt(struct lane *l, struct batch *b)
{
	journal_settle(l->m->journal, b, settled_on_disk, l->m);
}

static int settle_doubts(struct lane *l, struct err *e)
{
	struct move *m = l->m;
	struct batch *b;

	while ((b = l->out.first)) {
		struct to *t = &m->tos[b->to];
		struct err why = { 0 };
		bool quiet = folder_is_quiet(m, t);
		int failed = quiet ? settle_doubt(l, b, &why) : 0;

		while (failed &&
		       (why.next == NEXT_RETRY || why.next == NEXT_WAIT)) {
			if (l->writer)
				writer_gone(l);
			failed = move_lost(m, &why, &why);
			if (failed)
				break;
			failed = settle_doubt(l, b, &why);
		}
		queue_drop(&l->out, b);
		doubt_ends(m, t, quiet);
		leave_in_doubt(l, b);
		if (failed) {
			*e = why;
			return -1;
		}
	}
	return 0;
}

/* What was answered before the connection ended is no doubt. */
static void hear_the_last(struct lane *l)
{
	struct collecting c = { .l = l };
	struct err ignored = { 0 };

	if (l->writer)
		l->m->writer_ops->collect(l->writer, false, answered, &c,
		                          &ignored);
}

/*
 * Of a batch whose end was not heard some messages have their copies. The
 * store must say whose they are before anybody looks: an equal message in
 * doubt would take one of them for its own.
 */
static void settle_moved(struct lane *l)
{
	for (struct batch *b = l->out.first; b; b = b->next) {
		struct err e = { 0 };

		if (journal_moved_now(l->m->store, b, &e))
			move_fail(l->m, &e);
	}
}

static int write_lost(struct lane *l, const struct err *why, struct err *e)
{
	struct move *m = l->m;

	log_msg("lane %zu: writer lost: %s (%s)", l->index, why->text,
	        why->detail);
	hear_the_last(l);
	settle_moved(l);
	doubt_begins(l);
	if (l->writer)
		writer_gone(l);
	l->alone = false;
	if (why->next != NEXT_RETRY && why->next != NEXT_WAIT &&
	    why->next != NEXT_ASK) {
		*e = *why;
		return -1;
	}
	if (l->quit && !l->out.n)
		return 0;
	if (move_lost(m, why, e))
		return -1;
	return settle_doubts(l, e);
}

/* --- the loop ------------------------------------------------------------- */

static int intend(struct lane *l, struct batch *b, struct err *e)
{
	struct move *m = l->m;
	struct to *t = &m->tos[b->to];

	if (have_writer(l, false, e) || adopt_batch(m, l, b, e) ||
	    m->writer_ops->prepare(l->writer, &t->f, b, e)) {
		pthread_mutex_lock(&m->lock);
		queue_add(&l->fetched, b);
		pthread_mutex_unlock(&m->lock);
		return -1;
	}
	if (b->n == 0) {
		claim_return(m, &b);
		return 0;
	}
	pthread_mutex_lock(&m->lock);
	l->intending++;
	pthread_mutex_unlock(&m->lock);
	journal_intend(m->journal, b, t->mark_uidvalidity, t->mark_uidnext,
	               intended, l);
	return 0;
}

static int send(struct lane *l, struct batch *b, struct err *e)
{
	struct move *m = l->m;
	uint64_t octets = 0, wait;
	int failed;

	for (size_t i = 0; i < b->n; i++)
		octets += b->v[i].body.size;
	pthread_mutex_lock(&m->lock);
	wait = rate_wait(&m->rate, clock_ms(), octets);
	pthread_mutex_unlock(&m->lock);
	queue_add(&l->out, b);
	l->alone = b->v[0].batch_max != 0;
	while (wait > 0 && !move_stopping(m)) {
		uint64_t slice = wait < 200 ? wait : 200;

		move_sleep(m, slice);
		wait -= slice;
	}
	failed = m->writer_ops->submit(l->writer, &m->tos[b->to].f, b, e);
	batch_give_memory(m, b);
	return failed;
}

/* With the lock held: the next intended batch whose folder is not in
 * doubt. A suspect goes alone, so that a break has one culprit. */
static struct batch *next_ready(struct lane *l)
{
	struct batch *b = l->ready.first;

	if (l->alone && l->out.n)
		return NULL;
	if (l->writer && !l->m->writer_ops->ready(l->writer))
		return NULL;
	while (b && l->m->tos[b->to].doubt)
		b = b->next;
	if (!b || (b->v[0].batch_max && l->out.n))
		return NULL;
	queue_drop(&l->ready, b);
	/* From here on nobody may look through the folder for doubtful ones:
	 * this batch's copies would be taken for theirs. */
	l->m->tos[b->to].out++;
	pthread_cond_broadcast(&l->m->changed); /* there is room for more */
	return b;
}

enum todo { TODO_WAIT, TODO_INTEND, TODO_SEND, TODO_COLLECT, TODO_END };

static enum todo what_now(struct lane *l, struct batch **b)
{
	struct move *m = l->m;
	bool ending = move_stopping(m) || m->fatal.code || l->quit;
	enum todo todo = TODO_WAIT;

	pthread_mutex_lock(&m->lock);
	*b = ending ? NULL : queue_take(&l->fetched);
	if (*b) {
		todo = TODO_INTEND;
	} else if (!ending && (*b = next_ready(l))) {
		todo = TODO_SEND;
	} else if (l->out.n) {
		todo = TODO_COLLECT;
	} else if ((ending || (l->read_done && !l->fetched.n && !l->ready.n)) &&
	           !l->intending) {
		todo = TODO_END;
	} else {
		pthread_cond_wait(&m->changed, &m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return todo;
}

static void not_sent(struct lane *l, struct batch *b)
{
	struct move *m = l->m;

	pthread_mutex_lock(&m->lock);
	m->tos[b->to].out--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	unsend(l, b);
}

static int act(struct lane *l, struct err *e)
{
	struct batch *b;
	enum todo todo = what_now(l, &b);

	switch (todo) {
	case TODO_INTEND:
		return intend(l, b, e);
	case TODO_SEND:
		if (have_writer(l, true, e)) {
			not_sent(l, b);
			return -1;
		}
		return send(l, b, e) || collect(l, false, e) ? -1 : 0;
	case TODO_COLLECT:
		return collect(l, true, e);
	case TODO_END:
		return 1;
	case TODO_WAIT:
		break;
	}
	return 0;
}

void lane_put_back(struct lane *l)
{
	struct move *m = l->m;
	struct batch *b;

	for (;;) {
		bool ready = false;

		pthread_mutex_lock(&m->lock);
		while (l->intending)
			pthread_cond_wait(&m->changed, &m->lock);
		b = queue_take(&l->fetched);
		if (!b) {
			b = queue_take(&l->ready);
			ready = b != NULL;
		}
		pthread_mutex_unlock(&m->lock);
		if (!b)
			return;
		if (ready)
			unsend(l, b);
		else
			claim_return(m, &b);
	}
}

static void give_up(struct lane *l, const struct err *e)
{
	struct batch *b;

	while ((b = queue_take(&l->out)))
		leave_in_doubt(l, b);
	if (e->code && (l->index == 0 || l->worked))
		move_fail(l->m, e);
}

void *lane_write_main(void *arg)
{
	struct lane *l = arg;
	struct err e = { 0 };
	int done = 0;

	while (done == 0) {
		struct err why = { 0 };

		done = act(l, &why);
		if (done < 0)
			done = write_lost(l, &why, &e);
	}
	if (done < 0)
		give_up(l, &e);
	/* The reader may still hand something over until it sees the end. */
	pthread_join(l->read_thread, NULL);
	lane_put_back(l);
	pthread_mutex_lock(&l->m->lock);
	l->writer_open = false;
	l->m->lanes_busy--;
	pthread_cond_broadcast(&l->m->changed);
	pthread_mutex_unlock(&l->m->lock);
	return NULL;
}
