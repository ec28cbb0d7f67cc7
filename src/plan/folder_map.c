/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_map.c - where each folder of the source goes.
 *
 * First the folders whose place is settled (a rule of --map, an earlier
 * pass, INBOX, the special uses), then all others from the top down under
 * their parents' places. Several folders that name themselves alike for a
 * destination get numbers in the order of their raw names.
 */
#include "plan/folder_map.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buf.h"

static int start(struct folder_map *m)
{
	size_t src = m->src->n ? m->src->n : 1;
	size_t dst = m->dst->n ? m->dst->n : 1;

	m->order = calloc(src, sizeof(*m->order));
	m->node_of = calloc(src, sizeof(*m->node_of));
	m->by_path = calloc(dst, sizeof(*m->by_path));
	m->dst_node = calloc(dst, sizeof(*m->dst_node));
	if (!m->order || !m->node_of || !m->by_path || !m->dst_node ||
	    tree_init(&m->s) || tree_init(&m->d))
		return -1;
	for (size_t i = 0; i < src; i++)
		m->node_of[i] = TREE_NONE;
	return 0;
}

static void finish(struct folder_map *m)
{
	free(m->order);
	free(m->node_of);
	free(m->by_path);
	free(m->dst_node);
	tree_release(&m->s);
	tree_release(&m->d);
}

/* --- settled places ----------------------------------------------------- */

/* A later rule for the same folder takes the place of an earlier one. */
static int apply_rule(struct folder_map *m, const char *rule)
{
	const char *equals = strchr(rule, '=');
	CLEANUP(free_p) char *old = NULL;
	uint32_t node;

	if (!equals)
		return 0;
	old = strndup(rule, (size_t)(equals - rule));
	if (!old)
		return -1;
	node = map_source_find(m, old);
	if (node == TREE_NONE)
		return 0;
	m->s.v[node].mapped = true;
	m->s.v[node].dest = map_dest_path(m, m->base, equals + 1);
	return m->s.v[node].dest == TREE_NONE ? -1 : 0;
}

static int apply_rules(struct folder_map *m)
{
	if (m->o->into) {
		m->base = map_dest_path(m, TREE_ROOT, m->o->into);
		if (m->base == TREE_NONE)
			return -1;
	}
	for (size_t i = 0; i < m->o->map.n; i++)
		if (apply_rule(m, m->o->map.v[i]))
			return -1;
	return 0;
}

static enum mail_use use_of(const struct folder_map *m, uint32_t node)
{
	for (int use = USE_SENT; use <= USE_ALL; use++)
		if (m->src_use[use] == node)
			return (enum mail_use)use;
	return USE_NONE;
}

/* "[Gmail]/Sent Mail": the parent is of the source's making only. */
static bool below_empty_parents(const struct folder_map *m, uint32_t node)
{
	uint32_t p = m->s.v[node].parent;

	for (; p != TREE_ROOT; p = m->s.v[p].parent) {
		uint32_t folder = m->s.v[p].folder;

		if (p == m->inbox ||
		    (folder != TREE_NONE && !m->src->v[folder].noselect))
			return false;
	}
	return true;
}

static void pin(struct folder_map *m, uint32_t node, uint32_t dest)
{
	m->s.v[node].dest = dest;
	m->d.v[dest].taken = true;
}

static int settle_use(struct folder_map *m, uint32_t node)
{
	enum mail_use use = use_of(m, node);

	if (use == USE_NONE)
		return 0;
	if (m->dst_use[use] != TREE_NONE)
		pin(m, node, m->dst_use[use]);
	else if (use == USE_ALL || below_empty_parents(m, node))
		return map_place(m, node, TREE_ROOT);
	return 0;
}

static int settle_prior(struct folder_map *m, uint32_t node, const char *path)
{
	uint32_t dest = map_prior(m, path);

	if (dest == TREE_NONE)
		return -1;
	pin(m, node, dest);
	return 0;
}

static const char *prior_of(const struct folder_map *m, uint32_t node)
{
	uint32_t folder = m->s.v[node].folder;

	if (!m->prior || folder == TREE_NONE || m->to[folder].left_out)
		return NULL;
	return m->prior[folder];
}

/* Everything of an earlier pass has its place before a special use may
 * take one. */
static int settle_priors(struct folder_map *m)
{
	for (uint32_t i = 1; i < m->s.n; i++) {
		struct tree_node *node = &m->s.v[i];
		const char *prior = prior_of(m, i);

		node->mapped |= m->s.v[node->parent].mapped;
		if (!m->o->into && prior && !node->mapped &&
		    settle_prior(m, i, prior))
			return -1;
	}
	return 0;
}

static int settle_inbox(struct folder_map *m)
{
	struct tree_node *node;

	if (m->inbox == TREE_NONE)
		return 0;
	node = &m->s.v[m->inbox];
	if (!node->live || node->dest != TREE_NONE || node->mapped)
		return 0;
	uint32_t dest = map_dest_path(m, TREE_ROOT, "INBOX");
	if (dest == TREE_NONE)
		return -1;
	pin(m, m->inbox, dest);
	return 0;
}

static int settle(struct folder_map *m)
{
	if (apply_rules(m) || settle_priors(m))
		return -1;
	if (m->o->into)
		return 0;
	if (settle_inbox(m))
		return -1;
	for (uint32_t i = 1; i < m->s.n; i++) {
		const struct tree_node *node = &m->s.v[i];

		if (node->live && !node->mapped && node->dest == TREE_NONE &&
		    settle_use(m, i))
			return -1;
	}
	return 0;
}

/* --- all others --------------------------------------------------------- */

/* The children of one source node after the other: map_place relies on it
 * to know siblings. */
static int place_children(struct folder_map *m, uint32_t parent)
{
	uint32_t dest = parent == TREE_ROOT ? m->base : m->s.v[parent].dest;
	uint32_t id = m->s.v[parent].first;

	for (; id != TREE_NONE; id = m->s.v[id].next)
		if (m->s.v[id].live && m->s.v[id].dest == TREE_NONE &&
		    map_place(m, id, dest))
			return -1;
	return 0;
}

static int place_all(struct folder_map *m)
{
	for (uint32_t i = TREE_ROOT; i < m->s.n; i++)
		if (m->s.v[i].live && place_children(m, i))
			return -1;
	return 0;
}

/* --- the result --------------------------------------------------------- */

static int set_comps(struct folder *f, const struct name_tree *d, uint32_t node)
{
	size_t depth = d->v[node].depth;

	f->comp = calloc(depth, sizeof(*f->comp));
	if (!f->comp)
		return -1;
	f->depth = depth;
	for (size_t i = depth; i-- > 0; node = d->v[node].parent) {
		f->comp[i] = strdup(d->v[node].name);
		if (!f->comp[i])
			return -1;
	}
	return 0;
}

static int set_path(struct folder *f)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < f->depth; i++)
		if ((i && buf_chr(&b, '/')) || buf_str(&b, f->comp[i]))
			return -1;
	f->path = buf_take(&b);
	return f->path ? 0 : -1;
}

static bool is_renamed(const struct folder_map *m, uint32_t node,
                       const char *from, const char *to)
{
	if (node == m->inbox)
		return strcasecmp(from, to) != 0;
	return strcmp(from, to) != 0;
}

/* A view's copy is an ordinary folder, and a destination has one folder of
 * each use. */
static enum mail_use use_to_make(const struct folder_map *m, uint32_t node)
{
	enum mail_use use = use_of(m, node);
	uint32_t there = m->dst_use[use];

	if (m->o->into || m->s.v[node].mapped)
		return USE_NONE;
	if (node == m->inbox)
		return USE_INBOX;
	if (use == USE_ALL ||
	    (there != TREE_NONE && there != m->s.v[node].dest))
		return USE_NONE;
	return use;
}

static int set_target(struct folder_map *m, size_t index)
{
	struct folder_target *t = &m->to[index];
	const struct folder *from = &m->src->v[index];
	uint32_t node = m->node_of[index];
	uint32_t dest = m->s.v[node].dest;

	t->to.delim = m->r->delim;
	t->to.use = use_to_make(m, node);
	if (set_comps(&t->to, &m->d, dest) || set_path(&t->to))
		return -1;
	t->renamed =
	        is_renamed(m, node, from->path ? from->path : "", t->to.path);
	t->merged = m->d.v[dest].folders > 1;
	return 0;
}

static int set_targets(struct folder_map *m)
{
	for (size_t i = 0; i < m->src->n; i++)
		if (!m->to[i].left_out)
			m->d.v[m->s.v[m->node_of[i]].dest].folders++;
	for (size_t i = 0; i < m->src->n; i++)
		if (!m->to[i].left_out && set_target(m, i))
			return -1;
	return 0;
}

static int map_folders(struct folder_map *m)
{
	if (start(m) || map_source_tree(m) || map_dest_tree(m))
		return -1;
	map_leave_out(m);
	map_source_uses(m);
	map_dest_uses(m);
	if (settle(m) || place_all(m))
		return -1;
	return set_targets(m);
}

int plan_folders_again(const struct folder_list *src,
                       const struct folder_list *dst,
                       const struct name_rules *r, const struct options *o,
                       const char *const *prior, struct folder_target *to,
                       struct err *e)
{
	struct folder_map m = {
		.src = src, .dst = dst, .r = r, .o = o, .prior = prior, .to = to
	};
	int failed;

	for (size_t i = 0; i < src->n; i++)
		memset(&to[i], 0, sizeof(to[i]));
	failed = map_folders(&m);
	finish(&m);
	if (!failed)
		return 0;
	for (size_t i = 0; i < src->n; i++)
		folder_target_release(&to[i]);
	return err_memory(e);
}

int plan_folders(const struct folder_list *src, const struct folder_list *dst,
                 const struct name_rules *r, const struct options *o,
                 struct folder_target *to, struct err *e)
{
	return plan_folders_again(src, dst, r, o, NULL, to, e);
}

void folder_target_release(struct folder_target *t)
{
	folder_release(&t->to);
	memset(t, 0, sizeof(*t));
}
