/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_governor.c - never more than the limit in any window, whatever the
 * arrivals; refusals halve and block exactly; quiet minutes give back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/governor.h"

static const struct gov_need one = { 0, 1, 1 };

/* --- Windows ------------------------------------------------------------ */

struct event {
	uint64_t at, n;
};

/* Any window begins, at its fullest, with an event. */
static uint64_t fullest(const struct event *v, size_t n, uint64_t span)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t sum = 0;

		for (size_t j = i; j < n && v[j].at < v[i].at + span; j++)
			sum += v[j].n;
		most = sum > most ? sum : most;
	}
	return most;
}

/* Random arrivals: bursts, trickles, long pauses. */
static uint64_t pause_of(unsigned *seed)
{
	unsigned r = (unsigned)rand_r(seed);

	if (r % 50 == 0)
		return (unsigned)rand_r(seed) % 30000;
	return r % 3 ? 0 : (unsigned)rand_r(seed) % 40;
}

/* Requests on their way, and when their answers come. */
struct flight {
	uint64_t answer;
	struct gov_need need;
	bool up;
};
enum { FLIGHTS = 8 };

static uint64_t first_answer(const struct flight *v)
{
	uint64_t first = UINT64_MAX;

	for (int i = 0; i < FLIGHTS; i++)
		if (v[i].up && v[i].answer < first)
			first = v[i].answer;
	return first;
}

static void land(struct gov_budget *b, struct flight *v, uint64_t now)
{
	for (int i = 0; i < FLIGHTS; i++) {
		if (!v[i].up || v[i].answer > now)
			continue;
		gov_left(b, v[i].answer, &v[i].need, true);
		v[i].up = false;
	}
}

static struct flight *free_one(struct flight *v)
{
	for (int i = 0; i < FLIGHTS; i++)
		if (!v[i].up)
			return v + i;
	return NULL;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* slow: the most milliseconds to an answer. The service counts a request
 * at some time before that. */
static void run(struct gov_budget *b, struct event *v, size_t n, bool octets,
                unsigned slow, unsigned seed)
{
	struct flight flights[FLIGHTS] = { 0 };
	uint64_t now = 1000003 + seed * 77;

	for (size_t i = 0; i < n; i++) {
		struct gov_need need = { 0, 1, 0 };
		unsigned late = slow ? (unsigned)rand_r(&seed) % slow : 0;
		struct flight *f;
		uint64_t wait;

		now += pause_of(&seed);
		land(b, flights, now);
		if (octets)
			need.octets = (unsigned)rand_r(&seed) % 90000;
		while (!(f = free_one(flights)) ||
		       (wait = gov_ask(b, now, &need))) {
			uint64_t first = first_answer(flights);

			if (f && wait != UINT64_MAX && now + wait < first)
				first = now + wait;
			assert_true(first != UINT64_MAX);
			now = first;
			land(b, flights, now);
		}
		*f = (struct flight){ now + late, need, true };
		v[i].at = now + (late ? (unsigned)rand_r(&seed) % late : 0);
		v[i].n = octets ? need.octets : 1;
	}
	qsort(v, n, sizeof *v, by_time);
}

static void no_window_holds_more_requests(void **state)
{
	static struct event v[6000];

	for (unsigned seed = 1; seed <= 12; seed++) {
		/* Spans that slots do not divide evenly, too. */
		uint64_t span = 10000 + seed % 3 * 37;
		struct gov_limits l = { .requests = 100, .requests_ms = span };
		struct gov_budget b;

		gov_init(&b, &l);
		unsigned slow = seed % 4 * 900;

		run(&b, v, 6000, false, slow, seed);
		assert_in_range(fullest(v, 6000, span), slow ? 50 : 95, 100);
	}
}

static void no_window_holds_more_octets(void **state)
{
	static struct event v[3000];

	for (unsigned seed = 1; seed <= 12; seed++) {
		struct gov_limits l = { .octets = 1000000, .octets_ms = 20000 };
		struct gov_budget b;

		gov_init(&b, &l);
		unsigned slow = seed % 4 * 900;

		run(&b, v, 3000, true, slow, seed);
		assert_in_range(fullest(v, 3000, 20000), slow ? 600000 : 900000,
		                1000000);
	}
}

/* Back to back, what goes through is close to the limit. */
static void little_is_wasted(void **state)
{
	struct gov_limits l = { .requests = 9950, .requests_ms = 600000 };
	struct gov_budget b;
	uint64_t now = 5, n = 0, wait;

	gov_init(&b, &l);
	while (now < 6000000) {
		wait = gov_ask(&b, now, &one);
		now += wait;
		n += !wait;
		if (!wait)
			gov_left(&b, now, &one, true);
	}
	assert_true(n >= 9950 * 10 * 98 / 100);
	assert_true(n <= 9950 * 11);
}

static void what_is_larger_than_a_window_still_goes(void **state)
{
	struct gov_limits l = { .octets = 1000, .octets_ms = 10000 };
	struct gov_need large = { 5000, 1, 0 }, small = { 1, 1, 0 };
	struct gov_budget b;

	gov_init(&b, &l);
	assert_int_equal(gov_ask(&b, 100, &small), 0);
	assert_true(gov_ask(&b, 100, &large) == UINT64_MAX);
	gov_left(&b, 101, &small, true);
	uint64_t wait = gov_ask(&b, 101, &large);

	assert_in_range(wait, 9000, 10200);
	assert_int_equal(gov_ask(&b, 101 + wait, &large), 0);
	gov_left(&b, 102 + wait, &large, true);
	assert_true(gov_ask(&b, 103 + wait, &small) > 9000);
}

static void a_peek_books_nothing(void **state)
{
	struct gov_limits l = { .requests = 1, .requests_ms = 10000 };
	struct gov_budget b;

	gov_init(&b, &l);
	assert_int_equal(gov_peek(&b, 50, &one), 0);
	assert_int_equal(gov_peek(&b, 50, &one), 0);
	assert_int_equal(gov_ask(&b, 50, &one), 0);
	assert_true(gov_peek(&b, 50, &one) > 0);
}

/* --- At once ------------------------------------------------------------ */

static const struct gov_limits four = { .requests = 1000,
	                                .requests_ms = 600000,
	                                .at_once = 4 };

static void four_at_once(void **state)
{
	struct gov_budget b;

	gov_init(&b, &four);
	for (int i = 0; i < 4; i++)
		assert_int_equal(gov_ask(&b, 9, &one), 0);
	assert_true(gov_ask(&b, 9, &one) == UINT64_MAX);
	gov_left(&b, 10, &one, true);
	assert_int_equal(gov_ask(&b, 10, &one), 0);
	assert_true(gov_ask(&b, 10, &one) == UINT64_MAX);
}

static void a_batch_takes_all_places_or_goes_alone(void **state)
{
	static const struct gov_need batch = { 0, 20, 4 }, upload = { 0, 1, 0 };
	struct gov_budget b;

	gov_init(&b, &four);
	assert_int_equal(gov_ask(&b, 9, &one), 0);
	assert_true(gov_ask(&b, 9, &batch) == UINT64_MAX);
	gov_left(&b, 10, &one, true);
	gov_refused(&b, 10, 100); /* two at once */
	assert_int_equal(gov_ask(&b, 110, &batch), 0);
	assert_true(gov_ask(&b, 110, &one) == UINT64_MAX);
	assert_int_equal(gov_ask(&b, 111, &upload), 0);
	gov_left(&b, 112, &batch, true);
	assert_int_equal(gov_ask(&b, 112, &one), 0);
}

/* --- Refusals ----------------------------------------------------------- */

static void a_refusal_blocks_for_exactly_its_time(void **state)
{
	struct gov_budget b;

	gov_init(&b, &four);
	gov_refused(&b, 1000, 299961);
	assert_int_equal(gov_ask(&b, 1000, &one), 299961);
	assert_int_equal(gov_ask(&b, 300960, &one), 1);
	assert_int_equal(gov_ask(&b, 300961, &one), 0);
}

static void a_refusal_halves_once_for_all_that_were_on_their_way(void **state)
{
	struct gov_limits l = { .requests = 1000,
		                .requests_ms = 600000,
		                .at_once = 4 };
	struct gov_budget b;

	gov_init(&b, &l);
	for (int i = 0; i < 4; i++)
		gov_ask(&b, 10, &one);
	gov_refused(&b, 20, 5000);
	gov_refused(&b, 21, 7001); /* the longest wait counts */
	gov_refused(&b, 22, 1000);
	for (int i = 0; i < 4; i++)
		gov_left(&b, 22, &one, false);
	assert_int_equal((int)b.at_once, 2);
	assert_int_equal((int)(b.pace * 100), 50);
	assert_int_equal(gov_peek(&b, 22, &one), 7000);
	assert_int_equal(gov_ask(&b, 7022, &one), 0);
	assert_int_equal(gov_ask(&b, 7022, &one), 0);
	assert_true(gov_ask(&b, 7022, &one) == UINT64_MAX);
	gov_refused(&b, 7030, 1000);
	gov_refused(&b, 9000, 1000);
	assert_int_equal((int)b.at_once, 1);
}

static void half_the_pace_is_half_the_window(void **state)
{
	static struct event v[400];
	struct gov_limits l = { .requests = 100,
		                .requests_ms = 10000,
		                .quiet_ms = UINT32_MAX };
	struct gov_budget b;

	gov_init(&b, &l);
	gov_refused(&b, 10, 1);
	run(&b, v, 400, false, 0, 4);
	assert_in_range(fullest(v, 400, 10000), 45, 50);
}

static void quiet_minutes_give_back(void **state)
{
	struct gov_limits l = { .requests = 1000,
		                .requests_ms = 600000,
		                .at_once = 4 };
	struct gov_budget b;

	gov_init(&b, &l);
	gov_refused(&b, 0, 1000);
	gov_refused(&b, 2000, 1000);
	assert_int_equal((int)b.at_once, 1);
	gov_peek(&b, 62999, &one);
	assert_int_equal((int)b.at_once, 1);
	gov_peek(&b, 63000, &one);
	assert_int_equal((int)b.at_once, 2);
	assert_int_equal((int)(b.pace * 1000 + 0.5), 275);
	gov_peek(&b, 63000 + 60000 * 2, &one);
	assert_int_equal((int)b.at_once, 4);
	gov_peek(&b, 63000 + 60000 * 60, &one);
	assert_int_equal((int)b.at_once, 4);
	assert_true(b.pace >= 1 && b.pace <= 1);
	assert_true(gov_idle(&b, 63000 + 60000 * 60));
}

static void without_a_wait_it_doubles_and_forgets(void **state)
{
	static const uint64_t want[] = { 1000,  2000,  4000,  8000, 16000,
		                         32000, 60000, 60000, 60000 };
	struct gov_budget b;
	uint64_t now = 7;

	gov_init(&b, &four);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		gov_refused(&b, now, 0);
		assert_int_equal(gov_peek(&b, now, &one), want[i]);
		now += want[i];
	}
	gov_ask(&b, now, &one);
	gov_left(&b, now, &one, true);
	gov_refused(&b, now, 0);
	assert_int_equal(gov_peek(&b, now, &one), 1000);
}

/* --- A learnt pace ------------------------------------------------------ */

static uint64_t sent_until(struct gov_budget *b, uint64_t now, uint64_t end)
{
	static const struct gov_need need = { 0, 1, 0 };
	uint64_t n = 0, wait;

	while (now < end) {
		wait = gov_ask(b, now, &need);
		now += wait ? wait : 0;
		n += !wait && now < end;
	}
	return n;
}

static void the_pace_is_learnt_at_the_first_refusal(void **state)
{
	static const struct gov_limits free_of_limits;
	static const struct gov_need need = { 0, 1, 0 };
	struct gov_budget b;
	uint64_t now = 0;

	gov_init(&b, &free_of_limits);
	for (; now < 20000; now += 125) /* eight a second */
		assert_int_equal(gov_ask(&b, now, &need), 0);
	gov_refused(&b, now, 3000);
	assert_in_range((int)(b.rate * 100), 390, 410);
	assert_int_equal(gov_peek(&b, now, &need), 3000);
	assert_in_range(sent_until(&b, now + 3000, now + 33000), 118, 122);
	/* Ten per cent in each quiet minute, until it is none again. */
	gov_peek(&b, now + 3000 + 60000, &need);
	assert_in_range((int)(b.rate * 100), 440, 460);
	gov_refused(&b, now + 70000, 1);
	assert_in_range((int)(b.rate * 100), 220, 230);
	gov_peek(&b, now + 70000 + 60000 * 70, &need);
	assert_true(b.rate <= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_window_holds_more_requests),
		cmocka_unit_test(no_window_holds_more_octets),
		cmocka_unit_test(little_is_wasted),
		cmocka_unit_test(what_is_larger_than_a_window_still_goes),
		cmocka_unit_test(a_peek_books_nothing),
		cmocka_unit_test(four_at_once),
		cmocka_unit_test(a_batch_takes_all_places_or_goes_alone),
		cmocka_unit_test(a_refusal_blocks_for_exactly_its_time),
		cmocka_unit_test(
		        a_refusal_halves_once_for_all_that_were_on_their_way),
		cmocka_unit_test(half_the_pace_is_half_the_window),
		cmocka_unit_test(quiet_minutes_give_back),
		cmocka_unit_test(without_a_wait_it_doubles_and_forgets),
		cmocka_unit_test(the_pace_is_learnt_at_the_first_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
