/* SPDX-License-Identifier: Apache-2.0 */
/* test_report.c - the sums of a mailbox and of its folders. */
#include "mailhaul/report.h"
#include "store_fixture.h"

static struct sums whole_of(struct fixture *f)
{
	static const char *const name[] = { "anna" };
	struct mailbox *m;
	struct sums s;
	size_t n;

	OK(f, store_mailboxes(f->s, name, 1, &m, &n, &f->e));
	assert_int_equal(n, 1);
	OK(f, report_sums(f->s, m, &s, &f->e));
	mailboxes_free(&m, n);
	return s;
}

static void listed(struct fixture *f, int64_t folder, uint64_t messages)
{
	OK(f, store_source_listed(f->s, folder, UIDVALIDITY, 100, 0, messages,
	                          &f->e));
}

static void ended(struct fixture *f, int exit_code)
{
	OK(f, store_mailbox_started(f->s, f->mailbox, &f->e));
	OK(f, store_mailbox_ended(f->s, f->mailbox, exit_code, exit_code < 2,
	                          NULL, &f->e));
}

/* Until a pass is over the source may hold more than is known. */
static void while_it_goes_on(void **state)
{
	struct fixture *f = *state;
	struct sums s;

	fixture_moved(f, 1, 1, 11);
	fixture_add(f, 2, 5);
	OK(f, store_mailbox_started(f->s, f->mailbox, &f->e));
	s = whole_of(f);
	assert_false(s.complete);
	assert_int_equal(s.items, 2);
	assert_int_equal(s.moved, 1);
	assert_int_equal(s.waiting, 1);
	listed(f, f->source, 9);
	ended(f, 2);
	assert_false(whole_of(f).complete);
	assert_int_equal(whole_of(f).items, 2);
}

static void a_pass_is_over(void **state)
{
	struct fixture *f = *state;
	uint64_t now[] = { 1, 3 }, n;
	struct sums s;

	fixture_moved(f, 1, 1, 11);
	fixture_moved(f, 2, 2, 12);
	OK(f, store_state(f->s, fixture_moved(f, 3, 3, 13), MSG_GONE_DEST, NULL,
	                  &f->e));
	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, now, 2, &n, &f->e));
	listed(f, f->source, 2);
	ended(f, 0);
	s = whole_of(f);
	assert_true(s.complete);
	assert_int_equal(s.items, 2);
	assert_int_equal(s.moved, 1);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.departed, 1);
	assert_int_equal(sums_accounted(&s), 2);
}

/* The listing is believed, not the rows: that is what makes it a check. */
static void a_lost_row_shows(void **state)
{
	struct fixture *f = *state;
	struct sums s;

	fixture_moved(f, 1, 1, 11);
	listed(f, f->source, 2);
	ended(f, 0);
	s = whole_of(f);
	assert_true(s.complete);
	assert_int_equal(s.items, 2);
	assert_int_equal(sums_accounted(&s), 1);
}

static void a_folder_never_listed(void **state)
{
	struct fixture *f = *state;

	fixture_moved(f, 1, 1, 11);
	listed(f, f->source, 1);
	fixture_source(f, f->mailbox, "Work", f->dest);
	ended(f, 0);
	assert_false(whole_of(f).complete);
}

struct seen {
	char words[256];
};

static int see(const struct folder_sums *s, void *arg)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->words);

	snprintf(seen->words + n, sizeof(seen->words) - n, "%s>%s %s: %d=%d; ",
	         s->from, s->to ? s->to : "-", s->left_out ? s->left_out : "",
	         (int)s->sums.items, (int)sums_accounted(&s->sums));
	return 0;
}

static void folder_by_folder(void **state)
{
	char name[] = "Spam";
	struct fixture *f = *state;
	struct folder left = { .raw = name, .path = name, .delim = '/' };
	struct mailbox *m;
	struct seen seen = { "" };
	struct sums whole;
	size_t n;

	fixture_moved(f, 1, 1, 11);
	listed(f, f->source, 1);
	OK(f, store_source_folder_put(f->s, f->mailbox, &left, 0, "excluded",
	                              &f->e));
	ended(f, 1);
	OK(f, store_mailboxes(f->s, NULL, 0, &m, &n, &f->e));
	OK(f, report_folders(f->s, m, see, &seen, &whole, &f->e));
	mailboxes_free(&m, n);
	assert_string_equal(seen.words,
	                    "INBOX>INBOX : 1=1; Spam>- excluded: 0=0; ");
	assert_true(whole.complete);
	assert_int_equal(whole.items, 1);
	assert_int_equal(whole.folders_left_out, 1);
	assert_int_equal(whole_of(f).folders_left_out, 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(while_it_goes_on), TEST(a_pass_is_over),
		TEST(a_lost_row_shows), TEST(a_folder_never_listed),
		TEST(folder_by_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
