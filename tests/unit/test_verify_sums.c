/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_sums.c - verify: every message of the source under one term. */
#include "verify_world.h"

static void the_source_is_counted(void **state)
{
	put(&src.box[0], 50, mail(50)); /* new there */
	put(&src.box[0], 51, mail(51));
	row(0, 51, mail(51), MSG_PROBLEM, 0);
	put(&src.box[1], 52, mail(52));
	row(1, 52, mail(52), MSG_LEFT_OUT, 0);
	ok(verify(false));
	expect(1, 0, 0, 0, 1);
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 0);
	assert_int_equal(t.sum.sums.items, 9);
	assert_int_equal(t.sum.sums.moved, 6);
	assert_int_equal(t.sum.sums.waiting, 1);
	assert_int_equal(t.sum.sums.problems, 1);
	assert_int_equal(t.sum.sums.left_out, 1);
	assert_true(t.sum.sums.complete);
}

/* What the owner deleted at the source since is no difference. */
static void less_than_in_the_store(void **state)
{
	src.box[0].n--;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 0);
	assert_int_equal(t.sum.sums.items, 5);
	assert_int_equal(sums_accounted(&t.sum.sums), 5);
}

/* Two messages of the source that share a row: one of them was never sent. */
static void two_that_share_a_row(void **state)
{
	put(&src.box[0], 3, mail(70));
	t.job.from.kind = KIND_MBOX;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 1);
	assert_int_equal(t.sum.sums.items, 7);
	assert_int_equal(sums_accounted(&t.sum.sums), 6);
	assert_non_null(strstr(t.words[0], "7 messages"));
	/* A server may name one twice. */
	t.job.from.kind = KIND_IMAPS;
	ok(verify(false));
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 0);
	assert_int_equal(t.sum.sums.items, 6);
}

static void new_folders_wait(void **state)
{
	src.n = 3;
	src.box[2] = (struct box){ .raw = "New", .uidvalidity = 7 };
	put(&src.box[2], 1, mail(80));
	put(&src.box[2], 2, mail(81));
	ok(verify(false));
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 0);
	assert_int_equal(t.sum.sums.items, 8);
	assert_int_equal(t.sum.sums.waiting, 2);
}

static void last_pass(uint64_t inbox)
{
	ok(store_source_listed(t.s, t.from[0], 7, 1000, 0, inbox, &t.err));
	ok(store_source_listed(t.s, t.from[1], 7, 1000, 0, 1, &t.err));
	ok(store_mailbox_started(t.s, t.mb.id, &t.err));
	ok(store_mailbox_ended(t.s, t.mb.id, 0, true, NULL, &t.err));
	t.mb.started = t.mb.ended = 1;
	t.mb.last_exit = 0;
	err_set(&src.refuse, ERR_ACCOUNT, NEXT_GIVE_UP, EC_HOST_UNKNOWN,
	        "There is no such server.", "%s", "");
}

/* Without the source its last listing speaks: exact if it is an archive. */
static void the_source_is_gone(void **state)
{
	t.job.from.kind = KIND_MBOX;
	last_pass(5);
	ok(verify(false));
	assert_false(t.sum.source_asked);
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 0);
	assert_int_equal(t.sum.sums.items, 6);
	last_pass(8);
	ok(verify(false));
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 3);
	t.job.from.kind = KIND_IMAPS;
	ok(verify(false));
	assert_int_equal(t.sum.differences[DIFF_UNACCOUNTED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_source_is_counted), TEST(less_than_in_the_store),
		TEST(two_that_share_a_row),  TEST(new_folders_wait),
		TEST(the_source_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
