/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.h - options as data: one table serves parsing, usage and help.
 *
 *   opt_parse(&p, tables, argc, argv, &err);   argv without the command
 *   opt_given(&p, "json"), opt_value(&p, "store"), p.operand[i]
 *   opt_release(&p);
 *
 * Options may stand before, between and after operands; "--" ends them;
 * "--name value" and "--name=value" are the same. Pure: nothing is printed.
 */
#ifndef MAILHAUL_CLI_OPT_H
#define MAILHAUL_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "mailhaul/err.h"
#include "util/buf.h"

enum opt_flags {
	OPT_REPEAT = 1 << 0, /* may be given several times */
	OPT_YES_NO = 1 << 1, /* a flag that also takes =yes or =no */
	OPT_MAILBOX = 1 << 2 /* belongs to the mailbox: options_set() */
};

/* A table ends with a NULL name. */
struct opt {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	const char *arg;  /* what it takes, for the help; NULL: a flag */
	unsigned flags;
	const char *help;
};

struct opt_value {
	const struct opt *opt;
	const char *value; /* "" for a flag */
};

struct parsed {
	struct opt_value *v;
	size_t n;
	const char **operand;
	size_t operands;
};

#define OPT_TABLES 6 /* at most, then NULL */

/* EC_USAGE with a sentence, and a guess at what was meant. Values and
 * operands are borrowed from argv. */
int opt_parse(struct parsed *p, const struct opt *const *tables, int argc,
              char **argv, struct err *e);
void opt_release(struct parsed *p);
bool opt_given(const struct parsed *p, const char *name);
/* The last value, "" for a flag, NULL: not given. */
const char *opt_value(const struct parsed *p, const char *name);

/* Index of the first operand in argv, or -1: where the command's name is. */
int opt_first_operand(const struct opt *const *tables, int argc, char **argv);

/* The option in the tables, or NULL. */
const struct opt *opt_find(const struct opt *const *tables, const char *name,
                           size_t len);

/* Of n words, the one that word was probably meant to be, or NULL. */
const char *opt_suggest(const char *word, const char *const *words, size_t n);

/* "  --max-size SIZE   help", wrapped to width columns. */
int opt_help(struct buf *b, const struct opt *table, size_t width);

#endif
