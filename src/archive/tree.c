/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - see tree.h. */
#include "archive/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/eml.h"
#include "archive/input.h"
#include "archive/kind.h"
#include "archive/maildir.h"
#include "archive/mbox.h"
#include "archive/packed.h"
#include "archive/pst/pst.h"
#include "archive/spool.h"
#include "archive/tree_name.h"
#include "util/buf.h"
#include "util/utf8.h"

#define DEPTH_MOST 64
#define NOTES_MOST 10000
/* When only names are asked for, a few messages show that a directory has
 * some. */
#define EMLS_LOOKED_AT 3

struct tree_keywords {
	struct tree_keywords *next;
	char *raw; /* of the Maildir folder's directory */
	struct maildir_keywords keywords;
};

void tree_notes_release(struct tree_notes *t)
{
	while (t->first) {
		struct tree_keywords *k = t->first;

		t->first = k->next;
		maildir_keywords_release(&k->keywords);
		free(k->raw);
		free(k);
	}
	t->n = 0;
}

static const struct maildir_keywords *noted(const struct tree_notes *t,
                                            const char *raw)
{
	for (const struct tree_keywords *k = t ? t->first : NULL; k;
	     k = k->next)
		if (strcmp(k->raw, raw) == 0)
			return &k->keywords;
	return NULL;
}

/* raw without its last part, malloc'd; "" if it has one only. */
static char *above(const char *raw)
{
	const char *base = raw_base(raw);

	return strndup(raw, base > raw ? (size_t)(base - raw - 1) : 0);
}

static int note_keywords(struct input *in, const struct where *at)
{
	struct tree_notes *t = at->notes;
	struct tree_keywords *k;
	char *text CLEANUP(free_p) = malloc(MAILDIR_KEYWORD_FILE);
	size_t n = 0;
	ssize_t r = 1;

	k = text && t->n < NOTES_MOST ? calloc(1, sizeof(*k)) : NULL;
	if (!k)
		return t->n < NOTES_MOST ? -1 : 0;
	k->next = t->first;
	t->first = k;
	t->n++;
	k->raw = above(at->raw);
	while (n < MAILDIR_KEYWORD_FILE && r > 0) {
		r = in->read(in, text + n, MAILDIR_KEYWORD_FILE - n);
		n += r > 0 ? (size_t)r : 0;
	}
	return !k->raw || maildir_keywords_text(&k->keywords, text, n) ? -1 : 0;
}

/* Which part of a Maildir a packed file's path names, if any. */
static bool in_sub(const char *raw, const char *sub)
{
	const char *base = raw_base(raw);
	size_t n = strlen(sub);

	if (base - raw < (ptrdiff_t)n + 1 ||
	    strncmp(base - n - 1, sub, n) != 0 ||
	    (base - raw > (ptrdiff_t)n + 1 && base[-(ptrdiff_t)n - 2] != '/'))
		return false;
	return maildir_is_message(base) && (maildir_told(base).have_time ||
	                                    maildir_base(base) < strlen(base));
}

static bool wants(enum want_kind want, enum want_kind kind)
{
	return want == WANT_ANY || want == kind;
}

static bool in_want(const struct wanted *w, uint64_t uid)
{
	size_t lo = 0, hi = w->want_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->want[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < w->want_n && w->want[lo] == uid;
}

/* Is the message wanted, whose folder is spot? */
static bool is_wanted(const struct spot *o, uint64_t uid, struct sink *s)
{
	const struct wanted *w = s->wanted(s, o->raw);

	return !w->omit && (!w->only_want || in_want(w, uid)) &&
	       !s->is_poison(s, o->raw, uid);
}

static int packed_maildir(struct input *in, const struct where *at,
                          struct sink *s)
{
	char *sub CLEANUP(free_p) = above(at->raw);
	char *dir CLEANUP(free_p) = sub ? above(sub) : NULL;
	struct spot spot CLEANUP(spot_release) = { 0 };
	const char *name = raw_base(at->raw);
	/* A copy that was made while somebody read his mail may have a
	 * message in new/ and in cur/: nothing in a stream tells which of
	 * the two to leave. */
	uint64_t uid = item_uid(at->raw);

	if (!dir || spot_of(&spot, dir, NAME_MAILDIR) || spot_tell(&spot, 0, s))
		return -1;
	if (s->names_only || !is_wanted(&spot, uid, s))
		return 0;
	return maildir_item(in, name, uid, noted(at->notes, dir), s);
}

static int message(struct input *in, const struct where *at, bool emlx,
                   struct sink *s)
{
	struct spot spot CLEANUP(spot_release) = { 0 };

	if (spot_of(&spot, at->raw, NAME_MESSAGE) || spot_tell(&spot, 0, s))
		return -1;
	if (s->names_only || !is_wanted(&spot, item_uid(at->raw), s))
		return 0;
	return eml_item(in, at, emlx, s);
}

static int other(const struct where *at, const char *what, struct sink *s)
{
	return s->other(s, *at->raw ? at->raw : at->path, what);
}

/* An mbox without messages, as far as its name tells. */
static int empty_mbox(const struct where *at, struct sink *s)
{
	struct place p = { .raw = at->raw,
		           .path = at->path,
		           .use = strcmp(at->path, "INBOX") == 0 ? USE_INBOX
		                                                 : USE_NONE,
		           .uidvalidity = 1 };

	return s->folder(s, &p);
}

/* Old Apple Mail's mailbox is a file "mbox" in a directory X.mbox. */
static bool named_mbox(const char *raw)
{
	const char *base = raw_base(raw);

	return name_ends(base, ".mbox") || name_ends(base, ".mbx") ||
	       (strcmp(base, "mbox") == 0 && base - raw > 6 &&
	        strncmp(base - 6, ".mbox/", 6) == 0);
}

static bool named_eml(const char *name)
{
	return name_ends(name, ".eml") || name_ends(name, ".emlx");
}

/* Attachments of partial messages are no messages, even if they look so. */
static bool attachment(const char *raw)
{
	const char *data = strstr(raw, "/Data/");

	return data && strstr(data, "/Attachments/") && strstr(raw, ".mbox/");
}

/* What the file is called; NULL if nobody knows. */
static const char *name_of(const struct where *at)
{
	if (*at->raw)
		return raw_base(at->raw);
	return at->notes ? at->notes->root : NULL;
}

/* It is mail, so it is a problem and not just something else. */
static int not_read(const struct where *at, struct sink *s)
{
	struct spot spot CLEANUP(spot_release) = { 0 };
	const char *raw = *at->raw ? at->raw : at->path;
	char sentence[384];

	/* The archive itself: the parent says so. */
	if (!*at->raw && !at->nested)
		return 0;
	if (spot_of(&spot, raw, NAME_MESSAGE) || spot_tell(&spot, 0, s))
		return -1;
	if (s->names_only || !is_wanted(&spot, item_uid(raw), s))
		return 0;
	snprintf(sentence, sizeof(sentence),
	         "%.*s is an Outlook message (.msg), which this version of "
	         "mailhaul does not read: it was not moved. Save it from "
	         "Outlook as .eml, and move that.",
	         (int)utf8_cut(raw, 150), raw);
	return source_trouble(s, raw, sentence);
}

/* Its octets are needed in no order: from a packed archive they are written
 * to the disk first, which is not soon. */
static int outlook(struct input *in, const struct where *at, struct sink *s)
{
	struct spot spot CLEANUP(spot_release) = { 0 };
	char sentence[384];
	struct input copy;
	int r;

	if (in->fd >= 0)
		return pst_walk(in, at, s);
	if (s->names_only || s->wanted_file(s, at->raw)->omit)
		return 0;
	r = spool_fill(&copy, in, at->raw, s, sentence, sizeof(sentence));
	if (r == 0) {
		r = pst_walk(&copy, at, s);
		spool_clear();
		return r;
	}
	if (r < 0)
		return -1;
	if (spot_of(&spot, at->raw, NAME_MESSAGE) || spot_tell(&spot, 0, s))
		return -1;
	return is_wanted(&spot, item_uid(at->raw), s)
	               ? source_trouble(s, at->raw, sentence)
	               : 0;
}

static bool is_outlook(enum file_kind kind)
{
	return kind == FILE_PST || kind == FILE_PST_LOCKED;
}

static int by_kind(struct peeked *p, enum file_kind kind, const char *what,
                   const struct where *at, enum want_kind want, struct sink *s)
{
	const char *name = name_of(at);
	struct input *in = &p->in;
	bool eml =
	        kind == FILE_EML || kind == FILE_EMLX ||
	        (kind == FILE_MBOX && name_ends(name, ".eml") && eml_alone(p));

	/* Whoever says that this one file is an mbox knows better. */
	if (want == WANT_MBOX && kind == FILE_EML && !*at->raw)
		return mbox_walk(in, at, s);
	/* Whoever says that this one file is a PST may know better than a
	 * damaged header. */
	if ((is_outlook(kind) && wants(want, WANT_PST)) ||
	    (want == WANT_PST && kind == FILE_OTHER && !*at->raw))
		return outlook(in, at, s);
	if (want == WANT_ANY && kind == FILE_MSG)
		return not_read(at, s);
	if (kind == FILE_PACKED)
		return packed_walk(in, at, want, s);
	if (eml && wants(want, WANT_EML))
		return message(in, at, kind == FILE_EMLX, s);
	if (kind == FILE_MBOX && wants(want, WANT_MBOX))
		return mbox_walk(in, at, s);
	if (kind == FILE_EMPTY && wants(want, WANT_MBOX) && named_mbox(at->raw))
		return empty_mbox(at, s);
	if (kind == FILE_EMPTY && wants(want, WANT_EML) && named_eml(name))
		return message(in, at, false, s);
	return other(at,
	             kind == FILE_OTHER || kind == FILE_EMPTY
	                     ? what
	                     : "mail of another kind than asked for",
	             s);
}

int tree_file(struct input *in, const struct where *at, enum want_kind want,
              struct sink *s)
{
	const char *what;
	enum file_kind kind;
	struct peeked p;

	if (at->notes && at->nested &&
	    strcmp(raw_base(at->raw), "dovecot-keywords") == 0)
		return note_keywords(in, at);
	if (at->nested && wants(want, WANT_MAILDIR)) {
		if (in_sub(at->raw, "cur") || in_sub(at->raw, "new"))
			return packed_maildir(in, at, s);
		if (in_sub(at->raw, "tmp"))
			return other(at, "a delivery that was never finished",
			             s);
	}
	if (attachment(at->raw))
		return other(at, "an attachment that Apple Mail kept apart", s);
	input_peek(&p, in);
	kind = kind_of(p.head, p.n, name_of(at), &what);
	if (p.failed && p.n == 0)
		return source_trouble(s, at->raw,
		                      input_trouble(at->raw, 0).text);
	return by_kind(&p, kind, what, at, want, s);
}

/* A directory and all below it. */
struct tree {
	struct sink *s;
	enum want_kind want;
	struct tree_notes notes;
	unsigned depth;
	size_t emls; /* in this directory so far */
};

/* Nothing more can be had of raw. Told in the folder of its directory, so
 * that it is the same problem at each run. */
static int trouble(struct tree *t, const char *raw, const char *sentence)
{
	struct spot spot CLEANUP(spot_release) = { 0 };

	if (spot_of(&spot, raw, NAME_MESSAGE) || spot_tell(&spot, 0, t->s))
		return -1;
	if (t->s->names_only || !is_wanted(&spot, item_uid(raw), t->s))
		return 0;
	return source_trouble(t->s, raw, sentence);
}

/* An empty file tells nothing of itself; its neighbours do. */
static bool has_neighbour(int dir, const char *name, const char *suffix)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(4096);
	struct stat st;

	return !buf_str(&b, name) && !buf_str(&b, suffix) &&
	       fstatat(dir, b.p, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *odd_kind(mode_t mode)
{
	return S_ISLNK(mode)    ? "a link, and links are not followed"
	       : S_ISFIFO(mode) ? "a pipe"
	       : S_ISSOCK(mode) ? "a socket"
	                        : "a device";
}

/* Names save opening a file that nobody wants: 1, 0 or -1. */
static int passed_by(struct tree *t, const char *raw)
{
	struct spot spot CLEANUP(spot_release) = { 0 };
	const struct wanted *w;

	if (t->s->names_only)
		return t->emls++ > EMLS_LOOKED_AT;
	if (spot_of(&spot, raw, NAME_MESSAGE))
		return -1;
	w = t->s->wanted(t->s, spot.raw);
	return w->omit || (w->only_want && !in_want(w, item_uid(raw)));
}

static int visit_file(struct tree *t, int dir, const char *name,
                      const char *raw)
{
	char *path CLEANUP(free_p) = tree_folder_path(raw);
	struct where at = { .raw = raw, .path = path, .notes = &t->notes };
	int pass = named_eml(name) ? passed_by(t, raw) : 0, why;
	int fd CLEANUP(close_p) = -1;
	struct input in;
	struct stat st;

	if (!path || pass)
		return path && pass > 0 ? 0 : -1;
	fd = input_open(dir, name, 0);
	why = errno;
	if ((fd < 0 ? fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)
	            : fstat(fd, &st)) == 0 &&
	    !S_ISREG(st.st_mode))
		return other(&at, odd_kind(st.st_mode), t->s);
	if (fd < 0)
		return trouble(t, raw, input_trouble(raw, why).text);
	if (st.st_size == 0 && wants(t->want, WANT_MBOX) &&
	    (has_neighbour(dir, name, ".msf") ||
	     has_neighbour(dir, name, ".sbd")))
		return empty_mbox(&at, t->s);
	input_opened(&in, fd, &st);
	return tree_file(&in, &at, t->want, t->s);
}

static int walk(struct tree *t, int dir, const char *raw);

static int visit_dir(struct tree *t, int dir, const char *name, const char *raw)
{
	int fd CLEANUP(close_p) = -1, r;

	if (t->depth >= DEPTH_MOST)
		return trouble(t, raw,
		               "The archive has folders in folders beyond "
		               "every use, and those below this one were not "
		               "read. Move them higher, or give this folder "
		               "as an archive of its own.");
	fd = input_open(dir, name, O_DIRECTORY);
	if (fd < 0)
		return trouble(t, raw, input_trouble(raw, errno).text);
	t->depth++;
	t->emls = 0;
	r = walk(t, fd, raw);
	t->depth--;
	return r;
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_octets(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void names_free(struct dirent **v, int n)
{
	for (int i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static bool a_directory(int dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* What maildir_walk() has looked at. */
static bool maildir_part(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	       strcmp(name, "tmp") == 0 ||
	       strcmp(name, "dovecot-keywords") == 0;
}

static int visit(struct tree *t, int dir, const char *name, bool directory,
                 const char *raw)
{
	char *part CLEANUP(free_p) = raw_name(name);
	char *at CLEANUP(free_p) = part ? raw_join(raw, part) : NULL;

	if (!at)
		return -1;
	return directory ? visit_dir(t, dir, name, at)
	                 : visit_file(t, dir, name, at);
}

/* Files first, then directories, so that a parent comes before what is
 * below it. */
static int walk(struct tree *t, int dir, const char *raw)
{
	bool maildir = wants(t->want, WANT_MAILDIR) && maildir_here(dir);
	struct dirent **v = NULL;
	int n, r = 0;

	if (maildir && maildir_walk(dir, raw, t->s))
		return -1;
	n = scandirat(dir, ".", &v, not_dots, by_octets);
	if (n < 0)
		return trouble(t, raw, input_trouble(raw, errno).text);
	for (int pass = 0; pass < 2 && !r; pass++)
		for (int i = 0; i < n && !r; i++)
			if (a_directory(dir, v[i]) == (pass == 1) &&
			    !(maildir && maildir_part(v[i]->d_name)))
				r = visit(t, dir, v[i]->d_name, pass == 1, raw);
	names_free(v, n);
	return r;
}

int tree_walk(int root, const char *name, enum want_kind want, struct sink *s)
{
	struct tree t = { .s = s, .want = want, .notes = { .root = name } };
	char *part CLEANUP(free_p) = raw_name(name);
	char *path CLEANUP(free_p) = part ? tree_folder_path(part) : NULL;
	struct where at = { .raw = "", .path = path, .notes = &t.notes };
	struct input in;
	struct stat st;
	int r;

	if (!path)
		return -1;
	if (fstat(root, &st) == 0 && S_ISDIR(st.st_mode)) {
		r = walk(&t, root, "");
	} else {
		input_file(&in, root);
		r = tree_file(&in, &at, want, s);
	}
	tree_notes_release(&t.notes);
	return r;
}
