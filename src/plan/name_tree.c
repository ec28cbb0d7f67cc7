/* SPDX-License-Identifier: Apache-2.0 */
/* name_tree.c - see name_tree.h. Open addressing, at most half full. */
#include "plan/name_tree.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MAX (UINT32_MAX / 4)

static uint64_t hash(uint32_t parent, const char *key)
{
	uint64_t h = 14695981039346656037u ^ parent;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	h ^= h >> 32;
	return h * 0x9e3779b97f4a7c15u >> 16;
}

static void index_node(struct name_tree *t, uint32_t id)
{
	const struct tree_node *node = &t->v[id];
	size_t i = hash(node->parent, node->key) & (t->slots_n - 1);

	while (t->slots[i] != TREE_NONE)
		i = (i + 1) & (t->slots_n - 1);
	t->slots[i] = id;
}

static int grow_slots(struct name_tree *t)
{
	size_t n = t->slots_n ? t->slots_n * 2 : 64;
	uint32_t *slots = malloc(n * sizeof(*slots));

	if (!slots)
		return -1;
	for (size_t i = 0; i < n; i++)
		slots[i] = TREE_NONE;
	free(t->slots);
	t->slots = slots;
	t->slots_n = n;
	for (size_t id = 1; id < t->n; id++)
		if (!t->v[id].hidden)
			index_node(t, (uint32_t)id);
	return 0;
}

static int grow_nodes(struct name_tree *t)
{
	size_t cap = t->cap ? t->cap * 2 : 32;
	struct tree_node *v;

	if (cap > NODES_MAX)
		return -1;
	v = realloc(t->v, cap * sizeof(*v));
	if (!v)
		return -1;
	t->v = v;
	t->cap = cap;
	return 0;
}

static uint32_t new_node(struct name_tree *t, uint32_t parent)
{
	struct tree_node *node;

	if (t->n == t->cap && grow_nodes(t))
		return TREE_NONE;
	node = &t->v[t->n];
	memset(node, 0, sizeof(*node));
	node->parent = parent;
	node->first = node->last = node->next = TREE_NONE;
	node->folder = node->dest = node->shared_by = TREE_NONE;
	return (uint32_t)t->n++;
}

int tree_init(struct name_tree *t)
{
	memset(t, 0, sizeof(*t));
	if (grow_slots(t) || new_node(t, TREE_NONE) == TREE_NONE)
		return -1;
	return 0;
}

void tree_release(struct name_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].name);
		free(t->v[i].key);
	}
	free(t->v);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

uint32_t tree_find(const struct name_tree *t, uint32_t parent, const char *key)
{
	size_t i = hash(parent, key) & (t->slots_n - 1);

	for (; t->slots[i] != TREE_NONE; i = (i + 1) & (t->slots_n - 1)) {
		const struct tree_node *node = &t->v[t->slots[i]];

		if (node->parent == parent && !strcmp(node->key, key))
			return t->slots[i];
	}
	return TREE_NONE;
}

static void add_child(struct name_tree *t, uint32_t parent, uint32_t id)
{
	struct tree_node *p = &t->v[parent];

	if (p->first == TREE_NONE)
		p->first = id;
	else
		t->v[p->last].next = id;
	p->last = id;
	t->v[id].depth = p->depth + 1;
}

uint32_t tree_add(struct name_tree *t, uint32_t parent, const char *name,
                  const char *key, bool hidden)
{
	uint32_t id;

	if ((t->n + 1) * 2 > t->slots_n && grow_slots(t))
		return TREE_NONE;
	id = new_node(t, parent);
	if (id == TREE_NONE)
		return TREE_NONE;
	t->v[id].name = strdup(name);
	t->v[id].key = strdup(key);
	t->v[id].hidden = hidden;
	if (!t->v[id].name || !t->v[id].key) {
		free(t->v[id].name);
		free(t->v[id].key);
		t->n--;
		return TREE_NONE;
	}
	add_child(t, parent, id);
	if (!hidden)
		index_node(t, id);
	return id;
}
