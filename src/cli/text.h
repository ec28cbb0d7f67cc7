/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - numbers, sizes, times and columns for people. Pure; text is
 * UTF-8 and measured in terminal columns. Functions that write to a
 * struct buf return its -1; the others fill a struct word, which holds
 * anything they make.
 */
#ifndef MAILHAUL_CLI_TEXT_H
#define MAILHAUL_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct word {
	char s[32];
};

struct word text_count(uint64_t n);      /* 1,234,567 */
struct word text_size(uint64_t octets);  /* 1.5 MB, of 1024 */
struct word text_duration(uint64_t sec); /* 2 h 10 min */
/* Local time: 14:05, or 2024-05-01 14:05 if that is another day than now. */
struct word text_time(int64_t sec, int64_t now);

/* "1 message", "2,000 messages" */
int text_plural(struct buf *b, uint64_t n, const char *one, const char *many);
/* Columns of s on a terminal. */
size_t text_width(const char *s);
/* s, at most width columns; what is longer is cut and ends with '…'.
 * Control and direction characters become '?', so that a stranger's words
 * cannot steer the terminal. */
int text_cut(struct buf *b, const char *s, size_t width);
int text_clean(struct buf *b, const char *s);
/* Words of s from column indent on, in lines of at most width. */
int text_wrap(struct buf *b, const char *s, size_t indent, size_t width);
/* s as one word of a shell, quoted only if it needs it. */
int text_shell(struct buf *b, const char *s);

/*
 * A table: cells are added left to right, row by row; the columns become
 * as wide as they must, the widest is cut if the whole is wider than width
 * (0: never).
 */
struct table {
	size_t columns;
	unsigned right;  /* bit i: column i is set to the right */
	unsigned hidden; /* bit i: column i is not printed; not the last */
	char **cell;
	size_t n, cap;
	bool failed; /* a cell could not be added: memory */
};
#define TABLE_COLUMNS 12
void table_init(struct table *t, size_t columns, unsigned right);
void table_add(struct table *t, const char *cell); /* "" if NULL */
int table_print(struct buf *b, const struct table *t, size_t width);
void table_release(struct table *t);

#endif
