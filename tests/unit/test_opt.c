/* SPDX-License-Identifier: Apache-2.0 */
/* test_opt.c - options are parsed, guessed and explained from tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/opt.h"

static const struct opt common[] = { { "store", 0, "FILE", 0, "the job store" },
	                             { "help", 'h', NULL, 0, "show this" },
	                             { NULL } };
static const struct opt own[] = {
	{ "include", 0, "GLOB", OPT_REPEAT, "only folders that match" },
	{ "compress", 0, NULL, OPT_YES_NO, "compress" },
	{ "from-password-command", 0, "COMMAND", 0, "prints a password" },
	{ NULL }
};
static const struct opt *const tables[] = { own, common, NULL };

#define ARGS(...) ((char *[]){ __VA_ARGS__ })
#define PARSE(p, e, ...)                                             \
	opt_parse(p, tables,                                         \
	          (int)(sizeof(ARGS(__VA_ARGS__)) / sizeof(char *)), \
	          ARGS(__VA_ARGS__), e)

static void anywhere(void **state)
{
	struct parsed p;
	struct err e = { 0 };

	assert_int_equal(PARSE(&p, &e, (char *)"--store", (char *)"a.db",
	                       (char *)"ann", (char *)"--include=In*",
	                       (char *)"bob", (char *)"--include",
	                       (char *)"Sent", (char *)"-h"),
	                 0);
	assert_int_equal(p.operands, 2);
	assert_string_equal(p.operand[0], "ann");
	assert_string_equal(p.operand[1], "bob");
	assert_string_equal(opt_value(&p, "store"), "a.db");
	assert_true(opt_given(&p, "help"));
	assert_false(opt_given(&p, "compress"));
	assert_int_equal(p.n, 4);
	assert_string_equal(p.v[1].value, "In*");
	assert_string_equal(p.v[2].value, "Sent");
	opt_release(&p);
}

static void last_one_counts(void **state)
{
	struct parsed p;
	struct err e = { 0 };

	assert_int_equal(
	        PARSE(&p, &e, (char *)"--store=a", (char *)"--store=b"), 0);
	assert_int_equal(p.n, 1);
	assert_string_equal(opt_value(&p, "store"), "b");
	opt_release(&p);
}

static void dashes_end_options(void **state)
{
	struct parsed p;
	struct err e = { 0 };

	assert_int_equal(PARSE(&p, &e, (char *)"--", (char *)"--store",
	                       (char *)"-", (char *)"--"),
	                 0);
	assert_int_equal(p.n, 0);
	assert_int_equal(p.operands, 3);
	assert_string_equal(p.operand[0], "--store");
	assert_string_equal(p.operand[2], "--");
	opt_release(&p);
}

static void flags_and_values(void **state)
{
	struct parsed p;
	struct err e = { 0 };

	assert_int_equal(PARSE(&p, &e, (char *)"--compress=no"), 0);
	assert_string_equal(opt_value(&p, "compress"), "no");
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"--compress"), 0);
	assert_string_equal(opt_value(&p, "compress"), "");
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"--store="), 0);
	assert_string_equal(opt_value(&p, "store"), "");
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"--help=yes"), -1);
	assert_int_equal(e.code, EC_USAGE);
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"--store"), -1);
	assert_non_null(strstr(e.text, "--store FILE"));
	opt_release(&p);
}

static void mistyped(void **state)
{
	struct parsed p;
	struct err e = { 0 };

	assert_int_equal(PARSE(&p, &e, (char *)"--stroe=x"), -1);
	assert_int_equal(e.code, EC_USAGE);
	assert_non_null(strstr(e.text, "--stroe"));
	assert_non_null(strstr(e.text, "--store?"));
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"--zzzzzzz"), -1);
	assert_null(strstr(e.text, "Did you mean"));
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"-x"), -1);
	opt_release(&p);
	/* No short options in a bunch, and no half ones. */
	assert_int_equal(PARSE(&p, &e, (char *)"-hh"), -1);
	opt_release(&p);
	assert_int_equal(PARSE(&p, &e, (char *)"--stor", (char *)"x"), -1);
	opt_release(&p);
}

static void suggestions(void **state)
{
	static const char *const words[] = { "copy",   "add",    "run",
		                             "status", "verify", "problems" };
	const size_t n = sizeof(words) / sizeof(words[0]);

	assert_string_equal(opt_suggest("cpoy", words, n), "copy");
	assert_string_equal(opt_suggest("stat", words, n), "status");
	assert_string_equal(opt_suggest("veryfy", words, n), "verify");
	assert_string_equal(opt_suggest("problem", words, n), "problems");
	assert_null(opt_suggest("frobnicate", words, n));
	assert_null(opt_suggest("", words, n));
	assert_null(opt_suggest("a-word-that-is-far-too-long-for-the-"
	                        "distance-to-be-worth-knowing",
	                        words, n));
}

static void first_operand(void **state)
{
	assert_int_equal(opt_first_operand(tables, 3,
	                                   ARGS((char *)"--store",
	                                        (char *)"run", (char *)"run")),
	                 2);
	assert_int_equal(
	        opt_first_operand(tables, 2,
	                          ARGS((char *)"--store=x", (char *)"run")),
	        1);
	assert_int_equal(opt_first_operand(tables, 1, ARGS((char *)"-h")), -1);
	assert_int_equal(opt_first_operand(tables, 1, ARGS((char *)"--")), -1);
}

static void help(void **state)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_int_equal(opt_help(&b, own, 50), 0);
	assert_string_equal(b.p,
	                    "  --include GLOB          only folders that "
	                    "match\n"
	                    "  --compress              compress\n"
	                    "  --from-password-command COMMAND\n"
	                    "                          prints a password\n");
	buf_clear(&b);
	assert_int_equal(opt_help(&b, common, 80), 0);
	assert_non_null(strstr(b.p, "  -h, --help "));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anywhere),
		cmocka_unit_test(last_one_counts),
		cmocka_unit_test(dashes_end_options),
		cmocka_unit_test(flags_and_values),
		cmocka_unit_test(mistyped),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(first_operand),
		cmocka_unit_test(help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
