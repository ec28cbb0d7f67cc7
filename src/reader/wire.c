/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - see wire.h. */
#include "reader/wire.h"

#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"

#define NO_TEXT UINT32_MAX
#define U64_OCTETS 8
#define U32_OCTETS 4
#define UID_MOST (UINT64_MAX >> 1)
#define FLAGS (MAIL_FLAGS_KEPT | MAIL_DELETED | MAIL_WHOLE)

static void put(unsigned char *p, uint64_t v, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t get(const unsigned char *p, unsigned octets)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < octets; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

size_t wire_begin(struct buf *b, enum wire_type type)
{
	unsigned char head[WIRE_HEAD] = { (unsigned char)type };
	size_t at = b->n;

	buf_add(b, head, sizeof(head));
	return at;
}

int wire_u64(struct buf *b, uint64_t v)
{
	unsigned char p[U64_OCTETS];

	put(p, v, U64_OCTETS);
	return buf_add(b, p, sizeof(p));
}

int wire_text(struct buf *b, const char *s)
{
	size_t n = s ? strlen(s) : NO_TEXT;
	unsigned char p[U32_OCTETS];

	put(p, n, U32_OCTETS);
	return buf_add(b, p, sizeof(p)) || (s && buf_add(b, s, n)) ? -1 : 0;
}

int wire_end(struct buf *b, size_t at)
{
	if (b->full || !b->p || b->n < at + WIRE_HEAD)
		return -1;
	put((unsigned char *)b->p + at + 1, b->n - at - WIRE_HEAD, U32_OCTETS);
	return 0;
}

size_t wire_next(const void *p, size_t n, struct wire *rec)
{
	const unsigned char *head = p;
	uint64_t octets;

	memset(rec, 0, sizeof(*rec));
	if (n < WIRE_HEAD)
		return 0;
	octets = get(head + 1, U32_OCTETS);
	rec->bad = octets > WIRE_MOST;
	if (rec->bad || octets > n - WIRE_HEAD)
		return 0;
	rec->type = head[0];
	rec->p = head + WIRE_HEAD;
	rec->n = (size_t)octets;
	return WIRE_HEAD + rec->n;
}

static uint64_t take(struct wire *rec, unsigned octets)
{
	uint64_t v;

	if (rec->bad || rec->n < octets) {
		rec->bad = true;
		return 0;
	}
	v = get(rec->p, octets);
	rec->p += octets;
	rec->n -= octets;
	return v;
}

uint64_t wire_take_u64(struct wire *rec)
{
	return take(rec, U64_OCTETS);
}

char *wire_take_text(struct wire *rec)
{
	uint64_t n = take(rec, U32_OCTETS);
	char *s;

	if (rec->bad || n == NO_TEXT)
		return NULL;
	rec->bad = n > WIRE_TEXT_MOST || n > rec->n;
	s = rec->bad ? NULL : strndup((const char *)rec->p, (size_t)n);
	if (!s || utf8_good(s) != n) {
		rec->bad = true;
		free(s);
		return NULL;
	}
	rec->p += n;
	rec->n -= (size_t)n;
	return s;
}

bool wire_done(const struct wire *rec)
{
	return !rec->bad && rec->n == 0;
}

/* --- records ------------------------------------------------------------- */

bool wire_uid(uint64_t uid)
{
	return uid > 0 && uid <= UID_MOST;
}

/* A number that must not be above most. */
static uint64_t at_most(struct wire *rec, uint64_t most)
{
	uint64_t v = wire_take_u64(rec);

	rec->bad |= v > most;
	return rec->bad ? 0 : v;
}

/* A text that must be there. */
static char *needed(struct wire *rec)
{
	char *s = wire_take_text(rec);

	rec->bad |= s == NULL;
	return s;
}

int wire_hello(struct wire *rec, struct wire_hello *out)
{
	out->landlock = (unsigned)at_most(rec, UINT16_MAX);
	out->seccomp = at_most(rec, 1);
	out->folder = at_most(rec, 1);
	out->kind = (unsigned)at_most(rec, UINT8_MAX);
	return rec->type == W_HELLO && wire_done(rec) ? 0 : -1;
}

int wire_put_folder(struct buf *b, const struct wire_folder *f)
{
	size_t at = wire_begin(b, W_FOLDER);

	wire_u64(b, f->use);
	wire_u64(b, f->shared);
	wire_u64(b, f->uidvalidity);
	wire_u64(b, f->state);
	if (wire_text(b, f->raw) || wire_text(b, f->path))
		return -1;
	return wire_end(b, at);
}

int wire_folder(struct wire *rec, struct wire_folder *out)
{
	out->use = (enum mail_use)at_most(rec, USE_COUNT - 1);
	out->shared = at_most(rec, 1);
	out->uidvalidity = (uint32_t)at_most(rec, UINT32_MAX);
	out->state = wire_take_u64(rec);
	out->raw = needed(rec);
	out->path = needed(rec);
	if (rec->type == W_FOLDER && wire_done(rec) && out->uidvalidity)
		return 0;
	wire_folder_release(out);
	return -1;
}

void wire_folder_release(struct wire_folder *f)
{
	free(f->raw);
	free(f->path);
	memset(f, 0, sizeof(*f));
}

/* Years 1 to 9999, as INTERNALDATE can say them. */
#define DATE_BIAS INT64_C(62135596800)
#define DATE_MOST INT64_C(253402300799)
#define ZONE_BIAS (24 * 60)

static bool date_fits(const struct mail_date *d)
{
	return d->known && d->sec >= -DATE_BIAS && d->sec <= DATE_MOST &&
	       d->zone_min >= -ZONE_BIAS && d->zone_min <= ZONE_BIAS;
}

static void put_date(struct buf *b, const struct mail_date *d)
{
	bool known = date_fits(d);

	wire_u64(b, known);
	wire_u64(b, known ? (uint64_t)(d->sec + DATE_BIAS) : DATE_BIAS);
	wire_u64(b, known ? (uint64_t)(d->zone_min + ZONE_BIAS) : ZONE_BIAS);
}

static void take_date(struct wire *rec, struct mail_date *d)
{
	d->known = at_most(rec, 1);
	d->sec = (int64_t)at_most(rec, DATE_MOST + DATE_BIAS) - DATE_BIAS;
	d->zone_min = (int)at_most(rec, 2 * ZONE_BIAS) - ZONE_BIAS;
}

int wire_put_item(struct buf *b, const struct wire_item *it)
{
	size_t at = wire_begin(b, W_BEGIN);

	wire_u64(b, it->uid);
	wire_u64(b, it->size);
	wire_u64(b, it->flags & FLAGS);
	put_date(b, &it->date);
	if (wire_text(b, it->key) || wire_text(b, it->keywords))
		return -1;
	return wire_end(b, at);
}

int wire_item(struct wire *rec, struct wire_item *out)
{
	out->uid = wire_take_u64(rec);
	out->size = at_most(rec, UINT64_MAX >> 1);
	out->flags = (unsigned)at_most(rec, FLAGS);
	take_date(rec, &out->date);
	out->key = wire_take_text(rec);
	out->keywords = wire_take_text(rec);
	if (rec->type == W_BEGIN && wire_done(rec) && wire_uid(out->uid))
		return 0;
	wire_item_release(out);
	return -1;
}

void wire_item_release(struct wire_item *it)
{
	free(it->key);
	free(it->keywords);
	memset(it, 0, sizeof(*it));
}

int wire_item_end(struct wire *rec, uint64_t *size, char **hole)
{
	*size = at_most(rec, UINT64_MAX >> 1);
	*hole = wire_take_text(rec);
	if (rec->type == W_END && wire_done(rec))
		return 0;
	free(*hole);
	*hole = NULL;
	return -1;
}

int wire_about(struct wire *rec, enum mail_made *made, char **note)
{
	*made = (enum mail_made)at_most(rec, MADE_IN_PART);
	*note = wire_take_text(rec);
	if (rec->type == W_ABOUT && wire_done(rec))
		return 0;
	free(*note);
	*note = NULL;
	return -1;
}

static int two_texts(struct wire *rec, char **a, char **b)
{
	*a = needed(rec);
	*b = needed(rec);
	if (wire_done(rec))
		return 0;
	free(*a);
	free(*b);
	*a = *b = NULL;
	return -1;
}

int wire_other(struct wire *rec, char **name, char **what)
{
	rec->bad |= rec->type != W_OTHER;
	return two_texts(rec, name, what);
}

int wire_try(struct wire *rec, char **raw, uint64_t *uid)
{
	*uid = wire_take_u64(rec);
	*raw = needed(rec);
	if (rec->type == W_TRY && wire_done(rec) && wire_uid(*uid))
		return 0;
	free(*raw);
	*raw = NULL;
	return -1;
}
