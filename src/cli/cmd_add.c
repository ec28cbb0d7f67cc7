/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_add.c - mailhaul add: puts mailboxes into the store. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/add.h"
#include "cli/add_csv.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/text.h"

static json_t *names_of(const struct string_list *l)
{
	json_t *v = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(v, json_text(l->v[i]));
	return v;
}

static void tell_json(const char *name, bool known,
                      const struct string_list *partners)
{
	json_t *o = json_head("command", "add");

	json_object_set_new(o, "added",
	                    known ? json_array()
	                          : json_pack("[o]", json_text(name)));
	json_object_set_new(o, "known",
	                    known ? json_pack("[o]", json_text(name))
	                          : json_array());
	json_object_set_new(o, "joins", names_of(partners));
	json_line(o);
}

static void tell_joins(struct cli *c, const char *name,
                       const struct string_list *partners)
{
	CLEANUP(free_p) char *plan = cli_command_line(c, "plan", name);
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (partners->n > 0 && plan != NULL &&
	    add_joins_words(&b, name, partners) == 0)
		printf("%s See first what is new: %s\n", b.p, plan);
}

static void tell(struct cli *c, struct store *s, const char *name, bool known)
{
	CLEANUP(free_p) char *run = cli_command_line(c, "run", name);
	struct string_list partners = { 0 };
	struct err e = { 0 };

	if (add_partners(s, name, &partners, &e) != 0)
		talk_err(&c->talk, &e);
	if (c->json) {
		tell_json(name, known, &partners);
	} else if (!c->quiet && run != NULL) {
		printf(known ? "'%s' was in the job store already; its "
		               "options are up to date. Go on with: %s\n"
		             : "Added '%s'. Move it with: %s\n",
		       name, run);
		tell_joins(c, name, &partners);
	}
	string_list_release(&partners);
}

static int add_pair(struct cli *c, const struct options *o)
{
	CLEANUP(free_p) char *name = NULL;
	const char *wish = opt_value(&c->args, "name");
	struct mailbox m = { 0 };
	struct err e = { 0 };
	struct store *s;
	bool known = false;
	int code;

	if (mailbox_fill(&m, c->args.operand[0], c->args.operand[1], wish, o,
	                 &e) != 0)
		return cli_fail(c, &e);
	if (opt_given(&c->args, "dry-run")) {
		talk_say(&c->talk, "Both ends are well written. Nothing was "
		                   "added.");
		mailbox_release(&m);
		return 0;
	}
	code = cli_store(c, true, &s);
	if (code == 0 && add_one(s, &m, o, &known, &name, &e) != 0)
		code = cli_fail(c, &e);
	if (code == 0)
		tell(c, s, name, known);
	mailbox_release(&m);
	store_close(&s);
	return code;
}

static int check_usage(struct cli *c)
{
	bool pair = c->args.operands == 2;

	if (pair && (opt_given(&c->args, "from-template") ||
	             opt_given(&c->args, "to-template")))
		talk_warn(&c->talk, "mailhaul: --from-template and "
		                    "--to-template go with a CSV file, not "
		                    "with FROM and TO.");
	else if (!pair && opt_given(&c->args, "name"))
		talk_warn(&c->talk, "mailhaul: --name goes with FROM and TO; "
		                    "in a CSV file it is a column.");
	else
		return 0;
	return EXIT_USAGE;
}

static int run_add(struct cli *c)
{
	struct run_options limits = { 0 };
	struct options o;
	struct err e = { 0 };
	int code = check_usage(c);

	if (code != 0)
		return code;
	options_init(&o);
	if (cli_run_options(&c->args, &limits, &e) != 0 ||
	    cli_mailbox_options(&c->args, &o, &e) != 0 ||
	    options_absolute(&o, &e) != 0)
		code = cli_fail(c, &e);
	else
		code = c->args.operands == 2 ? add_pair(c, &o) : add_csv(c, &o);
	if (code == 0 && (limits.mailboxes != 0 || limits.memory != 0))
		talk_say(&c->talk, "--mailboxes and --memory belong to a run: "
		                   "give them to 'mailhaul run'.");
	options_release(&o);
	return code;
}

static const struct opt own[] = {
	{ "name", 0, "N", 0, "what to call the mailbox (else its user)" },
	{ "from-template", 0, "LOCATOR", 0,
	  "FROM of every row; {user} is the column 'user'" },
	{ "to-template", 0, "LOCATOR", 0, "the same for TO" },
	{ NULL }
};

const struct command command_add = {
	.name = "add",
	.operands = "FROM TO | FILE.csv",
	.summary = "put mailboxes into the job store",
	.text = "Puts one mailbox, or all of a CSV file, into the job store; "
	        "'mailhaul run'\nmoves them. The whole file is checked "
	        "first: every mistake is shown with its\nline, and nothing "
	        "is added if there is one. What is there already stays, "
	        "with\nthe new options.\n\n"
	        "FROM may be an archive: an mbox, a Maildir, a folder of .eml "
	        "files, an Outlook\nfile (PST, OST), or a .zip, .tar, .tgz, "
	        ".gz or .7z of them. A second FROM with\nthe TO of a mailbox "
	        "that is there joins it: only what is not there yet is\n"
	        "copied.\n\n"
	        "Columns: from, to (required); name; from_password, "
	        "from_password_file,\nfrom_password_command and the same "
	        "with to_; any option below with _ for -.\nA password stays "
	        "in the CSV and is read there again at each run. With the\n"
	        "templates a file with one column 'user' will do.\n",
	.operands_min = 1,
	.operands_max = 2,
	.tables = { own, opts_run, opts_json, opts_mailbox, opts_common },
	.run = run_add,
};
