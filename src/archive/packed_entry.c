/* SPDX-License-Identifier: Apache-2.0 */
/* packed_entry.c - one entry of an archive; see packed_int.h. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/kind.h"
#include "archive/packed_int.h"
#include "archive/tree.h"
#include "archive/tree_name.h"
#include "util/buf.h"

#define EMLS_LOOKED_AT 3

/* The octets of an entry, block by block as libarchive has them. */
struct entry {
	struct input in;
	struct packed *p;
	const unsigned char *block;
	size_t left;     /* of block */
	uint64_t at;     /* octets given */
	uint64_t begins; /* where block stands: what is between is zeros */
	bool ended;
	bool failed; /* behind block */
};

static const char *failure(struct packed *p, int r)
{
	if (p->feed->why)
		return p->feed->why;
	if (archive_errno(p->a) == ENOMEM)
		return "there is not enough memory to unpack it";
	if (r == ARCHIVE_WARN)
		return "its check sum is wrong";
	if (r == ARCHIVE_FATAL && p->feed->ended)
		return "the archive ends in the middle of it";
	return r == ARCHIVE_FATAL ? "the archive is damaged there"
	                          : "it is packed in a way that mailhaul "
	                            "can't undo";
}

static void fail(struct entry *o, const char *why)
{
	o->failed = true;
	o->in.why = why;
}

/* True if a cut is behind the octets, in what fills up a tar's block. */
static bool is_whole(const struct entry *o)
{
	int format = archive_format(o->p->a) & ARCHIVE_FORMAT_BASE_MASK;

	return format == ARCHIVE_FORMAT_TAR && o->at == o->in.size;
}

/* The next block; nothing is left to load once ended or failed. */
static void load(struct entry *o)
{
	const void *block = NULL;
	la_int64_t begins = 0;
	int r;

	do
		r = archive_read_data_block(o->p->a, &block, &o->left, &begins);
	while (r == ARCHIVE_RETRY);
	if (r == ARCHIVE_FATAL)
		o->p->fatal = true;
	o->ended = r == ARCHIVE_EOF || (r == ARCHIVE_FATAL && is_whole(o));
	if (r != ARCHIVE_OK && !o->ended)
		fail(o, failure(o->p, r));
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		o->left = 0;
	o->block = block;
	o->begins = begins > 0 ? (uint64_t)begins : 0;
}

static ssize_t give(struct entry *o, void *to, size_t n)
{
	const char *why = NULL;
	bool hole = o->begins > o->at;

	if (hole && o->begins - o->at < n)
		n = (size_t)(o->begins - o->at);
	if (!hole && o->left < n)
		n = o->left;
	if (packed_count(o->p, n, &why)) {
		fail(o, why);
		return -1;
	}
	o->at += n;
	if (hole) {
		memset(to, 0, n);
		return (ssize_t)n;
	}
	memcpy(to, o->block, n);
	o->block += n;
	o->left -= n;
	o->begins += n;
	return (ssize_t)n;
}

static ssize_t entry_read(struct input *in, void *to, size_t n)
{
	struct entry *o = in->arg;

	while (!o->left && !o->ended && !o->failed)
		load(o);
	if (o->left)
		return give(o, to, n);
	return o->failed ? -1 : 0;
}

/* What nobody read of the entry, so that its size is counted too; libarchive
 * only passes over what needs no unpacking for that. */
static void drain(struct entry *o)
{
	const char *why;

	if (o->p->list || (o->p->kind == PACK_TAR && feed_any(o->p->feed)))
		return;
	while (!o->ended && !o->failed && !packed_enough(o->p)) {
		load(o);
		if (packed_count(o->p, o->left, &why))
			fail(o, why);
	}
}

/* Hands the octets on, unless there is nothing but a failure. */
static int hand_on(struct packed *p, struct archive_entry *e,
                   const struct where *at)
{
	struct entry o = { .p = p };

	o.in = (struct input){ .read = entry_read, .fd = -1, .arg = &o };
	if (archive_entry_size_is_set(e) && archive_entry_size(e) > 0)
		o.in.size = (uint64_t)archive_entry_size(e);
	if (archive_entry_mtime_is_set(e))
		o.in.mtime = archive_entry_mtime(e);
	while (!o.left && !o.ended && !o.failed)
		load(&o);
	p->inner = packed_looks_like(o.block, o.left);
	if (o.failed && !o.left)
		return packed_tell_entry(p, at->raw, o.in.why);
	if (tree_file(&o.in, at, p->want, p->s))
		return -1;
	drain(&o);
	return 0;
}

/* The entry's name below the archive's, told apart from all before. */
static char *entry_raw(struct packed *p, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	char *safe;

	if (!name)
		name = archive_entry_pathname_utf8(e);
	safe = packed_name(name ? name : "", p->kind == PACK_ZIP);
	if (safe && !p->scout)
		safe = packed_names_add(&p->names, safe);
	if (safe && *p->at->raw) {
		char *raw = raw_join(p->at->raw, safe);

		free(safe);
		return raw;
	}
	return safe;
}

/* What is no regular file: 1 if it was told and is done with. */
static int special(struct packed *p, struct archive_entry *e, const char *raw)
{
	unsigned type = archive_entry_filetype(e);

	if (archive_entry_hardlink(e) && archive_entry_size(e) == 0)
		return packed_tell_link(p, raw) ? -1 : 1;
	if (type == AE_IFREG || !type)
		return 0;
	if (p->scout)
		return 1;
	if (p->s->other(p->s, raw,
	                type == AE_IFLNK ? "a link, which is not followed"
	                                 : "not a file"))
		return -1;
	return 1;
}

/* When only names are asked for, a few messages show that a directory has
 * some; to look into each would cost as much as the walk itself. */
static bool known(struct packed *p, const char *raw)
{
	CLEANUP(free_p) char *dir = NULL;
	uint64_t hash;

	if (!p->s->names_only || !name_ends(raw, ".eml"))
		return false;
	dir = strndup(raw, (size_t)(raw_base(raw) - raw));
	hash = dir ? item_uid(dir) : 0;
	p->emls = hash == p->dir ? p->emls + 1 : 0;
	p->dir = hash;
	return p->emls > EMLS_LOOKED_AT;
}

static int one_of(struct packed *p, struct archive_entry *e, const char *raw)
{
	struct where at = *p->at;
	CLEANUP(free_p) char *path = tree_folder_path(raw);
	int r = special(p, e, raw);

	if (!path)
		return packed_tell_memory(p);
	if (r)
		return r < 0 ? -1 : 0;
	if (known(p, raw))
		return 0;
	if (archive_entry_is_encrypted(e)) {
		p->locked++;
		p->behind_lock = true;
		return 0;
	}
	at.raw = raw;
	at.path = path;
	at.nested++;
	return hand_on(p, e, &at);
}

int packed_entry(struct packed *p, struct archive_entry *e)
{
	struct where at = *p->at;
	char *raw;
	int r;

	if (archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	/* A filter without an archive in it: the file itself. */
	if (archive_format(p->a) == ARCHIVE_FORMAT_RAW) {
		at.nested++;
		return hand_on(p, e, &at);
	}
	raw = entry_raw(p, e);
	if (!raw)
		return packed_tell_memory(p);
	r = one_of(p, e, raw);
	free(raw);
	return r;
}
