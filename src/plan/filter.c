/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - sizes and days as people write them, and which messages go. */
#include "mailhaul/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plan/options.h"

static int unit_shift(const char *unit)
{
	static const char letters[] = "KMGT";
	char upper = (char)(*unit >= 'a' ? *unit & ~0x20 : *unit);
	const char *at = *unit ? strchr(letters, upper) : NULL;

	if (!*unit)
		return 0;
	if (!at || (unit[1] && strcmp(unit + 1, "B") != 0 &&
	            strcmp(unit + 1, "iB") != 0 && strcmp(unit + 1, "b") != 0))
		return -1;
	return (int)(at - letters + 1) * 10;
}

int plan_size(const char *text, uint64_t *out)
{
	uint64_t size = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (size > (UINT64_MAX - digit) / 10)
			return -1;
		size = size * 10 + digit;
	}
	int shift = p == text ? -1 : unit_shift(p);
	if (shift < 0 || size > (uint64_t)INT64_MAX >> shift)
		return -1;
	*out = size << shift;
	return 0;
}

const char *plan_size_text(uint64_t size)
{
	static _Thread_local char text[32];
	const char *unit = "";

	for (const char *u = "K\0M\0G\0T"; size && size % 1024 == 0; u += 2) {
		size /= 1024;
		unit = u;
		if (*u == 'T')
			break;
	}
	snprintf(text, sizeof(text), "%" PRIu64 "%s", size, unit);
	return text;
}

static int digits(const char *s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

int plan_date(const char *text, int64_t *out)
{
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return -1;
	int year = digits(text, 4);
	int month = digits(text + 5, 2);
	int day = digits(text + 8, 2);
	if (year < 1900 || month < 1 || day < 1)
		return -1;
	struct tm tm = { .tm_year = year - 1900,
		         .tm_mon = month - 1,
		         .tm_mday = day,
		         .tm_isdst = -1,
		         .tm_wday = -1 };
	time_t when = mktime(&tm);
	/* 30 February becomes a day of March. The hour may differ: in some
	 * zones a day of the change to summer time begins at one. */
	if (tm.tm_wday < 0 || tm.tm_mday != day || tm.tm_mon != month - 1)
		return -1;
	*out = when;
	return 0;
}

static const char *say(const char *what, const char *value)
{
	static _Thread_local char words[80];

	snprintf(words, sizeof(words), "%s %.40s", what, value);
	return words;
}

/* A message of unknown date is moved: better one too many than one lost. */
const char *plan_message(const struct options *o, const struct message *m)
{
	if (o->max_size && m->size > o->max_size)
		return say("larger than --max-size",
		           plan_size_text(o->max_size));
	if (!m->date.known)
		return NULL;
	if (o->since != OPT_NO_DATE && m->date.sec < o->since)
		return say("older than --since",
		           o->since_text ? o->since_text : "");
	if (o->before != OPT_NO_DATE && m->date.sec >= o->before)
		return say("not older than --before",
		           o->before_text ? o->before_text : "");
	return NULL;
}
