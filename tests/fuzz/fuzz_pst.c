/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pst.c - whatever an Outlook file holds, the walk over it ends, every
 * begun item is ended, names are safe and nothing is told twice.
 * The first octet says what is asked for: names, heads, mail, or what is no
 * mail. After most mutations the checksums of pages and blocks are made to
 * fit again, so that what they guard is read.
 */
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/input.h"
#include "archive/mapi/text.h"
#include "archive/pst/pst.h"
#include "util/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t most,
                               unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t most);

/* --- Checksums ------------------------------------------------------------ */

struct form {
	uint8_t *p;
	size_t n, word, page, entries, align, tail;
	unsigned pages; /* that may still be visited */
	bool ansi, four_k;
};

static uint64_t number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static void put(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, size_t n)
{
	return (uint32_t)~crc32(0xffffffff, p, (uInt)n);
}

/* Of a page or block: its end is at end, its octets are n from at on. */
static void trailer(struct form *f, size_t at, size_t n, size_t end)
{
	uint8_t *t = f->p + end - f->tail;
	uint32_t mixed =
	        (uint32_t)at ^ (uint32_t)number(t + (f->ansi ? 4 : 8), 4);

	put(t + 2, (mixed >> 16 ^ mixed) & 0xffff, 2);
	put(t + (f->ansi ? 8 : 4), sum(f->p + at, n), 4);
}

static void block(struct form *f, const uint8_t *entry)
{
	uint64_t at = number(entry + f->word, f->word);
	size_t n = number(entry + 2 * f->word, 2);
	size_t whole = (n + f->tail + f->align - 1) / f->align * f->align;

	if (at >= f->n || whole > f->n - at)
		return;
	put(f->p + at + whole - f->tail, n, 2);
	put(f->p + at + whole - f->tail + (f->ansi ? 4 : 8),
	    number(entry, f->word), f->word);
	trailer(f, at, n, at + whole);
}

static void tree(struct form *f, uint64_t at)
{
	const uint8_t *info, *e;
	size_t count, size;

	if (!f->pages || at > f->n || f->n - at < f->page)
		return;
	f->pages--;
	trailer(f, at, f->page - f->tail, at + f->page);
	info = f->p + at + f->entries;
	count = f->four_k ? number(info, 2) : info[0];
	size = f->four_k ? info[4] : info[2];
	e = f->p + at;
	if (size < 3 * f->word || count > f->entries / size)
		return;
	for (size_t i = 0; i < count; i++, e += size)
		if (info[f->four_k ? 5 : 3])
			tree(f, number(e + 2 * f->word, f->word));
		else if (f->p[at + f->page - f->tail] == 0x80)
			block(f, e);
}

static void mend(uint8_t *p, size_t n)
{
	struct form f = { .p = p, .n = n, .pages = 200 };
	unsigned version;
	size_t root;

	if (n < 4096)
		return;
	version = (unsigned)number(p + 10, 2);
	f.ansi = version < 23;
	f.four_k = version >= 36;
	f.word = f.ansi ? 4 : 8;
	f.page = f.four_k ? 4096 : 512;
	f.entries = f.ansi ? 496 : f.four_k ? 4056 : 488;
	f.align = f.four_k ? 512 : 64;
	f.tail = f.ansi ? 12 : f.four_k ? 24 : 16;
	root = (f.ansi ? 164 : 180) + 4 + 4 * f.word;
	tree(&f, number(p + root + f.word, f.word));
	tree(&f, number(p + root + 3 * f.word, f.word));
	put(p + 4, sum(p + 8, 471), 4);
	if (!f.ansi)
		put(p + 524, sum(p + 8, 516), 4);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t most,
                               unsigned seed)
{
	n = LLVMFuzzerMutate(data, n, most);
	if (n > 1 && seed % 8)
		mend(data + 1, n - 1);
	return n;
}

/* --- The walk ------------------------------------------------------------- */

#define ITEMS 4096

struct world {
	struct sink s;
	struct wanted all;
	bool begun, told;
	uint64_t folder, last;
	uint64_t seen[ITEMS]; /* folder and uid of messages, mixed */
	size_t n;
};

static void safe(const char *p)
{
	if (!utf8_valid(p) || utf8_has_control(p) || p[0] == '/' ||
	    strcmp(p, "..") == 0 || strncmp(p, "../", 3) == 0 ||
	    strstr(p, "/../"))
		abort();
}

static int on_folder(struct sink *s, const struct place *p)
{
	struct world *w = s->arg;

	if (w->begun || !p->raw || !p->path || !p->uidvalidity)
		abort();
	safe(p->raw);
	safe(p->path);
	w->folder = item_uid(p->raw);
	return 0;
}

static int on_begin(struct sink *s, const struct item *it)
{
	struct world *w = s->arg;

	if (w->begun || s->names_only || !it->uid || it->uid >> 63)
		abort();
	if (it->key && !utf8_valid(it->key))
		abort();
	if (s->items && it->key)
		safe(it->key);
	w->begun = true;
	w->last = w->folder ^ it->uid;
	return s->bodies;
}

static int on_data(struct sink *s, const void *p, size_t n)
{
	const struct world *w = s->arg;

	if (!w->begun || !s->bodies || (n && !p))
		abort();
	return 0;
}

static int on_about(struct sink *s, enum mail_made made, const char *note)
{
	if (!((struct world *)s->arg)->begun || (note && !utf8_valid(note)))
		abort();
	return 0;
}

static int on_end(struct sink *s, uint64_t size, const char *hole)
{
	struct world *w = s->arg;

	if (!w->begun)
		abort();
	w->begun = false;
	if (hole && (!*hole || strlen(hole) > 384 || !utf8_valid(hole)))
		abort();
	if (!hole && w->n < ITEMS)
		w->seen[w->n++] = w->last;
	return 0;
}

static int on_other(struct sink *s, const char *name, const char *what)
{
	if (((struct world *)s->arg)->begun || !*what)
		abort();
	safe(name);
	return 0;
}

static const struct wanted *on_wanted(struct sink *s, const char *raw)
{
	return &((struct world *)s->arg)->all;
}

static int on_sign(struct sink *s)
{
	return 0;
}

static bool on_poison(struct sink *s, const char *raw, uint64_t uid)
{
	return false;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void walk(struct world *w, int fd)
{
	struct where at = { .raw = "", .path = "fuzz" };
	struct input in;

	input_file(&in, fd);
	if (pst_walk(&in, &at, &w->s) || w->begun)
		abort();
	qsort(w->seen, w->n, sizeof(w->seen[0]), by_number);
	for (size_t i = 1; i < w->n; i++)
		if (w->seen[i] == w->seen[i - 1])
			abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	text_load();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct world w;
	int fd;

	if (!n)
		return 0;
	fd = memfd_create("pst", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, n - 1) != (ssize_t)n - 1)
		abort();
	memset(&w, 0, sizeof(w));
	w.s = (struct sink){ .bodies = !(data[0] & 1),
		             .names_only = (data[0] & 7) == 1,
		             .items = data[0] & 2,
		             .unpack = data[0] & 4,
		             .folder = on_folder,
		             .begin = on_begin,
		             .data = on_data,
		             .about = on_about,
		             .end = on_end,
		             .other = on_other,
		             .wanted = on_wanted,
		             .wanted_file = on_wanted,
		             .moved_on = on_sign,
		             .working = on_sign,
		             .is_poison = on_poison,
		             .arg = &w };
	walk(&w, fd);
	close(fd);
	return 0;
}
