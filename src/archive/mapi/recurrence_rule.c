/* SPDX-License-Identifier: Apache-2.0 */
/* recurrence_rule.c - a recurrence as RRULE; see recurrence.h. */
#include "archive/mapi/recurrence.h"

enum frequency { DAILY = 0x200a, WEEKLY, MONTHLY, YEARLY };
enum pattern {
	BY_DAY,
	BY_WEEK,
	BY_MONTH,
	BY_NTH = 0x3,
	BY_MONTH_END = 0x4,
	BY_HIJRI_MONTH = 0xa
};
#define ENDS_BY_DATE 0x2021u
#define ENDS_AFTER 0x2022u
/* 4500-12-31, which stands where there is no end. */
#define NEVER INT64_C(79870579200)

static const char *const names[] = { "SU", "MO", "TU", "WE", "TH", "FR", "SA" };

/* Calendars whose months are not the Gregorian ones: Hijri, Hebrew, and the
 * lunar ones from 14 on ([MS-OXOCAL] 2.2.1.44.1). */
bool recurrence_can_tell(const struct recurrence *r)
{
	bool gregorian =
	        r->calendar != 6 && r->calendar != 8 && r->calendar < 14;

	if (r->pattern == BY_DAY || r->pattern == BY_WEEK)
		return true;
	return gregorian && r->pattern < BY_HIJRI_MONTH;
}

static uint32_t at_least_1(uint32_t n)
{
	return n ? n : 1;
}

static void by_days(const struct recurrence *r, struct lines *l)
{
	const char *between = ";BYDAY=";

	for (unsigned i = 0; i < 7; i++) {
		if (!(r->days >> i & 1))
			continue;
		lines_raw(l, between);
		lines_raw(l, names[i]);
		between = ",";
	}
}

/* Of a month in most years; 0: of any. */
static uint32_t most_days(unsigned month)
{
	if (month == 2)
		return 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* A month that has no such day has its last one instead, for Outlook. */
static void by_month_day(const struct recurrence *r, struct lines *l,
                         unsigned month)
{
	uint32_t day = at_least_1(r->nth);

	if (r->pattern == BY_MONTH_END || day > most_days(month) ||
	    (day == 31 && month == 0))
		lines_raw(l, ";BYMONTHDAY=-1");
	else if (day == 30 && month == 0)
		lines_raw(l, ";BYMONTHDAY=28,29,30;BYSETPOS=-1");
	else if (day == 29 && month == 0)
		lines_raw(l, ";BYMONTHDAY=28,29;BYSETPOS=-1");
	else
		lines_fmt(l, ";BYMONTHDAY=%u", day);
}

static void by_month(const struct recurrence *r, struct lines *l,
                     unsigned month)
{
	if (month)
		lines_fmt(l, ";BYMONTH=%u", month);
	if (r->pattern != BY_NTH) {
		by_month_day(r, l, month);
		return;
	}
	by_days(r, l);
	if (r->days)
		lines_fmt(l, ";BYSETPOS=%d",
		          r->nth >= 5 ? -1 : (int)at_least_1(r->nth));
}

/* Yearly is every twelfth month, or a multiple. */
static void frequency(const struct recurrence *r, struct lines *l,
                      int64_t local)
{
	uint32_t period = at_least_1(r->period);

	if (r->pattern == BY_DAY) {
		lines_fmt(l, "RRULE:FREQ=DAILY;INTERVAL=%u",
		          at_least_1(period / 1440));
	} else if (r->pattern == BY_WEEK) {
		lines_fmt(l, "RRULE:FREQ=WEEKLY;INTERVAL=%u", period);
		by_days(r, l);
		if (r->first_weekday < 7)
			lines_fmt(l, ";WKST=%s", names[r->first_weekday]);
	} else if (r->frequency == YEARLY && period % 12 == 0) {
		lines_fmt(l, "RRULE:FREQ=YEARLY;INTERVAL=%u", period / 12);
		by_month(r, l, civil_of(local).month);
	} else {
		lines_fmt(l, "RRULE:FREQ=MONTHLY;INTERVAL=%u", period);
		by_month(r, l, 0);
	}
}

/* RFC 5545 3.3.10: UNTIL is in UTC if the start has a zone. */
static void until(const struct recurrence *r, struct lines *l,
                  const struct zone *z, int64_t local, bool day_only)
{
	static const struct zone utc = { 0 };
	int64_t of_day = ((local % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS;
	int64_t last = r->last_day;

	lines_raw(l, ";UNTIL=");
	if (day_only)
		zone_value(&utc, l, last, true);
	else
		zone_value(&utc, l, zone_utc(z, last + of_day), false);
}

void recurrence_rule(const struct recurrence *r, struct lines *l,
                     const struct zone *z, int64_t local, bool day_only)
{
	frequency(r, l, local);
	if (r->ends == ENDS_AFTER && r->count)
		lines_fmt(l, ";COUNT=%u", r->count);
	else if (r->ends == ENDS_BY_DATE && r->last_day < NEVER)
		until(r, l, z, local, day_only);
	lines_end(l);
}
