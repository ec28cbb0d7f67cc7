/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_frame.c - cuts the input into responses, RFC 3501 sections 2.2 and
 * 7, and never loses step: what cannot be told apart ends the connection.
 *
 * A response is lines joined by literals. Text and small literals gather in
 * im->line up to ceilings; literals of BODY[...] go to the sink as they
 * come, so that no message is ever held here.
 */
#include <ctype.h>
#include <string.h>

#include "net/imap_int.h"
#include "util/log.h"

#define LINE_MAX_OCTETS ((size_t)4 << 20)
#define SEARCH_MAX_OCTETS ((size_t)16 << 20)
#define LITERAL_MAX ((uint64_t)1 << 20)
enum { BLANK_MAX = 1000, LOG_MAX = 200 };

int imap_broken(const struct imap *im, enum err_code code, struct err *e,
                const char *detail)
{
	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, code,
	         "The server %s sent an answer that makes no sense, so the "
	         "connection was closed. Nothing is lost: mailhaul connects "
	         "again and goes on.",
	         im->host);
	err_detail(e, "%s: %.*s", detail,
	           im->line.n < LOG_MAX ? (int)im->line.n : LOG_MAX,
	           im->line.p ? im->line.p : "");
	return -1;
}

/* --- Lines -------------------------------------------------------------- */

static size_t line_max(const struct imap *im)
{
	const char *p = im->line.p;

	if (im->line.n > 9 && (strncasecmp(p, "* SEARCH ", 9) == 0 ||
	                       strncasecmp(p, "* ESEARCH", 9) == 0))
		return SEARCH_MAX_OCTETS;
	return LINE_MAX_OCTETS;
}

static int add(struct imap *im, const char *p, size_t n, struct err *e)
{
	if (buf_add(&im->line, p, n))
		return err_memory(e);
	if (im->line.n > LINE_MAX_OCTETS && im->line.n > line_max(im))
		return imap_broken(im, EC_LIMIT, e, "line too long");
	return 0;
}

/* Adds the octets up to the next LF, without the line's end. What is there
 * already is a literal's: a CR at its end is none of ours. */
static int read_line(struct imap *im, struct err *e)
{
	size_t from = im->line.n, n;

	for (;;) {
		const char *p = stream_peek(im->stream, &n);
		const char *lf = n ? memchr(p, '\n', n) : NULL;
		size_t part = lf ? (size_t)(lf - p) : n;

		if (add(im, p, part, e))
			return -1;
		stream_take(im->stream, part + (lf ? 1 : 0));
		if (lf)
			break;
		if (stream_fill(im->stream, e))
			return -1;
	}
	if (im->line.n > from && im->line.p[im->line.n - 1] == '\r')
		im->line.p[--im->line.n] = '\0';
	return 0;
}

/* --- Literals ----------------------------------------------------------- */

/* "...{123}" at the end of the segment: where the brace is, or NULL.
 * size_bad: it is one, but no size we could take. */
static const char *literal_at_end(const char *p, size_t n, uint64_t *size,
                                  bool *bad)
{
	if (!n || p[n - 1] != '}')
		return NULL;
	const char *open = memrchr(p, '{', n);

	if (!open)
		return NULL;
	struct scan s = { open + 1, p + n };
	bool minus = scan_take(&s, '-');

	*bad = scan_u64(&s, size) != 0 || minus || *size > INT64_MAX;
	while (*bad && s.p < s.end && isdigit((unsigned char)*s.p))
		s.p++;
	scan_take(&s, '+');
	/* {name} is no literal, and nothing to worry about. */
	if (s.p != p + n - 1 || s.p == open + 1)
		return NULL;
	return open;
}

static bool names_body(const char *p, const char *end)
{
	const char *start = end;

	while (start > p && start[-1] != ' ' && start[-1] != '(')
		start--;
	size_t n = (size_t)(end - start);

	return SCAN_IS(start, n, "BODY") || SCAN_IS(start, n, "BINARY") ||
	       SCAN_IS(start, n, "RFC822") ||
	       SCAN_IS(start, n, "RFC822.TEXT") ||
	       SCAN_IS(start, n, "RFC822.HEADER");
}

/* The item's name ends here: BODY[...], BODY[...]<0>, RFC822 and kin. */
static bool is_body_item(const char *p, const char *brace)
{
	const char *end = brace;

	if (end > p && end[-1] == '~')
		end--;
	if (end == p || *--end != ' ')
		return false;
	if (end > p && end[-1] == '>') {
		const char *open = memrchr(p, '<', (size_t)(end - p));

		end = open ? open : end;
	}
	if (end > p && end[-1] == ']') {
		const char *open = memrchr(p, '[', (size_t)(end - p));

		end = open ? open : end;
	}
	return names_body(p, end);
}

static int pour(struct imap *im, uint64_t left, struct err *e)
{
	const struct imap_sink *sink = im->sink;

	while (left) {
		size_t n;
		const char *p = stream_peek(im->stream, &n);

		if (!n) {
			if (stream_fill(im->stream, e))
				return -1;
			continue;
		}
		n = n < left ? n : (size_t)left;
		if (sink->data(sink->arg, p, n, e))
			return -1;
		stream_take(im->stream, n);
		left -= n;
	}
	return 0;
}

static int body_literal(struct imap *im, uint64_t size, struct err *e)
{
	if (size > im->body_max)
		return imap_broken(im, EC_LIMIT, e, "message too large");
	if (im->sink->begin(im->sink->arg, size, e))
		return -1;
	return pour(im, size, e);
}

static int small_literal(struct imap *im, uint64_t left, struct err *e)
{
	if (left > LITERAL_MAX)
		return imap_broken(im, EC_LIMIT, e, "literal too large");
	while (left) {
		size_t n;
		const char *p = stream_peek(im->stream, &n);

		if (!n) {
			if (stream_fill(im->stream, e))
				return -1;
			continue;
		}
		n = n < left ? n : (size_t)left;
		if (add(im, p, n, e))
			return -1;
		stream_take(im->stream, n);
		left -= n;
	}
	return 0;
}

/* --- Structure ---------------------------------------------------------- */

static const unsigned char special[256] = { ['"'] = 1, ['('] = 1, [')'] = 1 };

/* Passes over a quoted string; NULL if it does not end in this line. */
static const char *after_quote(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p : NULL;
}

/* A quote opens only where a value may begin: atoms of odd servers hold
 * quotes. False: a string is open at the end of the segment. */
static bool balanced(struct imap *im, size_t from)
{
	const char *base = im->line.p;
	const char *end = base + im->line.n;

	for (const char *p = base + from; p < end; p++) {
		if (!special[(unsigned char)*p])
			continue;
		if (*p == '(')
			im->depth++;
		else if (*p == ')')
			im->depth -= im->depth ? 1 : 0;
		else if (p > base && strchr(" ([", p[-1]) &&
		         !(p = after_quote(p, end)))
			return false;
		if (im->depth > SCAN_DEPTH)
			return true;
	}
	return true;
}

enum shape { SHAPE_TEXT, SHAPE_OTHER, SHAPE_DATA, SHAPE_FETCH };

/* Data whose grammar we know; of other data an open quote means nothing. */
static const char *const known[] = { "LIST",      "LSUB",    "XLIST", "STATUS",
	                             "NAMESPACE", "ESEARCH", "FLAGS" };

static enum shape shape_of_data(const char *p, size_t n)
{
	if (SCAN_IS(p, n, "FETCH"))
		return SHAPE_FETCH;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (scan_is(p, n, known[i], strlen(known[i])))
			return SHAPE_DATA;
	return SHAPE_OTHER;
}

static bool is_status(const char *p, size_t n)
{
	return SCAN_IS(p, n, "OK") || SCAN_IS(p, n, "NO") ||
	       SCAN_IS(p, n, "BAD") || SCAN_IS(p, n, "BYE") ||
	       SCAN_IS(p, n, "PREAUTH");
}

/* Human text is free of grammar: no literals, quotes or parentheses. */
static enum shape shape_of(const struct imap *im)
{
	struct scan s = { im->line.p, im->line.p + im->line.n };
	const char *p;
	size_t n;
	uint64_t num;

	if (!scan_take(&s, '*') || !scan_take(&s, ' '))
		return SHAPE_TEXT;
	if (s.p < s.end && isdigit((unsigned char)*s.p)) {
		if (scan_u64(&s, &num) || !scan_take(&s, ' '))
			return SHAPE_OTHER;
	}
	if (scan_word(&s, &p, &n))
		return SHAPE_OTHER;
	return is_status(p, n) ? SHAPE_TEXT : shape_of_data(p, n);
}

/* Where the code ends: quotes and literals in it may hold a bracket. */
static const char *code_end(const char *p, const char *end)
{
	struct scan s = { p, end };
	struct scan_value v;

	while (s.p < end && *s.p != ']') {
		bool value = *s.p == '"' || *s.p == '{';
		struct scan try = s;

		if (value && scan_string(&try, &v) == 0)
			s = try;
		else
			s.p++;
	}
	return s.p < end ? s.p : NULL;
}

/* A status response may hold a literal inside its [code], nowhere else. */
static bool in_code(const struct imap *im)
{
	struct scan s = { im->line.p, im->line.p + im->line.n };

	for (int words = 0; words < 2; words++) {
		while (s.p < s.end && *s.p != ' ')
			s.p++;
		scan_spaces(&s);
	}
	return scan_take(&s, '[') && !code_end(s.p, s.end);
}

static int one_literal(struct imap *im, enum shape shape, size_t from,
                       bool *more, bool *sunk, struct err *e)
{
	uint64_t size = 0;
	bool bad = false;
	const char *seg = im->line.p + from;
	const char *brace = literal_at_end(seg, im->line.n - from, &size, &bad);

	*more = brace && (shape != SHAPE_TEXT || in_code(im));
	if (!*more)
		return 0;
	if (bad)
		return imap_broken(im, EC_PROTOCOL, e, "bad literal size");
	bool body = im->sink && shape == SHAPE_FETCH && im->depth == 1 &&
	            is_body_item(im->line.p, brace);

	if (buf_add(&im->line, "\r\n", 2))
		return err_memory(e);
	if (!body)
		return small_literal(im, size, e);
	*sunk = true;
	return body_literal(im, size, e);
}

/* Reads the whole response into im->line. */
static int gather(struct imap *im, bool *sunk, struct err *e)
{
	enum shape shape = SHAPE_TEXT;
	size_t from = 0;
	bool more = true;

	if (im->line.cap > LITERAL_MAX)
		buf_release(&im->line);
	buf_clear(&im->line);
	im->depth = 0;
	*sunk = false;
	while (more) {
		if (read_line(im, e))
			return -1;
		if (!from)
			shape = shape_of(im);
		if (shape != SHAPE_TEXT && !balanced(im, from) &&
		    shape != SHAPE_OTHER)
			return imap_broken(im, EC_PROTOCOL, e,
			                   "string without end");
		if (im->depth > SCAN_DEPTH)
			return imap_broken(im, EC_LIMIT, e,
			                   "nested too deeply");
		if (one_literal(im, shape, from, &more, sunk, e))
			return -1;
		from = im->line.n;
	}
	return 0;
}

/* --- Meaning ------------------------------------------------------------ */

static enum imap_status status_of(const char *p, size_t n)
{
	if (SCAN_IS(p, n, "OK"))
		return IMAP_OK;
	if (SCAN_IS(p, n, "NO"))
		return IMAP_NO;
	if (SCAN_IS(p, n, "BAD"))
		return IMAP_BAD;
	return SCAN_IS(p, n, "BYE") ? IMAP_BYE : IMAP_OTHER;
}

static int set_text(struct imap *im, struct imap_reply *r, struct scan s,
                    struct err *e)
{
	buf_clear(&im->code);
	buf_clear(&im->text);
	scan_spaces(&s);
	if (scan_at(&s, '[')) {
		const char *close = code_end(s.p + 1, s.end);

		if (close) {
			size_t n = (size_t)(close - s.p - 1);

			if (buf_add(&im->code, s.p + 1, n))
				return err_memory(e);
			s.p = close + 1;
			scan_spaces(&s);
		}
	}
	if (buf_add(&im->text, s.p, (size_t)(s.end - s.p)))
		return err_memory(e);
	r->code = im->code.n ? im->code.p : "";
	r->text = im->text.n ? im->text.p : "";
	return 0;
}

static void set_name(struct imap *im, struct imap_reply *r, const char *p,
                     size_t n)
{
	size_t i;

	for (i = 0; i < n && i < sizeof im->name - 1; i++)
		im->name[i] = (char)toupper((unsigned char)p[i]);
	im->name[i] = '\0';
	r->name = im->name;
}

static int untagged(struct imap *im, struct imap_reply *r, struct err *e)
{
	struct scan s = { r->line, r->line + r->len };
	const char *p;
	size_t n;

	r->kind = IMAP_UNTAGGED;
	r->status = IMAP_OTHER;
	if (s.p < s.end && isdigit((unsigned char)*s.p)) {
		struct scan num = s;

		/* What is too large for us is skipped as unknown. */
		if (scan_u32(&num, &r->num) || !scan_take(&num, ' ')) {
			r->num = 0;
			return 0;
		}
		s = num;
	}
	if (scan_word(&s, &p, &n))
		return 0;
	set_name(im, r, p, n);
	if (r->num || !is_status(p, n))
		return 0;
	r->status = status_of(p, n);
	return set_text(im, r, s, e);
}

static imap_tag own_tag(const struct imap *im, const char *p, size_t n)
{
	size_t k = strlen(im->prefix);
	struct scan s = { p, p + n };
	uint32_t tag;

	if (n <= k || memcmp(p, im->prefix, k) != 0)
		return 0;
	s.p += k;
	if (*s.p == '0' || scan_u32(&s, &tag) || s.p != s.end)
		return 0;
	return tag;
}

static int tagged(struct imap *im, struct imap_reply *r, struct err *e)
{
	struct scan s = { im->line.p, im->line.p + im->line.n };
	const char *space = memchr(s.p, ' ', im->line.n);
	const char *p;
	size_t n;

	r->kind = IMAP_TAGGED;
	if (space)
		r->tag = own_tag(im, s.p, (size_t)(space - s.p));
	if (!r->tag || imap_tag_settle(im, r->tag))
		return imap_broken(im, EC_PROTOCOL, e, "out of step");
	s.p = space + 1;
	r->line = s.p;
	r->len = (size_t)(s.end - s.p);
	if (scan_word(&s, &p, &n))
		return imap_broken(im, EC_PROTOCOL, e, "no status");
	r->status = status_of(p, n);
	if (r->status == IMAP_OTHER || r->status == IMAP_BYE)
		return imap_broken(im, EC_PROTOCOL, e, "unknown status");
	return set_text(im, r, s, e);
}

static void note(const struct imap *im, const struct imap_reply *r)
{
	if (r->num && strcmp(r->name, "FETCH") == 0)
		return;
	log_msg("%s > %.*s", im->host,
	        im->line.n < LOG_MAX ? (int)im->line.n : LOG_MAX, im->line.p);
}

/* A few servers put blank lines between answers. */
static int gather_one(struct imap *im, bool *sunk, struct err *e)
{
	unsigned blank = 0;

	do {
		if (blank++ > BLANK_MAX)
			return imap_broken(im, EC_PROTOCOL, e, "blank lines");
		if (gather(im, sunk, e))
			return -1;
	} while (!im->line.n);
	return 0;
}

int imap_frame(struct imap *im, struct imap_reply *r, struct err *e)
{
	int rc;

	*r = (struct imap_reply){
		.status = IMAP_OTHER, .code = "", .text = "", .name = ""
	};
	if (gather_one(im, &r->sunk, e))
		return -1;
	stream_mark(im->stream);
	const char *p = im->line.p;

	if (p[0] == '*' && p[1] == ' ') {
		r->line = p + 2;
		r->len = im->line.n - 2;
		rc = untagged(im, r, e);
	} else if (p[0] == '+' && (p[1] == ' ' || p[1] == '\0')) {
		r->kind = IMAP_CONTINUE;
		r->line = p + (p[1] == ' ' ? 2 : 1);
		r->len = im->line.n - (size_t)(r->line - p);
		r->text = r->line;
		rc = 0;
	} else {
		rc = tagged(im, r, e);
	}
	if (rc == 0 && log_on())
		note(im, r);
	return rc;
}
