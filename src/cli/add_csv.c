/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add_csv.c - all mailboxes of a CSV, or none: first everything is checked
 * and every mistake is shown, then everything is added at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/add.h"
#include "cli/add_csv.h"
#include "cli/json.h"
#include "cli/text.h"
#include "util/buf.h"

/* A row on its way: filled is the mailbox it makes. */
struct entry {
	struct mailbox m;
	struct options o;
	size_t known; /* index in all[], SIZE_MAX: it is new */
};

struct fleet {
	struct cli *c;
	const char *path;
	char *source; /* for options.csv */
	struct csv csv;
	struct entry *v;
	size_t n;
	struct mailbox *all; /* in the store already */
	size_t all_n;
	unsigned mistakes;
};

static void mistake(struct fleet *f, unsigned line, const char *text)
{
	f->mistakes++;
	if (line == 0)
		talk_warn(&f->c->talk, "%s: %s", f->path, text);
	else
		talk_warn(&f->c->talk, "%s:%u: %s", f->path, line, text);
}

static bool has_password(const struct csv_row *r)
{
	return (r->from_password != NULL && *r->from_password != '\0') ||
	       (r->to_password != NULL && *r->to_password != '\0');
}

static int row_options(struct fleet *f, struct entry *x,
                       const struct csv_row *r, const struct options *base,
                       struct err *e)
{
	options_init(&x->o);
	if (options_merge(&x->o, base) != 0 ||
	    options_merge(&x->o, &r->options) != 0)
		return err_memory(e);
	if (options_check(&x->o, e) != 0 || options_absolute(&x->o, e) != 0)
		return -1;
	free(x->o.csv);
	x->o.csv = NULL;
	if (!has_password(r))
		return 0;
	x->o.csv = strdup(f->source);
	return x->o.csv != NULL ? 0 : err_memory(e);
}

/* A row whose name belongs to another mailbox, or whose mailbox has another
 * name. */
static int check_name(struct fleet *f, struct entry *x, const struct csv_row *r,
                      struct err *e)
{
	if (x->known != SIZE_MAX) {
		const char *is = f->all[x->known].name;

		if (r->name == NULL || strcmp(is, r->name) == 0)
			return 0;
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
		                "this mailbox is in the job store already, "
		                "and is called '%.100s' there.",
		                is);
	}
	for (size_t i = 0; r->name != NULL && i < f->all_n; i++)
		if (strcmp(f->all[i].name, r->name) == 0)
			return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
			                "another mailbox in the job store is "
			                "called '%.100s'.",
			                r->name);
	return 0;
}

static int take_row(struct fleet *f, struct store *s, struct entry *x,
                    const struct csv_row *r, const struct options *base,
                    struct err *e)
{
	x->known = SIZE_MAX;
	if (row_options(f, x, r, base, e) != 0 ||
	    mailbox_fill(&x->m, r->from, r->to, r->name, &x->o, e) != 0)
		return -1;
	if (s != NULL) {
		size_t i;

		if (add_find(s, &x->m, f->all, f->all_n, &i, e) != 0)
			return -1;
		x->known = i < f->all_n ? i : SIZE_MAX;
	}
	return check_name(f, x, r, e);
}

static int take_rows(struct fleet *f, struct store *s,
                     const struct options *base)
{
	f->v = calloc(f->csv.n + 1, sizeof(*f->v));
	if (f->v == NULL)
		return -1;
	for (size_t i = 0; i < f->csv.n; i++) {
		struct err e = { 0 };

		if (take_row(f, s, &f->v[i], &f->csv.rows[i], base, &e) != 0)
			mistake(f, f->csv.rows[i].line, e.text);
		f->n++;
	}
	return 0;
}

/* All new ones or none; the store makes the names that are not given. */
static int add_new(struct fleet *f, struct store *s, size_t *added,
                   struct err *e)
{
	CLEANUP(free_p) struct mailbox *v = calloc(f->n + 1, sizeof(*v));
	size_t n = 0;
	int rc = 0;

	if (v == NULL)
		return err_memory(e);
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].known == SIZE_MAX)
			v[n++] = f->v[i].m;
	if (n > 0)
		rc = store_mailbox_add(s, v, n, e);
	*added = n;
	n = 0;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].known == SIZE_MAX)
			f->v[i].m = v[n++];
	return rc;
}

static int apply(struct fleet *f, struct store *s, size_t *added, struct err *e)
{
	int rc = add_new(f, s, added, e);

	for (size_t i = 0; rc == 0 && i < f->n; i++)
		if (f->v[i].known != SIZE_MAX)
			rc = add_merge(s, &f->all[f->v[i].known], &f->v[i].o,
			               e);
	return rc;
}

static void tell_json(const struct fleet *f)
{
	json_t *o = json_head("command", "add");
	json_t *added = json_array(), *known = json_array();

	for (size_t i = 0; i < f->n; i++) {
		size_t k = f->v[i].known;

		if (k == SIZE_MAX)
			json_array_append_new(added, json_text(f->v[i].m.name));
		else
			json_array_append_new(known, json_text(f->all[k].name));
	}
	json_object_set_new(o, "added", added);
	json_object_set_new(o, "known", known);
	json_line(o);
}

static void tell(struct fleet *f, size_t added)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);
	CLEANUP(free_p) char *run = cli_command_line(f->c, "run", NULL);

	if (f->c->json) {
		tell_json(f);
		return;
	}
	if (f->c->quiet || run == NULL || buf_str(&b, "Added ") != 0 ||
	    text_plural(&b, added, "mailbox", "mailboxes") != 0)
		return;
	if (added < f->n &&
	    buf_fmt(&b, "; %s known already, with the new options",
	            text_count(f->n - added).s) != 0)
		return;
	printf("%s. Move them with: %s\n", b.p, run);
}

static int add_all(struct fleet *f, struct store *s, const struct options *base)
{
	struct err e = { 0 };
	size_t added = 0;

	if (s != NULL &&
	    store_mailboxes(s, NULL, 0, &f->all, &f->all_n, &e) != 0)
		return cli_fail(f->c, &e);
	if (take_rows(f, s, base) != 0) {
		err_memory(&e);
		return cli_fail(f->c, &e);
	}
	if (f->mistakes > 0)
		return EXIT_INPUT;
	if (s == NULL)
		return 0;
	if (apply(f, s, &added, &e) != 0)
		return cli_fail(f->c, &e);
	tell(f, added);
	return 0;
}

static void fleet_release(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++) {
		mailbox_release(&f->v[i].m);
		options_release(&f->v[i].o);
	}
	free(f->v);
	free(f->source);
	mailboxes_free(&f->all, f->all_n);
	csv_release(&f->csv);
}

static int read_file(struct fleet *f)
{
	const char *from = opt_value(&f->c->args, "from-template");
	const char *to = opt_value(&f->c->args, "to-template");
	CLEANUP(free_p) char *real = realpath(f->path, NULL);
	struct err e = { 0 };
	int rc = csv_read(&f->csv, f->path, from, to, &e);

	for (size_t i = 0; i < f->csv.mistakes_n; i++)
		mistake(f, f->csv.mistakes[i].line, f->csv.mistakes[i].text);
	if (rc != 0 && f->mistakes == 0)
		return cli_fail(f->c, &e);
	if (rc != 0)
		return EXIT_INPUT;
	f->source = secret_csv_source(real != NULL ? real : f->path, from, to);
	return f->source != NULL ? 0 : cli_fail(f->c, &e);
}

/* Before a store is made: a file with a mistake leaves nothing behind. */
static int check_rows(struct fleet *f, const struct options *o)
{
	struct fleet trial = {
		.c = f->c, .path = f->path, .source = f->source, .csv = f->csv
	};
	int code = add_all(&trial, NULL, o);

	f->mistakes = trial.mistakes;
	trial.source = NULL;
	trial.csv = (struct csv){ 0 };
	fleet_release(&trial);
	return code;
}

int add_csv(struct cli *c, const struct options *o)
{
	struct fleet f = { .c = c, .path = c->args.operand[0] };
	bool dry = opt_given(&c->args, "dry-run");
	struct store *s = NULL;
	int code = read_file(&f);

	if (code == 0)
		code = check_rows(&f, o);
	if (code == 0 && !dry)
		code = cli_store(c, true, &s);
	if (code == 0 && !dry)
		code = add_all(&f, s, o);
	if (f.mistakes > 0)
		talk_warn(&c->talk,
		          "Nothing was added. Correct %s and add "
		          "the file again.",
		          f.mistakes == 1 ? "this line" : "these lines");
	else if (code == 0 && dry)
		talk_say(&c->talk, "%zu rows, no mistake. Nothing was added.",
		         f.csv.n);
	fleet_release(&f);
	store_close(&s);
	return code;
}
