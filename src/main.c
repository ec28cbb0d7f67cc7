/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - finds the command, parses its options, calls it. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/child.h"
#include "cli/cli.h"
#include "util/log.h"

#define STORE_DEFAULT "./mailhaul.db"

const struct command *const commands[] = {
	&command_copy,   &command_add,    &command_check,  &command_plan,
	&command_run,    &command_status, &command_verify, &command_problems,
	&command_report, &command_login,  &command_help,   NULL
};

/* Of the command line's contract, built later. */
static const char *const planned[] = { "setup", "discover" };
#define PLANNED (sizeof(planned) / sizeof(planned[0]))

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

void command_unknown(struct talk *t, const char *name)
{
	const char *words[32], *guess;
	size_t n = 0;

	for (size_t i = 0; i < PLANNED; i++)
		if (strcmp(planned[i], name) == 0) {
			talk_warn(t,
			          "mailhaul: '%s' is not in this version. "
			          "'mailhaul help' lists what is.",
			          name);
			return;
		}
	for (size_t i = 0; commands[i] != NULL; i++)
		words[n++] = commands[i]->name;
	guess = opt_suggest(name, words, n);
	if (guess != NULL)
		talk_warn(t,
		          "mailhaul: There is no command '%s'. Did you mean "
		          "'%s'?",
		          name, guess);
	else
		talk_warn(t,
		          "mailhaul: There is no command '%s'. 'mailhaul "
		          "help' lists them.",
		          name);
}

static void find_store(struct cli *c)
{
	const char *named = opt_value(&c->args, "store");
	const char *variable = getenv("MAILHAUL_STORE");

	c->store_named = named != NULL;
	c->store = named != NULL                           ? named
	           : variable != NULL && *variable != '\0' ? variable
	                                                   : STORE_DEFAULT;
}

static int usage(struct cli *c, const struct command *cmd, const struct err *e)
{
	talk_err(&c->talk, e);
	talk_warn(&c->talk, "Usage: mailhaul %s%s%s [OPTION...]", cmd->name,
	          *cmd->operands ? " " : "", cmd->operands);
	talk_warn(&c->talk, "'mailhaul help %s' explains it.", cmd->name);
	return EXIT_USAGE;
}

static int check_operands(const struct cli *c, const struct command *cmd,
                          struct err *e)
{
	size_t n = c->args.operands;

	if (n < cmd->operands_min)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
		                "'%s' needs %s.", cmd->name, cmd->operands);
	if (n > cmd->operands_max)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
		                "'%s' is one too many for '%s'.",
		                c->args.operand[cmd->operands_max], cmd->name);
	return 0;
}

static int run_command(struct cli *c, const struct command *cmd, int argc,
                       char **argv)
{
	struct err e = { 0 };

	if (opt_parse(&c->args, cmd->tables, argc, argv, &e) != 0)
		return e.code == EC_USAGE ? usage(c, cmd, &e) : cli_fail(c, &e);
	if (opt_given(&c->args, "help"))
		return help_command(cmd);
	if (check_operands(c, cmd, &e) != 0)
		return usage(c, cmd, &e);
	find_store(c);
	c->json = opt_given(&c->args, "json");
	c->yes = opt_given(&c->args, "yes");
	c->quiet = c->talk.quiet = opt_given(&c->args, "quiet");
	c->vault.nobody = c->json || c->quiet;
	if (opt_given(&c->args, "verbose"))
		log_to(talk_log, &c->talk);
	return cmd->run(c);
}

/* No command: what the options alone ask for. */
static int without_command(struct cli *c, int argc, char **argv)
{
	static const struct opt alone[] = { { "help", 'h', NULL, 0, NULL },
		                            { "version", 0, NULL, 0, NULL },
		                            { NULL } };
	const struct opt *const tables[] = { alone, NULL };
	struct err e = { 0 };

	if (opt_parse(&c->args, tables, argc, argv, &e) != 0) {
		talk_err(&c->talk, &e);
		talk_warn(&c->talk, "'mailhaul help' lists the commands.");
		return EXIT_USAGE;
	}
	if (opt_given(&c->args, "version")) {
		printf("mailhaul " MAILHAUL_VERSION "\n");
		return 0;
	}
	help_overview();
	return opt_given(&c->args, "help") ? 0 : EXIT_USAGE;
}

static int dispatch(struct cli *c, int argc, char **argv)
{
	const struct opt *const tables[] = { opts_common, opts_run, opts_json,
		                             opts_mailbox, NULL };
	int at = opt_first_operand(tables, argc, argv);
	const struct command *cmd;
	const char *name;

	if (at < 0)
		return without_command(c, argc, argv);
	name = argv[at];
	cmd = command_find(name);
	if (cmd == NULL) {
		command_unknown(&c->talk, name);
		return EXIT_USAGE;
	}
	memmove(&argv[at], &argv[at + 1], (size_t)(argc - at) * sizeof(*argv));
	return run_command(c, cmd, argc - 1, argv);
}

/* An answer that could not be written is no answer. A reader at the other
 * end of a pipe that has gone away has seen enough. */
static int flush_answer(struct cli *c, int code)
{
	struct stat st;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (fstat(STDOUT_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return code;
	talk_warn(&c->talk, "mailhaul: The answer could not be written to "
	                    "standard output. Is the disk full?");
	return code == 0 ? EXIT_FAULT : code;
}

int main(int argc, char **argv)
{
	struct cli c = { 0 };
	int code;

	if (argc > 1 && strcmp(argv[1], ARCHIVE_CHILD) == 0)
		return archive_child(argc - 2, argv + 2);
	secret_harden();
	setlocale(LC_CTYPE, "");
	tzset();
	talk_init(&c.talk);
	vault_init(&c.vault, &c.talk, signals_stop());
	code = dispatch(&c, argc - 1, argv + 1);
	code = flush_answer(&c, code);
	opt_release(&c.args);
	vault_release(&c.vault);
	talk_release(&c.talk);
	return code;
}
