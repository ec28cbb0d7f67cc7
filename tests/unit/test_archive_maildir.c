/* SPDX-License-Identifier: Apache-2.0 */
/* test_archive_maildir.c - Maildirs: names, listing, octets, packed ones. */
#include "archive_sink.h"

#include <sys/time.h>

#include "archive/input.h"
#include "archive/tree.h"
#include "mailhaul/maildir.h"

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

static void walk_it(const char *dir, struct kept *k)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	assert_int_equal(tree_walk(fd, "dir", WANT_MAILDIR, &k->sink), 0);
	close(fd);
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

static void set_time(const char *dir, const char *name, int64_t sec)
{
	char *path = in_dir(dir, name);
	struct timeval tv[2] = { { .tv_sec = sec }, { .tv_sec = sec } };

	assert_int_equal(utimes(path, tv), 0);
	free(path);
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

static void messages_as_they_are(void **state)
{
	const char *dir = *state;
	char *link = in_dir(dir, "cur/400.M1.h");
	struct kept_item *i;
	struct kept k;

	fill(dir);
	assert_int_equal(symlink("100.M2.h:2,FRSba", link), 0);
	write_text(dir, "tmp/500.M1.h", "half");
	kept_init(&k);
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 5);
	/* Newest first, by the names' times. */
	assert_string_equal(k.items[0].key, "300.M1.h,S=6,W=6");
	assert_string_equal(k.items[4].key, "noname");
	i = kept_key(&k, "100.M2.h");
	assert_int_equal(i->it.flags, MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED);
	assert_string_equal(i->keywords, "$Forwarded Zeta");
	assert_true(i->it.date.known && i->it.date.sec == 1000);
	assert_string_equal(kept_text(i), "A: 1\n\nx\n");
	assert_false(i->it.wire);
	assert_int_equal(i->it.uid, item_uid("100.M2.h"));
	assert_int_equal(kept_key(&k, "100.M1.h,W=99")->it.size, 99);
	assert_int_equal(kept_key(&k, "noname")->it.flags,
	                 MAIL_DRAFT | MAIL_DELETED);
	/* Wire form already, so a bare LF would be the message's own. */
	assert_true(kept_key(&k, "300.M1.h,S=6,W=6")->it.wire);
	assert_int_equal(kept_key(&k, "200.M1.h")->it.flags, 0);
	assert_string_equal(kept_what(&k, "cur/.hidden"), "not mail");
	assert_string_equal(kept_what(&k, "cur/400.M1.h"), "a link");
	assert_non_null(kept_what(&k, "tmp/500.M1.h"));
	assert_int_equal(k.others_n, 3);
	kept_release(&k);
	free(link);
}

static void only_what_is_wanted(void **state)
{
	const char *dir = *state;
	uint64_t want = item_uid("100.M2.h");
	struct kept k;

	fill(dir);
	kept_init(&k);
	k.want.only_want = true;
	k.want.want = &want;
	k.want.want_n = 1;
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 1);
	assert_string_equal(k.items[0].key, "100.M2.h");
	kept_release(&k);

	kept_init(&k);
	k.want.omit = true;
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 0);
	assert_int_equal(k.folders_n, 1);
	kept_release(&k);

	kept_init(&k);
	k.poison_raw = ".";
	k.poison = want;
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 4);
	assert_null(kept_key(&k, "100.M2.h"));
	kept_release(&k);
}

/* Somebody reads a message, or deletes it, while the folder is walked. */
struct meddling {
	const char *dir;
	bool done;
};
static struct meddling meddling;

static int meddle(struct sink *s, const struct item *it)
{
	if (!meddling.done) {
		char *from = in_dir(meddling.dir, "new/200.M1.h");
		char *to = in_dir(meddling.dir, "cur/200.M1.h:2,S");
		char *gone = in_dir(meddling.dir, "cur/noname:2,DT");

		assert_int_equal(rename(from, to), 0);
		assert_int_equal(unlink(gone), 0);
		meddling.done = true;
		free(from);
		free(to);
		free(gone);
	}
	return kept_begin(s, it);
}

static void renamed_is_found_vanished_is_not_there(void **state)
{
	for (int bodies = 0; bodies < 2; bodies++) {
		char *dir = in_dir(*state, bodies ? "a" : "b");
		struct kept k;

		assert_int_equal(mkdir(dir, 0700), 0);
		fill(dir);
		meddling = (struct meddling){ .dir = dir };
		kept_init(&k);
		k.sink.begin = meddle;
		k.sink.bodies = bodies;
		walk_it(dir, &k);
		assert_int_equal(k.items_n, 4);
		assert_null(kept_key(&k, "noname"));
		assert_null(kept_key(&k, "200.M1.h")->hole);
		if (bodies)
			assert_string_equal(kept_text(kept_key(&k, "200.M1.h")),
			                    "A: 3\n\nx\n");
		kept_release(&k);
		free(dir);
	}
}

/* What only the server can open must not go out as if it were mail. */
static void sealed_and_empty_are_holes(void **state)
{
	const char *dir = *state;
	struct kept k;

	make_maildir(dir, "");
	write_file(dir, "cur/1.M1.h:2,S", "\x1f\x8b\x08\0\0\0\0\0\0\3ab", 12);
	write_text(dir, "cur/2.M1.h:2,S", "CRYPTED\3\7abcdef");
	write_text(dir, "cur/3.M1.h:2,S", "");
	write_text(dir, "cur/4.M1.h:2,S", "A: b\n\n");
	write_text(dir, "cur/5.M1.h:2,S", "Dovecot-LZ4\r\2\n....");
	kept_init(&k);
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 5);
	assert_non_null(strstr(kept_key(&k, "5.M1.h")->hole, "compressed"));
	assert_non_null(strstr(kept_key(&k, "1.M1.h")->hole, "compressed"));
	assert_non_null(strstr(kept_key(&k, "2.M1.h")->hole, "encrypted"));
	assert_non_null(strstr(kept_key(&k, "3.M1.h")->hole, "empty"));
	assert_null(kept_key(&k, "4.M1.h")->hole);
	kept_release(&k);
}

static void state_shows_changes(void **state)
{
	const char *dir = *state;
	uint64_t first;
	struct kept k;

	fill(dir);
	for (int i = 0; i < 3; i++) {
		static const char *const parts[] = { "cur", "new",
			                             "dovecot-keywords" };

		set_time(dir, parts[i], 5000);
	}
	kept_init(&k);
	walk_it(dir, &k);
	first = k.folders[0].state;
	assert_int_not_equal(first, 0);
	kept_release(&k);
	kept_init(&k);
	walk_it(dir, &k);
	assert_int_equal(k.folders[0].state, first);
	kept_release(&k);
	set_time(dir, "new", 5001);
	kept_init(&k);
	walk_it(dir, &k);
	assert_int_not_equal(k.folders[0].state, first);
	kept_release(&k);
	/* In the second of a change another one would not show. */
	write_text(dir, "new/900.M1.h", "A: b\n\n");
	kept_init(&k);
	walk_it(dir, &k);
	assert_int_equal(k.folders[0].state, 0);
	kept_release(&k);
}

static void give(struct kept *k, struct tree_notes *notes, const char *raw,
                 const char *text, int64_t mtime)
{
	char *path = tree_folder_path(raw);
	struct where at = {
		.raw = raw, .path = path, .nested = 1, .notes = notes
	};
	struct in_memory m;

	input_memory(&m, text, strlen(text));
	m.in.mtime = mtime;
	assert_int_equal(tree_file(&m.in, &at, WANT_ANY, &k->sink), 0);
	free(path);
}

/* Entries of a zip or tar come with their paths only. */
static void packed(void **state)
{
	struct tree_notes notes = { 0 };
	struct kept_item *i;
	struct kept k;

	kept_init(&k);
	give(&k, &notes, "Maildir/.W.A&APY-/dovecot-keywords", "0 Odd\n", 0);
	give(&k, &notes, "Maildir/.W.A&APY-/cur/12.M1.h:2,Sa", "A: 1\n\n", 77);
	give(&k, &notes, "Maildir/cur/12.M1.h;2,F", "A: 2\n\n", 0);
	give(&k, &notes, "new/13.M1.h", "no header", 5);
	give(&k, &notes, "cur/note.txt", "no header", 5);
	give(&k, &notes, "Maildir/tmp/13.M1.h", "A: 2\n\n", 0);
	assert_int_equal(k.items_n, 3);
	i = &k.items[0];
	assert_string_equal(i->folder, "Maildir/.W.A&APY-");
	assert_non_null(kept_at(&k, "Maildir/W/A\xc3\xb6"));
	assert_string_equal(i->keywords, "Odd");
	assert_true(i->it.flags == MAIL_SEEN && i->it.date.sec == 77);
	assert_string_equal(kept_text(i), "A: 1\n\n");
	assert_int_equal(k.items[1].it.flags, MAIL_FLAGGED);
	assert_false(k.items[1].it.date.known);
	assert_null(k.items[1].keywords);
	assert_string_equal(k.items[2].folder, ".");
	assert_int_equal(kept_at(&k, "INBOX")->use, USE_INBOX);
	assert_non_null(kept_what(&k, "cur/note.txt"));
	assert_non_null(kept_what(&k, "Maildir/tmp/13.M1.h"));
	assert_int_equal(k.others_n, 2);
	kept_release(&k);
	tree_notes_release(&notes);
}

/* One message against its file; the names end in these and no others. */
static void check_real(const char *root, const struct kept_item *i)
{
	static const char *const names[] = { "new/%s", "cur/%s:2,",
		                             "cur/%s:2,S", "cur/%s:2,FRS",
		                             "cur/%s:2,DSTa" };
	struct buf b = BUF_INIT(0);
	struct stat st;
	size_t n = 0, found = 0;
	char *text;

	for (size_t l = 0; l < 5; l++) {
		const char *slash = strchr(names[l], '%');

		buf_clear(&b);
		assert_int_equal(buf_fmt(&b, "%s/%s/%.*s%s%s", root, i->folder,
		                         (int)(slash - names[l]), names[l],
		                         i->key, slash + 2),
		                 0);
		if (stat(b.p, &st))
			continue;
		found++;
		text = read_file(b.p, &n);
		assert_int_equal(n, i->octets.n);
		assert_memory_equal(text, i->octets.p, n);
		assert_int_equal(i->it.date.sec, st.st_mtime);
		assert_int_equal(i->it.flags,
		                 maildir_flags(maildir_letters(b.p)));
		if (l == 4 && strcmp(i->folder, ".") != 0)
			assert_string_equal(i->keywords, "$Forwarded");
		else
			assert_null(i->keywords);
		free(text);
	}
	assert_int_equal(found, 1);
	buf_release(&b);
}

static void real_maildir(void **state)
{
	char *dir = shared("maildir");
	struct kept k;

	if (!dir)
		skip();
	kept_init(&k);
	walk_it(dir, &k);
	assert_int_equal(k.folders_n, 2);
	assert_int_equal(k.items_n, 200);
	assert_int_equal(k.others_n, 0);
	for (size_t i = 0; i < k.items_n; i++)
		check_real(dir, &k.items[i]);
	kept_release(&k);
	free(dir);
}

#define WITH_DIR(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tell),
		cmocka_unit_test(index_finds_what_it_was_told),
		WITH_DIR(messages_as_they_are),
		WITH_DIR(only_what_is_wanted),
		WITH_DIR(renamed_is_found_vanished_is_not_there),
		WITH_DIR(sealed_and_empty_are_holes),
		WITH_DIR(state_shows_changes),
		cmocka_unit_test(packed),
		cmocka_unit_test(real_maildir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
