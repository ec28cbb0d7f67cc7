/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_manners.c - a literal that the server did not ask for goes out only
 * after arguments that it has been seen to accept.
 *
 * What is learnt stays for the process: each test has a host of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "mailhaul/mail.h"
#include "writer/manners.h"

static void a_stranger_is_not_trusted(void **state)
{
	assert_false(manners_trusts("a.example", 0, NULL));
	assert_false(manners_trusts("a.example", MAIL_SEEN, "work"));
	/* Asking teaches nothing. */
	assert_false(manners_trusts("a.example", 0, NULL));
}

static void plain_is_enough_for_plain_only(void **state)
{
	manners_accepted("b.example", 0, NULL);
	assert_true(manners_trusts("b.example", 0, NULL));
	assert_true(manners_trusts("b.example", 0, ""));
	assert_false(manners_trusts("b.example", MAIL_SEEN, NULL));
	assert_false(manners_trusts("b.example", 0, "work"));
}

static void flags_are_learnt_one_by_one(void **state)
{
	const char *host = "c.example";

	manners_accepted(host, MAIL_SEEN, NULL);
	assert_true(manners_trusts(host, 0, NULL));
	assert_true(manners_trusts(host, MAIL_SEEN, NULL));
	assert_false(manners_trusts(host, MAIL_SEEN | MAIL_DRAFT, NULL));
	manners_accepted(host, MAIL_DRAFT, NULL);
	assert_true(manners_trusts(host, MAIL_SEEN | MAIL_DRAFT, NULL));
	assert_false(manners_trusts(host, MAIL_FLAGGED, NULL));
}

static void keywords_are_whole_words(void **state)
{
	const char *host = "d.example";

	manners_accepted(host, 0, "$Forwarded work");
	assert_true(manners_trusts(host, 0, "work"));
	assert_true(manners_trusts(host, 0, "work $Forwarded"));
	assert_true(manners_trusts(host, 0, "  work  "));
	assert_false(manners_trusts(host, 0, "wor"));
	assert_false(manners_trusts(host, 0, "works"));
	assert_false(manners_trusts(host, 0, "work home"));
	assert_false(manners_trusts(host, 0, "home work"));
	assert_false(manners_trusts(host, 0, "$Forwarded\twork"));
	manners_accepted(host, 0, "home");
	assert_true(manners_trusts(host, 0, "home work"));
}

static void after_one_bad_never_again(void **state)
{
	const char *host = "e.example";

	manners_accepted(host, MAIL_SEEN, "work");
	manners_refused(host);
	assert_false(manners_trusts(host, 0, NULL));
	assert_false(manners_trusts(host, MAIL_SEEN, "work"));
	manners_accepted(host, MAIL_SEEN, "work");
	assert_false(manners_trusts(host, MAIL_SEEN, "work"));
	/* Also where the first answer of all is BAD. */
	manners_refused("f.example");
	manners_accepted("f.example", 0, NULL);
	assert_false(manners_trusts("f.example", 0, NULL));
}

static void hosts_do_not_answer_for_each_other(void **state)
{
	manners_accepted("g.example", MAIL_SEEN, "work");
	manners_refused("h.example");
	assert_true(manners_trusts("g.example", MAIL_SEEN, "work"));
	assert_false(manners_trusts("g.example.org", 0, NULL));
	assert_false(manners_trusts("G", 0, NULL));
}

static void memory_of_keywords_has_an_end(void **state)
{
	const char *host = "i.example";
	char word[16];

	for (int i = 0; i < 1200; i++) {
		snprintf(word, sizeof(word), "k%d", i);
		manners_accepted(host, 0, word);
		/* Twice is once. */
		manners_accepted(host, 0, word);
	}
	assert_true(manners_trusts(host, 0, "k0 k500 k999"));
	assert_false(manners_trusts(host, 0, "k1000"));
	assert_false(manners_trusts(host, 0, "k1199"));
}

static void *learn_much(void *arg)
{
	char word[16];

	for (int i = 0; i < 200; i++) {
		snprintf(word, sizeof(word), "%c%d", *(char *)arg, i);
		manners_accepted("j.example", MAIL_SEEN, word);
		if (!manners_trusts("j.example", MAIL_SEEN, word))
			return arg;
	}
	return NULL;
}

static void connections_share_what_they_learn(void **state)
{
	char names[] = "abcd";
	pthread_t t[4];
	void *failed;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		        pthread_create(&t[i], NULL, learn_much, &names[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	assert_true(manners_trusts("j.example", MAIL_SEEN, "a0 b50 c100 d199"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_is_not_trusted),
		cmocka_unit_test(plain_is_enough_for_plain_only),
		cmocka_unit_test(flags_are_learnt_one_by_one),
		cmocka_unit_test(keywords_are_whole_words),
		cmocka_unit_test(after_one_bad_never_again),
		cmocka_unit_test(hosts_do_not_answer_for_each_other),
		cmocka_unit_test(memory_of_keywords_has_an_end),
		cmocka_unit_test(connections_share_what_they_learn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
