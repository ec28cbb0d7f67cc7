/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_scan.h - a cursor over one framed response.
 *
 * Knows the value forms of RFC 3501 section 4 (atom, number, quoted string,
 * literal, NIL, parenthesised list) and no more; never reads beyond end.
 * Every function returns 0, or -1 and leaves the cursor anywhere.
 */
#ifndef MAILHAUL_NET_IMAP_SCAN_H
#define MAILHAUL_NET_IMAP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#define SCAN_DEPTH 100

struct scan {
	const char *p, *end;
};

enum scan_kind { SCAN_NIL, SCAN_ATOM, SCAN_QUOTED, SCAN_LITERAL };

/* p, n: the octets of an atom or literal; of a quoted string what is
 * between the quotes, backslashes and all. */
struct scan_value {
	enum scan_kind kind;
	const char *p;
	size_t n;
};

static inline bool scan_at(const struct scan *s, char c)
{
	return s->p < s->end && *s->p == c;
}

static inline bool scan_take(struct scan *s, char c)
{
	if (!scan_at(s, c))
		return false;
	s->p++;
	return true;
}

static inline void scan_spaces(struct scan *s)
{
	while (s->p < s->end && *s->p == ' ')
		s->p++;
}

/* Digits up to a delimiter; refuses what 64 bits cannot hold. */
int scan_u64(struct scan *s, uint64_t *out);
int scan_u32(struct scan *s, uint32_t *out);
/* The octets up to a space, parenthesis, bracket, quote or the end. */
int scan_word(struct scan *s, const char **p, size_t *n);
/* One atom, string or NIL; not a list. */
int scan_string(struct scan *s, struct scan_value *v);
/* Passes over any one value, lists too. */
int scan_skip(struct scan *s);
/* "{n}" CRLF (also ~{n} and {n+}); the cursor is at the octets. */
int scan_literal_size(struct scan *s, uint64_t *size);
/* malloc'd, NUL-terminated, without the backslashes of a quoted string;
 * NULL: memory, or NUL in it. */
char *scan_copy(const struct scan_value *v);

/* A uid-set or one of its ranges, lo <= hi; "*" is refused. */
int scan_range(struct scan *s, uint32_t *lo, uint32_t *hi);

static inline bool scan_is(const char *p, size_t n, const char *word,
                           size_t word_n)
{
	return n == word_n && strncasecmp(p, word, n) == 0;
}
#define SCAN_IS(p, n, word) scan_is(p, n, word, sizeof(word) - 1)

#endif
