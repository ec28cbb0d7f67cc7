/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_copy.c - mailhaul copy: the whole job of one mailbox in one line. */
#include <stdlib.h>

#include "cli/add.h"
#include "cli/cli.h"
#include "cli/items.h"
#include "util/buf.h"

static int go(struct cli *c, struct store *s, const char *name)
{
	const char *const names[] = { name };
	struct jobs j = { 0 };
	struct err e = { 0 };
	int code;

	if (jobs_load(&j, s, &c->vault, names, 1, NULL, &e) != 0)
		code = cli_fail(c, &e);
	else
		code = cli_run(c, s, &j);
	if ((code == EXIT_ALL_MOVED || code == EXIT_PROBLEMS) &&
	    !opt_given(&c->args, "dry-run"))
		code = cli_worst(code, cli_verify(c, s, &j, false, true));
	jobs_release(&j);
	return code;
}

static void say_joins(struct cli *c, struct store *s, const char *name)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	struct string_list partners = { 0 };
	struct err e = { 0 };

	if (add_partners(s, name, &partners, &e) == 0 && partners.n > 0 &&
	    add_joins_words(&b, name, &partners) == 0)
		talk_say(&c->talk, "%s", b.p);
	string_list_release(&partners);
}

static int copy_with(struct cli *c, struct options *o)
{
	CLEANUP(free_p) char *name = NULL;
	struct mailbox m = { 0 };
	struct err e = { 0 };
	struct store *s;
	bool known;
	int code;

	if (mailbox_fill(&m, c->args.operand[0], c->args.operand[1],
	                 opt_value(&c->args, "name"), o, &e) != 0)
		return cli_fail(c, &e);
	code = cli_store(c, true, &s);
	if (code == 0) {
		if (add_one(s, &m, o, &known, &name, &e) != 0)
			code = cli_fail(c, &e);
		else if (known)
			talk_say(&c->talk,
			         "This mailbox is in the job store as '%s': "
			         "going on with it.",
			         name);
	}
	mailbox_release(&m);
	if (code == 0) {
		say_joins(c, s, name);
		code = go(c, s, name);
	}
	store_close(&s);
	return code;
}

static int run_copy(struct cli *c)
{
	struct run_options limits = { 0 };
	struct options o;
	struct err e = { 0 };
	int code;

	options_init(&o);
	if (cli_run_options(&c->args, &limits, &e) != 0 ||
	    cli_mailbox_options(&c->args, &o, &e) != 0 ||
	    options_absolute(&o, &e) != 0)
		code = cli_fail(c, &e);
	else
		code = copy_with(c, &o);
	options_release(&o);
	return code;
}

static const struct opt own[] = {
	{ "name", 0, "N", 0, "what to call the mailbox (else its user)" },
	{ NULL }
};

const struct command command_copy = {
	.name = "copy",
	.operands = "FROM TO",
	.summary = "move one mailbox and verify it: the whole job",
	.text = "Puts one mailbox into the job store, moves it and verifies "
	        "it. The source is\nnever changed. The same line again goes "
	        "on where it stopped.\n\n"
	        "Passwords are never arguments. MAILHAUL_FROM_PASSWORD and "
	        "MAILHAUL_TO_PASSWORD,\na file, a command (see below); else "
	        "mailhaul asks on the terminal.\n\n"
	        "Exit: 0 all moved and proven, 1 problems or differences, 2 "
	        "not finished (the\nsame line again goes on), 3 you are "
	        "needed.\n",
	.operands_min = 2,
	.operands_max = 2,
	.tables = { own, opts_items, opts_run, opts_json, opts_mailbox,
	            opts_common },
	.run = run_copy,
};
