/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_make.c - folders at Microsoft 365: found, whatever the case of
 * their letters, or created, parents first. m365.md C.1.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buf.h"
#include "util/log.h"
#include "util/utf8.h"
#include "writer/graph_writer.h"

#define CHILDREN_AT_ONCE 100
#define TRIES 3

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

static bool same_name(const char *a, const char *b)
{
	char *x CLEANUP(free_p) = NULL, *y CLEANUP(free_p) = NULL;

	if (strcasecmp(a, b) == 0)
		return true;
	if (is_ascii(a) || is_ascii(b))
		return false;
	x = utf8_folded(a);
	y = utf8_folded(b);
	return x && y && strcmp(x, y) == 0;
}

static bool same_place(const struct folder *have, const struct folder *f,
                       size_t depth)
{
	if (have->depth != depth)
		return false;
	/* A folder that a person called INBOX is not the inbox. */
	if (depth == 1 && strcasecmp(f->comp[0], "INBOX") == 0)
		return have->use == USE_INBOX;
	for (size_t i = depth; i-- > 0;)
		if (!same_name(have->comp[i], f->comp[i]))
			return false;
	return true;
}

/* What is there for the first depth parts of f. */
static const struct folder *find(const struct writer *w, const struct folder *f,
                                 size_t depth)
{
	for (size_t i = 0; i < w->have.n; i++)
		if (same_place(&w->have.v[i], f, depth))
			return &w->have.v[i];
	return NULL;
}

/* --- creating ------------------------------------------------------------- */

static char *children_path(struct writer *w, const struct folder *parent,
                           const char *rest)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 16);

	if (!parent)
		return buf_fmt(&b, "%s/mailFolders%s", graph_user(w->g), rest)
		               ? NULL
		               : buf_take(&b);
	if (buf_fmt(&b, "/childFolders%s", rest))
		return NULL;
	return graph_folder_path(w->g, parent->raw, b.p);
}

struct finding {
	struct writer *w;
	const struct folder *parent;
	const char *name;
	bool found;
};

static int is_it(json_t *item, void *arg, struct err *e)
{
	struct finding *q = arg;
	const char *name = graph_text(item, "displayName");
	uint64_t children;

	if (!name || !same_name(name, q->name))
		return 0;
	if (graph_folder_add(&q->w->have, q->parent, item, &children, e))
		return -1;
	q->found = true;
	return 1;
}

/* The service says that it exists, and no listing showed it: a hidden one,
 * or one that came meanwhile. */
static int find_hidden(struct writer *w, const struct folder *parent,
                       const char *name, bool *found, struct err *e)
{
	struct folder above = parent ? *parent : (struct folder){ 0 };
	struct finding q = { .w = w,
		             .parent = parent ? &above : NULL,
		             .name = name };
	char *path CLEANUP(free_p) = children_path(
	        w, parent,
	        "?includeHiddenFolders=true&$select=id,displayName,"
	        "parentFolderId,childFolderCount,totalItemCount");
	int failed;

	if (!path)
		return err_memory(e);
	failed = graph_list(w->g, path, CHILDREN_AT_ONCE, is_it, &q, e);
	*found = q.found;
	return failed && !q.found ? -1 : 0;
}

static int created(struct writer *w, const struct folder *parent,
                   const char *name, const json_t *answer, struct err *e)
{
	struct folder above = parent ? *parent : (struct folder){ 0 };
	uint64_t children;

	if (graph_folder_add(&w->have, parent ? &above : NULL, answer,
	                     &children, e))
		return -1;
	log_msg("graph: folder %s created", name);
	return 0;
}

static int post(struct writer *w, const struct folder *parent, const char *name,
                struct graph_reply *r, struct err *e)
{
	char *path CLEANUP(free_p) = children_path(w, parent, "");
	json_t *json =
	        json_pack("{s:s, s:b}", "displayName", name, "isHidden", 0);
	char *text CLEANUP(free_p) =
	        json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct graph_call c = { .method = "POST", .path = path, .body = text };

	json_decref(json);
	if (!path || !text)
		return err_memory(e);
	c.size = strlen(text);
	return graph_call(w->g, &c, r, e);
}

/* Below parent (NULL: topmost). Afterwards it is in have. */
static int create(struct writer *w, const struct folder *parent,
                  const char *name, struct err *e)
{
	int failed = -1;

	for (unsigned tries = 0; failed && tries < TRIES; tries++) {
		struct graph_reply r = { 0 };
		bool found = false, ask;
		struct err why;

		failed = post(w, parent, name, &r, e);
		if (!failed)
			failed = created(w, parent, name, r.json, e);
		graph_reply_release(&r);
		ask = failed && (e->code == EC_EXISTS || e->next == NEXT_ASK);
		if (!ask)
			break;
		why = *e;
		if (find_hidden(w, parent, name, &found, e))
			return -1;
		if (found)
			failed = 0;
		else if (why.code == EC_EXISTS)
			tries = TRIES;
		*e = why;
	}
	return failed;
}

/* --- one folder ----------------------------------------------------------- */

static int not_this_name(const struct folder *f, const char *name,
                         struct err *why)
{
	char detail[sizeof(why->detail)];

	memcpy(detail, why->detail, sizeof(detail));
	err_setf(why, ERR_FOLDER, NEXT_ASK_PERSON, EC_FOLDER_NAME,
	         "Microsoft 365 does not take mail in a folder named '%.100s'. "
	         "Give it another name with --map '%.100s=NEW NAME' and run "
	         "mailhaul again.",
	         name, f->path);
	err_detail(why, "%s", detail);
	return 0;
}

/* Nothing but this folder is spoilt. */
static bool is_its_own(const struct err *e)
{
	return e->reach <= ERR_FOLDER && e->next != NEXT_ASK &&
	       e->next != NEXT_WAIT && e->next != NEXT_RETRY;
}

static int make_one(struct writer *w, struct folder *f, struct err *why,
                    struct err *e)
{
	const struct folder *at = NULL;

	for (size_t depth = 1; depth <= f->depth; depth++) {
		const struct folder *next = find(w, f, depth);
		const char *name = f->comp[depth - 1];

		if (!next) {
			if (create(w, at, name, why)) {
				if (why->code == EC_EXISTS || is_its_own(why))
					return not_this_name(f, name, why);
				*e = *why;
				return -1;
			}
			/* The service may have changed the name a little. */
			next = &w->have.v[w->have.n - 1];
		}
		at = next;
	}
	if (!at || at->noselect)
		return not_this_name(f, f->path, why);
	err_clear(why);
	return graph_folder_ready(w, f, at, e);
}

int graph_make(struct writer *w, struct folder *v, size_t n, struct err *why,
               struct err *e)
{
	/* A folder that is made again has gone since. */
	if (!w->have_now && graph_folders_read(w, e))
		return -1;
	w->have_now = false;
	for (size_t i = 0; i < n; i++) {
		err_clear(&why[i]);
		if (make_one(w, &v[i], &why[i], e))
			return -1;
	}
	return 0;
}
