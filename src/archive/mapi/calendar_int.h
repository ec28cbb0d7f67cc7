/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_int.h - what the parts of the iCalendar writer share. */
#ifndef MAILHAUL_ARCHIVE_MAPI_CALENDAR_INT_H
#define MAILHAUL_ARCHIVE_MAPI_CALENDAR_INT_H

#include "archive/mapi/item_parts.h"
#include "archive/mapi/recurrence.h"

/* An appointment, read. */
struct event {
	struct mapi *o;
	const char *method; /* or NULL */
	bool file;          /* a file of its own: with all that is attached */
	struct zone zone;
	bool all_day;
	bool timed;         /* it has a start */
	int64_t start, end; /* on the clocks of zone */
	bool recurs;
	bool untold; /* it repeats in a way that has no RRULE */
	struct recurrence rec;
	char *uid;
	/* What changed instances have as well, unless they have their own. */
	char *subject, *place; /* or NULL */
	struct mail_date stamp;
	int64_t sequence, busy, minutes;
	bool alarm, cancelled;
};
/* -1: memory. */
int event_read(struct event *e, struct mapi *o, const char *method);
void event_release(struct event *e);
/* Seconds since 1970 on the clocks of an instance: DTSTART and so on. */
void event_time(const struct event *e, struct lines *l, const char *name,
                int64_t local);

/* Of every instance: UID and dates of the item itself. */
void event_common(struct lines *l, const struct event *e);
/* Organizer, attendees, CLASS, PRIORITY, CATEGORIES. */
void event_people(struct lines *l, const struct event *e);
/* DESCRIPTION, with what no field tells. */
void event_text(struct lines *l, const struct event *e);
/* How the time is shown to others, [MS-OXOCAL] 2.2.1.2, and STATUS. */
void event_busy(struct lines *l, int64_t how, bool cancelled);
/* A VEVENT for each changed instance. -1: memory. */
int event_exceptions(struct lines *l, const struct event *e);

/* PidLidAppointmentRecur or PidLidTaskRecurrence. */
int calendar_recurrence(struct mapi *o, uint16_t id, bool appointment,
                        struct recurrence *r);
/* [MS-OXCICAL] 2.1.3.1.1.20.26; malloc'd, NULL: memory. */
char *calendar_uid(struct mapi *o);

void calendar_head(struct lines *l, const char *method);
/* For DTSTAMP: when it was last changed, known in any case. */
struct mail_date calendar_changed(struct mapi *o);
/* DTSTAMP, CREATED, LAST-MODIFIED. */
void calendar_stamps(struct lines *l, struct mapi *o, struct mail_date stamp);
/* CLASS, PRIORITY, CATEGORIES. */
void calendar_rank(struct lines *l, struct mapi *o);
/* VALARM, minutes before the start. */
void calendar_alarm(struct lines *l, int64_t minutes, const char *text);
/* ORGANIZER and ATTENDEEs. */
void calendar_people(struct lines *l, const struct event *e);

/* A VCALENDAR of an appointment as a file: never 1. */
int calendar_file(struct mapi *o, struct mapi_out *out);
/* The same of a task. */
int calendar_todo(struct mapi *o, struct mapi_out *out);

#endif
