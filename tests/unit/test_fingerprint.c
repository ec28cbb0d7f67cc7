/* SPDX-License-Identifier: Apache-2.0 */
/* test_fingerprint.c - the hash, the components, and pairs to compare. */
#include "mail_fixture.h"

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
	fp_scan_end(s, &fp);
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
	assert_int_equal(FINGERPRINT_VERSION, 1);
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
				raw[i] = "  \r\n\t\0!\x80"[seed >> 24 & 7];
			if (!strchr(" \r\n\t", raw[i]) || !raw[i])
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

static const char mail[] = "Message-ID: <1@x>\r\nDate: Mon, 1 Aug 2022\r\n"
                           "From: A <a@x>\r\nSubject: one  two\r\n\r\n"
                           "Hello there\r\n";

static void pieces_do_not_matter(void **state)
{
	struct fingerprint whole = of(mail);

	for (size_t step = 1; step < sizeof(mail); step++) {
		struct fingerprint fp = of_n(mail, sizeof(mail) - 1, step);

		assert_memory_equal(&fp, &whole, sizeof(fp));
	}
	assert_int_equal(whole.version, FINGERPRINT_VERSION);
	assert_true(whole.message_id && whole.date && whole.from &&
	            whole.subject && whole.text);
}

static void what_servers_do_is_the_same(void **state)
{
	struct fingerprint a = of(mail);
	struct fingerprint b = of("Received: by us\nMESSAGE-ID:\n <1@x>\n"
	                          "Date:  Mon,\n 1 Aug 2022\n"
	                          "From: a <A@X>\nSubject: one\n\ttwo \n"
	                          "Subject: another\n\nHello  there");

	assert_true(a.message_id == b.message_id && a.date == b.date &&
	            a.from == b.from && a.subject == b.subject &&
	            a.text == b.text);
	assert_int_equal(fp_compare(&a, &b), FP_SAME);
}

static void absent_is_zero(void **state)
{
	struct fingerprint fp = of("Subject: caf\xc3\xa9\nFrom:\nDate: x\n\n");
	struct fingerprint nul = of_n("From: a\0b\n\nx", 12, 5);
	struct fingerprint no_body = of("Date: x");

	assert_true(fp.subject == 0 && fp.from == 0 && fp.message_id == 0);
	assert_true(fp.date != 0 && fp.text != 0);
	assert_true(nul.from == 0);
	assert_true(no_body.date == fp.date && no_body.text == fp.text);
}

static void nul_is_as_dovecot_stores_it(void **state)
{
	struct fingerprint a = of_n("A: b\n\nx\0y", 9, 9);
	struct fingerprint b = of("A: b\n\nx\x80y");

	assert_true(a.text == b.text);
}

static void pairs(void **state)
{
	static const struct {
		const char *a, *b;
		enum fp_match match;
	} v[] = {
		{ "Message-ID: <1>\n\nx", "Message-ID: <2>\n\nx",
		  FP_DIFFERENT },
		{ "Message-ID: <1>\n\nx", "Message-ID: <1>\n\ny", FP_UNSURE },
		{ "Message-ID: <1>\nDate: 1\n\nx", "Message-ID: <1>\n\nx",
		  FP_SAME },
		{ "Date: 1\nFrom: a\nSubject: s\n\nx",
		  "Date: 1\nFrom: a\nSubject: s\n\nx", FP_SAME },
		{ "Date: 1\nFrom: a\nSubject: s\n\nx",
		  "Date: 1\nFrom: a\nSubject: t\n\nx", FP_DIFFERENT },
		{ "Date: 1\nFrom: a\nSubject: s\n\nx",
		  "Date: 1\nFrom: a\nSubject: s\n\ny", FP_DIFFERENT },
		/* A server put something for what it could not bear. */
		{ "Date: 1\nFrom: a\nSubject: \xe9\n\nx",
		  "Date: 1\nFrom: a\nSubject: X\n\nx", FP_UNSURE },
		{ "Date: 1\nFrom: a\nSubject: s\n\nx",
		  "Message-ID: <9>\nDate: 1\nFrom: a\nSubject: s\n\nx",
		  FP_UNSURE },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct fingerprint a = of(v[i].a), b = of(v[i].b);

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
	b.version++;
	assert_int_equal(fp_compare(&a, &b), FP_UNSURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_xxh64),
		cmocka_unit_test(text_is_hashed_without_white_space),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(what_servers_do_is_the_same),
		cmocka_unit_test(absent_is_zero),
		cmocka_unit_test(nul_is_as_dovecot_stores_it),
		cmocka_unit_test(pairs),
		cmocka_unit_test(headers_only_and_versions_are_unsure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
