/* SPDX-License-Identifier: Apache-2.0 */
/* MIME from MAPI: what is written of a message out of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/mapi/mail.h"
#include "archive/mapi/mime_out.h"
#include "archive/mapi/text.h"
#include "fake_mapi.h"
#include "util/buf.h"

#define NOON INT64_C(133485840000000000) /* 1 January 2024, 12:00 UTC */

static struct buf got;

static int take(struct mapi_out *o, const void *p, size_t n)
{
	(void)o;
	return buf_add(&got, p, n);
}

/* What is written of f, in got; m is to be closed. */
static int write_mail(struct fake *f, struct mapi_mail *m)
{
	struct mapi_origin origin = { .store = "store", .nid = 0x200024 };
	struct mapi_out out = { .data = take };

	buf_clear(&got);
	assert_int_equal(mapi_mail_open(m, &f->m, &origin), 0);
	return mapi_mail_write(m, &out);
}

/* Rules that hold of each message that is written. */
static void check_lines(void)
{
	size_t line = 0;

	assert_true(got.n > 2);
	assert_memory_equal(got.p + got.n - 2, "\r\n", 2);
	for (size_t i = 0; i < got.n; i++) {
		unsigned char c = (unsigned char)got.p[i];

		assert_true(c < 0x80 && c != 0);
		if (c == '\n')
			assert_int_equal(got.p[i - 1], '\r');
		line = c == '\n' ? 0 : line + 1;
		assert_true(line <= 999);
	}
}

static void write_well(struct fake *f, struct mapi_mail *m)
{
	assert_int_equal(write_mail(f, m), 0);
	check_lines();
}

static bool has(const char *s)
{
	return strstr(got.p, s) != NULL;
}

static void wants(const char *s)
{
	if (!has(s))
		fail_msg("no \"%s\" in:\n%s", s, got.p);
}

static void wants_not(const char *s)
{
	if (has(s))
		fail_msg("\"%s\" in:\n%s", s, got.p);
}

/* --- headers -------------------------------------------------------------- */

static const struct fake_prop row_to[] = { NUMBER(0x0c15, 1),
	                                   TEXT(0x3001, "Example, Ann"),
	                                   TEXT(0x3002, "SMTP"),
	                                   TEXT(0x3003, "ann@example.com"),
	                                   { 0 } };
static const struct fake_prop row_cc[] = {
	NUMBER(0x0c15, 2),
	TEXT(0x3001, "J\u00fcrgen"),
	TEXT(0x3002, "EX"),
	TEXT(0x3003, "/O=X/CN=RECIPIENTS/CN=JUERGEN"),
	TEXT(0x39fe, "juergen@example.com"),
	{ 0 }
};
static const struct fake_prop row_bcc[] = { NUMBER(0x0c15, 0x10000003),
	                                    TEXT(0x3001, "'b@example.org'"),
	                                    TEXT(0x3002, "SMTP"),
	                                    TEXT(0x3003, "b@example.org"),
	                                    { 0 } };
static struct fake rows[] = { FAKE(row_to), FAKE(row_cc), FAKE(row_bcc) };

static const struct fake_prop built[] = {
	NUMBER(0x0017, 2),
	NUMBER(0x0036, 2),
	TEXT(0x0037, "\x01\x04Re: Gr\u00f6\u00dfe"),
	TIME(0x0039, NOON),
	TEXT(0x0042, "Juergen"),
	TEXT(0x0064, "EX"),
	TEXT(0x0065, "/o=x/cn=recipients/cn=juergen"),
	NUMBER(0x0e07, 1),
	TEXT(0x1000, "Hello\r\nworld\n"),
	TEXT(0x1042, "<parent@example.com>"),
	{ 0 }
};

static void test_built(void **state)
{
	struct fake f = FAKE(built);
	char *first CLEANUP(free_p) = NULL;
	struct mapi_mail m;

	(void)state;
	f.rows = rows;
	f.rows_n = 3;
	write_well(&f, &m);
	/* Exchange's own name of the sender is told by a recipient. */
	wants("From: Juergen <juergen@example.com>\r\n");
	wants("To: \"Example, Ann\" <ann@example.com>\r\n");
	wants("Cc: =?utf-8?Q?J=C3=BCrgen?= <juergen@example.com>\r\n");
	wants("Bcc: b@example.org\r\n");
	wants("Subject: Re: =?utf-8?B?R3LDtsOfZQ==?=\r\n");
	wants("Date: Mon, 01 Jan 2024 12:00:00 +0000\r\n");
	wants("In-Reply-To: <parent@example.com>\r\n");
	wants("Importance: high\r\nX-Priority: 1\r\nSensitivity: Private\r\n");
	wants("\r\n\r\nHello\r\nworld\r\n");
	wants(".200024@mailhaul.invalid>\r\n");
	assert_int_equal(m.made, MADE_ANEW);
	assert_int_equal(m.flags, MAIL_SEEN);
	assert_string_equal(m.subject, "Re: Gr\u00f6\u00dfe");
	mapi_mail_close(&m);
	/* A second run writes the same octets. */
	first = strdup(got.p);
	write_well(&f, &m);
	assert_string_equal(got.p, first);
	mapi_mail_close(&m);
}

static void test_placeholder(void **state)
{
	static const struct fake_prop v[] = {
		TEXT(0x0042, "Ann Example"),
		TEXT(0x0064, "EX"),
		TEXT(0x0065, "/O=X/OU=Y/CN=RECIPIENTS/CN=A EXAMPLE"),
		TEXT(0x1000, "x"),
		{ 0 }
	};
	static const struct fake_prop fax[] = { NUMBER(0x0c15, 1),
		                                TEXT(0x3001, "Shop"),
		                                TEXT(0x3002, "FAX"),
		                                TEXT(0x3003, "+49 1"),
		                                { 0 } };
	struct fake f = FAKE(v), row = FAKE(fax);
	struct mapi_mail m;

	(void)state;
	f.rows = &row;
	f.rows_n = 1;
	write_well(&f, &m);
	wants("From: Ann Example <A.EXAMPLE@exchange.invalid>\r\n");
	wants("To: \"Shop (FAX: +49 1)\" <+49.1@exchange.invalid>\r\n");
	assert_non_null(strstr(m.note.p, "exchange.invalid"));
	mapi_mail_close(&m);
}

/* Transport headers as real files have them. */
static void test_transport(void **state)
{
	static const char head[] =
	        "Microsoft Mail Internet Headers Version 2.0\r\n"
	        "Received: from a.example.com\n by b.example.com;\r\r\n"
	        "Mon, 1 Jan 2024\r\n"
	        "From: J\u00fcrgen M. \"\u00c4\" <j@example.com>,"
	        " \"ok\" <k@example.com>\r"
	        "Date: some time ago\r\n"
	        "Content-Type: multipart/mixed;\r\n boundary=x\r\n"
	        "MIME-Version: 1.0\r\n"
	        "X-Bell: a\ab\r\n"
	        "X-Long: %02000d\r\n"
	        "Message-ID: <kept@example.com>\r\n\r\n"
	        "--x\r\nSubject: of a part\r\n";
	struct buf text CLEANUP(buf_release_p) = BUF_INIT(0);
	struct fake_prop v[] = { TEXT(0x007d, NULL),
		                 TIME(0x0039, NOON),
		                 TEXT(0x0037, "from the property"),
		                 TEXT(0x1000, "x"),
		                 { 0 } };
	struct fake f = FAKE(v);
	struct mapi_mail m;

	(void)state;
	assert_int_equal(buf_fmt(&text, head, 7), 0);
	v[0].p = text.p;
	f.rows = rows;
	f.rows_n = 1;
	write_well(&f, &m);
	wants("Received: from a.example.com\r\n by b.example.com;\r\n"
	      " Mon, 1 Jan 2024\r\n");
	wants("From: =?utf-8?Q?J=C3=BCrgen?= M. =?utf-8?B?w4Q=?= "
	      "<j@example.com>, \"ok\"\r\n <k@example.com>\r\n");
	wants("\r\nDate: Mon, 01 Jan 2024 12:00:00 +0000\r\n");
	wants("X-Bell: a b\r\n");
	wants("Message-ID: <kept@example.com>\r\n");
	wants("Subject: from the property\r\n");
	wants("To: \"Example, Ann\" <ann@example.com>\r\n");
	wants_not("multipart");
	wants_not("of a part");
	wants_not("some time");
	wants_not("Internet Headers");
	wants_not("mailhaul.invalid");
	assert_non_null(strstr(m.note.p, "date"));
	mapi_mail_close(&m);
}

static void test_flags(void **state)
{
	static const struct fake_prop v[] = { TIME(0x0e06, NOON),
		                              NUMBER(0x0e07, 9),
		                              NUMBER(0x1081, 104),
		                              NUMBER(0x1090, 2),
		                              TEXT(FAKE_KEYWORDS,
		                                   "Red Category|Blue"),
		                              { 0 } };
	struct fake f = FAKE(v);
	struct mapi_mail m;

	(void)state;
	write_well(&f, &m);
	assert_int_equal(m.flags, MAIL_SEEN | MAIL_DRAFT | MAIL_FLAGGED);
	assert_string_equal(m.keywords, "$Forwarded Blue Red\xc2\xa0"
	                                "Category");
	assert_true(m.date.known);
	assert_int_equal(m.date.sec, 1704110400);
	assert_false(m.header_only);
	mapi_mail_close(&m);
}

static void test_header_only(void **state)
{
	static const struct fake_prop marked[] = { NUMBER(FAKE_HEADER_ITEM, 1),
		                                   { 0 } };
	static const struct fake_prop preview[] = { TEXT(0x3fd9, "Dear"),
		                                    { 0 } };
	static const struct fake_prop whole[] = { NUMBER(FAKE_HEADER_ITEM, 1),
		                                  TEXT(0x1000, "Dear"),
		                                  { 0 } };
	static const struct fake_prop empty[] = { NUMBER(0x0e08, 9000),
		                                  NUMBER(0x1016, 1),
		                                  { 0 } };
	struct fake f[] = { FAKE(marked), FAKE(preview), FAKE(whole),
		            FAKE(empty) };
	static const bool want[] = { true, true, false, false };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct mapi_mail m;

		write_well(&f[i], &m);
		assert_int_equal(m.header_only, want[i]);
		mapi_mail_close(&m);
	}
}

/* --- bodies and parts ----------------------------------------------------- */

#define GIF "GIF89a\1\0\1\0\0\0\0;"
static const struct fake_prop picture[] = { OCTETS(0x3701, GIF, 14),
	                                    NUMBER(0x3705, 1),
	                                    TEXT(0x3707, "dot.gif"),
	                                    TEXT(0x370e, "image/gif"),
	                                    TEXT(0x3712, "dot@example"),
	                                    NUMBER(0x3714, 4),
	                                    { 0 } };
static const struct fake_prop named[] = { OCTETS(0x3701, "%PDF", 4),
	                                  NUMBER(0x3705, 1),
	                                  TEXT(0x3707, "\u00dcbersicht.pdf"),
	                                  { 0 } };
static const struct fake_prop gone[] = { NUMBER(0x0e20, 1 << 20 << 4),
	                                 NUMBER(0x3705, 1),
	                                 TEXT(0x3707, "gone.zip"),
	                                 { 0 } };

static void test_tree(void **state)
{
	static const struct fake_prop v[] = {
		TEXT(0x1000, "See <cid>"),
		OCTETS(0x1013, "<img src=\"cid:dot@example\">\xfc", 28),
		NUMBER(0x3fde, 1252),
		{ 0 }
	};
	struct fake at[] = { FAKE(picture), FAKE(named), FAKE(gone) };
	struct fake f = FAKE(v);
	const char *related, *alternative, *html, *mixed;
	struct mapi_mail m;

	(void)state;
	f.attached = at;
	f.attached_n = 3;
	write_well(&f, &m);
	mixed = strstr(got.p, "multipart/mixed");
	related = strstr(got.p, "multipart/related; "
	                        "type=\"multipart/alternative\"");
	alternative = strstr(got.p, "multipart/alternative;\r\n");
	html = strstr(got.p, "text/html; charset=windows-1252\r\n"
	                     "Content-Transfer-Encoding: quoted-printable");
	assert_true(mixed && related > mixed && alternative > related &&
	            html > alternative);
	wants("Content-ID: <dot@example>\r\n\r\nR0lGODlhAQABAAAAADs=\r\n");
	wants("Content-Disposition: inline; filename=\"dot.gif\"");
	wants("filename*=utf-8''%C3%9Cbersicht.pdf\r\n\r\nJVBERg==\r\n");
	wants("Content-Type: application/pdf;");
	wants("=FC");
	wants("\"gone.zip\" is not in the Outlook file");
	assert_int_equal(m.missing_n, 1);
	assert_string_equal(m.missing.p, "gone.zip (16 MB)");
	assert_int_equal(m.made, MADE_IN_PART);
	mapi_mail_close(&m);
}

/* An attached message holds itself twice: an end is found nevertheless. */
static void test_endless(void **state)
{
	static const struct fake_prop v[] = { TEXT(0x0037, "Again"), { 0 } };
	static const struct fake_prop by[] = { NUMBER(0x3705, 5), { 0 } };
	struct fake f = FAKE(v), at[2] = { FAKE(by), FAKE(by) };
	struct mapi_mail m;

	(void)state;
	f.attached = at;
	f.attached_n = 2;
	at[0].inside = at[1].inside = &f;
	write_well(&f, &m);
	wants("Content-Type: message/rfc822; name=\"Again.eml\"");
	assert_true(got.n < 20u << 20);
	assert_int_equal(m.made, MADE_IN_PART);
	assert_true(m.missing.n <= 4000);
	mapi_mail_close(&m);
}

static void test_signed(void **state)
{
#define ENTITY                                                          \
	"Content-Type: multipart/signed; boundary=\"b\"\r\n\r\n--b\r\n" \
	"\r\nsigned \r\n--b--\r\n"
	static const struct fake_prop clear[] = { NUMBER(0x3705, 1),
		                                  TEXT(0x3701, ENTITY),
		                                  { 0 } };
	static const struct fake_prop sealed[] = { NUMBER(0x3705, 1),
		                                   OCTETS(0x3701, "0\x82", 2),
		                                   { 0 } };
	static const struct fake_prop v[] = {
		TEXT(0x001a, "IPM.Note.SMIME.MultipartSigned"),
		TEXT(0x1000, "signed"),
		{ 0 }
	};
	static const struct fake_prop w[] = { TEXT(0x001a, "IPM.Note.SMIME"),
		                              { 0 } };
	struct fake f = FAKE(v), g = FAKE(w), one = FAKE(clear),
	            two = FAKE(sealed);
	struct mapi_mail m;

	(void)state;
	f.attached = &one;
	g.attached = &two;
	f.attached_n = g.attached_n = 1;
	write_well(&f, &m);
	wants("MIME-Version: 1.0\r\n" ENTITY);
	mapi_mail_close(&m);
	write_well(&g, &m);
	wants("Content-Type: application/pkcs7-mime; name=\"smime.p7m\"\r\n");
	wants("\r\n\r\nMII=\r\n");
	assert_false(m.header_only);
	mapi_mail_close(&m);
}

static void test_report(void **state)
{
	static const struct fake_prop v[] = { TEXT(0x001a,
		                                   "REPORT.IPM.Note.NDR"),
		                              TEXT(0x0049, "Offer"),
		                              { 0 } };
	static const struct fake_prop r[] = { NUMBER(0x0c15, 1),
		                              TEXT(0x0c1b, "no such user"),
		                              NUMBER(0x0c20, 511),
		                              TEXT(0x3002, "SMTP"),
		                              TEXT(0x3003, "a@example.org"),
		                              { 0 } };
	struct fake f = FAKE(v), row = FAKE(r);
	struct mapi_mail m;

	(void)state;
	f.rows = &row;
	f.rows_n = 1;
	write_well(&f, &m);
	wants("multipart/report; report-type=delivery-status;");
	wants("The message \"Offer\" could not be delivered.");
	wants("Final-Recipient: rfc822; a@example.org\r\nAction: failed\r\n"
	      "Status: 5.1.1\r\nDiagnostic-Code: smtp; no such user\r\n");
	mapi_mail_close(&m);
}

/* A text that ends in the middle is sent as far as it goes; one that isn't
 * there at all, with nothing beside it, is nothing to send. */
static void test_lost(void **state)
{
	static const struct fake_prop part[] = {
		{ 0x1000, MAPI_STRING8, "0123456789", 0, 8 }, { 0 }
	};
	static const struct fake_prop none[] = {
		{ 0x1000, MAPI_ERROR, NULL, 0, 0 }, { 0 }
	};
	struct fake f = FAKE(part), g = FAKE(none), at = FAKE(named);
	struct mapi_mail m;
	char text[20000];
	struct fake_prop cut[] = { { 0x1000, MAPI_STRING8, text, 0, 15000 },
		                   { 0 } };

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	f.v = cut;
	write_well(&f, &m);
	wants("The rest of this text could not be read.");
	assert_int_equal(m.made, MADE_IN_PART);
	assert_null(m.lost);
	mapi_mail_close(&m);
	assert_int_equal(write_mail(&g, &m), -1);
	assert_non_null(m.lost);
	mapi_mail_close(&m);
	g.attached = &at;
	g.attached_n = 1;
	write_well(&g, &m);
	wants("The text of this message could not be read.");
	wants("JVBERg==");
	assert_int_equal(m.made, MADE_IN_PART);
	mapi_mail_close(&m);
}

/* --- encodings ------------------------------------------------------------ */

static void encode(enum mime_coding coding, bool text, const char *p, size_t n,
                   size_t piece)
{
	struct mime_out *o = malloc(sizeof(*o));
	struct mapi_out out = { .data = take };
	struct mime_code c;

	buf_clear(&got);
	assert_non_null(o);
	mime_out_begin(o, &out);
	mime_code_begin(&c, o, coding, text);
	for (size_t i = 0; i < n; i += piece)
		c.in.data(&c.in, p + i, n - i < piece ? n - i : piece);
	mime_code_end(&c);
	assert_int_equal(mime_out_end(o), 0);
	assert_int_equal(o->total, got.n);
	free(o);
}

static void test_codings(void **state)
{
	static const char text[] = "a =\r\nb \nc\t\r\xc3\xa9. \r\n ";
	char *whole CLEANUP(free_p) = NULL;
	unsigned char p[3000];

	(void)state;
	encode(MIME_QP, true, text, sizeof(text) - 1, 1);
	assert_string_equal(got.p, "a =3D\r\nb=20\r\nc=09\r\n=C3=A9.=20\r\n"
	                           "=20");
	memset(p, 'x', 80);
	encode(MIME_QP, true, (char *)p, 80, 80);
	assert_int_equal(strcspn(got.p, "\r"), 76);
	assert_string_equal(got.p + 75, "=\r\nxxxxx");
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)(i * 7);
	encode(MIME_BASE64, false, (char *)p, sizeof(p), sizeof(p));
	assert_int_equal(strcspn(got.p, "\r"), 76);
	whole = strdup(got.p);
	for (size_t piece = 1; piece < 200; piece += 11) {
		encode(MIME_BASE64, false, (char *)p, sizeof(p), piece);
		assert_string_equal(got.p, whole);
	}
	encode(MIME_BASE64, true, "a\nb", 3, 1);
	assert_string_equal(got.p, "YQ0KYg==");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_placeholder),
		cmocka_unit_test(test_transport),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_header_only),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_codings),
	};
	int r;

	text_load();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	buf_release(&got);
	return r;
}
