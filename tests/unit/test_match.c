/* SPDX-License-Identifier: Apache-2.0 */
/* test_match.c - which copy is which message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mime/fingerprint.h"
#include "transfer/match.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* A fetched message of these octets; id and text are its fingerprint. */
static struct message mail(int octets, uint64_t id, uint64_t text)
{
	struct message m = { .fetched = true };

	memset(m.sha256, octets, sizeof(m.sha256));
	m.fp.version = FINGERPRINT_VERSION;
	m.fp.message_id = id;
	m.fp.text = text;
	return m;
}

static void expect(const struct message *want, size_t want_n,
                   const struct message *have, size_t have_n,
                   const size_t *expected)
{
	size_t of[8] = { 77, 77, 77, 77, 77, 77, 77, 77 };

	assert_true(want_n < COUNT(of));
	assert_int_equal(match_copies(want, want_n, have, have_n, of), 0);
	for (size_t i = 0; i < want_n; i++)
		if (of[i] != expected[i])
			fail_msg("message %zu is copy %zd, not %zd", i,
			         (ssize_t)of[i], (ssize_t)expected[i]);
	assert_int_equal(of[want_n], 77);
}

static void nothing_is_nothing(void **state)
{
	struct message one[] = { mail(1, 1, 1) };
	static const size_t none[] = { MATCH_NONE };

	expect(NULL, 0, NULL, 0, NULL);
	expect(NULL, 0, one, 1, NULL);
	expect(one, 1, NULL, 0, none);
}

static void order_is_of_no_matter(void **state)
{
	struct message want[] = { mail(1, 1, 1), mail(2, 2, 2), mail(3, 3, 3) };
	struct message have[] = { mail(3, 3, 3), mail(9, 9, 9), mail(1, 1, 1),
		                  mail(2, 2, 2) };
	static const size_t of[] = { 2, 3, 0 };

	expect(want, COUNT(want), have, COUNT(have), of);
}

/* Three of the same and two copies: one has to be sent again. */
static void a_copy_serves_one_message(void **state)
{
	struct message want[] = { mail(1, 1, 1), mail(1, 1, 1), mail(1, 1, 1) };
	struct message have[] = { mail(1, 1, 1), mail(5, 5, 5), mail(1, 1, 1) };
	static const size_t of[] = { 0, 2, MATCH_NONE };

	expect(want, COUNT(want), have, COUNT(have), of);
}

/* The first would be content with either copy; the second has one only. */
static void identical_octets_come_first(void **state)
{
	struct message want[] = { mail(1, 7, 7), mail(2, 7, 7) };
	struct message have[] = { mail(2, 7, 7), mail(8, 7, 7) };
	static const size_t of[] = { 1, 0 };

	expect(want, COUNT(want), have, COUNT(have), of);
}

static void rewritten_copies_by_fingerprint(void **state)
{
	struct message want[] = { mail(1, 7, 7), mail(2, 8, 8), mail(3, 9, 9) };
	struct message have[] = { mail(0x11, 8, 8), mail(0x12, 7, 7) };
	static const size_t of[] = { 1, 0, MATCH_NONE };

	expect(want, COUNT(want), have, COUNT(have), of);
}

/* A message sent twice with another text, say a draft: unsure, so none. */
static void unsure_is_not_a_match(void **state)
{
	struct message want[] = { mail(1, 7, 7) };
	struct message have[] = { mail(2, 7, 6) };
	static const size_t of[] = { MATCH_NONE };

	expect(want, COUNT(want), have, COUNT(have), of);
	have[0] = mail(2, 7, 7);
	have[0].fp.version = FINGERPRINT_LAST + 1;
	expect(want, COUNT(want), have, COUNT(have), of);
}

static void what_was_not_read_is_no_copy(void **state)
{
	struct message want[] = { mail(1, 7, 7) };
	struct message have[] = { mail(1, 7, 7), mail(1, 7, 7) };
	static const size_t of[] = { 1 };

	have[0].fetched = false;
	expect(want, COUNT(want), have, COUNT(have), of);
}

static struct fingerprint header(uint64_t id, uint64_t date, uint64_t from,
                                 uint64_t subject)
{
	return (struct fingerprint){
		FINGERPRINT_VERSION, id, date, from, subject, 0
	};
}

static bool may_be(struct fingerprint a, struct fingerprint b)
{
	bool there = match_header(&a, &b);

	assert_int_equal(match_header(&b, &a), there);
	return there;
}

static void message_ids_decide(void **state)
{
	assert_true(may_be(header(1, 4, 6, 8), header(1, 4, 6, 8)));
	assert_true(may_be(header(1, 4, 6, 8), header(1, 18, 18, 18)));
	assert_false(may_be(header(1, 4, 6, 8), header(9, 4, 6, 8)));
}

/* A field that one side lacks says nothing; one that differs decides. */
static void without_them_the_rest_does(void **state)
{
	assert_true(may_be(header(0, 4, 6, 8), header(1, 4, 6, 8)));
	assert_true(may_be(header(0, 4, 6, 8), header(0, 4, 0, 8)));
	assert_true(may_be(header(0, 0, 0, 0), header(1, 4, 6, 8)));
	assert_false(may_be(header(0, 4, 6, 8), header(1, 18, 6, 8)));
	assert_false(may_be(header(0, 4, 6, 8), header(1, 4, 18, 8)));
	assert_false(may_be(header(0, 4, 6, 8), header(1, 4, 6, 18)));
	assert_false(may_be(header(0, 4, 0, 8), header(0, 4, 6, 18)));
	/* Odd: in doubt. */
	assert_true(may_be(header(0, 4, 6, 9), header(1, 4, 6, 18)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(order_is_of_no_matter),
		cmocka_unit_test(a_copy_serves_one_message),
		cmocka_unit_test(identical_octets_come_first),
		cmocka_unit_test(rewritten_copies_by_fingerprint),
		cmocka_unit_test(unsure_is_not_a_match),
		cmocka_unit_test(what_was_not_read_is_no_copy),
		cmocka_unit_test(message_ids_decide),
		cmocka_unit_test(without_them_the_rest_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
