/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - mailhaul run: goes on with everything that is not finished. */
#include "cli/cli.h"
#include "cli/items.h"

static int run_with(struct cli *c, const struct options *over)
{
	struct jobs j = { 0 };
	struct store *s;
	int code = cli_store(c, false, &s);

	if (code != 0)
		return code;
	code = cli_jobs(c, s, &j, over);
	if (code == 0)
		code = cli_run(c, s, &j);
	jobs_release(&j);
	store_close(&s);
	return code;
}

static int run_run(struct cli *c)
{
	struct run_options limits = { 0 };
	struct options over;
	struct err e = { 0 };
	int code;

	options_init(&over);
	if (cli_run_options(&c->args, &limits, &e) != 0 ||
	    cli_mailbox_options(&c->args, &over, &e) != 0 ||
	    options_absolute(&over, &e) != 0)
		code = cli_fail(c, &e);
	else
		code = run_with(c, &over);
	options_release(&over);
	return code;
}

const struct command command_run = {
	.name = "run",
	.operands = "[MAILBOX...]",
	.summary = "go on with everything that is not finished",
	.text = "Moves what is left of each mailbox; of a finished one, what "
	        "is new since (a\ndelta pass). It may be stopped and run "
	        "again at any time: nothing is lost and\nnothing arrives "
	        "twice. MAILBOX is a name from the job store or a pattern "
	        "like\n'*@example.com'; none: all.\n\n"
	        "Options that belong to a mailbox are kept with it. Changed "
	        "options on a mailbox\nthat has begun apply from the next "
	        "pass.\n\n"
	        "Exit: 0 all moved, 1 problems, 2 not finished (run again), "
	        "3 you are needed.\n",
	.operands_max = 1u << 20,
	.tables = { opts_items, opts_run, opts_json, opts_mailbox,
	            opts_common },
	.run = run_run,
};
