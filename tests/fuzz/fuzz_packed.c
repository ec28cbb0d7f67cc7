/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_packed.c - whatever a packed archive holds, the walk over it ends,
 * every begun item is ended, names are safe and nothing is told twice.
 * The first octet says how it is read: as a file or a stream, with what
 * pieces, headers only, names only.
 */
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/input.h"
#include "archive/packed.h"
#include "archive/tree.h"
#include "util/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ITEMS 4096

struct world {
	struct sink s;
	struct wanted all;
	bool begun, counted, top;
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
	w->folder = item_uid(p->raw);
	w->top = strcmp(p->raw, "./") == 0;
	return 0;
}

static int on_begin(struct sink *s, const struct item *it)
{
	struct world *w = s->arg;

	if (w->begun || s->names_only || !it->uid || it->uid >> 63)
		abort();
	w->begun = true;
	w->last = w->folder ^ it->uid;
	/* A Maildir's message is the same one whatever its flags are: its key
	 * is no path. */
	w->counted = !it->key || it->uid != item_uid(it->key) || w->top ||
	             strchr(it->key, '/');
	return s->bodies;
}

static int on_data(struct sink *s, const void *p, size_t n)
{
	const struct world *w = s->arg;

	if (!w->begun || !s->bodies || !p)
		abort();
	return 0;
}

static int on_end(struct sink *s, uint64_t size, const char *hole)
{
	struct world *w = s->arg;

	if (!w->begun)
		abort();
	w->begun = false;
	if (hole && (!*hole || strlen(hole) > 384))
		abort();
	if (!hole && w->counted && w->n < ITEMS)
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

static size_t piece = 1;

static ssize_t drip(struct input *in, void *p, size_t n)
{
	struct in_memory *m = in->arg;

	return m->in.read(&m->in, p, n < piece ? n : piece);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void walk(struct world *w, struct input *in)
{
	struct tree_notes notes = { 0 };
	struct where at = { .raw = "", .path = "fuzz", .notes = &notes };

	if (packed_walk(in, &at, WANT_ANY, &w->s) || w->begun)
		abort();
	tree_notes_release(&notes);
	qsort(w->seen, w->n, sizeof(w->seen[0]), by_number);
	for (size_t i = 1; i < w->n; i++)
		if (w->seen[i] == w->seen[i - 1])
			abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("MAILHAUL_TEST_PACKED_FREE", "4000000", 1);
	setenv("MAILHAUL_TEST_PACKED_RATIO", "50", 1);
	setenv("MAILHAUL_TEST_PACKED_ENTRIES", "2000", 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct world w;
	struct in_memory m;
	struct input in;
	int fd = -1;

	if (!n)
		return 0;
	memset(&w, 0, sizeof(w));
	w.s = (struct sink){ .bodies = !(data[0] & 2),
		             .names_only = (data[0] & 12) == 12,
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
		             .arg = &w };
	piece = (size_t)1 << (data[0] >> 4);
	if (data[0] & 1) {
		input_memory(&m, data + 1, n - 1);
		in = (struct input){ .read = drip, .fd = -1, .arg = &m };
	} else {
		fd = memfd_create("packed", MFD_CLOEXEC);
		if (fd < 0 || write(fd, data + 1, n - 1) != (ssize_t)n - 1)
			abort();
		input_file(&in, fd);
	}
	walk(&w, &in);
	if (fd >= 0)
		close(fd);
	return 0;
}
