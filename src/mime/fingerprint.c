/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.c - see fingerprint.h.
 *
 * Version 1. Every component is mix.h's hash (XXH64, seed 0) of
 *   message_id  the value without any white space
 *   date        the value, white space folded to single blanks
 *   from        the same, ASCII letters lower-case
 *   subject     the same, letters as they are
 *   text        all octets after the first empty line without SP, TAB, CR
 *               and LF, NUL as 0x80
 * of the first field of that name. Values beyond HEADER_FIELD_MAX count cut.
 * A rule that changes must change FINGERPRINT_VERSION: stores keep these.
 */
#include "mime/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "mime/header.h"
#include "mime/mix.h"

enum { ID, DATE, FROM, SUBJECT, FIELDS };

struct fp_scan {
	struct header_split split;
	bool seen[FIELDS];
	uint64_t hash[FIELDS];
	struct mix text;
};

static const char *const field_names[FIELDS] = {
	[ID] = "Message-ID",
	[DATE] = "Date",
	[FROM] = "From",
	[SUBJECT] = "Subject",
};

struct fp_scan *fp_scan_new(void)
{
	struct fp_scan *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	s->split = (struct header_split)HEADER_SPLIT_INIT;
	memset(s->seen, 0, sizeof(s->seen));
	memset(s->hash, 0, sizeof(s->hash));
	mix_init(&s->text);
	return s;
}

static bool white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Servers rewrite 8-bit octets and NULs in fields, each its own way. */
static bool survives(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' || (unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static uint64_t field_hash(int which, const char *p, size_t n)
{
	struct mix m;
	char out[256];
	size_t to = 0;

	mix_init(&m);
	for (size_t i = 0; i < n; i++) {
		char c = which == FROM ? lower(p[i]) : p[i];

		if (white(c) && (which == ID || white(p[i + 1])))
			continue;
		out[to++] = white(c) ? ' ' : c;
		if (to == sizeof(out)) {
			mix_data(&m, out, to);
			to = 0;
		}
	}
	mix_data(&m, out, to);
	return mix_end(&m);
}

static int take_field(const char *field, size_t n, void *arg)
{
	struct fp_scan *s = arg;
	const char *value;
	size_t len;

	for (int i = 0; i < FIELDS; i++) {
		if (s->seen[i] || !header_is(field, n, field_names[i]))
			continue;
		s->seen[i] = true;
		value = header_value(field, n, &len);
		if (value && len && survives(value, len))
			s->hash[i] = field_hash(i, value, len);
	}
	return 0;
}

int fp_scan_data(struct fp_scan *s, const char *p, size_t n)
{
	size_t used = 0;

	if (!s->split.ended &&
	    header_split_data(&s->split, p, n, &used, take_field, s) < 0)
		return -1;
	mix_text(&s->text, p + used, n - used);
	return 0;
}

bool fp_scan_in_text(const struct fp_scan *s)
{
	return s->split.ended;
}

void fp_scan_end(struct fp_scan *s, struct fingerprint *out)
{
	header_split_end(&s->split, take_field, s);
	memset(out, 0, sizeof(*out)); /* its padding too */
	out->version = FINGERPRINT_VERSION;
	out->message_id = s->hash[ID];
	out->date = s->hash[DATE];
	out->from = s->hash[FROM];
	out->subject = s->hash[SUBJECT];
	out->text = mix_end(&s->text);
}

void fp_scan_free(struct fp_scan **s)
{
	if (!*s)
		return;
	header_split_release(&(*s)->split);
	free(*s);
	*s = NULL;
}

/* A component that one side lacks says nothing: servers replace what they
 * can't bear, and then it appears or is gone. */
static bool may_equal(uint64_t a, uint64_t b)
{
	return a == b || a == 0 || b == 0;
}

static enum fp_match compare_fields(const struct fingerprint *a,
                                    const struct fingerprint *b)
{
	if (!may_equal(a->date, b->date) || !may_equal(a->from, b->from) ||
	    !may_equal(a->subject, b->subject) || !may_equal(a->text, b->text))
		return FP_DIFFERENT;
	if (a->message_id == b->message_id && a->date == b->date &&
	    a->from == b->from && a->subject == b->subject && a->text &&
	    a->text == b->text)
		return FP_SAME;
	return FP_UNSURE;
}

enum fp_match fp_compare(const struct fingerprint *a,
                         const struct fingerprint *b)
{
	if (a->version != b->version)
		return FP_UNSURE;
	if (a->message_id == 0 || b->message_id == 0)
		return compare_fields(a, b);
	if (a->message_id != b->message_id)
		return FP_DIFFERENT;
	return a->text && a->text == b->text ? FP_SAME : FP_UNSURE;
}
