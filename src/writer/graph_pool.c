/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_pool.c - submit and collect: messages wait in a queue, from which
 * four workers take one each and carry it all the way (graph_send.c).
 *
 * A message whose fate is unknown breaks the writer: nothing more is begun,
 * what is on its way is brought to its end and told, and then collect
 * fails, so that the engine lists the folder and sees.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/log.h"
#include "writer/graph_writer.h"

#define WAITING_MOST 8
#define WAITING_OCTETS (8u << 20)

bool graph_cancelled(const struct account *a)
{
	return a->cancel && atomic_load(a->cancel);
}

bool graph_rest(const struct graph_worker *k, uint64_t ms)
{
	const struct timespec slice = { .tv_nsec = 20000000 };
	uint64_t until = clock_ms() + ms;

	while (clock_ms() < until && !graph_cancelled(k->w->a))
		nanosleep(&slice, NULL);
	return !graph_cancelled(k->w->a);
}

/* --- jobs ----------------------------------------------------------------- */

static void target_drop(struct graph_target **tp)
{
	struct graph_target *t = *tp;

	*tp = NULL;
	if (!t || --t->refs)
		return;
	folder_release(&t->f);
	free(t);
}

/* With the lock held, or alone. */
static void job_free(struct graph_job **jp)
{
	target_drop(&(*jp)->to);
	free(*jp);
	*jp = NULL;
}

static struct graph_job *take_job(struct writer *w)
{
	struct graph_job *j = w->first;

	if (!j)
		return NULL;
	w->first = j->next;
	if (!w->first)
		w->last = &w->first;
	w->waiting--;
	return j;
}

/* There is room for it: submit saw to that. */
static void tell(struct writer *w, const struct graph_job *j,
                 enum outcome outcome, const struct err *why)
{
	struct graph_told *t = &w->done[w->done_n++];

	*t = (struct graph_told){ .s = { .m = j->m, .outcome = outcome } };
	if (outcome != OUT_STORED)
		t->s.why = *why;
	if (--j->b->waiting == 0) {
		t->b = j->b;
		w->batches--;
	}
	pthread_cond_broadcast(&w->told);
}

static void unsent(struct writer *w)
{
	struct graph_job *j;

	while ((j = take_job(w))) {
		w->octets -= j->m->body.size;
		body_release(&j->m->body);
		tell(w, j, OUT_AGAIN, &w->broken_why);
		job_free(&j);
	}
}

/* --- workers -------------------------------------------------------------- */

static void breaks(struct writer *w, enum carry how, const struct err *why)
{
	bool in_doubt = how == CARRY_DOUBT;
	bool spent = how == CARRY_AGAIN && graph_spent(why);

	if (w->broken || (!in_doubt && !spent))
		return;
	w->broken = true;
	w->broken_why = *why;
	/* A lost answer is settled by looking, whoever cut it short. */
	if (in_doubt && !graph_spent(why)) {
		w->broken_why.reach = ERR_ACCOUNT;
		w->broken_why.next = NEXT_RETRY;
	}
}

static void settle(struct writer *w, struct graph_job *j, enum carry how,
                   const struct err *why, uint64_t octets)
{
	static const enum outcome outcomes[] = {
		[CARRY_STORED] = OUT_STORED,
		[CARRY_REFUSED] = OUT_REFUSED,
		[CARRY_AGAIN] = OUT_AGAIN,
		[CARRY_OTHER] = OUT_REFUSED,
	};

	w->octets -= octets;
	w->running--;
	breaks(w, how, why);
	if (how != CARRY_DOUBT)
		tell(w, j, outcomes[how], why);
	job_free(&j);
	pthread_cond_broadcast(&w->told);
}

static void *work(void *arg)
{
	struct graph_worker *k = arg;
	struct writer *w = k->w;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct graph_job *j;
		struct err why = { 0 };
		uint64_t octets;
		enum carry how;

		while (!w->closing && (w->broken || !w->first))
			pthread_cond_wait(&w->work, &w->lock);
		if (w->closing)
			break;
		j = take_job(w);
		w->running++;
		pthread_mutex_unlock(&w->lock);
		octets = j->m->body.size;
		how = graph_carry(k, j, &why);
		body_release(&j->m->body);
		if (how != CARRY_STORED)
			log_msg("graph: not stored: %s (%s)", why.text,
			        why.detail);
		pthread_mutex_lock(&w->lock);
		settle(w, j, how, &why, octets);
	}
	pthread_mutex_unlock(&w->lock);
	graph_close(&k->g);
	return NULL;
}

static int start(struct writer *w, struct err *e)
{
	if (!w->threads)
		graph_import_init(w);
	while (w->threads < GRAPH_WORKERS) {
		struct graph_worker *k = &w->worker[w->threads];

		k->w = w;
		if (pthread_create(&w->thread[w->threads], NULL, work, k))
			return w->threads ? 0 : err_memory(e);
		w->threads++;
	}
	return 0;
}

void graph_pool_init(struct writer *w)
{
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->told, NULL);
	w->last = &w->first;
}

void graph_pool_end(struct writer *w)
{
	struct graph_job *j;

	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->threads; i++)
		pthread_join(w->thread[i], NULL);
	while ((j = take_job(w)))
		job_free(&j);
	free(w->done);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->told);
}

/* --- submit --------------------------------------------------------------- */

int graph_prepare(struct writer *w, const struct folder *f, struct batch *b,
                  struct err *e)
{
	(void)w;
	(void)f;
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];

		m->set_flags = m->flags & MAIL_FLAGS_KEPT;
		free(m->set_keywords);
		m->set_keywords = NULL;
		if (graph_keywords(m->keywords, m->flags, &m->set_keywords, e))
			return -1;
	}
	return 0;
}

static int done_room(struct writer *w, size_t n, struct err *e)
{
	size_t cap = w->done_cap ? w->done_cap : 64;
	struct graph_told *v;

	while (cap < n)
		cap *= 2;
	if (cap == w->done_cap)
		return 0;
	v = realloc(w->done, cap * sizeof(*v));
	if (!v)
		return err_memory(e);
	w->done = v;
	w->done_cap = cap;
	return 0;
}

static struct graph_target *target_new(const struct folder *f)
{
	struct graph_target *t = calloc(1, sizeof(*t));

	if (t && folder_copy(&t->f, f)) {
		folder_release(&t->f);
		free(t);
		return NULL;
	}
	if (t)
		t->refs = 1;
	return t;
}

/* All of b as jobs, not in the queue yet. */
static int jobs_of(struct batch *b, struct graph_target *t,
                   struct graph_job **first, struct graph_job ***last)
{
	*last = first;
	for (size_t i = 0; i < b->n; i++) {
		struct graph_job *j = calloc(1, sizeof(*j));

		if (!j)
			return -1;
		*j = (struct graph_job){ .b = b, .m = &b->v[i], .to = t };
		t->refs++;
		**last = j;
		*last = &j->next;
	}
	return 0;
}

static int enqueue(struct writer *w, struct batch *b, struct graph_target *t,
                   struct err *e)
{
	struct graph_job *first = NULL, **last;

	if (done_room(w, w->messages + b->n, e))
		return -1;
	if (jobs_of(b, t, &first, &last)) {
		while (first) {
			struct graph_job *j = first;

			first = j->next;
			job_free(&j);
		}
		return err_memory(e);
	}
	*w->last = first;
	w->last = last;
	w->waiting += b->n;
	w->messages += b->n;
	w->batches++;
	for (size_t i = 0; i < b->n; i++)
		w->octets += b->v[i].body.size;
	pthread_cond_broadcast(&w->work);
	return 0;
}

int graph_submit(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e)
{
	struct graph_target *t;
	int failed;

	b->waiting = b->n;
	if (start(w, e))
		return -1;
	t = target_new(f);
	if (!t)
		return err_memory(e);
	pthread_mutex_lock(&w->lock);
	failed = w->broken;
	if (failed)
		*e = w->broken_why;
	else if (b->n)
		failed = enqueue(w, b, t, e);
	target_drop(&t);
	pthread_mutex_unlock(&w->lock);
	return failed ? -1 : 0;
}

size_t graph_in_flight(struct writer *w, uint64_t *bytes)
{
	size_t n;

	pthread_mutex_lock(&w->lock);
	if (bytes)
		*bytes = w->octets;
	n = w->batches;
	pthread_mutex_unlock(&w->lock);
	return n;
}

bool graph_ready(struct writer *w)
{
	bool yes;

	pthread_mutex_lock(&w->lock);
	yes = !w->broken && w->waiting < WAITING_MOST &&
	      w->octets < WAITING_OCTETS;
	pthread_mutex_unlock(&w->lock);
	return yes;
}

void graph_wake(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->woken = true;
	pthread_cond_broadcast(&w->told);
	pthread_mutex_unlock(&w->lock);
}

/* --- collect -------------------------------------------------------------- */

/* With the lock held: waits for something to tell, as far as asked to. */
static void wait_told(struct writer *w, bool wait)
{
	while (wait && !w->done_n && !w->broken && !w->woken &&
	       (w->waiting || w->running))
		pthread_cond_wait(&w->told, &w->lock);
	if (wait)
		w->woken = false;
	while (w->broken && w->running)
		pthread_cond_wait(&w->told, &w->lock);
	if (w->broken)
		unsent(w);
}

int graph_collect(struct writer *w, bool wait, settled_fn *each, void *arg,
                  struct err *e)
{
	struct graph_told *v CLEANUP(free_p) = NULL;
	size_t n;
	bool broken;

	pthread_mutex_lock(&w->lock);
	wait_told(w, wait);
	n = w->done_n;
	v = malloc((n + 1) * sizeof(*v));
	broken = w->broken;
	if (broken)
		*e = w->broken_why;
	if (v) {
		if (n)
			memcpy(v, w->done, n * sizeof(*v));
		w->done_n = 0;
		w->messages -= n;
	}
	pthread_mutex_unlock(&w->lock);
	if (!v)
		return err_memory(e);
	for (size_t i = 0; i < n; i++)
		each(&v[i].s, v[i].b, arg);
	return broken ? -1 : 0;
}
