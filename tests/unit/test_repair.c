/* SPDX-License-Identifier: Apache-2.0 */
/* test_repair.c - what is mended, how, and that nothing else changes. */
#include "mail_fixture.h"

#include <openssl/sha.h>

#include "mime/header.h"
#include "mime/repair.h"

static void clean(const struct body *b)
{
	struct repair_look l;
	struct err e;

	assert_int_equal(repair_look(b, &l, &e), 0);
	assert_int_equal(l.nul + l.bare_lf + l.bare_cr + l.long_lines +
	                         l.raw_header + l.no_final_crlf,
	                 0);
	assert_true(l.longest <= 998);
}

/* The repaired octets, NUL-terminated; note is the message's. */
static char *mend_n(struct message *m, const char *p, size_t n)
{
	unsigned char sha[32], before[32];
	struct fingerprint fp;
	bool changed;
	struct err e;
	char *got;

	message_fill(m, p, n);
	fp = m->fp;
	memcpy(before, m->sha256, 32);
	assert_int_equal(repair_message(m, &changed, &e), 0);
	clean(&m->body);
	got = body_text(&m->body);
	SHA256((unsigned char *)got, (size_t)m->body.size, sha);
	assert_memory_equal(m->sha256, sha, 32);
	assert_memory_equal(&m->fp, &fp, sizeof(fp));
	assert_int_equal(m->repaired, changed);
	if (changed)
		assert_memory_equal(m->orig_sha256, before, 32);
	else
		assert_null(m->repair_note);
	return got;
}

static void expect(const char *p, size_t n, const char *want, const char *note)
{
	struct message m;
	char *got = mend_n(&m, p, n);

	assert_string_equal(got, want);
	if (note)
		assert_string_equal(m.repair_note, note);
	else
		assert_null(m.repair_note);
	free(got);
	message_release(&m);
}

static void sound_mail_is_left_alone(void **state)
{
	static const char *const v[] = {
		"",
		"A: b\r\n\r\nx\r\n",
		"A: b\r\n",
		"\r\n",
		"A: b\r\n\r\ncaf\xc3\xa9 in the body\r\n",
		("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		 "A: caf\xe9\r\n\r\nx\r\n--b--\r\n"),
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		expect(v[i], strlen(v[i]), v[i], NULL);
}

static void line_ends_and_nuls(void **state)
{
	static const char text[] = "A: b\nC: \0d\r\n\r\nx\ry\r\0\nz\r\r\n\0end";

	expect(text, sizeof(text) - 1,
	       "A: b\r\nC: d\r\n\r\nx\r\ny\r\nz\r\n\r\nend\r\n",
	       "3 NUL octets dropped, 3 line ends made CR LF, "
	       "a missing last line end added");
	expect("A: b\r", 5, "A: b\r\n", "1 line end made CR LF");
	expect("A: b", 4, "A: b\r\n", "a missing last line end added");
}

static void eight_bit_headers(void **state)
{
	static const struct {
		const char *raw, *mended;
	} v[] = {
		{ "Subject: a caf\xc3\xa9 au lait\r\n\r\n",
		  "Subject: a =?utf-8?Q?caf=C3=A9?= au lait\r\n\r\n" },
		{ "Subject: caf\xe9 \xe9!\r\n\r\n",
		  "Subject: =?iso-8859-1?Q?caf=E9_=E9=21?=\r\n\r\n" },
		{ "Subject: \x93quote\x94\r\n\r\n",
		  "Subject: =?unknown-8bit?Q?=93quote=94?=\r\n\r\n" },
		{ "From: J\xc3\xb6rg M\xc3\xbcller <j\xc3\xb6@x>, B <b@x>\r\n"
		  "\r\n",
		  "From: =?utf-8?Q?J=C3=B6rg_M=C3=BCller?= <j??@x>, B <b@x>"
		  "\r\n\r\n" },
		{ "To: \"M\xc3\xbcller, J\\\"\" <a@x>\r\n\r\n",
		  "To: =?utf-8?Q?M=C3=BCller=2C_J=22?=  <a@x>\r\n\r\n" },
		{ "Content-Type: a/b; name=\"\xc3\xbc.pdf\"\r\n\r\n",
		  "Content-Type: a/b; name=\"=?utf-8?Q?=C3=BC=2Epdf?=\"\r\n"
		  "\r\n" },
		{ "S\xc3\xbc: x\r\nno colon \xff\r\n\r\n",
		  "S??: x\r\nno colon ?\r\n\r\n" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct message m;
		char *got = mend_n(&m, v[i].raw, strlen(v[i].raw));

		assert_string_equal(got, v[i].mended);
		assert_non_null(strstr(m.repair_note, "8-bit octets encoded"));
		free(got);
		message_release(&m);
	}
}

/* head, then n times c, then tail. */
static char *with_run(const char *head, char c, size_t n, const char *tail)
{
	struct buf b = BUF_INIT(0);

	buf_str(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_chr(&b, c);
	buf_str(&b, tail);
	return buf_take(&b);
}

static char *mend(struct message *m, char *text)
{
	char *got = mend_n(m, text, strlen(text));

	free(text);
	return got;
}

static void long_header_lines_are_folded(void **state)
{
	struct message m;
	struct buf b = BUF_INIT(0);
	char *got, *unfolded, *fold;

	buf_str(&b, "References:");
	for (int i = 0; i < 300; i++)
		buf_fmt(&b, " <%d@example.com>", i);
	unfolded = strdup(b.p);
	buf_str(&b, "\r\n\r\nx\r\n");
	got = mend_n(&m, b.p, b.n);
	assert_string_equal(m.repair_note, "1 header line of more than 998 "
	                                   "octets folded");
	while ((fold = strstr(got, "\r\n <")))
		memmove(fold, fold + 2, strlen(fold + 2) + 1);
	assert_memory_equal(got, unfolded, strlen(unfolded));
	assert_string_equal(got + strlen(unfolded), "\r\n\r\nx\r\n");
	free(unfolded);
	free(got);
	buf_release(&b);
	message_release(&m);
	/* Nothing to fold at, and nothing but white space. */
	got = mend(&m, with_run("X: ", 'x', 70000, "\r\n\r\ny\r\n"));
	assert_string_equal(got + strlen(got) - 7, "\r\n\r\ny\r\n");
	free(got);
	message_release(&m);
	got = mend(&m, with_run("X: a\r\n", ' ', 5000, "\r\nB: c\r\n\r\n"));
	assert_string_equal(got, "X: a\r\nB: c\r\n\r\n");
	free(got);
	message_release(&m);
}

/* A quoted-printable text decoded. */
static char *unqp(const char *p)
{
	struct buf b = BUF_INIT(0);

	for (; *p; p++) {
		unsigned v;

		if (p[0] == '=' && p[1] == '\r') {
			p += 2;
		} else if (p[0] == '=') {
			assert_int_equal(sscanf(p + 1, "%2X", &v), 1);
			buf_chr(&b, (char)v);
			p += 2;
		} else {
			buf_chr(&b, *p);
		}
	}
	return buf_take(&b);
}

static bool same_but_blanks(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, " \r\n");
		b += strspn(b, " \r\n");
		if (*a != *b || !*a)
			return *a == *b;
	}
}

/* A field is kept up to a size: each border between its pieces, with the
 * line end before, on and behind it. */
static void fields_about_as_long_as_the_ceiling(void **state)
{
	for (size_t n = HEADER_FIELD_MAX - 9; n < HEADER_FIELD_MAX + 9; n++) {
		struct buf b = BUF_INIT(0);
		struct message m;
		char *got;

		/* The field begins where no chunk of the walk does. */
		assert_int_equal(buf_str(&b, "Z: 1\r\nA: x"), 0);
		while (b.n + 20 < n)
			assert_int_equal(buf_str(&b, "0123456789\r\n "), 0);
		while (b.n < n)
			assert_int_equal(buf_chr(&b, 'x'), 0);
		assert_int_equal(buf_str(&b, "\r\n next\r\nB: c\r\n\r\nx\n"),
		                 0);
		got = mend_n(&m, b.p, b.n);
		assert_non_null(strstr(got, "\r\nB: c\r\n\r\nx\r\n"));
		assert_true(same_but_blanks(got, b.p));
		free(got);
		message_release(&m);
		buf_release(&b);
	}
}

static void long_text_becomes_quoted_printable(void **state)
{
	static const char head[] =
	        "Content-Type: text/plain; charset=utf-8\r\nA: b\r\n"
	        "MIME-Version: 1.0\r\n"
	        "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
	char *body = with_run("a = \xc3\xa9 \t\r\n", 'x', 3000,
	                      " \r\n\r\n.last\r\n");
	struct message m;
	struct buf b = BUF_INIT(0);
	char *got, *text;

	buf_str(&b, "Content-Type: text/plain; charset=utf-8\r\n"
	            "Content-Transfer-Encoding: 8bit\r\nA: b\r\n\r\n");
	buf_str(&b, body);
	got = mend_n(&m, b.p, b.n);
	assert_string_equal(m.repair_note,
	                    "1 line of more than 998 octets encoded as "
	                    "quoted-printable");
	assert_ptr_equal(strstr(got, head), got);
	text = unqp(strstr(got, "\r\n\r\n") + 4);
	assert_string_equal(text, body);
	free(text);
	free(got);
	free(body);
	buf_release(&b);
	message_release(&m);
}

static void only_the_part_that_needs_it(void **state)
{
	char *x = with_run("", 'x', 2000, "");
	struct message m;
	struct buf b = BUF_INIT(0);
	char *got;

	buf_fmt(&b,
	        "MIME-Version: 1.0\r\n"
	        "Content-Type: multipart/mixed;\r\n boundary=\"a b\"\r\n\r\n"
	        "preamble\r\n"
	        "--a b\r\nContent-Type: text/plain\r\n\r\nshort =\r\n"
	        "--a b\r\nContent-Type: text/html\r\n"
	        "Content-Transfer-Encoding: 7bit\r\n\r\n<p>=%s</p>\r\n"
	        "--a b\r\nContent-Type: text/plain\r\n"
	        "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n"
	        "--a b\r\nContent-Type: message/rfc822\r\n\r\n"
	        "Subject: inner\r\n\r\n%s\r\n"
	        "--a b--\r\nepilogue %s\r\n",
	        x, x, x, x);
	got = mend_n(&m, b.p, b.n);
	assert_string_equal(m.repair_note,
	                    "2 lines of more than 998 octets encoded as "
	                    "quoted-printable, 2 lines of more than 998 "
	                    "octets broken");
	assert_non_null(strstr(got, "\r\n\r\nshort =\r\n--a b\r\n"));
	assert_non_null(strstr(got, "Content-Type: text/html\r\nContent-"
	                            "Transfer-Encoding: quoted-printable\r\n"
	                            "\r\n<p>=3Dxxx"));
	assert_non_null(strstr(got, "base64\r\n\r\nxxx"));
	assert_non_null(strstr(got, "Subject: inner\r\nMIME-Version: 1.0\r\n"
	                            "Content-Transfer-Encoding: "
	                            "quoted-printable\r\n\r\nxxx"));
	free(got);
	free(x);
	buf_release(&b);
	message_release(&m);
}

/* A line end within a file would be another file. */
static void long_lines_of_a_file_are_encoded(void **state)
{
	char *file = with_run("{\"=\":\"", 'x', 30000, "\"}\r\n\r\n");
	struct message m;
	struct buf b = BUF_INIT(0);
	char *got, *at, *text;

	buf_fmt(&b,
	        "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
	        "--c\r\nContent-Transfer-Encoding: binary\r\n"
	        "Content-Type: application/json; name=a.json\r\n\r\n%s"
	        "--c--\r\n",
	        file);
	got = mend_n(&m, b.p, b.n);
	assert_string_equal(m.repair_note,
	                    "1 line of more than 998 octets encoded as "
	                    "quoted-printable");
	at = strstr(got, "name=a.json\r\nContent-Transfer-Encoding: "
	                 "quoted-printable\r\n\r\n");
	assert_non_null(at);
	text = unqp(strstr(at, "\r\n\r\n") + 4);
	assert_memory_equal(text, file, strlen(file));
	assert_string_equal(text + strlen(file), "--c--\r\n");
	free(text);
	free(got);
	free(file);
	buf_release(&b);
	message_release(&m);
}

static void quoted_printable_is_broken_softly(void **state)
{
	char *body = with_run("=3D=3D", 'x', 2000, "=C3=A9\r\n");
	struct message m;
	struct buf b = BUF_INIT(0);
	char *got, *a, *c;

	buf_fmt(&b, "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n%s",
	        body);
	got = mend_n(&m, b.p, b.n);
	a = unqp(body);
	c = unqp(strstr(got, "\r\n\r\n") + 4);
	assert_string_equal(a, c);
	free(a);
	free(c);
	free(got);
	free(body);
	buf_release(&b);
	message_release(&m);
}

static void looks_and_counts(void **state)
{
	static const char text[] = "A: \xe9\nB: \xe9\r\n\rx\0";
	struct repair_look l;
	struct message m;
	struct err e;

	message_fill(&m, text, sizeof(text) - 1);
	assert_int_equal(repair_look(&m.body, &l, &e), 0);
	assert_int_equal(l.nul, 1);
	assert_int_equal(l.bare_lf, 1);
	assert_int_equal(l.bare_cr, 1);
	assert_int_equal(l.raw_header, 2);
	assert_int_equal(l.longest, 4);
	assert_true(l.no_final_crlf);
	message_release(&m);
}

static void real_mail(void **state)
{
	char *dir = shared("mail/spam");
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *de;
	int seen = 0;

	if (!d) {
		free(dir);
		skip();
	}
	while ((de = readdir(d)) && seen < 200) {
		char *path, *p, *got;
		struct message m;
		size_t n;

		if (de->d_name[0] == '.')
			continue;
		path = in_dir(dir, de->d_name);
		p = read_file(path, &n);
		got = mend_n(&m, p, n);
		free(got);
		message_release(&m);
		free(p);
		free(path);
		seen++;
	}
	closedir(d);
	free(dir);
	assert_true(seen > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_mail_is_left_alone),
		cmocka_unit_test(line_ends_and_nuls),
		cmocka_unit_test(eight_bit_headers),
		cmocka_unit_test(long_header_lines_are_folded),
		cmocka_unit_test(fields_about_as_long_as_the_ceiling),
		cmocka_unit_test(long_text_becomes_quoted_printable),
		cmocka_unit_test(only_the_part_that_needs_it),
		cmocka_unit_test(long_lines_of_a_file_are_encoded),
		cmocka_unit_test(quoted_printable_is_broken_softly),
		cmocka_unit_test(looks_and_counts),
		cmocka_unit_test(real_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
