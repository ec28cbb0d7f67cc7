/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair_encode.c - 8-bit octets of a header field as encoded words, RFC
 * 2047, so that readers see what was meant.
 *
 * Fields of addresses, types and message ids have a grammar that encoded
 * words must respect; in all others the span from the first to the last
 * 8-bit word is encoded as a whole.
 */
#include <string.h>

#include "mime/repair_walk.h"
#include "util/utf8.h"

#define WORD_MAX 75 /* RFC 2047 2 */

struct words {
	struct buf *out;
	const char *charset;
	size_t at; /* octets of the encoded word so far, 0: none begun */
	bool any;
	bool one_line;
};

static bool white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool high(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool any_high(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (high(p[i]))
			return true;
	return false;
}

/* What the octets are, as far as one can tell. */
static const char *charset_of(const char *p, size_t n)
{
	char *copy CLEANUP(free_p) = strndup(p, n);

	if (copy && utf8_valid(copy))
		return "utf-8";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80 && (unsigned char)p[i] < 0xa0)
			return "unknown-8bit";
	return "iso-8859-1";
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static int end_word(struct words *w)
{
	if (!w->at)
		return 0;
	w->at = 0;
	return buf_str(w->out, "?=");
}

/* One character, of one or more octets, must not be torn. */
static int put_char(struct words *w, const char *p, size_t n)
{
	size_t need = n == 1 && (plain(*p) || *p == ' ') ? 1 : 3 * n;

	if (w->at && w->at + need + 2 > WORD_MAX && end_word(w))
		return -1;
	if (!w->at) {
		size_t had = w->out->n;

		if ((w->any && buf_str(w->out, w->one_line ? " " : "\r\n ")) ||
		    buf_fmt(w->out, "=?%s?Q?", w->charset))
			return -1;
		w->any = true;
		w->at = w->out->n - had;
	}
	w->at += need;
	if (need == 1)
		return buf_chr(w->out, *p == ' ' ? '_' : *p);
	for (size_t i = 0; i < n; i++)
		if (buf_fmt(w->out, "=%02X", (unsigned char)p[i]))
			return -1;
	return 0;
}

static size_t char_length(const struct words *w, const char *p, size_t n)
{
	size_t len = 1;

	if (strcmp(w->charset, "utf-8") != 0 || !high(*p))
		return 1;
	while (len < n && len < 4 && ((unsigned char)p[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* p unfolded, as encoded words. unquote: the inside of a quoted string. */
static int put_words(struct words *w, const char *p, size_t n, bool unquote)
{
	size_t len;

	w->any = false;
	for (size_t i = 0; i < n; i += len) {
		len = 1;
		if (p[i] == '\r' || p[i] == '\n')
			continue;
		if (unquote && p[i] == '\\' && i + 1 < n)
			i++;
		len = char_length(w, p + i, n - i);
		if (put_char(w, p[i] == '\t' ? " " : p + i, len))
			return -1;
	}
	return end_word(w);
}

/* Where there is no room for an encoded word. */
static int put_marks(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (buf_chr(out, high(p[i]) ? '?' : p[i]))
			return -1;
	return 0;
}

static int unstructured(struct words *w, const char *p, size_t n)
{
	size_t first = 0, last = n;

	while (!high(p[first]))
		first++;
	while (!high(p[last - 1]))
		last--;
	while (first > 0 && !white(p[first - 1]))
		first--;
	while (last < n && !white(p[last]))
		last++;
	if (buf_add(w->out, p, first) ||
	    put_words(w, p + first, last - first, false))
		return -1;
	return buf_add(w->out, p + last, n - last);
}

static bool special(char c)
{
	return strchr("()<>,;:\"=", c) != NULL && c;
}

/* The octets up to and with close, honouring backslashes. */
static size_t up_to(const char *p, size_t n, char close)
{
	size_t i = 1;

	while (i < n && p[i] != close)
		i += p[i] == '\\' && i + 1 < n ? 2 : 1;
	return i < n ? i + 1 : n;
}

static int quoted(struct words *w, const char *p, size_t n, bool params)
{
	size_t inner = n >= 2 && p[n - 1] == '"' ? n - 2 : n - 1;

	if (!any_high(p, n))
		return buf_add(w->out, p, n);
	w->one_line = params;
	if (params && buf_chr(w->out, '"'))
		return -1;
	if (put_words(w, p + 1, inner, true))
		return -1;
	return buf_chr(w->out, params ? '"' : ' ');
}

static size_t word_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && !special(p[i]) && !white(p[i]))
		i++;
	return i;
}

/* 8-bit words side by side are one: blanks between encoded words do not
 * count. */
static size_t span_length(const char *p, size_t n)
{
	size_t end = word_length(p, n);

	for (;;) {
		size_t next = end, len;

		while (next < n && white(p[next]))
			next++;
		len = word_length(p + next, n - next);
		if (next == end || len == 0 || !any_high(p + next, len))
			return end;
		end = next + len;
	}
}

static int word(struct words *w, const char *p, size_t n, bool params)
{
	if (!any_high(p, n))
		return buf_add(w->out, p, n);
	if (!params && memchr(p, '@', n))
		return put_marks(w->out, p, n);
	w->one_line = params;
	if (params && buf_chr(w->out, '"'))
		return -1;
	if (put_words(w, p, n, false))
		return -1;
	return params ? buf_chr(w->out, '"') : 0;
}

static int structured(struct words *w, const char *p, size_t n, bool params)
{
	size_t i = 0, len;
	int r;

	for (; i < n; i += len) {
		if (p[i] == '"') {
			len = up_to(p + i, n - i, '"');
			r = quoted(w, p + i, len, params);
		} else if (p[i] == '<') {
			len = up_to(p + i, n - i, '>');
			r = put_marks(w->out, p + i, len);
		} else if (special(p[i]) || white(p[i])) {
			len = 1;
			r = buf_chr(w->out, p[i]);
		} else {
			len = word_length(p + i, n - i);
			if (any_high(p + i, len))
				len = span_length(p + i, n - i);
			r = word(w, p + i, len, params);
		}
		if (r)
			return -1;
	}
	return 0;
}

static bool one_of(const char *p, size_t n, const char *const *names)
{
	for (; *names; names++)
		if (header_is(p, n, *names))
			return true;
	return false;
}

int repair_encode(struct buf *out, const char *p, size_t n)
{
	static const char *const addresses[] = {
		"From",        "Sender",        "Reply-To",   "To",
		"Cc",          "Bcc",           "Resent-To",  "Resent-From",
		"Resent-Cc",   "Resent-Sender", "Message-ID", "References",
		"In-Reply-To", "Return-Path",   "Errors-To",  NULL
	};
	static const char *const params[] = { "Content-Type",
		                              "Content-Disposition", NULL };
	const char *colon = memchr(p, ':', n);
	size_t name = colon ? (size_t)(colon - p) + 1 : n;
	struct words w = { .out = out, .charset = charset_of(p, n) };

	if (put_marks(out, p, name))
		return -1;
	if (!any_high(p + name, n - name))
		return buf_add(out, p + name, n - name);
	if (one_of(p, n, addresses))
		return structured(&w, p + name, n - name, false);
	if (one_of(p, n, params))
		return structured(&w, p + name, n - name, true);
	return unstructured(&w, p + name, n - name);
}
