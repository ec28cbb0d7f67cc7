/* SPDX-License-Identifier: Apache-2.0 */
/* recurrence.c - see recurrence.h. */
#include "archive/mapi/recurrence.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mapi/text.h"
#include "util/buf.h"

/* Minutes since 1601. */
#define FROM_1601 INT64_C(11644473600)

/* What is left of the blob; short: it ended too early, all that is read then
 * is 0. */
struct rest {
	const unsigned char *p;
	size_t n;
	bool ended;
};

static const unsigned char *take(struct rest *r, size_t n)
{
	const unsigned char *p = r->p;

	if (n > r->n) {
		r->ended = true;
		r->n = 0;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

static unsigned take16(struct rest *r)
{
	const unsigned char *p = take(r, 2);

	return p ? p[0] | (unsigned)p[1] << 8 : 0;
}

static uint32_t take32(struct rest *r)
{
	const unsigned char *p = take(r, 4);

	return p ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	                       (uint32_t)p[3] << 24
	         : 0;
}

static int64_t take_time(struct rest *r)
{
	return take32(r) * INT64_C(60) - FROM_1601;
}

/* --- the pattern --------------------------------------------------------- */

static void pattern(struct recurrence *r, struct rest *in)
{
	(void)take32(in); /* versions of reader and writer */
	r->frequency = take16(in);
	r->pattern = take16(in);
	r->calendar = take16(in);
	(void)take32(in); /* FirstDateTime */
	r->period = take32(in);
	r->sliding = take32(in) != 0;
	switch (r->pattern) {
	case 0x0:
		break;
	case 0x1:
		r->days = take32(in);
		break;
	case 0x3:
	case 0xb:
		r->days = take32(in);
		r->nth = take32(in);
		break;
	default:
		r->nth = take32(in);
	}
	r->ends = take32(in);
	r->count = take32(in);
	r->first_weekday = take32(in);
}

/* A list of days: no more than there are octets. */
static int days(struct rest *in, int64_t **out, size_t *out_n)
{
	size_t n = take32(in);

	if (n > in->n / 4) {
		in->ended = true;
		return 0;
	}
	if (n == 0 || !out)
		return take(in, n * 4) ? 0 : -1;
	*out = calloc(n, sizeof(**out));
	if (!*out)
		return -1;
	for (size_t i = 0; i < n; i++)
		(*out)[i] = take_time(in);
	*out_n = n;
	return 0;
}

/* --- exceptions ---------------------------------------------------------- */

/* A text of the given octets. */
static char *text(struct rest *in, size_t n, unsigned codepage)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	const unsigned char *p = take(in, n);

	if (!p || text_add(&out, codepage, p, n) || out.n == 0)
		return NULL;
	return buf_take(&out);
}

static char *text8(struct rest *in, unsigned codepage)
{
	(void)take16(in); /* its length with a NUL that is not there */
	return text(in, take16(in), codepage);
}

static void exception(struct recurrence_exception *e, struct rest *in,
                      unsigned codepage)
{
	e->start = take_time(in);
	e->end = take_time(in);
	e->original = take_time(in);
	e->has = take16(in);
	if (e->has & OVERRIDE_SUBJECT)
		e->subject = text8(in, codepage);
	if (e->has & OVERRIDE_MEETING)
		e->meeting = take32(in);
	if (e->has & OVERRIDE_DELTA)
		e->delta = take32(in);
	if (e->has & OVERRIDE_REMINDER)
		e->reminder = take32(in);
	if (e->has & OVERRIDE_LOCATION)
		e->location = text8(in, codepage);
	if (e->has & OVERRIDE_BUSY)
		e->busy = take32(in);
	if (e->has & OVERRIDE_ATTACHMENT)
		(void)take32(in);
	if (e->has & OVERRIDE_SUBTYPE)
		e->all_day = take32(in);
	if (e->has & OVERRIDE_COLOUR)
		(void)take32(in);
}

static void wide(struct rest *in, char **out)
{
	char *s = text(in, take16(in) * (size_t)2, CODEPAGE_UTF16);

	if (!s)
		return;
	free(*out);
	*out = s;
}

/* ExtendedException: the texts again, as UTF-16. */
static void extended(struct recurrence_exception *e, struct rest *in,
                     uint32_t writer)
{
	unsigned texts = e->has & (OVERRIDE_SUBJECT | OVERRIDE_LOCATION);

	if (writer >= 0x3009)
		(void)take(in, take32(in));
	(void)take(in, take32(in));
	if (!texts || in->ended)
		return;
	(void)take(in, 12); /* the three times again */
	if (texts & OVERRIDE_SUBJECT)
		wide(in, &e->subject);
	if (texts & OVERRIDE_LOCATION)
		wide(in, &e->location);
	(void)take(in, take32(in));
}

/* The least that an exception takes. */
#define EXCEPTION_OCTETS 14u

static int exceptions(struct recurrence *r, struct rest *in, unsigned codepage)
{
	uint32_t writer;
	size_t n;

	(void)take32(in);
	writer = take32(in);
	r->start_of_day = take32(in) * INT64_C(60);
	r->end_of_day = take32(in) * INT64_C(60);
	n = take16(in);
	if (in->ended || n > in->n / EXCEPTION_OCTETS) {
		r->damaged = true;
		return 0;
	}
	if (n == 0)
		return 0;
	r->v = calloc(n, sizeof(*r->v));
	if (!r->v)
		return -1;
	while (r->n < n && !in->ended)
		exception(&r->v[r->n++], in, codepage);
	r->damaged = in->ended;
	(void)take(in, take32(in));
	for (size_t i = 0; i < r->n && !in->ended; i++)
		extended(&r->v[i], in, writer);
	return 0;
}

/* --- all of it ----------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t day_of(int64_t t)
{
	int64_t rest = t % DAY_SECONDS;

	return t - (rest < 0 ? rest + DAY_SECONDS : rest);
}

/* Days that are deleted only because they are an exception somewhere are no
 * deletions. */
static int without_exceptions(struct recurrence *r)
{
	int64_t *moved CLEANUP(free_p) = calloc(r->n + 1, sizeof(*moved));
	size_t kept = 0;

	if (!moved)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		moved[i] = day_of(r->v[i].original);
	qsort(moved, r->n, sizeof(*moved), by_time);
	if (r->deleted_n)
		qsort(r->deleted, r->deleted_n, sizeof(*moved), by_time);
	for (size_t i = 0; i < r->deleted_n; i++) {
		int64_t d = day_of(r->deleted[i]);

		if (!bsearch(&d, moved, r->n, sizeof(*moved), by_time))
			r->deleted[kept++] = d;
	}
	r->deleted_n = kept;
	return 0;
}

int recurrence_read(struct recurrence *r, const unsigned char *p, size_t n,
                    bool appointment, unsigned codepage)
{
	struct rest in = { p, n, false };

	memset(r, 0, sizeof(*r));
	pattern(r, &in);
	if (days(&in, &r->deleted, &r->deleted_n) || days(&in, NULL, NULL))
		return -1;
	r->first_day = take_time(&in);
	r->last_day = take_time(&in);
	if (in.ended || r->frequency < 0x200a || r->frequency > 0x200d ||
	    (appointment && exceptions(r, &in, codepage)) ||
	    without_exceptions(r)) {
		recurrence_release(r);
		return -1;
	}
	return 0;
}

void recurrence_release(struct recurrence *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].subject);
		free(r->v[i].location);
	}
	free(r->v);
	free(r->deleted);
	memset(r, 0, sizeof(*r));
}
