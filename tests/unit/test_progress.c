/* SPDX-License-Identifier: Apache-2.0 */
/* test_progress.c - rate, time left and the line of a mailbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/rate.h"
#include "cli/view.h"

#define START 1000000

static void steady(void **state)
{
	struct rate r = { 0 };

	assert_int_equal(rate_get(&r, START), 0);
	for (uint64_t t = 0; t <= 60000; t += 50)
		rate_add(&r, START + t, t * 2);
	assert_int_equal(rate_get(&r, START + 60000), 2000);
}

static void too_early_to_tell(void **state)
{
	struct rate r = { 0 };

	rate_add(&r, START, 0);
	rate_add(&r, START + 500, 1 << 20);
	assert_int_equal(rate_get(&r, START + 500), 0);
	rate_add(&r, START + 1000, 1 << 20);
	assert_int_equal(rate_get(&r, START + 1000), 1 << 20);
}

/* Ten seconds without an octet: nothing moves, and it says so. */
static void stall(void **state)
{
	struct rate r = { 0 };

	for (uint64_t t = 0; t <= 10000; t += 250)
		rate_add(&r, START + t, t);
	assert_int_equal(rate_get(&r, START + 10000), 1000);
	for (uint64_t t = 10000; t <= 20000; t += 250)
		rate_add(&r, START + t, 10000);
	assert_int_equal(rate_get(&r, START + 20000), 0);
	/* And no sample at all is no rate. */
	assert_int_equal(rate_get(&r, START + 40000), 0);
}

static void clock_and_count_may_go_back(void **state)
{
	struct rate r = { 0 };

	rate_add(&r, START, 5000);
	rate_add(&r, START + 2000, 9000);
	assert_int_equal(rate_get(&r, START + 2000), 2000);
	rate_add(&r, START + 1000, 9500);
	assert_int_equal(rate_get(&r, START + 1000), 0);
	rate_add(&r, START + 3000, 100);
	assert_int_equal(rate_get(&r, START + 3000), 0);
	assert_int_equal(rate_get(&r, 0), 0);
}

static void left(void **state)
{
	assert_int_equal(rate_left(0, 0), 0);
	assert_int_equal(rate_left(1001, 100), 11);
	assert_int_equal(rate_left(1000, 100), 10);
	assert_true(rate_left(1, 0) == UINT64_MAX);
}

/* Never 100 % while anything is left or may still be found. */
static void percent(void **state)
{
	struct progress p = { 0 };

	assert_int_equal(view_percent(&p), 0);
	p = (struct progress){ .listed = 2000,
		               .left = 1,
		               .bytes_listed = 1000,
		               .bytes_settled = 1000 };
	assert_int_equal(view_percent(&p), 99);
	p.left = 0;
	p.listing = true;
	assert_int_equal(view_percent(&p), 99);
	p.listing = false;
	assert_int_equal(view_percent(&p), 100);
	p.bytes_settled = 500;
	p.left = 1000;
	assert_int_equal(view_percent(&p), 50);
	/* Sizes are advisory: more may have been settled than announced. */
	p.bytes_settled = 5000;
	assert_int_equal(view_percent(&p), 99);
}

static struct view ann(void)
{
	return (struct view){ .name = (char *)"ann",
		              .p = { .listed = 2000,
		                     .left = 796,
		                     .moved = 1204,
		                     .bytes_listed = 70 << 20,
		                     .bytes_settled = 41 << 20 } };
}

static char *line(const struct view *v, uint64_t now, size_t width)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_int_equal(view_line(&b, v, now, 5, width), 0);
	return buf_take(&b);
}

static void assert_line(const struct view *v, uint64_t now, size_t width,
                        const char *expect)
{
	char *got = line(v, now, width);

	assert_string_equal(got, expect);
	free(got);
}

static void lines(void **state)
{
	struct view v = ann();

	assert_line(&v, START, 0,
	            "ann    1,204 of 2,000 messages  41 MB of 70 MB  58 %");
	assert_line(&v, START, 20, "ann    1,204 of 2,0…");
	rate_add(&v.rate, START, 0);
	rate_add(&v.rate, START + 2000, 2 << 20);
	assert_line(&v, START + 2000, 0,
	            "ann    1,204 of 2,000 messages  41 MB of 70 MB  58 %"
	            "  1.0 MB/s  about 29 s left");
	/* Nobody knows the whole yet. */
	v.p.problems = v.p.holes = 1;
	v.p.listing = true;
	assert_line(&v, START + 2000, 0,
	            "ann    1,204 of 2,000+ messages  41 MB of 70 MB"
	            "  2 problems  1.0 MB/s  still counting");
}

static void waits(void **state)
{
	struct view v = ann();

	v.wait_until_ms = START + 60000;
	v.wait_text = (char *)"the server asked for a pause";
	char *got = line(&v, START, 0);

	assert_non_null(
	        strstr(got, "  waiting 1:00: the server asked for a pause"));
	free(got);
	v.wait_until_ms = START + 291000;
	v.wait_text = (char *)"as Microsoft asked; other mailboxes go on";
	got = line(&v, START, 0);
	assert_non_null(strstr(got, "  waiting 4:51, as Microsoft asked; "
	                            "other mailboxes go on"));
	free(got);
	assert_line(&v, START, 79,
	            "ann    58 %  waiting 4:51, as Microsoft asked; other "
	            "mailboxes go on");
	v.wait_until_ms = START + 60000;
	assert_line(&v, START + 60000, 0,
	            "ann    1,204 of 2,000 messages  41 MB of 70 MB  58 %");
}

static void begins(void **state)
{
	struct view v = { .name = (char *)"ann" };

	assert_line(&v, START, 0, "ann    connecting");
	v.p.listing = true;
	assert_line(&v, START, 0, "ann    looking at the mailbox");
}

static void totals(void **state)
{
	struct view v[2] = { ann(), ann() };
	struct view sum = { .name = (char *)"all" };

	v[1].p.listing = true;
	view_total(&sum, v, 2);
	assert_int_equal(sum.p.listed, 4000);
	assert_int_equal(sum.p.left, 1592);
	assert_true(sum.p.listing);
	view_total(&sum, v, 1);
	assert_false(sum.p.listing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady),
		cmocka_unit_test(too_early_to_tell),
		cmocka_unit_test(stall),
		cmocka_unit_test(clock_and_count_may_go_back),
		cmocka_unit_test(left),
		cmocka_unit_test(percent),
		cmocka_unit_test(lines),
		cmocka_unit_test(waits),
		cmocka_unit_test(begins),
		cmocka_unit_test(totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
