/* SPDX-License-Identifier: Apache-2.0 */
/* out.c - see out.h. */
#include "archive/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/needle.h"
#include "mime/crlf.h"
#include "reader/wire.h"
#include "util/clock.h"
#include "util/utf8.h"

/* What leaves in one write; a record of W_DATA is no longer. */
#define PIECE (WIRE_MOST - WIRE_HEAD)
#define LITTLE 64 /* room that is not worth filling */
/* The longest that the parent hears nothing. */
#define BEAT_MS 500

static struct out *of(struct sink *s)
{
	return (struct out *)s;
}

static int leave(struct out *o)
{
	const char *p = o->b.p;
	size_t n = o->b.n;

	while (n > 0) {
		ssize_t r = write(o->fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			o->over = true;
			return -1;
		}
		p += r;
		n -= (size_t)r;
	}
	buf_clear(&o->b);
	o->data = 0;
	o->left_ms = clock_ms();
	return 0;
}

/* After a record: failed is the result of writing it into the buffer. */
static int sent(struct out *o, int failed)
{
	o->data = 0;
	if (failed || o->over)
		return -1;
	if (o->b.n >= PIECE || (o->q->flags & W_CAREFUL) ||
	    clock_ms() - o->left_ms > BEAT_MS)
		return leave(o);
	return 0;
}

/* s as the wire takes it: itself, or a copy in *copy. NULL: memory. */
static const char *clean(const char *s, char **copy)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t n = strlen(s);
	bool valid = utf8_valid(s);
	char c[4];

	if (valid && n <= WIRE_TEXT_MOST)
		return s;
	/* What is not UTF-8 is read as ISO 8859-1. */
	for (size_t i = 0; !valid && i < n; i++)
		if (buf_add(&b, c, utf8_put(c, (unsigned char)s[i])))
			return NULL;
	if (valid && buf_add(&b, s, n))
		return NULL;
	if (b.n > WIRE_TEXT_MOST)
		b.p[utf8_cut(b.p, WIRE_TEXT_MOST)] = '\0';
	*copy = buf_take(&b);
	return *copy;
}

static int tell_folder(struct out *o, const struct place *p, const char *raw)
{
	char *copy CLEANUP(free_p) = NULL;
	const char *path = clean(p->path, &copy);
	struct wire_folder f = { .raw = (char *)raw,
		                 .path = (char *)path,
		                 .use = p->use,
		                 .shared = p->shared,
		                 .uidvalidity = p->uidvalidity,
		                 .state = p->state };

	return path ? sent(o, wire_put_folder(&o->b, &f)) : -1;
}

static int folder(struct sink *s, const struct place *p)
{
	char *copy CLEANUP(free_p) = NULL;
	const char *raw = clean(p->raw, &copy);
	struct out *o = of(s);
	char *own;

	if (o->over || !raw)
		return -1;
	own = strdup(raw);
	if (!own)
		return -1;
	free(o->raw);
	o->raw = own;
	o->folder = request_wanted(o->q, raw);
	if (o->q->flags & W_ONLY_NAMED && o->folder->omit)
		return 0;
	return tell_folder(o, p, raw);
}

/* Trouble may come before any folder: what stands at the top is INBOX. */
static int some_folder(struct out *o)
{
	const struct place top = {
		.raw = "", .path = "", .use = USE_INBOX, .uidvalidity = 1
	};

	return o->folder ? 0 : folder(&o->s, &top);
}

static int tell_item(struct out *o, const struct item *it)
{
	char *key CLEANUP(free_p) = NULL, *keywords CLEANUP(free_p) = NULL;
	struct wire_item w = { .uid = it->uid,
		               .size = it->size,
		               .flags = it->flags,
		               .date = it->date };

	w.key = it->key ? (char *)clean(it->key, &key) : NULL;
	w.keywords =
	        it->keywords ? (char *)clean(it->keywords, &keywords) : NULL;
	if (sent(o, wire_put_item(&o->b, &w)))
		return -1;
	if (it->key)
		needle_look(o->needle, &o->tail, it->key, strlen(it->key));
	return o->s.bodies ? 1 : 0;
}

/* Told of a folder that is not read, too. */
static bool is_of_all(const struct out *o, const struct item *it)
{
	return it->flags & MAIL_WHOLE && o->folder->omit &&
	       !(o->q->flags & W_ONLY_NAMED);
}

static int begin(struct sink *s, const struct item *it)
{
	struct out *o = of(s);
	bool before = o->wanted;

	if (o->over || some_folder(o))
		return -1;
	buf_clear(&o->tail);
	o->wire = it->wire;
	o->cr = false;
	o->wanted = request_item(o->folder, it->uid) ||
	            (it->beside && before) || is_of_all(o, it);
	o->told = !s->names_only && o->wanted;
	return o->told ? tell_item(o, it) : 0;
}

/* As crlf_copy(). */
static size_t copy(const char **p, const char *end, char *to, size_t room)
{
	size_t n = (size_t)(end - *p);

	n = n < room ? n : room;
	memcpy(to, *p, n);
	*p += n;
	return n;
}

/* Lengthens the record of W_DATA at the end of the buffer, or begins one. */
static int add_data(struct out *o, const char **p, const char *end)
{
	size_t room = PIECE - o->b.n;
	char *to;

	if (!o->data) {
		o->data = wire_begin(&o->b, W_DATA) + 1;
		room -= WIRE_HEAD;
	}
	to = buf_room(&o->b, room);
	if (!to)
		return -1;
	o->b.n += o->wire ? copy(p, end, to, room)
	                  : crlf_copy(p, end, &o->cr, to, room);
	o->b.p[o->b.n] = '\0';
	return wire_end(&o->b, o->data - 1);
}

static int data(struct sink *s, const void *p, size_t n)
{
	struct out *o = of(s);
	const char *at = p, *end = at + n;

	if (o->over)
		return -1;
	if (!o->told || !s->bodies)
		return 0;
	needle_look(o->needle, &o->tail, p, n);
	while (at < end) {
		if (o->b.n + LITTLE >= PIECE && leave(o))
			return -1;
		if (add_data(o, &at, end))
			return -1;
	}
	return 0;
}

static int about(struct sink *s, enum mail_made made, const char *note)
{
	char *copy CLEANUP(free_p) = NULL;
	struct out *o = of(s);
	size_t at;

	if (o->over)
		return -1;
	if (!o->told)
		return 0;
	note = note ? clean(note, &copy) : NULL;
	at = wire_begin(&o->b, W_ABOUT);
	wire_u64(&o->b, made);
	if (wire_text(&o->b, note))
		return -1;
	return sent(o, wire_end(&o->b, at));
}

static int end(struct sink *s, uint64_t size, const char *hole)
{
	char *copy CLEANUP(free_p) = NULL;
	struct out *o = of(s);
	size_t at;

	if (o->over)
		return -1;
	if (!o->told)
		return 0;
	o->told = false;
	hole = hole ? clean(hole, &copy) : NULL;
	at = wire_begin(&o->b, W_END);
	wire_u64(&o->b, size);
	if (wire_text(&o->b, hole))
		return -1;
	return sent(o, wire_end(&o->b, at));
}

static int other(struct sink *s, const char *name, const char *what)
{
	char *a CLEANUP(free_p) = NULL, *b CLEANUP(free_p) = NULL;
	struct out *o = of(s);
	size_t at;

	if (o->over)
		return -1;
	if (o->q->flags & W_ONLY_NAMED)
		return 0;
	name = clean(name, &a);
	what = clean(what, &b);
	if (!name || !what)
		return -1;
	at = wire_begin(&o->b, W_OTHER);
	if (wire_text(&o->b, name) || wire_text(&o->b, what))
		return -1;
	return sent(o, wire_end(&o->b, at));
}

static const struct wanted *wanted(struct sink *s, const char *raw)
{
	char *copy CLEANUP(free_p) = NULL;
	const char *name = clean(raw, &copy);

	return request_wanted(of(s)->q, name ? name : raw);
}

static const struct wanted *wanted_file(struct sink *s, const char *raw)
{
	static const struct wanted all;
	char *copy CLEANUP(free_p) = NULL;
	const char *name = clean(raw, &copy);
	struct out *o = of(s);

	/* Without memory for the list, more is told than was wanted. */
	if (!name || request_file(o->q, name, &o->file, &o->file_want))
		return &all;
	return &o->file;
}

/* A record that is nothing but its type. */
static int bare(struct out *o, enum wire_type type)
{
	return wire_end(&o->b, wire_begin(&o->b, type));
}

static int moved_on(struct sink *s)
{
	struct out *o = of(s);

	if (!o->over && sent(o, bare(o, W_MOVED_ON)))
		return -1;
	o->over = true;
	return -1;
}

static int working(struct sink *s)
{
	struct out *o = of(s);

	if (o->over)
		return -1;
	if (clock_ms() - o->left_ms <= BEAT_MS)
		return 0;
	return sent(o, bare(o, W_BEAT));
}

/* The parent learns what is about to be parsed, when that matters. */
static int tell_try(struct out *o, const char *raw, uint64_t uid)
{
	size_t at = wire_begin(&o->b, W_TRY);

	wire_u64(&o->b, uid);
	if (wire_text(&o->b, raw))
		return -1;
	return sent(o, wire_end(&o->b, at));
}

static bool is_poison(struct sink *s, const char *raw, uint64_t uid)
{
	char *copy CLEANUP(free_p) = NULL;
	const char *name = clean(raw, &copy);
	struct out *o = of(s);

	if (!name || o->over)
		return false;
	if (request_poison(o->q, name, uid))
		return true;
	if (o->q->flags & W_CAREFUL)
		(void)tell_try(o, name, uid);
	return false;
}

void out_begin(struct out *o, const struct request *q, int fd)
{
	const struct sink s = { .names_only = q->flags & W_NAMES_ONLY,
		                .bodies = q->flags & W_BODIES,
		                .items = q->flags & W_ITEMS,
		                .unpack = q->flags & W_UNPACK,
		                .folder = folder,
		                .begin = begin,
		                .data = data,
		                .about = about,
		                .end = end,
		                .other = other,
		                .wanted = wanted,
		                .wanted_file = wanted_file,
		                .moved_on = moved_on,
		                .working = working,
		                .is_poison = is_poison };

	memset(o, 0, sizeof(*o));
	o->s = s;
	o->q = q;
	o->fd = fd;
	o->left_ms = clock_ms();
	o->needle = needle_of_environment();
}

int out_done(struct out *o)
{
	o->over = false;
	return sent(o, bare(o, W_DONE)) || leave(o) ? -1 : 0;
}

void out_release(struct out *o)
{
	buf_release(&o->b);
	buf_release(&o->tail);
	free(o->raw);
	free(o->file_want);
}
