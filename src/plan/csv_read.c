/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_read.c - the file of a fleet: who may read it, how large it is, in
 * which encoding it was saved.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/csv.h"
#include "util/buf.h"
#include "util/utf8.h"

#define HOW_TO_SAVE                                                        \
	"In Excel choose \"CSV UTF-8 (comma delimited)\" when saving, in " \
	"LibreOffice the character set \"Unicode (UTF-8)\"."

/* The text may hold passwords: it is wiped wherever it is given up. */
struct text {
	char *p;
	size_t n, cap;
};

static void text_release(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, t->cap);
	free(t->p);
	memset(t, 0, sizeof(*t));
}

static int text_grow(struct text *t)
{
	size_t cap = t->cap ? t->cap * 2 : 65536;
	char *p = malloc(cap);

	if (!p)
		return -1;
	if (t->n)
		memcpy(p, t->p, t->n);
	size_t n = t->n;
	text_release(t);
	*t = (struct text){ p, n, cap };
	return 0;
}

enum read_result { READ_OK, READ_LARGE, READ_FAILED, READ_MEMORY };

static enum read_result text_read(struct text *t, int fd)
{
	for (;;) {
		if (t->n + 1 >= t->cap && text_grow(t))
			return READ_MEMORY;
		ssize_t got = read(fd, t->p + t->n, t->cap - t->n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return READ_FAILED;
		if (got == 0)
			break;
		t->n += (size_t)got;
		if (t->n > CSV_SIZE_MAX)
			return READ_LARGE;
	}
	t->p[t->n] = '\0';
	return READ_OK;
}

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static bool is_utf16(const struct text *t)
{
	if (t->n < 2)
		return false;
	return !memcmp(t->p, "\xff\xfe", 2) || !memcmp(t->p, "\xfe\xff", 2) ||
	       (!t->p[0] && t->p[1]) || (t->p[0] && !t->p[1]);
}

static bool check_encoding(struct csv *out, const struct text *t)
{
	size_t good;

	if (is_utf16(t)) {
		csv_mistake(out, 0,
		            "The file is saved as UTF-16 (\"Unicode text\"), "
		            "and must be UTF-8. " HOW_TO_SAVE);
		return false;
	}
	good = utf8_good(t->p);
	if (good == t->n)
		return true;
	if (!t->p[good])
		csv_mistake(out, line_of(t->p, good),
		            "There is a NUL octet in this line: the file is "
		            "damaged or no text at all.");
	else
		csv_mistake(out, line_of(t->p, good),
		            "There are letters in this line that are not "
		            "UTF-8: the file is probably saved as Latin-1 or "
		            "Windows-1252 (\"ANSI\"). " HOW_TO_SAVE);
	return false;
}

/* Passwords that others can read are not secrets, and ones that can be read
 * only once are of no use in a later run. */
static void check_privacy(struct csv *out, const struct stat *st,
                          const char *path)
{
	if (!S_ISREG(st->st_mode))
		csv_mistake(out, 0,
		            "The CSV holds passwords, and %.200s is not a "
		            "file: each run reads them again. Save it as a "
		            "file that only you can read.",
		            path);
	else if (st->st_uid != geteuid())
		csv_mistake(out, 0,
		            "The CSV holds passwords, and %.200s belongs to "
		            "another user of this machine. Make a copy of "
		            "your own that only you can read.",
		            path);
	else if (st->st_mode & 077)
		csv_mistake(out, 0,
		            "The CSV holds passwords, and other users of this "
		            "machine may read it. Type: chmod 600 %.200s",
		            path);
}

static int unreadable(struct csv *out, const char *path, int number,
                      struct err *e)
{
	csv_mistake(out, 0, "%.200s can't be read: %s.", path,
	            strerror(number));
	err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	         "The CSV %.200s can't be read: %s.", path, strerror(number));
	return -1;
}

static int read_text(struct csv *out, struct text *t, int fd, const char *path,
                     struct err *e)
{
	switch (text_read(t, fd)) {
	case READ_MEMORY:
		return err_memory(e);
	case READ_FAILED:
		return unreadable(out, path, errno, e);
	case READ_LARGE:
		csv_mistake(out, 0,
		            "The file is larger than %zu MB, which is more "
		            "than mailhaul reads as a CSV.",
		            CSV_SIZE_MAX >> 20);
		return 0;
	case READ_OK:
		break;
	}
	return 0;
}

static int check(struct csv *out, struct text *t, const struct stat *st,
                 const char *path, const char *const templates[2],
                 struct err *e)
{
	CLEANUP(free_p) char *full = realpath(path, NULL);
	bool passwords = false;

	if (out->mistakes_n || !check_encoding(out, t))
		return 0;
	if (csv_check_text(out, t->p, t->n, full ? full : path, templates[0],
	                   templates[1], &passwords))
		return err_memory(e);
	if (passwords)
		check_privacy(out, st, path);
	return 0;
}

static int tell(struct csv *out, const char *path, struct err *e)
{
	if (!out->mistakes_n)
		return 0;
	csv_sort(out);
	return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	                "%.200s has %zu %s, listed with %s. Nothing was added: "
	                "put it right and try again.",
	                path, out->mistakes_n,
	                out->mistakes_n == 1 ? "mistake" : "mistakes",
	                out->mistakes_n == 1 ? "its line" : "their lines");
}

int csv_read(struct csv *out, const char *path, const char *from_template,
             const char *to_template, struct err *e)
{
	const char *const templates[2] = { from_template, to_template };
	CLEANUP(text_release) struct text t = { 0 };
	CLEANUP(close_p) int fd = -1;
	struct stat st;

	if (csv_init(out))
		return err_memory(e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return unreadable(out, path, errno, e);
	if (S_ISDIR(st.st_mode))
		return unreadable(out, path, EISDIR, e);
	if (read_text(out, &t, fd, path, e) ||
	    check(out, &t, &st, path, templates, e))
		return -1;
	return tell(out, path, e);
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void csv_release(struct csv *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct csv_row *row = &c->rows[i];

		free(row->name);
		free(row->from);
		free(row->to);
		wipe(&row->from_password);
		wipe(&row->to_password);
		options_release(&row->options);
	}
	free(c->rows);
	for (size_t i = 0; i < c->mistakes_n; i++)
		free(c->mistakes[i].text);
	free(c->mistakes);
	memset(c, 0, sizeof(*c));
}
