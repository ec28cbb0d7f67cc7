/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of code pages and UTF-16 as UTF-8; comfort over MAPI objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/input.h"
#include "archive/mapi/mapi.h"
#include "archive/mapi/text.h"

#define BAD "\xef\xbf\xbd"

/* --- whole and in pieces ---------------------------------------------- */

/* An input that gives one octet at a time. */
struct drops {
	struct input in;
	const char *p;
	size_t n;
};

static ssize_t drop(struct input *in, void *p, size_t n)
{
	struct drops *d = in->arg;

	if (d->n == 0 || n == 0)
		return 0;
	memcpy(p, d->p++, 1);
	d->n--;
	return 1;
}

static char *in_pieces(unsigned page, const char *p, size_t n, size_t *got)
{
	struct drops d = { .p = p, .n = n };
	struct buf out = BUF_INIT(0);
	struct text_in t;
	char piece[5];
	ssize_t r;

	d.in.read = drop;
	d.in.arg = &d;
	assert_int_equal(text_begin(&t, &d.in, page), 0);
	while ((r = t.in.read(&t.in, piece, sizeof(piece))) > 0)
		buf_add(&out, piece, (size_t)r);
	assert_int_equal(r, 0);
	text_end(&t);
	*got = out.n;
	return buf_take(&out);
}

static void check(unsigned page, const char *p, size_t n, const char *want)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	char *slow CLEANUP(free_p) = NULL;
	size_t got;

	assert_int_equal(text_add(&out, page, p, n), 0);
	assert_string_equal(out.p ? out.p : "", want);
	slow = in_pieces(page, p, n, &got);
	assert_string_equal(slow, want);
	assert_int_equal(got, strlen(want));
}
#define CHECK(page, s, want) check(page, s, sizeof(s) - 1, want)

static void utf16(void **state)
{
	(void)state;
	CHECK(1200, "", "");
	CHECK(1200, "H\0i\0 \0\xe9\0\xac\x20", "Hi \xc3\xa9\xe2\x82\xac");
	CHECK(1200, "\x3d\xd8\x00\xde!\0", "\xf0\x9f\x98\x80!");
	CHECK(1200, "\x3d\xd8!\0", BAD "!");
	CHECK(1200, "\x00\xde!\0\x3d\xd8", BAD "!" BAD);
	CHECK(1200, "a\0\0\0b\0\0\0\0\0", "a" BAD "b");
	CHECK(1200, "a\0b", "a" BAD);
	CHECK(1200, "a\0\0", "a");
	CHECK(1200, "\0\0\0\0", "");
}

static void utf8(void **state)
{
	(void)state;
	CHECK(65001, "abcdefghij\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	      "abcdefghij\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	CHECK(65001, "\xc0\xaf", BAD BAD);
	CHECK(65001, "\xed\xa0\x80", BAD BAD BAD);
	CHECK(65001, "\xe2\x82", BAD BAD);
	CHECK(65001, "\xf4\x90\x80\x80", BAD BAD BAD BAD);
	CHECK(65001, "\xe2\x82\0z", BAD BAD BAD "z");
}

static void code_pages(void **state)
{
	(void)state;
	CHECK(1252, "caf\xe9 \x80\x81", "caf\xc3\xa9 \xe2\x82\xac" BAD);
	CHECK(1251, "\xcf\xf0\xe8", "\xd0\x9f\xd1\x80\xd0\xb8");
	/* A base letter and its accent stay two characters. */
	CHECK(1258, "a\xec", "a\xcc\x81");
	CHECK(437, "\x81", "\xc3\xbc");
	CHECK(20127, "a\xe9", "a" BAD);
	CHECK(932, "\x83\x65\x83\x58\x83g A",
	      "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88 A");
	CHECK(932, "\x83\x65\x83", "\xe3\x83\x86" BAD);
	CHECK(936, "\xd6\xd0", "\xe4\xb8\xad");
	CHECK(949, "\xb0\xa1", "\xea\xb0\x80");
	/* One that the C library has passed over when it refuses it. */
	CHECK(949, "\xa2\xe8", BAD);
	CHECK(950, "\xa4\xa4", "\xe4\xb8\xad");
	CHECK(50220, "\x1b$B$\"\x1b(BA",
	      "\xe3\x81\x82"
	      "A");
	CHECK(65000, "A+ImIDkQ-.", "A\xe2\x89\xa2\xce\x91.");
	/* What nobody knows is read as windows-1252. */
	CHECK(4711, "caf\xe9", "caf\xc3\xa9");
	CHECK(0, "caf\xe9", "caf\xc3\xa9");
	assert_string_equal(text_charset(1252), "windows-1252");
	assert_string_equal(text_charset(65001), "utf-8");
	assert_null(text_charset(4711));
}

/* Two texts of a code page with states do not disturb one another. */
static void two_at_once(void **state)
{
	static const char jp[] = "\x1b$B$\"$\"\x1b(B";
	struct drops d = { .p = jp, .n = sizeof(jp) - 1 };
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	struct text_in t;
	char got[16] = "";

	(void)state;
	d.in.read = drop;
	d.in.arg = &d;
	assert_int_equal(text_begin(&t, &d.in, 50220), 0);
	assert_int_equal(t.in.read(&t.in, got, 3), 3);
	assert_int_equal(text_add(&out, 50220, "x", 1), 0);
	assert_int_equal(t.in.read(&t.in, got + 3, 3), 3);
	assert_string_equal(got, "\xe3\x81\x82\xe3\x81\x82");
	assert_string_equal(out.p, "x");
	text_end(&t);
}

static void long_ones(void **state)
{
	static char in[60000], want[90001];
	struct buf out CLEANUP(buf_release_p) = { .max = 100 };

	(void)state;
	for (size_t i = 0; i < sizeof(in) / 2; i++) {
		memcpy(in + 2 * i, "\xac\x20", 2);
		memcpy(want + 3 * i, "\xe2\x82\xac", 3);
	}
	check(1200, in, sizeof(in), want);
	assert_int_equal(text_add(&out, 1200, in, 66), 0);
	assert_int_equal(out.n, 99);
	assert_int_equal(text_add(&out, 1200, in, 2), -1);
	/* NULs before a last letter are as many replacements. */
	memset(in, 0, sizeof(in));
	in[sizeof(in) - 2] = 'z';
	for (size_t i = 0; i + 1 < sizeof(in) / 2; i++)
		memcpy(want + 3 * i, BAD, 3);
	memcpy(want + 3 * (sizeof(in) / 2 - 1), "z", 2);
	check(1200, in, sizeof(in), want);
}

/* --- objects ---------------------------------------------------------- */

struct thing {
	struct mapi o;
	struct mapi_value v;
	struct in_memory m;
};

static int get(struct mapi *o, uint16_t id, struct mapi_value *v)
{
	struct thing *t = (struct thing *)o;

	if (id != t->v.id)
		return 0;
	*v = t->v;
	if (v->stream)
		v->p = NULL;
	return 1;
}

static int open_value(struct mapi *o, uint16_t id, struct input *in)
{
	struct thing *t = (struct thing *)o;

	assert_int_equal(id, t->v.id);
	input_memory(&t->m, t->v.p, t->v.n);
	*in = t->m.in;
	return 0;
}

static void shut(struct mapi *o, struct input *in)
{
	(void)o;
	in->read = NULL;
}

static const struct mapi_ops ops = { .get = get,
	                             .open = open_value,
	                             .shut = shut };

static struct thing text(uint16_t type, const char *p, size_t n)
{
	return (struct thing){ .o = { .ops = &ops, .codepage = 1251 },
		               .v = { .id = 7,
		                      .type = type,
		                      .p = (const unsigned char *)p,
		                      .n = n } };
}
#define TEXT(type, s) text(type, s, sizeof(s) - 1)

static void check_text(struct thing t, size_t max, const char *want)
{
	for (int stream = 0; stream < 2; stream++) {
		char *s CLEANUP(free_p) = NULL;

		t.v.stream = stream;
		s = mapi_text(&t.o, 7, max);
		if (!want)
			assert_null(s);
		else
			assert_string_equal(s, want);
	}
}

static void texts(void **state)
{
	struct thing t = TEXT(MAPI_LONG, "abcd");

	(void)state;
	check_text(TEXT(MAPI_UNICODE, "a\0b\0\0\0"), 0, "ab");
	check_text(TEXT(MAPI_STRING8, "\xcf\0"), 0, "\xd0\x9f");
	check_text(TEXT(MAPI_UNICODE, "\0\0"), 0, NULL);
	check_text(TEXT(MAPI_UNICODE, ""), 0, NULL);
	check_text(TEXT(MAPI_BINARY, "ab"), 0, NULL);
	check_text(TEXT(MAPI_UNICODE, "\xac\x20\xac\x20\xac\x20"), 7,
	           "\xe2\x82\xac\xe2\x82\xac");
	check_text(TEXT(MAPI_UNICODE, "\x3d\xd8\x00\xde\x3d\xd8\x00\xde"), 6,
	           "\xf0\x9f\x98\x80");
	check_text(t, 0, NULL);
	assert_null(mapi_text(&t.o, 8, 0));
	t = TEXT(MAPI_STRING8, "\xe9");
	t.o.codepage = 1200;
	check_text(t, 0, "\xc3\xa9");
}

static void dates(void **state)
{
	struct mail_date d = mapi_filetime(INT64_C(132223104000000000));

	(void)state;
	assert_true(d.known);
	assert_int_equal(d.sec, 1577836800);
	assert_int_equal(d.zone_min, 0);
	assert_false(mapi_filetime(0).known);
	assert_false(mapi_filetime(-1).known);
	/* No date, in Outlook's words. */
	assert_false(mapi_filetime(INT64_C(0x0cb34557a3dd4000)).known);
	assert_true(
	        mapi_filetime(INT64_C(0x0cb34557a3dd4000) - 10000000).known);
}

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(mapi_kind_of("IPM.Note"), MAPI_MAIL);
	assert_int_equal(mapi_kind_of("ipm.contact"), MAPI_CONTACT);
	assert_int_equal(mapi_kind_of("IPM.Contact.Own"), MAPI_CONTACT);
	assert_int_equal(mapi_kind_of("IPM.Contacts"), MAPI_MAIL);
	assert_int_equal(mapi_kind_of("IPM.TaskRequest.Accept"), MAPI_MAIL);
	assert_int_equal(mapi_kind_of("IPM.Task"), MAPI_TASK);
	assert_int_equal(mapi_kind_of("IPM.Schedule.Meeting.Request"),
	                 MAPI_MAIL);
	assert_int_equal(mapi_kind_of("IPM.OLE.CLASS.{00061055-0000-0000-"
	                              "C000-000000000046}"),
	                 MAPI_APPOINTMENT);
	assert_int_equal(mapi_kind_of("IPM.Microsoft.WunderBar.Link"),
	                 MAPI_SETTINGS);
	assert_int_equal(mapi_kind_of(""), MAPI_MAIL);
	assert_null(mapi_kind_words(MAPI_MAIL));
	assert_string_equal(mapi_kind_words(MAPI_DISTLIST),
	                    "a distribution list");
}

static int load(void **state)
{
	(void)state;
	text_load();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf16),      cmocka_unit_test(utf8),
		cmocka_unit_test(code_pages), cmocka_unit_test(two_at_once),
		cmocka_unit_test(long_ones),  cmocka_unit_test(texts),
		cmocka_unit_test(dates),      cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
