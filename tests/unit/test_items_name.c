/* SPDX-License-Identifier: Apache-2.0 */
/* test_items_name.c - a stranger's paths lead nowhere but below DIR. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/items_name.h"
#include "util/utf8.h"

static void file(const char *name, unsigned number, const char *want)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	assert_int_equal(items_file_name(&b, name, number), 0);
	assert_string_equal(b.p, want);
}

static void folder(const char *key, const char *want, const char *rest)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *name;

	assert_int_equal(items_folder(&b, key, &name), 0);
	assert_string_equal(b.p, want);
	assert_string_equal(name, rest);
}

static void test_files(void **state)
{
	(void)state;
	file("Ann Example.vcf", 1, "Ann Example.vcf");
	file("Ann Example.vcf", 3, "Ann Example (3).vcf");
	file("J\u00fcrgen.ICS", 1, "J\u00fcrgen.ICS");
	file("a/b\\c:d*e?f\"g<h>i|j.txt", 1, "a_b_c_d_e_f_g_h_i_j.txt");
	file("line\nend \u202egnp.txt", 1, "line_end _gnp.txt");
	file("bad \xff octet.txt", 1, "bad _ octet.txt");
	file("Lunch - plan.pdf", 2, "Lunch - plan (2).pdf");
	file("Lunch.p/df", 1, "Lunch.p_df.txt");
	file("Lunch.pdf ", 1, "Lunch.pdf_.txt");
	file("Lunch.longerthan10", 1, "Lunch.longerthan10.txt");
	/* Nothing that is hidden, or known by its whole name. */
	file(".bashrc", 1, "_bashrc.txt");
	file("authorized_keys", 1, "authorized_keys.txt");
	file("..vcf", 1, "_.vcf");
	file("..", 1, "__.txt");
	file("", 1, "_.txt");
	file(".txt", 1, "_txt.txt");
	file("dot. .txt", 1, "dot._.txt");
}

static void test_folders(void **state)
{
	(void)state;
	folder("a.vcf", "", "a.vcf");
	folder("Contacts/Work/a.vcf", "Contacts/Work/", "a.vcf");
	folder("../../etc/a.vcf", "__/__/etc/", "a.vcf");
	folder("/etc//./a.vcf", "etc/_/", "a.vcf");
	folder(".ssh/a", "_ssh/", "a");
}

static void test_long(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	char name[4001];

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		memcpy(name + 2 * i, "\u00fc", 2);
	name[4000] = '\0';
	assert_int_equal(items_file_name(&b, name, 999), 0);
	assert_true(b.n < 200);
	assert_true(utf8_valid(b.p));
	memset(name, '/', 4000);
	for (size_t i = 0; i < 4000; i += 2)
		name[i] = 'x';
	folder(name, "x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/", name + 32);
}

static void test_below(void **state)
{
	char *s CLEANUP(free_p) = items_below("out", "../ann@example.com");

	(void)state;
	assert_string_equal(s, "out/_._ann@example.com");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
