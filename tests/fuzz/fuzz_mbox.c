/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mbox.c - a walk over an mbox ends and tells uids in ascending order,
 * never more octets than there are, and the same whichever way the octets
 * come; every message can be found again by its uid. The first octet of an
 * input is the size of the pieces.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/input.h"
#include "archive/mbox.h"
#include "mime/mix.h"
#include "util/utf8.h"

#define MOST 4096

struct seen {
	struct sink s;
	struct wanted want;
	uint64_t uid[MOST], hash[MOST], size[MOST];
	size_t n;
	struct mix mix;
	uint64_t octets;
	bool open, hole, moved;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int folder(struct sink *s, const struct place *p)
{
	struct seen *x = s->arg;

	must(!x->open && p->uidvalidity && utf8_valid(p->raw) &&
	     utf8_valid(p->path) && *p->path);
	return 0;
}

static int begin(struct sink *s, const struct item *it)
{
	struct seen *x = s->arg;

	must(!x->open && it->uid && it->uid >> 63 == 0);
	must(!x->n || x->want.only_want || x->uid[x->n - 1] < it->uid);
	if (x->n == MOST)
		return -1;
	x->open = true;
	x->uid[x->n] = it->uid;
	mix_init(&x->mix);
	return s->bodies;
}

static int octets(struct sink *s, const void *p, size_t n)
{
	struct seen *x = s->arg;

	must(x->open && n && s->bodies);
	x->octets += n;
	mix_data(&x->mix, p, n);
	return 0;
}

static int end(struct sink *s, uint64_t size, const char *hole)
{
	struct seen *x = s->arg;

	must(x->open);
	x->open = false;
	x->hole |= hole != NULL;
	x->size[x->n] = size;
	x->hash[x->n++] = mix_end(&x->mix);
	return 0;
}

static int other(struct sink *s, const char *name, const char *what)
{
	must(!((struct seen *)s->arg)->open && *name && *what);
	return 0;
}

static const struct wanted *wanted(struct sink *s, const char *raw)
{
	return &((struct seen *)s->arg)->want;
}

static int moved_on(struct sink *s)
{
	((struct seen *)s->arg)->moved = true;
	return -1;
}

static int working(struct sink *s)
{
	return 0;
}

static bool is_poison(struct sink *s, const char *raw, uint64_t uid)
{
	return false;
}

static void start(struct seen *x)
{
	const struct sink s = { .bodies = true,
		                .folder = folder,
		                .begin = begin,
		                .data = octets,
		                .end = end,
		                .other = other,
		                .wanted = wanted,
		                .wanted_file = wanted,
		                .moved_on = moved_on,
		                .working = working,
		                .is_poison = is_poison,
		                .arg = x };

	x->s = s;
	x->want = (struct wanted){ 0 };
	x->n = 0;
	x->octets = 0;
	x->open = x->hole = x->moved = false;
}

struct pieces {
	struct in_memory m;
	size_t most;
};

static ssize_t piece(struct input *in, void *p, size_t n)
{
	struct pieces *x = in->arg;

	return x->m.in.read(&x->m.in, p, n < x->most ? n : x->most);
}

static int by_pieces(struct seen *x, const uint8_t *p, size_t n, size_t most)
{
	const struct where at = { .raw = "f", .path = "f" };
	struct pieces pieces = { .most = most };
	struct input in;

	input_memory(&pieces.m, p, n);
	in = pieces.m.in;
	in.read = piece;
	in.arg = &pieces;
	return mbox_walk(&in, &at, &x->s);
}

static int by_file(struct seen *x, int fd)
{
	const struct where at = { .raw = "f", .path = "f" };
	struct input in;

	input_file(&in, fd);
	return mbox_walk(&in, &at, &x->s);
}

static void same(const struct seen *a, const struct seen *b)
{
	must(a->n == b->n && a->octets == b->octets);
	must(!memcmp(a->uid, b->uid, a->n * sizeof(*a->uid)));
	must(!memcmp(a->hash, b->hash, a->n * sizeof(*a->hash)));
	must(!memcmp(a->size, b->size, a->n * sizeof(*a->size)));
}

/* The last message is found again, and nothing behind it. What stands
 * before the first message is told each time. */
static void again(const struct seen *all, struct seen *x, int fd)
{
	uint64_t last = all->uid[all->n - 1];
	size_t junk = all->hole;

	start(x);
	x->want = (struct wanted){ .only_want = true,
		                   .want = &last,
		                   .want_n = 1 };
	must(by_file(x, fd) == 0 && x->n <= 1 + junk);
	if (x->n && x->uid[x->n - 1] == last)
		must(x->hash[x->n - 1] == all->hash[all->n - 1]);
	else
		must(all->n == 1 && junk);
	start(x);
	x->want.resume = last;
	must(by_file(x, fd) == 0 && !x->moved && x->n <= 1 + junk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct seen file, stream;
	int fd = memfd_create("mbox", MFD_CLOEXEC);
	size_t most = n ? (size_t)data[0] + 1 : 1;

	if (n) {
		data++;
		n--;
	}
	must(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	start(&file);
	start(&stream);
	if (by_file(&file, fd) == 0) {
		must(file.octets <= n);
		must(by_pieces(&stream, data, n, most * most) == 0);
		same(&file, &stream);
		if (file.n)
			again(&file, &stream, fd);
		start(&stream);
		stream.s.bodies = false;
		must(by_pieces(&stream, data, n, most * most) == 0);
		must(stream.n == file.n && !stream.octets);
		must(!memcmp(stream.size, file.size,
		             file.n * sizeof(*file.size)));
	}
	close(fd);
	return 0;
}
