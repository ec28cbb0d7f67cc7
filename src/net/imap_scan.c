/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_scan.c - see imap_scan.h.
 */
#include <stdlib.h>
#include <string.h>

#include "net/imap_scan.h"

int scan_u64(struct scan *s, uint64_t *out)
{
	uint64_t n = 0;
	const char *start = s->p;

	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		unsigned digit = (unsigned)(*s->p - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*out = n;
	return s->p > start ? 0 : -1;
}

int scan_u32(struct scan *s, uint32_t *out)
{
	uint64_t n;

	if (scan_u64(s, &n) || n > UINT32_MAX)
		return -1;
	*out = (uint32_t)n;
	return 0;
}

static const bool stops[256] = {
	[' '] = true, ['('] = true, [')'] = true,  ['['] = true,
	[']'] = true, ['"'] = true, ['\r'] = true, ['\n'] = true
};

int scan_word(struct scan *s, const char **p, size_t *n)
{
	*p = s->p;
	while (s->p < s->end && !stops[(unsigned char)*s->p])
		s->p++;
	*n = (size_t)(s->p - *p);
	return *n ? 0 : -1;
}

int scan_literal_size(struct scan *s, uint64_t *size)
{
	scan_take(s, '~');
	if (!scan_take(s, '{') || scan_u64(s, size))
		return -1;
	scan_take(s, '+');
	if (!scan_take(s, '}'))
		return -1;
	scan_take(s, '\r');
	return scan_take(s, '\n') ? 0 : -1;
}

static int quoted(struct scan *s, struct scan_value *v)
{
	v->kind = SCAN_QUOTED;
	v->p = ++s->p;
	for (; s->p < s->end && *s->p != '"'; s->p++) {
		if (*s->p == '\\' && ++s->p == s->end)
			return -1;
		if (*s->p == '\r' || *s->p == '\n')
			return -1;
	}
	v->n = (size_t)(s->p - v->p);
	return scan_take(s, '"') ? 0 : -1;
}

static int literal(struct scan *s, struct scan_value *v)
{
	uint64_t size;

	if (scan_literal_size(s, &size) || size > (uint64_t)(s->end - s->p))
		return -1;
	v->kind = SCAN_LITERAL;
	v->p = s->p;
	v->n = (size_t)size;
	s->p += v->n;
	return 0;
}

/* Atoms may hold brackets here: BODY[...]<0> and keywords of odd servers. */
static int atom(struct scan *s, struct scan_value *v)
{
	v->kind = SCAN_ATOM;
	v->p = s->p;
	while (s->p < s->end && *s->p != ' ' && *s->p != '(' && *s->p != ')' &&
	       *s->p != '\r' && *s->p != '\n')
		s->p++;
	v->n = (size_t)(s->p - v->p);
	if (SCAN_IS(v->p, v->n, "NIL"))
		v->kind = SCAN_NIL;
	return v->n ? 0 : -1;
}

int scan_string(struct scan *s, struct scan_value *v)
{
	if (s->p == s->end)
		return -1;
	if (*s->p == '"')
		return quoted(s, v);
	if (*s->p == '{' ||
	    (*s->p == '~' && s->end - s->p > 1 && s->p[1] == '{'))
		return literal(s, v);
	return atom(s, v);
}

int scan_skip(struct scan *s)
{
	struct scan_value v;
	unsigned depth = 0;

	do {
		scan_spaces(s);
		if (scan_take(s, '(')) {
			if (++depth > SCAN_DEPTH)
				return -1;
		} else if (depth && scan_take(s, ')')) {
			depth--;
		} else if (scan_string(s, &v)) {
			return -1;
		}
	} while (depth);
	return 0;
}

char *scan_copy(const struct scan_value *v)
{
	char *copy = malloc(v->n + 1);
	size_t n = 0;

	if (!copy || memchr(v->p, '\0', v->n)) {
		free(copy);
		return NULL;
	}
	for (size_t i = 0; i < v->n; i++) {
		if (v->kind == SCAN_QUOTED && v->p[i] == '\\' && i + 1 < v->n)
			i++;
		copy[n++] = v->p[i];
	}
	copy[n] = '\0';
	return copy;
}

int scan_range(struct scan *s, uint32_t *lo, uint32_t *hi)
{
	if (scan_u32(s, lo) || !*lo)
		return -1;
	*hi = *lo;
	if (!scan_take(s, ':'))
		return 0;
	if (scan_u32(s, hi) || !*hi)
		return -1;
	if (*lo > *hi) {
		uint32_t other = *lo;

		*lo = *hi;
		*hi = other;
	}
	return 0;
}
