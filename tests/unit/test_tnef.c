/* SPDX-License-Identifier: Apache-2.0 */
/* winmail.dat: properties, attachments, damage, and real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/mapi/text.h"
#include "tnef_make.h"

static void text_is(struct mapi *o, uint16_t id, const char *want)
{
	char *s CLEANUP(free_p) = mapi_text(o, id, 0);

	if (!want)
		assert_null(s);
	else
		assert_string_equal(s, want);
}

static struct mapi *opened(const void *p, size_t n)
{
	struct in_memory in;

	input_memory(&in, p, n);
	return tnef_open(&in.in);
}

/* --- properties ---------------------------------------------------------- */

static void properties(void **state)
{
	struct make m = { 0 };
	struct mapi *o;
	struct mapi_value v;

	(void)state;
	make_text(&m, 0x0037, "caf\xe9");
	make_long(&m, 0x0017, (uint32_t)-2);
	make_time(&m, 0x0039, 86400);
	make_head(&m, 0x0e1b, MAPI_BOOLEAN);
	make_32(&m.props, 1);
	make_head(&m, 0x4001, MAPI_DOUBLE);
	make_32(&m.props, 0);
	make_32(&m.props, 0x3ff80000);
	make_lid_long(&m, MAPI_PS_TASK, 0x8101, 7);
	make_named(&m, MAPI_PS_PUBLIC_STRINGS, 0, "Keywords",
	           MAPI_UNICODE | MAPI_MULTIPLE);
	make_32(&m.props, 3);
	make_wide(&m, "one");
	make_wide(&m, "");
	make_wide(&m, "three");
	o = make_open(&m);
	text_is(o, 0x0037, "caf\xc3\xa9");
	assert_int_equal(mapi_number(o, 0x0017, 0), -2);
	assert_int_equal(mapi_date(o, 0x0039).sec, 86400);
	assert_true(mapi_bool(o, 0x0e1b));
	assert_int_equal(mapi_get(o, 0x4001, &v), 1);
	assert_true(v.real == 1.5);
	assert_int_equal(mapi_get(o, 0x4002, &v), 0);
	assert_int_equal(mapi_number(o, mapi_lid(o, MAPI_PS_TASK, 0x8101), 0),
	                 7);
	assert_int_equal(mapi_lid(o, MAPI_PS_NOTE, 0x8101), 0);
	assert_int_equal(mapi_lid(o, MAPI_PS_TASK, 0x8102), 0);
	assert_int_equal(o->spoilt, 0);
	mapi_close(&o);
}

/* In any order: a value is found again from the front. */
static void multiple(void **state)
{
	struct make m = { 0 };
	struct mapi_value v;
	struct mapi *o;
	uint16_t id;

	(void)state;
	make_named(&m, MAPI_PS_PUBLIC_STRINGS, 0, "Keywords",
	           MAPI_UNICODE | MAPI_MULTIPLE);
	make_32(&m.props, 3);
	make_wide(&m, "one");
	make_wide(&m, "two");
	make_wide(&m, "three");
	o = make_open(&m);
	id = mapi_name(o, MAPI_PS_PUBLIC_STRINGS, "Keywords");
	assert_int_not_equal(id, 0);
	assert_int_equal(mapi_name(o, MAPI_PS_PUBLIC_STRINGS, "Keyword"), 0);
	assert_int_equal(mapi_get(o, id, &v), 1);
	assert_int_equal(v.n, 3);
	for (size_t i = 3; i-- > 0;) {
		static const char *const want[] = { "one", "two", "three" };
		char *s CLEANUP(free_p) = mapi_text_at(o, id, i);

		assert_string_equal(s, want[i]);
	}
	assert_null(mapi_text_at(o, id, 3));
	mapi_close(&o);
}

/* What an attribute tells, and what a property tells better. */
static void attributes(void **state)
{
	static const char date[14] = { (char)0xea, 7, 1, 0, 31, 0, 12 };
	struct buf f = BUF_INIT(0);
	struct mapi *o;

	(void)state;
	make_32(&f, 0x223e9f78);
	make_16(&f, 1);
	make_attribute(&f, 1, 0x00069007, "\xe3\4\0\0\0\0\0\0", 8);
	make_attribute(&f, 1, 0x00078008, "IPM.Microsoft Mail.Note", 24);
	make_attribute(&f, 1, 0x00018004, "\xcf\xf0\0", 3);
	make_attribute(&f, 1, 0x00038005, date, 14);
	make_attribute(&f, 1, 0x0004800d, "\1", 2);
	make_attribute(&f, 1, 0x00008000,
	               "\4\0\x2b\0\4\0\x15\0Ann\0SMTP:ann@example.com", 33);
	o = opened(f.p, f.n);
	assert_non_null(o);
	text_is(o, 0x001a, "IPM.Note");
	text_is(o, 0x0037, "\xd0\x9f\xd1\x80"); /* windows-1251 */
	assert_int_equal(mapi_date(o, 0x0039).sec, 1769860800);
	assert_int_equal(mapi_number(o, 0x0017, 0), 2);
	text_is(o, 0x0c1a, "Ann");
	text_is(o, 0x0c1e, "SMTP");
	text_is(o, 0x0c1f, "ann@example.com");
	assert_int_equal(o->spoilt, 0);
	mapi_close(&o);
	/* A wrong checksum is told, and the octets are used. */
	f.p[f.n - 1] ^= 1;
	o = opened(f.p, f.n);
	assert_int_equal(o->spoilt, 1);
	text_is(o, 0x0c1f, "ann@example.com");
	mapi_close(&o);
	buf_release(&f);
}

/* --- objects in it ------------------------------------------------------- */

static void objects(void **state)
{
	struct make inner = { 0 }, m = { 0 }, part = { 0 };
	struct mapi *o, *a, *e;
	struct mapi_value v;

	(void)state;
	make_text(&inner, 0x0037, "inner");
	make_octets_all(&inner);
	make_text(&m, 0x0037, "outer");
	make_text(&part, 0x3001, "Ann");
	make_long(&part, 0x0c15, 1);
	make_recipient(&m, &part);
	make_text(&part, 0x3001, "Bob");
	make_recipient(&m, &part);
	make_file(&m, "a.bin", "\1\2\3", 3);
	make_long(&part, 0x3705, 5);
	make_head(&part, 0x3701, MAPI_OBJECT);
	make_32(&part.props, 1);
	make_32(&part.props, (uint32_t)(16 + inner.file.n));
	buf_add(&part.props, "0123456789abcdef", 16);
	buf_add(&part.props, inner.file.p, inner.file.n);
	make_pad(&part.props, inner.file.n);
	make_attachment(&m, &part);
	make_release(&inner);
	o = make_open(&m);
	assert_int_equal(o->ops->recipients(o), 2);
	a = o->ops->recipient(o, 1);
	text_is(a, 0x3001, "Bob");
	mapi_close(&a);
	assert_int_equal(o->ops->attachments(o), 2);
	a = o->ops->attachment(o, 0);
	text_is(a, 0x3707, "a.bin");
	assert_int_equal(mapi_get(a, 0x3701, &v), 1);
	assert_int_equal(v.n, 3);
	assert_memory_equal(v.p, "\1\2\3", 3);
	mapi_close(&a);
	a = o->ops->attachment(o, 1);
	e = a->ops->embedded(a);
	assert_non_null(e);
	text_is(e, 0x0037, "inner");
	mapi_close(&e);
	mapi_close(&a);
	assert_null(o->ops->attachment(o, 2));
	mapi_close(&o);
}

/* A cut one is none, wherever it is cut; one with something behind is one. */
static void cut(void **state)
{
	struct make m = { 0 };
	struct mapi *o;
	size_t whole = 0;

	(void)state;
	make_text(&m, 0x0037, "a subject");
	make_file(&m, "a.bin", "0123456789", 10);
	make_octets_all(&m);
	for (size_t n = 0; n <= m.file.n; n++) {
		/* Of its own size: a reader that goes beyond is caught. */
		char *p = malloc(n ? n : 1);

		memcpy(p, m.file.p, n);
		o = opened(p, n);
		whole += o != NULL;
		mapi_close(&o);
		free(p);
	}
	/* At the ends of its four attributes, with or without the last's
	 * checksum. */
	assert_in_range(whole, 4, 12);
	buf_add(&m.file, "\0\0\0garbage", 10);
	o = opened(m.file.p, m.file.n);
	assert_non_null(o);
	text_is(o, 0x0037, "a subject");
	assert_int_equal(o->spoilt, 1);
	mapi_close(&o);
	make_release(&m);
}

/* --- real ones ----------------------------------------------------------- */

static const struct {
	const char *file, *class;
	struct {
		const char *name;
		size_t octets;
	} has[4];
} real[] = {
	{ "MAPI_ATTACH_DATA_OBJ",
	  "IPM.Note",
	  { { "VIA_Nytt_1402.doc", 61952 },
	    { "VIA_Nytt_1402.pdf", 213685 },
	    { "VIA_Nytt_14021.htm", 68919 } } },
	{ "MAPI_OBJECT", "IPM.Note", { { "Untitled_Attachment", 628224 } } },
	{ "bad_checksum", "IPM.Note", { { "image001.png", 1533127 } } },
	{ "data-before-name",
	  "IPM.Note",
	  { { "AUTOEXEC.BAT", 0 }, { "CONFIG.SYS", 0 }, { "boot.ini", 289 } } },
	{ "duplicate_filename",
	  "IPM.Note",
	  { { "file_abcdefgh.txt", 61952 },
	    { "file_abcdefgh.txt", 213685 },
	    { "VIA_Nytt_14021.htm", 68919 } } },
	{ "garbage-at-end", "REPORT.IPM.Note.IPNRN", { { NULL, 0 } } },
	{ "long-filename", "IPM.Note", { { "allproductsmar2000.dat", 279 } } },
	{ "minimal_attachment", NULL, { { "", 16 } } },
	{ "missing-filenames",
	  "IPM.Note",
	  { { "generpts.src", 61210 },
	    { "TechlibDEC99.doc", 33792 },
	    { "TechlibDEC99-JAN00.doc", 34304 },
	    { "TechlibNOV99.doc", 33792 } } },
	{ "multi-name-property", "IPM.Appointment", { { NULL, 0 } } },
	{ "multi-value-attribute",
	  "IPM.Note.Microsoft.Voicemail.UM.CA",
	  { { "208225__5_seconds__Voice_Mail.mp3", 10656 } } },
	{ "one-file", "IPM.Note", { { "AUTHORS", 244 } } },
	{ "triples", "IPM.Appointment", { { NULL, 0 } } },
	{ "two-files", "IPM.Note", { { "AUTHORS", 244 }, { "README", 893 } } },
	{ "umlaut",
	  "IPM.Note",
	  { { "TBZ PARIV GmbH.jpg", 44764 },
	    { "image003.jpg", 1001 },
	    { "UmlautAnhang-\xc3\xa4\xc3\xbc\xc3\xb6.txt", 14 } } },
	{ "unicode-mapi-attr", "IPM.Note", { { "example.dat", 1024 } } },
};

static int load(const char *shared, const char *name, struct buf *out)
{
	char path[4096], piece[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/corpora/tnef/tnefparse/%s.tnef",
	         shared, name);
	f = fopen(path, "rb");
	if (!f)
		return -1;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
	return 0;
}

static void check_real(struct mapi *o, size_t k)
{
	size_t n = 0;

	text_is(o, 0x001a, real[k].class);
	for (; n < 4 && real[k].has[n].name; n++) {
		struct mapi *a CLEANUP(mapi_close) = o->ops->attachment(o, n);
		const char *name = real[k].has[n].name;
		struct mapi_value v;

		assert_non_null(a);
		text_is(a, 0x3707, *name ? name : NULL);
		assert_int_equal(mapi_get(a, 0x3701, &v), 1);
		assert_int_equal(v.n, real[k].has[n].octets);
	}
	assert_int_equal(o->ops->attachments(o), n);
}

static void corpus(void **state)
{
	const char *shared = getenv("MAILHAUL_SHARED");

	(void)state;
	if (!shared) {
		print_message("MAILHAUL_SHARED is not set: real ones are "
		              "passed over\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
		struct buf all CLEANUP(buf_release_p) = BUF_INIT(0);
		struct mapi *o;

		assert_int_equal(load(shared, real[i].file, &all), 0);
		o = opened(all.p, all.n);
		if (!o)
			print_message("%s\n", real[i].file);
		assert_non_null(o);
		check_real(o, i);
		mapi_close(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(properties), cmocka_unit_test(multiple),
		cmocka_unit_test(attributes), cmocka_unit_test(objects),
		cmocka_unit_test(cut),        cmocka_unit_test(corpus),
	};

	text_load();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
