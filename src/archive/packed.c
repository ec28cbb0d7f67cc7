/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed.c - see packed.h.
 *
 * A zip is read by its list of entries, which stands at its end; where that
 * is missing or damaged, and in a stream, as the entries come. libarchive
 * gives an archive up at the first damaged place: then the next header of
 * an entry is looked for, and a reading begins anew there.
 */
#include "archive/packed.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/input.h"
#include "archive/packed_int.h"
#include "archive/tree.h"
#include "archive/tree_name.h"
#include "util/buf.h"

#define BEAT ((uint64_t)1 << 20)
#define ZIP_ENTRY "PK\3\4"

static uint64_t reached(const struct packed *p)
{
	int64_t at = archive_filter_bytes(p->a, -1);

	return p->base + (at > 0 ? (uint64_t)at : 0);
}

uint64_t packed_position(const struct packed *p)
{
	return p->a && p->feed == &p->file ? reached(p) : p->file.at;
}

int packed_count(struct packed *p, size_t n, const char **why)
{
	uint64_t most = p->out / p->most.ratio;

	p->out += n;
	if (p->out > p->most.free && most > packed_position(p)) {
		p->bomb = true;
		*why = "it unpacks to far more than mail ever does";
		return -1;
	}
	if (p->out < p->beat + BEAT)
		return 0;
	p->beat = p->out;
	*why = "mailhaul was stopped";
	p->file.left |= p->s->working(p->s) != 0;
	return p->file.left ? -1 : 0;
}

bool packed_enough(const struct packed *p)
{
	return p->s->names_only && p->feed->given + p->out > SOON;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **block)
{
	const unsigned char *octets = NULL;
	size_t n = feed_next(((struct packed *)arg)->feed, &octets);

	(void)a;
	*block = octets;
	return (la_ssize_t)n;
}

static la_int64_t on_skip(struct archive *a, void *arg, la_int64_t n)
{
	struct feed *f = ((struct packed *)arg)->feed;
	uint64_t left = f->size > f->at ? f->size - f->at : 0;

	(void)a;
	if (n <= 0 || !feed_any(f))
		return 0;
	n = (uint64_t)n < left ? n : (la_int64_t)left;
	f->at += (uint64_t)n;
	return n;
}

static la_int64_t on_seek(struct archive *a, void *arg, la_int64_t to,
                          int whence)
{
	struct packed *p = arg;
	int64_t from = whence == SEEK_SET   ? (int64_t)p->base
	               : whence == SEEK_END ? (int64_t)p->feed->size
	                                    : (int64_t)p->feed->at;

	(void)a;
	if (__builtin_add_overflow(from, to, &to) || to < (int64_t)p->base)
		return ARCHIVE_FATAL;
	p->feed->at = (uint64_t)to;
	return to - (int64_t)p->base;
}

static void formats(struct packed *p)
{
	struct archive *a = p->a;

	if (p->kind == PACK_ZIP && p->list)
		archive_read_support_format_zip_seekable(a);
	else if (p->kind == PACK_ZIP)
		archive_read_support_format_zip_streamable(a);
	else if (p->kind == PACK_7Z)
		archive_read_support_format_7zip(a);
	if (p->kind == PACK_TAR || p->kind == PACK_FILTER) {
		archive_read_support_format_tar(a);
		archive_read_set_option(a, "tar", "read_concatenated_archives",
		                        "1");
	}
	if (p->kind != PACK_FILTER)
		return;
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_raw(a);
}

/* A reading from base on; what fails shows at the first header. */
static int begin(struct packed *p, uint64_t base, bool list)
{
	archive_read_free(p->a);
	p->a = archive_read_new();
	if (!p->a || !feed_go(p->feed, base))
		return -1;
	p->base = base;
	p->list = list;
	p->feed->ended = feed_any(p->feed) ? false : p->feed->ended;
	formats(p);
	archive_read_set_read_callback(p->a, on_read);
	if (feed_any(p->feed)) {
		archive_read_set_skip_callback(p->a, on_skip);
		archive_read_set_seek_callback(p->a, on_seek);
	}
	archive_read_set_callback_data(p->a, p);
	p->opened = archive_read_open1(p->a) == ARCHIVE_OK;
	return 0;
}

/* Where in the n octets of w a header begins: at the first of them, or where
 * its magic shows it; n: nowhere. */
static size_t tar_in(const unsigned char *w, size_t n)
{
	const unsigned char *hit = w + TAR_MAGIC, *end = w + n;

	if (n < TAR_BLOCK)
		return n;
	if (tar_header(w))
		return 0;
	while ((hit = memmem(hit + 1, (size_t)(end - hit) - 1, "ustar", 5))) {
		size_t at = (size_t)(hit - w) - TAR_MAGIC;

		if (at + TAR_BLOCK > n)
			break;
		if (tar_header(w + at))
			return at;
	}
	return n;
}

/* Octets that were lost or put in move all headers behind them off the
 * blocks' borders. */
static bool find_tar(struct feed *f, uint64_t from)
{
	unsigned char w[2 * TAR_BLOCK];
	uint64_t base = from / TAR_BLOCK * TAR_BLOCK;
	size_t have = 0, n = 0, part, hit;
	const unsigned char *p = NULL;

	if (!feed_go(f, base))
		return false;
	while (n || (n = feed_next(f, &p))) {
		part = sizeof(w) - have < n ? sizeof(w) - have : n;
		memcpy(w + have, p, part);
		have += part, p += part, n -= part;
		if (have < sizeof(w))
			continue;
		if (base < from)
			memset(w, 0, (size_t)(from - base));
		hit = tar_in(w, have);
		if (hit < have)
			return feed_go(f, base + hit);
		memmove(w, w + TAR_BLOCK, TAR_BLOCK);
		base += TAR_BLOCK;
		have = TAR_BLOCK;
	}
	hit = base < from ? have : tar_in(w, have);
	return hit < have && feed_go(f, base + hit);
}

static bool find_next(struct packed *p, uint64_t from)
{
	if (p->damages++ >= p->most.damages)
		return false;
	if (p->kind == PACK_ZIP)
		return feed_find(p->feed, from, ZIP_ENTRY);
	return p->kind == PACK_TAR && find_tar(p->feed, from);
}

static const char *why_damaged(struct packed *p)
{
	if (p->feed->why)
		return p->feed->why;
	return p->kind == PACK_7Z && !p->entries
	               ? "the list of its files, which is its end, is "
	                 "missing or damaged"
	               : "it is damaged";
}

/* True if nothing stands behind what could not be read. */
static bool is_cut(struct packed *p, uint64_t from)
{
	if (p->feed != &p->file && p->feed->why)
		return strcmp(p->feed->why, GUNZIP_CUT) == 0;
	return !p->feed->why && p->feed->ended &&
	       p->feed->high < from + TAR_BLOCK;
}

static uint64_t header_at(const struct packed *p)
{
	int64_t header = archive_read_header_position(p->a);

	return p->base + (header > 0 ? (uint64_t)header : 0);
}

/* True if it is not known where the entry ends that was read last. */
static bool lost_end(const struct packed *p)
{
	return p->fatal && p->kind == PACK_ZIP && !p->list && !p->inner;
}

/* Where to look for the next header: behind what the entry before gave, or
 * behind the beginning of a header, for its lengths may be wrong. */
static uint64_t broken_at(const struct packed *p)
{
	uint64_t at = header_at(p);

	/* What was unpacked of it may reach into those behind it. */
	if (p->fatal)
		return lost_end(p) ? p->behind : reached(p);
	if (at < p->passed)
		at = p->passed;
	/* Octets may be missing from the entry before. */
	if (p->kind == PACK_TAR && !p->inner && at > p->behind)
		at = p->behind;
	return at > p->base ? at : p->base + 1;
}

/* Tells of a damage, once until an entry is found again. */
static int tell_broken(struct packed *p, uint64_t at, bool cut)
{
	bool told = p->hurt;

	p->hurt = true;
	/* A stream does not say where a locked entry ends. */
	if (p->behind_lock)
		return 0;
	if (cut)
		return packed_tell_cut(p);
	return told ? 0 : packed_tell_damage(p, at, why_damaged(p));
}

/* After a failure that libarchive does not survive: 1 if there is more to
 * read, 0 if not, -1 when the sink ends it. */
static int recover(struct packed *p)
{
	uint64_t octet = packed_position(p), from = broken_at(p), at;
	bool found;

	if (archive_errno(p->a) == ENOMEM)
		return packed_tell_memory(p);
	/* Asked of one that it could not open, libarchive 3.6 crashes. */
	if (p->kind == PACK_7Z && p->opened && !p->entries &&
	    archive_read_has_encrypted_entries(p->a) > 0)
		return packed_tell_locked(p);
	if (p->kind == PACK_ZIP && p->list && !p->entries)
		return begin(p, 0, false) ? packed_tell_memory(p) : 1;
	p->fatal = false;
	/* Of a stream not all is kept that was read. */
	found = find_next(p, from) ||
	        (from < reached(p) && find_next(p, reached(p)));
	at = p->feed->at;
	if (tell_broken(p, octet, !found && is_cut(p, octet)))
		return -1;
	return found && begin(p, at, false) == 0;
}

/* The archive is at its end; is it the true one? A tar ends with zeros. */
static int finish(struct packed *p)
{
	bool open = p->kind == PACK_TAR && p->feed->ended &&
	            p->feed->zeros < TAR_BLOCK;

	if (is_cut(p, p->feed->high) && (p->feed->why || open))
		return packed_tell_cut(p);
	return p->feed->why
	               ? packed_tell_damage(p, packed_position(p), p->feed->why)
	               : 0;
}

/* The next entry: 1, 0 at the end, -1 when the sink ends it. */
static int next(struct packed *p, struct archive_entry **e)
{
	for (;;) {
		int r;

		p->passed = reached(p);
		/* libarchive would go on where the entry should have ended;
		 * that it is damaged was told. */
		p->hurt |= lost_end(p);
		r = lost_end(p) ? ARCHIVE_FATAL
		                : archive_read_next_header(p->a, e);
		if (p->feed->left || p->file.left)
			return -1;
		if (r == ARCHIVE_EOF)
			return finish(p);
		/* It also fails for the entry before, which was told. */
		if (r == ARCHIVE_OK || r == ARCHIVE_WARN ||
		    (r == ARCHIVE_FAILED && archive_entry_pathname(*e))) {
			p->hurt = p->behind_lock = p->inner = false;
			/* The last block of a tar's header is not counted yet,
			 * or it is, and the entry's first. */
			p->behind = p->kind == PACK_TAR ? reached(p) + TAR_BLOCK
			                                : header_at(p) + 1;
			return 1;
		}
		/* Of a tar, libarchive would look at the blocks' borders
		 * only. */
		if (r == ARCHIVE_FATAL ||
		    (r == ARCHIVE_RETRY && p->kind == PACK_TAR)) {
			r = recover(p);
			if (r <= 0)
				return r;
		} else if (!p->hurt) { /* it goes on by itself */
			p->hurt = true;
			if (packed_tell_damage(p, packed_position(p),
			                       why_damaged(p)))
				return -1;
		}
	}
}

static const char *base_name(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	return name ? raw_base(name) : "";
}

static bool is_keywords(struct archive_entry *e)
{
	return strcmp(base_name(e), "dovecot-keywords") == 0;
}

static bool in_maildir(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	return name && (strstr(name, "/cur/") || strncmp(name, "cur/", 4) == 0);
}

/* The keywords of Maildirs, wherever they stand behind this entry. */
static int scout(struct packed *p)
{
	struct packed c = { .s = p->s,
		            .at = p->at,
		            .want = p->want,
		            .most = p->most,
		            .kind = p->kind,
		            .feed = &c.file,
		            .scout = true };
	struct archive_entry *e;
	int r = 0;

	p->ahead = p->entries;
	if (feed_open(&c.file, p->in, NULL, 0, p->s))
		return 0;
	if (begin(&c, 0, p->list) == 0)
		while ((r = next(&c, &e)) > 0) {
			if (++c.entries <= p->ahead || !is_keywords(e))
				continue;
			r = packed_entry(&c, e);
			if (r < 0)
				break;
		}
	archive_read_free(c.a);
	feed_close(&c.file);
	return r;
}

static int one(struct packed *p, struct archive_entry *e)
{
	if (!p->ahead && p->at->notes && p->feed == &p->file &&
	    feed_any(p->feed) && p->kind != PACK_7Z && p->kind != PACK_FILTER &&
	    in_maildir(e) && scout(p))
		return -1;
	if (p->ahead && p->entries > p->ahead && is_keywords(e))
		return 0;
	return packed_entry(p, e);
}

static int entries(struct packed *p)
{
	struct archive_entry *e;
	int r;

	if (begin(p, 0, p->kind == PACK_ZIP && feed_any(p->feed)))
		return packed_tell_memory(p);
	while ((r = next(p, &e)) > 0) {
		if (++p->entries > p->most.entries)
			return packed_tell_many(p);
		if (one(p, e) || p->feed->left || p->file.left)
			return -1;
		if (p->bomb)
			return packed_tell_bomb(p);
		if (packed_enough(p))
			return 0;
	}
	return r;
}

static int archive(struct packed *p)
{
	int r = entries(p);

	archive_read_free(p->a);
	p->a = NULL;
	if (r == 0 && p->locked)
		r = packed_tell_locked(p);
	packed_names_release(&p->names);
	return r;
}

/* What gzip packed and is no tar. */
struct bare {
	struct input in;
	struct input *of;
	struct packed *p;
};

static ssize_t bare_read(struct input *in, void *to, size_t n)
{
	struct bare *b = in->arg;
	ssize_t r = b->of->read(b->of, to, n);

	if (r > 0 && packed_count(b->p, (size_t)r, &in->why))
		return -1;
	if (r < 0)
		in->why = b->of->why;
	return r;
}

static int bare(struct packed *p, struct peeked *head, struct gunzip *g)
{
	struct bare b = { .of = &head->in, .p = p };
	struct where at = *p->at;
	int r = 0;

	b.in = (struct input){ .read = bare_read, .fd = -1, .arg = &b };
	b.in.mtime = p->in->mtime;
	at.nested++;
	if (head->n || !g->bad)
		r = tree_file(&b.in, &at, p->want, p->s);
	if (r || p->file.left)
		return -1;
	if (p->bomb)
		return packed_tell_bomb(p);
	if (g->bad)
		return g->cut ? packed_tell_cut(p)
		              : packed_tell_damage(p, p->file.at, g->in.why);
	return 0;
}

static int gzip(struct packed *p)
{
	CLEANUP(free_p) struct peeked *head = malloc(sizeof(*head));
	struct feed unpacked;
	struct gunzip g;
	int r;

	if (!head || gunzip_open(&g, &p->file))
		return packed_tell_memory(p);
	input_peek(head, &g.in);
	p->kind = pack_of(head->head, head->n);
	if (p->kind != PACK_TAR) {
		r = bare(p, head, &g);
	} else if (feed_open(&unpacked, &head->in, NULL, 0, p->s)) {
		r = packed_tell_memory(p);
	} else {
		p->feed = &unpacked;
		r = archive(p);
		feed_close(&unpacked);
	}
	gunzip_close(&g);
	return r;
}

/* A 7z in an archive: it has to be gone about in. */
static int in_memory(struct packed *p)
{
	CLEANUP(buf_release_p) struct buf all = BUF_INIT(p->most.memory);
	const unsigned char *octets;
	struct feed held;
	int r;
	size_t n;

	while ((n = feed_next(&p->file, &octets)))
		if (buf_add(&all, octets, n))
			return packed_tell_memory(p);
	if (p->file.left)
		return -1;
	if (feed_open(&held, p->in, all.p, all.n, p->s))
		return packed_tell_memory(p);
	held.why = p->file.why;
	p->feed = &held;
	r = archive(p);
	feed_close(&held);
	return r;
}

/* Tests make the limits small. */
static void limit(uint64_t *most, const char *name)
{
	const char *told = getenv(name);

	if (told && strtoull(told, NULL, 10))
		*most = strtoull(told, NULL, 10);
}

static struct packed_limits limits(void)
{
	struct packed_limits l = PACKED_LIMITS;

	limit(&l.ratio, "MAILHAUL_TEST_PACKED_RATIO");
	limit(&l.free, "MAILHAUL_TEST_PACKED_FREE");
	limit(&l.entries, "MAILHAUL_TEST_PACKED_ENTRIES");
	limit(&l.memory, "MAILHAUL_TEST_PACKED_MEMORY");
	return l;
}

int packed_walk(struct input *in, const struct where *at, enum want_kind want,
                struct sink *s)
{
	struct packed p = { .s = s,
		            .at = at,
		            .want = want,
		            .most = limits(),
		            .in = in,
		            .feed = &p.file };
	const unsigned char *head = NULL;
	size_t n;
	int r;

	if (at->nested >= NESTED_MOST)
		return packed_tell_deep(&p);
	if (feed_open(&p.file, in, NULL, 0, s))
		return packed_tell_memory(&p);
	n = feed_next(&p.file, &head);
	p.kind = pack_of(head, n);
	if (p.file.left || !feed_go(&p.file, 0))
		r = -1;
	else if (p.kind == PACK_GZIP)
		r = gzip(&p);
	else if (p.kind == PACK_7Z && !feed_any(&p.file))
		r = in_memory(&p);
	else
		r = archive(&p);
	feed_close(&p.file);
	return r;
}
