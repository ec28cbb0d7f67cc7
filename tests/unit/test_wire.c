/* SPDX-License-Identifier: Apache-2.0 */
/* test_wire.c - what is written is read; what is cut or bent is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/wire.h"

static const struct wire_item an_item = {
	.uid = UINT64_C(0x7fffffffffffffff),
	.size = UINT64_C(5) << 32,
	.key = (char *)"cur/1234.M1:2,S",
	.keywords = (char *)"$Forwarded Gr\303\274n",
	.flags = MAIL_SEEN | MAIL_DELETED,
	.date = { -86400, -330, true },
};

static void item_record(struct buf *b, const struct wire_item *it)
{
	assert_int_equal(wire_put_item(b, it), 0);
}

static int read_item(const struct buf *b, struct wire_item *out)
{
	struct wire rec;

	memset(out, 0, sizeof(*out));
	return wire_next(b->p, b->n, &rec) == b->n ? wire_item(&rec, out) : -1;
}

static void an_item_comes_as_it_was(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct wire_item it;

	(void)state;
	item_record(&b, &an_item);
	assert_int_equal(read_item(&b, &it), 0);
	assert_true(it.uid == an_item.uid && it.size == an_item.size);
	assert_string_equal(it.key, an_item.key);
	assert_string_equal(it.keywords, an_item.keywords);
	assert_int_equal(it.flags, an_item.flags);
	assert_true(it.date.known);
	assert_true(it.date.sec == -86400 && it.date.zone_min == -330);
	wire_item_release(&it);
}

static void what_is_not_there_stays_so(void **state)
{
	const struct wire_item bare = { .uid = 1 };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct wire_item it;

	(void)state;
	item_record(&b, &bare);
	assert_int_equal(read_item(&b, &it), 0);
	assert_null(it.key);
	assert_null(it.keywords);
	assert_false(it.date.known);
	wire_item_release(&it);
}

static void a_date_of_no_calendar_is_none(void **state)
{
	struct wire_item odd = { .uid = 1, .date = { INT64_MAX, 0, true } };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct wire_item it;

	(void)state;
	item_record(&b, &odd);
	assert_int_equal(read_item(&b, &it), 0);
	assert_false(it.date.known);
	buf_clear(&b);
	odd.date = (struct mail_date){ 0, 100000, true };
	item_record(&b, &odd);
	assert_int_equal(read_item(&b, &it), 0);
	assert_false(it.date.known);
}

static void a_uid_is_a_positive_number(void **state)
{
	static const uint64_t bad[] = { 0, UINT64_C(1) << 63, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct wire_item odd = { .uid = bad[i] };
		struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
		struct wire_item it;

		item_record(&b, &odd);
		assert_int_equal(read_item(&b, &it), -1);
	}
}

/* Every cut of a record, under a head that says so and one that doesn't. */
static void a_cut_record_is_none(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct wire_item it;
	struct wire rec;

	(void)state;
	item_record(&b, &an_item);
	for (size_t n = 0; n < b.n; n++) {
		struct buf cut CLEANUP(buf_release_p) = BUF_INIT(0);

		assert_int_equal(wire_next(b.p, n, &rec), 0);
		assert_false(rec.bad);
		if (n < WIRE_HEAD)
			continue;
		buf_add(&cut, b.p, n);
		assert_int_equal(wire_end(&cut, 0), 0);
		assert_int_equal(read_item(&cut, &it), -1);
	}
	buf_chr(&b, 'x');
	assert_int_equal(wire_end(&b, 0), 0);
	assert_int_equal(read_item(&b, &it), -1);
}

/* Each octet of a record set to other values: taken or refused, and what is
 * taken keeps to its range. */
static void a_bent_record_stays_in_range(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct wire_item it;

	(void)state;
	item_record(&b, &an_item);
	for (size_t i = 0; i < b.n * sizeof(values); i++) {
		char *p = b.p + i / sizeof(values), before = *p;

		*p = (char)values[i % sizeof(values)];
		if (read_item(&b, &it) == 0) {
			assert_true(wire_uid(it.uid));
			assert_true(it.date.sec <= INT64_C(253402300799));
			assert_true(abs(it.date.zone_min) <= 24 * 60);
			wire_item_release(&it);
		}
		*p = before;
	}
}

static void text_record(struct buf *b, const char *p, size_t n)
{
	size_t at = wire_begin(b, W_OTHER);
	unsigned char len[4] = { (unsigned char)n, (unsigned char)(n >> 8),
		                 (unsigned char)(n >> 16), 0 };

	buf_add(b, len, sizeof(len));
	buf_add(b, p, n);
	wire_text(b, "what");
	assert_int_equal(wire_end(b, at), 0);
}

static int read_other(const char *p, size_t n)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	char *name, *what;
	struct wire rec;

	text_record(&b, p, n);
	assert_int_equal(wire_next(b.p, b.n, &rec), b.n);
	if (wire_other(&rec, &name, &what))
		return -1;
	free(name);
	free(what);
	return 0;
}

static void a_text_is_utf8_and_not_long(void **state)
{
	char *text = malloc(WIRE_TEXT_MOST + 1);

	(void)state;
	memset(text, 'a', WIRE_TEXT_MOST + 1);
	assert_int_equal(read_other(text, WIRE_TEXT_MOST), 0);
	assert_int_equal(read_other(text, WIRE_TEXT_MOST + 1), -1);
	assert_int_equal(read_other("a\0b", 3), -1);
	assert_int_equal(read_other("a\377b", 3), -1);
	assert_int_equal(read_other("\355\240\200", 3), -1);
	assert_int_equal(read_other("", 0), 0);
	free(text);
}

static void a_record_has_a_ceiling(void **state)
{
	unsigned char head[WIRE_HEAD] = { W_DATA, 1, 0, 4, 0 };
	struct wire rec;

	(void)state;
	assert_int_equal(wire_next(head, sizeof(head), &rec), 0);
	assert_true(rec.bad);
	head[1] = 0;
	assert_int_equal(wire_next(head, sizeof(head), &rec), 0);
	assert_false(rec.bad);
}

static void a_folder_comes_as_it_was(void **state)
{
	struct wire_folder f = { .raw = (char *)"a/b",
		                 .path = (char *)"b",
		                 .use = USE_SENT,
		                 .uidvalidity = UINT32_MAX,
		                 .state = UINT64_MAX };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct wire_folder got;
	struct wire rec;

	(void)state;
	assert_int_equal(wire_put_folder(&b, &f), 0);
	assert_int_equal(wire_next(b.p, b.n, &rec), b.n);
	assert_int_equal(wire_folder(&rec, &got), 0);
	assert_string_equal(got.raw, "a/b");
	assert_string_equal(got.path, "b");
	assert_int_equal(got.use, USE_SENT);
	assert_true(got.uidvalidity == UINT32_MAX && got.state == UINT64_MAX);
	wire_folder_release(&got);
	buf_clear(&b);
	f.uidvalidity = 0;
	assert_int_equal(wire_put_folder(&b, &f), 0);
	wire_next(b.p, b.n, &rec);
	assert_int_equal(wire_folder(&rec, &got), -1);
	buf_clear(&b);
	f.uidvalidity = 1;
	f.use = USE_COUNT;
	assert_int_equal(wire_put_folder(&b, &f), 0);
	wire_next(b.p, b.n, &rec);
	assert_int_equal(wire_folder(&rec, &got), -1);
}

static void what_became_of_an_item(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	enum mail_made made;
	char *note = NULL;
	struct wire rec;
	size_t at;

	(void)state;
	for (uint64_t v = 0; v <= MADE_IN_PART + 1; v++) {
		buf_clear(&b);
		at = wire_begin(&b, W_ABOUT);
		wire_u64(&b, v);
		wire_text(&b, "a note");
		wire_end(&b, at);
		wire_next(b.p, b.n, &rec);
		if (v > MADE_IN_PART) {
			assert_int_equal(wire_about(&rec, &made, &note), -1);
			assert_null(note);
			continue;
		}
		assert_int_equal(wire_about(&rec, &made, &note), 0);
		assert_int_equal(made, v);
		assert_string_equal(note, "a note");
		free(note);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_item_comes_as_it_was),
		cmocka_unit_test(what_is_not_there_stays_so),
		cmocka_unit_test(a_date_of_no_calendar_is_none),
		cmocka_unit_test(a_uid_is_a_positive_number),
		cmocka_unit_test(a_cut_record_is_none),
		cmocka_unit_test(a_bent_record_stays_in_range),
		cmocka_unit_test(a_text_is_utf8_and_not_long),
		cmocka_unit_test(a_record_has_a_ceiling),
		cmocka_unit_test(a_folder_comes_as_it_was),
		cmocka_unit_test(what_became_of_an_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
