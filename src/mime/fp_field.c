/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fp_field.c - see fp_field.h. Part of the fingerprint: what changes here
 * changes FINGERPRINT_VERSION.
 */
#include "mime/fp_field.h"

#include <stdlib.h>
#include <string.h>

#include "mime/graph_words.h"
#include "mime/header.h"
#include "mime/mix.h"
#include "util/buf.h"

/* More of a value is not looked at: hostile ones take long to understand. */
#define VALUE_MOST 8192
#define EASY_MOST 200 /* an address of octets that most addresses have */

static const struct {
	const char *name;
	enum fp_head head;
} names[] = {
	{ "Message-ID", FP_ID }, { "Date", FP_DATE },
	{ "From", FP_FROM },     { "Subject", FP_SUBJECT },
	{ "List-Id", FP_LIST },  { "Mailing-List", FP_LIST },
};

/* Servers rewrite 8-bit octets and NULs in fields, each its own way. */
static bool survives(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' || (unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

static uint64_t told(uint64_t hash, bool doubt)
{
	hash &= ~FP_DOUBT;
	if (doubt)
		return hash | FP_DOUBT;
	return hash ? hash : FP_DOUBT << 1;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Without white space and control characters; 0 if nothing is left. */
static uint64_t hash_of(const char *p, size_t n, bool any_case)
{
	struct mix m;
	char out[256];
	size_t to = 0, all = 0;

	mix_init(&m);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c <= ' ' || c == 0x7f)
			continue;
		out[to++] = any_case ? lower(p[i]) : p[i];
		all++;
		if (to == sizeof(out)) {
			mix_data(&m, out, to);
			to = 0;
		}
	}
	mix_data(&m, out, to);
	return all ? mix_end(&m) : 0;
}

/* What stands between the first < and the > behind it, or all. */
static const char *bracketed(const char *p, size_t *n)
{
	const char *from = memchr(p, '<', *n), *to;

	if (!from)
		return p;
	from++;
	to = memchr(from, '>', *n - (size_t)(from - p));
	if (!to || to == from)
		return p;
	*n = (size_t)(to - from);
	return from;
}

/* Nothing but the octets themselves can vouch for an odd one. */
static uint64_t id_of(const char *p, size_t n)
{
	p = bracketed(p, &n);
	return survives(p, n) ? hash_of(p, n, false) : 0;
}

/* The instant: exports tell it in their own zone. */
static uint64_t date_of(const char *p, size_t n)
{
	struct mail_date d = { 0 };
	unsigned char sec[8];

	if (!header_date(p, n, &d))
		return told(hash_of(p, n, false), true);
	for (int i = 0; i < 8; i++)
		sec[i] = (unsigned char)((uint64_t)d.sec >> 8 * i);
	return told(mix_of(sec, sizeof(sec)), false);
}

/* As people read it, whatever it was encoded in. */
static int words_of(const char *p, size_t n, uint64_t *out)
{
	char *raw CLEANUP(free_p) = NULL, *text CLEANUP(free_p) = NULL;
	bool plain = survives(p, n);
	uint64_t hash;

	if (plain && !memmem(p, n, "=?", 2)) {
		hash = hash_of(p, n, false);
		*out = hash ? told(hash, false) : 0;
		return 0;
	}
	raw = strndup(p, n);
	text = raw ? graph_words(raw) : NULL;
	if (!text)
		return -1;
	hash = hash_of(text, strlen(text), false);
	*out = hash || !plain ? told(hash, !plain) : 0;
	return 0;
}

static int keep_address(const char *name, const char *address, void *arg)
{
	uint64_t *hash = arg;
	size_t n = address ? strlen(address) : 0;

	(void)name;
	if (!n)
		return 0;
	*hash = told(hash_of(address, n, true), !survives(address, n));
	return 1;
}

/* Where the name in front of "<" ends if it is an easy one, else NULL. */
static const char *easy_name(const char *p, const char *end)
{
	bool quoted = p < end && *p == '"';

	for (p += quoted; p < end && (quoted || *p != '<'); p++) {
		if (*p < ' ' || *p == 0x7f || *p == '\\')
			return NULL;
		if (*p == '"' && quoted)
			quoted = false;
		else if (!quoted && strchr(",;:()\"<>", *p))
			return NULL;
	}
	return p < end ? p : NULL;
}

/* atom@atoms, of the octets that most addresses have. */
static bool easy_address(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);

	for (size_t i = 0; i < n; i++)
		if ((lower(p[i]) < 'a' || lower(p[i]) > 'z') &&
		    (p[i] < '0' || p[i] > '9') &&
		    (!p[i] || !strchr("._+-", p[i])) && p + i != at)
			return false;
	return at && at > p && at + 1 < p + n && n < EASY_MOST;
}

/* The address in "Name <address>" and in nothing but an address, as
 * graph_people() takes it out; NULL: that needs more thought. */
static const char *easy_from(const char *p, size_t *n)
{
	const char *end = p + *n;

	if (end[-1] == '>') {
		p = easy_name(p, --end);
		if (!p)
			return NULL;
		p++;
	}
	*n = (size_t)(end - p);
	return easy_address(p, *n) ? p : NULL;
}

/* The address: names are rewritten from address books, and by quoting. */
static int from_of(const char *p, size_t n, uint64_t *out)
{
	char *raw CLEANUP(free_p) = NULL;
	size_t len = n;
	const char *easy = easy_from(p, &len);

	*out = 0;
	if (easy) {
		*out = told(hash_of(easy, len, true), false);
		return 0;
	}
	raw = strndup(p, n);
	if (!raw || graph_people(raw, keep_address, out) < 0)
		return -1;
	return *out ? 0 : words_of(p, n, out);
}

/* A message may have been on several lists: their order says nothing. */
static uint64_t list_of(const char *p, size_t n)
{
	p = bracketed(p, &n);
	return hash_of(p, n, true);
}

static int take(struct fp_heads *h, enum fp_head head, const char *p, size_t n)
{
	if (head == FP_LIST) {
		h->hash[head] += list_of(p, n);
		return 0;
	}
	if (h->seen[head])
		return 0;
	h->seen[head] = true;
	if (head == FP_ID)
		h->hash[head] = id_of(p, n);
	else if (head == FP_DATE)
		h->hash[head] = date_of(p, n);
	else if (head == FP_FROM)
		return from_of(p, n, &h->hash[head]);
	else
		return words_of(p, n, &h->hash[head]);
	return 0;
}

/* All that is looked for begins so; most fields don't. */
static bool may_be_head(char first)
{
	switch (first | 0x20) {
	case 'd':
	case 'f':
	case 'l':
	case 'm':
	case 's':
		return true;
	default:
		return false;
	}
}

int fp_heads_take(struct fp_heads *h, const char *field, size_t n)
{
	if (!n || !may_be_head(field[0]))
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value;
		size_t len;

		if ((field[0] | 0x20) != (names[i].name[0] | 0x20) ||
		    !header_is(field, n, names[i].name))
			continue;
		value = header_value(field, n, &len);
		if (!value || !len)
			return 0;
		return take(h, names[i].head, value,
		            len < VALUE_MOST ? len : VALUE_MOST);
	}
	return 0;
}

/*
 * The copy that came by a list is not the one that came straight, even if
 * the list left all else alone. No sender is one like any other: else its
 * list would say nothing.
 */
void fp_heads_end(struct fp_heads *h)
{
	uint64_t from = h->hash[FP_FROM];

	if (!from)
		from = told(mix_of("", 0), false);
	h->hash[FP_FROM] = told(from + h->hash[FP_LIST], from & FP_DOUBT);
}
