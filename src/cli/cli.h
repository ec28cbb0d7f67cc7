/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands share. main() finds the command, parses its
 * options and calls its function, which returns the exit code.
 *
 * stdout is the answer, stderr is talk (talk.h). Only cli/ prints or asks.
 */
#ifndef MAILHAUL_CLI_CLI_H
#define MAILHAUL_CLI_CLI_H

#include "cli/jobs.h"
#include "cli/opt.h"
#include "cli/secret.h"
#include "cli/signals.h"
#include "cli/talk.h"
#include "mailhaul/store.h"
#include "mailhaul/transfer.h"

struct cli {
	struct parsed args;
	const char *store; /* path of the job store */
	bool store_named;  /* by --store: hints repeat it */
	bool json, quiet, yes;
	struct talk talk;
	struct vault vault;
};

struct command {
	const char *name;
	const char *operands; /* for the usage, "" if none */
	const char *summary;  /* one line of the help */
	const char *text;     /* paragraphs, lines end with \n */
	size_t operands_min, operands_max;
	const struct opt *tables[OPT_TABLES + 1];
	int (*run)(struct cli *c);
};

extern const struct command *const commands[]; /* NULL-terminated */
extern const struct command command_add, command_check, command_copy,
        command_help, command_login, command_plan, command_problems,
        command_report, command_run, command_status, command_verify;
const struct command *command_find(const char *name);
/* The sentence for a command that is none, or none yet. */
void command_unknown(struct talk *t, const char *name);

/* options.c: tables that several commands share. */
extern const struct opt opts_common[], opts_json[], opts_mailbox[], opts_run[];
/* The options of the command line that belong to a mailbox. */
int cli_mailbox_options(const struct parsed *p, struct options *o,
                        struct err *e);
/* Only what limits a run as a whole; EC_INPUT. */
int cli_run_options(const struct parsed *p, struct run_options *o,
                    struct err *e);

/* cmd_help.c: to stdout, 0. */
int help_overview(void);
int help_command(const struct command *c);

/* Says e and returns the exit code it means. */
int cli_fail(struct cli *c, const struct err *e);
/* Opens the store; says why not and gives the exit code, else 0. */
int cli_store(struct cli *c, bool create, struct store **s);
/* Mailboxes of the operands as jobs; an exit code, or 0. */
int cli_jobs(struct cli *c, struct store *s, struct jobs *j,
             const struct options *over);
/* "mailhaul [--store F] COMMAND NAME": malloc'd, NULL: memory. */
char *cli_command_line(const struct cli *c, const char *command,
                       const char *mailbox);
/* True if a person says yes, or --yes, or there is nobody to ask. */
bool cli_confirm(struct cli *c, const char *question);
/* The higher of two exit codes of a fleet: a fault beats 3, 2, 1, 0. */
int cli_worst(int a, int b);
/* signals_start() once; the exit code if it fails. */
int cli_signals(struct cli *c, const char *message);
/* Columns of stdout's terminal, 0: it is none, cut nothing. */
size_t cli_width(void);
/* cmd_status.c: "new", "running", "finished", ... of docs/json.md. */
const char *cli_state(struct store *s, const struct mailbox *m);
/* Prints b to stdout. */
void cli_print(const struct buf *b);

/* What copy and run, plan and verify share. */
int cli_run(struct cli *c, struct store *s, struct jobs *j);
int cli_plan(struct cli *c, struct store *s, struct jobs *j);
int cli_verify(struct cli *c, struct store *s, struct jobs *j, bool deep,
               bool as_event);

#endif
