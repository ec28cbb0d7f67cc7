/* SPDX-License-Identifier: Apache-2.0 */
/* csv_rows.c - one record of a fleet's CSV becomes one mailbox. */
#include <stdlib.h>
#include <string.h>

#include "plan/csv.h"
#include "plan/locator.h"
#include "util/buf.h"
#include "util/utf8.h"

#define NAME_MAX_OCTETS 200

static struct csv_row *new_row(struct csv_job *j)
{
	struct csv *c = j->out;

	if (c->n == j->rows_cap) {
		size_t cap = j->rows_cap ? j->rows_cap * 2 : 16;
		struct csv_row *rows = realloc(c->rows, cap * sizeof(*rows));

		if (!rows)
			return NULL;
		c->rows = rows;
		char **pairs = realloc(j->pairs, cap * sizeof(*pairs));
		if (!pairs)
			return NULL;
		j->pairs = pairs;
		j->rows_cap = cap;
	}
	memset(&c->rows[c->n], 0, sizeof(c->rows[0]));
	options_init(&c->rows[c->n].options);
	j->pairs[c->n] = NULL;
	return &c->rows[c->n++];
}

/* Blanks around a value are never meant, but for a password's. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
	return s;
}

static bool check_count(struct csv_job *j, const struct csv_record *r)
{
	size_t n = r->n;

	/* Spreadsheets fill lines up with empty fields. */
	while (n > j->columns_n && !*r->v[n - 1])
		n--;
	if (n == j->columns_n)
		return true;
	csv_mistake(j->out, r->line,
	            "This line has %zu %s, the first line names %zu %s.", r->n,
	            r->n == 1 ? "field" : "fields", j->columns_n,
	            j->columns_n == 1 ? "column" : "columns");
	return false;
}

/* A column that is there twice is a mistake, but comes here twice. */
static int keep(char **to, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -1;
	free(*to);
	*to = copy;
	return 0;
}

static int keep_password(struct csv_job *j, unsigned line, char **to,
                         const char *value)
{
	if (!*value)
		return 0;
	if (strpbrk(value, "\r\n"))
		csv_mistake(j->out, line, "A password holds a line end.");
	return keep(to, value);
}

static int keep_name(struct csv_job *j, struct csv_row *row, const char *value)
{
	if (!*value)
		return 0;
	if (utf8_has_control(value))
		csv_mistake(j->out, row->line,
		            "The name holds a control character, such as a "
		            "line end.");
	if (strlen(value) > NAME_MAX_OCTETS)
		csv_mistake(j->out, row->line,
		            "The name \"%.40s...\" is too long.", value);
	return keep(&row->name, value);
}

static int keep_option(struct csv_job *j, struct csv_row *row,
                       const struct option_def *option, const char *value)
{
	struct err e;

	if (!*value || !options_set(&row->options, option->name, value, &e))
		return 0;
	if (e.code == EC_MEMORY)
		return -1;
	csv_mistake(j->out, row->line, "%s", e.text);
	return 0;
}

static int set_field(struct csv_job *j, struct csv_row *row,
                     const struct column *c, char *value, char **user)
{
	if (c->kind == COL_FROM_PASSWORD)
		return keep_password(j, row->line, &row->from_password, value);
	if (c->kind == COL_TO_PASSWORD)
		return keep_password(j, row->line, &row->to_password, value);
	value = trim(value);
	switch (c->kind) {
	case COL_FROM:
		return *value ? keep(&row->from, value) : 0;
	case COL_TO:
		return *value ? keep(&row->to, value) : 0;
	case COL_NAME:
		return keep_name(j, row, value);
	case COL_USER:
		*user = value;
		return 0;
	case COL_OPTION:
		return keep_option(j, row, c->option, value);
	default:
		break;
	}
	if (*value && !c->unknown)
		csv_mistake(j->out, row->line,
		            "There is \"%.40s\" in a column that has no name "
		            "in the first line.",
		            value);
	return 0;
}

/* --- the two ends ------------------------------------------------------- */

/* A user in a path must stay within it. */
static bool is_path_user(const char *template, const char *user)
{
	bool path = !strncmp(template, "maildir:", 8) ||
	            !strncmp(template, "mbox:", 5) ||
	            !strncmp(template, "eml:", 4) ||
	            !strncmp(template, "pst:", 4) || !strchr(template, ':');

	return !path || (!strchr(user, '/') && strcmp(user, ".") != 0 &&
	                 strcmp(user, "..") != 0);
}

static int fill_template(char **to, const char *template, const char *user)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	const char *p = template, *at;

	while ((at = strstr(p, "{user}")) != NULL) {
		if (buf_add(&b, p, (size_t)(at - p)) ||
		    locator_encode(template, &b, user))
			return -1;
		p = at + strlen("{user}");
	}
	if (buf_str(&b, p))
		return -1;
	*to = buf_take(&b);
	return *to ? 0 : -1;
}

struct end {
	const char *name;
	const char *template;
	enum column_kind kind;
	char **locator;
	bool is_from;
};

static int from_template(struct csv_job *j, const struct csv_row *row,
                         const struct end *end, const char *user)
{
	if (!end->template || *end->locator)
		return 0;
	if (!user || !*user) {
		if (j->has[COL_USER])
			csv_mistake(j->out, row->line,
			            "The user is missing, which "
			            "--%s-template needs.",
			            end->name);
		return 0;
	}
	if (!is_path_user(end->template, user)) {
		csv_mistake(j->out, row->line,
		            "The user \"%.60s\" can't be part of a path: it "
		            "holds a / or is made of dots.",
		            user);
		return 0;
	}
	return fill_template(end->locator, end->template, user);
}

/* 1: a is good, 0: a mistake was told (now or in the header). */
static int parse_end(struct csv_job *j, const struct csv_row *row,
                     const struct end *end, struct account *a)
{
	struct err e;

	if (!*end->locator) {
		if (!end->template && j->has[end->kind])
			csv_mistake(j->out, row->line,
			            "The column \"%s\" is empty.", end->name);
		return 0;
	}
	if (!account_parse(a, *end->locator, end->is_from, &e))
		return 1;
	if (e.code == EC_MEMORY)
		return -1;
	csv_mistake(j->out, row->line, "%s", e.text);
	return 0;
}

static int keep_pair(struct csv_job *j, const struct csv_row *row,
                     const struct account *from, const struct account *to)
{
	CLEANUP(free_p) char *a = account_key(from);
	CLEANUP(free_p) char *b = account_key(to);
	CLEANUP(buf_release_p) struct buf pair = BUF_INIT(0);

	if (!a || !b || buf_fmt(&pair, "%s\n%s", a, b))
		return -1;
	if (!strcmp(a, b))
		csv_mistake(j->out, row->line,
		            "from and to are the same mailbox.");
	j->pairs[j->out->n - 1] = buf_take(&pair);
	return j->pairs[j->out->n - 1] ? 0 : -1;
}

static int parse_ends(struct csv_job *j, struct csv_row *row, const char *user)
{
	const struct end ends[] = {
		{ "from", j->from_template, COL_FROM, &row->from, true },
		{ "to", j->to_template, COL_TO, &row->to, false },
	};
	CLEANUP(account_release) struct account from = { 0 };
	CLEANUP(account_release) struct account to = { 0 };
	int good_from, good_to;

	if (from_template(j, row, &ends[0], user) ||
	    from_template(j, row, &ends[1], user))
		return -1;
	good_from = parse_end(j, row, &ends[0], &from);
	good_to = parse_end(j, row, &ends[1], &to);
	if (good_from < 0 || good_to < 0)
		return -1;
	return good_from && good_to ? keep_pair(j, row, &from, &to) : 0;
}

static void check_secret(struct csv_job *j, const struct csv_row *row,
                         const char *end, const char *password,
                         const char *file, const char *command)
{
	if (password && (file || command))
		csv_mistake(j->out, row->line,
		            "Both %s_password and %s_password_%s are given. "
		            "The password is found in one place: leave one "
		            "of them empty.",
		            end, end, file ? "file" : "command");
}

static int check_options(struct csv_job *j, struct csv_row *row)
{
	struct options *o = &row->options;
	struct err e;

	if (options_check(o, &e))
		csv_mistake(j->out, row->line, "%s", e.text);
	check_secret(j, row, "from", row->from_password, o->from_password_file,
	             o->from_password_command);
	check_secret(j, row, "to", row->to_password, o->to_password_file,
	             o->to_password_command);
	if ((row->from_password || row->to_password) && j->path)
		return keep(&o->csv, j->path);
	return 0;
}

int csv_row_add(struct csv_job *j, const struct csv_record *r)
{
	struct csv_row *row;
	char *user = NULL;

	if (!check_count(j, r))
		return 0;
	row = new_row(j);
	if (!row)
		return -1;
	row->line = r->line;
	for (size_t i = 0; i < j->columns_n; i++)
		if (set_field(j, row, &j->columns[i], r->v[i], &user))
			return -1;
	if (parse_ends(j, row, user))
		return -1;
	return check_options(j, row);
}
