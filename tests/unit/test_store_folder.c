/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of sources and destinations. */
#include "store_fixture.h"

static void source_round_trip(void **state)
{
	struct fixture *f = *state;
	char raw[] = "INBOX.a/b.\xff", path[] = "a/b/\xff";
	char one[] = "a/b", two[] = "\xff";
	char *comp[] = { one, two };
	struct folder sf = { .raw = raw,
		             .path = path,
		             .comp = comp,
		             .depth = 2,
		             .delim = '.',
		             .use = USE_ARCHIVE,
		             .noselect = true,
		             .shared = true,
		             .uidvalidity = 77,
		             .messages = 9 };
	struct source_folder *v;
	size_t n;

	OK(f, store_source_folder_put(f->s, f->mailbox, &sf, f->dest, "why",
	                              &f->e));
	OK(f, store_source_folders(f->s, f->mailbox, &v, &n, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(v[1].f.id, sf.id);
	assert_string_equal(v[1].f.raw, raw);
	assert_string_equal(v[1].f.path, path);
	assert_int_equal(v[1].f.depth, 2);
	assert_string_equal(v[1].f.comp[0], "a/b");
	assert_string_equal(v[1].f.comp[1], "\xff");
	assert_int_equal(v[1].f.delim, '.');
	assert_int_equal(v[1].f.use, USE_ARCHIVE);
	assert_true(v[1].f.noselect);
	assert_true(v[1].f.shared);
	assert_int_equal(v[1].dest, f->dest);
	assert_string_equal(v[1].left_out, "why");
	assert_false(v[1].listed);
	/* Only a complete listing tells the state. */
	assert_int_equal(v[1].f.uidvalidity, 0);
	source_folders_free(&v, n);
	assert_null(v);
}

static void each_special_use(void **state)
{
	struct fixture *f = *state;
	struct source_folder *v;
	size_t n;

	for (int use = 0; use < USE_COUNT; use++) {
		char raw[16];
		struct folder sf = { .raw = raw, .use = (enum mail_use)use };

		snprintf(raw, sizeof(raw), "use-%d", use);
		OK(f, store_source_folder_put(f->s, f->mailbox, &sf, 0, NULL,
		                              &f->e));
	}
	OK(f, store_source_folders(f->s, f->mailbox, &v, &n, &f->e));
	assert_int_equal(n, USE_COUNT + 1);
	for (int use = 0; use < USE_COUNT; use++)
		assert_int_equal(v[use + 1].f.use, use);
	source_folders_free(&v, n);
}

static void put_again_keeps_listing(void **state)
{
	struct fixture *f = *state;
	char raw[] = "INBOX", path[] = "Inbox";
	struct folder sf = { .raw = raw, .path = path };
	struct source_folder *v;
	size_t n;

	OK(f, store_source_listed(f->s, f->source, 5, 10, UINT64_MAX / 2, 8,
	                          &f->e));
	OK(f, store_source_folder_put(f->s, f->mailbox, &sf, 0, NULL, &f->e));
	assert_int_equal(sf.id, f->source);
	OK(f, store_source_folders(f->s, f->mailbox, &v, &n, &f->e));
	assert_int_equal(n, 1);
	assert_string_equal(v[0].f.path, "Inbox");
	assert_int_equal(v[0].dest, 0);
	assert_null(v[0].left_out);
	assert_true(v[0].listed);
	assert_int_equal(v[0].f.uidvalidity, 5);
	assert_int_equal(v[0].f.uidnext, 10);
	assert_true(v[0].f.modseq == UINT64_MAX / 2);
	assert_int_equal(v[0].f.messages, 8);
	source_folders_free(&v, n);
	assert_int_equal(store_source_listed(f->s, 999, 1, 1, 1, 1, &f->e), -1);
}

static void dest_find_by_key_and_raw(void **state)
{
	struct fixture *f = *state;
	struct dest_folder *v;
	size_t n;

	assert_int_equal(fixture_dest(f, "dest-anna", "INBOX"), f->dest);
	assert_int_not_equal(fixture_dest(f, "dest-anna", "Sent"), f->dest);
	assert_int_not_equal(fixture_dest(f, "other", "INBOX"), f->dest);
	OK(f, store_dest_folders(f->s, "dest-anna", &v, &n, &f->e));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].f.raw, "INBOX");
	assert_int_equal(v[0].f.uidvalidity, DEST_UIDVALIDITY);
	assert_false(v[0].scanned);
	assert_false(v[0].doubted);
	dest_folders_free(&v, n);
	assert_null(v);
}

static struct dest_folder dest(struct fixture *f)
{
	struct dest_folder *v, one;
	size_t n;

	OK(f, store_dest_folders(f->s, "dest-anna", &v, &n, &f->e));
	assert_int_equal(n, 1);
	one = v[0];
	dest_folders_free(&v, n);
	return one;
}

static void dest_state_and_flags(void **state)
{
	struct fixture *f = *state;
	struct dest_folder d;

	OK(f, store_dest_state(f->s, f->dest, 7, 20, 30, 40, &f->e));
	OK(f, store_dest_flags(f->s, f->dest, true, false, &f->e));
	d = dest(f);
	assert_int_equal(d.f.uidnext, 20);
	assert_int_equal(d.f.modseq, 30);
	assert_int_equal(d.f.messages, 40);
	assert_true(d.scanned);
	assert_false(d.doubted);
	OK(f, store_dest_flags(f->s, f->dest, false, true, &f->e));
	d = dest(f);
	assert_false(d.scanned);
	assert_true(d.doubted);
	assert_int_equal(store_dest_flags(f->s, 999, true, true, &f->e), -1);
	assert_int_equal(store_dest_state(f->s, 999, 1, 1, 1, 1, &f->e), -1);
}

static bool put_with(struct fixture *f, uint32_t uidvalidity)
{
	char raw[] = "INBOX";
	struct folder df = { .raw = raw, .uidvalidity = uidvalidity };
	bool changed;

	OK(f, store_dest_folder_put(f->s, "dest-anna", &df, &changed, &f->e));
	assert_int_equal(df.id, f->dest);
	return changed;
}

static void renumbered(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 1, 1, 44);
	struct dest_copy c = { .dest_folder = f->dest,
		               .uidvalidity = DEST_UIDVALIDITY,
		               .uid = 3 };
	struct fixture_row r;

	OK(f, store_copy_add(f->s, &c, &f->e));
	OK(f, store_dest_flags(f->s, f->dest, true, false, &f->e));
	assert_false(put_with(f, DEST_UIDVALIDITY));
	assert_false(put_with(f, 0)); /* not told */
	assert_true(put_with(f, 8));
	assert_int_equal(dest(f).f.uidvalidity, DEST_UIDVALIDITY);
	assert_true(put_with(f, 8));
	OK(f, store_dest_renumbered(f->s, f->dest, 8, &f->e));
	assert_false(put_with(f, 8));
	assert_int_equal(dest(f).f.uidvalidity, 8);
	assert_false(dest(f).scanned);
	assert_true(fixture_find(f, row, &r));
	assert_int_equal(r.r.m.dest_uid, 0);
	assert_int_equal(r.r.m.state, MSG_MOVED);
	fixture_row_free(&r);
	assert_int_equal(
	        fixture_number(f->path, "SELECT count(*) FROM dest_copy"), 0);
	assert_int_equal(store_dest_renumbered(f->s, 999, 8, &f->e), -1);
}

static void first_uidvalidity_is_recorded(void **state)
{
	struct fixture *f = *state;

	fixture_sql(f->path, "UPDATE dest_folder SET uidvalidity=0");
	assert_false(put_with(f, 12));
	assert_int_equal(dest(f).f.uidvalidity, 12);
	assert_true(put_with(f, 13));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(source_round_trip),
		STORE_TEST(each_special_use),
		STORE_TEST(put_again_keeps_listing),
		STORE_TEST(dest_find_by_key_and_raw),
		STORE_TEST(dest_state_and_flags),
		STORE_TEST(renumbered),
		STORE_TEST(first_uidvalidity_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
