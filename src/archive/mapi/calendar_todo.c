/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_todo.c - tasks as VTODO; see calendar_int.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/calendar_int.h"
#include "util/buf.h"

/* Of PSETID_Task ([MS-OXOTASK] 2.2.2). */
#define LID_STATUS 0x8101
#define LID_PERCENT 0x8102
#define LID_START 0x8104
#define LID_DUE 0x8105
#define LID_DEAD 0x8109
#define LID_COMPLETED 0x810f
#define LID_ACTUAL 0x8110
#define LID_ESTIMATED 0x8111
#define LID_RECUR 0x8116
#define LID_COMPLETE 0x811c
#define LID_OWNER 0x811f
#define LID_ASSIGNER 0x8121
/* Of PSETID_Common. */
#define LID_ALARM_TIME 0x8502
#define LID_ALARM 0x8503

#define STATUS_DONE 2

/* Days are told as their midnights, without a zone. */
static void day(struct lines *l, const char *name, struct mail_date d)
{
	static const struct zone none = { 0 };

	if (!d.known)
		return;
	lines_raw(l, name);
	zone_time(&none, l, civil_nearest_day(d.sec), true);
	lines_end(l);
}

static void status(struct lines *l, struct mapi *o)
{
	static const char *const words[] = { "NEEDS-ACTION", "IN-PROCESS",
		                             "COMPLETED", "IN-PROCESS",
		                             "NEEDS-ACTION" };
	struct mail_date done = item_date(o, MAPI_PS_TASK, LID_COMPLETED);
	int64_t how = item_number(o, MAPI_PS_TASK, LID_STATUS, 0);
	struct mapi_value v;

	if (item_number(o, MAPI_PS_TASK, LID_COMPLETE, 0))
		how = STATUS_DONE;
	if (how >= 0 && how < 5)
		lines_field(l, "STATUS", words[how]);
	if (how == STATUS_DONE && done.known) {
		lines_raw(l, "COMPLETED");
		zone_stamp(l, done.sec);
		lines_end(l);
	}
	if (mapi_get(o, mapi_lid(o, MAPI_PS_TASK, LID_PERCENT), &v) == 1 &&
	    v.type == MAPI_DOUBLE && v.real >= 0 && v.real <= 1) {
		lines_fmt(l, "PERCENT-COMPLETE:%d", (int)(v.real * 100 + 0.5));
		lines_end(l);
	}
}

static void hours(struct note *n, const char *what, int64_t minutes)
{
	struct buf s CLEANUP(buf_release_p) = BUF_INIT(0);

	if (minutes > 0 && buf_fmt(&s, "%lld min", (long long)minutes) == 0)
		note_said(n, what, s.p);
}

static void description(struct lines *l, struct mapi *o, bool untold)
{
	char *owner CLEANUP(free_p) = item_text(o, MAPI_PS_TASK, LID_OWNER);
	char *from CLEANUP(free_p) = item_text(o, MAPI_PS_TASK, LID_ASSIGNER);
	int64_t how = item_number(o, MAPI_PS_TASK, LID_STATUS, 0);
	struct note n;

	note_begin(&n, l, "DESCRIPTION:");
	note_body(&n, o);
	if (how == 3 || how == 4)
		note_line(&n, how == 3 ? "(Waiting on someone else.)"
		                       : "(Deferred.)");
	note_said(&n, "Owner", owner);
	note_said(&n, "Assigned by", from);
	hours(&n, "Total work", item_number(o, MAPI_PS_TASK, LID_ESTIMATED, 0));
	hours(&n, "Actual work", item_number(o, MAPI_PS_TASK, LID_ACTUAL, 0));
	item_fields(&n, o);
	if (untold)
		note_line(&n, "(This repeats in a way that this file can't "
		              "tell.)");
	item_attached(&n, o, false, ITEM_NONE);
	note_end(&n);
}

/* [MS-OXOTASK] 2.2.2.2.15; the start of an RRULE is DTSTART, or nothing says
 * what repeats. */
static bool repeats(struct lines *l, struct mapi *o, struct mail_date start)
{
	static const struct zone none = { 0 };
	uint16_t id = mapi_lid(o, MAPI_PS_TASK, LID_RECUR);
	struct recurrence r CLEANUP(recurrence_release) = { 0 };

	/* One that is done: the next is another task. */
	if (!mapi_has(o, id) || item_number(o, MAPI_PS_TASK, LID_DEAD, 0))
		return true;
	if (!start.known || calendar_recurrence(o, id, false, &r) ||
	    r.sliding || !recurrence_can_tell(&r))
		return false;
	recurrence_rule(&r, l, &none, civil_nearest_day(start.sec), true);
	return true;
}

static void alarm_at(struct lines *l, struct mapi *o, const char *text)
{
	struct mail_date at = item_date(o, MAPI_PS_COMMON, LID_ALARM_TIME);

	if (!at.known || !item_number(o, MAPI_PS_COMMON, LID_ALARM, 0))
		return;
	lines_whole(l, "BEGIN:VALARM");
	lines_whole(l, "ACTION:DISPLAY");
	lines_field(l, "DESCRIPTION", text && *text ? text : "Reminder");
	lines_raw(l, "TRIGGER;VALUE=DATE-TIME");
	zone_stamp(l, at.sec);
	lines_end(l);
	lines_whole(l, "END:VALARM");
}

int calendar_todo(struct mapi *o, struct mapi_out *out)
{
	char *subject CLEANUP(free_p) = item_subject(o);
	char *uid CLEANUP(free_p) = calendar_uid(o);
	struct mail_date start = item_date(o, MAPI_PS_TASK, LID_START);
	struct mail_date due = item_date(o, MAPI_PS_TASK, LID_DUE);
	struct lines l;
	bool told;

	if (!uid)
		return -1;
	if (!start.known && mapi_has(o, mapi_lid(o, MAPI_PS_TASK, LID_RECUR)))
		start = due;
	lines_begin(&l, out, true);
	calendar_head(&l, NULL);
	lines_whole(&l, "BEGIN:VTODO");
	lines_field(&l, "UID", uid);
	calendar_stamps(&l, o, calendar_changed(o));
	day(&l, "DTSTART", start);
	day(&l, "DUE", due);
	told = repeats(&l, o, start);
	lines_field(&l, "SUMMARY", subject);
	status(&l, o);
	calendar_rank(&l, o);
	description(&l, o, !told);
	item_attach(&l, o, "ATTACH;ENCODING=BASE64;VALUE=BINARY", ITEM_NONE);
	alarm_at(&l, o, subject);
	lines_whole(&l, "END:VTODO");
	lines_whole(&l, "END:VCALENDAR");
	return lines_done(&l);
}
