/* SPDX-License-Identifier: Apache-2.0 */
/* csv_header.c - what each column of a fleet's CSV means. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/csv.h"
#include "util/buf.h"

static const struct {
	const char *name;
	enum column_kind kind;
} fixed[] = {
	{ "from", COL_FROM },
	{ "to", COL_TO },
	{ "name", COL_NAME },
	{ "user", COL_USER },
	{ "from_password", COL_FROM_PASSWORD },
	{ "to_password", COL_TO_PASSWORD },
};

static bool same_column(const char *column, const char *name)
{
	for (; *column && *name; column++, name++) {
		char c = *column == '_' || *column == ' ' ? '-' : *column;
		char d = *name == '_' ? '-' : *name;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (c != d)
			return false;
	}
	return *column == *name;
}

static struct column find_column(const char *name)
{
	struct column c = { COL_NONE, NULL, false };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (same_column(name, fixed[i].name))
			c.kind = fixed[i].kind;
	for (size_t i = 0; c.kind == COL_NONE && i < option_defs_n; i++)
		if (same_column(name, option_defs[i].name)) {
			c.kind = COL_OPTION;
			c.option = &option_defs[i];
		}
	c.unknown = c.kind == COL_NONE && *name;
	return c;
}

static char *trimmed(const char *s)
{
	size_t front = strspn(s, " \t");
	size_t n = strlen(s);

	while (n > front && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return strndup(s + front, n - front);
}

/* A column of a repeatable option may be there several times. */
static bool is_repeated(const struct csv_job *j, const struct column *c)
{
	if (c->kind == COL_NONE ||
	    (c->option &&
	     (c->option->kind == OPT_GLOBS || c->option->kind == OPT_MAPS)))
		return false;
	for (size_t i = 0; i < j->columns_n; i++)
		if (j->columns[i].kind == c->kind &&
		    j->columns[i].option == c->option)
			return true;
	return false;
}

static void unknown_column(struct csv_job *j, unsigned line, const char *name)
{
	if (strchr(name, '\t'))
		csv_mistake(j->out, line,
		            "The columns are separated by tabs. Save the file "
		            "with commas or semicolons between them.");
	else
		csv_mistake(j->out, line,
		            "There is no column \"%.60s\". Columns are from, "
		            "to, name, user, from_password, to_password and "
		            "the options of add with _ for -, such as "
		            "from_password_file or max_size.",
		            name);
}

static int add_column(struct csv_job *j, const struct csv_record *r, size_t i)
{
	CLEANUP(free_p) char *name = trimmed(r->v[i]);

	if (!name)
		return -1;
	struct column c = find_column(name);
	if (c.unknown)
		unknown_column(j, r->line, name);
	if (is_repeated(j, &c))
		csv_mistake(j->out, r->line,
		            "The column \"%.60s\" is there twice.", name);
	j->columns[j->columns_n++] = c;
	j->has[c.kind] = true;
	return 0;
}

static void check_end(struct csv_job *j, unsigned line, const char *end,
                      enum column_kind kind, const char *template)
{
	if (template && !strstr(template, "{user}")) {
		csv_mistake(j->out, 0,
		            "--%s-template lacks {user}, the place of the "
		            "column user.",
		            end);
		return;
	}
	if (j->has[kind] || (template && j->has[COL_USER]))
		return;
	if (template)
		csv_mistake(j->out, line,
		            "The column user is missing, which "
		            "--%s-template needs.",
		            end);
	else
		csv_mistake(j->out, line,
		            "The column \"%s\" is missing. The first line must "
		            "name the columns: from and to at least, or user "
		            "with --from-template and --to-template.",
		            end);
}

int csv_header(struct csv_job *j, const struct csv_record *r)
{
	j->columns = calloc(r->n ? r->n : 1, sizeof(*j->columns));
	if (!j->columns)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if (add_column(j, r, i))
			return -1;
	check_end(j, r->line, "from", COL_FROM, j->from_template);
	check_end(j, r->line, "to", COL_TO, j->to_template);
	return 0;
}
