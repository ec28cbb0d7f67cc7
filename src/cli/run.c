/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - what copy and run share: asks, runs, says how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/items.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"

#define NAMES_IN_HINT 8

#define STOPPING                                                        \
	"Stopping: finishing what is on its way (at most 10 seconds). " \
	"Nothing is lost."

/* Passwords that only a person knows are asked for before the first
 * connection, not in the middle of the night. -1: stopped. */
static int ask_first(struct cli *c, struct jobs *j)
{
	for (size_t i = 0; i < 2 * j->n; i++) {
		struct err e = { 0 };
		char *password;

		if (!secret_must_ask(&j->secret[i]))
			continue;
		if (secret_find(&j->secret[i], false, &password, &e) == 0)
			secret_wipe(&password);
		else if (e.code == EC_INTERRUPTED) {
			talk_err(&c->talk, &e);
			return -1;
		}
	}
	return 0;
}

/* Likewise the device codes that only a person can enter. What else is
 * wrong is told when the mailbox begins. -1: stopped. */
static int sign_in_first(struct cli *c, struct jobs *j)
{
	for (size_t i = 0; i < 2 * j->n; i++) {
		const struct job *job = &j->job[i / 2];
		const struct account *a = i % 2 == 0 ? &job->from : &job->to;
		struct err e = { 0 };

		if (!account_is_m365(a) || a->oauth == NULL ||
		    oauth_app_only(a->oauth) || !m365_person(&c->vault))
			continue;
		if (m365_ready(a, &e) != 0 && e.code == EC_INTERRUPTED) {
			talk_err(&c->talk, &e);
			return -1;
		}
	}
	return 0;
}

/* ", 3 were there already" if n is not 0. */
static int also(struct buf *b, uint64_t n, const char *what)
{
	return n == 0 ? 0 : buf_fmt(b, ", %s %s", text_count(n).s, what);
}

static int counts(struct buf *b, const struct progress *p)
{
	if (text_plural(b, p->moved, "message moved", "messages moved") != 0)
		return -1;
	if (p->messages_moved == 0 && p->moved > 0 &&
	    buf_str(b, " before, none now") != 0)
		return -1;
	if (p->messages_moved > 0 && p->messages_moved < p->moved &&
	    buf_fmt(b, " (%s of them now)", text_count(p->messages_moved).s) !=
	            0)
		return -1;
	if (also(b, p->adopted, "already there") != 0 ||
	    also(b, p->left_out, "left out by your choice") != 0 ||
	    also(b, p->ignored, "ignored by your choice") != 0 ||
	    also(b, p->gone, "deleted at the destination since") != 0 ||
	    also(b, p->problems, p->problems == 1 ? "problem" : "problems") !=
	            0 ||
	    also(b, p->holes, "not readable at the source") != 0)
		return -1;
	return buf_chr(b, '.');
}

static int why(struct buf *b, const struct job *job)
{
	switch (job->exit_code) {
	case EXIT_ALL_MOVED:
		return 0;
	case EXIT_PROBLEMS:
		return buf_str(b, " See: ");
	case EXIT_UNFINISHED:
		if (buf_str(b, " Not finished") != 0 ||
		    (job->progress.left > 0 &&
		     buf_fmt(b, ", %s left", text_count(job->progress.left).s)))
			return -1;
		break;
	case EXIT_PERSON:
		if (buf_str(b, " You are needed") != 0)
			return -1;
		break;
	default:
		if (buf_str(b, " Not done") != 0)
			return -1;
		break;
	}
	if (job->err.text[0] == '\0')
		return buf_chr(b, '.');
	return buf_str(b, ": ") != 0 ? -1 : text_clean(b, job->err.text);
}

static void say_end(struct cli *c, const struct job *job)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	CLEANUP(free_p)
	char *problems = cli_command_line(c, "problems", job->mailbox->name);
	const struct progress *p = &job->progress;

	if (text_clean(&b, job->mailbox->name) != 0 || buf_str(&b, ": ") != 0 ||
	    counts(&b, p) != 0 || why(&b, job) != 0)
		return;
	if (job->exit_code == EXIT_PROBLEMS && problems != NULL &&
	    buf_str(&b, problems) != 0)
		return;
	if (c->quiet && job->exit_code != EXIT_ALL_MOVED)
		talk_warn(&c->talk, "%s", b.p);
	else if (!c->quiet)
		printf("%s\n", b.p);
}

/* The command line that goes on with what did not end. */
static void say_go_on(struct cli *c, const struct jobs *j)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	CLEANUP(free_p) char *line = cli_command_line(c, "run", NULL);
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += j->job[i].exit_code == EXIT_UNFINISHED ||
		     j->job[i].exit_code == EXIT_PERSON;
	if (n == 0 || line == NULL || buf_str(&b, line) != 0)
		return;
	for (size_t i = 0; n <= NAMES_IN_HINT && i < j->n; i++) {
		if (j->job[i].exit_code != EXIT_UNFINISHED &&
		    j->job[i].exit_code != EXIT_PERSON)
			continue;
		if (buf_chr(&b, ' ') != 0 ||
		    text_shell(&b, j->mailbox[i].name) != 0)
			return;
	}
	talk_warn(&c->talk, "To go on: %s", b.p);
}

static void print_end(const struct jobs *j, int code)
{
	json_t *head = json_head("event", "end");
	struct json_list list;

	json_object_set_new(head, "exit", json_integer(code));
	json_open(&list, head, "mailboxes");
	for (size_t i = 0; i < j->n; i++) {
		const struct job *job = &j->job[i];
		json_t *o = json_object();

		json_object_set_new(o, "mailbox",
		                    json_text(job->mailbox->name));
		json_object_set_new(o, "exit", json_integer(job->exit_code));
		json_object_set_new(o, "progress",
		                    json_progress(&job->progress));
		json_object_set_new(o, "error",
		                    job->exit_code == EXIT_ALL_MOVED
		                            ? json_null()
		                            : json_err(&job->err));
		json_item(&list, o);
	}
	json_close(&list, json_object());
}

static int run_all(struct cli *c, struct store *s, struct jobs *j,
                   struct run_options *o)
{
	struct progress_view view;
	int code;

	progress_init(&view, &c->talk, c->json);
	o->event = progress_event;
	o->event_arg = &view;
	o->stop = signals_stop();
	code = transfer_run(s, j->job, j->n, o);
	progress_release(&view);
	return code;
}

static int dry_run(struct cli *c, struct store *s, struct jobs *j)
{
	if (items_asked(c))
		talk_say(&c->talk, "--items writes nothing in a dry run.");
	return cli_plan(c, s, j);
}

int cli_run(struct cli *c, struct store *s, struct jobs *j)
{
	struct run_options o = { 0 };
	struct err e = { 0 };
	int code, items;

	if (cli_run_options(&c->args, &o, &e) != 0)
		return cli_fail(c, &e);
	if (o.dry_run)
		return dry_run(c, s, j);
	code = cli_signals(c, STOPPING);
	if (code == 0)
		code = items_ready(c, j);
	if (code != 0)
		return code;
	if (ask_first(c, j) != 0 || sign_in_first(c, j) != 0)
		return EXIT_UNFINISHED;
	items = items_of_jobs(c, j);
	code = cli_worst(items, run_all(c, s, j, &o));
	if (c->json)
		print_end(j, code);
	else
		for (size_t i = 0; i < j->n; i++)
			say_end(c, &j->job[i]);
	fflush(stdout);
	say_go_on(c, j);
	return code;
}
