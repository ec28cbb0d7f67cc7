/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tour_remake.c - between the rounds of an archive: folders that were met
 * on the way are made, and what came back is counted; see tour.h.
 */
#include <stdlib.h>
#include <string.h>

#include "transfer/tour_int.h"

#define IDLE_MOST 16 /* a suspect batch is halved so often at most */

void tour_forget_marks(struct tour *s)
{
	for (size_t i = 0; i < s->marks_n; i++)
		free(s->marks[i].path);
	free(s->marks);
	s->marks = NULL;
	s->marks_n = 0;
}

void tour_forget(struct tour *s)
{
	for (size_t i = 0; i < s->n; i++)
		branch_release(&s->v[i]);
	free(s->v);
	s->v = NULL;
	s->n = s->last = 0;
}

/* --- between the rounds --- */

bool tour_met_folder(const struct move *m)
{
	return m->tour && m->tour->met_folder;
}

static int keep_marks(struct move *m, struct err *e)
{
	struct tour *s = m->tour;

	if (s->marks || !m->tos_n)
		return 0;
	s->marks = calloc(m->tos_n, sizeof(*s->marks));
	if (!s->marks)
		return err_memory(e);
	for (size_t i = 0; i < m->tos_n; i++) {
		const struct to *t = &m->tos[i];

		s->marks[i] = (struct mark){ .path = strdup(t->f.path),
			                     .uidvalidity = t->mark_uidvalidity,
			                     .uidnext = t->mark_uidnext,
			                     .messages = t->messages_before,
			                     .appended = t->appended,
			                     .doubted = t->doubted };
		s->marks_n++;
		if (!s->marks[i].path)
			return err_memory(e);
	}
	return 0;
}

static void give_mark(struct to *t, const struct mark *k)
{
	if (strcmp(t->f.path, k->path) != 0 || t->absent ||
	    t->mark_uidvalidity != k->uidvalidity)
		return;
	t->mark_uidnext = k->uidnext;
	t->messages_before = k->messages;
	t->appended = k->appended;
	t->doubted |= k->doubted;
}

static void give_marks(struct move *m)
{
	struct tour *s = m->tour;

	for (size_t i = 0; i < m->tos_n; i++)
		for (size_t k = 0; k < s->marks_n; k++)
			give_mark(&m->tos[i], &s->marks[k]);
	tour_forget_marks(s);
}

static struct branch *find_branch(struct branch *v, size_t n, const char *raw)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].raw && strcmp(v[i].raw, raw) == 0)
			return &v[i];
	return NULL;
}

/* A folder met in the middle of a walk: told from its beginning. Nothing is
 * known yet of what has left it, so it does not count as listed if the store
 * had it. */
static int new_branch(struct move *m, struct branch *b, size_t from,
                      struct err *e)
{
	const struct from *f = &m->froms[from];

	if (branch_load(b, m, from, e))
		return -1;
	b->ask = branch_first_ask(b, f, false);
	if (!m->tour->bodies && b->ask == ASK_WHOLE)
		b->ask = ASK_LIST;
	return 0;
}

static int take_over(struct move *m, struct branch *v, struct err *e)
{
	struct tour *s = m->tour;

	for (size_t i = 0; i < m->froms_n; i++) {
		struct branch *old = find_branch(s->v, s->n, m->froms[i].f.raw);

		if (!old) {
			if (new_branch(m, &v[i], i, e))
				return -1;
			continue;
		}
		v[i] = *old;
		memset(old, 0, sizeof(*old));
		v[i].from = i;
		m->froms[i].listed |= v[i].listed;
		m->froms[i].listed_before |= v[i].listed;
	}
	return 0;
}

int tour_remake(struct move *m, struct err *e)
{
	struct tour *s = m->tour;
	struct branch *v;
	int failed;

	if (keep_marks(m, e) || folders_prepare(m, e))
		return -1;
	give_marks(m);
	v = calloc(m->froms_n + 1, sizeof(*v));
	if (!v)
		return err_memory(e);
	failed = take_over(m, v, e);
	tour_forget(s);
	s->v = v;
	s->n = m->froms_n;
	s->met_folder = false;
	return failed;
}

/* The folder of src that stands in the same file as raw. */
static const struct folder *beside(const struct folder_list *src,
                                   const char *raw)
{
	size_t n = strcspn(raw, "#");

	for (size_t i = 0; i < src->n; i++)
		if (strcspn(src->v[i].raw, "#") == n &&
		    memcmp(src->v[i].raw, raw, n) == 0)
			return &src->v[i];
	return NULL;
}

static bool is_told(const struct folder_list *src, const char *raw)
{
	for (size_t i = 0; i < src->n; i++)
		if (strcmp(src->v[i].raw, raw) == 0)
			return true;
	return false;
}

static int add_known(struct folder_list *src, const struct folder *known,
                     struct err *e)
{
	const struct folder *sibling = beside(src, known->raw);
	struct folder *f = folder_list_add(src);

	if (!f || folder_copy(f, known))
		return err_memory(e);
	f->id = 0;
	f->messages = 0;
	f->modseq = sibling ? sibling->modseq : 0;
	f->have_status = sibling && sibling->have_status;
	if (sibling)
		f->uidvalidity = sibling->uidvalidity;
	return 0;
}

int tour_known_folders(struct move *m, struct folder_list *src, struct err *e)
{
	struct source_folder *v = NULL;
	size_t n = 0;
	int failed = 0;

	if (!m->tour)
		return 0;
	if (store_source_folders(m->store, m->job->mailbox->id, &v, &n, e))
		return -1;
	for (size_t i = 0; i < n && !failed; i++)
		if (!v[i].f.noselect && !is_told(src, v[i].f.raw))
			failed = add_known(src, &v[i].f, e);
	source_folders_free(&v, n);
	return failed;
}

static int count_waiting(struct move *m, uint64_t *n, struct err *e)
{
	*n = 0;
	for (size_t i = 0; i < m->froms_n; i++) {
		struct row_where w = { .source_folder = m->froms[i].f.id,
			               .states = 1u << MSG_PENDING,
			               .not_orphan = true };
		uint64_t waiting = 0;

		if (m->froms[i].skip)
			continue;
		if (store_count(m->store, &w, &waiting, e))
			return -1;
		*n += waiting;
	}
	return 0;
}

int tour_again(struct move *m, bool *again, struct err *e)
{
	struct tour *s = m->tour;
	uint64_t left = 0;

	if (!s)
		return 0;
	if (s->walking || s->stage != STAGE_REST) {
		*again = true;
		return 0;
	}
	if (count_waiting(m, &left, e))
		return -1;
	s->idle = left == s->left ? s->idle + 1 : 0;
	s->left = left;
	*again |= left && s->idle < IDLE_MOST;
	return 0;
}
