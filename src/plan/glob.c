/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob.c - patterns over folder paths.
 *
 *   *      any characters within a level     ?      one of them
 *   **     any characters, across levels     [a-z]  one of these, [!a] none
 *   \x     x itself
 *
 * Where a level begins, two stars and a slash stand for any levels or none:
 * so put before "Spam", they find it in every folder and at the top.
 * A pattern means exactly the folders that it matches: "Work" is not
 * "Work/2019"; a slash and two stars behind it are what is below.
 * Folders are named with brackets in earnest ("[Gmail]/Spam"): a pattern
 * also matches where its brackets are taken literally.
 *
 * The pattern becomes a list of tokens; the path is read once, with the set
 * of tokens that may come next. No pattern takes longer than its length
 * times the path's.
 */
#include "plan/glob.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "mailhaul/plan.h"
#include "util/utf8.h"

enum token_kind {
	TOKEN_CHAR,
	TOKEN_ANY, /* ? */
	TOKEN_SET, /* [...] */
	TOKEN_STAR,
	TOKEN_ACROSS, /* ** */
	TOKEN_LEVELS  /* ** and a slash, where a level begins */
};

struct token {
	enum token_kind kind;
	uint32_t cp;     /* TOKEN_CHAR */
	const char *set; /* TOKEN_SET: behind '[' and '!' */
	bool negated;
};

struct glob {
	struct token tokens[GLOB_MAX];
	size_t n;
	bool fold; /* the path's first level is INBOX */
};

/* As utf8_next, but octets that are no UTF-8 are characters of their own,
 * beyond all code points. */
static size_t next_char(const char *p, uint32_t *cp)
{
	size_t n = utf8_next(p, cp);

	if (n || !*p)
		return n;
	*cp = 0x110000 + (unsigned char)*p;
	return 1;
}

/* The ']' that ends the set behind p, or NULL. */
static const char *set_end(const char *p)
{
	if (*p == '!' || *p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p && *p != ']' && *p != '/')
		p++;
	return *p == ']' ? p : NULL;
}

static const char *add_star(struct glob *g, struct token *t, const char *p,
                            bool level_begins)
{
	if (p[1] != '*') {
		t->kind = TOKEN_STAR;
		return p + 1;
	}
	while (*p == '*')
		p++;
	t->kind = TOKEN_ACROSS;
	if (level_begins && *p == '/') {
		t->kind = TOKEN_LEVELS;
		p++;
	}
	return p;
}

static const char *add_set(struct token *t, const char *p, const char *end)
{
	p++;
	t->kind = TOKEN_SET;
	t->negated = *p == '!' || *p == '^';
	t->set = p + t->negated;
	return end + 1;
}

static void tokenize(struct glob *g, const char *p, bool sets)
{
	const char *start = p;

	while (*p) {
		struct token *t = &g->tokens[g->n++];
		const char *end = sets && *p == '[' ? set_end(p + 1) : NULL;

		memset(t, 0, sizeof(*t));
		if (*p == '*') {
			p = add_star(g, t, p, p == start || p[-1] == '/');
		} else if (*p == '?') {
			t->kind = TOKEN_ANY;
			p++;
		} else if (end) {
			p = add_set(t, p, end);
		} else {
			if (*p == '\\' && p[1])
				p++;
			p += next_char(p, &t->cp);
		}
	}
}

static bool same(uint32_t a, uint32_t b, bool fold)
{
	return a == b || (fold && utf8_fold(a) == utf8_fold(b));
}

static bool in_set(const struct token *t, uint32_t cp)
{
	const char *p = t->set;
	bool found = false;

	do {
		uint32_t low, high;

		p += next_char(p, &low);
		high = low;
		if (p[0] == '-' && p[1] != ']')
			p += 1 + next_char(p + 1, &high);
		found = found || (cp >= low && cp <= high);
	} while (*p != ']');
	return found != t->negated;
}

static bool takes(const struct token *t, uint32_t cp, bool fold)
{
	switch (t->kind) {
	case TOKEN_CHAR:
		return same(t->cp, cp, fold);
	case TOKEN_ANY:
	case TOKEN_STAR:
		return cp != '/';
	case TOKEN_SET:
		return cp != '/' && in_set(t, cp);
	case TOKEN_ACROSS:
	case TOKEN_LEVELS:
		return true;
	}
	return false;
}

/* A set of tokens that may be next; number n is the end of the pattern. */
typedef bool places[GLOB_MAX + 1];

/* Stars may also stand for nothing. LEVELS may be left only where a level
 * begins. */
static void skip_stars(const struct glob *g, places at, bool level_begins)
{
	for (size_t i = 0; i < g->n; i++) {
		enum token_kind kind = g->tokens[i].kind;

		if (at[i] && (kind == TOKEN_STAR || kind == TOKEN_ACROSS ||
		              (kind == TOKEN_LEVELS && level_begins)))
			at[i + 1] = true;
	}
}

static bool advance(const struct glob *g, const places at, places next,
                    uint32_t cp, bool fold)
{
	bool alive = false;

	memset(next, 0, sizeof(places));
	for (size_t i = 0; i < g->n; i++) {
		const struct token *t = &g->tokens[i];
		bool stays = t->kind == TOKEN_STAR || t->kind == TOKEN_ACROSS ||
		             t->kind == TOKEN_LEVELS;

		if (!at[i] || !takes(t, cp, fold))
			continue;
		next[stays ? i : i + 1] = true;
		alive = true;
	}
	return alive;
}

static bool match(const struct glob *g, const char *path)
{
	places now = { true }, next;
	const char *p = path;
	uint32_t cp;

	skip_stars(g, now, true);
	for (size_t n; (n = next_char(p, &cp)) > 0; p += n) {
		bool fold = g->fold && p - path < 5;

		if (!advance(g, now, next, cp, fold))
			return false;
		memcpy(now, next, sizeof(now));
		skip_stars(g, now, cp == '/');
	}
	return now[g->n];
}

bool plan_glob(const char *pattern, const char *path)
{
	struct glob g;

	if (strlen(pattern) > GLOB_MAX)
		return false;
	for (int sets = 0; sets < 2; sets++) {
		g.n = 0;
		g.fold = !strncasecmp(path, "INBOX", 5) &&
		         (!path[5] || path[5] == '/');
		tokenize(&g, pattern, sets);
		if (match(&g, path))
			return true;
		if (!strchr(pattern, '['))
			break;
	}
	return false;
}
