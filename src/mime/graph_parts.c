/* SPDX-License-Identifier: Apache-2.0 */
/* graph_parts.c - see graph_parts.h. RFC 2046 5.1, RFC 5322 2.2. */
#include "mime/graph_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/graph_mime.h"
#include "mime/header.h"

#define STEP 65536u
#define LINE_MOST 1024u /* as much of a body line as matters */

/* Content fields of the part whose header is being read. */
enum { ABOUT_TYPE, ABOUT_ENCODING, ABOUT_DISPOSITION, ABOUT_ID, ABOUT_COUNT };

struct scan {
	struct graph_parts *parts;
	size_t part; /* being read */
	bool in_header;
	struct buf line; /* its beginning, without the line end */
	struct buf field;
	struct buf own[FIELD_COUNT];
	char *about[ABOUT_COUNT];
	size_t kept;         /* octets of all parts' fields */
	uint64_t start;      /* of the line */
	uint64_t length;     /* with its line end */
	bool cr;             /* its last octet so far is one */
	unsigned end_before; /* octets of the line end before it */
};

static const struct {
	const char *name;
	enum graph_field at;
	bool all;
} fields[] = {
	{ "Subject", FIELD_SUBJECT, false },
	{ "From", FIELD_FROM, false },
	{ "Sender", FIELD_SENDER, false },
	{ "To", FIELD_TO, true },
	{ "Cc", FIELD_CC, true },
	{ "Bcc", FIELD_BCC, true },
	{ "Reply-To", FIELD_REPLY_TO, true },
	{ "Date", FIELD_DATE, false },
	{ "Message-ID", FIELD_MESSAGE_ID, false },
	{ "In-Reply-To", FIELD_IN_REPLY_TO, false },
	{ "References", FIELD_REFERENCES, false },
	{ "Importance", FIELD_IMPORTANCE, false },
	{ "X-Priority", FIELD_X_PRIORITY, false },
	{ "X-MSMail-Priority", FIELD_MS_PRIORITY, false },
	{ "Priority", FIELD_PRIORITY, false },
	{ "Received", FIELD_RECEIVED, false },
};

static const char *const about_names[] = {
	[ABOUT_TYPE] = "Content-Type",
	[ABOUT_ENCODING] = "Content-Transfer-Encoding",
	[ABOUT_DISPOSITION] = "Content-Disposition",
	[ABOUT_ID] = "Content-ID",
};

bool graph_part_is(const struct graph_part *p, const char *type)
{
	return strcmp(p->type, type) == 0;
}

static void part_release(struct graph_part *p)
{
	free(p->type);
	free(p->boundary);
	free(p->charset);
	free(p->start);
	free(p->name);
	free(p->cid);
}

static void forget_parts(struct graph_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		part_release(&parts->v[i]);
	free(parts->v);
	parts->v = NULL;
	parts->n = parts->cap = 0;
}

void graph_shape_release(struct graph_parts *parts)
{
	forget_parts(parts);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		free(parts->field[i]);
	memset(parts, 0, sizeof(*parts));
}

static void too_much(struct scan *s)
{
	s->parts->too_much = true;
}

static void link_part(struct graph_parts *parts, size_t parent, size_t kid)
{
	size_t *at = &parts->v[parent].kid;

	while (*at)
		at = &parts->v[*at].next;
	*at = kid;
}

/* The new part's header is read from here on. */
static int part_add(struct scan *s, size_t parent, uint64_t head)
{
	struct graph_parts *parts = s->parts;
	unsigned depth = parts->n ? parts->v[parent].depth + 1 : 0;
	struct graph_part *p;

	if (parts->n == GRAPH_PARTS_MOST || depth > GRAPH_NEST_MOST) {
		too_much(s);
		return 0;
	}
	if (parts->n == parts->cap) {
		size_t cap = parts->cap ? 2 * parts->cap : 8;

		p = realloc(parts->v, cap * sizeof(*p));
		if (!p)
			return -1;
		parts->v = p;
		parts->cap = cap;
	}
	p = &parts->v[parts->n];
	memset(p, 0, sizeof(*p));
	p->head = head;
	p->parent = parent;
	p->depth = depth;
	if (parts->n)
		link_part(parts, parent, parts->n);
	s->part = parts->n++;
	s->in_header = true;
	return 0;
}

/* What is over a limit is dropped: a cut field is of use. */
static int add_cut(struct buf *b, const char *p, size_t n)
{
	size_t room = b->max - b->n;

	return buf_add(b, p, n < room ? n : room);
}

static int take_own(struct scan *s, const char *value, size_t n)
{
	const struct buf *f = &s->field;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct buf *to = &s->own[fields[i].at];

		if (!header_is(f->p, f->n, fields[i].name))
			continue;
		if (to->p && !fields[i].all)
			return 0;
		if (to->n && add_cut(to, ", ", 2))
			return -1;
		return add_cut(to, value, n);
	}
	return 0;
}

static int take_about(struct scan *s, const char *value, size_t n)
{
	const struct buf *f = &s->field;

	for (size_t i = 0; i < ABOUT_COUNT; i++) {
		if (!header_is(f->p, f->n, about_names[i]) || s->about[i])
			continue;
		if (n > GRAPH_PARAM_MOST)
			n = GRAPH_PARAM_MOST;
		s->kept += n;
		if (s->kept > GRAPH_FIELDS_MOST)
			too_much(s);
		s->about[i] = strndup(value, n);
		return s->about[i] ? 0 : -1;
	}
	return 0;
}

static int field_end(struct scan *s)
{
	const char *value;
	size_t n = 0;
	int r = 0;

	if (!s->field.n)
		return 0;
	for (size_t i = 0; i < s->field.n; i++)
		if (s->field.p[i] == '\0')
			s->field.p[i] = ' ';
	value = header_value(s->field.p, s->field.n, &n);
	if (value)
		r = take_about(s, value, n);
	if (value && r == 0 && s->part == 0)
		r = take_own(s, value, n);
	buf_clear(&s->field);
	return r;
}

static int header_end(struct scan *s, uint64_t text)
{
	struct graph_parts *parts = s->parts;
	struct graph_part *p = &parts->v[s->part];
	const char *otherwise = "text/plain";
	int r = field_end(s);

	if (s->part && graph_part_is(&parts->v[p->parent], "multipart/digest"))
		otherwise = "message/rfc822";
	if (r == 0)
		r = graph_mime_type(p, s->about[ABOUT_TYPE], otherwise);
	if (r == 0)
		r = graph_mime_disposition(p, s->about[ABOUT_DISPOSITION]);
	if (r == 0)
		r = graph_mime_cid(p, s->about[ABOUT_ID]);
	graph_mime_encoding(p, s->about[ABOUT_ENCODING]);
	for (size_t i = 0; i < ABOUT_COUNT; i++) {
		free(s->about[i]);
		s->about[i] = NULL;
	}
	p->text = text;
	p->multipart = p->boundary && strlen(p->boundary) < LINE_MOST - 8 &&
	               strncmp(p->type, "multipart/", 10) == 0;
	s->in_header = false;
	return r;
}

/* What a line of a header is by its looks. */
enum look { LOOKS_FIELD, LOOKS_FOLD, LOOKS_FROM, LOOKS_END, LOOKS_TEXT };

static enum look look(const struct buf *line)
{
	size_t i = 0;

	if (line->n == 0)
		return LOOKS_END;
	if (line->p[0] == ' ' || line->p[0] == '\t')
		return LOOKS_FOLD;
	if (strncmp(line->p, "From ", 5) == 0 ||
	    strncmp(line->p, ">From ", 6) == 0)
		return LOOKS_FROM;
	while (i < line->n && line->p[i] > ' ' && line->p[i] != 0x7f &&
	       line->p[i] != ':')
		i++;
	while (i < line->n && (line->p[i] == ' ' || line->p[i] == '\t'))
		i++;
	return i < line->n && line->p[i] == ':' ? LOOKS_FIELD : LOOKS_TEXT;
}

/* The multipart that the line divides, from the innermost outwards. */
static bool divides(struct scan *s, size_t *which, bool *closes)
{
	const struct buf *l = &s->line;
	size_t i = s->part, n = l->n;

	if (n < 3 || l->p[0] != '-' || l->p[1] != '-')
		return false;
	while (n && (l->p[n - 1] == ' ' || l->p[n - 1] == '\t'))
		n--;
	for (;;) {
		const struct graph_part *p = &s->parts->v[i];
		const char *boundary =
		        p->multipart && !p->closed ? p->boundary : NULL;
		size_t len = boundary ? strlen(boundary) : 0;

		if (boundary && n >= len + 2 &&
		    memcmp(l->p + 2, boundary, len) == 0) {
			*closes = n == len + 4 && l->p[n - 1] == '-' &&
			          l->p[n - 2] == '-';
			*which = i;
			if (n == len + 2 || *closes)
				return true;
		}
		if (i == 0)
			return false;
		i = p->parent;
	}
}

static int divide(struct scan *s, size_t which, bool closes)
{
	struct graph_parts *parts = s->parts;
	uint64_t end = s->start - s->end_before;

	/* The line end before the boundary belongs to it. */
	for (size_t i = s->part; i != which; i = parts->v[i].parent)
		parts->v[i].end =
		        end > parts->v[i].text ? end : parts->v[i].text;
	s->part = which;
	parts->v[which].closed = closes;
	return closes ? 0 : part_add(s, which, s->start + s->length);
}

static int header_line(struct scan *s, bool *again)
{
	switch (look(&s->line)) {
	case LOOKS_END:
		return header_end(s, s->start + s->length);
	case LOOKS_FOLD:
		return s->field.n ? add_cut(&s->field, s->line.p, s->line.n)
		                  : 0;
	case LOOKS_FROM:
		/* Left over from an mbox. */
		if (s->start == s->parts->v[s->part].head) {
			s->parts->v[s->part].head += s->length;
			return 0;
		}
		break;
	case LOOKS_FIELD:
		return field_end(s) ? -1
		                    : add_cut(&s->field, s->line.p, s->line.n);
	case LOOKS_TEXT:
		break;
	}
	/* Text without an empty line before it. */
	*again = true;
	return header_end(s, s->start);
}

static int line_end(struct scan *s, unsigned ends)
{
	bool again = false, closes = false, cut;
	size_t which = 0;
	int r = 0;

	if (ends && s->cr) {
		if (s->line.n + ends == s->length)
			s->line.p[--s->line.n] = '\0';
		ends = 2;
	}
	cut = divides(s, &which, &closes);
	if (s->in_header)
		r = cut ? header_end(s, s->start) : header_line(s, &again);
	if (r == 0 && (cut || (again && divides(s, &which, &closes))))
		r = divide(s, which, closes);
	s->start += s->length;
	s->length = 0;
	s->cr = false;
	s->end_before = ends;
	buf_clear(&s->line);
	return r;
}

/* Keeps the beginning of the line, in a header all of it. */
static int line_more(struct scan *s, const char *p, size_t n)
{
	size_t most = s->in_header ? GRAPH_FIELD_MOST : LINE_MOST;
	size_t room = most > s->line.n ? most - s->line.n : 0;

	s->length += n;
	s->cr = p[n - 1] == '\r';
	/* Only what may be a boundary is looked at. */
	if (!s->in_header && (s->line.n ? s->line.p[0] : p[0]) != '-')
		room = 0;
	return buf_add(&s->line, p, n < room ? n : room);
}

static int scan_piece(struct scan *s, const char *p, size_t n)
{
	while (n && !s->parts->too_much) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n;

		if (len && line_more(s, p, len))
			return -1;
		if (!nl)
			return 0;
		s->length++;
		if (line_end(s, 1))
			return -1;
		p += len + 1;
		n -= len + 1;
	}
	return 0;
}

static int scan_all(struct scan *s, const struct body *b, struct err *e)
{
	char *p CLEANUP(free_p) = malloc(STEP);
	uint64_t at = 0;
	ssize_t n;

	if (!p || part_add(s, 0, 0))
		return err_memory(e);
	while ((n = body_read(b, at, p, STEP, e)) > 0) {
		at += (uint64_t)n;
		if (scan_piece(s, p, (size_t)n))
			return err_memory(e);
		if (s->parts->too_much)
			return 0;
	}
	if (n < 0)
		return -1;
	if (s->length && line_end(s, 0))
		return err_memory(e);
	if (s->in_header && header_end(s, b->size))
		return err_memory(e);
	for (size_t i = s->part;; i = s->parts->v[i].parent) {
		if (!s->parts->v[i].end)
			s->parts->v[i].end = b->size;
		if (i == 0)
			return 0;
	}
}

int graph_parts_scan(struct graph_parts *parts, const struct body *b,
                     struct err *e)
{
	struct scan s = { .parts = parts,
		          .line = BUF_INIT(GRAPH_FIELD_MOST),
		          .field = BUF_INIT(GRAPH_FIELD_MOST) };
	int r;

	graph_mime_ready();
	memset(parts, 0, sizeof(*parts));
	for (size_t i = 0; i < FIELD_COUNT; i++)
		s.own[i].max = GRAPH_FIELD_MOST;
	r = scan_all(&s, b, e);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		parts->field[i] = s.own[i].p;
		s.own[i].p = NULL;
	}
	buf_release(&s.line);
	buf_release(&s.field);
	for (size_t i = 0; i < ABOUT_COUNT; i++)
		free(s.about[i]);
	if (r || parts->too_much)
		forget_parts(parts);
	/* Without a single boundary it is a text that says otherwise. */
	for (size_t i = 0; i < parts->n; i++)
		parts->v[i].multipart &= parts->v[i].kid > 0;
	return r;
}
