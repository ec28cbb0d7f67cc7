/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_check.c - a whole CSV is read before anything is made of it, and
 * every mistake is told at once, with its line.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/csv.h"
#include "util/buf.h"

#define MISTAKES_MAX 5000

int csv_init(struct csv *c)
{
	memset(c, 0, sizeof(*c));
	c->mistakes = calloc(MISTAKES_MAX + 1, sizeof(*c->mistakes));
	return c->mistakes ? 0 : -1;
}

/* There is always room: no mistake is lost for want of memory. */
void csv_mistake(struct csv *c, unsigned line, const char *fmt, ...)
{
	struct csv_mistake *m = &c->mistakes[c->mistakes_n];
	va_list ap;

	if (c->mistakes_n > MISTAKES_MAX)
		return;
	c->mistakes_n++;
	m->line = line;
	if (c->mistakes_n > MISTAKES_MAX) {
		m->line = UINT_MAX;
		fmt = "There are more mistakes, which are not listed here.";
	}
	va_start(ap, fmt);
	if (vasprintf(&m->text, fmt, ap) < 0)
		m->text = NULL;
	va_end(ap);
}

/* --- rows against each other -------------------------------------------- */

struct keyed {
	const char *key;
	unsigned line;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void tell_twice(struct csv *c, const struct keyed *first,
                       const struct keyed *again, bool names)
{
	if (names)
		csv_mistake(c, again->line,
		            "The name \"%.100s\" is on line %u already. Every "
		            "mailbox needs a name of its own.",
		            again->key, first->line);
	else
		csv_mistake(c, again->line,
		            "The same from and to are on line %u already.",
		            first->line);
}

static int find_twice(struct csv_job *j, bool names)
{
	CLEANUP(free_p) struct keyed *v = NULL;
	struct csv *c = j->out;
	size_t n = 0, first = 0;

	if (!c->n || !j->pairs)
		return 0;
	v = calloc(c->n, sizeof(*v));
	if (!v)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		const char *key = names ? c->rows[i].name : j->pairs[i];

		if (key)
			v[n++] = (struct keyed){ key, c->rows[i].line };
	}
	qsort(v, n, sizeof(*v), by_key);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(v[first].key, v[i].key) != 0)
			first = i;
		else
			tell_twice(c, &v[first], &v[i], names);
	}
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct csv_mistake *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (!x->text || !y->text)
		return !x->text - !y->text;
	return strcmp(x->text, y->text);
}

void csv_sort(struct csv *c)
{
	qsort(c->mistakes, c->mistakes_n, sizeof(*c->mistakes), by_line);
	for (size_t i = 0; i < c->mistakes_n; i++)
		if (c->mistakes[i].line == UINT_MAX)
			c->mistakes[i].line = 0;
}

/* --- the whole ---------------------------------------------------------- */

static int read_records(struct csv_job *j, struct csv_parser *p,
                        struct csv_record *r)
{
	int more = csv_next(p, r);

	if (more < 0)
		return -1;
	if (!more) {
		csv_mistake(j->out, 0, "The file is empty.");
		return 0;
	}
	if (r->mistake) {
		csv_mistake(j->out, r->line, "%s", r->mistake);
		return 0;
	}
	if (csv_header(j, r))
		return -1;
	while ((more = csv_next(p, r)) > 0) {
		if (r->mistake)
			csv_mistake(j->out, r->line, "%s", r->mistake);
		else if (csv_row_add(j, r))
			return -1;
	}
	if (!more && !j->out->n && !j->out->mistakes_n)
		csv_mistake(j->out, 0,
		            "There is no mailbox below the first line.");
	return more;
}

static void job_release(struct csv_job *j)
{
	for (size_t i = 0; j->pairs && i < j->out->n; i++)
		free(j->pairs[i]);
	free(j->pairs);
	free(j->columns);
}

int csv_check_text(struct csv *out, char *text, size_t n, const char *path,
                   const char *from_template, const char *to_template,
                   bool *has_passwords)
{
	struct csv_job j = { .out = out,
		             .path = path,
		             .from_template = from_template,
		             .to_template = to_template };
	struct csv_record r = { 0 };
	struct csv_parser p;
	int failed;

	csv_parser_init(&p, text, n);
	failed = read_records(&j, &p, &r) || find_twice(&j, true) ||
	         find_twice(&j, false);
	csv_record_release(&r);
	*has_passwords = j.has[COL_FROM_PASSWORD] || j.has[COL_TO_PASSWORD];
	job_release(&j);
	return failed ? -1 : 0;
}
