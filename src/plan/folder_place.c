/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_place.c - places in the destination's tree, and who has which.
 *
 * A name that one source node has taken is not given to another, but for
 * mapped ones (--map): those go where their name leads, and only siblings
 * among them are told apart.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/fit_name.h"
#include "plan/folder_map.h"
#include "util/buf.h"
#include "util/utf8.h"

#define FLAT_JOINT " - "

/* What two names that the destination takes for one have in common.
 * malloc'd. INBOX is INBOX everywhere, RFC 3501 5.1. */
static char *dest_key(const struct folder_map *m, uint32_t parent,
                      const char *name)
{
	if (m->r->case_blind)
		return utf8_folded(name);
	if (parent == TREE_ROOT && !strcasecmp(name, "INBOX"))
		return strdup("INBOX");
	return strdup(name);
}

static uint32_t dest_child(struct folder_map *m, uint32_t parent,
                           const char *name)
{
	bool inbox = parent == TREE_ROOT && !strcasecmp(name, "INBOX");
	CLEANUP(free_p) char *key = dest_key(m, parent, name);
	uint32_t node;

	if (inbox)
		name = "INBOX";
	if (!key)
		return TREE_NONE;
	node = tree_find(&m->d, parent, key);
	return node == TREE_NONE ? tree_add(&m->d, parent, name, key, false)
	                         : node;
}

/* --- what is at the destination ---------------------------------------- */

static int by_path(const void *a, const void *b, void *arg)
{
	const struct folder_list *l = arg;
	const char *x = l->v[*(const uint32_t *)a].path;
	const char *y = l->v[*(const uint32_t *)b].path;

	return strcmp(x ? x : "", y ? y : "");
}

int map_dest_tree(struct folder_map *m)
{
	for (size_t i = 0; i < m->dst->n; i++) {
		const struct folder *f = &m->dst->v[i];
		uint32_t node = TREE_ROOT;

		m->by_path[i] = (uint32_t)i;
		m->dst_node[i] = TREE_NONE;
		if (f->shared || !f->depth)
			continue;
		for (size_t k = 0; k < f->depth; k++) {
			node = dest_child(m, node, f->comp[k]);
			if (node == TREE_NONE)
				return -1;
		}
		m->dst_node[i] = node;
	}
	qsort_r(m->by_path, m->dst->n, sizeof(*m->by_path), by_path,
	        (void *)(uintptr_t)m->dst);
	return 0;
}

static uint32_t dest_existing(const struct folder_map *m, const char *path)
{
	size_t lo = 0, hi = m->dst->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		uint32_t index = m->by_path[mid];
		const char *there = m->dst->v[index].path;
		int order = strcmp(path, there ? there : "");

		if (!order)
			return m->dst_node[index];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return TREE_NONE;
}

/* --- paths that a person or an earlier pass gave ------------------------ */

/* The name below parent; at a flat destination, with parent's in front. */
static char *joined(const struct folder_map *m, uint32_t parent,
                    const char *name)
{
	CLEANUP(free_p)
	char *fit = parent == TREE_ROOT ? fit_top_name(m->r, name)
	                                : fit_name(m->r, name);
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (!fit)
		return NULL;
	if (m->r->delim || parent == TREE_ROOT)
		return strdup(fit);
	if (buf_fmt(&b, "%s" FLAT_JOINT "%s", m->d.v[parent].name, fit))
		return NULL;
	return fit_name(m->r, b.p);
}

static uint32_t step_below(struct folder_map *m, uint32_t parent,
                           const char *name)
{
	CLEANUP(free_p) char *fit = joined(m, parent, name);

	if (!fit)
		return TREE_NONE;
	return dest_child(m, m->r->delim ? parent : TREE_ROOT, fit);
}

uint32_t map_dest_path(struct folder_map *m, uint32_t base, const char *path)
{
	uint32_t node = base;

	while (node != TREE_NONE && *path) {
		size_t n = strcspn(path, "/");
		CLEANUP(free_p) char *name = strndup(path, n);

		node = name ? step_below(m, node, name) : TREE_NONE;
		path += n + (path[n] == '/');
	}
	return node;
}

uint32_t map_prior(struct folder_map *m, const char *path)
{
	uint32_t node = dest_existing(m, path);

	if (node != TREE_NONE)
		return node;
	if (!m->r->delim)
		return step_below(m, TREE_ROOT, path);
	return map_dest_path(m, TREE_ROOT, path);
}

/* --- a place of its own ------------------------------------------------- */

static bool is_free(const struct folder_map *m, uint32_t place,
                    const struct tree_node *node)
{
	const struct tree_node *d = &m->d.v[place];

	return node->mapped ? d->shared_by != node->parent : !d->taken;
}

static uint32_t numbered(struct folder_map *m, uint32_t parent,
                         const char *name, const struct tree_node *node)
{
	uint32_t first = dest_child(m, parent, name);
	uint32_t place = first;

	while (place != TREE_NONE && !is_free(m, place, node)) {
		unsigned number = m->d.v[first].suffix;
		CLEANUP(free_p) char *other = NULL;

		number = number ? number + 1 : 2;
		m->d.v[first].suffix = number;
		other = fit_numbered(m->r, name, number);
		place = other ? dest_child(m, parent, other) : TREE_NONE;
	}
	return place;
}

int map_place(struct folder_map *m, uint32_t id, uint32_t parent)
{
	struct tree_node *node = &m->s.v[id];
	const char *wanted = id == m->inbox ? "INBOX" : node->name;
	CLEANUP(free_p) char *name = joined(m, parent, wanted);
	uint32_t place;

	if (!name)
		return -1;
	place = numbered(m, m->r->delim ? parent : TREE_ROOT, name, node);
	if (place == TREE_NONE)
		return -1;
	node->dest = place;
	if (node->mapped)
		m->d.v[place].shared_by = node->parent;
	else
		m->d.v[place].taken = true;
	return 0;
}
