/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for read receipts get another name, and nothing else changes. */
#include "mail_fixture.h"

#include <openssl/sha.h>

#include "mime/repair.h"

/* The octets after it; want NULL: untouched. */
static void disarmed(const char *text, const char *want)
{
	unsigned char sha[32], before[32];
	struct message m;
	bool changed;
	struct err e;
	char *got;

	message_fill(&m, text, strlen(text));
	memcpy(before, m.sha256, 32);
	assert_int_equal(repair_receipts(&m, &changed, &e), 0);
	assert_int_equal(changed, want != NULL);
	assert_int_equal(m.repaired, changed);
	got = body_text(&m.body);
	assert_string_equal(got, want ? want : text);
	SHA256((unsigned char *)got, (size_t)m.body.size, sha);
	assert_memory_equal(m.sha256, sha, 32);
	if (changed) {
		assert_memory_equal(m.orig_sha256, before, 32);
		assert_string_equal(m.repair_note,
		                    "request for a read receipt disarmed");
	}
	free(got);
	/* Once is enough. */
	assert_int_equal(repair_receipts(&m, &changed, &e), 0);
	assert_false(changed);
	message_release(&m);
}

static void ordinary_mail_keeps_its_octets(void **state)
{
	static const char *const v[] = {
		"",
		"\r\n",
		"Subject: x\r\n\r\nDisposition-Notification-To: a@b\r\n",
		"Subject: x\n\nReturn-Receipt-To: a@b\n",
		"Subject:\r\n Disposition-Notification-To: a@b\r\n\r\nx",
		"X-Disposition-Notification-To: a@b\r\n\r\nx",
		"Disposition-Notification-Options: a=b\r\n\r\nx",
		"Disposition-Notification-To",
		"Disposition-Notification-To a@b: x\r\n\r\n",
		"A: b\r\nReturn-Receipt-Too: a@b\r\n\r\n",
		/* A part's header, not the message's. */
		"A: b\r\n\r\n--x\r\nReturn-Receipt-To: a@b\r\n\r\n--x--\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		disarmed(v[i], NULL);
}

static void requests_are_renamed(void **state)
{
	(void)state;
	disarmed("Disposition-Notification-To: a@b\r\n\r\nx",
	         "X-mailhaul-Disposition-Notification-To: a@b\r\n\r\nx");
	disarmed("A: b\r\ndisposition-notification-TO : a@b,\r\n c@d\r\n"
	         "X-Confirm-Reading-To: x\r\nReturn-Receipt-To:y\n\nbody\r\n",
	         "A: b\r\nX-mailhaul-disposition-notification-TO : a@b,\r\n "
	         "c@d\r\nX-mailhaul-X-Confirm-Reading-To: x\r\n"
	         "X-mailhaul-Return-Receipt-To:y\n\nbody\r\n");
	/* The header never ends. */
	disarmed("A: b\r\nReturn-Receipt-To: x",
	         "A: b\r\nX-mailhaul-Return-Receipt-To: x");
}

/* Mended before: both are told, and the first octets are the original's. */
static void after_another_repair(void **state)
{
	static const char text[] = "Return-Receipt-To: a\r\n\r\nx\0y\r\n";
	unsigned char before[32];
	struct message m;
	bool changed;
	struct err e;
	char *got;

	(void)state;
	message_fill(&m, text, sizeof(text) - 1);
	memcpy(before, m.sha256, 32);
	assert_int_equal(repair_message(&m, &changed, &e), 0);
	assert_true(changed);
	assert_int_equal(repair_receipts(&m, &changed, &e), 0);
	assert_true(changed);
	got = body_text(&m.body);
	assert_string_equal(got,
	                    "X-mailhaul-Return-Receipt-To: a\r\n\r\nxy\r\n");
	assert_memory_equal(m.orig_sha256, before, 32);
	assert_string_equal(m.repair_note,
	                    "1 NUL octet dropped, request for a read receipt "
	                    "disarmed");
	free(got);
	message_release(&m);
}

/* Across the places where it is read and copied. */
static void long_header(void **state)
{
	struct buf text = BUF_INIT(0), want = BUF_INIT(0);

	(void)state;
	while (text.n < 4090)
		assert_int_equal(buf_str(&text, "X: y\r\n"), 0);
	assert_int_equal(buf_add(&want, text.p, text.n), 0);
	assert_int_equal(buf_str(&text, "Return-Receipt-To: a\r\n\r\n"), 0);
	assert_int_equal(
	        buf_str(&want, "X-mailhaul-Return-Receipt-To: a\r\n\r\n"), 0);
	while (text.n < 200000) {
		assert_int_equal(buf_str(&text, "Return-Receipt-To: z\r\n"), 0);
		assert_int_equal(buf_str(&want, "Return-Receipt-To: z\r\n"), 0);
	}
	disarmed(text.p, want.p);
	buf_release(&text);
	buf_release(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_mail_keeps_its_octets),
		cmocka_unit_test(requests_are_renamed),
		cmocka_unit_test(after_another_repair),
		cmocka_unit_test(long_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
