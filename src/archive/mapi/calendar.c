/* SPDX-License-Identifier: Apache-2.0 */
/* calendar.c - appointments as VEVENT; see item.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/calendar_int.h"
#include "archive/mapi/item.h"

#define PID_IMPORTANCE 0x0017
#define PID_SENSITIVITY 0x0036
#define PID_SUBMITTED 0x0039
#define PID_CREATED 0x3007
#define PID_CHANGED 0x3008

/* Of PSETID_Appointment. */
#define LID_LABEL 0x8214
#define LID_ANSWER 0x8218
#define LID_REPLACES 0x8228
#define LID_PATTERN 0x8232
#define LID_PROPOSED_START 0x8250
#define LID_PROPOSED_END 0x8251
#define LID_COUNTER 0x8257
/* Of PSETID_Meeting. */
#define LID_ORIGIN_CHANGE 0x001a

#define ALARM_UNSET 0x5ae980e1
#define ALARM_USUAL 15
/* Of a text that stands in the mail around it as well. */
#define IN_MAIL_MOST (64u << 10)

/* --- parts that tasks have too ------------------------------------------- */

void calendar_head(struct lines *l, const char *method)
{
	lines_whole(l, "BEGIN:VCALENDAR");
	lines_whole(l, "VERSION:2.0");
	lines_whole(l, "PRODID:-//mailhaul//" MAILHAUL_VERSION "//EN");
	lines_whole(l, "CALSCALE:GREGORIAN");
	lines_field(l, "METHOD", method);
}

static void stamp(struct lines *l, const char *name, struct mail_date d)
{
	if (!d.known)
		return;
	lines_raw(l, name);
	zone_stamp(l, d.sec);
	lines_end(l);
}

struct mail_date calendar_changed(struct mapi *o)
{
	static const uint16_t ids[] = { PID_CHANGED, PID_CREATED,
		                        PID_SUBMITTED };
	struct mail_date d = item_date(o, MAPI_PS_MEETING, LID_ORIGIN_CHANGE);

	for (size_t i = 0; !d.known && i < sizeof(ids) / sizeof(ids[0]); i++)
		d = mapi_date(o, ids[i]);
	/* RFC 5545 wants one: the epoch is no lie about when. */
	d.known = true;
	return d;
}

void calendar_stamps(struct lines *l, struct mapi *o, struct mail_date d)
{
	stamp(l, "DTSTAMP", d);
	stamp(l, "CREATED", mapi_date(o, PID_CREATED));
	stamp(l, "LAST-MODIFIED", mapi_date(o, PID_CHANGED));
}

void calendar_rank(struct lines *l, struct mapi *o)
{
	static const char *const classes[] = { "PUBLIC", "PRIVATE", "PRIVATE",
		                               "CONFIDENTIAL" };
	int64_t secret = mapi_number(o, PID_SENSITIVITY, 0);
	int64_t weight = mapi_number(o, PID_IMPORTANCE, 1);

	if (secret > 0 && secret < 4)
		lines_field(l, "CLASS", classes[secret]);
	if (weight == 0 || weight == 2)
		lines_whole(l, weight ? "PRIORITY:1" : "PRIORITY:9");
	item_categories(l, "CATEGORIES", o);
}

void calendar_alarm(struct lines *l, int64_t minutes, const char *text)
{
	if (minutes < 0 || minutes == ALARM_UNSET || minutes > INT32_MAX)
		minutes = ALARM_USUAL;
	lines_whole(l, "BEGIN:VALARM");
	lines_whole(l, "ACTION:DISPLAY");
	lines_field(l, "DESCRIPTION", text && *text ? text : "Reminder");
	lines_fmt(l, "TRIGGER:-PT%lldM", (long long)minutes);
	lines_end(l);
	lines_whole(l, "END:VALARM");
}

/* --- an event ------------------------------------------------------------ */

void event_busy(struct lines *l, int64_t how, bool cancelled)
{
	static const char *const words[] = { "FREE", "TENTATIVE", "BUSY", "OOF",
		                             "WORKINGELSEWHERE" };

	lines_whole(l, how == 0 || how == 4 ? "TRANSP:TRANSPARENT"
	                                    : "TRANSP:OPAQUE");
	if (how >= 0 && how < 5)
		lines_field(l, "X-MICROSOFT-CDO-BUSYSTATUS", words[how]);
	if (cancelled)
		lines_whole(l, "STATUS:CANCELLED");
	else
		lines_whole(l,
		            how == 1 ? "STATUS:TENTATIVE" : "STATUS:CONFIRMED");
}

/* The times that somebody would rather have. */
static void proposal(struct note *n, struct mapi *o)
{
	struct mail_date at[] = {
		item_date(o, MAPI_PS_APPOINTMENT, LID_PROPOSED_START),
		item_date(o, MAPI_PS_APPOINTMENT, LID_PROPOSED_END)
	};

	if (!item_number(o, MAPI_PS_APPOINTMENT, LID_COUNTER, 0))
		return;
	for (size_t i = 0; i < 2; i++) {
		char *s CLEANUP(free_p) = item_when(at[i]);

		note_said(n, i ? "Proposed end" : "Proposed start", s);
	}
}

/* The coloured labels of Outlook before 2007, and what was answered: which of
 * the attendees the mailbox is, an appointment does not say. */
static void marks(struct note *n, struct mapi *o)
{
	static const char *const labels[] = { NULL,
		                              "Important",
		                              "Business",
		                              "Personal",
		                              "Vacation",
		                              "Must attend",
		                              "Travel required",
		                              "Needs preparation",
		                              "Birthday",
		                              "Anniversary",
		                              "Phone call" };
	static const char *const answers[] = { NULL, NULL, "tentative",
		                               "accepted", "declined" };
	uint64_t label =
	        (uint64_t)item_number(o, MAPI_PS_APPOINTMENT, LID_LABEL, 0);
	uint64_t answer =
	        (uint64_t)item_number(o, MAPI_PS_APPOINTMENT, LID_ANSWER, 0);

	if (label < sizeof(labels) / sizeof(labels[0]))
		note_said(n, "Label", labels[label]);
	if (answer < sizeof(answers) / sizeof(answers[0]))
		note_said(n, "Own answer", answers[answer]);
}

/* What no field tells. */
static void unsaid(struct note *n, const struct event *e)
{
	char *words CLEANUP(free_p) = NULL;

	if (e->untold || e->rec.damaged)
		words = item_text(e->o, MAPI_PS_APPOINTMENT, LID_PATTERN);
	if (e->untold)
		note_line(n, "(This repeats in a way that this file can't "
		             "tell. Only its first time is here.)");
	if (e->rec.damaged)
		note_line(n, "(Some of the times that differ could not be "
		             "read.)");
	note_said(n, "Repeats", words);
	proposal(n, e->o);
	if (!e->file)
		return;
	marks(n, e->o);
	item_fields(n, e->o);
	item_attached(n, e->o, false, ITEM_NONE);
}

void event_text(struct lines *l, const struct event *e)
{
	struct mapi *o = e->o;
	struct note n;

	note_begin(&n, l, "DESCRIPTION:");
	n.most = e->file ? 0 : IN_MAIL_MOST;
	note_body(&n, o);
	unsaid(&n, e);
	note_end(&n);
}

/* What all instances have. */
void event_common(struct lines *l, const struct event *e)
{
	lines_field(l, "UID", e->uid);
	calendar_stamps(l, e->o, e->stamp);
	if (e->sequence > 0) {
		lines_fmt(l, "SEQUENCE:%lld", (long long)e->sequence);
		lines_end(l);
	}
}

void event_people(struct lines *l, const struct event *e)
{
	calendar_people(l, e);
	calendar_rank(l, e->o);
}

static void repeats(struct lines *l, const struct event *e)
{
	recurrence_rule(&e->rec, l, &e->zone, e->start, e->all_day);
	for (size_t i = 0; i < e->rec.deleted_n && !l->failed; i++)
		event_time(e, l, "EXDATE",
		           e->rec.deleted[i] +
		                   (e->all_day ? 0 : e->rec.start_of_day));
}

/* One changed instance that came alone. */
static void replaces(struct lines *l, const struct event *e)
{
	struct mail_date d = item_date(e->o, MAPI_PS_APPOINTMENT, LID_REPLACES);

	if (!d.known || e->recurs)
		return;
	event_time(e, l, "RECURRENCE-ID", zone_local(&e->zone, d.sec));
}

static void master(struct lines *l, const struct event *e)
{
	lines_whole(l, "BEGIN:VEVENT");
	event_common(l, e);
	event_people(l, e);
	event_time(e, l, "DTSTART", e->start);
	if (e->end > e->start)
		event_time(e, l, "DTEND", e->end);
	if (e->recurs && !e->untold)
		repeats(l, e);
	replaces(l, e);
	lines_field(l, "SUMMARY", e->subject);
	lines_field(l, "LOCATION", e->place);
	event_text(l, e);
	event_busy(l, e->busy, e->cancelled);
	if (e->file)
		item_attach(l, e->o, "ATTACH;ENCODING=BASE64;VALUE=BINARY",
		            ITEM_NONE);
	if (e->alarm)
		calendar_alarm(l, e->minutes, e->subject);
	lines_whole(l, "END:VEVENT");
}

/* --- a calendar ---------------------------------------------------------- */

/* What has no time can't be an event: RFC 5545 has another word for it. */
static void timeless(struct lines *l, const struct event *e)
{
	lines_whole(l, "BEGIN:VJOURNAL");
	event_common(l, e);
	event_people(l, e);
	lines_field(l, "SUMMARY", e->subject);
	event_text(l, e);
	item_attach(l, e->o, "ATTACH;ENCODING=BASE64;VALUE=BINARY", ITEM_NONE);
	lines_whole(l, "END:VJOURNAL");
}

static int calendar(struct lines *l, const struct event *e)
{
	int r = 0;

	calendar_head(l, e->method);
	if (e->timed && (!e->all_day || e->rec.n))
		zone_write(&e->zone, l);
	if (e->timed) {
		master(l, e);
		r = event_exceptions(l, e);
	} else {
		timeless(l, e);
	}
	lines_whole(l, "END:VCALENDAR");
	return lines_done(l) || r ? -1 : 0;
}

int calendar_file(struct mapi *o, struct mapi_out *out)
{
	struct event e CLEANUP(event_release) = { 0 };
	struct lines l;

	lines_begin(&l, out, true);
	if (event_read(&e, o, NULL))
		return -1;
	e.file = true;
	return calendar(&l, &e);
}

static int into_buf(struct mapi_out *out, const void *p, size_t n)
{
	return buf_add(out->arg, p, n);
}

int calendar_write(struct mapi *o, const char *method, struct buf *out)
{
	struct event e CLEANUP(event_release) = { 0 };
	struct mapi_out to = { into_buf, out };
	struct lines l;

	lines_begin(&l, &to, true);
	if (event_read(&e, o, method))
		return -1;
	return e.timed ? calendar(&l, &e) : 1;
}

const char *calendar_method(const char *message_class)
{
	static const struct {
		const char *class, *method;
	} known[] = { { "Request", "REQUEST" },
		      { "Canceled", "CANCEL" },
		      { "Resp", "REPLY" } };
	static const char start[] = "IPM.Schedule.Meeting.";
	const char *rest = message_class + sizeof(start) - 1;

	if (strncasecmp(message_class, start, sizeof(start) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].class);

		if (strncasecmp(rest, known[i].class, n) == 0 &&
		    (rest[n] == '\0' || rest[n] == '.'))
			return known[i].method;
	}
	return NULL;
}
