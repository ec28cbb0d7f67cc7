/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_folders.c - the folders of an archive, as its child tells them,
 * with paths that people and destinations can do with.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reader/archive.h"
#include "util/buf.h"
#include "util/utf8.h"

#define FOLDERS_MOST 100000
#define INBOX "INBOX"

static int by_raw(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->f.raw,
	              ((const struct known *)b)->f.raw);
}

struct known *folders_find(const struct reader *r, const char *raw)
{
	struct known key = { .f = { .raw = (char *)raw } };
	struct known *const *p = tfind(&key, &r->by_raw, by_raw);

	return p ? *p : NULL;
}

static void known_free(struct known *k)
{
	if (!k)
		return;
	folder_release(&k->f);
	free(k->whole);
	free(k->uids);
	free(k->v);
	free(k);
}

static void not_ours(void *p)
{
	(void)p;
}

void folders_release(struct reader *r)
{
	tdestroy(r->by_raw, not_ours);
	for (size_t i = 0; i < r->n; i++)
		known_free(r->v[i]);
	free(r->v);
	free(r->prefix);
}

/* --- paths --------------------------------------------------------------- */

static int add_character(struct buf *b, const char *p, size_t n, uint32_t cp)
{
	return utf8_control(cp) ? buf_chr(b, '_') : buf_add(b, p, n);
}

/* One part of a path: no control characters, and no "." or "..". */
static int add_part(struct buf *b, const char *p, size_t n)
{
	bool dots = (n == 1 && p[0] == '.') || (n == 2 && !memcmp(p, "..", 2));
	uint32_t cp;

	if (n == 0)
		return 0;
	if (b->n && buf_chr(b, '/'))
		return -1;
	if (dots)
		return buf_add(b, "__", n);
	for (size_t at = 0; at < n;) {
		size_t step = utf8_next(p + at, &cp);

		if (!step || add_character(b, p + at, step, cp))
			return -1;
		at += step;
	}
	return 0;
}

/* path as it may be, malloc'd; NULL: memory. */
static char *good_path(const char *path)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	while (*path) {
		size_t n = strcspn(path, "/");

		if (add_part(&b, path, n))
			return NULL;
		path += n + (path[n] == '/');
	}
	return buf_take(&b);
}

/* path without the prefix, if it stands below it. */
static const char *without_prefix(const struct reader *r, const char *path)
{
	size_t n = r->prefix ? strlen(r->prefix) : 0;

	return n && strncmp(path, r->prefix, n) == 0 && path[n] ? path + n
	                                                        : path;
}

/* What stands at the top of an archive is an inbox, as is what is called
 * so. */
static int show(struct reader *r, struct known *k, enum mail_use use,
                struct err *e)
{
	const char *path = without_prefix(r, k->whole);

	if (*path == '\0' || strcasecmp(path, INBOX) == 0)
		path = INBOX;
	k->f.use = strcmp(path, INBOX) == 0 ? USE_INBOX : use;
	return folder_set_path(&k->f, path, '/') ? err_memory(e) : 0;
}

/* --- folders ------------------------------------------------------------- */

static int room(struct reader *r, struct err *e)
{
	size_t cap = r->cap ? r->cap * 2 : 16;
	struct known **v;

	if (r->n >= FOLDERS_MOST)
		return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_LIMIT,
		                "The archive has more than %d folders. Move "
		                "its parts one by one.",
		                FOLDERS_MOST);
	if (r->n < r->cap)
		return 0;
	v = realloc(r->v, cap * sizeof(*v));
	if (!v)
		return err_memory(e);
	r->v = v;
	r->cap = cap;
	return 0;
}

static struct known *folder_new(struct reader *r, const struct wire_folder *f,
                                struct err *e)
{
	struct known *k = room(r, e) ? NULL : calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->f.raw = strdup(f->raw);
	k->whole = good_path(f->path);
	k->f.delim = '/';
	if (!k->f.raw || !k->whole || show(r, k, f->use, e) ||
	    !tsearch(k, &r->by_raw, by_raw)) {
		known_free(k);
		(void)err_memory(e);
		return NULL;
	}
	r->v[r->n++] = k;
	return k;
}

struct known *folders_told(struct reader *r, const struct wire_folder *f,
                           struct err *e)
{
	struct known *k = folders_find(r, f->raw);

	if (!k)
		k = folder_new(r, f, e);
	if (!k)
		return NULL;
	k->f.uidvalidity = f->uidvalidity;
	k->f.modseq = f->state;
	k->f.shared = f->shared;
	return k;
}

/* Octets of a and b that are the same whole directories: "a/b/". */
static size_t in_common(const char *a, const char *b, size_t most)
{
	size_t same = 0;

	for (size_t i = 0; i < most && a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			same = i + 1;
	return same;
}

int folders_cut(struct reader *r, struct err *e)
{
	size_t n = r->n ? SIZE_MAX : 0;

	for (size_t i = 0; i < r->n && n; i++)
		n = in_common(r->v[0]->whole, r->v[i]->whole, n);
	if (!n)
		return 0;
	r->prefix = strndup(r->v[0]->whole, n);
	if (!r->prefix)
		return err_memory(e);
	for (size_t i = 0; i < r->n; i++)
		if (show(r, r->v[i], r->v[i]->f.use, e))
			return -1;
	return 0;
}

int folders_out(const struct reader *r, struct folder_list *out, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		struct folder *f = folder_list_add(out);

		if (!f || folder_copy(f, &r->v[i]->f))
			return err_memory(e);
		r->v[i]->told = true;
	}
	return 0;
}
