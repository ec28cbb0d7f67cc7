/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_problems.c - mailhaul problems: lists, exports, settles them. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/json.h"
#include "cli/problems.h"
#include "cli/text.h"

#define AT_ONCE 1000 /* rows of one transaction: a run beside us waits */

struct settling {
	struct store *s;
	bool retry;
	uint64_t n;
	int64_t last;
	size_t page;
	struct err *e;
};

static int settle_row(struct row *r, void *arg)
{
	struct settling *x = arg;

	x->last = r->m.row;
	x->page++;
	x->n++;
	if (!x->retry)
		return store_state(x->s, r->m.row, MSG_IGNORED,
		                   "Ignored by choice.", x->e);
	if (store_state(x->s, r->m.row, MSG_PENDING, NULL, x->e) != 0)
		return -1;
	r->m.tries = 0;
	r->m.batch_max = 0;
	return store_again(x->s, &r->m, x->e);
}

/* One transaction; x->page is how many rows it found. */
static int settle_page(struct settling *x, int64_t mailbox, struct err *e)
{
	struct row_where where = {
		.mailbox = mailbox,
		.states = x->retry ? LISTED_STATES : PROBLEM_STATES,
		.after_row = x->last,
		.limit = AT_ONCE,
	};
	int rc;

	x->page = 0;
	x->e = e;
	if (store_begin(x->s, e) != 0)
		return -1;
	rc = store_rows(x->s, &where, settle_row, x, e);
	if (rc == 0)
		return store_commit(x->s, e);
	store_rollback(x->s);
	return -1;
}

static int settle(struct cli *c, struct store *s, const struct mailbox *v,
                  size_t n, bool retry)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);
	struct settling x = { .s = s, .retry = retry };
	struct err e = { 0 };

	for (size_t i = 0; i < n; i++) {
		x.last = 0;
		do {
			if (settle_page(&x, v[i].id, &e) != 0)
				return cli_fail(c, &e);
		} while (x.page == AT_ONCE);
	}
	if (c->json) {
		json_t *o = json_head("command", "problems");

		json_object_set_new(o, retry ? "retried" : "ignored",
		                    json_integer((json_int_t)x.n));
		json_line(o);
	} else if (!c->quiet &&
	           text_plural(&b, x.n, "message", "messages") == 0) {
		printf(retry ? "%s will be tried again at the next run.\n"
		             : "%s ignored.\n",
		       b.p);
	}
	return 0;
}

static int count(struct store *s, const struct mailbox *v, size_t n,
                 unsigned states, uint64_t *sum, struct err *e)
{
	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		struct row_where where = { .mailbox = v[i].id,
			                   .states = states };
		uint64_t one;

		if (store_count(s, &where, &one, e) != 0)
			return -1;
		*sum += one;
	}
	return 0;
}

static int confirm_and_settle(struct cli *c, struct store *s,
                              const struct mailbox *v, size_t n, bool retry)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);
	struct err e = { 0 };
	uint64_t sum;

	if (count(s, v, n, retry ? LISTED_STATES : PROBLEM_STATES, &sum, &e) !=
	    0)
		return cli_fail(c, &e);
	if (text_plural(&b, sum, "message", "messages") != 0 ||
	    buf_str(&b, retry ? ": try to move again at the next run?"
	                      : ": ignore, so that they count as settled?") !=
	            0)
		return EXIT_FAULT;
	if (sum > 0 && !cli_confirm(c, b.p)) {
		talk_say(&c->talk, "Nothing was changed.");
		return 0;
	}
	return settle(c, s, v, n, retry);
}

static int act(struct cli *c, struct store *s)
{
	bool retry = opt_given(&c->args, "retry");
	bool ignore = opt_given(&c->args, "ignore");
	const char *dir = opt_value(&c->args, "export");
	struct jobs j = { 0 };
	int code = cli_jobs(c, s, &j, NULL);

	if (code == 0 && dir != NULL)
		code = problems_export(c, s, &j, dir);
	if (code == 0 && (retry || ignore))
		code = confirm_and_settle(c, s, j.mailbox, j.n, retry);
	if (code == 0 && !retry && !ignore && dir == NULL)
		code = problems_list(c, s, j.mailbox, j.n);
	jobs_release(&j);
	return code;
}

static int run_problems(struct cli *c)
{
	struct store *s;
	int code;

	if (opt_given(&c->args, "retry") && opt_given(&c->args, "ignore")) {
		talk_warn(&c->talk, "mailhaul: --retry and --ignore are "
		                    "opposites: give one of them.");
		return EXIT_USAGE;
	}
	code = cli_store(c, false, &s);
	if (code != 0)
		return code;
	code = act(c, s);
	store_close(&s);
	return code;
}

static const struct opt own[] = {
	{ "export", 0, "DIR", 0,
	  "fetch them from the source and write them as .eml files" },
	{ "retry", 0, NULL, 0,
	  "let the next run try them again, also ignored ones and copies "
	  "deleted at the destination" },
	{ "ignore", 0, NULL, 0, "count them as settled" },
	{ NULL }
};

const struct command command_problems = {
	.name = "problems",
	.operands = "[MAILBOX...]",
	.summary = "every message that did not arrive, why, and what helps",
	.text = "Lists every message that did not arrive, by reason, with "
	        "what helps. They are\nstill in the source, but for what could "
	        "not be read "
	        "there.\n\n"
	        "Exit: 0; with --export 1 if some could not be fetched.\n",
	.operands_max = 1u << 20,
	.tables = { own, opts_json, opts_common },
	.run = run_problems,
};
