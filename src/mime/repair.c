/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair.c - see repair.h. RFC 5322 2.1.1 and 2.3, RFC 2045 6.7.
 *
 * Two walks over the octets: the first counts what is wrong and remembers
 * which parts have long lines of their own; the second writes the copy. What
 * needs no mending goes through as it is, CRLF for CRLF.
 */
#include "mime/repair.h"

#include <stdlib.h>
#include <string.h>

#include "mime/repair_walk.h"
#include "mime/sha256.h"
#include "util/buf.h"

#define OUT_ROOM (16u << 10)
#define PARTS_MAX 65536 /* more are broken, not re-encoded */
#define QP_MAX 76
#define HOLD (REPAIR_LINE_MAX + 2)

/* --- Looking ------------------------------------------------------------ */

/* Parts that have long lines and can be encoded, ascending. */
struct survey {
	uint32_t *part;
	size_t n, cap;
};

static int remember(struct survey *s, uint32_t part, struct err *e)
{
	if ((s->n && s->part[s->n - 1] == part) || s->n == PARTS_MAX)
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		uint32_t *v = realloc(s->part, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		s->part = v;
		s->cap = cap;
	}
	s->part[s->n++] = part;
	return 0;
}

static bool remembered(const struct survey *s, uint32_t part)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->part[mid] == part)
			return true;
		if (s->part[mid] < part)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static int look_field(struct repair_walk *w, const char *p, size_t n, bool cut,
                      bool goes_on, struct err *e)
{
	return 0;
}

static int look_header_end(struct repair_walk *w, struct err *e)
{
	return 0;
}

static int look_text(struct repair_walk *w, const char *p, size_t n,
                     struct err *e)
{
	return 0;
}

static int look_line_end(struct repair_walk *w, struct err *e)
{
	if (w->line > REPAIR_LINE_MAX && w->kind == PART_LEAF)
		return remember(w->arg, w->part, e);
	return 0;
}

static const struct repair_sink look_sink = {
	.field = look_field,
	.header_end = look_header_end,
	.boundary = look_text,
	.text = look_text,
	.line_end = look_line_end,
};

static int survey(const struct body *b, struct survey *s,
                  struct repair_look *out, struct err *e)
{
	struct repair_walk w CLEANUP(repair_walk_release) =
	        REPAIR_WALK_INIT(&look_sink, s);

	if (repair_walk_body(&w, b, e))
		return -1;
	*out = w.look;
	return 0;
}

static void survey_release(struct survey *s)
{
	free(s->part);
	memset(s, 0, sizeof(*s));
}

int repair_look(const struct body *b, struct repair_look *out, struct err *e)
{
	struct survey s CLEANUP(survey_release) = { 0 };

	return survey(b, &s, out, e);
}

/* --- Mending ------------------------------------------------------------ */

struct mend {
	const struct survey *survey;
	struct body body;
	struct sha256 hash;
	struct buf out; /* on its way to body and hash */
	struct buf field;
	struct repair_fields fields;
	bool mime_version;
	uint64_t encoded, broken;
	/* The body line being written. */
	char hold[HOLD];
	size_t held;
	size_t col; /* quoted-printable: octets of the line */
	char blank; /* a blank that may end the line, 0: none */
};

static int drain(struct mend *d, struct err *e)
{
	if (d->out.n == 0)
		return 0;
	if (body_append(&d->body, d->out.p, d->out.n, e))
		return -1;
	if (sha256_data(&d->hash, d->out.p, d->out.n))
		return err_memory(e);
	buf_clear(&d->out);
	return 0;
}

static int put(struct mend *d, const char *p, size_t n, struct err *e)
{
	if (d->out.n + n > OUT_ROOM && drain(d, e))
		return -1;
	return buf_add(&d->out, p, n) ? err_memory(e) : 0;
}

static bool to_qp(const struct repair_walk *w)
{
	const struct mend *d = w->arg;

	return remembered(d->survey, w->part);
}

static int mend_field(struct repair_walk *w, const char *p, size_t n, bool cut,
                      bool goes_on, struct err *e)
{
	struct mend *d = w->arg;
	bool encode = w->part == 0;
	int r;

	if (to_qp(w) && header_is(p, n, "Content-Transfer-Encoding"))
		return 0;
	d->mime_version |= header_is(p, n, "MIME-Version");
	buf_clear(&d->field);
	r = cut || goes_on ? repair_field_piece(&d->field, p, n, encode,
	                                        goes_on, &d->fields)
	                   : repair_field(&d->field, p, n, encode, &d->fields);
	if (r)
		return err_memory(e);
	return put(d, d->field.p ? d->field.p : "", d->field.n, e);
}

static int mend_header_end(struct repair_walk *w, struct err *e)
{
	static const char version[] = "MIME-Version: 1.0\r\n";
	static const char encoding[] =
	        "Content-Transfer-Encoding: quoted-printable\r\n";
	struct mend *d = w->arg;
	bool qp = to_qp(w);

	if (qp && w->message && !d->mime_version &&
	    put(d, version, sizeof(version) - 1, e))
		return -1;
	if (qp && put(d, encoding, sizeof(encoding) - 1, e))
		return -1;
	d->mime_version = false;
	return put(d, "\r\n", 2, e);
}

static int mend_boundary(struct repair_walk *w, const char *p, size_t n,
                         struct err *e)
{
	return put(w->arg, p, n, e) || put(w->arg, "\r\n", 2, e) ? -1 : 0;
}

/* --- Quoted-printable --------------------------------------------------- */

static int qp_put(struct mend *d, const char *p, size_t n, struct err *e)
{
	/* One place is kept for the "=" of a soft break. */
	if (d->col + n > QP_MAX - 1) {
		if (put(d, "=\r\n", 3, e))
			return -1;
		d->col = 0;
	}
	d->col += n;
	return put(d, p, n, e);
}

static int qp_octet(struct mend *d, unsigned char c, struct err *e)
{
	static const char hex[] = "0123456789ABCDEF";
	char code[3] = { '=', hex[c >> 4], hex[c & 15] };
	char one = (char)c;

	if (c > ' ' && c < 0x7f && c != '=')
		return qp_put(d, &one, 1, e);
	return qp_put(d, code, 3, e);
}

/* A blank at a line's end would be lost on the way, so it waits for what
 * follows it. */
static int qp_text(struct mend *d, const char *p, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (d->blank && qp_put(d, &d->blank, 1, e))
			return -1;
		d->blank = 0;
		if (p[i] == ' ' || p[i] == '\t')
			d->blank = p[i];
		else if (qp_octet(d, (unsigned char)p[i], e))
			return -1;
	}
	return 0;
}

static int qp_line_end(struct mend *d, struct err *e)
{
	if (d->blank && qp_octet(d, (unsigned char)d->blank, e))
		return -1;
	d->blank = 0;
	d->col = 0;
	return put(d, "\r\n", 2, e);
}

/* --- Breaking ----------------------------------------------------------- */

/* Where to break: after a blank near the end if there is one, not within a
 * character, and so that no line begins like a boundary. */
static size_t break_at(const char *p)
{
	size_t at = REPAIR_LINE_MAX;

	for (size_t i = at; i > REPAIR_LINE_MAX - 200; i--)
		if (p[i - 1] == ' ') {
			at = i;
			break;
		}
	while (at > 500 &&
	       (((unsigned char)p[at] & 0xc0) == 0x80 || p[at] == '-'))
		at--;
	return at;
}

/* Quoted-printable is broken softly, and not within "=XX". */
static size_t soft_at(const char *p)
{
	size_t at = REPAIR_LINE_MAX - 1;

	while (at > 500 &&
	       (p[at - 1] == '=' || p[at - 2] == '=' || p[at] == '-'))
		at--;
	return at;
}

static int break_once(struct mend *d, bool qp, struct err *e)
{
	size_t at = qp ? soft_at(d->hold) : break_at(d->hold);

	if (put(d, d->hold, at, e) || (qp && put(d, "=", 1, e)) ||
	    put(d, "\r\n", 2, e))
		return -1;
	d->held -= at;
	memmove(d->hold, d->hold + at, d->held);
	return 0;
}

static int hold_text(struct mend *d, const char *p, size_t n, bool qp,
                     struct err *e)
{
	while (n > 0) {
		size_t part = HOLD - d->held;

		if (part == 0) {
			if (break_once(d, qp, e))
				return -1;
			continue;
		}
		part = n < part ? n : part;
		memcpy(d->hold + d->held, p, part);
		d->held += part;
		p += part;
		n -= part;
	}
	return 0;
}

static int hold_line_end(struct mend *d, bool qp, struct err *e)
{
	while (d->held > REPAIR_LINE_MAX)
		if (break_once(d, qp, e))
			return -1;
	if (put(d, d->hold, d->held, e))
		return -1;
	d->held = 0;
	return put(d, "\r\n", 2, e);
}

static int mend_text(struct repair_walk *w, const char *p, size_t n,
                     struct err *e)
{
	if (to_qp(w))
		return qp_text(w->arg, p, n, e);
	return hold_text(w->arg, p, n, w->kind == PART_QP, e);
}

static int mend_line_end(struct repair_walk *w, struct err *e)
{
	struct mend *d = w->arg;
	bool qp = to_qp(w);

	if (w->line > REPAIR_LINE_MAX)
		*(qp ? &d->encoded : &d->broken) += 1;
	return qp ? qp_line_end(d, e) : hold_line_end(d, w->kind == PART_QP, e);
}

static const struct repair_sink mend_sink = {
	.field = mend_field,
	.header_end = mend_header_end,
	.boundary = mend_boundary,
	.text = mend_text,
	.line_end = mend_line_end,
};

/* --- In words ----------------------------------------------------------- */

static int say(struct buf *note, uint64_t n, const char *one, const char *many)
{
	if (n == 0)
		return 0;
	return buf_fmt(note, "%s%llu %s", note->n ? ", " : "",
	               (unsigned long long)n, n == 1 ? one : many);
}

static char *in_words(const struct mend *d, const struct repair_look *l)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (say(&b, l->nul, "NUL octet dropped", "NUL octets dropped") ||
	    say(&b, l->bare_lf + l->bare_cr, "line end made CR LF",
	        "line ends made CR LF") ||
	    say(&b, d->fields.folded,
	        "header line of more than 998 octets folded",
	        "header lines of more than 998 octets folded") ||
	    say(&b, d->fields.encoded, "header field with 8-bit octets encoded",
	        "header fields with 8-bit octets encoded") ||
	    say(&b, d->encoded,
	        "line of more than 998 octets encoded as quoted-printable",
	        "lines of more than 998 octets encoded as "
	        "quoted-printable") ||
	    say(&b, d->broken, "line of more than 998 octets broken",
	        "lines of more than 998 octets broken"))
		return NULL;
	if (l->no_final_crlf &&
	    buf_fmt(&b, "%sa missing last line end added", b.n ? ", " : ""))
		return NULL;
	return buf_take(&b);
}

static void mend_release(struct mend *d)
{
	body_release(&d->body);
	sha256_release(&d->hash);
	buf_release(&d->out);
	buf_release(&d->field);
}

static int rewrite(struct mend *d, const struct body *from, struct err *e)
{
	struct repair_walk w CLEANUP(repair_walk_release) =
	        REPAIR_WALK_INIT(&mend_sink, d);

	if (sha256_begin(&d->hash))
		return err_memory(e);
	if (body_expect(&d->body, from->size + from->size / 50, e))
		return -1;
	return repair_walk_body(&w, from, e) || drain(d, e) ? -1 : 0;
}

static int replace(struct message *m, struct mend *d,
                   const struct repair_look *look, struct err *e)
{
	char *note = in_words(d, look);

	if (!note)
		return err_memory(e);
	if (!m->repaired)
		memcpy(m->orig_sha256, m->sha256, sizeof(m->sha256));
	if (sha256_end(&d->hash, m->sha256)) {
		free(note);
		return err_memory(e);
	}
	free(m->repair_note);
	m->repair_note = note;
	m->repaired = true;
	body_release(&m->body);
	m->body = d->body;
	memset(&d->body, 0, sizeof(d->body));
	return 0;
}

int repair_message(struct message *m, bool *changed, struct err *e)
{
	struct survey s CLEANUP(survey_release) = { 0 };
	struct mend d CLEANUP(mend_release) = { .survey = &s };
	struct repair_look l;

	*changed = false;
	if (survey(&m->body, &s, &l, e))
		return -1;
	if (!l.nul && !l.bare_lf && !l.bare_cr && !l.long_lines &&
	    !l.raw_header && !l.no_final_crlf)
		return 0;
	body_init(&d.body, m->body.limit, m->body.dir);
	if (rewrite(&d, &m->body, e) || replace(m, &d, &l, e))
		return -1;
	*changed = true;
	return 0;
}
