/* SPDX-License-Identifier: Apache-2.0 */
/* test_reader_mbox.c - mbox files, their dialects and folders of them. */
#include "mail_fixture.h"

#include "reader/mbox_scan.h"

#define FROM "From a@x Mon Aug  1 10:00:00 2022\n"

static struct account account_of(const char *path)
{
	return (struct account){ .kind = KIND_MBOX,
		                 .is_from = true,
		                 .path = (char *)(uintptr_t)path,
		                 .body_limit = 1u << 20 };
}

static struct reader *open_at(const struct account *a)
{
	struct reader *r = NULL;
	struct err e = { 0 };

	if (reader_mbox.open(&r, a, &e))
		fail_msg("open: %s", e.text);
	return r;
}

/* The messages of a file with this text, one after the other, each in
 * brackets; sizes of the listing are checked on the way. */
static char *messages_of(const char *dir, const char *text, size_t n)
{
	char *path = in_dir(dir, "file.mbox");
	struct account a = account_of(path);
	struct folder f = { .raw = (char *)(uintptr_t) "" };
	struct window w = { 0 };
	struct told t = { 0 };
	struct buf out = BUF_INIT(0);
	struct reader *r;
	struct batch *b;

	write_file(dir, "file.mbox", text, n);
	r = open_at(&a);
	list_all(&reader_mbox, r, &f, &t, &w);
	b = fetch_all(&reader_mbox, r, &f, &t);
	for (size_t i = 0; i < b->n; i++) {
		char *body = body_text(&b->v[i].body);

		assert_true(b->v[i].fetched);
		assert_int_equal(b->v[i].body.size, t.v[i].size);
		buf_fmt(&out, "[%s]", body);
		free(body);
	}
	batch_free(&b);
	told_release(&t);
	reader_mbox.close(&r);
	free(path);
	return buf_take(&out);
}

static void boundaries_and_quotes(void **state)
{
	static const struct {
		const char *text, *messages;
	} v[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ FROM "A: b\n\nx\n\n" FROM "A: c\n\ny\n\n",
		  "[A: b\r\n\r\nx\r\n][A: c\r\n\r\ny\r\n]" },
		/* No empty line, or no date: no boundary. */
		{ FROM "A: b\n\nx\n" FROM "\nFrom me to you\n",
		  "[A: b\r\n\r\nx\r\nFrom a@x Mon Aug  1 10:00:00 2022\r\n"
		  "\r\nFrom me to you\r\n]" },
		{ FROM "A: b\n\n>From x\n>>From y\n> From z\n>Fro\n\n",
		  "[A: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n>Fro\r\n]" },
		/* Fields are not unquoted, and no end of line is lost. */
		{ FROM ">From b\nA: c\n\n\n\nx", "[>From b\r\nA: c\r\n\r\n"
		                                 "\r\n\r\nx]" },
		{ "\n" FROM "A: b\n\n" FROM "A: c\n\n\n" FROM "A: d\n",
		  "[A: b\r\n][A: c\r\n\r\n][A: d\r\n]" },
		{ "From - Mon Aug 01 10:00:00 2022\r\nA: b\r\n\r\nx\r\n\r\n"
		  "From - Mon Aug 01 10:00:00 2022\r\nA: c\r\n\r\n\r\n",
		  "[A: b\r\n\r\nx\r\n][A: c\r\n\r\n]" },
		/* A length that leads nowhere is not believed. */
		{ FROM "Content-Length: 9\n\nx\n\n" FROM "A: b\n\ny\n\n",
		  "[Content-Length: 9\r\n\r\nx\r\n][A: b\r\n\r\ny\r\n]" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char *got = messages_of(*state, v[i].text, strlen(v[i].text));

		assert_string_equal(got, v[i].messages);
		free(got);
	}
}

/* The length in the first message makes it the rule of the file. */
static void lengths_are_believed_where_they_fit(void **state)
{
	static const char body[] = ">From x\n\n" FROM "y\n";
	char *text, *got;
	int n = asprintf(&text,
	                 FROM "Content-Length: %zu\n\n%s\n" FROM
	                      "Content-Length: 2\n\nz\n\n",
	                 sizeof(body) - 1, body);

	got = messages_of(*state, text, (size_t)n);
	assert_non_null(strstr(got, "\r\n\r\n>From x\r\n\r\nFrom a@x Mon "
	                            "Aug  1 10:00:00 2022\r\ny\r\n]["));
	free(text);
	free(got);
}

/* Every length of line around the window's end. */
static void lines_longer_than_the_window(void **state)
{
	size_t sizes[] = { 262143, 262144, 262145, 600000, 262100 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf text = BUF_INIT(0), want = BUF_INIT(0);
		char *got;

		buf_str(&text, FROM "A: b\n\n");
		buf_str(&want, "[A: b\r\n\r\n");
		for (size_t k = 0; k < sizes[i]; k++) {
			buf_chr(&text, 'x');
			buf_chr(&want, 'x');
		}
		buf_str(&text, "\n\n\n>From \n\n" FROM "A: c\n\n");
		buf_str(&want, "\r\n\r\n\r\nFrom \r\n][A: c\r\n]");
		got = messages_of(*state, text.p, text.n);
		assert_int_equal(strlen(got), want.n);
		assert_string_equal(got, want.p);
		free(got);
		buf_release(&text);
		buf_release(&want);
	}
}

static void from_lines(void **state)
{
	static const char *const good[] = {
		"From a@x Mon Aug  1 10:00:00 2022\n",
		"From - Mon Aug  1 10:00:00 2022\r\n",
		"From a b c@x Mon Aug  1 10:00 2022",
		"From 1@xxx Mon Aug 01 10:00:00 +0000 2022",
		"From ???@??? Mon Aug 01 10:00:00 2022",
		"From a at x  Mon Aug  1 12:00:00 2022 +0200",
		"From MAILER-DAEMON Mon, 1 Aug 2022 10:00:00 +0000",
		"From a!b Mon Aug  1 10:00:00 2022 remote from c",
	};
	static const char *const bad[] = {
		"From here on the budget is fixed.",
		"From Monday to Friday at 10:00:00",
		"From: a@x Mon Aug  1 10:00:00 2022",
		"From a@x Mon Aug  1 2022",
		"from a@x Mon Aug  1 10:00:00 2022",
		"From ",
		"",
	};
	struct mail_date d;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(mbox_from_line(good[i], strlen(good[i]), &d));
		assert_int_equal(d.sec, 1659348000);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mbox_from_line(bad[i], strlen(bad[i]), &d));
}

static void flags_keywords_and_dates(void **state)
{
	static const char text[] =
	        FROM "Status: RO\nX-Status: AF\nX-Keywords: b a  b\n\n\n\n" FROM
	             "X-Mozilla-Status: 1005\nX-Mozilla-Keys: $label1   "
	             "\n\n\n\n" FROM "A: b\n\n\n\n";
	char *path = in_dir(*state, "flags");
	struct account a = account_of(path);
	struct folder f = { .raw = (char *)(uintptr_t) "" };
	struct window w = { 0 };
	struct told t = { 0 };
	struct reader *r;

	write_text(*state, "flags", text);
	r = open_at(&a);
	list_all(&reader_mbox, r, &f, &t, &w);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.v[0].flags,
	                 MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED);
	assert_string_equal(t.v[0].keywords, "a b");
	assert_int_equal(t.v[1].flags, MAIL_SEEN | MAIL_FLAGGED);
	assert_string_equal(t.v[1].keywords, "$Forwarded $label1");
	assert_int_equal(t.v[2].flags, 0);
	assert_null(t.v[2].keywords);
	assert_true(t.v[2].date.known && t.v[2].date.sec == 1659348000);
	assert_int_equal(t.uids_n, 3);
	assert_true(t.uids[0] < t.uids[1] && t.uids[1] < t.uids[2]);
	told_release(&t);
	reader_mbox.close(&r);
	free(path);
}

static void list_again(const char *dir, const char *text, struct told *t,
                       struct window *w)
{
	char *path = in_dir(dir, "again");
	struct account a = account_of(path);
	struct folder f = { .raw = (char *)(uintptr_t) "" };
	struct reader *r;

	write_text(dir, "again", text);
	r = open_at(&a);
	list_all(&reader_mbox, r, &f, t, w);
	reader_mbox.close(&r);
	free(path);
}

static void passes(void **state)
{
	struct told first = { 0 }, t = { 0 };
	struct window w = { 0 };
	uint32_t validity;

	list_again(*state, FROM "A: 1\n\n\n" FROM "A: 2\n\n\n", &first, &w);
	assert_int_equal(first.n, 2);
	validity = w.now_uidvalidity;
	assert_int_not_equal(validity, 0);
	/* It grew, and the first was read. */
	w = (struct window){ .uidvalidity = validity,
		             .known = first.uids,
		             .known_n = 2 };
	list_again(*state,
	           FROM "A: 1\nStatus: R\n\n\n" FROM "A: 2\n\n\n" FROM
	                "A: 3\n\n\n",
	           &t, &w);
	assert_int_equal(w.now_uidvalidity, validity);
	assert_int_equal(t.changed, 1);
	assert_int_equal(t.n, 2); /* the second moved, the third is new */
	told_release(&t);
	/* The first went, and the second stands where it was. */
	w = (struct window){ .uidvalidity = validity,
		             .known = first.uids,
		             .known_n = 2 };
	list_again(*state, FROM "A: 2\n\n\n", &t, &w);
	assert_int_not_equal(w.now_uidvalidity, validity);
	assert_int_equal(t.n, 1);
	assert_true(t.v[0].uid != first.v[0].uid);
	told_release(&t);
	told_release(&first);
}

static void a_file_that_changed_gives_holes(void **state)
{
	char *path = in_dir(*state, "moved");
	struct account a = account_of(path);
	struct folder f = { .raw = (char *)(uintptr_t) "" };
	struct window w = { 0 };
	struct told t = { 0 };
	struct reader *r;
	struct batch *b;

	write_text(*state, "moved", FROM "A: 1\n\n\n" FROM "A: 2\n\n\n");
	r = open_at(&a);
	list_all(&reader_mbox, r, &f, &t, &w);
	reader_mbox.close(&r);
	write_text(*state, "moved", FROM "A: 2\n\n\n" FROM "A: 3\n\n\n");
	r = open_at(&a);
	b = fetch_all(&reader_mbox, r, &f, &t);
	for (size_t i = 0; i < 2; i++) {
		assert_true(b->v[i].hole);
		assert_false(b->v[i].fetched);
		assert_int_equal(b->v[i].why.code, EC_HOLE);
	}
	batch_free(&b);
	told_release(&t);
	reader_mbox.close(&r);
	free(path);
}

static void folders_of_files(void **state)
{
	const char *dir = *state;
	struct account a = account_of(dir);
	struct folder_list l = { 0 };
	struct reader *r;
	struct err e;

	write_text(dir, "Inbox", FROM "A: b\n\n\n");
	write_text(dir, "Inbox.msf", "index");
	make_dir(dir, "Inbox.sbd");
	write_text(dir, "Inbox.sbd/Work", FROM "A: b\n\n\n");
	write_text(dir, "Empty", "");
	write_text(dir, "Empty.msf", "index");
	write_text(dir, "notes.txt", "From me to you\n");
	write_text(dir, ".hidden", FROM "A: b\n\n\n");
	write_text(dir, "2019.mbox", FROM "A: b\n\n\n");
	make_dir(dir, "Sent.mbox");
	write_text(dir, "Sent.mbox/mbox", FROM "A: b\n\n\n");
	write_text(dir,
	           "Gr\xfc\xdf"
	           "e",
	           FROM "A: b\n\n\n");
	make_dir(dir, "deep");
	write_text(dir, "deep/er", FROM "A: b\n\n\n");
	r = open_at(&a);
	assert_int_equal(reader_mbox.folders(r, &l, &e), 0);
	assert_int_equal(l.n, 7);
	assert_non_null(folder_at(&l, "INBOX"));
	assert_int_equal(folder_at(&l, "INBOX")->use, USE_INBOX);
	assert_string_equal(folder_at(&l, "Inbox/Work")->raw, "Inbox.sbd/Work");
	assert_int_equal(folder_at(&l, "Inbox/Work")->depth, 2);
	assert_non_null(folder_at(&l, "Empty"));
	assert_non_null(folder_at(&l, "2019"));
	assert_string_equal(folder_at(&l, "Sent")->raw, "Sent.mbox/mbox");
	assert_non_null(folder_at(&l, "Gr\xc3\xbc\xc3\x9f"
	                              "e"));
	assert_non_null(folder_at(&l, "deep/er"));
	for (size_t i = 0; i < l.n; i++) {
		struct told t = { 0 };
		struct window w = { 0 };

		list_all(&reader_mbox, r, &l.v[i], &t, &w);
		told_release(&t);
	}
	folder_list_release(&l);
	reader_mbox.close(&r);
}

static void what_is_no_mbox_is_said(void **state)
{
	char *path = in_dir(*state, "x.mbox"), *none = in_dir(*state, "none");
	struct account a = account_of(path), b = account_of(none);
	struct folder f = { .raw = (char *)(uintptr_t) "" };
	struct window w = { 0 };
	struct reader *r;
	struct err e = { 0 };

	write_text(*state, "x.mbox", "Dear all,\n");
	r = open_at(&a);
	assert_int_equal(reader_mbox.list(r, &f, &w, &e), -1);
	assert_int_equal(e.code, EC_ARCHIVE);
	assert_int_equal(e.reach, ERR_FOLDER);
	reader_mbox.close(&r);
	assert_int_equal(reader_mbox.open(&r, &b, &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	free(path);
	free(none);
}

/* The field that mboxcl2 adds. */
static void drop_length(char *p, size_t *n)
{
	char *at = memmem(p, *n, "Content-Length: ", 16);
	char *end = at ? memchr(at, '\n', (size_t)(p + *n - at)) : NULL;

	if (!end)
		return;
	end++;
	memmove(at, end, (size_t)(p + *n - end));
	*n -= (size_t)(end - at);
}

static size_t compare_dialect(const char *dir, const char *file)
{
	char *path = in_dir(dir, file), *order = in_dir(dir, "ORDER.txt");
	struct account a = account_of(path);
	struct folder f = { .raw = (char *)(uintptr_t) "" };
	struct window w = { 0 };
	struct told t = { 0 };
	struct reader *r = open_at(&a);
	struct batch *b;
	FILE *names = fopen(order, "r");
	char name[300];
	size_t same = 0;

	list_all(&reader_mbox, r, &f, &t, &w);
	b = fetch_all(&reader_mbox, r, &f, &t);
	assert_int_equal(b->n, 362);
	for (size_t i = 0; i < b->n; i++) {
		char *truth, *wire, *got = body_text(&b->v[i].body);
		size_t n, wire_n, got_n = (size_t)b->v[i].body.size;

		assert_non_null(fgets(name, sizeof(name), names));
		name[strcspn(name, "\n")] = '\0';
		truth = in_dir(dir, name);
		wire = read_file(truth, &n);
		free(truth);
		/* No dialect can say that a last line end was missing. */
		if (wire[n - 1] != '\n')
			wire[n++] = '\n';
		truth = as_wire(wire, n, &wire_n);
		assert_int_equal(t.v[i].size, got_n);
		if (strstr(file, "cl2"))
			drop_length(got, &got_n);
		same += got_n == wire_n && memcmp(got, truth, wire_n) == 0;
		free(truth);
		free(wire);
		free(got);
	}
	fclose(names);
	batch_free(&b);
	told_release(&t);
	reader_mbox.close(&r);
	free(path);
	free(order);
	return same;
}

static void dialects_of_real_mail(void **state)
{
	char *dir = shared("mbox/dialects");

	if (!dir)
		skip();
	assert_int_equal(compare_dialect(dir, "mboxrd.mbox"), 362);
	print_message("mboxcl2: %zu, mboxo: %zu of 362 as the truth\n",
	              compare_dialect(dir, "mboxcl2.mbox"),
	              compare_dialect(dir, "mboxo.mbox"));
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boundaries_and_quotes),
		cmocka_unit_test(lengths_are_believed_where_they_fit),
		cmocka_unit_test(lines_longer_than_the_window),
		cmocka_unit_test(from_lines),
		cmocka_unit_test(flags_keywords_and_dates),
		cmocka_unit_test(passes),
		cmocka_unit_test(a_file_that_changed_gives_holes),
		cmocka_unit_test_setup_teardown(folders_of_files, fixture_setup,
		                                fixture_teardown),
		cmocka_unit_test(what_is_no_mbox_is_said),
		cmocka_unit_test(dialects_of_real_mail),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
