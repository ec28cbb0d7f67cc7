/* SPDX-License-Identifier: Apache-2.0 */
/* prior.c - see prior.h. */
#include "transfer/prior.h"

#include <stdlib.h>
#include <string.h>

#include "mailhaul/plan.h"
#include "util/buf.h"
#include "util/utf8.h"

struct search {
	const struct folder_list *src;
	const struct dest_folder *dest;
	size_t dest_n;
	const char **prior;
	/* The folders of one other source, and which are given away. */
	struct source_folder *v;
	size_t n;
	bool *given;
};

static const char *dest_path(const struct search *q, int64_t id)
{
	for (size_t i = 0; id && i < q->dest_n; i++)
		if (q->dest[i].f.id == id)
			return q->dest[i].f.path;
	return NULL;
}

static const struct source_folder *known_as(const struct source_folder *v,
                                            size_t n, const char *raw)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].f.raw, raw) == 0)
			return &v[i];
	return NULL;
}

typedef bool alike_fn(const struct folder *a, const struct folder *b);

static bool same_path(const struct folder *a, const struct folder *b)
{
	return strcmp(a->path, b->path) == 0;
}

static bool same_letters(const struct folder *a, const struct folder *b)
{
	CLEANUP(free_p) char *x = utf8_folded(a->path);
	CLEANUP(free_p) char *y = utf8_folded(b->path);

	return x && y && strcmp(x, y) == 0;
}

static bool same_use(const struct folder *a, const struct folder *b)
{
	enum mail_use use = plan_use(a);

	return use != USE_NONE && use == plan_use(b);
}

static bool ends_as(const char *path, const char *end)
{
	size_t n = strlen(path), len = strlen(end);

	return n > len && path[n - len - 1] == '/' &&
	       strcmp(path + n - len, end) == 0;
}

/* A path is told from further up, and an inbox by its name, when there are
 * more files in an archive. */
static bool same_place(const struct folder *was, const struct folder *is)
{
	return same_path(was, is) || ends_as(was->path, is->path) ||
	       ends_as(is->path, was->path) || same_use(was, is) ||
	       (plan_use(was) == USE_INBOX && strchr(is->path, '/'));
}

static void place_alike(struct search *q, alike_fn *alike)
{
	for (size_t i = 0; i < q->src->n; i++) {
		const struct folder *f = &q->src->v[i];

		for (size_t k = 0; !q->prior[i] && k < q->n; k++) {
			const char *path = dest_path(q, q->v[k].dest);

			if (!path || q->given[k] || f->noselect ||
			    !alike(f, &q->v[k].f))
				continue;
			q->prior[i] = path;
			q->given[k] = true;
		}
	}
}

/* What went to a place of its own does not leave it to a second one. */
static void give_placed(struct search *q)
{
	for (size_t k = 0; k < q->n; k++) {
		const char *path = dest_path(q, q->v[k].dest);

		for (size_t i = 0; path && i < q->src->n; i++)
			q->given[k] |=
			        q->prior[i] && strcmp(q->prior[i], path) == 0;
	}
}

static int place_as(struct search *q, struct store *s, int64_t mailbox,
                    struct err *e)
{
	int failed = store_source_folders(s, mailbox, &q->v, &q->n, e);

	q->given = calloc(q->n + 1, sizeof(*q->given));
	if (!failed && !q->given)
		failed = err_memory(e);
	if (!failed) {
		give_placed(q);
		place_alike(q, same_path);
		place_alike(q, same_letters);
		place_alike(q, same_use);
	}
	free(q->given);
	source_folders_free(&q->v, q->n);
	q->n = 0;
	return failed;
}

int prior_paths(struct store *s, const struct mailbox *mailbox,
                const struct folder_list *src,
                const struct source_folder *known, size_t known_n,
                const struct dest_folder *dest, size_t dest_n,
                const char **prior, struct err *e)
{
	struct search q = {
		.src = src, .dest = dest, .dest_n = dest_n, .prior = prior
	};
	struct mailbox *all = NULL;
	size_t n = 0;
	int failed = store_mailboxes(s, NULL, 0, &all, &n, e);

	for (size_t i = 0; i < src->n; i++) {
		const struct source_folder *k =
		        known_as(known, known_n, src->v[i].raw);

		/* An Outlook file in the place of another one has other folders
		 * under the same numbers. */
		prior[i] = k && same_place(&k->f, &src->v[i])
		                   ? dest_path(&q, k->dest)
		                   : NULL;
	}
	for (size_t i = 0; i < n && !failed; i++)
		if (all[i].id != mailbox->id &&
		    strcmp(all[i].to_key, mailbox->to_key) == 0)
			failed = place_as(&q, s, all[i].id, e);
	mailboxes_free(&all, n);
	return failed;
}
