/* SPDX-License-Identifier: Apache-2.0 */
/* mime_field.c - see mime_field.h. */
#include "archive/mapi/mime_field.h"

#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

#define LINE 76
#define ATOM_MOST 900 /* longer ones are torn: no line may be over 998 */
#define WORD_MOST 75  /* RFC 2047 2 */
#define WORD_FRAME 12 /* "=?utf-8?Q?" and "?=" */
#define WORD_LEAST 24 /* with less room a new line is begun */
#define PARAM_PLAIN 60
#define PARAM_PIECE 48

static const char set64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "abcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex[] = "0123456789ABCDEF";

static void add(struct field *f, const char *p, size_t n)
{
	f->bad |= buf_add(&f->b, p, n) != 0;
	f->col += n;
}

static void fold(struct field *f)
{
	f->bad |= buf_add(&f->b, "\r\n", 2) != 0;
	f->col = 0;
}

void field_begin(struct field *f, const char *name)
{
	buf_clear(&f->b);
	f->bad = false;
	f->word = false;
	f->col = 0;
	add(f, name, strlen(name));
	add(f, ":", 1);
}

/* Behind white (one blank or more), in a new line if this one is full. */
static void atom(struct field *f, const char *white, size_t w, const char *p,
                 size_t n)
{
	if (w && f->col + w + n > LINE && f->b.n && f->b.p[f->b.n - 1] != ':')
		fold(f);
	add(f, white, w);
	while (n > ATOM_MOST || f->col + n > MIME_LINE_MOST - 8) {
		size_t k = n < ATOM_MOST ? n : ATOM_MOST;

		if (f->col + k > ATOM_MOST + 40 && f->col > 1) {
			fold(f);
			add(f, " ", 1);
		}
		add(f, p, k);
		p += k;
		n -= k;
	}
	add(f, p, n);
}

void field_atom(struct field *f, const char *p, size_t n, bool blank)
{
	atom(f, " ", blank, p, n);
	f->word = false;
}

void field_end(struct field *f, struct mime_out *out)
{
	size_t n = f->b.n;

	while (n && (f->b.p[n - 1] == ' ' || f->b.p[n - 1] == '\t'))
		n--;
	f->b.n = n;
	fold(f);
	if (!out)
		return;
	if (f->bad)
		out->failed = true;
	else
		mime_put(out, f->b.p, f->b.n);
}

void field_release(struct field *f)
{
	buf_release(&f->b);
}

/* --- encoded words -------------------------------------------------------- */

/* What stands for itself in each place where an encoded word may be. */
static bool q_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '!' || c == '*' || c == '+' ||
	       c == '-' || c == '/';
}

static size_t q_cost(const char *p, size_t n)
{
	return n == 1 && (q_plain((unsigned char)*p) || *p == ' ') ? 1 : 3 * n;
}

static void q_char(struct field *f, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char code[3] = { '=', hex[c >> 4], hex[c & 15] };

		if (c == ' ')
			add(f, "_", 1);
		else if (q_plain(c))
			add(f, p + i, 1);
		else
			add(f, code, 3);
	}
}

static void b_chars(struct field *f, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		unsigned char a = (unsigned char)p[i],
		              b = i + 1 < n ? (unsigned char)p[i + 1] : 0,
		              c = i + 2 < n ? (unsigned char)p[i + 2] : 0;
		char four[4] = { set64[a >> 2], set64[(a & 3) << 4 | b >> 4],
			         set64[(b & 15) << 2 | c >> 6], set64[c & 63] };

		if (i + 2 >= n)
			four[3] = '=';
		if (i + 1 >= n)
			four[2] = '=';
		add(f, four, 4);
	}
}

static size_t char_length(const char *p, size_t n)
{
	size_t len = 1;

	if ((unsigned char)*p < 0x80)
		return 1;
	while (len < n && len < 4 && ((unsigned char)p[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* How many octets of p a word of so much room can hold. */
static size_t word_fill(const char *p, size_t n, size_t room, bool b64)
{
	size_t i = 0, cost = 0;

	while (i < n) {
		size_t len = char_length(p + i, n - i);
		size_t more =
		        b64 ? (i + len + 2) / 3 * 4 : cost + q_cost(p + i, len);

		if (more > room)
			break;
		cost = more;
		i += len;
	}
	return i;
}

static bool shorter64(const char *p, size_t n)
{
	size_t cost = 0;

	for (size_t i = 0; i < n; i++)
		cost += q_cost(p + i, 1);
	return cost > (n + 2) / 3 * 4 + n / 4;
}

void field_words(struct field *f, const char *p, size_t n)
{
	bool b64 = shorter64(p, n);

	while (n) {
		size_t room = WORD_MOST - WORD_FRAME, k;

		if (f->col + 1 + WORD_FRAME + WORD_LEAST > LINE)
			fold(f);
		add(f, " ", 1);
		if (room > LINE - f->col - WORD_FRAME)
			room = LINE - f->col - WORD_FRAME;
		k = word_fill(p, n, room, b64);
		k = k ? k : 1;
		add(f, b64 ? "=?utf-8?B?" : "=?utf-8?Q?", 10);
		if (b64)
			b_chars(f, p, k);
		else
			q_char(f, p, k);
		add(f, "?=", 2);
		p += k;
		n -= k;
	}
	f->word = true;
}

/* --- text ----------------------------------------------------------------- */

static bool white(char c)
{
	return c == ' ' || c == '\t';
}

static size_t word_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && !white(p[i]))
		i++;
	return i;
}

static size_t white_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && white(p[i]))
		i++;
	return i;
}

static bool must_encode(const char *p, size_t n, bool literal)
{
	return !mime_ascii(p, n) ||
	       (literal && (n > ATOM_MOST || memmem(p, n, "=?", 2)));
}

/* From the first word that must be encoded to the end of the last one. */
static bool span(const char *p, size_t n, bool literal, size_t *from,
                 size_t *to)
{
	bool any = false;
	size_t i = 0, len;

	if (!must_encode(p, n, literal))
		return false;
	for (; i < n; i += len) {
		i += white_length(p + i, n - i);
		len = word_length(p + i, n - i);
		if (!len || !must_encode(p + i, len, literal))
			continue;
		if (!any)
			*from = i;
		any = true;
		*to = i + len;
	}
	return any;
}

static void plain_text(struct field *f, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t w = white_length(p + i, n - i),
		       len = word_length(p + i + w, n - i - w);

		if (!w && f->b.n && f->b.p[f->b.n - 1] == ':')
			atom(f, " ", 1, p + i, len);
		else if (len)
			atom(f, p + i, w, p + i + w, len);
		i += w + len;
	}
}

void field_text(struct field *f, const char *p, size_t n, bool literal)
{
	size_t from, to;

	if (!span(p, n, literal, &from, &to)) {
		plain_text(f, p, n);
		return;
	}
	/* The blank before the first encoded word is field_words()'. */
	plain_text(f, p, from && white(p[from - 1]) ? from - 1 : from);
	field_words(f, p + from, to - from);
	plain_text(f, p + to, n - to);
}

bool field_plain(const char *p, size_t n)
{
	if (!n || memmem(p, n, "=?", 2))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x7f || c < ' ' || strchr("()<>[]:;@\\,.\"", c))
			return false;
	}
	return p[0] != ' ' && p[n - 1] != ' ';
}

static void quoted(struct field *f, const char *p, size_t n, bool blank)
{
	if (blank && f->col + n + 3 > LINE)
		fold(f);
	add(f, " \"", 2);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			add(f, "\\", 1);
		add(f, p + i, 1);
	}
	add(f, "\"", 1);
}

void field_phrase(struct field *f, const char *p, size_t n)
{
	if (field_plain(p, n)) {
		size_t len = word_length(p, n);

		atom(f, " ", 1, p, len);
		plain_text(f, p + len, n - len);
	} else if (n < 200 && mime_ascii(p, n) && !memmem(p, n, "=?", 2)) {
		quoted(f, p, n, true);
	} else {
		field_words(f, p, n);
	}
}

/* --- parameters ----------------------------------------------------------- */

static bool attr_char(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("*'%()<>@,;:\\\"/[]?=", c);
}

static size_t percent_cost(const char *p, size_t n)
{
	return n == 1 && attr_char((unsigned char)*p) ? 1 : 3 * n;
}

static void percent_char(struct field *f, const char *p, size_t n)
{
	if (percent_cost(p, n) == 1) {
		add(f, p, 1);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char code[3] = { '%', hex[c >> 4], hex[c & 15] };

		add(f, code, 3);
	}
}

/* Whole characters of p that a piece of so much room can hold. */
static size_t percent_fill(const char *p, size_t n, size_t room)
{
	size_t i = 0, cost = 0;

	while (i < n) {
		size_t len = char_length(p + i, n - i);

		cost += percent_cost(p + i, len);
		if (cost > room)
			break;
		i += len;
	}
	return i;
}

/* RFC 2231 4.1: name*0*=utf-8''...; name*1*=... */
static void param_long(struct field *f, const char *name, const char *p)
{
	size_t n = strlen(p), k = percent_fill(p, n, PARAM_PIECE);
	bool one = k == n;

	for (unsigned part = 0; n; part++, p += k, n -= k) {
		char head[64];
		int len = one ? snprintf(head, sizeof(head), "%s*=", name)
		              : snprintf(head, sizeof(head), "%s*%u*=", name,
		                         part);

		k = percent_fill(p, n, PARAM_PIECE);
		add(f, ";", 1);
		fold(f);
		add(f, " ", 1);
		add(f, head, (size_t)len);
		if (!part)
			add(f, "utf-8''", 7);
		for (size_t i = 0, c; i < k; i += c) {
			c = char_length(p + i, k - i);
			percent_char(f, p + i, c);
		}
	}
}

static bool plain_value(const char *p, size_t n)
{
	if (n > PARAM_PLAIN)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || (unsigned char)p[i] >= 0x7f)
			return false;
	return true;
}

void field_param(struct field *f, const char *name, const char *value)
{
	size_t n = strlen(value);

	if (!plain_value(value, n)) {
		param_long(f, name, value);
		return;
	}
	add(f, ";", 1);
	if (f->col + strlen(name) + n + 4 > LINE)
		fold(f);
	add(f, " ", 1);
	add(f, name, strlen(name));
	add(f, "=\"", 2);
	for (size_t i = 0; i < n; i++) {
		if (value[i] == '"' || value[i] == '\\')
			add(f, "\\", 1);
		add(f, value + i, 1);
	}
	add(f, "\"", 1);
}

/* --- values --------------------------------------------------------------- */

struct civil {
	int64_t year;
	unsigned month, day;
};

/* Days since 1970 as a date: years are counted from March, so that the leap
 * day is the last of one. */
static struct civil civil_of(int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097),
	         yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
	         doy = doe - (365 * yoe + yoe / 4 - yoe / 100),
	         mp = (5 * doy + 2) / 153;
	struct civil c = { .year = yoe + era * 400 + (mp >= 10),
		           .month = mp < 10 ? mp + 3 : mp - 9,
		           .day = doy - (153 * mp + 2) / 5 + 1 };

	return c;
}

static void two(char *to, unsigned v)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
}

void field_date(struct field *f, const struct mail_date *d)
{
	static const char days[] = "ThuFriSatSunMonTueWed",
	                  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t day = d->sec / 86400 - (d->sec % 86400 < 0);
	unsigned sec = (unsigned)(d->sec - day * 86400);
	struct civil c = civil_of(day);
	char text[] = "ddd, 00 mmm yyyy 00:00:00 +0000";

	memcpy(text, days + 3 * ((day % 7 + 7) % 7), 3);
	two(text + 5, c.day);
	memcpy(text + 8, months + 3 * (size_t)(c.month - 1), 3);
	two(text + 12, (unsigned)(c.year / 100 % 100));
	two(text + 14, (unsigned)(c.year % 100));
	two(text + 17, sec / 3600);
	two(text + 20, sec / 60 % 60);
	two(text + 23, sec % 60);
	field_atom(f, text, sizeof(text) - 1, true);
}

void field_write(struct field *f, struct mime_out *out, const char *name,
                 const char *utf8)
{
	struct buf clean CLEANUP(buf_release_p) = BUF_INIT(FIELD_MOST);
	size_t n = strlen(utf8);

	field_begin(f, name);
	f->bad |= buf_add(&clean, utf8, n) != 0;
	for (size_t i = 0; i < clean.n; i++)
		if ((unsigned char)clean.p[i] < ' ' || clean.p[i] == 0x7f)
			clean.p[i] = ' ';
	while (clean.n && clean.p[clean.n - 1] == ' ')
		clean.n--;
	if (clean.n)
		field_text(f, clean.p, clean.n, true);
	field_end(f, out);
}

void field_write_ids(struct field *f, struct mime_out *out, const char *name,
                     const char *ascii)
{
	field_begin(f, name);
	while (*ascii) {
		size_t n = 0;

		while ((unsigned char)ascii[n] > ' ' &&
		       (unsigned char)ascii[n] < 0x7f)
			n++;
		if (n)
			field_atom(f, ascii, n, true);
		ascii += n + (ascii[n] != '\0');
	}
	field_end(f, out);
}
