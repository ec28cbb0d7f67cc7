/* SPDX-License-Identifier: Apache-2.0 */
/*
 * governor_shared.c - one governor for the process: a budget for each
 * mailbox and one above it for the application, and a queue for each
 * mailbox.
 *
 * One lock for all: it is held for microseconds, a few dozen times a
 * second. Sleepers wake in slices, because a cancelled account has no way
 * to wake them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/governor.h"
#include "net/stream_int.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/step.h"

enum { SLICE_MS = 200, TELL_MS = 2000 };

struct waiter {
	struct waiter *next;
};

struct entry {
	struct entry *next;
	enum gov_door door;
	char *tenant, *client, *user; /* user "": the application */
	struct entry *app;            /* NULL: this is one */
	unsigned users;               /* leases and waiters */
	struct waiter *first;
	struct gov_budget budget;
	pthread_cond_t changed;
};

struct gov_lease {
	struct entry *entry;
	struct gov_need need;
	bool well;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;

/* --- Limits ------------------------------------------------------------- */

/* A little under what m365.md C.10 says; none for IMAP, see B.7. */
static const struct gov_limits graph_mailbox = {
	.requests = 9950,
	.requests_ms = 600000,
	.octets = 149000000,
	.octets_ms = 300000,
	.at_once = 4,
};
static const struct gov_limits graph_app = {
	.requests = 1900,
	.requests_ms = 1000,
};
static const struct gov_limits none;

static struct gov_limits limits(enum gov_door door, bool app)
{
	long n = step_number("MAILHAUL_TEST_GOV_SCALE", 1);
	uint64_t scale = n > 0 ? (uint64_t)n : 1;
	struct gov_limits l = none;

	if (door == GOV_GRAPH)
		l = app ? graph_app : graph_mailbox;
	if (door == GOV_GRAPH && !app)
		l.requests = (uint64_t)step_number("MAILHAUL_TEST_GOV_REQUESTS",
		                                   (long)l.requests);
	if (!app) {
		l.requests_ms /= scale;
		l.octets_ms /= scale;
	}
	l.quiet_ms = 60000 / scale;
	return l;
}

/* --- Entries ------------------------------------------------------------ */

static void entry_free(struct entry *n)
{
	pthread_cond_destroy(&n->changed);
	free(n->tenant);
	free(n->client);
	free(n->user);
	free(n);
}

static void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static const char *text(const char *s)
{
	return s ? s : "";
}

static bool is_entry(const struct entry *n, const struct account *a,
                     enum gov_door door, const char *user)
{
	return n->door == door && strcmp(n->user, user) == 0 &&
	       strcmp(n->client, text(a->client_id)) == 0 &&
	       strcmp(n->tenant, text(a->tenant)) == 0;
}

/* A fleet of ten thousand mailboxes shall not leave as many budgets. */
static void sweep(uint64_t now)
{
	static const struct gov_need nothing;

	for (struct entry **at = &entries; *at;) {
		struct entry *n = *at;

		if (n->app && !n->users) {
			gov_peek(&n->budget, now, &nothing);
			if (gov_idle(&n->budget, now)) {
				*at = n->next;
				entry_free(n);
				continue;
			}
		}
		at = &n->next;
	}
}

static struct entry *entry_new(const struct account *a, enum gov_door door,
                               const char *user)
{
	struct entry *n = calloc(1, sizeof *n);
	struct gov_limits l = limits(door, !*user);

	if (!n)
		return NULL;
	cond_init(&n->changed);
	n->door = door;
	n->tenant = strdup(text(a->tenant));
	n->client = strdup(text(a->client_id));
	n->user = strdup(user);
	gov_init(&n->budget, &l);
	if (n->tenant && n->client && n->user)
		return n;
	entry_free(n);
	return NULL;
}

static struct entry *entry_find(const struct account *a, enum gov_door door,
                                const char *user)
{
	struct entry *n = entries;

	while (n && !is_entry(n, a, door, user))
		n = n->next;
	if (n)
		return n;
	n = entry_new(a, door, user);
	if (n) {
		n->next = entries;
		entries = n;
	}
	return n;
}

static struct entry *entry_of(const struct account *a, enum gov_door door)
{
	const char *user = a->user && *a->user ? a->user : "-";
	struct entry *n = entries;

	while (n && !is_entry(n, a, door, user))
		n = n->next;
	if (n)
		return n;
	sweep(clock_ms());
	struct entry *app = entry_find(a, door, "");

	n = app ? entry_find(a, door, user) : NULL;
	if (n)
		n->app = app;
	return n;
}

/* --- The queue ---------------------------------------------------------- */

static void join(struct entry *n, struct waiter *w)
{
	struct waiter **at = &n->first;

	while (*at)
		at = &(*at)->next;
	*at = w;
	n->users++;
}

static void leave(struct entry *n, struct waiter *w)
{
	struct waiter **at = &n->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	n->users--;
	pthread_cond_broadcast(&n->changed);
}

static void sleep_for(struct entry *n, uint64_t ms)
{
	struct timespec ts;
	uint64_t until = clock_ms() + (ms < SLICE_MS ? ms : SLICE_MS);

	ts.tv_sec = (time_t)(until / 1000);
	ts.tv_nsec = (long)(until % 1000) * 1000000;
	pthread_cond_timedwait(&n->changed, &lock, &ts);
}

/* What a request takes of the application's budget. */
static struct gov_need above_of(const struct gov_need *n)
{
	return (struct gov_need){ 0, n->requests, 0 };
}

/* 0: booked. */
static uint64_t ask(struct entry *n, const struct gov_need *need)
{
	uint64_t now = clock_ms();
	struct gov_need above = above_of(need);
	uint64_t wait = gov_peek(&n->app->budget, now, &above);

	if (!wait)
		wait = gov_ask(&n->budget, now, need);
	if (!wait)
		gov_ask(&n->app->budget, now, &above);
	return wait;
}

static const char *reason(const struct entry *n)
{
	uint64_t now = clock_ms();

	return now < n->budget.blocked_until ||
	                       now < n->app->budget.blocked_until
	               ? "as Microsoft asked"
	               : "to stay within Microsoft's limits";
}

/* What the owner has been told of this wait. */
struct told {
	uint64_t until; /* 0: nothing */
};

/* Called without the lock: the view has one of its own. */
static void tell(const struct account *a, struct entry *n, struct told *t,
                 uint64_t wait)
{
	uint64_t until = clock_ms() + wait;

	if (wait == UINT64_MAX || wait <= TELL_MS || !a->waiting ||
	    until <= t->until + TELL_MS)
		return;
	const char *what = reason(n);

	t->until = until;
	pthread_mutex_unlock(&lock);
	a->waiting(a->waiting_arg, what, clock_wall_ms() + wait);
	pthread_mutex_lock(&lock);
}

static int wait_turn(struct entry *n, const struct account *a,
                     const struct gov_need *need, struct told *t, struct err *e)
{
	struct waiter w = { NULL };
	int rc = 0;

	join(n, &w);
	for (;;) {
		uint64_t wait = UINT64_MAX;

		if (a->cancel && atomic_load(a->cancel)) {
			rc = stream_interrupted(e);
			break;
		}
		if (n->first == &w)
			wait = ask(n, need);
		if (!wait)
			break;
		tell(a, n, t, wait);
		sleep_for(n, wait);
	}
	leave(n, &w);
	return rc;
}

/* --- Leases ------------------------------------------------------------- */

static int enter(struct gov_lease *l, const struct account *a,
                 enum gov_door door, struct err *e)
{
	struct told t = { 0 };
	int rc;

	pthread_mutex_lock(&lock);
	l->entry = entry_of(a, door);
	rc = l->entry ? wait_turn(l->entry, a, &l->need, &t, e) : err_memory(e);
	if (rc == 0)
		l->entry->users++;
	pthread_mutex_unlock(&lock);
	if (t.until)
		a->waiting(a->waiting_arg, "", 0);
	return rc;
}

int governor_enter_many(struct gov_lease **out, const struct account *a,
                        enum gov_door door, const struct gov_need *n,
                        struct err *e)
{
	struct gov_lease *l = calloc(1, sizeof *l);

	*out = NULL;
	if (!l)
		return err_memory(e);
	l->need = *n;
	l->well = true;
	if (door != GOV_GRAPH)
		l->need.at_once = 0;
	if (enter(l, a, door == GOV_IMAP ? GOV_IMAP : GOV_GRAPH, e)) {
		free(l);
		return -1;
	}
	*out = l;
	return 0;
}

int governor_enter(struct gov_lease **out, const struct account *a,
                   enum gov_door door, uint64_t octets, struct err *e)
{
	struct gov_need n = { octets, 1, 1 };

	return governor_enter_many(out, a, door, &n, e);
}

void governor_leave(struct gov_lease **lp)
{
	struct gov_lease *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	pthread_mutex_lock(&lock);
	uint64_t now = clock_ms();
	struct gov_need above = above_of(&l->need);

	gov_left(&l->entry->budget, now, &l->need, l->well);
	gov_left(&l->entry->app->budget, now, &above, l->well);
	l->entry->users--;
	pthread_cond_broadcast(&l->entry->changed);
	pthread_mutex_unlock(&lock);
	free(l);
}

static void refused(struct gov_lease *l, struct entry *n, uint64_t wait_ms)
{
	pthread_mutex_lock(&lock);
	l->well = false;
	gov_refused(&n->budget, clock_ms(), wait_ms);
	pthread_mutex_unlock(&lock);
}

void governor_refused(struct gov_lease *l, uint64_t wait_ms)
{
	refused(l, l->entry, wait_ms);
}

void governor_refused_all(struct gov_lease *l, uint64_t wait_ms)
{
	refused(l, l->entry->app, wait_ms);
}

void governor_refused_late(const struct account *a, enum gov_door door,
                           uint64_t wait_ms)
{
	pthread_mutex_lock(&lock);
	struct entry *n = entry_of(a, door == GOV_IMAP ? GOV_IMAP : GOV_GRAPH);

	if (n)
		gov_refused(&n->budget, clock_ms(), wait_ms);
	pthread_mutex_unlock(&lock);
}
