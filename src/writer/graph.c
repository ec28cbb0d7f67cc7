/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.c - the writer over Microsoft Graph: opening, folders, names.
 *
 * Folders are known by their ids. Which one is the inbox, the sent mail ...
 * is asked by well-known name, because what people see is in their own
 * language.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "util/buf.h"
#include "writer/graph_writer.h"

#define FOLDER_SELECT                                             \
	"$select=id,displayName,parentFolderId,childFolderCount," \
	"totalItemCount"
#define FOLDERS_AT_ONCE 100
#define NAME_MOST 255

static bool accepts(const struct account *a)
{
	return a->kind == KIND_M365_GRAPH;
}

static void graph_writer_close(struct writer **wp)
{
	struct writer *w = *wp;

	if (!w)
		return;
	graph_pool_end(w);
	graph_fallback_end(w);
	graph_close(&w->g);
	folder_list_release(&w->have);
	free(w->reserved);
	pthread_mutex_destroy(&w->imap_lock);
	free(w);
	*wp = NULL;
}

static int graph_writer_open(struct writer **out, const struct account *a,
                             struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_memory(e);
	w->a = a;
	if (graph_open(&w->g, a, e)) {
		free(w);
		return -1;
	}
	graph_pool_init(w);
	pthread_mutex_init(&w->imap_lock, NULL);
	*out = w;
	return 0;
}

static unsigned traits(struct writer *w)
{
	(void)w;
	return WRITER_FLAG_CHANGES | WRITER_ONE_BY_ONE | WRITER_BY_NAME |
	       WRITER_FOLDS_SPACE;
}

/*
 * Graph's names may hold a '/', but the paths by which people and the store
 * know folders, and IMAP at the same mailbox, can't tell it from a level.
 */
static struct name_rules rules(struct writer *w)
{
	return (struct name_rules){
		.delim = '/',
		.prefix = "",
		.forbidden = "",
		.case_blind = true,
		.trims = true,
		.max_component = NAME_MOST,
		.reserved = w->reserved,
	};
}

/* --- folders -------------------------------------------------------------- */

uint32_t graph_mark(const struct writer *w)
{
	int64_t now = graph_time(w->g);

	if (now <= 0)
		now = (int64_t)time(NULL);
	return now > GRAPH_MARK_BACK ? (uint32_t)(now - GRAPH_MARK_BACK) : 1;
}

int graph_folder_ready(struct writer *w, struct folder *f,
                       const struct folder *have, struct err *e)
{
	char *raw = strdup(have->raw);

	if (!raw)
		return err_memory(e);
	free(f->raw);
	f->raw = raw;
	f->uidvalidity = GRAPH_UIDVALIDITY;
	f->uidnext = graph_mark(w);
	f->messages = have->messages;
	f->have_status = true;
	free(f->keywords);
	f->keywords = NULL;
	f->any_keyword = true;
	return 0;
}

/* comp[] of parent and name behind it; name may hold a '/'. */
static int set_comps(struct folder *f, const struct folder *parent,
                     const char *name)
{
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t depth = parent ? parent->depth : 0;

	f->comp = calloc(depth + 1, sizeof(*f->comp));
	if (!f->comp)
		return -1;
	for (size_t i = 0; i <= depth; i++) {
		f->comp[i] = strdup(i < depth ? parent->comp[i] : name);
		if (!f->comp[i])
			return -1;
		f->depth++;
		if ((i && buf_chr(&path, '/')) || buf_str(&path, f->comp[i]))
			return -1;
	}
	f->path = buf_take(&path);
	return f->path ? 0 : -1;
}

static uint64_t count_of(const json_t *item, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(item, name));

	return n > 0 ? (uint64_t)n : 0;
}

int graph_folder_add(struct folder_list *l, const struct folder *parent,
                     const json_t *item, uint64_t *children, struct err *e)
{
	const char *id = graph_text(item, "id");
	const char *name = graph_text(item, "displayName");
	const char *type = graph_text(item, "@odata.type");
	struct folder *f, above = { 0 };
	int failed;

	*children = count_of(item, "childFolderCount");
	if (!id || !*id)
		return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_PROTOCOL,
		               "Microsoft 365 named a folder without its id. "
		               "mailhaul asks again.",
		               "%s", "mailFolder without id");
	/* parent may be an element of l, which moves. */
	if (parent)
		above = *parent;
	f = folder_list_add(l);
	if (!f)
		return err_memory(e);
	f->raw = strdup(id);
	f->delim = '/';
	f->noselect = type && strstr(type, "SearchFolder");
	f->uidvalidity = GRAPH_UIDVALIDITY;
	f->messages = count_of(item, "totalItemCount");
	f->have_status = true;
	f->any_keyword = true;
	failed = !f->raw || set_comps(f, parent ? &above : NULL,
	                              name && *name ? name : "_");
	return failed ? err_memory(e) : 0;
}

/* Folders that are there, with how many each has below it. */
struct tree {
	struct folder_list l;
	uint64_t *children;
	size_t cap;
	size_t parent; /* whose children come, SIZE_MAX: topmost ones */
};

static int take_folder(json_t *item, void *arg, struct err *e)
{
	struct tree *t = arg;
	const struct folder *parent =
	        t->parent == SIZE_MAX ? NULL : &t->l.v[t->parent];

	if (t->l.n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		uint64_t *v = realloc(t->children, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		t->children = v;
		t->cap = cap;
	}
	return graph_folder_add(&t->l, parent, item, &t->children[t->l.n], e);
}

static int read_tree(struct writer *w, struct tree *t, struct err *e)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 20);

	if (buf_fmt(&b, "%s/mailFolders?" FOLDER_SELECT, graph_user(w->g)))
		return err_memory(e);
	t->parent = SIZE_MAX;
	if (graph_list(w->g, b.p, FOLDERS_AT_ONCE, take_folder, t, e))
		return -1;
	for (size_t i = 0; i < t->l.n; i++) {
		char *path CLEANUP(free_p) = NULL;

		if (!t->children[i])
			continue;
		path = graph_folder_path(w->g, t->l.v[i].raw,
		                         "/childFolders?" FOLDER_SELECT);
		if (!path)
			return err_memory(e);
		t->parent = i;
		if (graph_list(w->g, path, FOLDERS_AT_ONCE, take_folder, t, e))
			return -1;
	}
	return 0;
}

static const struct {
	const char *name;
	enum mail_use use;
	bool noselect;
} known[] = {
	{ "inbox", USE_INBOX, false },
	{ "sentitems", USE_SENT, false },
	{ "drafts", USE_DRAFTS, false },
	{ "deleteditems", USE_TRASH, false },
	{ "junkemail", USE_JUNK, false },
	{ "archive", USE_ARCHIVE, false },
	/* The service's own: nobody's mail belongs there. */
	{ "outbox", USE_NONE, true },
	{ "conversationhistory", USE_NONE, true },
	{ "syncissues", USE_NONE, true },
	{ "conflicts", USE_NONE, true },
	{ "localfailures", USE_NONE, true },
	{ "serverfailures", USE_NONE, true },
	{ "scheduled", USE_NONE, true },
	{ "searchfolders", USE_NONE, true },
	{ "recoverableitemsdeletions", USE_NONE, true },
	{ "clutter", USE_NONE, true },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))
_Static_assert(KNOWN <= GRAPH_PARTS, "all in one $batch");

/* The inbox is INBOX in any language, and so are the paths below it. */
static int rename_inbox(struct folder_list *l, const struct folder *inbox,
                        struct err *e)
{
	size_t depth = inbox->depth;
	char *was CLEANUP(free_p) = strdup(inbox->comp[depth - 1]);

	if (!was)
		return err_memory(e);
	if (depth != 1)
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		struct folder f = { 0 }, *at = &l->v[i];
		struct folder top = { .comp = at->comp,
			              .depth = at->depth - 1 };
		char *first = at->comp[0];
		int failed;

		if (strcmp(first, was) != 0)
			continue;
		at->comp[0] = (char *)(uintptr_t) "INBOX";
		failed = set_comps(&f, &top, at->comp[at->depth - 1]);
		at->comp[0] = first;
		if (failed) {
			folder_release(&f);
			return err_memory(e);
		}
		for (size_t k = 0; k < at->depth; k++)
			free(at->comp[k]);
		free(at->comp);
		free(at->path);
		at->comp = f.comp;
		at->path = f.path;
	}
	return 0;
}

static int mark_known(struct writer *w, struct folder_list *l, size_t which,
                      const struct graph_part *part, struct err *e)
{
	const char *id = graph_text(part->answer, "id");

	if (part->status != 200 || !id) {
		if (known[which].use != USE_INBOX)
			return 0;
		graph_error(part->status, part->answer, 0, w->a->user, e);
		return -1;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct folder *f = &l->v[i];

		if (strcmp(f->raw, id) != 0)
			continue;
		f->use = known[which].use;
		f->noselect |= known[which].noselect;
		if (f->use == USE_INBOX)
			return rename_inbox(l, f, e);
	}
	return 0;
}

static int find_known(struct writer *w, struct folder_list *l, struct err *e)
{
	struct graph_part v[KNOWN] = { 0 };
	bool failed = false;

	for (size_t i = 0; i < KNOWN; i++) {
		v[i].method = "GET";
		v[i].url =
		        graph_folder_path(w->g, known[i].name, "?$select=id");
		failed |= !v[i].url;
	}
	failed = failed ? err_memory(e) : graph_batch(w->g, v, KNOWN, e);
	for (size_t i = 0; i < KNOWN && !failed; i++)
		failed = mark_known(w, l, i, &v[i], e);
	graph_parts_release(v, KNOWN);
	return failed ? -1 : 0;
}

/* Names at the top that other kinds of items have, which a listing of mail
 * folders does not show, and those of the service's own folders. */
static int reserve_names(struct writer *w, struct err *e)
{
	static const char *const always[] = {
		"Files",       "Calendar", "Contacts", "Tasks",
		"Notes",       "Journal",  "Outbox",   "Conversation History",
		"Sync Issues",
	};
	size_t n = sizeof(always) / sizeof(always[0]);

	free(w->reserved);
	w->reserved = calloc(n + w->have.n + 1, sizeof(*w->reserved));
	if (!w->reserved)
		return err_memory(e);
	memcpy(w->reserved, always, sizeof(always));
	for (size_t i = 0; i < w->have.n; i++)
		if (w->have.v[i].depth == 1 && w->have.v[i].noselect)
			w->reserved[n++] = w->have.v[i].comp[0];
	return 0;
}

int graph_folders_read(struct writer *w, struct err *e)
{
	struct tree t = { 0 };
	int failed = read_tree(w, &t, e) || find_known(w, &t.l, e);

	free(t.children);
	if (failed) {
		folder_list_release(&t.l);
		return -1;
	}
	for (size_t i = 0; i < t.l.n; i++)
		t.l.v[i].uidnext = graph_mark(w);
	folder_list_release(&w->have);
	w->have = t.l;
	w->have_now = true;
	return reserve_names(w, e);
}

static int folders(struct writer *w, struct folder_list *out, struct err *e)
{
	if (graph_folders_read(w, e))
		return -1;
	for (size_t i = 0; i < w->have.n; i++) {
		struct folder *f = folder_list_add(out);

		if (!f || folder_copy(f, &w->have.v[i]))
			return err_memory(e);
	}
	return 0;
}

const struct writer_ops writer_graph = {
	.name = "graph",
	.accepts = accepts,
	.open = graph_writer_open,
	.traits = traits,
	.folders = folders,
	.rules = rules,
	.make = graph_make,
	.prepare = graph_prepare,
	.submit = graph_submit,
	.in_flight = graph_in_flight,
	.ready = graph_ready,
	.wake = graph_wake,
	.collect = graph_collect,
	.list = graph_list_copies,
	.read = graph_read,
	.finish = graph_finish,
	.take_back = graph_take_back,
	.close = graph_writer_close,
};
