/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox.c - the reader of mbox files and of folders of them.
 *
 * The octets are the archive's: Status fields and their like stay in, only
 * From_ lines, the empty line before them and mboxrd's '>' go.
 *
 * uid = (offset of the From_ line + 1) << 16 | 16 bits of the header's
 * hash: a file that was compacted has another message at an old offset, and
 * must not pass for the one that was there. UIDVALIDITY is a hash of the
 * first message's header, so that another file under this name is another
 * folder, and one that only grew is the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/intake.h"
#include "reader/local.h"
#include "reader/mbox_scan.h"
#include "reader/mbox_tree.h"
#include "util/buf.h"

#define TAG_BITS 16

struct reader {
	const struct account *a;
	struct local_queue asked;
	char *raw;  /* the folder that is open, or NULL */
	char *path; /* of its file */
	int fd;
	struct mbox mb;
};

static bool mbox_accepts(const struct account *a)
{
	return a->kind == KIND_MBOX ||
	       (a->kind == KIND_PATH && mbox_looks_like(a->path));
}

static int mbox_reader_open(struct reader **out, const struct account *a,
                            struct err *e)
{
	struct reader *r;

	if (access(a->path, R_OK))
		return local_error(e, ERR_ACCOUNT, a->path, errno);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_memory(e);
	r->a = a;
	r->fd = -1;
	*out = r;
	return 0;
}

static void shut(struct reader *r)
{
	mbox_release(&r->mb);
	close_p(&r->fd);
	free(r->raw);
	free(r->path);
	r->raw = r->path = NULL;
}

static void mbox_close(struct reader **r)
{
	if (!*r)
		return;
	shut(*r);
	local_queue_release(&(*r)->asked);
	free(*r);
	*r = NULL;
}

static int mbox_folders(struct reader *r, struct folder_list *out,
                        struct err *e)
{
	return mbox_tree(r->a->path, out, e);
}

static char *file_of(const struct reader *r, const char *raw)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (buf_str(&b, r->a->path) ||
	    (*raw && (buf_chr(&b, '/') || buf_str(&b, raw))))
		return NULL;
	return buf_take(&b);
}

/* Opens the folder's file anew: it may have been replaced since. */
static int enter(struct reader *r, const char *raw, struct err *e)
{
	struct stat st;

	shut(r);
	r->raw = strdup(raw);
	r->path = file_of(r, raw);
	if (!r->raw || !r->path)
		return err_memory(e);
	r->fd = local_open(AT_FDCWD, r->path, 0, *raw == '\0');
	if (r->fd < 0 || fstat(r->fd, &st))
		return local_error(e, ERR_FOLDER, r->path, errno);
	if (!S_ISREG(st.st_mode))
		return err_setf(e, ERR_FOLDER, NEXT_GIVE_UP, EC_ARCHIVE,
		                "%.200s is not a file any more, but it was "
		                "when the archive was looked through.",
		                r->path);
	posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return mbox_open(&r->mb, r->fd, r->path, e);
}

static uint64_t uid_of(const struct mbox_item *item)
{
	return (item->offset + 1) << TAG_BITS |
	       (item->tag & ((1u << TAG_BITS) - 1));
}

/* What a listing keeps of a message until all are known. */
struct entry {
	uint64_t uid, wire;
	int64_t sec;
	int16_t zone_min;
	uint16_t flags;
	uint32_t keywords; /* position in words + 1, 0: none */
};

struct listing {
	struct entry *v;
	size_t n, cap;
	struct buf words;       /* keyword lists, each with its NUL */
	uint32_t last_keywords; /* most messages have the same as the last */
	uint64_t tag;           /* of the first message */
};

static int keep_keywords(struct listing *l, struct entry *en,
                         const char *keywords)
{
	if (!keywords)
		return 0;
	if (l->last_keywords &&
	    strcmp(l->words.p + l->last_keywords - 1, keywords) == 0) {
		en->keywords = l->last_keywords;
		return 0;
	}
	/* Beyond the ceiling a message loses its keywords, not itself. */
	if (l->words.n + strlen(keywords) + 1 > l->words.max)
		return 0;
	en->keywords = l->last_keywords = (uint32_t)l->words.n + 1;
	return buf_add(&l->words, keywords, strlen(keywords) + 1);
}

static int keep(struct listing *l, const struct mbox_item *item)
{
	struct entry *en;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct entry *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	if (l->n == 0)
		l->tag = item->tag;
	en = &l->v[l->n++];
	*en = (struct entry){ .uid = uid_of(item),
		              .wire = item->wire,
		              .sec = item->date.sec,
		              .zone_min = (int16_t)item->date.zone_min,
		              .flags = (uint16_t)item->flags };
	return keep_keywords(l, en, item->keywords);
}

static int scan(struct reader *r, struct listing *l, struct err *e)
{
	uint64_t at = r->mb.first;
	struct mbox_item item;
	int got;

	while (!r->mb.empty) {
		if (local_cancelled(r->a, e))
			return -1;
		got = mbox_message(&r->mb, at, &item, NULL, NULL, e);
		if (got <= 0)
			return got;
		at = item.next;
		got = keep(l, &item);
		free(item.keywords);
		if (got)
			return err_memory(e);
	}
	return 0;
}

/* 0, 1 if the caller wants no more, or -1. */
static int tell_uids(const struct listing *l, struct window *w, struct err *e)
{
	uint64_t *uids CLEANUP(free_p) = NULL;

	if (!w->uids)
		return 0;
	uids = malloc((l->n + 1) * sizeof(*uids));
	if (!uids)
		return err_memory(e);
	for (size_t i = 0; i < l->n; i++)
		uids[i] = l->v[i].uid;
	return w->uids(uids, l->n, w->arg) != 0;
}

static bool is_known(const struct window *w, uint64_t uid)
{
	size_t lo = 0, hi = w->known_n;

	if (w->uidvalidity != w->now_uidvalidity)
		return false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->known[mid] == uid)
			return true;
		if (w->known[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static int tell(const struct listing *l, struct window *w, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct entry *en = &l->v[i];
		message_fn *each = is_known(w, en->uid) ? w->changed : w->found;
		struct message m = { .uid = en->uid,
			             .size = en->wire,
			             .flags = en->flags,
			             .date = { en->sec, en->zone_min, true } };
		int r;

		if (!each)
			continue;
		if (en->keywords)
			m.keywords = strdup(l->words.p + en->keywords - 1);
		if (en->keywords && !m.keywords)
			return err_memory(e);
		r = each(&m, w->arg);
		message_release(&m);
		if (r)
			break;
	}
	return 0;
}

static void listing_release(struct listing *l)
{
	free(l->v);
	buf_release(&l->words);
}

static int mbox_list(struct reader *r, const struct folder *f, struct window *w,
                     struct err *e)
{
	struct listing l CLEANUP(listing_release) = {
		.words = BUF_INIT(4u << 20),
	};
	int told;

	if (enter(r, f->raw, e) || scan(r, &l, e))
		return -1;
	w->now_uidvalidity = l.n ? (uint32_t)(l.tag >> 32) | 1u : 1u;
	w->now_uidnext = 0;
	w->now_modseq = 0;
	w->now_messages = l.n;
	told = tell_uids(&l, w, e);
	if (told)
		return told < 0 ? -1 : 0;
	return tell(&l, w, e);
}

static int mbox_ask(struct reader *r, const struct folder *f, struct batch *b,
                    struct err *e)
{
	return local_ask(&r->asked, f, b, e);
}

static int take(const char *p, size_t n, void *arg, struct err *e)
{
	return intake_data(arg, p, n, e);
}

static int fetch_one(struct reader *r, struct message *m, struct err *e)
{
	uint64_t offset = (m->uid >> TAG_BITS) - 1;
	struct intake in CLEANUP(intake_release) = { 0 };
	struct mbox_item item;
	int got;

	body_release(&m->body);
	body_init(&m->body, r->a->body_limit, r->a->spool_dir);
	if (intake_begin(&in, m, m->size, true, e))
		return -1;
	got = mbox_message(&r->mb, offset, &item, take, &in, e);
	if (got < 0)
		return -1;
	if (got == 0 || uid_of(&item) != m->uid) {
		local_hole(m,
		           "The file %.200s has changed since it was "
		           "listed: this message is not at its place any more. "
		           "Run mailhaul again, and it is looked for anew.",
		           r->path);
		if (got)
			free(item.keywords);
		return 0;
	}
	free(item.keywords);
	return intake_end(&in, e);
}

static int mbox_fetch(struct reader *r, struct batch **out, struct err *e)
{
	char *raw CLEANUP(free_p) = NULL;
	struct batch *b = local_next(&r->asked, &raw);

	*out = b;
	if (!b)
		return 0;
	if ((!r->raw || strcmp(r->raw, raw) != 0) && enter(r, raw, e))
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (local_cancelled(r->a, e) || fetch_one(r, &b->v[i], e))
			return -1;
	return 0;
}

const struct reader_ops reader_mbox = {
	.name = "mbox",
	.traits = READER_FLAGS | READER_LANES,
	.accepts = mbox_accepts,
	.open = mbox_reader_open,
	.folders = mbox_folders,
	.list = mbox_list,
	.ask = mbox_ask,
	.fetch = mbox_fetch,
	.close = mbox_close,
};
