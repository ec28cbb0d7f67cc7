/* SPDX-License-Identifier: Apache-2.0 */
/* test_reader_maildir.c - Maildirs: names, folders, listing, fetching. */
#include "mail_fixture.h"

#include <sys/time.h>

#include "mailhaul/maildir.h"
#include "reader/local.h"

static void make_maildir(const char *dir, const char *name)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	char *path = in_dir(dir, name);

	if (*name)
		assert_int_equal(mkdir(path, 0700), 0);
	for (int i = 0; i < 3; i++)
		make_dir(path, subs[i]);
	free(path);
}

static struct reader *open_at(struct account *a, const char *path)
{
	struct reader *r = NULL;
	struct err e = { 0 };

	*a = (struct account){ .kind = KIND_MAILDIR,
		               .path = (char *)(uintptr_t)path,
		               .body_limit = 1u << 20 };
	if (reader_maildir.open(&r, a, &e))
		fail_msg("open: %s", e.text);
	return r;
}

static void names_tell(void **state)
{
	struct maildir_told t = maildir_told("12.M34P5.host,S=7,W=9:2,S");
	struct maildir_told u = maildir_told("12.M35P5.host");
	struct maildir_told w = maildir_told("13.Q.host,S=8,W=8");

	assert_true(t.have_time && t.size == 7 && t.wire_size == 9);
	assert_false(t.wire);
	assert_true(t.uid < u.uid && u.uid < w.uid);
	assert_true(w.wire);
	assert_false(maildir_told("msg").have_time);
	assert_false(maildir_told("99999999999999999999.x").have_time);
	assert_int_equal(maildir_base("a.b:2,S"), 3);
	assert_int_equal(maildir_base("a.b;2,S"), 3);
	assert_int_equal(maildir_base("a.b"), 3);
	assert_string_equal(maildir_letters("a.b:2,RS"), "RS");
	assert_string_equal(maildir_letters("a.b:1,x"), "");
	assert_int_equal(maildir_flags("DFPRSTa"),
	                 MAIL_DRAFT | MAIL_FLAGGED | MAIL_ANSWERED | MAIL_SEEN |
	                         MAIL_DELETED);
	assert_false(maildir_is_message(".hidden"));
	assert_false(maildir_is_message(":2,S"));
}

static void index_finds_what_it_was_told(void **state)
{
	static const char *const suffixes[] = { "",       ":2,",   ":2,S",
		                                ":2,SR",  ":2,az", ":1,x",
		                                ":2,FSa", ";2,S",  ":2,SS" };
	struct maildir_index idx = { 0 };

	assert_null(maildir_index_path(&idx, "0"));
	for (int i = 0; i < 2000; i++) {
		char name[60];

		snprintf(name, sizeof(name), "%d.host%s", i, suffixes[i % 9]);
		assert_int_equal(
		        maildir_index_put(
		                &idx, i % 2 ? MAILDIR_NEW : MAILDIR_CUR, name),
		        0);
	}
	assert_int_equal(idx.n, 2000);
	assert_int_equal(maildir_index_put(&idx, MAILDIR_CUR, "7.host:2,T"), 0);
	for (int i = 0; i < 2000; i++) {
		char base[40], want[80], *got;

		snprintf(base, sizeof(base), "%d.host", i);
		snprintf(want, sizeof(want), "%s/%d.host%s",
		         i % 2 && i != 7 ? "new" : "cur", i,
		         i == 7 ? ":2,T" : suffixes[i % 9]);
		got = maildir_index_path(&idx, base);
		assert_string_equal(got, want);
		free(got);
	}
	assert_int_equal(idx.n, 2000);
	maildir_index_release(&idx);
}

static void folders_of_all_kinds(void **state)
{
	const char *dir = *state;
	struct folder_list l = { 0 };
	struct account a;
	struct reader *r;
	struct err e;
	char *link = in_dir(dir, ".Link");

	make_maildir(dir, "");
	make_maildir(dir, ".Sent");
	make_maildir(dir, ".Work.Gr&APYA3w-e");
	make_maildir(dir, ".Caf\xc3\xa9");
	make_maildir(dir, ".Bad&name");
	make_dir(dir, ".nothing");
	make_dir(dir, "plain");
	make_maildir(dir, "plain/inner");
	make_maildir(dir, "plain/inner/.Sub");
	assert_int_equal(symlink(dir, link), 0);
	r = open_at(&a, dir);
	assert_int_equal(reader_maildir.folders(r, &l, &e), 0);
	assert_int_equal(l.n, 7);
	assert_string_equal(folder_at(&l, "INBOX")->raw, ".");
	assert_int_equal(folder_at(&l, "INBOX")->use, USE_INBOX);
	assert_int_equal(folder_at(&l, "Work/Gr\xc3\xb6\xc3\x9f"
	                               "e")
	                         ->depth,
	                 2);
	assert_non_null(folder_at(&l, "Caf\xc3\xa9"));
	assert_non_null(folder_at(&l, "Bad&name"));
	assert_non_null(folder_at(&l, "plain/inner"));
	assert_string_equal(folder_at(&l, "plain/inner/Sub")->raw,
	                    "plain/inner/.Sub");
	folder_list_release(&l);
	reader_maildir.close(&r);
	assert_true(maildir_looks_like(dir));
	free(link);
}

static void set_time(const char *dir, const char *name, int64_t sec)
{
	char *path = in_dir(dir, name);
	struct timeval tv[2] = { { .tv_sec = sec }, { .tv_sec = sec } };

	assert_int_equal(utimes(path, tv), 0);
	free(path);
}

static struct message *told_key(struct told *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].key, key) == 0)
			return &t->v[i];
	fail_msg("%s was not listed", key);
	return NULL;
}

static void fill(const char *dir)
{
	make_maildir(dir, "");
	write_text(dir, "dovecot-keywords", "0 $Forwarded\n1 Zeta\nbad\n");
	write_text(dir, "cur/100.M2.h:2,FRSba", "A: 1\n\nx\n");
	write_text(dir, "cur/100.M1.h,W=99:2,", "A: 2\n\nx\n");
	write_text(dir, "new/200.M1.h", "A: 3\n\nx\n");
	write_text(dir, "cur/noname:2,DT", "A: 4\n\nx\n");
	write_text(dir, "cur/300.M1.h,S=6,W=6:2,S", "A: 5\n\n");
	write_text(dir, "cur/.hidden", "x");
	set_time(dir, "cur/100.M2.h:2,FRSba", 1000);
	set_time(dir, "cur/noname:2,DT", 50);
}

static void lists_and_fetches(void **state)
{
	const char *dir = *state;
	struct folder f = { .raw = (char *)(uintptr_t) "." };
	struct window w = { .newest_first = true };
	struct told t = { 0 };
	struct account a;
	struct reader *r;
	struct batch *b;
	struct message *m;
	char *text, *link;

	fill(dir);
	link = in_dir(dir, "cur/400.M1.h");
	assert_int_equal(symlink("100.M2.h:2,FRSba", link), 0);
	r = open_at(&a, dir);
	list_all(&reader_maildir, r, &f, &t, &w);
	assert_int_equal(t.n, 5);
	assert_int_equal(w.now_messages, 5);
	for (size_t i = 1; i < t.n; i++)
		assert_true(t.v[i - 1].uid > t.v[i].uid);
	assert_string_equal(t.v[4].key, "noname");
	assert_int_equal(t.v[4].flags, MAIL_DRAFT | MAIL_DELETED);
	m = told_key(&t, "100.M2.h");
	assert_int_equal(m->flags, MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED);
	assert_string_equal(m->keywords, "$Forwarded Zeta");
	assert_true(m->date.known && m->date.sec == 1000);
	assert_int_equal(told_key(&t, "100.M1.h,W=99")->size, 99);
	b = fetch_all(&reader_maildir, r, &f, &t);
	for (size_t i = 0; i < b->n; i++)
		assert_true(b->v[i].fetched);
	text = body_text(&b->v[1].body);
	assert_string_equal(text, "A: 3\r\n\r\nx\r\n");
	free(text);
	/* Wire form already, so the bare LFs are the message's own. */
	text = body_text(&b->v[0].body);
	assert_string_equal(text, "A: 5\n\n");
	free(text);
	batch_free(&b);
	told_release(&t);
	reader_maildir.close(&r);
	free(link);
}

static void renamed_is_found_vanished_is_a_hole(void **state)
{
	const char *dir = *state;
	struct folder f = { .raw = (char *)(uintptr_t) "." };
	struct window w = { 0 };
	struct told t = { 0 };
	struct account a;
	struct reader *r;
	struct batch *b;
	char *from = in_dir(dir, "new/200.M1.h");
	char *to = in_dir(dir, "cur/200.M1.h:2,S");
	char *gone = in_dir(dir, "cur/noname:2,DT");

	fill(dir);
	r = open_at(&a, dir);
	list_all(&reader_maildir, r, &f, &t, &w);
	b = fetch_all(&reader_maildir, r, &f, &t);
	batch_free(&b);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(unlink(gone), 0);
	b = fetch_all(&reader_maildir, r, &f, &t);
	for (size_t i = 0; i < b->n; i++) {
		bool hole = strcmp(b->v[i].key, "noname") == 0;

		assert_int_equal(b->v[i].hole, hole);
		assert_int_equal(b->v[i].fetched, !hole);
		assert_int_equal(b->v[i].why.code, hole ? EC_HOLE : EC_NONE);
	}
	batch_free(&b);
	told_release(&t);
	reader_maildir.close(&r);
	free(from);
	free(to);
	free(gone);
}

/* Messages of one second must not share a uid. */
static void uids_are_distinct(void **state)
{
	const char *dir = *state;
	struct folder f = { .raw = (char *)(uintptr_t) "." };
	struct window w = { 0 };
	struct told t = { 0 };
	struct account a;
	struct reader *r;

	make_maildir(dir, "");
	for (int i = 0; i < 500; i++) {
		char name[60];

		snprintf(name, sizeof(name), "cur/copy-%d", i);
		write_text(dir, name, "A: b\n\n");
		set_time(dir, name, 7);
	}
	r = open_at(&a, dir);
	list_all(&reader_maildir, r, &f, &t, &w);
	assert_int_equal(t.n, 500);
	for (size_t i = 1; i < t.n; i++)
		assert_true(t.v[i - 1].uid < t.v[i].uid);
	told_release(&t);
	reader_maildir.close(&r);
}

static void real_maildir(void **state)
{
	char *dir = shared("maildir");
	struct folder_list l = { 0 };
	struct account a;
	struct reader *r;
	struct err e;
	size_t n = 0;

	if (!dir)
		skip();
	r = open_at(&a, dir);
	assert_int_equal(reader_maildir.folders(r, &l, &e), 0);
	assert_int_equal(l.n, 2);
	for (size_t i = 0; i < l.n; i++) {
		struct told t = { 0 };
		struct window w = { 0 };
		struct batch *b;

		list_all(&reader_maildir, r, &l.v[i], &t, &w);
		b = fetch_all(&reader_maildir, r, &l.v[i], &t);
		for (size_t k = 0; k < b->n; k++)
			n += b->v[k].fetched;
		batch_free(&b);
		told_release(&t);
	}
	assert_int_equal(n, 200);
	folder_list_release(&l);
	reader_maildir.close(&r);
	free(dir);
}

#define WITH_DIR(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tell),
		cmocka_unit_test(index_finds_what_it_was_told),
		WITH_DIR(folders_of_all_kinds),
		WITH_DIR(lists_and_fetches),
		WITH_DIR(renamed_is_found_vanished_is_a_hole),
		WITH_DIR(uids_are_distinct),
		cmocka_unit_test(real_maildir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
