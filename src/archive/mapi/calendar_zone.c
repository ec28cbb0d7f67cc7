/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_zone.c - see calendar_zone.h. */
#include "archive/mapi/calendar_zone.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mapi/text.h"
#include "util/buf.h"

/* --- days ---------------------------------------------------------------- */

/* Days since 1970 of the proleptic Gregorian calendar: years begin in March,
 * so that the leap day is the last, and 400 of them are 146,097 days. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year =
	        (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 +
	        (int64_t)day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

int64_t civil_seconds(int64_t year, unsigned month, unsigned day)
{
	return days_of(year, month, day) * DAY_SECONDS;
}

static int64_t floor_day(int64_t sec)
{
	int64_t d = sec / DAY_SECONDS;

	return sec % DAY_SECONDS < 0 ? d - 1 : d;
}

int64_t civil_nearest_day(int64_t sec)
{
	return floor_day(sec + DAY_SECONDS / 2) * DAY_SECONDS;
}

struct civil civil_of(int64_t sec)
{
	int64_t days = floor_day(sec);
	unsigned rest = (unsigned)(sec - days * DAY_SECONDS);
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	c.year = yoe + era * 400 + (c.month <= 2);
	c.hour = rest / 3600;
	c.minute = rest / 60 % 60;
	c.second = rest % 60;
	c.weekday = (unsigned)(((days + 4) % 7 + 7) % 7);
	return c;
}

/* --- reading ------------------------------------------------------------- */

static unsigned u16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t u32(const unsigned char *p)
{
	return u16(p) | (uint32_t)u16(p + 2) << 16;
}

/* A SYSTEMTIME. False: no date that a year has. */
static bool change_of(struct zone_change *c, const unsigned char *p)
{
	c->year = u16(p);
	c->month = u16(p + 2);
	c->weekday = u16(p + 4);
	c->nth = u16(p + 6);
	c->hour = u16(p + 8);
	c->minute = u16(p + 10);
	if (c->month == 0)
		return true;
	return c->year < 10000 && c->month <= 12 && c->weekday < 7 &&
	       c->nth >= 1 && c->nth <= (c->year ? 31 : 5) && c->hour < 24 &&
	       c->minute < 60;
}

/* A day and a half each way: more than any zone has. */
static bool bias_of(int *out, const unsigned char *p)
{
	*out = (int32_t)u32(p);
	return *out > -36 * 60 && *out < 36 * 60;
}

/* The three biases and two dates; between: octets in front of each date. */
static int rule_of(struct zone *z, const unsigned char *p, size_t between)
{
	struct zone r = { .known = true };
	bool good = bias_of(&r.bias, p) && bias_of(&r.std, p + 4) &&
	            bias_of(&r.dst, p + 8) &&
	            change_of(&r.to_std, p + 12 + between) &&
	            change_of(&r.to_dst, p + 28 + 2 * between);

	if (!good)
		return -1;
	if (r.to_std.month == 0 || r.to_dst.month == 0)
		r.to_std.month = r.to_dst.month = 0;
	r.name = z->name;
	*z = r;
	return 0;
}

int zone_struct(struct zone *z, const unsigned char *p, size_t n)
{
	return n < 48 ? -1 : rule_of(z, p, 2);
}

#define RULE_OCTETS 66u

#define RULE_OF_SERIES 1 /* TZRULE_FLAG_RECUR_CURRENT_TZREG */

/* Of a series the one that is marked so; else the one with the latest year
 * that is not after at's, or the first. */
static const unsigned char *rule_at(const unsigned char *p, size_t n,
                                    int64_t at, bool series)
{
	const unsigned char *best = p;
	int64_t year = civil_of(at).year;

	for (size_t i = 0; i < n; i++) {
		const unsigned char *r = p + i * RULE_OCTETS;

		if (series && u16(r + 4) & RULE_OF_SERIES)
			return r;
		if (u16(r + 6) <= year && u16(r + 6) >= u16(best + 6))
			best = r;
	}
	return best;
}

int zone_definition(struct zone *z, const unsigned char *p, size_t n,
                    int64_t at, bool series)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(1024);
	size_t head, chars, rules;

	if (n < 8 || p[0] != 2)
		return -1;
	head = 4 + (size_t)u16(p + 2);
	chars = u16(p + 6);
	if (head < 8 + chars * 2 + 2 || head > n)
		return -1;
	rules = u16(p + 8 + chars * 2);
	if (rules == 0 || rules > (n - head) / RULE_OCTETS ||
	    rule_of(z, rule_at(p + head, rules, at, series) + 22, 0))
		return -1;
	if (!z->name && chars &&
	    text_add(&name, CODEPAGE_UTF16, p + 8, chars * 2) == 0 && name.n)
		z->name = buf_take(&name);
	return 0;
}

int zone_fixed(struct zone *z, int bias)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(64);
	int m = abs(bias);

	if (buf_fmt(&name, "UTC%c%02d:%02d", bias > 0 ? '-' : '+', m / 60,
	            m % 60))
		return -1;
	z->known = true;
	z->bias = bias;
	z->std = z->dst = 0;
	z->to_std.month = z->to_dst.month = 0;
	free(z->name);
	z->name = buf_take(&name);
	return z->name ? 0 : -1;
}

void zone_release(struct zone *z)
{
	free(z->name);
	memset(z, 0, sizeof(*z));
}

/* --- telling the time ---------------------------------------------------- */

static unsigned month_days(int64_t year, unsigned month)
{
	int64_t next = month == 12 ? days_of(year + 1, 1, 1)
	                           : days_of(year, month + 1, 1);

	return (unsigned)(next - days_of(year, month, 1));
}

/* When it happens in a year, on the clocks before it does. */
static int64_t change_in(const struct zone_change *c, int64_t year)
{
	unsigned first = civil_of(civil_seconds(year, c->month, 1)).weekday;
	unsigned day = 1 + (c->weekday + 7 - first) % 7 + (c->nth - 1) * 7;

	if (c->year)
		day = c->nth;
	while (day > month_days(year, c->month))
		day -= c->year ? 1 : 7;
	return civil_seconds(year, c->month, day) + c->hour * INT64_C(3600) +
	       c->minute * INT64_C(60);
}

static int offset_at(const struct zone *z, int64_t utc)
{
	int std = -(z->bias + z->std) * 60, dst = -(z->bias + z->dst) * 60;
	int64_t year, on, off;

	if (z->to_std.month == 0)
		return std;
	year = civil_of(utc + std).year;
	on = change_in(&z->to_dst, year) - std;
	off = change_in(&z->to_std, year) - dst;
	if (on < off)
		return utc >= on && utc < off ? dst : std;
	return utc >= off && utc < on ? std : dst;
}

int64_t zone_local(const struct zone *z, int64_t utc)
{
	return z->known ? utc + offset_at(z, utc) : utc;
}

int64_t zone_utc(const struct zone *z, int64_t local)
{
	int64_t about = local + (z->bias + z->std) * INT64_C(60);

	return z->known ? local - offset_at(z, about) : local;
}

/* --- writing ------------------------------------------------------------- */

static void day_value(struct lines *l, const struct civil *c)
{
	lines_fmt(l, "%04lld%02u%02u", (long long)c->year, c->month, c->day);
}

static void clock_value(struct lines *l, const struct civil *c)
{
	lines_fmt(l, "T%02u%02u%02u", c->hour, c->minute, c->second);
}

void zone_value(const struct zone *z, struct lines *l, int64_t local,
                bool day_only)
{
	struct civil c = civil_of(local);

	day_value(l, &c);
	if (day_only)
		return;
	clock_value(l, &c);
	if (!z->known)
		lines_raw(l, "Z");
}

void zone_time(const struct zone *z, struct lines *l, int64_t local,
               bool day_only)
{
	if (day_only) {
		lines_raw(l, ";VALUE=DATE");
	} else if (z->known) {
		lines_raw(l, ";TZID=");
		lines_param(l, z->name);
	}
	lines_raw(l, ":");
	zone_value(z, l, local, day_only);
}

void zone_stamp(struct lines *l, int64_t utc)
{
	static const struct zone none = { 0 };

	zone_time(&none, l, utc, false);
}

static void offset(struct lines *l, const char *name, int bias)
{
	unsigned m = (unsigned)abs(bias);

	lines_fmt(l, "%s:%c%02u%02u", name, bias > 0 ? '-' : '+', m / 60,
	          m % 60);
	lines_end(l);
}

/* From 1970 on: earlier ones help nobody, and not every program can count
 * from 1601, where Outlook begins. */
static void change_write(struct lines *l, const struct zone_change *c,
                         const char *name, int from, int to)
{
	static const struct zone floating = { .known = true };
	static const char *const days[] = { "SU", "MO", "TU", "WE",
		                            "TH", "FR", "SA" };
	int64_t begin = 0;

	if (c->month)
		begin = change_in(c, c->year ? c->year : 1970);
	lines_fmt(l, "BEGIN:%s", name);
	lines_end(l);
	lines_raw(l, "DTSTART:");
	zone_value(&floating, l, begin, false);
	lines_end(l);
	if (c->month && !c->year) {
		lines_fmt(l, "RRULE:FREQ=YEARLY;BYMONTH=%u;BYDAY=%d%s",
		          c->month, c->nth == 5 ? -1 : (int)c->nth,
		          days[c->weekday]);
		lines_end(l);
	}
	offset(l, "TZOFFSETFROM", from);
	offset(l, "TZOFFSETTO", to);
	lines_fmt(l, "END:%s", name);
	lines_end(l);
}

void zone_write(const struct zone *z, struct lines *l)
{
	int std = z->bias + z->std, dst = z->bias + z->dst;

	if (!z->known)
		return;
	lines_whole(l, "BEGIN:VTIMEZONE");
	lines_field(l, "TZID", z->name);
	if (z->to_std.month) {
		change_write(l, &z->to_std, "STANDARD", dst, std);
		change_write(l, &z->to_dst, "DAYLIGHT", std, dst);
	} else {
		change_write(l, &z->to_std, "STANDARD", std, std);
	}
	lines_whole(l, "END:VTIMEZONE");
}
