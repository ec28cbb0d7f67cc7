/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - reads an archive through; see look.h. */
#include "cli/look.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/signals.h"
#include "cli/text.h"
#include "mailhaul/reader.h"
#include "util/clock.h"

#define BODY_LIMIT (64u << 10)
#define TOLD_EACH_MS 500
#define OTHER_FOLDERS 256 /* what lies in more is told of the whole only */

/* --- is it one ----------------------------------------------------------- */

static void load_names(struct look_names *names, const char *store)
{
	struct store *s = NULL;
	struct err e = { 0 };

	names->loaded = true;
	/* A store that can't be used says so where it is needed. */
	if (access(store, F_OK) != 0 || store_open(&s, store, false, &e) != 0)
		return;
	if (store_mailboxes(s, NULL, 0, &names->v, &names->n, &e) != 0)
		names->n = 0;
	store_close(&s);
}

void look_names_release(struct look_names *names)
{
	mailboxes_free(&names->v, names->n);
	*names = (struct look_names){ 0 };
}

/* Nobody calls a mailbox so: a slip in the name of a file. */
static bool outlook_name(const char *s)
{
	size_t n = strlen(s);

	return n > 4 && (strcasecmp(s + n - 4, ".pst") == 0 ||
	                 strcasecmp(s + n - 4, ".ost") == 0);
}

static bool is_archive_locator(const char *operand)
{
	struct account a = { 0 };
	struct err e = { 0 };
	size_t n = strlen(operand);
	bool is = access(operand, F_OK) == 0 ||
	          (n > 0 && operand[n - 1] == ':'); /* the path was forgotten */

	/* What can't be parsed is told why. What is no locator by itself is
	 * one if something stands there. */
	if (account_parse(&a, operand, true, &e) == 0)
		is = a.path != NULL && a.host == NULL &&
		     (is || a.kind != KIND_PATH || outlook_name(operand) ||
		      strchr(operand, '/') != NULL);
	account_release(&a);
	return is;
}

bool look_is_archive(struct look_names *names, const char *store,
                     const char *operand)
{
	if (!is_archive_locator(operand))
		return false;
	if (!names->loaded)
		load_names(names, store);
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i].name, operand) == 0)
			return false;
	return true;
}

/* --- folders ------------------------------------------------------------- */

static int by_raw(const void *a, const void *b)
{
	return strcmp(((const struct look_folder *)a)->raw,
	              ((const struct look_folder *)b)->raw);
}

static void folder_free(struct look_folder *f)
{
	if (f == NULL)
		return;
	free(f->raw);
	free(f->path);
	free(f);
}

static int room(struct look *l)
{
	size_t cap = l->cap == 0 ? 64 : l->cap * 2;
	struct look_folder **v;

	if (l->n < l->cap)
		return 0;
	v = reallocarray(l->v, cap, sizeof(*v));
	if (v == NULL)
		return -1;
	l->v = v;
	l->cap = cap;
	return 0;
}

static struct look_folder *folder_new(struct look *l, const struct folder *f)
{
	struct look_folder *new = room(l) == 0 ? calloc(1, sizeof(*new)) : NULL;

	if (new == NULL)
		return NULL;
	new->raw = strdup(f->raw);
	new->path = strdup(f->path != NULL ? f->path : f->raw);
	new->shared = f->shared;
	if (new->raw == NULL || new->path == NULL ||
	    tsearch(new, &l->by_raw, by_raw) == NULL) {
		folder_free(new);
		return NULL;
	}
	l->v[l->n++] = new;
	return new;
}

static struct look_folder *folder_of(struct look *l, const struct folder *f)
{
	struct look_folder key = { .raw = f->raw };
	struct look_folder *const *found;

	if (l->last != NULL && strcmp(l->last->raw, f->raw) == 0)
		return l->last;
	found = tfind(&key, &l->by_raw, by_raw);
	l->last = found != NULL ? *found : folder_new(l, f);
	return l->last;
}

/* --- messages ------------------------------------------------------------ */

static void add(struct look_sum *s, const struct message *m)
{
	if (m->hole) {
		s->unreadable++;
		return;
	}
	s->messages++;
	s->bytes += m->fetched && m->body.size > 0 ? m->body.size : m->size;
	s->noted += m->made_note != NULL;
	if (!m->date.known)
		return;
	if (!s->dated || m->date.sec < s->oldest)
		s->oldest = m->date.sec;
	if (!s->dated || m->date.sec > s->newest)
		s->newest = m->date.sec;
	s->dated = true;
}

static int meet(struct look *l, const struct reader_ops *ops, struct reader *r,
                const struct folder *f, struct message *m)
{
	struct look_folder *at = folder_of(l, f);

	if (at == NULL)
		return err_memory(&l->err);
	body_init(&m->body, BODY_LIMIT, l->from.spool_dir);
	if (l->deep && !m->hole && ops->take(r, m, &l->err) != 0)
		return -1;
	add(&at->sum, m);
	add(&l->all, m);
	if (m->hole || m->made_note != NULL)
		l->problem(l, at->path, m);
	return 0;
}

/* --- what is no mail ----------------------------------------------------- */

static struct others *others_in(struct look *l, const char *folder, size_t n)
{
	struct look_other *v;

	for (size_t i = l->others_n; i > 0; i--) {
		v = &l->others[i - 1];
		if (strlen(v->folder) == n && memcmp(v->folder, folder, n) == 0)
			return &v->others;
	}
	if (l->others_n == OTHER_FOLDERS)
		return NULL;
	v = reallocarray(l->others, l->others_n + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	l->others = v;
	v += l->others_n;
	*v = (struct look_other){ .folder = strndup(folder, n) };
	if (v->folder == NULL)
		return NULL;
	l->others_n++;
	return &v->others;
}

static int other(struct look *l, const char *name, const char *what)
{
	const char *end = others_of_folder(what) ? name + strlen(name)
	                                         : strrchr(name, '/');
	struct others *o =
	        others_in(l, name, end != NULL ? (size_t)(end - name) : 0);

	if (others_add(&l->kinds, name, what) != 0 ||
	    (o != NULL && others_add(o, name, what) != 0))
		return err_memory(&l->err);
	return 0;
}

/* --- the walk ------------------------------------------------------------ */

static int begin(struct look *l, const struct reader_ops *ops, struct reader *r)
{
	const struct walk w = { .bodies = l->deep };
	struct folder_list list = { 0 };
	int rc = ops->folders(r, &list, &l->err);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		if (folder_of(l, &list.v[i]) == NULL)
			rc = err_memory(&l->err);
	folder_list_release(&list);
	return rc != 0 ? -1 : ops->walk(r, &w, &l->err);
}

static int deal(struct look *l, const struct reader_ops *ops, struct reader *r,
                struct walk_found *f)
{
	switch (f->what) {
	case FOUND_MESSAGE:
		return meet(l, ops, r, f->folder, &f->m);
	case FOUND_FOLDER:
		return folder_of(l, f->folder) != NULL ? 0
		                                       : err_memory(&l->err);
	case FOUND_OTHER:
		return other(l, f->name, f->what_else);
	}
	return 0;
}

static void tell_how_far(struct look *l)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	uint64_t now = clock_ms();

	if (!l->c->talk.terminal || l->c->quiet)
		return;
	if (now < l->told_ms + TOLD_EACH_MS)
		return;
	/* Most are done before anybody wonders. */
	if (l->told_ms != 0 && buf_str(&b, "Looked at ") == 0 &&
	    text_plural(&b, l->all.messages, "message", "messages") == 0 &&
	    buf_chr(&b, '\n') == 0)
		talk_block(&l->c->talk, b.p);
	l->told_ms = now;
}

static int walk(struct look *l, const struct reader_ops *ops, struct reader *r)
{
	struct walk_found f;
	int got, rc = 0;

	if (begin(l, ops, r) != 0)
		return -1;
	while (rc == 0 && (got = ops->next(r, &f, &l->err)) > 0) {
		rc = signals_stopped(&l->err) ? -1 : deal(l, ops, r, &f);
		message_release(&f.m);
		tell_how_far(l);
	}
	talk_block(&l->c->talk, NULL);
	return rc != 0 || got < 0 ? -1 : 0;
}

int look_read(struct look *l)
{
	const struct reader_ops *ops = reader_find(&l->from, &l->err);
	struct reader *r = NULL;
	int rc;

	if (ops == NULL || ops->open(&r, &l->from, &l->err) != 0)
		return -1;
	rc = walk(l, ops, r);
	ops->close(&r);
	return rc;
}

static void not_ours(void *p)
{
	(void)p;
}

void look_release(struct look *l)
{
	tdestroy(l->by_raw, not_ours);
	for (size_t i = 0; i < l->n; i++)
		folder_free(l->v[i]);
	free(l->v);
	for (size_t i = 0; i < l->others_n; i++) {
		free(l->others[i].folder);
		others_release(&l->others[i].others);
	}
	free(l->others);
	others_release(&l->kinds);
	buf_release(&l->unreadable.text);
	buf_release(&l->noted.text);
	account_release(&l->from);
}
