/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_parse.c - records and fields, RFC 4180: quotes, doubled quotes, line
 * ends within quotes; CRLF or LF; comma or semicolon. Fields stay in the
 * text, which only ever gets shorter.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/csv.h"

/* The header line has no separator within its names: whichever of the two
 * is there more often outside quotes. */
static char find_separator(const char *p, const char *end)
{
	size_t commas = 0, semicolons = 0;
	bool quoted = false;

	for (; p < end && (quoted || (*p != '\n' && *p != '\r')); p++) {
		quoted ^= *p == '"';
		commas += !quoted && *p == ',';
		semicolons += !quoted && *p == ';';
	}
	return semicolons > commas ? ';' : ',';
}

void csv_parser_init(struct csv_parser *p, char *text, size_t n)
{
	p->p = text;
	p->end = text + n;
	p->line = 1;
	if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		p->p += 3;
	while (p->p < p->end && (*p->p == '\n' || *p->p == '\r'))
		p->line += *p->p++ == '\n';
	p->separator = find_separator(p->p, p->end);
}

static int add_field(struct csv_record *r, char *field)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 16;
		char **v = realloc(r->v, cap * sizeof(*v));

		if (!v)
			return -1;
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = field;
	return 0;
}

void csv_record_release(struct csv_record *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

static bool ends_line(const struct csv_parser *p, const char *at)
{
	return at == p->end || *at == '\n' ||
	       (*at == '\r' && (at + 1 == p->end || at[1] == '\n'));
}

static void skip_line(struct csv_parser *p)
{
	while (p->p < p->end && *p->p != '\n')
		p->p++;
	if (p->p < p->end) {
		p->p++;
		p->line++;
	}
}

static void bad_record(struct csv_parser *p, struct csv_record *r,
                       const char *mistake)
{
	r->mistake = mistake;
	skip_line(p);
}

/* p->p is behind the opening quote; leaves it behind the closing one. The
 * end of the field is returned, NULL if there is none. */
static char *quoted_field(struct csv_parser *p)
{
	char *to = p->p;

	for (; p->p < p->end; p->p++) {
		if (*p->p == '"' && p->p[1] != '"') {
			p->p++;
			return to;
		}
		if (*p->p == '"')
			p->p++;
		p->line += *p->p == '\n';
		*to++ = *p->p;
	}
	return NULL;
}

static char *plain_field(struct csv_parser *p, struct csv_record *r)
{
	for (; !ends_line(p, p->p) && *p->p != p->separator; p->p++)
		if (*p->p == '"')
			r->mistake =
			        "A quotation mark stands within a field. Put "
			        "the whole field into quotation marks, and "
			        "write each one inside it twice.";
	return p->p;
}

/* One field and what ends it: 1 if another one follows in the record. */
static int next_field(struct csv_parser *p, struct csv_record *r)
{
	bool quoted = *p->p == '"';
	char *field, *end;
	bool more;

	p->p += quoted;
	field = p->p;
	end = quoted ? quoted_field(p) : plain_field(p, r);
	if (!end) {
		r->mistake = "A quotation mark opens here and is never "
		             "closed. What follows it could not be read.";
		return 0;
	}
	if (add_field(r, field))
		return -1;
	if (!ends_line(p, p->p) && *p->p != p->separator) {
		bad_record(p, r,
		           "Something follows the closing quotation mark of "
		           "a field. Only a separator or the line's end may.");
		return 0;
	}
	more = p->p < p->end && *p->p == p->separator;
	if (more)
		p->p++;
	else
		skip_line(p);
	*end = '\0';
	return more;
}

static bool is_empty(const struct csv_record *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (*r->v[i])
			return false;
	return !r->mistake;
}

int csv_next(struct csv_parser *p, struct csv_record *r)
{
	while (p->p < p->end) {
		int more = 1;

		r->n = 0;
		r->mistake = NULL;
		r->line = p->line;
		while (more == 1)
			more = next_field(p, r);
		if (more < 0)
			return -1;
		if (!is_empty(r))
			return 1;
	}
	return 0;
}
