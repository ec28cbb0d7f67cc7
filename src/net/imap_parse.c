/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_parse.c - what our own readers know besides FETCH: sets of UIDs
 * (RFC 4315 APPENDUID, RFC 3501 SEARCH, RFC 4731 ESEARCH, RFC 7162
 * VANISHED), response codes with numbers and flags; and the few things that
 * we write: sets, dates, names.
 *
 * A set of a few octets can stand for four thousand million UIDs, so what
 * is unrolled has a ceiling.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/imap_int.h"

#define UIDS_MAX ((size_t)16 << 20)
#define APPENDED_MAX ((size_t)1 << 20)

/* --- Sets --------------------------------------------------------------- */

static int room(uint32_t **v, size_t n, size_t *cap, size_t more, size_t max)
{
	if (more > max || n > max - more)
		return -1;
	if (n + more <= *cap)
		return 0;
	size_t want = *cap ? *cap * 2 : 256;

	if (want < n + more)
		want = n + more;
	uint32_t *p = realloc(*v, want * sizeof *p);

	if (!p)
		return -1;
	*v = p;
	*cap = want;
	return 0;
}

/* "1:3,7" unrolled. */
static int unroll(struct scan *s, uint32_t **v, size_t *n, size_t *cap,
                  size_t max)
{
	uint32_t lo, hi;

	do {
		if (scan_range(s, &lo, &hi))
			return -1;
		size_t more = (size_t)(hi - lo) + 1;

		if (room(v, *n, cap, more, max))
			return -1;
		for (size_t i = 0; i < more; i++)
			(*v)[(*n)++] = lo + (uint32_t)i;
	} while (scan_take(s, ','));
	return 0;
}

int imap_parse_appenduid(const char *code, uint32_t *uidvalidity,
                         uint32_t **uids, size_t *n)
{
	struct scan s = { code, code + strlen(code) };
	const char *word;
	size_t len, cap = 0;

	*uids = NULL;
	*n = 0;
	if (scan_word(&s, &word, &len) || !SCAN_IS(word, len, "APPENDUID") ||
	    !scan_take(&s, ' ') || scan_u32(&s, uidvalidity) || !*uidvalidity ||
	    !scan_take(&s, ' '))
		return 1;
	if (unroll(&s, uids, n, &cap, APPENDED_MAX) == 0 && s.p == s.end)
		return 0;
	free(*uids);
	*uids = NULL;
	*n = 0;
	return 1;
}

static int plain_search(struct scan *s, uint32_t **uids, size_t *n, size_t *cap)
{
	uint32_t uid;

	for (;;) {
		scan_spaces(s);
		/* "(MODSEQ 917162500)" ends it where CONDSTORE is on. */
		if (s->p == s->end || scan_at(s, '('))
			return 0;
		if (scan_u32(s, &uid) || !uid ||
		    room(uids, *n, cap, 1, UIDS_MAX))
			return -1;
		(*uids)[(*n)++] = uid;
	}
}

/* ESEARCH (TAG "x") UID ALL 1:3,5 COUNT 4 ... in any order. */
static int extended_search(struct scan *s, uint32_t **uids, size_t *n,
                           size_t *cap)
{
	const char *word;
	size_t len;

	scan_spaces(s);
	if (scan_at(s, '(') && scan_skip(s))
		return -1;
	for (;;) {
		scan_spaces(s);
		if (s->p == s->end)
			return 0;
		if (scan_word(s, &word, &len))
			return -1;
		if (SCAN_IS(word, len, "UID"))
			continue;
		scan_spaces(s);
		if (SCAN_IS(word, len, "ALL")) {
			if (unroll(s, uids, n, cap, UIDS_MAX))
				return -1;
		} else if (scan_skip(s)) {
			return -1;
		}
	}
}

int imap_parse_search(const struct imap_reply *r, uint32_t **uids, size_t *n,
                      size_t *cap)
{
	struct scan s = { r->line, r->line + r->len };
	const char *word;
	size_t len;

	if (scan_word(&s, &word, &len))
		return -1;
	if (SCAN_IS(word, len, "SEARCH"))
		return plain_search(&s, uids, n, cap);
	if (SCAN_IS(word, len, "ESEARCH"))
		return extended_search(&s, uids, n, cap);
	return -1;
}

int imap_parse_vanished(const struct imap_reply *r, uint32_t **ranges,
                        size_t *n)
{
	struct scan s = { r->line, r->line + r->len };
	const char *word;
	size_t len, cap = 0;
	uint32_t lo, hi;

	*ranges = NULL;
	*n = 0;
	if (scan_word(&s, &word, &len) || !SCAN_IS(word, len, "VANISHED"))
		return -1;
	scan_spaces(&s);
	if (scan_at(&s, '(') && scan_skip(&s))
		return -1;
	scan_spaces(&s);
	do {
		if (scan_range(&s, &lo, &hi) ||
		    room(ranges, *n, &cap, 2, UIDS_MAX)) {
			free(*ranges);
			*ranges = NULL;
			*n = 0;
			return -1;
		}
		(*ranges)[(*n)++] = lo;
		(*ranges)[(*n)++] = hi;
	} while (scan_take(&s, ','));
	return 0;
}

char *imap_uid_set(const uint32_t *uids, size_t n)
{
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < n;) {
		size_t j = i;

		while (j + 1 < n && uids[j + 1] - uids[i] == j + 1 - i)
			j++;
		const char *comma = i ? "," : "";
		int rc = j > i ? buf_fmt(&b, "%s%" PRIu32 ":%" PRIu32, comma,
		                         uids[i], uids[j])
		               : buf_fmt(&b, "%s%" PRIu32, comma, uids[i]);

		if (rc) {
			buf_release(&b);
			return NULL;
		}
		i = j + 1;
	}
	return buf_take(&b);
}

/* --- Codes -------------------------------------------------------------- */

bool imap_code_number(const char *code, const char *word, uint64_t *out)
{
	struct scan s = { code, code + strlen(code) };
	const char *p;
	size_t n;

	return scan_word(&s, &p, &n) == 0 &&
	       scan_is(p, n, word, strlen(word)) && scan_take(&s, ' ') &&
	       scan_u64(&s, out) == 0 && s.p == s.end;
}

bool imap_parse_permanent(const char *code, struct imap_permanent *out)
{
	struct scan s = { code, code + strlen(code) };
	const char *p;
	size_t n;

	memset(out, 0, sizeof *out);
	if (scan_word(&s, &p, &n) || !SCAN_IS(p, n, "PERMANENTFLAGS"))
		return false;
	scan_spaces(&s);
	out->told = imap_parse_flags(&s, &out->flags, &out->keywords,
	                             &out->any) == 0;
	return out->told;
}

/* --- What we write ------------------------------------------------------ */

int imap_quoted(const char *raw, char **out, struct err *e)
{
	struct buf b = BUF_INIT(0);

	*out = NULL;
	for (const char *p = raw; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(
			        e, ERR_FOLDER, NEXT_GIVE_UP, EC_FOLDER_NAME,
			        "A folder has control characters in its name, "
			        "which no server can be asked for safely. "
			        "Rename it and run the same command again.",
			        "octet 0x%02x in %s", (unsigned char)*p, raw);
	}
	int rc = buf_chr(&b, '"');

	for (const char *p = raw; rc == 0 && *p; p++) {
		if (*p == '"' || *p == '\\')
			rc = buf_chr(&b, '\\');
		rc = rc ? rc : buf_chr(&b, *p);
	}
	rc = rc ? rc : buf_chr(&b, '"');
	*out = rc ? NULL : buf_take(&b);
	if (*out)
		return 0;
	buf_release(&b);
	return err_memory(e);
}

bool imap_date(const struct mail_date *d, char out[27])
{
	static const char names[12][4] = { "Jan", "Feb", "Mar", "Apr",
		                           "May", "Jun", "Jul", "Aug",
		                           "Sep", "Oct", "Nov", "Dec" };
	static const int zone_max = 23 * 60 + 59;
	static const int64_t sec_max = 300000000000; /* after the year 9999 */
	struct tm t;

	if (!d->known || d->zone_min > zone_max || d->zone_min < -zone_max ||
	    d->sec > sec_max || d->sec < -sec_max)
		return false;
	unsigned zone = (unsigned)abs(d->zone_min);
	time_t local = (time_t)(d->sec + (int64_t)d->zone_min * 60);

	if (!gmtime_r(&local, &t) || t.tm_year < 0 || t.tm_year > 9999 - 1900)
		return false;
	/* The modulo only tells the compiler what the check above knows. */
	snprintf(out, 27, "%02u-%s-%04u %02u:%02u:%02u %c%02u%02u",
	         (unsigned)t.tm_mday % 100, names[t.tm_mon % 12],
	         ((unsigned)t.tm_year + 1900) % 10000,
	         (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100,
	         (unsigned)t.tm_sec % 100, d->zone_min < 0 ? '-' : '+',
	         zone / 60 % 100, zone % 60);
	return true;
}

bool imap_keyword_ok(const char *keyword, size_t len)
{
	if (!len || len > IMAP_KEYWORD_MOST)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = keyword[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') ||
		      (c && strchr("$_.-&+,:/@#!='~;?", c))))
			return false;
	}
	return true;
}
