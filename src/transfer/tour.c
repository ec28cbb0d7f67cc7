/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tour.c - see tour.h.
 *
 * Rows are added in the order of the file, those of all folders in one
 * commit: what the store knows is what stands before some place in the file,
 * and a later run goes on behind it. A message is added before it is sent,
 * as with any other source.
 *
 * What an earlier pass knows is told again without octets first (ASK_LIST),
 * so that what has moved within the archive, or is gone, is known before
 * anything is sent. An mbox whose first walk was cut short goes on where it
 * was.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/tour_int.h"
#include "util/log.h"

#define PORTION_FIRST 8   /* messages; the first leave at once */
#define RENUMBERED_MORE 8 /* files that are replaced while they are read */

int tour_new(struct move *m, struct err *e)
{
	if (m->tour || !(m->reader_ops->traits & READER_STREAM))
		return 0;
	m->tour = calloc(1, sizeof(*m->tour));
	if (!m->tour)
		return err_memory(e);
	m->tour->portion = PORTION_FIRST;
	return 0;
}

void tour_free(struct move *m)
{
	if (!m->tour)
		return;
	tour_forget(m->tour);
	tour_forget_marks(m->tour);
	others_release(&m->tour->others);
	free(m->tour);
	m->tour = NULL;
}

static struct branch *branch_of(struct tour *s, const char *raw)
{
	if (s->last < s->n && strcmp(s->v[s->last].raw, raw) == 0)
		return &s->v[s->last];
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].raw, raw) == 0) {
			s->last = i;
			return &s->v[i];
		}
	return NULL;
}

/* --- walks --- */

static bool is_late(const struct move *m, const struct branch *b)
{
	return m->froms[b->from].f.use == USE_ALL;
}

static int load(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	tour_forget(s);
	s->v = calloc(m->froms_n + 1, sizeof(*s->v));
	if (!s->v)
		return err_memory(e);
	for (; s->n < m->froms_n; s->n++)
		if (branch_load(&s->v[s->n], m, s->n, e)) {
			branch_release(&s->v[s->n]);
			return -1;
		}
	return 0;
}

static bool same_file(const struct branch *a, const struct branch *b)
{
	size_t n = strcspn(a->raw, "#");

	return strcspn(b->raw, "#") == n && memcmp(a->raw, b->raw, n) == 0;
}

/* Where other files are read as well, one of them may have got a message
 * that stood in a file that is to go on: that is known too late then. */
static bool may_resume(const struct tour *s)
{
	const struct branch *one = NULL;
	bool resumes = false, others = false;

	for (size_t i = 0; i < s->n; i++) {
		const struct branch *b = &s->v[i];

		if (b->ask == ASK_NOTHING)
			continue;
		resumes |= b->ask == ASK_RESUME;
		one = one ? one : b;
		others |= !same_file(one, b);
	}
	return !resumes || !others;
}

/* What is asked of each folder; gives back how many of them. */
static size_t ask(struct move *m)
{
	struct tour *s = m->tour;
	size_t asked = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct branch *b = &s->v[i];
		const struct from *f = &m->froms[b->from];

		b->ask = f->listed ? ASK_WAITING
		                   : branch_first_ask(b, f, !s->no_resume);
		if (b->ask == ASK_WAITING && !b->waiting_n)
			b->ask = ASK_NOTHING;
		asked += b->ask != ASK_NOTHING;
	}
	if (may_resume(s))
		return asked;
	s->no_resume = true;
	return ask(m);
}

static size_t asked_as(const struct tour *s, enum branch_ask what)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].ask == what;
	return n;
}

/* A view of everything comes last: most of it has come by then. */
static size_t late_only(struct move *m, bool late)
{
	struct tour *s = m->tour;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (is_late(m, &s->v[i]) != late)
			s->v[i].ask = ASK_NOTHING;
		n += s->v[i].ask != ASK_NOTHING;
	}
	return n;
}

static int begin(struct move *m, bool bodies, bool only_named, struct err *e)
{
	struct tour *s = m->tour;
	struct walk_folder *v CLEANUP(free_p) = calloc(s->n + 1, sizeof(*v));
	struct walk w = {
		.bodies = bodies,
		.v = v,
		.n = s->n,
		.only_named = only_named,
	};

	if (!v)
		return err_memory(e);
	for (size_t i = 0; i < s->n; i++) {
		v[i] = branch_walk(&s->v[i], bodies);
		s->v[i].told = s->v[i].fresh = 0;
	}
	s->bodies = bodies;
	if (!only_named && !s->others_told)
		others_release(&s->others);
	if (m->reader_ops->walk(m->reader, &w, e))
		return -1;
	s->walking = s->walked = true;
	log_msg("%s: a walk through the archive%s", m->job->mailbox->name,
	        bodies ? "" : ", without octets");
	return 1;
}

static int parts_again(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].ask == ASK_LIST &&
		    branch_parts_again(&s->v[i], m, &m->orphans, e))
			return -1;
	return 0;
}

/* 1: a walk has begun, 0: there is nothing to walk for now. */
static int next_walk(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (load(m, e))
		return -1;
	if (!ask(m) && s->stage != STAGE_BEGIN) {
		s->stage = STAGE_REST;
		return 0;
	}
	switch (s->stage) {
	case STAGE_BEGIN:
		s->stage = STAGE_LISTED;
		if (parts_again(m, e))
			return -1;
		if (asked_as(s, ASK_LIST))
			return begin(m, false, false, e);
		__attribute__((fallthrough));
	case STAGE_LISTED:
		s->stage = STAGE_LATE;
		if (late_only(m, false) || !s->n)
			return begin(m, true, false, e);
		if (load(m, e))
			return -1;
		ask(m);
		__attribute__((fallthrough));
	case STAGE_LATE:
		if (late_only(m, true) && s->walked)
			return 0;
		s->stage = STAGE_REST;
		return late_only(m, true) ? begin(m, true, true, e) : 0;
	case STAGE_REST:
		/* What came back waits until all others have their answer. */
		return s->walked ? 0 : begin(m, true, true, e);
	}
	return 0;
}

/* Listed: what is known of it and was not met is gone. */
static int vanish(struct move *m, struct branch *b, struct err *e)
{
	uint64_t gone = 0;

	branch_sort_now(b);
	if (store_vanished(m->store, m->froms[b->from].f.id, b->uidvalidity,
	                   b->now, b->now_n, &gone, e))
		return -1;
	if (gone)
		log_msg("%s: %" PRIu64 " messages are no longer where they "
		        "were",
		        b->raw, gone);
	m->orphans |= gone > 0;
	return 0;
}

static int keep_missing(struct batch *b, const struct waiting *w)
{
	struct message *msg = batch_add(b);

	if (!msg)
		return -1;
	msg->row = w->row;
	msg->hole = true;
	msg->state = MSG_HOLE;
	err_set(&msg->why, ERR_MESSAGE, NEXT_RETRY, EC_HOLE,
	        "This message stood in the archive when it was listed and is "
	        "not there any more. If the file was changed meanwhile, run "
	        "mailhaul again: it looks anew.",
	        "%s", "");
	return 0;
}

/* What was asked for and not met. */
static int miss(struct move *m, struct branch *b, struct err *e)
{
	struct batch *lost = batch_new();
	int failed = lost ? 0 : err_memory(e);

	for (size_t i = 0; !failed && i < b->waiting_n; i++)
		if (!b->waiting[i].met && keep_missing(lost, &b->waiting[i]))
			failed = err_memory(e);
	if (!failed && lost->n)
		failed = journal_settle_now(m->store, lost, e);
	if (!failed) {
		pthread_mutex_lock(&m->lock);
		m->progress.holes += lost->n;
		pthread_mutex_unlock(&m->lock);
	}
	batch_free(&lost);
	return failed;
}

static int listed(struct move *m, struct branch *b, uint64_t messages,
                  struct err *e)
{
	struct from *f = &m->froms[b->from];

	f->seen.uidvalidity = b->uidvalidity;
	f->seen.modseq = f->f.modseq;
	f->listed_before = f->listed = b->listed = true;
	return store_source_listed(m->store, f->f.id, b->uidvalidity, 0,
	                           f->f.modseq, messages, e);
}

static int end_branch(struct move *m, struct branch *b, struct err *e)
{
	switch (b->ask) {
	case ASK_LIST:
		if (m->tour->bodies)
			return 0;
		return vanish(m, b, e) || listed(m, b, b->told, e) ? -1 : 0;
	case ASK_WHOLE:
		return m->tour->bodies ? listed(m, b, b->told, e) : 0;
	case ASK_RESUME:
		if (!m->tour->bodies)
			return 0;
		return miss(m, b, e) || listed(m, b, b->known_n + b->fresh, e)
		               ? -1
		               : 0;
	case ASK_WAITING:
		return m->tour->bodies ? miss(m, b, e) : 0;
	case ASK_NOTHING:
		break;
	}
	return 0;
}

static int end_walk(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (s->bodies ? tour_flush(m, e) : tour_flush_rows(m, e))
		return -1;
	s->walking = false;
	for (size_t i = 0; i < s->n; i++)
		if (end_branch(m, &s->v[i], e))
			return -1;
	return 0;
}

/* The mbox was changed: what is known of it is told again, in another round,
 * because rows whose octets are with the lanes still count as waiting. */
static int start_over(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (s->bodies ? tour_flush(m, e) : tour_flush_rows(m, e))
		return -1;
	s->walking = false;
	s->no_resume = true;
	s->stage = STAGE_BEGIN;
	return 1;
}

/* Nothing was known of a folder that could not be told in time but that it
 * is there. True: nothing is known by its old number. */
static bool renumber(struct move *m, struct branch *b, uint32_t uidvalidity)
{
	if (b->known_n || b->others || b->told || b->ask == ASK_NOTHING)
		return false;
	pthread_mutex_lock(&m->lock);
	b->uidvalidity = m->froms[b->from].f.uidvalidity = uidvalidity;
	pthread_mutex_unlock(&m->lock);
	return true;
}

/* What this run takes for known is of another file: as start_over(), and
 * the folders are asked for again. */
static int renumbered(struct move *m, struct err *e)
{
	int got = start_over(m, e);

	m->tour->met_folder = true;
	return got;
}

/* --- what is no mail --- */

static int other(struct move *m, const struct walk_found *f, struct err *e)
{
	struct tour *s = m->tour;

	if (s->others_told || !others_add(&s->others, f->name, f->what_else))
		return 0;
	return err_memory(e);
}

static void tell_others(struct move *m)
{
	struct tour *s = m->tour;

	for (unsigned part = 0; part < OTHERS_PARTS && !s->others_told;
	     part++) {
		struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 16);

		if (part == OTHERS_ITEMS && m->job->items_saved)
			continue;
		if (!others_sentence(&s->others, part, &b) && b.n)
			tell(m, EVENT_NOTE, NULL, b.p, NULL);
	}
	s->others_told = true;
}

/* --- the thread --- */

/* 1: suspended, a folder is to be made first. */
static int deal(struct move *m, struct walk_found *f, struct err *e)
{
	struct tour *s = m->tour;
	struct branch *b;

	switch (f->what) {
	case FOUND_OTHER:
		return other(m, f, e);
	case FOUND_FOLDER:
		if (branch_of(s, f->folder->raw))
			return 0;
		s->met_folder = true;
		return (s->bodies ? tour_flush(m, e) : tour_flush_rows(m, e))
		               ? -1
		               : 1;
	case FOUND_MESSAGE:
		b = branch_of(s, f->folder->raw);
		if (!b ||
		    (m->froms[b->from].skip && !m->froms[b->from].left_out))
			return 0;
		if (f->folder->uidvalidity != b->uidvalidity &&
		    !renumber(m, b, f->folder->uidvalidity) &&
		    s->renumbered++ < m->froms_n + RENUMBERED_MORE)
			return renumbered(m, e);
		return tour_meet(m, b, &f->m, e);
	}
	return 0;
}

/* 0: the walk is at its end. 1: suspended, or the run ends. */
static int go_on(struct move *m, struct err *e)
{
	for (;;) {
		struct walk_found f = { 0 };
		struct err why = { 0 };
		int got;

		if (tour_ending(m))
			return 1;
		got = m->reader_ops->next(m->reader, &f, &why);
		if (got < 0 && why.code == EC_MOVED_ON)
			return start_over(m, e);
		if (got < 0) {
			*e = why;
			return -1;
		}
		if (got == 0)
			return end_walk(m, e);
		got = deal(m, &f, e);
		message_release(&f.m);
		if (got)
			return got;
	}
}

static int run(struct move *m, struct err *e)
{
	struct tour *s = m->tour;
	int got = 0;

	s->walked = false;
	while (!tour_ending(m)) {
		if (!s->walking && (got = next_walk(m, e)) <= 0)
			break;
		got = go_on(m, e);
		if (got)
			break;
	}
	return got < 0 ? -1 : 0;
}

/* The reader ends with a stage that failed; the store knows how far it was. */
static int have_reader(struct move *m, struct err *e)
{
	if (m->reader)
		return 0;
	m->tour->walking = false;
	m->tour->stage = STAGE_BEGIN;
	return move_open_reader(m, &m->reader, true, e);
}

void tour_begin(struct move *m)
{
	if (m->tour)
		m->tour->ended = false;
}

int tour_run(struct move *m, struct err *e)
{
	struct tour *s = m->tour;
	int failed;

	failed = have_reader(m, e) || run(m, e);
	tour_unreserve(m);
	if (!failed && !s->walking && s->stage != STAGE_BEGIN)
		tell_others(m);
	pthread_mutex_lock(&m->lock);
	s->ended = true;
	m->listing = false;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return failed;
}
