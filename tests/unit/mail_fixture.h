/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_fixture.h - temporary directories, files, messages and folders for
 * tests of what reads and writes local mail.
 */
#ifndef MAILHAUL_TEST_MAIL_FIXTURE_H
#define MAILHAUL_TEST_MAIL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "mailhaul/reader.h"
#include "mime/intake.h"
#include "util/buf.h"

static inline int fixture_drop(const char *path, const struct stat *st,
                               int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int fixture_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	if (asprintf(&dir, "%s/mailhaul-test-XXXXXX",
	             tmp && *tmp ? tmp : "/tmp") < 0 ||
	    !mkdtemp(dir))
		return -1;
	*state = dir;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	nftw(*state, fixture_drop, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

/* asprintf() that never fails. */
#define print_to(...) assert_true(asprintf(__VA_ARGS__) >= 0)

/* DIR/NAME; freed by the caller. */
static inline char *in_dir(const char *dir, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

static inline void make_dir(const char *dir, const char *name)
{
	char *path = in_dir(dir, name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static inline void write_file(const char *dir, const char *name, const char *p,
                              size_t n)
{
	char *path = in_dir(dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static inline void write_text(const char *dir, const char *name,
                              const char *text)
{
	write_file(dir, name, text, strlen(text));
}

/* The whole file, NUL-terminated; NULL: not there. */
static inline char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF_INIT(0);
	char p[4096];
	size_t r;

	*n = 0;
	if (!f)
		return NULL;
	while ((r = fread(p, 1, sizeof(p), f)) > 0)
		assert_int_equal(buf_add(&b, p, r), 0);
	fclose(f);
	*n = b.n;
	return buf_take(&b);
}

/* PATH of the real samples, by MAILHAUL_SHARED, else beside the project;
 * NULL, with a message, where they are not. */
static inline char *shared(const char *name)
{
	const char *root = getenv("MAILHAUL_SHARED");
	int here = (int)(strrchr(__FILE__, '/') - __FILE__);
	char *path;

	if (root)
		assert_true(asprintf(&path, "%s/corpora/%s", root, name) > 0);
	else
		assert_true(asprintf(&path, "%.*s/../../../shared/corpora/%s",
		                     here, __FILE__, name) > 0);
	if (access(path, R_OK) == 0)
		return path;
	print_message("no samples at %s: set MAILHAUL_SHARED\n", path);
	free(path);
	return NULL;
}

/* LF, and CRLF, become CRLF. */
static inline char *as_wire(const char *p, size_t n, size_t *out)
{
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			buf_chr(&b, '\r');
		buf_chr(&b, p[i]);
	}
	*out = b.n;
	return buf_take(&b);
}

/* The body in one piece, NUL-terminated. */
static inline char *body_text(const struct body *b)
{
	char *p = malloc((size_t)b->size + 1);
	size_t at = 0;
	struct err e;

	assert_non_null(p);
	while (at < b->size) {
		ssize_t n = body_read(b, at, p + at, (size_t)b->size - at, &e);

		assert_true(n > 0);
		at += (size_t)n;
	}
	p[at] = '\0';
	return p;
}

/* A fetched message with these octets. */
static inline void message_fill(struct message *m, const char *p, size_t n)
{
	struct intake in = { 0 };
	struct err e;

	memset(m, 0, sizeof(*m));
	body_init(&m->body, 1u << 20, NULL);
	assert_int_equal(intake_begin(&in, m, n, false, &e), 0);
	assert_int_equal(intake_data(&in, p, n, &e), 0);
	assert_int_equal(intake_end(&in, &e), 0);
}

/* What a listing told, taken over. */
struct told {
	struct message v[1000];
	size_t n, uids_n;
	uint64_t uids[1000];
	size_t changed;
};

static inline int told_found(struct message *m, void *arg)
{
	struct told *t = arg;

	assert_true(t->n < 1000);
	message_move(&t->v[t->n++], m);
	return 0;
}

static inline int told_changed(struct message *m, void *arg)
{
	((struct told *)arg)->changed++;
	return 0;
}

static inline int told_uids(const uint64_t *uids, size_t n, void *arg)
{
	struct told *t = arg;

	assert_true(n <= 1000);
	memcpy(t->uids, uids, n * sizeof(*uids));
	t->uids_n = n;
	return 0;
}

static inline void told_release(struct told *t)
{
	for (size_t i = 0; i < t->n; i++)
		message_release(&t->v[i]);
	memset(t, 0, sizeof(*t));
}

static inline struct folder *folder_at(struct folder_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].path, path) == 0)
			return &l->v[i];
	return NULL;
}

static inline void list_all(const struct reader_ops *ops, struct reader *r,
                            const struct folder *f, struct told *t,
                            struct window *w)
{
	struct err e = { 0 };

	w->found = told_found;
	w->changed = told_changed;
	w->uids = told_uids;
	w->arg = t;
	if (ops->list(r, f, w, &e))
		fail_msg("list: %s (%s)", e.text, e.detail);
}

/* Fetches what was told; the batch is the caller's. */
static inline struct batch *fetch_all(const struct reader_ops *ops,
                                      struct reader *r, const struct folder *f,
                                      const struct told *t)
{
	struct batch *b = batch_new(), *out = NULL;
	struct err e = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		struct message *m = batch_add(b);

		m->uid = t->v[i].uid;
		m->size = t->v[i].size;
		m->key = t->v[i].key ? strdup(t->v[i].key) : NULL;
	}
	assert_int_equal(ops->ask(r, f, b, &e), 0);
	if (ops->fetch(r, &out, &e))
		fail_msg("fetch: %s (%s)", e.text, e.detail);
	assert_ptr_equal(b, out);
	return b;
}

#endif
