/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_tree.c - how the parts of a message stand in each other (RFC 2046,
 * RFC 2387):
 *
 *   mixed
 *     related
 *       alternative: text, HTML, calendar
 *       what the HTML shows
 *     attachments
 *
 * without the levels that would hold one part only. HTML alone stays alone:
 * a text made of it would be nobody's. Signed and encrypted mail is one
 * attachment that is the body itself ([MS-OXOSMIME] 2.1.3).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/item.h"
#include "archive/mapi/mail_int.h"
#include "archive/mapi/mail_type.h"

#define SMIME_NAME "smime.p7m"
#define PGP "application/pgp-encrypted"

/* "=_" stands in no text that is quoted-printable or base64. */
static void boundary(char out[32], uint64_t hash, unsigned number)
{
	char digits[12], *d = digits + sizeof(digits), *to = out + 2;

	out[0] = '=';
	out[1] = '_';
	for (int shift = 60; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[hash >> shift & 15];
	*to++ = '.';
	for (*--d = '\0'; number; number /= 10)
		*--d = (char)('0' + number % 10);
	while (*d)
		*to++ = *d++;
	*to = '\0';
}

void mail_nest_begin(struct mail_msg *g, struct mail_nest *n, const char *type)
{
	struct mime_out *out = &g->a->out;

	boundary(n->boundary, mail_hash(g, 0), ++g->a->boundaries);
	n->any = false;
	mime_str(out, "Content-Type: ");
	mime_str(out, type);
	mime_str(out, ";\r\n boundary=\"");
	mime_str(out, n->boundary);
	mime_str(out, "\"\r\n\r\n");
}

static void delimiter(struct mail_msg *g, const struct mail_nest *n,
                      const char *after)
{
	struct mime_out *out = &g->a->out;

	mime_str(out, n->any ? "\r\n--" : "--");
	mime_str(out, n->boundary);
	mime_str(out, after);
}

void mail_nest_next(struct mail_msg *g, struct mail_nest *n)
{
	delimiter(g, n, "\r\n");
	n->any = true;
}

void mail_nest_end(struct mail_msg *g, struct mail_nest *n)
{
	if (!n->any) { /* a multipart of none is none */
		mail_nest_next(g, n);
		mail_text_part(g, "text/plain", NULL, "", 0);
	}
	delimiter(g, n, "--\r\n");
}

static void alternatives(struct mail_msg *g, struct mail_nest *n)
{
	const struct mail_body *v[2] = { &g->text, &g->html };
	char params[64];

	for (int i = 0; i < 2; i++) {
		if (!v[i]->kind)
			continue;
		if (n)
			mail_nest_next(g, n);
		mail_body_part(g, v[i]);
	}
	if (!g->calendar.n)
		return;
	if (n)
		mail_nest_next(g, n);
	snprintf(params, sizeof(params), "; method=%s",
	         g->method ? g->method : "PUBLISH");
	mail_text_part(g, "text/calendar", params, g->calendar.p,
	               g->calendar.n);
}

void mail_tree_bodies(struct mail_msg *g)
{
	int n = (g->text.kind != 0) + (g->html.kind != 0) +
	        (g->calendar.n != 0);
	struct mail_nest nest;

	if (n == 0)
		mail_text_part(g, "text/plain", NULL, "", 0);
	if (n == 1)
		alternatives(g, NULL);
	if (n < 2)
		return;
	mail_nest_begin(g, &nest, "multipart/alternative");
	alternatives(g, &nest);
	mail_nest_end(g, &nest);
}

static void some(struct mail_msg *g, struct mail_nest *n, bool inside)
{
	for (size_t i = 0; i < g->parts && !g->a->out.failed; i++)
		if (g->part[i].inside == inside)
			mail_attachment(g, n, &g->part[i]);
}

static void related(struct mail_msg *g)
{
	struct mail_nest n;

	if (!g->inside) {
		mail_tree_bodies(g);
		return;
	}
	mail_nest_begin(g, &n,
	                g->text.kind || g->calendar.n
	                        ? "multipart/related; "
	                          "type=\"multipart/alternative\""
	                        : "multipart/related; type=\"text/html\"");
	mail_nest_next(g, &n);
	mail_tree_bodies(g);
	some(g, &n, true);
	mail_nest_end(g, &n);
}

static void mixed(struct mail_msg *g)
{
	struct mail_nest n;

	if (g->parts == g->inside && !g->rtf) {
		related(g);
		return;
	}
	mail_nest_begin(g, &n, "multipart/mixed");
	if (g->text.kind || g->html.kind || g->calendar.n) {
		mail_nest_next(g, &n);
		related(g);
	}
	if (g->rtf)
		mail_rtf_file(g, &n);
	some(g, &n, false);
	mail_nest_end(g, &n);
}

/* --- signed and encrypted ------------------------------------------------- */

/* The first octets of in, up to n. */
static size_t head_read(struct input *in, char *p, size_t n)
{
	size_t have = 0;
	ssize_t r;

	while (have < n && (r = in->read(in, p + have, n - have)) > 0)
		have += (size_t)r;
	return have;
}

/* The Content-Type that the message had. */
static void type_field(struct mail_msg *g, char *value)
{
	struct field *f = &g->a->field;
	size_t to = 0;

	for (const char *p = value; *p; p++)
		if (*p != '\r' && *p != '\n')
			value[to++] = (unsigned char)*p < ' ' ? ' ' : *p;
	field_begin(f, "Content-Type");
	field_text(f, value, to, false);
	field_end(f, &g->a->out);
}

static bool is_ascii_type(const char *value, const char *prefix)
{
	return value && strncasecmp(value, prefix, strlen(prefix)) == 0 &&
	       mime_ascii(value, strlen(value));
}

static void sealed_fields(struct mail_msg *g, struct mapi *at)
{
	char *told CLEANUP(free_p) = mapi_text(
	        g->o, mapi_name(g->o, MAPI_PS_INTERNET_HEADERS, "Content-Type"),
	        2000);
	char *tag CLEANUP(free_p) = mapi_text(at, PID_ATTACH_MIME, 200);
	char plain[] = "application/pkcs7-mime; name=\"" SMIME_NAME "\"";

	if (is_ascii_type(told, "application/"))
		type_field(g, told);
	else if (is_ascii_type(g->type, "application/"))
		type_field(g, g->type);
	else if (is_ascii_type(tag, "application/") && strchr(tag, ';'))
		type_field(g, tag);
	else
		type_field(g, plain);
	mime_str(&g->a->out,
	         "Content-Transfer-Encoding: base64\r\n"
	         "Content-Disposition: attachment; filename=\"" SMIME_NAME
	         "\"\r\n\r\n");
}

static void sealed_copy(struct mail_msg *g, struct mail_value *x,
                        const char *head, size_t n, bool raw)
{
	struct mime_code c;

	/* As it stands, but for bare LFs. */
	mime_code_begin(&c, &g->a->out, raw ? MIME_7BIT : MIME_BASE64, raw);
	c.in.data(&c.in, head, n);
	if (mail_copy(&x->in, &c.in) == -2) {
		mail_in_part(g->a, "Its signed or encrypted text could not be "
		                   "read to the end.");
		if (!g->depth)
			g->a->m->lost = "its signed or encrypted text could "
			                "not be read";
	}
	mime_code_end(&c);
}

/* Behind empty lines, and the version, which is written already. */
static size_t entity_start(const char *p, size_t n)
{
	const char *nl;
	size_t i = 0;

	while (i < n && (p[i] == '\r' || p[i] == '\n'))
		i++;
	if (n - i < 13 || strncasecmp(p + i, "mime-version:", 13) != 0)
		return i;
	nl = memchr(p + i, '\n', n - i);
	return nl ? (size_t)(nl - p) + 1 : i;
}

/* It begins as CMS does, or is said to be that. */
static bool is_cms(struct mapi *at, const char *head, size_t n)
{
	char *name CLEANUP(free_p) = mail_file_name(at);
	char *type CLEANUP(free_p) = mail_type_of(at, name);

	return (n > 1 && head[0] == 0x30 && head[1] & 0x80) ||
	       (type && strcasestr(type, "pkcs7"));
}

/* 1: an entity with fields of its own, 2: without, 0: CMS, -1: none. */
static int sealed_kind(struct mail_msg *g, struct mapi *at, const char *head,
                       size_t n)
{
	size_t len = strlen(g->class);
	bool signed_ = len > 16 &&
	               strcasecmp(g->class + len - 16, ".MultipartSigned") == 0;

	if (n > 8 && strncasecmp(head, "content-", 8) == 0)
		return 1;
	if (n > 2 && strncmp(head, "--", 2) == 0 &&
	    is_ascii_type(g->type, "multipart/signed"))
		return 2;
	return signed_ || !n || !is_cms(at, head, n) ? -1 : 0;
}

static bool sealed_part(struct mail_msg *g, struct mapi *at)
{
	char head[256];
	size_t n, skip;
	struct mail_value x;
	int kind;

	if (mail_value_open(&x, at, PID_ATTACH_DATA) < 1)
		return false;
	n = head_read(&x.in, head, sizeof(head));
	skip = entity_start(head, n);
	kind = sealed_kind(g, at, head + skip, n - skip);
	if (kind == 0) {
		sealed_fields(g, at);
		skip = 0;
	} else if (kind == 2) {
		type_field(g, g->type);
		mime_str(&g->a->out, "\r\n");
	}
	if (kind >= 0)
		sealed_copy(g, &x, head + skip, n - skip, kind > 0);
	mail_value_shut(&x);
	return kind >= 0;
}

/* False: it is none, or not as it should be: then its attachment is one. */
static bool sealed(struct mail_msg *g)
{
	struct mapi *at;
	bool done;

	if (g->parts != 1 || g->tnefs || !mail_class_is(g, "IPM.Note") ||
	    !strcasestr(g->class, ".SMIME"))
		return false;
	at = g->part[0].o->ops->attachment(g->part[0].o, g->part[0].i);
	done = at && sealed_part(g, at);
	if (at)
		mapi_close(&at);
	return done;
}

/* There is no text, or one of a few blanks. */
static bool is_blank(struct mail_msg *g)
{
	char *text CLEANUP(free_p) =
	        g->text.id == PID_BODY ? mapi_text(g->o, PID_BODY, 64) : NULL;

	if (g->html.kind)
		return false;
	return !g->text.kind ||
	       (text && strlen(text) < 60 && !text[strspn(text, " \t\r\n")]);
}

/* The two parts of PGP's encryption (RFC 3156 4), which arrived as
 * attachments of an empty message. */
static bool is_pgp(struct mail_msg *g)
{
	char *tag CLEANUP(free_p) = NULL;
	struct mapi *at;

	if (g->parts != 2 || !is_ascii_type(g->type, "multipart/encrypted") ||
	    !strcasestr(g->type, PGP) || !is_blank(g))
		return false;
	at = g->part[0].o->ops->attachment(g->part[0].o, g->part[0].i);
	if (!at)
		return false;
	tag = mapi_text(at, PID_ATTACH_MIME, 100);
	mapi_close(&at);
	return tag && strcasecmp(tag, PGP) == 0;
}

static bool pgp(struct mail_msg *g)
{
	struct mail_nest n;

	if (!is_pgp(g))
		return false;
	mail_nest_begin(g, &n, "multipart/encrypted; protocol=\"" PGP "\"");
	some(g, &n, false);
	mail_nest_end(g, &n);
	return true;
}

/* Of a meeting, also of one in a winmail.dat. */
static void calendar(struct mail_msg *g)
{
	struct mapi *o = g->o;

	g->method = calendar_method(g->class);
	for (size_t i = 0; !g->method && i < g->tnefs; i++) {
		char *class CLEANUP(free_p) =
		        mapi_text(g->tnef[i], PID_CLASS, 255);

		o = g->tnef[i];
		g->method = class ? calendar_method(class) : NULL;
	}
	if (g->method && calendar_write(o, g->method, &g->calendar) < 0) {
		mail_in_part(g->a, "Its appointment could not be written.");
		buf_clear(&g->calendar);
	}
}

void mail_tree(struct mail_msg *g)
{
	mime_str(&g->a->out, "MIME-Version: 1.0\r\n");
	if (sealed(g) || pgp(g) || mail_report(g))
		return;
	calendar(g);
	mixed(g);
}
