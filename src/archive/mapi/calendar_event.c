/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_event.c - an appointment's properties, read; see calendar_int.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/calendar_int.h"
#include "util/buf.h"

#define LID_SEQUENCE 0x8201
#define LID_BUSY 0x8205
#define LID_PLACE 0x8208
#define LID_START 0x820d
#define LID_END 0x820e
#define LID_DURATION 0x8213
#define LID_ALL_DAY 0x8215
#define LID_RECUR 0x8216
#define LID_STATE 0x8217
#define LID_ZONE_STRUCT 0x8233
#define LID_ZONE_NAME 0x8234
#define LID_ZONE_START 0x825e
#define LID_ZONE_RECUR 0x8260
#define LID_ALARM_MINUTES 0x8501 /* of PSETID_Common */
#define LID_ALARM 0x8503
#define LID_COMMON_START 0x8516
#define LID_COMMON_END 0x8517
#define LID_GLOBAL_ID 0x0003 /* of PSETID_Meeting */
#define LID_CLEAN_ID 0x0023
#define PID_START 0x0060
#define PID_END 0x0061

#define STATE_CANCELLED 4

#define ZONE_MOST 65536u
#define RECUR_MOST (4u << 20)

/* --- identity ------------------------------------------------------------ */

/* [MS-OXOCAL] 2.2.1.27: 16 octets of a class, a date of the instance, 20
 * more, and what another program called it. */
#define DATE_AT 16u
#define DATA_AT 40u
#define FOREIGN "vCal-Uid\1\0\0"
#define FOREIGN_N 12u

static char *uid_of(unsigned char *p, size_t n)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *s = (const char *)p + DATA_AT + FOREIGN_N;

	if (n > DATA_AT + FOREIGN_N &&
	    memcmp(p + DATA_AT, FOREIGN, FOREIGN_N) == 0 && *s)
		return strndup(s, n - DATA_AT - FOREIGN_N);
	if (n >= DATA_AT)
		memset(p + DATE_AT, 0, 4);
	for (size_t i = 0; i < n; i++) {
		if (buf_fmt(&out, "%02X", p[i]))
			return NULL;
	}
	return buf_take(&out);
}

char *calendar_uid(struct mapi *o)
{
	static const uint32_t lids[] = { LID_CLEAN_ID, LID_GLOBAL_ID };

	for (size_t i = 0; i < sizeof(lids) / sizeof(lids[0]); i++) {
		unsigned char *p CLEANUP(free_p) = NULL;
		uint16_t id = mapi_lid(o, MAPI_PS_MEETING, lids[i]);
		size_t n;

		p = item_octets(o, id, 4096, &n);
		if (p)
			return uid_of(p, n);
	}
	return item_key(o);
}

/* --- its zone ------------------------------------------------------------ */

static void zone_from(struct event *e, uint32_t lid, int64_t at)
{
	unsigned char *p CLEANUP(free_p) = NULL;
	size_t n;

	if (e->zone.known)
		return;
	p = item_octets(e->o, mapi_lid(e->o, MAPI_PS_APPOINTMENT, lid),
	                ZONE_MOST, &n);
	if (!p)
		return;
	if (lid != LID_ZONE_STRUCT) {
		(void)zone_definition(&e->zone, p, n, at, e->recurs);
	} else if (zone_struct(&e->zone, p, n) == 0) {
		free(e->zone.name);
		e->zone.name =
		        item_text(e->o, MAPI_PS_APPOINTMENT, LID_ZONE_NAME);
	}
}

/* Without a zone a recurrence still tells by the clock of its first day how
 * far that is from UTC. Quarters of an hour, no more than a day. */
static int zone_guessed(struct event *e, int64_t utc)
{
	int64_t local = e->rec.first_day + e->rec.start_of_day;
	int64_t bias = (utc - local) / 60;

	if (bias % 15 || bias < -14 * 60 || bias > 14 * 60)
		return 0;
	return zone_fixed(&e->zone, (int)bias);
}

static int zone_read(struct event *e, const struct mail_date *start)
{
	zone_from(e, e->recurs ? LID_ZONE_RECUR : LID_ZONE_START, start->sec);
	zone_from(e, LID_ZONE_STRUCT, start->sec);
	zone_from(e, e->recurs ? LID_ZONE_START : LID_ZONE_RECUR, start->sec);
	if (!e->zone.known && e->recurs && start->known && !e->all_day &&
	    zone_guessed(e, start->sec))
		return -1;
	if (e->zone.known && !e->zone.name)
		e->zone.name = strdup("Outlook");
	return e->zone.known && !e->zone.name ? -1 : 0;
}

/* --- its times ----------------------------------------------------------- */

static struct mail_date date_of(struct mapi *o, uint32_t lid, uint32_t common,
                                uint16_t id)
{
	struct mail_date d = item_date(o, MAPI_PS_APPOINTMENT, lid);

	if (!d.known)
		d = item_date(o, MAPI_PS_COMMON, common);
	if (!d.known)
		d = mapi_date(o, id);
	return d;
}

/* Its own length on the clocks there, which may change in between, or that
 * of its recurrence. */
static int64_t length(const struct event *e, const struct mail_date *start,
                      const struct mail_date *end)
{
	int64_t n;

	if (start->known && end->known && end->sec >= start->sec)
		return zone_local(&e->zone, end->sec) -
		       zone_local(&e->zone, start->sec);
	if (e->recurs && e->rec.end_of_day >= e->rec.start_of_day)
		return e->rec.end_of_day - e->rec.start_of_day;
	n = item_number(e->o, MAPI_PS_APPOINTMENT, LID_DURATION, 0);
	return n > 0 && n < INT32_MAX ? n * 60 : 0;
}

/* The days that are left out are told by the recurrence's own clock: where
 * both tell of the same day, that one counts. */
static void times_agree(struct event *e)
{
	int64_t t = e->rec.first_day + e->rec.start_of_day;

	if (e->recurs && t - e->start < DAY_SECONDS &&
	    e->start - t < DAY_SECONDS)
		e->start = t;
}

static void times(struct event *e, const struct mail_date *start)
{
	struct mail_date end = date_of(e->o, LID_END, LID_COMMON_END, PID_END);

	e->timed = start->known || e->recurs;
	e->start = start->known ? zone_local(&e->zone, start->sec)
	                        : e->rec.first_day + e->rec.start_of_day;
	times_agree(e);
	e->end = e->start + length(e, start, &end);
	if (!e->all_day)
		return;
	e->start = civil_nearest_day(e->start);
	e->end = civil_nearest_day(e->end);
	if (e->end <= e->start)
		e->end = e->start + DAY_SECONDS;
}

int calendar_recurrence(struct mapi *o, uint16_t id, bool appointment,
                        struct recurrence *r)
{
	unsigned char *p CLEANUP(free_p) = NULL;
	size_t n;

	p = item_octets(o, id, RECUR_MOST, &n);
	return p ? recurrence_read(r, p, n, appointment, o->codepage) : -1;
}

static void details(struct event *e)
{
	struct mapi *o = e->o;

	e->subject = item_subject(o);
	e->place = item_text(o, MAPI_PS_APPOINTMENT, LID_PLACE);
	e->stamp = calendar_changed(o);
	e->sequence = item_number(o, MAPI_PS_APPOINTMENT, LID_SEQUENCE, 0);
	e->busy = item_number(o, MAPI_PS_APPOINTMENT, LID_BUSY, 2);
	e->alarm = item_number(o, MAPI_PS_COMMON, LID_ALARM, 0) != 0;
	e->minutes = item_number(o, MAPI_PS_COMMON, LID_ALARM_MINUTES, -1);
	e->cancelled = item_number(o, MAPI_PS_APPOINTMENT, LID_STATE, 0) &
	               STATE_CANCELLED;
	if (e->method && strcmp(e->method, "CANCEL") == 0)
		e->cancelled = true;
}

int event_read(struct event *e, struct mapi *o, const char *method)
{
	struct mail_date start;
	uint16_t recur = mapi_lid(o, MAPI_PS_APPOINTMENT, LID_RECUR);

	memset(e, 0, sizeof(*e));
	e->o = o;
	e->method = method;
	e->all_day = item_number(o, MAPI_PS_APPOINTMENT, LID_ALL_DAY, 0) != 0;
	e->recurs = calendar_recurrence(o, recur, true, &e->rec) == 0;
	e->untold =
	        e->recurs ? !recurrence_can_tell(&e->rec) : mapi_has(o, recur);
	start = date_of(o, LID_START, LID_COMMON_START, PID_START);
	if (zone_read(e, &start))
		return -1;
	times(e, &start);
	details(e);
	e->uid = calendar_uid(o);
	return e->uid ? 0 : -1;
}

void event_release(struct event *e)
{
	zone_release(&e->zone);
	recurrence_release(&e->rec);
	free(e->uid);
	free(e->subject);
	free(e->place);
	e->uid = e->subject = e->place = NULL;
}

void event_time(const struct event *e, struct lines *l, const char *name,
                int64_t local)
{
	lines_raw(l, name);
	zone_time(&e->zone, l, local, e->all_day);
	lines_end(l);
}
