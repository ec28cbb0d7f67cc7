/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir_put.c - messages into the backup.
 *
 * A file holds the wire form, with CRLF line ends, as it was hashed and as
 * servers deliver it: the octets can be proven against the store years
 * later without knowing how to undo anything. The name says so (S= equals
 * W=), and Dovecot, Courier and mutt read such files.
 *
 * Order: write all files of a group into tmp/, let the disk begin, fsync
 * each, rename each into cur/, fsync cur/ once. A name never appears before
 * its octets are safe, and says which row and which octets it holds, so a
 * second attempt at the same message meets the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/keywords.h"
#include "util/buf.h"
#include "util/step.h"
#include "writer/maildir_writer.h"
#include "writer/words.h"

#define GROUP 64 /* files open at once */
#define CHUNK (64u << 10)

static char *name_of(const struct message *m)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(255);
	long long sec = m->date.known && m->date.sec > 0 ? m->date.sec : 0;
	unsigned long long size = m->body.size;

	if (buf_fmt(&b, "%lld.M%lldQ", sec, (long long)m->row))
		return NULL;
	for (int i = 0; i < 8; i++)
		if (buf_fmt(&b, "%02x", m->sha256[i]))
			return NULL;
	if (buf_fmt(&b, ".mailhaul,S=%llu,W=%llu", size, size))
		return NULL;
	return buf_take(&b);
}

int maildir_prepare(struct writer *w, const struct folder *f, struct batch *b,
                    struct err *e)
{
	if (maildir_enter(w, f->raw, e) || maildir_keywords_load(w, e))
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		struct buf lost CLEANUP(buf_release_p) = BUF_INIT(0);
		struct message *m = &b->v[i];

		free(m->set_keywords);
		if (maildir_keywords_plan(w, m->keywords, &m->set_keywords,
		                          &lost, e) ||
		    words_note(m, &lost, "in a Maildir, which has room for 26",
		               e))
			return -1;
		m->set_flags = m->flags & MAIL_FLAGS_KEPT;
		free(m->dest_name);
		m->dest_name = name_of(m);
		if (!m->dest_name)
			return err_memory(e);
	}
	return 0;
}

/* "BASE:2,letters"; others: letters of this name that are not ours. */
static char *full_name(const char *base, unsigned flags, uint32_t keywords,
                       const char *others)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(4096);

	if (buf_str(&b, base) || buf_str(&b, ":2,"))
		return NULL;
	for (int c = 'A'; c <= 'z'; c++) {
		bool on = (c == 'D' && flags & MAIL_DRAFT) ||
		          (c == 'F' && flags & MAIL_FLAGGED) ||
		          (c == 'R' && flags & MAIL_ANSWERED) ||
		          (c == 'S' && flags & MAIL_SEEN) ||
		          (c >= 'a' && keywords >> (c - 'a') & 1) ||
		          strchr(others, c);

		if (on && buf_chr(&b, (char)c))
			return NULL;
	}
	return buf_take(&b);
}

static char *path_in(const char *dir, const char *name)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(4096);

	if (buf_str(&b, dir) || buf_chr(&b, '/') || buf_str(&b, name))
		return NULL;
	return buf_take(&b);
}

/* A stale one was left by a run that was killed: nobody else writes names
 * like ours. */
static int open_tmp(int dir, const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir, path, flags, 0600);

	if (fd < 0 && errno == EEXIST && unlinkat(dir, path, 0) == 0)
		fd = openat(dir, path, flags, 0600);
	return fd;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static int write_body(struct writer *w, int fd, const struct message *m,
                      struct err *e)
{
	char chunk[CHUNK];
	uint64_t at = 0;

	if (m->body.mem) {
		if (write_all(fd, m->body.mem, (size_t)m->body.size) == 0)
			return 0;
		return maildir_dest_error(w, e, ERR_RUN, m->dest_name, errno);
	}
	while (at < m->body.size) {
		ssize_t n = body_read(&m->body, at, chunk, sizeof(chunk), e);

		if (n < 0)
			return -1;
		if (write_all(fd, chunk, (size_t)n))
			return maildir_dest_error(w, e, ERR_RUN, m->dest_name,
			                          errno);
		at += (uint64_t)n;
	}
	return 0;
}

struct group {
	struct message *m[GROUP];
	int fd[GROUP];
	size_t n;
};

static int write_one(struct writer *w, struct group *g, struct message *m,
                     struct err *e)
{
	char *path CLEANUP(free_p) = path_in("tmp", m->dest_name);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		                     { .tv_sec = m->date.sec } };
	int fd;

	if (!path)
		return err_memory(e);
	fd = open_tmp(w->fd, path);
	if (fd < 0)
		return maildir_dest_error(w, e, ERR_RUN, path, errno);
	g->m[g->n] = m;
	g->fd[g->n++] = fd;
	if (write_body(w, fd, m, e))
		return -1;
	if (m->date.known)
		futimens(fd, times);
	/* All files of the group are on their way while the first is waited
	 * for. */
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	body_release(&m->body);
	return 0;
}

static int sync_group(struct writer *w, struct group *g, struct err *e)
{
	for (size_t i = 0; i < g->n; i++) {
		if (fsync(g->fd[i]))
			return maildir_dest_error(w, e, ERR_RUN,
			                          g->m[i]->dest_name, errno);
		close_p(&g->fd[i]);
		step("file");
	}
	return 0;
}

static int move_one(struct writer *w, const struct message *m, struct err *e)
{
	char *from CLEANUP(free_p) = path_in("tmp", m->dest_name);
	uint32_t bits = maildir_keyword_bits(&w->at->keywords, m->set_keywords);
	char *name CLEANUP(free_p) =
	        full_name(m->dest_name, m->set_flags, bits, "");
	char *to CLEANUP(free_p) = name ? path_in("cur", name) : NULL;

	if (!from || !to)
		return err_memory(e);
	if (renameat(w->fd, from, w->fd, to))
		return maildir_dest_error(w, e, ERR_RUN, m->dest_name, errno);
	step("rename");
	if (maildir_index_put(&w->at->index, MAILDIR_CUR, name))
		return err_memory(e);
	return 0;
}

/* What is left in tmp/ after a failure is of no use to anybody. */
static void drop_group(struct writer *w, struct group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		char *path CLEANUP(free_p) = path_in("tmp", g->m[i]->dest_name);

		close_p(&g->fd[i]);
		if (path)
			unlinkat(w->fd, path, 0);
	}
	g->n = 0;
}

static int finish_group(struct writer *w, struct group *g, struct err *e)
{
	if (sync_group(w, g, e)) {
		drop_group(w, g);
		return -1;
	}
	for (size_t i = 0; i < g->n; i++)
		if (move_one(w, g->m[i], e)) {
			drop_group(w, g);
			return -1;
		}
	g->n = 0;
	return 0;
}

/* Already in the folder: made by an attempt whose end nobody saw. */
static bool is_there(struct writer *w, const struct message *m)
{
	char *path CLEANUP(free_p) =
	        maildir_index_path(&w->at->index, m->dest_name);
	struct stat st;

	return path && fstatat(w->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int put_all(struct writer *w, struct batch *b, struct err *e)
{
	struct group g = { .n = 0 };

	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];

		m->dest_uidvalidity = 1;
		m->dest_uid = 0;
		if (is_there(w, m)) {
			body_release(&m->body);
			continue;
		}
		if (write_one(w, &g, m, e)) {
			drop_group(w, &g);
			return -1;
		}
		if (g.n == GROUP && finish_group(w, &g, e))
			return -1;
	}
	return finish_group(w, &g, e);
}

static int sync_sub(struct writer *w, const char *sub, struct err *e)
{
	int fd CLEANUP(close_p) =
	        openat(w->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return maildir_dest_error(w, e, ERR_RUN, sub, errno);
	return 0;
}

static int keep_done(struct writer *w, struct batch *b, struct err *e)
{
	if (w->done_n == w->done_cap) {
		size_t cap = w->done_cap ? w->done_cap * 2 : 8;
		struct maildir_done *v = realloc(w->done, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		w->done = v;
		w->done_cap = cap;
	}
	w->done[w->done_n++].b = b;
	return 0;
}

int maildir_submit(struct writer *w, const struct folder *f, struct batch *b,
                   struct err *e)
{
	if (maildir_enter_indexed(w, f->raw, e) ||
	    maildir_keywords_load(w, e) || maildir_keywords_save(w, e))
		return -1;
	if (put_all(w, b, e) || sync_sub(w, "cur", e))
		return -1;
	return keep_done(w, b, e);
}

/* Letters that say what we have no name for: kept as they are. */
static void foreign(const char *letters, const struct maildir_keywords *k,
                    char out[64])
{
	size_t n = 0;

	for (; *letters && *letters != ',' && n < 63; letters++) {
		bool keyword = *letters >= 'a' && *letters <= 'z';

		if (keyword ? !k->v[*letters - 'a'] : !strchr("DFRS", *letters))
			out[n++] = *letters;
	}
	out[n] = '\0';
}

static int change(struct writer *w, struct message *m, const char *keywords,
                  const char *path, struct err *e)
{
	const char *letters = maildir_letters(path);
	uint32_t bits = maildir_keyword_bits(&w->at->keywords, keywords);
	char others[64];
	char *name CLEANUP(free_p) = NULL, *to CLEANUP(free_p) = NULL;

	foreign(letters, &w->at->keywords, others);
	name = full_name(m->dest_name, m->flags, bits, others);
	to = name ? path_in("cur", name) : NULL;
	if (!to)
		return err_memory(e);
	if (strcmp(path, to) == 0)
		return 0;
	if (renameat(w->fd, path, w->fd, to))
		return errno == ENOENT ? 1
		                       : maildir_dest_error(w, e, ERR_FOLDER,
		                                            to, errno);
	step("rename");
	if (maildir_index_put(&w->at->index, MAILDIR_CUR, name))
		return err_memory(e);
	return 0;
}

static int finish_one(struct writer *w, struct message *m, struct err *e)
{
	char *path CLEANUP(free_p) = NULL;
	char *there CLEANUP(free_p) = NULL, *kept CLEANUP(free_p) = NULL;
	unsigned flags;
	int r;

	if (!m->dest_name || maildir_locate(w, m->dest_name, &path, e))
		return m->dest_name ? -1 : 0;
	if (!path) {
		m->state = MSG_GONE_DEST;
		return 0;
	}
	flags = maildir_flags(maildir_letters(path)) & MAIL_FLAGS_KEPT;
	if (maildir_keywords_of(&w->at->keywords, maildir_letters(path),
	                        &there) ||
	    maildir_keywords_plan(w, m->keywords, &kept, NULL, e))
		return err_memory(e);
	/* Equal to what is wanted: an earlier attempt got so far. */
	if ((flags != m->set_flags ||
	     !keywords_equal(there, m->set_keywords)) &&
	    (flags != (m->flags & MAIL_FLAGS_KEPT) ||
	     !keywords_equal(there, kept))) {
		m->tries = 1;
		return 0;
	}
	r = maildir_keywords_save(w, e) ? -1 : change(w, m, kept, path, e);
	if (r) {
		m->tries = 1;
		return r < 0 ? -1 : 0;
	}
	free(m->set_keywords);
	m->set_keywords = kept;
	kept = NULL;
	m->set_flags = m->flags & MAIL_FLAGS_KEPT;
	return 0;
}

int maildir_finish(struct writer *w, const struct folder *f, struct batch *b,
                   struct err *e)
{
	if (maildir_enter_indexed(w, f->raw, e) || maildir_keywords_load(w, e))
		return -1;
	w->rescanned = false;
	for (size_t i = 0; i < b->n; i++)
		if (finish_one(w, &b->v[i], e))
			return -1;
	return sync_sub(w, "cur", e);
}
