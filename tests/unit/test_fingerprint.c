/* SPDX-License-Identifier: Apache-2.0 */
/* test_fingerprint.c - the hash, the components, and pairs to compare. */
#include "mail_fixture.h"

#include "mime/base64.h"
#include "mime/fingerprint.h"
#include "mime/mix.h"

static struct fingerprint of_n(const char *p, size_t n, size_t step)
{
	struct fp_scan *s = fp_scan_new();
	struct fingerprint fp;

	for (size_t at = 0; at < n; at += step)
		assert_int_equal(
		        fp_scan_data(s, p + at, n - at < step ? n - at : step),
		        0);
	assert_int_equal(fp_scan_end(s, &fp), 0);
	fp_scan_free(&s);
	assert_null(s);
	return fp;
}

static struct fingerprint of(const char *text)
{
	return of_n(text, strlen(text), 1000);
}

/* Stores keep these numbers: they are for ever, or VERSION changes. */
static void hash_is_xxh64(void **state)
{
	char p[100];

	assert_true(mix_of("", 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(mix_of("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (char)i;
	assert_true(mix_of(p, sizeof(p)) == UINT64_C(0x6ac1e58032166597));
	assert_int_equal(FINGERPRINT_VERSION, 2);
}

static void text_is_hashed_without_white_space(void **state)
{
	char raw[5000], squeezed[5000];
	unsigned seed = 7;

	for (size_t n = 0; n < sizeof(raw); n += 1 + n / 3) {
		struct mix a, b;
		size_t to = 0;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			raw[i] = (char)(seed >> 16);
			if (seed >> 28 < 4)
				raw[i] = " >\r\n\t\0!\x80"[seed >> 24 & 7];
			if (!strchr(" >\r\n\t", raw[i]) || !raw[i])
				squeezed[to++] = raw[i] ? raw[i] : (char)0x80;
		}
		mix_init(&a);
		mix_init(&b);
		for (size_t at = 0; at < n; at += 777)
			mix_text(&a, raw + at, n - at < 777 ? n - at : 777);
		mix_text_plain(&b, raw, n);
		assert_true(mix_end(&a) == mix_of(squeezed, to));
		assert_true(mix_end(&b) == mix_of(squeezed, to));
	}
}

static const char mail[] = "Message-ID: <1@x>\r\nDate: Mon, 1 Aug 2022 "
                           "10:00 +0200\r\n"
                           "From: A <a@x>\r\nSubject: one  two\r\n\r\n"
                           "Hello there\r\n";

#define HEAD "Message-ID: <1@x>\nMIME-Version: 1.0\n"
#define PART(type, code, text) \
	"Content-Type: " type "\nContent-Transfer-Encoding: " code "\n\n" text

/* One of each kind of part; the words in it are all that counts. */
static const char nested[] = HEAD
        "Content-Type: multipart/mixed; boundary=\"a b\"\n\n"
        "Preamble\n--a b \n" PART(
                "text/plain",
                "7bit", "One") "\n--a b\nContent-Type: multipart/alternative; "
                               "boundary=a\n\n"
                               "--a\n" PART("text/plain", "7bit", "Not this") "\n--a\n" PART(
                                       "text/html", "quoted-printable",
                                       "T=\nw=6F =") "\n--a--\nNor this\n--a "
                                                     "b\n" PART(
                                                             "application/x",
                                                             "base64",
                                                             "VGh\n!yZWU=") "\n"
                                                                            "--"
                                                                            "a "
                                                                            "b"
                                                                            "\n"
                                                                            "Co"
                                                                            "nt"
                                                                            "en"
                                                                            "t-"
                                                                            "Ty"
                                                                            "pe"
                                                                            ": "
                                                                            "me"
                                                                            "ss"
                                                                            "ag"
                                                                            "e/"
                                                                            "rf"
                                                                            "c8"
                                                                            "22"
                                                                            "\n"
                                                                            "\n"
                                                                            "Su"
                                                                            "bj"
                                                                            "ec"
                                                                            "t:"
                                                                            " i"
                                                                            "n"
                                                                            "\n"
                                                                            "\n"
                                                                            "Fo"
                                                                            "ur"
                                                                            "\n"
                                                                            "--"
                                                                            "a"
                                                                            "\n"
                                                                            "--"
                                                                            "a "
                                                                            "bc"
                                                                            "\n"
                                                                            "--"
                                                                            "a "
                                                                            "b-"
                                                                            "-"
                                                                            "\n"
                                                                            "Ep"
                                                                            "il"
                                                                            "og"
                                                                            "ue"
                                                                            "\n"
                                                                            "--"
                                                                            "a "
                                                                            "b"
                                                                            "\n";

static void pieces_do_not_matter_to(const char *p, size_t n)
{
	struct fingerprint whole = of_n(p, n, n);

	for (size_t step = 1; step < n; step++) {
		struct fingerprint fp = of_n(p, n, step);

		assert_memory_equal(&fp, &whole, sizeof(fp));
	}
}

static void pieces_do_not_matter(void **state)
{
	struct fingerprint whole = of(mail);

	pieces_do_not_matter_to(mail, sizeof(mail) - 1);
	pieces_do_not_matter_to(nested, sizeof(nested) - 1);
	assert_int_equal(whole.version, FINGERPRINT_VERSION);
	assert_true(whole.message_id && whole.date && whole.from &&
	            whole.subject && whole.text);
}

static void only_what_parts_say_counts(void **state)
{
	struct fingerprint a = of(nested);
	struct fingerprint b = of(
	        HEAD
	        "Content-Type: multipart/mixed; boundary=z\n\n--z\n"
	        "Content-Type: multipart/mixed; boundary=y\n\n--y\n" PART(
	                "text/plain", "base64",
	                "T25lVHc") "\n--y\n\noThree\n--y--\n--z\n"
	                           "Content-Type: message/rfc822\n\n"
	                           "Subject: =?utf-8?q?i?= =?us-ascii?q?n?=\n\n"
	                           "Four --a --abc");
	struct fingerprint c =
	        of(HEAD "Content-Type: multipart/mixed; boundary=z\n\n--z\n\n"
	                "OneTwoThree\n--z\nContent-Type: message/rfc822\n\n"
	                "Subject: of\n\nFour --a --abc");

	assert_true(a.text == b.text);
	assert_true(a.text != c.text);
}

/* A text without the boundaries that its header tells is all content. */
static void what_is_wrong_is_taken_as_it_stands(void **state)
{
	static const char *const same[][2] = {
		{ "Content-Type: multipart/mixed; boundary=a\n\nOne\n--b\n",
		  "\nOne--b" },
		{ "Content-Type: multipart/mixed\n\nOne\n--\n--a--\n",
		  "\nOne----a--" },
		{ "Content-Type: multipart/mixed; boundary=a\n\nno\n--a\n\n",
		  "\n" },
		/* The last alternative counts even if it is text/plain. */
		{ "Content-Type: multipart/alternative; boundary=a\n\n"
		  "--a\nContent-Type: text/plain\n\nOne\n--a--",
		  "\nOne" },
		{ "Content-Type: multipart/alternative; boundary=a\n\n"
		  "--a\nContent-Type: text/plain\n\nOne\n",
		  "\nOne" },
		{ "Content-Transfer-Encoding: quoted-printable\n\n=zz=4=\n\n=",
		  "\n=zz=4" },
		{ "Content-Transfer-Encoding: base64\n\nT25l=VHdv\nVA",
		  "\nOneTwoT" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct fingerprint a = of(same[i][0]), b = of(same[i][1]);

		assert_true(a.text == b.text);
	}
}

/* Deeper than any message is: no crash, no growth, still a number. */
static void nesting_ends(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct fingerprint fp;

	assert_int_equal(buf_str(&b, HEAD), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		        buf_fmt(&b,
		                "Content-Type: multipart/mixed; boundary=%d\n\n"
		                "--%d\n",
		                i, i),
		        0);
	assert_int_equal(buf_str(&b, "\nend\n"), 0);
	fp = of_n(b.p, b.n, b.n);
	assert_true(fp.text != of(HEAD "\n").text);
	pieces_do_not_matter_to(b.p, 2000);
}

static size_t base64_of(const unsigned char *p, size_t n, char *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t to = 0;

	for (size_t bit = 0; bit < n * 8; bit += 6) {
		unsigned two = (unsigned)p[bit / 8] << 8 |
		               (bit / 8 + 1 < n ? p[bit / 8 + 1] : 0);

		out[to++] = set[two >> (10 - bit % 8) & 63];
	}
	while (to % 4)
		out[to++] = '=';
	return to;
}

static void base64_comes_back(void **state)
{
	unsigned char raw[300], out[BASE64_ROOM(600)];
	char text[600];
	unsigned seed = 3;

	for (size_t n = 0; n < sizeof(raw); n++) {
		size_t len, made = 0, step = 1 + n % 61;
		struct base64 b = { 0 };

		seed = seed * 1103515245 + 12345;
		raw[n] = (unsigned char)(seed >> 16);
		len = base64_of(raw, n + 1, text);
		for (size_t at = 0; at < len; at += step)
			made += base64_data(&b, text + at,
			                    len - at < step ? len - at : step,
			                    out + made);
		made += base64_end(&b, out + made);
		assert_int_equal(made, n + 1);
		assert_memory_equal(out, raw, made);
	}
}

static void what_servers_do_is_the_same(void **state)
{
	struct fingerprint a = of(mail);
	struct fingerprint b =
	        of("Received: by us\nMESSAGE-ID:\n <1@x>\n"
	           "Date:  Mon,\n 1 Aug 2022 04:00:00 -0400 (EDT)\n"
	           "From: \"A. B\" (c)\n <A@X>\n"
	           "Subject: =?UTF-8?Q?one?= =?iso-8859-1?B?IHR3bw==?=\n"
	           "Subject: another\n\n>Hello  there");

	assert_true(a.message_id == b.message_id && a.date == b.date &&
	            a.from == b.from && a.subject == b.subject &&
	            a.text == b.text);
	assert_int_equal(fp_compare(&a, &b), FP_SAME);
}

static void absent_is_zero(void **state)
{
	struct fingerprint fp = of("Subject:\nFrom:\nDate: x\n\n");
	struct fingerprint nul = of_n("Message-ID: <a\0b>\n\nx", 20, 5);
	struct fingerprint no_body = of("Date: x");

	assert_true(fp.subject == 0 && fp.message_id == 0);
	assert_true(fp.date != 0 && fp.text != 0);
	assert_true(nul.message_id == 0);
	assert_true(no_body.date == fp.date && no_body.text == fp.text);
}

static void nul_is_as_dovecot_stores_it(void **state)
{
	struct fingerprint a = of_n("A: b\n\nx\0y", 9, 9);
	struct fingerprint b = of("A: b\n\nx\x80y");

	assert_true(a.text == b.text);
}

#define ON "Date: 1 Aug 2022 10:00:00 +0000\n"
#define LATER "Date: 1 Aug 2022 10:00:01 +0000\n"
#define FROM "From: a@x\n"

static void pairs(void **state)
{
	static const struct {
		const char *a, *b;
		enum fp_match match;
	} v[] = {
		{ "Message-ID: <1>\n\nx", "Message-ID: <2>\n\nx",
		  FP_DIFFERENT },
		{ "Message-ID: <1>\n\nx", "Message-ID: 1\n\nx", FP_SAME },
		{ "Message-ID: <1>\n\nx", "Message-ID: <1>\n\ny", FP_UNSURE },
		{ "Message-ID: <1>\n" ON "\nx", "Message-ID: <1>\n\nx",
		  FP_SAME },
		/* A sender whose every mail has one Message-ID. */
		{ "Message-ID: <1>\n" ON "\nx", "Message-ID: <1>\n" LATER "\nx",
		  FP_UNSURE },
		{ "Message-ID: <1>\n" ON "\nx",
		  "Message-ID: <1>\nDate: nobody knows\n\nx", FP_SAME },
		/* A list, with and without a name in the subject. */
		{ "Message-ID: <1>\n" FROM "Subject: s\n\nx",
		  "Message-ID: <1>\n" FROM "Subject: [l] s\n\nx", FP_UNSURE },
		{ "Message-ID: <1>\n" FROM "Subject: s\n\nx",
		  "Message-ID: <1>\n" FROM "Subject: s\nList-Id: L <l.x>\n\nx",
		  FP_UNSURE },
		{ "List-ID: <L.x>\nMessage-ID: <1>\n" FROM "Subject: s\n\nx",
		  "Message-ID: <1>\n" FROM "Subject: s\nList-Id: L <l.x>\n\nx",
		  FP_SAME },
		{ ON FROM "Subject: s\n\nx", ON FROM "Subject: s\n\nx",
		  FP_SAME },
		{ ON FROM "Subject: s\n\nx", LATER FROM "Subject: s\n\nx",
		  FP_DIFFERENT },
		{ ON FROM "Subject: s\n\nx", ON FROM "Subject: t\n\nx",
		  FP_DIFFERENT },
		{ ON FROM "Subject: s\n\nx", ON FROM "Subject: s\n\ny",
		  FP_DIFFERENT },
		{ ON FROM "\nx", ON FROM "\nx", FP_SAME },
		/* Drafts that say nothing of themselves. */
		{ FROM "Subject: s\n\nx", FROM "Subject: s\n\nx", FP_UNSURE },
		/* A server put something for what it could not bear. */
		{ ON FROM "Subject: \xe9\n\nx", ON FROM "Subject: X\n\nx",
		  FP_UNSURE },
		{ ON FROM "Subject: \xe9\n\nx", ON FROM "Subject: \xe8\n\nx",
		  FP_UNSURE },
		{ ON FROM "Subject: \xc3\xa9\n\nx",
		  ON FROM "Subject: =?iso-8859-1?q?=E9?=\n\nx", FP_SAME },
		/* Somebody added a Message-ID. */
		{ ON FROM "Subject: s\n\nx",
		  "Message-ID: <9>\n" ON FROM "Subject: s\n\nx", FP_SAME },
		{ ON FROM "Subject: s\n\n",
		  "Message-ID: <9>\n" ON FROM "Subject: s\n\n", FP_UNSURE },
		{ ON FROM "\nx", "Message-ID: <9>\n" ON FROM "\nx", FP_SAME },
		{ "Message-ID: <1>\n\nx", "List-Id: <l>\nMessage-ID: <1>\n\nx",
		  FP_UNSURE },
		{ "Message-ID: <1>\n" FROM "Subject: \xe9\n\nx",
		  "List-Id: <l>\nMessage-ID: <1>\n" FROM "Subject: \xe9\n\nx",
		  FP_UNSURE },
		{ ON FROM "Subject: s\n\nx",
		  "Message-ID: <9>\n" LATER FROM "Subject: s\n\nx",
		  FP_DIFFERENT },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct fingerprint a = of(v[i].a), b = of(v[i].b);

		if (fp_compare(&a, &b) != v[i].match)
			print_message("pair %zu\n", i);
		assert_int_equal(fp_compare(&a, &b), v[i].match);
		assert_int_equal(fp_compare(&b, &a), v[i].match);
	}
}

static void headers_only_and_versions_are_unsure(void **state)
{
	struct fingerprint a = of(mail), b = of(mail);

	b.text = 0;
	assert_int_equal(fp_compare(&a, &b), FP_UNSURE);
	a.text = 0;
	assert_int_equal(fp_compare(&a, &b), FP_UNSURE);
	b = of(mail);
	a = b;
	b.version--;
	assert_int_equal(fp_compare(&a, &b), FP_UNSURE);
}

/* Its hash is odd, which says doubt of other components. */
#define ID "Message-ID: <4>\n"

/* A message that was written anew from a PST, and the one that was sent. */
static void written_anew_joins_by_its_header(void **state)
{
	static const struct {
		const char *a, *b;
		enum fp_match anew, part;
	} v[] = {
		{ ID ON FROM "Subject: s\n\nx", ID ON FROM "Subject: s\n\ny",
		  FP_SAME, FP_UNSURE },
		{ ID ON FROM "Subject: s\n\nx", ID ON FROM "Subject: s\n\nx",
		  FP_SAME, FP_SAME },
		{ ID ON FROM "\nx", ID ON FROM "\ny", FP_SAME, FP_UNSURE },
		{ ID ON FROM "Subject: \xe9\n\nx",
		  ID ON FROM "Subject: =?utf-8?q?=C3=A9?=\n\ny", FP_SAME,
		  FP_UNSURE },
		{ ID ON FROM "Subject: s\n\nx", ID ON FROM "\ny", FP_UNSURE,
		  FP_UNSURE },
		{ ID ON FROM "Subject: s\n\nx", ID ON FROM "Subject: t\n\ny",
		  FP_UNSURE, FP_UNSURE },
		{ ID ON FROM "Subject: s\n\nx", ID LATER FROM "Subject: s\n\ny",
		  FP_UNSURE, FP_UNSURE },
		{ ID FROM "Subject: s\n\nx", ID FROM "Subject: s\n\ny",
		  FP_UNSURE, FP_UNSURE },
		{ ID ON FROM "Subject: s\n\nx",
		  "List-Id: <l>\n" ID ON FROM "Subject: s\n\ny", FP_UNSURE,
		  FP_UNSURE },
		{ ON FROM "Subject: s\n\nx", ON FROM "Subject: s\n\ny",
		  FP_DIFFERENT, FP_DIFFERENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct fingerprint a = of(v[i].a), b = of(v[i].b);

		assert_true(fp_join(&a, &b) == fp_compare(&a, &b));
		a.version = FINGERPRINT_ANEW;
		if (fp_join(&a, &b) != v[i].anew)
			print_message("pair %zu\n", i);
		assert_int_equal(fp_join(&a, &b), v[i].anew);
		assert_int_equal(fp_join(&b, &a), v[i].anew);
		a.version = FINGERPRINT_IN_PART;
		assert_int_equal(fp_join(&a, &b), v[i].part);
		b.version = FINGERPRINT_ANEW;
		assert_int_equal(fp_join(&a, &b), v[i].part);
		/* Of one source it is its own octets that come again. */
		assert_int_not_equal(fp_compare(&a, &b), v[i].part == FP_SAME
		                                                 ? FP_UNSURE
		                                                 : FP_SAME);
	}
}

/* What is attached, encoded; what is text is none of it, nor RTF. */
static void files_are_counted(void **state)
{
	static const struct {
		const char *text;
		uint64_t files;
	} v[] = {
		{ ID ON FROM "\n0123456789", 0 },
		{ ID "Content-Type: application/pdf\n\n0123456789", 10 },
		{ ID "Content-Type: text/rtf\n"
		     "Content-Disposition: attachment\n\n0123456789",
		  0 },
		{ ID "Content-Type: multipart/mixed; boundary=b\n\npreamble\n"
		     "--b\n\nthe text\n"
		     "--b\nContent-Type: text/csv\n"
		     "Content-Disposition: attachment\n\n1234\n"
		     "--b\nContent-Type: message/rfc822\n"
		     "Content-Disposition: attachment\n\n"
		     "Content-Type: image/png\n\n1234567\n"
		     "--b--\nepilogue\n",
		  5 + 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_int_equal(of(v[i].text).files, v[i].files);
}

static void a_copy_without_the_files_is_none(void **state)
{
	struct fingerprint a = { .version = FINGERPRINT_ANEW,
		                 .message_id = 2,
		                 .date = 4,
		                 .from = 6,
		                 .text = 8,
		                 .files = 13000 },
	                   b = a;

	(void)state;
	assert_true(fp_has_files(&a, &b, 1));
	b.version = FINGERPRINT_VERSION;
	b.text = 5;
	assert_int_equal(fp_join(&a, &b), FP_SAME);
	assert_false(fp_has_files(&a, &b, 9000));
	/* Outlook counts octets that are not encoded. */
	assert_true(fp_has_files(&a, &b, 10000));
	assert_true(fp_has_files(&a, &b, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_xxh64),
		cmocka_unit_test(text_is_hashed_without_white_space),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(only_what_parts_say_counts),
		cmocka_unit_test(what_is_wrong_is_taken_as_it_stands),
		cmocka_unit_test(nesting_ends),
		cmocka_unit_test(base64_comes_back),
		cmocka_unit_test(what_servers_do_is_the_same),
		cmocka_unit_test(absent_is_zero),
		cmocka_unit_test(nul_is_as_dovecot_stores_it),
		cmocka_unit_test(pairs),
		cmocka_unit_test(headers_only_and_versions_are_unsure),
		cmocka_unit_test(written_anew_joins_by_its_header),
		cmocka_unit_test(files_are_counted),
		cmocka_unit_test(a_copy_without_the_files_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
