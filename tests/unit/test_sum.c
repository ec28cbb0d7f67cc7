/* SPDX-License-Identifier: Apache-2.0 */
/* test_sum.c - the sum of a mailbox: its terms, and its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/sum.h"

static void says(const struct sums *s, const char *words)
{
	struct buf b = BUF_INIT(4096);

	assert_int_equal(sum_words(&b, s), 0);
	assert_string_equal(b.p, words);
	buf_release(&b);
}

static void every_state_has_one_term(void **state)
{
	for (int i = 0; i < MSG_STATE_COUNT; i++) {
		struct sums s = { 0 };

		sums_add(&s, (enum msg_state)i, 3);
		assert_int_equal(sums_accounted(&s),
		                 i == MSG_GONE_SOURCE ? 0 : 3);
	}
}

static void in_words(void **state)
{
	says(&(struct sums){ .items = 362,
	                     .moved = 300,
	                     .already_there = 60,
	                     .problems = 2,
	                     .complete = true },
	     "362 messages in the source: 300 moved + 60 already there + 2 "
	     "problems = 362");
	says(&(struct sums){ .items = 1, .moved = 1, .complete = true },
	     "1 message in the source: 1 moved");
	says(&(struct sums){ .items = 1200,
	                     .left_out = 1000,
	                     .problems = 100,
	                     .ignored = 99,
	                     .gone = 90,
	                     .waiting = 10 },
	     "1,200 messages found so far: 1,000 left out by your choice + 100 "
	     "problems (99 ignored by your choice) + 90 deleted at the "
	     "destination since + 10 not moved yet = 1,200");
}

static void without_messages(void **state)
{
	says(&(struct sums){ .complete = true }, "no message in the source");
	says(&(struct sums){ 0 }, "no message found so far");
}

static void what_does_not_add_up_is_said(void **state)
{
	says(&(struct sums){ .items = 5, .moved = 4, .complete = true },
	     "5 messages in the source: 4 moved = 4, which does not add up");
	says(&(struct sums){ .items = 5, .complete = true },
	     "5 messages in the source: 0, which does not add up");
}

static void what_is_not_in_the_sum(void **state)
{
	says(&(struct sums){ .items = 2,
	                     .moved = 2,
	                     .departed = 1,
	                     .folders_left_out = 3,
	                     .complete = true },
	     "2 messages in the source: 2 moved. 1 more was moved before and "
	     "is no longer in the source. 3 folders are left out whole and "
	     "their messages are not counted");
}

static void joined(void **state)
{
	struct sums all = { .complete = true };
	struct sums one = { .items = 2,
		            .moved = 1,
		            .waiting = 1,
		            .bytes = 9,
		            .complete = true };
	struct sums other = { .items = 3, .gone = 3 };

	sums_join(&all, &one);
	assert_true(all.complete);
	sums_join(&all, &other);
	assert_false(all.complete);
	assert_int_equal(all.items, 5);
	assert_int_equal(sums_accounted(&all), 5);
	assert_int_equal(all.bytes, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_has_one_term),
		cmocka_unit_test(in_words),
		cmocka_unit_test(without_messages),
		cmocka_unit_test(what_does_not_add_up_is_said),
		cmocka_unit_test(what_is_not_in_the_sum),
		cmocka_unit_test(joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
