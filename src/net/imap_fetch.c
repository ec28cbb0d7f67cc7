/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_fetch.c - reads FETCH responses (RFC 3501 7.4.2, RFC 7162 MODSEQ).
 *
 * Tolerant of what servers add or get wrong, because one odd message must
 * not hide the others; strict about numbers, because a wrapped UID would
 * be another message. On the hot path: no allocation without keywords.
 */
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"
#include "util/buf.h"

/* --- Dates -------------------------------------------------------------- */

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

static int month_of(const char *p)
{
	char low[3];

	for (int i = 0; i < 3; i++)
		low[i] = (char)(p[i] | 0x20);
	for (int m = 0; m < 12; m++)
		if (memcmp(low, months + 3 * m, 3) == 0)
			return m + 1;
	return 0;
}

/* n digits, or -1. */
static int digits(const char *p, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from(int y, int m, int d)
{
	y -= m <= 2;
	int era = y / 400;
	int yoe = y - era * 400;
	int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int64_t)era * 146097 + doe - 719468;
}

static int month_days(int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
		                    31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days[m - 1] + (m == 2 && leap);
}

/* p is at " hh:mm:ss +zzzz" (15 octets). */
static bool parse_time(const char *p, int *sec, int *zone)
{
	int h = digits(p + 1, 2), m = digits(p + 4, 2), s = digits(p + 7, 2);
	int zh = digits(p + 11, 2), zm = digits(p + 13, 2);

	if (p[0] != ' ' || p[3] != ':' || p[6] != ':' || p[9] != ' ' ||
	    (p[10] != '+' && p[10] != '-'))
		return false;
	if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 || zh < 0 ||
	    zm < 0 || zm > 59)
		return false;
	*sec = h * 3600 + m * 60 + s;
	*zone = (zh * 60 + zm) * (p[10] == '-' ? -1 : 1);
	return true;
}

bool imap_parse_date(const char *p, size_t n, struct mail_date *out)
{
	char day[2] = { '0', '0' };
	int sec, zone;

	if (n < 25 || n > 26)
		return false;
	for (size_t i = 0; i < n - 24; i++)
		day[2 - (n - 24) + i] = p[i] == ' ' ? '0' : p[i];
	p += n - 24; /* "-Mon-yyyy hh:mm:ss +zzzz" */
	int d = digits(day, 2), m = month_of(p + 1), y = digits(p + 5, 4);

	if (p[0] != '-' || p[4] != '-' || !m || y < 1 || d < 1 ||
	    d > month_days(y, m) || !parse_time(p + 9, &sec, &zone))
		return false;
	out->sec = days_from(y, m, d) * 86400 + sec - zone * 60;
	out->zone_min = zone;
	out->known = true;
	return true;
}

/* --- Flags -------------------------------------------------------------- */

static unsigned system_flag(const char *p, size_t n)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = { { "\\Seen", MAIL_SEEN },
		      { "\\Answered", MAIL_ANSWERED },
		      { "\\Flagged", MAIL_FLAGGED },
		      { "\\Draft", MAIL_DRAFT },
		      { "\\Deleted", MAIL_DELETED } };

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (scan_is(p, n, flags[i].name, strlen(flags[i].name)))
			return flags[i].flag;
	return 0;
}

/* Pointers into the response, until they are sorted and joined. */
struct words {
	struct scan_value *v;
	size_t n, cap;
};

static void words_release(struct words *w)
{
	free(w->v);
}

static int words_add(struct words *w, const struct scan_value *v)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct scan_value *more = realloc(w->v, cap * sizeof *more);

		if (!more)
			return -1;
		w->v = more;
		w->cap = cap;
	}
	w->v[w->n++] = *v;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct scan_value *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int d = memcmp(x->p, y->p, n);

	return d ? d : (x->n > y->n) - (x->n < y->n);
}

static int join(struct words *w, char **out)
{
	struct buf b = BUF_INIT(0);

	qsort(w->v, w->n, sizeof *w->v, compare);
	for (size_t i = 0; i < w->n; i++) {
		if (i && compare(w->v + i, w->v + i - 1) == 0)
			continue;
		if ((b.n && buf_chr(&b, ' ')) ||
		    buf_add(&b, w->v[i].p, w->v[i].n)) {
			buf_release(&b);
			return -1;
		}
	}
	*out = buf_take(&b);
	return *out ? 0 : -1;
}

static int one_flag(struct scan *s, unsigned *flags, struct words *w, bool *any)
{
	struct scan_value v;

	/* Seen in the wild: lists and strings among the flags. */
	if (scan_at(s, '(') || scan_at(s, '"'))
		return scan_skip(s);
	if (scan_string(s, &v))
		return -1;
	if (v.kind == SCAN_NIL || v.kind == SCAN_LITERAL)
		return 0;
	if (*v.p == '\\') {
		*flags |= system_flag(v.p, v.n);
		if (any && v.n == 2 && v.p[1] == '*')
			*any = true;
		return 0;
	}
	if (memchr(v.p, '\0', v.n))
		return 0;
	return words_add(w, &v);
}

int imap_parse_flags(struct scan *s, unsigned *flags, char **keywords,
                     bool *any)
{
	CLEANUP(words_release) struct words w = { 0 };

	if (!scan_take(s, '('))
		return -1;
	for (;;) {
		scan_spaces(s);
		if (scan_take(s, ')'))
			break;
		if (one_flag(s, flags, &w, any))
			return -1;
	}
	return w.n ? join(&w, keywords) : 0;
}

/* --- Items -------------------------------------------------------------- */

static int item_flags(struct scan *s, struct imap_fetch *f)
{
	struct scan start = *s;

	free(f->keywords);
	f->keywords = NULL;
	f->flags = 0;
	if (!scan_at(s, '('))
		return scan_skip(s);
	if (imap_parse_flags(&start, &f->flags, &f->keywords, NULL))
		return -1;
	*s = start;
	f->have_flags = true;
	return 0;
}

static int item_date(struct scan *s, struct imap_fetch *f)
{
	struct scan_value v;

	if (scan_at(s, '('))
		return scan_skip(s);
	if (scan_string(s, &v))
		return -1;
	if (v.kind == SCAN_QUOTED)
		f->have_date = imap_parse_date(v.p, v.n, &f->date);
	return 0;
}

static int item_uid(struct scan *s, struct imap_fetch *f)
{
	uint32_t uid;

	if (scan_u32(s, &uid) || !uid || (f->uid && f->uid != uid))
		return -1;
	f->uid = uid;
	return 0;
}

static bool at_digit(const struct scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static int item_size(struct scan *s, struct imap_fetch *f)
{
	if (!at_digit(s))
		return scan_skip(s);
	f->have_size = true;
	return scan_u64(s, &f->size);
}

static int item_modseq(struct scan *s, struct imap_fetch *f)
{
	struct scan in = *s;

	if (scan_take(&in, '(') && at_digit(&in)) {
		if (scan_u64(&in, &f->modseq) || !scan_take(&in, ')'))
			return -1;
		*s = in;
		return 0;
	}
	return scan_skip(s);
}

static int inline_body(const struct scan_value *v, struct imap_fetch *f)
{
	char *copy = malloc(v->n + 1);

	if (!copy)
		return -1;
	free(f->inline_body);
	f->inline_body = copy;
	f->inline_len = 0;
	for (size_t i = 0; i < v->n; i++) {
		if (v->kind == SCAN_QUOTED && v->p[i] == '\\' && i + 1 < v->n)
			i++;
		copy[f->inline_len++] = v->p[i];
	}
	copy[f->inline_len] = '\0';
	return 0;
}

static int item_body(struct scan *s, struct imap_fetch *f, bool sunk)
{
	struct scan_value v;
	uint64_t size;
	bool literal = scan_at(s, '{') || scan_at(s, '~');

	f->have_body = true;
	/* Its octets have gone to the sink. */
	if (literal && sunk)
		return scan_literal_size(s, &size);
	if (scan_at(s, '(') || scan_string(s, &v))
		return -1;
	f->body_nil = v.kind == SCAN_NIL;
	return f->body_nil ? 0 : inline_body(&v, f);
}

/* "[...]" and "<n>" behind an item's name. */
static int section(struct scan *s, bool *there)
{
	struct scan_value v;

	*there = scan_take(s, '[');
	while (*there && s->p < s->end && *s->p != ']') {
		if (*s->p == '"' || *s->p == '{') {
			if (scan_string(s, &v))
				return -1;
		} else {
			s->p++;
		}
	}
	if (*there && !scan_take(s, ']'))
		return -1;
	while (s->p < s->end && *s->p != ' ' && *s->p != '(' && *s->p != ')')
		s->p++;
	return 0;
}

static bool is_body(const char *p, size_t n, bool section)
{
	if (SCAN_IS(p, n, "BODY") || SCAN_IS(p, n, "BINARY"))
		return section;
	return SCAN_IS(p, n, "RFC822") || SCAN_IS(p, n, "RFC822.TEXT") ||
	       SCAN_IS(p, n, "RFC822.HEADER");
}

static int item(struct scan *s, struct imap_fetch *f, bool sunk)
{
	const char *p;
	size_t n;
	bool has_section;

	if (scan_word(s, &p, &n) || section(s, &has_section))
		return -1;
	scan_spaces(s);
	if (SCAN_IS(p, n, "UID"))
		return item_uid(s, f);
	if (SCAN_IS(p, n, "FLAGS"))
		return item_flags(s, f);
	if (SCAN_IS(p, n, "INTERNALDATE"))
		return item_date(s, f);
	if (SCAN_IS(p, n, "RFC822.SIZE"))
		return item_size(s, f);
	if (SCAN_IS(p, n, "MODSEQ"))
		return item_modseq(s, f);
	if (is_body(p, n, has_section))
		return item_body(s, f, sunk);
	return scan_skip(s);
}

int imap_parse_fetch(const struct imap_reply *r, struct imap_fetch *out)
{
	struct scan s = { r->line, r->line + r->len };
	const char *p;
	size_t n;

	memset(out, 0, sizeof *out);
	if (scan_u32(&s, &out->seq) || !out->seq || !scan_take(&s, ' ') ||
	    scan_word(&s, &p, &n) || !SCAN_IS(p, n, "FETCH"))
		return -1;
	scan_spaces(&s);
	if (!scan_take(&s, '('))
		return -1;
	for (;;) {
		scan_spaces(&s);
		if (scan_take(&s, ')'))
			return 0;
		if (item(&s, out, r->sunk))
			break;
	}
	imap_fetch_release(out);
	return -1;
}

void imap_fetch_release(struct imap_fetch *f)
{
	free(f->keywords);
	free(f->inline_body);
	f->keywords = f->inline_body = NULL;
}
