/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.c - a fleet of mailboxes: so many at once, one journal and one
 * memory budget for all, and the clock that drives progress and stopping.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transfer/move.h"
#include "util/buf.h"
#include "util/clock.h"

#define TICK_MS 100
#define PROGRESS_TICKS 3
#define STOP_MS 10000 /* cli.md: at most ten seconds for what is in flight */
#define STOP_WAITING_MS 2000 /* of those, where nothing may be sent */

/* Wakes the run's own thread as soon as a mailbox has ended. */
struct bell {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	bool ring;
};

struct slot {
	struct move *move;
	struct bell *bell;
	pthread_t thread;
	atomic_bool ended;
};

int transfer_exit_code(const struct err *e)
{
	switch (e->code) {
	case EC_BUSY:
		return EXIT_BUSY;
	case EC_STORE:
	case EC_STORE_DAMAGED:
	case EC_STORE_NEWER:
	case EC_STORE_FOREIGN:
	case EC_DISK_FULL:
	case EC_SPOOL:
		return EXIT_STORE;
	case EC_INPUT:
	case EC_ARCHIVE:
		return EXIT_INPUT;
	case EC_INTERNAL:
		return EXIT_FAULT;
	case EC_USAGE:
		return EXIT_USAGE;
	case EC_TLS:
	case EC_CERT_EXPIRED:
	case EC_CERT_SELF_SIGNED:
	case EC_CERT_NAME:
	case EC_CERT_UNTRUSTED:
	case EC_CERT_PIN:
	case EC_NO_STARTTLS:
	case EC_PREAUTH:
	case EC_CLEARTEXT:
	case EC_PASSWORD_MISSING:
		return EXIT_PERSON;
	default:
		break;
	}
	return e->next == NEXT_SIGN_IN || e->next == NEXT_ASK_PERSON
	               ? EXIT_PERSON
	               : EXIT_UNFINISHED;
}

static void *slot_main(void *arg)
{
	struct slot *s = arg;

	move_run(s->move);
	atomic_store(&s->ended, true);
	pthread_mutex_lock(&s->bell->lock);
	s->bell->ring = true;
	pthread_cond_signal(&s->bell->rung);
	pthread_mutex_unlock(&s->bell->lock);
	return NULL;
}

static struct move *move_new(struct run *run, struct job *job)
{
	struct move *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->run = run;
	m->job = job;
	m->store = run->store;
	m->journal = run->journal;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->secret_lock, NULL);
	pthread_cond_init(&m->changed, NULL);
	return m;
}

static void move_free(struct move **m)
{
	pthread_cond_destroy(&(*m)->changed);
	pthread_mutex_destroy(&(*m)->secret_lock);
	pthread_mutex_destroy(&(*m)->lock);
	free(*m);
	*m = NULL;
}

/* After a stop: what is in flight gets its ten seconds, the rest none. */
static void stop_move(struct move *m, uint64_t stopped_ms)
{
	uint64_t grace = STOP_MS;

	pthread_mutex_lock(&m->lock);
	/* Nothing leaves before the other side allows it: what is out has
	 * its answer soon. */
	if (m->wait_until_ms > clock_wall_ms() + STOP_MS)
		grace = STOP_WAITING_MS;
	pthread_mutex_unlock(&m->lock);
	if (!m->in_lanes || clock_ms() - stopped_ms > grace)
		atomic_store(&m->cancel, 1);
	pthread_mutex_lock(&m->lock);
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static void tick(struct slot *slots, unsigned n, const atomic_int *stop,
                 uint64_t *stopped_ms, unsigned ticks)
{
	if (stop && atomic_load(stop) && !*stopped_ms)
		*stopped_ms = clock_ms();
	for (unsigned i = 0; i < n; i++) {
		struct move *m = slots[i].move;

		if (!m || atomic_load(&slots[i].ended))
			continue;
		if (*stopped_ms)
			stop_move(m, *stopped_ms);
		if (ticks % PROGRESS_TICKS == 0 && m->started)
			tell_progress(m);
		pthread_mutex_lock(&m->lock);
		pthread_cond_broadcast(&m->changed);
		pthread_mutex_unlock(&m->lock);
	}
}

static bool reap(struct slot *s)
{
	if (!s->move || !atomic_load(&s->ended))
		return false;
	pthread_join(s->thread, NULL);
	move_free(&s->move);
	return true;
}

static bool start(struct slot *s, struct run *run, struct job *job)
{
	atomic_store(&s->ended, false);
	s->move = move_new(run, job);
	if (s->move && pthread_create(&s->thread, NULL, slot_main, s) == 0)
		return true;
	if (s->move)
		move_free(&s->move);
	job->exit_code = EXIT_FAULT;
	err_memory(&job->err);
	return false;
}

/* Two sources of one destination go one after the other. */
static bool is_taken(const struct slot *slots, unsigned n,
                     const struct job *job)
{
	for (unsigned i = 0; i < n; i++)
		if (slots[i].move && strcmp(slots[i].move->job->mailbox->to_key,
		                            job->mailbox->to_key) == 0)
			return true;
	return false;
}

static struct job *next_job(struct job *jobs, size_t n, bool *begun,
                            const struct slot *slots, unsigned slots_n)
{
	for (size_t i = 0; i < n; i++)
		if (!begun[i] && !is_taken(slots, slots_n, &jobs[i])) {
			begun[i] = true;
			return &jobs[i];
		}
	return NULL;
}

static void doze(struct bell *b)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&b->lock);
	if (!b->ring)
		pthread_cond_timedwait(&b->rung, &b->lock, &until);
	b->ring = false;
	pthread_mutex_unlock(&b->lock);
}

static void run_all(struct run *run, struct job *jobs, size_t n, bool *begun,
                    struct slot *slots, unsigned slots_n)
{
	struct bell bell = { PTHREAD_MUTEX_INITIALIZER,
		             PTHREAD_COND_INITIALIZER, false };
	const atomic_int *stop = run->options->stop;
	uint64_t stopped_ms = 0;
	size_t left = n;
	unsigned ticks = 0;

	for (unsigned i = 0; i < slots_n; i++)
		slots[i].bell = &bell;
	while (left > 0) {
		bool moved = false;

		for (unsigned i = 0; i < slots_n; i++) {
			struct job *job;

			if (reap(&slots[i])) {
				left--;
				moved = true;
			}
			if (slots[i].move)
				continue;
			job = next_job(jobs, n, begun, slots, slots_n);
			if (!job)
				continue;
			moved = true;
			if (stop && atomic_load(stop))
				job->exit_code = EXIT_UNFINISHED;
			if ((stop && atomic_load(stop)) ||
			    !start(&slots[i], run, job))
				left--;
		}
		tick(slots, slots_n, stop, &stopped_ms, ticks++);
		if (!moved)
			doze(&bell);
	}
}

static int worst(const struct job *jobs, size_t n)
{
	static const int order[] = { EXIT_STORE,    EXIT_FAULT,
		                     EXIT_PERSON,   EXIT_UNFINISHED,
		                     EXIT_PROBLEMS, EXIT_BUSY,
		                     EXIT_INPUT,    EXIT_ALL_MOVED };
	bool seen[256] = { false };

	for (size_t i = 0; i < n; i++)
		seen[jobs[i].exit_code & 0xff] = true;
	/* A fleet's code is the highest of 3, 2, 1, 0; what only one mailbox
	 * can have counts when there is nothing else. */
	if (n > 1)
		for (int c = EXIT_PERSON; c >= EXIT_PROBLEMS; c--)
			if (seen[c])
				return c;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (seen[order[i]])
			return order[i];
	return EXIT_ALL_MOVED;
}

static int start_failed(struct job *jobs, size_t n, const struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		jobs[i].exit_code = transfer_exit_code(e);
		jobs[i].err = *e;
	}
	return transfer_exit_code(e);
}

/*
 * Bodies are made in one thread and freed in another. With an arena for each
 * thread, and a threshold that grows, glibc would keep several times what is
 * in use.
 */
static void keep_heap_small(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

int transfer_run(struct store *s, struct job *jobs, size_t n,
                 const struct run_options *o)
{
	unsigned slots_n = o->mailboxes ? o->mailboxes : RUN_DEFAULT_MAILBOXES;
	struct run run = { .store = s, .options = o };
	bool *begun CLEANUP(free_p) = calloc(n + 1, sizeof(*begun));
	struct slot *slots;
	struct err e = { 0 };

	if (slots_n > n)
		slots_n = n ? (unsigned)n : 1;
	slots = calloc(slots_n, sizeof(*slots));
	if (!begun || !slots || journal_start(&run.journal, s, &e)) {
		free(slots);
		if (!e.code)
			err_memory(&e);
		return start_failed(jobs, n, &e);
	}
	run.memory_octets = o->memory ? o->memory : RUN_DEFAULT_MEMORY;
	if (run.memory_octets < 1u << 20)
		run.memory_octets = 1u << 20;
	keep_heap_small();
	memory_init(&run.memory, run.memory_octets);
	pthread_mutex_init(&run.event_lock, NULL);
	run_all(&run, jobs, n, begun, slots, slots_n);
	journal_stop(&run.journal);
	pthread_mutex_destroy(&run.event_lock);
	memory_release(&run.memory);
	free(slots);
	return worst(jobs, n);
}
