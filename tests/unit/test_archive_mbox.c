/* SPDX-License-Identifier: Apache-2.0 */
/* test_archive_mbox.c - mbox files: dialects, flags, labels, going on. */
#include "archive_sink.h"

#include "archive/input.h"
#include "archive/mbox.h"
#include "archive/mbox_scan.h"

#define FROM "From a@x Mon Aug  1 10:00:00 2022\n"

/* How the octets come: from a file, or through a pipe in small pieces. */
enum way { BY_FILE, BY_PIECES, BY_SINGLES, WAYS };

struct pieces {
	struct in_memory m;
	struct input in;
	size_t most;
	uint64_t fails_at; /* 0: never */
};

static ssize_t read_piece(struct input *in, void *p, size_t n)
{
	struct pieces *x = in->arg;

	if (x->fails_at && x->m.n == 0) {
		in->why = "the archive ends in the middle";
		return -1;
	}
	return x->m.in.read(&x->m.in, p, n < x->most ? n : x->most);
}

static int moved(struct sink *s)
{
	((struct kept *)s->arg)->poison = 4711;
	return -1;
}

/* The size is that on the wire. */
static int end_of(struct sink *s, uint64_t size, const char *hole)
{
	struct kept *k = s->arg;
	struct kept_item *i = &k->items[k->items_n - 1];
	size_t wire;

	free(as_wire(kept_text(i), i->octets.n, &wire));
	if (s->bodies)
		assert_int_equal(size, wire);
	i->size = size;
	i->hole = kept_copy(hole);
	k->open = false;
	return 0;
}

static void keep(struct kept *k)
{
	kept_init(k);
	k->sink.end = end_of;
	k->sink.moved_on = moved;
}

static int walk_octets(struct kept *k, const char *p, size_t n, enum way way,
                       bool cut)
{
	const struct where at = { .raw = "a/b.mbox", .path = "a/b" };
	struct pieces x = { .most = way == BY_PIECES ? 1021 : 1,
		            .fails_at = cut };
	struct input in;
	int fd = -1, r;

	if (way == BY_FILE) {
		fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
		assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n);
		input_file(&in, fd);
	} else {
		input_memory(&x.m, p, n);
		in = x.m.in;
		in.read = read_piece;
		in.arg = &x;
	}
	r = mbox_walk(&in, &at, &k->sink);
	if (fd >= 0)
		close(fd);
	return r;
}

/* The messages, each in brackets. */
static char *messages(const struct kept *k)
{
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < k->items_n; i++) {
		buf_chr(&out, '[');
		buf_add(&out, kept_text(&k->items[i]), k->items[i].octets.n);
		buf_chr(&out, ']');
	}
	return buf_take(&out);
}

static void gives(const char *text, size_t n, const char *want)
{
	for (enum way way = 0; way < WAYS; way++) {
		uint64_t last = 0;
		struct kept k;
		char *got;

		keep(&k);
		assert_int_equal(walk_octets(&k, text, n, way, false), 0);
		got = messages(&k);
		assert_string_equal(got, want);
		for (size_t i = 0; i < k.items_n; i++) {
			assert_true(k.items[i].it.uid > last);
			last = k.items[i].it.uid;
		}
		free(got);
		kept_release(&k);
	}
}

static void boundaries_and_quotes(void **state)
{
	static const struct {
		const char *text, *messages;
	} v[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ FROM "A: b\n\nx\n\n" FROM "A: c\n\ny\n\n",
		  "[A: b\n\nx\n][A: c\n\ny\n]" },
		/* No empty line, or no date: no boundary. */
		{ FROM "A: b\n\nx\n" FROM "\nFrom me to you\n",
		  "[A: b\n\nx\nFrom a@x Mon Aug  1 10:00:00 2022\n"
		  "\nFrom me to you\n]" },
		{ FROM "A: b\n\n>From x\n>>From y\n> From z\n>Fro\n\n",
		  "[A: b\n\nFrom x\n>From y\n> From z\n>Fro\n]" },
		/* Fields are not unquoted, and no end of line is lost. */
		{ FROM ">From b\nA: c\n\n\n\nx", "[>From b\nA: c\n\n\n\nx]" },
		{ "\n" FROM "A: b\n\n" FROM "A: c\n\n\n" FROM "A: d\n",
		  "[A: b\n][A: c\n\n][A: d\n]" },
		{ "\xef\xbb\xbf\r\n\n" FROM "A: b\n\n\n", "[A: b\n\n]" },
		{ "From - Mon Aug 01 10:00:00 2022\r\nA: b\r\n\r\nx\r\n\r\n"
		  "From - Mon Aug 01 10:00:00 2022\r\nA: c\r\n\r\n>From "
		  "\r\n\r\n",
		  "[A: b\r\n\r\nx\r\n][A: c\r\n\r\nFrom \r\n]" },
		/* A length that leads nowhere is not believed. */
		{ FROM "Content-Length: 9\n\nx\n\n" FROM "A: b\n\ny\n\n",
		  "[Content-Length: 9\n\nx\n][A: b\n\ny\n]" },
		/* An empty line that ends the header only. */
		{ FROM "A: b\n\n", "[A: b\n]" },
		{ FROM "A: b", "[A: b]" },
		{ FROM "\nx\n\n" FROM "A: c\n", "[\nx\n][A: c\n]" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		gives(v[i].text, strlen(v[i].text), v[i].messages);
}

static void nuls_stay(void **state)
{
	static const char text[] = FROM "A: b\n\nx\0\0\n\0\n\n" FROM "A: c\n";
	struct kept k;

	keep(&k);
	assert_int_equal(
	        walk_octets(&k, text, sizeof(text) - 1, BY_FILE, false), 0);
	assert_int_equal(k.items_n, 2);
	assert_int_equal(k.items[0].octets.n, 12);
	assert_memory_equal(k.items[0].octets.p, "A: b\n\nx\0\0\n\0\n", 12);
	kept_release(&k);
}

/* Content-Length: what it covers may hold anything, and is not unquoted. */
static void lengths(void **state)
{
	static const struct {
		const char *text, *messages;
	} v[] = {
		{ FROM "Content-Length: 45\n\n>From x\n\n" FROM "y\n\n" FROM
		       "Content-Length: 2\n\nz\n\n",
		  "[Content-Length: 45\n\n>From x\n\n" FROM
		  "y\n][Content-Length: 2\n\nz\n]" },
		/* Only the second has one. */
		{ FROM "A: b\n\n>From x\n\n" FROM
		       "Content-Length: 36\n\n\n" FROM "x\n",
		  "[A: b\n\nFrom x\n][Content-Length: 36\n\n\n" FROM "x]" },
		/* Without a line end behind the octets, and without an empty
		 * line behind the message. */
		{ FROM "Content-Length: 1\n\nx\n\n" FROM
		       "Content-Length: 2\n\ny\n" FROM "A: c\n",
		  "[Content-Length: 1\n\nx][Content-Length: 2\n\ny\n]"
		  "[A: c\n]" },
		/* A quoted From_ line: this writer quotes, too. */
		{ FROM "Content-Length: 43\n\n>" FROM ">From x\n\n" FROM
		       "A: c\n",
		  "[Content-Length: 43\n\n" FROM "From x\n][A: c\n]" },
		{ FROM "Content-Length: 99999999999999999\n\nx\n\n" FROM
		       "Content-Length: -1\n\ny\n",
		  "[Content-Length: 99999999999999999\n\nx\n]"
		  "[Content-Length: -1\n\ny\n]" },
		/* To the end of the file, over what looks like a message. */
		{ FROM "Content-Length: 36\n\n\n" FROM "x\n",
		  "[Content-Length: 36\n\n\n" FROM "x]" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		gives(v[i].text, strlen(v[i].text), v[i].messages);
}

/* What the head tells of the whole file. */
static void dialects_by_evidence(void **state)
{
	/* Unquoted. */
	gives(FROM "A: b\n\nFrom me\n>From you\n\n" FROM "A: c\n\n>From x\n",
	      strlen(FROM) * 2 + 39,
	      "[A: b\n\nFrom me\n>From you\n][A: c\n\n>From x\n]");
	/* Two without an empty line before them, and none with one. */
	gives(FROM "A: b\n\nx\n" FROM "A: c\n\ny\n" FROM "A: d\n",
	      strlen(FROM) * 3 + 21, "[A: b\n\nx\n][A: c\n\ny\n][A: d\n]");
	gives(FROM "A: b\n\nx\n" FROM "A: c\n\ny\n\n" FROM "A: d\n",
	      strlen(FROM) * 3 + 22,
	      "[A: b\n\nx\n" FROM "A: c\n\ny\n][A: d\n]");
}

static void fill(struct buf *b, char c, size_t n)
{
	for (size_t k = 0; k < n; k++)
		assert_int_equal(buf_chr(b, c), 0);
}

/* Every length of line around the window's end. */
static void lines_longer_than_the_window(void **state)
{
	size_t sizes[] = { MBOX_WINDOW - 1,  MBOX_WINDOW,      MBOX_WINDOW + 1,
		           MBOX_WINDOW - 42, MBOX_WINDOW - 43, MBOX_WINDOW - 44,
		           MBOX_WINDOW - 45, 3 * MBOX_WINDOW };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf text = BUF_INIT(0), want = BUF_INIT(0);

		buf_str(&text, FROM "A: b\n\n");
		buf_str(&want, "[A: b\n\n");
		fill(&text, 'x', sizes[i]);
		fill(&want, 'x', sizes[i]);
		buf_str(&text, "\n\n\n>From \n\n" FROM "A: c\n\n");
		buf_str(&want, "\n\n\nFrom \n][A: c\n]");
		gives(text.p, text.n, want.p);
		buf_release(&text);
		buf_release(&want);
	}
}

/* A window full of short messages, of every length. */
static void messages_at_the_end_of_the_window(void **state)
{
	for (size_t pad = 0; pad < 90; pad++) {
		struct buf text = BUF_INIT(0), want = BUF_INIT(0);

		buf_str(&text, FROM "A: b\n\n");
		buf_str(&want, "[A: b\n\n");
		fill(&text, 'x', MBOX_WINDOW - 120 + pad);
		fill(&want, 'x', MBOX_WINDOW - 120 + pad);
		buf_str(&text, "\n\n");
		buf_str(&want, "\n]");
		for (int i = 0; i < 3; i++) {
			buf_str(&text, FROM "C: d\n\n>From y\n\n");
			buf_str(&want, "[C: d\n\nFrom y\n]");
		}
		gives(text.p, text.n, want.p);
		buf_release(&text);
		buf_release(&want);
	}
}

/* A header longer than is looked at. */
static void long_headers(void **state)
{
	struct buf text = BUF_INIT(0), want = BUF_INIT(0);

	buf_str(&text, FROM "Status: R\nA: ");
	fill(&text, 'x', MBOX_HEADER);
	buf_str(&text, "\nX-Status: F\n\nbody\n\n" FROM "A: c\n\n");
	buf_chr(&want, '[');
	buf_add(&want, text.p + strlen(FROM),
	        text.n - 2 * strlen(FROM) - strlen("\nA: c\n\n"));
	buf_str(&want, "][A: c\n]");
	gives(text.p, text.n, want.p);
	buf_release(&text);
	buf_release(&want);
}

/* On a stream a length beyond the window is believed after a right one. */
static void lengths_on_streams(void **state)
{
	for (int lie = 0; lie < 2; lie++) {
		struct buf text = BUF_INIT(0);
		struct kept k;

		buf_str(&text, FROM "Content-Length: 2\n\nx\n\n");
		buf_fmt(&text, FROM "Content-Length: %u\n\n\n" FROM "y\n",
		        2 * MBOX_WINDOW + 38 - 7 * (unsigned)lie);
		fill(&text, 'z', 2 * MBOX_WINDOW);
		buf_str(&text, "\n\n" FROM "A: d\n");
		keep(&k);
		assert_int_equal(
		        walk_octets(&k, text.p, text.n, BY_PIECES, false), 0);
		assert_int_equal(k.items_n, 3);
		assert_true(k.items[1].octets.n > 2 * MBOX_WINDOW);
		assert_int_equal(k.items[1].hole != NULL, lie);
		assert_string_equal(kept_text(&k.items[2]), "A: d\n");
		kept_release(&k);
		buf_release(&text);
	}
}

static void damaged_beginnings(void **state)
{
	struct kept k;

	gives("Frxm a@x Mon Aug  1 10:00:00 2022\nA: b\n\nx\n\n" FROM "A: c\n",
	      2 * strlen(FROM) + 14, "[A: b\n\nx\n][A: c\n]");
	gives("A: b\n\nx\n\n" FROM "A: c\n", strlen(FROM) + 14,
	      "[A: b\n\nx\n][A: c\n]");
	keep(&k);
	walk_octets(&k, "junk\nmore\n" FROM "A: c\n", strlen(FROM) + 15,
	            BY_FILE, false);
	assert_int_equal(k.items_n, 2);
	assert_non_null(k.items[0].hole);
	assert_string_equal(k.items[0].key,
	                    "a/b.mbox, what stands before its first message");
	assert_null(k.items[1].hole);
	assert_string_equal(kept_text(&k.items[1]), "A: c\n");
	assert_true(k.items[0].it.uid < k.items[1].it.uid);
	kept_release(&k);
}

static void a_stream_that_breaks(void **state)
{
	static const char text[] = FROM "A: b\n\nx\n\n" FROM "A: c\n\ny";
	struct kept k;

	keep(&k);
	walk_octets(&k, text, sizeof(text) - 1, BY_SINGLES, true);
	assert_int_equal(k.items_n, 2);
	assert_null(k.items[0].hole);
	assert_non_null(strstr(k.items[1].hole, "ends in the middle"));
	kept_release(&k);
	keep(&k);
	walk_octets(&k, "", 0, BY_SINGLES, true);
	assert_int_equal(k.items_n, 1);
	assert_non_null(strstr(k.items[0].hole, "ends in the middle"));
	kept_release(&k);
}

static void empty_messages_are_told(void **state)
{
	static const char text[] = FROM "\n" FROM "A: c\n\n" FROM;

	for (enum way way = 0; way < WAYS; way++) {
		struct kept k;

		keep(&k);
		walk_octets(&k, text, sizeof(text) - 1, way, false);
		assert_int_equal(k.items_n, 1);
		assert_int_equal(k.others_n, 2);
		assert_string_equal(k.others[0].what, "an empty message");
		assert_string_equal(k.others[1].name, "a/b.mbox, octet 75");
		kept_release(&k);
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
	             "X-Mozilla-Status: 1009\nX-Mozilla-Keys: $label1   "
	             "\n\n\n\n" FROM "A: b\n\n\n\n";
	struct kept k;

	keep(&k);
	walk_octets(&k, text, sizeof(text) - 1, BY_FILE, false);
	assert_int_equal(k.items_n, 3);
	assert_int_equal(k.items[0].it.flags,
	                 MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED);
	assert_string_equal(k.items[0].keywords, "a b");
	assert_int_equal(k.items[1].it.flags, MAIL_SEEN | MAIL_DELETED);
	assert_string_equal(k.items[1].keywords, "$Forwarded $label1");
	assert_int_equal(k.items[2].it.flags, 0);
	assert_null(k.items[2].keywords);
	assert_true(k.items[2].it.date.known);
	assert_int_equal(k.items[2].it.date.sec, 1659348000);
	kept_release(&k);
}

static void told(struct kept *k, const char *text, enum way way)
{
	assert_int_equal(walk_octets(k, text, strlen(text), way, false),
	                 k->poison == 4711 ? -1 : 0);
}

#define M1 FROM "A: 1\n\n\n"
#define M2 FROM "A: 2\n\n\n"
#define M3 FROM "A: 3\n\n\n"

static void ways_of_going_on(void **state)
{
	for (enum way way = 0; way < WAYS; way++) {
		struct kept all, k;
		uint64_t want[2];

		keep(&all);
		told(&all, M1 M2 M3, way);
		assert_int_equal(all.items_n, 3);
		/* Behind the second, when the first was read since. */
		keep(&k);
		k.want.resume = all.items[1].it.uid;
		told(&k, M1 M2 M3, way);
		assert_true(k.items_n >= 2);
		assert_int_equal(k.items[k.items_n - 1].it.uid,
		                 all.items[2].it.uid);
		assert_int_equal(k.items_n, way == BY_FILE ? 2 : 3);
		kept_release(&k);
		/* It is not there any more. */
		keep(&k);
		k.want.resume = all.items[1].it.uid;
		walk_octets(&k, M1 M3 M2, strlen(M1 M3 M2), way, false);
		assert_int_equal(k.poison, 4711);
		kept_release(&k);
		keep(&k);
		k.want.resume = all.items[2].it.uid;
		walk_octets(&k, M1 M2, strlen(M1 M2), way, false);
		assert_int_equal(k.poison, 4711);
		kept_release(&k);
		/* Two, and one of them has changed. */
		want[0] = all.items[1].it.uid;
		want[1] = all.items[2].it.uid;
		keep(&k);
		k.want = (struct wanted){ .only_want = true,
			                  .want = want,
			                  .want_n = 2 };
		told(&k, M1 M3 M3, way);
		assert_int_equal(k.items[k.items_n - 1].it.uid, want[1]);
		if (way == BY_FILE)
			assert_int_equal(k.items_n, 1);
		kept_release(&k);
		kept_release(&all);
	}
}

static void identity(void **state)
{
	struct kept a, b;

	keep(&a);
	keep(&b);
	told(&a, M1 M2, BY_FILE);
	told(&b, M2, BY_FILE);
	/* The first went, and the second stands where it was. */
	assert_true(a.items[0].it.uid != b.items[0].it.uid);
	assert_int_equal(a.items[0].it.uid >> 16, 1);
	assert_int_not_equal(a.folders[0].state, 0);
	kept_release(&a);
	kept_release(&b);
	/* What a mail program notes does not make it another message. */
	keep(&a);
	keep(&b);
	told(&a, FROM "A: 1\n\n\n", BY_FILE);
	told(&b, FROM "Status: R\nA: 1\nX-UID: 7\nX-Mozilla-Status: 0001\n\n\n",
	     BY_PIECES);
	assert_true(a.items[0].it.uid == b.items[0].it.uid);
	assert_int_equal(b.folders[0].state, 0);
	kept_release(&a);
	kept_release(&b);
}

#define L(labels, n) FROM "X-Gmail-Labels: " labels "\nA: " n "\n\n\n"

static void labels_are_folders(void **state)
{
	static const char text[] = L("Inbox,Unread,Work/a", "1")
	        L("Work/a,Starred", "2") FROM "A: 3\n\n\n" L("Sent", "4");
	static const char *const raw[] = { "a/b.mbox#INBOX", "a/b.mbox#Work/a",
		                           "a/b.mbox#Archive",
		                           "a/b.mbox#Sent" };
	struct kept k;

	keep(&k);
	told(&k, text, BY_PIECES);
	assert_int_equal(k.items_n, 4);
	assert_int_equal(k.folders_n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(k.items[i].folder, raw[i]);
	assert_int_equal(kept_at(&k, "INBOX")->use, USE_INBOX);
	assert_int_equal(kept_at(&k, "Archive")->use, USE_ARCHIVE);
	assert_int_equal(kept_at(&k, "Work/a")->use, USE_NONE);
	assert_string_equal(k.items[0].keywords, "Work/a");
	assert_int_equal(k.items[0].it.flags, 0);
	assert_int_equal(k.items[1].it.flags, MAIL_SEEN | MAIL_FLAGGED);
	assert_int_equal(k.items[2].it.flags, MAIL_SEEN);
	kept_release(&k);
	/* All that can be known of the folders soon. */
	keep(&k);
	k.sink.names_only = true;
	told(&k, text, BY_PIECES);
	assert_int_equal(k.items_n, 0);
	assert_int_equal(k.folders_n, 4);
	kept_release(&k);
	/* A later message with labels does not make folders of a file. */
	keep(&k);
	told(&k, M1 L("Sent", "2"), BY_FILE);
	assert_int_equal(k.folders_n, 1);
	assert_string_equal(k.folders[0].raw, "a/b.mbox");
	kept_release(&k);
}

/* The field that mboxcl2 adds, those that Takeout adds, CRLF. */
static char *as_truth(const char *file, const struct kept_item *i, size_t *n)
{
	const char *p = kept_text(i), *end = p + i->octets.n;
	struct buf b = BUF_INIT(0);
	bool header = true;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *next = nl ? nl + 1 : end;
		bool crlf = nl && nl > p && nl[-1] == '\r';

		if (header && strstr(file, "cl2") &&
		    strncmp(p, "Content-Length: ", 16) == 0)
			p = next;
		if (header && strstr(file, "takeout") &&
		    (strncmp(p, "X-GM-THRID", 10) == 0 ||
		     strncmp(p, "X-Gmail-La", 10) == 0))
			p = next;
		header &= next - p > 2 || p == next;
		buf_add(&b, p, (size_t)(next - p) - (p < next && crlf));
		if (p < next && crlf)
			b.p[b.n - 1] = '\n';
		p = next;
	}
	*n = b.n;
	return buf_take(&b);
}

static size_t compare_dialect(const char *dir, const char *file)
{
	char *path = in_dir(dir, file), *order = in_dir(dir, "ORDER.txt");
	FILE *names = fopen(order, "r");
	char name[300];
	size_t same = 0, n;
	char *text = read_file(path, &n);
	struct kept k;

	keep(&k);
	assert_int_equal(walk_octets(&k, text, n, BY_PIECES, false), 0);
	assert_int_equal(k.items_n, 362);
	for (size_t i = 0; i < k.items_n; i++) {
		size_t want_n, got_n;
		char *truth, *want, *got = as_truth(file, &k.items[i], &got_n);

		assert_non_null(fgets(name, sizeof(name), names));
		name[strcspn(name, "\n")] = '\0';
		truth = in_dir(dir, name);
		want = read_file(truth, &want_n);
		/* No dialect can say that a last line end was missing. */
		if (want[want_n - 1] != '\n')
			want[want_n++] = '\n';
		assert_int_equal(k.items[i].it.date.sec, 1659348000);
		same += got_n == want_n && memcmp(got, want, want_n) == 0;
		free(truth);
		free(want);
		free(got);
	}
	fclose(names);
	kept_release(&k);
	free(text);
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
	assert_int_equal(compare_dialect(dir, "takeout.mbox"), 362);
	/* One has a Content-Length of its own that mboxcl2 replaces. */
	assert_true(compare_dialect(dir, "mboxcl2.mbox") >= 361);
	/* Seven have lines that began with ">From ". */
	assert_int_equal(compare_dialect(dir, "mboxo.mbox"), 362 - 7);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boundaries_and_quotes),
		cmocka_unit_test(nuls_stay),
		cmocka_unit_test(lengths),
		cmocka_unit_test(dialects_by_evidence),
		cmocka_unit_test(lines_longer_than_the_window),
		cmocka_unit_test(messages_at_the_end_of_the_window),
		cmocka_unit_test(long_headers),
		cmocka_unit_test(lengths_on_streams),
		cmocka_unit_test(damaged_beginnings),
		cmocka_unit_test(a_stream_that_breaks),
		cmocka_unit_test(empty_messages_are_told),
		cmocka_unit_test(from_lines),
		cmocka_unit_test(flags_keywords_and_dates),
		cmocka_unit_test(ways_of_going_on),
		cmocka_unit_test(identity),
		cmocka_unit_test(labels_are_folders),
		cmocka_unit_test(dialects_of_real_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
