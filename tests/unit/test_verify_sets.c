/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_sets.c - the sets that verify compares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "verify/check.h"

static void names_without_flags(void **state)
{
	assert_true(verify_name_id("1.a.host:2,S") ==
	            verify_name_id("1.a.host:2,FS"));
	assert_true(verify_name_id("1.a.host") ==
	            verify_name_id("1.a.host:2,"));
	assert_false(verify_name_id("1.a.host") == verify_name_id("1.b.host"));
}

static void rows_are_found(void **state)
{
	struct id_set s = { 0 };

	assert_null(id_set_find(&s, 1));
	for (uint64_t i = 1000; i > 0; i--)
		assert_int_equal(id_set_add(&s, i * 7, (int64_t)i, MSG_MOVED),
		                 0);
	id_set_sort(&s);
	for (uint64_t i = 1; i <= 1000; i++)
		assert_int_equal(id_set_find(&s, i * 7)->row, i);
	assert_null(id_set_find(&s, 8));
	assert_null(id_set_find(&s, 0));
	assert_null(id_set_find(&s, 7007));
	id_set_release(&s);
}

static void list_holds_each_once(void **state)
{
	struct id_list l = { 0 };

	id_list_sort(&l);
	assert_false(id_list_has(&l, 0));
	for (int i = 0; i < 300; i++)
		assert_int_equal(id_list_add(&l, (uint64_t)(i % 3) << 40), 0);
	id_list_sort(&l);
	assert_int_equal(l.n, 3);
	assert_true(id_list_has(&l, 0));
	assert_true(id_list_has(&l, 2ull << 40));
	assert_false(id_list_has(&l, 1));
	id_list_release(&l);
}

static void which_states_are_settled(void **state)
{
	unsigned settled = 0;

	for (int i = 0; i < MSG_STATE_COUNT; i++)
		settled |= verify_settled((enum msg_state)i) ? 1u << i : 0;
	assert_int_equal(settled, 1u << MSG_MOVED | 1u << MSG_ADOPTED |
	                                  1u << MSG_LEFT_OUT |
	                                  1u << MSG_IGNORED |
	                                  1u << MSG_GONE_DEST);
}

static void strays_keep_their_names(void **state)
{
	struct copy_set s;
	char name[32];
	struct copy *c;

	copy_set_init(&s);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "%d.x:2,%s", i, i % 2 ? "S" : "");
		assert_int_equal(copy_set_add(&s, 0, name, (uint64_t)i), 0);
	}
	copy_set_sort(&s);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "%d.x", i);
		c = copy_set_find(&s, verify_name_id(name));
		assert_non_null(c);
		assert_int_equal(c->size, i);
		c->claimed = i % 5 != 0;
	}
	copy_set_strays(&s);
	assert_int_equal(s.n, 100);
	for (int i = 0; i < 500; i += 5) {
		snprintf(name, sizeof(name), "%d.x:2,%s", i, i % 2 ? "S" : "");
		c = copy_set_find(&s, verify_name_id(name));
		assert_non_null(c);
		assert_string_equal(copy_set_name(&s, c), name);
	}
	assert_null(copy_set_find(&s, verify_name_id("1.x")));
	copy_set_release(&s);
}

static void copies_with_uids(void **state)
{
	struct copy_set s;

	copy_set_init(&s);
	copy_set_strays(&s);
	assert_null(copy_set_find(&s, 1));
	assert_int_equal(copy_set_add(&s, 9, NULL, 100), 0);
	assert_int_equal(copy_set_add(&s, 4, NULL, 200), 0);
	copy_set_sort(&s);
	assert_int_equal(copy_set_find(&s, 4)->size, 200);
	assert_null(copy_set_name(&s, copy_set_find(&s, 4)));
	copy_set_find(&s, 4)->claimed = true;
	copy_set_strays(&s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].id, 9);
	copy_set_release(&s);
}

static void heads(void **state)
{
	struct fingerprint a = { 1, 11, 12, 14, 16, 15 }, b = a;

	b.text = 0;
	assert_true(verify_head(&a) == verify_head(&b));
	assert_false(verify_heads_differ(&a, &b));
	b.subject = 98;
	assert_true(verify_head(&a) == verify_head(&b));
	assert_true(verify_heads_differ(&a, &b));
	b.subject = 0; /* one side lacks it */
	assert_false(verify_heads_differ(&a, &b));
	b.subject = 98;
	b.version = 2;
	assert_false(verify_heads_differ(&a, &b));
	a.message_id = b.message_id = 0;
	assert_false(verify_head(&a) == verify_head(&b));
	b.subject = a.subject;
	assert_true(verify_head(&a) == verify_head(&b));
}

static void the_best_match(void **state)
{
	struct known_set s = { 0 };
	struct known v[] = {
		{ .head = 5, .text = 50, .sha = 500, .row = 1, .place = 0 },
		{ .head = 5,
		  .text = 50,
		  .sha = 501,
		  .row = 2,
		  .place = 1,
		  .owed = true },
		{ .head = 5,
		  .text = 51,
		  .sha = 502,
		  .row = 3,
		  .place = 0,
		  .owed = true },
		{ .head = 5,
		  .text = 50,
		  .sha = 503,
		  .row = 4,
		  .place = 0,
		  .owed = true },
		{ .head = 6, .text = 0, .sha = 600, .row = 5 },
	};

	for (size_t i = sizeof(v) / sizeof(v[0]); i > 0; i--)
		assert_int_equal(known_set_add(&s, &v[i - 1]), 0);
	known_set_sort(&s);
	assert_true(known_set_has(&s, 5));
	assert_false(known_set_has(&s, 4));
	/* owed at this place, although another has the same octets */
	assert_int_equal(known_set_match(&s, 5, 500, 50, 0)->row, 4);
	assert_int_equal(known_set_match(&s, 5, 500, 50, 1)->row, 2);
	/* the same octets count without a text, a text of 0 never does */
	assert_int_equal(known_set_match(&s, 6, 600, 0, 0)->row, 5);
	assert_null(known_set_match(&s, 6, 601, 0, 0));
	assert_null(known_set_match(&s, 5, 999, 999, 0));
	assert_null(known_set_match(&s, 7, 500, 50, 0));
	/* each that is owed is given once */
	known_set_match(&s, 5, 500, 50, 0)->owed = false;
	assert_int_equal(known_set_match(&s, 5, 500, 50, 0)->row, 2);
	known_set_match(&s, 5, 500, 50, 0)->owed = false;
	assert_int_equal(known_set_match(&s, 5, 500, 50, 0)->row, 1);
	assert_int_equal(known_set_replaced(&s, 5, 0)->row, 3);
	assert_null(known_set_replaced(&s, 5, 1));
	known_set_release(&s);
}

static void lacks(void **state)
{
	struct lack_list l = { 0 };

	assert_null(lack_list_find(&l, 1));
	for (int64_t i = 100; i > 0; i--)
		assert_int_equal(
		        lack_list_add(&l, &(struct lack){ .row = i * 2 }), 0);
	lack_list_sort(&l);
	assert_int_equal(lack_list_find(&l, 64)->row, 64);
	assert_null(lack_list_find(&l, 63));
	lack_list_release(&l);
}

static void when_to_try_again(void **state)
{
	struct err e = { .next = NEXT_RETRY, .code = EC_CONN_LOST };

	assert_int_equal(verify_backoff(&e, 1, 1000), 1000);
	assert_int_equal(verify_backoff(&e, 2, 1000), 4000);
	assert_int_equal(verify_backoff(&e, 3, 1000), -1);
	e.code = EC_INTERRUPTED;
	assert_int_equal(verify_backoff(&e, 1, 1000), -1);
	e = (struct err){ .next = NEXT_WAIT, .wait_ms = 7000 };
	assert_int_equal(verify_backoff(&e, 1, 1000), 7000);
	e.wait_ms = 3600000; /* too long to sit there */
	assert_int_equal(verify_backoff(&e, 1, 1000), -1);
	e = (struct err){ .next = NEXT_SIGN_IN };
	assert_int_equal(verify_backoff(&e, 1, 1000), -1);
}

static void names_of_differences(void **state)
{
	for (int i = 0; i < DIFF_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
			        difference_name((enum difference)i),
			        difference_name((enum difference)k));
	assert_string_equal(difference_name(DIFF_DOUBLED), "doubled");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_without_flags),
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(list_holds_each_once),
		cmocka_unit_test(which_states_are_settled),
		cmocka_unit_test(strays_keep_their_names),
		cmocka_unit_test(copies_with_uids),
		cmocka_unit_test(heads),
		cmocka_unit_test(the_best_match),
		cmocka_unit_test(lacks),
		cmocka_unit_test(when_to_try_again),
		cmocka_unit_test(names_of_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
