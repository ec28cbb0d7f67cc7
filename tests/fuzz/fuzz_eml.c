/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_eml.c - one file of any kind but packed ones and mboxes: what it is,
 * and its message. The first two octets choose the name and how many octets
 * a read gives. Each begun item is ended, and its octets are octets of the
 * file in one piece.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/input.h"
#include "archive/kind.h"
#include "archive/tree.h"
#include "util/buf.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct run {
	struct in_memory whole;
	size_t chunk;
	const uint8_t *data;
	size_t n;
	struct buf got; /* of the message */
	bool open;
};

static ssize_t small_read(struct input *in, void *p, size_t n)
{
	struct run *r = in->arg;

	return r->whole.in.read(&r->whole.in, p, n < r->chunk ? n : r->chunk);
}

static int folder(struct sink *s, const struct place *p)
{
	if (!p->raw || !*p->path || !utf8_valid(p->raw) ||
	    !utf8_valid(p->path) || !p->uidvalidity)
		abort();
	return 0;
}

static int begin(struct sink *s, const struct item *it)
{
	struct run *r = s->arg;

	if (r->open || it->uid == 0 || it->uid >> 63)
		abort();
	r->open = true;
	buf_clear(&r->got);
	return 1;
}

static int octets(struct sink *s, const void *p, size_t n)
{
	struct run *r = s->arg;

	if (!r->open || n > r->n || buf_add(&r->got, p, n))
		abort();
	return 0;
}

static int end(struct sink *s, uint64_t size, const char *hole)
{
	struct run *r = s->arg;

	if (!r->open || (!hole && size != r->got.n))
		abort();
	if (r->got.n && !memmem(r->data, r->n, r->got.p, r->got.n))
		abort();
	r->open = false;
	return 0;
}

static int other(struct sink *s, const char *name, const char *what)
{
	struct run *r = s->arg;

	if (r->open || !*name || !*what)
		abort();
	return 0;
}

static const struct wanted *wanted(struct sink *s, const char *raw)
{
	static const struct wanted all;

	return &all;
}

static int nothing(struct sink *s)
{
	return 0;
}

static bool is_poison(struct sink *s, const char *raw, uint64_t uid)
{
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {
		"a/b.eml", "b.emlx", "INBOX.mbox/Data/1/Messages/2.emlx",
		"Maildir/.A&APY-/cur/12.M1.h:2,Sa", "Maildir/dovecot-keywords"
	};
	struct tree_notes notes = { 0 };
	struct where at = { .path = "x", .nested = 1, .notes = &notes };
	struct run r = { 0 };
	struct sink s = { .bodies = true,
		          .folder = folder,
		          .begin = begin,
		          .data = octets,
		          .end = end,
		          .other = other,
		          .wanted = wanted,
		          .wanted_file = wanted,
		          .moved_on = nothing,
		          .working = nothing,
		          .is_poison = is_poison,
		          .arg = &r };
	struct input in;
	const char *what;
	size_t head;

	if (n < 2)
		return 0;
	at.raw = names[data[0] % 5];
	r.chunk = data[1] + 1u;
	r.data = data + 2;
	r.n = n - 2;
	head = r.n < PEEK_OCTETS ? r.n : PEEK_OCTETS;
	switch (kind_of(r.data, head, at.raw, &what)) {
	case FILE_MBOX:
	case FILE_PACKED:
		return 0;
	default:
		break;
	}
	input_memory(&r.whole, r.data, r.n);
	in = r.whole.in;
	in.read = small_read;
	in.arg = &r;
	if (tree_file(&in, &at, WANT_ANY, &s) || r.open)
		abort();
	tree_notes_release(&notes);
	buf_release(&r.got);
	return 0;
}
