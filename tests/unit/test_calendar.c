/* SPDX-License-Identifier: Apache-2.0 */
/* iCalendar from appointments and tasks: times, zones, recurrences, people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/mapi/item.h"
#include "archive/mapi/text.h"
#include "calendar_blobs.h"
#include "item_written.h"

/* --- zones --------------------------------------------------------------- */

static void days(void **state)
{
	struct civil c = civil_of(at(2024, 2, 29, 23) + 59 * 60);

	(void)state;
	assert_int_equal(c.year, 2024);
	assert_int_equal(c.month, 2);
	assert_int_equal(c.day, 29);
	assert_int_equal(c.hour, 23);
	assert_int_equal(c.minute, 59);
	assert_int_equal(c.weekday, 4);
	c = civil_of(-1);
	assert_int_equal(c.year, 1969);
	assert_int_equal(c.day, 31);
	c = civil_of(civil_seconds(1601, 1, 1));
	assert_int_equal(c.year, 1601);
	assert_int_equal(c.weekday, 1);
	assert_int_equal(civil_nearest_day(at(2026, 5, 1, 22)),
	                 at(2026, 5, 2, 0));
	assert_int_equal(civil_nearest_day(at(2026, 5, 1, 5)),
	                 at(2026, 5, 1, 0));
}

static void zones(void **state)
{
	struct zone north = { .known = true,
		              .bias = -60,
		              .dst = -60,
		              .to_std = { 0, 10, 0, 5, 3, 0 },
		              .to_dst = { 0, 3, 0, 5, 2, 0 } };
	struct zone south = { .known = true,
		              .bias = -600,
		              .dst = -60,
		              .to_std = { 0, 4, 0, 1, 3, 0 },
		              .to_dst = { 0, 10, 0, 1, 2, 0 } };

	(void)state;
	assert_int_equal(zone_local(&north, at(2026, 1, 1, 12)),
	                 at(2026, 1, 1, 13));
	assert_int_equal(zone_local(&north, at(2026, 7, 1, 12)),
	                 at(2026, 7, 1, 14));
	/* 2026-03-29, 01:00 UTC. */
	assert_int_equal(zone_local(&north, at(2026, 3, 29, 1) - 1),
	                 at(2026, 3, 29, 2) - 1);
	assert_int_equal(zone_local(&north, at(2026, 3, 29, 1)),
	                 at(2026, 3, 29, 3));
	assert_int_equal(zone_utc(&north, at(2026, 7, 1, 14)),
	                 at(2026, 7, 1, 12));
	assert_int_equal(zone_utc(&north, at(2026, 1, 1, 13)),
	                 at(2026, 1, 1, 12));
	assert_int_equal(zone_local(&south, at(2026, 1, 1, 0)),
	                 at(2026, 1, 1, 11));
	assert_int_equal(zone_local(&south, at(2026, 7, 1, 0)),
	                 at(2026, 7, 1, 10));
}

/* A zone's rule: of the year, or the one that the series is marked with. */
static void zone_rules(void **state)
{
	struct buf b = BUF_INIT(0);
	struct zone z = { 0 };

	(void)state;
	definition(&b, 3);
	rule(&b, 0, 1601, -60);
	rule(&b, 1, 2010, -120);
	rule(&b, 2, 2020, -180);
	for (int i = 0; i < 3; i++) {
		static const int want[] = { -60, -180, -120 };

		assert_int_equal(
		        zone_definition(&z, (unsigned char *)b.p, b.n,
		                        at(i == 1 ? 2021 : 2005, 1, 1, 0),
		                        i == 2),
		        0);
		assert_int_equal(z.bias, want[i]);
	}
	zone_release(&z);
	buf_release(&b);
}

/* --- appointments -------------------------------------------------------- */

static void begin(struct make *m, int64_t start, int64_t end)
{
	make_text(m, 0x001a, "IPM.Appointment");
	make_text(m, 0x0037, "Talk; about, it");
	make_binary(m, 0x300b, "\1\2\3\4", 4);
	make_time(m, 0x3008, at(2026, 1, 31, 12));
	make_lid_time(m, APPT, 0x820d, start);
	make_lid_time(m, APPT, 0x820e, end);
}

static void single(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 7, 1, 7), at(2026, 7, 1, 8));
	make_text(&m, 0x1000, "line one\r\nline two\r\n\r\n");
	make_lid_text(&m, APPT, 0x8208, "Room 5");
	make_lid_long(&m, APPT, 0x8205, 0);
	make_long(&m, 0x0036, 2);
	make_long(&m, 0x0017, 2);
	make_lid_long(&m, MAPI_PS_COMMON, 0x8503, 1);
	make_lid_long(&m, MAPI_PS_COMMON, 0x8501, 30);
	make_file(&m, "agenda.txt", "hello", 5);
	europe(&m, 0x825e);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "TZID:W. Europe Standard Time\n");
	has(s, "DTSTART:19701025T020000\n"
	       "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n"
	       "TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n");
	has(s, "UID:01020304\nDTSTAMP:20260131T120000Z\n");
	has(s, "DTSTART;TZID=W. Europe Standard Time:20260701T090000\n"
	       "DTEND;TZID=W. Europe Standard Time:20260701T100000\n");
	has(s, "SUMMARY:Talk\\; about\\, it\nLOCATION:Room 5\n"
	       "DESCRIPTION:line one\\nline two\n");
	has(s, "CLASS:PRIVATE\nPRIORITY:1\n");
	has(s, "TRANSP:TRANSPARENT\n");
	has(s, "TRIGGER:-PT30M\n");
	has(s, "ATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=agenda.txt:"
	       "aGVsbG8=\n");
	hasnt(s, "RRULE:FREQ=W");
	hasnt(s, "METHOD");
	free(s);
}

/* Days are days, whatever the clock was in UTC. */
static void all_day(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 6, 30, 22), at(2026, 7, 1, 22));
	make_lid_long(&m, APPT, 0x8215, 1);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "DTSTART;VALUE=DATE:20260701\nDTEND;VALUE=DATE:20260702\n");
	hasnt(s, "VTIMEZONE");
	free(s);
}

/* A series of days tells its days itself, thirteen hours east as well. */
static void all_day_series(void **state)
{
	static const struct pattern p = { 0x200b, 1, 1, 2, 0, 0x2023, 0, 0 };
	struct buf b = BUF_INIT(0);
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 3, 1, 11), at(2026, 3, 2, 11));
	make_lid_long(&m, APPT, 0x8215, 1);
	simple(&b, &p);
	make_lid_binary(&m, APPT, 0x8216, b.p, b.n);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "DTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260303\n");
	free(s);
	buf_release(&b);
}

/* RFC 5545 3.8.2.2: an end is later than its start, or left away. */
static void no_length(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 3, 2, 8), at(2026, 3, 2, 8));
	make_lid_long(&m, APPT, 0x8214, 10);
	make_lid_long(&m, APPT, 0x8218, 3);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "DTSTART:20260302T080000Z\n");
	hasnt(s, "DTEND");
	has(s, "DESCRIPTION:Label: Phone call\\nOwn answer: accepted\n");
	free(s);
}

/* The night of 2026-03-29 has an hour less. */
static void night(void **state)
{
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 3, 28, 21), at(2026, 3, 29, 8));
	europe(&m, 0x825e);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "DTSTART;TZID=W. Europe Standard Time:20260328T220000\n"
	       "DTEND;TZID=W. Europe Standard Time:20260329T100000\n");
	free(s);
}

static void timeless(void **state)
{
	struct make m = { 0 };
	struct buf out = BUF_INIT(0);
	struct mapi *o;
	char *s;

	(void)state;
	make_text(&m, 0x0037, "some day");
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "BEGIN:VJOURNAL\n");
	has(s, "SUMMARY:some day\n");
	free(s);
	make_text(&m, 0x0037, "some day");
	o = make_open(&m);
	assert_int_equal(calendar_write(o, "REQUEST", &out), 1);
	assert_int_equal(out.n, 0);
	mapi_close(&o);
}

static void rules(void **state)
{
	static const struct {
		struct pattern p;
		const char *want;
	} all[] = {
		{ { 0x200a, 0, 4320, 0, 0, 0x2023, 10 },
		  "RRULE:FREQ=DAILY;INTERVAL=3\n" },
		{ { 0x200a, 1, 1, 0x3e, 0, 0x2022, 10 },
		  "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;WKST=MO;"
		  "COUNT=10\n" },
		{ { 0x200b, 1, 2, 0x02, 0, 0x2021, 5 },
		  "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=MO;"
		  "UNTIL=20260430T070000Z\n" },
		{ { 0x200c, 2, 1, 0, 2, 0x2023, 0 },
		  "RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=2\n" },
		{ { 0x200c, 2, 1, 0, 31, 0x2023, 0 },
		  "RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1\n" },
		{ { 0x200c, 3, 3, 0x02, 5, 0x2023, 0 },
		  "RRULE:FREQ=MONTHLY;INTERVAL=3;BYDAY=MO;BYSETPOS=-1\n" },
		{ { 0x200c, 4, 1, 0, 31, 0x2023, 0 },
		  "RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1\n" },
		{ { 0x200d, 2, 12, 0, 2, 0xffffffff, 0 },
		  "RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=3;BYMONTHDAY=2\n" },
		{ { 0x200d, 3, 24, 0x02, 1, 0x2023, 0 },
		  "RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=3;BYDAY=MO;"
		  "BYSETPOS=1\n" },
		/* The Hijri calendar. */
		{ { 0x200c, 2, 1, 0, 2, 0x2023, 0, 6 },
		  "can't tell. Only its first time is here.)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct make m = { 0 };
		struct buf b = BUF_INIT(0);
		char *s;

		begin(&m, at(2026, 3, 2, 8), at(2026, 3, 2, 9));
		europe(&m, 0x8260);
		simple(&b, &all[i].p);
		make_lid_binary(&m, APPT, 0x8216, b.p, b.n);
		s = written(&m, MAPI_APPOINTMENT);
		has(s, all[i].want);
		has(s, "DTSTART;TZID=W. Europe Standard Time:"
		       "20260302T090000\n");
		free(s);
		buf_release(&b);
	}
}

static void texts16(struct buf *b, const char *s)
{
	make_16(b, (unsigned)strlen(s));
	for (; *s; s++)
		make_16(b, (unsigned char)*s);
}

static void texts8(struct buf *b, const char *s)
{
	make_16(b, (unsigned)strlen(s) + 1);
	make_16(b, (unsigned)strlen(s));
	buf_str(b, s);
}

/* Each Monday; the 9th is left out, the 16th is moved and renamed and has a
 * text of its own. */
static void exceptions_blob(struct buf *b)
{
	static const struct pattern p = { 0x200b, 1, 1, 2, 0, 0x2023, 0, 0 };

	head(b, &p);
	make_32(b, 2);
	minutes(b, at(2026, 3, 9, 0));
	minutes(b, at(2026, 3, 16, 0));
	make_32(b, 1);
	minutes(b, at(2026, 3, 17, 0));
	minutes(b, at(2026, 3, 2, 0));
	minutes(b, at(4500, 8, 31, 0));
	make_32(b, 0x3006);
	make_32(b, 0x3009);
	make_32(b, 540);
	make_32(b, 600);
	make_16(b, 1);
	minutes(b, at(2026, 3, 17, 11));
	minutes(b, at(2026, 3, 17, 12));
	minutes(b, at(2026, 3, 16, 9));
	make_16(b, 0x1 | 0x2 | 0x10 | 0x20 | 0x200);
	texts8(b, "new name");
	make_32(b, 7); /* a meeting, received, cancelled */
	texts8(b, "there?");
	make_32(b, 1);
	make_32(b, 0);
	make_32(b, 4);
	make_32(b, 0);
	make_32(b, 0);
	minutes(b, at(2026, 3, 17, 11));
	minutes(b, at(2026, 3, 17, 12));
	minutes(b, at(2026, 3, 16, 9));
	texts16(b, "n\xe9w name");
	texts16(b, "th\xe9re");
	make_32(b, 0);
	make_32(b, 0);
}

/* outside: the attachment alone tells which one it is; else it tells that on
 * other clocks. */
static void changed_part(struct make *m, bool outside)
{
	struct make inner = { 0 }, part = { 0 }, bob = { 0 }, cy = { 0 };

	make_text(&inner, 0x1000, "its own text");
	make_text(&bob, 0x3001, "Bob");
	make_text(&bob, 0x39fe,
	          "b\xf6"
	          "b@example.com");
	make_recipient(&inner, &bob);
	make_text(&cy, 0x3001, "Cy");
	make_long(&cy, 0x5ffd, 0x21); /* not asked any more */
	make_recipient(&inner, &cy);
	if (!outside)
		make_lid_time(&inner, APPT, 0x8228, at(2026, 3, 16, 8));
	make_octets_all(&inner);
	make_long(&part, 0x3705, 5);
	make_long(&part, 0x7ffd, 2);
	make_time(&part, 0x7ff9, at(2026, 3, 16, outside ? 8 : 9));
	make_head(&part, 0x3701, MAPI_OBJECT);
	make_32(&part.props, 1);
	make_32(&part.props, (uint32_t)(16 + inner.file.n));
	buf_add(&part.props, "0123456789abcdef", 16);
	buf_add(&part.props, inner.file.p, inner.file.n);
	make_pad(&part.props, inner.file.n);
	make_attachment(m, &part);
	make_release(&inner);
}

static void exception_told(const struct buf *b, bool outside)
{
	struct make m = { 0 };
	const char *second;
	char *s;

	begin(&m, at(2026, 3, 2, 8), at(2026, 3, 2, 9));
	make_text(&m, 0x1000, "the usual text");
	europe(&m, 0x8260);
	make_lid_binary(&m, APPT, 0x8216, b->p, b->n);
	changed_part(&m, outside);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "EXDATE;TZID=W. Europe Standard Time:20260309T090000\n");
	hasnt(s, "EXDATE;TZID=W. Europe Standard Time:20260316");
	hasnt(s, "Attachment that");
	second = strstr(s, "RECURRENCE-ID;TZID=W. Europe Standard Time:"
	                   "20260316T090000\n");
	assert_non_null(second);
	has(second, "DTSTART;TZID=W. Europe Standard Time:20260317T110000\n");
	has(second, "SUMMARY:n\xc3\xa9w name\nLOCATION:th\xc3\xa9re\n");
	has(second, "DESCRIPTION:its own text\n");
	has(second, "BUSYSTATUS:TENTATIVE\nSTATUS:CANCELLED\n");
	has(s, "CN=Bob:mailto:b%C3%B6b@example.com\n");
	hasnt(s, "Cy");
	hasnt(second, "the usual text");
	free(s);
}

static void exceptions(void **state)
{
	struct buf b = BUF_INIT(0);
	struct make m = { 0 };
	char *s;

	(void)state;
	exceptions_blob(&b);
	exception_told(&b, true);
	exception_told(&b, false);
	/* Cut anywhere: never a fault, and never no file. */
	for (size_t n = 0; n < b.n; n++) {
		begin(&m, at(2026, 3, 2, 8), at(2026, 3, 2, 9));
		make_lid_binary(&m, APPT, 0x8216, b.p, n);
		s = written(&m, MAPI_APPOINTMENT);
		has(s, "BEGIN:VEVENT\n");
		hasnt(s, "COMMENT");
		free(s);
	}
	buf_release(&b);
}

/* Without a zone, the recurrence's clock tells how far it is from UTC. */
static void no_zone(void **state)
{
	static const struct pattern p = { 0x200b, 1, 1, 2, 0, 0x2023, 0, 0 };
	struct buf b = BUF_INIT(0);
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 3, 2, 14), at(2026, 3, 2, 15));
	simple(&b, &p);
	make_lid_binary(&m, APPT, 0x8216, b.p, b.n);
	s = written(&m, MAPI_APPOINTMENT);
	has(s, "TZID:UTC-05:00\n");
	has(s, "DTSTART;TZID=\"UTC-05:00\":20260302T090000\n");
	free(s);
	buf_release(&b);
}

/* --- meetings ------------------------------------------------------------ */

static void person(struct make *m, const char *name, const char *type,
                   const char *address, uint32_t flags, uint32_t status)
{
	struct make p = { 0 };

	make_text(&p, 0x3001, name);
	make_text(&p, 0x3002, type);
	make_text(&p, 0x3003, address);
	make_long(&p, 0x0c15, flags == 2 ? 1 : 2);
	make_long(&p, 0x5ffd, flags);
	make_long(&p, 0x5fff, status);
	make_recipient(m, &p);
}

static char *meeting(struct make *m, const char *method)
{
	struct buf b = BUF_INIT(0);
	struct mapi *o = make_open(m);

	assert_int_equal(calendar_write(o, method, &b), 0);
	mapi_close(&o);
	return unfolded(buf_take(&b));
}

static void people(void **state)
{
	static const char id[] = "0123456789abcdef\7\xea\3\2"
	                         "ABCDEFGHIJKLMNOPQRSTvCal-Uid\1\0\0\0"
	                         "an-id@example.com";
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 3, 2, 8), at(2026, 3, 2, 9));
	make_lid_binary(&m, MAPI_PS_MEETING, 0x0023, id, sizeof(id));
	person(&m, "Ann, the boss", "SMTP", "ann@example.com", 2, 0);
	person(&m, "Bob", "EX", "/o=x/cn=bob", 1, 3);
	make_file(&m, "agenda.txt", "hello", 5);
	s = meeting(&m, "REQUEST");
	has(s, "METHOD:REQUEST\n");
	has(s, "UID:an-id@example.com\n");
	has(s, "ORGANIZER;CN=\"Ann, the boss\":mailto:ann@example.com\n");
	has(s, "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;"
	       "CN=Bob:invalid:nomail\n");
	hasnt(s, "ATTACH");
	free(s);
}

static void reply(void **state)
{
	static const char id[] = "0123456789abcdef\7\xea\3\2"
	                         "ABCDEFGHIJKLMNOPQRST\1\2\3";
	struct make m = { 0 };
	char *s;

	(void)state;
	begin(&m, at(2026, 3, 2, 8), at(2026, 3, 2, 9));
	make_text(&m, 0x001a, "IPM.Schedule.Meeting.Resp.Neg");
	make_text(&m, 0x0042, "Bob");
	make_text(&m, 0x0064, "SMTP");
	make_text(&m, 0x0065, "bob@example.com");
	make_lid_binary(&m, MAPI_PS_MEETING, 0x0003, id, sizeof(id) - 1);
	person(&m, "Ann", "SMTP", "ann@example.com", 1, 0);
	s = meeting(&m, "REPLY");
	/* The day of the instance is none of the series' identity. */
	has(s, "UID:30313233343536373839616263646566"
	       "000000004142434445464748494A4B4C4D4E4F5051525354010203\n");
	has(s, "ORGANIZER;CN=Ann:mailto:ann@example.com\n"
	       "ATTENDEE;PARTSTAT=DECLINED;CN=Bob:mailto:bob@example.com\n");
	free(s);
}

static void methods(void **state)
{
	(void)state;
	assert_string_equal(calendar_method("IPM.Schedule.Meeting.Request"),
	                    "REQUEST");
	assert_string_equal(calendar_method("ipm.schedule.meeting.canceled"),
	                    "CANCEL");
	assert_string_equal(calendar_method("IPM.Schedule.Meeting.Resp.Pos"),
	                    "REPLY");
	assert_null(calendar_method("IPM.Schedule.Meeting.Requested"));
	assert_null(calendar_method("IPM.Schedule.Meeting"));
	assert_null(calendar_method("IPM.Note"));
}

/* --- tasks --------------------------------------------------------------- */

static void task(void **state)
{
	static const struct pattern p = { 0x200b, 1, 1, 2, 0, 0x2021, 0, 0 };
	struct buf b = BUF_INIT(0);
	struct make m = { 0 };
	char *s;

	(void)state;
	make_text(&m, 0x0037, "Paint it");
	make_binary(&m, 0x300b, "\1", 1);
	make_lid_time(&m, MAPI_PS_TASK, 0x8104, at(2026, 3, 2, 0));
	make_lid_time(&m, MAPI_PS_TASK, 0x8105, at(2026, 3, 4, 0));
	make_lid_long(&m, MAPI_PS_TASK, 0x8101, 1);
	make_named(&m, MAPI_PS_TASK, 0x8102, NULL, MAPI_DOUBLE);
	make_32(&m.props, 0);
	make_32(&m.props, 0x3fd00000); /* a quarter */
	make_lid_text(&m, MAPI_PS_TASK, 0x811f, "Ann");
	make_lid_text(&m, MAPI_PS_COMMON, 0x8534, "12 km");
	head(&b, &p);
	make_32(&b, 0);
	make_32(&b, 0);
	minutes(&b, at(2026, 3, 2, 0));
	minutes(&b, at(2026, 4, 30, 0));
	make_lid_binary(&m, MAPI_PS_TASK, 0x8116, b.p, b.n);
	s = written(&m, MAPI_TASK);
	has(s, "BEGIN:VTODO\nUID:01\n");
	has(s, "DTSTART;VALUE=DATE:20260302\nDUE;VALUE=DATE:20260304\n");
	has(s, "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;WKST=MO;"
	       "UNTIL=20260430\n");
	has(s, "STATUS:IN-PROCESS\nPERCENT-COMPLETE:25\n");
	has(s, "DESCRIPTION:Owner: Ann\\nMileage: 12 km\n");
	free(s);
	buf_release(&b);
}

static char *again(uint32_t dead, uint32_t sliding)
{
	struct pattern p = { 0x200a, 0, 1440, 0, 0, 0x2023, 0, 0, sliding };
	struct buf b = BUF_INIT(0);
	struct make m = { 0 };

	make_lid_time(&m, MAPI_PS_TASK, 0x8105, at(2026, 3, 2, 0));
	make_lid_long(&m, MAPI_PS_TASK, 0x8109, dead);
	simple(&b, &p);
	make_lid_binary(&m, MAPI_PS_TASK, 0x8116, b.p, b.n);
	buf_release(&b);
	return written(&m, MAPI_TASK);
}

static void task_again(void **state)
{
	char *s = again(0, 0);

	(void)state;
	has(s, "RRULE");
	hasnt(s, "(This repeats");
	free(s);
	/* One that is done was followed by another. */
	s = again(1, 0);
	hasnt(s, "RRULE");
	hasnt(s, "(This repeats");
	free(s);
	/* One that comes back so many days after it was done has no rule. */
	s = again(0, 1);
	hasnt(s, "RRULE");
	has(s, "(This repeats");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days),           cmocka_unit_test(zones),
		cmocka_unit_test(single),         cmocka_unit_test(all_day),
		cmocka_unit_test(timeless),       cmocka_unit_test(rules),
		cmocka_unit_test(exceptions),     cmocka_unit_test(no_zone),
		cmocka_unit_test(people),         cmocka_unit_test(reply),
		cmocka_unit_test(methods),        cmocka_unit_test(task),
		cmocka_unit_test(task_again),     cmocka_unit_test(zone_rules),
		cmocka_unit_test(night),          cmocka_unit_test(no_length),
		cmocka_unit_test(all_day_series),
	};

	text_load();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
