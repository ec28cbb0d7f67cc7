/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - see journal.h. */
#include "transfer/journal.h"

#include <pthread.h>
#include <stdlib.h>

#include "util/step.h"

enum entry_kind { ENTRY_INTEND, ENTRY_SETTLE, ENTRY_SYNC };

struct entry {
	struct entry *next;
	enum entry_kind kind;
	struct batch *b;
	uint32_t mark_uidvalidity, mark_uidnext;
	journal_done *done;
	void *arg;
};

struct journal {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct entry *first, **last;
	bool stop, failed;
	struct err err;
};

/* --- applying ------------------------------------------------------------- */

static int settle_message(struct store *s, struct batch *b, struct message *m,
                          struct err *e)
{
	bool clash = false;

	switch (m->state) {
	case MSG_MOVED:
	case MSG_ADOPTED:
		if (store_settle(s, m, m->state, b->dest_folder, &clash, e))
			return -1;
		return m->note ? store_note(s, m->row, m->note, e) : 0;
	case MSG_PENDING:
		return store_again(s, m, e);
	case MSG_PROBLEM:
	case MSG_HOLE:
		return store_problem(s, m, m->state, e);
	case MSG_LEFT_OUT:
	case MSG_GONE_SOURCE:
	case MSG_GONE_DEST:
		return store_state(s, m->row, m->state, m->why.text, e);
	case MSG_SENDING:
	case MSG_UNFINISHED:
	case MSG_IGNORED:
	case MSG_STATE_COUNT:
		break;
	}
	return 0;
}

static int settle_batch(struct store *s, struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (settle_message(s, b, &b->v[i], e))
			return -1;
	return 0;
}

int journal_moved_now(struct store *s, struct batch *b, struct err *e)
{
	if (store_begin(s, e))
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].state == MSG_MOVED &&
		    settle_message(s, b, &b->v[i], e)) {
			store_rollback(s);
			return -1;
		}
	return store_commit(s, e);
}

int journal_settle_now(struct store *s, struct batch *b, struct err *e)
{
	if (store_begin(s, e))
		return -1;
	if (settle_batch(s, b, e)) {
		store_rollback(s);
		return -1;
	}
	step("settle");
	return store_commit(s, e);
}

static int apply(struct store *s, const struct entry *en, struct err *e)
{
	switch (en->kind) {
	case ENTRY_INTEND:
		if (store_intend(s, en->b, en->mark_uidvalidity,
		                 en->mark_uidnext, e))
			return -1;
		step("intend");
		return 0;
	case ENTRY_SETTLE:
		if (settle_batch(s, en->b, e))
			return -1;
		step("settle");
		return 0;
	case ENTRY_SYNC:
		break;
	}
	return 0;
}

static int apply_all(struct store *s, const struct entry *en, struct err *e)
{
	if (store_begin(s, e))
		return -1;
	for (; en; en = en->next)
		if (apply(s, en, e)) {
			store_rollback(s);
			return -1;
		}
	return store_commit(s, e);
}

static bool writes(const struct entry *en)
{
	for (; en; en = en->next)
		if (en->kind != ENTRY_SYNC)
			return true;
	return false;
}

static void tell(struct entry *en, bool ok)
{
	while (en) {
		struct entry *next = en->next;

		if (en->done)
			en->done(en->b, ok, en->arg);
		free(en);
		en = next;
	}
}

static struct entry *take_all(struct journal *j)
{
	struct entry *first = j->first;

	j->first = NULL;
	j->last = &j->first;
	return first;
}

static void *journal_main(void *arg)
{
	struct journal *j = arg;

	pthread_mutex_lock(&j->lock);
	while (!j->stop || j->first) {
		struct entry *list;
		struct err e = { 0 };
		bool ok;

		if (!j->first) {
			pthread_cond_wait(&j->work, &j->lock);
			continue;
		}
		list = take_all(j);
		ok = !j->failed;
		pthread_mutex_unlock(&j->lock);
		if (ok && writes(list))
			ok = apply_all(j->store, list, &e) == 0;
		pthread_mutex_lock(&j->lock);
		if (!ok && !j->failed) {
			j->failed = true;
			j->err = e;
		}
		pthread_mutex_unlock(&j->lock);
		tell(list, ok);
		pthread_mutex_lock(&j->lock);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* --- queueing ------------------------------------------------------------- */

int journal_start(struct journal **out, struct store *s, struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return err_memory(e);
	j->store = s;
	j->last = &j->first;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->work, NULL);
	if (pthread_create(&j->thread, NULL, journal_main, j)) {
		free(j);
		return err_memory(e);
	}
	*out = j;
	return 0;
}

void journal_stop(struct journal **jp)
{
	struct journal *j = *jp;

	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	pthread_mutex_destroy(&j->lock);
	pthread_cond_destroy(&j->work);
	free(j);
	*jp = NULL;
}

static void push(struct journal *j, const struct entry *model)
{
	struct entry *en = malloc(sizeof(*en));

	if (!en) {
		model->done(model->b, false, model->arg);
		return;
	}
	*en = *model;
	en->next = NULL;
	pthread_mutex_lock(&j->lock);
	*j->last = en;
	j->last = &en->next;
	pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->lock);
}

void journal_intend(struct journal *j, struct batch *b,
                    uint32_t mark_uidvalidity, uint32_t mark_uidnext,
                    journal_done *done, void *arg)
{
	struct entry en = { .kind = ENTRY_INTEND,
		            .b = b,
		            .mark_uidvalidity = mark_uidvalidity,
		            .mark_uidnext = mark_uidnext,
		            .done = done,
		            .arg = arg };

	push(j, &en);
}

void journal_settle(struct journal *j, struct batch *b, journal_done *done,
                    void *arg)
{
	struct entry en = {
		.kind = ENTRY_SETTLE, .b = b, .done = done, .arg = arg
	};

	push(j, &en);
}

struct barrier {
	pthread_mutex_t lock;
	pthread_cond_t passed;
	bool done;
};

static void pass(struct batch *b, bool ok, void *arg)
{
	struct barrier *bar = arg;

	(void)b;
	(void)ok;
	pthread_mutex_lock(&bar->lock);
	bar->done = true;
	pthread_cond_signal(&bar->passed);
	pthread_mutex_unlock(&bar->lock);
}

int journal_sync(struct journal *j, struct err *e)
{
	struct barrier bar = { PTHREAD_MUTEX_INITIALIZER,
		               PTHREAD_COND_INITIALIZER, false };
	struct entry en = { .kind = ENTRY_SYNC, .done = pass, .arg = &bar };

	push(j, &en);
	pthread_mutex_lock(&bar.lock);
	while (!bar.done)
		pthread_cond_wait(&bar.passed, &bar.lock);
	pthread_mutex_unlock(&bar.lock);
	return journal_failed(j, e) ? -1 : 0;
}

bool journal_failed(struct journal *j, struct err *e)
{
	bool failed;

	pthread_mutex_lock(&j->lock);
	failed = j->failed;
	if (failed && e)
		*e = j->err;
	pthread_mutex_unlock(&j->lock);
	return failed;
}
