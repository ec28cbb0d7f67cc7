/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c - sentences that are longer than there is room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mailhaul/err.h"

#define ROOM (sizeof(((struct err *)NULL)->text) - 1)

static void what_fits_stays(void **state)
{
	char text[ROOM + 1];
	struct err e;

	(void)state;
	memset(text, 'x', ROOM);
	text[ROOM] = '\0';
	err_set(&e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT, text, "%s", "");
	assert_string_equal(e.text, text);
	err_setf(&e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT, "%s", text);
	assert_string_equal(e.text, text);
}

static void a_cut_is_seen(void **state)
{
	char text[ROOM + 2];
	struct err e;

	(void)state;
	memset(text, 'x', ROOM + 1);
	text[ROOM + 1] = '\0';
	err_setf(&e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT, "%s", text);
	assert_int_equal(strlen(e.text), ROOM);
	assert_string_equal(e.text + ROOM - 4, "x...");
	/* Not in the middle of a character of three octets. */
	memcpy(text + ROOM - 4, "\xe2\x82\xac", 3);
	err_set(&e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT, text, "%s", "");
	assert_string_equal(e.text + ROOM - 5, "x...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_stays),
		cmocka_unit_test(a_cut_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
