/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir_folder.c - folders of the backup, Maildir++: ".Sent.2019" beside
 * the INBOX's cur/, names in modified UTF-7 (RFC 3501 5.1.3), subscriptions
 * and dovecot-keywords as Dovecot keeps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/keywords.h"
#include "mime/mix.h"
#include "util/buf.h"
#include "util/utf7.h"
#include "util/utf8.h"
#include "writer/maildir_writer.h"
#include "writer/words.h"

#define SUBSCRIPTIONS_MAX (16u << 20)

static bool is_inbox(const struct folder *f)
{
	return f->depth == 1 && strcasecmp(f->comp[0], "INBOX") == 0;
}

/* The folder map has made the parts fit; this only makes sure. */
static int add_part(struct buf *b, const char *part)
{
	if (b->n && buf_chr(b, '.'))
		return -1;
	if (*part == '\0')
		return buf_chr(b, '_');
	for (; *part; part++)
		if (buf_chr(b, *part == '.' || *part == '/' ? '_' : *part))
			return -1;
	return 0;
}

static char *encoded(const char *utf8, const char *tail)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	char *s CLEANUP(free_p) = utf8_to_utf7(utf8);

	if (!s || buf_chr(&b, '.') || buf_str(&b, s) || buf_str(&b, tail))
		return NULL;
	return buf_take(&b);
}

/* A file name holds 255 octets: a longer one ends with a hash of all of
 * it, so that it stays another name than its neighbour's. */
static char *shortened(struct buf *name)
{
	char tail[20];
	char *raw = NULL;

	snprintf(tail, sizeof(tail), "~%016llx",
	         (unsigned long long)mix_of(name->p, name->n));
	for (size_t n = NAME_MAX; !raw && n > 8; n -= 8) {
		if (n >= name->n)
			continue;
		name->p[utf8_cut(name->p, n)] = '\0';
		raw = encoded(name->p, tail);
		if (raw && strlen(raw) > NAME_MAX) {
			free(raw);
			raw = NULL;
		}
	}
	return raw;
}

char *maildir_raw(const struct folder *f, struct err *e)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(1u << 20);
	char *raw;

	if (is_inbox(f))
		return strdup(".");
	for (size_t i = 0; i < f->depth; i++)
		if (add_part(&name, f->comp[i]))
			break;
	raw = name.n && utf8_valid(name.p) ? encoded(name.p, "") : NULL;
	if (raw && strlen(raw) > NAME_MAX) {
		free(raw);
		raw = shortened(&name);
	}
	if (!raw)
		err_setf(e, ERR_FOLDER, NEXT_GIVE_UP, EC_FOLDER_NAME,
		         "The folder name %.100s can't be written to a "
		         "Maildir. Give it another name with --map.",
		         f->path ? f->path : "");
	return raw;
}

static int make_dir(struct writer *w, int at, const char *name, struct err *e)
{
	if (mkdirat(at, name, 0700) == 0 || errno == EEXIST)
		return 0;
	return maildir_dest_error(w, e, ERR_FOLDER, name, errno);
}

static char *slurp(int fd, size_t *n)
{
	struct stat st;
	char *p;
	ssize_t r;

	if (fstat(fd, &st) || st.st_size > SUBSCRIPTIONS_MAX)
		return NULL;
	p = malloc((size_t)st.st_size + 1);
	r = p ? pread(fd, p, (size_t)st.st_size, 0) : 0;
	*n = r > 0 ? (size_t)r : 0;
	if (p)
		p[*n] = '\0';
	return p;
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; (p = strstr(p, line)); p += n)
		if ((p == text || p[-1] == '\n') &&
		    (p[n] == '\n' || p[n] == '\0'))
			return true;
	return false;
}

/* One name a line; version 2 of Dovecot's file has tabs for the dots. */
static int add_subscription(int fd, const char *raw)
{
	struct buf line CLEANUP(buf_release_p) = BUF_INIT(4096);
	char *text CLEANUP(free_p) = NULL;
	bool tabs;
	size_t n = 0;

	flock(fd, LOCK_EX);
	text = slurp(fd, &n);
	if (!text || buf_str(&line, raw + 1))
		return -1;
	tabs = strncmp(text, "V\t2", 3) == 0;
	for (size_t i = 0; tabs && i < line.n; i++)
		if (line.p[i] == '.')
			line.p[i] = '\t';
	if (has_line(text, line.p))
		return 0;
	if (buf_chr(&line, '\n'))
		return -1;
	if (n && text[n - 1] != '\n' && write(fd, "\n", 1) != 1)
		return -1;
	if (write(fd, line.p, line.n) != (ssize_t)line.n)
		return -1;
	return fsync(fd);
}

static int subscribe(struct writer *w, const char *raw, struct err *e)
{
	int fd CLEANUP(close_p) = openat(
	        w->root, "subscriptions",
	        O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || add_subscription(fd, raw))
		return maildir_dest_error(w, e, ERR_FOLDER, "subscriptions",
		                          errno);
	return 0;
}

/* maildirfolder comes last: where it is, all of this was done. */
static int complete(struct writer *w, int dir, const char *raw, struct err *e)
{
	int mark CLEANUP(close_p) = -1;

	if (make_dir(w, dir, "tmp", e) || make_dir(w, dir, "new", e) ||
	    make_dir(w, dir, "cur", e))
		return -1;
	if (strcmp(raw, ".") != 0 &&
	    faccessat(dir, "maildirfolder", F_OK, 0) != 0) {
		if (subscribe(w, raw, e))
			return -1;
		mark = openat(dir, "maildirfolder",
		              O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (mark < 0)
			return maildir_dest_error(w, e, ERR_FOLDER, raw, errno);
	}
	if (fsync(dir) || fsync(w->root))
		return maildir_dest_error(w, e, ERR_FOLDER, raw, errno);
	return 0;
}

int maildir_make(struct writer *w, struct folder *f, struct err *e)
{
	char *raw CLEANUP(free_p) = maildir_raw(f, e);
	int dir CLEANUP(close_p) = -1;

	if (!raw)
		return -1;
	if (strcmp(raw, ".") != 0 && make_dir(w, w->root, raw, e))
		return -1;
	dir = openat(w->root, raw, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return maildir_dest_error(w, e, ERR_FOLDER, raw, errno);
	if (complete(w, dir, raw, e))
		return -1;
	/* It may be another one than last time: somebody deleted it. */
	maildir_forget(w, raw);
	if (maildir_enter_indexed(w, raw, e))
		return -1;
	free(f->raw);
	f->raw = raw;
	raw = NULL;
	f->delim = '.';
	f->uidvalidity = 1;
	f->uidnext = 1;
	f->messages = w->at->index.n;
	f->have_status = true;
	f->any_keyword = true;
	return 0;
}

int maildir_keywords_load(struct writer *w, struct err *e)
{
	if (w->at->keywords_read)
		return 0;
	if (maildir_keywords_read(&w->at->keywords, w->fd))
		return err_memory(e);
	w->at->keywords_read = true;
	return 0;
}

static int letter_of(const struct maildir_keywords *k, const char *word,
                     size_t n)
{
	for (int i = 0; i < MAILDIR_KEYWORDS; i++)
		if (k->v[i] && strlen(k->v[i]) == n &&
		    memcmp(k->v[i], word, n) == 0)
			return i;
	return -1;
}

/* 1: it has a letter now, 0: there is none left, -1: memory. */
static int give_letter(struct maildir_keywords *k, const char *word, size_t n)
{
	for (int i = 0; i < MAILDIR_KEYWORDS; i++) {
		if (k->v[i])
			continue;
		k->v[i] = strndup(word, n);
		return k->v[i] ? 1 : -1;
	}
	return 0;
}

int maildir_keywords_plan(struct writer *w, const char *list, char **kept,
                          struct buf *lost, struct err *e)
{
	struct maildir_dest *d = w->at;
	const char *at = list, *word;
	size_t n;

	*kept = NULL;
	while ((word = keywords_next(&at, &n))) {
		char *atom CLEANUP(free_p) = NULL;
		size_t len;
		int has;

		if (words_atom(word, n, &atom, e))
			return -1;
		len = atom ? strlen(atom) : 0;
		has = len && letter_of(&d->keywords, atom, len) >= 0;
		if (!has && len) {
			has = give_letter(&d->keywords, atom, len);
			d->keywords_new |= has > 0;
		}
		if (has < 0 || (has && keywords_add(kept, atom, len,
		                                    MAILDIR_KEYWORDS_MAX)))
			return err_memory(e);
		if (!has && words_lose(lost, word, n, e))
			return -1;
	}
	return 0;
}

uint32_t maildir_keyword_bits(const struct maildir_keywords *k,
                              const char *list)
{
	const char *at = list, *word;
	uint32_t bits = 0;
	size_t n;

	while ((word = keywords_next(&at, &n))) {
		int letter = letter_of(k, word, n);

		if (letter >= 0)
			bits |= 1u << letter;
	}
	return bits;
}

static int write_keywords(int dir, const struct maildir_keywords *k)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	int fd CLEANUP(close_p) =
	        openat(dir, "dovecot-keywords.mailhaul",
	               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	for (int i = 0; i < MAILDIR_KEYWORDS; i++)
		if (k->v[i] && buf_fmt(&b, "%d %s\n", i, k->v[i]))
			return -1;
	if (write(fd, b.p, b.n) != (ssize_t)b.n || fsync(fd))
		return -1;
	return renameat(dir, "dovecot-keywords.mailhaul", dir,
	                "dovecot-keywords");
}

/* Other lanes and programs may have given letters meanwhile: theirs stay,
 * ours move to what is free. */
static int merge(struct maildir_keywords *now,
                 const struct maildir_keywords *ours)
{
	for (int i = 0; i < MAILDIR_KEYWORDS; i++) {
		const char *word = ours->v[i];

		if (word && letter_of(now, word, strlen(word)) < 0 &&
		    give_letter(now, word, strlen(word)) < 0)
			return -1;
	}
	return 0;
}

int maildir_keywords_save(struct writer *w, struct err *e)
{
	struct maildir_keywords now CLEANUP(maildir_keywords_release) = { 0 };
	struct maildir_keywords old;
	int lock CLEANUP(close_p) = -1;

	if (!w->at->keywords_new)
		return 0;
	lock = openat(w->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX))
		return maildir_dest_error(w, e, ERR_FOLDER, w->at->raw, errno);
	if (maildir_keywords_read(&now, w->fd) || merge(&now, &w->at->keywords))
		return err_memory(e);
	if (write_keywords(w->fd, &now))
		return maildir_dest_error(w, e, ERR_FOLDER, "dovecot-keywords",
		                          errno);
	old = w->at->keywords;
	w->at->keywords = now;
	now = old;
	w->at->keywords_new = false;
	return 0;
}
