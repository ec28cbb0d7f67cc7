/* SPDX-License-Identifier: Apache-2.0 */
/* header.c - see header.h. RFC 5322 2.2 and 3.6.8. */
#include "mime/header.h"

#include <string.h>
#include <strings.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool space(char c)
{
	return blank(c) || c == '\r' || c == '\n';
}

/* A cut field is of use, a missing one is not: what is over is dropped. */
static int keep(struct header_split *s, const char *p, size_t n)
{
	size_t room = s->field.max - s->field.n;

	return buf_add(&s->field, p, n < room ? n : room);
}

static int flush(struct header_split *s, header_field_fn *each, void *arg)
{
	size_t n = s->field.n;
	int r = 0;

	while (n && (s->field.p[n - 1] == '\n' || s->field.p[n - 1] == '\r'))
		n--;
	if (n)
		r = each(s->field.p, n, arg);
	buf_clear(&s->field);
	return r ? -1 : 0;
}

/* A piece of a line, whole if it ends with LF. */
static int piece(struct header_split *s, const char *p, size_t n,
                 header_field_fn *each, void *arg)
{
	bool ends = p[n - 1] == '\n';
	size_t body = n - ends;

	if (body && p[body - 1] == '\r')
		body--;
	/* Only a CR of its own may have come before the LF. */
	if (s->mid_line && !(ends && n == 1))
		s->line_any = true;
	if (ends && !s->line_any && !body) {
		s->ended = true;
		return flush(s, each, arg);
	}
	if (!s->mid_line && !blank(p[0]) && flush(s, each, arg))
		return -1;
	s->line_any = ends ? false : s->line_any || body || n > 1;
	s->mid_line = !ends;
	return keep(s, p, n);
}

/* How long the field at p is, if all of it stands there, and what shows that
 * it has ended; else 0. */
static size_t whole(const char *p, size_t n)
{
	size_t at = 0;

	if (p[0] == '\r' || p[0] == '\n')
		return 0;
	do {
		const char *nl = memchr(p + at, '\n', n - at);

		at = nl ? (size_t)(nl - p) + 1 : n;
		if (at == n || at > HEADER_FIELD_MAX)
			return 0;
	} while (blank(p[at]));
	return at;
}

/* The fields that need not be kept: they are told from where they stand. */
static int wholes(struct header_split *s, const char *p, size_t n, size_t *at,
                  header_field_fn *each, void *arg)
{
	size_t len;

	if (s->mid_line || blank(p[*at]) || !whole(p + *at, n - *at))
		return 0;
	if (flush(s, each, arg))
		return -1;
	while ((len = whole(p + *at, n - *at))) {
		const char *field = p + *at;

		*at += len;
		while (field[len - 1] == '\n' || field[len - 1] == '\r')
			len--;
		if (each(field, len, arg))
			return -1;
	}
	return 0;
}

int header_split_data(struct header_split *s, const char *p, size_t n,
                      size_t *used, header_field_fn *each, void *arg)
{
	size_t at = 0, len;
	const char *nl;

	while (at < n && !s->ended) {
		if (wholes(s, p, n, &at, each, arg))
			return -1;
		nl = memchr(p + at, '\n', n - at);
		len = nl ? (size_t)(nl - p) + 1 - at : n - at;
		if (piece(s, p + at, len, each, arg))
			return -1;
		at += len;
	}
	*used = at;
	return s->ended;
}

int header_split_end(struct header_split *s, header_field_fn *each, void *arg)
{
	if (s->ended)
		return 0;
	s->ended = true;
	return flush(s, each, arg);
}

void header_split_release(struct header_split *s)
{
	buf_release(&s->field);
}

bool header_is(const char *field, size_t n, const char *name)
{
	size_t len;

	/* Most are not, and most of these begin otherwise. */
	if (!n || (field[0] ^ name[0]) & ~0x20)
		return false;
	len = strlen(name);
	if (n <= len || (field[len] != ':' && !blank(field[len])) ||
	    strncasecmp(field, name, len) != 0)
		return false;
	while (len < n && blank(field[len]))
		len++;
	return len < n && field[len] == ':';
}

const char *header_value(const char *field, size_t n, size_t *len)
{
	const char *p = memchr(field, ':', n);
	const char *end = field + n;

	if (!p)
		return NULL;
	p++;
	while (p < end && space(*p))
		p++;
	while (end > p && space(end[-1]))
		end--;
	*len = (size_t)(end - p);
	return p;
}

/* Behind "; name =", or NULL. */
static const char *param(const char *p, const char *end, const char *name)
{
	size_t len = strlen(name);

	while ((p = memchr(p, ';', (size_t)(end - p)))) {
		for (p++; p < end && space(*p);)
			p++;
		if ((size_t)(end - p) < len || strncasecmp(p, name, len) != 0)
			continue;
		for (p += len; p < end && space(*p);)
			p++;
		if (p < end && *p == '=')
			return p + 1;
	}
	return NULL;
}

int header_param(const char *p, size_t n, const char *name, struct buf *out)
{
	const char *end = p + n;
	bool quoted;

	p = param(p, end, name);
	while (p && p < end && space(*p))
		p++;
	if (!p)
		return 0;
	quoted = p < end && *p == '"';
	for (p += quoted; p < end; p++) {
		if (quoted ? *p == '"' : *p == ';' || space(*p))
			break;
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		if (buf_chr(out, *p))
			return -1;
	}
	while (out->n && space(out->p[out->n - 1]))
		out->p[--out->n] = '\0';
	return out->n > 0;
}
