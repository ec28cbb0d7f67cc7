/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_read.c - what is in a folder, and what a copy holds.
 *
 * A copy that we made by JSON is proven by its SourceId: whole, no draft
 * that was none, and with as many attachments as it was given. Its octets
 * are Exchange's and prove nothing. Any other copy is read as MIME.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "mime/intake.h"
#include "util/buf.h"
#include "util/log.h"
#include "writer/graph_writer.h"

#define LIST_PAGE "500"

/* --- listing -------------------------------------------------------------- */

struct listing {
	struct writer *w;
	uint32_t since;
	message_fn *each;
	void *arg;
	int64_t last;  /* when the one before was created */
	bool unsorted; /* the order that we asked for is not there */
	/* It is: the standard order, newest received first, would have been
	 * another one. */
	bool ordered;
	int64_t received;
	bool stopped;
	json_t *before; /* ids of the page before: new mail shifts pages */
	uint64_t n;
};

/* The time since which a person sees it there; what was created before the
 * epoch or after 2106 is nobody's copy. */
static uint32_t number_of(int64_t sec)
{
	if (sec < 0)
		return 0;
	return sec > UINT32_MAX ? UINT32_MAX : (uint32_t)sec;
}

static int describe(const json_t *item, struct message *m, struct err *e)
{
	struct graph_id id;

	if (graph_state_of(item, m, e))
		return -1;
	m->date.known = graph_time_of(graph_text(item, "receivedDateTime"),
	                              &m->date.sec);
	if (!graph_id_of(item, &id))
		return 0;
	memcpy(m->sha256, id.sha256, sizeof(m->sha256));
	m->fp = id.fp;
	m->attempt = id.attempt;
	m->half = id.half;
	return 0;
}

static int take_item(struct listing *l, const json_t *item, struct err *e)
{
	struct message m = { 0 };
	const char *id = graph_text(item, "id");
	int64_t created = 0, received;
	int failed = 0;

	if (!graph_time_of(graph_text(item, "createdDateTime"), &created))
		l->unsorted = true;
	l->unsorted |= created > l->last;
	l->last = created;
	if (graph_time_of(graph_text(item, "receivedDateTime"), &received)) {
		l->ordered |= received > l->received;
		l->received = received;
	}
	if (!id || (l->before && json_object_get(l->before, id)))
		return 0;
	l->n++;
	/* Unknown: it may well be new. */
	m.uid = created ? number_of(created) : UINT32_MAX;
	if (m.uid < l->since)
		return 0;
	m.key = strdup(id);
	if (!m.key)
		failed = err_memory(e);
	else if (describe(item, &m, e))
		failed = -1;
	else
		l->stopped = l->each(&m, l->arg) != 0;
	message_release(&m);
	return failed;
}

static int take_page(struct listing *l, const json_t *page, struct err *e)
{
	json_t *items = json_object_get(page, "value");
	json_t *ids = json_object(), *item;
	size_t i;
	int failed = ids ? 0 : err_memory(e);

	json_array_foreach(items, i, item)
	{
		const char *id = graph_text(item, "id");

		if (failed || l->stopped)
			break;
		failed = take_item(l, item, e);
		if (!failed && id && json_object_set_new(ids, id, json_true()))
			failed = err_memory(e);
	}
	json_decref(l->before);
	l->before = ids;
	return failed;
}

/*
 * Once everything on a page was older, the rest is, too, if the service
 * keeps to the order that was asked for. Mail that was received where it is
 * comes in the same order by both dates, and proves nothing.
 */
static bool is_past(const struct listing *l)
{
	return l->ordered && !l->unsorted && l->last &&
	       l->last < (int64_t)l->since;
}

static char *list_path(struct writer *w, const struct folder *f)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 16);

	if (buf_str(&b, "/messages?$top=" LIST_PAGE
	                "&$orderby=createdDateTime%20desc&$"
	                "select=" GRAPH_SELECT_STATE
	                ",createdDateTime,receivedDateTime,"
	                "internetMessageId&") ||
	    graph_add_expand(&b))
		return NULL;
	return graph_folder_path(w->g, f->raw, b.p);
}

/* 404 is the folder's, whatever else it may be called. */
static int get_page(struct writer *w, const char *path, json_t **out,
                    struct err *e)
{
	struct graph_call c = { .method = "GET", .path = path };
	struct graph_reply r = { 0 };
	int failed = graph_call(w->g, &c, &r, e);

	if (failed && r.status == 404 && e->code == EC_NOT_FOUND) {
		e->code = EC_FOLDER_GONE;
		e->reach = ERR_FOLDER;
	}
	*out = failed ? NULL : json_incref(r.json);
	graph_reply_release(&r);
	return failed;
}

static int list_pages(struct listing *l, const struct folder *f, struct err *e)
{
	char *path CLEANUP(free_p) = list_path(l->w, f);
	bool more = true;

	if (!path)
		return err_memory(e);
	while (more && !l->stopped) {
		json_t *page;
		const char *next;
		int failed = get_page(l->w, path, &page, e);

		if (failed)
			return -1;
		failed = take_page(l, page, e);
		next = graph_text(page, "@odata.nextLink");
		more = next && !is_past(l);
		free(path);
		path = next ? strdup(next) : NULL;
		json_decref(page);
		if (failed)
			return -1;
		if (more && !path)
			return err_memory(e);
	}
	return 0;
}

int graph_list_copies(struct writer *w, struct folder *f, uint32_t since,
                      message_fn *each, void *arg, struct err *e)
{
	struct listing l = { .w = w,
		             .since = since,
		             .each = each,
		             .arg = arg,
		             .last = INT64_MAX,
		             .received = INT64_MAX };
	char *path CLEANUP(free_p) =
	        graph_folder_path(w->g, f->raw, "?$select=id,totalItemCount");
	json_t *now = NULL;
	int failed;

	if (!path)
		return err_memory(e);
	if (get_page(w, path, &now, e))
		return -1;
	f->messages = (uint64_t)json_integer_value(
	        json_object_get(now, "totalItemCount"));
	f->uidvalidity = GRAPH_UIDVALIDITY;
	f->uidnext = graph_mark(w);
	f->have_status = true;
	json_decref(now);
	failed = list_pages(&l, f, e);
	json_decref(l.before);
	if (l.unsorted)
		log_msg("graph: a listing is not in the order asked for");
	return failed;
}

/* --- reading back: what our own say of themselves ------------------------- */

/* Some messages at a time: for each one part that tells its state, and
 * with whole another that tells its attachments. */
struct reading {
	struct writer *w;
	bool whole;
	struct message *m[GRAPH_PARTS];
	struct graph_part part[GRAPH_PARTS];
	size_t n, each; /* parts a message */
};

static int ask_parts(struct reading *r, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		struct graph_part *p = &r->part[i * r->each];
		const char *id = r->m[i]->dest_name;

		p[0].method = "GET";
		p[0].url = graph_state_path(r->w->g, id,
		                            ",subject,internetMessageId,"
		                            "createdDateTime");
		if (!p[0].url)
			return err_memory(e);
		if (!r->whole)
			continue;
		p[1].method = "GET";
		p[1].url = graph_copy_path(r->w->g, id,
		                           "/attachments?$select=id,name,size,"
		                           "contentType,isInline");
		if (!p[1].url)
			return err_memory(e);
	}
	return graph_batch(r->w->g, r->part, r->n * r->each, e);
}

static int attachments_of(struct reading *r, const char *copy,
                          const struct graph_part *p, size_t *n, struct err *e)
{
	if (p->status != 200 || json_object_get(p->answer, "@odata.nextLink"))
		return graph_attachments(r->w->g, copy, n, e);
	*n = json_array_size(json_object_get(p->answer, "value"));
	return 0;
}

static void unproven(struct message *m)
{
	memset(m->sha256, 0, sizeof(m->sha256));
	m->fp.text = 0;
}

/* Made by a person of one of ours. A search that fails says nothing. */
static bool is_persons(struct reading *r, const struct message *m,
                       const struct graph_id *id, const json_t *item)
{
	struct err ignored = { 0 };
	bool older = false;
	size_t n;

	if (graph_kin(r->w->g, id, m->dest_name,
	              graph_text(item, "createdDateTime"), &n, &older,
	              &ignored))
		log_msg("graph: search: %s (%s)", ignored.text, ignored.detail);
	return older;
}

/* Its SourceId tells what it is a copy of; whether it is one, the rest. */
static int take_ours(struct reading *r, size_t i, const struct graph_id *id,
                     struct err *e)
{
	const struct graph_part *p = &r->part[i * r->each];
	struct message *m = r->m[i];
	bool draft = json_is_true(json_object_get(p->answer, "isDraft"));
	bool listed = m->attempt != 0;
	size_t n = id->attachments;

	memcpy(m->sha256, id->sha256, sizeof(m->sha256));
	m->fp = id->fp;
	m->attempt = id->attempt;
	m->half = id->half;
	m->fetched = true;
	if (id->half) {
		/* Of which message it is the beginning, not a copy of it. */
		memset(m->sha256, 0, sizeof(m->sha256));
		return 0;
	}
	if (!r->whole || (draft && !id->draft) ||
	    (listed && is_persons(r, m, id, p->answer))) {
		unproven(m);
		return 0;
	}
	if (id->attachments != GRAPH_ID_ANY &&
	    attachments_of(r, m->dest_name, &p[1], &n, e))
		return -1;
	if (n != id->attachments)
		unproven(m);
	return 0;
}

static void hole(struct message *m)
{
	m->hole = true;
	m->fetched = false;
	err_set(&m->why, ERR_MESSAGE, NEXT_RETRY, EC_HOLE,
	        "The message is not in the Microsoft 365 mailbox any more, or "
	        "can't be read there.",
	        "%s", "404");
}

/* --- reading back: octets ------------------------------------------------- */

struct octets {
	struct intake in;
	struct message *m;
	const struct account *a;
	bool headers_only;
};

static int take_octets(void *arg, const char *p, size_t n, struct err *e)
{
	struct octets *o = arg;

	/* The rest is of no use, but ending a connection for it costs more. */
	if (o->headers_only && fp_scan_in_text(o->in.scan))
		return 0;
	return intake_data(&o->in, p, n, e);
}

static int read_octets(struct writer *w, struct message *m, bool headers_only,
                       struct err *e)
{
	struct octets o = { .m = m, .a = w->a, .headers_only = headers_only };
	char *path CLEANUP(free_p) =
	        graph_copy_path(w->g, m->dest_name, "/$value");
	struct graph_call c = { .method = "GET",
		                .path = path,
		                .sink = take_octets,
		                .sink_arg = &o };
	struct graph_reply r = { 0 };
	int failed;

	if (!path)
		return err_memory(e);
	body_release(&m->body);
	body_init(&m->body, w->a->body_limit, w->a->spool_dir);
	failed = intake_begin(&o.in, m, 0, false, e) ||
	         graph_call(w->g, &c, &r, e);
	if (failed && r.status == 404) {
		hole(m);
		failed = 0;
	} else if (!failed) {
		failed = intake_end(&o.in, e);
		m->dest_size = headers_only ? 0 : m->body.size;
		if (headers_only)
			unproven(m);
	}
	if (failed || m->hole || headers_only)
		body_release(&m->body);
	intake_release(&o.in);
	graph_reply_release(&r);
	return failed ? -1 : 0;
}

/* --- reading back: in order ----------------------------------------------- */

static int take_one(struct reading *r, size_t i, struct err *e)
{
	const struct graph_part *p = &r->part[i * r->each];
	struct message *m = r->m[i];
	struct graph_id id;

	if (p->status == 404) {
		hole(m);
		return 0;
	}
	if (p->status != 200) {
		graph_error(p->status, p->answer, 0, r->w->a->user, e);
		return -1;
	}
	if (graph_id_of(p->answer, &id))
		return take_ours(r, i, &id, e);
	return read_octets(r->w, m, !r->whole, e);
}

static int read_some(struct reading *r, message_fn *each, void *arg,
                     bool *stopped, struct err *e)
{
	int failed = ask_parts(r, e);

	for (size_t i = 0; i < r->n && !failed && !*stopped; i++) {
		failed = take_one(r, i, e);
		if (!failed && each)
			*stopped = each(r->m[i], arg) != 0;
	}
	graph_parts_release(r->part, r->n * r->each);
	memset(r->part, 0, sizeof(r->part));
	r->n = 0;
	return failed ? -1 : 0;
}

int graph_read(struct writer *w, const struct folder *f, struct batch *b,
               bool headers_only, message_fn *each, void *arg, struct err *e)
{
	struct reading r = { .w = w,
		             .whole = !headers_only,
		             .each = headers_only ? 1 : 2 };
	bool stopped = false;

	(void)f;
	for (size_t i = 0; i < b->n && !stopped; i++) {
		struct message *m = &b->v[i];

		m->hole = false;
		m->fetched = false;
		if (!m->dest_name && m->key)
			m->dest_name = strdup(m->key);
		if (!m->dest_name) {
			hole(m);
			stopped = each && each(m, arg);
			continue;
		}
		r.m[r.n++] = m;
		if (r.n * r.each < GRAPH_PARTS)
			continue;
		if (read_some(&r, each, arg, &stopped, e))
			return -1;
	}
	if (!r.n || stopped)
		return 0;
	return read_some(&r, each, arg, &stopped, e);
}
