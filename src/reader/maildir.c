/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir.c - the reader of Maildirs (https://cr.yp.to/proto/maildir.html,
 * Maildir++).
 *
 * A message is known by its key, the name before ":2,"; uid is only an order
 * (see maildir_told()), so window.uids is not told and window.known is not
 * looked at: every message is found. INTERNALDATE is the file's time of
 * change, as with every IMAP server over Maildirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailhaul/maildir.h"
#include "reader/local.h"
#include "util/buf.h"

struct reader {
	const struct account *a;
	struct local_queue asked;
	char *raw; /* the folder that is open, or NULL */
	int fd;
	struct maildir_keywords keywords;
	struct maildir_index index;
	bool fresh; /* the index was made for this batch */
};

static bool maildir_accepts(const struct account *a)
{
	return a->kind == KIND_MAILDIR ||
	       (a->kind == KIND_PATH && maildir_looks_like(a->path));
}

static int maildir_open(struct reader **out, const struct account *a,
                        struct err *e)
{
	int fd CLEANUP(close_p) = local_enter(a->path, "");
	struct reader *r;

	if (fd < 0)
		return local_error(e, ERR_ACCOUNT, a->path, errno);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_memory(e);
	r->a = a;
	r->fd = -1;
	*out = r;
	return 0;
}

static void leave(struct reader *r)
{
	close_p(&r->fd);
	free(r->raw);
	r->raw = NULL;
	maildir_keywords_release(&r->keywords);
	maildir_index_release(&r->index);
	r->fresh = false;
}

static void maildir_close(struct reader **r)
{
	if (!*r)
		return;
	leave(*r);
	local_queue_release(&(*r)->asked);
	free(*r);
	*r = NULL;
}

static int maildir_folders(struct reader *r, struct folder_list *out,
                           struct err *e)
{
	return maildir_tree(r->a->path, out, e);
}

static int enter(struct reader *r, const char *raw, struct err *e)
{
	leave(r);
	r->raw = strdup(raw);
	if (!r->raw)
		return err_memory(e);
	r->fd = local_enter(r->a->path, strcmp(raw, ".") == 0 ? "" : raw);
	if (r->fd < 0)
		return local_error(e, ERR_FOLDER, raw, errno);
	if (maildir_keywords_read(&r->keywords, r->fd))
		return err_memory(e);
	return 0;
}

/* What a listing keeps: names packed one after the other, with the letter
 * of their directory in front. */
struct entry {
	uint64_t uid;
	const char *name;
	size_t at;
};

struct listing {
	struct buf names;
	struct entry *v;
	size_t n, cap;
};

static int collect(enum maildir_sub sub, const char *name, void *arg)
{
	struct listing *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct entry *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n].at = l->names.n;
	l->v[l->n].uid = maildir_told(name).uid;
	l->n++;
	return buf_chr(&l->names, sub == MAILDIR_NEW ? 'n' : 'c') ||
	       buf_add(&l->names, name, strlen(name) + 1);
}

static enum maildir_sub sub_of(const struct entry *en)
{
	return en->name[0] == 'n' ? MAILDIR_NEW : MAILDIR_CUR;
}

/* The entry's file, as it is in its directory; false: gone, or no file. */
static bool look(struct reader *r, const struct entry *en, struct stat *st)
{
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(4096);

	return !buf_fmt(&path, "%s/%s", maildir_sub_name(sub_of(en)),
	                en->name + 1) &&
	       fstatat(r->fd, path.p, st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st->st_mode);
}

static int by_uid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return strcmp(x->name + 1, y->name + 1);
}

static bool same_base(const struct entry *a, const struct entry *b)
{
	size_t n = maildir_base(a->name + 1);

	return n == maildir_base(b->name + 1) &&
	       memcmp(a->name + 1, b->name + 1, n) == 0;
}

/* Sorted, no message twice, uids strictly ascending. */
static void put_in_order(struct reader *r, struct listing *l)
{
	size_t to = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct entry *en = &l->v[i];
		struct stat st;

		en->name = l->names.p + en->at;
		if (!en->uid && look(r, en, &st))
			en->uid = maildir_uid(st.st_mtime, en->name + 1);
	}
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_uid);
	for (size_t i = 0; i < l->n; i++) {
		if (to && same_base(&l->v[to - 1], &l->v[i]))
			continue;
		l->v[to] = l->v[i];
		if (to && l->v[to].uid <= l->v[to - 1].uid)
			l->v[to].uid = l->v[to - 1].uid + 1;
		to++;
	}
	l->n = to;
}

/* One that vanished since the names were read is not there; one that was
 * renamed is, and what is told of it is a moment old. 1, 0 or -1. */
static int look_again(struct reader *r, const struct entry *en, struct stat *st,
                      struct err *e)
{
	const char *name = en->name + 1;
	char *base CLEANUP(free_p) = strndup(name, maildir_base(name));
	char *path CLEANUP(free_p) = NULL;

	if (!base)
		return err_memory(e);
	if (!r->fresh && maildir_index_scan(&r->index, r->fd))
		return local_error(e, ERR_FOLDER, r->raw, errno);
	r->fresh = true;
	path = maildir_index_path(&r->index, base);
	return path && fstatat(r->fd, path, st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st->st_mode);
}

/* 0, 1 if the caller wants no more, or -1. */
static int tell_one(struct reader *r, const struct entry *en, struct window *w,
                    struct err *e)
{
	struct message m = { 0 };
	struct stat st = { 0 };
	int there, told;

	if (local_cancelled(r->a, e))
		return -1;
	there = look(r, en, &st) ? 1 : look_again(r, en, &st, e);
	if (there <= 0)
		return there;
	if (maildir_describe(en->name + 1, (uint64_t)st.st_size, st.st_mtime,
	                     &r->keywords, &m)) {
		message_release(&m);
		return err_memory(e);
	}
	m.uid = en->uid;
	w->now_messages++;
	told = w->found && w->found(&m, w->arg) != 0;
	message_release(&m);
	return told;
}

static void listing_release(struct listing *l)
{
	buf_release(&l->names);
	free(l->v);
}

static int maildir_list(struct reader *r, const struct folder *f,
                        struct window *w, struct err *e)
{
	struct listing l CLEANUP(listing_release) = { .names = BUF_INIT(0) };
	int told = 0;

	if (enter(r, f->raw, e))
		return -1;
	told = maildir_scan(r->fd, collect, &l);
	if (told < 0)
		return local_error(e, ERR_FOLDER, f->raw, errno);
	if (told > 0)
		return err_memory(e);
	put_in_order(r, &l);
	w->now_uidvalidity = 1;
	w->now_uidnext = 0;
	w->now_modseq = 0;
	w->now_messages = 0;
	for (size_t i = 0; i < l.n && !told; i++)
		told = tell_one(r, &l.v[w->newest_first ? l.n - 1 - i : i], w,
		                e);
	r->fresh = false;
	return told < 0 ? -1 : 0;
}

static int maildir_ask(struct reader *r, const struct folder *f,
                       struct batch *b, struct err *e)
{
	return local_ask(&r->asked, f, b, e);
}

/* The message's file where it is now. -1 without errno: nowhere. */
static int find(struct reader *r, const char *key, int *fd, struct err *e)
{
	for (;;) {
		char *path CLEANUP(free_p) = maildir_index_path(&r->index, key);

		*fd = path ? local_open(r->fd, path, 0, false) : -1;
		if (*fd >= 0 || (path && errno != ENOENT) || r->fresh)
			return 0;
		if (maildir_index_scan(&r->index, r->fd))
			return local_error(e, ERR_FOLDER, r->raw, errno);
		r->fresh = true;
	}
}

static int fetch_one(struct reader *r, struct message *m, struct err *e)
{
	int fd CLEANUP(close_p) = -1;
	struct stat st;
	int got;

	if (!m->key || find(r, m->key, &fd, e))
		return m->key ? -1 : err_memory(e);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		local_hole(m,
		           "The message's file %.100s is not in the "
		           "Maildir any more, or may not be read.",
		           m->key);
		return 0;
	}
	got = maildir_take(fd, m->key, r->a, m, e);
	if (got <= 0)
		return got;
	local_hole(m,
	           "The message's file %.100s could not be read from its "
	           "disk, which may be failing.",
	           m->key);
	return 0;
}

static int maildir_fetch(struct reader *r, struct batch **out, struct err *e)
{
	char *raw CLEANUP(free_p) = NULL;
	struct batch *b = local_next(&r->asked, &raw);

	*out = b;
	if (!b)
		return 0;
	if ((!r->raw || strcmp(r->raw, raw) != 0) && enter(r, raw, e))
		return -1;
	r->fresh = false;
	for (size_t i = 0; i < b->n; i++)
		if (local_cancelled(r->a, e) || fetch_one(r, &b->v[i], e))
			return -1;
	return 0;
}

const struct reader_ops reader_maildir = {
	.name = "maildir",
	.traits = READER_RANDOM | READER_FLAGS | READER_LANES,
	.accepts = maildir_accepts,
	.open = maildir_open,
	.folders = maildir_folders,
	.list = maildir_list,
	.ask = maildir_ask,
	.fetch = maildir_fetch,
	.close = maildir_close,
};
