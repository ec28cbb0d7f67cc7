/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reader_archive.c - the reader against a child that has been taken
 * over: this program itself plays it. Whatever it says, each walk ends, what
 * it told in order is taken, and the rest is a hole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "archive/child.h"
#include "mailhaul/reader.h"
#include "reader/wire.h"

#define PLAY "MAILHAUL_TEST_PLAY"

/* --- the child ----------------------------------------------------------- */

struct play {
	struct buf b;
	unsigned flags; /* of the walk that is asked for */
	bool poisoned;  /* uid 2 is to be passed by */
};

static void send_all(struct play *p)
{
	if (write(1, p->b.p, p->b.n) != (ssize_t)p->b.n)
		_exit(1);
	buf_clear(&p->b);
}

static void say(struct play *p, int type)
{
	wire_end(&p->b, wire_begin(&p->b, (enum wire_type)type));
}

static void say_hello(struct play *p)
{
	size_t at = wire_begin(&p->b, W_HELLO);

	for (int i = 0; i < 4; i++)
		wire_u64(&p->b, i == 3);
	wire_end(&p->b, at);
	send_all(p);
}

static void say_folder(struct play *p, const char *raw)
{
	const struct wire_folder f = { .raw = (char *)raw,
		                       .path = (char *)raw,
		                       .uidvalidity = 1 };

	wire_put_folder(&p->b, &f);
}

static void say_begin(struct play *p, uint64_t uid)
{
	const struct wire_item it = { .uid = uid };

	wire_put_item(&p->b, &it);
}

static void say_data(struct play *p, const char *s)
{
	size_t at = wire_begin(&p->b, W_DATA);

	buf_str(&p->b, s);
	wire_end(&p->b, at);
}

static void say_end(struct play *p, const char *hole)
{
	size_t at = wire_begin(&p->b, W_END);

	wire_u64(&p->b, 0);
	wire_text(&p->b, hole);
	wire_end(&p->b, at);
}

static void say_item(struct play *p, uint64_t uid)
{
	say_begin(p, uid);
	if (p->flags & W_BODIES)
		say_data(p, "Subject: x\r\n\r\nbody\r\n");
	say_end(p, NULL);
}

static bool get(void *to, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t r = read(0, (char *)to + at, n - at);

		if (r <= 0)
			return false;
		at += (size_t)r;
	}
	return true;
}

static bool listen_to(struct play *p)
{
	static unsigned char in[WIRE_HEAD + WIRE_MOST];
	struct wire rec = { 0 };

	p->poisoned = false;
	while (get(in, WIRE_HEAD)) {
		size_t n = in[1] | (size_t)in[2] << 8 | (size_t)in[3] << 16;

		if (!get(in + WIRE_HEAD, n) ||
		    !wire_next(in, WIRE_HEAD + n, &rec))
			return false;
		if (rec.type == W_WALK)
			p->flags = (unsigned)wire_take_u64(&rec);
		p->poisoned |= rec.type == W_POISON;
		if (rec.type == W_GO)
			return true;
	}
	return false;
}

static void ends_in_the_middle(struct play *p)
{
	say_begin(p, 2);
	send_all(p);
	_exit(1);
}

/* The plays: what comes after folder "a" with item 1. */
static void breach(struct play *p, const char *name)
{
	if (!strcmp(name, "uid 0"))
		say_begin(p, 0);
	else if (!strcmp(name, "data without item"))
		say_data(p, "x");
	else if (!strcmp(name, "end without item"))
		say_end(p, NULL);
	else if (!strcmp(name, "no such type"))
		say(p, 200);
	else if (!strcmp(name, "too long"))
		buf_add(&p->b, "\106\377\377\377\377", 5);
	else if (!strcmp(name, "a second hello"))
		say(p, W_HELLO);
	else if (!strcmp(name, "ends")) {
		send_all(p);
		_exit(0);
	} else if (!strcmp(name, "closes and stays")) {
		send_all(p);
		close(1);
		sleep(600);
	}
}

static void within_item(struct play *p, const char *name)
{
	say_begin(p, 2);
	if (!strcmp(name, "item in item"))
		say_begin(p, 3);
	else if (!strcmp(name, "folder in item"))
		say_folder(p, "b");
	else if (!strcmp(name, "done in item"))
		say(p, W_DONE);
}

static void walk(struct play *p, const char *name)
{
	if (!strcmp(name, "item without folder")) {
		say_item(p, 1);
	} else {
		say_folder(p, "a");
		if (!(p->flags & W_NAMES_ONLY))
			say_item(p, 1);
	}
	if (p->flags & W_NAMES_ONLY) {
		buf_clear(&p->b);
		say_folder(p, "a");
	} else if (strstr(name, "in item") && !p->poisoned) {
		within_item(p, name);
	} else if (!strcmp(name, "dies in item") && !p->poisoned) {
		ends_in_the_middle(p);
	} else if (!strcmp(name, "unasked octets")) {
		say_begin(p, 2);
		p->flags &= ~W_BODIES;
		say_data(p, "x");
		say_end(p, NULL);
	} else {
		breach(p, name);
	}
	say_item(p, 4);
	if (p->flags & W_NAMES_ONLY) {
		buf_clear(&p->b);
		say_folder(p, "a");
	}
	say(p, W_DONE);
	send_all(p);
}

static int play(void)
{
	const char *name = getenv(PLAY);
	struct play p = { 0 };

	if (!name || !strcmp(name, "no hello"))
		return 1;
	say_hello(&p);
	while (listen_to(&p))
		walk(&p, name);
	return 0;
}

/* --- the tests ----------------------------------------------------------- */

struct seen {
	unsigned first, last, holes, messages; /* items 1 and 4; all */
	uint64_t hole_uid;
	int end;
};

static void see(struct seen *s, struct reader *r, struct walk_found *f,
                struct account *a)
{
	struct err e = { 0 };

	if (f->what != FOUND_MESSAGE)
		return;
	s->messages++;
	body_init(&f->m.body, 1 << 16, NULL);
	(void)a;
	if (!f->m.hole)
		assert_int_equal(reader_archive.take(r, &f->m, &e), 0);
	s->holes += f->m.hole;
	if (f->m.hole)
		s->hole_uid = f->m.uid;
	else if (f->m.uid == 1)
		s->first += f->m.size == strlen("Subject: x\r\n\r\nbody\r\n");
	else if (f->m.uid == 4)
		s->last++;
	message_release(&f->m);
}

static struct seen play_of(const char *name, bool bodies)
{
	struct walk w = { .bodies = bodies };
	struct walk_found f;
	struct account a = { 0 };
	struct reader *r = NULL;
	struct seen s = { 0 };
	struct err e = { 0 };

	setenv(PLAY, name, 1);
	assert_int_equal(account_parse(&a, "mbox:/dev/../etc", true, &e), 0);
	assert_int_equal(reader_archive.open(&r, &a, &e), 0);
	s.end = reader_archive.walk(r, &w, &e);
	while (s.end == 0 && (s.end = reader_archive.next(r, &f, &e)) > 0) {
		if (bodies)
			see(&s, r, &f, &a);
		else if (f.what == FOUND_MESSAGE)
			message_release(&f.m);
		s.end = 0;
		if (s.messages > 100)
			break;
	}
	reader_archive.close(&r);
	account_release(&a);
	return s;
}

static void a_good_child_is_believed(void **state)
{
	struct seen s = play_of("good", true);

	(void)state;
	assert_int_equal(s.end, 0);
	assert_int_equal(s.first, 1);
	assert_int_equal(s.last, 1);
	assert_int_equal(s.messages, 2);
}

/* The same breach each time, with no item begun: what came before is taken,
 * one hole stands for the rest. */
static void a_breach_ends_the_walk(void **state)
{
	static const char *const plays[] = {
		"uid 0",        "data without item", "end without item",
		"no such type", "too long",          "a second hello",
		"ends",         "closes and stays",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		struct seen s = play_of(plays[i], true);

		print_message("%s\n", plays[i]);
		assert_int_equal(s.end, 0);
		assert_int_equal(s.first, 1);
		assert_int_equal(s.holes, 1);
		assert_int_equal(s.messages, 2);
	}
}

/* It costs that item, and the reader goes on behind it. */
static void a_death_in_an_item_costs_that_item(void **state)
{
	static const char *const plays[] = { "dies in item", "item in item",
		                             "folder in item", "done in item" };

	(void)state;
	for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		struct seen s = play_of(plays[i], true);

		print_message("%s\n", plays[i]);
		assert_int_equal(s.end, 0);
		assert_int_equal(s.first, 1);
		assert_int_equal(s.holes, 1);
		assert_int_equal(s.hole_uid, 2);
		assert_int_equal(s.last, 1);
		assert_int_equal(s.messages, 3);
	}
}

static void an_item_needs_a_folder(void **state)
{
	struct seen s = play_of("item without folder", true);

	(void)state;
	assert_int_equal(s.end, 0);
	assert_int_equal(s.first, 0);
	assert_int_equal(s.holes, 1);
}

static void octets_that_nobody_asked_for_are_a_breach(void **state)
{
	struct seen s = play_of("unasked octets", false);

	(void)state;
	assert_int_equal(s.end, 0);
}

static void no_hello_is_a_fault(void **state)
{
	struct seen s = play_of("no hello", true);

	(void)state;
	assert_int_equal(s.end, -1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_child_is_believed),
		cmocka_unit_test(a_breach_ends_the_walk),
		cmocka_unit_test(a_death_in_an_item_costs_that_item),
		cmocka_unit_test(an_item_needs_a_folder),
		cmocka_unit_test(octets_that_nobody_asked_for_are_a_breach),
		cmocka_unit_test(no_hello_is_a_fault),
	};

	if (argc > 1 && strcmp(argv[1], ARCHIVE_CHILD) == 0)
		return play();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
