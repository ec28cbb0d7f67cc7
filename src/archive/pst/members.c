/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members.c - what stands in a folder: the nodes that name it as their
 * parent, and the rows of its table ([MS-PST] 2.4.4.5) whose nodes are
 * nowhere, which are all that is left of a message.
 *
 * The table of a folder that has as many messages as it counts is not read.
 */
#include "archive/pst/walk.h"

#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static size_t from(const uint64_t *v, size_t n, uint32_t nid)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] >> 32 < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t pst_members_from(const struct pst_members *m, uint32_t nid)
{
	return from(m->v, m->n, nid);
}

struct look {
	struct pst_walk *w;
	size_t nodes; /* of m.v that are nodes, ascending */
	size_t cap;
};

/* A row whose node is in another folder is read there. */
static bool is_elsewhere(const struct look *k, uint32_t id)
{
	const struct pst_members *m = &k->w->m;
	size_t at = from(m->v, k->nodes, id);
	struct pst_node n;

	return (at < k->nodes && m->v[at] >> 32 == id) ||
	       pst_node(k->w->file.p, id, &n) > 0;
}

static int look_at_row(uint32_t id, size_t row, void *arg)
{
	struct look *k = arg;
	struct pst_members *m = &k->w->m;

	if (NID_TYPE(id) != NID_MESSAGE || row >= UINT32_MAX ||
	    is_elsewhere(k, id))
		return 0;
	if (m->n == k->cap) {
		size_t cap = k->cap + k->cap / 2 + 16;
		uint64_t *v = reallocarray(m->v, cap, sizeof(*v));

		if (!v)
			return -1;
		m->v = v;
		k->cap = cap;
	}
	m->v[m->n++] = (uint64_t)id << 32 | (row + 1);
	return 0;
}

/* A row may be there twice. */
static void tidy(struct pst_members *m)
{
	size_t n = 0;

	qsort(m->v, m->n, sizeof(*m->v), by_number);
	for (size_t i = 0; i < m->n; i++)
		if (n == 0 || m->v[n - 1] >> 32 != m->v[i] >> 32)
			m->v[n++] = m->v[i];
	m->n = n;
}

static void open_table(struct pst_walk *w)
{
	uint32_t nid = NID_OF(w->f->nid, NID_CONTENTS);
	struct pst_members *m = &w->m;
	struct pst_node n;

	m->have_table = m->have_table ||
	                (pst_node(w->file.p, nid, &n) > 0 &&
	                 !pst_tc_open(&m->table, w->file.p, n.data, n.sub));
}

static int look_at_table(struct pst_walk *w)
{
	struct pst_members *m = &w->m;
	struct look k = { .w = w, .nodes = m->n, .cap = m->n + 1 };

	if (pst_folders_rows(&w->l, w->f->nid, NID_CONTENTS, look_at_row, &k))
		return -1;
	if (m->n == k.nodes)
		return 0;
	tidy(m);
	open_table(w);
	return 0;
}

/* --- the row of one item ------------------------------------------------- */

static int keep_row(uint32_t id, size_t row, void *arg)
{
	struct pst_members *m = arg;

	if (row >= UINT32_MAX)
		return 0;
	if (m->rows_n == m->rows_cap) {
		size_t cap = m->rows_cap + m->rows_cap / 2 + 64;
		uint64_t *v = reallocarray(m->rows, cap, sizeof(*v));

		if (!v)
			return -1;
		m->rows = v;
		m->rows_cap = cap;
	}
	m->rows[m->rows_n++] = (uint64_t)id << 32 | (row + 1);
	return 0;
}

uint32_t pst_members_row(struct pst_walk *w, uint32_t nid)
{
	struct pst_members *m = &w->m;
	size_t i;

	if (!m->rows_known && w->f->nid) {
		(void)pst_folders_rows(&w->l, w->f->nid, NID_CONTENTS, keep_row,
		                       m);
		if (m->rows_n)
			qsort(m->rows, m->rows_n, sizeof(*m->rows), by_number);
		open_table(w);
	}
	m->rows_known = true;
	i = from(m->rows, m->rows_n, nid);
	return i < m->rows_n && m->rows[i] >> 32 == nid ? (uint32_t)m->rows[i]
	                                                : 0;
}

/* --- all of a folder ----------------------------------------------------- */

int pst_members_load(struct pst_walk *w)
{
	const struct pst_folder *f = w->f;
	struct pst_members *m = &w->m;

	*m = (struct pst_members){ .n = f->n };
	m->v = calloc(f->n + 1, sizeof(*m->v));
	if (!m->v)
		return -1;
	for (size_t i = 0; i < f->n; i++)
		m->v[i] = w->l.mail[f->first + i] << 32;
	if (!f->nid || f->sort != PST_MAIL ||
	    (f->counted && f->declared == f->n && !w->file.p->rescued))
		return 0;
	return look_at_table(w);
}

void pst_members_release(struct pst_walk *w)
{
	if (w->m.have_table)
		pst_tc_close(&w->m.table);
	free(w->m.v);
	free(w->m.rows);
	w->m = (struct pst_members){ 0 };
}

uint64_t pst_members_short(const struct pst_folder *f, size_t n)
{
	return f->counted && f->declared > n ? f->declared - n : 0;
}
