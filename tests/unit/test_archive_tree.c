/* SPDX-License-Identifier: Apache-2.0 */
/* test_archive_tree.c - kinds of files, directories of them, .eml, .emlx. */
#include "archive_sink.h"

#include <sys/time.h>

#include "archive/eml.h"
#include "archive/input.h"
#include "archive/kind.h"
#include "archive/tree.h"
#include "archive/tree_name.h"

static void walk_want(const char *dir, enum want_kind want, struct kept *k)
{
	const char *name = strrchr(dir, '/');
	int fd = open(dir, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(tree_walk(fd, name ? name + 1 : dir, want, &k->sink),
	                 0);
	close(fd);
}

static void walk_it(const char *dir, struct kept *k)
{
	kept_init(k);
	walk_want(dir, WANT_ANY, k);
}

static void kinds(void **state)
{
	static const struct {
		const char *text, *name, *what;
		enum file_kind kind;
	} t[] = {
		{ "", "x", "an empty file", FILE_EMPTY },
		{ "\r\n\n", "x", "an empty file", FILE_EMPTY },
		{ "From a@b Thu Jan  1 00:00:00 2015\nA: b\n\n", "x", NULL,
		  FILE_MBOX },
		{ "\n\nFrom a@b Thu Jan  1 00:00:00 2015\nA: b\n\n", "x", NULL,
		  FILE_MBOX },
		{ "From: a@example.com\nTo: b\n\nx", "x.json", NULL, FILE_EML },
		{ "\xef\xbb\xbf\r\nReceived: by x; 1 Jan 2015 00:00 +0000\r\n",
		  "x", NULL, FILE_EML },
		{ ">From a@b who knows when\nFrom: a\nTo: b\n\n", "x", NULL,
		  FILE_EML },
		{ "Subject : odd\nMessage-ID: <a@b>\n", "x", NULL, FILE_EML },
		{ "Content-Type: text/plain\n\nx", "a.eml", NULL, FILE_EML },
		{ "Content-Type: text/plain\n\nx", "a.txt", "not mail",
		  FILE_OTHER },
		{ "HTTP/1.1 200 OK\nDate: Thu, 1 Jan 2015 00:00:00 GMT\n", "x",
		  "not mail", FILE_OTHER },
		{ "Date: Thu, 1 Jan 2015 00:00:00 GMT\nServer: x\n\n", "x",
		  "not mail", FILE_OTHER },
		{ "subject: a title\ndate: 2015-01-01\n", "post.md", "not mail",
		  FILE_OTHER },
		{ "from: a module\nto: b\n", "x.yml", "not mail", FILE_OTHER },
		{ "BEGIN:VCALENDAR\nVERSION:2.0\n", "x", "a calendar",
		  FILE_OTHER },
		{ "BEGIN:VCARD\nVERSION:3.0\nFN:a\n", "x.eml",
		  "an address book", FILE_OTHER },
		{ "<!doctype HTML><html>", "x", "a web page", FILE_OTHER },
		{ "From: <Saved by Browser>\nSubject: x\nMIME-Version: 1.0\n",
		  "x", "a web page", FILE_OTHER },
		{ "{\"From\": \"a\"}", "x", "not mail", FILE_OTHER },
		{ "import re\nfrom x import y\n", "x", "not mail", FILE_OTHER },
		{ "%PDF-1.4", "x", "a document", FILE_OTHER },
		{ "!BDN....", "x", NULL, FILE_PST },
		{ "\xd0\xcf\x11\xe0", "a.msg", NULL, FILE_MSG },
		{ "\xd0\xcf\x11\xe0", "a.xls", "a document", FILE_OTHER },
		{ "no message", "a.msg", "not mail", FILE_OTHER },
		{ "30    \nFrom: a\nTo: b\nSubject: c\n\n", "x", NULL,
		  FILE_EMLX },
		{ "30\nnothing of the kind", "x.emlx", "not mail", FILE_OTHER },
		{ "12345 words", "x", "not mail", FILE_OTHER },
		{ "\1\2\nFrom a@b Thu Jan  1 00:00:00 2015\n", "a.mbox", NULL,
		  FILE_MBOX },
		{ "\1\2\nFrom a@b Thu Jan  1 00:00:00 2015\n", "a", "not mail",
		  FILE_OTHER },
		{ "Package: x\nVersion: 1\n", "x.eml", "not mail", FILE_OTHER },
		{ "x", "Inbox.msf", "an index of a mail program", FILE_OTHER },
		{ "x", "dovecot-uidlist", "a mail server's own notes",
		  FILE_OTHER },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char *what = NULL;
		enum file_kind kind =
		        kind_of((const unsigned char *)t[i].text,
		                strlen(t[i].text), t[i].name, &what);

		if (kind != t[i].kind)
			fail_msg("%zu: %.20s is %d", i, t[i].text, kind);
		assert_non_null(what);
		if (t[i].what)
			assert_string_equal(what, t[i].what);
	}
}

static void no_octet_beyond_the_head_is_read(void **state)
{
	static const char text[] = "12\nFrom: a\nReceived: b; c\n"
	                           "X-Mozilla-Status: 0001\n\nbody";
	const char *what;

	for (size_t n = 0; n < sizeof(text); n++) {
		unsigned char *p = malloc(n ? n : 1);

		assert_non_null(p);
		memcpy(p, text, n);
		kind_of(p, n, NULL, &what);
		free(p);
	}
}

static void names(void **state)
{
	static const struct {
		const char *raw, *folder, *path;
		enum naming how;
	} t[] = {
		{ "a.eml", "./", "INBOX", NAME_MESSAGE },
		{ "Sent/a.eml", "Sent", "Sent", NAME_MESSAGE },
		{ "x/inBox/a.eml", "x/inBox", "x/inBox", NAME_MESSAGE },
		{ "Inbox", "Inbox", "INBOX", NAME_FILE },
		{ "Mail.sbd/Old.mbox", "Mail.sbd/Old.mbox", "Mail/Old",
		  NAME_FILE },
		{ "Old.mbox/mbox", "Old.mbox/mbox", "Old", NAME_FILE },
		{ "mbox", "mbox", "mbox", NAME_FILE },
		{ "Entw&APw-rfe", "Entw&APw-rfe", "Entw\xc3\xbcrfe",
		  NAME_FILE },
		{ "INBOX.sbd/Gr&APY-n", "INBOX.sbd/Gr&APY-n",
		  "INBOX/Gr\xc3\xb6n", NAME_FILE },
		{ "Q&A", "Q&A", "Q&A", NAME_FILE },
		{ "Takeout.zip/All.mbox", "Takeout.zip/All.mbox", "Takeout/All",
		  NAME_FILE },
		{ "a.mbox.tar.gz", "a.mbox.tar.gz", "a", NAME_FILE },
		{ "In.mbox/0F1E2D3C-0000-4000-8000-0123456789ab/Data/1/2/"
		  "Messages/3.emlx",
		  "In.mbox", "In", NAME_MESSAGE },
		{ "A.mbox/B.mbox/Messages/3.emlx", "A.mbox/B.mbox", "A/B",
		  NAME_MESSAGE },
		{ "Data/1/Messages/3.eml", "Data/1/Messages", "Data/1/Messages",
		  NAME_MESSAGE },
		{ "", ".", "INBOX", NAME_MAILDIR },
		{ ".Sent.Gr&APY-n", ".Sent.Gr&APY-n", "Sent/Gr\xc3\xb6n",
		  NAME_MAILDIR },
		{ ".Sent.Gr\xc3\xb6n", ".Sent.Gr\xc3\xb6n", "Sent/Gr\xc3\xb6n",
		  NAME_MAILDIR },
		{ "a/.B..C.", "a/.B..C.", "a/B/C", NAME_MAILDIR },
		{ "Bad&name", "Bad&name", "Bad&name", NAME_MAILDIR },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct spot o = { 0 };

		assert_int_equal(spot_of(&o, t[i].raw, t[i].how), 0);
		assert_string_equal(o.raw, t[i].folder);
		assert_string_equal(o.path, t[i].path);
		spot_release(&o);
	}
}

/* Octets that are not UTF-8 keep two names apart, and are shown. */
static void odd_names(void **state)
{
	char *a = raw_name("caf\xe9"), *b = raw_name("caf\xc3\xa9"), *shown;

	assert_string_not_equal(a, b);
	assert_string_equal(b, "caf\xc3\xa9");
	shown = tree_folder_path(a);
	assert_string_equal(shown, b);
	free(a);
	free(b);
	free(shown);
	shown = tree_folder_path("a\tb/c\x7f");
	assert_string_equal(shown, "a_b/c_");
	free(shown);
}

#define MAIL "From: a@example.com\nTo: b\nSubject: c\n"

static void folders_of_messages(void **state)
{
	const char *dir = *state;
	char *link = in_dir(dir, "a/link"), *pipe = in_dir(dir, "pipe");
	struct kept k;

	make_dir(dir, "a");
	make_dir(dir, "a/b");
	write_text(dir, "1.eml", MAIL "\none\n");
	write_text(dir, "a/2", MAIL "\ntwo\n");
	write_text(dir, "a/b/3.EML", MAIL "\nthree\n");
	write_text(dir, "a/b/.hidden", MAIL "\nfour\n");
	write_text(dir, "a/notes.txt", "none");
	write_text(dir, "a/lost.eml", "");
	assert_int_equal(symlink("2", link), 0);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	walk_it(dir, &k);
	assert_int_equal(k.folders_n, 3);
	assert_string_equal(k.folders[0].path, "INBOX");
	assert_string_equal(k.folders[0].raw, "./");
	assert_int_equal(k.folders[0].use, USE_INBOX);
	assert_int_equal(k.items_n, 5);
	assert_string_equal(kept_text(kept_key(&k, "a/2")), MAIL "\ntwo\n");
	assert_string_equal(kept_key(&k, "a/2")->folder, "a");
	assert_int_equal(kept_key(&k, "a/2")->it.uid, item_uid("a/2"));
	assert_string_equal(kept_key(&k, "a/b/3.EML")->folder, "a/b");
	assert_non_null(kept_key(&k, "a/b/.hidden"));
	assert_non_null(strstr(kept_key(&k, "a/lost.eml")->hole, "empty"));
	assert_int_equal(k.others_n, 3);
	assert_string_equal(kept_what(&k, "a/notes.txt"), "not mail");
	assert_non_null(strstr(kept_what(&k, "a/link"), "link"));
	assert_string_equal(kept_what(&k, "pipe"), "a pipe");
	kept_release(&k);

	kept_init(&k);
	walk_want(dir, WANT_MBOX, &k);
	assert_int_equal(k.items_n, 0);
	assert_int_equal(k.others_n, 8);
	kept_release(&k);
	free(link);
	free(pipe);
}

static void mailboxes(void **state)
{
	const char *dir = *state;
	struct kept k;

	make_dir(dir, "Mail");
	make_dir(dir, "Mail/Inbox.sbd");
	make_dir(dir, "Mail/Old.mbox");
	write_text(dir, "Mail/Inbox", "");
	write_text(dir, "Mail/Inbox.sbd/Sub", "");
	write_text(dir, "Mail/Inbox.sbd/Sub.msf", "// <!-- <mdb:mork");
	write_text(dir, "Mail/Old.mbox/mbox", "");
	write_text(dir, "Mail/None.mbox", "\n");
	write_text(dir, "Mail/stray", "");
	walk_it(dir, &k);
	assert_int_equal(k.folders_n, 4);
	assert_non_null(kept_at(&k, "Mail/Inbox"));
	assert_non_null(kept_at(&k, "Mail/Inbox/Sub"));
	assert_non_null(kept_at(&k, "Mail/Old"));
	assert_non_null(kept_at(&k, "Mail/None"));
	assert_int_equal(k.others_n, 2);
	assert_string_equal(kept_what(&k, "Mail/stray"), "an empty file");
	assert_string_equal(kept_what(&k, "Mail/Inbox.sbd/Sub.msf"),
	                    "an index of a mail program");
	kept_release(&k);
}

static void maildirs_below(void **state)
{
	static const char *const dirs[] = {
		".Sent", ".nothing",    ".Caf\xc3\xa9",
		"plain", "plain/inner", "plain/inner/.Sub",
		"cur",   "new",         NULL
	};
	const char *dir = *state;
	struct kept k;

	for (int i = 0; dirs[i]; i++)
		make_dir(dir, dirs[i]);
	make_dir(dir, ".Sent/cur");
	make_dir(dir, ".Caf\xc3\xa9/cur");
	make_dir(dir, "plain/inner/cur");
	make_dir(dir, "plain/inner/.Sub/cur");
	write_text(dir, "plain/inner/cur/1.M1.h:2,S", "A: b\n\n");
	write_text(dir, "plain/loose.eml", MAIL "\n");
	walk_it(dir, &k);
	assert_int_equal(k.folders_n, 6);
	assert_string_equal(kept_at(&k, "INBOX")->raw, ".");
	assert_string_equal(kept_at(&k, "Sent")->raw, ".Sent");
	assert_non_null(kept_at(&k, "Caf\xc3\xa9"));
	assert_string_equal(kept_at(&k, "plain/inner/Sub")->raw,
	                    "plain/inner/.Sub");
	assert_non_null(kept_at(&k, "plain"));
	assert_int_equal(k.items_n, 2);
	assert_string_equal(kept_key(&k, "1.M1.h")->folder, "plain/inner");
	kept_release(&k);
}

static void cannot_be_opened(void **state)
{
	const char *dir = *state;
	char *file, *sub;
	struct kept k;

	/* Nothing is shut to root. */
	if (geteuid() == 0)
		skip();
	file = in_dir(dir, "a/1.eml");
	sub = in_dir(dir, "shut");
	make_dir(dir, "a");
	make_dir(dir, "shut");
	write_text(dir, "a/1.eml", MAIL "\n");
	assert_int_equal(chmod(file, 0), 0);
	assert_int_equal(chmod(sub, 0), 0);
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 2);
	assert_non_null(strstr(kept_key(&k, "a/1.eml")->hole, "may not read"));
	assert_string_equal(kept_key(&k, "a/1.eml")->folder, "a");
	assert_non_null(strstr(kept_key(&k, "shut")->hole, "may not read"));
	chmod(sub, 0700);
	kept_release(&k);
	free(file);
	free(sub);
}

static void too_deep(void **state)
{
	struct buf b = BUF_INIT(0);
	struct kept k;

	for (int i = 0; i < 70; i++) {
		assert_int_equal(buf_str(&b, i ? "/d" : "d"), 0);
		make_dir(*state, b.p);
	}
	assert_int_equal(buf_str(&b, "/1.eml"), 0);
	write_text(*state, b.p, MAIL "\n");
	walk_it(*state, &k);
	assert_int_equal(k.items_n, 1);
	assert_non_null(k.items[0].hole);
	kept_release(&k);
	buf_release(&b);
}

static void only_what_is_wanted(void **state)
{
	uint64_t want = item_uid("a/2.eml");
	struct kept k;

	make_dir(*state, "a");
	write_text(*state, "a/1.eml", MAIL "\n1");
	write_text(*state, "a/2.eml", MAIL "\n2");
	write_text(*state, "a/3", MAIL "\n3");
	kept_init(&k);
	k.want.only_want = true;
	k.want.want = &want;
	k.want.want_n = 1;
	walk_want(*state, WANT_ANY, &k);
	assert_int_equal(k.items_n, 1);
	assert_string_equal(k.items[0].key, "a/2.eml");
	kept_release(&k);
	kept_init(&k);
	k.want.omit = true;
	walk_want(*state, WANT_ANY, &k);
	assert_int_equal(k.items_n, 0);
	kept_release(&k);
	kept_init(&k);
	k.poison_raw = "a";
	k.poison = want;
	walk_want(*state, WANT_EML, &k);
	assert_int_equal(k.items_n, 2);
	kept_release(&k);
	kept_init(&k);
	k.sink.names_only = true;
	walk_want(*state, WANT_ANY, &k);
	assert_int_equal(k.items_n, 0);
	assert_int_equal(k.folders_n, 1);
	kept_release(&k);
}

static void one_file(void **state)
{
	char *path = in_dir(*state, "Letter.eml");
	struct kept k;

	write_text(*state, "Letter.eml", MAIL "\nx");
	for (int again = 0; again < 2; again++) {
		walk_it(path, &k);
		assert_int_equal(k.items_n, 1);
		assert_string_equal(k.folders[0].path, "INBOX");
		assert_string_equal(kept_text(&k.items[0]), MAIL "\nx");
		kept_release(&k);
	}
	free(path);
}

#define FROM "From a@b Thu Jan  1 00:00:00 2015\n"

/* An .eml may begin with a From_ line; if there are two it is an mbox. */
static void from_line_in_front(void **state)
{
	size_t far = 300u << 10;
	char *long_one = malloc(far);
	struct kept k;

	memset(long_one, 'x', far);
	memcpy(long_one, FROM MAIL "\n", strlen(FROM MAIL "\n"));
	memcpy(long_one + far - strlen("\n\n" FROM MAIL "\n"),
	       "\n\n" FROM MAIL "\n", strlen("\n\n" FROM MAIL "\n"));
	write_text(*state, "1.eml", FROM MAIL "\nx\nFrom here on\n");
	write_text(*state, "2.eml", FROM MAIL "\nx\n\n" FROM MAIL "\ny\n");
	write_file(*state, "3.eml", long_one, far);
	walk_it(*state, &k);
	assert_int_equal(k.folders_n, 3);
	assert_int_equal(k.items_n, 5);
	assert_string_equal(k.folders[0].path, "INBOX");
	assert_string_equal(kept_text(&k.items[0]), MAIL "\nx\nFrom here on\n");
	assert_string_equal(k.folders[1].raw, "2.eml");
	assert_string_equal(k.folders[2].raw, "3.eml");
	kept_release(&k);
	free(long_one);
}

/* The message of octets, by a stream. */
static struct kept_item *eml(struct kept *k, const char *p, size_t n,
                             const char *name, bool emlx)
{
	struct where at = { .raw = name, .path = name, .nested = 1 };
	struct place place = { .raw = "", .path = "INBOX", .uidvalidity = 1 };
	struct in_memory m;

	kept_init(k);
	input_memory(&m, p, n);
	m.in.mtime = 99;
	k->sink.folder(&k->sink, &place);
	assert_int_equal(eml_item(&m.in, &at, emlx, &k->sink), 0);
	return &k->items[0];
}

static void check_eml(const char *text, unsigned flags, int64_t sec,
                      const char *keywords, const char *octets)
{
	struct kept k;
	struct kept_item *i = eml(&k, text, strlen(text), "x.eml", false);

	assert_null(i->hole);
	assert_int_equal(i->it.flags, flags);
	assert_int_equal(i->it.date.sec, sec);
	assert_string_equal(i->keywords ? i->keywords : "", keywords);
	assert_string_equal(kept_text(i), octets);
	kept_release(&k);
}

static void dates_and_flags(void **state)
{
	check_eml("A: b\n\nx", MAIL_SEEN, 99, "", "A: b\n\nx");
	check_eml("\xef\xbb\xbf\n\nDate: 1 Jan 1970 00:01:00 +0000\n\n",
	          MAIL_SEEN, 60, "", "Date: 1 Jan 1970 00:01:00 +0000\n\n");
	check_eml("From a Thu Jan  1 00:00:00 2015\nA: b\n\n", MAIL_SEEN, 99,
	          "", "A: b\n\n");
	check_eml("Received: by a;\n\tThu, 1 Jan 1970 00:02:00 +0000 (x;y)\n"
	          "Received: by b; Thu, 1 Jan 1970 00:03:00 +0000\n"
	          "Date: 1 Jan 1970 00:01:00 +0000\n\n",
	          MAIL_SEEN, 180, "",
	          "Received: by a;\n\tThu, 1 Jan 1970 00:02:00 +0000 (x;y)\n"
	          "Received: by b; Thu, 1 Jan 1970 00:03:00 +0000\n"
	          "Date: 1 Jan 1970 00:01:00 +0000\n\n");
	check_eml("Status: O\nX-Status: AF\n\n", MAIL_ANSWERED | MAIL_FLAGGED,
	          99, "", "Status: O\nX-Status: AF\n\n");
	check_eml("X-Mozilla-Status: 1005\nX-Mozilla-Keys: b a \n\n",
	          MAIL_SEEN | MAIL_FLAGGED, 99, "$Forwarded a b",
	          "X-Mozilla-Status: 1005\nX-Mozilla-Keys: b a \n\n");
	check_eml("X-Unsent: 1\n\n", MAIL_SEEN | MAIL_DRAFT, 99, "",
	          "X-Unsent: 1\n\n");
}

static bool wire_of(const char *text)
{
	struct kept k;
	bool wire = eml(&k, text, strlen(text), "x", false)->it.wire;

	kept_release(&k);
	return wire;
}

static void line_ends(void **state)
{
	assert_true(wire_of("A: b\r\nC: d\r\n\r\nx\r\ny\nz\r\n"));
	assert_false(wire_of("A: b\nC: d\n\nx\n"));
	assert_false(wire_of("A: b\r\nC: d\n\r\nx\r\n"));
	assert_false(wire_of("A: b\r\n\r\nx\ny\n"));
	assert_false(wire_of("A: b"));
}

static void long_ones_stream(void **state)
{
	size_t n = 3u << 20;
	char *p = malloc(n);
	struct kept_item *i;
	struct kept k;

	/* A header beyond what is looked at, then a body beyond that. */
	for (size_t at = 0; at < n; at++)
		p[at] = "X-Long: abcdefgh ijklmnopq\n"[at % 27];
	memcpy(p, "Status: R\n", 10);
	memcpy(p + (1u << 20), "\n\n", 2);
	i = eml(&k, p, n, "x", false);
	assert_int_equal(i->octets.n, n);
	assert_memory_equal(i->octets.p, p, n);
	assert_int_equal(i->size, n);
	kept_release(&k);
	free(p);
}

#define PLIST                                                          \
	"<?xml version=\"1.0\"?><plist><dict><key>date-received</key>" \
	"\n<integer>777</integer><key>flags</key> <integer>%u</integer>\n"

/* In memory, and as a file that can be read at any place. */
static void check_emlx(const char *dir, unsigned bits, unsigned flags,
                       const char *keywords)
{
	for (int file = 0; file < 2; file++) {
		struct kept_item *i;
		struct kept k;
		char *text;

		print_to(&text, "%zu   \n" MAIL "\nbody\n" PLIST,
		         strlen(MAIL "\nbody\n"), bits);
		if (file) {
			write_text(dir, "1.emlx", text);
			walk_it(dir, &k);
			i = &k.items[0];
		} else {
			i = eml(&k, text, strlen(text), "1.emlx", true);
		}
		assert_int_equal(k.items_n, 1);
		assert_null(i->hole);
		assert_string_equal(kept_text(i), MAIL "\nbody\n");
		assert_int_equal(i->it.flags, flags);
		assert_int_equal(i->it.date.sec, 777);
		assert_string_equal(i->keywords ? i->keywords : "", keywords);
		kept_release(&k);
		free(text);
	}
}

static void apple_mail(void **state)
{
	struct kept k;
	char *text;

	check_emlx(*state, 1 | 1u << 10, MAIL_SEEN, "");
	check_emlx(*state, 4 | 16 | 256, MAIL_ANSWERED | MAIL_FLAGGED,
	           "$Forwarded");
	check_emlx(*state, 1 | 2 | 64 | 1u << 24,
	           MAIL_SEEN | MAIL_DELETED | MAIL_DRAFT, "$Junk");
	check_emlx(*state, 1u << 25, 0, "$NotJunk");
	print_to(&text, "%d\n" MAIL "\nbody\n", 1000);
	assert_non_null(strstr(
	        eml(&k, text, strlen(text), "1.emlx", true)->hole, "middle"));
	kept_release(&k);
	write_text(*state, "1.emlx", text);
	walk_it(*state, &k);
	assert_non_null(k.items[0].hole);
	kept_release(&k);
	free(text);
	print_to(&text, "%zu\n" MAIL "\nbody\n", strlen(MAIL "\nbody\n"));
	assert_null(eml(&k, text, strlen(text), "1.partial.emlx", true)->hole);
	assert_int_equal(k.items_n, 2);
	assert_non_null(strstr(k.items[1].hole, "attachments"));
	kept_release(&k);
	free(text);
}

static size_t count_eml(const char *name, const char *suffix, size_t *mail)
{
	char *dir = shared(name);
	struct kept k;
	size_t n = 0;

	*mail = 0;
	if (!dir)
		skip();
	walk_it(dir, &k);
	for (size_t i = 0; i < k.items_n; i++)
		*mail += !k.items[i].hole && name_ends(k.items[i].key, suffix);
	for (size_t i = 0; i < k.others_n; i++)
		n += name_ends(k.others[i].name, suffix);
	kept_release(&k);
	free(dir);
	return n;
}

/* Real and malformed messages are all known as such. */
static void real_messages(void **state)
{
	static const char *const dirs[] = { "mime/stalwart-mail-parser",
		                            "mime/mikel-mail", "mbox/gyb" };
	static const size_t have[] = { 107, 103, 11 };
	size_t mail;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(count_eml(dirs[i], ".eml", &mail), 0);
		assert_int_equal(mail, have[i]);
	}
}

static void real_octets(void **state)
{
	char *dir = shared("mbox/dialects/truth");
	struct kept k;

	if (!dir)
		skip();
	walk_it(dir, &k);
	assert_int_equal(k.items_n, 362);
	assert_int_equal(k.others_n, 0);
	for (size_t i = 0; i < k.items_n; i++) {
		char *path = in_dir(dir, k.items[i].key);
		size_t n;
		char *text = read_file(path, &n);

		assert_int_equal(n, k.items[i].octets.n);
		assert_memory_equal(text, k.items[i].octets.p, n);
		free(text);
		free(path);
	}
	kept_release(&k);
	free(dir);
}

#define WITH_DIR(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(no_octet_beyond_the_head_is_read),
		cmocka_unit_test(names),
		cmocka_unit_test(odd_names),
		WITH_DIR(folders_of_messages),
		WITH_DIR(mailboxes),
		WITH_DIR(maildirs_below),
		WITH_DIR(cannot_be_opened),
		WITH_DIR(too_deep),
		WITH_DIR(only_what_is_wanted),
		WITH_DIR(one_file),
		WITH_DIR(from_line_in_front),
		cmocka_unit_test(dates_and_flags),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(long_ones_stream),
		WITH_DIR(apple_mail),
		cmocka_unit_test(real_messages),
		cmocka_unit_test(real_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
