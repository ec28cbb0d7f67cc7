/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c - mailhaul plan, and what --dry-run shows. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/items.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/text.h"

enum {
	COL_FROM,
	COL_TO,
	COL_MESSAGES,
	COL_BYTES,
	COL_ALREADY,
	COL_NEW,
	COL_UNSURE,
	COL_NOTE,
	COLUMNS
};
#define UNREADABLE "can't be read at the source"
#define COMPARED_COLUMNS (1u << COL_ALREADY | 1u << COL_NEW | 1u << COL_UNSURE)

struct plan_sums {
	uint64_t folders, messages, bytes, settled, left_out;
	uint64_t already, fresh, unsure; /* of the folders compared */
	uint64_t unreadable;             /* of fresh */
	bool compared;                   /* at least one was */
	struct others others;            /* what is no mail */
	struct table t;
	struct json_list list;
	bool json;
};

static void note(struct buf *b, const char *s)
{
	if (b->n > 0)
		buf_str(b, "; ");
	buf_str(b, s);
}

static void note_count(struct buf *b, uint64_t n, const char *what)
{
	if (n == 0)
		return;
	if (b->n > 0)
		buf_str(b, "; ");
	buf_fmt(b, "%s %s", text_count(n).s, what);
}

/* A packed archive tells sizes only when it is unpacked. */
static struct word size_of(uint64_t messages, uint64_t bytes)
{
	return messages > 0 && bytes == 0 ? (struct word){ "-" }
	                                  : text_size(bytes);
}

static void add_row(struct plan_sums *s, const struct plan_row *r)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (r->left_out != NULL)
		note(&b, r->left_out);
	else if (!r->exists)
		note(&b, "will be created");
	note_count(&b, r->settled, "settled before");
	if (r->left_out == NULL)
		note_count(&b, r->left_out_messages, "left out");
	note_count(&b, r->unreadable, UNREADABLE);
	table_add(&s->t, r->from);
	table_add(&s->t, r->to != NULL && r->left_out == NULL ? r->to : "-");
	table_add(&s->t, text_count(r->messages).s);
	table_add(&s->t, size_of(r->messages, r->bytes).s);
	table_add(&s->t, r->compared ? text_count(r->already).s : "-");
	table_add(&s->t,
	          r->compared ? text_count(r->fresh - r->unreadable).s : "-");
	table_add(&s->t, r->compared ? text_count(r->unsure).s : "-");
	table_add(&s->t, b.p);
}

static json_t *compared(bool is, uint64_t n)
{
	return is ? json_integer((json_int_t)n) : json_null();
}

static void print_row(struct plan_sums *s, const struct plan_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "from", json_text(r->from));
	json_object_set_new(o, "to", json_text(r->to));
	json_object_set_new(o, "left_out", json_text(r->left_out));
	json_object_set_new(o, "messages",
	                    json_integer((json_int_t)r->messages));
	json_object_set_new(o, "bytes", json_integer((json_int_t)r->bytes));
	json_object_set_new(o, "settled", json_integer((json_int_t)r->settled));
	json_object_set_new(o, "left_out_messages",
	                    json_integer((json_int_t)r->left_out_messages));
	json_object_set_new(o, "exists", json_boolean(r->exists));
	json_object_set_new(o, "renamed", json_boolean(r->renamed));
	json_object_set_new(o, "compared", json_boolean(r->compared));
	json_object_set_new(o, "already", compared(r->compared, r->already));
	json_object_set_new(o, "new", compared(r->compared, r->fresh));
	json_object_set_new(o, "unsure", compared(r->compared, r->unsure));
	json_object_set_new(o, "unreadable",
	                    compared(r->compared, r->unreadable));
	json_item(&s->list, o);
}

static void each(const struct plan_row *r, void *arg)
{
	struct plan_sums *s = arg;

	s->folders++;
	s->settled += r->settled;
	if (r->compared) {
		s->compared = true;
		s->already += r->already;
		s->fresh += r->fresh;
		s->unsure += r->unsure;
		s->unreadable += r->unreadable;
	}
	if (r->left_out != NULL) {
		s->left_out += r->messages;
	} else {
		s->left_out += r->left_out_messages;
		s->messages += r->messages;
		s->bytes += r->bytes;
	}
	if (s->json)
		print_row(s, r);
	else
		add_row(s, r);
}

static int plan_json(struct json_list *all, struct store *store,
                     struct job *job)
{
	struct plan_sums s = { .json = true };
	json_t *head = json_object(), *tail = json_object();
	struct err e = { 0 };
	int code = 0;

	json_object_set_new(head, "mailbox", json_text(job->mailbox->name));
	json_object_set_new(head, "from", json_text(job->mailbox->from));
	json_object_set_new(head, "to", json_text(job->mailbox->to));
	json_object_set_new(head, "options",
	                    json_loads(job->mailbox->options, 0, NULL));
	json_open_in(all, &s.list, head, "folders");
	if (transfer_plan(store, job, each, &s, &s.others, &e) != 0)
		code = transfer_exit_code(&e);
	json_object_set_new(tail, "messages",
	                    json_integer((json_int_t)s.messages));
	json_object_set_new(tail, "bytes", json_integer((json_int_t)s.bytes));
	json_object_set_new(tail, "settled",
	                    json_integer((json_int_t)s.settled));
	json_object_set_new(tail, "left_out_messages",
	                    json_integer((json_int_t)s.left_out));
	json_object_set_new(tail, "compared", json_boolean(s.compared));
	json_object_set_new(tail, "already", compared(s.compared, s.already));
	json_object_set_new(tail, "new", compared(s.compared, s.fresh));
	json_object_set_new(tail, "unsure", compared(s.compared, s.unsure));
	json_object_set_new(tail, "unreadable",
	                    compared(s.compared, s.unreadable));
	json_object_set_new(tail, "others", json_others(&s.others));
	json_object_set_new(tail, "exit", json_integer(code));
	json_object_set_new(tail, "error", json_err(&e));
	json_close(&s.list, tail);
	others_release(&s.others);
	return code;
}

#define UNSURE                                                                 \
	"Unsure: something like it is at the destination, but it is not "      \
	"certain that it is\nthe same message. It is copied, so that nothing " \
	"is lost; you may find it twice.\n"

static void print_sums(const struct plan_sums *s)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);

	if (text_plural(&b, s->messages, "message", "messages") != 0 ||
	    (s->bytes > 0 && buf_fmt(&b, ", %s", text_size(s->bytes).s) != 0))
		return;
	note_count(&b, s->left_out, "left out");
	note_count(&b, s->settled, "settled before");
	note_count(&b, s->already, "already there, not copied again");
	if (s->compared)
		note_count(&b, s->fresh - s->unreadable, "new");
	note_count(&b, s->unsure, "unsure");
	note_count(&b, s->unreadable, UNREADABLE);
	printf("In all: %s.\n", b.p);
	if (s->unsure > 0)
		fputs(UNSURE, stdout);
}

static void print_others(const struct others *o)
{
	for (unsigned part = 0; part < OTHERS_PARTS; part++) {
		CLEANUP(buf_release_p) struct buf raw = BUF_INIT(1 << 16);
		CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

		if (others_sentence(o, part, &raw) == 0 && raw.n > 0 &&
		    text_clean(&b, raw.p) == 0)
			printf("%s\n", b.p);
	}
}

static int plan_text(struct cli *c, struct store *store, struct job *job)
{
	static const char *const title[COLUMNS] = { "FOLDER",   "GOES TO",
		                                    "MESSAGES", "SIZE",
		                                    "THERE",    "NEW",
		                                    "UNSURE",   "" };
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(64 << 20);
	struct plan_sums s = { 0 };
	struct err e = { 0 };
	int code = 0;

	table_init(&s.t, COLUMNS,
	           COMPARED_COLUMNS | 1u << COL_MESSAGES | 1u << COL_BYTES);
	for (size_t i = 0; i < COLUMNS; i++)
		table_add(&s.t, title[i]);
	code = transfer_plan(store, job, each, &s, &s.others, &e);
	s.t.hidden = s.already + s.fresh + s.unsure > 0 ? 0 : COMPARED_COLUMNS;
	if (code != 0) {
		talk_warn(&c->talk, "mailhaul: %s: %s", job->mailbox->name,
		          e.text);
		code = transfer_exit_code(&e);
	} else if (buf_str(&b, job->mailbox->name) == 0 &&
	           buf_fmt(&b, ": %s -> %s\n", job->mailbox->from,
	                   job->mailbox->to) == 0 &&
	           table_print(&b, &s.t, cli_width()) == 0) {
		cli_print(&b);
		print_sums(&s);
		print_others(&s.others);
	}
	table_release(&s.t);
	others_release(&s.others);
	return code;
}

static int plan_all_json(struct store *s, struct jobs *j)
{
	json_t *tail = json_object();
	struct json_list all;
	int worst = 0;

	json_open(&all, json_head("command", "plan"), "mailboxes");
	for (size_t i = 0; i < j->n; i++)
		worst = cli_worst(worst, plan_json(&all, s, &j->job[i]));
	json_object_set_new(tail, "exit", json_integer(worst));
	json_close(&all, tail);
	return worst;
}

int cli_plan(struct cli *c, struct store *s, struct jobs *j)
{
	int worst = cli_signals(c, NULL);

	if (worst != 0)
		return worst;
	if (c->json)
		return plan_all_json(s, j);
	for (size_t i = 0; i < j->n; i++) {
		if (i > 0)
			putchar('\n');
		worst = cli_worst(worst, plan_text(c, s, &j->job[i]));
	}
	fflush(stdout);
	talk_say(&c->talk, "Nothing was changed at either end.");
	return worst;
}

static int plan_mailboxes(struct cli *c)
{
	struct jobs j = { 0 };
	struct store *s;
	int code = cli_store(c, false, &s);

	if (code != 0)
		return code;
	code = cli_jobs(c, s, &j, NULL);
	if (code == 0)
		code = cli_plan(c, s, &j);
	jobs_release(&j);
	store_close(&s);
	return code;
}

/* How many of the operands are archives and no mailboxes. */
static size_t archives(const struct cli *c)
{
	struct look_names names = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < c->args.operands; i++)
		n += look_is_archive(&names, c->store, c->args.operand[i]);
	look_names_release(&names);
	return n;
}

static void only_of_archives(struct cli *c, const char *option,
                             const char *also)
{
	const char *name = c->args.operands > 0 ? c->args.operand[0] : "";

	if (access(name, F_OK) == 0)
		talk_warn(&c->talk,
		          "mailhaul: '%s' is also a mailbox of the job store: "
		          "write ./%s for the file.",
		          name, name);
	else
		talk_warn(&c->talk,
		          "mailhaul: %s goes with the path of an archive "
		          "here.%s",
		          option, also);
}

static int run_plan(struct cli *c)
{
	size_t n = archives(c);

	if (n > 0 && n < c->args.operands)
		talk_warn(&c->talk, "mailhaul: Some of these are mailboxes of "
		                    "the job store and some are archives: name "
		                    "them in two calls.");
	else if (n == 0 && items_asked(c))
		only_of_archives(c, "--items",
		                 " 'mailhaul run --items' writes them for a "
		                 "mailbox.");
	else if (n == 0 && opt_given(&c->args, "deep"))
		only_of_archives(c, "--deep", "");
	else
		return n > 0 ? look_all(c) : plan_mailboxes(c);
	return EXIT_USAGE;
}

static const struct opt own[] = {
	{ "deep", 0, NULL, 0,
	  "of a PATH: read every message whole, and tell what is missing" },
	{ NULL }
};

const struct command command_plan = {
	.name = "plan",
	.operands = "[MAILBOX...|PATH...]",
	.summary = "show what a run would do, or what is in an archive",
	.text = "Asks both ends and shows, folder by folder, where its mail "
	        "goes, how much it is,\nwhat will be left out and why. "
	        "Changes nothing at either end.\n\n"
	        "Where the destination holds mail already, each message is "
	        "compared with it:\nTHERE: recognised, not copied again. NEW: "
	        "copied. UNSURE: something like it is\nthere, but it is not "
	        "certain that it is the same; copied, so that nothing is "
	        "lost.\n\n"
	        "PATH (or pst:PATH, mbox:PATH, maildir:PATH, eml:PATH) is an "
	        "archive. Shows what\nis in it, without a job store and "
	        "without a destination: messages by folder,\nwhat is no mail, "
	        "and what can't be read. Exit: 0, 1 if something can't be\n"
	        "read, 2 if it was stopped, 3 if you may not read the file, "
	        "65 if it is no\narchive.\n",
	.operands_max = 1u << 20,
	.tables = { own, opts_items, opts_json, opts_common },
	.run = run_plan,
};
