/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes, their progress, and one run at a time. */
#include <signal.h>

#include "store_fixture.h"

static struct mailbox box(const char *name, const char *from)
{
	return (struct mailbox){ .name = name ? strdup(name) : NULL,
		                 .from = strdup(from),
		                 .to = strdup("maildir:/tmp/x"),
		                 .to_key = strdup("maildir:/tmp/x") };
}

static void put_get(void **state)
{
	struct fixture *f = *state;
	struct mailbox *v;
	size_t n;

	OK(f, store_mailboxes(f->s, NULL, 0, &v, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].id, f->mailbox);
	assert_string_equal(v[0].name, "anna");
	assert_string_equal(v[0].from, "imaps://a@s");
	assert_string_equal(v[0].to, "imaps://b@d");
	assert_string_equal(v[0].to_key, "dest-anna");
	assert_string_equal(v[0].options, "{}");
	assert_int_equal(v[0].last_exit, -1);
	assert_null(v[0].last_text);
	assert_int_equal(v[0].started, 0);
	assert_int_equal(v[0].ended, 0);
	mailboxes_free(&v, n);
	assert_null(v);
}

static void all_or_none(void **state)
{
	struct fixture *f = *state;
	struct mailbox v[2] = { box("ben", "imaps://ben@s"),
		                box("anna", "imaps://anna@s") };
	struct mailbox *got;
	size_t n;

	assert_int_equal(store_mailbox_add(f->s, v, 2, &f->e), -1);
	assert_int_equal(f->e.code, EC_INPUT);
	assert_non_null(strstr(f->e.text, "'anna'"));
	OK(f, store_mailboxes(f->s, NULL, 0, &got, &n, &f->e));
	assert_int_equal(n, 1);
	mailboxes_free(&got, n);
	mailbox_release(&v[0]);
	mailbox_release(&v[1]);
	assert_null(v[0].name);
}

/* Within a transaction of the caller's, too. */
static void none_within_transaction(void **state)
{
	struct fixture *f = *state;
	struct mailbox v[2] = { box("ben", "imaps://ben@s"),
		                box("anna", "imaps://anna@s") };
	struct mailbox *got;
	size_t n;

	OK(f, store_begin(f->s, &f->e));
	assert_int_equal(store_mailbox_add(f->s, v, 2, &f->e), -1);
	OK(f, store_commit(f->s, &f->e));
	OK(f, store_mailboxes(f->s, NULL, 0, &got, &n, &f->e));
	assert_int_equal(n, 1);
	mailboxes_free(&got, n);
	mailbox_release(&v[0]);
	mailbox_release(&v[1]);
}

static void names_are_made(void **state)
{
	struct fixture *f = *state;
	struct mailbox v[3] = { box(NULL, "imaps://carl@s"),
		                box(NULL, "imaps://carl@s"),
		                box("carl@s", "imaps://carl@t") };

	OK(f, store_mailbox_add(f->s, v, 3, &f->e));
	assert_string_equal(v[2].name, "carl@s");
	assert_string_equal(v[0].name, "carl@s-2");
	assert_string_equal(v[1].name, "carl@s-3");
	assert_true(v[0].id && v[1].id && v[2].id && v[0].id != v[1].id);
	for (int i = 0; i < 3; i++)
		mailbox_release(&v[i]);
}

static void patterns(void **state)
{
	struct fixture *f = *state;
	const char *some[] = { "an*", "b[ae]n" }, *none[] = { "anna", "zoe" };
	struct mailbox *v;
	size_t n;

	fixture_mailbox(f, "ben", "x");
	fixture_mailbox(f, "carl", "y");
	OK(f, store_mailboxes(f->s, some, 2, &v, &n, &f->e));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].name, "anna");
	assert_string_equal(v[1].name, "ben");
	mailboxes_free(&v, n);
	assert_int_equal(store_mailboxes(f->s, none, 2, &v, &n, &f->e), -1);
	assert_int_equal(f->e.code, EC_INPUT);
	assert_non_null(strstr(f->e.text, "'zoe'"));
	assert_null(v);
	assert_int_equal(n, 0);
}

static void pattern_equals_a_name_with_brackets(void **state)
{
	struct fixture *f = *state;
	const char *name[] = { "a[1]" };
	struct mailbox *v;
	size_t n;

	fixture_mailbox(f, "a[1]", "x");
	OK(f, store_mailboxes(f->s, name, 1, &v, &n, &f->e));
	assert_int_equal(n, 1);
	mailboxes_free(&v, n);
}

static void find(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	OK(f, store_mailbox_find(f->s, "imaps://a@s", "dest-anna", &id, &f->e));
	assert_int_equal(id, f->mailbox);
	OK(f, store_mailbox_find(f->s, "imaps://a@s", "other", &id, &f->e));
	assert_int_equal(id, 0);
	OK(f, store_mailbox_find(f->s, "imaps://z@s", "dest-anna", &id, &f->e));
	assert_int_equal(id, 0);
}

static void life(void **state)
{
	struct fixture *f = *state;
	struct mailbox *v;
	size_t n;

	OK(f, store_mailbox_options(f->s, f->mailbox, "{\"lanes\":2}", &f->e));
	OK(f, store_mailbox_started(f->s, f->mailbox, &f->e));
	OK(f, store_mailbox_ended(f->s, f->mailbox, 2, false, "Lost.", &f->e));
	OK(f, store_mailboxes(f->s, NULL, 0, &v, &n, &f->e));
	assert_string_equal(v[0].options, "{\"lanes\":2}");
	assert_true(v[0].started > 1500000000);
	assert_true(v[0].ended >= v[0].started);
	assert_int_equal(v[0].last_exit, 2);
	assert_int_equal(v[0].pass, 0);
	assert_string_equal(v[0].last_text, "Lost.");
	mailboxes_free(&v, n);
	OK(f, store_mailbox_ended(f->s, f->mailbox, 0, true, NULL, &f->e));
	OK(f, store_mailboxes(f->s, NULL, 0, &v, &n, &f->e));
	assert_int_equal(v[0].pass, 1);
	assert_int_equal(v[0].last_exit, 0);
	assert_null(v[0].last_text);
	mailboxes_free(&v, n);
	assert_int_equal(store_mailbox_started(f->s, 999, &f->e), -1);
	assert_int_equal(store_mailbox_options(f->s, 999, "{}", &f->e), -1);
}

/* --- Progress --- */

static void progress_counts(void **state)
{
	struct fixture *f = *state;
	int64_t row[9];
	struct message bad = { .why = { .code = EC_TOO_BIG, .text = "Big." } };
	struct progress p;

	for (uint64_t i = 0; i < 9; i++)
		row[i] = fixture_add(f, i + 1, 1u << i);
	fixture_intend(f, row[1], 1);
	fixture_intend(f, row[2], 2);
	fixture_settle(f, row[2], MSG_MOVED, 5);
	fixture_settle(f, row[3], MSG_ADOPTED, 6);
	bad.row = row[4];
	OK(f, store_problem(f->s, &bad, MSG_PROBLEM, &f->e));
	bad.row = row[5];
	OK(f, store_problem(f->s, &bad, MSG_HOLE, &f->e));
	OK(f, store_state(f->s, row[6], MSG_IGNORED, NULL, &f->e));
	OK(f, store_state(f->s, row[7], MSG_GONE_DEST, NULL, &f->e));
	OK(f, store_state(f->s, row[8], MSG_GONE_SOURCE, NULL, &f->e));
	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_int_equal(p.listed, 8);
	assert_int_equal(p.moved, 1);
	assert_int_equal(p.adopted, 1);
	assert_int_equal(p.problems, 1);
	assert_int_equal(p.holes, 1);
	assert_int_equal(p.ignored, 1);
	assert_int_equal(p.gone, 1);
	assert_int_equal(p.left_out, 0);
	assert_int_equal(p.left, 3); /* pending, sending, hole */
	assert_int_equal(p.bytes_listed, 255);
	assert_int_equal(p.bytes_settled, 4 + 8 + 16 + 64 + 128);
}

static void progress_is_kept_by_transactions(void **state)
{
	struct fixture *f = *state;
	struct progress p;

	fixture_add(f, 1, 100);
	OK(f, store_begin(f->s, &f->e));
	fixture_add(f, 2, 100);
	store_rollback(f->s);
	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_int_equal(p.listed, 1);
	assert_int_equal(p.bytes_listed, 100);
	fixture_sql(f->path, "DELETE FROM message");
	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_int_equal(p.listed, 0);
	assert_int_equal(p.bytes_listed, 0);
}

static void absurd_sizes_stay_numbers(void **state)
{
	struct fixture *f = *state;
	struct progress p;

	for (uint64_t uid = 1; uid < 20; uid++)
		fixture_add(f, uid, UINT64_MAX);
	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_int_equal(p.listed, 19);
	assert_true(p.bytes_listed < INT64_MAX);
}

static void progress_knows_of_listing(void **state)
{
	struct fixture *f = *state;
	struct progress p;

	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_true(p.listing);
	OK(f, store_source_listed(f->s, f->source, 1, 2, 3, 4, &f->e));
	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_false(p.listing);
}

/* --- Locks --- */

static void lock_within_process(void **state)
{
	struct fixture *f = *state;
	int64_t same = fixture_mailbox(f, "same-to", "dest-anna");
	int64_t other = fixture_mailbox(f, "other", "elsewhere");

	assert_false(store_mailbox_running(f->s, f->mailbox));
	OK(f, store_lock_mailbox(f->s, f->mailbox, &f->e));
	assert_true(store_mailbox_running(f->s, f->mailbox));
	assert_false(store_mailbox_running(f->s, other));
	assert_int_equal(store_lock_mailbox(f->s, f->mailbox, &f->e), -1);
	assert_int_equal(f->e.code, EC_BUSY);
	assert_non_null(strstr(f->e.text, "anna"));
	assert_int_equal(store_lock_mailbox(f->s, same, &f->e), -1);
	assert_int_equal(f->e.code, EC_BUSY);
	OK(f, store_lock_mailbox(f->s, other, &f->e));
	store_unlock_mailbox(f->s, f->mailbox);
	assert_false(store_mailbox_running(f->s, f->mailbox));
	OK(f, store_lock_mailbox(f->s, same, &f->e));
	assert_int_equal(store_lock_mailbox(f->s, 999, &f->e), -1);
	assert_int_equal(f->e.code, EC_STORE);
}

static int lock_code(struct fixture *f, struct store *s, int64_t id)
{
	if (store_lock_mailbox(s, id, &f->e) == 0)
		return EC_NONE;
	return f->e.code;
}

/* Two stores of one process have two file descriptions, as two processes
 * have. */
static void lock_between_stores(void **state)
{
	struct fixture *f = *state;
	int64_t same = fixture_mailbox(f, "same-to", "dest-anna");
	struct store *two;

	OK(f, store_open(&two, f->path, false, &f->e));
	assert_int_equal(lock_code(f, f->s, same), EC_NONE);
	assert_true(store_mailbox_running(two, same));
	assert_false(store_mailbox_running(two, f->mailbox));
	assert_int_equal(lock_code(f, two, same), EC_BUSY);
	assert_int_equal(lock_code(f, two, f->mailbox), EC_BUSY);
	/* The refused one holds nothing back. */
	assert_false(store_mailbox_running(f->s, f->mailbox));
	store_unlock_mailbox(f->s, same);
	assert_int_equal(lock_code(f, two, f->mailbox), EC_NONE);
	assert_int_equal(lock_code(f, f->s, same), EC_BUSY);
	store_close(&two);
	assert_int_equal(lock_code(f, f->s, same), EC_NONE);
}

static void lock_ends_with_the_process(void **state)
{
	struct fixture *f = *state;
	int to[2], status;
	char octet = 0;
	pid_t pid;

	assert_int_equal(pipe(to), 0);
	store_close(&f->s);
	pid = fork();
	if (pid == 0) {
		if (store_open(&f->s, f->path, false, &f->e) ||
		    store_lock_mailbox(f->s, f->mailbox, &f->e))
			_exit(1);
		octet = 'k';
		if (write(to[1], &octet, 1) != 1)
			_exit(1);
		pause();
	}
	close(to[1]);
	assert_int_equal(read(to[0], &octet, 1), 1);
	close(to[0]);
	OK(f, store_open(&f->s, f->path, false, &f->e));
	assert_true(store_mailbox_running(f->s, f->mailbox));
	assert_int_equal(lock_code(f, f->s, f->mailbox), EC_BUSY);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_false(store_mailbox_running(f->s, f->mailbox));
	assert_int_equal(lock_code(f, f->s, f->mailbox), EC_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(put_get),
		STORE_TEST(all_or_none),
		STORE_TEST(none_within_transaction),
		STORE_TEST(names_are_made),
		STORE_TEST(patterns),
		STORE_TEST(pattern_equals_a_name_with_brackets),
		STORE_TEST(find),
		STORE_TEST(life),
		STORE_TEST(progress_counts),
		STORE_TEST(progress_is_kept_by_transactions),
		STORE_TEST(absurd_sizes_stay_numbers),
		STORE_TEST(progress_knows_of_listing),
		STORE_TEST(lock_within_process),
		STORE_TEST(lock_between_stores),
		STORE_TEST(lock_ends_with_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
