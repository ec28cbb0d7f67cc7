/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_graph_id.c - what we write into a copy's SourceId comes back as it
 * was, and nothing else is taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mime/fingerprint.h"
#include "writer/graph_id.h"

static struct graph_id sample(void)
{
	struct graph_id id = {
		.fp = { .version = FINGERPRINT_VERSION,
		        .message_id = 0x123456789abcdef0,
		        .date = 1,
		        .from = 0,
		        .subject = UINT64_MAX,
		        .text = 0xff },
		.attachments = 12,
		.attempt = 0xfeedfacecafebeef,
	};

	for (size_t i = 0; i < sizeof(id.sha256); i++)
		id.sha256[i] = (unsigned char)(i * 8 + 5);
	return id;
}

static void assert_same(const struct graph_id *a, const struct graph_id *b)
{
	assert_memory_equal(a->sha256, b->sha256, 32);
	assert_int_equal(a->fp.version, b->fp.version);
	assert_int_equal(a->fp.message_id, b->fp.message_id);
	assert_int_equal(a->fp.date, b->fp.date);
	assert_int_equal(a->fp.from, b->fp.from);
	assert_int_equal(a->fp.subject, b->fp.subject);
	assert_int_equal(a->fp.text, b->fp.text);
	assert_int_equal(a->attachments, b->attachments);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->half, b->half);
	assert_int_equal(a->draft, b->draft);
}

static void it_comes_back_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct graph_id id = sample(), back;
		char text[GRAPH_ID_MOST];

		id.half = i & 1;
		id.draft = i & 2;
		graph_id_put(&id, text);
		assert_true(graph_id_parse(text, &back));
		assert_same(&id, &back);
	}
}

static void it_reads_as_documented(void **state)
{
	struct graph_id id = sample();
	char text[GRAPH_ID_MOST];

	(void)state;
	id.half = true;
	graph_id_put(&id, text);
	assert_string_equal(
	        text, "mh2."
	              "050d151d252d353d454d555d656d757d858d959da5adb5bdc5cdd5"
	              "dde5edf5fd"
	              ".123456789abcdef0.1.0.ffffffffffffffff.ff.c."
	              "feedfacecafebeef.h");
	id.half = false;
	id.draft = true;
	graph_id_put(&id, text);
	assert_string_equal(text + strlen(text) - 3, ".wd");
}

static void the_longest_fits(void **state)
{
	struct graph_id id = sample(), back;
	char text[GRAPH_ID_MOST];

	(void)state;
	id.fp.date = id.fp.from = id.fp.text = UINT64_MAX;
	id.attachments = GRAPH_ID_ANY;
	id.half = id.draft = true;
	graph_id_put(&id, text);
	assert_in_range(strlen(text), 150, GRAPH_ID_MOST - 1);
	assert_true(graph_id_parse(text, &back));
	assert_same(&id, &back);
}

/* Every change of one character is no SourceId or another one. */
static void a_changed_one_is_another(void **state)
{
	struct graph_id id = sample(), back;
	char text[GRAPH_ID_MOST], good[GRAPH_ID_MOST], again[GRAPH_ID_MOST];
	size_t n;

	(void)state;
	graph_id_put(&id, good);
	n = strlen(good);
	for (size_t i = 0; i < n; i++)
		for (int c = 1; c < 256; c++) {
			memcpy(text, good, sizeof(text));
			text[i] = (char)c;
			if (!graph_id_parse(text, &back))
				continue;
			graph_id_put(&back, again);
			assert_string_equal(text, again);
		}
}

static void a_cut_one_is_none(void **state)
{
	struct graph_id id = sample(), back;
	char text[GRAPH_ID_MOST], good[GRAPH_ID_MOST];
	size_t n;

	(void)state;
	graph_id_put(&id, good);
	n = strlen(good);
	for (size_t i = 0; i < n; i++) {
		memcpy(text, good, sizeof(text));
		text[i] = '\0';
		assert_false(graph_id_parse(text, &back));
	}
}

static void strangers_are_none(void **state)
{
	static const char head[] =
	        "mh2.0000000000000000000000000000000000000000000000000000000000"
	        "000000";
	static const char *const tails[] = {
		".1.2.3.4.5.6.7",
		".1.2.3.4.5.6.7.",
		".1.2.3.4.5.6.7.x",
		".1.2.3.4.5.6.7.ww",
		".1.2.3.4.5.6.7.wdd",
		".1.2.3.4.5.6.7.w ",
		".1.2.3.4.5.6.7.W",
		".01.2.3.4.5.6.7.w",
		".A.2.3.4.5.6.7.w",
		"..2.3.4.5.6.7.w",
		".+1.2.3.4.5.6.7.w",
		".-1.2.3.4.5.6.7.w",
		".1.2.3.4.5.6.7.8.w",
		".1.2.3.4.5.100000000.7.w",
		".10000000000000000.2.3.4.5.6.7.w",
	};
	char text[400];
	struct graph_id back;

	(void)state;
	snprintf(text, sizeof(text), "%s.1.2.3.4.5.6.7.w", head);
	assert_true(graph_id_parse(text, &back));
	assert_int_equal(back.fp.version, 2);
	text[2] = '1';
	assert_true(graph_id_parse(text, &back));
	assert_int_equal(back.fp.version, 1);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", head, tails[i]);
		assert_false(graph_id_parse(text, &back));
	}
	assert_false(graph_id_parse("", &back));
	assert_false(graph_id_parse("mh2.", &back));
	assert_false(graph_id_parse("mh3.1", &back));
	assert_false(graph_id_parse("abc", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back_as_it_was),
		cmocka_unit_test(it_reads_as_documented),
		cmocka_unit_test(the_longest_fits),
		cmocka_unit_test(a_changed_one_is_another),
		cmocka_unit_test(a_cut_one_is_none),
		cmocka_unit_test(strangers_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
