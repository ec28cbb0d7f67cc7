/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_folder_map.c - where folders go.
 *
 * A mailbox is written as a list of folders, each "PATH" with '/' between
 * levels, or "PATH|WORDS": words are sent, drafts, trash, junk, archive, all,
 * flagged, inbox, noselect, shared. What is expected is "PATH>TARGET",
 * "PATH-REASON".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mailhaul/plan.h"
#include "util/buf.h"

#define LIST(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define NO_FOLDERS            \
	(const char *const[]) \
	{                     \
		NULL          \
	}

static const struct {
	const char *word;
	enum mail_use use;
} words[] = {
	{ "sent", USE_SENT },       { "drafts", USE_DRAFTS },
	{ "trash", USE_TRASH },     { "junk", USE_JUNK },
	{ "archive", USE_ARCHIVE }, { "all", USE_ALL },
	{ "flagged", USE_FLAGGED }, { "inbox", USE_INBOX },
};

static void add(struct folder_list *l, const char *text, char delim)
{
	struct folder *f = folder_list_add(l);
	const char *bar = strchr(text, '|');
	char *path = bar ? strndup(text, (size_t)(bar - text)) : strdup(text);

	assert_non_null(f);
	assert_int_equal(folder_set_path(f, path, delim), 0);
	f->raw = path;
	f->delim = delim;
	f->noselect = bar && strstr(bar, "noselect");
	f->shared = bar && strstr(bar, "shared");
	for (size_t i = 0; bar && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(bar, words[i].word))
			f->use = words[i].use;
}

static const struct name_rules plain = { .delim = '/',
	                                 .prefix = "",
	                                 .forbidden = "" };

struct mapped {
	struct folder_list src, dst;
	struct folder_target *to;
	struct options o;
};

static void map(struct mapped *m, const char *const *src,
                const char *const *dst, const struct name_rules *r,
                const char *const *options, const char *const *prior)
{
	memset(m, 0, sizeof(*m));
	options_init(&m->o);
	for (; *options; options += 2)
		assert_int_equal(
		        options_set(&m->o, options[0], options[1], NULL), 0);
	for (; *src; src++)
		add(&m->src, *src, '/');
	for (; *dst; dst++)
		add(&m->dst, *dst, '/');
	m->to = calloc(m->src.n + 1, sizeof(*m->to));
	assert_int_equal(plan_folders_again(&m->src, &m->dst, r, &m->o, prior,
	                                    m->to, NULL),
	                 0);
}

static void done(struct mapped *m)
{
	for (size_t i = 0; i < m->src.n; i++)
		folder_target_release(&m->to[i]);
	free(m->to);
	folder_list_release(&m->src);
	folder_list_release(&m->dst);
	options_release(&m->o);
}

static void expect_one(const struct mapped *m, size_t i, const char *want)
{
	const struct folder_target *t = &m->to[i];
	struct buf got = BUF_INIT(0);

	if (t->left_out)
		buf_fmt(&got, "%s-%s", m->src.v[i].path, t->left_out);
	else
		buf_fmt(&got, "%s>%s", m->src.v[i].path, t->to.path);
	if (strncmp(got.p, want, strlen(want)) ||
	    (!t->left_out && strcmp(got.p, want))) {
		print_error("want %s\n got %s\n", want, got.p);
		fail();
	}
	buf_release(&got);
}

static void check(const char *const *src, const char *const *dst,
                  const struct name_rules *r, const char *const *options,
                  const char *const *want)
{
	struct mapped m;
	size_t i = 0;

	map(&m, src, dst, r, options, NULL);
	for (; want[i]; i++)
		expect_one(&m, i, want[i]);
	assert_int_equal(i, m.src.n);
	done(&m);
}

static void same_names(void **state)
{
	struct mapped m;

	check(LIST("INBOX", "Work", "Work/2019", "A/B/C"), NO_FOLDERS, &plain,
	      NO_FOLDERS,
	      LIST("INBOX>INBOX", "Work>Work", "Work/2019>Work/2019",
	           "A/B/C>A/B/C"));
	map(&m, LIST("Inbox", "Work"), LIST("INBOX", "Work"), &plain,
	    NO_FOLDERS, NULL);
	expect_one(&m, 0, "Inbox>INBOX");
	assert_int_equal(m.to[0].to.use, USE_INBOX);
	assert_false(m.to[0].renamed);
	assert_false(m.to[1].renamed);
	assert_false(m.to[1].merged);
	assert_int_equal(m.to[1].to.delim, '/');
	assert_int_equal(m.to[1].to.depth, 1);
	done(&m);
}

static void inbox(void **state)
{
	check(LIST("INBOX", "inbox", "inbox/a", "Inbox/b"), LIST("INBOX"),
	      &plain, NO_FOLDERS,
	      LIST("INBOX>INBOX", "inbox>inbox (2)", "inbox/a>inbox (2)/a",
	           "Inbox/b>INBOX/b"));
	check(LIST("Inbox", "inbox"), LIST("INBOX"), &plain, NO_FOLDERS,
	      LIST("Inbox>INBOX", "inbox>inbox (2)"));
	check(LIST("x/INBOX", "x/inbox"), NO_FOLDERS, &plain, NO_FOLDERS,
	      LIST("x/INBOX>x/INBOX", "x/inbox>x/inbox"));
	/* A program's name for it counts where no folder is called INBOX. */
	check(LIST("Posteingang", "Posteingang/a", "x/Posteingang"),
	      LIST("INBOX"), &plain, NO_FOLDERS,
	      LIST("Posteingang>INBOX", "Posteingang/a>INBOX/a",
	           "x/Posteingang>x/Posteingang"));
	check(LIST("INBOX", "Posteingang"), LIST("INBOX"), &plain, NO_FOLDERS,
	      LIST("INBOX>INBOX", "Posteingang>Posteingang"));
	check(LIST("inbox", "\u0412\u0445\u043e\u0434\u044f\u0449\u0438"
	                    "\u0435"),
	      LIST("INBOX"), &plain, NO_FOLDERS,
	      LIST("inbox>INBOX", "\u0412\u0445\u043e\u0434\u044f\u0449"
	                          "\u0438\u0435>\u0412\u0445\u043e\u0434"
	                          "\u044f\u0449\u0438\u0435"));
}

static void special_uses(void **state)
{
	const char *const *german =
	        LIST("INBOX", "Gesendet|sent", "Gesendet/2019", "Entw\u00fcrfe",
	             "Papierkorb", "Spam", "Archiv");

	check(german,
	      LIST("INBOX", "Sent Items|sent", "Drafts", "Deleted Items",
	           "Junk", "All/Archive|archive"),
	      &plain, NO_FOLDERS,
	      LIST("INBOX>INBOX", "Gesendet>Sent Items",
	           "Gesendet/2019>Sent Items/2019", "Entw\u00fcrfe>Drafts",
	           "Papierkorb>Deleted Items", "Spam>Junk",
	           "Archiv>All/Archive"));
	check(german, LIST("INBOX"), &plain, NO_FOLDERS,
	      LIST("INBOX>INBOX", "Gesendet>Gesendet",
	           "Gesendet/2019>Gesendet/2019", "Entw\u00fcrfe>Entw\u00fcrfe",
	           "Papierkorb>Papierkorb", "Spam>Spam", "Archiv>Archiv"));
}

static void special_use_to_make(void **state)
{
	struct mapped m;

	map(&m, LIST("Gesendet", "Sent", "Papierkorb", "Work"),
	    LIST("Deleted|trash"), &plain, NO_FOLDERS, NULL);
	assert_int_equal(m.to[0].to.use, USE_SENT);
	assert_int_equal(m.to[1].to.use, USE_NONE);
	assert_int_equal(m.to[2].to.use, USE_TRASH);
	assert_string_equal(m.to[2].to.path, "Deleted");
	assert_true(m.to[2].renamed);
	assert_int_equal(m.to[3].to.use, USE_NONE);
	done(&m);
}

/* The attribute wins; the others keep their names. */
static void two_of_one_use(void **state)
{
	check(LIST("Sent", "Sent Items|sent", "Sent Messages"), LIST("Sent"),
	      &plain, NO_FOLDERS,
	      LIST("Sent>Sent (2)", "Sent Items>Sent",
	           "Sent Messages>Sent Messages"));
	check(LIST("Sent Items", "Sent", "INBOX/Sent"), LIST("Gesendet"),
	      &plain, NO_FOLDERS,
	      LIST("Sent Items>Sent Items", "Sent>Gesendet",
	           "INBOX/Sent>INBOX/Sent"));
	/* At the destination too, and neither a view nor a stranger's. */
	check(LIST("Sent"),
	      LIST("Gesendet", "X/Mine|sent", "A|sent shared",
	           "B|sent noselect"),
	      &plain, NO_FOLDERS, LIST("Sent>X/Mine"));
}

static void gmail(void **state)
{
	const char *const *src =
	        LIST("INBOX", "[Gmail]|noselect", "[Gmail]/All Mail|all",
	             "[Gmail]/Sent Mail|sent", "[Gmail]/Starred|flagged",
	             "[Gmail]/Bin|trash", "Label");

	check(src, LIST("INBOX", "Trash"), &plain, NO_FOLDERS,
	      LIST("INBOX>INBOX", "[Gmail]-holds no messages",
	           "[Gmail]/All Mail>All Mail", "[Gmail]/Sent Mail>Sent Mail",
	           "[Gmail]/Starred-a view", "[Gmail]/Bin>Trash",
	           "Label>Label"));
	check(src, NO_FOLDERS, &plain, LIST("exclude", "[Gmail]/All Mail"),
	      LIST("INBOX>INBOX", "[Gmail]-holds", "[Gmail]/All Mail-left out",
	           "[Gmail]/Sent Mail>Sent Mail", "[Gmail]/Starred-a view",
	           "[Gmail]/Bin>Bin", "Label>Label"));
	check(src, LIST("[Gmail]/All Mail|all", "[Gmail]/Sent Mail|sent"),
	      &plain, LIST("into", "Old"),
	      LIST("INBOX>Old/INBOX", "[Gmail]-holds",
	           "[Gmail]/All Mail>Old/[Gmail]/All Mail",
	           "[Gmail]/Sent Mail>Old/[Gmail]/Sent Mail",
	           "[Gmail]/Starred-a view", "[Gmail]/Bin>Old/[Gmail]/Bin",
	           "Label>Old/Label"));
	check(src, LIST("[Gmail]/Alle|all", "[Gmail]/Gesendet|sent"), &plain,
	      NO_FOLDERS,
	      LIST("INBOX>INBOX", "[Gmail]-holds",
	           "[Gmail]/All Mail>[Gmail]/Alle",
	           "[Gmail]/Sent Mail>[Gmail]/Gesendet",
	           "[Gmail]/Starred-a view", "[Gmail]/Bin>Bin", "Label>Label"));
}

static void left_out(void **state)
{
	check(LIST("INBOX", "a|noselect", "a/b", "a/b/c", "u/bob|shared",
	           "Spam"),
	      NO_FOLDERS, &plain,
	      LIST("include", "a/**", "include", "inbox", "include", "Spam",
	           "exclude", "Spam"),
	      LIST("INBOX>INBOX", "a-holds no messages", "a/b>a/b",
	           "a/b/c>a/b/c", "u/bob-shared with this mailbox",
	           "Spam-left out by --exclude"));
	check(LIST("INBOX", "x"), NO_FOLDERS, &plain, LIST("include", "x"),
	      LIST("INBOX-not among the folders of --include", "x>x"));
	/* What is left out takes no name from others. */
	check(LIST("A", "a"), NO_FOLDERS,
	      &(struct name_rules){ .delim = '/', .case_blind = true },
	      LIST("exclude", "A"), LIST("A-left", "a>a"));
}

static void maps(void **state)
{
	struct mapped m;

	check(LIST("Old", "Old/x", "Old/x/y", "Older", "New/x"), NO_FOLDERS,
	      &plain, LIST("map", "Old=New", "map", "Old/x/y=Other/z"),
	      LIST("Old>New", "Old/x>New/x", "Old/x/y>Other/z", "Older>Older",
	           "New/x>New/x"));
	check(LIST("INBOX", "INBOX/a", "Keep"), NO_FOLDERS, &plain,
	      LIST("map", "inbox=Old inbox", "map", "Gone=x"),
	      LIST("INBOX>Old inbox", "INBOX/a>Old inbox/a", "Keep>Keep"));
	check(LIST("A", "INBOX"), NO_FOLDERS, &plain, LIST("map", "A=inbox"),
	      LIST("A>INBOX", "INBOX>INBOX"));
	check(LIST("A"), NO_FOLDERS, &plain, LIST("map", "A=B", "map", "A=C"),
	      LIST("A>C"));
	check(LIST("A", "B"), NO_FOLDERS, &plain,
	      LIST("map", "A=X/Y", "into", "Z"), LIST("A>Z/X/Y", "B>Z/B"));

	map(&m, LIST("Sent", "Sent Items", "Sent Items/19", "Sent/19", "W"),
	    LIST("Sent|sent"), &plain, LIST("map", "Sent Items=Sent"), NULL);
	expect_one(&m, 0, "Sent>Sent");
	expect_one(&m, 1, "Sent Items>Sent");
	expect_one(&m, 2, "Sent Items/19>Sent/19");
	expect_one(&m, 3, "Sent/19>Sent/19");
	for (int i = 0; i < 4; i++)
		assert_true(m.to[i].merged);
	assert_false(m.to[4].merged);
	done(&m);
}

/* Siblings that a mapping would throw together by their names are not. */
static void mapped_siblings(void **state)
{
	const struct name_rules r = { .delim = '/', .forbidden = ":*" };

	check(LIST("Old", "Old/a*", "Old/a:", "New", "New/a_"), NO_FOLDERS, &r,
	      LIST("map", "Old=New"),
	      LIST("Old>New", "Old/a*>New/a_", "Old/a:>New/a_ (2)", "New>New",
	           "New/a_>New/a_"));
}

static void names_made_fit(void **state)
{
	const struct name_rules r = { .delim = '.',
		                      .forbidden = "*%",
		                      .trims = true,
		                      .max_component = 12 };
	struct folder_list src = { 0 }, dst = { 0 };
	struct folder_target to[8];
	struct options o;
	static const char *const raw[] = {
		"a.b|x y*",
		"c\td",
		" e |  ",
		"..",
		"\xff|z",
		"\u00fcmlaut-long-name",
		"\u00fcmlaut-long-other",
		"q/r",
	};
	static const char *const want[] = {
		"a_b/x y_",
		"c_d",
		"e/_",
		"__",
		"_/z",
		"\u00fcmlaut-long",
		"\u00fcmlaut- (2)",
		"q/r",
	};

	options_init(&o);
	for (size_t i = 0; i < 8; i++) {
		struct folder *f = folder_list_add(&src);

		assert_int_equal(folder_set_path(f, raw[i], '|'), 0);
		f->raw = strdup(raw[i]);
	}
	assert_int_equal(plan_folders(&src, &dst, &r, &o, to, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		assert_string_equal(to[i].to.path, want[i]);
		folder_target_release(&to[i]);
	}
	folder_list_release(&src);
}

static void clashes(void **state)
{
	const struct name_rules blind = { .delim = '/', .case_blind = true };

	check(LIST("work/b", "Work", "WORK", "Work/a", "work", "WORK/c"),
	      NO_FOLDERS, &blind, NO_FOLDERS,
	      LIST("work/b>work (3)/b", "Work>Work (2)", "WORK>WORK",
	           "Work/a>Work (2)/a", "work>work (3)", "WORK/c>WORK/c"));
	check(LIST("Work", "work"), NO_FOLDERS, &plain, NO_FOLDERS,
	      LIST("Work>Work", "work>work"));
	/* The destination's own spelling, and folders there are no clash. */
	check(LIST("WORK", "b"), LIST("Work", "B"), &blind, NO_FOLDERS,
	      LIST("WORK>Work", "b>B"));
	check(LIST("\u00c4", "\u00e4"), NO_FOLDERS, &blind, NO_FOLDERS,
	      LIST("\u00c4>\u00c4", "\u00e4>\u00e4 (2)"));
	/* Two that the source itself calls the same. */
	check(LIST("x", "x", "x/y"), NO_FOLDERS, &plain, NO_FOLDERS,
	      LIST("x>x", "x>x (2)", "x/y>x/y"));
}

/* The order in which a server lists them decides nothing. */
static void order_is_nothing(void **state)
{
	const struct name_rules blind = { .delim = '/', .case_blind = true };

	check(LIST("a", "A", "A/x", "a/x", "Sent", "Sent Items"),
	      LIST("Gesendet"), &blind, NO_FOLDERS,
	      LIST("a>a (2)", "A>A", "A/x>A/x", "a/x>a (2)/x", "Sent>Gesendet",
	           "Sent Items>Sent Items"));
	check(LIST("Sent Items", "a/x", "A/x", "A", "Sent", "a"),
	      LIST("Gesendet"), &blind, NO_FOLDERS,
	      LIST("Sent Items>Sent Items", "a/x>a (2)/x", "A/x>A/x", "A>A",
	           "Sent>Gesendet", "a>a (2)"));
}

/* Names that the destination keeps for itself, at the top only. */
static void reserved(void **state)
{
	static const char *const names[] = { "Files", "Calendar", NULL };
	const struct name_rules r = { .delim = '/',
		                      .case_blind = true,
		                      .trims = true,
		                      .reserved = names };

	check(LIST("files ", "files /a", "Work", "Work/Files", "CALENDAR",
	           "Files (mail)"),
	      NO_FOLDERS, &r, NO_FOLDERS,
	      LIST("files >files (mail) (2)", "files /a>files (mail) (2)/a",
	           "Work>Work", "Work/Files>Work/Files",
	           "CALENDAR>CALENDAR (mail)", "Files (mail)>Files (mail)"));
	check(LIST("Files", "X"), NO_FOLDERS, &r, LIST("map", "X=Calendar/Old"),
	      LIST("Files>Files (mail)", "X>Calendar (mail)/Old"));
	check(LIST("Files"), NO_FOLDERS, &r, LIST("into", "Old"),
	      LIST("Files>Old/Files"));
}

static void flat(void **state)
{
	const struct name_rules r = { .delim = 0 };

	check(LIST("INBOX", "INBOX/x", "a/b/c", "a/b", "a - b"), NO_FOLDERS, &r,
	      NO_FOLDERS,
	      LIST("INBOX>INBOX", "INBOX/x>INBOX - x", "a/b/c>a - b (2) - c",
	           "a/b>a - b (2)", "a - b>a - b"));
	check(LIST("INBOX", "a"), NO_FOLDERS, &r, LIST("into", "X"),
	      LIST("INBOX>X - INBOX", "a>X - a"));
}

static void earlier_passes(void **state)
{
	const struct name_rules blind = { .delim = '/', .case_blind = true };
	const char *const *src =
	        LIST("A", "a", "a/x", "Gesendet|sent", "INBOX");
	const char *const prior[] = { NULL, "a", NULL, "Gesendet", "INBOX" };
	struct mapped m;

	/* "A" is new: "a" keeps the name that it was given. */
	map(&m, src, LIST("a", "Gesendet", "Sent|sent", "INBOX"), &blind,
	    NO_FOLDERS, prior);
	expect_one(&m, 0, "A>A (2)");
	expect_one(&m, 1, "a>a");
	expect_one(&m, 2, "a/x>a/x");
	expect_one(&m, 3, "Gesendet>Gesendet");
	assert_int_equal(m.to[3].to.use, USE_NONE);
	expect_one(&m, 4, "INBOX>INBOX");
	done(&m);
	/* Options that say otherwise are stronger. */
	map(&m, src, NO_FOLDERS, &blind, LIST("map", "a=B"), prior);
	expect_one(&m, 0, "A>A");
	expect_one(&m, 1, "a>B");
	expect_one(&m, 2, "a/x>B/x");
	done(&m);
	map(&m, src, NO_FOLDERS, &blind, LIST("into", "Z"), prior);
	expect_one(&m, 1, "a>Z/a (2)");
	expect_one(&m, 3, "Gesendet>Z/Gesendet");
	done(&m);
}

/* A second pass without any memory finds what the first one made. */
static void second_pass(void **state)
{
	static const char *const src[] = {
		"INBOX", "inbox", "Gesendet",     "Sent",          "a.b", "a_b",
		"Work",  "work",  "[G]|noselect", "[G]/Bin|trash", NULL
	};
	const struct name_rules r = { .delim = '.', .case_blind = true };
	struct folder_list dst = { 0 };
	struct mapped first;
	struct folder_target again[16];

	map(&first, src, NO_FOLDERS, &r, NO_FOLDERS, NULL);
	for (size_t i = 0; i < first.src.n; i++) {
		struct folder *f;

		if (first.to[i].left_out)
			continue;
		f = folder_list_add(&dst);
		assert_int_equal(folder_copy(f, &first.to[i].to), 0);
	}
	assert_int_equal(
	        plan_folders(&first.src, &dst, &r, &first.o, again, NULL), 0);
	for (size_t i = 0; i < first.src.n; i++) {
		if (!again[i].left_out)
			assert_string_equal(again[i].to.path,
			                    first.to[i].to.path);
		folder_target_release(&again[i]);
	}
	folder_list_release(&dst);
	done(&first);
}

static void many_levels(void **state)
{
	struct folder_list src = { 0 }, dst = { 0 };
	struct folder_target *to = calloc(300, sizeof(*to));
	struct buf path = BUF_INIT(0);
	struct options o;

	options_init(&o);
	for (int i = 0; i < 300; i++) {
		buf_fmt(&path, i ? "/level %d" : "level %d", i);
		add(&src, path.p, '/');
	}
	assert_int_equal(plan_folders(&src, &dst, &plain, &o, to, NULL), 0);
	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(to[i].to.depth, i + 1);
		assert_string_equal(to[i].to.path, src.v[i].path);
		folder_target_release(&to[i]);
	}
	free(to);
	buf_release(&path);
	folder_list_release(&src);
}

/* All of them clash: each gets a number of its own. */
static void many_clashes(void **state)
{
	const struct name_rules r = { .delim = '/', .forbidden = "0123456789" };
	struct folder_list src = { 0 }, dst = { 0 };
	struct folder_target *to = calloc(5000, sizeof(*to));
	struct options o;

	options_init(&o);
	for (int i = 0; i < 5000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%04d", i);
		add(&src, name, '/');
	}
	assert_int_equal(plan_folders(&src, &dst, &r, &o, to, NULL), 0);
	assert_string_equal(to[0].to.path, "f____");
	assert_string_equal(to[1].to.path, "f____ (2)");
	assert_string_equal(to[4999].to.path, "f____ (5000)");
	for (size_t i = 0; i < 5000; i++)
		folder_target_release(&to[i]);
	free(to);
	folder_list_release(&src);
}

/* A name that holds the separator of paths is still found by its path. */
static void slashes_in_names(void **state)
{
	struct folder_list src = { 0 }, dst = { 0 };
	struct folder_target to[2];
	struct options o;

	options_init(&o);
	add(&src, "In/Out.x", '.');
	add(&src, "In", '.');
	options_set(&o, "map", "In/Out=Mail", NULL);
	assert_int_equal(plan_folders(&src, &dst, &plain, &o, to, NULL), 0);
	assert_string_equal(to[0].to.path, "Mail/x");
	assert_string_equal(to[1].to.path, "In");
	folder_target_release(&to[0]);
	folder_target_release(&to[1]);
	options_release(&o);
	options_init(&o);
	assert_int_equal(plan_folders(&src, &dst, &plain, &o, to, NULL), 0);
	assert_string_equal(to[0].to.path, "In_Out/x");
	assert_true(to[0].renamed);
	folder_target_release(&to[0]);
	folder_target_release(&to[1]);
	folder_list_release(&src);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_names),
		cmocka_unit_test(inbox),
		cmocka_unit_test(special_uses),
		cmocka_unit_test(special_use_to_make),
		cmocka_unit_test(two_of_one_use),
		cmocka_unit_test(gmail),
		cmocka_unit_test(left_out),
		cmocka_unit_test(maps),
		cmocka_unit_test(mapped_siblings),
		cmocka_unit_test(names_made_fit),
		cmocka_unit_test(clashes),
		cmocka_unit_test(order_is_nothing),
		cmocka_unit_test(reserved),
		cmocka_unit_test(flat),
		cmocka_unit_test(earlier_passes),
		cmocka_unit_test(second_pass),
		cmocka_unit_test(many_levels),
		cmocka_unit_test(many_clashes),
		cmocka_unit_test(slashes_in_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
