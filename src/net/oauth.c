/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth.c - tokens for everybody who asks: from memory, else from the cache,
 * else from the network; and one thread that refreshes them in time.
 *
 * A handle is one tenant, registration and person. One caller at a time is
 * `busy` with the cache and the network; the others wait for what it gets,
 * or go on with the token that they have. The order of locks: life, then
 * registry, then a handle's own.
 */
#include "net/oauth_int.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"

#define LOOK_MS 60000   /* the refresher looks at least so often */
#define WAIT_MS 200     /* between two looks at cancel */
#define REFUSALS_MOST 6 /* fresh tokens refused in REFUSALS_MS */
#define REFUSALS_MS 60000
#define SAME_ANSWER_MS 5000 /* a refusal is not asked for again so soon */

static struct {
	pthread_mutex_t life; /* whoever makes the first or puts the last */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct oauth *all;
	pthread_t thread;
	bool running, stop;
} registry = { .life = PTHREAD_MUTEX_INITIALIZER,
	       .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- memory that is wiped ----------------------------------------------- */

/* JSON of the sign-in service holds tokens in strings of its own. */
static void wiping_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void prepare(void)
{
	pthread_condattr_t a;

	json_set_alloc_funcs(malloc, wiping_free);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&registry.changed, &a);
	pthread_condattr_destroy(&a);
}

static void wait_ms(pthread_cond_t *c, pthread_mutex_t *m, uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(c, m, &t);
}

/* --- a handle ----------------------------------------------------------- */

static void destroy(struct oauth **o)
{
	struct oauth *p = *o;

	if (!p)
		return;
	config_release(&p->c);
	tokens_release(&p->t);
	free(p->name);
	wipe_text(&p->dead);
	signer_close(&p->signer);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
	*o = NULL;
}

static struct oauth *make(const struct oauth_config *c)
{
	struct oauth *o = calloc(1, sizeof(*o));
	pthread_condattr_t a;

	if (!o)
		return NULL;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &a);
	pthread_condattr_destroy(&a);
	if (config_copy(&o->c, c))
		destroy(&o);
	return o;
}

/* --- what the handle holds ---------------------------------------------- */

/* Refresh at 80 % of the life, some a little earlier than others, so that
 * many handles do not all ask at once. */
static uint64_t refresh_at(uint64_t got, uint64_t ends)
{
	uint64_t life = ends - got;
	uint64_t early = life / 50 ? clock_ms() * 2654435761u % (life / 50) : 0;

	return got + life * 4 / 5 - early;
}

static void take(struct oauth *o, struct oauth_tokens *t)
{
	int64_t now = (int64_t)(clock_wall_ms() / 1000);
	uint64_t mono = clock_ms();

	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		const struct oauth_access *a = &t->access[i];
		struct life *l = &o->life[i];
		int64_t age = now - a->got, left = a->ends - now;

		if (!a->token || (o->t.access[i].token &&
		                  !strcmp(a->token, o->t.access[i].token)))
			continue;
		if (age < 0)
			age = 0;
		if (left < 0)
			left = 0;
		l->ends_ms = mono + (uint64_t)left * 1000;
		l->got_ms = mono > (uint64_t)age * 1000
		                    ? mono - (uint64_t)age * 1000
		                    : 0;
		l->refresh_ms = refresh_at(l->got_ms, l->ends_ms);
		o->why[i].code = EC_NONE;
	}
	if (t->account && !oauth_same(o->name, t->account)) {
		free(o->name);
		o->name = strdup(t->account);
	}
	tokens_release(&o->t);
	o->t = *t;
	memset(t, 0, sizeof(*t));
}

static bool is_good(const struct oauth *o, enum oauth_resource r,
                    const char *refused)
{
	const struct life *l = &o->life[r];
	uint64_t margin = (l->ends_ms - l->got_ms) / 10;

	if (margin > OAUTH_MARGIN_MS)
		margin = OAUTH_MARGIN_MS;
	if (!o->t.access[r].token || clock_ms() + margin >= l->ends_ms)
		return false;
	return !refused || strcmp(o->t.access[r].token, refused) != 0;
}

/* A refusal that was heard a moment ago, or the one that ended the sign-in
 * for good. */
static bool old_refusal(struct oauth *o, enum oauth_resource r, struct err *e)
{
	if (!o->why[r].code || clock_ms() - o->why_ms[r] > SAME_ANSWER_MS)
		return false;
	if (e)
		*e = o->why[r];
	return true;
}

static void wake_refresher(void)
{
	pthread_mutex_lock(&registry.lock);
	pthread_cond_broadcast(&registry.changed);
	pthread_mutex_unlock(&registry.lock);
}

/* With the lock held, which is given up meanwhile. */
static int fetch_busy(struct oauth *o, enum oauth_resource r,
                      const char *refused, struct err *e)
{
	struct oauth_tokens t = { 0 };
	struct err why = { 0 };
	int rc;

	if (old_refusal(o, r, e))
		return -1;
	o->busy = true;
	pthread_mutex_unlock(&o->lock);
	rc = oauth_fetch(o, r, refused, o->c.cancel, &t, &why);
	pthread_mutex_lock(&o->lock);
	if (!rc)
		take(o, &t);
	else if (why.next == NEXT_SIGN_IN || why.next == NEXT_ASK_PERSON) {
		o->why[r] = why;
		o->why_ms[r] = clock_ms();
	}
	tokens_release(&t);
	if (rc && e)
		*e = why;
	o->busy = false;
	pthread_cond_broadcast(&o->changed);
	return rc;
}

/* The service refuses tokens that were just made: asking for more of them
 * would be a loop, which Microsoft punishes. Of many who were refused the
 * same token, only the one that fetches another counts. */
static int too_many(struct oauth *o, enum oauth_resource r, const char *refused,
                    struct err *e)
{
	uint64_t now = clock_ms();

	if (!refused || !o->t.access[r].token ||
	    strcmp(refused, o->t.access[r].token) != 0 ||
	    now >= o->life[r].ends_ms)
		return 0;
	if (now - o->refusals_ms > REFUSALS_MS) {
		o->refusals = 0;
		o->refusals_ms = now;
	}
	if (++o->refusals <= REFUSALS_MOST)
		return 0;
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	                "%s keeps refusing sign-ins that Microsoft has just "
	                "given out for '%.80s'. A rule of the organisation "
	                "may have revoked them: sign in again with 'mailhaul "
	                "login %.80s', then 'mailhaul run' goes on; nothing "
	                "is lost.",
	                r == OAUTH_GRAPH ? "Microsoft Graph" : "The mailbox",
	                o->c.tenant, o->c.tenant);
}

static int hand_out(struct oauth *o, enum oauth_resource r, char **out,
                    uint64_t *ends_ms, struct err *e)
{
	*out = strdup(o->t.access[r].token);
	if (!*out)
		return err_memory(e);
	if (ends_ms)
		*ends_ms = o->life[r].ends_ms;
	return 0;
}

static int token_locked(struct oauth *o, enum oauth_resource r,
                        const char *refused, char **out, uint64_t *ends_ms,
                        bool *fetched, struct err *e)
{
	if (config_check(&o->c, e))
		return -1;
	while (!is_good(o, r, refused)) {
		if (o->c.cancel && atomic_load(o->c.cancel))
			return err_setf(e, ERR_ACCOUNT, NEXT_RETRY,
			                EC_INTERRUPTED,
			                "Stopped while signing in. Nothing is "
			                "lost.");
		if (o->busy) {
			wait_ms(&o->changed, &o->lock, WAIT_MS);
			continue;
		}
		if (too_many(o, r, refused, e) || fetch_busy(o, r, refused, e))
			return -1;
		*fetched = true;
		if (!o->t.access[r].token)
			return oauth_nobody(o, e);
		break;
	}
	return hand_out(o, r, out, ends_ms, e);
}

int oauth_token(struct oauth *o, enum oauth_resource r, const char *refused,
                char **out, uint64_t *ends_ms, struct err *e)
{
	bool fetched = false;
	int rc;

	*out = NULL;
	pthread_mutex_lock(&o->lock);
	rc = token_locked(o, r, refused, out, ends_ms, &fetched, e);
	pthread_mutex_unlock(&o->lock);
	if (fetched)
		wake_refresher();
	return rc;
}

/* --- the refresher ------------------------------------------------------ */

static uint64_t due_at(struct oauth *o, enum oauth_resource *r)
{
	uint64_t first = UINT64_MAX;

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; !o->busy && i < OAUTH_RESOURCES; i++)
		if (o->t.access[i].token && o->life[i].refresh_ms < first) {
			first = o->life[i].refresh_ms;
			*r = (enum oauth_resource)i;
		}
	pthread_mutex_unlock(&o->lock);
	return first;
}

static void refresh_ahead(struct oauth *o, enum oauth_resource r)
{
	struct oauth_tokens t = { 0 };
	struct err e = { 0 };
	uint64_t life, pause;
	int rc;

	pthread_mutex_lock(&o->lock);
	if (o->busy) {
		pthread_mutex_unlock(&o->lock);
		return;
	}
	o->busy = true;
	pthread_mutex_unlock(&o->lock);
	rc = oauth_renew(o, r, NULL, true, &o->closing, &t, &e);
	pthread_mutex_lock(&o->lock);
	if (!rc)
		take(o, &t);
	life = o->life[r].ends_ms - o->life[r].got_ms;
	pause = life / 10 < 60000 ? life / 10 : 60000;
	if (o->life[r].refresh_ms <= clock_ms())
		o->life[r].refresh_ms = clock_ms() + (pause ? pause : 1000);
	if (rc)
		log_msg("tokens: not refreshed yet: %s",
		        e.code ? err_code_name(e.code) : "no sign-in");
	tokens_release(&t);
	o->busy = false;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

/* With the registry locked: the handle that is due next, and when. */
static struct oauth *next_due(enum oauth_resource *r, uint64_t *when)
{
	struct oauth *found = NULL;

	*when = UINT64_MAX;
	for (struct oauth *o = registry.all; o; o = o->next) {
		enum oauth_resource which = OAUTH_GRAPH;
		uint64_t at = due_at(o, &which);

		if (at < *when) {
			*when = at;
			*r = which;
			found = o;
		}
	}
	return found;
}

static void *refresher(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&registry.lock);
	while (!registry.stop) {
		enum oauth_resource r = OAUTH_GRAPH;
		uint64_t when, now = clock_ms();
		struct oauth *o = next_due(&r, &when);

		if (!o || when > now) {
			wait_ms(&registry.changed, &registry.lock,
			        o && when - now < LOOK_MS ? when - now + 1
			                                  : LOOK_MS);
			continue;
		}
		o->pinned = true;
		pthread_mutex_unlock(&registry.lock);
		refresh_ahead(o, r);
		pthread_mutex_lock(&registry.lock);
		o->pinned = false;
		pthread_cond_broadcast(&registry.changed);
	}
	pthread_mutex_unlock(&registry.lock);
	return NULL;
}

/* --- the registry ------------------------------------------------------- */

static struct oauth *find(const struct oauth_config *c)
{
	for (struct oauth *o = registry.all; o; o = o->next)
		if (config_same(&o->c, c))
			return o;
	return NULL;
}

/* With life and registry locked. Without the thread tokens are fetched
 * when somebody needs them. */
static void start_refresher(void)
{
	sigset_t all, before;

	if (registry.running)
		return;
	/* Signals are for the thread that waits for them, which may begin
	 * later than this one. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	registry.stop = false;
	registry.running =
	        !pthread_create(&registry.thread, NULL, refresher, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int oauth_get(struct oauth **out, const struct oauth_config *c, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct oauth *o;

	*out = NULL;
	pthread_once(&once, prepare);
	pthread_mutex_lock(&registry.life);
	pthread_mutex_lock(&registry.lock);
	o = find(c);
	if (!o && (o = make(c)) != NULL) {
		o->next = registry.all;
		registry.all = o;
	}
	if (o) {
		o->users++;
		start_refresher();
	}
	pthread_mutex_unlock(&registry.lock);
	pthread_mutex_unlock(&registry.life);
	*out = o;
	return o ? 0 : err_memory(e);
}

/* With the registry locked. True if nobody is left. */
static bool leave(struct oauth *o)
{
	struct oauth **at = &registry.all;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	atomic_store(&o->closing, 1);
	while (o->pinned)
		wait_ms(&registry.changed, &registry.lock, LOOK_MS);
	return !registry.all;
}

void oauth_put(struct oauth **o)
{
	struct oauth *p = *o;
	bool last;

	if (!p)
		return;
	*o = NULL;
	pthread_mutex_lock(&registry.life);
	pthread_mutex_lock(&registry.lock);
	if (--p->users > 0) {
		pthread_mutex_unlock(&registry.lock);
		pthread_mutex_unlock(&registry.life);
		return;
	}
	last = leave(p) && registry.running;
	if (last) {
		registry.stop = true;
		registry.running = false;
		pthread_cond_broadcast(&registry.changed);
	}
	pthread_mutex_unlock(&registry.lock);
	if (last)
		pthread_join(registry.thread, NULL);
	pthread_mutex_unlock(&registry.life);
	destroy(&p);
}

/* --- the rest ----------------------------------------------------------- */

bool oauth_app_only(const struct oauth *o)
{
	return o->c.way != OAUTH_DEVICE;
}

char *oauth_account(struct oauth *o)
{
	char *name = NULL;

	pthread_mutex_lock(&o->lock);
	if (!oauth_app_only(o) && o->t.account)
		name = strdup(o->t.account);
	pthread_mutex_unlock(&o->lock);
	return name;
}

static void forget_locked(struct oauth *o)
{
	tokens_release(&o->t);
	memset(o->life, 0, sizeof(o->life));
	memset(o->why, 0, sizeof(o->why));
	free(o->name);
	o->name = NULL;
	wipe_text(&o->dead);
}

int oauth_forget(struct oauth *o, struct err *e)
{
	struct oauth_who w = oauth_who_is(o);
	CLEANUP(free_p) char *last = NULL;

	if (config_check(&o->c, e))
		return -1;
	pthread_mutex_lock(&o->lock);
	forget_locked(o);
	pthread_mutex_unlock(&o->lock);
	if (oauth_app_only(o))
		return cache_drop(&w, OAUTH_APP, e);
	if (!o->c.account)
		return cache_drop_all(&w, e);
	last = cache_last(&w);
	if (last && !strcasecmp(o->c.account, last) &&
	    cache_set_last(&w, NULL, e))
		return -1;
	return cache_drop(&w, o->c.account, e);
}

/* With the lock held. */
static int sign_in_locked(struct oauth *o, struct err *e)
{
	struct oauth_talk k = oauth_talk_of(o, o->c.cancel);
	struct oauth_tokens t = { 0 };
	int rc;

	while (o->busy)
		wait_ms(&o->changed, &o->lock, WAIT_MS);
	o->busy = true;
	pthread_mutex_unlock(&o->lock);
	rc = ask_device(&k, NULL, NULL, &t, e);
	if (!rc)
		rc = oauth_keep(o, &t, e);
	pthread_mutex_lock(&o->lock);
	if (!rc) {
		forget_locked(o);
		take(o, &t);
	}
	tokens_release(&t);
	o->busy = false;
	pthread_cond_broadcast(&o->changed);
	return rc;
}

int oauth_sign_in(struct oauth *o, struct err *e)
{
	int rc;

	if (config_check(&o->c, e))
		return -1;
	if (oauth_app_only(o)) {
		pthread_mutex_lock(&o->lock);
		forget_locked(o);
		pthread_mutex_unlock(&o->lock);
		struct oauth_who w = oauth_who_is(o);

		return cache_drop(&w, OAUTH_APP, e);
	}
	if (!o->c.show)
		return oauth_nobody(o, e);
	pthread_mutex_lock(&o->lock);
	rc = sign_in_locked(o, e);
	pthread_mutex_unlock(&o->lock);
	return rc;
}
