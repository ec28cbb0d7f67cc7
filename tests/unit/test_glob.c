/* SPDX-License-Identifier: Apache-2.0 */
/* test_glob.c - patterns over folder paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mailhaul/plan.h"

static const struct {
	const char *pattern, *path;
	bool match;
} cases[] = {
	{ "Work", "Work", true },
	{ "Work", "Work/2019", false },
	{ "Work", "Works", false },
	{ "work", "Work", false },
	{ "*", "Work", true },
	{ "*", "Work/2019", false },
	{ "**", "Work/2019", true },
	{ "**", "", true },
	{ "Work/*", "Work/2019", true },
	{ "Work/*", "Work", false },
	{ "Work/*", "Work/2019/May", false },
	{ "Work/**", "Work/2019/May", true },
	{ "Work/**", "Work", false },
	{ "**/Spam", "Spam", true },
	{ "**/Spam", "a/b/Spam", true },
	{ "**/Spam", "a/notSpam", false },
	{ "a/**/z", "a/z", true },
	{ "a/**/z", "a/b/c/z", true },
	{ "a/**/z", "a/bz", false },
	{ "a**z", "a/b/z", true },
	{ "W*9", "Work 2019", true },
	{ "*a*b*", "xxaxxbxx", true },
	{ "*a*b*", "xxbxxaxx", false },
	{ "*/b", "a/b", true },
	{ "*/b", "a/c/b", false },
	{ "?", "\u00e9", true },
	{ "?", "ab", false },
	{ "a?b", "a/b", false },
	{ "??", "\xff\xfe", true },
	{ "[abc]x", "bx", true },
	{ "[!abc]x", "bx", false },
	{ "[!abc]x", "dx", true },
	{ "[a-c]", "b", true },
	{ "[a-c]", "d", false },
	{ "[\u00e0-\u00ff]", "\u00e9", true },
	{ "a[!x]b", "a/b", false },
	{ "[]x]", "]", true },
	{ "[a-]", "-", true },
	{ "[x", "[x", true },
	{ "[Gmail]/Spam", "[Gmail]/Spam", true },
	{ "[Gmail]/**", "[Gmail]/All Mail", true },
	{ "[Gmail]/*", "[Gmail]", false },
	{ "\\*", "*", true },
	{ "\\*", "x", false },
	{ "a\\", "a\\", true },
	{ "inbox", "INBOX", true },
	{ "INBOX/*", "Inbox/x", true },
	{ "INBOX/X", "Inbox/x", false },
	{ "in*/x", "INBOX/x", true },
	{ "inboxes", "INBOXES", false },
	{ "", "", true },
	{ "", "x", false },
};

static void table(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (plan_glob(cases[i].pattern, cases[i].path) !=
		    cases[i].match) {
			print_error("%s : %s\n", cases[i].pattern,
			            cases[i].path);
			fail();
		}
}

/* The same by trying everything, for patterns without brackets. */
static bool slowly(const char *p, const char *s, bool start)
{
	if (!*p)
		return !*s;
	if (p[0] == '*' && p[1] == '*') {
		while (p[1] == '*')
			p++;
		p++;
		if (start && *p == '/') {
			if (slowly(p + 1, s, true))
				return true;
			for (; *s; s++)
				if (*s == '/' && slowly(p + 1, s + 1, true))
					return true;
			return false;
		}
		for (;; s++) {
			if (slowly(p, s, false))
				return true;
			if (!*s)
				return false;
		}
	}
	if (*p == '*') {
		for (;; s++) {
			if (slowly(p + 1, s, false))
				return true;
			if (!*s || *s == '/')
				return false;
		}
	}
	if (!*s || (*p == '?' ? *s == '/' : *p != *s))
		return false;
	return slowly(p + 1, s + 1, *p == '/');
}

static void all_short_ones(void **state)
{
	static const char p_letters[] = "*?/a", s_letters[] = "/ab";
	unsigned wrong = 0;

	for (unsigned i = 0; i < 1024 * 4; i++) {
		char p[7] = "";
		unsigned rest = i;

		for (int k = 0; k < 6; k++, rest /= 4)
			p[k] = p_letters[rest % 4];
		for (unsigned j = 0; j < 243; j++) {
			char s[6] = "";

			rest = j;
			for (int k = 0; k < 5; k++, rest /= 3)
				s[k] = s_letters[rest % 3];
			if (plan_glob(p, s) != slowly(p, s, true) && !wrong++)
				print_error("%s : %s\n", p, s);
		}
	}
	assert_int_equal(wrong, 0);
}

/* Would take years if every star were tried at every place. */
static void hostile(void **state)
{
	char pattern[801] = "", *path = malloc(20001);

	for (int i = 0; i < 400; i++)
		memcpy(pattern + 2 * i, i % 2 ? "*a" : "?*", 2);
	memset(path, 'a', 20000);
	path[19999] = 'b';
	path[20000] = '\0';
	assert_false(plan_glob(pattern, path));
	for (int i = 0; i < 200; i++)
		memcpy(pattern + 4 * i, "**/a", 4);
	assert_false(plan_glob(pattern, path));
	free(path);
}

static void too_long(void **state)
{
	char pattern[1002];

	memset(pattern, '*', 1001);
	pattern[1001] = '\0';
	assert_false(plan_glob(pattern, "x"));
	pattern[1000] = '\0';
	assert_true(plan_glob(pattern, "x"));
	memset(pattern, 'a', 1000);
	assert_false(plan_glob(pattern, "x"));
	assert_true(plan_glob(pattern, pattern));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(all_short_ones),
		cmocka_unit_test(hostile),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
