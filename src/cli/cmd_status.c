/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c - mailhaul status: how far each mailbox is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/sum.h"
#include "cli/text.h"
#include "cli/view.h"

/* Of a run that ended with problems: a person may have settled them since.
 * A text says that a whole folder could not be moved. */
static const char *after_problems(struct store *s, const struct mailbox *m)
{
	struct progress p = { 0 };
	struct err e = { 0 };

	if (m->last_text != NULL || store_progress(s, m->id, &p, &e) != 0 ||
	    p.problems + p.holes > 0)
		return "problems";
	return p.left > 0 ? "unfinished" : "finished";
}

const char *cli_state(struct store *s, const struct mailbox *m)
{
	if (store_mailbox_running(s, m->id))
		return "running";
	if (m->started == 0)
		return "new";
	if (m->last_exit < 0 || m->ended < m->started)
		return "interrupted";
	switch (m->last_exit) {
	case EXIT_ALL_MOVED:
		return "finished";
	case EXIT_PROBLEMS:
		return after_problems(s, m);
	case EXIT_PERSON:
		return "needs you";
	default:
		return "unfinished";
	}
}

#define SUMS_TOLD 10 /* of more mailboxes only the sum of all */

/* What became of everything, as a line below the table. */
static int add_sum(struct buf *b, const char *name, const struct sums *s)
{
	return text_clean(b, name) != 0 || buf_str(b, ": ") != 0 ||
	                       sum_words(b, s) != 0 || buf_str(b, ".\n") != 0
	               ? -1
	               : 0;
}

static void add_row(struct table *t, const struct mailbox *m, const char *state,
                    const struct progress *p)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	int64_t now = (int64_t)time(NULL);

	table_add(t, m->name);
	table_add(t, state);
	if (m->started == 0)
		buf_str(&b, "-");
	else
		buf_fmt(&b, "%s of %s%s", text_count(view_settled(p)).s,
		        text_count(p->listed).s, p->listing ? "+" : "");
	table_add(t, b.n > 0 ? b.p : "");
	buf_clear(&b);
	if (m->started == 0)
		buf_str(&b, "-");
	else
		buf_fmt(&b, "%s of %s", text_size(p->bytes_settled).s,
		        text_size(p->bytes_listed).s);
	table_add(t, b.n > 0 ? b.p : "");
	table_add(t, text_count(p->problems + p->holes).s);
	buf_clear(&b);
	if (m->ended != 0 && strcmp(state, "running") != 0 &&
	    strcmp(state, "interrupted") != 0) {
		buf_str(&b, text_time(m->ended, now).s);
		if (m->last_text != NULL && m->last_text[0] != '\0')
			buf_fmt(&b, ": %s", m->last_text);
	} else if (m->started != 0) {
		buf_fmt(&b, "since %s", text_time(m->started, now).s);
	}
	table_add(t, b.n > 0 ? b.p : "");
}

static json_t *json_mailbox(const struct mailbox *m, const char *state,
                            const struct progress *p, const struct sums *sums)
{
	json_t *o = json_object();

	json_object_set_new(o, "mailbox", json_text(m->name));
	json_object_set_new(o, "from", json_text(m->from));
	json_object_set_new(o, "to", json_text(m->to));
	json_object_set_new(o, "state", json_string(state));
	json_object_set_new(o, "passes", json_integer(m->pass));
	json_object_set_new(o, "started", json_when(m->started));
	json_object_set_new(o, "ended", json_when(m->ended));
	json_object_set_new(o, "exit",
	                    m->last_exit < 0 ? json_null()
	                                     : json_integer(m->last_exit));
	json_object_set_new(o, "text", json_text(m->last_text));
	json_sums(o, sums);
	json_object_set_new(o, "progress", json_progress(p));
	return o;
}

/* The answer for people while it is put together. */
struct answer {
	struct table t;
	struct buf lines; /* the sum of each */
	struct sums all;
	size_t begun;
};

static int answer_one(struct store *s, const struct mailbox *m,
                      struct answer *a, struct json_list *list, struct err *e)
{
	const char *state = cli_state(s, m);
	struct progress p = { 0 };
	struct sums sums;

	if (store_progress(s, m->id, &p, e) != 0 ||
	    report_sums(s, m, &sums, e) != 0)
		return -1;
	if (list != NULL) {
		json_item(list, json_mailbox(m, state, &p, &sums));
		return 0;
	}
	add_row(&a->t, m, state, &p);
	if (m->started == 0)
		return 0;
	sums_join(&a->all, &sums);
	if (++a->begun > SUMS_TOLD)
		return 0;
	return add_sum(&a->lines, m->name, &sums) != 0 ? err_memory(e) : 0;
}

/* One answer about all; e on failure. */
static int answer(struct cli *c, struct store *s, struct answer *a, size_t *n,
                  struct json_list *list, struct err *e)
{
	struct mailbox *m = NULL;
	int rc =
	        store_mailboxes(s, c->args.operand, c->args.operands, &m, n, e);

	for (size_t i = 0; rc == 0 && i < *n; i++)
		rc = answer_one(s, &m[i], a, list, e);
	mailboxes_free(&m, *n);
	return rc;
}

static int show_json(struct cli *c, struct store *s)
{
	json_t *head = json_head("command", "status");
	struct json_list list;
	struct err e = { 0 };
	size_t n = 0;
	int rc;

	json_object_set_new(head, "time", json_when((int64_t)time(NULL)));
	json_object_set_new(head, "store", json_text(c->store));
	json_open(&list, head, "mailboxes");
	rc = answer(c, s, NULL, &n, &list, &e);
	json_close(&list, json_pack("{so}", "error", json_err(&e)));
	return rc == 0 ? 0 : cli_fail(c, &e);
}

/* Lines end with "erase to the end of the line": drawn over the last
 * answer without a flicker. */
static void draw_over(const struct buf *b)
{
	printf("\033[H");
	for (const char *p = b->p; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, "\n");

		printf("%.*s\033[K\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
	printf("\033[J");
}

static int put_together(struct buf *b, struct answer *a, size_t n)
{
	if (n == 0)
		return buf_str(b, "There is no mailbox in this job store "
		                  "yet.\n");
	if (table_print(b, &a->t, cli_width()) != 0)
		return -1;
	if (a->begun > SUMS_TOLD)
		return add_sum(b, "In all", &a->all);
	return a->begun == 0 ? 0 : buf_str(b, a->lines.p);
}

static int show_text(struct cli *c, struct store *s, bool over)
{
	static const char *const title[] = { "MAILBOX", "STATE",    "MESSAGES",
		                             "SIZE",    "PROBLEMS", "LAST" };
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(64 << 20);
	struct answer a = { .lines = BUF_INIT(1 << 20),
		            .all = { .complete = true } };
	struct err e = { 0 };
	size_t n = 0;
	int rc;

	table_init(&a.t, 6, 1 << 2 | 1 << 3 | 1 << 4);
	for (size_t i = 0; i < 6; i++)
		table_add(&a.t, title[i]);
	rc = answer(c, s, &a, &n, NULL, &e);
	if (rc == 0 && put_together(&b, &a, n) != 0)
		rc = err_memory(&e);
	table_release(&a.t);
	buf_release(&a.lines);
	if (rc != 0)
		return cli_fail(c, &e);
	if (over)
		draw_over(&b);
	else
		cli_print(&b);
	fflush(stdout);
	return 0;
}

static int show(struct cli *c, struct store *s, bool over)
{
	return c->json ? show_json(c, s) : show_text(c, s, over);
}

/* A second, or until Ctrl-C. */
static bool wait_second(void)
{
	const struct timespec part = { 0, 100000000 };

	for (int i = 0; i < 10; i++) {
		if (atomic_load(signals_stop()) != 0)
			return false;
		nanosleep(&part, NULL);
	}
	return atomic_load(signals_stop()) == 0;
}

static int watch(struct cli *c, struct store *s)
{
	bool over = !c->json && isatty(STDOUT_FILENO);
	int code = cli_signals(c, NULL);

	if (over && code == 0)
		printf("\033[2J");
	while (code == 0) {
		code = show(c, s, over);
		if (ferror(stdout) || !wait_second())
			return code;
	}
	return code;
}

static int run_status(struct cli *c)
{
	struct store *s;
	int code = cli_store(c, false, &s);

	if (code != 0)
		return code;
	code = opt_given(&c->args, "watch") ? watch(c, s) : show(c, s, false);
	store_close(&s);
	return code;
}

static const struct opt own[] = { { "watch", 0, NULL, 0,
	                            "show it again each second, until Ctrl-C" },
	                          { NULL } };

const struct command command_status = {
	.name = "status",
	.operands = "[MAILBOX...]",
	.summary = "how far each mailbox is",
	.text = "Shows each mailbox of the job store: how far it is, and how "
	        "its last run ended.\nWorks while another process runs.\n\n"
	        "new: not begun. running: being moved now. finished: all "
	        "settled. problems: some\nmessages could not be moved. "
	        "unfinished, interrupted: run again to go on. needs\nyou: "
	        "sign-in, permission or quota; the last column says what.\n",
	.operands_max = 1u << 20,
	.tables = { own, opts_json, opts_common },
	.run = run_status,
};
