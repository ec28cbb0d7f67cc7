/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_import.c - importMime, m365.md C.4 (c): the message's own octets,
 * never a draft. Beta, and not said which date and read state it sets.
 *
 * So it is asked for once a mailbox, and used only after a canary: a real
 * message is imported, its state set, and what a person will see is read
 * back. If that is wrong the canary is taken back and JSON is used.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime/graph_ids.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/step.h"
#include "writer/graph_writer.h"

#define RIGHT_MINE "Mail-Advanced.ReadWrite"
#define RIGHT_ALL "Mail-Advanced.ReadWrite.All"
#define RAW_MOST (GRAPH_REQUEST_MOST / 4 * 3)
#define CANARIES 3 /* that may come to no end */
#define ASTRAY 5   /* messages whose date came out wrong */
#define DAY 86400

/* --- whether it is open to us --------------------------------------------- */

void graph_import_init(struct writer *w)
{
	const struct claims *c = graph_claims(w->g);
	bool may = c && (claims_has(c, RIGHT_ALL) || claims_has(c, RIGHT_MINE));

	w->import = may ? IMPORT_UNTRIED : IMPORT_NO;
}

static void decide(struct writer *w, enum import_state to)
{
	pthread_mutex_lock(&w->lock);
	w->import = to;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
}

/* *trying: this message is the canary, for which the others wait. */
static bool is_for_import(struct writer *w, const struct message *m,
                          bool *trying)
{
	bool yes;

	*trying = false;
	if (m->body.size == 0 || m->body.size > RAW_MOST ||
	    m->set_flags & MAIL_DRAFT)
		return false;
	pthread_mutex_lock(&w->lock);
	while (w->import == IMPORT_TRYING)
		pthread_cond_wait(&w->work, &w->lock);
	yes = w->import == IMPORT_YES;
	if (w->import == IMPORT_UNTRIED) {
		w->import = IMPORT_TRYING;
		*trying = yes = true;
	}
	pthread_mutex_unlock(&w->lock);
	return yes;
}

/* An empty body: 400 says that it is there and that we may. */
static bool is_offered(struct graph_worker *k, const struct folder *f)
{
	char *path CLEANUP(free_p) =
	        graph_folder_path(k->g, f->raw, "/importMime");
	struct graph_call c = { .method = "POST",
		                .path = path,
		                .beta = true,
		                .type = "text/plain" };
	struct graph_reply r = { 0 };
	struct err why = { 0 };

	bool yes;

	if (path)
		graph_call(k->g, &c, &r, &why);
	yes = r.status == 400;
	log_msg("graph: importMime is %soffered (status %d)", yes ? "" : "not ",
	        r.status);
	graph_reply_release(&r);
	return yes;
}

/* --- one message ---------------------------------------------------------- */

struct importing {
	struct graph_worker *k;
	struct graph_job *j;
	struct message *m;
	char *copy;
	struct graph_id id;
	bool draft, canary;
};

static enum carry post(struct importing *s, struct err *why)
{
	uint64_t size = s->m->body.size;
	char *path CLEANUP(free_p) =
	        graph_folder_path(s->k->g, s->j->to->f.raw, "/importMime");
	struct graph_call c = { .method = "POST",
		                .path = path,
		                .beta = true,
		                .type = "text/plain",
		                .source = graph_base64_source,
		                .source_arg = &s->m->body,
		                .size = (size + 2) / 3 * 4 };
	struct graph_reply r = { 0 };
	const char *id = NULL;
	enum carry how = CARRY_STORED;

	if (!path ? err_memory(why) : graph_call(s->k->g, &c, &r, why)) {
		how = graph_judge(why);
		/* What it refuses, JSON may take. */
		if (how == CARRY_REFUSED && why->reach <= ERR_MESSAGE)
			how = CARRY_OTHER;
		if (r.status == 403 || r.status == 405 || r.status == 404) {
			decide(s->k->w, IMPORT_NO);
			how = CARRY_OTHER;
		}
	} else if (!(id = graph_text(r.json, "id")) || r.status != 201) {
		err_set(why, ERR_ACCOUNT, NEXT_ASK, EC_PROTOCOL,
		        "Microsoft 365 took a message and did not say under "
		        "what name. mailhaul looks for it.",
		        "importMime: status %d", r.status);
		how = CARRY_DOUBT;
	} else {
		s->draft = json_is_true(json_object_get(r.json, "isDraft"));
		s->copy = strdup(id);
		if (!s->copy) {
			err_memory(why);
			how = CARRY_DOUBT;
		}
	}
	graph_reply_release(&r);
	return how;
}

static int add_date(json_t *body, const struct mail_date *d)
{
	char text[40];
	struct tm tm;
	time_t t = (time_t)d->sec;

	if (!d->known || d->sec < DAY)
		return 0;
	if (!gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return 0;
	return graph_add_property(body, GRAPH_ID_RECEIVED, text);
}

static int set_state_once(struct importing *s, bool date,
                          struct graph_reply *now, struct err *e)
{
	struct message *m = s->m;
	char text[GRAPH_ID_MOST];
	json_t *body = graph_state_body(m->set_flags, m->set_keywords, true);

	/* How many attachments its octets become is Exchange's to say. A
	 * canary is not whole before it was looked at: if we are stopped, it
	 * must not be taken for a good copy. */
	graph_id_new(m, &s->id);
	s->id.attachments = GRAPH_ID_ANY;
	s->id.half = s->canary;
	graph_id_put(&s->id, text);
	if (!body || graph_add_property(body, GRAPH_ID_SOURCE, text) ||
	    (date && add_date(body, &m->date))) {
		json_decref(body);
		return err_memory(e);
	}
	return graph_patch(s->k, s->copy, body, now, e);
}

static int set_state(struct importing *s, struct graph_reply *now,
                     struct err *e)
{
	int failed = set_state_once(s, true, now, e);

	/* Tenants may not let the date be set afterwards. */
	if (!failed || now->status < 400 || now->status > 403)
		return failed;
	graph_reply_release(now);
	return set_state_once(s, false, now, e);
}

static int make_whole(struct importing *s, struct err *e)
{
	char text[GRAPH_ID_MOST];
	json_t *body = json_object();

	s->id.half = false;
	graph_id_put(&s->id, text);
	if (!body || graph_add_property(body, GRAPH_ID_SOURCE, text)) {
		json_decref(body);
		return err_memory(e);
	}
	return graph_patch(s->k, s->copy, body, NULL, e);
}

/* What a person will see. 1: as it should be. */
static int is_right(const json_t *item, const struct message *m, struct err *e)
{
	struct message now = { 0 };
	unsigned shown = MAIL_SEEN | MAIL_DRAFT;
	const char *received = graph_text(item, "receivedDateTime");
	int64_t sec = 0;
	int right = graph_state_of(item, &now, e) ? -1 : 1;

	if (right > 0 && (now.flags & shown) != (m->set_flags & shown)) {
		log_msg("graph: importMime sets the wrong read or draft state");
		right = 0;
	}
	if (right > 0 && m->date.known && m->date.sec >= DAY &&
	    (!graph_time_of(received, &sec) || sec != m->date.sec)) {
		log_msg("graph: importMime sets the wrong date, %s",
		        received ? received : "none");
		right = 0;
	}
	message_release(&now);
	return right;
}

/* The canary is asked for, others have told in their last answer. */
static int check(struct importing *s, const json_t *told, struct err *e)
{
	char *path CLEANUP(free_p) = NULL;
	json_t *item = NULL;
	int right;

	if (!s->canary && graph_text(told, "receivedDateTime"))
		return is_right(told, s->m, e);
	path = graph_state_path(s->k->g, s->copy, ",receivedDateTime");
	if (!path)
		return err_memory(e);
	if (graph_get(s->k->g, &item, e, "%s", path))
		return -1;
	right = is_right(item, s->m, e);
	json_decref(item);
	return right;
}

static enum carry undo(struct importing *s, enum carry how, struct err *why)
{
	struct err more = { 0 };

	if (graph_delete(s->k->g, s->copy, &more) == 0)
		return how == CARRY_DOUBT ? CARRY_AGAIN : how;
	log_msg("graph: not taken back: %s (%s)", more.text, more.detail);
	if (!why->code)
		*why = more;
	return CARRY_DOUBT;
}

/* One message whose date can't be had so; if it is the first, or one of
 * many, none of them can. */
static void went_astray(struct writer *w, bool canary)
{
	pthread_mutex_lock(&w->lock);
	if (canary || ++w->astray >= ASTRAY)
		w->import = IMPORT_NO;
	pthread_mutex_unlock(&w->lock);
}

static enum carry complete(struct importing *s, struct err *why)
{
	struct graph_reply now = { 0 };
	int right = -1;

	step("post");
	if (s->draft) {
		log_msg("graph: importMime made a draft");
		decide(s->k->w, IMPORT_NO);
		return undo(s, CARRY_OTHER, why);
	}
	if (set_state(s, &now, why) == 0) {
		step(s->canary ? "state" : "whole");
		right = check(s, now.json, why);
	}
	if (right > 0 && s->canary) {
		right = make_whole(s, why) ? -1 : 1;
		step("whole");
	}
	graph_reply_release(&now);
	if (right < 0)
		return undo(s,
		            graph_is_its_own(why) ? CARRY_OTHER
		                                  : graph_judge(why),
		            why);
	if (right == 0) {
		went_astray(s->k->w, s->canary);
		return undo(s, CARRY_OTHER, why);
	}
	graph_stored(s->m, s->copy);
	s->copy = NULL;
	return CARRY_STORED;
}

/* If it was not decided on the way: an end that is none says nothing, and
 * the next message is tried. */
static void canary_ends(struct writer *w, enum carry how)
{
	pthread_mutex_lock(&w->lock);
	if (w->import == IMPORT_TRYING && how == CARRY_STORED)
		w->import = IMPORT_YES;
	else if (w->import == IMPORT_TRYING)
		w->import =
		        ++w->canaries < CANARIES ? IMPORT_UNTRIED : IMPORT_NO;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
}

enum carry graph_import(struct graph_worker *k, struct graph_job *j,
                        struct err *why)
{
	struct importing s = { .k = k, .j = j, .m = j->m };
	enum carry how;

	if (!is_for_import(k->w, j->m, &s.canary))
		return CARRY_OTHER;
	if (s.canary && !is_offered(k, &j->to->f)) {
		decide(k->w,
		       graph_cancelled(k->w->a) ? IMPORT_UNTRIED : IMPORT_NO);
		return CARRY_OTHER;
	}
	how = post(&s, why);
	if (how == CARRY_STORED)
		how = complete(&s, why);
	free(s.copy);
	if (s.canary)
		canary_ends(k->w, how);
	if (how == CARRY_STORED && s.canary)
		log_msg("graph: importMime is good here, and used");
	return how;
}
