/* SPDX-License-Identifier: Apache-2.0 */
/* item_html.c - see item_html.h. */
#include "archive/mapi/item_html.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/utf8.h"

enum state {
	IN_TEXT,
	IN_TAG_NAME,
	IN_TAG,
	IN_COMMENT, /* word holds the last two octets */
	IN_ENTITY
};

void html_begin(struct html *h, void (*take)(void *, const char *, size_t),
                void *arg)
{
	memset(h, 0, sizeof(*h));
	h->take = take;
	h->arg = arg;
}

/* --- text ------------------------------------------------------------------
 */

static void shown(struct html *h, const char *s, size_t n)
{
	for (; h->lines; h->lines--) {
		if (h->any)
			h->take(h->arg, "\n", 1);
	}
	if (h->blank && h->started)
		h->take(h->arg, " ", 1);
	h->blank = false;
	h->started = true;
	h->any = true;
	h->take(h->arg, s, n);
}

static void character(struct html *h, char c)
{
	if (h->hidden[0])
		return;
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		h->blank = true;
	else
		shown(h, &c, 1);
}

/* another: also where a new line has begun already. */
static void line_break(struct html *h, bool another)
{
	h->blank = false;
	if (h->lines == 0 || (another && h->lines < 3))
		h->lines++;
	h->started = false;
}

/* --- tags ------------------------------------------------------------------
 */

static bool is_one(const char *s, const char *const names[])
{
	for (; *names; names++) {
		if (strcasecmp(s, *names) == 0)
			return true;
	}
	return false;
}

static void tag(struct html *h)
{
	static const char *const hides[] = { "style", "script", "title", NULL };
	static const char *const blocks[] = {
		"p",     "div",        "tr",  "li", "ul", "ol",
		"table", "blockquote", "pre", "h1", "h2", "h3",
		"h4",    "h5",         "h6",  "hr", NULL
	};
	static const char *const cells[] = { "td", "th", NULL };
	bool ends = h->word[0] == '/';
	const char *name = h->word + ends;
	size_t n = strlen(name);

	if (n && name[n - 1] == '/')
		h->word[h->n - 1] = '\0';
	if (h->hidden[0]) {
		if (ends && strcasecmp(name, h->hidden) == 0)
			h->hidden[0] = '\0';
	} else if (!ends && is_one(name, hides)) {
		memcpy(h->hidden, name, strlen(name) + 1);
	} else if (strcasecmp(name, "br") == 0) {
		line_break(h, true);
	} else if (is_one(name, blocks)) {
		line_break(h, false);
	} else if (is_one(name, cells)) {
		h->blank = true;
	}
}

/* --- entities --------------------------------------------------------------
 */

static uint32_t entity_of(const char *name)
{
	static const struct {
		const char *name;
		uint32_t cp;
	} known[] = {
		{ "amp", '&' },      { "lt", '<' },        { "gt", '>' },
		{ "quot", '"' },     { "apos", '\'' },     { "nbsp", 0xa0 },
		{ "copy", 0xa9 },    { "reg", 0xae },      { "euro", 0x20ac },
		{ "ndash", 0x2013 }, { "mdash", 0x2014 },  { "lsquo", 0x2018 },
		{ "rsquo", 0x2019 }, { "ldquo", 0x201c },  { "rdquo", 0x201d },
		{ "bull", 0x2022 },  { "hellip", 0x2026 }, { "middot", 0xb7 },
		{ "trade", 0x2122 }, { "auml", 0xe4 },     { "ouml", 0xf6 },
		{ "uuml", 0xfc },    { "Auml", 0xc4 },     { "Ouml", 0xd6 },
		{ "Uuml", 0xdc },    { "szlig", 0xdf },    { "eacute", 0xe9 },
		{ "egrave", 0xe8 },  { "agrave", 0xe0 },   { "ccedil", 0xe7 }
	};

	if (name[0] == '#') {
		bool hex = name[1] == 'x' || name[1] == 'X';

		return (uint32_t)strtoul(name + 1 + hex, NULL, hex ? 16 : 10);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) == 0)
			return known[i].cp;
	}
	return 0;
}

/* What is none stands as it stood. */
static void entity(struct html *h, bool closed)
{
	uint32_t cp = entity_of(h->word);
	char u[4];
	size_t n = cp >= ' ' ? utf8_put(u, cp) : 0;

	if (h->hidden[0])
		return;
	if (cp == 0xa0) {
		shown(h, " ", 1);
	} else if (n) {
		shown(h, u, n);
	} else {
		shown(h, "&", 1);
		shown(h, h->word, h->n);
		if (closed)
			shown(h, ";", 1);
	}
}

/* --- octets ----------------------------------------------------------------
 */

static void word_add(struct html *h, char c)
{
	if (h->n + 1 < sizeof(h->word))
		h->word[h->n++] = c;
	h->word[h->n] = '\0';
}

static void word_clear(struct html *h)
{
	h->n = 0;
	h->word[0] = '\0';
}

static void in_text(struct html *h, char c)
{
	if (c == '<' || c == '&') {
		word_clear(h);
		h->quote = 0;
		h->state = c == '<' ? IN_TAG_NAME : IN_ENTITY;
	} else {
		character(h, c);
	}
}

static void in_tag_name(struct html *h, char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

	if (h->n == 0 && !letter && c != '/' && c != '!' && c != '?') {
		h->state = IN_TEXT;
		character(h, '<');
		in_text(h, c);
	} else if (c == '>') {
		h->state = IN_TEXT;
		tag(h);
	} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		h->state = IN_TAG;
	} else {
		word_add(h, c);
		if (strcmp(h->word, "!--") == 0) {
			h->state = IN_COMMENT;
			word_clear(h);
		}
	}
}

static void in_tag(struct html *h, char c)
{
	if (h->quote) {
		if (c == h->quote)
			h->quote = 0;
	} else if (c == '"' || c == '\'') {
		h->quote = c;
	} else if (c == '>') {
		h->state = IN_TEXT;
		tag(h);
	}
}

static void in_comment(struct html *h, char c)
{
	if (c == '>' && h->n == 2) {
		h->state = IN_TEXT;
	} else if (c != '-') {
		h->n = 0;
	} else if (h->n < 2) {
		h->n++;
	}
}

static void in_entity(struct html *h, char c)
{
	bool of_it = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	             (c >= '0' && c <= '9') || (c == '#' && h->n == 0);

	if (of_it && h->n + 1 < sizeof(h->word)) {
		word_add(h, c);
		return;
	}
	h->state = IN_TEXT;
	entity(h, c == ';');
	if (c != ';')
		in_text(h, c);
}

void html_data(struct html *h, const char *p, size_t n)
{
	static void (*const how[])(struct html *, char) = {
		[IN_TEXT] = in_text,     [IN_TAG_NAME] = in_tag_name,
		[IN_TAG] = in_tag,       [IN_COMMENT] = in_comment,
		[IN_ENTITY] = in_entity,
	};

	for (size_t i = 0; i < n; i++)
		how[h->state](h, p[i]);
}

void html_end(struct html *h)
{
	if (h->state == IN_ENTITY)
		entity(h, false);
	h->state = IN_TEXT;
}
