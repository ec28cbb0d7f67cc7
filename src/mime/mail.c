/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - life and death of mailhaul/mail.h's structures. */
#include "mailhaul/mail.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

static const char *const state_names[] = {
#define X(state, name) [state] = name,
	MSG_STATES(X)
#undef X
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == MSG_STATE_COUNT,
               "every state has a name");

const char *msg_state_name(enum msg_state state)
{
	return state < MSG_STATE_COUNT ? state_names[state] : "unknown";
}

static void free_comps(struct folder *f)
{
	for (size_t i = 0; i < f->depth; i++)
		free(f->comp[i]);
	free(f->comp);
	f->comp = NULL;
	f->depth = 0;
}

void folder_release(struct folder *f)
{
	free(f->raw);
	free(f->path);
	free(f->keywords);
	free_comps(f);
	memset(f, 0, sizeof(*f));
}

void folder_list_release(struct folder_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		folder_release(&l->v[i]);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

struct folder *folder_list_add(struct folder_list *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct folder *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	memset(&l->v[l->n], 0, sizeof(l->v[0]));
	return &l->v[l->n++];
}

static size_t count_parts(const char *s, char delim)
{
	size_t n = 1;

	for (; *s; s++)
		n += delim && *s == delim;
	return n;
}

static int split(struct folder *f, const char *s, char delim)
{
	size_t parts = count_parts(s, delim);

	f->comp = calloc(parts, sizeof(*f->comp));
	if (!f->comp)
		return -1;
	for (; f->depth < parts; f->depth++) {
		const char *end = delim ? strchr(s, delim) : NULL;
		size_t len = end ? (size_t)(end - s) : strlen(s);

		f->comp[f->depth] = strndup(s, len);
		if (!f->comp[f->depth])
			return -1;
		s += len + 1;
	}
	return 0;
}

int folder_set_path(struct folder *f, const char *utf8, char delim)
{
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(0);

	free_comps(f);
	free(f->path);
	f->path = NULL;
	if (split(f, utf8, delim))
		return -1;
	for (size_t i = 0; i < f->depth; i++)
		if ((i && buf_chr(&path, '/')) || buf_str(&path, f->comp[i]))
			return -1;
	f->path = buf_take(&path);
	return f->path ? 0 : -1;
}

static char *dup_or_null(const char *s, bool *failed)
{
	char *d = s ? strdup(s) : NULL;

	*failed |= s && !d;
	return d;
}

int folder_copy(struct folder *to, const struct folder *from)
{
	bool failed = false;

	*to = *from;
	to->raw = dup_or_null(from->raw, &failed);
	to->path = dup_or_null(from->path, &failed);
	to->keywords = dup_or_null(from->keywords, &failed);
	to->comp = from->depth ? calloc(from->depth, sizeof(*to->comp)) : NULL;
	to->depth = 0;
	if (from->depth && !to->comp)
		failed = true;
	for (size_t i = 0; !failed && i < from->depth; i++) {
		to->comp[i] = dup_or_null(from->comp[i], &failed);
		to->depth++;
	}
	if (!failed)
		return 0;
	folder_release(to);
	return -1;
}

void message_release(struct message *m)
{
	free(m->key);
	free(m->keywords);
	free(m->set_keywords);
	free(m->dest_name);
	free(m->repair_note);
	free(m->note);
	free(m->made_note);
	body_release(&m->body);
	memset(m, 0, sizeof(*m));
}

void message_move(struct message *to, struct message *from)
{
	message_release(to);
	*to = *from;
	memset(from, 0, sizeof(*from));
}

struct batch *batch_new(void)
{
	return calloc(1, sizeof(struct batch));
}

struct message *batch_add(struct batch *b)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		struct message *v = realloc(b->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		b->v = v;
		b->cap = cap;
	}
	memset(&b->v[b->n], 0, sizeof(b->v[0]));
	return &b->v[b->n++];
}

void batch_drop(struct batch *b,
                bool (*drop)(const struct message *m, void *arg), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (drop(&b->v[i], arg)) {
			message_release(&b->v[i]);
			continue;
		}
		if (kept != i)
			message_move(&b->v[kept], &b->v[i]);
		kept++;
	}
	b->n = kept;
}

void batch_free(struct batch **b)
{
	if (!*b)
		return;
	for (size_t i = 0; i < (*b)->n; i++)
		message_release(&(*b)->v[i]);
	free((*b)->v);
	free(*b);
	*b = NULL;
}
