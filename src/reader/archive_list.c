/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_list.c - list, ask and fetch of an archive. All folders are listed
 * from one look through the file; each batch is fetched by another one that
 * wants nothing else. Messages come in the order of the archive, whatever
 * order is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "reader/archive.h"
#include "util/buf.h"

#define WORDS_MOST (4u << 20)
#define KEYS_MOST (512u << 20)

void list_release(struct reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i]->v);
		r->v[i]->v = NULL;
		r->v[i]->v_n = r->v[i]->v_cap = 0;
	}
	buf_release(&r->words);
	buf_release(&r->keys);
	others_release(&r->others);
	r->last_keywords = 0;
	r->looked = false;
}

/* --- looking ------------------------------------------------------------- */

static int keep_keywords(struct reader *r, struct listed *en, const char *s)
{
	if (r->last_keywords &&
	    strcmp(r->words.p + r->last_keywords - 1, s) == 0) {
		en->keywords = r->last_keywords;
		return 0;
	}
	/* Beyond the ceiling a message loses its keywords, not itself. */
	if (r->words.n + strlen(s) + 1 > WORDS_MOST)
		return 0;
	en->keywords = r->last_keywords = (uint32_t)r->words.n + 1;
	return buf_add(&r->words, s, strlen(s) + 1);
}

static int keep_key(struct reader *r, struct listed *en, const char *s,
                    struct err *e)
{
	if (r->keys.n + strlen(s) + 1 > KEYS_MOST)
		return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_LIMIT,
		               "The archive has too many messages for one "
		               "move. Move its parts one by one.",
		               "names of more than %u octets", KEYS_MOST);
	en->key = (uint32_t)r->keys.n + 1;
	return buf_add(&r->keys, s, strlen(s) + 1) ? err_memory(e) : 0;
}

static int keep(struct reader *r, struct known *k, const struct message *m,
                struct err *e)
{
	struct listed *en;

	if (k->v_n == k->v_cap) {
		size_t cap = k->v_cap ? k->v_cap + k->v_cap / 2 : 64;
		struct listed *v = realloc(k->v, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		k->v = v;
		k->v_cap = cap;
	}
	en = &k->v[k->v_n++];
	*en = (struct listed){ .uid = m->uid,
		               .size = m->size,
		               .sec = m->date.sec,
		               .zone_min = (int16_t)m->date.zone_min,
		               .dated = m->date.known,
		               .flags = (uint8_t)m->flags };
	if (m->keywords && keep_keywords(r, en, m->keywords))
		return err_memory(e);
	return m->key ? keep_key(r, en, m->key, e) : 0;
}

/* Counts what the listing has found of each folder. */
static void count(struct reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct known *k = r->v[i];

		k->f.messages = k->v_n;
		k->f.bytes = 0;
		for (size_t j = 0; j < k->v_n; j++)
			k->f.bytes += k->v[j].size;
		k->f.have_status = true;
	}
	r->looked = true;
}

int list_look(struct reader *r, struct err *e)
{
	const struct walk all = { 0 };
	struct walk_found f;
	int got;

	if (r->looked)
		return 0;
	list_release(r);
	if (walk_begin(r, 0, &all, e))
		return -1;
	while ((got = walk_next(r, &f, e)) > 0) {
		int failed = 0;

		if (f.what == FOUND_MESSAGE) {
			failed = keep(r, folders_find(r, f.folder->raw), &f.m,
			              e);
			message_release(&f.m);
		} else if (f.what == FOUND_OTHER &&
		           others_add(&r->others, f.name, f.what_else)) {
			failed = err_memory(e);
		}
		if (failed)
			return -1;
	}
	if (got == 0)
		count(r);
	return got;
}

/* --- list ---------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* 0, 1 if the caller wants no more, or -1. */
static int tell_uids(const struct known *k, struct window *w, struct err *e)
{
	uint64_t *uids CLEANUP(free_p) = NULL;

	if (!w->uids)
		return 0;
	uids = malloc((k->v_n + 1) * sizeof(*uids));
	if (!uids)
		return err_memory(e);
	for (size_t i = 0; i < k->v_n; i++)
		uids[i] = k->v[i].uid;
	qsort(uids, k->v_n, sizeof(*uids), by_number);
	return w->uids(uids, k->v_n, w->arg) != 0;
}

static bool is_known(const struct window *w, uint64_t uid)
{
	if (w->uidvalidity != w->now_uidvalidity || !w->known_n)
		return false;
	return bsearch(&uid, w->known, w->known_n, sizeof(uid), by_number) !=
	       NULL;
}

static int message_of(const struct reader *r, const struct listed *en,
                      struct message *m, struct err *e)
{
	memset(m, 0, sizeof(*m));
	m->uid = en->uid;
	m->size = en->size;
	m->flags = en->flags;
	m->date = (struct mail_date){ en->sec, en->zone_min, en->dated };
	if (en->keywords)
		m->keywords = strdup(r->words.p + en->keywords - 1);
	if (en->key)
		m->key = strdup(r->keys.p + en->key - 1);
	if ((!en->keywords || m->keywords) && (!en->key || m->key))
		return 0;
	message_release(m);
	return err_memory(e);
}

static int tell(const struct reader *r, const struct known *k, struct window *w,
                struct err *e)
{
	for (size_t i = 0; i < k->v_n; i++) {
		const struct listed *en = &k->v[i];
		message_fn *each = is_known(w, en->uid) ? w->changed : w->found;
		struct message m;
		int stop;

		if (!each)
			continue;
		if (message_of(r, en, &m, e))
			return -1;
		stop = each(&m, w->arg);
		message_release(&m);
		if (stop)
			break;
	}
	return 0;
}

int archive_list(struct reader *r, const struct folder *f, struct window *w,
                 struct err *e)
{
	const struct known *k;
	int told;

	if (archive_names(r, e) || list_look(r, e))
		return -1;
	k = folders_find(r, f->raw);
	if (!k)
		return err_setf(e, ERR_FOLDER, NEXT_GIVE_UP, EC_FOLDER_GONE,
		                "The folder %.200s is not in the archive any "
		                "more.",
		                f->path ? f->path : f->raw);
	w->now_uidvalidity = k->f.uidvalidity;
	w->now_uidnext = 0;
	w->now_modseq = k->f.modseq;
	w->now_messages = k->v_n;
	told = tell_uids(k, w, e);
	if (told)
		return told < 0 ? -1 : 0;
	return tell(r, k, w, e);
}

/* --- ask and fetch ------------------------------------------------------- */

int archive_ask(struct reader *r, const struct folder *f, struct batch *b,
                struct err *e)
{
	return local_ask(&r->asked, f, b, e);
}

static struct message *of_batch(struct batch *b, uint64_t uid)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].uid == uid && !b->v[i].fetched && !b->v[i].hole)
			return &b->v[i];
	return NULL;
}

static int fetch_one(struct reader *r, const struct message *found,
                     struct message *m, struct err *e)
{
	if (found->hole) {
		m->hole = true;
		m->why = found->why;
		return 0;
	}
	return walk_take(r, m, e);
}

static int fetch_all(struct reader *r, struct batch *b, struct err *e)
{
	struct walk_found f;
	int got;

	while ((got = walk_next(r, &f, e)) > 0) {
		struct message *m =
		        f.what == FOUND_MESSAGE ? of_batch(b, f.m.uid) : NULL;
		int failed = m ? fetch_one(r, &f.m, m, e) : 0;

		if (f.what == FOUND_MESSAGE)
			message_release(&f.m);
		if (failed)
			return -1;
	}
	return got;
}

static void blank(const struct reader *r, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];

		body_release(&m->body);
		body_init(&m->body, r->a->body_limit, r->a->spool_dir);
		m->fetched = m->hole = false;
	}
}

static void not_found(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!b->v[i].fetched && !b->v[i].hole)
			local_hole(&b->v[i],
			           "The archive has changed since it was "
			           "listed: this message is not at its place "
			           "any more. Run mailhaul again, and it is "
			           "looked for anew.");
}

int archive_fetch(struct reader *r, struct batch **out, struct err *e)
{
	char *raw CLEANUP(free_p) = NULL;
	uint64_t *want CLEANUP(free_p) = NULL;
	struct batch *b = local_next(&r->asked, &raw);
	struct walk_folder f = { .only_want = true };
	struct walk w = { .bodies = true, .v = &f, .n = 1, .only_named = true };

	*out = b;
	if (!b)
		return 0;
	want = malloc((b->n + 1) * sizeof(*want));
	if (!want)
		return err_memory(e);
	for (size_t i = 0; i < b->n; i++)
		want[i] = b->v[i].uid;
	qsort(want, b->n, sizeof(*want), by_number);
	f.raw = raw;
	f.want = want;
	f.want_n = b->n;
	blank(r, b);
	if (walk_begin(r, 0, &w, e) || fetch_all(r, b, e))
		return -1;
	not_found(b);
	return 0;
}
