/* SPDX-License-Identifier: Apache-2.0 */
/* Two sources of one destination: what came by the other one. */
#include "store_fixture.h"

#include "store/schema.h"

struct second {
	int64_t mailbox, source;
};

/* Another mailbox with the fixture's destination. */
static struct second second(struct fixture *f, const char *name)
{
	struct second s = { .mailbox = fixture_mailbox(f, name, "dest-anna") };

	s.source = fixture_source(f, s.mailbox, "INBOX", f->dest);
	return s;
}

static struct message pending(struct fixture *f, const struct second *s,
                              uint64_t uid, unsigned octets)
{
	struct message m = { .uid = uid, .size = 10, .flags = MAIL_FLAGGED };

	OK(f, store_messages_add(f->s, s->source, UIDVALIDITY, &m, 1, &f->e));
	fixture_fetched(&m, octets);
	m.state = MSG_SENDING;
	return m;
}

static bool partners(struct fixture *f, int64_t mailbox)
{
	bool is;

	OK(f, store_join_begin(f->s, mailbox, &is, &f->e));
	return is;
}

static int64_t find(struct fixture *f, const struct second *s,
                    const struct message *m, enum fp_match how)
{
	struct joined j;
	int64_t row;

	OK(f, store_join_find(f->s, s->mailbox, m, f->dest, NULL, NULL, &j,
	                      &f->e));
	row = j.row;
	if (row)
		assert_int_equal(j.how, how);
	joined_release(&j);
	return row;
}

/* Finds and takes; gives back the row that it is joined to. */
static int64_t join(struct fixture *f, const struct second *s,
                    struct message *m)
{
	struct joined j;
	int64_t row;

	OK(f, store_join_find(f->s, s->mailbox, m, f->dest, NULL, NULL, &j,
	                      &f->e));
	row = j.row;
	if (row)
		OK(f, store_join_take(f->s, m, &j, &f->e));
	joined_release(&j);
	return row;
}

static void only_with_partners(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");

	assert_false(partners(f, f->mailbox));
	assert_false(partners(f, s.mailbox));
	assert_int_equal(fixture_number(f->path,
	                                "SELECT count(*) FROM sqlite_schema"
	                                " WHERE name GLOB 'message_alike*'"),
	                 0);
	fixture_moved(f, 1, 1, 9);
	assert_true(partners(f, s.mailbox));
	assert_true(partners(f, s.mailbox));
	assert_int_equal(fixture_number(f->path,
	                                "SELECT count(*) FROM sqlite_schema"
	                                " WHERE name GLOB 'message_alike*'"),
	                 2);
	/* Another destination's mailbox is none. */
	assert_false(partners(f, fixture_mailbox(f, "other", "dest-b")));
}

static void the_larger_number_of_two(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file"), t = second(f, "third");
	int64_t one = fixture_moved(f, 1, 1, 9);
	int64_t two = fixture_moved(f, 2, 1, 10);
	struct message v[3] = { pending(f, &s, 1, 1), pending(f, &s, 2, 1),
		                pending(f, &s, 3, 1) };
	struct message w[2] = { pending(f, &t, 1, 1), pending(f, &t, 2, 1) };
	struct fixture_row r;

	partners(f, s.mailbox);
	assert_int_equal(join(f, &s, &v[0]), one);
	assert_int_equal(join(f, &s, &v[1]), two);
	assert_int_equal(join(f, &s, &v[2]), 0);
	assert_int_equal(v[0].state, MSG_ADOPTED);
	assert_true(fixture_find(f, v[0].row, &r));
	assert_int_equal(r.r.m.state, MSG_ADOPTED);
	assert_int_equal(r.r.same_as, one);
	assert_int_equal(r.r.dest_folder, 0);
	assert_int_equal(r.r.m.dest_uid, 0);
	/* Nothing was set, so nothing differs. */
	assert_int_equal(r.r.m.set_flags, MAIL_FLAGGED);
	fixture_row_free(&r);
	/* A third source finds rows with copies, not joined ones. */
	assert_int_equal(join(f, &t, &w[0]), one);
	assert_int_equal(join(f, &t, &w[1]), two);
}

static void what_is_no_copy_stands_for_nothing(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	static const enum msg_state none[] = { MSG_PENDING, MSG_LEFT_OUT,
		                               MSG_HOLE,    MSG_PROBLEM,
		                               MSG_IGNORED, MSG_GONE_SOURCE };
	static const enum msg_state copies[] = { MSG_UNFINISHED, MSG_MOVED,
		                                 MSG_ADOPTED, MSG_SENDING };
	int64_t row = fixture_moved(f, 1, 1, 9);
	struct message m = pending(f, &s, 1, 1);

	partners(f, s.mailbox);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		OK(f, store_state(f->s, row, none[i], NULL, &f->e));
		assert_int_equal(find(f, &s, &m, FP_SAME), 0);
	}
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		OK(f, store_state(f->s, row, copies[i], NULL, &f->e));
		assert_int_equal(find(f, &s, &m, FP_SAME), row);
	}
}

static void octets_come_before_likeness(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	int64_t alike = fixture_moved(f, 1, 1, 9);
	int64_t equal = fixture_moved(f, 2, 2, 10);
	struct message m = pending(f, &s, 1, 2);

	partners(f, s.mailbox);
	/* Its octets are those of the second, its looks those of the first. */
	m.fp.message_id = 1001;
	m.fp.text = 2001;
	assert_int_equal(find(f, &s, &m, FP_SAME), equal);
	memset(m.sha256, 77, sizeof(m.sha256));
	assert_int_equal(find(f, &s, &m, FP_SAME), alike);
	/* Without a Message-ID: by date and text. */
	m.fp.message_id = 0;
	assert_int_equal(find(f, &s, &m, FP_SAME), alike);
	m.fp.subject = 0;
	assert_int_equal(find(f, &s, &m, FP_UNSURE), alike);
	/* Another text: unsure. */
	m.fp.message_id = 1001;
	m.fp.text = 5;
	assert_int_equal(find(f, &s, &m, FP_UNSURE), alike);
	m.fp.message_id = 5;
	m.fp.date = 5;
	assert_int_equal(find(f, &s, &m, FP_UNSURE), 0);
}

static bool is_given(int64_t row, void *arg)
{
	return row == *(int64_t *)arg;
}

static void given_away_by_the_caller(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	int64_t one = fixture_moved(f, 1, 1, 9);
	int64_t two = fixture_moved(f, 2, 1, 10);
	struct message m = pending(f, &s, 1, 1);
	struct joined j;

	partners(f, s.mailbox);
	OK(f,
	   store_join_find(f->s, s.mailbox, &m, 0, is_given, &one, &j, &f->e));
	assert_int_equal(j.row, two);
	assert_string_equal(j.mailbox, "anna");
	assert_string_equal(j.folder, "INBOX");
	joined_release(&j);
}

static void deleted_there_stays_deleted_until_asked_for(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	int64_t row = fixture_moved(f, 1, 1, 9);
	struct message m = pending(f, &s, 1, 1);
	struct fixture_row r;

	partners(f, s.mailbox);
	OK(f, store_state(f->s, row, MSG_GONE_DEST, NULL, &f->e));
	assert_int_equal(join(f, &s, &m), row);
	assert_int_equal(m.state, MSG_GONE_DEST);
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.state, MSG_GONE_DEST);
	assert_non_null(strstr(r.note, "deleted at the destination"));
	fixture_row_free(&r);
	OK(f, store_state(f->s, m.row, MSG_PENDING, NULL, &f->e));
	assert_int_equal(find(f, &s, &m, FP_SAME), 0);
	/* But it is not sent if the other source sent it again. */
	OK(f, store_state(f->s, row, MSG_MOVED, NULL, &f->e));
	assert_int_equal(find(f, &s, &m, FP_SAME), row);
}

static void present_before_deleted(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	int64_t gone = fixture_moved(f, 1, 1, 9);
	int64_t there = fixture_moved(f, 2, 1, 10);
	struct message m = pending(f, &s, 1, 1);

	partners(f, s.mailbox);
	OK(f, store_state(f->s, gone, MSG_GONE_DEST, NULL, &f->e));
	assert_int_equal(join(f, &s, &m), there);
}

static uint64_t follow(struct fixture *f, int64_t mailbox)
{
	uint64_t again;

	OK(f, store_join_follow(f->s, mailbox, &again, &f->e));
	return again;
}

static void joined_rows_follow(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	int64_t row = fixture_moved(f, 1, 1, 9);
	struct message m = pending(f, &s, 1, 1);

	partners(f, s.mailbox);
	assert_int_equal(join(f, &s, &m), row);
	assert_int_equal(follow(f, s.mailbox), 0);
	assert_int_equal(fixture_state(f, m.row), MSG_ADOPTED);
	OK(f, store_state(f->s, row, MSG_GONE_DEST, NULL, &f->e));
	assert_int_equal(follow(f, f->mailbox), 0);
	assert_int_equal(fixture_state(f, m.row), MSG_GONE_DEST);
	OK(f, store_state(f->s, row, MSG_MOVED, NULL, &f->e));
	assert_int_equal(follow(f, s.mailbox), 0);
	assert_int_equal(fixture_state(f, m.row), MSG_ADOPTED);
	/* It was on its way, and never arrived. */
	OK(f, store_state(f->s, row, MSG_PROBLEM, NULL, &f->e));
	assert_int_equal(follow(f, s.mailbox), 1);
	assert_int_equal(fixture_state(f, m.row), MSG_PENDING);
	assert_int_equal(find(f, &s, &m, FP_SAME), 0);
}

struct told {
	size_t n;
	struct joined_row last;
};

static int tell(const struct joined_row *r, void *arg)
{
	struct told *t = arg;

	t->n++;
	t->last = *r;
	return 0;
}

static void joins_are_told(void **state)
{
	struct fixture *f = *state;
	struct second s = second(f, "file");
	int64_t row = fixture_moved(f, 1, 1, 9);
	struct message m = pending(f, &s, 4, 1);
	struct told t = { 0 };

	partners(f, s.mailbox);
	OK(f, store_joins(f->s, s.mailbox, tell, &t, &f->e));
	assert_int_equal(t.n, 0);
	join(f, &s, &m);
	OK(f, store_joins(f->s, s.mailbox, tell, &t, &f->e));
	assert_int_equal(t.n, 1);
	assert_int_equal(t.last.row, m.row);
	assert_int_equal(t.last.uid, 4);
	assert_int_equal(t.last.of, row);
	assert_int_equal(t.last.of_state, MSG_MOVED);
	assert_int_equal(t.last.dest_folder, f->dest);
	OK(f, store_joins(f->s, f->mailbox, tell, &t, &f->e));
	assert_int_equal(t.n, 1);
}

/* A store of the first version gains the column, and loses nothing. */
static void an_older_store_is_upgraded(void **state)
{
	struct fixture *f = *state;
	fixture_moved(f, 1, 1, 9);
	store_close(&f->s);
	fixture_sql(f->path, "DROP VIEW messages; DROP INDEX message_joined;"
	                     "DROP INDEX dest_copy_head;"
	                     "CREATE INDEX dest_copy_head ON dest_copy(fp_date,"
	                     "fp_from,fp_subject) WHERE fp_message_id=0;"
	                     "CREATE INDEX message_key ON message(key);"
	                     "CREATE INDEX message_pending_key"
	                     " ON message(source_folder);"
	                     "ALTER TABLE message DROP COLUMN same_as;"
	                     "CREATE VIEW messages AS SELECT id FROM message;"
	                     "PRAGMA user_version=1");
	OK(f, store_open(&f->s, f->path, false, &f->e));
	assert_int_equal(fixture_number(f->path,
	                                "SELECT count(*) FROM messages"
	                                " WHERE state='moved' AND same_as IS"
	                                " NULL AND dest_uid=9"),
	                 1);
	assert_int_equal(fixture_number(f->path, "PRAGMA user_version"),
	                 schema_version());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(only_with_partners),
		STORE_TEST(the_larger_number_of_two),
		STORE_TEST(what_is_no_copy_stands_for_nothing),
		STORE_TEST(octets_come_before_likeness),
		STORE_TEST(given_away_by_the_caller),
		STORE_TEST(deleted_there_stays_deleted_until_asked_for),
		STORE_TEST(present_before_deleted),
		STORE_TEST(joined_rows_follow),
		STORE_TEST(joins_are_told),
		STORE_TEST(an_older_store_is_upgraded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
