/* SPDX-License-Identifier: Apache-2.0 */
/* test_account_id.c - which locators mean the same mailbox, and its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "mailhaul/account.h"

static bool same(const char *one, const char *other)
{
	struct account a, b;
	bool result;

	assert_int_equal(account_parse(&a, one, true, NULL), 0);
	assert_int_equal(account_parse(&b, other, true, NULL), 0);
	result = account_same(&a, &b);
	account_release(&a);
	account_release(&b);
	return result;
}

static void servers(void **state)
{
	assert_true(same("imaps://ann@mx.example.com",
	                 "imap://ann@MX.Example.com."));
	assert_true(same("imaps://ann@h", "imap+cleartext://ann@h:143"));
	assert_true(same("imaps://ann%40Example.com@h",
	                 "imaps://ann%40example.COM@h"));
	assert_true(same("imap://a@h:1143", "imaps://a@h:1143"));
	assert_false(same("imap://a@h:1143", "imap://a@h:1144"));
	assert_false(same("imaps://ann@h", "imaps://bob@h"));
	assert_false(same("imaps://ann@h", "imaps://Ann@h"));
	assert_false(same("imaps://ann@h", "imaps://ann@i"));
	assert_false(same("imaps://ann@h", "maildir:ann@h"));
}

static void paths(void **state)
{
	char dir[] = "/tmp/mailhaul-XXXXXX", link[64], one[96], other[96];

	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s-link", dir);
	assert_int_equal(symlink(dir, link), 0);
	snprintf(one, sizeof(one), "maildir:%s", dir);
	snprintf(other, sizeof(other), "maildir:%s/", link);
	assert_true(same(one, other));
	/* Not made yet: the parent's real path tells. */
	snprintf(one, sizeof(one), "maildir:%s/new", dir);
	snprintf(other, sizeof(other), "maildir:%s/new/", link);
	assert_true(same(one, other));
	snprintf(other, sizeof(other), "maildir:%s/newer", link);
	assert_false(same(one, other));
	unlink(link);
	rmdir(dir);
}

static void named(const char *locator, const char *name)
{
	struct account a;
	char *got;

	assert_int_equal(account_parse(&a, locator, true, NULL), 0);
	got = account_name(&a);
	assert_string_equal(got, name);
	free(got);
	account_release(&a);
}

static void names(void **state)
{
	named("imaps://ann%40example.com@mx", "ann@example.com");
	named("imaps://ann@mx.example.com", "ann@mx.example.com");
	named("mbox:/var/mail/ann.mbox", "ann.mbox");
	named("maildir:/backup/ann//", "ann");
	named("maildir:ann", "ann");
	named("/", "/");
	named("m365+imap:ann@example.com", "ann@example.com");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers),
		cmocka_unit_test(paths),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
