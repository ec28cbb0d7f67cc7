/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_world.h - for the tests of verify: a source and a destination made
 * of arrays, and a real store file that knows of them.
 */
#ifndef MAILHAUL_TEST_VERIFY_WORLD_H
#define MAILHAUL_TEST_VERIFY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mime/intake.h"
#include "verify/check.h"

/* --- both ends ----------------------------------------------------------- */

#define MOST 1500

struct thing {
	uint32_t uid;
	const char *name; /* instead of a uid, or NULL */
	char text[512];
	size_t len;
	bool shy;       /* comes only when asked for alone */
	bool lost;      /* listed, never handed out */
	uint64_t there; /* told when it is read, or 0 */
	bool poison;    /* a request with it is refused */
};

struct box {
	const char *raw;
	uint32_t uidvalidity;
	struct thing v[MOST];
	size_t n;
	struct err refuse; /* list fails so */
};

static struct end {
	struct box box[3];
	size_t n;
	struct err refuse; /* open fails so */
	unsigned failing;  /* so many calls of list and read fail */
	unsigned opens, whole;
	unsigned traits;
} src, dst;

/* Drivers' handles are opaque: an address is all that they are here. */
static struct reader *const a_reader = (struct reader *)&src;
static struct writer *const a_writer = (struct writer *)&dst;

static inline int opened(struct end *end, struct err *e)
{
	end->opens++;
	if (!end->refuse.code)
		return 0;
	*e = end->refuse;
	return -1;
}

static inline int r_open(struct reader **out, const struct account *a,
                         struct err *e)
{
	*out = a_reader;
	return opened(&src, e);
}

static inline int w_open(struct writer **out, const struct account *a,
                         struct err *e)
{
	*out = a_writer;
	return opened(&dst, e);
}

static inline void r_close(struct reader **r)
{
	*r = NULL;
}

static inline void w_close(struct writer **w)
{
	*w = NULL;
}

static inline unsigned w_traits(struct writer *w)
{
	return dst.traits;
}

static inline int folders(const struct end *end, struct folder_list *out)
{
	for (size_t i = 0; i < end->n; i++) {
		struct folder *f = folder_list_add(out);

		assert_non_null(f);
		f->raw = strdup(end->box[i].raw);
		f->delim = '/';
		assert_int_equal(folder_set_path(f, end->box[i].raw, '/'), 0);
	}
	return 0;
}

static inline int r_folders(struct reader *r, struct folder_list *out,
                            struct err *e)
{
	return folders(&src, out);
}

static inline int w_folders(struct writer *w, struct folder_list *out,
                            struct err *e)
{
	return folders(&dst, out);
}

static inline struct name_rules w_rules(struct writer *w)
{
	return (struct name_rules){ .delim = '/',
		                    .prefix = "",
		                    .forbidden = "" };
}

static inline struct box *box_named(struct end *end, const char *raw)
{
	for (size_t i = 0; i < end->n; i++)
		if (strcmp(end->box[i].raw, raw) == 0)
			return &end->box[i];
	return NULL;
}

static inline int fails(struct end *end, struct err *e)
{
	if (!end->failing)
		return 0;
	end->failing--;
	return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_CONN_LOST,
	               "The connection was lost.", "%s", "");
}

static inline int r_list(struct reader *r, const struct folder *f,
                         struct window *w, struct err *e)
{
	struct box *b = box_named(&src, f->raw);
	uint64_t uids[MOST];

	assert_non_null(b);
	if (fails(&src, e))
		return -1;
	if (b->refuse.code) {
		*e = b->refuse;
		return -1;
	}
	w->now_uidvalidity = b->uidvalidity;
	w->now_messages = b->n;
	for (size_t i = 0; i < b->n; i++)
		uids[i] = b->v[i].uid;
	if (w->uids && w->uids(uids, b->n, w->arg))
		return 0;
	for (size_t i = 0; i < b->n; i++) {
		struct message m = { .uid = b->v[i].uid };
		int stop;

		if (b->v[i].name)
			m.key = strdup(b->v[i].name);
		stop = w->found(&m, w->arg);
		message_release(&m);
		if (stop)
			return 0;
	}
	return 0;
}

static inline int w_list(struct writer *w, struct folder *f, uint32_t since,
                         message_fn *each, void *arg, struct err *e)
{
	struct box *b = box_named(&dst, f->raw);

	if (fails(&dst, e))
		return -1;
	if (!b)
		return err_set(e, ERR_FOLDER, NEXT_GIVE_UP, EC_FOLDER_GONE,
		               "No such folder.", "%s", "");
	f->uidvalidity = b->uidvalidity;
	for (size_t i = 0; i < b->n; i++) {
		struct message m = { .uid = b->v[i].uid, .size = b->v[i].len };
		int stop;

		if (b->v[i].name)
			m.key = strdup(b->v[i].name);
		stop = each(&m, arg);
		message_release(&m);
		if (stop)
			return 0;
	}
	return 0;
}

static inline struct thing *thing_of(struct box *b, const struct message *m)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].name && m->dest_name
		            ? strcmp(b->v[i].name, m->dest_name) == 0
		            : b->v[i].uid == m->dest_uid)
			return &b->v[i];
	return NULL;
}

static inline void take_in(struct message *m, const char *p, size_t n)
{
	struct intake in = { 0 };
	struct err e;

	body_release(&m->body);
	body_init(&m->body, 4096, NULL);
	assert_int_equal(intake_begin(&in, m, n, false, &e), 0);
	assert_int_equal(intake_data(&in, p, n, &e), 0);
	assert_int_equal(intake_end(&in, &e), 0);
	intake_release(&in);
}

static inline int w_read(struct writer *w, const struct folder *f,
                         struct batch *b, bool headers_only, message_fn *each,
                         void *arg, struct err *e)
{
	struct box *box = box_named(&dst, f->raw);

	if (fails(&dst, e))
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		struct thing *t = thing_of(box, &b->v[i]);

		if (t && t->poison)
			return err_set(e, ERR_FOLDER, NEXT_GIVE_UP,
			               EC_SERVER_BAD, "Refused.", "%s", "");
	}
	for (size_t i = 0; i < b->n; i++) {
		struct thing *t = thing_of(box, &b->v[i]);

		if (t && t->shy && b->n > 1)
			continue;
		if (!t || t->lost) {
			b->v[i].hole = true;
			continue;
		}
		take_in(&b->v[i], t->text, t->len);
		b->v[i].dest_size = t->there;
		dst.whole += !headers_only;
		if (headers_only) {
			body_release(&b->v[i].body);
			memset(b->v[i].sha256, 0, 32);
			b->v[i].fp.text = 0;
		}
		each(&b->v[i], arg);
	}
	return 0;
}

static const struct reader_ops test_reader = {
	.name = "test",
	.open = r_open,
	.folders = r_folders,
	.list = r_list,
	.close = r_close,
};
static const struct writer_ops test_writer = {
	.name = "test",
	.open = w_open,
	.traits = w_traits,
	.folders = w_folders,
	.rules = w_rules,
	.list = w_list,
	.read = w_read,
	.close = w_close,
};

/* --- the store and what is in it ----------------------------------------- */

static struct {
	char path[64];
	struct store *s;
	struct mailbox mb;
	struct options options;
	struct job job;
	int64_t from[3], to[3];
	struct verify_sum sum;
	struct err err;
	struct verify_row seen[MOST];
	char words[MOST][600];
	char where[MOST][32];
	size_t seen_n;
	uint64_t misled; /* the source announces so much less */
	atomic_int stop;
} t;

static inline void ok(int rc)
{
	if (rc)
		print_error("%s (%s)\n", t.err.text, t.err.detail);
	assert_int_equal(rc, 0);
}

static inline struct thing *put(struct box *b, uint32_t uid, const char *text)
{
	struct thing *k = &b->v[b->n++];

	assert_true(b->n < MOST);
	k->uid = uid;
	k->len = strlen(text);
	memcpy(k->text, text, k->len);
	return k;
}

static inline const char *mail(int i)
{
	static char text[256];

	snprintf(text, sizeof(text),
	         "Message-ID: <%d@test>\r\nSubject: number %03d\r\n"
	         "From: a@example\r\n\r\nBody of number %03d.\r\n",
	         i, i, i);
	return text;
}

static inline void add_folder(int i, const char *raw)
{
	struct folder f = { .raw = (char *)raw,
		            .delim = '/',
		            .uidvalidity = 70 };
	struct folder g = f;
	bool changed;

	assert_int_equal(folder_set_path(&f, raw, '/'), 0);
	assert_int_equal(folder_set_path(&g, raw, '/'), 0);
	src.box[i] = (struct box){ .raw = raw, .uidvalidity = 7 };
	dst.box[i] = (struct box){ .raw = raw, .uidvalidity = 70 };
	src.n = dst.n = (size_t)i + 1;
	ok(store_dest_folder_put(t.s, t.mb.to_key, &g, &changed, &t.err));
	ok(store_source_folder_put(t.s, t.mb.id, &f, g.id, NULL, &t.err));
	ok(store_source_listed(t.s, f.id, 7, 1000, 0, 0, &t.err));
	t.from[i] = f.id;
	t.to[i] = g.id;
	f.raw = g.raw = NULL;
	folder_release(&f);
	folder_release(&g);
}

/* A row for source uid in folder i, up to state. dest_uid 0: not named. */
static inline int64_t row(int i, uint32_t uid, const char *text,
                          enum msg_state state, uint32_t dest_uid)
{
	struct batch *b = batch_new();
	struct message *m = batch_add(b);
	int64_t id;
	bool clash;

	m->uid = uid;
	m->size = strlen(text) - t.misled;
	m->state = state == MSG_LEFT_OUT ? state : MSG_PENDING;
	if (state == MSG_LEFT_OUT)
		err_set(&m->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_NONE,
		        "larger than --max-size", "%s", "");
	ok(store_messages_add(t.s, t.from[i], 7, m, 1, &t.err));
	id = m->row;
	if (state != MSG_PENDING && state != MSG_LEFT_OUT) {
		take_in(m, text, strlen(text));
		b->mailbox = t.mb.id;
		b->source_folder = t.from[i];
		b->dest_folder = t.to[i];
		ok(store_intend(t.s, b, 70, 1, &t.err));
		m->dest_uid = dest_uid;
		m->dest_uidvalidity = 70;
	}
	if (state == MSG_MOVED || state == MSG_ADOPTED ||
	    state == MSG_UNFINISHED) {
		ok(store_settle(t.s, m, state, t.to[i], &clash, &t.err));
		assert_false(clash);
	} else if (state == MSG_PROBLEM || state == MSG_HOLE) {
		err_set(&m->why, ERR_MESSAGE, NEXT_GIVE_UP, EC_CONTENT,
		        "The destination refused it.", "%s", "");
		ok(store_problem(t.s, m, state, &t.err));
	} else if (state == MSG_IGNORED || state == MSG_GONE_DEST) {
		ok(store_state(t.s, id, state, NULL, &t.err));
	}
	batch_free(&b);
	return id;
}

/* Message i of folder f, moved and at both ends. Its row. */
static inline int64_t moved(int f, int i)
{
	put(&src.box[f], (uint32_t)i, mail(i));
	put(&dst.box[f], (uint32_t)i + 100, mail(i));
	return row(f, (uint32_t)i, mail(i), MSG_MOVED, (uint32_t)i + 100);
}

static inline struct thing *copy(int f, int i)
{
	for (size_t k = 0; k < dst.box[f].n; k++)
		if (dst.box[f].v[k].uid == (uint32_t)i + 100)
			return &dst.box[f].v[k];
	return NULL;
}

static inline void take_away(struct box *b, const struct thing *k)
{
	size_t at = (size_t)(k - b->v);

	memmove(&b->v[at], &b->v[at + 1], (b->n - at - 1) * sizeof(*k));
	b->n--;
}

static inline int set_up(void **state)
{
	memset(&t, 0, sizeof(t));
	memset(&src, 0, sizeof(src));
	memset(&dst, 0, sizeof(dst));
	dst.traits = WRITER_KEEPS_OCTETS;
	snprintf(t.path, sizeof(t.path), "/tmp/mailhaul-verify-XXXXXX");
	assert_non_null(mkdtemp(t.path));
	strcat(t.path, "/store.db");
	ok(store_open(&t.s, t.path, true, &t.err));
	t.mb.name = strdup("anna");
	t.mb.from = strdup("imaps://anna@old.example");
	t.mb.to = strdup("imaps://anna@new.example");
	t.mb.to_key = strdup("imap anna new.example");
	t.mb.options = strdup("{}");
	ok(store_mailbox_add(t.s, &t.mb, 1, &t.err));
	options_init(&t.options);
	t.job.mailbox = &t.mb;
	t.job.options = &t.options;
	t.job.from.kind = t.job.to.kind = KIND_IMAPS;
	add_folder(0, "INBOX");
	add_folder(1, "Work");
	for (int i = 1; i <= 5; i++)
		moved(0, i);
	moved(1, 6);
	return 0;
}

static inline int tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock",
		                            ".lock" };
	char *slash;

	store_close(&t.s);
	mailbox_release(&t.mb);
	options_release(&t.options);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char name[80];

		snprintf(name, sizeof(name), "%s%s", t.path, ends[i]);
		unlink(name);
	}
	slash = strrchr(t.path, '/');
	*slash = '\0';
	rmdir(t.path);
	return 0;
}

static inline void tell(const struct verify_row *r, void *arg)
{
	size_t i = t.seen_n++;

	assert_ptr_equal(arg, &t);
	assert_true(i < MOST);
	t.seen[i] = *r;
	snprintf(t.words[i], sizeof(t.words[i]), "%s", r->text);
	snprintf(t.where[i], sizeof(t.where[i]), "%s",
	         r->folder ? r->folder : "");
}

static inline int verify(bool deep)
{
	static const struct verify_ends ends = { &test_reader, &test_writer,
		                                 0 };

	t.seen_n = 0;
	return verify_with(t.s, &t.job, &ends, deep, &t.stop, tell, &t, &t.sum,
	                   &t.err);
}

static inline void expect(uint64_t not_copied, uint64_t missing,
                          uint64_t altered, uint64_t doubled, uint64_t problems)
{
	assert_int_equal(t.sum.differences[DIFF_NOT_COPIED], not_copied);
	assert_int_equal(t.sum.differences[DIFF_MISSING], missing);
	assert_int_equal(t.sum.differences[DIFF_ALTERED], altered);
	assert_int_equal(t.sum.differences[DIFF_DOUBLED], doubled);
	assert_int_equal(t.sum.differences[DIFF_PROBLEM], problems);
}

static inline void only(bool deep, enum difference what, int64_t id,
                        const char *folder)
{
	ok(verify(deep));
	for (int i = 0; i < DIFF_COUNT; i++)
		assert_int_equal(t.sum.differences[i], i == (int)what);
	assert_int_equal(t.seen_n, 1);
	assert_int_equal(t.seen[0].what, what);
	assert_int_equal(t.seen[0].row, id);
	assert_string_equal(t.where[0], folder);
	assert_true(strlen(t.words[0]) > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
