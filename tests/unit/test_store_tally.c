/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_tally.c - messages counted by state, whole and by folder. */
#include "store_fixture.h"

struct seen {
	uint64_t messages[MSG_STATE_COUNT][2]; /* [state][orphan] */
	uint64_t bytes;
	int64_t folders[16];
	size_t n;
};

static int see(const struct tally *t, void *arg)
{
	struct seen *s = arg;

	assert_true(t->messages > 0);
	assert_true(s->n < 16);
	s->messages[t->state][t->orphan] += t->messages;
	s->bytes += t->bytes;
	s->folders[s->n++] = t->source_folder;
	return 0;
}

static struct seen look(struct fixture *f, bool folders)
{
	struct seen s = { .n = 0 };

	OK(f, store_tally(f->s, f->mailbox, folders, see, &s, &f->e));
	return s;
}

static void fill(struct fixture *f)
{
	uint64_t now[] = { 1, 2, 3 }, n;
	struct message other = { .uid = 1, .size = 7 };

	fixture_moved(f, 1, 1, 11);
	fixture_moved(f, 2, 2, 12);
	fixture_add(f, 3, 100);
	fixture_moved(f, 4, 4, 14); /* gone from the source */
	fixture_add(f, 5, 1000);    /* likewise, never copied */
	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, now, 3, &n, &f->e));
	OK(f, store_messages_add(f->s, fixture_source(f, f->mailbox, "Work", 0),
	                         UIDVALIDITY, &other, 1, &f->e));
}

static void both_ways(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (int folders = 0; folders < 2; folders++) {
		struct seen s = look(f, folders);

		assert_int_equal(s.messages[MSG_MOVED][0], 2);
		assert_int_equal(s.messages[MSG_MOVED][1], 1);
		assert_int_equal(s.messages[MSG_PENDING][0], 2);
		assert_int_equal(s.messages[MSG_GONE_SOURCE][0], 0);
		assert_int_equal(s.messages[MSG_GONE_SOURCE][1], 1);
		assert_int_equal(s.bytes, 10 + 10 + 100 + 10 + 1000 + 7);
		for (size_t i = 0; i < s.n; i++)
			assert_int_equal(s.folders[i] != 0, folders);
	}
}

static void an_empty_mailbox(void **state)
{
	struct fixture *f = *state;

	for (int folders = 0; folders < 2; folders++)
		assert_int_equal(look(f, folders).n, 0);
}

static int stop(const struct tally *t, void *arg)
{
	++*(int *)arg;
	return 7;
}

static void each_may_stop_it(void **state)
{
	struct fixture *f = *state;
	int calls = 0;

	fill(f);
	assert_int_equal(
	        store_tally(f->s, f->mailbox, true, stop, &calls, &f->e), 7);
	assert_int_equal(calls, 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ways),
		TEST(an_empty_mailbox),
		TEST(each_may_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
