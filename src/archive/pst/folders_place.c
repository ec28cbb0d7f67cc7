/* SPDX-License-Identifier: Apache-2.0 */
/* folders_place.c - where each folder of a PST stands, see folders.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/pst/folders.h"
#include "util/buf.h"

static bool is_called(const struct pst_folders *l, uint32_t nid,
                      const char *name)
{
	uint32_t i = pst_folders_find(l, nid);

	return i != PST_NOWHERE && strcasecmp(l->v[i].name, name) == 0;
}

/* Its usual number in a PST, and in an OST. */
#define USUAL_SUBTREE 0x8022u
#define USUAL_IN_OST 0x2142u

static bool has_folders(const struct pst_folders *l, uint32_t nid)
{
	for (size_t i = 1; i < l->n; i++)
		if (l->v[i].parent == nid && l->v[i].nid != nid)
			return true;
	return false;
}

/* An OST does not say which one it is, a damaged PST may have forgotten. */
static void find_subtree(struct pst_folders *l)
{
	uint32_t usual = pst_folders_find(l, USUAL_SUBTREE);

	for (size_t i = 1; i < l->n && !l->subtree; i++)
		if (strcasecmp(l->v[i].name, "IPM_SUBTREE") == 0 &&
		    !is_called(l, l->v[i].parent, "Root - Public"))
			l->subtree = l->v[i].nid;
	if (!l->subtree && usual != PST_NOWHERE &&
	    l->v[usual].parent == NID_ROOT)
		l->subtree = USUAL_SUBTREE;
	if (!l->subtree && pst_folders_find(l, USUAL_IN_OST) == PST_NOWHERE &&
	    has_folders(l, USUAL_IN_OST))
		l->subtree = USUAL_IN_OST;
}

/* Outlook's own, in all languages. */
static bool own_name(const char *name)
{
	static const char *const names[] = {
		"Search Root",       "Finder",        "Views",
		"Common Views",      "IPM_VIEWS",     "IPM_COMMON_VIEWS",
		"NON_IPM_SUBTREE",   "Freebusy Data", "Shortcuts",
		"~MAPISP(Internal)", "Drizzle",       "Deferred Action",
		"Spooler Queue"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/*
 * The folder below which f stands, directly or not: the one whose parent is
 * the IPM subtree, the root or nowhere. NULL: that is too deep, or a ring.
 */
static const struct pst_folder *top_of(const struct pst_folders *l,
                                       const struct pst_folder *f)
{
	for (unsigned steps = 0; steps <= PST_DEPTH_MOST; steps++) {
		uint32_t up = pst_folders_find(l, f->parent);

		if (f->nid == l->subtree || f->nid == NID_ROOT ||
		    f->parent == l->subtree || f->parent == NID_ROOT ||
		    up == PST_NOWHERE || up == PST_RECOVERED)
			return f;
		f = &l->v[up];
	}
	return NULL;
}

/* True if f, below top, is none of the folders that people see. */
static bool is_own(const struct pst_folders *l, const struct pst_folder *f,
                   const struct pst_folder *top)
{
	if (f->nid == l->subtree || top->parent != NID_ROOT)
		return f->nid == NID_ROOT;
	if (!l->subtree)
		return own_name(top->name);
	while (f != top && !own_name(f->name))
		f = &l->v[pst_folders_find(l, f->parent)];
	return own_name(f->name);
}

/* Beside the IPM subtree stands what Outlook has fetched of public folders
 * and of the mailboxes of others. */
static bool is_beyond(const struct pst_folders *l, const struct pst_folder *f,
                      const struct pst_folder *top)
{
	return l->subtree && f->nid != l->subtree && top->parent == NID_ROOT;
}

/* One without a parent, or too deep, comes at the top. */
static void place(struct pst_folders *l, struct pst_folder *f)
{
	const struct pst_folder *top = top_of(l, f);

	if (!top) {
		f->parent = 0;
		return;
	}
	if (f->sort == PST_MAIL && is_own(l, f, top))
		f->sort = PST_OWN;
	f->beyond = f->sort == PST_MAIL && is_beyond(l, f, top);
	if (f->beyond)
		f->quiet = f->foreign = true;
	if (f->nid == l->subtree ||
	    (top->parent != l->subtree && own_name(top->name)))
		f->quiet = true;
	if (top != f)
		f->up = pst_folders_find(l, f->parent);
}

/* Parents before what is below them, else by nid; the recovered last. */
static int put_in_order(struct pst_folders *l)
{
	size_t n = 0;

	l->order = calloc(l->n, sizeof(*l->order));
	if (!l->order)
		return -1;
	for (size_t i = 1; i < l->n; i++)
		for (uint32_t k = (uint32_t)i; l->v[k].up != PST_NOWHERE &&
		                               l->v[i].depth <= PST_DEPTH_MOST;
		     k = l->v[k].up)
			l->v[i].depth++;
	for (unsigned d = 0; d <= PST_DEPTH_MOST + 1; d++)
		for (size_t i = 1; i < l->n; i++)
			if (l->v[i].depth == d)
				l->order[n++] = (uint32_t)i;
	l->order[n] = PST_RECOVERED;
	return 0;
}

int pst_folders_place(struct pst_folders *l)
{
	find_subtree(l);
	for (size_t i = 1; i < l->n; i++)
		place(l, &l->v[i]);
	return put_in_order(l);
}

char *pst_folders_path(const struct pst_folders *l, uint32_t i)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	uint32_t way[PST_DEPTH_MOST + 2];
	size_t n = 0;

	for (; i != PST_NOWHERE && n < PST_DEPTH_MOST + 2; i = l->v[i].up)
		way[n++] = i;
	while (n-- > 0)
		if (buf_str(&b, l->v[way[n]].name) || (n && buf_chr(&b, '/')))
			return NULL;
	return buf_take(&b);
}
