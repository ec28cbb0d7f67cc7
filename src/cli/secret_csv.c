/* SPDX-License-Identifier: Apache-2.0 */
/* secret_csv.c - the password column of the CSV a mailbox was added with,
 * read again at each run. */
#include <stdlib.h>
#include <string.h>

#include "cli/secret.h"
#include "util/buf.h"

/* A path could hold any character but NUL; a template could not hold a
 * line end, so the path stands last. */
char *secret_csv_source(const char *path, const char *from_template,
                        const char *to_template)
{
	struct buf b = BUF_INIT(1 << 16);

	if (from_template == NULL && to_template == NULL)
		return strdup(path);
	if (buf_fmt(&b, "%s\n%s\n%s", from_template ? from_template : "",
	            to_template ? to_template : "", path) != 0) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static int read_source(struct vault *v, const char *source, struct err *e)
{
	CLEANUP(free_p) char *copy = strdup(source);
	char *from = NULL, *to = NULL, *path = copy, *nl;

	if (copy == NULL)
		return err_memory(e);
	nl = strchr(copy, '\n');
	if (nl != NULL && strchr(nl + 1, '\n') != NULL) {
		*nl = '\0';
		from = copy;
		to = nl + 1;
		nl = strchr(to, '\n');
		*nl = '\0';
		path = nl + 1;
	}
	return csv_read(&v->csv, path, from && *from ? from : NULL,
	                to && *to ? to : NULL, e);
}

/* The row that speaks of this end: its name and its locator are the
 * mailbox's, or at least its locator is. */
static const char *find(const struct csv *csv, const struct secret *s)
{
	const char *other = NULL;

	for (size_t i = 0; i < csv->n; i++) {
		const struct csv_row *r = &csv->rows[i];
		bool from = s->account->is_from;
		const char *locator = from ? r->from : r->to;
		const char *password = from ? r->from_password : r->to_password;

		if (locator == NULL || password == NULL || *password == '\0' ||
		    strcmp(locator, s->account->locator) != 0)
			continue;
		if (r->name != NULL && strcmp(r->name, s->mailbox) == 0)
			return password;
		other = password;
	}
	return other;
}

int secret_from_csv(struct vault *v, const struct secret *s, bool again,
                    char **out, struct err *e)
{
	const char *source = s->options->csv, *password;
	int rc = 0;

	if (again || v->csv_source == NULL ||
	    strcmp(v->csv_source, source) != 0) {
		csv_release(&v->csv);
		free(v->csv_source);
		v->csv_source = strdup(source);
		if (v->csv_source == NULL)
			return err_memory(e);
		rc = read_source(v, source, e);
	}
	password = find(&v->csv, s);
	*out = password != NULL ? strdup(password) : NULL;
	if (password != NULL && *out == NULL)
		return err_memory(e);
	/* A mistake in somebody else's row does not matter here. */
	return *out == NULL ? rc : 0;
}
