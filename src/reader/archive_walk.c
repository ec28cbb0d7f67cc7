/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_walk.c - goes through what the child tells. A record that doesn't
 * belong where it comes is as good as a crash: the child is started anew.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "mime/intake.h"
#include "reader/archive.h"
#include "util/buf.h"
#include "util/log.h"

/* What a record, or its absence, comes to. */
enum step {
	STEP_FAILED = -1, /* e */
	STEP_ON,          /* nothing to tell */
	STEP_TELL,        /* f is filled, or the item to seek is found */
	STEP_BREACH       /* such a record can't come here */
};

static void forget_item(struct walking *w)
{
	wire_item_release(&w->it);
	w->held = false;
}

void walk_release(struct reader *r)
{
	struct walking *w = &r->w;

	forget_item(w);
	message_release(&w->hole.m);
	buf_release(&w->asked);
	buf_release(&w->poison);
	free(w->try_raw);
	free(w->name);
	free(w->what);
	memset(w, 0, sizeof(*w));
}

/* --- asking -------------------------------------------------------------- */

static int ask_want(struct buf *b, const uint64_t *want, size_t n)
{
	while (n > 0) {
		size_t part = n < WIRE_WANT_MOST ? n : WIRE_WANT_MOST;
		size_t at = wire_begin(b, W_WANT);

		for (size_t i = 0; i < part; i++)
			if (wire_u64(b, want[i]))
				return -1;
		if (wire_end(b, at))
			return -1;
		want += part;
		n -= part;
	}
	return 0;
}

static int ask_folder(struct buf *b, const struct walk_folder *f)
{
	size_t at = wire_begin(b, W_FOLDER_WANTED);

	if (wire_text(b, f->raw))
		return -1;
	wire_u64(b, (f->omit ? W_OMIT : 0) | (f->only_want ? W_ONLY_WANT : 0));
	wire_u64(b, f->resume);
	return wire_end(b, at) || ask_want(b, f->want, f->want_n) ? -1 : 0;
}

int walk_begin(struct reader *r, unsigned flags, const struct walk *w,
               struct err *e)
{
	/* A walk that was left in the middle leaves a busy child. */
	if (!r->w.idle)
		child_stop(&r->child);
	walk_release(r);
	for (size_t i = 0; i < r->n; i++)
		r->v[i]->n = r->v[i]->sorted = 0;
	r->w.flags = flags | (w->bodies ? W_BODIES : 0) |
	             (w->only_named ? W_ONLY_NAMED : 0) |
	             (w->items ? W_ITEMS : 0) |
	             (r->a->unpack_winmail ? W_UNPACK : 0);
	for (size_t i = 0; i < w->n; i++)
		if (ask_folder(&r->w.asked, &w->v[i]))
			return err_memory(e);
	r->w.on = true;
	return walk_send(r, e);
}

/* --- one record ---------------------------------------------------------- */

static int on_folder(struct reader *r, struct wire *rec, struct walk_found *f,
                     struct err *e)
{
	struct walking *w = &r->w;
	struct wire_folder told;

	if (w->open || wire_folder(rec, &told))
		return STEP_BREACH;
	w->at = folders_told(r, &told, e);
	wire_folder_release(&told);
	if (!w->at)
		return STEP_FAILED;
	if (w->at->told || w->seek || w->flags & W_NAMES_ONLY)
		return STEP_ON;
	w->at->told = true;
	f->what = FOUND_FOLDER;
	f->folder = &w->at->f;
	return STEP_TELL;
}

void walk_fill(struct message *m, struct wire_item *it)
{
	m->uid = it->uid;
	m->size = it->size;
	m->flags = it->flags;
	m->date = it->date;
	m->key = it->key;
	m->keywords = it->keywords;
	it->key = it->keywords = NULL;
}

static int on_begin(struct walking *w, struct wire *rec)
{
	bool found;

	if (w->open || !w->at || w->flags & W_NAMES_ONLY ||
	    wire_item(rec, &w->it))
		return STEP_BREACH;
	w->open = true;
	w->uid = w->it.uid;
	w->ahead = AHEAD_NOTHING;
	found = w->seek == w->at && w->seek_uid == w->uid;
	w->skip = w->seek || (w->crashes && crash_told(w->at, w->uid));
	w->held = !w->skip;
	if (w->skip)
		wire_item_release(&w->it);
	return found ? STEP_TELL : STEP_ON;
}

/* Gives out the item that is held; its identity is remembered. */
static int give(struct walking *w, struct walk_found *f, struct err *e)
{
	if (crash_remember(w->at, w->uid, e))
		return STEP_FAILED;
	f->what = FOUND_MESSAGE;
	f->folder = &w->at->f;
	walk_fill(&f->m, &w->it);
	/* Only what tells no message may pass by the options. */
	if (!f->m.hole)
		f->m.flags &= ~(unsigned)MAIL_WHOLE;
	w->held = false;
	return STEP_TELL;
}

static int on_data(struct walking *w, struct wire *rec, struct walk_found *f,
                   struct err *e)
{
	if (!w->open || !(w->flags & W_BODIES))
		return STEP_BREACH;
	if (!w->held)
		return STEP_ON;
	w->data = *rec;
	w->ahead = AHEAD_BODY;
	return give(w, f, e);
}

/* Nobody has asked for the item that it is about. */
static int on_about(const struct walking *w, struct wire *rec)
{
	char *note CLEANUP(free_p) = NULL;
	enum mail_made made;

	if (!w->open || wire_about(rec, &made, &note))
		return STEP_BREACH;
	return STEP_ON;
}

/* Its parser has come through: what breaks down next is not this item. */
static void item_ended(struct walking *w)
{
	w->open = false;
	if (!w->try_raw || w->try_uid != w->uid)
		return;
	free(w->try_raw);
	w->try_raw = NULL;
}

static int on_end(struct walking *w, struct wire *rec, struct walk_found *f,
                  struct err *e)
{
	char *hole CLEANUP(free_p) = NULL;
	uint64_t size;

	if (!w->open || wire_item_end(rec, &size, &hole))
		return STEP_BREACH;
	item_ended(w);
	if (!w->held)
		return STEP_ON;
	if (size)
		w->it.size = size;
	if (hole)
		local_hole(&f->m, "%s", hole);
	w->ahead = AHEAD_END;
	return give(w, f, e);
}

static int on_other(struct walking *w, struct wire *rec, struct walk_found *f)
{
	if (w->open)
		return STEP_BREACH;
	free(w->name);
	free(w->what);
	if (wire_other(rec, &w->name, &w->what))
		return STEP_BREACH;
	if (++w->others_seen <= w->others || w->seek)
		return STEP_ON;
	w->others = w->others_seen;
	log_msg("archive: left there: %s (%s)", w->name, w->what);
	f->what = FOUND_OTHER;
	f->name = w->name;
	f->what_else = w->what;
	return STEP_TELL;
}

static int on_try(struct walking *w, struct wire *rec)
{
	if (w->open)
		return STEP_BREACH;
	free(w->try_raw);
	return wire_try(rec, &w->try_raw, &w->try_uid) ? STEP_BREACH : STEP_ON;
}

static int on_moved(struct walking *w, struct err *e)
{
	w->over = true;
	err_set(e, ERR_FOLDER, NEXT_RETRY, EC_MOVED_ON,
	        "The archive is not the one that was read before: another "
	        "message stands where the last one stood. It is looked "
	        "through from its start, and nothing is moved twice.",
	        "%s", "");
	return STEP_FAILED;
}

static int on_record(struct reader *r, struct wire *rec, struct walk_found *f,
                     struct err *e)
{
	struct walking *w = &r->w;

	switch (rec->type) {
	case W_FOLDER:
		return on_folder(r, rec, f, e);
	case W_BEGIN:
		return on_begin(w, rec);
	case W_DATA:
		return on_data(w, rec, f, e);
	case W_ABOUT:
		return on_about(w, rec);
	case W_END:
		return on_end(w, rec, f, e);
	case W_OTHER:
		return on_other(w, rec, f);
	case W_TRY:
		return on_try(w, rec);
	case W_BEAT:
		return STEP_ON;
	case W_MOVED_ON:
		return on_moved(w, e);
	case W_DONE:
		w->over = w->idle = !w->open;
		return w->open ? STEP_BREACH : STEP_ON;
	default:
		return STEP_BREACH;
	}
}

/* Takes the next record; a child that has died, or has to, is replaced. */
static int step(struct reader *r, struct walk_found *f, struct err *e)
{
	struct wire rec;
	int got = child_record(&r->child, &rec, r->a, e);

	if (got < 0)
		return STEP_FAILED;
	if (got)
		got = on_record(r, &rec, f, e);
	else
		got = STEP_BREACH;
	if (got == STEP_BREACH)
		got = crash(r, e) ? STEP_FAILED : STEP_ON;
	return got;
}

/* --- next ---------------------------------------------------------------- */

static int give_hole(struct walking *w, struct walk_found *f, struct err *e)
{
	struct known *k = w->hole.at;

	f->folder = &k->f;
	if (!k->told) {
		k->told = true;
		f->what = FOUND_FOLDER;
		return 1;
	}
	if (crash_remember(k, w->hole.m.uid, e))
		return -1;
	f->what = FOUND_MESSAGE;
	f->m = w->hole.m;
	memset(&w->hole, 0, sizeof(w->hole));
	return 1;
}

int walk_next(struct reader *r, struct walk_found *f, struct err *e)
{
	struct walking *w = &r->w;
	int got = STEP_ON;

	memset(f, 0, sizeof(*f));
	w->ahead = AHEAD_NOTHING;
	while (got == STEP_ON) {
		if (w->hole.at)
			return give_hole(w, f, e);
		if (w->over || !w->on)
			return 0;
		got = step(r, f, e);
	}
	return got == STEP_TELL ? 1 : -1;
}

/* --- take ---------------------------------------------------------------- */

/* Which rules of comparing hold for what a parser has made. A draft may
 * have been written on since: only its text tells. */
static void mark_made(struct message *m, enum mail_made made)
{
	if (made == MADE_IN_PART)
		m->fp.version = FINGERPRINT_IN_PART;
	else if (made == MADE_ANEW && !(m->flags & MAIL_DRAFT))
		m->fp.version = FINGERPRINT_ANEW;
}

/* 1: all octets are in, 0: the child died meanwhile, -1. */
static int body(struct reader *r, struct intake *in, enum mail_made *made,
                char **hole, struct err *e)
{
	struct wire rec = r->w.data;
	uint64_t size;
	int got = 1;

	if (r->w.ahead != AHEAD_BODY)
		got = child_record(&r->child, &rec, r->a, e);
	for (;;) {
		if (got <= 0)
			return got;
		if (rec.type == W_DATA) {
			if (intake_data(in, (const char *)rec.p, rec.n, e))
				return -1;
		} else if (rec.type == W_ABOUT && !in->m->made_note) {
			if (wire_about(&rec, made, &in->m->made_note))
				return 0;
		} else {
			break;
		}
		got = child_record(&r->child, &rec, r->a, e);
	}
	if (wire_item_end(&rec, &size, hole))
		return 0;
	item_ended(&r->w);
	if (!r->child.sha256)
		return err_memory(e);
	memcpy(in->m->sha256, r->child.sha256, sizeof(in->m->sha256));
	return 1;
}

/* 1: whole, or a hole; 0: the child died; -1. */
static int take_once(struct reader *r, struct message *m, struct err *e)
{
	struct intake in CLEANUP(intake_release) = { 0 };
	char *hole CLEANUP(free_p) = NULL;
	enum mail_made made = MADE_AS_IT_WAS;
	int got;

	free(m->made_note);
	m->made_note = NULL;
	if (intake_begin_hashed(&in, m, m->size, e))
		return -1;
	got = body(r, &in, &made, &hole, e);
	if (got <= 0)
		return got;
	if (hole) {
		local_hole(m, "%s", hole);
		return 1;
	}
	if (intake_end(&in, e))
		return -1;
	mark_made(m, made);
	return 1;
}

static void gone(struct message *m)
{
	local_hole(m, "The archive has changed while it was read: this "
	              "message is not at its place any more. Run mailhaul "
	              "again, and it is looked for anew.");
}

/*
 * Goes on to the item of m in the new child's telling. 1: it is there, 0: m
 * is a hole, -1.
 */
static int find_again(struct reader *r, struct message *m, struct err *e)
{
	struct walking *w = &r->w;
	struct walk_found f;
	int got = STEP_ON;

	while (got == STEP_ON && !w->hole.at && !w->over)
		got = step(r, &f, e);
	w->ahead = AHEAD_NOTHING;
	if (got == STEP_FAILED)
		return -1;
	if (got == STEP_TELL)
		return 1;
	if (w->hole.at == w->seek && w->hole.m.uid == w->seek_uid) {
		m->hole = true;
		m->why = w->hole.m.why;
		message_release(&w->hole.m);
		memset(&w->hole, 0, sizeof(w->hole));
	} else {
		gone(m);
	}
	return 0;
}

/* As find_again(), after the child has died in m. */
static int after_crash(struct reader *r, struct message *m, struct err *e)
{
	struct walking *w = &r->w;
	size_t limit = m->body.limit;
	const char *dir = m->body.dir;
	int got;

	body_release(&m->body);
	body_init(&m->body, limit, dir);
	w->seek = w->at;
	w->seek_uid = w->uid;
	got = crash(r, e) ? -1 : find_again(r, m, e);
	w->seek = NULL;
	return got;
}

static int take_empty(struct message *m, struct err *e)
{
	struct intake in CLEANUP(intake_release) = { 0 };

	return intake_begin(&in, m, 0, false, e) || intake_end(&in, e) ? -1 : 0;
}

int walk_take(struct reader *r, struct message *m, struct err *e)
{
	int got;

	if (r->w.ahead == AHEAD_END && r->w.flags & W_BODIES)
		return take_empty(m, e);
	if (r->w.ahead != AHEAD_BODY) {
		gone(m);
		return 0;
	}
	do {
		got = take_once(r, m, e);
		if (got == 0)
			got = after_crash(r, m, e) > 0 ? 0 : (m->hole ? 1 : -1);
	} while (got == 0);
	r->w.ahead = AHEAD_NOTHING;
	return got < 0 ? -1 : 0;
}
