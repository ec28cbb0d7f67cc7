/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by question, claimed copies, and the indexes that answer. */
#include "store/db.h"
#include "store_fixture.h"

struct seen {
	struct fixture *f;
	int64_t last;
	size_t n, stop_after;
	int answer;
	bool change;
};

static int see(struct row *r, void *arg)
{
	struct seen *to = arg;

	assert_true(r->m.row > to->last);
	to->last = r->m.row;
	to->n++;
	if (to->change)
		OK(to->f, store_state(to->f->s, r->m.row, MSG_IGNORED, NULL,
		                      &to->f->e));
	return to->stop_after && to->n >= to->stop_after ? to->answer : 0;
}

static size_t rows(struct fixture *f, struct row_where w)
{
	struct seen to = { .f = f };
	uint64_t counted = 999;

	OK(f, store_rows(f->s, &w, see, &to, &f->e));
	OK(f, store_count(f->s, &w, &counted, &f->e));
	assert_int_equal(counted, to.n);
	return to.n;
}

#define ROWS(f, ...) rows(f, (struct row_where){ __VA_ARGS__ })

static void by_place_and_state(void **state)
{
	struct fixture *f = *state;
	int64_t two = fixture_mailbox(f, "two", "dest-two");
	int64_t sent = fixture_source(f, f->mailbox, "Sent", 0);
	int64_t theirs = fixture_source(f, two, "INBOX", 0);
	struct message m = { .uid = 1 };
	int64_t row = fixture_add(f, 1, 1);

	fixture_add(f, 2, 1);
	OK(f, store_messages_add(f->s, sent, 1, &m, 1, &f->e));
	OK(f, store_messages_add(f->s, theirs, 1, &m, 1, &f->e));
	fixture_intend(f, row, 1);
	assert_int_equal(ROWS(f, .limit = 0), 4);
	assert_int_equal(ROWS(f, .mailbox = f->mailbox), 3);
	assert_int_equal(ROWS(f, .mailbox = two), 1);
	assert_int_equal(ROWS(f, .source_folder = f->source), 2);
	assert_int_equal(ROWS(f, .source_folder = f->source, .mailbox = two),
	                 0);
	assert_int_equal(ROWS(f, .dest_folder = f->dest), 1);
	assert_int_equal(ROWS(f, .states = 1u << MSG_SENDING), 1);
	assert_int_equal(ROWS(f, .mailbox = two, .states = 1u << MSG_SENDING),
	                 0);
	assert_int_equal(ROWS(f, .states = 1u << MSG_PENDING), 3);
	assert_int_equal(
	        ROWS(f, .states = 1u << MSG_PENDING | 1u << MSG_SENDING), 4);
	assert_int_equal(ROWS(f, .after_row = row), 3);
	assert_int_equal(ROWS(f, .after_row = row, .limit = 2), 2);
}

static void problems_by_mailbox(void **state)
{
	struct fixture *f = *state;
	struct message m = { .row = fixture_add(f, 1, 1) };
	unsigned both = 1u << MSG_PROBLEM | 1u << MSG_HOLE;

	OK(f, store_problem(f->s, &m, MSG_PROBLEM, &f->e));
	m.row = fixture_add(f, 2, 1);
	OK(f, store_problem(f->s, &m, MSG_HOLE, &f->e));
	fixture_add(f, 3, 1);
	assert_int_equal(ROWS(f, .mailbox = f->mailbox, .states = both), 2);
	assert_int_equal(ROWS(f, .states = 1u << MSG_HOLE), 1);
	assert_int_equal(ROWS(f, .source_folder = f->source, .states = both),
	                 2);
	assert_int_equal(ROWS(f, .mailbox = f->mailbox + 1, .states = both), 0);
}

static void unnamed(void **state)
{
	struct fixture *f = *state;
	char name[] = "n";
	struct message m = { .row = fixture_add(f, 1, 1), .dest_name = name };

	fixture_moved(f, 2, 2, 0);
	fixture_moved(f, 3, 3, 7);
	OK(f, store_settle(f->s, &m, MSG_MOVED, f->dest, NULL, &f->e));
	assert_int_equal(ROWS(f, .unnamed = true), 1);
	assert_int_equal(ROWS(f, .unnamed = true, .dest_folder = f->dest), 1);
	assert_int_equal(ROWS(f, .unnamed = true, .mailbox = 99), 0);
	assert_int_equal(ROWS(f, .unnamed = true, .states = 1u << MSG_ADOPTED),
	                 0);
}

static void flags_differ(void **state)
{
	struct fixture *f = *state;
	char words[] = "k";
	struct message m = { .uid = 1 };

	fixture_moved(f, 1, 1, 5);
	fixture_moved(f, 2, 2, 6);
	fixture_add(f, 3, 1);
	assert_int_equal(ROWS(f, .flags_differ = true), 0);
	m.flags = MAIL_SEEN | MAIL_DELETED; /* never written */
	OK(f, store_source_flags(f->s, f->source, UIDVALIDITY, &m, &f->e));
	assert_int_equal(ROWS(f, .flags_differ = true), 0);
	m.flags = 0;
	OK(f, store_source_flags(f->s, f->source, UIDVALIDITY, &m, &f->e));
	m.uid = 2;
	m.flags = MAIL_SEEN;
	m.keywords = words;
	OK(f, store_source_flags(f->s, f->source, UIDVALIDITY, &m, &f->e));
	assert_int_equal(ROWS(f, .flags_differ = true), 2);
	assert_int_equal(
	        ROWS(f, .flags_differ = true, .source_folder = f->source), 2);
	assert_int_equal(ROWS(f, .flags_differ = true, .source_folder = 99), 0);
	assert_int_equal(ROWS(f, .flags_differ = true, .dest_folder = f->dest),
	                 2);
}

static void not_orphan(void **state)
{
	struct fixture *f = *state;
	uint64_t now[] = { 2 }, n;

	fixture_moved(f, 1, 1, 5);
	fixture_moved(f, 2, 2, 6);
	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, now, 1, &n, &f->e));
	assert_int_equal(ROWS(f, .not_orphan = true), 1);
	assert_int_equal(ROWS(f, .not_orphan = false), 2);
}

static void add_300(struct fixture *f)
{
	OK(f, store_begin(f->s, &f->e));
	for (uint64_t uid = 1; uid <= 300; uid++)
		fixture_add(f, uid, 1);
	OK(f, store_commit(f->s, &f->e));
}

static void pages_meet(void **state)
{
	struct fixture *f = *state;

	add_300(f);
	assert_int_equal(ROWS(f, .limit = 0), 300);
	assert_int_equal(ROWS(f, .limit = 128), 128);
	assert_int_equal(ROWS(f, .limit = 129), 129);
	assert_int_equal(ROWS(f, .limit = 1000), 300);
}

static void stops_when_told(void **state)
{
	struct fixture *f = *state;
	struct row_where w = { .mailbox = f->mailbox };
	struct seen to = { .f = f, .stop_after = 200, .answer = 1 };

	add_300(f);
	assert_int_equal(store_rows(f->s, &w, see, &to, &f->e), 0);
	assert_int_equal(to.n, 200);
	to = (struct seen){ .f = f, .stop_after = 3, .answer = -1 };
	assert_int_equal(store_rows(f->s, &w, see, &to, &f->e), -1);
	assert_int_equal(to.n, 3);
}

/* Changing what is walked neither skips nor repeats. */
static void changed_while_walked(void **state)
{
	struct fixture *f = *state;
	struct row_where w = { .mailbox = f->mailbox,
		               .states = 1u << MSG_PENDING };
	struct seen to = { .f = f, .change = true };

	add_300(f);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_rows(f->s, &w, see, &to, &f->e));
	OK(f, store_commit(f->s, &f->e));
	assert_int_equal(to.n, 300);
	assert_int_equal(ROWS(f, .states = 1u << MSG_IGNORED), 300);
}

static void claimed(void **state)
{
	struct fixture *f = *state;
	uint32_t *v;
	size_t n;

	fixture_moved(f, 1, 1, 30);
	fixture_moved(f, 2, 2, 10);
	fixture_moved(f, 3, 3, 20);
	fixture_moved(f, 4, 4, 0);
	OK(f,
	   store_claimed(f->s, f->dest, DEST_UIDVALIDITY, 20, &v, &n, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(v[0], 20);
	assert_int_equal(v[1], 30);
	free(v);
	OK(f, store_claimed(f->s, f->dest, DEST_UIDVALIDITY + 1, 0, &v, &n,
	                    &f->e));
	assert_int_equal(n, 0);
	free(v);
}

/* --- Indexes --- */

/* Fails unless the plan names index, walks no table and, if sorted, sorts
 * nothing. */
static void plan_uses(struct fixture *f, const char *sql, const char *index,
                      bool sorted)
{
	struct buf text = BUF_INIT(0);
	sqlite3_stmt *st = NULL;
	bool found = false;

	assert_int_equal(buf_fmt(&text, "EXPLAIN QUERY PLAN %s", sql), 0);
	assert_int_equal(
	        sqlite3_prepare_v2(f->s->writer.db, text.p, -1, &st, NULL),
	        SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 3);

		if (strstr(line, index))
			found = true;
		if (strcmp(line, "SCAN message") == 0 ||
		    (sorted && strstr(line, "B-TREE")))
			fail_msg("%s: %s", sql, line);
	}
	if (!found)
		fail_msg("%s: not by %s", sql, index);
	sqlite3_finalize(st);
	buf_release(&text);
}

static void statements_use_their_index(void **state)
{
	static const struct {
		enum statement id;
		const char *index;
	} plans[] = {
		{ ST_KNOWN_UIDS, "message_place" },
		{ ST_PLACE, "message_place" },
		{ ST_FLAGS_BY_PLACE, "message_place" },
		{ ST_STANDING_UIDS, "message_place" },
		{ ST_CLAIM_OLDEST, "message_pending " },
		{ ST_CLAIM_NEWEST, "message_pending " },
		{ ST_CLAIMED, "message_copy" },
		{ ST_DEST_UNNAME, "message_" },
		{ ST_HAS_OCTETS, "message_octets" },
		{ ST_COPIES_BY_ID, "dest_copy_id" },
		{ ST_COPIES_BY_HEAD, "dest_copy_head" },
		{ ST_PROGRESS, "PRIMARY KEY" },
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		plan_uses(*state, statements[plans[i].id], plans[i].index,
		          true);
}

static void questions_use_their_index(void **state)
{
	static const struct {
		struct row_where w;
		const char *index;
	} plans[] = {
		{ { .mailbox = 1 }, "message_mailbox" },
		{ { .source_folder = 1 }, "message_source" },
		{ { .source_folder = 1, .mailbox = 1 }, "message_source" },
		{ { .dest_folder = 1 }, "message_dest" },
		{ { .dest_folder = 1, .mailbox = 1, .states = 24 },
		  "message_dest" },
		{ { .dest_folder = 1, .states = 2 }, "message_doubt" },
		{ { .dest_folder = 1, .unnamed = true }, "message_unnamed" },
		{ { .source_folder = 1, .flags_differ = true },
		  "message_differs" },
		{ { .mailbox = 1, .states = 192 }, "message_trouble" },
		{ { .mailbox = 1, .unnamed = true }, "message_mailbox" },
		{ { .mailbox = 1, .flags_differ = true }, "message_mailbox" },
		/* Few rows, sorted: */
		{ { .mailbox = 1, .states = 2 }, "message_doubt" },
		{ { .states = 64 }, "message_trouble" },
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		char *sql = rows_sql(&plans[i].w, false);

		assert_non_null(sql);
		plan_uses(*state, sql, plans[i].index,
		          !plans[i].w.states || plans[i].w.dest_folder);
		free(sql);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(by_place_and_state),
		STORE_TEST(problems_by_mailbox),
		STORE_TEST(unnamed),
		STORE_TEST(flags_differ),
		STORE_TEST(not_orphan),
		STORE_TEST(pages_meet),
		STORE_TEST(stops_when_told),
		STORE_TEST(changed_while_walked),
		STORE_TEST(claimed),
		STORE_TEST(statements_use_their_index),
		STORE_TEST(questions_use_their_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
