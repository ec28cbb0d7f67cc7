/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calendar_exception.c - the changed instances of what repeats, each an event
 * of its own; see calendar_int.h.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/calendar_int.h"
#include "util/buf.h"

#define PID_METHOD 0x3705
#define PID_REPLACES 0x7ff9 /* of an exception's attachment */
#define LID_REPLACES 0x8228 /* of the message in it */
#define METHOD_MESSAGE 5
#define MEETING_CANCELLED 4 /* of PidLidAppointmentStateFlags */

/* Text and people are told again with each of them: of so many octets, and
 * until the whole has so many. */
#define AGAIN_EACH (256u << 10)
#define AGAIN_MOST (8u << 20)

/* The changed instances that are attachments, to be found by the start that
 * they replace. */
struct changed {
	int64_t original;
	size_t attachment;
	bool told;
};

static int by_original(const void *a, const void *b)
{
	const struct changed *x = a, *y = b;

	return (x->original > y->original) - (x->original < y->original);
}

/* The message in it tells that in UTC; the attachment, as some versions of
 * Outlook write it, on the clocks of the PC. */
static struct mail_date replaced(struct mapi *a)
{
	struct mapi *m CLEANUP(mapi_close) = NULL;
	struct mail_date d = { 0 };

	if (a->ops->embedded)
		m = a->ops->embedded(a);
	if (m)
		d = item_date(m, MAPI_PS_APPOINTMENT, LID_REPLACES);
	return d.known ? d : mapi_date(a, PID_REPLACES);
}

static struct changed *changed_all(const struct event *e, size_t *n)
{
	struct mapi *o = e->o;
	size_t count = o->ops->attachments ? o->ops->attachments(o) : 0;
	struct changed *v = calloc(count + 1, sizeof(*v));

	*n = 0;
	for (size_t i = 0; v && i < count; i++) {
		struct mapi *a CLEANUP(mapi_close) = o->ops->attachment(o, i);
		struct mail_date d = { 0 };

		if (a && mapi_number(a, PID_METHOD, 0) == METHOD_MESSAGE)
			d = replaced(a);
		if (!d.known)
			continue;
		v[*n].attachment = i;
		v[(*n)++].original = zone_local(&e->zone, d.sec);
	}
	if (v && *n)
		qsort(v, *n, sizeof(*v), by_original);
	return v;
}

/* What each of them has from the first, and their own. */
struct again {
	struct buf people, text; /* lines */
	bool same;               /* text is all there was */
	struct changed *v;
	size_t n;
};

static int into_buf(struct mapi_out *out, const void *p, size_t n)
{
	return buf_add(out->arg, p, n);
}

static void again_release(struct again *a)
{
	buf_release(&a->people);
	buf_release(&a->text);
	free(a->v);
}

/* False: that is too long. */
static bool render(struct buf *b, const struct event *e,
                   void (*what)(struct lines *l, const struct event *e))
{
	struct mapi_out to = { into_buf, b };
	struct lines l;

	lines_begin(&l, &to, true);
	what(&l, e);
	if (lines_done(&l) == 0)
		return true;
	buf_clear(b);
	return false;
}

static void own_text(struct lines *l, struct mapi *m)
{
	struct note n;

	note_begin(&n, l, "DESCRIPTION:");
	if (m)
		note_body(&n, m);
	else
		note_line(&n, "(The text of this one could not be read.)");
	note_end(&n);
}

static void same_text(struct lines *l, const struct again *a)
{
	if (a->same && (a->text.n == 0 || l->total < AGAIN_MOST))
		lines_copy(l, a->text.p, a->text.n);
	else
		lines_whole(l, "COMMENT:(The text is that of the first.)");
}

static void own_files(struct lines *l, struct mapi *m)
{
	struct note n;

	note_begin(&n, l, "COMMENT:");
	item_attached(&n, m, false, ITEM_NONE);
	note_end(&n);
	item_attach(l, m, "ATTACH;ENCODING=BASE64;VALUE=BINARY", ITEM_NONE);
}

/* The attachment of one that has people, a text or files of its own: told
 * once, however often it is named. */
static struct mapi *own_part(const struct event *e,
                             const struct recurrence_exception *x,
                             struct again *a)
{
	struct changed key = { .original = x->original };
	struct changed *c = NULL;

	if (a->n)
		c = bsearch(&key, a->v, a->n, sizeof(key), by_original);
	if (!c || c->told)
		return NULL;
	c->told = true;
	return e->o->ops->attachment(e->o, c->attachment);
}

/* Who is asked to this one. */
static void own_people(struct lines *l, const struct event *e, struct mapi *m,
                       const struct again *a)
{
	struct event own = *e;

	own.o = m;
	if (m && m->ops->recipients(m))
		event_people(l, &own);
	else if (l->total < AGAIN_MOST)
		lines_copy(l, a->people.p, a->people.n);
}

/* What to call it and where it is: its own, or as the first. */
static const char *words(const struct lines *l, bool has, const char *own,
                         const char *first)
{
	if (has)
		return own;
	return l->total < AGAIN_MOST ? first : NULL;
}

static void exception(struct lines *l, const struct event *e,
                      const struct recurrence_exception *x, struct again *a)
{
	struct mapi *part CLEANUP(mapi_close) = own_part(e, x, a);
	struct mapi *m CLEANUP(mapi_close) = NULL;
	const char *subject =
	        words(l, x->has & OVERRIDE_SUBJECT, x->subject, e->subject);
	const char *place =
	        words(l, x->has & OVERRIDE_LOCATION, x->location, e->place);
	struct event one = *e;

	if (part && part->ops->embedded)
		m = part->ops->embedded(part);
	if (x->has & OVERRIDE_SUBTYPE)
		one.all_day = x->all_day != 0;
	lines_whole(l, "BEGIN:VEVENT");
	event_common(l, e);
	own_people(l, e, m, a);
	event_time(e, l, "RECURRENCE-ID", x->original);
	event_time(&one, l, "DTSTART", x->start);
	if (x->end > x->start)
		event_time(&one, l, "DTEND", x->end);
	lines_field(l, "SUMMARY", subject);
	lines_field(l, "LOCATION", place);
	if (part && x->has & OVERRIDE_BODY)
		own_text(l, m);
	else
		same_text(l, a);
	if (m && e->file)
		own_files(l, m);
	event_busy(l, x->has & OVERRIDE_BUSY ? x->busy : e->busy,
	           e->cancelled || x->meeting & MEETING_CANCELLED);
	if (x->has & OVERRIDE_REMINDER ? x->reminder != 0 : e->alarm)
		calendar_alarm(l,
		               x->has & OVERRIDE_DELTA ? x->delta : e->minutes,
		               subject);
	lines_whole(l, "END:VEVENT");
}

int event_exceptions(struct lines *l, const struct event *e)
{
	struct again a CLEANUP(again_release) = {
		.people = BUF_INIT(AGAIN_EACH), .text = BUF_INIT(AGAIN_EACH)
	};

	if (!e->recurs || e->untold || e->rec.n == 0)
		return 0;
	a.v = changed_all(e, &a.n);
	if (!a.v)
		return -1;
	(void)render(&a.people, e, event_people);
	a.same = render(&a.text, e, event_text);
	for (size_t i = 0; i < e->rec.n && !l->failed; i++)
		exception(l, e, &e->rec.v[i], &a);
	return 0;
}
