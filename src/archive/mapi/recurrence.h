/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recurrence.h - how an appointment or a task repeats ([MS-OXOCAL] 2.2.1.44):
 * read from PidLidAppointmentRecur or PidLidTaskRecurrence, and as an RRULE
 * (RFC 5545 3.3.10). Times in it are seconds since 1970 on the clocks of the
 * appointment's own zone.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_RECURRENCE_H
#define MAILHAUL_ARCHIVE_MAPI_RECURRENCE_H

#include "archive/mapi/calendar_zone.h"

/* What an exception has of its own (OverrideFlags). */
enum recurrence_override {
	OVERRIDE_SUBJECT = 0x01,
	OVERRIDE_MEETING = 0x02,
	OVERRIDE_DELTA = 0x04,
	OVERRIDE_REMINDER = 0x08,
	OVERRIDE_LOCATION = 0x10,
	OVERRIDE_BUSY = 0x20,
	OVERRIDE_ATTACHMENT = 0x40,
	OVERRIDE_SUBTYPE = 0x80,
	OVERRIDE_COLOUR = 0x100,
	OVERRIDE_BODY = 0x200
};

struct recurrence_exception {
	int64_t start, end, original;
	unsigned has; /* enum recurrence_override */
	uint32_t meeting, delta, reminder, busy, all_day;
	char *subject, *location; /* UTF-8 or NULL */
};

struct recurrence {
	unsigned frequency, pattern, calendar;
	uint32_t period;
	uint32_t days; /* bit 0: Sunday */
	uint32_t nth;  /* of the month: a day, or 1 to 4, 5 the last */
	uint32_t ends, count, first_weekday;
	bool sliding; /* a task: anew so long after it was done */
	int64_t first_day, last_day; /* midnights */
	int64_t start_of_day;        /* seconds after midnight */
	int64_t end_of_day;
	int64_t *deleted; /* midnights, ascending, without the exceptions */
	size_t deleted_n;
	struct recurrence_exception *v;
	size_t n;
	bool damaged; /* the exceptions could not all be read */
};

/* appointment: times of day and exceptions follow the pattern. codepage: of
 * the exceptions' 8-bit texts. -1: nothing can be read, or memory. */
int recurrence_read(struct recurrence *r, const unsigned char *p, size_t n,
                    bool appointment, unsigned codepage);
void recurrence_release(struct recurrence *r);

/* False: iCalendar has no words for it (a lunar calendar). */
bool recurrence_can_tell(const struct recurrence *r);
/* "RRULE:..." for what starts at local. */
void recurrence_rule(const struct recurrence *r, struct lines *l,
                     const struct zone *z, int64_t local, bool day_only);

#endif
