/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir.c - the writer of a backup: a durable Maildir++. See
 * maildir_put.c for what a file holds and why its name is chosen early.
 */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/fingerprint.h"
#include "util/buf.h"
#include "writer/maildir_writer.h"

#define HEADER_MAX (1u << 20)
#define CHUNK (16u << 10)

int maildir_dest_error(const struct writer *w, struct err *e,
                       enum err_reach reach, const char *what, int errnum)
{
	const char *path = w->a->path;

	if (errnum == ENOMEM)
		return err_memory(e);
	if (errnum == ENOSPC)
		err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_DISK_FULL,
		         "The disk of the backup %.150s is full. Nothing is "
		         "lost: make room on it and run mailhaul again.",
		         path);
	else if (errnum == EDQUOT)
		err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_QUOTA,
		         "This user may not store more on the disk of the "
		         "backup %.150s. Nothing is lost: ask for more quota, "
		         "or make room, and run mailhaul again.",
		         path);
	else if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
		err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_PERMISSION,
		         "This user may not write into the backup %.150s. "
		         "Give it the right to, or name another place.",
		         path);
	else if (errnum == ENAMETOOLONG)
		err_setf(e, ERR_FOLDER, NEXT_GIVE_UP, EC_FOLDER_NAME,
		         "A folder's name is too long for the disk of the "
		         "backup %.150s. Give it a shorter one with --map.",
		         path);
	else if (errnum == ENOENT)
		err_setf(e, ERR_FOLDER, NEXT_RETRY, EC_FOLDER_GONE,
		         "A folder of the backup %.150s was removed while "
		         "mail was written to it. Run mailhaul again to make "
		         "it anew.",
		         path);
	else
		err_setf(e, reach, NEXT_GIVE_UP, EC_ARCHIVE,
		         "The backup %.150s could not be written. Its disk "
		         "may be failing or not connected any more.",
		         path);
	err_detail(e, "%s: %s", what, strerror(errnum));
	return -1;
}

static bool accepts(const struct account *a)
{
	return a->kind == KIND_MAILDIR;
}

/* Makes path and what is missing above it. */
static int make_path(const char *path)
{
	char *copy CLEANUP(free_p) = strdup(path);

	if (!copy)
		return -1;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return mkdir(copy, 0700) && errno != EEXIST ? -1 : 0;
}

static int strange(const struct dirent *d)
{
	static const char *const ours[] = { ".",   "..",  "cur",
		                            "new", "tmp", "lost+found" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(d->d_name, ours[i]) == 0)
			return 0;
	return 1;
}

/* A directory full of other things is a slip of the keyboard. */
static int check_place(const struct writer *w, struct err *e)
{
	struct dirent **v = NULL;
	int n;

	if (faccessat(w->root, "cur", F_OK, 0) == 0)
		return 0;
	n = scandirat(w->root, ".", &v, strange, NULL);
	for (int i = 0; i < n; i++)
		free(v[i]);
	free(v);
	if (n <= 0)
		return n ? maildir_dest_error(w, e, ERR_ACCOUNT, "scan", errno)
		         : 0;
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "The folder %.200s is not empty and is not a Maildir. "
	                "Name a new or an empty folder for the backup.",
	                w->a->path);
}

static int open_root(struct writer *w, struct err *e)
{
	static const char *const subs[] = { "tmp", "new", "cur" };

	if (make_path(w->a->path))
		return maildir_dest_error(w, e, ERR_ACCOUNT, "mkdir", errno);
	w->root = open(w->a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->root < 0)
		return maildir_dest_error(w, e, ERR_ACCOUNT, "open", errno);
	if (check_place(w, e))
		return -1;
	for (int i = 0; i < 3; i++)
		if (mkdirat(w->root, subs[i], 0700) && errno != EEXIST)
			return maildir_dest_error(w, e, ERR_ACCOUNT, subs[i],
			                          errno);
	if (fsync(w->root))
		return maildir_dest_error(w, e, ERR_ACCOUNT, "fsync", errno);
	return 0;
}

static void dest_free(struct maildir_dest *d)
{
	maildir_index_release(&d->index);
	maildir_keywords_release(&d->keywords);
	free(d->raw);
	free(d);
}

static void close_writer(struct writer **out)
{
	struct writer *w = *out;

	if (!w)
		return;
	while (w->dests) {
		struct maildir_dest *d = w->dests;

		w->dests = d->next;
		dest_free(d);
	}
	free(w->done);
	close_p(&w->fd);
	close_p(&w->root);
	free(w);
	*out = NULL;
}

static int open_writer(struct writer **out, const struct account *a,
                       struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_memory(e);
	w->a = a;
	w->root = w->fd = -1;
	if (open_root(w, e)) {
		close_writer(&w);
		return -1;
	}
	*out = w;
	return 0;
}

static struct maildir_dest *dest_of(struct writer *w, const char *raw)
{
	struct maildir_dest *d;

	for (d = w->dests; d; d = d->next)
		if (strcmp(d->raw, raw) == 0)
			return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->raw = strdup(raw);
	if (!d->raw) {
		free(d);
		return NULL;
	}
	d->next = w->dests;
	w->dests = d;
	return d;
}

int maildir_enter(struct writer *w, const char *raw, struct err *e)
{
	struct maildir_dest *d = dest_of(w, raw);

	if (!d)
		return err_memory(e);
	if (w->at == d && w->fd >= 0)
		return 0;
	close_p(&w->fd);
	w->at = d;
	w->fd = openat(w->root, raw, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->fd >= 0)
		return 0;
	return maildir_dest_error(w, e, ERR_FOLDER, raw, errno);
}

void maildir_forget(struct writer *w, const char *raw)
{
	struct maildir_dest *d = dest_of(w, raw);

	if (!d)
		return;
	maildir_index_release(&d->index);
	maildir_keywords_release(&d->keywords);
	d->indexed = d->keywords_read = d->keywords_new = false;
	if (w->at == d)
		close_p(&w->fd);
}

int maildir_enter_indexed(struct writer *w, const char *raw, struct err *e)
{
	if (maildir_enter(w, raw, e))
		return -1;
	if (w->at->indexed)
		return 0;
	if (maildir_index_scan(&w->at->index, w->fd))
		return maildir_dest_error(w, e, ERR_FOLDER, raw, errno);
	w->at->indexed = true;
	return 0;
}

int maildir_locate(struct writer *w, const char *base, char **path,
                   struct err *e)
{
	struct stat st;

	for (;;) {
		*path = maildir_index_path(&w->at->index, base);
		if (*path &&
		    fstatat(w->fd, *path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		free(*path);
		*path = NULL;
		if (w->rescanned)
			return 0;
		if (maildir_index_scan(&w->at->index, w->fd))
			return maildir_dest_error(w, e, ERR_FOLDER, w->at->raw,
			                          errno);
		w->rescanned = true;
	}
}

static unsigned traits(struct writer *w)
{
	return WRITER_KEEPS_OCTETS | WRITER_NAMES_FIRST | WRITER_BY_NAME |
	       WRITER_LANES | WRITER_FLAG_CHANGES;
}

/* Other programs' folders within folders are not ours to write to. */
static int folders(struct writer *w, struct folder_list *out, struct err *e)
{
	size_t to = 0;

	if (maildir_tree(w->a->path, out, e))
		return -1;
	for (size_t i = 0; i < out->n; i++) {
		struct folder f = out->v[i];

		if (f.raw[0] != '.' || strchr(f.raw, '/'))
			folder_release(&f);
		else
			out->v[to++] = f;
	}
	out->n = to;
	return 0;
}

static struct name_rules rules(struct writer *w)
{
	return (struct name_rules){ .delim = '.',
		                    .prefix = "",
		                    .forbidden = "/." };
}

static int make(struct writer *w, struct folder *v, size_t n, struct err *why,
                struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		err_clear(&why[i]);
		if (maildir_make(w, &v[i], &why[i]) == 0 ||
		    why[i].reach <= ERR_FOLDER)
			continue;
		*e = why[i];
		return -1;
	}
	return 0;
}

static size_t in_flight(struct writer *w, uint64_t *bytes)
{
	*bytes = 0;
	return w->done_n;
}

static bool ready(struct writer *w)
{
	return w->done_n == 0;
}

/* Nothing here waits for anybody. */
static void wake(struct writer *w)
{
}

static int collect(struct writer *w, bool wait, settled_fn *each, void *arg,
                   struct err *e)
{
	while (w->done_n > 0) {
		struct batch *b = w->done[0].b;
		size_t n = b->n;

		w->done_n--;
		memmove(w->done, w->done + 1, w->done_n * sizeof(*w->done));
		for (size_t i = 0; i < n; i++) {
			struct settled s = { .m = &b->v[i],
				             .outcome = OUT_STORED };

			each(&s, i + 1 == n ? b : NULL, arg);
		}
	}
	return 0;
}

struct listing {
	struct writer *w;
	message_fn *each;
	void *arg;
	struct err *e;
	int r; /* 1: the caller wants no more, -1: failed */
};

/* False: told before, under the name it had then. */
static bool is_new(struct listing *l, enum maildir_sub sub, const char *name)
{
	struct maildir_index *idx = &l->w->at->index;
	size_t had = idx->n;

	if (maildir_index_put(idx, sub, name))
		l->r = err_memory(l->e);
	return idx->n > had;
}

static int list_one(enum maildir_sub sub, const char *name, void *arg)
{
	struct listing *l = arg;
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(4096);
	struct message m = { 0 };
	struct stat st;

	if (!is_new(l, sub, name))
		return l->r;
	/* Renamed meanwhile: the message is there, its time is not known. */
	if (buf_fmt(&path, "%s/%s", maildir_sub_name(sub), name) ||
	    fstatat(l->w->fd, path.p, &st, AT_SYMLINK_NOFOLLOW))
		memset(&st, 0, sizeof(st));
	if (maildir_describe(name, (uint64_t)st.st_size, st.st_mtime,
	                     &l->w->at->keywords, &m))
		l->r = err_memory(l->e);
	else
		l->r = l->each(&m, l->arg) != 0;
	message_release(&m);
	return l->r;
}

static int list(struct writer *w, struct folder *f, uint32_t since,
                message_fn *each, void *arg, struct err *e)
{
	struct listing l = { .w = w, .each = each, .arg = arg, .e = e };
	int r;

	if (maildir_enter(w, f->raw, e))
		return -1;
	maildir_keywords_release(&w->at->keywords);
	w->at->keywords_read = w->at->keywords_new = false;
	if (maildir_keywords_load(w, e))
		return -1;
	maildir_index_release(&w->at->index);
	r = maildir_scan(w->fd, list_one, &l);
	w->at->indexed = r == 0;
	if (r < 0)
		return maildir_dest_error(w, e, ERR_FOLDER, f->raw, errno);
	f->uidvalidity = 1;
	f->uidnext = 1;
	f->messages = w->at->index.n;
	return l.r < 0 ? -1 : 0;
}

/* The header's fingerprint. 0, 1 if the disk fails, or -1. */
static int take_header(int fd, struct message *m, struct err *e)
{
	struct fp_scan *scan CLEANUP(fp_scan_free) = fp_scan_new();
	char p[CHUNK];
	uint64_t n = 0;
	ssize_t r = 0;

	if (!scan)
		return err_memory(e);
	while (n < HEADER_MAX && !fp_scan_in_text(scan)) {
		r = pread(fd, p, sizeof(p), (off_t)n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		if (fp_scan_data(scan, p, (size_t)r))
			return err_memory(e);
		n += (uint64_t)r;
	}
	if (fp_scan_end(scan, &m->fp))
		return err_memory(e);
	m->fp.text = 0;
	memset(m->sha256, 0, sizeof(m->sha256));
	m->fetched = r >= 0;
	return r < 0;
}

static int read_one(struct writer *w, struct message *m, bool headers_only,
                    struct err *e)
{
	const char *base = m->dest_name ? m->dest_name : m->key;
	char *path CLEANUP(free_p) = NULL;
	int fd CLEANUP(close_p) = -1;
	struct stat st;
	int got = 1;

	m->hole = false;
	if (base && maildir_locate(w, base, &path, e))
		return -1;
	if (path)
		fd = openat(w->fd, path,
		            O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		got = headers_only ? take_header(fd, m, e)
		                   : maildir_take(fd, base, w->a, m, e);
		m->dest_size =
		        headers_only ? (uint64_t)st.st_size : m->body.size;
	}
	if (got <= 0)
		return got;
	body_release(&m->body);
	m->hole = true;
	m->fetched = false;
	err_set(&m->why, ERR_MESSAGE, NEXT_RETRY, EC_HOLE,
	        "The message's file is not in the backup any more, or can't "
	        "be read.",
	        "%s", base ? base : "no name");
	return 0;
}

static int read_copies(struct writer *w, const struct folder *f,
                       struct batch *b, bool headers_only, message_fn *each,
                       void *arg, struct err *e)
{
	if (maildir_enter_indexed(w, f->raw, e))
		return -1;
	w->rescanned = false;
	for (size_t i = 0; i < b->n; i++) {
		if (read_one(w, &b->v[i], headers_only, e))
			return -1;
		if (each && each(&b->v[i], arg))
			return 0;
	}
	return 0;
}

const struct writer_ops writer_maildir = {
	.name = "maildir",
	.accepts = accepts,
	.open = open_writer,
	.traits = traits,
	.folders = folders,
	.rules = rules,
	.make = make,
	.prepare = maildir_prepare,
	.submit = maildir_submit,
	.in_flight = in_flight,
	.ready = ready,
	.wake = wake,
	.collect = collect,
	.list = list,
	.read = read_copies,
	.finish = maildir_finish,
	.take_back = NULL,
	.close = close_writer,
};
