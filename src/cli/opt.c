/* SPDX-License-Identifier: Apache-2.0 */
/* opt.c - parses and explains options from their tables. */
#include <stdlib.h>
#include <string.h>

#include "cli/opt.h"
#include "cli/text.h"

#define HELP_COLUMN 26
#define WORD_MAX 32

const struct opt *opt_find(const struct opt *const *tables, const char *name,
                           size_t len)
{
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			if (strlen(o->name) == len &&
			    memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

static const struct opt *find_letter(const struct opt *const *tables, char c)
{
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			if (o->letter == c && c != 0)
				return o;
	return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits from a to b; a swap of neighbours is one. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t d[3][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = d[i % 3], *up = d[(i + 2) % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			now[j] = smallest(up[j] + 1, now[j - 1] + 1,
			                  up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    d[(i + 1) % 3][j - 2] + 1 < now[j])
				now[j] = d[(i + 1) % 3][j - 2] + 1;
		}
	}
	return d[la % 3][lb];
}

const char *opt_suggest(const char *word, const char *const *words, size_t n)
{
	size_t len = strlen(word), best = len < 4 ? 2 : len / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);

		if (d < best) {
			best = d;
			found = words[i];
		}
		if (len >= 3 && found == NULL &&
		    strncmp(word, words[i], len) == 0)
			found = words[i];
	}
	return found;
}

static const char *suggest_option(const struct opt *const *tables,
                                  const char *name)
{
	const char *words[128];
	size_t n = 0;

	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			if (n < sizeof(words) / sizeof(words[0]))
				words[n++] = o->name;
	return opt_suggest(name, words, n);
}

static int unknown(const struct opt *const *tables, const char *arg, size_t len,
                   struct err *e)
{
	CLEANUP(free_p) char *name = strndup(arg + 2, len);
	const char *guess;

	if (name == NULL)
		return err_memory(e);
	guess = suggest_option(tables, name);
	if (guess != NULL)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
		                "There is no option --%s here. Did you mean "
		                "--%s?",
		                name, guess);
	return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
	                "There is no option --%s here.", name);
}

static int add_value(struct parsed *p, const struct opt *o, const char *value,
                     struct err *e)
{
	struct opt_value *v = reallocarray(p->v, p->n + 1, sizeof(*v));

	if (v == NULL)
		return err_memory(e);
	p->v = v;
	if (!(o->flags & OPT_REPEAT))
		for (size_t i = 0; i < p->n; i++)
			if (v[i].opt == o) {
				v[i].value = value;
				return 0;
			}
	v[p->n++] = (struct opt_value){ o, value };
	return 0;
}

static int add_operand(struct parsed *p, const char *arg, struct err *e)
{
	const char **v = reallocarray(p->operand, p->operands + 1, sizeof(*v));

	if (v == NULL)
		return err_memory(e);
	p->operand = v;
	v[p->operands++] = arg;
	return 0;
}

/* The value of o: after '=', or the next argument, which *used tells. */
static int value_of(const struct opt *o, const char *eq, const char *next,
                    const char **value, bool *used, struct err *e)
{
	*used = false;
	*value = "";
	if (o->arg == NULL) {
		if (eq == NULL)
			return 0;
		if (!(o->flags & OPT_YES_NO))
			return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
			                "--%s takes no value.", o->name);
		*value = eq + 1;
		return 0;
	}
	if (eq == NULL && next == NULL)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
		                "--%s needs a value: --%s %s", o->name, o->name,
		                o->arg);
	*used = eq == NULL;
	*value = eq != NULL ? eq + 1 : next;
	return 0;
}

/* One option at argv[*i]; moves *i over a value that it took. */
static int parse_one(struct parsed *p, const struct opt *const *tables,
                     int argc, char **argv, int *i, struct err *e)
{
	const char *arg = argv[*i], *eq = NULL, *value;
	const struct opt *o;
	bool used;

	if (arg[1] == '-') {
		size_t len = strcspn(arg + 2, "=");

		if (arg[2 + len] == '=')
			eq = arg + 2 + len;
		o = opt_find(tables, arg + 2, len);
		if (o == NULL)
			return unknown(tables, arg, len, e);
	} else {
		o = arg[2] == '\0' ? find_letter(tables, arg[1]) : NULL;
		if (o == NULL)
			return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
			                "There is no option %s. Long options "
			                "begin with two dashes.",
			                arg);
	}
	if (value_of(o, eq, *i + 1 < argc ? argv[*i + 1] : NULL, &value, &used,
	             e) != 0)
		return -1;
	*i += used;
	return add_value(p, o, value, e);
}

int opt_parse(struct parsed *p, const struct opt *const *tables, int argc,
              char **argv, struct err *e)
{
	bool options = true;

	*p = (struct parsed){ 0 };
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];

		if (options && strcmp(arg, "--") == 0) {
			options = false;
			continue;
		}
		if (options && arg[0] == '-' && arg[1] != '\0') {
			if (parse_one(p, tables, argc, argv, &i, e) != 0)
				return -1;
			continue;
		}
		if (add_operand(p, arg, e) != 0)
			return -1;
	}
	return 0;
}

void opt_release(struct parsed *p)
{
	free(p->v);
	free(p->operand);
	*p = (struct parsed){ 0 };
}

const char *opt_value(const struct parsed *p, const char *name)
{
	for (size_t i = p->n; i-- > 0;)
		if (strcmp(p->v[i].opt->name, name) == 0)
			return p->v[i].value;
	return NULL;
}

bool opt_given(const struct parsed *p, const char *name)
{
	return opt_value(p, name) != NULL;
}

int opt_first_operand(const struct opt *const *tables, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const struct opt *o = NULL;

		if (argv[i][0] != '-')
			return i;
		if (strcmp(argv[i], "--") == 0)
			return i + 1 < argc ? i + 1 : -1;
		if (argv[i][1] == '-')
			o = opt_find(tables, argv[i] + 2, strlen(argv[i] + 2));
		if (o != NULL && o->arg != NULL)
			i++;
	}
	return -1;
}

static int pad(struct buf *b, size_t from, size_t to)
{
	for (; from < to; from++)
		if (buf_chr(b, ' ') != 0)
			return -1;
	return 0;
}

int opt_help(struct buf *b, const struct opt *table, size_t width)
{
	for (const struct opt *o = table; o->name != NULL; o++) {
		size_t start = b->n, used;

		if (o->letter != 0
		            ? buf_fmt(b, "  -%c, --%s", o->letter, o->name)
		            : buf_fmt(b, "  --%s", o->name))
			return -1;
		if (o->arg != NULL && buf_fmt(b, " %s", o->arg) != 0)
			return -1;
		used = b->n - start;
		if (used + 2 > HELP_COLUMN) {
			if (buf_chr(b, '\n') != 0)
				return -1;
			used = 0;
		}
		if (pad(b, used, HELP_COLUMN) != 0 ||
		    text_wrap(b, o->help, HELP_COLUMN, width) != 0 ||
		    buf_chr(b, '\n') != 0)
			return -1;
	}
	return 0;
}
