/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_blobs.h - zones and recurrences as an appointment has them. */
#ifndef MAILHAUL_TESTS_CALENDAR_BLOBS_H
#define MAILHAUL_TESTS_CALENDAR_BLOBS_H

#include "archive/mapi/calendar_zone.h"
#include "tnef_make.h"

#define APPT MAPI_PS_APPOINTMENT

static inline int64_t at(int64_t year, unsigned month, unsigned day,
                         unsigned hour)
{
	return civil_seconds(year, month, day) + hour * 3600;
}

/* Minutes since 1601. */
static inline void minutes(struct buf *b, int64_t sec)
{
	make_32(b, (uint32_t)((sec + INT64_C(11644473600)) / 60));
}

static inline void change(struct buf *b, unsigned month, unsigned nth)
{
	make_16(b, 0);
	make_16(b, month);
	make_16(b, 0); /* Sunday */
	make_16(b, nth);
	make_16(b, 2);
	make_16(b, 0);
	make_32(b, 0);
}

static inline void rule(struct buf *b, unsigned flags, unsigned year, int bias)
{
	make_16(b, 0x0102);
	make_16(b, 0x3e);
	make_16(b, flags);
	make_16(b, year);
	assert_int_equal(buf_add(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0", 14), 0);
	make_32(b, (uint32_t)bias);
	make_32(b, 0);
	make_32(b, (uint32_t)-60);
	change(b, 10, 5);
	change(b, 3, 5);
}

static inline void definition(struct buf *b, unsigned rules)
{
	static const char key[] = "W. Europe Standard Time";
	size_t n = sizeof(key) - 1;

	make_16(b, 0x0102);
	make_16(b, (unsigned)(6 + 2 * n));
	make_16(b, 2);
	make_16(b, (unsigned)n);
	for (size_t i = 0; i < n; i++)
		make_16(b, (unsigned char)key[i]);
	make_16(b, rules);
}

/* Central Europe: UTC+1, summer from March's to October's last Sunday. */
static inline void europe(struct make *m, uint32_t lid)
{
	struct buf b = BUF_INIT(0);

	definition(&b, 1);
	rule(&b, 2, 1601, -60);
	make_lid_binary(m, APPT, lid, b.p, b.n);
	buf_release(&b);
}

struct pattern {
	unsigned frequency, pattern;
	uint32_t period, days, nth, ends, count;
	unsigned calendar;
	uint32_t sliding;
};

/* Up to the list of deleted days. */
static inline void head(struct buf *b, const struct pattern *p)
{
	make_32(b, 0x30043004);
	make_16(b, p->frequency);
	make_16(b, p->pattern);
	make_16(b, p->calendar);
	make_32(b, 0);
	make_32(b, p->period);
	make_32(b, p->sliding);
	if (p->pattern == 1 || p->pattern == 3)
		make_32(b, p->days);
	if (p->pattern > 1)
		make_32(b, p->nth);
	make_32(b, p->ends);
	make_32(b, p->count);
	make_32(b, 1);
}

/* From 2026-03-02 to 2026-04-30, 9 to 10. */
static inline void simple(struct buf *b, const struct pattern *p)
{
	head(b, p);
	make_32(b, 0);
	make_32(b, 0);
	minutes(b, at(2026, 3, 2, 0));
	minutes(b, at(2026, 4, 30, 0));
	make_32(b, 0x3006);
	make_32(b, 0x3009);
	make_32(b, 540);
	make_32(b, 600);
	make_16(b, 0);
	make_32(b, 0);
	make_32(b, 0);
}

#endif
