/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_map.h - for src/plan/ only: what the steps of plan_folders share.
 *
 *   folder_source.c  the source as a tree, and what is left out
 *   folder_use.c     which folder is the Sent, the Trash ... of each side
 *   folder_place.c   one source node's place in the destination's tree
 *   folder_map.c     the steps in their order, and the result
 */
#ifndef MAILHAUL_PLAN_FOLDER_MAP_H
#define MAILHAUL_PLAN_FOLDER_MAP_H

#include "mailhaul/plan.h"
#include "plan/name_tree.h"

struct folder_map {
	const struct folder_list *src, *dst;
	const struct name_rules *r;
	const struct options *o;
	const char *const *prior;
	struct folder_target *to;
	struct name_tree s, d; /* source and destination */
	uint32_t *order;       /* of src, by raw name */
	uint32_t *node_of;     /* src index -> node of s */
	uint32_t *by_path;     /* dst indices by path */
	uint32_t *dst_node;    /* dst index -> node of d, TREE_NONE: shared */
	uint32_t inbox;        /* node of s */
	uint32_t base;         /* node of d below which everything goes */
	uint32_t src_use[USE_COUNT]; /* node of s */
	uint32_t dst_use[USE_COUNT]; /* node of d */
};

/* Is it what a program calls its inbox, in any language? (use_names.c) */
bool plan_names_inbox(const char *name);

/* All return -1 for memory only. */
int map_source_tree(struct folder_map *m);
void map_leave_out(struct folder_map *m);
/* The source node with this path, INBOX in any case; TREE_NONE: none. */
uint32_t map_source_find(const struct folder_map *m, const char *path);

void map_source_uses(struct folder_map *m);
void map_dest_uses(struct folder_map *m);

int map_dest_tree(struct folder_map *m);
/* The node at path below base, made if need be. TREE_NONE: memory. */
uint32_t map_dest_path(struct folder_map *m, uint32_t base, const char *path);
/* Puts node below the destination's parent under a name of its own, or,
 * if node is mapped, where its name leads. */
int map_place(struct folder_map *m, uint32_t node, uint32_t parent);
/* An earlier pass's target, TREE_NONE: memory. */
uint32_t map_prior(struct folder_map *m, const char *path);

#endif
