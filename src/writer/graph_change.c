/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_change.c - the only changes to a destination: state of our own
 * copies that are still as we set them, and taking back a copy of ours that
 * was left half-made or that a late commit doubled.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/keywords.h"
#include "util/buf.h"
#include "util/step.h"
#include "writer/graph_writer.h"

#define TRIES 4
#define PAUSE_MS 1000

/* Which a PATCH can change: what is a draft, creation has decided. */
#define CHANGEABLE (MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED)

/* --- one copy ------------------------------------------------------------- */

int graph_patch(struct graph_worker *k, const char *copy, json_t *body,
                struct graph_reply *answer, struct err *e)
{
	long unit = step_number("MAILHAUL_TEST_SEARCH_MS", PAUSE_MS);
	char *path CLEANUP(free_p) = graph_copy_path(k->g, copy, "");
	char *text CLEANUP(free_p) = json_dumps(body, JSON_COMPACT);
	struct graph_reply r = { 0 };
	struct graph_call c = { .method = "PATCH", .path = path, .body = text };
	int failed = -1;

	json_decref(body);
	if (!path || !text)
		return err_memory(e);
	c.size = strlen(text);
	for (unsigned tries = 0; failed && tries < TRIES; tries++) {
		if (tries && !graph_rest(k, (uint64_t)unit << tries))
			break;
		graph_reply_release(&r);
		failed = graph_call(k->g, &c, &r, e);
		if (failed && r.status != 409 && r.status != 412 &&
		    e->next != NEXT_ASK && e->next != NEXT_RETRY)
			break;
	}
	if (answer)
		*answer = r;
	else
		graph_reply_release(&r);
	return failed;
}

/* 1: it is not there; 0: it is; -1. */
static int is_gone(struct graph *g, const char *copy, struct err *e)
{
	char *path CLEANUP(free_p) = graph_copy_path(g, copy, "?$select=id");
	struct graph_call c = { .method = "GET", .path = path };
	struct graph_reply r = { 0 };
	int failed = path ? graph_call(g, &c, &r, e) : err_memory(e);

	if (failed && r.status == 404)
		failed = 1;
	graph_reply_release(&r);
	return failed;
}

static int call(struct graph *g, const char *method, const char *copy,
                const char *rest, int *status, struct err *e)
{
	char *path CLEANUP(free_p) = graph_copy_path(g, copy, rest);
	struct graph_call c = { .method = method, .path = path };
	struct graph_reply r = { 0 };
	int failed = path ? graph_call(g, &c, &r, e) : err_memory(e);

	*status = r.status;
	graph_reply_release(&r);
	return failed;
}

/*
 * permanentDelete leaves nothing in anybody's bin; where it is not offered,
 * or refused, DELETE.
 */
int graph_delete(struct graph *g, const char *copy, struct err *e)
{
	int status, gone;

	if (call(g, "POST", copy, "/permanentDelete", &status, e) == 0)
		return 0;
	if (e->code == EC_INTERRUPTED)
		return -1;
	if (call(g, "DELETE", copy, "", &status, e) == 0 || status == 404)
		return 0;
	if (e->code == EC_INTERRUPTED)
		return -1;
	gone = is_gone(g, copy, e);
	if (gone == 0)
		return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_SERVER_NO,
		               "Microsoft 365 did not let mailhaul take back "
		               "a message that it had just stored itself.",
		               "DELETE: status %d", status);
	return gone < 0 ? -1 : 0;
}

/* --- several at once ------------------------------------------------------ */

/* A part of a $batch that is neither done nor gone. */
static int part_error(struct writer *w, const struct graph_part *p,
                      struct err *e)
{
	graph_error(p->status, p->answer, 0, w->a->user, e);
	return -1;
}

static bool part_ok(const struct graph_part *p)
{
	return p->status >= 200 && p->status < 300;
}

/* What finish does with some messages at a time. */
struct changing {
	struct writer *w;
	struct message *m[GRAPH_PARTS];
	struct graph_part part[GRAPH_PARTS];
	size_t n;
};

static void forget_parts(struct changing *c)
{
	graph_parts_release(c->part, c->n);
	memset(c->part, 0, sizeof(c->part));
}

static int ask_states(struct changing *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		c->part[i].method = "GET";
		c->part[i].url =
		        graph_state_path(c->w->g, c->m[i]->dest_name, "");
		if (!c->part[i].url)
			return err_memory(e);
	}
	return graph_batch(c->w->g, c->part, c->n, e);
}

static bool is_like(const struct message *now, unsigned flags,
                    const char *keywords)
{
	return (now->flags & CHANGEABLE) == (flags & CHANGEABLE) &&
	       keywords_equal(now->keywords, keywords);
}

/* MSG_UNFINISHED: to be changed. */
static int judge(struct changing *c, size_t i, struct err *e)
{
	struct message *m = c->m[i], now = { 0 };
	const struct graph_part *p = &c->part[i];
	int failed = 0;

	if (p->status == 404) {
		m->state = MSG_GONE_DEST;
		return 0;
	}
	if (!part_ok(p))
		return part_error(c->w, p, e);
	failed = graph_state_of(p->answer, &now, e);
	/* As it is to be: an earlier attempt got so far. */
	if (!failed && (is_like(&now, m->set_flags, m->set_keywords) ||
	                is_like(&now, m->flags, m->keywords)))
		m->state = MSG_UNFINISHED;
	else if (!failed)
		m->tries = 1;
	message_release(&now);
	return failed;
}

/* Keeps those that are to be changed, as PATCHes. */
static int make_patches(struct changing *c, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->m[i]->state == MSG_UNFINISHED)
			c->m[n++] = c->m[i];
	c->n = n;
	for (size_t i = 0; i < c->n; i++) {
		const struct message *m = c->m[i];
		struct graph_part *p = &c->part[i];

		p->method = "PATCH";
		p->url = graph_copy_path(c->w->g, m->dest_name, "");
		p->body = graph_state_body(m->flags, m->keywords, true);
		if (!p->url || !p->body)
			return err_memory(e);
	}
	return 0;
}

static int patched(struct changing *c, size_t i, struct err *e)
{
	struct message *m = c->m[i];
	const struct graph_part *p = &c->part[i];

	m->state = MSG_MOVED;
	if (p->status == 404) {
		m->state = MSG_GONE_DEST;
		return 0;
	}
	if (p->status == 409 || p->status == 412) {
		m->tries = 1;
		return 0;
	}
	if (!part_ok(p))
		return part_error(c->w, p, e);
	m->set_flags = m->flags;
	free(m->set_keywords);
	m->set_keywords = m->keywords ? strdup(m->keywords) : NULL;
	return m->keywords && !m->set_keywords ? err_memory(e) : 0;
}

static int change_some(struct changing *c, struct err *e)
{
	size_t had = c->n;
	int failed = ask_states(c, e);

	for (size_t i = 0; i < c->n && !failed; i++)
		failed = judge(c, i, e);
	forget_parts(c);
	if (failed)
		return -1;
	failed = make_patches(c, e) ||
	         (c->n && graph_batch(c->w->g, c->part, c->n, e));
	for (size_t i = 0; i < c->n && !failed; i++)
		failed = patched(c, i, e);
	c->n = had;
	forget_parts(c);
	return failed ? -1 : 0;
}

static int keep_allowed(struct message *m, struct err *e)
{
	char *kept;

	m->flags &= MAIL_FLAGS_KEPT;
	m->tries = 0;
	if (graph_keywords(m->keywords, m->flags, &kept, e)) {
		free(kept);
		return -1;
	}
	free(m->keywords);
	m->keywords = kept;
	return 0;
}

int graph_finish(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e)
{
	struct changing c = { .w = w };

	(void)f;
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];

		if (keep_allowed(m, e))
			return -1;
		if (!m->dest_name)
			continue;
		c.m[c.n++] = m;
		if (c.n < GRAPH_PARTS)
			continue;
		if (change_some(&c, e))
			return -1;
		c.n = 0;
	}
	return c.n ? change_some(&c, e) : 0;
}

/* --- taking back ---------------------------------------------------------- */

/*
 * A person's copy of ours has its SourceId, too. A half one is proven by
 * that its sending has no whole one and that it is the first of its kind, a
 * whole one only by standing alone.
 */
static int is_proven(struct graph *g, const struct graph_id *id,
                     const char *copy, const char *created, bool *yes,
                     struct err *e)
{
	struct graph_id whole = *id;
	size_t n = 0;
	bool older;

	*yes = false;
	if (graph_kin(g, id, copy, created, &n, &older, e))
		return -1;
	*yes = id->half ? !older : !n;
	if (!id->half || !*yes)
		return 0;
	whole.half = false;
	if (graph_kin(g, &whole, copy, NULL, &n, &older, e))
		return -1;
	*yes = !n;
	return 0;
}

/* Only what says itself that it is ours, and still is as half as it was. */
static int take_back_one(struct writer *w, const struct message *m,
                         size_t *left, struct err *e)
{
	char *path CLEANUP(free_p) =
	        graph_state_path(w->g, m->dest_name, ",createdDateTime");
	struct graph_call c = { .method = "GET", .path = path };
	struct graph_reply r = { 0 };
	struct graph_id id;
	int failed = path ? graph_call(w->g, &c, &r, e) : err_memory(e);
	bool gone = r.status == 404;
	bool ours = !failed && graph_id_of(r.json, &id) && id.half == m->half &&
	            (!m->attempt || id.attempt == m->attempt);

	if (ours)
		failed = is_proven(w->g, &id, m->dest_name,
		                   graph_text(r.json, "createdDateTime"), &ours,
		                   e);
	graph_reply_release(&r);
	if (gone)
		return 0;
	if (failed)
		return -1;
	if (ours)
		return graph_delete(w->g, m->dest_name, e);
	/* A half one that is a person's, or was completed, is nobody's
	 * second one. */
	*left += !m->half;
	return 0;
}

int graph_take_back(struct writer *w, const struct folder *f, struct batch *b,
                    struct err *e)
{
	size_t left = 0;

	(void)f;
	for (size_t i = 0; i < b->n; i++) {
		if (!b->v[i].dest_name)
			left++;
		else if (take_back_one(w, &b->v[i], &left, e))
			return -1;
	}
	if (!left)
		return 0;
	return err_set(e, ERR_FOLDER, NEXT_GIVE_UP, EC_DOUBLED,
	               "Microsoft 365 stored a message late and so twice, and "
	               "nothing proves which of the two is mailhaul's to take "
	               "back. Delete the second one by hand.",
	               "%zu without our SourceId", left);
}
