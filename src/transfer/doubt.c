/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doubt.c - messages that were sent and whose answer never came.
 *
 * A listing of the destination decides, for a folder as a whole: copies
 * that other rows claim are excluded, the rest is matched as a multiset.
 * What is not there may still be committed by a server whose connection
 * died, so it waits until everything else is done, is looked for again,
 * and is sent again only then. At the very end the folder is looked at
 * once more, for copies that came later still.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transfer/copies.h"
#include "transfer/join.h"
#include "transfer/match.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/step.h"

#define LATE_MS 5000 /* a dead connection's server may still commit */
#define DATE_SLACK_S 2
#define LATE_PAST_S 60 /* an intent so old needs no more waiting */

static uint64_t late_ms(void)
{
	return (uint64_t)step_number("MAILHAUL_TEST_LATE_MS", LATE_MS);
}

/* --- looking -------------------------------------------------------------- */

/* Rows gathered, and the smallest of their marks: what stood there before
 * it is not theirs. */
struct gathered {
	struct batch *b;
	uint32_t uidvalidity; /* of the folder's mark */
	uint32_t since;       /* 0: no row yet */
	bool unmarked;        /* a row's mark means nothing here any more */
	bool suspects_only;   /* those that were once in doubt */
};

static int gather(struct row *r, void *arg)
{
	struct gathered *g = arg;
	bool marked = r->mark_uidvalidity == g->uidvalidity && r->mark_uidnext;
	uint32_t mark = marked ? r->mark_uidnext : 1;
	struct message *to;

	/* A batch limit stays with a row that was once in doubt. */
	if (g->suspects_only && !r->m.batch_max && !r->m.tries)
		return 0;
	to = batch_add(g->b);
	if (!to)
		return -1;
	if (!g->since || mark < g->since)
		g->since = mark;
	g->unmarked |= !marked;
	message_move(to, &r->m);
	/* dest_size is verify's; here it is the row's own mark: nothing that
	 * is older is its copy. */
	to->dest_size = mark;
	return 0;
}

static int take_name(struct message *msg, const struct message *copy)
{
	msg->dest_uidvalidity = copy->dest_uidvalidity;
	msg->dest_uid = copy->dest_uid;
	free(msg->dest_name);
	msg->dest_name = copy->dest_name ? strdup(copy->dest_name) : NULL;
	return copy->dest_name && !msg->dest_name ? -1 : 0;
}

/*
 * Exchange takes \Flagged in a second step, which may not have been
 * reached: what was not set is remembered so, and the pass's end sets it.
 * Other flags a person may have changed meanwhile; that is not ours to
 * undo. Only of a copy that does not say which sending made it everything
 * is as the service chose it.
 */
static int take_flags(struct move *m, struct message *msg,
                      const struct message *copy, struct err *e)
{
	unsigned there = copy->flags & MAIL_FLAGS_KEPT;
	bool whole = m->writer_traits & WRITER_BY_NAME && !copy->attempt;
	unsigned set = whole ? there : msg->set_flags & (there | ~MAIL_FLAGGED);
	bool words = whole && msg->set_keywords && !copy->keywords;

	if (set == msg->set_flags && !words)
		return 0;
	msg->set_flags = set;
	if (words) {
		free(msg->set_keywords);
		msg->set_keywords = NULL;
	}
	return store_set_flags(m->store, msg, e);
}

/*
 * Of a copy that was not told its date any more, because we were stopped
 * before: that it is another one must not stay unsaid.
 */
static int note_date(const struct move *m, struct message *msg,
                     const struct message *copy)
{
	int64_t off = copy->date.sec - msg->date.sec;

	if (!(m->writer_traits & WRITER_BY_NAME) || copy->attempt ||
	    msg->note || !copy->date.known || !msg->date.known ||
	    (off >= -DATE_SLACK_S && off <= DATE_SLACK_S))
		return 0;
	msg->note = strdup("its date at the destination is not the source's");
	return msg->note ? 0 : -1;
}

static int name_copy(struct move *m, const struct message *copy,
                     struct message *msg, size_t to, struct err *e)
{
	struct batch one = { .v = msg, .n = 1 };

	if (take_name(msg, copy) || note_date(m, msg, copy))
		return err_memory(e);
	one.dest_folder = m->tos[to].f.id;
	return journal_settle_now(m->store, &one, e);
}

/* Where the file name was chosen before: it is there, or it is not. */
struct names {
	struct batch *b;
};

static int found_name(struct message *copy, void *arg)
{
	struct batch *b = ((struct names *)arg)->b;

	for (size_t i = 0; i < b->n; i++) {
		struct message *msg = &b->v[i];

		if (msg->state == MSG_SENDING && msg->dest_name && copy->key &&
		    strcmp(msg->dest_name, copy->key) == 0)
			msg->state = MSG_MOVED;
	}
	return 0;
}

static int look_for_names(struct move *m, struct writer *w, size_t to,
                          struct batch *b, struct err *e)
{
	struct folder now = { .raw = m->tos[to].f.raw,
		              .comp = m->tos[to].f.comp,
		              .depth = m->tos[to].f.depth,
		              .path = m->tos[to].f.path };
	struct names n = { b };
	int failed = m->writer_ops->list(w, &now, 0, found_name, &n, e);

	free(now.keywords);
	return failed;
}

/* Those of b that are in doubt, behind the unnamed ones in want. */
static int add_doubtful(struct batch *want, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct message *msg = &b->v[i];
		struct message *to;

		if (msg->state != MSG_SENDING)
			continue;
		to = batch_add(want);
		if (!to)
			return -1;
		to->row = msg->row;
		to->fp = msg->fp;
		memcpy(to->sha256, msg->sha256, sizeof(to->sha256));
		to->uid = i;
	}
	return 0;
}

static int take_matches(struct move *m, size_t to, struct batch *want,
                        size_t unnamed, const struct batch *have,
                        const size_t *of, struct batch *b, struct err *e)
{
	for (size_t i = 0; i < want->n; i++) {
		const struct message *copy;
		struct message *msg;

		if (of[i] == MATCH_NONE)
			continue;
		copy = &have->v[of[i]];
		if (i < unnamed) {
			if (name_copy(m, copy, &want->v[i], to, e) ||
			    take_flags(m, &want->v[i], copy, e))
				return -1;
			continue;
		}
		msg = &b->v[want->v[i].uid];
		if (take_name(msg, copy) || note_date(m, msg, copy))
			return err_memory(e);
		msg->state = MSG_MOVED;
		if (take_flags(m, msg, copy, e))
			return -1;
	}
	return 0;
}

static int look(struct move *m, struct writer *w, size_t to, struct batch *b,
                uint32_t since, struct batch *want, struct batch *have,
                struct err *e)
{
	struct row_where unnamed = { .dest_folder = m->tos[to].f.id,
		                     .unnamed = true };
	struct gathered g = { .b = want,
		              .uidvalidity = m->tos[to].mark_uidvalidity };
	size_t *of CLEANUP(free_p) = NULL, first;

	if (store_rows(m->store, &unnamed, gather, &g, e))
		return -1;
	first = want->n;
	if (first && (!since || g.since < since))
		since = g.since;
	if (add_doubtful(want, b))
		return err_memory(e);
	if (want->n == 0)
		return 0;
	if (copies_find(m, w, to, since, want->v, want->n, have, e))
		return -1;
	of = calloc(want->n + 1, sizeof(*of));
	if (!of || match_copies(want->v, want->n, have->v, have->n, of))
		return err_memory(e);
	return take_matches(m, to, want, first, have, of, b, e);
}

int doubt_look(struct move *m, struct writer *w, size_t to, struct batch *b,
               uint32_t since, struct err *e)
{
	struct batch *want, *have;
	int failed;

	if (m->writer_traits & WRITER_NAMES_FIRST)
		return look_for_names(m, w, to, b, e);
	want = batch_new();
	have = batch_new();
	failed = !want || !have ? err_memory(e)
	                        : look(m, w, to, b, since, want, have, e);
	batch_free(&want);
	batch_free(&have);
	return failed;
}

/* --- waiting for late commits --------------------------------------------- */

int doubt_defer(struct move *m, const struct message *msg, size_t to,
                size_t batch_n, struct err *e)
{
	int failed = 0;

	pthread_mutex_lock(&m->lock);
	if (m->deferred_n == m->deferred_cap) {
		size_t cap = m->deferred_cap ? m->deferred_cap * 2 : 64;
		struct deferred *v = realloc(m->deferred, cap * sizeof(*v));

		if (v) {
			m->deferred = v;
			m->deferred_cap = cap;
		} else {
			failed = err_memory(e);
		}
	}
	if (!failed)
		m->deferred[m->deferred_n++] = (struct deferred){
			.row = msg->row,
			.to = to,
			.batch_max = batch_n > 4 ? (unsigned)batch_n / 4 : 1,
			.alone = batch_n == 1,
		};
	pthread_mutex_unlock(&m->lock);
	return failed;
}

static const struct deferred *deferred_find(const struct move *m, int64_t row)
{
	for (size_t i = 0; i < m->deferred_n; i++)
		if (m->deferred[i].row == row)
			return &m->deferred[i];
	return NULL;
}

static void poisonous(struct message *msg)
{
	msg->state = MSG_PROBLEM;
	err_set(&msg->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_POISON,
	        "Each time this message was sent, the new server broke the "
	        "connection. Try it once more with 'mailhaul problems "
	        "--retry', or save it with 'mailhaul problems --export' and "
	        "ask the new provider.",
	        "alone in its batch %u times", msg->tries);
}

/* It is not there, and nothing can bring it any more: once again. */
static void send_again(const struct move *m, struct message *msg)
{
	const struct deferred *d = deferred_find(m, msg->row);

	msg->state = MSG_PENDING;
	msg->batch_max = d ? d->batch_max : BATCH_MESSAGES / 2;
	if (d && d->alone)
		msg->tries++;
	if (msg->tries >= TRIES_ALONE)
		poisonous(msg);
}

/* --- rows that the store holds as being sent ------------------------------ */

struct sending {
	struct move *m;
	struct batch *of; /* one for each of m->tos */
	uint32_t *since;
	int64_t now;
	bool others; /* those of other mailboxes of the destination */
};

static int sort_sending(struct row *r, void *arg)
{
	struct sending *s = arg;
	size_t to = 0;
	struct message *msg;
	uint32_t mark;

	if ((r->mailbox != s->m->job->mailbox->id) != s->others)
		return 0;
	while (to < s->m->tos_n && s->m->tos[to].f.id != r->dest_folder)
		to++;
	if (to == s->m->tos_n)
		return 0;
	msg = batch_add(&s->of[to]);
	if (!msg)
		return -1;
	/* A mark that is unknown, or of another numbering: from the start. */
	mark = r->mark_uidvalidity == s->m->tos[to].mark_uidvalidity &&
	                       r->mark_uidnext
	               ? r->mark_uidnext
	               : 1;
	if (!s->since[to] || mark < s->since[to])
		s->since[to] = mark;
	message_move(msg, &r->m);
	msg->state = MSG_SENDING;
	/* dest_size is verify's; here it tells old intents from new ones. */
	msg->dest_size = s->now - r->intended > LATE_PAST_S;
	return 0;
}

static int settle_sending(struct sending *s, size_t to, bool final, bool *again,
                          struct err *e)
{
	struct move *m = s->m;
	struct batch *b = &s->of[to];

	for (size_t i = 0; i < b->n; i++) {
		struct message *msg = &b->v[i];

		if (msg->state != MSG_SENDING)
			continue;
		if (final || msg->dest_size || m->tos[to].absent ||
		    m->writer_traits & WRITER_NAMES_FIRST)
			send_again(m, msg);
		else if (doubt_defer(m, msg, to, BATCH_MESSAGES, e))
			return -1;
		if (msg->state == MSG_PENDING) {
			*again |= !s->others;
			m->tos[to].doubted = true;
		}
	}
	b->dest_folder = m->tos[to].f.id;
	if (m->tos[to].doubted && store_dest_flags(m->store, m->tos[to].f.id,
	                                           m->tos[to].scanned, true, e))
		return -1;
	if (journal_settle_now(m->store, b, e))
		return -1;
	if (!s->others)
		move_settled(m, b);
	return 0;
}

static void count_pending(struct move *m, struct err *e)
{
	for (size_t i = 0; i < m->froms_n; i++) {
		struct row_where w = { .source_folder = m->froms[i].f.id,
			               .states = 1u << MSG_PENDING };

		if (!m->froms[i].skip)
			store_count(m->store, &w, &m->froms[i].pending, e);
	}
}

static int look_at_sending(struct move *m, bool final, bool *again,
                           struct sending *s, struct err *e)
{
	for (size_t to = 0; to < m->tos_n; to++) {
		struct row_where w = { .dest_folder = m->tos[to].f.id,
			               .states = 1u << MSG_SENDING };

		if (w.dest_folder &&
		    store_rows(m->store, &w, sort_sending, s, e))
			return -1;
		if (!s->of[to].n)
			continue;
		if ((!m->tos[to].absent &&
		     doubt_look(m, m->writer, to, &s->of[to], s->since[to],
		                e)) ||
		    settle_sending(s, to, final, again, e))
			return -1;
	}
	return 0;
}

static int sending_of(struct move *m, bool others, bool final, bool *again,
                      struct err *e)
{
	struct sending s = { .m = m,
		             .now = (int64_t)time(NULL),
		             .others = others };
	int failed;

	s.of = calloc(m->tos_n + 1, sizeof(*s.of));
	s.since = calloc(m->tos_n + 1, sizeof(*s.since));
	failed = !s.of || !s.since ? err_memory(e)
	                           : look_at_sending(m, final, again, &s, e);
	for (size_t i = 0; s.of && i < m->tos_n; i++) {
		for (size_t k = 0; k < s.of[i].n; k++)
			message_release(&s.of[i].v[k]);
		free(s.of[i].v);
	}
	free(s.of);
	free(s.since);
	return failed;
}

/* What another mailbox's run left in doubt is settled as well: one of ours
 * may be the same message. */
static int all_sending(struct move *m, bool final, bool *again, struct err *e)
{
	if (sending_of(m, false, final, again, e) ||
	    sending_of(m, true, final, again, e) || join_follow(m, again, e))
		return -1;
	count_pending(m, e);
	return 0;
}

int doubt_leftovers(struct move *m, struct err *e)
{
	bool again = false;

	m->deferred_n = 0;
	m->lost_ms = clock_ms();
	return all_sending(m, false, &again, e);
}

int doubt_deferred(struct move *m, bool *again, struct err *e)
{
	uint64_t until = m->lost_ms + late_ms(), now = clock_ms();
	int failed;

	*again = false;
	if (m->deferred_n == 0)
		return 0;
	if (until > now) {
		tell_wait(m,
		          "an answer was lost; making sure that the message "
		          "has not arrived before it is sent again",
		          clock_wall_ms() + (until - now));
		if (!move_sleep(m, until - now))
			return err_set(e, ERR_RUN, NEXT_RETRY, EC_INTERRUPTED,
			               "Stopped. Nothing is lost: run mailhaul "
			               "again and it goes on.",
			               "%s", "");
	}
	failed = all_sending(m, true, again, e);
	if (!failed)
		m->deferred_n = 0;
	return failed;
}

/* --- copies without a name ------------------------------------------------ */

static int unnamed_is_gone(struct row *r, void *arg)
{
	struct batch *b = arg;
	struct message *msg = batch_add(b);

	if (!msg)
		return -1;
	msg->row = r->m.row;
	msg->state = MSG_GONE_DEST;
	err_set(&msg->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_NONE,
	        "no longer at the destination", "%s", "");
	return 0;
}

static int name_all(struct move *m, size_t to, struct err *e)
{
	struct row_where w = { .dest_folder = m->tos[to].f.id,
		               .unnamed = true };
	struct batch none = { 0 }, *gone;
	uint64_t n = 0;
	int failed;

	if (store_count(m->store, &w, &n, e))
		return -1;
	if (n == 0)
		return 0;
	if (doubt_look(m, m->writer, to, &none, 0, e))
		return -1;
	gone = batch_new();
	failed = !gone ? err_memory(e)
	               : store_rows(m->store, &w, unnamed_is_gone, gone, e);
	if (!failed && gone->n)
		failed = journal_settle_now(m->store, gone, e);
	batch_free(&gone);
	return failed;
}

int doubt_unnamed(struct move *m, struct err *e)
{
	if (m->writer_traits & WRITER_NAMES_FIRST)
		return 0;
	for (size_t to = 0; to < m->tos_n; to++)
		if (!m->tos[to].failed.code && !m->tos[to].absent &&
		    name_all(m, to, e))
			return -1;
	return 0;
}

/* --- copies that came after all ------------------------------------------- */

/* What a person who has seen a copy leaves on it. */
#define PERSONS_FLAGS (MAIL_SEEN | MAIL_FLAGGED)

static bool as_we_sent(const struct message *copy, const struct message *msg)
{
	/* A copy that tells of its sending: another one than the one we
	 * keep. A person's copy of ours tells of the same. */
	if (copy->attempt)
		return msg->attempt && copy->attempt != msg->attempt &&
		       memcmp(copy->sha256, msg->sha256,
		              sizeof(copy->sha256)) == 0 &&
		       !((copy->flags ^ msg->set_flags) & PERSONS_FLAGS);
	/* \Flagged may be a second step that was never reached. */
	return memcmp(copy->sha256, msg->sha256, sizeof(copy->sha256)) == 0 &&
	       (copy->flags | MAIL_FLAGGED) ==
	               (msg->set_flags | MAIL_FLAGGED) &&
	       !(copy->flags & ~msg->set_flags) &&
	       strcmp(copy->keywords ? copy->keywords : "",
	              msg->set_keywords ? msg->set_keywords : "") == 0 &&
	       (!copy->date.known || !msg->date.known ||
	        copy->date.sec == msg->date.sec);
}

/*
 * Leaves in have the copies that are a second one of a message of ours:
 * its octets, its date, its flags, and younger than the mark, so that
 * nothing that stood there before us is ever touched.
 */
static void only_doubles(struct batch *have, const struct gathered *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < have->n; i++) {
		const struct message *copy = &have->v[i];
		bool ours = false;

		if (copy->dest_uidvalidity == g->uidvalidity)
			for (size_t k = 0; k < g->b->n && !ours; k++)
				ours = copy->uid >= g->b->v[k].dest_size &&
				       as_we_sent(copy, &g->b->v[k]);
		if (ours && kept != i)
			message_move(&have->v[kept], &have->v[i]);
		else if (!ours)
			message_release(&have->v[i]);
		kept += ours;
	}
	have->n = kept;
}

static int take_doubles(struct move *m, size_t to, struct batch *have,
                        struct err *e)
{
	struct folder f = m->tos[to].f;

	if (have->n == 0)
		return 0;
	f.uidvalidity = have->v[0].dest_uidvalidity;
	if (m->writer_ops->take_back &&
	    m->writer_ops->take_back(m->writer, &f, have, e) == 0) {
		tell(m, EVENT_NOTE, f.path,
		     "the new server stored a message late, after it had been "
		     "sent again; the second copy was taken back",
		     NULL);
		return 0;
	}
	if (e->next == NEXT_RETRY)
		return -1;
	tell(m, EVENT_NOTE, f.path, e->text, e);
	err_clear(e);
	return 0;
}

static int find_doubles(struct move *m, size_t to, struct batch *want,
                        struct batch *have, struct err *e)
{
	struct row_where w = { .dest_folder = m->tos[to].f.id,
		               .states = 1u << MSG_MOVED };

	struct gathered g = { .b = want,
		              .uidvalidity = m->tos[to].mark_uidvalidity,
		              .suspects_only = true };

	if (store_rows(m->store, &w, gather, &g, e))
		return -1;
	/* Without a mark nothing proves that a copy is ours. */
	if (want->n == 0 || g.unmarked)
		return 0;
	if (copies_find(m, m->writer, to, g.since, want->v, want->n, have, e))
		return -1;
	only_doubles(have, &g);
	return take_doubles(m, to, have, e);
}

int doubt_doubled(struct move *m, struct err *e)
{
	int failed = 0;

	for (size_t to = 0; to < m->tos_n && !failed; to++) {
		struct batch *want, *have;

		if (!m->tos[to].doubted || m->tos[to].absent ||
		    m->writer_traits & WRITER_NAMES_FIRST)
			continue;
		want = batch_new();
		have = batch_new();
		failed = !want || !have ? err_memory(e)
		                        : find_doubles(m, to, want, have, e);
		batch_free(&want);
		batch_free(&have);
		m->tos[to].doubted = failed;
		failed = failed ||
		         store_dest_flags(m->store, m->tos[to].f.id,
		                          m->tos[to].scanned, false, e);
	}
	return failed ? -1 : 0;
}
