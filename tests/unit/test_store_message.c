/* SPDX-License-Identifier: Apache-2.0 */
/* What listings put into the store, and orphans. */
#include "store_fixture.h"

static size_t known(struct fixture *f, uint32_t uidvalidity, uint64_t **v)
{
	size_t n;

	OK(f, store_known_uids(f->s, f->source, uidvalidity, v, &n, &f->e));
	return n;
}

static void add_and_know(void **state)
{
	struct fixture *f = *state;
	struct message v[3] = { { .uid = 9 }, { .uid = 2 }, { .uid = 5 } };
	uint64_t *uids;

	OK(f, store_messages_add(f->s, f->source, UIDVALIDITY, v, 3, &f->e));
	assert_true(v[0].row && v[1].row && v[2].row);
	assert_int_equal(known(f, UIDVALIDITY, &uids), 3);
	assert_int_equal(uids[0], 2);
	assert_int_equal(uids[1], 5);
	assert_int_equal(uids[2], 9);
	free(uids);
	assert_int_equal(known(f, UIDVALIDITY + 1, &uids), 0);
	free(uids);
	assert_int_equal(store_messages_add(f->s, 999, 1, v, 3, &f->e), -1);
	assert_int_equal(f->e.code, EC_STORE);
}

static void existing_rows_are_left_alone(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 4, 1, 9);
	struct message again = { .uid = 4, .flags = MAIL_FLAGGED };
	struct fixture_row r;

	OK(f,
	   store_messages_add(f->s, f->source, UIDVALIDITY, &again, 1, &f->e));
	assert_int_equal(again.row, row);
	assert_true(fixture_find(f, row, &r));
	assert_int_equal(r.r.m.state, MSG_MOVED);
	assert_int_equal(r.r.m.flags, MAIL_SEEN);
	fixture_row_free(&r);
}

static void everything_of_a_listing_is_kept(void **state)
{
	struct fixture *f = *state;
	char words[] = "$Label1 Junk";
	struct message m = { .uid = 4294967295u,
		             .size = 123456789012,
		             .flags = MAIL_FLAGGED | MAIL_DELETED,
		             .keywords = words,
		             .date = { -86400, -570, true } };
	struct message undated = { .uid = 0 };
	struct fixture_row r;

	OK(f, store_messages_add(f->s, f->source, 1, &m, 1, &f->e));
	OK(f, store_messages_add(f->s, f->source, 1, &undated, 1, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_true(r.r.m.uid == 4294967295u);
	assert_true(r.r.m.size == 123456789012);
	assert_int_equal(r.r.m.flags, MAIL_FLAGGED | MAIL_DELETED);
	assert_string_equal(r.keywords, words);
	assert_true(r.r.m.date.known);
	assert_int_equal(r.r.m.date.sec, -86400);
	assert_int_equal(r.r.m.date.zone_min, -570);
	assert_int_equal(r.r.mailbox, f->mailbox);
	assert_int_equal(r.r.source_folder, f->source);
	assert_int_equal(r.r.source_uidvalidity, 1);
	fixture_row_free(&r);
	assert_true(fixture_find(f, undated.row, &r));
	assert_false(r.r.m.date.known);
	assert_null(r.keywords);
	fixture_row_free(&r);
}

static void left_out_has_a_reason(void **state)
{
	struct fixture *f = *state;
	struct message m = { .uid = 1,
		             .state = MSG_LEFT_OUT,
		             .why = { .text = "Before the date." } };
	struct fixture_row r;

	OK(f, store_messages_add(f->s, f->source, 1, &m, 1, &f->e));
	assert_true(fixture_find(f, m.row, &r));
	assert_int_equal(r.r.m.state, MSG_LEFT_OUT);
	assert_string_equal(r.r.m.why.text, "Before the date.");
	fixture_row_free(&r);
}

static unsigned flags_of(struct fixture *f, int64_t row, const char *words)
{
	struct fixture_row r;

	assert_true(fixture_find(f, row, &r));
	if (words)
		assert_string_equal(r.keywords, words);
	else
		assert_null(r.keywords);
	fixture_row_free(&r);
	return r.r.m.flags;
}

static void source_flags(void **state)
{
	struct fixture *f = *state;
	char k[] = "k", words[] = "x y", none[] = "";
	struct message keyed = { .uid = 8, .key = k };
	int64_t row = fixture_add(f, 8, 1);
	struct message m = { .uid = 8,
		             .flags = MAIL_ANSWERED,
		             .keywords = words };

	OK(f, store_messages_add(f->s, f->source, 3, &keyed, 1, &f->e));
	OK(f, store_source_flags(f->s, f->source, UIDVALIDITY + 1, &m, &f->e));
	assert_int_equal(flags_of(f, row, NULL), MAIL_SEEN);
	OK(f, store_source_flags(f->s, f->source, UIDVALIDITY, &m, &f->e));
	assert_int_equal(flags_of(f, row, "x y"), MAIL_ANSWERED);
	m.keywords = none;
	OK(f, store_source_flags(f->s, f->source, UIDVALIDITY, &m, &f->e));
	assert_int_equal(flags_of(f, row, NULL), MAIL_ANSWERED);
	m.key = k;
	m.keywords = words;
	OK(f, store_source_flags(f->s, f->source, 3, &m, &f->e));
	assert_int_equal(flags_of(f, keyed.row, "x y"), MAIL_ANSWERED);
}

/* --- Vanished --- */

static bool is_orphan(struct fixture *f, int64_t row)
{
	struct fixture_row r;

	assert_true(fixture_find(f, row, &r));
	fixture_row_free(&r);
	return r.r.orphan;
}

static void vanished_by_uid(void **state)
{
	struct fixture *f = *state;
	int64_t stays = fixture_moved(f, 1, 1, 11);
	int64_t copied = fixture_moved(f, 2, 2, 12);
	int64_t pending = fixture_add(f, 3, 1);
	int64_t sending = fixture_add(f, 4, 1);
	int64_t last = fixture_add(f, 9, 1);
	uint64_t now[] = { 1, 7, 9 }, n, *uids;

	fixture_intend(f, sending, 4);
	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, now, 3, &n, &f->e));
	assert_int_equal(n, 3);
	assert_false(is_orphan(f, stays));
	assert_false(is_orphan(f, last));
	assert_int_equal(fixture_state(f, last), MSG_PENDING);
	assert_true(is_orphan(f, copied));
	assert_int_equal(fixture_state(f, copied), MSG_MOVED);
	assert_true(is_orphan(f, pending));
	assert_int_equal(fixture_state(f, pending), MSG_GONE_SOURCE);
	/* It may have been stored: its doubt is settled first. */
	assert_int_equal(fixture_state(f, sending), MSG_SENDING);
	assert_int_equal(known(f, UIDVALIDITY, &uids), 2);
	free(uids);
	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, now, 3, &n, &f->e));
	assert_int_equal(n, 0);
}

static void again_without_a_source_ends(void **state)
{
	struct fixture *f = *state;
	struct message m = { .row = fixture_add(f, 4, 1) };
	uint64_t n;

	fixture_intend(f, m.row, 4);
	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, NULL, 0, &n, &f->e));
	OK(f, store_again(f->s, &m, &f->e));
	assert_int_equal(fixture_state(f, m.row), MSG_GONE_SOURCE);
}

static void other_uidvalidity_vanishes(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 1, 1, 11);
	uint64_t now[] = { 1 }, n;

	OK(f,
	   store_vanished(f->s, f->source, UIDVALIDITY + 1, now, 1, &n, &f->e));
	assert_int_equal(n, 1);
	assert_true(is_orphan(f, row));
}

/* A place that became free may be another message's. */
static void place_of_an_orphan_is_free(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 1, 1, 11), fresh;
	uint64_t n, *uids;

	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, NULL, 0, &n, &f->e));
	fresh = fixture_add(f, 1, 1);
	assert_int_not_equal(fresh, row);
	assert_int_equal(fixture_state(f, fresh), MSG_PENDING);
	assert_int_equal(known(f, UIDVALIDITY, &uids), 1);
	free(uids);
}

/* --- Orphans --- */

static int64_t orphan_of(struct fixture *f, const struct message *m)
{
	int64_t row = -1;

	OK(f, store_orphan_find(f->s, f->mailbox, m, &row, &f->e));
	return row;
}

static void vanish_all(struct fixture *f)
{
	uint64_t n;

	OK(f, store_vanished(f->s, f->source, UIDVALIDITY, NULL, 0, &n, &f->e));
}

static void orphan_by_octets(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 1, 1, 11);
	struct message m = { 0 };

	fixture_fetched(&m, 1);
	m.fp = (struct fingerprint){ 0 };
	assert_int_equal(orphan_of(f, &m), 0); /* it still stands */
	vanish_all(f);
	assert_int_equal(orphan_of(f, &m), row);
	m.sha256[31] ^= 1; /* same head */
	assert_int_equal(orphan_of(f, &m), 0);
	memset(m.sha256, 0, sizeof(m.sha256));
	assert_int_equal(orphan_of(f, &m), 0);
}

static void orphan_by_fingerprint(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_moved(f, 1, 1, 11);
	struct message m = { 0 };

	vanish_all(f);
	fixture_fetched(&m, 1);
	memset(m.sha256, 200, sizeof(m.sha256));
	assert_int_equal(orphan_of(f, &m), row);
	m.fp.message_id++;
	assert_int_equal(orphan_of(f, &m), 0);
	m.fp.message_id--;
	m.fp.text++;
	assert_int_equal(orphan_of(f, &m), 0);
}

static void orphan_of_a_repaired_copy(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_add(f, 1, 1);
	struct message m = { .row = row, .repaired = true };
	struct batch b = { .dest_folder = f->dest, .v = &m, .n = 1 };

	fixture_fetched(&m, 50);
	memset(m.orig_sha256, 51, sizeof(m.orig_sha256));
	OK(f, store_intend(f->s, &b, 1, 1, &f->e));
	fixture_settle(f, row, MSG_MOVED, 3);
	vanish_all(f);
	m = (struct message){ 0 };
	memset(m.sha256, 51, sizeof(m.sha256));
	assert_int_equal(orphan_of(f, &m), row);
	memset(m.sha256, 50, sizeof(m.sha256));
	assert_int_equal(orphan_of(f, &m), 0);
}

/* What a person deleted there is not copied anew for a new UIDVALIDITY, but
 * a living copy is the better match. */
static void orphans_that_were_deleted(void **state)
{
	struct fixture *f = *state;
	int64_t gone = fixture_moved(f, 1, 1, 11);
	int64_t lives = fixture_moved(f, 2, 1, 12);
	struct message m = { 0 };

	fixture_fetched(&m, 1);
	OK(f, store_state(f->s, gone, MSG_GONE_DEST, NULL, &f->e));
	vanish_all(f);
	assert_int_equal(orphan_of(f, &m), lives);
	m.row = fixture_add(f, 3, 1);
	OK(f, store_orphan_take(f->s, lives, &m, NULL, &f->e));
	assert_int_equal(orphan_of(f, &m), gone);
}

static void orphan_takes_the_place(void **state)
{
	struct fixture *f = *state;
	int64_t orphan = fixture_moved(f, 1, 1, 11);
	struct message m = { .uid = 77,
		             .size = 5,
		             .flags = MAIL_ANSWERED,
		             .date = { 12, 60, true } };
	struct fixture_row r;
	struct progress p;
	int64_t pending;

	vanish_all(f);
	OK(f, store_messages_add(f->s, f->source, 6, &m, 1, &f->e));
	pending = m.row;
	OK(f, store_orphan_take(f->s, orphan, &m, "Moved.", &f->e));
	assert_int_equal(m.row, orphan);
	assert_int_equal(m.state, MSG_MOVED);
	assert_false(fixture_find(f, pending, &r));
	assert_true(fixture_find(f, orphan, &r));
	assert_int_equal(r.r.m.uid, 77);
	assert_int_equal(r.r.source_uidvalidity, 6);
	assert_int_equal(r.r.m.flags, MAIL_ANSWERED);
	assert_int_equal(r.r.m.dest_uid, 11);
	assert_int_equal(r.r.m.date.sec, 12);
	assert_false(r.r.orphan);
	assert_string_equal(r.note, "Moved.");
	fixture_row_free(&r);
	OK(f, store_progress(f->s, f->mailbox, &p, &f->e));
	assert_int_equal(p.listed, 1);
	assert_int_equal(p.moved, 1);
	assert_int_equal(p.bytes_listed, 5);
}

/* Only one of two lanes gets it; the other's row is as it was. */
static void orphan_is_taken_once(void **state)
{
	struct fixture *f = *state;
	int64_t orphan = fixture_moved(f, 1, 1, 11);
	struct message one = { 0 }, two = { 0 };

	vanish_all(f);
	one.row = fixture_add(f, 2, 1);
	two.row = fixture_add(f, 3, 1);
	OK(f, store_orphan_take(f->s, orphan, &one, NULL, &f->e));
	assert_int_equal(store_orphan_take(f->s, orphan, &two, NULL, &f->e),
	                 -1);
	assert_int_equal(fixture_state(f, two.row), MSG_PENDING);
}

static bool has(struct fixture *f, unsigned octets, int64_t not_row)
{
	unsigned char hash[32];

	memset(hash, (int)octets, sizeof(hash));
	return store_has_octets(f->s, f->mailbox, hash, not_row);
}

static void has_octets(void **state)
{
	struct fixture *f = *state;
	int64_t row = fixture_add(f, 1, 1);
	unsigned char near[32];
	struct message m = { .row = row };

	assert_false(has(f, 1, 0));
	fixture_intend(f, row, 1);
	assert_true(has(f, 1, 0));
	assert_false(has(f, 1, row));
	assert_false(has(f, 2, 0));
	memset(near, 1, sizeof(near));
	near[31] = 2;
	assert_false(store_has_octets(f->s, f->mailbox, near, 0));
	assert_false(store_has_octets(f->s, f->mailbox + 1, near, 0));
	OK(f, store_again(f->s, &m, &f->e));
	assert_false(has(f, 1, 0));
	fixture_intend(f, row, 1);
	fixture_settle(f, row, MSG_MOVED, 4);
	assert_true(has(f, 1, 0));
	OK(f, store_state(f->s, row, MSG_GONE_DEST, NULL, &f->e));
	assert_false(has(f, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(add_and_know),
		STORE_TEST(existing_rows_are_left_alone),
		STORE_TEST(everything_of_a_listing_is_kept),
		STORE_TEST(left_out_has_a_reason),
		STORE_TEST(source_flags),
		STORE_TEST(vanished_by_uid),
		STORE_TEST(again_without_a_source_ends),
		STORE_TEST(other_uidvalidity_vanishes),
		STORE_TEST(place_of_an_orphan_is_free),
		STORE_TEST(orphan_by_octets),
		STORE_TEST(orphan_by_fingerprint),
		STORE_TEST(orphan_of_a_repaired_copy),
		STORE_TEST(orphans_that_were_deleted),
		STORE_TEST(orphan_takes_the_place),
		STORE_TEST(orphan_is_taken_once),
		STORE_TEST(has_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
