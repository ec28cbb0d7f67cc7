/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_source.c - the source's folders as a tree of names.
 *
 * Folders come in the order of their raw names, so that the order in which
 * a server lists them decides nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/folder_map.h"

static const char *raw_name(const struct folder *f)
{
	if (f->raw)
		return f->raw;
	return f->path ? f->path : "";
}

static int by_raw(const void *a, const void *b, void *arg)
{
	const struct folder_list *l = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = strcmp(raw_name(&l->v[i]), raw_name(&l->v[j]));

	if (order)
		return order;
	return i < j ? -1 : i > j;
}

static bool is_inbox(const char *name)
{
	return !strcasecmp(name, "INBOX");
}

/* The folder that is INBOX: by what the reader says, by its exact name, by
 * its name in any case, by its name in another language. */
static uint32_t find_inbox(const struct folder_map *m)
{
	uint32_t found = TREE_NONE;
	int best = 0;

	for (size_t i = 0; i < m->src->n; i++) {
		uint32_t index = m->order[i];
		const struct folder *f = &m->src->v[index];
		int rank = 0;

		if (f->shared)
			continue;
		if (f->depth == 1 && is_inbox(f->comp[0]))
			rank = strcmp(f->comp[0], "INBOX") ? 2 : 3;
		else if (f->depth == 1 && plan_names_inbox(f->comp[0]))
			rank = 1;
		if (f->use == USE_INBOX)
			rank += 4;
		if (rank > best) {
			best = rank;
			found = index;
		}
	}
	return found;
}

static uint32_t child(struct folder_map *m, uint32_t parent, const char *name)
{
	uint32_t node = tree_find(&m->s, parent, name);

	/* Children of INBOX may be listed with another case of it. */
	if (node == TREE_NONE && parent == TREE_ROOT && m->inbox != TREE_NONE &&
	    is_inbox(name) && m->s.v[m->inbox].parent == TREE_ROOT)
		return m->inbox;
	return node == TREE_NONE ? tree_add(&m->s, parent, name, name, false)
	                         : node;
}

static int insert(struct folder_map *m, uint32_t index)
{
	static char empty[1];
	static char *const nameless[] = { empty };
	const struct folder *f = &m->src->v[index];
	char *const *comp = f->depth ? f->comp : nameless;
	size_t depth = f->depth ? f->depth : 1;
	uint32_t node = TREE_ROOT;

	for (size_t i = 0; i + 1 < depth; i++) {
		node = child(m, node, comp[i]);
		if (node == TREE_NONE)
			return -1;
	}
	uint32_t parent = node;
	const char *name = comp[depth - 1];
	node = tree_find(&m->s, parent, name);
	if (node == TREE_NONE)
		node = tree_add(&m->s, parent, name, name, false);
	else if (m->s.v[node].folder != TREE_NONE)
		node = tree_add(&m->s, parent, name, name, true);
	if (node == TREE_NONE)
		return -1;
	m->s.v[node].folder = index;
	m->node_of[index] = node;
	return 0;
}

/* The top level first: a name that is a folder's comes before one that is
 * only written in its children's names. */
int map_source_tree(struct folder_map *m)
{
	uint32_t inbox;

	for (size_t i = 0; i < m->src->n; i++)
		m->order[i] = (uint32_t)i;
	qsort_r(m->order, m->src->n, sizeof(*m->order), by_raw,
	        (void *)(uintptr_t)m->src);
	inbox = find_inbox(m);
	m->inbox = TREE_NONE;
	for (int deep = 0; deep < 2; deep++) {
		for (size_t i = 0; i < m->src->n; i++) {
			uint32_t index = m->order[i];

			if ((m->src->v[index].depth > 1) == deep &&
			    insert(m, index))
				return -1;
		}
		if (inbox != TREE_NONE && m->node_of[inbox] != TREE_NONE)
			m->inbox = m->node_of[inbox];
	}
	return 0;
}

static bool any_matches(const struct string_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (plan_glob(l->v[i], path))
			return true;
	return false;
}

/* Of somebody else: '**' does not mean them. */
static bool is_named(const struct string_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i][0] != '*' && plan_glob(l->v[i], path))
			return true;
	return false;
}

static const char *why_left_out(const struct options *o, const struct folder *f)
{
	const char *path = f->path ? f->path : "";

	if (f->shared && !is_named(&o->include, path))
		return "shared with this mailbox, belongs to somebody else "
		       "(--include with its name takes it)";
	if (f->noselect)
		return "holds no messages, only other folders";
	if (f->use == USE_FLAGGED)
		return "a view of messages that are in other folders";
	if (any_matches(&o->exclude, path))
		return "left out by --exclude";
	if (o->include.n && !any_matches(&o->include, path))
		return "not among the folders of --include";
	return NULL;
}

void map_leave_out(struct folder_map *m)
{
	for (size_t i = m->s.n; i-- > 1;) {
		struct tree_node *node = &m->s.v[i];

		if (node->folder != TREE_NONE) {
			struct folder_target *t = &m->to[node->folder];

			t->left_out =
			        why_left_out(m->o, &m->src->v[node->folder]);
			node->live = node->live || !t->left_out;
		}
		m->s.v[node->parent].live |= node->live;
	}
}

static size_t same_start(const struct tree_node *node, const char *path)
{
	size_t n = strlen(node->name);
	bool top = node->parent == TREE_ROOT && is_inbox(node->name);

	if ((top ? strncasecmp(path, node->name, n)
	         : strncmp(path, node->name, n)) != 0)
		return 0;
	return path[n] == '\0' || path[n] == '/' ? n : 0;
}

/* A name may hold a '/' where the source's delimiter is another one, so
 * the path can't be split first: children that begin like it are tried. */
static uint32_t find_below(const struct folder_map *m, uint32_t parent,
                           const char *path)
{
	uint32_t node = m->s.v[parent].first;

	for (; node != TREE_NONE; node = m->s.v[node].next) {
		size_t n = same_start(&m->s.v[node], path);

		if (n && !path[n])
			return node;
		uint32_t found =
		        n ? find_below(m, node, path + n + 1) : TREE_NONE;
		if (found != TREE_NONE)
			return found;
	}
	return TREE_NONE;
}

uint32_t map_source_find(const struct folder_map *m, const char *path)
{
	if (is_inbox(path) && m->inbox != TREE_NONE)
		return m->inbox;
	return find_below(m, TREE_ROOT, path);
}
