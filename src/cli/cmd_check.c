/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - mailhaul check: what can be known before a run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/text.h"
#include "mailhaul/preflight.h"

struct showing {
	struct json_list *json; /* or NULL: for people */
};

/* --- for people ----------------------------------------------------------- */

static void print_row(const struct preflight_row *r)
{
	static const char *const mark[] = { "ok     ", "note   ", "unknown",
		                            "TO DO  " };
	CLEANUP(buf_release_p) struct buf clean = BUF_INIT(1 << 16);
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	size_t width = cli_width();

	if (text_clean(&clean, r->text) == 0 &&
	    text_wrap(&b, clean.p, 11, width ? width : 78) == 0)
		printf("  %s  %s\n", mark[r->verdict], b.p + strspn(b.p, " "));
}

static void print_estimate(const struct preflight_sum *s)
{
	if (s->left == 0)
		return;
	if (s->least_s < 60)
		printf("  Moving the %s messages that are left takes some "
		       "minutes.\n",
		       text_count(s->left).s);
	else
		printf("  Moving the %s messages that are left takes about %s "
		       "to %s (limited by %s).\n",
		       text_count(s->left).s, text_duration(s->least_s).s,
		       text_duration(s->most_s).s,
		       s->limited_by != NULL ? s->limited_by : "the network");
}

/* --- for scripts ---------------------------------------------------------- */

static void json_row(struct json_list *l, const struct preflight_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "check", json_text(r->what));
	json_object_set_new(o, "verdict",
	                    json_string(verdict_name(r->verdict)));
	json_object_set_new(o, "text", json_text(r->text));
	json_object_set_new(o, "error", json_err(r->err));
	json_item(l, o);
}

static json_t *json_sum(const struct preflight_sum *s, const struct err *e,
                        int code)
{
	json_t *o = json_object(), *est = json_object();

	json_object_set_new(o, "folders", json_integer((json_int_t)s->folders));
	json_object_set_new(o, "messages",
	                    json_integer((json_int_t)s->messages));
	json_object_set_new(o, "bytes", json_integer((json_int_t)s->bytes));
	json_object_set_new(o, "bytes_guessed", json_boolean(s->bytes_guessed));
	json_object_set_new(o, "left", json_integer((json_int_t)s->left));
	json_object_set_new(est, "least_seconds",
	                    json_integer((json_int_t)s->least_s));
	json_object_set_new(est, "most_seconds",
	                    json_integer((json_int_t)s->most_s));
	json_object_set_new(est, "limited_by", json_text(s->limited_by));
	json_object_set_new(o, "estimate", est);
	json_object_set_new(o, "exit", json_integer(code));
	json_object_set_new(o, "error", json_err(e));
	return o;
}

/* --- all ------------------------------------------------------------------ */

static void each(const struct preflight_row *r, void *arg)
{
	struct showing *s = arg;

	if (s->json != NULL)
		json_row(s->json, r);
	else
		print_row(r);
}

static int check_text(struct cli *c, struct store *s, struct job *job)
{
	struct showing show = { 0 };
	struct preflight_sum sum;
	struct err e = { 0 };

	printf("%s: %s -> %s\n", job->mailbox->name, job->mailbox->from,
	       job->mailbox->to);
	if (preflight_mailbox(s, job, each, &show, &sum, &e) != 0)
		return cli_fail(c, &e);
	print_estimate(&sum);
	fflush(stdout);
	return sum.exit_code;
}

static int check_json(struct json_list *all, struct store *s, struct job *job)
{
	json_t *head = json_object();
	struct json_list list;
	struct showing show = { .json = &list };
	struct preflight_sum sum;
	struct err e = { 0 };
	int code;

	json_object_set_new(head, "mailbox", json_text(job->mailbox->name));
	json_object_set_new(head, "from", json_text(job->mailbox->from));
	json_object_set_new(head, "to", json_text(job->mailbox->to));
	json_open_in(all, &list, head, "checks");
	code = preflight_mailbox(s, job, each, &show, &sum, &e) != 0
	               ? transfer_exit_code(&e)
	               : sum.exit_code;
	json_close(&list, json_sum(&sum, &e, code));
	return code;
}

static int check_all(struct cli *c, struct store *s, struct jobs *j)
{
	json_t *tail = json_object();
	struct json_list all;
	int worst = cli_signals(c, NULL);

	if (worst != 0)
		return worst;
	if (c->json)
		json_open(&all, json_head("command", "check"), "mailboxes");
	for (size_t i = 0; i < j->n; i++)
		worst = cli_worst(worst,
		                  c->json ? check_json(&all, s, &j->job[i])
		                          : check_text(c, s, &j->job[i]));
	json_object_set_new(tail, "exit", json_integer(worst));
	if (c->json)
		json_close(&all, tail);
	else
		json_decref(tail);
	talk_say(&c->talk, "Nothing was changed at either end.");
	return worst;
}

static int run_check(struct cli *c)
{
	struct jobs j = { 0 };
	struct store *s;
	int code = cli_store(c, false, &s);

	if (code != 0)
		return code;
	code = cli_jobs(c, s, &j, NULL);
	if (code == 0)
		code = check_all(c, s, &j);
	jobs_release(&j);
	store_close(&s);
	return code;
}

const struct command command_check = {
	.name = "check",
	.operands = "[MAILBOX...]",
	.summary = "sign-in, permission, size, limits, and an estimate",
	.text = "Signs in at both ends of each mailbox, asks what can be known "
	        "before a run, and\nestimates how long it will take. For a "
	        "Microsoft 365 mailbox: the tenant, the\ndomain, the user and "
	        "licence, whether the mailbox is there, whether IMAP is\nopen, "
	        "and which right is missing and how to give it. Changes "
	        "nothing at either\nend.\n",
	.operands_max = 1u << 20,
	.tables = { opts_json, opts_common },
	.run = run_check,
};
