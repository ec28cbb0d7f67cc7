/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_fetch.c - a token from the cache or the network, by the one caller
 * of a handle that is busy with it.
 */
#include "net/oauth_int.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/log.h"

/* --- the cache ---------------------------------------------------------- */

struct oauth_who oauth_who_is(const struct oauth *o)
{
	struct oauth_who w;

	oauth_who_of(&o->c, &w);
	return w;
}

static int64_t wall(void)
{
	return (int64_t)(clock_wall_ms() / 1000);
}

static bool is_fresh(const struct oauth_access *a, const char *refused,
                     bool ahead)
{
	int64_t life = a->ends - a->got, now = wall();
	int64_t margin = life / 10;

	if (!a->token || life <= 0 || a->got > now + 300)
		return false;
	if (refused && !strcmp(a->token, refused))
		return false;
	if (margin > OAUTH_MARGIN_MS / 1000)
		margin = OAUTH_MARGIN_MS / 1000;
	if (ahead)
		return now < a->got + life * 4 / 5;
	return now < a->ends - margin;
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -1 : 0;
}

static int copy_tokens(struct oauth_tokens *to, const struct oauth_tokens *from)
{
	memset(to, 0, sizeof(*to));
	if (copy_text(&to->account, from->account) ||
	    copy_text(&to->refresh, from->refresh))
		return -1;
	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		const struct oauth_access *a = &from->access[i];

		if (a->token && tokens_set(to, (enum oauth_resource)i, a->token,
		                           a->got, a->ends))
			return -1;
	}
	return 0;
}

/* The tokens that are kept for whom the handle stands: 1, or 0 for none.
 * Without a sign-in of the account itself, the one that was last; where
 * nothing can be kept, what is in memory. Only for who is busy. */
static int load(struct oauth *o, struct oauth_tokens *t, struct err *e)
{
	struct oauth_who w = oauth_who_is(o);
	CLEANUP(free_p) char *last = NULL;
	int found = 0;

	memset(t, 0, sizeof(*t));
	if (oauth_app_only(o))
		found = cache_load(&w, OAUTH_APP, t, e);
	else if (o->name)
		found = cache_load(&w, o->name, t, e);
	if (!found && !oauth_app_only(o) && o->c.account)
		found = cache_load(&w, o->c.account, t, e);
	if (!found && !oauth_app_only(o) && (last = cache_last(&w)) != NULL)
		found = cache_load(&w, last, t, e);
	if (found || (!o->t.refresh && !oauth_app_only(o)))
		return found;
	if (!copy_tokens(t, &o->t))
		return 1;
	tokens_release(t);
	return err_memory(e);
}

static const char *name_of(const struct oauth *o, const struct oauth_tokens *t)
{
	if (oauth_app_only(o))
		return OAUTH_APP;
	return t->account ? t->account : o->name ? o->name : o->c.account;
}

/* A sign-in that can't be kept serves this run all the same. */
static void keep(struct oauth *o, const struct oauth_tokens *t)
{
	struct oauth_who w = oauth_who_is(o);
	struct err e = { 0 };

	if (cache_save(&w, name_of(o, t), t, &e))
		log_msg("tokens: %s (%s)", e.text, e.detail);
}

/* --- one that is busy asks ---------------------------------------------- */

struct oauth_talk oauth_talk_of(struct oauth *o, const atomic_int *cancel)
{
	return (struct oauth_talk){ &o->c, &o->signer, &o->alg, cancel };
}

static bool somebody_signed_in(void *arg)
{
	struct oauth *o = arg;
	struct oauth_tokens t;
	struct err e;
	bool yes = load(o, &t, &e) == 1 && t.refresh &&
	           (!o->dead || strcmp(t.refresh, o->dead) != 0);

	tokens_release(&t);
	return yes;
}

/* Keeps what a device code brought, and remembers whose it is. */
int oauth_keep(struct oauth *o, const struct oauth_tokens *t, struct err *e)
{
	struct oauth_who w = oauth_who_is(o);

	free(o->name);
	o->name = strdup(t->account);
	if (!o->name)
		return err_memory(e);
	if (cache_save(&w, o->name, t, e))
		return -1;
	return cache_set_last(&w, o->name, e);
}

int oauth_nobody(const struct oauth *o, struct err *e)
{
	struct oauth_who w = oauth_who_is(o);
	CLEANUP(free_p) char *line = oauth_login_line(&w);

	if (!line)
		return err_memory(e);
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	                "Nobody has signed in to '%.80s'%s%.100s yet. Sign in "
	                "with: %.200s - then 'mailhaul run' goes on; nothing "
	                "is lost.",
	                w.tenant, w.account ? " for " : "",
	                w.account ? w.account : "", line);
}

/* A person signs in, here or with another mailhaul. */
static int sign_in(struct oauth *o, const atomic_int *cancel,
                   struct oauth_tokens *t, struct err *e)
{
	struct oauth_talk k = oauth_talk_of(o, cancel);
	struct oauth_tokens new = { 0 };
	struct err kept = { 0 };
	int rc = ask_device(&k, somebody_signed_in, o, &new, e);

	if (rc) {
		tokens_release(&new);
		return -1;
	}
	tokens_release(t);
	if (!new.refresh) /* it was another one */
		return load(o, t, e) == 1 ? 0 : oauth_nobody(o, e);
	*t = new;
	if (oauth_keep(o, t, &kept))
		log_msg("tokens: %s (%s)", kept.text, kept.detail);
	return 0;
}

/* The service has ended the sign-in: the token is of no use any more. */
static bool is_dead(const struct err *e)
{
	return e->code == EC_SIGN_IN && e->next == NEXT_SIGN_IN;
}

static int refresh(struct oauth *o, enum oauth_resource r,
                   const atomic_int *cancel, struct oauth_tokens *t,
                   struct err *e)
{
	struct oauth_talk k = oauth_talk_of(o, cancel);
	struct err why = { 0 };

	if (!ask_refresh(&k, r, t, &why))
		return 0;
	if (is_dead(&why)) {
		wipe_text(&o->dead);
		o->dead = strdup(t->refresh);
		o->dead_why = why;
	}
	if (e)
		*e = why;
	return -1;
}

/* Refreshes what the cache holds, under the lock of the processes.
 * 0: *t has a good token for r; 1: there is no sign-in to use. */
int oauth_renew(struct oauth *o, enum oauth_resource r, const char *refused,
                bool ahead, const atomic_int *cancel, struct oauth_tokens *t,
                struct err *e)
{
	struct oauth_who w = oauth_who_is(o);
	CLEANUP(close_p) int fd = -1;
	const char *name;
	int found = load(o, t, e);

	if (found < 0)
		return -1;
	name = oauth_app_only(o) ? OAUTH_APP : t->account;
	if (found && is_fresh(&t->access[r], refused, ahead))
		return 0;
	if (name && cache_lock(&w, name, cancel, &fd, e))
		return -1;
	/* Somebody may have been quicker. */
	tokens_release(t);
	found = load(o, t, e);
	if (found < 0)
		return -1;
	if (found && is_fresh(&t->access[r], refused, ahead))
		return 0;
	if (oauth_app_only(o)) {
		struct oauth_talk k = oauth_talk_of(o, cancel);

		if (ask_app(&k, r, t, e))
			return -1;
	} else {
		if (!t->refresh || (o->dead && !strcmp(t->refresh, o->dead)))
			return 1;
		if (refresh(o, r, cancel, t, e))
			return -1;
	}
	keep(o, t);
	return 0;
}

/* Everything there is to try, in turn. */
int oauth_fetch(struct oauth *o, enum oauth_resource r, const char *refused,
                const atomic_int *cancel, struct oauth_tokens *t, struct err *e)
{
	struct err why = { 0 };
	int rc = oauth_renew(o, r, refused, false, cancel, t, &why);

	if (rc == 0)
		return 0;
	if (rc < 0 && (!is_dead(&why) || oauth_app_only(o) || !o->c.show)) {
		if (e)
			*e = why;
		return -1;
	}
	if (!o->c.show) {
		if (!o->dead)
			return oauth_nobody(o, e);
		if (e)
			*e = o->dead_why;
		return -1;
	}
	if (sign_in(o, cancel, t, e))
		return -1;
	if (is_fresh(&t->access[r], NULL, false))
		return 0;
	tokens_release(t);
	rc = oauth_renew(o, r, refused, false, cancel, t, e);
	return rc > 0 ? oauth_nobody(o, e) : rc;
}
