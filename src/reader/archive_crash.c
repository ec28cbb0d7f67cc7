/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_crash.c - the child has died in a walk. What it had not sent yet
 * is lost, so where it died is not known at first: a second child goes
 * through the archive carefully, telling each thing as it comes, and what
 * was told before is passed over. If that one dies too, it dies at a place
 * that is known: this item is a hole, and the next child passes it by.
 */
#include <stdlib.h>
#include <string.h>

#include "reader/archive.h"
#include "util/log.h"

/* At a place where no item is begun. */
#define NOWHERE_MOST 3
/* Each costs another look through the archive. */
#define CRASHES_MOST 200
/* The item that stands for what could not be reached. */
#define REST_UID (UINT64_MAX >> 1)

static const char broke_down[] =
        "The part of mailhaul that reads archives broke down on this "
        "message, which is damaged or made to do harm. All others were "
        "read. Make the archive once more and run again, or open it in a "
        "mail program and move this message by hand.";
static const char broke_down_for_good[] =
        "The part of mailhaul that reads archives broke down here again and "
        "again, and what stands behind this place could not be read. Make "
        "the archive once more and run again; if that does not help, report "
        "it with the log (--verbose).";

/* --- what was told ------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

bool crash_told(const struct known *k, uint64_t uid)
{
	if (k->sorted &&
	    bsearch(&uid, k->uids, k->sorted, sizeof(uid), by_number))
		return true;
	return false;
}

int crash_remember(struct known *k, uint64_t uid, struct err *e)
{
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap + k->cap / 2 : 64;
		uint64_t *p = realloc(k->uids, cap * sizeof(*p));

		if (!p)
			return err_memory(e);
		k->uids = p;
		k->cap = cap;
	}
	k->uids[k->n++] = uid;
	return 0;
}

static void sort_told(struct reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct known *k = r->v[i];

		if (k->n)
			qsort(k->uids, k->n, sizeof(*k->uids), by_number);
		k->sorted = k->n;
	}
}

/* --- what was wanted ----------------------------------------------------- */

/* 1, 0, or -1: this record says nothing about it. */
static int wanted_by(struct wire *rec, uint64_t uid, bool *listed)
{
	uint64_t flags, resume;

	if (rec->type == W_WANT) {
		while (rec->n && !rec->bad)
			*listed |= wire_take_u64(rec) == uid;
		return *listed;
	}
	flags = wire_take_u64(rec);
	resume = wire_take_u64(rec);
	return !(flags & (W_OMIT | W_ONLY_WANT)) && uid > resume;
}

/* True if the walk asked for this item. */
static bool is_wanted(const struct walking *w, const char *raw, uint64_t uid)
{
	bool here = false, listed = false, found = !(w->flags & W_ONLY_NAMED);
	const char *p = w->asked.p;
	size_t n = w->asked.n, step;
	struct wire rec;

	for (; (step = wire_next(p, n, &rec)) > 0; p += step, n -= step) {
		if (rec.type == W_FOLDER_WANTED) {
			char *name = wire_take_text(&rec);

			here = name && strcmp(name, raw) == 0;
			free(name);
			listed = false;
		}
		if (here && (rec.type == W_FOLDER_WANTED || !found))
			found = wanted_by(&rec, uid, &listed) > 0;
	}
	return found;
}

/* --- where it died ------------------------------------------------------- */

static int add_poison(struct walking *w, const char *raw, uint64_t uid,
                      struct err *e)
{
	size_t at = wire_begin(&w->poison, W_POISON);

	if (wire_text(&w->poison, raw))
		return err_memory(e);
	wire_u64(&w->poison, uid);
	return wire_end(&w->poison, at) ? err_memory(e) : 0;
}

/* The folder of an item that was about to be parsed. */
static struct known *place_of(struct reader *r, const char *raw, struct err *e)
{
	const struct wire_folder top = { .raw = (char *)"",
		                         .path = (char *)"",
		                         .use = USE_INBOX,
		                         .uidvalidity = 1 };
	struct known *k = raw ? folders_find(r, raw) : NULL;

	if (!k)
		k = r->w.at;
	return k ? k : folders_told(r, &top, e);
}

static int add_hole(struct walking *w, struct known *at, uint64_t uid,
                    const char *text)
{
	struct hole *h = &w->hole;

	message_release(&h->m);
	memset(&h->m, 0, sizeof(h->m));
	if (w->held)
		walk_fill(&h->m, &w->it);
	h->at = at;
	h->m.uid = uid;
	local_hole(&h->m, "%s", text);
	return 0;
}

static int give_up(struct reader *r, struct err *e)
{
	struct known *at = place_of(r, NULL, e);

	r->w.over = true;
	return at ? add_hole(&r->w, at, REST_UID, broke_down_for_good) : -1;
}

/* The item that was begun, or about to be: it is passed by from now on. */
static int found_place(struct reader *r, struct err *e)
{
	struct walking *w = &r->w;
	struct known *at = w->open ? w->at : place_of(r, w->try_raw, e);
	uint64_t uid = w->open ? w->uid : w->try_uid;
	const char *raw = w->open ? w->at->f.raw : w->try_raw;

	if (!at || add_poison(w, raw, uid, e))
		return -1;
	w->nowhere = 0;
	if (w->seek != at || w->seek_uid != uid)
		if (crash_told(at, uid) || !is_wanted(w, at->f.raw, uid))
			return 0;
	return add_hole(w, at, uid, broke_down);
}

static int find_place(struct reader *r, struct err *e)
{
	struct walking *w = &r->w;

	if (++w->crashes > CRASHES_MOST)
		return give_up(r, e);
	if (!(w->flags & W_CAREFUL)) {
		w->flags |= W_CAREFUL;
		return 0;
	}
	if (w->open || w->try_raw)
		return found_place(r, e);
	return ++w->nowhere < NOWHERE_MOST ? 0 : give_up(r, e);
}

static void forget(struct walking *w)
{
	wire_item_release(&w->it);
	free(w->try_raw);
	w->try_raw = NULL;
	w->held = w->open = w->skip = w->idle = false;
	w->others_seen = 0;
}

int crash(struct reader *r, struct err *e)
{
	int failed;

	child_stop(&r->child);
	sort_told(r);
	failed = find_place(r, e);
	log_msg("archive: crash %u, uid %llu, %s", r->w.crashes,
	        (unsigned long long)(r->w.open ? r->w.uid : 0),
	        r->w.over ? "the walk ends" : "another child goes on");
	forget(&r->w);
	if (failed || r->w.over)
		return failed;
	r->w.at = NULL;
	return walk_send(r, e);
}

/* --- sending ------------------------------------------------------------- */

static char *last_part(const char *path)
{
	size_t n = strlen(path);
	const char *p;
	char *cut, *s;

	while (n > 0 && path[n - 1] == '/')
		n--;
	for (p = path + n; p > path && p[-1] != '/';)
		p--;
	cut = strndup(p, (size_t)(path + n - p));
	s = cut ? local_utf8(cut, false) : NULL;
	free(cut);
	return s;
}

static int say_walk(struct reader *r, struct buf *b, uint64_t kind)
{
	char *name CLEANUP(free_p) = last_part(r->a->path);
	size_t at = wire_begin(b, W_WALK);

	wire_u64(b, r->w.flags);
	wire_u64(b, kind);
	if (!name || wire_text(b, name) || wire_end(b, at))
		return -1;
	return buf_add(b, r->w.asked.p, r->w.asked.n) ||
	       buf_add(b, r->w.poison.p, r->w.poison.n) ||
	       wire_end(b, wire_begin(b, W_GO));
}

int walk_send(struct reader *r, struct err *e)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	int got = 0;

	if (say_walk(r, &b, archive_kind(r)))
		return err_memory(e);
	/* One that dies while it is asked has not begun to parse. */
	for (int tries = 0; got == 0; tries++) {
		if (!r->child.pid && child_start(&r->child, r->root, r->a, e))
			return -1;
		got = child_ask(&r->child, &b, r->a, e);
		if (got == 0 && tries == NOWHERE_MOST)
			return child_fault(&r->child, r->child.why, e);
	}
	return got < 0 ? -1 : 0;
}
