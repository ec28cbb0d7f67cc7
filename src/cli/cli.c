/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - what every command needs: the store, errors, questions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/text.h"

int cli_fail(struct cli *c, const struct err *e)
{
	talk_err(&c->talk, e);
	return transfer_exit_code(e);
}

int cli_store(struct cli *c, bool create, struct store **s)
{
	struct err e = { 0 };

	*s = NULL;
	if (!create && access(c->store, F_OK) != 0 && errno == ENOENT) {
		err_setf(&e, ERR_RUN, NEXT_GIVE_UP, EC_STORE,
		         "There is no job store '%.160s'. 'mailhaul copy' and "
		         "'mailhaul add' make one; if yours is elsewhere, name "
		         "it with --store FILE.",
		         c->store);
		return cli_fail(c, &e);
	}
	if (store_open(s, c->store, create, &e) != 0)
		return cli_fail(c, &e);
	return 0;
}

int cli_jobs(struct cli *c, struct store *s, struct jobs *j,
             const struct options *over)
{
	struct err e = { 0 };

	if (jobs_load(j, s, &c->vault, c->args.operand, c->args.operands, over,
	              &e) != 0)
		return cli_fail(c, &e);
	if (j->n > 0)
		return 0;
	err_setf(&e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	         "There is no mailbox in the job store '%.200s' yet. Add one "
	         "with: mailhaul add FROM TO",
	         c->store);
	return cli_fail(c, &e);
}

char *cli_command_line(const struct cli *c, const char *command,
                       const char *mailbox)
{
	struct buf b = BUF_INIT(1 << 16);

	if (buf_str(&b, "mailhaul ") != 0 || buf_str(&b, command) != 0 ||
	    (c->store_named && (buf_str(&b, " --store ") != 0 ||
	                        text_shell(&b, c->store) != 0)) ||
	    (mailbox != NULL &&
	     (buf_chr(&b, ' ') != 0 || text_shell(&b, mailbox) != 0))) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

bool cli_confirm(struct cli *c, const char *question)
{
	char answer[16];

	if (c->yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

/* 73, 70, 65 and 75 concern one mailbox of several only if nothing worse
 * happened to the others; a fleet's own answer is 3, 2, 1 or 0. */
static int weight(int code)
{
	static const int order[] = { EXIT_ALL_MOVED,  EXIT_PROBLEMS,
		                     EXIT_UNFINISHED, EXIT_PERSON,
		                     EXIT_BUSY,       EXIT_INPUT,
		                     EXIT_USAGE,      EXIT_STORE,
		                     EXIT_FAULT };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i] == code)
			return (int)i;
	return (int)(sizeof(order) / sizeof(order[0]));
}

int cli_worst(int a, int b)
{
	return weight(a) >= weight(b) ? a : b;
}

void cli_print(const struct buf *b)
{
	if (b->n > 0)
		fwrite(b->p, 1, b->n, stdout);
}

size_t cli_width(void)
{
	size_t columns, rows;

	if (!isatty(STDOUT_FILENO))
		return 0;
	talk_screen(STDOUT_FILENO, &columns, &rows);
	return columns;
}

int cli_signals(struct cli *c, const char *message)
{
	struct err e = { 0 };

	if (signals_start(&c->talk, message) == 0)
		return 0;
	err_setf(&e, ERR_RUN, NEXT_GIVE_UP, EC_INTERNAL,
	         "The system lets mailhaul start no thread. Close other "
	         "programs and try again.");
	return cli_fail(c, &e);
}
