/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.c - see fingerprint.h. Version 2: fp_field.c, fp_text.c. A
 * rule that changes must change FINGERPRINT_VERSION: stores keep these.
 */
#include "mime/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "mime/fp_text.h"

#define NOTHING UINT64_C(0xef46db3751d8e999) /* the hash of no octets */

struct fp_scan {
	struct header_split split;
	struct fp_heads heads;
	struct fp_text text;
};

struct fp_scan *fp_scan_new(void)
{
	struct fp_scan *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	s->split = (struct header_split)HEADER_SPLIT_INIT;
	memset(&s->heads, 0, sizeof(s->heads));
	fp_text_begin(&s->text);
	return s;
}

static int take_field(const char *field, size_t n, void *arg)
{
	struct fp_scan *s = arg;

	return fp_heads_take(&s->heads, field, n) ||
	       fp_text_field(&s->text, field, n);
}

int fp_scan_data(struct fp_scan *s, const char *p, size_t n)
{
	size_t used = 0;
	int r;

	if (!s->split.ended) {
		r = header_split_data(&s->split, p, n, &used, take_field, s);
		if (r < 0)
			return -1;
		if (r)
			fp_text_body(&s->text);
	}
	return fp_text_data(&s->text, p + used, n - used);
}

bool fp_scan_in_text(const struct fp_scan *s)
{
	return s->split.ended;
}

int fp_scan_end(struct fp_scan *s, struct fingerprint *out)
{
	int failed = header_split_end(&s->split, take_field, s);

	fp_heads_end(&s->heads);
	memset(out, 0, sizeof(*out)); /* its padding too */
	out->version = FINGERPRINT_VERSION;
	out->message_id = s->heads.hash[FP_ID];
	out->date = s->heads.hash[FP_DATE];
	out->from = s->heads.hash[FP_FROM];
	out->subject = s->heads.hash[FP_SUBJECT];
	failed |= fp_text_end(&s->text, &out->text);
	out->files = s->text.files;
	return failed ? -1 : 0;
}

void fp_scan_free(struct fp_scan **s)
{
	if (!*s)
		return;
	header_split_release(&(*s)->split);
	fp_text_release(&(*s)->text);
	free(*s);
	*s = NULL;
}

static bool equal(uint64_t a, uint64_t b)
{
	return (a | FP_DOUBT) == (b | FP_DOUBT);
}

bool fp_may_equal(uint64_t a, uint64_t b)
{
	return !a || !b || ((a | b) & FP_DOUBT) || a == b;
}

static bool heads_may_equal(const struct fingerprint *a,
                            const struct fingerprint *b)
{
	return fp_may_equal(a->date, b->date) &&
	       fp_may_equal(a->from, b->from) &&
	       fp_may_equal(a->subject, b->subject);
}

static bool heads_equal(const struct fingerprint *a,
                        const struct fingerprint *b)
{
	return equal(a->date, b->date) && equal(a->from, b->from) &&
	       equal(a->subject, b->subject);
}

/* No Message-ID, or one that somebody has added on the way. */
static enum fp_match compare_heads(const struct fingerprint *a,
                                   const struct fingerprint *b)
{
	bool one_side = a->message_id != b->message_id;

	if (!heads_may_equal(a, b) ||
	    (a->text && b->text && a->text != b->text))
		return FP_DIFFERENT;
	if (!a->text || a->text != b->text || !heads_equal(a, b) || !a->date)
		return FP_UNSURE;
	if (one_side && a->text == NOTHING)
		return FP_UNSURE;
	return FP_SAME;
}

static bool this_version(const struct fingerprint *a)
{
	return a->version >= FINGERPRINT_VERSION &&
	       a->version <= FINGERPRINT_LAST;
}

bool fp_comparable(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->version == b->version || (this_version(a) && this_version(b));
}

enum fp_match fp_compare(const struct fingerprint *a,
                         const struct fingerprint *b)
{
	if (!fp_comparable(a, b))
		return FP_UNSURE;
	if (!a->message_id || !b->message_id)
		return compare_heads(a, b);
	if (a->message_id != b->message_id)
		return FP_DIFFERENT;
	return a->text && a->text == b->text && heads_may_equal(a, b)
	               ? FP_SAME
	               : FP_UNSURE;
}

static bool certain(uint64_t a, uint64_t b)
{
	return a && a == b && !(a & FP_DOUBT);
}

/* None on both sides counts; a subject of raw octets is in doubt on one. */
static bool same_subject(uint64_t a, uint64_t b)
{
	return a == b || (a && b && fp_may_equal(a, b));
}

enum fp_match fp_join(const struct fingerprint *a, const struct fingerprint *b)
{
	enum fp_match how = fp_compare(a, b);

	if (how != FP_UNSURE || !fp_comparable(a, b) ||
	    (a->version != FINGERPRINT_ANEW && b->version != FINGERPRINT_ANEW))
		return how;
	if (a->version == FINGERPRINT_IN_PART ||
	    b->version == FINGERPRINT_IN_PART || !a->text || !b->text)
		return how;
	return a->message_id && a->message_id == b->message_id &&
	                       certain(a->date, b->date) &&
	                       certain(a->from, b->from) &&
	                       same_subject(a->subject, b->subject)
	               ? FP_SAME
	               : how;
}

/* Base64 is a third larger than what is in it, which is what Outlook counts
 * as a message's size. */
#define RAW_PERCENT 70

bool fp_has_files(const struct fingerprint *m, const struct fingerprint *there,
                  uint64_t octets)
{
	if (fp_compare(m, there) == FP_SAME || !octets)
		return true;
	return octets >= m->files / 100 * RAW_PERCENT;
}
