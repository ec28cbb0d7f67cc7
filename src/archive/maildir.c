/* SPDX-License-Identifier: Apache-2.0 */
/* maildir.c - see maildir.h. */
#include "archive/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/input.h"
#include "archive/head.h"
#include "archive/packed.h"
#include "archive/tree_name.h"
#include "mime/mix.h"
#include "util/buf.h"

#define ROOM (256u << 10)
#define SENTENCE 384
#define QUIET_SECONDS 2

bool maildir_here(int dir)
{
	struct stat st;

	return fstatat(dir, "cur", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* What a listing keeps: names packed one after the other, with the letter
 * of their directory in front. */
struct entry {
	uint64_t order; /* grows with the time in the name */
	const char *name;
	size_t at;
	bool twin; /* another file has its base name */
};

struct folder_walk {
	int fd, sub[2]; /* of the folder; of cur/ and new/ */
	const char *raw;
	struct spot spot;
	struct sink *s;
	struct maildir_keywords keywords;
	struct maildir_index index;
	bool indexed;
	struct buf names;
	struct entry *v;
	size_t n, cap;
	char *room;
};

static int collect(enum maildir_sub sub, const char *name, void *arg)
{
	struct folder_walk *w = arg;

	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 256;
		struct entry *v = realloc(w->v, cap * sizeof(*v));

		if (!v)
			return -1;
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n].at = w->names.n;
	w->v[w->n].order = maildir_told(name).uid;
	w->n++;
	return buf_chr(&w->names, sub == MAILDIR_NEW ? 'n' : 'c') ||
	       buf_add(&w->names, name, strlen(name) + 1);
}

static enum maildir_sub sub_of(const struct entry *en)
{
	return en->name[0] == 'n' ? MAILDIR_NEW : MAILDIR_CUR;
}

static int newest_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->order != y->order)
		return x->order > y->order ? -1 : 1;
	return strcmp(x->name + 1, y->name + 1);
}

static bool same_base(const struct entry *a, const struct entry *b)
{
	size_t n = maildir_base(a->name + 1);

	return n == maildir_base(b->name + 1) &&
	       memcmp(a->name + 1, b->name + 1, n) == 0;
}

static bool look_at(const struct folder_walk *w, const struct entry *en,
                    struct stat *st)
{
	return fstatat(w->sub[sub_of(en)], en->name + 1, st,
	               AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * A base name that was seen twice is mostly one message that somebody read
 * meanwhile, or a second look at the same name. Where both files are there
 * now, they are two messages, whatever the names say.
 */
static bool is_twin(const struct folder_walk *w, size_t kept,
                    const struct entry *en)
{
	struct stat a, b;

	if (!look_at(w, en, &b))
		return false;
	for (size_t i = kept; i > 0 && same_base(&w->v[i - 1], en); i--)
		if (!look_at(w, &w->v[i - 1], &a) ||
		    (a.st_ino == b.st_ino && a.st_dev == b.st_dev))
			return false;
	return true;
}

/* Names without a time are put where their file's time is. */
static void put_in_order(struct folder_walk *w)
{
	size_t to = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct entry *en = &w->v[i];
		struct stat st;

		en->name = w->names.p + en->at;
		if (!en->order && look_at(w, en, &st))
			en->order = maildir_uid(st.st_mtime, en->name + 1);
	}
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), newest_first);
	for (size_t i = 0; i < w->n; i++) {
		struct entry en = w->v[i];

		en.twin = to && same_base(&w->v[to - 1], &en);
		if (!en.twin || is_twin(w, to, &en))
			w->v[to++] = en;
	}
	w->n = to;
}

/* Where the message is now, if others renamed it. -1 with errno. */
static int find_again(struct folder_walk *w, const char *base)
{
	for (int again = 0; again < 2; again++) {
		char *path CLEANUP(free_p) = NULL;
		int fd;

		if (!w->indexed || again) {
			if (maildir_index_scan(&w->index, w->fd))
				return -1;
			w->indexed = true;
		}
		path = maildir_index_path(&w->index, base);
		fd = path ? openat(w->sub[path[0] == 'n'], path + 4,
		                   O_RDONLY | O_CLOEXEC | O_NONBLOCK |
		                           O_NOFOLLOW)
		          : -1;
		if (fd >= 0)
			return fd;
	}
	errno = ENOENT;
	return -1;
}

static const char *damaged(char *text, const char *base, const char *why)
{
	snprintf(text, SENTENCE,
	         "The message's file %.150s can't be moved: %.180s.", base,
	         why);
	return text;
}

/* Some servers keep messages packed or sealed in their Maildirs, which only
 * they can open. NULL: it is plain. */
static const char *sealed(const void *p, size_t n)
{
	unsigned char first = n ? *(const unsigned char *)p : 0;
	bool packed = false;

	if (n >= 7 && memcmp(p, "CRYPTED", 7) == 0)
		return "the mail server has encrypted it. Export it through "
		       "the server";
	if (n >= 11 && memcmp(p, "Dovecot-LZ4", 11) == 0)
		packed = true;
	else if (n && (first < ' ' || first > '~' || first == 'B'))
		packed = packed_looks_like(p, n);
	if (packed)
		return "the mail server has compressed it. Unpack the files "
		       "of this Maildir first (gunzip), or export it through "
		       "the server";
	return NULL;
}

/* The octets of in between begin and end. */
static int stream(struct input *in, const char *base, char *room,
                  struct sink *s)
{
	char text[SENTENCE];
	uint64_t size = 0;
	ssize_t n = in->read(in, room, ROOM);
	const char *why = n < 0    ? in->why
	                  : n == 0 ? "it is empty"
	                           : sealed(room, (size_t)n);
	int r;

	if (why)
		return s->end(s, 0, damaged(text, base, why));
	size = (uint64_t)n;
	if (s->data(s, room, (size_t)n))
		return -1;
	r = pour(in, s, room, ROOM, &size);
	if (r < 0)
		return -1;
	return r ? s->end(s, 0, damaged(text, base, in->why))
	         : s->end(s, size, NULL);
}

/* What the name and the file's size and time tell; base is its key. */
static int describe(struct item *it, const char *name, const char *base,
                    uint64_t size, int64_t mtime,
                    const struct maildir_keywords *k, char **keywords)
{
	const char *letters = maildir_letters(name);
	struct maildir_told told = maildir_told(name);

	*keywords = NULL;
	if (k && maildir_keywords_of(k, letters, keywords))
		return -1;
	it->key = base;
	it->size = told.wire_size ? told.wire_size : size;
	it->flags = maildir_flags(letters);
	it->keywords = *keywords;
	it->date.sec = mtime;
	it->date.known = mtime != 0;
	it->wire = told.wire;
	return 0;
}

static char *base_of(const char *name)
{
	char *cut CLEANUP(free_p) = strndup(name, maildir_base(name));

	return cut ? raw_name(cut) : NULL;
}

int maildir_item(struct input *in, const char *name, uint64_t uid,
                 const struct maildir_keywords *k, struct sink *s)
{
	char *base CLEANUP(free_p) = base_of(name);
	char *room CLEANUP(free_p) = malloc(ROOM);
	char *keywords CLEANUP(free_p) = NULL;
	struct item it = { .uid = uid };
	int wanted;

	if (!base || !room ||
	    describe(&it, name, base, in->size, in->mtime, k, &keywords))
		return -1;
	wanted = s->begin(s, &it);
	if (wanted < 0)
		return -1;
	return wanted ? stream(in, base, room, s) : s->end(s, in->size, NULL);
}

/* The file behind en, opened only if its octets may be wanted: stat() tells
 * a listing enough. 0, or -1 with errno. */
static int look(struct folder_walk *w, const struct entry *en, const char *base,
                int *fd, struct stat *st)
{
	int sub = w->sub[sub_of(en)];

	*fd = -1;
	if (!w->s->bodies &&
	    fstatat(sub, en->name + 1, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	*fd = input_open(sub, en->name + 1, 0);
	if (*fd < 0 && errno == ENOENT && !en->twin)
		*fd = find_again(w, base);
	return *fd < 0 ? -1 : fstat(*fd, st);
}

static int found(struct folder_walk *w, const struct entry *en,
                 const char *base, uint64_t uid, int fd, const struct stat *st)
{
	char *keywords CLEANUP(free_p) = NULL;
	uint64_t size = st->st_size > 0 ? (uint64_t)st->st_size : 0;
	struct item it = { .uid = uid };
	struct input in;
	int wanted;

	if (describe(&it, en->name + 1, base, size, st->st_mtime, &w->keywords,
	             &keywords))
		return -1;
	wanted = w->s->begin(w->s, &it);
	if (wanted < 0)
		return -1;
	if (!wanted || fd < 0)
		return w->s->end(w->s, it.size, NULL);
	input_opened(&in, fd, st);
	return stream(&in, base, w->room, w->s);
}

static bool asked_for(const struct wanted *want, uint64_t uid)
{
	size_t lo = 0, hi = want->want_n;

	if (!want->only_want)
		return true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (want->want[mid] == uid)
			return true;
		if (want->want[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* The letter of the directory in front of the name tells twins apart. */
static uint64_t uid_of(const struct entry *en, const char *base)
{
	return item_uid(en->twin ? en->name : base);
}

static int tell_one(struct folder_walk *w, const struct entry *en,
                    const struct wanted *want)
{
	char *base CLEANUP(free_p) = base_of(en->name + 1);
	uint64_t uid = base ? uid_of(en, base) : 0;
	int fd CLEANUP(close_p) = -1;
	struct stat st;

	if (!base)
		return -1;
	if (!asked_for(want, uid) || w->s->is_poison(w->s, w->spot.raw, uid))
		return 0;
	if (look(w, en, base, &fd, &st)) {
		/* Taken away since the names were read. */
		if (errno == ENOENT)
			return 0;
		return source_trouble(w->s, base,
		                      input_trouble(base, errno).text);
	}
	if (!S_ISREG(st.st_mode))
		return w->s->other(w->s, base, "a link or a device");
	return found(w, en, base, uid, fd, &st);
}

/* What in a directory of the Maildir is no message. */
static int tell_others(struct folder_walk *w, const char *sub)
{
	bool tmp = strcmp(sub, "tmp") == 0;
	int fd = input_open(w->fd, sub, O_DIRECTORY), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d) {
		close_p(&fd);
		return 0;
	}
	while (!r && (de = readdir(d))) {
		struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
		char *name CLEANUP(free_p) = raw_name(de->d_name);

		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    (!tmp && maildir_is_message(de->d_name) &&
		     (de->d_type == DT_REG || de->d_type == DT_UNKNOWN)))
			continue;
		if (!name ||
		    (*w->raw && (buf_str(&b, w->raw) || buf_chr(&b, '/'))) ||
		    buf_fmt(&b, "%s/%s", sub, name))
			r = -1;
		else
			r = w->s->other(w->s, b.p,
			                tmp ? "a delivery that was never "
			                      "finished"
			                : de->d_type == DT_LNK ? "a link"
			                                       : "not mail");
	}
	closedir(d);
	return r;
}

/* Changes whenever a message comes, goes or gets other flags. 0 while it
 * may just be changing. */
static uint64_t state_of(const struct folder_walk *w)
{
	static const char *const parts[] = { "cur", "new", "dovecot-keywords" };
	int64_t v[10] = { 0 };
	time_t now = time(NULL);
	struct stat st;

	for (int i = 0; i < 3; i++) {
		if (fstatat(w->fd, parts[i], &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (now - st.st_mtime < QUIET_SECONDS)
			return 0;
		v[i * 3] = st.st_mtim.tv_sec;
		v[i * 3 + 1] = st.st_mtim.tv_nsec;
		v[i * 3 + 2] = (int64_t)st.st_ino;
	}
	return mix_of(v, sizeof(v));
}

static int messages(struct folder_walk *w, const struct wanted *want)
{
	int r = maildir_scan(w->fd, collect, w);

	if (r > 0)
		return -1;
	if (r < 0)
		return source_trouble(w->s, w->spot.raw,
		                      input_trouble(w->spot.path, errno).text);
	put_in_order(w);
	for (size_t i = 0; i < w->n; i++)
		if (tell_one(w, &w->v[i], want))
			return -1;
	return 0;
}

static int folder(struct folder_walk *w)
{
	const struct wanted *want;

	if (spot_of(&w->spot, w->raw, NAME_MAILDIR) ||
	    maildir_keywords_read(&w->keywords, w->fd))
		return -1;
	if (spot_tell(&w->spot, state_of(w), w->s))
		return -1;
	if (w->s->names_only)
		return 0;
	want = w->s->wanted(w->s, w->spot.raw);
	if (!want->omit) {
		w->sub[MAILDIR_CUR] = input_open(w->fd, "cur", O_DIRECTORY);
		w->sub[MAILDIR_NEW] = input_open(w->fd, "new", O_DIRECTORY);
		w->room = w->s->bodies ? malloc(ROOM) : NULL;
		if ((w->s->bodies && !w->room) || messages(w, want))
			return -1;
	}
	if (want->only_want)
		return 0;
	return tell_others(w, "cur") || tell_others(w, "new") ||
	                       tell_others(w, "tmp")
	               ? -1
	               : 0;
}

int maildir_walk(int dir, const char *raw, struct sink *s)
{
	struct folder_walk w = { .fd = dir,
		                 .sub = { -1, -1 },
		                 .raw = raw,
		                 .s = s,
		                 .names = BUF_INIT(0) };
	int r = folder(&w);

	close_p(&w.sub[0]);
	close_p(&w.sub[1]);
	spot_release(&w.spot);
	maildir_keywords_release(&w.keywords);
	maildir_index_release(&w.index);
	buf_release(&w.names);
	free(w.v);
	free(w.room);
	return r;
}
