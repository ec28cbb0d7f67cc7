/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_use.c - one folder for each special use (RFC 6154) on each side.
 *
 * An attribute is better than a name, the top level better than below
 * INBOX; then the order of raw names decides.
 */
#include "plan/folder_map.h"

/* 0: f is not for its use; else the higher the better. */
static int rank(const struct folder *f, enum mail_use use)
{
	if (f->shared || f->noselect || use < USE_SENT || use > USE_ALL)
		return 0;
	if (f->use != USE_NONE)
		return 3;
	return f->depth == 1 ? 2 : 1;
}

static void none(uint32_t *uses)
{
	for (int i = 0; i < USE_COUNT; i++)
		uses[i] = TREE_NONE;
}

void map_source_uses(struct folder_map *m)
{
	int best[USE_COUNT] = { 0 };

	none(m->src_use);
	for (size_t i = 0; i < m->src->n; i++) {
		uint32_t index = m->order[i];
		uint32_t node = m->node_of[index];
		enum mail_use use = plan_use(&m->src->v[index]);
		int r = rank(&m->src->v[index], use);

		if (!m->s.v[node].live || r <= best[use])
			continue;
		best[use] = r;
		m->src_use[use] = node;
	}
}

static bool earlier(const struct folder_map *m, uint32_t a, uint32_t b)
{
	const struct tree_node *x = &m->d.v[a], *y = &m->d.v[b];

	if (x->depth != y->depth)
		return x->depth < y->depth;
	for (; x->parent != y->parent; x = &m->d.v[x->parent])
		y = &m->d.v[y->parent];
	for (const char *p = x->name, *q = y->name;; p++, q++)
		if (*p != *q || !*p)
			return (unsigned char)*p < (unsigned char)*q;
}

void map_dest_uses(struct folder_map *m)
{
	int best[USE_COUNT] = { 0 };

	none(m->dst_use);
	for (size_t i = 0; i < m->dst->n; i++) {
		enum mail_use use = plan_use(&m->dst->v[i]);
		uint32_t node = m->dst_node[i];
		int r = rank(&m->dst->v[i], use);

		if (!r || r < best[use] ||
		    (r == best[use] && !earlier(m, node, m->dst_use[use])))
			continue;
		best[use] = r;
		m->dst_use[use] = node;
	}
}
