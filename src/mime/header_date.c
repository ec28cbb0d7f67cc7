/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header_date.c - dates of mail, RFC 5322 3.3 and 4.3, and its older kin.
 *
 * Forty years of programs have put the same seven tokens in every order,
 * so each token is known by its own shape and not by its place.
 */
#include <string.h>
#include <strings.h>

#include "mime/header.h"

struct parts {
	int day, month, year, hour, min, sec, zone;
	bool have_time, have_zone;
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Digits from *p, at most max; -1 if there is none. */
static int number(const char **p, const char *end, int max)
{
	int v = 0, n = 0;

	for (; *p < end && digit(**p) && n < max; (*p)++, n++)
		v = v * 10 + (**p - '0');
	return n ? v : -1;
}

static int month_of(const char *p, size_t n)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	if (n < 3)
		return 0;
	for (int i = 0; i < 12; i++)
		if (!((p[0] ^ names[3 * i]) & ~0x20) &&
		    strncasecmp(p, names + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

/* Military letters are not believed: RFC 5322 4.3 says why. */
static void zone_name(struct parts *d, const char *p, size_t n)
{
	static const struct {
		const char *name;
		int min;
	} zones[] = { { "UT", 0 },     { "UTC", 0 },    { "GMT", 0 },
		      { "Z", 0 },      { "EST", -300 }, { "EDT", -240 },
		      { "CST", -360 }, { "CDT", -300 }, { "MST", -420 },
		      { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
		      { "MET", 60 },   { "CET", 60 },   { "CEST", 120 },
		      { "MEST", 120 }, { "BST", 60 },   { "JST", 540 } };

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (strlen(zones[i].name) != n ||
		    strncasecmp(p, zones[i].name, n) != 0)
			continue;
		d->zone = zones[i].min;
		d->have_zone = true;
	}
}

static const char *word(struct parts *d, const char *p, const char *end)
{
	const char *from = p;
	size_t n;

	while (p < end && alpha(*p))
		p++;
	n = (size_t)(p - from);
	if (!d->month && month_of(from, n))
		d->month = month_of(from, n);
	else if (d->have_time && !d->have_zone)
		zone_name(d, from, n);
	return p;
}

static const char *time_of_day(struct parts *d, int hour, const char *p,
                               const char *end)
{
	p++;
	d->hour = hour;
	d->min = number(&p, end, 2);
	if (p < end && *p == ':') {
		p++;
		d->sec = number(&p, end, 2);
	}
	d->have_time = true;
	return p;
}

static const char *digits(struct parts *d, const char *p, const char *end)
{
	const char *from = p;
	int v = number(&p, end, 4);
	int n = (int)(p - from);

	if (p < end && *p == ':' && !d->have_time)
		return time_of_day(d, v, p, end);
	if (n == 4 && !d->year)
		d->year = v;
	else if (n <= 2 && !d->day)
		d->day = v;
	else if (n <= 3 && !d->year)
		d->year = v + (n == 2 && v < 50 ? 2000 : 1900);
	while (p < end && digit(*p))
		p++;
	return p;
}

/* "+hhmm"; a hyphen between day and month is not one. */
static const char *offset(struct parts *d, const char *p, const char *end)
{
	int sign = *p == '-' ? -1 : 1;
	const char *q = p + 1;
	int v = number(&q, end, 4);

	if (q - p != 5 || !d->have_time || d->have_zone)
		return p + 1;
	if (v % 100 < 60 && v / 100 < 24)
		d->zone = sign * (v / 100 * 60 + v % 100);
	d->have_zone = true;
	return q;
}

static void tokens(struct parts *d, const char *p, const char *end)
{
	while (p < end) {
		if (*p == '(')
			p = memchr(p, ')', (size_t)(end - p));
		if (!p)
			return;
		if (digit(*p))
			p = digits(d, p, end);
		else if (alpha(*p))
			p = word(d, p, end);
		else if (*p == '+' || *p == '-')
			p = offset(d, p, end);
		else
			p++;
	}
}

static bool leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static bool sane(const struct parts *d)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30,
		                     31, 31, 30, 31, 30, 31 };

	if (!d->have_time || d->month < 1 || d->day < 1 || d->year < 1 ||
	    d->year > 9999 || d->hour < 0 || d->min < 0 || d->sec < 0)
		return false;
	if (d->day > days[d->month - 1] + (d->month == 2 && leap(d->year)))
		return false;
	return d->hour < 24 && d->min < 60 && d->sec <= 60;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int y, int m, int d)
{
	int64_t era;
	int yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - (int)era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool header_date(const char *p, size_t n, struct mail_date *out)
{
	struct parts d = { 0 };

	tokens(&d, p, p + n);
	if (!sane(&d))
		return false;
	out->sec = days_from_civil(d.year, d.month, d.day) * 86400 +
	           d.hour * 3600 + d.min * 60 + d.sec - d.zone * 60;
	out->zone_min = d.zone;
	out->known = true;
	return true;
}
