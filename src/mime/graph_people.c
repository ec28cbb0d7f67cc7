/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_people.c - address lists as people and programs write them: RFC
 * 5322 3.4 and 4.4, and what is neither. GMime's parser stops at the first
 * thing that it does not know, and the rest of the list would be lost.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/graph_words.h"
#include "util/buf.h"

#define ADDRESS_MOST 320
#define SQUEEZE_MOST 2000 /* an address with all its white space */
#define OPEN_MOST 100     /* such a list is no list */

/* One element of a list. */
struct element {
	struct buf shown;   /* without quotes, comments and brackets */
	struct buf full;    /* the same with comments */
	struct buf written; /* with its quotes */
	struct buf comment;
	struct buf bracket; /* what <> held */
	bool bracketed;
	unsigned open; /* of the list: what was opened and never closed */
};

static void element_clear(struct element *e)
{
	buf_clear(&e->shown);
	buf_clear(&e->full);
	buf_clear(&e->written);
	buf_clear(&e->comment);
	buf_clear(&e->bracket);
	e->bracketed = false;
}

static void element_release(struct element *e)
{
	buf_release(&e->shown);
	buf_release(&e->full);
	buf_release(&e->written);
	buf_release(&e->comment);
	buf_release(&e->bracket);
}

static bool atoms(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(" ()<>[]:;@\\,\"", p[i]))
			return false;
	return n > 0;
}

/* Good enough for Exchange to take it: it need not be deliverable. */
static bool address_like(const char *s)
{
	const char *at = strrchr(s, '@');
	size_t n = at ? (size_t)(at - s) : 0, domain;

	if (!at || strlen(s) > ADDRESS_MOST)
		return false;
	domain = strlen(at + 1);
	if (at[1] == '[' && domain > 2 && at[domain] == ']')
		domain = strspn(at + 2, "0123456789abcdefABCDEF.:IPv") + 2 ==
		         domain;
	else
		domain = atoms(at + 1, domain);
	if (n > 2 && s[0] == '"' && s[n - 1] == '"')
		return domain > 0;
	return domain && atoms(s, n);
}

/* p behind the opening quote: octets up to behind the closing one, 0: it is
 * not closed. */
static size_t quoted(const char *p)
{
	for (size_t i = 0; p[i]; i++) {
		if (p[i] == '"')
			return i + 1;
		if (p[i] == '\\' && p[i + 1])
			i++;
	}
	return 0;
}

/* The same for a comment, which may hold others. */
static size_t commented(const char *p)
{
	unsigned depth = 1;

	for (size_t i = 0; p[i]; i++) {
		if (p[i] == '\\' && p[i + 1])
			i++;
		else if (p[i] == '(')
			depth++;
		else if (p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

static int add_unescaped(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\' && i + 1 < n)
			i++;
		if (buf_chr(b, p[i]))
			return -1;
	}
	return 0;
}

/* The octets of what a quote or a parenthesis at p encloses, with both
 * ends; 0: it is an ordinary character after all. */
static size_t enclosed(struct element *e, const char *p)
{
	size_t n;

	if ((*p != '"' && *p != '(') || e->open > OPEN_MOST)
		return 0;
	n = *p == '"' ? quoted(p + 1) : commented(p + 1);
	e->open += n == 0;
	return n ? n + 1 : 0;
}

/* What begins at p with a quote, a parenthesis or an angle bracket: octets
 * taken in *n, 0: it is an ordinary character. */
static int take_enclosed(struct element *e, const char *p, size_t *n)
{
	*n = enclosed(e, p);
	if (*n && *p == '"') {
		if (add_unescaped(&e->shown, p + 1, *n - 2) ||
		    add_unescaped(&e->full, p + 1, *n - 2))
			return -1;
		return buf_add(&e->written, p, *n);
	}
	if (*n) {
		if (e->comment.n && buf_chr(&e->comment, ' '))
			return -1;
		return add_unescaped(&e->comment, p + 1, *n - 2) ||
		                       buf_chr(&e->full, '(') ||
		                       add_unescaped(&e->full, p + 1, *n - 2) ||
		                       buf_chr(&e->full, ')')
		               ? -1
		               : 0;
	}
	if (*p == '<' && !e->bracketed) {
		size_t open = strspn(p, "<");
		size_t len = strcspn(p + open, ">");

		/* Without its end: up to the next one. */
		if (!p[open + len])
			len = strcspn(p + open, ",;");
		e->bracketed = true;
		*n = open + len + strspn(p + open + len, ">");
		return buf_add(&e->bracket, p + open, len);
	}
	return 0;
}

static int take_char(struct element *e, char c)
{
	if (strchr("<>\"", c))
		c = ' ';
	return buf_chr(&e->shown, c) || buf_chr(&e->full, c) ||
	                       buf_chr(&e->written, c)
	               ? -1
	               : 0;
}

/* RFC 5322 4.4: without comments, and without white space around '@' and
 * '.'. */
static char *squeezed(char *s)
{
	char *to = s;

	for (const char *p = s; *p;) {
		size_t n = *p == '(' ? commented(p + 1) : 0;

		if (n)
			p += n + 1;
		else
			*to++ = *p++;
	}
	*to = '\0';
	to = s;
	for (const char *p = s; *p;) {
		size_t n = strspn(p, " ");

		if (n &&
		    (strchr("@.", p[n]) || (to > s && strchr("@.", to[-1]))))
			p += n;
		else
			*to++ = *p++;
	}
	*to = '\0';
	return s;
}

/* The address without a route or a scheme. */
static char *plain_address(const char *raw)
{
	char *s = graph_words(raw);
	const char *from = s;
	char *tight CLEANUP(free_p) = NULL;

	if (s && strncasecmp(from, "mailto:", 7) == 0)
		from += 7;
	if (s && *from == '@' && strchr(from, ':'))
		from = strrchr(from, ':') + 1;
	if (s)
		memmove(s, from, strlen(from) + 1);
	if (!s || address_like(s) || strlen(s) > SQUEEZE_MOST)
		return s;
	tight = strdup(s);
	if (tight && address_like(squeezed(tight)))
		memcpy(s, tight, strlen(tight) + 1);
	return s;
}

/* Nobody is meant: what programs write where a list has to stand. */
static bool nobody(const char *name)
{
	return strncasecmp(name, "undisclosed", 11) == 0 ||
	       strncasecmp(name, "unlisted-recipients", 19) == 0 ||
	       strncasecmp(name, "recipient list not shown", 24) == 0;
}

static int tell(const char *name, const char *address, graph_person_fn *each,
                void *arg)
{
	bool good = address_like(address);

	if (!*name && !*address)
		return 0;
	if (!good && nobody(*name ? name : address))
		return 0;
	if (!*name && !good)
		name = address;
	return each(*name ? name : NULL, good ? address : NULL, arg);
}

/* Without brackets: the word that looks like an address, if there is one,
 * and the others as the name. */
static int tell_bare(struct element *e, graph_person_fn *each, void *arg)
{
	char *all CLEANUP(free_p) =
	        plain_address(e->written.n ? e->written.p : "");
	char *name CLEANUP(free_p) =
	        graph_words(e->comment.n ? e->comment.p : "");
	char *shown CLEANUP(free_p) = graph_words(e->shown.n ? e->shown.p : "");
	char *at, *end;

	if (!all || !name || !shown)
		return -1;
	if (address_like(all))
		return tell(name, all, each, arg);
	at = strchr(all, '@');
	while (at && at > all && at[-1] != ' ')
		at--;
	if (!at || nobody(shown))
		return tell(*shown ? shown : name, "", each, arg);
	end = at + strcspn(at, " ");
	if (*end)
		*end++ = '\0';
	if (!address_like(at))
		return tell(shown, "", each, arg);
	/* The name is what stands around it. */
	if (!*name) {
		struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

		if (buf_add(&b, all, (size_t)(at - all)) || buf_str(&b, end))
			return -1;
		free(name);
		name = graph_words(b.p);
		if (!name)
			return -1;
	}
	return tell(name, at, each, arg);
}

static int element_end(struct element *e, graph_person_fn *each, void *arg)
{
	int r;

	if (e->bracketed) {
		const struct buf *from = &e->full;
		char *name CLEANUP(free_p) = NULL;
		char *address CLEANUP(free_p) =
		        plain_address(e->bracket.n ? e->bracket.p : "");

		if (!e->shown.n || strspn(e->shown.p, " \t") == e->shown.n)
			from = &e->comment;
		name = graph_words(from->n ? from->p : "");
		r = name && address ? tell(name, address, each, arg) : -1;
	} else {
		r = tell_bare(e, each, arg);
	}
	element_clear(e);
	return r;
}

/* What stands before a colon is a group's name if the group has an end. */
static bool begins_group(const struct element *e, const char *p,
                         const char *last_end)
{
	return *p == ':' && !e->bracketed && last_end > p &&
	       (!e->shown.n || !strchr(e->shown.p, '@'));
}

static int read_list(struct element *e, const char *p, graph_person_fn *each,
                     void *arg)
{
	const char *last_end = strrchr(p, ';');
	int r = 0;

	while (*p && r == 0) {
		size_t n = 0;

		if (*p == ',' || *p == ';') {
			r = element_end(e, each, arg);
			p++;
			continue;
		}
		if (begins_group(e, p, last_end)) {
			element_clear(e);
			p++;
			continue;
		}
		if (take_enclosed(e, p, &n))
			return -1;
		if (n == 0 && take_char(e, *p))
			return -1;
		p += n ? n : 1;
	}
	return r ? r : element_end(e, each, arg);
}

int graph_people(const char *raw, graph_person_fn *each, void *arg)
{
	struct element e = { .shown = BUF_INIT(0),
		             .full = BUF_INIT(0),
		             .written = BUF_INIT(0),
		             .comment = BUF_INIT(0),
		             .bracket = BUF_INIT(0) };
	int r = read_list(&e, raw, each, arg);

	element_release(&e);
	return r;
}
