/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c - mailhaul verify, and the end of copy: the proof. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/sum.h"
#include "cli/text.h"
#include "mailhaul/verify.h"

struct finding {
	struct cli *c;
	struct job *job;
	struct json_list *list; /* NULL: for people */
};

static void print_json(struct json_list *list, const struct verify_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "difference",
	                    json_string(difference_name(r->what)));
	json_object_set_new(o, "folder", json_text(r->folder));
	json_object_set_new(o, "uid", json_integer((json_int_t)r->uid));
	json_object_set_new(o, "row", json_integer(r->row));
	json_object_set_new(o, "subject", json_text(r->subject));
	json_object_set_new(o, "text", json_text(r->text));
	json_item(list, o);
}

static int add_which(struct buf *b, const struct verify_row *r)
{
	if (r->subject != NULL && *r->subject != '\0')
		return buf_str(b, ": \"") != 0 ||
		                       text_cut(b, r->subject, 60) != 0 ||
		                       buf_chr(b, '"') != 0
		               ? -1
		               : 0;
	/* A problem's text says where it is. */
	if (r->what != DIFF_NOT_COPIED || r->uid == 0)
		return 0;
	return buf_fmt(b, ": uid %llu", (unsigned long long)r->uid);
}

static void each(const struct verify_row *r, void *arg)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);
	struct finding *f = arg;

	if (f->list != NULL) {
		print_json(f->list, r);
		return;
	}
	if (text_clean(&b, f->job->mailbox->name) != 0 ||
	    (r->folder != NULL &&
	     (buf_str(&b, ": ") != 0 || text_clean(&b, r->folder) != 0)))
		return;
	if (add_which(&b, r) == 0 && buf_str(&b, ": ") == 0 &&
	    text_clean(&b, r->text != NULL ? r->text
	                                   : difference_name(r->what)) == 0)
		printf("%s\n", b.p);
}

/* --- the verdict -------------------------------------------------------- */

static uint64_t all_differences(const struct verify_sum *sum)
{
	uint64_t n = 0;

	for (int i = 0; i < DIFF_COUNT; i++)
		n += sum->differences[i];
	return n;
}

/* What was found, and what helps. */
static const struct {
	const char *one, *many, *next;
} says[DIFF_COUNT] = {
	[DIFF_NOT_COPIED] = { "is not copied yet", "are not copied yet",
	                      "run" },
	[DIFF_MISSING] = { "is missing at the destination",
	                   "are missing at the destination", "run" },
	[DIFF_ALTERED] = { "is not what was sent", "are not what was sent",
	                   NULL },
	[DIFF_DOUBLED] = { "is there once too often",
	                   "are there once too often", NULL },
	[DIFF_PROBLEM] = { "could not be moved", "could not be moved",
	                   "problems" },
	[DIFF_UNACCOUNTED] = { "is not accounted for", "are not accounted for",
	                       NULL },
};

static int add_differences(struct buf *b, const struct verify_sum *sum)
{
	const char *separator = " ";

	for (int i = 0; i < DIFF_COUNT; i++) {
		uint64_t n = sum->differences[i];

		if (n == 0)
			continue;
		if (buf_str(b, separator) != 0 ||
		    text_plural(b, n, "message", "messages") != 0 ||
		    buf_fmt(b, " %s", n == 1 ? says[i].one : says[i].many))
			return -1;
		separator = ", ";
	}
	return buf_chr(b, '.');
}

/* Left out, ignored or deleted there by a person: they are not missing,
 * but they are not there either. */
static int add_left_out(struct buf *b, const struct progress *p)
{
	uint64_t n = p->left_out + p->ignored;

	if (n > 0 && (buf_chr(b, ' ') != 0 ||
	              text_plural(b, n, "message was", "messages were") != 0 ||
	              buf_str(b, " left out by your choice.") != 0))
		return -1;
	if (p->gone == 0)
		return 0;
	return buf_chr(b, ' ') != 0 ||
	                       text_plural(b, p->gone, "message was",
	                                   "messages were") != 0 ||
	                       buf_str(b, " deleted at the destination by a "
	                                  "person.") != 0
	               ? -1
	               : 0;
}

static int add_proof(struct buf *b, const struct verify_sum *sum,
                     const struct progress *p)
{
	uint64_t there = p->moved + p->adopted;

	if (!sum->source_asked)
		return buf_str(b, "The copies are proven: all ") != 0 ||
		                       text_plural(b, there,
		                                   "message that "
		                                   "was copied is",
		                                   "messages that were copied "
		                                   "are") != 0 ||
		                       buf_str(b, " at the destination, "
		                                  "once.") != 0
		               ? -1
		               : 0;
	if (p->left_out + p->ignored + p->gone == 0)
		return buf_str(b, "Proven: all ") != 0 ||
		                       text_plural(b, sum->source, "message",
		                                   "messages") != 0 ||
		                       buf_fmt(b,
		                               " of the source %s at the "
		                               "destination, once.",
		                               sum->source == 1 ? "is"
		                                                : "are") != 0
		               ? -1
		               : 0;
	return buf_str(b, "Proven: all ") != 0 ||
	                       text_plural(b, there, "message", "messages") !=
	                               0 ||
	                       buf_str(b, " that were to be moved are at the "
	                                  "destination, once.") != 0
	               ? -1
	               : 0;
}

static int add_rewritten(struct buf *b, const struct verify_sum *sum)
{
	if (sum->rewritten == 0)
		return 0;
	return buf_chr(b, ' ') != 0 ||
	                       text_plural(b, sum->rewritten, "copy is",
	                                   "copies are") != 0 ||
	                       buf_str(b, " stored there with other line ends, "
	                                  "white space or NULs, as that server "
	                                  "does; the text is the same.") != 0
	               ? -1
	               : 0;
}

/* No list has them, so nothing can be proven of them. */
static int add_not_held(struct buf *b, const struct verify_sum *sum)
{
	if (sum->not_held == 0)
		return 0;
	return buf_str(b, " The archive counts ") != 0 ||
	                       text_plural(b, sum->not_held, "more item",
	                                   "more items") != 0 ||
	                       buf_str(b, " and does not hold them: another "
	                                  "copy or a backup of it may.") != 0
	               ? -1
	               : 0;
}

static int add_source(struct buf *b, const struct verify_sum *sum)
{
	if (sum->source_asked)
		return 0;
	if (buf_str(b, " The source could not be asked, so only the store "
	               "and the destination were compared") != 0)
		return -1;
	if (sum->source_err.text[0] == '\0')
		return buf_chr(b, '.');
	return buf_fmt(b, ": %s", sum->source_err.text);
}

static void say_next(struct cli *c, const struct job *job,
                     const struct verify_sum *sum)
{
	const char *said = "";

	for (int i = 0; i < DIFF_COUNT; i++) {
		CLEANUP(free_p) char *line = NULL;

		if (sum->differences[i] == 0 || says[i].next == NULL ||
		    says[i].next == said)
			continue;
		said = says[i].next;
		line = cli_command_line(c, said, job->mailbox->name);
		if (line != NULL)
			talk_say(&c->talk, "Next: %s", line);
	}
}

static void say_sum(struct cli *c, const struct job *job,
                    const struct verify_sum *sum)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (!c->quiet && text_clean(&b, job->mailbox->name) == 0 &&
	    buf_str(&b, ": ") == 0 && sum_words(&b, &sum->sums) == 0)
		printf("%s.\n", b.p);
}

static void say_verdict(struct cli *c, const struct job *job,
                        const struct verify_sum *sum, const struct progress *p,
                        int code)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	uint64_t differences = all_differences(sum);

	if (text_clean(&b, job->mailbox->name) != 0 || buf_str(&b, ": ") != 0)
		return;
	if (differences == 0 && code == EXIT_UNFINISHED) {
		if (buf_str(&b, "Not proven: no run has come to its end yet, "
		                "so nobody knows all that is in the "
		                "source.") != 0)
			return;
	} else if (differences == 0) {
		if (add_proof(&b, sum, p) != 0)
			return;
	} else if (buf_str(&b, "Not proven:") != 0 ||
	           add_differences(&b, sum) != 0) {
		return;
	}
	if (add_rewritten(&b, sum) != 0 || add_left_out(&b, p) != 0 ||
	    add_not_held(&b, sum) != 0 || add_source(&b, sum) != 0)
		return;
	if (c->quiet && code != 0)
		talk_warn(&c->talk, "%s", b.p);
	else if (!c->quiet)
		printf("%s\n", b.p);
	say_sum(c, job, sum);
	fflush(stdout);
	say_next(c, job, sum);
}

/* --- JSON --------------------------------------------------------------- */

static json_t *json_sum(const struct verify_sum *sum, const struct progress *p,
                        bool deep, int code, const struct err *e)
{
	json_t *o = json_object(), *n = json_object();
	json_t *sums = json_object();

	for (int i = 0; i < DIFF_COUNT; i++)
		json_object_set_new(
		        n, difference_name((enum difference)i),
		        json_integer((json_int_t)sum->differences[i]));
	json_object_set_new(o, "counts", n);
	json_object_set_new(o, "proven",
	                    json_boolean(code == 0 && sum->source_asked));
	json_object_set_new(o, "deep", json_boolean(deep));
	json_object_set_new(o, "source_asked", json_boolean(sum->source_asked));
	json_object_set_new(o, "source_error", json_err(&sum->source_err));
	json_object_set_new(o, "source", json_integer((json_int_t)sum->source));
	json_object_set_new(o, "settled",
	                    json_integer((json_int_t)sum->settled));
	json_object_set_new(o, "destination",
	                    json_integer((json_int_t)sum->destination));
	json_object_set_new(o, "others", json_integer((json_int_t)sum->others));
	json_object_set_new(o, "bytes_read",
	                    json_integer((json_int_t)sum->bytes_read));
	json_object_set_new(o, "rewritten",
	                    json_integer((json_int_t)sum->rewritten));
	json_object_set_new(o, "not_held",
	                    json_integer((json_int_t)sum->not_held));
	json_sums(sums, &sum->sums);
	json_object_set_new(o, "sums", sums);
	json_object_set_new(o, "progress", json_progress(p));
	json_object_set_new(o, "exit", json_integer(code));
	json_object_set_new(o, "error", json_err(e));
	return o;
}

/* --- the command -------------------------------------------------------- */

/* What was never looked at to its end proves nothing once it is gone. The
 * job's own mailbox may be from before the run. */
static bool seen_whole(struct store *s, const struct mailbox *mailbox)
{
	const char *name = mailbox->name;
	struct mailbox *v = NULL;
	struct err e = { 0 };
	bool seen = false;
	size_t n = 0;

	if (store_mailboxes(s, &name, 1, &v, &n, &e) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		seen |= v[i].id == mailbox->id && v[i].pass > 0;
	mailboxes_free(&v, n);
	return seen;
}

static int verify_one(struct cli *c, struct store *s, struct job *job,
                      bool deep, struct json_list *all)
{
	struct verify_sum sum = { 0 };
	struct progress p = { 0 };
	struct json_list list;
	struct finding f = { c, job, all != NULL ? &list : NULL };
	struct err e = { 0 };
	int code = 0;

	if (all != NULL) {
		json_t *head = json_object();

		json_object_set_new(head, "mailbox",
		                    json_text(job->mailbox->name));
		json_open_in(all, &list, head, "differences");
	}
	if (verify_mailbox(s, job, deep, signals_stop(), each, &f, &sum, &e) !=
	            0 ||
	    store_progress(s, job->mailbox->id, &p, &e) != 0)
		code = transfer_exit_code(&e);
	else if (all_differences(&sum) > 0)
		code = EXIT_PROBLEMS;
	else if (!sum.source_asked && !seen_whole(s, job->mailbox))
		code = EXIT_UNFINISHED;
	if (all != NULL)
		json_close(&list, json_sum(&sum, &p, deep, code, &e));
	else if (e.code != EC_NONE)
		talk_warn(&c->talk, "mailhaul: %s: %s", job->mailbox->name,
		          e.text);
	else
		say_verdict(c, job, &sum, &p, code);
	return code;
}

int cli_verify(struct cli *c, struct store *s, struct jobs *j, bool deep,
               bool as_event)
{
	int worst = cli_signals(c, "Stopping. Nothing is changed.");
	struct json_list list, *all = c->json ? &list : NULL;
	json_t *tail = json_object();

	if (worst == 0 && all != NULL)
		json_open(all,
		          json_head(as_event ? "event" : "command", "verify"),
		          "mailboxes");
	for (size_t i = 0; i < j->n; i++) {
		if (atomic_load(signals_stop()) != 0)
			worst = cli_worst(worst, EXIT_UNFINISHED);
		else
			worst = cli_worst(
			        worst, verify_one(c, s, &j->job[i], deep, all));
	}
	json_object_set_new(tail, "exit", json_integer(worst));
	if (all != NULL)
		json_close(all, tail);
	else
		json_decref(tail);
	return worst;
}

static int run_verify(struct cli *c)
{
	struct jobs j = { 0 };
	struct store *s;
	int code = cli_store(c, false, &s);

	if (code != 0)
		return code;
	code = cli_jobs(c, s, &j, NULL);
	if (code == 0)
		code = cli_verify(c, s, &j, opt_given(&c->args, "deep"), false);
	jobs_release(&j);
	store_close(&s);
	return code;
}

static const struct opt own[] = {
	{ "deep", 0, NULL, 0, "read every copy back and compare its octets" },
	{ NULL }
};

const struct command command_verify = {
	.name = "verify",
	.operands = "[MAILBOX...]",
	.summary = "prove that everything arrived, once",
	.text = "Asks the destination what is really there and compares it "
	        "with the source and\nthe job store, message by message. "
	        "Works when the source is gone: it compares\nstore and "
	        "destination then, and says so. Changes nothing.\n\n"
	        "Exit: 0 proven, 1 differences, each named, 2 not finished, "
	        "3 you are needed.\n",
	.operands_max = 1u << 20,
	.tables = { own, opts_json, opts_common },
	.run = run_verify,
};
