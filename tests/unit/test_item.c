/* SPDX-License-Identifier: Apache-2.0 */
/* What is no mail, as files: lines, names, contacts, lists, notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/mapi/item.h"
#include "archive/mapi/item_html.h"
#include "archive/mapi/item_lines.h"
#include "archive/mapi/item_parts.h"
#include "archive/mapi/text.h"
#include "item_written.h"

#define ADDRESS MAPI_PS_ADDRESS

/* --- lines --------------------------------------------------------------- */

static void folding(void **state)
{
	struct buf b = BUF_INIT(0);
	struct mapi_out out = { put, &b };
	struct lines l;

	(void)state;
	for (size_t lead = 60; lead < 76; lead++) {
		buf_clear(&b);
		lines_begin(&l, &out, true);
		for (size_t i = 0; i < lead; i++)
			lines_raw(&l, "x");
		for (size_t i = 0; i < 100; i++)
			lines_text(&l, "\xe2\x82\xac", 3);
		lines_end(&l);
		assert_int_equal(lines_done(&l), 0);
		for (char *p = b.p, *end; (end = strstr(p, "\r\n"));
		     p = end + 2) {
			assert_in_range(end - p, 70, 75);
			/* No line begins within a character. */
			assert_int_not_equal((unsigned char)p[1] & 0xc0, 0x80);
			if (end[2] == '\0' || strlen(end) < 80)
				break;
		}
	}
	buf_release(&b);
}

static void escapes(void **state)
{
	struct buf b = BUF_INIT(0);
	struct mapi_out out = { put, &b };
	struct lines l;

	(void)state;
	lines_begin(&l, &out, true);
	/* A line end in two pieces is one. */
	lines_text(&l, "a\\b;c,d\r", 8);
	lines_text(&l, "\ne\rf\vg\1h", 8);
	lines_end(&l);
	lines_param(&l, "Ann \"the\r\nboss\"");
	lines_param(&l, "a:b");
	lines_base64(&l, "abcd", 4);
	assert_int_equal(lines_done(&l), 0);
	assert_string_equal(b.p, "a\\\\b\\;c\\,d\\ne\\nf\\ng h\r\n"
	                         "Ann 'the  boss'\"a:b\"YWJjZA==");
	buf_release(&b);
}

static int refuse(struct mapi_out *out, const void *p, size_t n)
{
	(void)p;
	(void)n;
	++*(int *)out->arg;
	return -1;
}

/* Who wants no more is not asked again. */
static void refused(void **state)
{
	int calls = 0;
	struct mapi_out out = { refuse, &calls };
	struct make m = { 0 };
	struct mapi *o;
	char *big = calloc(1, 100000);

	(void)state;
	make_file(&m, "big", big, 100000);
	o = make_open(&m);
	assert_int_equal(item_write(o, MAPI_APPOINTMENT, &out), -1);
	assert_int_equal(calls, 1);
	mapi_close(&o);
	free(big);
}

static void collect(void *arg, const char *s, size_t n)
{
	assert_int_equal(buf_add(arg, s, n), 0);
}

static void html(void **state)
{
	static const char in[] =
	        "<html><head><title>no</title><style>p{}</style></head><body>"
	        "<p class=\"a>b\">One &amp; <b>two</b>&#8364;</p>\r\n<!-- <p> "
	        "--><div>three<br>four</div><p>a &lt; b &bogus; c < d</p>";
	struct html h;
	struct buf b = BUF_INIT(0);

	(void)state;
	/* In pieces of each size. */
	for (size_t piece = 1; piece < sizeof(in); piece++) {
		buf_clear(&b);
		html_begin(&h, collect, &b);
		for (size_t i = 0; i < sizeof(in) - 1; i += piece) {
			size_t n = sizeof(in) - 1 - i;

			html_data(&h, in + i, n < piece ? n : piece);
		}
		html_end(&h);
		assert_string_equal(b.p, "One & two\xe2\x82\xac\nthree\nfour\n"
		                         "a < b &bogus; c < d");
	}
	buf_release(&b);
}

/* --- names --------------------------------------------------------------- */

static void names(void **state)
{
	static const struct {
		const char *subject, *want;
	} all[] = {
		{ "A/b\\c:d*e?", "A_b_c_d_e_" },
		{ "..secret. ", "secret" },
		{ "con.txt", "Note" },
		{ "LPT1", "Note" },
		{ "console", "console" },
		{ "", "Note" },
		{ " . ", "Note" },
		{ "a\nb", "a_b" },
		{ "12345678901234567890123456789012345678901234567890123456789"
		  "01234567890123456789\xe9",
		  "12345678901234567890123456789012345678901234567890123456789"
		  "01234567890123456789" },
		{ "\1\5RE: x", "RE_ x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct make m = { 0 };
		struct mapi *o;
		char *s;

		make_text(&m, 0x0037, all[i].subject);
		o = make_open(&m);
		s = item_name(o, MAPI_STICKY);
		assert_string_equal(s, all[i].want);
		free(s);
		mapi_close(&o);
	}
	assert_string_equal(item_suffix(MAPI_DISTLIST), "vcf");
	assert_string_equal(item_suffix(MAPI_TASK), "ics");
	assert_string_equal(item_suffix(MAPI_JOURNAL), "txt");
}

/* --- contacts ------------------------------------------------------------ */

static void contact(void **state)
{
	struct make m = { 0 }, photo = { 0 };
	char *s;

	(void)state;
	make_binary(&m, 0x300b, "\xab\xcd", 2);
	make_text(&m, 0x3001, "Dr. Ann Example");
	make_text(&m, 0x3a06, "Ann");
	make_text(&m, 0x3a11, "Example");
	make_text(&m, 0x3a45, "Dr.");
	make_text(&m, 0x3a16, "Contoso, Ltd");
	make_text(&m, 0x3a18, "Sales");
	make_text(&m, 0x3a1c, "+1 555 1");
	make_head(&m, 0x3a1b, MAPI_UNICODE | MAPI_MULTIPLE);
	make_32(&m.props, 2);
	make_wide(&m, "+1 555 2");
	make_wide(&m, "+1 555 3");
	make_text(&m, 0x1000, "a note");
	make_text(&m, 0x3a48, "Bob");
	make_text(&m, 0x3a43, "chess; go");
	make_time(&m, 0x3a42, 86400 * 365 + 43140);
	make_lid_text(&m, ADDRESS, 0x8083, "ann@example.com");
	make_lid_text(&m, ADDRESS, 0x8092, "EX");
	make_lid_text(&m, ADDRESS, 0x8093, "/o=x/cn=ann");
	make_lid_text(&m, ADDRESS, 0x8094, "ann@contoso.com");
	make_lid_text(&m, ADDRESS, 0x8045, "1 Road\r\nFlat 2");
	make_lid_text(&m, ADDRESS, 0x8046, "Town");
	make_lid_text(&m, ADDRESS, 0x8049, "Land");
	make_lid_text(&m, ADDRESS, 0x801b, "1 Road\r\nTown");
	make_lid_long(&m, ADDRESS, 0x8022, 2);
	make_text(&photo, 0x3707, "ContactPicture.jpg");
	make_binary(&photo, 0x3701, "\x89PNG\r\n", 6);
	make_long(&photo, 0x3705, 1);
	make_attachment(&m, &photo);
	make_file(&m, "cv.doc", "cv", 2);
	s = written(&m, MAPI_CONTACT);
	has(s, "UID:abcd\nFN:Dr. Ann Example\nN:Example;Ann;;Dr.;\n"
	       "ORG:Contoso\\, Ltd;Sales\n");
	has(s, "EMAIL;TYPE=INTERNET,PREF:ann@example.com\n"
	       "EMAIL;TYPE=INTERNET:ann@contoso.com\n");
	has(s, "TEL;TYPE=WORK,VOICE:+1 555 2\nTEL;TYPE=WORK,VOICE:+1 555 3\n"
	       "TEL;TYPE=CELL,VOICE:+1 555 1\n");
	has(s, "ADR;TYPE=WORK,PREF:;;1 Road\\nFlat 2;Town;;;Land\n"
	       "LABEL;TYPE=WORK,PREF:1 Road\\nTown\n");
	has(s, "X-SPOUSE:Bob\nBDAY:1971-01-01\n");
	has(s, "NOTE:a note\\nExchange address: /o=x/cn=ann\\n"
	       "Shown as: ann@contoso.com\\nHobbies: chess\\; go\n");
	has(s, "PHOTO;ENCODING=b;TYPE=PNG:iVBORw0K\n");
	has(s, "X-ATTACH;ENCODING=b;X-FILENAME=cv.doc:Y3Y=\n");
	hasnt(s, "TYPE=HOME");
	hasnt(s, "X-FILENAME=Contact");
	free(s);
}

/* A one-off: flags, its provider, a version, what kind of text, texts. */
static struct buf one_off(const char *name, const char *address)
{
	static const unsigned char start[24] = { 0,    0,    0,    0,    0x81,
		                                 0x2b, 0x1f, 0xa4, 0xbe, 0xa3,
		                                 0x10, 0x19, 0x9d, 0x6e, 0x00,
		                                 0xdd, 0x01, 0x0f, 0x54, 0x02,
		                                 0,    0,    0x01, 0x80 };
	const char *const texts[] = { name, "SMTP", address };
	struct buf b = BUF_INIT(0);

	buf_add(&b, start, sizeof(start));
	for (size_t i = 0; i < 3; i++) {
		for (const char *p = texts[i]; *p; p++)
			make_16(&b, (unsigned char)*p);
		make_16(&b, 0);
	}
	return b;
}

static void one_off_value(struct make *m, const char *name, const char *address)
{
	struct buf b = one_off(name, address);

	make_octets(m, b.p, b.n);
	buf_release(&b);
}

/* No entry id, a one-off, nothing more. */
static void member(struct buf *to, const char *name, const char *address)
{
	struct buf b = one_off(name, address);

	make_32(to, 0);
	make_32(to, (uint32_t)b.n);
	buf_add(to, b.p, b.n);
	make_32(to, 0);
	buf_release(&b);
}

static void check_list(char *s)
{
	const char *second = strstr(s, "END:VCARD\n"), *uid;
	char card[80];

	has(s, "FN:Friends\nN:Friends;;;;\nX-ADDRESSBOOKSERVER-KIND:group\n");
	has(s, "NOTE:Ann <ann@example.com>\\nB\xc3\xb6rge <b@example.com>\n");
	assert_non_null(second);
	has(second, "FN:Ann\nN:Ann;;;;\nEMAIL;TYPE=INTERNET:ann@example.com\n"
	            "CATEGORIES:Friends\n");
	has(second, "EMAIL;TYPE=INTERNET:b@example.com\n");
	/* The group names the cards that follow. */
	uid = strstr(second, "UID:");
	assert_non_null(uid);
	snprintf(card, sizeof(card), "MEMBER:urn:uuid:%.36s\n", uid + 4);
	has(s, card);
	free(s);
}

static void list(void **state)
{
	struct make m = { 0 };

	(void)state;
	make_lid_text(&m, ADDRESS, 0x8053, "Friends");
	make_named(&m, ADDRESS, 0x8054, NULL, MAPI_BINARY | MAPI_MULTIPLE);
	make_32(&m.props, 2);
	one_off_value(&m, "Ann", "ann@example.com");
	one_off_value(&m, "B\xf6rge", "b@example.com");
	check_list(written(&m, MAPI_DISTLIST));
}

/* The longer form, for many members. */
static void list_stream(void **state)
{
	struct make m = { 0 };
	struct buf b = BUF_INIT(0);

	(void)state;
	make_32(&b, 1);
	make_32(&b, 0);
	make_32(&b, 0);
	make_32(&b, 2);
	buf_add(&b, "\0\0\0\0\0\0\0\0\0\0\0", 12);
	member(&b, "Ann", "ann@example.com");
	member(&b, "B\xf6rge", "b@example.com");
	make_lid_text(&m, ADDRESS, 0x8053, "Friends");
	make_lid_binary(&m, ADDRESS, 0x8064, b.p, b.n);
	check_list(written(&m, MAPI_DISTLIST));
	buf_release(&b);
}

/* --- texts --------------------------------------------------------------- */

static void note(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	make_text(&m, 0x0037, "Milk; eggs");
	make_text(&m, 0x1000, "Milk; eggs\r\n\r\nand bread\r\n");
	make_time(&m, 0x3007, 1769860800);
	make_file(&m, "list.txt", "hello", 5);
	s = raw(&m, MAPI_STICKY);
	assert_string_equal(s, "Subject: Milk; eggs\r\n"
	                       "Created: 2026-01-31 12:00 UTC\r\n\r\n"
	                       "Milk; eggs\r\n\r\nand bread\r\n"
	                       "(Attachment that is not in this file: "
	                       "list.txt, 5 octets.)\r\n");
	free(s);
}

static void journal(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	make_text(&m, 0x0037, "called");
	make_lid_text(&m, MAPI_PS_LOG, 0x8712, "Phone call");
	make_lid_time(&m, MAPI_PS_LOG, 0x8706, 1769860800);
	make_lid_long(&m, MAPI_PS_LOG, 0x8707, 5);
	/* Only as HTML. */
	make_binary(&m, 0x1013, "<p>no answer</p>", 16);
	s = raw(&m, MAPI_JOURNAL);
	assert_string_equal(s, "Subject: called\r\nType: Phone call\r\n"
	                       "Start: 2026-01-31 12:00 UTC\r\n"
	                       "Duration: 5 min\r\n\r\nno answer\r\n");
	free(s);
}

/* --- of people's own ----------------------------------------------------- */

static void public_name(struct make *m, const char *name, uint16_t type)
{
	make_named(m, MAPI_PS_PUBLIC_STRINGS, 0, name, type);
}

/* Fields that people made, and not those of programs. */
static void fields(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	make_text(&m, 0x0037, "Ann");
	make_text(&m, 0x1000, "text");
	make_text(&m, 0x3a0a, "A.E.");
	make_text(&m, 0x3a50, "https://example.com/a,b;c d");
	make_lid_text(&m, MAPI_PS_COMMON, 0x8530, "call her");
	public_name(&m, "Shoe size", MAPI_DOUBLE);
	make_32(&m.props, 0);
	make_32(&m.props, 0x40454000); /* 42.5 */
	public_name(&m, "Fee", MAPI_CURRENCY);
	make_32(&m.props, 125000);
	make_32(&m.props, 0);
	public_name(&m, "Vegan", MAPI_BOOLEAN);
	make_32(&m.props, 1);
	public_name(&m, "Since", MAPI_TIME);
	make_time_value(&m, 1769860800);
	public_name(&m, "Never", MAPI_TIME);
	make_32(&m.props, 0xa3dd4000);
	make_32(&m.props, 0x0cb34557); /* no date */
	public_name(&m, "Dog", MAPI_UNICODE);
	make_32(&m.props, 1);
	make_wide(&m, "Rex");
	public_name(&m, "http://example.com/x", MAPI_LONG);
	make_32(&m.props, 7);
	make_named(&m, ADDRESS, 0, "Cat", MAPI_LONG);
	make_32(&m.props, 9);
	s = written(&m, MAPI_CONTACT);
	has(s, "NOTE:text\\nFlag: call her\\n"
	       "Shoe size: 42.5\\nFee: 12.5000\\nVegan: yes\\n"
	       "Since: 2026-01-31 12:00 UTC\\nDog: Rex\n");
	has(s, "X-INITIALS:A.E.\n");
	has(s, "URL;TYPE=HOME:https://example.com/a,b;c%20d\n");
	free(s);
}

static void beside_is(struct mapi *o, enum mapi_kind k, size_t i,
                      const char *name, const char *suffix)
{
	struct item_beside b;

	assert_int_equal(item_beside(o, k, i, &b), name ? 1 : 0);
	if (name) {
		assert_string_equal(b.name, name);
		assert_string_equal(b.suffix, suffix);
	}
	item_beside_release(&b);
}

static void beside(void **state)
{
	static const char text[] = "octets";
	const struct mapi_origin origin = { .nid = 1 };
	struct buf b = BUF_INIT(0);
	struct mapi_out out = { put, &b };
	struct make m = { 0 }, link = { 0 };
	char *big = calloc(1, ITEM_ATTACH_MOST + 1);
	struct mapi *o;

	(void)state;
	make_file(&m, "../up.tar.gz", text, 6);
	make_file(&m, "a.b/c", text, 6);
	make_text(&link, 0x3707, "link.doc");
	make_text(&link, 0x370d, "\\\\server\\link.doc");
	make_long(&link, 0x3705, 2);
	make_attachment(&m, &link);
	make_file(&m, "x.pdf", big, ITEM_ATTACH_MOST + 1);
	o = make_open(&m);
	beside_is(o, MAPI_STICKY, 0, "_up.tar", "gz");
	beside_is(o, MAPI_JOURNAL, 1, "a.b_c", "bin");
	beside_is(o, MAPI_STICKY, 2, NULL, NULL);
	beside_is(o, MAPI_CONTACT, 0, NULL, NULL);
	beside_is(o, MAPI_TASK, 3, "x", "pdf");
	assert_int_equal(item_beside_write(o, 1, &origin, &out), 0);
	assert_string_equal(b.p, text);
	mapi_close(&o);
	buf_release(&b);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folding), cmocka_unit_test(escapes),
		cmocka_unit_test(refused), cmocka_unit_test(html),
		cmocka_unit_test(names),   cmocka_unit_test(contact),
		cmocka_unit_test(list),    cmocka_unit_test(list_stream),
		cmocka_unit_test(note),    cmocka_unit_test(journal),
		cmocka_unit_test(fields),  cmocka_unit_test(beside),
	};

	text_load();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
