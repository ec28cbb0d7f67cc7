/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mailhaul/preflight.h"

/* m365.md I: below 23 kB a message the requests bind, above it the octets. */
static void graph_is_bound_by_requests_or_octets(void **state)
{
	const char *by = NULL;

	assert_int_equal(preflight_seconds(true, 10000, 10000 * 1000u, &by),
	                 600);
	assert_non_null(strstr(by, "requests"));
	assert_int_equal(preflight_seconds(true, 1000, 112500000u * 10, &by),
	                 3000);
	assert_non_null(strstr(by, "octets"));
}

static void imap_is_bound_by_messages(void **state)
{
	const char *by = NULL;

	assert_int_equal(preflight_seconds(false, 4000, 1, &by), 1000);
	assert_non_null(strstr(by, "messages"));
}

static void nothing_takes_no_time(void **state)
{
	const char *by = NULL;

	assert_int_equal(preflight_seconds(true, 0, 0, &by), 0);
	assert_int_equal(preflight_seconds(false, 0, 0, &by), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graph_is_bound_by_requests_or_octets),
		cmocka_unit_test(imap_is_bound_by_messages),
		cmocka_unit_test(nothing_takes_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
