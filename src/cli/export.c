/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - problems as .eml files, fetched from the source one by one:
 * a message that breaks the connection must not take others with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/json.h"
#include "cli/problems.h"
#include "cli/text.h"
#include "mailhaul/reader.h"

#define NAME_MAX_OCTETS 180

struct export
{
	struct cli *c;
	struct job *job;
	const struct reader_ops *ops;
	struct reader *reader; /* NULL: to be opened */
	struct paths paths;
	int dir;
	const char *dir_name;
	uint64_t written, failed;
	struct json_list *json;
	bool stop;      /* the source or the disk is out of reach */
	struct err err; /* why */
};

/* --- the file --- */

static int add_safe(struct buf *b, const char *s)
{
	for (; *s != '\0' && b->n < NAME_MAX_OCTETS; s++) {
		bool ok = (*s >= '0' && *s <= '9') ||
		          (*s >= 'A' && *s <= 'Z') ||
		          (*s >= 'a' && *s <= 'z') ||
		          (b->n > 0 && strchr("@._-+", *s) != NULL);

		if (buf_chr(b, ok ? *s : '_') != 0)
			return -1;
	}
	return 0;
}

/* <mailbox>-<folder>-<uid>; number > 1 tells the same name apart. */
static int file_name(struct buf *b, const char *mailbox, const char *folder,
                     const struct row *r, unsigned number)
{
	uint64_t uid = r->m.uid != 0 ? r->m.uid : (uint64_t)r->m.row;

	buf_clear(b);
	if (add_safe(b, mailbox) != 0 || buf_chr(b, '-') != 0 ||
	    add_safe(b, folder) != 0 ||
	    buf_fmt(b, "-%llu", (unsigned long long)uid) != 0)
		return -1;
	if (number > 1 && buf_fmt(b, "-%u", number) != 0)
		return -1;
	return buf_str(b, ".eml");
}

/* A new file, or the one of an earlier export. */
static int save(struct export *x, const struct row *r, const char *folder,
                const struct body *body, struct buf *name, struct err *e)
{
	for (unsigned i = 1; i < 1000; i++) {
		int rc;

		if (file_name(name, x->job->mailbox->name, folder, r, i) != 0)
			return err_memory(e);
		if (files_same(x->dir, name->p, body))
			return 0;
		rc = files_write(x->dir, name->p, body, true, "--export", e);
		if (rc <= 0)
			return rc;
	}
	errno = EEXIST;
	return files_error(e, "--export", name->p);
}

/* --- the message --- */

static int open_reader(struct export *x, struct err *e)
{
	if (x->reader != NULL)
		return 0;
	x->ops = reader_find(&x->job->from, e);
	if (x->ops == NULL)
		return -1;
	return x->ops->open(&x->reader, &x->job->from, e);
}

static int fetch(struct export *x, const struct row *r,
                 const struct source_folder *f, struct batch **b, struct err *e)
{
	struct message *m = batch_add(*b);

	if (m == NULL)
		return err_memory(e);
	m->uid = r->m.uid;
	m->size = r->m.size;
	body_init(&m->body, x->job->from.body_limit, x->job->from.spool_dir);
	if (r->m.key != NULL && (m->key = strdup(r->m.key)) == NULL)
		return err_memory(e);
	if (x->ops->ask(x->reader, &f->f, *b, e) != 0 ||
	    x->ops->fetch(x->reader, b, e) != 0) {
		x->ops->close(&x->reader);
		return -1;
	}
	if ((*b)->n == 1 && (*b)->v[0].fetched)
		return 0;
	if ((*b)->n == 1)
		*e = (*b)->v[0].why;
	if (e->code == EC_NONE)
		err_setf(e, ERR_MESSAGE, NEXT_GIVE_UP, EC_HOLE,
		         "The source does not hand this message out.");
	return -1;
}

static int renumbered(struct err *e)
{
	return err_setf(e, ERR_MESSAGE, NEXT_GIVE_UP, EC_FOLDER_GONE,
	                "The source has renumbered or removed this folder, so "
	                "the message cannot be told from others. Run this "
	                "mailbox again first.");
}

static int export_one(struct export *x, const struct row *r,
                      const struct source_folder *f, struct buf *name,
                      struct err *e)
{
	struct batch *b;
	int rc;

	if (f == NULL || r->orphan || r->source_uidvalidity != f->f.uidvalidity)
		return renumbered(e);
	if (open_reader(x, e) != 0) {
		x->stop = true;
		return -1;
	}
	b = batch_new();
	if (b == NULL)
		return err_memory(e);
	rc = fetch(x, r, f, &b, e);
	if (rc == 0) {
		rc = save(x, r, f->f.path, &b->v[0].body, name, e);
		x->stop = rc != 0;
	}
	batch_free(&b);
	return rc;
}

static void tell(struct export *x, const struct row *r,
                 const struct source_folder *f, const char *name,
                 const struct err *e)
{
	const char *folder = f != NULL ? f->f.path : "?";

	if (x->json != NULL) {
		json_t *o = json_object();

		json_object_set_new(o, "mailbox",
		                    json_text(x->job->mailbox->name));
		json_object_set_new(o, "folder", json_text(folder));
		json_object_set_new(o, "uid",
		                    json_integer((json_int_t)r->m.uid));
		json_object_set_new(o, "row", json_integer(r->m.row));
		json_object_set_new(o, "file", json_text(name));
		json_object_set_new(o, "error", json_err(e));
		json_item(x->json, o);
	} else if (name == NULL) {
		CLEANUP(buf_release_p) struct buf place = BUF_INIT(1 << 16);

		if (problems_place(&place, folder, r) == 0)
			talk_warn(&x->c->talk, "%s: %s: %s",
			          x->job->mailbox->name, place.p, e->text);
	} else if (!x->c->quiet) {
		printf("%s/%s\n", x->dir_name, name);
	}
}

static int each_row(struct row *r, void *arg)
{
	CLEANUP(buf_release_p) struct buf name = BUF_INIT(4096);
	struct export *x = arg;
	const struct source_folder *f = paths_find(&x->paths, r->source_folder);
	struct err e = { 0 };

	if (atomic_load(signals_stop()) != 0) {
		x->stop = true;
		err_setf(&x->err, ERR_RUN, NEXT_GIVE_UP, EC_INTERRUPTED,
		         "Stopped. The same line again goes on.");
		return 1;
	}
	if (export_one(x, r, f, &name, &e) == 0) {
		x->written++;
		tell(x, r, f, name.p, NULL);
		return 0;
	}
	if (x->stop) {
		x->err = e;
		return 1;
	}
	x->failed++;
	tell(x, r, f, NULL, &e);
	return 0;
}

/* --- all of them --- */

static int export_mailbox(struct export *x, struct store *s)
{
	struct row_where where = { .mailbox = x->job->mailbox->id,
		                   .states = LISTED_STATES };
	struct err e = { 0 };
	int rc = paths_load(&x->paths, s, where.mailbox, &e);

	x->stop = false;
	if (rc == 0)
		rc = store_rows(s, &where, each_row, x, &e);
	paths_release(&x->paths);
	if (x->reader != NULL)
		x->ops->close(&x->reader);
	if (x->stop) {
		talk_warn(&x->c->talk,
		          "mailhaul: %s: The rest could not be fetched. %s",
		          x->job->mailbox->name, x->err.text);
		return transfer_exit_code(&x->err);
	}
	return rc == 0 ? 0 : cli_fail(x->c, &e);
}

static int open_dir(struct export *x, const char *dir)
{
	struct err e = { 0 };

	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		x->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->dir >= 0)
		return 0;
	err_set(&e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	        "The folder named with --export can't be made or opened. Name "
	        "another.",
	        "%s: %s", dir, strerror(errno));
	return cli_fail(x->c, &e);
}

int problems_export(struct cli *c, struct store *s, struct jobs *j,
                    const char *dir)
{
	struct json_list list;
	struct export x = { .c = c, .dir = -1, .dir_name = dir };
	int code = open_dir(&x, dir);

	if (code == 0)
		code = cli_signals(c, NULL);
	if (code != 0)
		return code;
	if (c->json) {
		json_open(&list, json_head("command", "problems"), "exported");
		x.json = &list;
	}
	for (size_t i = 0; i < j->n; i++) {
		x.job = &j->job[i];
		code = cli_worst(code, export_mailbox(&x, s));
	}
	close(x.dir);
	code = cli_worst(code, x.failed > 0 ? EXIT_PROBLEMS : 0);
	if (c->json)
		json_close(&list, json_pack("{si}", "exit", code));
	else
		talk_say(&c->talk, "%s written, %s could not be fetched.",
		         text_count(x.written).s, text_count(x.failed).s);
	return code;
}
