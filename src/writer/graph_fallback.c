/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_fallback.c - one message by IMAP, where Graph can't take it: the
 * IMAP writer puts its own octets into the folder of the same name, and
 * Graph then gives the copy its state and its SourceId, so that it is known
 * as all others are.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/graph_ids.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/utf8.h"
#include "writer/graph_writer.h"

#define FAILURES 3 /* in a row: the door is closed */

/* --- the second door ------------------------------------------------------ */

static void close_imap(struct writer *w)
{
	folder_list_release(&w->imap_have);
	if (w->imap)
		writer_imap.close(&w->imap);
	w->imap = NULL;
}

void graph_fallback_end(struct writer *w)
{
	close_imap(w);
}

static int open_imap(struct writer *w, struct err *e)
{
	if (w->imap)
		return 0;
	w->imap_account = *w->a;
	w->imap_account.kind = KIND_M365_IMAP;
	if (writer_imap.open(&w->imap, &w->imap_account, e)) {
		w->imap = NULL;
		return -1;
	}
	if (writer_imap.folders(w->imap, &w->imap_have, e)) {
		close_imap(w);
		return -1;
	}
	return 0;
}

static bool same_name(const char *a, const char *b)
{
	char *x CLEANUP(free_p) = utf8_folded(a);
	char *y CLEANUP(free_p) = utf8_folded(b);

	return x && y && strcmp(x, y) == 0;
}

/* The folder as IMAP names it; NULL: it shows none of that name. */
static const struct folder *find_folder(const struct writer *w,
                                        const struct folder *f)
{
	for (size_t i = 0; i < w->imap_have.n; i++) {
		const struct folder *h = &w->imap_have.v[i];
		bool same = h->depth == f->depth && !h->noselect;

		for (size_t k = 0; k < f->depth && same; k++)
			same = same_name(h->comp[k], f->comp[k]);
		if (same)
			return h;
	}
	return NULL;
}

/* A folder that was made since is looked for once more. */
static const struct folder *look_for(struct writer *w, const struct folder *f,
                                     struct err *e)
{
	const struct folder *at = find_folder(w, f);

	if (at)
		return at;
	folder_list_release(&w->imap_have);
	if (writer_imap.folders(w->imap, &w->imap_have, e))
		return NULL;
	return find_folder(w, f);
}

/* --- the message ---------------------------------------------------------- */

struct verdict {
	bool told;
	enum outcome outcome;
	struct err why;
};

static void take_verdict(const struct settled *s, struct batch *b, void *arg)
{
	struct verdict *v = arg;

	(void)b;
	v->told = true;
	v->outcome = s->outcome;
	v->why = s->why;
}

static int put(struct writer *imap, const struct folder *f, struct batch *b,
               struct verdict *v, struct err *e)
{
	if (writer_imap.submit(imap, f, b, e))
		return -1;
	while (!v->told) {
		uint64_t octets;

		if (writer_imap.collect(imap, true, take_verdict, v, e))
			return -1;
		if (!v->told && !writer_imap.in_flight(imap, &octets))
			return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_INTERNAL,
			               "An IMAP connection forgot about a "
			               "message. mailhaul looks for it.",
			               "%s", "nothing in flight");
	}
	return 0;
}

static enum carry meaning(const struct verdict *v, struct err *why)
{
	if (v->outcome == OUT_STORED)
		return CARRY_STORED;
	*why = v->why;
	return v->outcome == OUT_AGAIN ? CARRY_AGAIN : CARRY_REFUSED;
}

/* Flags and labels are Graph's to set: IMAP would do it less well. */
static enum carry append(struct writer *w, const struct folder *f,
                         struct message *m, struct err *why)
{
	struct batch *b = batch_new();
	struct message *inner = b ? batch_add(b) : NULL;
	unsigned flags = m->flags, set_flags = m->set_flags;
	char *keywords = m->keywords, *set_keywords = m->set_keywords;
	struct verdict v = { 0 };
	enum carry how = CARRY_AGAIN;
	bool spent = true;

	if (!inner) {
		batch_free(&b);
		err_memory(why);
		return CARRY_AGAIN;
	}
	m->keywords = m->set_keywords = NULL;
	m->flags = flags & (MAIL_SEEN | MAIL_DRAFT);
	message_move(inner, m);
	if (writer_imap.prepare(w->imap, f, b, why))
		how = graph_judge(why);
	else if ((spent = put(w->imap, f, b, &v, why) != 0) && !v.told)
		how = CARRY_DOUBT;
	else
		how = meaning(&v, why);
	message_move(m, &b->v[0]);
	free(m->keywords);
	free(m->set_keywords);
	m->flags = flags;
	m->keywords = keywords;
	m->set_flags = set_flags;
	m->set_keywords = set_keywords;
	/* After any failure the handle is spent, whatever it had told. */
	if (spent)
		close_imap(w);
	batch_free(&b);
	return how;
}

/* --- the copy ------------------------------------------------------------- */

struct newest {
	char *copy;
	int64_t created, since;
	bool newest_first;
	size_t n; /* that may be it */
};

static int is_newer(json_t *item, void *arg, struct err *e)
{
	struct newest *q = arg;
	const char *id = graph_text(item, "id");
	int64_t created = 0;
	struct graph_id ours;

	if (!id ||
	    !graph_time_of(graph_text(item, "createdDateTime"), &created))
		return 0;
	if (created < q->since)
		return q->newest_first;
	if (graph_id_of(item, &ours))
		return 0;
	q->n++;
	if (q->copy && created <= q->created)
		return 0;
	free(q->copy);
	q->created = created;
	q->copy = strdup(id);
	return q->copy ? 0 : err_memory(e);
}

static int add_filter(struct buf *b, const char *message_id)
{
	struct buf quoted CLEANUP(buf_release_p) = BUF_INIT(1 << 16);
	char *escaped CLEANUP(free_p) = NULL;

	for (const char *p = message_id; *p; p++)
		if ((*p == '\'' && buf_chr(&quoted, '\'')) ||
		    buf_chr(&quoted, *p))
			return -1;
	escaped = quoted.p ? http_escape(quoted.p) : NULL;
	return escaped ? buf_fmt(b, "$filter=internetMessageId%%20eq%%20'%s'&",
	                         escaped)
	               : -1;
}

static char *find_path(const struct graph *g, const char *folder,
                       const char *message_id)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 18);

	if (buf_str(&b, "/messages?") ||
	    (message_id ? add_filter(&b, message_id)
	                : buf_str(&b, "$orderby=createdDateTime%20desc&")) ||
	    buf_str(&b, "$select=id,createdDateTime&") || graph_add_expand(&b))
		return NULL;
	return graph_folder_path(g, folder, b.p);
}

/* The copy that came last and is nobody's yet; without a Message-ID, only
 * if there is no other. NULL: not found. */
static char *find_copy(struct graph_worker *k, const char *folder,
                       const char *message_id, int64_t since)
{
	const char *id = message_id && *message_id == '<' ? message_id : NULL;
	char *path CLEANUP(free_p) = find_path(k->g, folder, id);
	struct newest q = { .since = since, .newest_first = !id };
	struct err ignored = { 0 };

	if (!path || graph_list(k->g, path, 100, is_newer, &q, &ignored) < 0 ||
	    (!id && q.n != 1)) {
		free(q.copy);
		return NULL;
	}
	return q.copy;
}

/*
 * As it is to be, and known as ours. Where that fails the copy is taken
 * back: nothing would set its flags any more.
 */
static enum carry mark_copy(struct graph_worker *k, struct message *m,
                            char *copy, struct err *why)
{
	json_t *body = graph_state_body(m->set_flags, m->set_keywords, true);
	struct graph_id id;
	char text[GRAPH_ID_MOST];
	struct err more = { 0 };
	int failed;

	graph_id_new(m, &id);
	id.attachments = GRAPH_ID_ANY;
	graph_id_put(&id, text);
	if (!body || graph_add_property(body, GRAPH_ID_SOURCE, text)) {
		json_decref(body);
		failed = err_memory(why);
	} else {
		failed = graph_patch(k, copy, body, NULL, why);
	}
	if (!failed) {
		graph_stored(m, copy);
		return CARRY_STORED;
	}
	failed = graph_delete(k->g, copy, &more);
	free(copy);
	return failed ? CARRY_DOUBT : graph_judge(why);
}

/* Nothing was sent: the message stays refused for Graph's own reason, unless
 * the door may open in a moment. */
static enum carry not_open(struct writer *w, const struct err *imap,
                           struct err *why)
{
	bool passing = imap->next == NEXT_RETRY || imap->next == NEXT_WAIT;

	log_msg("graph: not by IMAP either: %s (%s)", imap->text, imap->detail);
	if (imap->code == EC_INTERRUPTED || imap->next == NEXT_WAIT ||
	    (imap->code && passing && ++w->imap_failures < FAILURES)) {
		*why = *imap;
		return CARRY_AGAIN;
	}
	err_detail(why, "IMAP: %.200s", imap->detail);
	return CARRY_REFUSED;
}

static enum carry by_imap(struct graph_worker *k, struct graph_job *j,
                          const char *message_id, struct err *why)
{
	struct writer *w = k->w;
	struct message *m = j->m;
	int64_t since = graph_time(k->g) - GRAPH_MARK_BACK;
	struct err imap = { 0 };
	const struct folder *f = NULL;
	enum carry how;
	char *copy;

	if (open_imap(w, &imap) == 0)
		f = look_for(w, &j->to->f, &imap);
	if (!f)
		return not_open(w, &imap, why);
	w->imap_failures = 0;
	how = append(w, f, m, why);
	if (how != CARRY_STORED)
		return how;
	copy = find_copy(k, j->to->f.raw, message_id, since);
	if (copy)
		return mark_copy(k, m, copy, why);
	/* The engine finds its name by listing. */
	graph_stored(m, NULL);
	return CARRY_STORED;
}

enum carry graph_fallback(struct graph_worker *k, struct graph_job *j,
                          const char *message_id, struct err *why)
{
	struct writer *w = k->w;
	enum carry how;

	if (!w->a->host || !w->a->oauth)
		return CARRY_REFUSED;
	pthread_mutex_lock(&w->imap_lock);
	how = w->imap_failures >= FAILURES ? CARRY_REFUSED
	                                   : by_imap(k, j, message_id, why);
	pthread_mutex_unlock(&w->imap_lock);
	return how;
}
