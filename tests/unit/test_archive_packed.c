/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_archive_packed.c - packed archives, made here by libarchive: every
 * entry whole, whatever is cut, damaged, doubled, locked or a trick.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/mman.h>
#include <zlib.h>

#include "mail_fixture.h"

#include "archive/input.h"
#include "archive/packed.h"
#include "archive/packed_name.h"
#include "archive/tree.h"
#include "mime/sha256.h"

#define MESSAGES 40
#define LETTERS 3000 /* of a body, at most: less than an archive's block */

/* What a walk told, a line for each: "+key size hash", "!key: sentence",
 * "?name: what". */
struct heard {
	struct sink s;
	struct wanted all;
	struct buf lines;
	struct buf octets;
	char *key;
};

static int on_folder(struct sink *s, const struct place *p)
{
	assert_true(p->raw && p->path && p->uidvalidity);
	return 0;
}

static int on_begin(struct sink *s, const struct item *it)
{
	struct heard *t = s->arg;

	assert_null(t->key);
	t->key = strdup(it->key ? it->key : "-");
	buf_clear(&t->octets);
	return s->bodies;
}

static int on_data(struct sink *s, const void *p, size_t n)
{
	struct heard *t = s->arg;

	assert_non_null(t->key);
	return buf_add(&t->octets, p, n);
}

static int on_end(struct sink *s, uint64_t size, const char *hole)
{
	struct heard *t = s->arg;
	unsigned char d[SHA256_OCTETS];

	assert_non_null(t->key);
	assert_true(!hole || strlen(hole) < 384);
	sha256_of(t->octets.p ? t->octets.p : "", t->octets.n, d);
	assert_int_equal(hole ? buf_fmt(&t->lines, "!%s: %s\n", t->key, hole)
	                      : buf_fmt(&t->lines, "+%s %zu %02x%02x%02x%02x\n",
	                                t->key, t->octets.n, d[0], d[1], d[2],
	                                d[3]),
	                 0);
	free(t->key);
	t->key = NULL;
	return 0;
}

static int on_other(struct sink *s, const char *name, const char *what)
{
	struct heard *t = s->arg;

	return buf_fmt(&t->lines, "?%s: %s\n", name, what);
}

static const struct wanted *on_wanted(struct sink *s, const char *raw)
{
	return &((struct heard *)s->arg)->all;
}

static int on_sign(struct sink *s)
{
	return 0;
}

static bool on_poison(struct sink *s, const char *raw, uint64_t uid)
{
	return false;
}

static void heard_begin(struct heard *t)
{
	memset(t, 0, sizeof(*t));
	t->s = (struct sink){ .bodies = true,
		              .folder = on_folder,
		              .begin = on_begin,
		              .data = on_data,
		              .end = on_end,
		              .other = on_other,
		              .wanted = on_wanted,
		              .wanted_file = on_wanted,
		              .moved_on = on_sign,
		              .working = on_sign,
		              .is_poison = on_poison,
		              .arg = t };
}

static void heard_end(struct heard *t)
{
	assert_null(t->key);
	buf_release(&t->lines);
	buf_release(&t->octets);
}

static ssize_t drip(struct input *in, void *p, size_t n)
{
	struct in_memory *m = in->arg;

	return m->in.read(&m->in, p, n < 777 ? n : 777);
}

/* Walks what is packed; stream: it can't be gone about in. */
static void walk(struct heard *t, const struct buf *b, bool stream)
{
	struct where at = { .raw = "", .path = "export" };
	struct tree_notes notes = { 0 };
	struct in_memory m;
	struct input in;
	int fd = memfd_create("packed", MFD_CLOEXEC);

	at.notes = &notes;
	assert_int_equal(write(fd, b->p ? b->p : "", b->n), (ssize_t)b->n);
	input_file(&in, fd);
	if (stream) {
		input_memory(&m, b->p, b->n);
		in = (struct input){ .read = drip, .fd = -1, .arg = &m };
	}
	assert_int_equal(packed_walk(&in, &at, WANT_ANY, &t->s), 0);
	tree_notes_release(&notes);
	close(fd);
}

static unsigned count(const struct buf *lines, const char *what)
{
	unsigned n = 0;

	for (const char *p = lines->p; p && (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* A message that can't be packed small: number tells it from all others. */
static char *message(int number, size_t *n)
{
	struct buf b = BUF_INIT(0);
	unsigned r = (unsigned)number * 2654435761u + 1;

	assert_int_equal(
	        buf_fmt(&b,
	                "From: ada@example.com\r\nSubject: number %d\r\n"
	                "Date: Thu, 1 Jan 2026 00:00:%02d +0000\r\n"
	                "Message-ID: <%d@example.com>\r\n\r\n",
	                number, number % 60, number),
	        0);
	for (int i = 0; i < 200 + number * 67 % LETTERS; i++) {
		r = r * 1664525u + 1013904223u;
		assert_int_equal(
		        buf_chr(&b, i % 60 == 59 ? '\n' : 'a' + (r >> 24) % 26),
		        0);
	}
	*n = b.n;
	return buf_take(&b);
}

/* An archive in the making. */
struct packer {
	struct archive *a;
	struct buf out;
	uint64_t ends[MESSAGES + 1]; /* octets out after each entry */
	unsigned n;
};

static la_ssize_t packed(struct archive *a, void *arg, const void *p, size_t n)
{
	return buf_add(arg, p, n) ? -1 : (la_ssize_t)n;
}

static void pack_open(struct packer *p, int format, int filter,
                      const char *options)
{
	memset(p, 0, sizeof(*p));
	p->a = archive_write_new();
	assert_int_equal(archive_write_set_format(p->a, format), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter(p->a, filter), ARCHIVE_OK);
	if (options)
		assert_int_equal(archive_write_set_options(p->a, options),
		                 ARCHIVE_OK);
	archive_write_set_passphrase(p->a, "secret");
	archive_write_set_bytes_per_block(p->a, 0);
	assert_int_equal(
	        archive_write_open2(p->a, &p->out, NULL, packed, NULL, NULL),
	        ARCHIVE_OK);
}

static void pack_type(struct packer *p, const char *name, const void *octets,
                      size_t n, unsigned type, const char *link)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, (la_int64_t)n);
	archive_entry_set_mtime(e, 1767225600, 0);
	if (link && type == AE_IFLNK)
		archive_entry_set_symlink(e, link);
	else if (link)
		archive_entry_set_hardlink(e, link);
	assert_true(archive_write_header(p->a, e) >= ARCHIVE_WARN);
	if (n)
		assert_int_equal(archive_write_data(p->a, octets, n), n);
	assert_true(archive_write_finish_entry(p->a) >= ARCHIVE_WARN);
	archive_entry_free(e);
	if (p->n < MESSAGES)
		p->ends[p->n++] = p->out.n;
}

static void pack(struct packer *p, const char *name, const void *octets,
                 size_t n)
{
	pack_type(p, name, octets, n, AE_IFREG, NULL);
}

static void pack_message(struct packer *p, const char *name, int number)
{
	size_t n;
	char *m = message(number, &n);

	pack(p, name, m, n);
	free(m);
}

static void pack_close(struct packer *p)
{
	assert_int_equal(archive_write_close(p->a), ARCHIVE_OK);
	archive_write_free(p->a);
}

static void pack_messages(struct packer *p, int format, int filter,
                          const char *options)
{
	char name[64];

	pack_open(p, format, filter, options);
	for (int i = 0; i < MESSAGES; i++) {
		snprintf(name, sizeof(name), "Box%d/%d.eml", i / 10, i);
		pack_message(p, name, i);
	}
	pack_close(p);
}

/* The line of message i if it is told whole, as often as it is there. */
static unsigned there(const struct buf *lines, int i, const char *above)
{
	unsigned char d[SHA256_OCTETS];
	char line[160];
	size_t n;
	char *m = message(i, &n);

	sha256_of(m, n, d);
	free(m);
	snprintf(line, sizeof(line), "+%sBox%d/%d.eml %zu %02x%02x%02x%02x\n",
	         above, i / 10, i, n, d[0], d[1], d[2], d[3]);
	return count(lines, line);
}

static void all_there(const struct buf *lines, const char *above)
{
	for (int i = 0; i < MESSAGES; i++)
		assert_int_equal(there(lines, i, above), 1);
}

static const struct {
	const char *name;
	int format, filter;
	const char *options;
} kinds[] = {
	{ "zip", ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL },
	{ "stored zip", ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE,
	  "zip:compression=store" },
	{ "ustar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, NULL },
	{ "pax", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE,
	  NULL },
	{ "gnutar", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE, NULL },
	{ "tgz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, NULL },
	{ "tbz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_BZIP2, NULL },
	{ "txz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ, NULL },
	{ "tlzma", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_LZMA, NULL },
	{ "tzst", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD, NULL },
	{ "7z", ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, NULL },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void make(struct packer *p, size_t kind)
{
	pack_messages(p, kinds[kind].format, kinds[kind].filter,
	              kinds[kind].options);
}

static void test_every_kind(void **state)
{
	for (size_t k = 0; k < KINDS; k++)
		for (int stream = 0; stream < 2; stream++) {
			struct packer p;
			struct heard t;

			make(&p, k);
			assert_true(packed_looks_like((unsigned char *)p.out.p,
			                              4096));
			heard_begin(&t);
			walk(&t, &p.out, stream);
			all_there(&t.lines, "");
			assert_int_equal(count(&t.lines, "\n"), MESSAGES);
			heard_end(&t);
			buf_release(&p.out);
		}
}

static void test_no_archive(void **state)
{
	static const char docx[] =
	        "PK\3\4\24\0\6\0\10\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\23\0\0\0"
	        "[Content_Types].xml";
	static const char text[] = "From: a\r\n\r\nx";

	assert_false(packed_looks_like((const unsigned char *)docx,
	                               sizeof(docx) - 1));
	assert_false(packed_looks_like((const unsigned char *)text,
	                               sizeof(text) - 1));
	assert_false(packed_looks_like((const unsigned char *)"", 0));
}

/* Kinds of which the octets of each entry before a cut are all there. */
static void test_cut(void **state)
{
	for (size_t k = 0; k < 5; k++) {
		struct packer p;

		make(&p, k);
		for (size_t cut = 600; cut < p.out.n; cut += p.out.n / 37) {
			struct buf half = { .p = p.out.p, .n = cut };
			bool in_list = cut > p.ends[MESSAGES - 1];
			struct heard t;

			heard_begin(&t);
			walk(&t, &half, cut & 1);
			for (int i = 0; i < MESSAGES; i++)
				if (p.ends[i] <= cut)
					assert_int_equal(there(&t.lines, i, ""),
					                 1);
			assert_int_equal(count(&t.lines, " (2)"), 0);
			if (!in_list)
				assert_int_equal(count(&t.lines, "is cut off"),
				                 1);
			heard_end(&t);
		}
		buf_release(&p.out);
	}
}

/* Of a tgz: what zlib unpacks of it before the cut. */
static void test_cut_gzip(void **state)
{
	struct packer p, plain;

	make(&p, 5);
	make(&plain, 2);
	for (size_t cut = 600; cut < p.out.n; cut += p.out.n / 37) {
		struct buf half = { .p = p.out.p, .n = cut };
		CLEANUP(buf_release_p) struct buf room = BUF_INIT(0);
		z_stream z = { .next_in = (unsigned char *)p.out.p,
			       .avail_in = (unsigned)cut };
		struct heard t;

		room.p = malloc(plain.out.n);
		z.next_out = (unsigned char *)room.p;
		z.avail_out = (unsigned)plain.out.n;
		assert_int_equal(inflateInit2(&z, 31), Z_OK);
		inflate(&z, Z_SYNC_FLUSH);
		inflateEnd(&z);
		heard_begin(&t);
		walk(&t, &half, cut & 1);
		for (int i = 0; i < MESSAGES; i++)
			if (plain.ends[i] <= z.total_out)
				assert_int_equal(there(&t.lines, i, ""), 1);
		assert_int_equal(count(&t.lines, "is cut off"), 1);
		heard_end(&t);
	}
	buf_release(&p.out);
	buf_release(&plain.out);
}

/* A damaged place costs what stands there; nothing is told wrong. */
static void test_damage(void **state)
{
	for (size_t k = 0; k < 5; k++) {
		struct packer p;

		make(&p, k);
		/* Of a zip, what it is known by must stand. */
		for (size_t at = k < 2 ? 4 : 0; at < p.ends[MESSAGES - 1];
		     at += p.out.n / 41) {
			struct heard t;
			char was = p.out.p[at];

			p.out.p[at] = (char)(was ^ 0x55);
			heard_begin(&t);
			/* In a stream only a stored entry's own header says
			 * where it ends. */
			walk(&t, &p.out, k != 1 && at & 1);
			for (int i = 0; i < MESSAGES; i++)
				if (p.ends[i] <= at ||
				    (i && p.ends[i - 1] > at))
					assert_int_equal(there(&t.lines, i, ""),
					                 1);
			assert_int_equal(count(&t.lines, " (2)"), 0);
			/* A tar has no sums of what its entries hold. */
			if (k < 2)
				assert_int_equal(
				        count(&t.lines, "+"),
				        MESSAGES - (count(&t.lines, "!") > 0));
			heard_end(&t);
			p.out.p[at] = was;
		}
		buf_release(&p.out);
	}
}

/* One wrong octet anywhere in a gzip is told. */
static void test_damage_gzip(void **state)
{
	struct packer p;

	make(&p, 5);
	for (size_t at = 20; at < p.out.n - 4; at += p.out.n / 41) {
		struct heard t;

		p.out.p[at] ^= 1;
		heard_begin(&t);
		walk(&t, &p.out, false);
		assert_true(count(&t.lines, "!") > 0);
		heard_end(&t);
		p.out.p[at] ^= 1;
	}
	buf_release(&p.out);
}

static void test_mbox_in_filters(void **state)
{
	for (size_t k = 5; k < 10; k++) {
		struct packer p;
		struct heard t;

		pack_open(&p, ARCHIVE_FORMAT_RAW, kinds[k].filter, NULL);
		pack(&p, "x",
		     "From a Thu Jan  1 00:00:00 2026\nSubject: 1\n\none\n\n"
		     "From a Thu Jan  1 00:00:00 2026\nSubject: 2\n\ntwo\n",
		     98);
		pack_close(&p);
		heard_begin(&t);
		walk(&t, &p.out, false);
		assert_int_equal(count(&t.lines, "+"), 2);
		assert_int_equal(count(&t.lines, "!"), 0);
		heard_end(&t);
		buf_release(&p.out);
	}
}

static void test_nested(void **state)
{
	for (size_t k = 0; k < KINDS; k++) {
		struct packer in, mid, out;
		struct heard t;

		make(&in, k);
		pack_open(&mid, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL);
		pack(&mid, "deep/in.bin", in.out.p, in.out.n);
		pack_close(&mid);
		heard_begin(&t);
		walk(&t, &mid.out, false);
		all_there(&t.lines, "deep/in.bin/");
		assert_int_equal(count(&t.lines, "\n"), MESSAGES);
		heard_end(&t);

		pack_open(&out, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE,
		          NULL);
		pack(&out, "mid", mid.out.p, mid.out.n);
		pack_message(&out, "Box0/1.eml", 1);
		pack_close(&out);
		heard_begin(&t);
		walk(&t, &out.out, false);
		assert_int_equal(count(&t.lines, "in an archive in an"), 1);
		assert_int_equal(there(&t.lines, 1, ""), 1);
		heard_end(&t);
		buf_release(&in.out);
		buf_release(&mid.out);
		buf_release(&out.out);
	}
}

static void is_there(const struct buf *lines, const char *raw)
{
	char line[64];
	unsigned n;

	snprintf(line, sizeof(line), "+%s ", raw);
	n = count(lines, line);
	snprintf(line, sizeof(line), "+%s (", raw);
	assert_int_equal(n - count(lines, line), 1);
}

/* Every name stays below, and no entry is lost to another's name. */
static void test_path_tricks(void **state)
{
	static const char *const names[] = {
		"../../etc/passwd",
		"/etc/passwd",
		"a/../../b",
		"./c//d",
		"C:\\Mail\\1.eml",
		"tab\there",
		"c/d",
		"c/d",
		"..",
		"x/\x1b[31m.e",
		"c:/e",
		"line\nend",
	};
	static const char *const told[] = {
		"etc/passwd", "etc/passwd (2)", "a/b",     "c/d",
		"Mail/1.eml", "tab_here",       "c/d (2)", "c/d (3)",
		"_",          "x/_[31m.e",      "e",       "line_end",
	};
	static const int formats[] = { ARCHIVE_FORMAT_ZIP,
		                       ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE };

	for (size_t f = 0; f < 2; f++) {
		struct packer p;
		struct heard t;

		pack_open(&p, formats[f], ARCHIVE_FILTER_NONE, NULL);
		for (size_t i = 0; i < 12; i++)
			pack_message(&p, names[i], (int)i);
		pack_close(&p);
		heard_begin(&t);
		walk(&t, &p.out, false);
		for (size_t i = 0; i < 12; i++)
			is_there(&t.lines, told[i]);
		assert_int_equal(count(&t.lines, "\n"), 12);
		heard_end(&t);
		buf_release(&p.out);
	}
}

static void is_named(const char *octets, bool zip, const char *want)
{
	char *got = packed_name(octets, zip);

	assert_string_equal(got, want);
	free(got);
}

static void test_charsets(void **state)
{
	is_named("Entw\303\274rfe/1.eml", true, "Entw\303\274rfe/1.eml");
	is_named("Entw\201rfe/1.eml", true, "Entw\303\274rfe/1.eml");
	is_named("Entw\201rfe", false, "Entw\303\274rfe");
	is_named("Entw\374rfe", false, "Entw\303\274rfe");
	is_named("Entw\374rfe", true, "Entw\303\274rfe");
	is_named("Envoy\202s", true, "Envoy\303\251s");
	is_named("Envoy\351s", true, "Envoy\303\251s");
	is_named("Stra\341e", true, "Stra\303\237e");
	is_named("M\374ll \200 5", false, "M\303\274ll \342\202\254 5");
	is_named("\\\\server\\share\\x", true, "server/share/x");
	is_named("a\\b/c", true, "a\\b/c");
	is_named("", true, "_");
	is_named("//", true, "_");
	is_named("a/./b/../", true, "a/b");
}

static void test_long_name(void **state)
{
	char *name = malloc(9001), *other, *short_one, *short_other;

	memset(name, 'x', 9000);
	memcpy(name + 8990, ".host:2,SF", 11);
	other = strdup(name);
	other[4000] = 'y';
	short_one = packed_name(name, true);
	short_other = packed_name(other, true);
	assert_true(strlen(short_one) <= PACKED_NAME);
	assert_string_not_equal(short_one, short_other);
	assert_string_equal(short_one + strlen(short_one) - 10, ".host:2,SF");
	free(name);
	free(other);
	free(short_one);
	free(short_other);
}

static void is_added(struct packed_names *t, const char *name, const char *want)
{
	char *got = packed_names_add(t, strdup(name));

	assert_string_equal(got, want);
	free(got);
}

static void test_doubled_names(void **state)
{
	struct packed_names t = { 0 };
	char name[32];

	is_added(&t, "a/1.eml", "a/1.eml");
	is_added(&t, "a/1 (2).eml", "a/1 (2).eml");
	is_added(&t, "a/1.eml", "a/1 (3).eml");
	is_added(&t, "a/1.eml", "a/1 (4).eml");
	is_added(&t, "cur/1.host:2,S", "cur/1.host:2,S");
	is_added(&t, "cur/1.host:2,S", "cur/1.host (2):2,S");
	is_added(&t, ".hidden", ".hidden");
	is_added(&t, ".hidden", ".hidden (2)");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		is_added(&t, name, name);
	}
	is_added(&t, "n17", "n17 (2)");
	packed_names_release(&t);
}

static void test_links_and_devices(void **state)
{
	struct packer p;
	struct heard t;

	pack_open(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, NULL);
	pack_type(&p, "soft", NULL, 0, AE_IFLNK, "/etc/passwd");
	pack_type(&p, "dev", NULL, 0, AE_IFCHR, NULL);
	pack_type(&p, "pipe", NULL, 0, AE_IFIFO, NULL);
	pack_type(&p, "dir", NULL, 0, AE_IFDIR, NULL);
	pack_message(&p, "Box0/1.eml", 1);
	pack_type(&p, "hard.eml", NULL, 0, AE_IFREG, "Box0/1.eml");
	pack_close(&p);
	heard_begin(&t);
	walk(&t, &p.out, false);
	assert_int_equal(count(&t.lines, "?soft: a link"), 1);
	assert_int_equal(count(&t.lines, "?dev: "), 1);
	assert_int_equal(count(&t.lines, "?pipe: "), 1);
	assert_int_equal(count(&t.lines, "!hard.eml: "), 1);
	assert_int_equal(there(&t.lines, 1, ""), 1);
	assert_int_equal(count(&t.lines, "\n"), 5);
	heard_end(&t);
	buf_release(&p.out);
}

static void test_password(void **state)
{
	static const char *const how[] = { "zip:encryption=zipcrypt",
		                           "zip:encryption=aes256" };

	for (int i = 0; i < 2; i++) {
		struct packer p;
		struct heard t;

		pack_messages(&p, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE,
		              how[i]);
		for (int stream = 0; stream < 2; stream++) {
			heard_begin(&t);
			walk(&t, &p.out, stream);
			assert_int_equal(count(&t.lines, "\n"), 1);
			assert_int_equal(count(&t.lines, " has 40 files "
			                                 "protected by a "
			                                 "password"),
			                 1);
			heard_end(&t);
		}
		buf_release(&p.out);
	}
}

/* A bomb ends; what stands in other archives beside it is read. */
static void test_bomb(void **state)
{
	size_t n = (size_t)8 << 20;
	char *zeros = calloc(1, n);

	setenv("MAILHAUL_TEST_PACKED_FREE", "1000000", 1);
	for (size_t k = 0; k < KINDS; k++) {
		struct packer p, out;
		struct heard t;

		if (kinds[k].filter == ARCHIVE_FILTER_NONE &&
		    kinds[k].format != ARCHIVE_FORMAT_ZIP)
			continue;
		pack_open(&p, kinds[k].format, kinds[k].filter, NULL);
		pack(&p, "1.eml", "From: a@example.com\nSubject: x\n\n", 32);
		pack(&p, "2.eml", zeros, n);
		pack(&p, "3.eml", zeros, n);
		pack_close(&p);
		pack_open(&out, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE,
		          NULL);
		pack(&out, "bomb", p.out.p, p.out.n);
		pack_message(&out, "Box0/1.eml", 1);
		pack_close(&out);
		heard_begin(&t);
		walk(&t, &out.out, false);
		assert_int_equal(count(&t.lines, "more than 500 times"), 1);
		is_there(&t.lines, "bomb/1.eml");
		assert_int_equal(there(&t.lines, 1, ""), 1);
		heard_end(&t);
		buf_release(&p.out);
		buf_release(&out.out);
	}
	unsetenv("MAILHAUL_TEST_PACKED_FREE");
	free(zeros);
}

static void test_too_many(void **state)
{
	struct packer p;
	struct heard t;

	setenv("MAILHAUL_TEST_PACKED_ENTRIES", "30", 1);
	make(&p, 0);
	heard_begin(&t);
	walk(&t, &p.out, false);
	assert_int_equal(count(&t.lines, "+"), 30);
	assert_int_equal(count(&t.lines, "more than 30 files"), 1);
	heard_end(&t);
	buf_release(&p.out);
	unsetenv("MAILHAUL_TEST_PACKED_ENTRIES");
}

/* A 7z in an archive that is too large to be held in memory. */
static void test_large_7z_inside(void **state)
{
	struct packer in, out;
	struct heard t;

	setenv("MAILHAUL_TEST_PACKED_MEMORY", "1000", 1);
	make(&in, KINDS - 1);
	pack_open(&out, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL);
	pack(&out, "in.7z", in.out.p, in.out.n);
	pack_message(&out, "Box0/1.eml", 1);
	pack_close(&out);
	heard_begin(&t);
	walk(&t, &out.out, false);
	assert_int_equal(count(&t.lines, "in.7z needs more memory"), 1);
	assert_int_equal(there(&t.lines, 1, ""), 1);
	heard_end(&t);
	buf_release(&in.out);
	buf_release(&out.out);
	unsetenv("MAILHAUL_TEST_PACKED_MEMORY");
}

/* Keywords stand anywhere in the archive, and count for all messages. */
static void test_keywords_behind(void **state)
{
	struct packer p;
	struct heard t;

	for (size_t k = 0; k < 3; k += 2) {
		pack_open(&p, kinds[k].format, kinds[k].filter, NULL);
		pack_message(&p, "Maildir/cur/1.host:2,Sa", 1);
		pack_message(&p, "Maildir/cur/2.host:2,S", 2);
		pack(&p, "Maildir/dovecot-keywords", "0 urgent\n", 9);
		pack_close(&p);
		heard_begin(&t);
		t.s.begin = on_begin;
		walk(&t, &p.out, false);
		assert_int_equal(count(&t.lines, "+"), 2);
		assert_int_equal(count(&t.lines, "!"), 0);
		heard_end(&t);
		buf_release(&p.out);
	}
}

/* Only headers, and only names: no more is told than is asked. */
static void test_less(void **state)
{
	struct packer p;
	struct heard t;

	make(&p, 0);
	heard_begin(&t);
	t.s.bodies = false;
	walk(&t, &p.out, false);
	assert_int_equal(count(&t.lines, "+"), MESSAGES);
	heard_end(&t);
	heard_begin(&t);
	t.s.names_only = true;
	p.out.n /= 2;
	walk(&t, &p.out, false);
	assert_int_equal(t.lines.n, 0);
	heard_end(&t);
	buf_release(&p.out);
}

/* Two tars behind each other are read as one; without zeros it is cut. */
static void test_tar_ends(void **state)
{
	struct packer p, q;
	struct heard t;

	make(&p, 2);
	pack_open(&q, kinds[2].format, kinds[2].filter, NULL);
	pack_message(&q, "Box9/99.eml", 99);
	pack_close(&q);
	assert_int_equal(buf_add(&p.out, q.out.p, q.out.n), 0);
	heard_begin(&t);
	walk(&t, &p.out, false);
	all_there(&t.lines, "");
	assert_int_equal(there(&t.lines, 99, ""), 1);
	assert_int_equal(count(&t.lines, "!"), 0);
	heard_end(&t);
	p.out.n = (p.ends[9] + 511) / 512 * 512;
	heard_begin(&t);
	walk(&t, &p.out, false);
	assert_int_equal(count(&t.lines, "+"), 10);
	assert_int_equal(count(&t.lines, "is cut off"), 1);
	heard_end(&t);
	buf_release(&p.out);
	buf_release(&q.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_no_archive),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_gzip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_damage_gzip),
		cmocka_unit_test(test_mbox_in_filters),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_path_tricks),
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_doubled_names),
		cmocka_unit_test(test_links_and_devices),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_large_7z_inside),
		cmocka_unit_test(test_keywords_behind),
		cmocka_unit_test(test_less),
		cmocka_unit_test(test_tar_ends),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
