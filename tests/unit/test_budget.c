/* SPDX-License-Identifier: Apache-2.0 */
/* test_budget.c - memory that is shared, octets a second, and back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "transfer/budget.h"

#define NO_CHANCE 0
#define FULL_CHANCE 65535

static void memory_is_taken_and_given_back(void **state)
{
	struct memory_budget m;

	memory_init(&m, 100);
	assert_true(memory_take(&m, 60));
	assert_false(memory_take(&m, 41));
	assert_true(memory_take(&m, 40));
	assert_false(memory_take(&m, 1));
	assert_true(memory_take(&m, 0));
	memory_give(&m, 40);
	assert_false(memory_take(&m, 41));
	assert_true(memory_take(&m, 40));
	memory_give(&m, 100);
	assert_true(memory_take(&m, 100));
	memory_release(&m);
}

#define THREADS 4
#define ROUNDS 20000

static void *take_and_give(void *arg)
{
	struct memory_budget *m = arg;

	for (int i = 0; i < ROUNDS; i++)
		if (memory_take(m, 7))
			memory_give(m, 7);
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	struct memory_budget m;
	pthread_t t[THREADS];

	memory_init(&m, 20);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_and_give, &m),
		                 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_true(memory_take(&m, 20));
	assert_false(memory_take(&m, 1));
	memory_release(&m);
}

static void no_rate_never_waits(void **state)
{
	struct rate r = { 0 };

	for (int i = 0; i < 10; i++)
		assert_int_equal(rate_wait(&r, 5, UINT64_C(1) << 40), 0);
}

static void octets_wait_for_those_before(void **state)
{
	struct rate r = { .per_second = 1000 };

	/* The first leave at once, and are paid for by who comes next. */
	assert_int_equal(rate_wait(&r, 10000, 500), 0);
	assert_int_equal(rate_wait(&r, 10000, 2000), 500);
	assert_int_equal(rate_wait(&r, 10000, 1), 2500);
	/* Some of the wait has passed. */
	assert_int_equal(rate_wait(&r, 12000, 99), 501);
	assert_int_equal(rate_wait(&r, 12600, 0), 0);
}

static void time_unused_is_not_saved_up(void **state)
{
	struct rate r = { .per_second = 1000 };

	assert_int_equal(rate_wait(&r, 0, 1000), 0);
	assert_int_equal(rate_wait(&r, 3600000, 1000), 0);
	assert_int_equal(rate_wait(&r, 3600000, 1000), 1000);
}

/* In a minute of asking, no more leaves than the rate and one piece. */
static void rate_holds_over_a_minute(void **state)
{
	struct rate r = { .per_second = 125000 };
	uint64_t now = 1, sent = 0;

	while (now < 60000) {
		now += rate_wait(&r, now, 65536);
		sent += now < 60000 ? 65536 : 0;
	}
	assert_in_range(sent, 59 * 125000, 60 * 125000 + 65536);
}

static void backoff_doubles_to_a_minute(void **state)
{
	static const uint64_t want[] = { 1000,  1000,  2000,  4000, 8000,
		                         16000, 32000, 60000, 60000 };

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(backoff_ms(i, 1000, NO_CHANCE), want[i]);
	assert_int_equal(backoff_ms(4000000000u, 1000, NO_CHANCE), 60000);
}

static void chance_adds_up_to_half(void **state)
{
	uint64_t last = 0;

	assert_int_equal(backoff_ms(1, 1000, FULL_CHANCE), 1500);
	assert_int_equal(backoff_ms(50, 1000, FULL_CHANCE), 90000);
	for (unsigned chance = 0; chance <= FULL_CHANCE; chance += 4369) {
		uint64_t wait = backoff_ms(3, 1000, chance);

		assert_in_range(wait, 4000, 6000);
		assert_true(wait > last);
		last = wait;
	}
	/* Any number will do: only its low 16 bits count. */
	assert_int_equal(backoff_ms(1, 1000, 0xabcd0000u), 1000);
}

static void tests_need_not_wait(void **state)
{
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(backoff_ms(i, 0, FULL_CHANCE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_taken_and_given_back),
		cmocka_unit_test(nothing_is_lost_between_threads),
		cmocka_unit_test(no_rate_never_waits),
		cmocka_unit_test(octets_wait_for_those_before),
		cmocka_unit_test(time_unused_is_not_saved_up),
		cmocka_unit_test(rate_holds_over_a_minute),
		cmocka_unit_test(backoff_doubles_to_a_minute),
		cmocka_unit_test(chance_adds_up_to_half),
		cmocka_unit_test(tests_need_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
