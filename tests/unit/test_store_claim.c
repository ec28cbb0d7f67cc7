/* SPDX-License-Identifier: Apache-2.0 */
/* Claiming batches, and what becomes of their rows. */
#include "store_fixture.h"

struct ask {
	bool oldest, holes;
	size_t max;
	uint64_t max_bytes, cursor;
};

static struct ask newest(size_t max, uint64_t max_bytes)
{
	return (struct ask){ .max = max,
		             .max_bytes = max_bytes,
		             .cursor = UINT64_MAX };
}

/* The uids of the next batch as "9 8 7". */
static const char *claim(struct fixture *f, struct ask *a)
{
	static char text[256];
	struct batch *b = batch_new();

	OK(f, store_claim(f->s, f->source, a->oldest, a->holes, &a->cursor,
	                  a->max, a->max_bytes, b, &f->e));
	text[0] = '\0';
	for (size_t i = 0; i < b->n; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, i ? " %llu" : "%llu",
		         (unsigned long long)b->v[i].uid);
	}
	batch_free(&b);
	return text;
}

static void newest_and_oldest(void **state)
{
	struct fixture *f = *state;
	struct ask n = newest(2, UINT64_MAX);
	struct ask o = { .oldest = true, .max = 3, .max_bytes = UINT64_MAX };

	for (uint64_t uid = 0; uid < 5; uid++)
		fixture_add(f, uid, 1);
	assert_string_equal(claim(f, &n), "4 3");
	assert_string_equal(claim(f, &n), "2 1");
	assert_string_equal(claim(f, &n), "0");
	assert_string_equal(claim(f, &n), "");
	assert_string_equal(claim(f, &n), "");
	assert_string_equal(claim(f, &o), "0 1 2");
	assert_string_equal(claim(f, &o), "3 4");
	assert_string_equal(claim(f, &o), "");
}

static void listed_while_claimed(void **state)
{
	struct fixture *f = *state;
	struct ask n = newest(10, UINT64_MAX);

	fixture_add(f, 9, 1);
	assert_string_equal(claim(f, &n), "9");
	assert_string_equal(claim(f, &n), "");
	fixture_add(f, 8, 1);
	assert_string_equal(claim(f, &n), "8");
}

static void bounded_by_bytes(void **state)
{
	struct fixture *f = *state;
	struct ask n = newest(10, 100);

	fixture_add(f, 5, 60);
	fixture_add(f, 4, 40);
	fixture_add(f, 3, 1);
	fixture_add(f, 2, 500); /* alone */
	fixture_add(f, 1, 0);
	assert_string_equal(claim(f, &n), "5 4");
	assert_string_equal(claim(f, &n), "3");
	assert_string_equal(claim(f, &n), "2");
	assert_string_equal(claim(f, &n), "1");
}

static void suspect(struct fixture *f, uint64_t uid, unsigned batch_max)
{
	struct message m = { .row = fixture_add(f, uid, 1),
		             .batch_max = batch_max };

	OK(f, store_again(f->s, &m, &f->e));
}

static void suspects_stay_among_themselves(void **state)
{
	struct fixture *f = *state;
	struct ask n = newest(10, UINT64_MAX);

	fixture_add(f, 9, 1);
	suspect(f, 8, 2);
	suspect(f, 7, 2);
	suspect(f, 6, 2);
	suspect(f, 5, 1);
	suspect(f, 4, 4);
	suspect(f, 3, 2);
	suspect(f, 2, 2);
	fixture_add(f, 1, 1);
	assert_string_equal(claim(f, &n), "9");
	assert_string_equal(claim(f, &n), "8 7");
	assert_string_equal(claim(f, &n), "6");
	assert_string_equal(claim(f, &n), "5");
	assert_string_equal(claim(f, &n), "4 3");
	assert_string_equal(claim(f, &n), "2");
	assert_string_equal(claim(f, &n), "1");
}

static void only_pending_and_holes(void **state)
{
	struct fixture *f = *state;
	struct message hole = { .row = fixture_add(f, 4, 1) };
	struct ask n = newest(10, UINT64_MAX), h = n;

	h.holes = true;
	fixture_add(f, 5, 1);
	fixture_intend(f, fixture_add(f, 3, 1), 1);
	fixture_moved(f, 2, 2, 9);
	hole.why.code = EC_HOLE;
	OK(f, store_problem(f->s, &hole, MSG_HOLE, &f->e));
	assert_string_equal(claim(f, &n), "5");
	assert_string_equal(claim(f, &n), "");
	assert_string_equal(claim(f, &h), "5 4");
}

static void everything_of_a_row(void **state)
{
	struct fixture *f = *state;
	char words[] = "a b";
	struct message m = { .uid = 3,
		             .size = 77,
		             .flags = MAIL_DRAFT,
		             .keywords = words,
		             .date = { 99, 30, true } };
	struct batch *b = batch_new();
	uint64_t cursor = 0;

	OK(f, store_messages_add(f->s, f->source, 1, &m, 1, &f->e));
	m.tries = 3;
	m.batch_max = 1;
	m.want_repair = true;
	OK(f, store_again(f->s, &m, &f->e));
	OK(f,
	   store_claim(f->s, f->source, true, false, &cursor, 5, 5, b, &f->e));
	assert_int_equal(b->n, 1);
	assert_int_equal(b->bytes, 77);
	assert_int_equal(b->mailbox, f->mailbox);
	assert_int_equal(b->source_folder, f->source);
	assert_int_equal(b->dest_folder, f->dest);
	assert_int_equal(b->v[0].row, m.row);
	assert_int_equal(b->v[0].size, 77);
	assert_int_equal(b->v[0].flags, MAIL_DRAFT);
	assert_string_equal(b->v[0].keywords, "a b");
	assert_true(b->v[0].date.known);
	assert_int_equal(b->v[0].date.sec, 99);
	assert_int_equal(b->v[0].date.zone_min, 30);
	assert_int_equal(b->v[0].tries, 3);
	assert_int_equal(b->v[0].batch_max, 1);
	assert_true(b->v[0].want_repair);
	assert_int_equal(b->v[0].state, MSG_PENDING);
	assert_null(b->v[0].key);
	batch_free(&b);
}

/* --- Intent --- */

static void intent_remembers_everything(void **state)
{
	struct fixture *f = *state;
	char words[] = "w", name[] = "123.M1.host", note[] = "1 NUL dropped";
	struct message m = { .row = fixture_add(f, 1, 1),
		             .set_flags = MAIL_FLAGGED,
		             .set_keywords = words,
		             .dest_name = name,
		             .repaired = true,
		             .repair_note = note };
	struct batch b = { .dest_folder = f->dest, .v = &m, .n = 1 };
	struct fixture_row r;

	fixture_fetched(&m, 6);
	memset(m.orig_sha256, 9, 32);
	OK(f, store_intend(f->s, &b, 31, 32, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.state, MSG_SENDING);
	assert_int_equal(r.r.dest_folder, f->dest);
	assert_int_equal(r.r.mark_uidvalidity, 31);
	assert_int_equal(r.r.mark_uidnext, 32);
	assert_true(r.r.intended > 1500000000);
	assert_memory_equal(r.r.m.sha256, m.sha256, 32);
	assert_true(r.r.m.repaired);
	assert_memory_equal(r.r.m.orig_sha256, m.orig_sha256, 32);
	assert_string_equal(r.repair_note, note);
	assert_memory_equal(&r.r.m.fp.message_id, &m.fp.message_id, 8);
	assert_int_equal(r.r.m.fp.version, 1);
	assert_int_equal(r.r.m.fp.date, 1);
	assert_int_equal(r.r.m.fp.from, 2);
	assert_int_equal(r.r.m.fp.subject, 3);
	assert_int_equal(r.r.m.fp.text, 2006);
	assert_int_equal(r.r.m.set_flags, MAIL_FLAGGED);
	assert_string_equal(r.set_keywords, "w");
	assert_string_equal(r.dest_name, name);
	assert_int_equal(r.r.m.dest_uid, 0);
	fixture_row_free(&r);
}

static void settled_is_not_sent_again(void **state)
{
	struct fixture *f = *state;
	struct message v[2] = { { .row = fixture_add(f, 1, 1) },
		                { .row = fixture_moved(f, 2, 2, 5) } };
	struct batch b = { .dest_folder = f->dest, .v = v, .n = 2 };

	assert_int_equal(store_intend(f->s, &b, 1, 1, &f->e), -1);
	assert_int_equal(f->e.reach, ERR_FOLDER);
	assert_int_equal(fixture_state(f, v[0].row), MSG_PENDING);
	assert_int_equal(fixture_state(f, v[1].row), MSG_MOVED);
}

static void holes_are_not_intended(void **state)
{
	struct fixture *f = *state;
	struct message v[2] = { { .row = fixture_add(f, 1, 1) },
		                { .row = fixture_add(f, 2, 1), .hole = true } };
	struct batch b = { .dest_folder = f->dest, .v = v, .n = 2 };

	OK(f, store_intend(f->s, &b, 1, 1, &f->e));
	assert_int_equal(fixture_state(f, v[0].row), MSG_SENDING);
	assert_int_equal(fixture_state(f, v[1].row), MSG_PENDING);
}

/* --- Settling --- */

static void settle_names_the_copy(void **state)
{
	struct fixture *f = *state;
	struct message none = { .row = 999 };
	struct fixture_row r;
	int64_t row = fixture_add(f, 1, 1);
	bool clash;

	fixture_intend(f, row, 1);
	assert_false(fixture_settle(f, row, MSG_UNFINISHED, 55));
	assert_int_equal(fixture_state(f, row), MSG_UNFINISHED);
	assert_false(fixture_settle(f, row, MSG_MOVED, 55));
	assert_true(fixture_find(f, row, &r));
	assert_int_equal(r.r.m.dest_uid, 55);
	assert_int_equal(r.r.m.dest_uidvalidity, DEST_UIDVALIDITY);
	fixture_row_free(&r);
	assert_int_equal(
	        store_settle(f->s, &none, MSG_MOVED, f->dest, &clash, &f->e),
	        -1);
}

static void a_copy_is_one_rows(void **state)
{
	struct fixture *f = *state;
	int64_t first = fixture_moved(f, 1, 1, 55), row = fixture_add(f, 2, 1);
	struct fixture_row r;

	fixture_intend(f, row, 1);
	assert_true(fixture_settle(f, row, MSG_MOVED, 55));
	assert_true(fixture_find(f, row, &r));
	assert_int_equal(r.r.m.state, MSG_MOVED);
	assert_int_equal(r.r.m.dest_uid, 0);
	fixture_row_free(&r);
	assert_true(fixture_find(f, first, &r));
	assert_int_equal(r.r.m.dest_uid, 55);
	fixture_row_free(&r);
	/* Without a folder so far, as adoption does. */
	row = fixture_add(f, 3, 1);
	assert_true(fixture_settle(f, row, MSG_ADOPTED, 55));
	assert_int_equal(fixture_state(f, row), MSG_ADOPTED);
}

static void adoption_remembers_octets(void **state)
{
	struct fixture *f = *state;
	char name[] = "their.name:2,S";
	struct message m = { .row = fixture_add(f, 1, 1),
		             .set_flags = MAIL_SEEN,
		             .dest_name = name };
	struct fixture_row r;

	fixture_fetched(&m, 3);
	OK(f, store_settle(f->s, &m, MSG_ADOPTED, f->dest, NULL, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.dest_folder, f->dest);
	assert_memory_equal(r.r.m.sha256, m.sha256, 32);
	assert_int_equal(r.r.m.fp.text, m.fp.text);
	assert_int_equal(r.r.m.set_flags, MAIL_SEEN);
	assert_string_equal(r.dest_name, name);
	fixture_row_free(&r);
}

static void again_forgets_the_copy(void **state)
{
	struct fixture *f = *state;
	char name[] = "n";
	struct message m = { .row = fixture_add(f, 1, 1), .dest_name = name };
	struct batch b = { .dest_folder = f->dest, .v = &m, .n = 1 };
	struct fixture_row r;

	fixture_fetched(&m, 1);
	OK(f, store_intend(f->s, &b, 1, 1, &f->e));
	m.tries = 2;
	m.batch_max = 4;
	m.want_repair = true;
	OK(f, store_again(f->s, &m, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.state, MSG_PENDING);
	assert_null(r.dest_name);
	assert_int_equal(r.r.dest_folder, 0);
	assert_int_equal(r.r.mark_uidnext, 0);
	assert_int_equal(r.r.intended, 0);
	assert_int_equal(r.r.m.tries, 2);
	assert_int_equal(r.r.m.batch_max, 4);
	assert_true(r.r.m.want_repair);
	fixture_row_free(&r);
	m.row = 999;
	assert_int_equal(store_again(f->s, &m, &f->e), -1);
}

static void problem_keeps_its_reason(void **state)
{
	struct fixture *f = *state;
	struct message m = { .row = fixture_add(f, 1, 1),
		             .tries = 4,
		             .batch_max = 1 };
	struct fixture_row r;

	err_set(&m.why, ERR_MESSAGE, NEXT_GIVE_UP, EC_TOO_BIG,
	        "It is too big. Ask.", "NO [TOOBIG] %d", 5);
	fixture_intend(f, m.row, 1);
	OK(f, store_problem(f->s, &m, MSG_PROBLEM, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.state, MSG_PROBLEM);
	assert_int_equal(r.r.m.why.code, EC_TOO_BIG);
	assert_string_equal(r.r.m.why.text, "It is too big. Ask.");
	assert_string_equal(r.r.m.why.detail, "NO [TOOBIG] 5");
	assert_int_equal(r.r.m.tries, 4);
	assert_int_equal(r.r.m.batch_max, 1);
	fixture_row_free(&r);
	/* problems --retry */
	OK(f, store_state(f->s, m.row, MSG_PENDING, "Asked for.", &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.state, MSG_PENDING);
	assert_int_equal(r.r.m.why.code, EC_NONE);
	assert_string_equal(r.r.m.why.text, "");
	assert_int_equal(r.r.m.tries, 0);
	assert_string_equal(r.note, "Asked for.");
	fixture_row_free(&r);
}

/* The uid of a copy that is sent anew is free for the new one's listing. */
static void retry_of_a_deleted_copy(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 1, 1, 9), other;

	OK(f, store_state(f->s, row, MSG_GONE_DEST, NULL, &f->e));
	OK(f, store_state(f->s, row, MSG_PENDING, NULL, &f->e));
	other = fixture_add(f, 2, 1);
	fixture_intend(f, other, 1);
	assert_false(fixture_settle(f, other, MSG_MOVED, 9));
	assert_int_equal(fixture_state(f, row), MSG_PENDING);
	assert_int_equal(store_state(f->s, 999, MSG_PENDING, NULL, &f->e), -1);
}

static void notes_add_up_once(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_add(f, 1, 1);
	struct fixture_row r;

	OK(f, store_note(f->s, row, "One.", &f->e));
	OK(f, store_note(f->s, row, "Two.", &f->e));
	OK(f, store_note(f->s, row, "One.", &f->e));
	assert_true(fixture_find(f, row, &r));
	assert_string_equal(r.note, "One. Two.");
	fixture_row_free(&r);
	assert_int_equal(store_note(f->s, 999, "x", &f->e), -1);
}

static void set_flags(void **state)
{
	struct fixture *f = *state;
	char words[] = "k";
	struct message m = { .row = fixture_moved(f, 1, 1, 9),
		             .set_flags = MAIL_ANSWERED | MAIL_DELETED,
		             .set_keywords = words };
	struct fixture_row r;

	OK(f, store_set_flags(f->s, &m, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.set_flags, MAIL_ANSWERED);
	assert_string_equal(r.set_keywords, "k");
	fixture_row_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(newest_and_oldest),
		STORE_TEST(listed_while_claimed),
		STORE_TEST(bounded_by_bytes),
		STORE_TEST(suspects_stay_among_themselves),
		STORE_TEST(only_pending_and_holes),
		STORE_TEST(everything_of_a_row),
		STORE_TEST(intent_remembers_everything),
		STORE_TEST(settled_is_not_sent_again),
		STORE_TEST(holes_are_not_intended),
		STORE_TEST(settle_names_the_copy),
		STORE_TEST(a_copy_is_one_rows),
		STORE_TEST(adoption_remembers_octets),
		STORE_TEST(again_forgets_the_copy),
		STORE_TEST(problem_keeps_its_reason),
		STORE_TEST(retry_of_a_deleted_copy),
		STORE_TEST(notes_add_up_once),
		STORE_TEST(set_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
