/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tour_meet.c - what becomes of a message that a walk comes upon: a new row,
 * an open batch, or what the store knows of it already; see tour_int.h.
 */
#include <stdlib.h>

#include "transfer/tour_int.h"

#define LISTED_AT_ONCE 2000

static void leave_out(struct message *msg, const char *why)
{
	msg->state = MSG_LEFT_OUT;
	body_release(&msg->body);
	err_set(&msg->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_NONE, why, "%s", "");
}

static const char *why_not(const struct move *m, const struct branch *b,
                           const struct message *msg)
{
	const char *folder = m->froms[b->from].left_out;

	if (msg->flags & MAIL_WHOLE)
		return NULL;
	return folder ? folder : plan_message(m->job->options, msg);
}

/* A row that was waiting, and needs no octets to be settled. */
static int settle_row(struct move *m, int64_t row, struct message *msg,
                      enum msg_state state, struct err *e)
{
	struct batch *one = batch_new();
	struct message *to = one ? batch_add(one) : NULL;
	int failed;

	if (!to) {
		batch_free(&one);
		return err_memory(e);
	}
	message_move(to, msg);
	to->row = row;
	to->state = state;
	failed = journal_settle_now(m->store, one, e);
	batch_free(&one);
	return failed;
}

static int take(struct move *m, const struct branch *b, struct message *msg,
                struct err *e)
{
	const char *why = why_not(m, b, msg);
	bool fresh = msg->row == 0;

	msg->state = MSG_PENDING;
	if (why && fresh) {
		leave_out(msg, why);
		return 0;
	}
	if (msg->hole) {
		/* It has been read, for what it is. */
		msg->tries = msg->tries ? msg->tries : 1;
		return 0;
	}
	body_init(&msg->body, m->from_account.body_limit,
	          m->from_account.spool_dir);
	if (m->reader_ops->take(m->reader, msg, e))
		return -1;
	/* Some sizes are known only now. */
	why = why_not(m, b, msg);
	if (why && fresh)
		leave_out(msg, why);
	return 0;
}

/* A message that made trouble before goes out in as small a batch as it
 * may, and with no other. */
static int take_suspect(struct move *m, struct branch *b, struct message *msg,
                        struct err *e)
{
	struct tour *s = m->tour;
	size_t have = b->open ? b->open->n : 0;

	if ((s->messages &&
	     (!have || !b->open->v[0].batch_max || have >= msg->batch_max)) &&
	    tour_flush(m, e))
		return -1;
	return 0;
}

static void know_row(struct message *msg, struct waiting *w)
{
	w->met = true;
	msg->row = w->row;
	msg->tries = w->tries;
	msg->batch_max = w->batch_max;
	msg->want_repair = w->want_repair;
}

static int read_message(struct move *m, struct branch *b, struct message *msg,
                        struct err *e)
{
	struct tour *s = m->tour;
	struct message *to;
	bool suspects =
	        s->messages && b->open && b->open->n && b->open->v[0].batch_max;

	if (msg->batch_max ? take_suspect(m, b, msg, e)
	                   : suspects && tour_flush(m, e))
		return -1;
	if (!tour_reserve(m))
		return 0;
	to = tour_place(b);
	if (!to)
		return err_memory(e);
	message_move(to, msg);
	if (take(m, b, to, e)) {
		/* Half of a message is none. */
		message_release(to);
		b->open->n--;
		return -1;
	}
	s->messages++;
	s->octets += tour_weight(&to->body);
	return tour_full(m) ? tour_flush(m, e) : 0;
}

/* What is told without octets: new rows, changed flags, and holes, which no
 * second look would fill. */
static int list_message(struct move *m, struct branch *b, struct message *msg,
                        struct waiting *w, bool known, struct err *e)
{
	struct message *to;
	const char *why;

	if (branch_now(b, msg->uid))
		return err_memory(e);
	if (w && msg->hole)
		return settle_row(m, w->row, msg, MSG_HOLE, e);
	if (known)
		return store_source_flags(m->store, m->froms[b->from].f.id,
		                          b->uidvalidity, msg, e);
	to = tour_place(b);
	if (!to)
		return err_memory(e);
	message_move(to, msg);
	why = why_not(m, b, to);
	to->state = MSG_PENDING;
	if (why)
		leave_out(to, why);
	if (++m->tour->messages < LISTED_AT_ONCE)
		return 0;
	return tour_flush_rows(m, e);
}

/* What is wrong with the archive as a whole, told in a folder that is left
 * out: no lane has that. */
static int meet_whole(struct move *m, struct branch *b, struct message *msg,
                      struct waiting *w, bool known, struct err *e)
{
	if (w)
		know_row(msg, w);
	if (m->tour->bodies && tour_flush(m, e))
		return -1;
	return list_message(m, b, msg, w, known, e) || tour_flush_rows(m, e)
	               ? -1
	               : 0;
}

int tour_meet(struct move *m, struct branch *b, struct message *msg,
              struct err *e)
{
	struct waiting *w = branch_waits(b, msg->uid);
	bool known = w || branch_knows(b, msg->uid);

	b->told++;
	b->fresh += !known;
	if (m->froms[b->from].left_out && msg->flags & MAIL_WHOLE)
		return meet_whole(m, b, msg, w, known, e);
	if (!m->tour->bodies)
		return list_message(m, b, msg, w, known, e);
	/* A place that only reading it shows to be damaged was not listed. */
	if (!w && (known || (b->ask == ASK_WAITING && !msg->hole)))
		return 0;
	if (w)
		know_row(msg, w);
	if (w && m->froms[b->from].left_out) {
		leave_out(msg, m->froms[b->from].left_out);
		return settle_row(m, w->row, msg, MSG_LEFT_OUT, e);
	}
	return read_message(m, b, msg, e);
}
