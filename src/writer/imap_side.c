/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_side.c - what IMAP can't do at Microsoft 365 and Graph can, where
 * both doors are open: labels become categories, default folders are known
 * in any language. All of it may fail: then a note stays, or the table of
 * names decides.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime/header.h"
#include "mime/keywords.h"
#include "net/graph.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/utf8.h"
#include "writer/imap_writer.h"

#define REMEMBERED_MOST 4096
#define PARTS_MOST 20 /* of one $batch */
#define LATELY_S 900  /* a batch has been appended within that time */

/* A message whose labels go by Graph. */
struct remembered {
	int64_t row;
	char *id;    /* Message-ID, with its brackets */
	char *words; /* keywords, space-separated */
};

struct side {
	struct account account; /* borrowed strings; kind is Graph's */
	struct graph *graph;
	bool off; /* it has failed: not asked again */
	struct remembered *v;
	size_t n, cap;
	/* The last folder: its name in IMAP, its id in Graph. */
	char *raw, *folder;
};

static bool possible(const struct writer *w)
{
	return w->a->oauth && w->a->graph_url;
}

static struct side *side_of(struct writer *w)
{
	if (!w->side && possible(w)) {
		w->side = calloc(1, sizeof(*w->side));
		if (w->side) {
			w->side->account = *w->a;
			w->side->account.kind = KIND_M365_GRAPH;
		}
	}
	return w->side && !w->side->off ? w->side : NULL;
}

static void drop(struct side *s, size_t i)
{
	free(s->v[i].id);
	free(s->v[i].words);
	s->v[i] = s->v[--s->n];
}

void side_close(struct writer *w)
{
	struct side *s = w->side;

	if (!s)
		return;
	while (s->n)
		drop(s, s->n - 1);
	graph_close(&s->graph);
	free(s->v);
	free(s->raw);
	free(s->folder);
	free(s);
	w->side = NULL;
}

static struct graph *open_graph(struct side *s)
{
	struct err e = { 0 };

	if (!s->graph && graph_open(&s->graph, &s->account, &e)) {
		log_msg("Graph is not open besides IMAP: %s", e.text);
		s->off = true;
		s->graph = NULL;
	}
	return s->graph;
}

static void failed(struct side *s, const struct err *e)
{
	log_msg("Graph besides IMAP: %s (%s)", e->text, e->detail);
	s->off = e->code != EC_NOT_FOUND && e->code != EC_TIMEOUT &&
	         e->code != EC_CONN_LOST;
}

/* --- what is remembered --------------------------------------------------- */

static int take_id(const char *field, size_t n, void *arg)
{
	char **id = arg;
	size_t len;
	const char *value;

	if (*id || !header_is(field, n, "Message-ID"))
		return 0;
	value = header_value(field, n, &len);
	if (value && len && len < 900)
		*id = strndup(value, len);
	return 0;
}

static char *message_id(const struct body *b)
{
	struct header_split s = HEADER_SPLIT_INIT;
	char chunk[4096], *id = NULL;
	struct err ignored;
	uint64_t at = 0;
	size_t used;
	int end = 0;

	while (!end && at < b->size) {
		ssize_t n = body_read(b, at, chunk, sizeof(chunk), &ignored);

		if (n <= 0)
			break;
		end = header_split_data(&s, chunk, (size_t)n, &used, take_id,
		                        &id);
		at += (uint64_t)n;
	}
	if (!end)
		header_split_end(&s, take_id, &id);
	header_split_release(&s);
	return id;
}

static struct remembered *find(struct side *s, int64_t row)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].row == row)
			return &s->v[i];
	return NULL;
}

static struct remembered *add(struct side *s)
{
	if (s->n == REMEMBERED_MOST)
		drop(s, 0);
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 32;
		struct remembered *v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n] = (struct remembered){ 0 };
	return &s->v[s->n++];
}

void side_remember(struct writer *w, const struct message *m)
{
	struct side *s = side_of(w);
	struct remembered *r;

	if (!s || !m->keywords)
		return;
	r = find(s, m->row);
	if (r)
		drop(s, (size_t)(r - s->v));
	r = add(s);
	if (!r)
		return;
	r->row = m->row;
	r->id = message_id(&m->body);
	r->words = strdup(m->keywords);
	if (!r->id || !r->words)
		drop(s, s->n - 1);
}

/* --- the folder ----------------------------------------------------------- */

struct child {
	const char *name; /* folded */
	char *id;
};

static int is_child(json_t *item, void *arg, struct err *e)
{
	struct child *c = arg;
	const char *name =
	        json_string_value(json_object_get(item, "displayName"));
	const char *id = json_string_value(json_object_get(item, "id"));
	char *folded CLEANUP(free_p) = name ? utf8_folded(name) : NULL;

	(void)e;
	if (!c->id && folded && id && strcmp(folded, c->name) == 0)
		c->id = strdup(id);
	return 0;
}

/* The id of the folder named so below parent (NULL: at the top). */
static char *child_id(struct side *s, const char *parent, const char *name)
{
	char *folded CLEANUP(free_p) = utf8_folded(name);
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(0);
	struct child c = { .name = folded };
	struct err e = { 0 };
	int bad;

	if (!folded)
		return NULL;
	bad = parent ? buf_fmt(&path, "%s/mailFolders/%s/childFolders",
	                       graph_user(s->graph), parent)
	             : buf_fmt(&path, "%s/mailFolders", graph_user(s->graph));
	if (bad || buf_str(&path, "?$select=id,displayName"))
		return NULL;
	if (graph_list(s->graph, path.p, 100, is_child, &c, &e))
		failed(s, &e);
	return c.id;
}

static const char *folder_id(struct side *s, const struct folder *f)
{
	char *id = NULL;

	if (s->raw && strcmp(s->raw, f->raw) == 0)
		return s->folder;
	free(s->raw);
	free(s->folder);
	s->folder = NULL;
	s->raw = strdup(f->raw);
	for (size_t i = 0; i < f->depth && s->raw; i++) {
		bool inbox = i == 0 && strcasecmp(f->comp[0], "INBOX") == 0;
		char *next =
		        inbox ? strdup("inbox") : child_id(s, id, f->comp[i]);

		free(id);
		id = next;
		if (!id)
			break;
	}
	s->folder = id;
	return id;
}

/* --- categories ----------------------------------------------------------- */

/* The copy's address in the folder, by its Message-ID. */
static char *search_url(struct side *s, const char *folder, const char *id)
{
	struct buf quoted CLEANUP(buf_release_p) = BUF_INIT(0);
	struct buf url CLEANUP(buf_release_p) = BUF_INIT(0);
	char *escaped CLEANUP(free_p) = NULL;

	for (; *id; id++)
		if ((*id == '\'' && buf_chr(&quoted, '\'')) ||
		    buf_chr(&quoted, *id))
			return NULL;
	escaped = quoted.p ? http_escape(quoted.p) : NULL;
	if (!escaped ||
	    buf_fmt(&url,
	            "%s/mailFolders/%s/messages?$filter=internetMessageId%%20"
	            "eq%%20'%s'&$select=id,createdDateTime&$top=2",
	            graph_user(s->graph), folder, escaped))
		return NULL;
	return buf_take(&url);
}

/* Words that people gave; programs' own marks are no categories. */
static json_t *categories(const char *words)
{
	json_t *list = json_array();

	while (list && *words) {
		size_t n = strcspn(words, " ");
		char *name CLEANUP(free_p) = keywords_label(words, n);

		if (name && n && *words != '$')
			json_array_append_new(list, json_string(name));
		words += n + strspn(words + n, " ");
	}
	return list;
}

static bool has_mark(const char *words)
{
	return *words == '$' || strstr(words, " $");
}

/* What stood there before is somebody's own, even if it is alone because
 * ours does not show yet. */
static bool came_lately(const struct side *s, const json_t *item)
{
	const char *created =
	        json_string_value(json_object_get(item, "createdDateTime"));
	time_t since = (time_t)(graph_time(s->graph) - LATELY_S);
	char text[40];
	struct tm tm;

	return created && gmtime_r(&since, &tm) &&
	       strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) &&
	       strcmp(created, text) >= 0;
}

static char *patch_url(struct side *s, const json_t *answer)
{
	json_t *found = json_object_get(answer, "value");
	const json_t *item = json_array_get(found, 0);
	const char *id = json_string_value(json_object_get(item, "id"));
	struct buf url CLEANUP(buf_release_p) = BUF_INIT(0);

	/* Two of them: which is ours can't be said. */
	if (json_array_size(found) != 1 || !id || !came_lately(s, item) ||
	    buf_fmt(&url, "%s/messages/%s", graph_user(s->graph), id))
		return NULL;
	return buf_take(&url);
}

struct labels {
	struct side *s;
	struct message *of[PARTS_MOST];
	struct graph_part find[PARTS_MOST], patch[PARTS_MOST];
	size_t n, patches;
	struct message *patched[PARTS_MOST];
};

static void labels_release(struct labels *l)
{
	graph_parts_release(l->find, l->n);
	graph_parts_release(l->patch, l->patches);
}

static void make_patches(struct labels *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct remembered *r = find(l->s, l->of[i]->row);
		struct graph_part *p = &l->patch[l->patches];
		json_t *list;

		if (l->find[i].status != 200 || !r)
			continue;
		p->url = patch_url(l->s, l->find[i].answer);
		list = p->url ? categories(r->words) : NULL;
		if (!list)
			continue;
		p->method = "PATCH";
		p->body = json_pack("{s:o}", "categories", list);
		l->patched[l->patches++] = l->of[i];
	}
}

/* The labels are there: nothing is left to tell. */
static void tell_patched(struct labels *l)
{
	for (size_t i = 0; i < l->patches; i++) {
		struct message *m = l->patched[i];
		const struct remembered *r = find(l->s, m->row);

		if (l->patch[i].status / 100 != 2 || !r || has_mark(r->words))
			continue;
		free(m->note);
		m->note = NULL;
	}
}

static void set_labels(struct labels *l)
{
	struct err e = { 0 };

	if (graph_batch(l->s->graph, l->find, l->n, &e)) {
		failed(l->s, &e);
		return;
	}
	make_patches(l);
	if (l->patches && graph_batch(l->s->graph, l->patch, l->patches, &e))
		failed(l->s, &e);
	else
		tell_patched(l);
}

static bool may_write(const struct side *s)
{
	const struct claims *c = graph_claims(s->graph);

	return !c || claims_has(c, "Mail.ReadWrite") ||
	       claims_has(c, "Mail.ReadWrite.Shared");
}

/* Those of b from *at on that have labels and a copy. */
static bool gather(struct labels *l, const char *folder, struct batch *b,
                   size_t *at)
{
	for (; *at < b->n && l->n < PARTS_MOST; ++*at) {
		struct message *m = &b->v[*at];
		const struct remembered *r = find(l->s, m->row);
		char *url = r && m->note && m->dest_uid
		                    ? search_url(l->s, folder, r->id)
		                    : NULL;

		if (!url)
			continue;
		l->of[l->n] = m;
		l->find[l->n++] =
		        (struct graph_part){ .method = "GET", .url = url };
	}
	return l->n > 0;
}

static bool any_labels(struct side *s, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].note && b->v[i].dest_uid && find(s, b->v[i].row))
			return true;
	return false;
}

void side_set(struct writer *w, const struct folder *f, struct batch *b)
{
	struct side *s = side_of(w);
	const char *folder = NULL;
	size_t at = 0;

	if (s && any_labels(s, b) && open_graph(s))
		folder = folder_id(s, f);
	while (folder && !s->off && may_write(s)) {
		struct labels l CLEANUP(labels_release) = { .s = s };

		if (!gather(&l, folder, b, &at))
			break;
		set_labels(&l);
	}
	for (size_t i = 0; s && i < b->n; i++) {
		struct remembered *r = find(s, b->v[i].row);

		if (r)
			drop(s, (size_t)(r - s->v));
	}
}

/* --- default folders ------------------------------------------------------ */

static const struct {
	enum mail_use use;
	const char *name;
} well_known[] = {
	{ USE_SENT, "sentitems" },     { USE_DRAFTS, "drafts" },
	{ USE_TRASH, "deleteditems" }, { USE_JUNK, "junkemail" },
	{ USE_ARCHIVE, "archive" },
};
#define WELL_KNOWN (sizeof(well_known) / sizeof(well_known[0]))

static bool is_told(const struct folder_list *l, enum mail_use use)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].use == use)
			return true;
	return false;
}

static void set_use(struct folder_list *l, enum mail_use use,
                    const json_t *answer)
{
	const char *name =
	        json_string_value(json_object_get(answer, "displayName"));
	char *wanted CLEANUP(free_p) = name ? utf8_folded(name) : NULL;

	for (size_t i = 0; wanted && i < l->n; i++) {
		char *have CLEANUP(free_p) =
		        l->v[i].depth == 1 ? utf8_folded(l->v[i].comp[0])
		                           : NULL;

		if (have && l->v[i].use == USE_NONE &&
		    strcmp(have, wanted) == 0)
			l->v[i].use = use;
	}
}

static void ask_uses(struct writer *w, struct side *s)
{
	struct graph_part v[WELL_KNOWN] = { 0 };
	enum mail_use of[WELL_KNOWN];
	struct err e = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < WELL_KNOWN; i++) {
		struct buf url CLEANUP(buf_release_p) = BUF_INIT(0);

		if (is_told(&w->have, well_known[i].use) ||
		    buf_fmt(&url, "%s/mailFolders/%s?$select=displayName",
		            graph_user(s->graph), well_known[i].name))
			continue;
		of[n] = well_known[i].use;
		v[n].method = "GET";
		v[n].url = buf_take(&url);
		n += v[n].url != NULL;
	}
	if (n && graph_batch(s->graph, v, n, &e))
		failed(s, &e);
	for (size_t i = 0; i < n; i++)
		if (v[i].status == 200)
			set_use(&w->have, of[i], v[i].answer);
	graph_parts_release(v, n);
}

void side_uses(struct writer *w)
{
	struct side *s;

	/* All but the archive are in every mailbox. */
	if (is_told(&w->have, USE_SENT) && is_told(&w->have, USE_DRAFTS) &&
	    is_told(&w->have, USE_TRASH) && is_told(&w->have, USE_JUNK))
		return;
	s = side_of(w);
	if (s && open_graph(s))
		ask_uses(w, s);
}
