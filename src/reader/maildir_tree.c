/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir_tree.c - the folders of a Maildir: Maildir++ (".Sent.2019" beside
 * cur/, modified UTF-7 or plain UTF-8) and directories within directories,
 * each with its cur/; one within the other too.
 */
#include "mailhaul/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/local.h"
#include "util/buf.h"

#define DEPTH_MAX 64
#define FOLDERS_MAX 100000

struct tree {
	struct folder_list *out;
	struct buf raw, path;
	unsigned depth;
	struct err *e;
};

static bool is_dir(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
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

static int add_folder(struct tree *t)
{
	bool inbox = t->path.n == 0;
	struct folder *f;

	if (t->out->n >= FOLDERS_MAX)
		return err_setf(t->e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_LIMIT,
		                "The Maildir has more than %d folders. Move "
		                "its parts one by one.",
		                FOLDERS_MAX);
	f = folder_list_add(t->out);
	if (!f)
		return err_memory(t->e);
	f->raw = strdup(t->raw.n ? t->raw.p : ".");
	if (!f->raw || folder_set_path(f, inbox ? "INBOX" : t->path.p, '/'))
		return err_memory(t->e);
	f->delim = '.';
	f->use = inbox ? USE_INBOX : USE_NONE;
	return 0;
}

/* Adds a name's parts to the path; parts of Maildir++ are joined by '.'. */
static int push_name(struct tree *t, const char *name)
{
	bool plusplus = name[0] == '.';
	char *s CLEANUP(free_p) = local_utf8(name + plusplus, plusplus);

	if (!s || push(&t->raw, name))
		return -1;
	for (char *p = s; plusplus && *p; p++)
		if (*p == '.')
			*p = '/';
	return push(&t->path, s);
}

static int walk(struct tree *t, int fd);

static int visit(struct tree *t, int dir, const char *name)
{
	size_t raw = t->raw.n, path = t->path.n;
	int fd = local_open(dir, name, O_DIRECTORY, false);
	int r = 0;

	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR
		               ? 0
		               : local_error(t->e, ERR_ACCOUNT, name, errno);
	if (push_name(t, name)) {
		close(fd);
		return err_memory(t->e);
	}
	if (name[0] == '.') {
		r = is_dir(fd, "cur") ? add_folder(t) : 0;
		close(fd);
	} else if (t->depth < DEPTH_MAX) {
		t->depth++;
		r = walk(t, fd);
		t->depth--;
	} else {
		close(fd);
	}
	pop(&t->raw, raw);
	pop(&t->path, path);
	return r;
}

static int wanted(const struct dirent *d)
{
	static const char *const not [] = { ".", "..", "cur", "new", "tmp" };

	if (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN)
		return 0;
	for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		if (strcmp(d->d_name, not [i]) == 0)
			return 0;
	return 1;
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

/* Takes fd. */
static int walk(struct tree *t, int fd)
{
	int dir CLEANUP(close_p) = fd;
	struct dirent **v = NULL;
	int n, r = 0;

	if (is_dir(dir, "cur") && add_folder(t))
		return -1;
	n = scandirat(dir, ".", &v, wanted, by_octets);
	if (n < 0)
		return local_error(t->e, ERR_ACCOUNT,
		                   t->raw.n ? t->raw.p : "the Maildir", errno);
	for (int i = 0; i < n && !r; i++)
		r = visit(t, dir, v[i]->d_name);
	names_free(v, n);
	return r;
}

int maildir_tree(const char *root, struct folder_list *out, struct err *e)
{
	struct tree t = { .out = out,
		          .raw = BUF_INIT(16384),
		          .path = BUF_INIT(65536),
		          .e = e };
	int fd = local_enter(root, "");
	int r;

	if (fd < 0)
		return local_error(e, ERR_ACCOUNT, root, errno);
	r = walk(&t, fd);
	buf_release(&t.raw);
	buf_release(&t.path);
	return r;
}
