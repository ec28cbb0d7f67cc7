/* SPDX-License-Identifier: Apache-2.0 */
/* test_intake.c - octets kept, hashed and fingerprinted in one go. */
#include "mail_fixture.h"

#include <openssl/sha.h>

#include "mime/fingerprint.h"

static void take(struct message *m, const char *p, size_t n, size_t step,
                 bool lf, size_t limit)
{
	struct intake in = { 0 };
	struct err e;

	memset(m, 0, sizeof(*m));
	body_init(&m->body, limit, NULL);
	assert_int_equal(intake_begin(&in, m, 0, lf, &e), 0);
	for (size_t at = 0; at < n; at += step)
		assert_int_equal(intake_data(&in, p + at,
		                             n - at < step ? n - at : step, &e),
		                 0);
	assert_int_equal(intake_end(&in, &e), 0);
	assert_true(m->fetched);
}

static void check(const struct message *m, const char *want, size_t n)
{
	unsigned char sha[32];
	char *got = body_text(&m->body);

	assert_int_equal(m->body.size, n);
	assert_int_equal(m->size, n);
	assert_memory_equal(got, want, n);
	SHA256((const unsigned char *)want, n, sha);
	assert_memory_equal(m->sha256, sha, 32);
	free(got);
}

static void bare_lf_becomes_crlf_and_nothing_else(void **state)
{
	static const char text[] = "A: b\nC: d\r\n\n\n\r\r\nx\ry\n\0z\r";
	static const char wire[] =
	        "A: b\r\nC: d\r\n\r\n\r\n\r\r\nx\ry\r\n\0z\r";

	for (size_t step = 1; step < sizeof(text); step++) {
		struct message m;

		take(&m, text, sizeof(text) - 1, step, true, 1000);
		check(&m, wire, sizeof(wire) - 1);
		message_release(&m);
	}
}

static void wire_form_is_left_alone(void **state)
{
	static const char text[] = "A: b\n\r\nx\n\0\ny";
	struct message m;

	take(&m, text, sizeof(text) - 1, 3, false, 1000);
	check(&m, text, sizeof(text) - 1);
	message_release(&m);
	take(&m, "", 0, 1, false, 1000);
	check(&m, "", 0);
	message_release(&m);
}

static void big_ones_go_to_the_spool(void **state)
{
	size_t n = 300000, wire_n;
	char *text = malloc(n), *wire;
	struct message m;
	struct fingerprint fp;

	for (size_t i = 0; i < n; i++)
		text[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 26);
	memcpy(text, "Message-ID: <1>\n\n", 17);
	wire = as_wire(text, n, &wire_n);
	take(&m, text, n, 70000, true, 1000);
	assert_true(m.body.spool > 0);
	assert_null(m.body.mem);
	check(&m, wire, wire_n);
	fp = m.fp;
	message_release(&m);
	take(&m, wire, wire_n, 999, false, 1u << 20);
	assert_memory_equal(&fp, &m.fp, sizeof(fp));
	message_release(&m);
	free(text);
	free(wire);
}

static void half_a_message_leaves_nothing(void **state)
{
	struct message m = { 0 };
	struct intake in = { 0 };
	struct err e;

	body_init(&m.body, 1000, NULL);
	assert_int_equal(intake_begin(&in, &m, 50, true, &e), 0);
	assert_int_equal(intake_data(&in, "A: b\n", 5, &e), 0);
	intake_release(&in);
	assert_null(in.m);
	assert_false(m.fetched);
	intake_release(&in);
	message_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_lf_becomes_crlf_and_nothing_else),
		cmocka_unit_test(wire_form_is_left_alone),
		cmocka_unit_test(big_ones_go_to_the_spool),
		cmocka_unit_test(half_a_message_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
