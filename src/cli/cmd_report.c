/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - mailhaul report: what moved, what did not, and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/problems.h"
#include "cli/report.h"
#include "cli/sum.h"
#include "cli/text.h"

/* --- For people --- */

enum {
	COL_FOLDER,
	COL_TO,
	COL_ITEMS,
	COL_BYTES,
	COL_MOVED,
	COL_ALREADY,
	COL_LEFT_OUT,
	COL_PROBLEMS,
	COL_GONE,
	COL_WAITING,
	COL_NOTE,
	COLUMNS
};
_Static_assert(COLUMNS <= TABLE_COLUMNS, "a table holds them");

static int add_folder(const struct folder_sums *f, void *arg)
{
	const struct sums *s = &f->sums;
	struct table *t = arg;

	table_add(t, f->from);
	table_add(t, f->to != NULL && f->left_out == NULL ? f->to : "-");
	table_add(t, text_count(s->items).s);
	table_add(t, text_size(s->bytes).s);
	table_add(t, text_count(s->moved).s);
	table_add(t, text_count(s->already_there).s);
	table_add(t, text_count(s->left_out).s);
	table_add(t, text_count(s->problems).s);
	table_add(t, text_count(s->gone).s);
	table_add(t, text_count(s->waiting).s);
	table_add(t, f->left_out);
	return 0;
}

static unsigned hide(uint64_t n, unsigned column)
{
	return n == 0 ? 1u << column : 0;
}

static unsigned empty_columns(const struct sums *s)
{
	return hide(s->already_there, COL_ALREADY) |
	       hide(s->left_out, COL_LEFT_OUT) | hide(s->gone, COL_GONE) |
	       hide(s->waiting, COL_WAITING);
}

static void begin_table(struct table *t)
{
	static const char *const title[COLUMNS] = {
		"FOLDER",   "GOES TO",  "MESSAGES", "SIZE",    "MOVED", "THERE",
		"LEFT OUT", "PROBLEMS", "DELETED",  "WAITING", ""
	};

	table_init(t, COLUMNS, ((1u << COL_NOTE) - 1) & ~3u);
	for (size_t i = 0; i < COLUMNS; i++)
		table_add(t, title[i]);
}

static int head(struct buf *b, struct store *s, const struct mailbox *m)
{
	if (text_clean(b, m->name) != 0 || buf_str(b, ": ") != 0 ||
	    text_clean(b, m->from) != 0 || buf_str(b, " -> ") != 0 ||
	    text_clean(b, m->to) != 0 ||
	    buf_fmt(b, "\n%s", cli_state(s, m)) != 0)
		return -1;
	if (m->ended != 0 &&
	    buf_fmt(b, ", last run ended %s", text_time(m->ended, 0).s) != 0)
		return -1;
	return buf_chr(b, '\n');
}

static int tail(struct buf *b, const struct sums *s)
{
	return sum_words(b, s) != 0 ? -1 : buf_str(b, ".\n\n");
}

static int text_mailbox(struct store *s, const struct mailbox *m,
                        struct sums *all, struct err *e)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(64 << 20);
	struct sums whole;
	struct table t;
	int rc;

	begin_table(&t);
	rc = report_folders(s, m, add_folder, &t, &whole, e);
	if (rc == 0) {
		sums_join(all, &whole);
		t.hidden = empty_columns(&whole);
		if (head(&b, s, m) != 0 ||
		    table_print(&b, &t, cli_width()) != 0 ||
		    tail(&b, &whole) != 0)
			rc = err_memory(e);
	}
	table_release(&t);
	if (rc == 0)
		cli_print(&b);
	return rc;
}

static int text_all(struct cli *c, struct store *s, const struct mailbox *v,
                    size_t n, struct err *e)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	struct sums all = { .complete = true };

	if (n == 0) {
		printf("There is no mailbox in this job store yet.\n");
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (text_mailbox(s, &v[i], &all, e) != 0)
			return -1;
	if (n > 1) {
		if (tail(&b, &all) != 0)
			return err_memory(e);
		printf("In all: ");
		cli_print(&b);
	}
	return problems_list(c, s, v, n) == 0 ? 0 : -1;
}

/* --- JSON --- */

static int json_folder(const struct folder_sums *f, void *arg)
{
	json_t *o = json_object();

	json_object_set_new(o, "folder", json_text(f->from));
	json_object_set_new(o, "to", json_text(f->to));
	json_object_set_new(o, "left_out_why", json_text(f->left_out));
	json_object_set_new(o, "bytes",
	                    json_integer((json_int_t)f->sums.bytes));
	json_sums(o, &f->sums);
	json_item(arg, o);
	return 0;
}

static int json_mailbox(struct json_list *all, struct store *s,
                        const struct mailbox *m, struct sums *sum,
                        struct err *e)
{
	json_t *o = json_object();
	struct sums whole = { 0 };
	struct json_list list;
	int rc;

	json_object_set_new(o, "mailbox", json_text(m->name));
	json_object_set_new(o, "from", json_text(m->from));
	json_object_set_new(o, "to", json_text(m->to));
	json_object_set_new(o, "state", json_string(cli_state(s, m)));
	json_object_set_new(o, "passes", json_integer(m->pass));
	json_object_set_new(o, "started", json_when(m->started));
	json_object_set_new(o, "ended", json_when(m->ended));
	json_object_set_new(o, "exit",
	                    m->last_exit < 0 ? json_null()
	                                     : json_integer(m->last_exit));
	json_object_set_new(o, "text", json_text(m->last_text));
	json_open_in(all, &list, o, "folders");
	rc = report_folders(s, m, json_folder, &list, &whole, e);
	json_also(&list, "not_arrived");
	if (rc == 0)
		rc = problems_rows_json(&list, s, m, e);
	json_also(&list, "notes");
	if (rc == 0 && problems_notes_json(&list, s, m, 1, e) < 0)
		rc = -1;
	sums_join(sum, &whole);
	o = json_pack("{sI}", "bytes", (json_int_t)whole.bytes);
	json_sums(o, &whole);
	json_close(&list, o);
	return rc;
}

static int json_all(struct cli *c, FILE *f, struct store *s,
                    const struct mailbox *v, size_t n, struct err *e)
{
	json_t *o = json_head("command", "report"), *sums = json_object();
	struct sums all = { .complete = true };
	struct json_list list;
	int rc = 0;

	json_object_set_new(o, "time", json_when((int64_t)time(NULL)));
	json_object_set_new(o, "store", json_text(c->store));
	json_to(f);
	json_open(&list, o, "mailboxes");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = json_mailbox(&list, s, &v[i], &all, e);
	json_sums(sums, &all);
	o = json_object();
	json_object_set_new(o, "sums", sums);
	json_object_set_new(o, "error", rc != 0 ? json_err(e) : json_null());
	json_close(&list, o);
	json_to(NULL);
	return rc;
}

/* --- The command --- */

enum form { FORM_JSON, FORM_CSV };

static int write_form(struct cli *c, struct store *s, const struct mailbox *v,
                      size_t n, enum form form, const char *path, struct err *e)
{
	struct report_file r;
	int rc;

	if (report_file_open(&r, path, e) != 0)
		return -1;
	rc = form == FORM_JSON ? json_all(c, r.f, s, v, n, e)
	                       : report_csv(r.f, s, v, n, e);
	if (report_file_close(&r, rc == 0, e) != 0)
		return -1;
	if (strcmp(path, "-") != 0)
		talk_say(&c->talk, "The report is in %s.", path);
	return 0;
}

static bool to_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

static int write_all(struct cli *c, struct store *s, const struct mailbox *v,
                     size_t n, struct err *e)
{
	const char *json = opt_value(&c->args, "json");
	const char *csv = opt_value(&c->args, "csv");

	if (json != NULL && write_form(c, s, v, n, FORM_JSON, json, e) != 0)
		return -1;
	if (csv != NULL && write_form(c, s, v, n, FORM_CSV, csv, e) != 0)
		return -1;
	if (to_stdout(json) || to_stdout(csv) ||
	    (c->quiet && (json != NULL || csv != NULL)))
		return 0;
	return text_all(c, s, v, n, e);
}

static int check_usage(struct cli *c)
{
	if (opt_given(&c->args, "html"))
		talk_warn(
		        &c->talk,
		        "mailhaul: A report as a page (--html) comes in a "
		        "later version. This one writes tables and data: "
		        "mailhaul report, or with --csv FILE or --json FILE.");
	else if (to_stdout(opt_value(&c->args, "json")) &&
	         to_stdout(opt_value(&c->args, "csv")))
		talk_warn(&c->talk, "mailhaul: --json and --csv cannot both "
		                    "go to standard output: name a file for "
		                    "one of them.");
	else
		return 0;
	return EXIT_USAGE;
}

static int run_report(struct cli *c)
{
	struct mailbox *v = NULL;
	struct err e = { 0 };
	struct store *s;
	size_t n = 0;
	int code = check_usage(c);

	c->json = false; /* here it names a file */
	if (code == 0)
		code = cli_store(c, false, &s);
	if (code != 0)
		return code;
	if (store_mailboxes(s, c->args.operand, c->args.operands, &v, &n, &e) !=
	            0 ||
	    write_all(c, s, v, n, &e) != 0)
		code = e.code != EC_NONE ? cli_fail(c, &e) : EXIT_STORE;
	mailboxes_free(&v, n);
	store_close(&s);
	return code;
}

static const struct opt own[] = {
	{ "json", 0, "FILE", 0, "write it as JSON; - is standard output" },
	{ "csv", 0, "FILE", 0,
	  "write it as a table for spreadsheets; - is standard output" },
	{ "html", 0, "FILE", 0, "not in this version" },
	{ NULL }
};

const struct command command_report = {
	.name = "report",
	.operands = "[MAILBOX...]",
	.summary = "what moved, what did not and why, folder by folder",
	.text = "Shows what became of every message of each source, folder by "
	        "folder, and every\nmessage that did not arrive, with the "
	        "reason. It reads the job store only, asks\nno server, and "
	        "works beside a run. 'mailhaul verify' is the proof.\n\n"
	        "Every message of a source is one of these: moved; there "
	        "already, and recognised;\nleft out by your choice; a "
	        "problem; moved, and deleted there by a person since;\nnot "
	        "moved yet. Together they are all there are.\n\n"
	        "Exit: 0; 65 no such place for a file; 73 the disk is "
	        "full.\n",
	.operands_max = 1u << 20,
	.tables = { own, opts_common },
	.run = run_report,
};
