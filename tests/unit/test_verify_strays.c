/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_strays.c - verify: copies that no row claims. */
#include "verify_world.h"

static void one_doubled(void **state)
{
	int64_t id = moved(0, 9);

	put(&dst.box[0], 500, mail(9));
	only(false, DIFF_DOUBLED, id, "INBOX");
	assert_int_equal(t.seen[0].uid, 500);
	assert_int_equal(t.sum.others, 0);
	assert_int_equal(t.sum.destination, 8);
}

static void mail_that_is_not_ours(void **state)
{
	put(&dst.box[0], 500, mail(77));
	/* the same Message-ID, and another text: not a copy of ours */
	put(&dst.box[0], 501,
	    "Message-ID: <1@test>\r\n\r\nA list's footer came to it.\r\n");
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.others, 2);
	assert_int_equal(dst.whole, 1);
}

static void copies_from_before_us(void **state)
{
	struct message m = { 0 };
	struct dest_copy c = { .dest_folder = t.to[0],
		               .uidvalidity = 70,
		               .uid = 500 };

	put(&dst.box[0], 500, mail(1));
	take_in(&m, mail(1), strlen(mail(1)));
	c.fp = m.fp;
	c.fp.text = 0;
	message_release(&m);
	ok(store_copy_add(t.s, &c, &t.err));
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.others, 1);
	put(&dst.box[0], 501, mail(1));
	ok(verify(false));
	expect(0, 0, 0, 1, 0);
	assert_int_equal(t.seen[0].uid, 501);
}

/* A folder is a multiset: as many as the source has, and one too many. */
static void duplicates_of_the_source(void **state)
{
	for (uint32_t i = 30; i < 33; i++) {
		put(&src.box[0], i, mail(30));
		put(&dst.box[0], i + 100, mail(30));
		row(0, i, mail(30), MSG_MOVED, i + 100);
	}
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	put(&dst.box[0], 500, mail(30));
	ok(verify(false));
	expect(0, 0, 0, 1, 0);
}

static void copy_without_a_name(void **state)
{
	int64_t id = row(0, 20, mail(20), MSG_MOVED, 0);

	put(&src.box[0], 20, mail(20));
	put(&dst.box[0], 500, mail(20));
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.others, 0);
	put(&dst.box[0], 501, mail(20));
	only(false, DIFF_DOUBLED, id, "INBOX");
	dst.box[0].n -= 2;
	only(false, DIFF_MISSING, id, "INBOX");
}

static void moved_by_its_owner(void **state)
{
	int64_t id = moved(0, 9);

	take_away(&dst.box[0], copy(0, 9));
	put(&dst.box[1], 500, mail(9));
	only(false, DIFF_MISSING, id, "INBOX");
	assert_non_null(strstr(t.words[0], "\"Work\""));
	assert_int_equal(t.sum.others, 0);
}

static void taken_out_and_put_back(void **state)
{
	moved(0, 9);
	copy(0, 9)->uid = 500;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
}

static void replaced_by_another_version(void **state)
{
	int64_t id = moved(0, 9);
	struct thing *k = copy(0, 9);

	k->uid = 500;
	k->text[k->len - 4]++;
	only(false, DIFF_ALTERED, id, "INBOX");
}

/* It is in doubt until the next run: not one copy too many. */
static void copy_of_one_on_its_way(void **state)
{
	put(&src.box[0], 20, mail(20));
	row(0, 20, mail(20), MSG_SENDING, 0);
	put(&dst.box[0], 500, mail(20));
	ok(verify(false));
	expect(1, 0, 0, 0, 0);
}

static void names_instead_of_uids(void **state)
{
	struct batch *b = batch_new();
	struct message *m = batch_add(b);
	struct thing *k = put(&dst.box[0], 0, mail(20));
	bool clash;

	t.job.from.kind = t.job.to.kind = KIND_MAILDIR;
	put(&src.box[0], 0, mail(20))->name = "1.old:2,S";
	k->name = "9.new:2,FS";
	m->key = strdup("1.old");
	m->size = k->len;
	ok(store_messages_add(t.s, t.from[0], 7, m, 1, &t.err));
	take_in(m, mail(20), strlen(mail(20)));
	m->dest_name = strdup("9.new:2,S");
	b->dest_folder = t.to[0];
	ok(store_intend(t.s, b, 0, 0, &t.err));
	ok(store_settle(t.s, m, MSG_MOVED, t.to[0], &clash, &t.err));
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	put(&dst.box[0], 0, mail(20))->name = "10.twice:2,";
	only(false, DIFF_DOUBLED, m->row, "INBOX");
	dst.box[0].n -= 2;
	only(false, DIFF_MISSING, m->row, "INBOX");
	batch_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_doubled),
		TEST(mail_that_is_not_ours),
		TEST(copies_from_before_us),
		TEST(duplicates_of_the_source),
		TEST(copy_without_a_name),
		TEST(moved_by_its_owner),
		TEST(taken_out_and_put_back),
		TEST(replaced_by_another_version),
		TEST(copy_of_one_on_its_way),
		TEST(names_instead_of_uids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
