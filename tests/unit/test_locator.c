/* SPDX-License-Identifier: Apache-2.0 */
/* test_locator.c - the grammar of FROM and TO, and a sentence for each
 * mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mailhaul/account.h"
#include "plan/locator.h"

static struct account good(const char *locator, bool is_from)
{
	struct account a;
	struct err e;

	if (account_parse(&a, locator, is_from, &e)) {
		print_error("%s: %s\n", locator, e.text);
		fail();
	}
	assert_string_equal(a.locator, locator);
	assert_int_equal(a.is_from, is_from);
	return a;
}

/* The mistake's sentence has words in it. */
static void bad(const char *locator, bool is_from, const char *words)
{
	struct account a;
	struct err e = { 0 };

	assert_int_equal(account_parse(&a, locator, is_from, &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	if (!strstr(e.text, words)) {
		print_error("%s: %s\n", locator, e.text);
		fail();
	}
	assert_null(a.locator);
	assert_null(a.user);
}

static void imap(const char *locator, enum account_kind kind, const char *user,
                 const char *host, unsigned port)
{
	for (int from = 0; from < 2; from++) {
		struct account a = good(locator, from);

		assert_int_equal(a.kind, kind);
		assert_true(account_is_imap(&a));
		assert_string_equal(a.user, user);
		assert_string_equal(a.host, host);
		assert_int_equal(a.port, port);
		assert_null(a.path);
		account_release(&a);
	}
}

static void imap_locators(void **state)
{
	imap("imaps://ann@mx.example.com", KIND_IMAPS, "ann", "mx.example.com",
	     993);
	imap("imap://ann%40example.com@mx.example.com:1143", KIND_IMAP_STARTTLS,
	     "ann@example.com", "mx.example.com", 1143);
	imap("imap+cleartext://ann@127.0.0.1", KIND_IMAP_CLEARTEXT, "ann",
	     "127.0.0.1", 143);
	imap("IMAPS://a%25b%2Fc%3Ad@h:65535", KIND_IMAPS, "a%b/c:d", "h",
	     65535);
	imap("imaps://ann@[::1]", KIND_IMAPS, "ann", "::1", 993);
	imap("imaps://ann@[2001:db8::2]:1993", KIND_IMAPS, "ann", "2001:db8::2",
	     1993);
	imap("imaps://d\\u*admin@h", KIND_IMAPS, "d\\u*admin", "h", 993);
	imap("imaps://j%C3%BCrgen@h", KIND_IMAPS, "j\u00fcrgen", "h", 993);
}

static void imap_mistakes(void **state)
{
	bad("imaps://mx.example.com", true, "names no user");
	bad("imaps://@mx.example.com", true, "names no user");
	bad("imaps://ann@", true, "names no host");
	bad("imaps://ann@:993", true, "names no host");
	bad("imaps:ann@host", true, "lacks the //");
	bad("imaps:", true, "lacks the //");
	bad("imaps://ann@h:", true, "no port");
	bad("imaps://ann@h:0", true, "no port");
	bad("imaps://ann@h:65536", true, "no port");
	bad("imaps://ann@h:99999999999999999999", true, "no port");
	bad("imaps://ann@h:993x", true, "no port");
	bad("imaps://ann@h/INBOX", true, "not a host name");
	bad("imaps://ann@h ", true, "not a host name");
	bad("imaps://ann@-h", true, "not a host name");
	bad("imaps://ann@a..b", true, "not a host name");
	bad("imaps://ann@m\u00fcller.de", true, "xn--");
	bad("imaps://ann@::1", true, "imaps://USER@[::1]");
	bad("imaps://ann@[::1", true, "must end");
	bad("imaps://ann@[::1]x", true, "must end");
	bad("imaps://ann@[zz]", true, "not an IPv6 address");
	bad("imaps://a%4@h", true, "two hexadecimal digits");
	bad("imaps://a%zz@h", true, "two hexadecimal digits");
	bad("imaps://a%@h", true, "two hexadecimal digits");
	bad("imaps://a%00@h", true, "%00");
	bad("imaps://a%0d%0aB@h", true, "control character");
	bad("imaps://a\r\nb@h", true, "control character");
	bad("imaps://a%ff@h", true, "UTF-8");
	bad("imaps://a/b@h", true, "%2F");
	bad("", true, "empty");
	bad("", false, "TO is empty");
}

static void shows_the_right_way(void **state)
{
	bad("imaps://ann@example.com@mx.example.com:993", true,
	    "imaps://ann%40example.com@mx.example.com:993");
}

static void never_repeats_a_password(void **state)
{
	static const char *const all[] = {
		"imaps://ann:hunter2@h",
		"imaps://ann:hun@hunter2@h",
		"imaps://ann@example.com:hunter2@h",
		"imaps://ann:/hunter2/@h",
		"imaps://ann@h:hunter2",
		"imaps://ann:hunter2",
		"imap:ann:hunter2@h",
		"pop3://ann:hunter2@h",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct account a;
		struct err e = { 0 };

		assert_int_equal(account_parse(&a, all[i], true, &e), -1);
		assert_null(strstr(e.text, "hunter2"));
		assert_null(strstr(e.detail, "hunter2"));
	}
	bad("imaps://ann:hunter2@h", true, "--from-password-file");
	bad("imaps://ann:hunter2@h", false, "--to-password-file");
}

static void path(const char *locator, enum account_kind kind, const char *where)
{
	struct account a = good(locator, true);

	assert_int_equal(a.kind, kind);
	assert_false(account_is_imap(&a));
	assert_string_equal(a.path, where);
	assert_null(a.host);
	assert_null(a.user);
	account_release(&a);
}

static void archives(void **state)
{
	path("mbox:/var/mail/ann", KIND_MBOX, "/var/mail/ann");
	path("maildir:Mail", KIND_MAILDIR, "Mail");
	path("eml:x.zip", KIND_EML, "x.zip");
	path("pst:a b.pst", KIND_PST, "a b.pst");
	path("/tmp/x.mbox", KIND_PATH, "/tmp/x.mbox");
	path("2024:mail", KIND_PATH, "2024:mail");
	path("./http://x", KIND_PATH, "./http://x");
	path("mailboxes:a", KIND_PATH, "mailboxes:a");
	path("mbox:caf\xe9", KIND_MBOX, "caf\xe9");
	bad("mbox:", true, "names no file");
	bad("http://x", true, "does not know \"http:\"");
	bad("imap+tls://a@b", true, "does not know \"imap+tls:\"");
	bad("m365+graf:a@b", true, "does not know \"m365+graf:\"");
}

static void destinations(void **state)
{
	struct account a = good("maildir:/backup", false);

	assert_int_equal(a.kind, KIND_MAILDIR);
	account_release(&a);
	bad("mbox:/x", false, "cannot be written to mbox:");
	bad("pst:/x", false, "cannot be written to pst:");
	bad("/backup", false, "maildir:PATH");
}

static void microsoft(void **state)
{
	struct account a = good("m365:ann@example.com", false);

	assert_int_equal(a.kind, KIND_M365);
	assert_string_equal(a.user, "ann@example.com");
	account_release(&a);
	a = good("m365+imap:ann@example.com", true);
	assert_int_equal(a.kind, KIND_M365_IMAP);
	account_release(&a);
	a = good("m365+graph:ann@example.com", false);
	assert_int_equal(a.kind, KIND_M365_GRAPH);
	account_release(&a);
	bad("m365:ann@example.com", true, "m365+imap:");
	bad("m365:ann", false, "address of a mailbox");
	bad("m365://ann@example.com", false, "address of a mailbox");
}

static void encodes_users(void **state)
{
	struct buf b = BUF_INIT(0);

	assert_int_equal(locator_encode("imaps://{user}@h", &b, "a@b/\u00e9"),
	                 0);
	assert_string_equal(b.p, "a%40b%2F%C3%A9");
	buf_clear(&b);
	assert_int_equal(locator_encode("m365:{user}", &b, "a@b"), 0);
	assert_string_equal(b.p, "a@b");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(imap_locators),
		cmocka_unit_test(imap_mistakes),
		cmocka_unit_test(shows_the_right_way),
		cmocka_unit_test(never_repeats_a_password),
		cmocka_unit_test(archives),
		cmocka_unit_test(destinations),
		cmocka_unit_test(microsoft),
		cmocka_unit_test(encodes_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
