/* SPDX-License-Identifier: Apache-2.0 */
/* mbox_tree.c - see mbox_tree.h. */
#include "reader/mbox_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/local.h"
#include "reader/mbox_scan.h"
#include "util/buf.h"

#define DEPTH_MAX 64
#define FOLDERS_MAX 100000

struct tree {
	struct folder_list *out;
	struct buf raw;  /* path below the root */
	struct buf path; /* names for people, UTF-8, joined by '/' */
	unsigned depth;
	struct err *e;
};

static bool ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcasecmp(name + n - m, suffix) == 0;
}

static bool passed_over(const char *name)
{
	static const char *const indexes[] = { ".msf",   ".lock", ".dat",
		                               ".idx",   ".toc",  ".html",
		                               ".index", ".db",   ".sqlite" };

	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++)
		if (ends(name, indexes[i]))
			return true;
	return false;
}

/* The head of a file: 1 an mbox, 0 something else, -1 nothing in it. */
static int head_kind(int fd)
{
	char p[2048];
	ssize_t r = pread(fd, p, sizeof(p), 0);
	struct mail_date date;
	size_t n = r > 0 ? (size_t)r : 0, at = 0;
	const char *nl;

	while (at < n && (p[at] == '\r' || p[at] == '\n'))
		at++;
	if (at == n)
		return -1;
	nl = memchr(p + at, '\n', n - at);
	n = nl ? (size_t)(nl - p) + 1 : n;
	return mbox_from_line(p + at, n - at, &date);
}

/* An empty file tells nothing of itself; its neighbours do. */
static bool has_neighbour(int dir, const char *name, const char *suffix)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(4096);
	struct stat st;

	return !buf_str(&b, name) && !buf_str(&b, suffix) &&
	       fstatat(dir, b.p, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_folder(int dir, const char *name)
{
	int fd CLEANUP(close_p) = local_open(dir, name, 0, false);
	struct stat st;
	int kind;

	/* One that can't be read is shown, and told when it is listed. */
	if (fd < 0)
		return errno == EACCES && ends(name, ".mbox");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	kind = head_kind(fd);
	if (kind > 0 || ends(name, ".mbox"))
		return true;
	return kind < 0 && (has_neighbour(dir, name, ".msf") ||
	                    has_neighbour(dir, name, ".sbd"));
}

static int add_folder(struct tree *t)
{
	const char *path = t->path.n ? t->path.p : "INBOX";
	struct folder *f;

	if (t->out->n >= FOLDERS_MAX)
		return err_setf(t->e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_LIMIT,
		                "The archive has more than %d folders. Move "
		                "its parts one by one.",
		                FOLDERS_MAX);
	f = folder_list_add(t->out);
	if (!f)
		return err_memory(t->e);
	if (strcasecmp(path, "inbox") == 0)
		path = "INBOX";
	f->raw = strdup(t->raw.n ? t->raw.p : "");
	if (!f->raw || folder_set_path(f, path, '/'))
		return err_memory(t->e);
	f->delim = '/';
	if (strcmp(path, "INBOX") == 0)
		f->use = USE_INBOX;
	return 0;
}

static int push(struct buf *b, const char *name)
{
	return (b->n && buf_chr(b, '/')) || buf_str(b, name) ? -1 : 0;
}

static void pop(struct buf *b, size_t n)
{
	b->n = n;
	if (b->p)
		b->p[n] = '\0';
}

/* name without the suffix that says what kind of thing it is. */
static char *shown(const char *name)
{
	size_t n = strlen(name);
	char *cut, *s;

	if (ends(name, ".mbox") || ends(name, ".mbx"))
		n = (size_t)(strrchr(name, '.') - name);
	else if (ends(name, ".sbd"))
		n -= 4;
	cut = strndup(name, n);
	s = cut ? local_utf8(cut, false) : NULL;
	free(cut);
	return s;
}

static int walk(struct tree *t, int fd);

static int enter(struct tree *t, int dir, const char *name)
{
	int fd = local_open(dir, name, O_DIRECTORY, false);

	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP
		               ? 0
		               : local_error(t->e, ERR_ACCOUNT, t->raw.p,
		                             errno);
	if (t->depth >= DEPTH_MAX) {
		close(fd);
		return 0;
	}
	t->depth++;
	if (walk(t, fd))
		return -1;
	t->depth--;
	return 0;
}

/* folders: files in the first pass, directories in the second, so that a
 * parent comes before what is below it. */
static int visit(struct tree *t, int dir, const char *name, bool folders)
{
	bool apple = strcmp(name, "mbox") == 0 &&
	             ends(t->raw.p ? t->raw.p : "", ".mbox");
	size_t raw = t->raw.n, path = t->path.n;
	char *label CLEANUP(free_p) = shown(name);
	int r;

	if (!label || push(&t->raw, name) || (!apple && push(&t->path, label)))
		return err_memory(t->e);
	if (folders)
		r = is_folder(dir, name) ? add_folder(t) : 0;
	else
		r = enter(t, dir, name);
	pop(&t->raw, raw);
	pop(&t->path, path);
	return r;
}

static int not_hidden(const struct dirent *d)
{
	return !passed_over(d->d_name);
}

static void names_free(struct dirent **v, int n)
{
	for (int i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static int by_octets(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool a_directory(int dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Takes fd. */
static int walk(struct tree *t, int fd)
{
	int dir CLEANUP(close_p) = fd;
	struct dirent **v = NULL;
	int n = scandirat(dir, ".", &v, not_hidden, by_octets);
	int r = 0;

	if (n < 0)
		return local_error(t->e, ERR_ACCOUNT,
		                   t->raw.n ? t->raw.p : "the archive", errno);
	for (int pass = 0; pass < 2 && !r; pass++)
		for (int i = 0; i < n && !r; i++)
			if (a_directory(dir, v[i]) == (pass == 1))
				r = visit(t, dir, v[i]->d_name, pass == 0);
	names_free(v, n);
	return r;
}

static int single(struct tree *t, const char *root)
{
	const char *name = strrchr(root, '/');
	char *label CLEANUP(free_p) = shown(name ? name + 1 : root);

	if (!label || push(&t->path, label))
		return err_memory(t->e);
	return add_folder(t);
}

int mbox_tree(const char *root, struct folder_list *out, struct err *e)
{
	struct tree t = { .out = out,
		          .raw = BUF_INIT(16384),
		          .path = BUF_INIT(32768),
		          .e = e };
	int fd = local_open(AT_FDCWD, root, 0, true);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st)) {
		r = local_error(e, ERR_ACCOUNT, root, errno);
		close_p(&fd);
		return r;
	}
	if (S_ISDIR(st.st_mode)) {
		r = walk(&t, fd);
	} else {
		r = single(&t, root);
		close(fd);
	}
	buf_release(&t.raw);
	buf_release(&t.path);
	return r;
}

/* A few levels are enough to know what a directory is. */
static bool looks_like(int dir, int levels)
{
	struct dirent **v = NULL;
	int n = scandirat(dir, ".", &v, not_hidden, by_octets);
	bool found = false;

	for (int i = 0; i < n && !found; i++) {
		int at CLEANUP(close_p) =
		        local_open(dir, v[i]->d_name, 0, false);
		struct stat st;

		if (at < 0 || fstat(at, &st))
			continue;
		if (S_ISREG(st.st_mode)) {
			found = head_kind(at) > 0;
		} else if (S_ISDIR(st.st_mode) && levels > 0) {
			found = looks_like(at, levels - 1);
		}
	}
	names_free(v, n < 0 ? 0 : n);
	return found;
}

bool mbox_looks_like(const char *path)
{
	int fd CLEANUP(close_p) = local_open(AT_FDCWD, path, 0, true);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return false;
	if (S_ISDIR(st.st_mode))
		return looks_like(fd, 4);
	return S_ISREG(st.st_mode) && head_kind(fd) > 0;
}
