/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_words.c - see graph_words.h. RFC 2047; GMime 3.2 drops what comes
 * after the padding of a base64 word, so it is not asked.
 */
#include "mime/graph_words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/graph_charset.h"
#include "util/utf8.h"

#define CHARSET_MOST 63

struct word {
	const char *charset, *data;
	size_t charset_n, data_n, n; /* n: of all of it */
	bool base64;
};

struct words {
	struct buf out;
	struct graph_charset cs;
	bool open; /* cs, for words of this charset */
	char charset[CHARSET_MOST + 1];
};

static int keep(const char *p, size_t n, void *arg, struct err *e)
{
	return buf_add(arg, p, n);
}

/* An encoded word at p. */
static bool word_at(const char *p, struct word *w)
{
	const char *end;

	if (p[0] != '=' || p[1] != '?')
		return false;
	w->charset = p + 2;
	w->charset_n = strcspn(w->charset, "? \t\r\n");
	w->data = w->charset + w->charset_n;
	if (w->data[0] != '?' || !w->data[1] || w->data[2] != '?' ||
	    !strchr("bBqQ", w->data[1]))
		return false;
	w->base64 = (w->data[1] | 0x20) == 'b';
	w->data += 3;
	end = strstr(w->data, "?=");
	if (!end)
		return false;
	w->data_n = (size_t)(end - w->data);
	w->n = (size_t)(end + 2 - p);
	/* RFC 2231 5: a language may follow the charset. */
	for (size_t i = 0; i < w->charset_n; i++)
		if (w->charset[i] == '*')
			w->charset_n = i;
	return w->charset_n <= CHARSET_MOST;
}

static int words_end(struct words *w)
{
	int r = 0;

	if (w->open) {
		r = graph_charset_end(&w->cs, NULL);
		graph_charset_close(&w->cs);
	}
	w->open = false;
	return r;
}

/* Words of one charset are one text: characters may be cut between. */
static int words_open(struct words *w, const char *charset, size_t n)
{
	if (w->open && strlen(w->charset) == n &&
	    strncasecmp(w->charset, charset, n) == 0)
		return 0;
	if (words_end(w))
		return -1;
	memcpy(w->charset, charset, n);
	w->charset[n] = '\0';
	if (graph_charset_open(&w->cs, w->charset, keep, &w->out, NULL))
		return -1;
	w->open = true;
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int graph_hex(const char *p)
{
	int high = hex(p[0]), low = high < 0 ? -1 : hex(p[1]);

	return low < 0 ? -1 : high * 16 + low;
}

static size_t q_decode(const char *p, size_t n, char *out)
{
	size_t made = 0;

	for (size_t i = 0; i < n; i++) {
		int octet =
		        p[i] == '=' && n - i > 2 ? graph_hex(p + i + 1) : -1;

		if (octet >= 0) {
			out[made++] = (char)octet;
			i += 2;
		} else {
			out[made++] = p[i] == '_' ? ' ' : p[i];
		}
	}
	return made;
}

static int word_put(struct words *w, const struct word *word)
{
	char *out CLEANUP(free_p) = malloc(word->data_n + 4);
	size_t n;

	if (!out || words_open(w, word->charset, word->charset_n))
		return -1;
	n = word->base64 ? graph_mime_base64(word->data, word->data_n, out)
	                 : q_decode(word->data, word->data_n, out);
	return graph_charset_data(&w->cs, out, n, NULL);
}

static int plain_put(struct words *w, const char *p, size_t n)
{
	if (!n)
		return 0;
	if (words_open(w, "", 0))
		return -1;
	return graph_charset_data(&w->cs, p, n, NULL);
}

static int decode(struct words *w, const char *p)
{
	struct word word;
	bool after_word = false;

	while (*p) {
		size_t blank = strspn(p, " \t\r\n");
		size_t n = blank + strcspn(p + blank, "=");

		if (after_word && word_at(p + blank, &word)) {
			/* What stands between two words is not shown. */
			p += blank;
			n = 0;
		}
		if (plain_put(w, p, n))
			return -1;
		p += n;
		if (word_at(p, &word)) {
			if (word_put(w, &word))
				return -1;
			p += word.n;
			after_word = true;
			continue;
		}
		after_word = false;
		if (*p && plain_put(w, p++, 1))
			return -1;
	}
	return words_end(w);
}

/* Control characters, and the two that no XML knows, become blanks. */
static char *cleaned(struct buf *text)
{
	char *s = buf_take(text), *to = s;
	uint32_t cp;
	size_t n;

	for (const char *p = s; s && (n = utf8_next(p, &cp)) > 0; p += n) {
		if (cp == 0xfffe || cp == 0xffff || utf8_control(cp))
			cp = ' ';
		if (cp == ' ' && (to == s || (*p != ' ' && to[-1] == ' ')))
			continue;
		if (cp == ' ') {
			*to++ = ' ';
			continue;
		}
		memmove(to, p, n);
		to += n;
	}
	while (to > s && to[-1] == ' ')
		to--;
	if (s)
		*to = '\0';
	return s;
}

char *graph_words(const char *raw)
{
	struct words w = { .out = BUF_INIT(0) };
	char *text = NULL;

	if (decode(&w, raw) == 0)
		text = cleaned(&w.out);
	if (w.open)
		graph_charset_close(&w.cs);
	buf_release(&w.out);
	return text;
}

char *graph_clean(const char *raw)
{
	struct words w = { .out = BUF_INIT(0) };
	char *text = NULL;

	if (plain_put(&w, raw, strlen(raw)) == 0 && words_end(&w) == 0)
		text = cleaned(&w.out);
	if (w.open)
		graph_charset_close(&w.cs);
	buf_release(&w.out);
	return text;
}
