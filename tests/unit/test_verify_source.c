/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_source.c - verify: the source against the store. */
#include "verify_world.h"

static void new_at_the_source(void **state)
{
	put(&src.box[0], 60, mail(60));
	only(false, DIFF_NOT_COPIED, 0, "INBOX");
	assert_int_equal(t.seen[0].uid, 60);
	assert_int_equal(t.sum.source, 7);
	assert_int_equal(t.sum.settled, 6);
}

static void states_of_rows(void **state)
{
	static const enum msg_state settled[] = { MSG_LEFT_OUT, MSG_IGNORED,
		                                  MSG_GONE_DEST };
	static const enum msg_state open[] = { MSG_PENDING, MSG_SENDING };
	uint32_t uid = 20;

	for (size_t i = 0; i < 3; i++, uid++) {
		put(&src.box[0], uid, mail((int)uid));
		row(0, uid, mail((int)uid), settled[i], 0);
	}
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	for (size_t i = 0; i < 2; i++, uid++) {
		put(&src.box[0], uid, mail((int)uid));
		row(0, uid, mail((int)uid), open[i], 0);
	}
	ok(verify(false));
	expect(2, 0, 0, 0, 0);
	put(&src.box[0], uid, mail((int)uid));
	row(0, uid, mail((int)uid), MSG_PROBLEM, 0);
	uid++;
	put(&src.box[0], uid, mail((int)uid));
	row(0, uid, mail((int)uid), MSG_HOLE, 0);
	ok(verify(false));
	expect(2, 0, 0, 0, 2);
	assert_string_equal(t.words[2], "The destination refused it.");
	assert_int_equal(t.sum.settled, 9);
}

/* Not there any more, never copied: nothing is owed. On its way: it is. */
static void gone_at_the_source(void **state)
{
	row(0, 20, mail(20), MSG_PENDING, 0);
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	row(0, 21, mail(21), MSG_SENDING, 0);
	ok(verify(false));
	expect(1, 0, 0, 0, 0);
}

static void without_the_source(void **state)
{
	row(0, 20, mail(20), MSG_PENDING, 0);
	src.refuse = (struct err){ .next = NEXT_SIGN_IN, .code = EC_SIGN_IN };
	ok(verify(false));
	assert_false(t.sum.source_asked);
	assert_int_equal(t.sum.source_err.code, EC_SIGN_IN);
	assert_int_equal(src.opens, 1);
	expect(1, 0, 0, 0, 0);
	assert_int_equal(t.sum.settled, 6);
	assert_int_equal(t.sum.source, 0);
	take_away(&dst.box[0], copy(0, 3));
	ok(verify(false));
	expect(1, 1, 0, 0, 0);
}

static void source_comes_back(void **state)
{
	src.failing = 2;
	dst.failing = 2;
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	assert_true(t.sum.source_asked);
	assert_int_equal(src.opens, 3);
	assert_int_equal(dst.opens, 3);
	src.failing = 3;
	ok(verify(true));
	assert_false(t.sum.source_asked);
}

static void source_renumbered(void **state)
{
	src.box[0].uidvalidity = 8;
	ok(verify(false));
	expect(5, 0, 0, 0, 0);
	assert_int_equal(t.seen_n, 1);
	assert_non_null(strstr(t.words[0], "renumbered"));
}

static void one_source_folder_unlistable(void **state)
{
	src.box[0].refuse = (struct err){ .reach = ERR_FOLDER,
		                          .next = NEXT_GIVE_UP,
		                          .code = EC_SERVER_NO,
		                          .text = "Locked." };
	ok(verify(false));
	expect(1, 0, 0, 0, 0);
	assert_true(t.sum.source_asked);
	assert_int_equal(t.sum.source, 1);
	assert_non_null(strstr(t.words[0], "Locked."));
}

static void new_folder_at_the_source(void **state)
{
	src.box[2] = (struct box){ .raw = "New", .uidvalidity = 7 };
	src.n = 3;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	put(&src.box[2], 1, mail(90));
	put(&src.box[2], 2, mail(91));
	ok(verify(false));
	expect(2, 0, 0, 0, 0);
	assert_int_equal(t.seen_n, 1);
	assert_string_equal(t.where[0], "New");
	assert_int_equal(t.sum.source, 8);
	ok(options_set(&t.options, "exclude", "New", &t.err));
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_at_the_source),
		TEST(states_of_rows),
		TEST(gone_at_the_source),
		TEST(without_the_source),
		TEST(source_comes_back),
		TEST(source_renumbered),
		TEST(one_source_folder_unlistable),
		TEST(new_folder_at_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
