/* SPDX-License-Identifier: Apache-2.0 */
/* test_csv_read.c - the CSV of a fleet: what is read, and every mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "mailhaul/plan.h"

static char path[64];

static int make_path(void **state)
{
	snprintf(path, sizeof(path), "/tmp/mailhaul-csv-XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	return unlink(path);
}

static void write_file(const void *text, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int read_with(struct csv *c, const char *text, const char *from,
                     const char *to, struct err *e)
{
	memset(e, 0, sizeof(*e));
	write_file(text, strlen(text), 0600);
	return csv_read(c, path, from, to, e);
}

static void good(struct csv *c, const char *text)
{
	struct err e;

	if (read_with(c, text, NULL, NULL, &e)) {
		for (size_t i = 0; i < c->mistakes_n; i++)
			print_error("%u: %s\n", c->mistakes[i].line,
			            c->mistakes[i].text);
		fail();
	}
	assert_int_equal(c->mistakes_n, 0);
}

struct want {
	unsigned line;
	const char *words;
};

static void bad_with(const char *text, const char *from, const char *to,
                     const struct want *want, size_t n)
{
	struct csv c;
	struct err e;

	assert_int_equal(read_with(&c, text, from, to, &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	for (size_t i = 0; i < c.mistakes_n; i++)
		if (i >= n || c.mistakes[i].line != want[i].line ||
		    !strstr(c.mistakes[i].text, want[i].words)) {
			print_error("%s\n%u: %s\n", text, c.mistakes[i].line,
			            c.mistakes[i].text);
			fail();
		}
	assert_int_equal(c.mistakes_n, n);
	csv_release(&c);
}
#define BAD(text, ...)                                                   \
	do {                                                             \
		const struct want w[] = { __VA_ARGS__ };                 \
		bad_with(text, NULL, NULL, w, sizeof(w) / sizeof(w[0])); \
	} while (0)

#define A "imaps://a@h"
#define B "imaps://b@h"

static void simple(void **state)
{
	struct csv c;

	good(&c, "from,to,name\n" A "," B ",ann\n\n,,\nmbox:x,maildir:y,\n");
	assert_int_equal(c.n, 2);
	assert_string_equal(c.rows[0].from, A);
	assert_string_equal(c.rows[0].to, B);
	assert_string_equal(c.rows[0].name, "ann");
	assert_int_equal(c.rows[0].line, 2);
	assert_string_equal(c.rows[1].from, "mbox:x");
	assert_null(c.rows[1].name);
	assert_int_equal(c.rows[1].line, 5);
	assert_null(c.rows[1].options.csv);
	csv_release(&c);
}

static void dialects(void **state)
{
	static const char *const all[] = {
		"from,to\r\n" A "," B "\r\n",
		"\xef\xbb\xbf"
		"from;to\n" A ";" B,
		"\"from\";\"to\"\r\n\"" A "\";\"" B "\"",
		" From , TO \n " A " , " B " \n",
		"\n\r\nfrom;to;\n" A ";" B ";\n",
		"to,from\n" B "," A "\n",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct csv c;

		good(&c, all[i]);
		assert_int_equal(c.n, 1);
		assert_string_equal(c.rows[0].from, A);
		assert_string_equal(c.rows[0].to, B);
		csv_release(&c);
	}
}

static void quotes(void **state)
{
	struct csv c;

	good(&c, "name,from,to,from_password_command\n"
	         "\"a \"\"b\"\", c\"," A "," B ",\"x \"\"y\"\"\"\n"
	         "\"\"," B "," A ",\n");
	assert_string_equal(c.rows[0].name, "a \"b\", c");
	assert_string_equal(c.rows[0].options.from_password_command, "x \"y\"");
	assert_null(c.rows[1].name);
	csv_release(&c);
}

static void options(void **state)
{
	struct csv c;

	good(&c, "from,to,max_size,exclude,exclude,Compress,map,since\n" A "," B
	         ",10M,Spam,Trash/**,yes,a=b,2020-01-01\n" B "," A ",,,,,,\n");
	assert_int_equal(c.rows[0].options.max_size, 10 << 20);
	assert_int_equal(c.rows[0].options.exclude.n, 2);
	assert_true(c.rows[0].options.compress);
	assert_string_equal(c.rows[0].options.map.v[0], "a=b");
	assert_int_equal(c.rows[1].options.given, 0);
	csv_release(&c);
}

static void passwords(void **state)
{
	struct csv c;
	static const char text[] = "from,to,from_password,to_password\n" A "," B
	                           ", two words ,\"a\"\"b\"\n" B "," A ",,\n";

	good(&c, text);
	assert_string_equal(c.rows[0].from_password, " two words ");
	assert_string_equal(c.rows[0].to_password, "a\"b");
	assert_string_equal(c.rows[0].options.csv, path);
	assert_null(c.rows[1].from_password);
	assert_null(c.rows[1].options.csv);
	csv_release(&c);
	for (mode_t mode = 1; mode <= 040; mode *= 2) {
		struct err e;

		write_file(text, strlen(text), 0600 | mode);
		assert_int_equal(csv_read(&c, path, NULL, NULL, &e), -1);
		assert_int_equal(c.mistakes_n, 1);
		assert_non_null(strstr(c.mistakes[0].text, "chmod 600"));
		csv_release(&c);
	}
	/* Without a password in it, others may read it. */
	write_file("from,to\n" A "," B "\n", strlen("from,to\n" A "," B "\n"),
	           0644);
	assert_int_equal(csv_read(&c, path, NULL, NULL, NULL), 0);
	csv_release(&c);
	BAD("from,to,from_password,from_password_file\n" A "," B ",x,y\n",
	    { 2, "from_password_file" });
	BAD("from,to,from_password\n" A "," B ",\"x\ny\"\n", { 2, "line end" });
}

static void passwords_of_others(void **state)
{
	struct csv c;
	struct err e;

	static const char text[] = "from,to,to_password\n" A "," B ",x\n";

	if (geteuid() != 0)
		skip();
	write_file(text, strlen(text), 0600);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_int_equal(csv_read(&c, path, NULL, NULL, &e), -1);
	assert_non_null(strstr(c.mistakes[0].text, "another user"));
	csv_release(&c);
	assert_int_equal(chown(path, 0, 0), 0);
}

static void templates(void **state)
{
	static const char *const from = "imaps://{user}@mx.example.com";
	struct csv c;
	struct err e;

	assert_int_equal(read_with(&c, "user\nann@example.com\nb%c\n", from,
	                           "maildir:/backup/{user}", &e),
	                 0);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.rows[0].from,
	                    "imaps://ann%40example.com@mx.example.com");
	assert_string_equal(c.rows[0].to, "maildir:/backup/ann@example.com");
	assert_string_equal(c.rows[1].from, "imaps://b%25c@mx.example.com");
	csv_release(&c);
	/* A cell is stronger than the template. */
	assert_int_equal(read_with(&c, "user,from\na@b," A "\nc@d,\n", from,
	                           "m365:{user}", &e),
	                 0);
	assert_string_equal(c.rows[0].from, A);
	assert_string_equal(c.rows[1].from, "imaps://c%40d@mx.example.com");
	assert_string_equal(c.rows[1].to, "m365:c@d");
	csv_release(&c);

	bad_with("user\n../x\n..\n", from, "maildir:/b/{user}",
	         (const struct want[]){ { 2, "part of a path" },
	                                { 3, "part of a path" } },
	         2);
	bad_with("from\n" A "\n", from, "m365:{user}",
	         (const struct want[]){ { 1, "column user is missing" } }, 1);
	bad_with("user,to\n," A "\n", from, NULL,
	         (const struct want[]){ { 2, "user is missing" } }, 1);
	bad_with("user\na\n", "imaps://x@h", "m365:{user}",
	         (const struct want[]){ { 0, "lacks {user}" },
	                                { 2, "address of a mailbox" } },
	         2);
}

static void every_mistake_at_once(void **state)
{
	BAD("from,to,name,max_size,colour\n" /* 1 */
	    "imaps://a:pw@h," B ",n1,,\n"    /* 2 */
	    A "," B ",n1,10X,\n"             /* 3 */
	    "\n" A "," B ",n1,,\n"           /* 5 */
	    A "," A ",n2,,\n"                /* 6 */
	    A ",,"
	    ",,\n"                      /* 7 */
	    A "\n"                      /* 8 */
	    A "," B ",\"n\n3\",,\n"     /* 9 */
	    A ",imap://b@h,n4,1,x\n"    /* 11 */
	    "ftp://a@h,mbox:x,n5,1,\n", /* 12 */
	    { 1, "no column \"colour\"" }, { 2, "holds a password" },
	    { 3, "max-size" }, { 3, "name \"n1\" is on line 2" },
	    { 5, "name \"n1\" is on line 2" },
	    { 5, "same from and to are on line 3" },
	    { 6, "are the same mailbox" }, { 7, "\"to\" is empty" },
	    { 8, "has 1 field, the first line names 5 columns" },
	    { 9, "control character" }, { 9, "same from and to are on line 3" },
	    { 11, "same from and to are on line 3" },
	    { 12, "cannot be written to mbox:" },
	    { 12, "does not know \"ftp:\"" });
}

static void bad_structure(void **state)
{
	BAD("", { 0, "empty" });
	BAD("\n\n", { 0, "empty" });
	BAD("from,to\n", { 0, "no mailbox" });
	BAD("from,name\n" A ",x\n", { 1, "\"to\" is missing" });
	BAD("ann@example.com\n", { 1, "\"from\" is missing" },
	    { 1, "\"to\" is missing" }, { 1, "no column" });
	BAD("from,to,from\n" A "," B "," A "\n",
	    { 1, "\"from\" is there twice" });
	BAD("from\tto\n" A "\t" B "\n", { 1, "\"from\" is missing" },
	    { 1, "\"to\" is missing" }, { 1, "tabs" });
	BAD("from,to\n" A "," B "\n\"" A "," B "\n" A "," B "\n",
	    { 3, "never closed" });
	BAD("from,to,name\n" A "," B ",a\"b\n" A "," B ",\"a\"b\n",
	    { 2, "stands within a field" }, { 3, "follows the closing" });
	BAD("from,to\n" A "," B ",x\n", { 2, "has 3 fields" });
	BAD("from,to,\n" A "," B ",x\n", { 2, "no name in the first line" });
	BAD("\"from,to\n", { 1, "never closed" });
}

static void encodings(void **state)
{
	struct csv c;
	struct err e;
	static const char *const utf16[] = {
		"\xff\xfe\146\0r\0",
		"\xfe\xff\0f\0r",
		"f\0r\0o\0",
	};

	for (size_t i = 0; i < 3; i++) {
		write_file(utf16[i], 6, 0600);
		assert_int_equal(csv_read(&c, path, NULL, NULL, &e), -1);
		assert_non_null(strstr(c.mistakes[0].text, "UTF-16"));
		csv_release(&c);
	}
	BAD("from,to,name\n" A "," B ",J\xfcrgen\n", { 2, "Latin-1" });
	write_file("from,to\na\0b", 11, 0600);
	assert_int_equal(csv_read(&c, path, NULL, NULL, &e), -1);
	assert_int_equal(c.mistakes[0].line, 2);
	assert_non_null(strstr(c.mistakes[0].text, "NUL"));
	csv_release(&c);
}

static void files(void **state)
{
	struct csv c;
	struct err e;

	assert_int_equal(csv_read(&c, "/nonexistent.csv", NULL, NULL, &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	assert_non_null(strstr(e.text, "/nonexistent.csv"));
	csv_release(&c);
	assert_int_equal(csv_read(&c, "/tmp", NULL, NULL, &e), -1);
	csv_release(&c);
	/* A sparse file beyond the ceiling. */
	write_file("from,to\n", 8, 0600);
	assert_int_equal(truncate(path, ((off_t)64 << 20) + 1), 0);
	assert_int_equal(csv_read(&c, path, NULL, NULL, &e), -1);
	assert_int_equal(c.mistakes_n, 1);
	assert_non_null(strstr(c.mistakes[0].text, "larger than 64 MB"));
	csv_release(&c);
}

static void too_many_mistakes(void **state)
{
	struct csv c;
	struct err e;
	char *text = calloc(1, 100000), *p = stpcpy(text, "from,to\n");

	for (int i = 0; i < 9000; i++)
		p = stpcpy(p, "x\n");
	assert_int_equal(read_with(&c, text, NULL, NULL, &e), -1);
	assert_int_equal(c.mistakes_n, 5001);
	assert_int_equal(c.mistakes[5000].line, 0);
	assert_non_null(strstr(c.mistakes[5000].text, "more mistakes"));
	csv_release(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple),
		cmocka_unit_test(dialects),
		cmocka_unit_test(quotes),
		cmocka_unit_test(options),
		cmocka_unit_test(passwords),
		cmocka_unit_test(passwords_of_others),
		cmocka_unit_test(templates),
		cmocka_unit_test(every_mistake_at_once),
		cmocka_unit_test(bad_structure),
		cmocka_unit_test(encodings),
		cmocka_unit_test(files),
		cmocka_unit_test(too_many_mistakes),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
