/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move.c - the life of one mailbox in a run.
 *
 *   folders   both ends asked, mapped, made          folders.c
 *   leftovers what an earlier run left in doubt      doubt.c
 *   scan      what stands at the destination already adopt.c
 *   gone      what the owner deleted there           pass.c
 *   join      other sources of this destination      join.c
 *   lanes     list, claim, fetch, intend, send       listing.c claim.c lane_*.c
 *             (an archive: walked through)           tour.c
 *   deferred  doubtful ones once more, then lanes again
 *   flags     changes of known messages              pass.c
 *   doubled   copies that were committed late        doubt.c
 *   remember  the state that the next pass compares  folders.c
 *
 * Each stage can be begun again from its start: it works on what the store
 * says. A lost connection repeats the stage.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "transfer/join.h"
#include "transfer/move.h"
#include "transfer/tour.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/step.h"

#define AS_MICROSOFT "as Microsoft asked; other mailboxes go on"
#define WAIT_TOLD_MS 50 /* a shorter one is none to a person */
#define FIRST_TRIES 3   /* connections that have never worked */

typedef int stage_fn(struct move *m, struct err *e);

/* --- small things that all threads use ------------------------------------ */

bool move_stopping(const struct move *m)
{
	return m->run->options->stop && atomic_load(m->run->options->stop);
}

void move_fail(struct move *m, const struct err *e)
{
	if (e->code == EC_INTERRUPTED)
		return;
	pthread_mutex_lock(&m->lock);
	if (!m->fatal.code) {
		m->fatal = *e;
		if (!m->fatal.code)
			m->fatal.code = EC_INTERNAL;
	}
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

bool move_failed(struct move *m)
{
	bool failed;

	pthread_mutex_lock(&m->lock);
	failed = m->fatal.code != 0;
	pthread_mutex_unlock(&m->lock);
	return failed;
}

bool move_sleep(struct move *m, uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	while (!move_stopping(m) && !move_failed(m)) {
		uint64_t now = clock_ms(), left = until > now ? until - now : 0;
		struct timespec ts = { 0 };

		if (left == 0)
			return true;
		if (left > 100)
			left = 100;
		ts.tv_nsec = (long)left * 1000000;
		nanosleep(&ts, NULL);
	}
	return false;
}

static int stopped(struct err *e)
{
	return err_set(e, ERR_RUN, NEXT_RETRY, EC_INTERRUPTED,
	               "Stopped. Nothing is lost: run mailhaul again and it "
	               "goes on.",
	               "%s", "");
}

void move_progressed(struct move *m)
{
	pthread_mutex_lock(&m->lock);
	m->failures = 0;
	m->wait_until_ms = 0;
	pthread_mutex_unlock(&m->lock);
}

static unsigned chance(void)
{
	uint16_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
		r = (uint16_t)clock_ms();
	return r;
}

static uint64_t wait_for(const struct err *why, unsigned failures)
{
	uint64_t base = (uint64_t)step_number("MAILHAUL_TEST_BACKOFF_MS", 1000);
	uint64_t wait = backoff_ms(failures, base, chance());

	return why->next == NEXT_WAIT && why->wait_ms > wait ? why->wait_ms
	                                                     : wait;
}

/* Not a failure: the other side named a time, or a sign-in has run its
 * time and the next one is at hand. */
static bool asked_to_wait(const struct err *e)
{
	return (e->code == EC_THROTTLED && e->next == NEXT_WAIT) ||
	       (e->code == EC_BYE && e->wait_ms);
}

int move_lost(struct move *m, const struct err *why, struct err *e)
{
	struct err copy = *why; /* e may be why */
	unsigned lanes, failures;
	uint64_t wait;
	bool asked = asked_to_wait(&copy);

	if (copy.code == EC_INTERRUPTED || move_stopping(m))
		return stopped(e);
	pthread_mutex_lock(&m->lock);
	if (!asked)
		m->failures++;
	failures = m->failures;
	lanes = m->lanes_busy ? (unsigned)m->lanes_busy : 1;
	pthread_mutex_unlock(&m->lock);
	failures = (failures + lanes - 1) / lanes;
	if (failures > FAILURES_MOST) {
		*e = copy;
		e->next = NEXT_GIVE_UP;
		return -1;
	}
	if (asked) {
		wait = copy.wait_ms;
	} else {
		tell(m, EVENT_RETRY, NULL, copy.text, &copy);
		wait = wait_for(&copy, failures);
	}
	if (wait >= WAIT_TOLD_MS)
		tell_wait(m,
		          copy.code == EC_THROTTLED ? AS_MICROSOFT : copy.text,
		          clock_wall_ms() + wait);
	if (!move_sleep(m, wait))
		return stopped(e);
	return 0;
}

void move_settled(struct move *m, const struct batch *b)
{
	struct progress *p = &m->progress;
	/* What an earlier run left behind is gathered over source folders. */
	const char *where = b->source_folder ? m->froms[b->from].f.path : NULL;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < b->n; i++) {
		const struct message *msg = &b->v[i];

		if (msg->state == MSG_PENDING || msg->state == MSG_SENDING ||
		    msg->state == MSG_HOLE) {
			p->holes += msg->state == MSG_HOLE;
			continue;
		}
		p->left -= p->left > 0;
		p->bytes_settled += msg->size;
		p->moved += msg->state == MSG_MOVED;
		p->problems += msg->state == MSG_PROBLEM;
		p->left_out += msg->state == MSG_LEFT_OUT;
		if (msg->state == MSG_MOVED) {
			p->messages_moved++;
			p->bytes_moved += msg->size;
		}
	}
	pthread_mutex_unlock(&m->lock);
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].state == MSG_PROBLEM)
			tell(m, EVENT_PROBLEM, where, b->v[i].why.text,
			     &b->v[i].why);
}

/* --- connections ---------------------------------------------------------- */

/* "imaps://ann@host" -> what caps are learnt by. */
static void learn_cap(struct move *m, const char *where, const struct err *e)
{
	struct err ignored;
	size_t open;

	if (e->code != EC_TOO_MANY)
		return;
	pthread_mutex_lock(&m->lock);
	open = m->lanes_busy > 1 ? m->lanes_busy - 1 : 1;
	if (m->lanes_most > open)
		m->lanes_most = open;
	pthread_mutex_unlock(&m->lock);
	store_learn(m->store, where, "connections", (int64_t)open, &ignored);
	log_msg("%s: at most %zu connections", where, open);
}

/* 0: open. 1: try again. -1: not. */
static int judge_open(struct move *m, bool first, bool met, unsigned *tries,
                      const char *where, struct err *e)
{
	if (e->next != NEXT_RETRY && e->next != NEXT_WAIT)
		return -1;
	if (!first) {
		learn_cap(m, where, e);
		return -1;
	}
	if (!met && ++*tries >= FIRST_TRIES) {
		e->next = NEXT_GIVE_UP;
		return -1;
	}
	return move_lost(m, e, e) ? -1 : 1;
}

int move_open_reader(struct move *m, struct reader **out, bool first,
                     struct err *e)
{
	unsigned tries = 0;

	for (;;) {
		if (m->reader_ops->open(out, &m->from_account, e) == 0) {
			m->from_met = true;
			return 0;
		}
		if (judge_open(m, first, m->from_met, &tries,
		               m->from_account.locator, e) < 0)
			return -1;
	}
}

int move_open_writer(struct move *m, struct writer **out, bool first,
                     struct err *e)
{
	unsigned tries = 0;

	for (;;) {
		if (m->writer_ops->open(out, &m->to_account, e) == 0) {
			m->to_met = true;
			return 0;
		}
		if (judge_open(m, first, m->to_met, &tries,
		               m->to_account.locator, e) < 0)
			return -1;
	}
}

/* --- stages --------------------------------------------------------------- */

static bool may_help(const struct err *e)
{
	return e->next == NEXT_RETRY || e->next == NEXT_WAIT;
}

/* Runs a stage of the mailbox's own thread, with both ends open. */
static int stage(struct move *m, const char *name, stage_fn *fn, struct err *e)
{
	for (;;) {
		struct err why = { 0 };

		log_msg("%s: %s", m->job->mailbox->name, name);
		if (move_stopping(m))
			return stopped(e);
		if (!m->writer && fn != folders_prepare &&
		    move_open_writer(m, &m->writer, true, e))
			return -1;
		if (fn(m, &why) == 0)
			return 0;
		m->writer_ops->close(&m->writer);
		if (!may_help(&why) || why.code == EC_INTERRUPTED) {
			*e = why;
			return -1;
		}
		if (move_lost(m, &why, e))
			return -1;
	}
}

static unsigned lanes_wanted(const struct move *m)
{
	unsigned n = m->job->options->lanes;
	int64_t from = 0, to = 0;
	struct err ignored;

	if (!n)
		n = RUN_DEFAULT_LANES;
	if (!(m->reader_ops->traits & (READER_LANES | READER_STREAM)) ||
	    !(m->writer_traits & WRITER_LANES))
		n = 1;
	store_learnt(m->store, m->from_account.locator, "connections", &from,
	             &ignored);
	store_learnt(m->store, m->to_account.locator, "connections", &to,
	             &ignored);
	if (from > 0 && from < n)
		n = (unsigned)from;
	if (to > 0 && to < n)
		n = (unsigned)to;
	return n > LANES_MOST ? LANES_MOST : n;
}

static void size_batches(struct move *m)
{
	uint64_t share = m->run->memory_octets / (m->lanes_most * ASK_AHEAD);

	uint64_t most =
	        m->run->options->memory ? BATCH_OCTETS_MOST : BATCH_OCTETS;

	m->batch_octets = share < most ? share : most;
	if (m->batch_octets < 65536)
		m->batch_octets = 65536;
	if (m->batch_octets > m->run->memory_octets)
		m->batch_octets = m->run->memory_octets;
	m->batch_messages = m->writer_traits & WRITER_ONE_BY_ONE
	                            ? BATCH_ONE_BY_ONE
	                            : BATCH_MESSAGES;
	m->from_account.body_limit = (size_t)m->batch_octets / 2;
	m->to_account.body_limit = m->from_account.body_limit;
}

static int move_all(struct move *m, struct err *e)
{
	bool again = true;

	m->listing = true;
	while (again) {
		again = false;
		if (lanes_run(m, e))
			return -1;
		m->listing = false;
		if (move_stopping(m))
			return stopped(e);
		for (;;) {
			struct err why = { 0 };

			if (!m->writer &&
			    move_open_writer(m, &m->writer, true, e))
				return -1;
			if (doubt_deferred(m, &again, &why) == 0)
				break;
			m->writer_ops->close(&m->writer);
			if (!may_help(&why) || why.code == EC_INTERRUPTED) {
				*e = why;
				return -1;
			}
			if (move_lost(m, &why, e))
				return -1;
		}
		if (tour_met_folder(m) &&
		    (stage(m, "folders", tour_remake, e) ||
		     stage(m, "scan", adopt_scan, e)))
			return -1;
		if (tour_again(m, &again, e))
			return -1;
	}
	return 0;
}

static int refresh_counts(struct move *m, struct err *e)
{
	struct progress p = { 0 };

	if (store_progress(m->store, m->job->mailbox->id, &p, e))
		return -1;
	pthread_mutex_lock(&m->lock);
	p.bytes_moved = m->progress.bytes_moved;
	p.messages_moved = m->progress.messages_moved;
	m->progress = p;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int has_orphans(struct move *m, struct err *e)
{
	/* Rows of an earlier pass may be orphans; with none, every look-up
	 * would be for nothing. */
	m->orphans = m->job->mailbox->pass > 0 || m->progress.moved > 0;
	(void)e;
	return 0;
}

static int pass(struct move *m, struct err *e)
{
	if (refresh_counts(m, e) || has_orphans(m, e) || tour_new(m, e) ||
	    stage(m, "folders", folders_prepare, e))
		return -1;
	m->lanes_most = lanes_wanted(m);
	size_batches(m);
	if (stage(m, "leftovers", doubt_leftovers, e) ||
	    stage(m, "unnamed", doubt_unnamed, e) ||
	    stage(m, "scan", adopt_scan, e) || stage(m, "gone", pass_gone, e) ||
	    stage(m, "join", join_begin, e) ||
	    stage(m, "reconsider", pass_reconsider, e) || move_all(m, e) ||
	    stage(m, "unnamed", doubt_unnamed, e) ||
	    stage(m, "flags", pass_flags, e) ||
	    stage(m, "doubled", doubt_doubled, e) ||
	    stage(m, "remember", folders_remember, e))
		return -1;
	return refresh_counts(m, e);
}

/* --- from beginning to end ------------------------------------------------ */

/* Lanes ask for passwords at the same time. */
static int secret_from(void *arg, bool again, char **out, struct err *e)
{
	struct move *m = arg;
	int failed;

	pthread_mutex_lock(&m->secret_lock);
	failed = m->job->from.secret(m->job->from.secret_arg, again, out, e);
	pthread_mutex_unlock(&m->secret_lock);
	return failed;
}

static int secret_to(void *arg, bool again, char **out, struct err *e)
{
	struct move *m = arg;
	int failed;

	pthread_mutex_lock(&m->secret_lock);
	failed = m->job->to.secret(m->job->to.secret_arg, again, out, e);
	pthread_mutex_unlock(&m->secret_lock);
	return failed;
}

/* The governor's waits. */
static void waits(void *arg, const char *what, uint64_t until_ms)
{
	struct move *m = arg;

	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);

	if (buf_fmt(&b, "%s; other mailboxes go on", what) == 0)
		tell_wait(m, b.p, until_ms);
}

static void wire_accounts(struct move *m)
{
	struct job *job = m->job;

	m->from_account = job->from;
	m->to_account = job->to;
	m->from_account.cancel = m->to_account.cancel = &m->cancel;
	m->from_account.waiting = m->to_account.waiting = waits;
	m->from_account.waiting_arg = m->to_account.waiting_arg = m;
	if (job->from.secret) {
		m->from_account.secret = secret_from;
		m->from_account.secret_arg = m;
	}
	if (job->to.secret) {
		m->to_account.secret = secret_to;
		m->to_account.secret_arg = m;
	}
}

static int choose_door(struct move *m, struct err *e)
{
	struct job probe = *m->job;
	char *why CLEANUP(free_p) = NULL;

	probe.to = m->to_account;
	if (transfer_door(m->store, &probe, true, &why, e))
		return -1;
	m->to_account.kind = m->job->to.kind = probe.to.kind;
	m->writer_ops = writer_find(&m->to_account, e);
	if (why)
		tell(m, EVENT_NOTE, NULL, why, NULL);
	return m->writer_ops ? 0 : -1;
}

static int begin(struct move *m, struct err *e)
{
	struct job *job = m->job;

	m->reader_ops = reader_find(&job->from, e);
	if (!m->reader_ops)
		return -1;
	if (job->to.kind != KIND_M365)
		m->writer_ops = writer_find(&job->to, e);
	if (!m->writer_ops && job->to.kind != KIND_M365)
		return -1;
	wire_accounts(m);
	m->rate.per_second = job->options->rate;
	m->lanes_most = 1;
	size_batches(m);
	return store_lock_mailbox(m->store, job->mailbox->id, e);
}

static int code_of(const struct move *m, const struct err *e, bool failed)
{
	if (failed)
		return transfer_exit_code(e);
	/* A folder that can't be moved: a person helps, time does, or
	 * nothing. */
	if (m->limited && m->note.next != NEXT_GIVE_UP)
		return transfer_exit_code(&m->note);
	if (m->progress.left > m->progress.holes)
		return EXIT_UNFINISHED;
	if (m->limited || m->progress.problems || m->progress.holes)
		return EXIT_PROBLEMS;
	return EXIT_ALL_MOVED;
}

static void end(struct move *m, const struct err *e, bool failed, bool locked)
{
	struct job *job = m->job;
	struct err ignored;

	tour_free(m);
	if (m->reader)
		m->reader_ops->close(&m->reader);
	if (m->writer_ops && m->writer)
		m->writer_ops->close(&m->writer);
	if (locked)
		refresh_counts(m, &ignored);
	job->exit_code = code_of(m, e, failed);
	job->err = failed ? *e : m->note;
	job->progress = m->progress;
	if (locked) {
		store_mailbox_ended(m->store, job->mailbox->id, job->exit_code,
		                    !failed && !m->limited,
		                    job->err.code ? job->err.text : NULL,
		                    &ignored);
		store_unlock_mailbox(m->store, job->mailbox->id);
	}
	tell(m, EVENT_DONE, NULL, failed || m->limited ? job->err.text : NULL,
	     job->err.code ? &job->err : NULL);
}

static void tell_start(struct move *m)
{
	struct buf text CLEANUP(buf_release_p) = BUF_INIT(0);

	if (buf_fmt(&text, "%s -> %s", m->job->mailbox->from,
	            m->job->mailbox->to) == 0)
		tell(m, EVENT_START, NULL, text.p, NULL);
	m->started = true;
}

void move_run(struct move *m)
{
	struct err e = { 0 };
	int failed = begin(m, &e);
	bool locked = !failed;

	if (!failed) {
		tell_start(m);
		failed = store_mailbox_started(m->store, m->job->mailbox->id,
		                               &e) ||
		         choose_door(m, &e) || pass(m, &e);
	}
	end(m, &e, failed != 0, locked);
	folders_free(m);
	free(m->deferred);
	m->deferred = NULL;
}
