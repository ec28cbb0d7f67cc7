/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_tree.h - for src/plan/ only: a tree of folder names with hashed
 * look-up, so that thousands of folders and hundreds of levels cost no more
 * than their names. Nodes are numbers; a parent's is smaller than its
 * children's. Node 0 is the root and has no name.
 */
#ifndef MAILHAUL_PLAN_NAME_TREE_H
#define MAILHAUL_PLAN_NAME_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_ROOT 0
#define TREE_NONE UINT32_MAX

struct tree_node {
	uint32_t parent, depth;
	uint32_t first, last, next; /* children in order of creation */
	char *name;
	char *key;   /* what tree_find compares */
	bool hidden; /* not found by tree_find */
	/* The user's; TREE_NONE, 0 and false at first. */
	uint32_t folder;    /* index into a folder_list */
	uint32_t dest;      /* source: node of the destination */
	bool live, mapped;  /* source */
	bool taken;         /* destination: by one source node */
	uint32_t shared_by; /* destination: mapped children of */
	uint32_t suffix;    /* destination: number tried last */
	uint32_t folders;   /* destination: how many come here */
};

struct name_tree {
	struct tree_node *v;
	size_t n, cap;
	uint32_t *slots;
	size_t slots_n;
};

int tree_init(struct name_tree *t); /* -1: memory */
void tree_release(struct name_tree *t);
/* The child of parent with this key, or TREE_NONE. */
uint32_t tree_find(const struct name_tree *t, uint32_t parent, const char *key);
/* A new child, or TREE_NONE (memory). hidden: a second one of its name. */
uint32_t tree_add(struct name_tree *t, uint32_t parent, const char *name,
                  const char *key, bool hidden);

#endif
