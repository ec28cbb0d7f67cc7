/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - usage and help, printed from the tables that parse. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/text.h"

static size_t width(void)
{
	size_t columns, rows;

	if (!isatty(STDOUT_FILENO))
		return 79;
	talk_screen(STDOUT_FILENO, &columns, &rows);
	return columns < 60 ? 60 : columns > 100 ? 100 : columns;
}

int help_overview(void)
{
	printf("mailhaul moves mailboxes. The source is never changed; "
	       "nothing is lost and\nnothing arrives twice, however often "
	       "it is interrupted.\n\n"
	       "  mailhaul copy imaps://ann%%40example.com@imap.example.com "
	       "\\\n"
	       "                imaps://ann@mail.example.org\n\n"
	       "Commands:\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nFROM and TO:\n"
	       "  imaps://USER@HOST[:993]   IMAP with TLS; an @ in USER is "
	       "written %%40\n"
	       "  imap://USER@HOST[:143]    IMAP with STARTTLS\n"
	       "  m365:ADDRESS              Microsoft 365, by IMAP or Graph "
	       "(TO only); by one of\n"
	       "                            them: m365+imap:, m365+graph:\n"
	       "  maildir:PATH              a Maildir; TO: a backup on your "
	       "disk\n"
	       "  PATH                      an archive (FROM only), its kind "
	       "found from content:\n"
	       "                            mbox, Maildir, .eml files, Outlook "
	       "(PST, OST), or a\n"
	       "                            .zip, .tar, .tgz, .gz or .7z of "
	       "them; as one kind\n"
	       "                            only: mbox:PATH, maildir:PATH, "
	       "eml:PATH, pst:PATH\n"
	       "\nMailboxes and their state are kept in a job store: --store "
	       "FILE, else\n$MAILHAUL_STORE, else ./mailhaul.db. Passwords "
	       "are never arguments and never\nstored: mailhaul asks, or see "
	       "'mailhaul help copy'.\n"
	       "\nMore: mailhaul help COMMAND, man mailhaul\n");
	return 0;
}

int help_command(const struct command *c)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);

	if (buf_fmt(&b, "Usage: mailhaul %s%s%s [OPTION...]\n\n%s\nOptions:\n",
	            c->name, *c->operands ? " " : "", c->operands,
	            c->text) != 0)
		return EXIT_FAULT;
	for (size_t i = 0; c->tables[i] != NULL; i++)
		if (opt_help(&b, c->tables[i], width()) != 0)
			return EXIT_FAULT;
	cli_print(&b);
	return 0;
}

static int run_help(struct cli *c)
{
	const struct command *about;

	if (c->args.operands == 0)
		return help_overview();
	about = command_find(c->args.operand[0]);
	if (about != NULL)
		return help_command(about);
	command_unknown(&c->talk, c->args.operand[0]);
	return EXIT_USAGE;
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "explain a command",
	.text = "Explains a command and lists its options.\n",
	.operands_max = 1,
	.tables = { opts_common },
	.run = run_help,
};
