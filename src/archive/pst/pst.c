/* SPDX-License-Identifier: Apache-2.0 */
/* pst.c - see pst.h. */
#include "archive/pst/pst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/kind.h"
#include "archive/pst/walk.h"
#include "archive/tree_name.h"
#include "mime/mix.h"
#include "util/utf8.h"

#define PID_CODEPAGE 0x66c3
#define PID_MESSAGE_CODEPAGE 0x3ffd
#define MB (1u << 20)
#define KB (1u << 10)

/* --- folders ------------------------------------------------------------- */

static void leave(struct pst_walk *w)
{
	pst_members_release(w);
	pst_file_paths_forget(w);
	free(w->raw);
	free(w->path);
	w->raw = w->path = NULL;
	w->f = NULL;
	w->entered = false;
	w->unread = 0;
}

/* raw and path of the folder that comes next. */
static int turn_to(struct pst_walk *w, uint32_t i)
{
	struct buf raw CLEANUP(buf_release_p) = BUF_INIT(0);
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(0);
	char *names CLEANUP(free_p) = pst_folders_path(&w->l, i);

	leave(w);
	w->f = &w->l.v[i];
	if (!names ||
	    buf_fmt(&raw, "%s#%lx", w->at->raw, (unsigned long)w->f->nid))
		return -1;
	/* Several files may have an inbox; one alone needs no name. */
	if (*w->at->raw && (buf_str(&path, w->at->path) || buf_chr(&path, '/')))
		return -1;
	if (buf_str(&path, names))
		return -1;
	w->raw = buf_take(&raw);
	w->path = buf_take(&path);
	return w->raw && w->path ? 0 : -1;
}

int pst_enter(struct pst_walk *w)
{
	const struct place p = { .raw = w->raw,
		                 .path = w->path,
		                 .use = w->f->use,
		                 .shared = w->f->beyond,
		                 .uidvalidity = 1,
		                 .state = w->state };

	if (w->entered)
		return 0;
	w->entered = w->any = true;
	return w->s->folder(w->s, &p);
}

/* --- items of a folder --------------------------------------------------- */

static bool has_node(const struct pst_members *m, size_t i, uint32_t nid)
{
	return i < m->n && m->v[i] >> 32 == nid;
}

static int tell_wanted(struct pst_walk *w, const struct wanted *want)
{
	uint32_t last = 0;

	for (size_t k = 0; k < want->want_n; k++) {
		uint32_t nid = pst_item_nid(want->want[k]);
		size_t i;

		if (nid == last)
			continue;
		last = nid;
		i = pst_members_from(&w->m, nid);
		if (has_node(&w->m, i, nid) && pst_item_tell(w, i))
			return -1;
	}
	return 0;
}

static int tell_all(struct pst_walk *w)
{
	for (size_t i = 0; i < w->m.n; i++)
		if (pst_item_tell(w, i))
			return -1;
	return 0;
}

static int tell_items(struct pst_walk *w, const struct wanted *want)
{
	return want->only_want ? tell_wanted(w, want) : tell_all(w);
}

static const char *items_of(uint64_t n)
{
	return n == 1 ? "item" : "items";
}

static int tell_count(struct pst_walk *w, uint64_t n, const char *what)
{
	char text[96];

	if (!n || w->s->items)
		return 0;
	snprintf(text, sizeof(text), "%llu %s that %s", (unsigned long long)n,
	         items_of(n), what);
	return w->s->other(w->s, w->path, text);
}

/* What is not there, and no hole tells of. */
static int tell_short(struct pst_walk *w)
{
	if (tell_count(w, pst_members_short(w->f, w->m.n),
	               "the file counts and does not hold"))
		return -1;
	return tell_count(w, w->unread, "can't be read");
}

static int walk_mail(struct pst_walk *w)
{
	/* When only names are asked for, those that have something. */
	bool told =
	        !w->f->quiet || (w->s->names_only && w->f->n && !w->f->foreign);

	if (told && !w->s->items && pst_enter(w))
		return -1;
	if (w->s->names_only)
		return 0;
	w->want = w->s->wanted(w->s, w->raw);
	if (w->want->omit)
		return 0;
	if (pst_members_load(w) || tell_items(w, w->want))
		return -1;
	return w->want->only_want ? 0 : tell_short(w);
}

/* --- what is left out ---------------------------------------------------- */

static int tell_own(struct pst_walk *w)
{
	char text[96];

	if (w->f->sort == PST_SEARCH)
		return w->s->other(w->s, w->path, "a search folder");
	if (w->f->sort != PST_OWN || !w->f->n)
		return 0;
	snprintf(text, sizeof(text), "a folder of Outlook's own, %llu %s",
	         (unsigned long long)w->f->n, items_of(w->f->n));
	return w->s->other(w->s, w->path, text);
}

static int tell_hidden(struct pst_walk *w)
{
	for (uint32_t i = 0; i < w->f->hidden; i++)
		if (w->s->other(w->s, w->path, "a hidden item"))
			return -1;
	return 0;
}

static int walk_folder(struct pst_walk *w, uint32_t i)
{
	if (turn_to(w, i) || w->s->working(w->s))
		return -1;
	if (w->f->sort == PST_MAIL && walk_mail(w))
		return -1;
	if (w->s->names_only || w->s->items)
		return 0;
	return tell_own(w) || tell_hidden(w) ? -1 : 0;
}

/* --- the file as a whole ------------------------------------------------- */

static uint64_t all_short(const struct pst_walk *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->l.n; i++)
		if (w->l.v[i].sort == PST_MAIL)
			n += pst_members_short(&w->l.v[i], w->l.v[i].n);
	return n;
}

static void say_damage(const struct pst_walk *w, char *text, size_t size)
{
	const struct pst *p = w->file.p;
	unsigned long long n = all_short(w);
	unsigned unit = p->declared < 10 * MB ? KB : MB;
	char count[96] = "";

	if (n)
		snprintf(count, sizeof(count),
		         " (%llu %s that the folders count)", n, items_of(n));
	if (p->declared > p->size)
		snprintf(
		        text, size,
		        "This Outlook file is cut off: %llu of its %llu %s are "
		        "there. What could be found in them was read; what "
		        "stood in the rest is missing%s. Copy it again from "
		        "where it comes, with Outlook closed, and run again: "
		        "only what is new will be copied.",
		        (unsigned long long)(p->size / unit),
		        (unsigned long long)(p->declared / unit),
		        unit == MB ? "MB" : "KB", count);
	else
		snprintf(text, size,
		         "The index of this Outlook file is damaged. The whole "
		         "file was searched, and what was found was read; some "
		         "may be missing%s. If there is another copy or a "
		         "backup of it, move that as well: nothing arrives "
		         "twice.",
		         count);
}

/* Where trouble with the file is told: always in the same folder. */
static uint32_t first_folder(const struct pst_walk *w)
{
	uint32_t found = 0;

	for (size_t i = w->l.n; i-- > 0;) {
		const struct pst_folder *f = &w->l.v[w->l.order[i]];

		if (f->sort == PST_MAIL && f->use == USE_INBOX)
			return w->l.order[i];
		if (f->sort == PST_MAIL && !f->quiet)
			found = w->l.order[i];
	}
	return found;
}

static int tell_trouble(struct pst_walk *w, const char *part,
                        const char *sentence)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *file = w->at->raw;
	struct item it = { .wire = true, .flags = MAIL_WHOLE };

	if (w->s->names_only || w->s->items)
		return 0;
	if (turn_to(w, first_folder(w)) ||
	    buf_fmt(&name, "%s%s%s", file, *file ? ", " : "", part) ||
	    pst_enter(w))
		return -1;
	it.key = name.p;
	it.uid = PST_UID(PST_TROUBLE_NID) | (item_uid(name.p) & PST_TAG);
	return w->s->begin(w->s, &it) < 0 || w->s->end(w->s, 0, sentence) ? -1
	                                                                  : 0;
}

static int tell_damage(struct pst_walk *w)
{
	char text[PST_SENTENCE];

	say_damage(w, text, sizeof(text));
	return tell_trouble(w, "the file as a whole", text);
}

static int tell_bomb(struct pst_walk *w)
{
	return tell_trouble(
	        w, "what stands behind its endless part",
	        "This file is made to unpack to hundreds of times its size, "
	        "and the rest of it was not read. If you trust it, open it in "
	        "Outlook and export it from there.");
}

/* A file without a folder to tell would be none of Outlook's. */
static int tell_one(struct pst_walk *w)
{
	for (int empty = 0; empty < 2; empty++)
		for (size_t i = 0; i < w->l.n; i++) {
			const struct pst_folder *f = &w->l.v[w->l.order[i]];

			if (f->sort == PST_MAIL && !f->beyond && f->nid &&
			    (f->n || empty))
				return turn_to(w, w->l.order[i]) || pst_enter(w)
				               ? -1
				               : 0;
		}
	return 0;
}

static int walk_all(struct pst_walk *w)
{
	const struct pst *p = w->file.p;
	bool damaged = p->rescued || p->declared > p->size;

	if (damaged && tell_damage(w))
		return -1;
	for (size_t i = 0; i < w->l.n && !w->bomb; i++)
		if (walk_folder(w, w->l.order[i]))
			return -1;
	/* Some damage is met on the way only. */
	if (!damaged && p->rescued && tell_damage(w))
		return -1;
	if (w->s->names_only && !w->any)
		return tell_one(w);
	return w->bomb ? tell_bomb(w) : 0;
}

/* --- opening ------------------------------------------------------------- */

static unsigned codepage_of(const struct pst_file *file)
{
	struct pst_node n;
	struct mapi *store = NULL;
	int64_t page = 0;

	if (pst_node(file->p, NID_STORE, &n) > 0)
		store = pst_properties(file, &n);
	if (store)
		page = mapi_number(store, PID_MESSAGE_CODEPAGE,
		                   mapi_number(store, PID_CODEPAGE, 0));
	mapi_close(&store);
	return page > 0 && page <= 65535 ? (unsigned)page : 0;
}

/* 0: not known, as of a copy that was made for this walk. */
static uint64_t state_of(const struct input *in, const struct where *at)
{
	struct stat st;
	uint64_t v[6];

	if (at->nested || fstat(in->fd, &st))
		return 0;
	v[0] = (uint64_t)st.st_size;
	v[1] = (uint64_t)st.st_mtim.tv_sec;
	v[2] = (uint64_t)st.st_mtim.tv_nsec;
	v[3] = (uint64_t)st.st_ino;
	v[4] = (uint64_t)st.st_dev;
	v[5] = PST_UID_RULES;
	return mix_of(v, sizeof(v));
}

static int walk_open(struct pst_walk *w, struct pst *p)
{
	int r;

	w->file.p = p;
	w->file.names = pst_names_open(p);
	if (!w->file.names)
		return -1;
	w->file.codepage = codepage_of(&w->file);
	r = pst_folders_load(&w->l, &w->file);
	if (!r)
		r = walk_all(w);
	leave(w);
	pst_folders_release(&w->l);
	pst_names_close(&w->file.names);
	return r;
}

static void say_closed(char *text, size_t size, const char *file,
                       enum pst_open why, const char *part)
{
	if (why == PST_LOCKED)
		snprintf(text, size, "%.*s " KIND_PST_LOCKED,
		         PST_SHOWN(file, 100));
	else if (why == PST_UNKNOWN)
		snprintf(text, size,
		         "%.*s is an Outlook file of a version that mailhaul "
		         "does not know. Open it in Outlook and export it from "
		         "there to a new .pst file, and move that.",
		         PST_SHOWN(file, 150));
	else
		snprintf(text, size,
		         "%.*s can't be read: %.120s. If there is another copy "
		         "or a backup of it, move that.",
		         PST_SHOWN(file, 150),
		         part ? part : "nothing of an Outlook file is in it");
}

/* One of several files. A file that is the whole archive is told of by the
 * parent: there is not one folder in it. */
static int tell_closed(const struct where *at, enum pst_open why,
                       const char *part, struct sink *s)
{
	struct spot spot CLEANUP(spot_release) = { 0 };
	char text[PST_SENTENCE];

	if (!*at->raw || s->names_only || s->items)
		return 0;
	if (spot_of(&spot, at->raw, NAME_MESSAGE) || spot_tell(&spot, 0, s))
		return -1;
	say_closed(text, sizeof(text), at->raw, why, part);
	return source_trouble_all(s, at->raw, text);
}

static int working(void *arg, uint64_t octets)
{
	struct sink *s = arg;

	(void)octets;
	return s->working(s);
}

int pst_walk(struct input *in, const struct where *at, struct sink *s)
{
	struct pst_walk w = { .s = s, .at = at, .state = state_of(in, at) };
	const char *why = NULL;
	struct pst *p = NULL;
	enum pst_open got = pst_open(&p, in->fd, working, s, &why);
	int r;

	if (got != PST_OPEN)
		return tell_closed(at, got, why, s);
	r = walk_open(&w, p);
	pst_close(&p);
	return r;
}
