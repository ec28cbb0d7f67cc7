/* SPDX-License-Identifier: Apache-2.0 */
/* folders.c - see folders.h. */
#include "archive/pst/folders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/pst/orphans.h"
#include "util/buf.h"
#include "util/utf8.h"

#define PID_DISPLAY_NAME 0x3001
#define PID_CONTENT_COUNT 0x3602
#define PID_CONTAINER_CLASS 0x3613
#define PID_HIDDEN 0x10f4
#define PID_RECORD_KEY 0x0ff9
#define PID_SUBTREE 0x35e0
#define PID_CALENDAR_ENTRY 0x36d0
#define PID_DRAFTS_ENTRY 0x36d7
#define PID_SERVER_ID 0x67f4

#define FOLDERS_MOST 200000
/* A node costs more octets of the file than this. */
#define ROW_OCTETS 4

/* --- nodes --------------------------------------------------------------- */

struct gathering {
	struct pst_folders *l;
	size_t folders_cap, mail_cap;
	uint32_t *hidden; /* parents of settings */
	size_t hidden_n, hidden_cap;
};

/* Room for one more of size octets. */
static int more(void **v, size_t n, size_t *cap, size_t size)
{
	size_t wider = *cap ? *cap + *cap / 2 : 256;
	void *p;

	if (n < *cap)
		return 0;
	p = reallocarray(*v, wider, size);
	if (!p)
		return -1;
	*v = p;
	*cap = wider;
	return 0;
}

/* What is in those beyond the limit is recovered. */
static int add_folder(struct gathering *g, uint32_t nid, uint32_t parent)
{
	struct pst_folders *l = g->l;

	if (l->n >= FOLDERS_MOST)
		return 0;
	if (more((void **)&l->v, l->n, &g->folders_cap, sizeof(*l->v)))
		return -1;
	l->v[l->n++] = (struct pst_folder){ .nid = nid,
		                            .parent = parent,
		                            .up = PST_NOWHERE };
	return 0;
}

static int gather(const struct pst_node *n, void *arg)
{
	struct gathering *g = arg;
	struct pst_folders *l = g->l;

	switch (NID_TYPE(n->nid)) {
	case NID_FOLDER:
	case NID_SEARCH_FOLDER:
		return add_folder(g, n->nid, n->parent);
	case NID_MESSAGE:
		if (more((void **)&l->mail, l->mail_n, &g->mail_cap,
		         sizeof(*l->mail)))
			return -1;
		l->mail[l->mail_n++] = (uint64_t)n->parent << 32 | n->nid;
		return 0;
	case NID_ASSOC_MESSAGE:
		if (more((void **)&g->hidden, g->hidden_n, &g->hidden_cap,
		         sizeof(*g->hidden)))
			return -1;
		g->hidden[g->hidden_n++] = n->parent;
		return 0;
	default:
		return 0;
	}
}

uint32_t pst_folders_find(const struct pst_folders *l, uint32_t nid)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->v[mid].nid < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->v[lo].nid == nid ? (uint32_t)lo : PST_NOWHERE;
}

static void count_hidden(struct gathering *g)
{
	uint32_t last = 0, at = PST_RECOVERED;

	for (size_t i = 0; i < g->hidden_n; i++) {
		if (i == 0 || g->hidden[i] != last)
			at = pst_folders_find(g->l, g->hidden[i]);
		last = g->hidden[i];
		g->l->v[at == PST_NOWHERE ? PST_RECOVERED : at].hidden++;
	}
}

/* --- whose messages ------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool ascending(const uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i - 1] > v[i])
			return false;
	return true;
}

/* Each folder gets its part of mail; what is nobody's gets parent 0. Gives
 * back how many those are, at the front of mail. */
static size_t share_out(struct pst_folders *l)
{
	size_t at = 0, lost = 0;

	if (!ascending(l->mail, l->mail_n))
		qsort(l->mail, l->mail_n, sizeof(*l->mail), by_number);
	for (size_t i = 0; i < l->n; i++) {
		struct pst_folder *f = &l->v[i];

		/* Nothing stands in a search folder. */
		if (NID_TYPE(f->nid) == NID_SEARCH_FOLDER)
			continue;
		for (; at < l->mail_n && l->mail[at] >> 32 < f->nid; at++) {
			l->mail[at] &= UINT32_MAX;
			lost++;
		}
		f->first = at;
		while (at < l->mail_n && l->mail[at] >> 32 == f->nid)
			at++;
		f->n = at - f->first;
	}
	lost += l->mail_n - at + l->v[PST_RECOVERED].n;
	for (; at < l->mail_n; at++)
		l->mail[at] &= UINT32_MAX;
	return lost;
}

int pst_folders_rows(struct pst_folders *l, uint32_t nid, enum nid_type type,
                     int (*each)(uint32_t id, size_t row, void *arg), void *arg)
{
	struct pst *p = l->file->p;
	struct pst_node node;
	struct pst_tc t;
	int r = 0;

	if (pst_node(p, NID_OF(nid, type), &node) <= 0 ||
	    pst_tc_open(&t, p, node.data, node.sub))
		return 0;
	for (size_t i = 0; i < t.rows && l->rows_left && !r; i++) {
		uint32_t id;

		l->rows_left--;
		if (!pst_tc_id(&t, i, &id))
			r = each(id, i, arg);
	}
	pst_tc_close(&t);
	return r;
}

struct claim {
	struct pst_folders *l;
	uint32_t folder; /* nid */
	size_t lost;
	uint32_t *by; /* of the lost messages: a folder's nid, 0 */
};

static int claim_message(uint32_t id, size_t row, void *arg)
{
	struct claim *c = arg;
	uint64_t key = id;
	const uint64_t *found =
	        bsearch(&key, c->l->mail, c->lost, sizeof(key), by_number);

	(void)row;
	if (found && !c->by[found - c->l->mail])
		c->by[found - c->l->mail] = c->folder;
	return 0;
}

static bool no_parent(const struct pst_folders *l, size_t i)
{
	uint32_t up = pst_folders_find(l, l->v[i].parent);

	return up == PST_NOWHERE || up == PST_RECOVERED;
}

/* A folder without a parent that stands in another's table is of that. */
static int claim_folder(uint32_t id, size_t row, void *arg)
{
	struct claim *c = arg;
	uint32_t i = pst_folders_find(c->l, id);

	(void)row;
	if (i != PST_NOWHERE && i != PST_RECOVERED && id != c->folder &&
	    no_parent(c->l, i))
		c->l->v[i].parent = c->folder;
	return 0;
}

/* What the nodes say of a damaged file may be less than what its tables
 * say. */
static int claim_lost(struct pst_folders *l, size_t lost)
{
	uint32_t *by CLEANUP(free_p) = NULL;
	struct claim c = { .l = l, .lost = lost };

	if (!lost)
		return 0;
	qsort(l->mail, l->mail_n, sizeof(*l->mail), by_number);
	c.by = by = calloc(lost, sizeof(*by));
	if (!by)
		return -1;
	for (size_t i = 1; i < l->n; i++) {
		c.folder = l->v[i].nid;
		if (NID_TYPE(c.folder) == NID_FOLDER)
			pst_folders_rows(l, c.folder, NID_CONTENTS,
			                 claim_message, &c);
	}
	for (size_t i = 0; i < lost; i++)
		l->mail[i] |= (uint64_t)by[i] << 32;
	share_out(l);
	return 0;
}

static void claim_folders(struct pst_folders *l)
{
	struct claim c = { .l = l };
	bool lost = false;

	for (size_t i = 1; i < l->n; i++)
		lost |= no_parent(l, i);
	for (size_t i = 1; i < l->n && lost; i++) {
		c.folder = l->v[i].nid;
		if (NID_TYPE(c.folder) == NID_FOLDER)
			pst_folders_rows(l, c.folder, NID_HIERARCHY,
			                 claim_folder, &c);
	}
}

/* --- what a folder says of itself ---------------------------------------- */

/* A '/' would make two levels of one. */
static int add_plain(struct buf *b, const char *p)
{
	uint32_t cp;
	int r = 0;

	for (size_t n; !r && (n = utf8_next(p, &cp)) > 0; p += n)
		r = cp == '/' || utf8_control(cp) ? buf_chr(b, '_')
		                                  : buf_add(b, p, n);
	return r;
}

static char *name_of(struct mapi *o, const struct pst_folder *f)
{
	char *name CLEANUP(free_p) =
	        o ? mapi_text(o, PID_DISPLAY_NAME, PST_NAME_MOST) : NULL;
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t n;

	n = name ? strlen(name) : 0;
	while (n && name[n - 1] == ' ')
		name[--n] = '\0';
	if (n ? add_plain(&b, name + strspn(name, " "))
	      : buf_fmt(&b, "Folder %lu", (unsigned long)f->nid))
		return NULL;
	return buf_take(&b);
}

/* Folders of mail have this class or none; calendars and their like are
 * told only when somebody has put mail in them. */
static bool of_mail(struct mapi *o)
{
	char *class CLEANUP(free_p) = mapi_text(o, PID_CONTAINER_CLASS, 128);

	if (!class)
		return true;
	if (strcasecmp(class, "IPF.Note.OutlookHomepage") == 0)
		return false;
	return strcasecmp(class, "IPF.Note") == 0 ||
	       strncasecmp(class, "IPF.Note.", 9) == 0 ||
	       strcasecmp(class, "IPF.Imap") == 0;
}

/* [MS-OXCDATA] 2.2.1.1: a replica's number, and 48 bits. 0: given by this
 * file, not by a server. */
static uint64_t server_counter(struct mapi *o)
{
	uint64_t v = (uint64_t)mapi_number(o, PID_SERVER_ID, 0);

	return v & 0xffff ? v >> 16 : 0;
}

static int read_folder(struct pst_folders *l, struct pst_folder *f)
{
	struct pst_node node;
	struct mapi *o = NULL;
	int64_t count = -1;

	if (f->nid && pst_node(l->file->p, f->nid, &node) > 0)
		o = pst_properties(l->file, &node);
	if (NID_TYPE(f->nid) == NID_SEARCH_FOLDER)
		f->sort = PST_SEARCH;
	f->quiet = true;
	f->name = f->nid ? name_of(o, f) : strdup("Recovered");
	if (o) {
		count = mapi_number(o, PID_CONTENT_COUNT, -1);
		f->foreign = !of_mail(o);
		f->quiet = f->foreign || mapi_bool(o, PID_HIDDEN);
		f->settings = mapi_has(o, PID_CALENDAR_ENTRY) ||
		              mapi_has(o, PID_DRAFTS_ENTRY);
		f->counter = server_counter(o);
	}
	f->counted = count >= 0 && count <= INT32_MAX;
	f->declared = f->counted ? (uint32_t)count : 0;
	mapi_close(&o);
	return f->name ? 0 : -1;
}

static void read_store(struct pst_folders *l, struct mapi *store)
{
	struct mapi_value v;

	if (mapi_get(store, PID_RECORD_KEY, &v) == 1 && v.p) {
		l->key_n = v.n < sizeof(l->key) ? v.n : sizeof(l->key);
		memcpy(l->key, v.p, l->key_n);
	}
	if (mapi_get(store, PID_SUBTREE, &v) == 1 && v.p)
		l->subtree = pst_folders_entry(l, v.p, v.n);
}

/* --- all of it ----------------------------------------------------------- */

static int gather_all(struct pst_folders *l)
{
	struct gathering g = { .l = l };
	int r = add_folder(&g, 0, 0);

	if (!r)
		r = pst_nodes(l->file->p, gather, &g);
	if (!r)
		count_hidden(&g);
	free(g.hidden);
	return r ? -1 : 0;
}

int pst_folders_load(struct pst_folders *l, const struct pst_file *file)
{
	struct pst_node node;
	struct mapi *store = NULL;
	int r;

	memset(l, 0, sizeof(*l));
	l->file = file;
	l->rows_left = file->p->size / ROW_OCTETS;
	if (gather_all(l))
		return -1;
	pst_orphans_adopt(l);
	if (claim_lost(l, share_out(l)))
		return -1;
	claim_folders(l);
	for (size_t i = 0; i < l->n; i++)
		if (read_folder(l, &l->v[i]))
			return -1;
	if (pst_node(file->p, NID_STORE, &node) > 0)
		store = pst_properties(file, &node);
	if (store)
		read_store(l, store);
	r = pst_folders_place(l);
	pst_folders_use(l, store);
	mapi_close(&store);
	return r;
}

void pst_folders_release(struct pst_folders *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	free(l->order);
	free(l->mail);
	memset(l, 0, sizeof(*l));
}
