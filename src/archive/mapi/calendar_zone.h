/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calendar_zone.h - days and times of a calendar, and the time zone that an
 * appointment was made in ([MS-OXOCAL] 2.2.1.39, 2.2.1.41), as VTIMEZONE.
 * The C library's own would open files.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_CALENDAR_ZONE_H
#define MAILHAUL_ARCHIVE_MAPI_CALENDAR_ZONE_H

#include "archive/mapi/item_lines.h"

#define DAY_SECONDS INT64_C(86400)

/* A day and a time of day, in whatever zone. */
struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
	unsigned hour, minute, second;
	unsigned weekday; /* 0: Sunday */
};
/* Seconds since 1970. */
struct civil civil_of(int64_t sec);
int64_t civil_seconds(int64_t year, unsigned month, unsigned day);
/* The midnight that is nearest: the day of an all-day date that was told in
 * UTC without its zone. */
int64_t civil_nearest_day(int64_t sec);

/* When a year goes over to the other time; month 0: never. */
struct zone_change {
	unsigned year; /* 0: every year */
	unsigned month, weekday;
	unsigned nth; /* 1 to 5 (the last); with a year: the day */
	unsigned hour, minute;
};
struct zone {
	bool known;
	char *name;   /* TZID */
	int bias;     /* minutes, UTC = local + bias */
	int std, dst; /* added to bias */
	struct zone_change to_std, to_dst;
};

/* From a TimeZoneDefinition or a TimeZoneStruct as they stand. -1: it is
 * none, *z as before. at: seconds since 1970, for which of its rules, unless
 * one is marked as that of the series. */
int zone_definition(struct zone *z, const unsigned char *p, size_t n,
                    int64_t at, bool series);
int zone_struct(struct zone *z, const unsigned char *p, size_t n);
/* One that is always minutes west of UTC; -1: memory. */
int zone_fixed(struct zone *z, int bias);
void zone_release(struct zone *z);

/* Seconds since 1970 as the clocks there show them, and back. Without a
 * known zone: the same. */
int64_t zone_local(const struct zone *z, int64_t utc);
int64_t zone_utc(const struct zone *z, int64_t local);

/* The VTIMEZONE; nothing if it is not known. */
void zone_write(const struct zone *z, struct lines *l);

/* ";TZID=...:20260131T120000", ":20260131T120000Z" without a zone, or
 * ";VALUE=DATE:20260131"; local by zone_local(). */
void zone_time(const struct zone *z, struct lines *l, int64_t local,
               bool day_only);
/* Only the value. */
void zone_value(const struct zone *z, struct lines *l, int64_t local,
                bool day_only);
/* ":20260131T120000Z" */
void zone_stamp(struct lines *l, int64_t utc);

#endif
